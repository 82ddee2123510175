"""Latin letters that are syllables of standard Chinese throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from hegui.general.content import tables
from hegui.general.content.skeleton import Places

LONGEST = 6
"""Letters of a syllable."""
LETTERS_LEAST = 2
FEW_LETTERS = 6
"""Letters of two syllables; as many are a word of another language by chance."""
_LATIN = re.compile("[a-z]+")
_VOWELS = frozenset("aeiouv")
_OPEN = frozenset("aoe")
_END = "\n"


@lru_cache(maxsize=1 << 13)
def are_syllables(letters: str) -> bool:
    """Say whether letters are syllables throughout."""
    ends = {0}
    for at in range(1, len(letters) + 1):
        before = range(max(0, at - LONGEST), at)
        if any(begin in ends and _is_syllable(letters[begin:at]) for begin in before):
            ends.add(at)
    return len(letters) in ends


def _is_syllable(letters: str) -> bool:
    return letters in tables.legal_syllables() and not _VOWELS.isdisjoint(letters)


def is_name(text: str, start: int, end: int) -> bool:
    """Say whether a find is a few letters of one word with a capital, as names are written: 和 Lisa 去; or two capitals (AI)."""
    written = text[start:end]
    letters = [one for one in written if one.isascii() and one.isalpha()]
    if len(letters) == LETTERS_LEAST and len(written) > len(letters):
        return all(map(str.isupper, letters))
    if len(letters) != len(written) or len(letters) > FEW_LETTERS:
        return False
    while start and _is_letter(text[start - 1]):
        start -= 1
    while end < len(text) and _is_letter(text[end]):
        end += 1
    return text[start:end].istitle()


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def is_whole(bones: str, origins: Places | list[int], find: tuple[int, int], within: tuple[int, int]) -> bool:
    """Say whether letters that join a find on either side are syllables throughout: shi in `shibiaoji`, not `tion`.

    Nor does a syllable within letters begin with a, o or e, which are parted from what is before them (xi'e): no yixi in
    `yixie`. `within` are the bounds of the clause, beyond which nothing joins. Two digits behind it make it a code: 航MU5735 is no
    航模. Beside a find with something between its letters stands none: `ge(si` in `range(size)` is nobody's word. One letter
    alone is no syllable: it numbers a list. A few, or some apart, count for nothing in a clause of another language: `As an AI`.
    """
    (begin, stop), (first, last) = find, within
    letters = sum("a" <= one <= "z" for one in bones[begin:stop])
    if letters < LETTERS_LEAST:
        return False
    left, right = _run(bones, origins, begin, first, -1), _run(bones, origins, stop, last, 1)
    apart = int(origins[stop - 1] - origins[begin]) >= stop - begin
    if ((left < begin or right > stop) and apart) or _is_code(bones, origins, right, last):
        return False
    if not (are_syllables(bones[left:begin]) and are_syllables(bones[stop:right])):
        return False
    if (begin > left and bones[begin] in _OPEN) or (right > stop and bones[stop] in _OPEN):
        return False
    if letters < stop - begin or not (apart or letters <= FEW_LETTERS):
        return True
    beside = bones[first:left] + _END + bones[right:last]
    places = [*origins[first:left], -1, *origins[right:last]]
    words = (beside[a:b] for a, b in tokens(beside, places) if b - a > 1)
    return all(map(are_syllables, words))


def _run(bones: str, origins: Places | list[int], place: int, limit: int, step: int) -> int:
    """Return how far the letters go on that join those at a place, on the side that `step` says."""
    while place != limit and _joins(bones, origins, place):
        place += step
    return place


def _is_code(bones: str, origins: Places | list[int], place: int, last: int) -> bool:
    """Say whether two digits stand right behind letters."""
    digits = bones[place : place + 2]
    return (
        place + 2 <= last
        and digits.isdecimal()
        and "a" <= bones[place - 1] <= "z"
        and int(origins[place + 1] - origins[place - 1]) == len(digits)
    )


def _joins(bones: str, origins: Places | list[int], place: int) -> bool:
    """Say whether a place is inside a run of Latin letters with nothing between them in the text."""
    return (
        "a" <= bones[place] <= "z" and "a" <= bones[place - 1] <= "z" and int(origins[place] - origins[place - 1]) == 1
    )


def tokens(bones: str, origins: Places | list[int]) -> Iterator[tuple[int, int]]:
    """Yield the runs of Latin letters that have nothing between them in the text."""
    for match in _LATIN.finditer(bones):
        begin = match.start()
        for place in range(begin + 1, match.end()):
            if int(origins[place] - origins[place - 1]) != 1:
                yield begin, place
                begin = place
        yield begin, match.end()
