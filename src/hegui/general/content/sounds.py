"""Words written by their sound: in pinyin, wholly or in part, by other characters that sound the same, by initials.

Pinyin is looked for only around Latin letters, so that ordinary Chinese costs nothing: each Chinese
character there becomes its most common syllable, and a find counts if every syllable of the word is
one character or letters alone. Homophones are looked for in all of a text, one sign a syllable.
These lanes are weaker than the others, and policy caps what they may do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

from hegui.general.content import tables
from hegui.general.content.matcher import Matcher, build
from hegui.general.content.policy import Lane
from hegui.general.content.skeleton import Places

_LATIN = re.compile("[a-z]+")
_TONE = re.compile("(?<=[a-z])[1-5](?![0-9])")
_NO_LETTER = "\0"
"""Stands for the number of a tone, which says nothing here; a skeleton holds no such character."""
_PAUSE = re.compile("[，。！？；：、…\r\n,;!?]")
LONGEST_CLAUSE = 64
"""Characters; the most that a stream waits for these lanes."""
_LONGEST_SYLLABLE = 6
_MOST_READINGS = 16
_HOMOPHONE_LEAST = 3
"""Two syllables are too few: 权利 is 权力 by its sound."""
_LETTERS_LEAST = 2
INITIALS_LEAST, INITIALS_MOST = 3, 8
_FIRST_SIGN = 0xE100
"""Signs of syllables are private-use characters: a skeleton holds none."""
_BREAK = "\n"
_VOWELS = frozenset("aeiouv")


class _Letters(dict[int, str]):
    """The letters of a character's most common reading; a Latin letter is itself, all else ends a word."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        readings = tables.syllables().get(character)
        latin = "a" <= character <= "z"
        value = self[code] = character if latin else readings[0] if readings else _BREAK
        return value


_LETTERS = _Letters({ord(_NO_LETTER): ""})


@cache
def _sign_of() -> dict[str, str]:
    return {one: chr(_FIRST_SIGN + at) for at, one in enumerate(sorted(tables.legal_syllables()))}


class _Signs(dict[int, str]):
    """One sign for the most common reading of a character; all else ends a word."""

    def __missing__(self, code: int) -> str:
        readings = tables.syllables().get(chr(code))
        value = self[code] = _sign_of().get(readings[0], _BREAK) if readings else _BREAK
        return value


_SIGNS = _Signs()


@dataclass(frozen=True, slots=True)
class Sounded:
    """A find by sound: the number of the word in the order given, the lane, and its place in the skeleton."""

    number: int
    lane: Lane
    begin: int
    stop: int


class Sounds:
    """The skeletons of words by their sound."""

    def __init__(self, words: Iterable[tuple[int, str]]) -> None:
        """Index `(number, skeleton)` pairs; those that are not Chinese characters throughout are left out."""
        spelt: dict[str, list[tuple[int, str, tuple[int, ...]]]] = {}
        signed: dict[str, list[tuple[int, str]]] = {}
        self._initials: dict[str, list[int]] = {}
        self.longest = 0
        for number, bones in words:
            readings = [_readings(one) for one in bones]
            if len(bones) < 2 or not all(readings):  # noqa: PLR2004 - one syllable says nothing
                continue
            self.longest = max(self.longest, len(bones))
            for form in _forms(readings):
                entry = (number, bones, tuple(map(len, form)))
                same = spelt.setdefault("".join(form), [])
                if entry not in same:
                    same.append(entry)
            initials = "".join(found[0][0] for found in readings)
            if INITIALS_LEAST <= len(initials) <= INITIALS_MOST:
                self._initials.setdefault(initials, []).append(number)
            if len(bones) >= _HOMOPHONE_LEAST:
                signed.setdefault(bones.translate(_SIGNS), []).append((number, bones))
        self._spelt = tuple(map(tuple, spelt.values()))
        self._matcher: Matcher = build(tuple(spelt))
        self._signed = tuple(map(tuple, signed.values()))
        self._sign_matcher: Matcher = build(tuple(signed))

    def find(self, bones: str, origins: Places | list[int], lanes: Collection[Lane]) -> Iterator[Sounded]:
        """Yield the finds in a skeleton; a place may be told in more than one lane, and in PINYIN or HOMOPHONE unasked."""
        for begin, stop in self._regions(bones):
            yield from self._pinyin(bones, origins, begin, stop)
        if Lane.INITIALS in lanes and self._initials:
            for begin, stop in tokens(bones, origins):
                for number in self._initials.get(bones[begin:stop], ()):
                    yield Sounded(number, Lane.INITIALS, begin, stop)
        if Lane.HOMOPHONE in lanes:
            for begin, stop, place in self._sign_matcher.find(bones.translate(_SIGNS)):
                for number, word in self._signed[place]:
                    if bones[begin:stop] != word:
                        yield Sounded(number, Lane.HOMOPHONE, begin, stop)

    def may_hold(self, bones: str) -> bool:
        """Say whether a skeleton could hold a word in pinyin: cheaper than `find`, and true too often, never too seldom."""
        return any(
            lane is Lane.PINYIN
            for begin, stop in self._regions(bones)
            for _, lane, _, _ in self._aligned(bones, begin, stop)
        )

    def _regions(self, bones: str) -> Iterator[tuple[int, int]]:
        """Yield the parts of a skeleton in which Latin letters and Chinese characters can spell a word."""
        reach, begin, stop = self.longest - 1, -1, -1
        for match in _LATIN.finditer(bones):
            if begin < 0 or match.start() - reach > stop:
                if begin >= 0:
                    yield begin, stop
                begin = max(0, match.start() - reach)
            stop = min(len(bones), match.end() + reach)
        if begin >= 0:
            yield begin, stop

    def _pinyin(self, bones: str, origins: Places | list[int], first: int, last: int) -> Iterator[Sounded]:
        for number, lane, begin, stop in self._aligned(bones, first, last):
            if _is_whole(bones, origins, begin, stop):
                yield Sounded(number, lane, begin, stop)

    def _aligned(self, bones: str, first: int, last: int) -> Iterator[tuple[int, Lane, int, int]]:
        """Yield what the letters of a region spell, each syllable being one character or letters alone."""
        region = _TONE.sub(_NO_LETTER, bones[first:last])
        hits = self._matcher.find(region.translate(_LETTERS))
        if not hits:
            return
        starts: dict[int, int] = {}
        at = 0
        for place, one in enumerate(region, first):
            starts[at] = place
            at += len(_LETTERS[ord(one)])
        starts[at] = last
        for begin, stop, number in hits:
            if begin in starts and stop in starts:
                for entry in self._spelt[number]:
                    lane = _lane(bones, starts, begin, entry)
                    if lane:
                        yield entry[0], lane, starts[begin], starts[stop]


