"""Clauses: the stretches of a text in which a find by sound stays, so that a stream knows all of them once one has ended."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
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


def clauses_of(
    places: Iterable[tuple[int, int]], all_clauses: list[tuple[int, int]], bones: Skeleton
) -> list[tuple[int, int]]:
    """Return the clauses in which places of a text's skeleton could be finds by sound."""
    ends, origins = [end for _, end in all_clauses], bones.origins
    wanted: set[int] = set()
    for begin, stop in places:
        first = bisect_right(ends, int(origins[begin]))
        last = bisect_right(ends, int(origins[stop - 1]))
        if first == last and first not in wanted:
            within = bisect_left(origins, all_clauses[first][0]), bisect_left(origins, ends[first])
            if not is_whole(bones.text, origins, (begin, stop), within):
                continue
        wanted.update(range(first, last + 1))
    return [all_clauses[at] for at in sorted(wanted)]
