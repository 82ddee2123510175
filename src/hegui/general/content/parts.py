"""Characters written in parts: 氵去 is read as 法 where a word could hold it.

The ways to write the characters of a library's words are patterns beside its words. Ordinary text
has next to none of them, so that only a text that does is read once more, with the parts joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from hegui.general.content import tables
from hegui.general.content.matcher import Hit
from hegui.general.content.skeleton import skeleton

LONGEST = 3
"""Parts of one character."""
_ORDERS: tuple[Callable[[Hit], tuple[int, int]], ...] = (
    lambda hit: (hit[0], -hit[1]),
    lambda hit: (hit[0], hit[1]),
    lambda hit: (-hit[1], hit[0]),
)
"""What is joined first where ways overlap: the first and longest, the first and shortest, the last and longest."""


@cache
def _spelt() -> Mapping[str, tuple[str, ...]]:
    """Return how each character is written; parts that are the same one twice (双 as 又又) are no more than a repetition."""
    made = {one: [skeleton(form).text for form in forms] for one, forms in tables.splits().items()}
    whole = {one: [form for form in forms if len(form) > 1] for one, forms in made.items()}
    return {one: tuple(dict.fromkeys(forms)) for one, forms in whole.items() if forms}


def ways(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the ways to write the characters of some words in parts, each with the characters that it may be."""
    found: dict[str, tuple[str, ...]] = {}
    table = _spelt()
    for one in sorted(frozenset[str]().union(*words)):
        for form in table.get(one, ()):
            found[form] = (*found.get(form, ()), one)
    return found


@dataclass(frozen=True, slots=True)
class Reading:
    """A skeleton with parts joined: `starts` and `stops` are the place of each character in the skeleton as it was."""

    text: str
    starts: list[int]
    stops: list[int]


@dataclass(frozen=True)
class Parts:
    """The patterns of a matcher that are characters in parts, by number, and all beginnings of one that go on."""

    characters: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    begins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, found: Mapping[str, tuple[str, ...]], patterns: Iterable[str]) -> Parts:
        """Return the parts of ways, which are among these patterns."""
        begins = frozenset(form[:end] for form in found for end in range(1, len(form)))
        return cls({number: found[form] for number, form in enumerate(patterns) if form in found}, begins)

    def joined(self, other: Parts, size: int) -> Parts:
        """Return both, where the other's patterns are numbered after `size` of these."""
        moved = {number + size: characters for number, characters in other.characters.items()}
        return Parts({**self.characters, **moved}, self.begins | other.begins)

    def readings(self, bones: str, hits: Iterable[Hit], reach: int) -> Iterator[Reading]:
        """Yield the ways to read a skeleton, as far as a word may reach, where some of these patterns were hit."""
        groups: list[list[Hit]] = []
        for hit in hits:
            if hit[2] in self.characters:
                if not groups or hit[0] - groups[-1][-1][1] > 2 * reach:
                    groups.append([])
                groups[-1].append(hit)
        for group in groups:
            low, high = max(0, min(hit[0] for hit in group) - reach), min(len(bones), group[-1][1] + reach)
            yield from self._readings(bones, group, (low, high))

    def _readings(self, bones: str, hits: Sequence[Hit], within: tuple[int, int]) -> Iterator[Reading]:
        seen: set[str] = set()
        for order in _ORDERS if len(hits) > 1 else _ORDERS[:1]:
            chosen = _apart(sorted(hits, key=order)) if len(hits) > 1 else hits
            for pick in range(max(len(self.characters[hit[2]]) for hit in chosen)):
                reading = self._reading(bones, chosen, pick, within)
                if reading.text not in seen:
                    seen.add(reading.text)
                    yield reading

    def _reading(self, bones: str, chosen: Sequence[Hit], pick: int, within: tuple[int, int]) -> Reading:
        ones = [(begin, stop, self.characters[number]) for begin, stop, number in chosen]
        return read(bones, [(begin, stop, of[min(pick, len(of) - 1)]) for begin, stop, of in ones], within)


def read(bones: str, written: Iterable[tuple[int, int, str]], within: tuple[int, int]) -> Reading:
    """Return a part of a skeleton with one character for each `(begin, stop, character)`, which do not overlap."""
    text: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    last, high = within
    for begin, stop, character in written:
        text += (bones[last:begin], character)
        starts += (*range(last, begin), begin)
        stops += (*range(last + 1, begin + 1), stop)
        last = stop
    text.append(bones[last:high])
    starts += range(last, high)
    stops += range(last + 1, high + 1)
    return Reading("".join(text), starts, stops)


def _apart(hits: Iterable[Hit]) -> list[Hit]:
    """Return hits that do not overlap, in their order in the text, those that come first in the order given."""
    taken: dict[int, Hit] = {}
    for hit in hits:
        if taken.keys().isdisjoint(range(hit[0], hit[1])):
            taken.update(dict.fromkeys(range(hit[0], hit[1]), hit))
    return sorted(set(taken.values()))
