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
from operator import itemgetter

import numpy as np

from hegui.general.content import tables
from hegui.general.content.folding import fold_character

SKIPS = 4
REPEATS = 4
BREAK = "\n"
DROPPED = ""
_NOTHING, SEPARATOR, _MANY = "\ue000", "\ue001", "\ue002"
"""Signs for what is dropped, left out, or several characters; private-use characters are separators, so these are free."""
_FIRST_SIGN, _SIGN_COUNT = np.uint32(ord(_NOTHING)), 3
_REPEATABLE = "([\x80-\ue000\ue002-\U0010ffff])"
"""Neither `SEPARATOR` nor ASCII: `ll` and `00` are ordinary."""
TWICE = re.compile(f"{_REPEATABLE}\\1")
_REPEATED = re.compile(f"{_REPEATABLE}\\1\\1{{0,{REPEATS - 1}}}")  # the first apart: it fails fast
_once = itemgetter(1)
_FIRST_OTHER = "\x80"
LONG_RUN = SEPARATOR * (SKIPS + 1)
_TOO_LONG = re.compile(f"{SEPARATOR}{{{SKIPS + 1},}}")
_BMP = 0x10000
_LONG, _LONG_WITH_MAP = 64, 160
"""Characters from which arrays are faster than what Python does for each character."""
Codes = np.ndarray[tuple[int], np.dtype[np.uint32]]
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


def _sign(bones: str) -> str:
    return bones if len(bones) == 1 else _MANY if bones else _NOTHING


class _Signs(dict[int, str]):
    """A translation table: one character to the one that it becomes, or to a sign."""

    def __missing__(self, code: int) -> str:
        value = self[code] = _sign(BONES[chr(code)])
        return value


_SIGNS = _Signs()


@cache
def _array() -> Codes:
    """Return the same table of the basic plane as an array, for long texts."""
    return np.fromiter((ord(_sign(bone(chr(code)))) for code in range(_BMP)), np.uint32, _BMP)


def warm() -> None:
    """Build the table now, so that the first request does not wait."""
    _array()


class Skeleton:
    """A skeleton; `origins[i]` is the index in the original of its character `i`."""

    __slots__ = ("origins", "text")

    def __init__(self, text: str, origins: list[int] | Places) -> None:
        self.text = text
        self.origins = origins


def _mapped(text: str) -> Codes:
    """Return the sign of each character of a long text."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    try:
        return _array().take(codes)
    except IndexError:  # a character beyond the basic plane, an emoji, say
        signs = _array().take(codes, mode="clip")
        beyond = (codes >= _BMP).nonzero()[0]
        signs[beyond] = [ord(_SIGNS[code]) for code in codes[beyond].tolist()]
        return signs


def plain(text: str) -> str | None:
    """Return what each character of a short text becomes, `SEPARATOR` for those left out.

    Returns None where that is not one for one, or where a character repeats.
    """
    signs = text.translate(_SIGNS)
    return None if _NOTHING in signs or _MANY in signs or TWICE.search(signs) else signs


def bones_of(text: str) -> str:
    """Return the text of a skeleton without its map, which is enough where nothing is found in it."""
    mapped = _mapped(text) if len(text) >= _LONG else None
    signs = text.translate(_SIGNS) if mapped is None else _text(mapped)
    if _MANY in signs:
        signs, mapped = "".join(map(BONES.__getitem__, text)), None
    elif _NOTHING in signs:
        signs = signs.replace(_NOTHING, "")
        mapped = None if mapped is None else mapped[mapped != ord(_NOTHING)]
    signs = _REPEATED.sub(_once, signs) if mapped is None else _without_repeats(signs, mapped)
    if LONG_RUN in signs:
        signs = _TOO_LONG.sub(BREAK, signs)
    return signs.replace(SEPARATOR, "")


def _text(mapped: Codes) -> str:
    return mapped.tobytes().decode("utf-32-le")


def _without_repeats(signs: str, mapped: Codes) -> str:
    places = (mapped[1:] == mapped[:-1]).nonzero()[0]
    if len(places):
        # Most are line ends, spaces and Latin letters, which may repeat.
        values = mapped[places]
        places = places[(values >= ord(_FIRST_OTHER)) & (values != ord(SEPARATOR))]
    if not len(places):
        return signs
    if len(places) > REPEATS and (places[REPEATS:] - places[:-REPEATS] == REPEATS).any():
        return _REPEATED.sub(_once, signs)
    parts, start = [], 0
    for place in places.tolist():
        parts.append(signs[start : place + 1])
        start = place + 2
    return "".join(parts) + signs[start:]


def skeleton(text: str) -> Skeleton:
    """Return the skeleton of a text."""
    found = _by_array(text) if len(text) >= _LONG_WITH_MAP else None
    return found or _one_by_one(text)


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
    return Skeleton("".join(out), origins)


def _by_array(text: str) -> Skeleton | None:
    """Return the same for a long text in the fastest way, or None where a character becomes several or repeats too often."""
    mapped = _mapped(text)
    values, kept = mapped, _kept(mapped)
    if len(kept) < len(mapped):
        if (mapped == ord(_MANY)).any():
            return None
        if _break_long_runs(mapped, kept):
            kept = _kept(mapped)
        values = mapped.take(kept)
    same = (values[1:] == values[:-1]) & (values[1:] >= ord(_FIRST_OTHER))
    if same.any():
        apart = kept[1:] - kept[:-1] > 1
        if (same & apart).any() and (mapped == ord(_NOTHING)).any():
            return None
        same &= ~apart
        if _repeats_too_often(same):
            return None
        keep = np.concatenate(([True], ~same))
        values, kept = values[keep], kept[keep]
    return Skeleton(_text(values), kept)


def _kept(mapped: Codes) -> Places:
    """Return the places of the characters that stay."""
    return (mapped - _FIRST_SIGN >= _SIGN_COUNT).nonzero()[0]  # a smaller one wraps around


def _break_long_runs(mapped: Codes, kept: Places) -> bool:
    """Put a line end where too many separators stand in a row, in place; what shows nothing does not count."""
    edges = np.concatenate(([-1], kept, [len(mapped)]))
    found = False
    for place in (edges[1:] - edges[:-1] > SKIPS + 1).nonzero()[0]:
        first = edges[place] + 1
        separators = (mapped[first : edges[place + 1]] == ord(SEPARATOR)).nonzero()[0]
        if len(separators) > SKIPS:
            mapped[first + separators[SKIPS]] = ord(BREAK)
            found = True
    return found


def _repeats_too_often(same: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    size = len(same) - REPEATS
    return size > 0 and bool(np.logical_and.reduce([same[step : step + size] for step in range(REPEATS + 1)]).any())
