"""Latin words in another dress: letters repeated (mmaarrkk), regional indicators for letters (🇲ark).

`ll` and `oo` are ordinary in Latin words, and regional indicators make flags, so the skeleton undoes neither. A text that
has them is read once more, for the library's Latin words alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from hegui.general.content.parts import Reading, read
from hegui.general.content.skeleton import BONES, BREAK, REPEATS, SEPARATOR, Skeleton

MOST = 1 + REPEATS
"""Times that a letter may stand in a row, so that no stream waits for more."""
LEAST = 5
"""Letters of a word that is looked for so: `god` is not meant by `good`."""
_MORE = 2
"""Letters that have to be there beyond the word's own: `comma` is not `coma`."""
_FIRST = 0x1F1E6
_REGIONAL = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + 25)}]")
_LETTERS = {_FIRST + at: chr(ord("a") + at) for at in range(26)}
_DOUBLED = frozenset("bcdefglmnoprstz")
"""Letters that words are spelt with twice in a row."""
_REPEATED = re.compile("([a-z])\\1+")
_RUNS = re.compile("([a-z])\\1*|.")
"""What `once` leaves one character of: digits are not repeated to hide a word, for 2000 is no 20."""


def once(word: str) -> str:
    """Return a word with each letter that is repeated once."""
    return _REPEATED.sub("\\1", word)


def with_letters(text: str) -> str:
    """Return a text with letters for regional indicators, each at its place."""
    return text.translate(_LETTERS) if _REGIONAL.search(text) else text


def is_dressed(text: str, bones: Skeleton) -> bool:
    """Say whether a text holds letters in another dress."""
    return (bones.unusual and _REGIONAL.search(text) is not None) or bones.repeats_letters


def reading(bones: Skeleton, text: str) -> Reading:
    """Return the skeleton of a text with repeated letters once; too many with nothing between are no letter any more."""
    found = []
    for match in _REPEATED.finditer(bones.text):
        begins = [match.start(), match.end()]
        if len(match[0]) > MOST:
            begins = [*stretches(bones, text, *match.span()), match.end()]
        is_letter = all(stop - begin <= MOST for begin, stop in pairwise(begins))
        found.append((match.start(), match.end(), match[1] if is_letter else BREAK))
    return read(bones.text, found, (0, len(bones.text)))


def stretches(bones: Skeleton, text: str, first: int, last: int) -> list[int]:
    """Return where the stretches of a run of letters begin, between which there are separators: a word can begin with any."""
    origins = bones.origins
    return [first] + [
        at for at in range(first + 1, last)
        if any(BONES[one] == SEPARATOR for one in text[int(origins[at - 1]) + 1 : int(origins[at])])
    ]  # fmt: skip


def places(bones: Skeleton, text: str, read_as: Reading, hit: tuple[int, int]) -> Iterator[tuple[int, int, list[int]]]:
    """Yield where a word can begin and end that a reading holds, and how often each letter stands; it ends as soon as it can.

    In `mmarrker-r` the last letter is another word, as in a stream that ended before it, and in `am mmarrker` the first.
    """
    begin, stop = hit
    sizes = [read_as.stops[at] - read_as.starts[at] for at in range(begin, stop)]
    if len(sizes) == 1 or max(sizes[1:-1], default=0) > MOST:
        return  # one letter alone would have to stand more often than any may
    last = read_as.starts[stop - 1]
    ends = [*stretches(bones, text, last, read_as.stops[stop - 1])[1:], read_as.stops[stop - 1]]
    for end in (at for at in ends if at - last <= MOST):
        for start in starts(bones, text, read_as, begin):
            yield start, end, [read_as.stops[begin] - start, *sizes[1:-1], end - last]


def starts(bones: Skeleton, text: str, read_as: Reading, at: int) -> list[int]:
    """Return where a word can begin whose first letter is that of a reading: with any of its stretches, unless too many follow."""
    first, stop = read_as.starts[at], read_as.stops[at]
    return [start for start in stretches(bones, text, first, stop) if stop - start <= MOST]


def fits(word: str, sizes: list[int], *, regional: bool) -> bool:
    """Say whether letters that stand so many times each are a word in another dress."""
    more = [size - len(run[0]) for size, run in zip(sizes, _RUNS.finditer(word), strict=True)]
    return min(more) >= 0 and (regional or sum(more) >= _MORE)


def is_ordinary(word: str, sizes: list[int]) -> bool:
    """Say whether letters that stand so many times each could be another word as words are spelt: `possess` for `poses`.

    That is where a few letters within it stand twice, and none more often.
    """
    doubled = [letter for letter, size in zip(once(word), sizes, strict=True) if size > 1]
    return sizes[0] == 1 and max(sizes) <= 2 and 2 * len(doubled) < len(sizes) and _DOUBLED.issuperset(doubled)  # noqa: PLR2004 - twice
