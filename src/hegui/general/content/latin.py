"""Latin words in another dress: letters repeated (mmaarrkk), regional indicators for letters (🇲ark).

`ll` and `oo` are ordinary in Latin words, and regional indicators make flags, so the skeleton undoes neither. A text that
has them is read once more, for the library's Latin words alone.
"""

from __future__ import annotations

import re

from hegui.general.content.parts import Reading, read
from hegui.general.content.skeleton import BREAK, REPEATS, Skeleton

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


def reading(bones: str) -> Reading:
    """Return a skeleton with repeated letters once; too many in a row are no letter any more, so that no stream waits for them."""
    found = [(match.start(), match.end(), match[1] if len(match[0]) <= 1 + REPEATS else BREAK)
             for match in _REPEATED.finditer(bones)]  # fmt: skip
    return read(bones, found, (0, len(bones)))


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
