"""The skeleton of a text: what is left when the usual ways of hiding a word are undone, with a map back.

Each character is folded (`folding`), then look-alikes and traditional characters become the one
base character. What was put between characters is left out: up to `SKIPS` separators in a row
(spaces, marks, symbols, emoji) and up to `REPEATS` repetitions of one character. A longer run is
no hiding any more: it leaves a line end, which no word has. The skeleton of a text in pieces,
from any character that is kept on, is that of the whole. See docs/content.md.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from hegui.general.content import tables
from hegui.general.content.folding import fold_character

SKIPS = 4
REPEATS = 4
BREAK = "\n"
DROPPED = ""
SEPARATOR = "\ue001"
_OTHER = "\ue002"
"""Private-use characters are separators themselves, so these signs are free."""
_NOTHING = "\ue000"
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
TWICE = re.compile("([^\x00-\x7f\ue001])\\1")
_REPEATED = re.compile(f"([^\x00-\x7f{SEPARATOR}])\\1{{1,{REPEATS}}}")
_FIRST_OTHER = "\x80"
_BMP = 0x10000
_SIGNS = 3
_DROP, _SKIP, _MANY = map(ord, (_NOTHING, SEPARATOR, _OTHER))
LONG_RUN = SEPARATOR * (SKIPS + 1)
_TOO_LONG = re.compile(f"{SEPARATOR}{{{SKIPS + 1},}}")
_NUMPY_FROM = 64
Codes = np.ndarray[tuple[int], np.dtype[np.uint16]]
Places = np.ndarray[tuple[int], np.dtype[np.intp]]


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


class _Short(dict[int, str]):
    """A translation table for short texts: one character to one, all else to a sign."""

    def __missing__(self, code: int) -> str:
        found = BONES[chr(code)]
        value = self[code] = found if len(found) == 1 else _OTHER
        return value


_SHORT = _Short()


@cache
def _array() -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    """Return the table of the basic plane, which fits a processor's cache for the texts of one language."""
    table = np.arange(_BMP, dtype=np.uint16)
    for code in range(_BMP):
        found = bone(chr(code))
        if found == SEPARATOR:
            table[code] = _SKIP
        elif len(found) == 1 and ord(found) < _BMP:
            table[code] = ord(found)
        else:
            table[code] = _MANY if found else _DROP
    return table


def warm() -> None:
    """Build the table now, so that the first request does not wait."""
    _array()


class Skeleton:
    """A skeleton; `origins[i]` is the index in the original of its character `i`."""

    __slots__ = ("origins", "text")

    def __init__(self, text: str, origins: list[int] | Places) -> None:
        self.text = text
        self.origins = origins


def plain(text: str) -> str | None:
    """Return what each character of a short text becomes, `SEPARATOR` for those left out.

    Returns None where that is not one for one, or where a character repeats.
    """
    found = text.translate(_SHORT)
    return None if _OTHER in found or TWICE.search(found) else found


def bones_of(text: str) -> str:
    """Return the text of a skeleton without its map, which is enough where nothing is found in it."""
    units = text.encode("utf-16-le", "surrogatepass")
    if len(text) < _NUMPY_FROM:
        return _one_by_one(text).text
    if len(units) != 2 * len(text):
        stood_in = _bmp(text)
        return _one_by_one(text).text if stood_in is None else bones_of(stood_in)
    found = _array().take(np.frombuffer(units, dtype=np.uint16)).tobytes().decode("utf-16-le", "surrogatepass")
    if _OTHER in found:
        return _one_by_one(text).text
    if _NOTHING in found:
        found = found.replace(_NOTHING, "")
    found = _without_repeats(found)
    if LONG_RUN in found:
        found = _TOO_LONG.sub(BREAK, found)
    return found.replace(SEPARATOR, "")


def _without_repeats(found: str) -> str:
    codes = np.frombuffer(found.encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
    places = np.flatnonzero(codes[1:] == codes[:-1])
    if not len(places):
        return found
    if len(places) > REPEATS and (places[REPEATS:] - places[:-REPEATS] == REPEATS).any():
        return _REPEATED.sub("\\1", found)
    parts, start = [], 0
    for place in places.tolist():
        if found[place] >= _FIRST_OTHER and found[place] != SEPARATOR:
            parts.append(found[start : place + 1])
            start = place + 2
    return "".join(parts) + found[start:]


def _bmp(text: str) -> str | None:
    """Return a text with one of the basic plane for each astral character (an emoji, say) that becomes the same.

    Returns None where there is no such character.
    """
    try:
        return _ASTRAL.sub(_stand_in, text)
    except LookupError:
        return None


def _stand_in(match: re.Match[str]) -> str:
    found = BONES[match.group()]
    if found == SEPARATOR:
        return " "
    if not found:
        return "\u200b"
    if len(found) > 1 or ord(found) >= _BMP:
        raise LookupError(match.group())
    return found


def skeleton(text: str) -> Skeleton:
    """Return the skeleton of a text."""
    if len(text) >= _NUMPY_FROM:
        found = _by_array(text)
        if found is not None:
            return found
    return _one_by_one(text)


def _one_by_one(text: str) -> Skeleton:
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
    return Skeleton("".join(out), origins)


def _by_array(text: str) -> Skeleton | None:
    """Return the same for a long text, or None where a character becomes several, repeats too often or has no stand-in."""
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) != 2 * len(text):
        stood_in = _bmp(text)
        return None if stood_in is None else _by_array(stood_in)
    mapped = _array().take(np.frombuffer(units, dtype=np.uint16))
    values, kept = mapped, np.flatnonzero(mapped - np.uint16(_DROP) >= _SIGNS)  # a smaller one wraps around
    if len(kept) < len(mapped):
        if (mapped == _MANY).any():
            return None
        if _break_long_runs(mapped, kept):
            kept = np.flatnonzero(mapped - np.uint16(_DROP) >= _SIGNS)
        values = mapped.take(kept)
    same = (values[1:] == values[:-1]) & (values[1:] >= ord(_FIRST_OTHER))
    if same.any():
        apart = kept[1:] - kept[:-1] > 1
        if (same & apart).any() and (mapped == _DROP).any():
            return None
        same &= ~apart
        if _repeats_too_often(same):
            return None
        keep = np.concatenate(([True], ~same))
        values, kept = values[keep], kept[keep]
    return Skeleton(values.tobytes().decode("utf-16-le", "surrogatepass"), kept)


def _break_long_runs(mapped: Codes, kept: Places) -> bool:
    """Put a line end where too many separators stand in a row, in place; what shows nothing does not count."""
    edges = np.empty(len(kept) + 2, dtype=np.intp)
    edges[0], edges[1:-1], edges[-1] = -1, kept, len(mapped)
    found = False
    for place in np.flatnonzero(edges[1:] - edges[:-1] > SKIPS + 1):
        first, end = edges[place] + 1, edges[place + 1]
        if np.count_nonzero(mapped[first:end] == _SKIP) > SKIPS:
            mapped[first] = ord(BREAK)
            found = True
    return found


def _repeats_too_often(same: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    size = len(same) - REPEATS
    return size > 0 and bool(np.logical_and.reduce([same[step : step + size] for step in range(REPEATS + 1)]).any())
