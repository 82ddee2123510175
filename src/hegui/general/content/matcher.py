"""One interface over two multi-pattern engines: daachorse, and ahocorasick_rs where it has no wheel."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Protocol

Hit = tuple[int, int, int]
"""Start and end in characters, and the number of the pattern."""


class Matcher(Protocol):
    """Finds every occurrence of every pattern, overlapping ones too, in the order of their ends."""

    def find(self, text: str) -> Sequence[Hit]:
        """Return all hits."""
        ...


class NoPatterns:
    """The matcher of an empty library."""

    def find(self, _text: str) -> Sequence[Hit]:
        """Return nothing."""
        return ()


class Joined:
    """Two matchers as one, without building either again; the second's patterns are numbered after the first's."""

    def __init__(self, first: Matcher, second: Matcher, first_size: int) -> None:
        self._first, self._second, self._size = first, second, first_size

    def find(self, text: str) -> Sequence[Hit]:
        """Return the hits of both in the order of their ends."""
        found = self._first.find(text)
        more = self._second.find(text)
        if not more:
            return found
        both = [*found, *((start, end, number + self._size) for start, end, number in more)]
        return sorted(both, key=lambda hit: (hit[1], hit[0]))


class DaachorseMatcher:
    """The faster engine; wheels for x86-64."""

    def __init__(self, patterns: Sequence[str]) -> None:
        from daachorse import CharwiseDoubleArrayAhoCorasick  # noqa: PLC0415 - not on every machine

        self._automaton: Any = CharwiseDoubleArrayAhoCorasick(list(patterns))

    def find(self, text: str) -> Sequence[Hit]:
        """Return all hits."""
        return self._automaton.find_overlapping(text)  # type: ignore[no-any-return]


class AhoCorasickMatcher:
    """The engine with wheels everywhere, arm64 too."""

    def __init__(self, patterns: Sequence[str]) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation  # noqa: PLC0415 - not on every machine

        self._automaton: Any = AhoCorasick(list(patterns), implementation=Implementation.ContiguousNFA)

    def find(self, text: str) -> Sequence[Hit]:
        """Return all hits."""
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        return sorted(((start, end, number) for number, start, end in hits), key=lambda hit: (hit[1], hit[0]))


def engines() -> list[type[DaachorseMatcher | AhoCorasickMatcher]]:
    """Return the engines that this machine has, the preferred one first."""
    found: list[type[DaachorseMatcher | AhoCorasickMatcher]] = []
    if find_spec("daachorse"):
        found.append(DaachorseMatcher)
    if find_spec("ahocorasick_rs"):
        found.append(AhoCorasickMatcher)
    return found


def build(patterns: Sequence[str]) -> Matcher:
    """Build a matcher over distinct, non-empty patterns."""
    return engines()[0](patterns) if patterns else NoPatterns()
