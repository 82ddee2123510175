"""Words written by their sound: in pinyin, wholly or in part, by other characters that sound the same, by initials.

Pinyin is looked for only around Latin letters, so that ordinary Chinese costs nothing: each Chinese
character there becomes its most common syllable, and a find counts if every syllable of the word is
one character or letters alone. Homophones are looked for in all of a text, one sign a syllable.
These lanes are weaker than the others, and policy caps what they may do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from hegui.general.content import tables
from hegui.general.content.matcher import Hit, Matcher, build
from hegui.general.content.policy import Lane
from hegui.general.content.skeleton import UNITS, Codes, Places, Skeleton
from hegui.general.content.syllables import LETTERS_LEAST, LONGEST, is_whole, tokens

_LATIN = re.compile("[a-z]+")
_TONE = re.compile("(?<=[a-z])[1-5](?![0-9])")
_NO_LETTER = "\0"
"""Stands for the number of a tone, which says nothing here; a skeleton holds no such character."""
_MOST_READINGS = 16
_HOMOPHONE_LEAST = 3
"""Two syllables are too few: 权利 is 权力 by its sound."""
INITIALS_LEAST, INITIALS_MOST = 3, 8
_FIRST_SIGN = 0xE100
"""Signs of syllables are private-use characters: a skeleton holds none."""
_BREAK = "\n"
_TONES = "12345"
_LAST_ASCII = "\x7f"
_BMP = 0x10000
_LATIN_KIND, _WHOLE, _INSIDE = b"l", b"w", ord("i")
"""Letters as they stand; the first letter of a Chinese character's syllable, or an end; the other letters of it."""


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
        self._matcher: Matcher = build(tuple(spelt), "ascii")
        self._signed = tuple(map(tuple, signed.values()))
        self._sign_matcher: Matcher = build(tuple(signed))
        _is_letter(), _spelling()  # now, so that the first text does not wait

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

    def places(self, bones: Skeleton) -> list[tuple[int, int]]:
        """Return where a skeleton could hold a word in pinyin: cheaper than `find`, and too often, never too seldom."""
        codes = np.frombuffer(bones.text.encode(UNITS) if bones.units is None else bones.units, np.uint16)
        if bones.units is None and len(codes) != len(bones.text):
            return [(0, len(bones.text))]  # a character beyond the basic plane: rare enough to look at all of it
        latin = _is_letter().take(codes)
        if not (self._spelt and np.count_nonzero(latin)):
            return []
        near = _near(latin, self.longest - 1)
        codes = codes.take(near)
        letters, kinds = _spelling()
        spelt = letters.take(codes, axis=0).ravel()
        hits = self._matcher.in_bytes(spelt.compress(spelt).tobytes())
        return self._checked(bones, hits, near, kinds.take(codes, axis=0)) if hits else []

    def _checked(
        self, bones: Skeleton, hits: Sequence[Hit], near: NDArray[np.intp], rows: NDArray[np.uint8]
    ) -> list[tuple[int, int]]:
        """Return the places of the hits that are spelt by at least two letters and by whole characters."""
        flat = rows.ravel()
        kinds = flat.compress(flat).tobytes() + _WHOLE
        hits = [
            (begin, stop, number)
            for begin, stop, number in hits
            if kinds.count(_LATIN_KIND, begin, stop) >= LETTERS_LEAST
            and kinds[begin] != _INSIDE
            and kinds[stop] != _INSIDE
        ]
        if not hits:
            return []
        ends = np.count_nonzero(rows, axis=1).cumsum()
        found = []
        for begin, stop, number in hits:
            first, last = int(ends.searchsorted(begin, side="right")), int(ends.searchsorted(stop))
            place, end = int(near[first]), int(near[last]) + 1
            if end - place == last + 1 - first:  # or it stands in two places apart
                written = bones.text[place:end]
                if any(_is_spelt(written, entry) for entry in self._spelt[number]):
                    toned = bones.text.startswith(
                        tuple(_TONES), end
                    )  # `find` takes it in, unless its clause ends before
                    found += [(place, end), (place, end + toned)]
        return found

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
            if is_whole(bones, origins, (begin, stop), (0, len(bones))):
                yield Sounded(number, lane, begin, stop)

    def _aligned(self, bones: str, first: int, last: int) -> Iterator[tuple[int, Lane, int, int]]:
        """Yield what the letters of a region spell, each syllable being one character or letters alone."""
        region = _TONE.sub(_NO_LETTER, bones[first : last + 1])[: last - first]  # one more tells 5 from 57
        hits = self._matcher.in_bytes(region.translate(_LETTERS).encode())
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


@cache
def _is_letter() -> NDArray[np.uint8]:
    """Return which units, as they stand in `UNITS`, are Latin letters."""
    table = np.zeros(_BMP, np.uint8)
    table[_as_units(ascii_lowercase)] = 1
    return table


@cache
def _spelling() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a row of letters for each unit, as `_LETTERS` has them, nothing for what could number a tone; and their kinds.

    The kinds are `_LATIN_KIND`, and `_WHOLE` for the first letter of a Chinese character, `_INSIDE` for the others.
    """
    letters = np.zeros((_BMP, LONGEST), np.uint8)
    letters[:, 0] = ord(_BREAK)
    letters[_as_units(_TONES), 0] = 0
    for character in (*ascii_lowercase, *tables.syllables()):
        units, spelt = _as_units(character), _LETTERS[ord(character)].encode()
        if len(units) == 1:
            letters[units, : len(spelt)] = np.frombuffer(spelt, np.uint8)
    kinds = np.where(letters > 0, np.uint8(_INSIDE), np.uint8(0))
    kinds[:, 0] = np.where(letters[:, 0] > 0, ord(_WHOLE), 0)
    kinds[_as_units(ascii_lowercase), 0] = ord(_LATIN_KIND)
    return letters, kinds


def _as_units(characters: str) -> Codes:
    return np.frombuffer(characters.encode(UNITS), np.uint16)


def _near(latin: NDArray[np.uint8], reach: int) -> NDArray[np.intp]:
    """Return the places that have a letter within reach."""
    counted = np.zeros(len(latin) + 2 * reach + 1, np.int32)
    latin.cumsum(dtype=np.int32, out=counted[reach + 1 : reach + 1 + len(latin)])
    counted[reach + 1 + len(latin) :] = counted[reach + len(latin)]
    near: NDArray[np.intp] = (counted[2 * reach + 1 :] != counted[: len(latin)]).nonzero()[0]
    return near


def _is_spelt(written: str, entry: tuple[int, str, tuple[int, ...]]) -> bool:
    """Say whether something reads as a word by its own characters and by letters, each for whole syllables."""
    at = 0
    for one, size in zip(entry[1], entry[2], strict=True):
        if written[at] > _LAST_ASCII:
            if written[at] != one or len(_LETTERS[ord(one)]) != size:
                return False
            at += 1
        else:
            left = size
            while left:
                if at == len(written) or written[at] > _LAST_ASCII:
                    return False
                left -= written[at] not in _TONES
                at += 1
        while at < len(written) and written[at] in _TONES:
            at += 1
    return True


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
