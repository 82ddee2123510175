"""One interface over two multi-pattern engines: daachorse, and ahocorasick_rs where it has no wheel.

Both look through bytes, two for a character (`skeleton.UNITS`): that is faster than through text, which
they would have to encode first, and a skeleton is there in that form anyway.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import chain
from typing import Any, Protocol

from hegui.general.content.skeleton import UNITS, Skeleton

Hit = tuple[int, int, int]
"""Start and end in characters, and the number of the pattern."""
_BEYOND = "\U00010000"


class Matcher(Protocol):
    """Finds every occurrence of every pattern, overlapping ones too, in the order of their ends."""

    def find(self, text: str) -> Sequence[Hit]:
        """Return all hits in a text."""
        ...

    def look(self, bones: Skeleton) -> Sequence[Hit]:
        """Return all hits in a skeleton."""
        ...

    def in_bytes(self, data: bytes) -> Sequence[Hit]:
        """Return all hits in bytes, places counted in bytes."""
        ...


class NoPatterns:
    """The matcher of an empty library."""

    def find(self, _text: str) -> Sequence[Hit]:
        """Return nothing."""
        return ()

    def look(self, _bones: Skeleton) -> Sequence[Hit]:
        """Return nothing."""
        return ()

    def in_bytes(self, _data: bytes) -> Sequence[Hit]:
        """Return nothing."""
        return ()


class Joined:
    """Two matchers as one, without building either again; the second's patterns are numbered after the first's."""

    def __init__(self, first: Matcher, second: Matcher, first_size: int) -> None:
        self._first, self._second, self._size = first, second, first_size

    def find(self, text: str) -> Sequence[Hit]:
        """Return the hits of both in a text, in the order of their ends."""
        return self._both(self._first.find(text), self._second.find(text))

    def look(self, bones: Skeleton) -> Sequence[Hit]:
        """Return the hits of both in a skeleton, in the order of their ends."""
        return self._both(self._first.look(bones), self._second.look(bones))

    def in_bytes(self, data: bytes) -> Sequence[Hit]:
        """Return the hits of both in bytes, in the order of their ends."""
        return self._both(self._first.in_bytes(data), self._second.in_bytes(data))

    def _both(self, found: Sequence[Hit], more: Sequence[Hit]) -> Sequence[Hit]:
        if not more:
            return found
        return _in_order(chain(found, ((start, end, number + self._size) for start, end, number in more)))


class _ByUnits(ABC):
    """What both engines share: characters as units of two bytes, and the way back."""

    @abstractmethod
    def in_bytes(self, data: bytes) -> Sequence[Hit]:
        """Return all hits in bytes, places counted in bytes."""

    def look(self, bones: Skeleton) -> Sequence[Hit]:
        """Return all hits in a skeleton."""
        return self.find(bones.text) if bones.units is None else self._find(bones.units)

    def find(self, text: str) -> Sequence[Hit]:
        """Return all hits in a text."""
        units = text.encode(UNITS, "surrogatepass")
        found = self._find(units)
        if not found or len(units) == 2 * len(text):
            return found
        # A character beyond the basic plane is two units.
        places = [at for at, one in enumerate(text) for _ in range(1 + (one >= _BEYOND))] + [len(text)]
        return [(places[start], places[end], number) for start, end, number in found]

    def _find(self, units: bytes) -> Sequence[Hit]:
        found = self.in_bytes(units)
        # What begins at an odd byte is half of one character and half of the next.
        return [(start >> 1, end >> 1, number) for start, end, number in found if not start & 1] if found else ()


class DaachorseMatcher(_ByUnits):
    """The faster engine; wheels for x86-64."""

    def __init__(self, patterns: Sequence[str], encoding: str = UNITS) -> None:
        from daachorse import DoubleArrayAhoCorasick  # noqa: PLC0415 - not on every machine

        self._automaton: Any = DoubleArrayAhoCorasick(_encoded(patterns, encoding))

    def in_bytes(self, data: bytes) -> Sequence[Hit]:
        """Return all hits in bytes, places counted in bytes."""
        return self._automaton.find_overlapping(data)  # type: ignore[no-any-return]


class AhoCorasickMatcher(_ByUnits):
    """The engine with wheels everywhere, arm64 too."""

    def __init__(self, patterns: Sequence[str], encoding: str = UNITS) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation  # noqa: PLC0415 - not on every machine

        self._automaton: Any = BytesAhoCorasick(
            _encoded(patterns, encoding), implementation=Implementation.ContiguousNFA
        )

    def in_bytes(self, data: bytes) -> Sequence[Hit]:
        """Return all hits in bytes, places counted in bytes."""
        hits = self._automaton.find_matches_as_indexes(data, overlapping=True)
        return _in_order((start, end, number) for number, start, end in hits) if hits else ()


def _encoded(patterns: Sequence[str], encoding: str) -> list[bytes]:
    return [pattern.encode(encoding, "surrogatepass") for pattern in patterns]


def _in_order(hits: Iterable[Hit]) -> Sequence[Hit]:
    return sorted(hits, key=lambda hit: (hit[1], hit[0]))


def engines() -> list[type[DaachorseMatcher | AhoCorasickMatcher]]:
    """Return the engines that this machine has, the preferred one first."""
    found: list[type[DaachorseMatcher | AhoCorasickMatcher]] = []
    if find_spec("daachorse"):
        found.append(DaachorseMatcher)
    if find_spec("ahocorasick_rs"):
        found.append(AhoCorasickMatcher)
    return found


def build(patterns: Sequence[str], encoding: str = UNITS) -> Matcher:
    """Build a matcher over distinct, non-empty patterns; one of another encoding than `UNITS` is for bytes alone."""
    return engines()[0](patterns, encoding) if patterns else NoPatterns()