def _readings(character: str) -> tuple[str, ...]:
    """Return the readings of a character, the most common first; what people type for ü as well."""
    found = tables.syllables().get(character, ())
    return (*found, *(one.replace("v", "u") for one in found if "v" in one))


def _forms(readings: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield the ways to read a word aloud; a long word of many readings by the most common ones alone."""
    count = 1
    for found in readings:
        count *= len(found)
    yield from product(*readings) if count <= _MOST_READINGS else [tuple(found[0] for found in readings)]


def _lane(bones: str, starts: dict[int, int], begin: int, entry: tuple[int, str, tuple[int, ...]]) -> Lane | None:
    """Return the lane of a find whose every syllable is one character or letters alone; None for any other."""
    lane, latin, at = Lane.PINYIN, False, begin
    for one, size in zip(entry[1], entry[2], strict=True):
        place, end = starts.get(at), starts.get(at + size)
        if place is None or end is None:
            return None
        written = bones[place:end]
        if written.isascii():
            latin = True
        elif len(written) > 1:
            return None
        elif written != one:
            lane = Lane.HOMOPHONE
        at += size
    return lane if latin else None


def _is_whole(bones: str, origins: Places | list[int], begin: int, stop: int) -> bool:
    """Say whether letters that join a find on either side are syllables of their own: shi in `shibiaoji`, not `ng`.

    A find with something between its letters stands beside none: `ge(si` in `range(size)` is nobody's word. One
    letter alone is no syllable either: it numbers a list.
    """
    if sum("a" <= one <= "z" for one in bones[begin:stop]) < _LETTERS_LEAST:
        return False
    left = begin
    while left and begin - left < _LONGEST_SYLLABLE and _joins(bones, origins, left):
        left -= 1
    right = stop
    while right < len(bones) and right - stop < _LONGEST_SYLLABLE and _joins(bones, origins, right):
        right += 1
    if (left < begin or right > stop) and int(origins[stop - 1] - origins[begin]) >= stop - begin:
        return False
    ends = left == begin or any(_is_syllable(bones[at:begin]) for at in range(left, begin))
    return ends and (right == stop or any(_is_syllable(bones[stop:at]) for at in range(stop + 1, right + 1)))


def _is_syllable(letters: str) -> bool:
    return letters in tables.legal_syllables() and not _VOWELS.isdisjoint(letters)


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


def has_letters(bones: str) -> bool:
    """Say whether a skeleton holds Latin letters, without which there is no pinyin."""
    return _LATIN.search(bones) is not None


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


def ended(text: str) -> int:
    """Return where the last clause of a text begins that more text could go on with; its length when there is none."""
    last = 0
    for begin, end in clauses(text):
        whole = end - begin == LONGEST_CLAUSE or _PAUSE.fullmatch(text[end - 1])
        last = end if whole else begin
    return last
