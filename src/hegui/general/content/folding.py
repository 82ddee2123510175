"""Folding text to the form in which words are compared, with a map back to the original.

One character is folded at a time, so that text folded in pieces equals text folded whole: NFKC,
case, full width, and the removal of combining marks and of format characters (zero-width and the
like). Most characters fold to exactly one; a text of only those needs no map.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np

from hegui.general.content import kernel

_DROPPED = "\ue000"
_MANY = "\ue001"
_NO_CHARACTER = "\ufffd"
_BMP = 0x10000
_NUMPY_FROM = 64
_EXTRA_DROPPED = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u2800")


def fold_character(character: str) -> str:
    """Return what one character becomes: nothing, one character, or several."""
    if character in _EXTRA_DROPPED:
        return ""
    if "\ud800" <= character <= "\udfff":
        return _NO_CHARACTER  # half a character: no matcher takes it
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", character).casefold()).casefold()
    kept = [ch for ch in folded if unicodedata.category(ch) not in {"Mn", "Me", "Cf"} and ch not in _EXTRA_DROPPED]
    return unicodedata.normalize("NFKC", "".join(kept))


class _Table(dict[int, str]):
    """A translation table that learns: one character to one, or to a sign for none or many."""

    def __missing__(self, code: int) -> str:
        folded = fold_character(chr(code))
        value = folded if len(folded) == 1 and folded not in {_DROPPED, _MANY} else (_MANY if folded else _DROPPED)
        self[code] = value
        return value


_TABLE = _Table()


SEVERAL = ord(_MANY)


@cache
def plane() -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    """Return what each code point of the basic plane folds to: a private-use one for nothing, `SEVERAL` for what no unit can say.

    128 kB, small enough to stay in the processor's cache; what is returned is shared and must not be changed.
    """
    table = np.arange(_BMP, dtype=np.uint16)
    for code in range(_BMP):
        one = ord(_TABLE[code])
        table[code] = one if one < _BMP else ord(_MANY)
    return table


def warm() -> None:
    """Build the table now (about a tenth of a second), so that the first request does not wait."""
    plane()


def simple(text: str) -> str | None:
    """Return a short text folded character for character, or None when the map is needed."""
    folded = text.translate(_TABLE)
    return None if _DROPPED in folded or _MANY in folded else folded


LONGEST_RUN = 64
"""Characters that fold to nothing that may stand in a row in a stream; no script needs that many."""


class Runs:
    """Cuts endless runs of characters that fold to nothing, in text that comes piece by piece.

    Such a run shows nothing, yet a stream would have to hold it for as long as it lasts. What is
    cut depends on the text alone, not on the pieces.
    """

    __slots__ = ("length",)

    def __init__(self) -> None:
        self.length = 0

    def cut(self, piece: str) -> str:
        """Return a piece without the characters of a run past its longest."""
        if _DROPPED not in _translate(piece):
            self.length = 0 if piece else self.length
            return piece
        kept = []
        for character in piece:
            self.length = self.length + 1 if _TABLE[ord(character)] == _DROPPED else 0
            if self.length <= LONGEST_RUN:
                kept.append(character)
        return "".join(kept)


def _translate(text: str) -> str:
    if text.isascii():
        return text.lower() if text.isprintable() else text.translate(_TABLE)
    if len(text) < _NUMPY_FROM:
        return text.translate(_TABLE)
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) != 2 * len(text):
        return text.translate(_TABLE)
    return plane().take(np.frombuffer(units, dtype=np.uint16)).tobytes().decode("utf-16-le", "surrogatepass")


class Folded:
    """A folded text; `origin(i)` is the index in the original of folded character `i`."""

    __slots__ = ("_map", "text")

    def __init__(self, text: str, index_map: Sequence[int] | None) -> None:
        self.text = text
        self._map = index_map

    @property
    def is_one_for_one(self) -> bool:
        """Say whether every character became one."""
        return self._map is None

    def origin(self, index: int) -> int:
        """Return the original index of a folded index; the end maps to the original's end."""
        return index if self._map is None else self._map[index]

    def end(self, index: int) -> int:
        """Return the original index just after the character that folded `index - 1` came from."""
        return index if self._map is None else (self._map[index - 1] + 1 if index else 0)


class _Expansions(dict[str, str]):
    """What characters become, learnt as they are met."""

    def __missing__(self, character: str) -> str:
        value = self[character] = fold_character(character)
        return value


_EXPANSIONS = _Expansions()
becomes = _EXPANSIONS.__getitem__
"""The same as `fold_character`, for characters that come again and again."""
_COMPILED = kernel.Table(_EXPANSIONS) if kernel.Table else None
_SPECIAL = re.compile(f"[{_DROPPED}{_MANY}]")


def fold(text: str) -> Folded:
    """Fold a text, in a few microseconds for 1,000 characters."""
    if _COMPILED and not text.isascii():
        folded, origins = _COMPILED.fold(text)
        return Folded(folded, origins and memoryview(origins).cast("i"))
    return in_python(text)


def in_python(text: str) -> Folded:
    """Return the same without the kernel."""
    folded = _translate(text)
    if _DROPPED not in folded and _MANY not in folded:
        return Folded(folded, None)
    parts: list[str] = []
    index_map: list[int] = []
    last = 0
    for match in _SPECIAL.finditer(folded):
        at = match.start()
        expansion = becomes(text[at])
        parts += (folded[last:at], expansion)
        index_map.extend(range(last, at))
        index_map.extend([at] * len(expansion))
        last = at + 1
    parts.append(folded[last:])
    index_map.extend(range(last, len(text)))
    index_map.append(len(text))
    return Folded("".join(parts), index_map)


def folded(text: str) -> str:
    """Return the folded text alone."""
    return fold(text).text
