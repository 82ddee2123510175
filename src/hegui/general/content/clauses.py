"""Clauses: the stretches of a text in which a find by sound stays, so that a stream knows all of them once one has ended."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from hegui.general.content.skeleton import Skeleton
from hegui.general.content.syllables import is_whole

_PAUSE = re.compile("[，。！？；：、…\r\n,;!?]")
LONGEST_CLAUSE = 64
"""Characters; the most that a stream waits for these lanes."""


def clauses(text: str) -> Iterator[tuple[int, int]]:
    """Yield the clauses of a text, each with the mark that ends it; a longer one is cut at `LONGEST_CLAUSE` characters.

    No find by sound goes beyond its clause, so a stream knows it once the clause has ended. A text
    that begins where a clause of another did has the same clauses from there.
    """
    begin = 0
    for match in _PAUSE.finditer(text):
        yield from _cut(begin, match.end())
        begin = match.end()
    yield from _cut(begin, len(text))


def _cut(begin: int, end: int) -> Iterator[tuple[int, int]]:
    yield from ((at, min(at + LONGEST_CLAUSE, end)) for at in range(begin, end, LONGEST_CLAUSE))


def ended(text: str, units: Callable[[str], Iterable[tuple[int, int]]] = clauses) -> int:
    """Return where the last clause, or other unit, of a text begins that more text could go on with; its length when there is none."""
    last = 0, 0
    for unit in units(text):
        last = unit
    return last[1] if last in units(f"{text}甲") else last[0]


class _Near:
    """The clauses of a text at some of its places, asked for from its beginning on; the rest of the text is not looked at."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begin = self._seen = 0
        """Where the clause begins that was asked for last, before it is cut; from there on no mark stands up to a place."""

    def at(self, place: int) -> tuple[int, int]:
        """Return the clause, as `clauses` yields it, in which a place stands; no place comes before an earlier one."""
        reach, low = LONGEST_CLAUSE, place
        while low > self._seen:
            low = max(self._seen, place - reach)
            marks = [match.end() for match in _PAUSE.finditer(self._text, low, place)]
            if marks:
                self._begin = marks[-1]
                break
            reach *= 4
        self._seen = place
        return self._cut(self._begin, place)

    def after(self, clause: tuple[int, int]) -> tuple[int, int]:
        """Return the clause that comes after one."""
        return self._cut(clause[1], clause[1])  # whether a mark ended it or its length, the next is measured from there

    def _cut(self, begin: int, place: int) -> tuple[int, int]:
        start = begin + (place - begin) // LONGEST_CLAUSE * LONGEST_CLAUSE
        most = min(start + LONGEST_CLAUSE, len(self._text))
        mark = _PAUSE.search(self._text, place, most)
        return start, mark.end() if mark else most


def clauses_of(places: Iterable[tuple[int, int]], text: str, bones: Skeleton) -> list[tuple[int, int]]:
    """Return the clauses in which places of a text's skeleton could be finds by sound."""
    near, origins = _Near(text), bones.origins
    wanted: set[tuple[int, int]] = set()
    for begin, stop in sorted(places):
        clause, last = near.at(int(origins[begin])), int(origins[stop - 1])
        if last < clause[1] and clause not in wanted:
            within = bisect_left(origins, clause[0]), bisect_left(origins, clause[1])
            if not is_whole(bones.text, origins, (begin, stop), within):
                continue
        wanted.add(clause)
        while clause[1] <= last:
            clause = near.after(clause)
            wanted.add(clause)
    return sorted(wanted)
