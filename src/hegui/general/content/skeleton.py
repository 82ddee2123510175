"""The skeleton of a text: what is left when the usual ways of hiding a word are undone, with a map back.

Each character is folded (`folding`), then look-alikes and traditional characters become the one
base character. What was put between characters is left out: up to `SKIPS` separators in a row
(spaces, marks, symbols, emoji) and up to `REPEATS` repetitions of one character. A longer run is
no hiding any more: it leaves a line end, which no word has. The skeleton of a text in pieces,
from any character that is kept on, is that of the whole. See docs/content.md.

A long text is one look into a table and a handful of array operations; what only a find needs
(where each character came from) is made when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from operator import itemgetter

import numpy as np

from hegui.general.content import kernel, tables
from hegui.general.content.folding import fold_character

SKIPS = 4
REPEATS = 4
BREAK = "\n"
DROPPED = ""
_NOTHING, SEPARATOR, _MANY = "\ue000", "\ue001", "\ue002"
"""Signs for what is dropped, left out, or several characters; private-use characters are separators, so these are free."""
_FIRST_OTHER = "\u0100"
_REPEATABLE = f"([{_FIRST_OTHER}-\ue000\ue002-\U0010ffff])"
"""Neither `SEPARATOR` nor a Latin letter: `ll` and `00` are ordinary."""
TWICE = re.compile(f"{_REPEATABLE}\\1")
_REPEATED = re.compile(f"{_REPEATABLE}\\1\\1{{0,{REPEATS - 1}}}")  # the first apart: it fails fast
_once = itemgetter(1)
LONG_RUN = SEPARATOR * (SKIPS + 1)
_TOO_LONG = re.compile(f"{SEPARATOR}{{{SKIPS + 1},}}")
_DOUBLE_LETTER = re.compile("([a-z])\\1")
_BMP = 0x10000
_LONG = 128
"""Characters from which arrays are faster than what Python does for each character."""
_FEW = 12
"""Places, fewer than which are quicker visited one by one than as an array."""
UNITS = "utf-16-be"
"""How the matchers are given characters: two bytes each, the one that tells more first."""
Codes = np.ndarray[tuple[int], np.dtype[np.uint16]]
_Indices = np.ndarray[tuple[int], np.dtype[np.intp]]
Places = _Indices | memoryview
"""Where characters came from, as numbers."""
Marks = np.ndarray[tuple[int], np.dtype[np.bool_]]


def bone(character: str) -> str:
    """Return what one character becomes: nothing, `SEPARATOR`, one character, or several."""
    folded = tables.lookalikes().get(character) or fold_character(character)
    if not folded:
        return DROPPED
    if tables.is_separator(character) or (len(folded) == 1 and tables.is_separator(folded)):
        return SEPARATOR
    likes, simple = tables.lookalikes(), tables.simplified()
    found = (likes.get(one, one) for one in folded if not tables.is_separator(one))
    return "".join(simple.get(one, one) for one in found) or SEPARATOR


class _Bones(dict[str, str]):
    """What characters become, learnt as they are met."""

    def __missing__(self, character: str) -> str:
        value = self[character] = bone(character)
        return value


BONES = _Bones()
_TABLE = (
    kernel.Table(BONES, separator=SEPARATOR, line_end=BREAK, first_other=_FIRST_OTHER, skips=SKIPS, repeats=REPEATS)
    if kernel.Table
    else None
)
"""The compiled form of all this, where it is in use; `_one_by_one` says the same."""


class _Signs(dict[int, str]):
    """A translation table: one character to the one that it becomes, or to a sign."""

    def __missing__(self, code: int) -> str:
        bones = BONES[chr(code)]
        value = self[code] = bones if len(bones) == 1 else _MANY if bones else _NOTHING
        return value


_SIGNS = _Signs()


def _unit(character: str) -> np.uint16:
    """Return a character as it stands in an array whose bytes are `UNITS`."""
    return np.uint16(np.frombuffer(character.encode(UNITS, "surrogatepass"), np.uint16)[0])


_STRANGE, _LEFT_OUT, _BREAK = np.uint16(0), _unit("\x01"), _unit(BREAK)
"""Signs in arrays: control characters are separators, so these are free."""
_FIRST_BYTE = _unit("\uff00")
_HIGH, _LOW, _TEN = 0xD800 >> 10, 0xDC00 >> 10, 0x3FF
"""The halves of a character beyond the basic plane."""


@cache
def _array() -> Codes:
    """Return what each character of the basic plane becomes, `_STRANGE` for none or several, and for half a character."""
    table = np.zeros(_BMP, np.uint16)
    for code in (*range(0xD800), *range(0xE000, _BMP)):
        bones = bone(chr(code))
        if len(bones) == 1 and bones < "\U00010000":
            table[code] = _LEFT_OUT if bones == SEPARATOR else _unit(bones)
    return table


def warm() -> None:
    """Build the table now, so that the first request does not wait."""
    if _TABLE:
        _TABLE.skeleton("".join(map(chr, (*range(0xD800), *range(0xE000, _BMP)))))
    else:
        _array()


class _Came:
    """Where the characters of a text came from of which some became none or several."""

    def __init__(self, size: int, seconds: _Indices) -> None:
        self.size, self.seconds = size, seconds
        """Units of two bytes, and those that are the second of a character."""
        self.kept: Marks | None = None
        self.times: _Indices | None = None

    def places(self) -> _Indices:
        """Return the index in the original of each."""
        if self.kept is not None:
            units = self.kept.nonzero()[0]
        else:
            units = np.repeat(np.arange(self.size), 1 if self.times is None else self.times)
        return units - np.searchsorted(self.seconds, units) if len(self.seconds) else units


class Skeleton:
    """A skeleton: its characters, and the index in the original of each; both are made when they are asked for.

    `units` are its characters in the encoding `UNITS`, or None for a short text, or where one is beyond the basic plane.
    """

    __slots__ = ("_at", "_beyond", "_keep", "_origins", "_source", "_text", "units")

    def __init__(self, units: bytes | None, text: str | None = None, source: str = "") -> None:
        self.units, self._text, self._source = units, text, source
        self._keep: Marks | None = None
        self._at: _Came | None = None
        self._origins: list[int] | Places | None = None
        self._beyond = units is None

    @classmethod
    def of(cls, text: str, origins: list[int]) -> Skeleton:
        """Return a skeleton of which all is there."""
        made = cls(None, text)
        made._origins = origins
        return made

    @classmethod
    def kept(cls, values: Codes, keep: Marks, at: _Came | None) -> Skeleton:
        """Return a skeleton of the characters that are kept, `at` telling where they came from."""
        made = cls(values.compress(keep).tobytes())
        made._keep, made._at = keep, at
        made._beyond = at is not None
        return made

    @classmethod
    def compiled(cls, units: bytes | None, text: str | None, origins: bytes, beyond: bool) -> Skeleton:  # noqa: FBT001 - as it comes
        """Return a skeleton as the kernel gives it."""
        made = cls(units, text)
        made._origins = memoryview(origins).cast("i")
        made._beyond = beyond
        return made

    @property
    def unusual(self) -> bool:
        """Say whether there could be characters in the text that are beyond the basic plane."""
        return self._beyond

    @property
    def repeats_letters(self) -> bool:
        """Say whether a Latin letter stands twice in a row."""
        if self.units is None:
            return _DOUBLE_LETTER.search(self.text) is not None
        values = np.frombuffer(self.units, np.uint16)
        twice = values[1:].compress(values[1:] == values[:-1]).byteswap()
        return bool(np.count_nonzero((twice >= ord("a")) & (twice <= ord("z"))))

    @property
    def text(self) -> str:
        """Return the characters."""
        if self._text is None:
            self._text = (self.units or b"").decode(UNITS)
        return self._text

    @property
    def origins(self) -> list[int] | Places:
        """Return where each character came from."""
        if self._origins is None:
            if self._keep is None:
                self._origins = _one_by_one(self._source).origins
            else:
                kept = self._keep.nonzero()[0]
                self._origins = kept if self._at is None else self._at.places()[kept]
        return self._origins


def plain(text: str) -> str | None:
    """Return what each character of a short text becomes, `SEPARATOR` for those left out.

    Returns None where that is not one for one, or where a character repeats.
    """
    signs = text.translate(_SIGNS)
    return None if _NOTHING in signs or _MANY in signs or TWICE.search(signs) else signs


def skeleton(text: str) -> Skeleton:
    """Return the skeleton of a text."""
    return Skeleton.compiled(*_TABLE.skeleton(text)) if _TABLE else in_python(text)


def in_python(text: str) -> Skeleton:
    """Return the same without the kernel."""
    found = _by_array(text) if len(text) >= _LONG else _by_signs(text)
    return found or _one_by_one(text)


def context_of(text: str, start: int, before: str, reach: int) -> str:
    """Return the last `reach` characters before a place, of those that become anything; `before` stands before the text."""
    nearest = text[max(0, start - reach) : start]
    if len(nearest) == reach and all(map(BONES.__getitem__, nearest)):
        return nearest
    near: list[str] = []
    for one in backwards(text, start, before):
        if len(near) == reach:
            break
        if BONES[one]:
            near.append(one)
    return "".join(reversed(near))


def backwards(text: str, start: int, before: str) -> Iterator[str]:
    """Yield the characters before a place, the nearest first; `before` stands before the text."""
    yield from (text[at] for at in range(start - 1, -1, -1))
    yield from reversed(before)


def bones_before(text: str, start: int, before: str, reach: int) -> str:
    """Return what the characters of a context become, a separator for each that is left out."""
    if _TABLE:
        return _TABLE.left(text, start, before, reach)
    return "".join(BONES[one] for one in context_of(text, start, before, reach))


def bones_after(text: str, end: int, reach: int) -> str:
    """Return what the `reach` characters from a place on become, a separator for each that is left out."""
    if _TABLE:
        return _TABLE.right(text, end, reach)
    return "".join(BONES[one] for one in text[end : end + reach])


def _by_signs(text: str) -> Skeleton:
    """Return the same for a short text; the map is made if it is asked for."""
    signs = text.translate(_SIGNS)
    if _MANY in signs:
        signs = "".join(map(BONES.__getitem__, text))
    elif _NOTHING in signs:
        signs = signs.replace(_NOTHING, "")
    signs = _REPEATED.sub(_once, signs)
    if LONG_RUN in signs:
        signs = _TOO_LONG.sub(BREAK, signs)
    return Skeleton(None, signs.replace(SEPARATOR, ""), text)


def _one_by_one(text: str) -> Skeleton:
    """Return the same in the plainest way."""
    out: list[str] = []
    origins: list[int] = []
    last, run, same = "", 0, 0
    for index, character in enumerate(text):
        found = BONES[character]
        if found == SEPARATOR:
            run += 1
            if run == SKIPS + 1:
                out.append(BREAK)
                origins.append(index)
                last, same = BREAK, 0
            continue
        if not found:
            continue
        if run:
            # A character after a separator is no repetition: 标，标记甲 has the whole word after the comma.
            last = BREAK
        run = 0
        for one in found:
            if one == last and one >= _FIRST_OTHER and same < REPEATS:
                same += 1
                continue
            out.append(one)
            origins.append(index)
            last, same = one, 0
    return Skeleton.of("".join(out), origins)


def _by_array(text: str) -> Skeleton | None:
    """Return the same for a long text in the fastest way, or None where it keeps a character beyond the basic plane."""
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    values: Codes = _array().take(codes)
    at: _Came | None = None
    if np.count_nonzero(values) != len(values):
        spread = _spread(codes, values, len(text))
        if spread is None:
            return None
        values, at = spread
    keep: Marks = values != _LEFT_OUT
    _break_long_gaps(values, keep)
    same: Marks = values[1:] == values[:-1]
    if np.count_nonzero(same):
        places = same.nonzero()[0]
        # Most are line ends, spaces and Latin letters, which may repeat: the first bytes of those are zero.
        _leave_out_repeats(keep, places.compress(values.take(places) & _FIRST_BYTE))
    return Skeleton.kept(values, keep, at)


def _spread(codes: Codes, values: Codes, size: int) -> tuple[Codes, _Came] | None:
    """Return what the characters of a text become where some become none or several, and where each came from.

    Returns None where one is beyond the basic plane, as rare Chinese characters are, or where two halves of different
    characters stand side by side, which look like one.
    """
    places = (values == _STRANGE).nonzero()[0]
    points = codes[places].astype(np.uint32)
    pairs = (points[:-1] >> 10 == _HIGH) & (points[1:] >> 10 == _LOW) & (places[1:] - places[:-1] == 1)
    points[:-1][pairs] = _BMP + ((points[:-1] & _TEN) << 10 | points[1:] & _TEN)[pairs]
    seconds = np.append(False, pairs)
    if len(codes) - np.count_nonzero(pairs) != size:
        return None
    distinct, which = np.unique(points, return_inverse=True)
    bones = [BONES[chr(code)].replace(SEPARATOR, "\x01") for code in distinct.tolist()]
    flat = np.frombuffer("".join(bones).encode(UNITS), np.uint16)
    sizes = np.fromiter(map(len, bones), np.intp, len(bones))
    if len(flat) != sizes.sum():
        return None
    counts = np.where(seconds, 0, sizes[which])
    begins = (np.cumsum(sizes) - sizes)[which]
    came = _Came(len(values), places[seconds])
    if counts.max() > 1:
        came.times = np.ones(len(values), np.intp)
        came.times[places] = counts
        values = np.repeat(values, came.times)
        places += np.cumsum(counts) - counts - np.arange(len(counts))  # where they come to stand
        for step in range(counts.max()):
            more = counts > step
            values[places[more] + step] = flat[begins[more] + step]
        return values, came
    shown = counts > 0
    values[places[shown]] = flat[begins[shown]]
    came.kept = np.ones(len(values), np.bool_)
    came.kept[places[~shown]] = False
    return values.compress(came.kept), came


def _break_long_gaps(values: Codes, keep: Marks) -> None:
    """Put a line end where too many separators stand in a row, in place."""
    two = keep[1:] | keep[:-1]
    five = two[2:-1] | two[:-3]
    five |= keep[SKIPS:]
    if np.count_nonzero(five) == len(five):
        return
    last = -1
    for gap in (~five).nonzero()[0].tolist():
        if gap != last + 1 or last < 0:
            values[gap + SKIPS], keep[gap + SKIPS] = _BREAK, True
        last = gap


def _leave_out_repeats(keep: Marks, places: _Indices) -> None:
    """Leave out the characters after these places, in place, `REPEATS` in a row at most; each is the same as the one there."""
    if len(places) > REPEATS and (places[REPEATS:] - places[:-REPEATS] == REPEATS).any():
        number = np.arange(len(places))
        begins = np.append(True, places[1:] - places[:-1] != 1)
        in_row = number - np.maximum.accumulate(np.where(begins, number, 0))
        places = places[(in_row + 1) % (REPEATS + 1) != 0]
    if len(places) < _FEW:
        for place in places.tolist():
            keep[place + 1] = False
    else:
        keep[places + 1] = False
