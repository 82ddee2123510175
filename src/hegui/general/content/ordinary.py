"""Ordinary text: short pieces of a stream in which no word can stand, told by their characters and pairs alone.

Most pieces of a Chinese text are a few characters that fold to themselves, with a mark at times, and
no word of the library begins with any two that stand side by side. Then nothing hits, and all that
could begin a word is the last character. Of any other piece nothing is said here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hegui.general.content.folding import fold_character
from hegui.general.content.parts import LONGEST
from hegui.general.content.personal.numbers import FIGURES
from hegui.general.content.skeleton import BONES, SEPARATOR, SKIPS

if TYPE_CHECKING:
    from hegui.general.content.library import Library

_CLOSER = "\ue000"
"""Stands for what has to be looked at closer; private-use characters are separators, so it is free."""
_FIRST_OTHER, _LAST = "\u0100", "\uffff"
"""Latin letters and digits make words by their edges; what lies beyond the basic plane is rare."""
_FIGURES = frozenset(FIGURES)
_TWICE = 2


class Ordinary(dict[int, str]):
    """What single characters are to one library, learnt as they are met: themselves, nothing for separators, or `_CLOSER`."""

    __slots__ = ("_begins", "_bones", "_either", "_literal", "_more", "_pairs", "_signs")

    def __init__(self, library: Library) -> None:
        super().__init__()
        bones, literal = library.bones, library.literal
        self._pairs, *others = sorted((*bones.pairs, *literal.pairs), key=len, reverse=True)
        self._more = frozenset[str]().union(*others)
        self._signs = literal.signs
        self._bones, self._literal, self._either = bones.prefixes, literal.prefixes, library.prefixes
        self._begins = library.in_parts.begins

    def __missing__(self, code: int) -> str:
        value = self[code] = self._sign(chr(code))
        return value

    def _sign(self, character: str) -> str:
        bone, folded = BONES[character], fold_character(character)
        if character > _LAST or len(folded) != 1 or character == _CLOSER:
            return _CLOSER
        if bone == SEPARATOR:
            # One that is part of a word, or stands for a figure, counts for something.
            return _CLOSER if folded in self._signs or character in _FIGURES else ""
        begins = character in self._pairs or character in self._more  # a word of one character
        return character if bone == folded == character >= _FIRST_OTHER and not begins else _CLOSER

    def cut(self, text: str) -> int | None:
        """Return how much of a short text can not be in any word, whatever comes; None where it has to be looked at closer."""
        bones = text.translate(self)
        size = len(bones)
        left_out = len(text) - size
        if _CLOSER in bones or left_out > SKIPS:
            return None
        pairs, more, last, again = self._pairs, self._more, "", False
        for one in bones:
            pair = last + one
            if pair in pairs or pair in more:
                return None
            if one == last and (not left_out or pair in text):
                if left_out:
                    return None
                again = True
            last = one
        if again:
            return self._cut_repeated(text)
        in_parts = last in self._begins or bones[-2:] in self._begins
        if not (left_out or in_parts):
            return size - (last in self._either)
        place = self._begun(bones) if in_parts else size - (last in self._bones)
        if text[-1] == last and last in self._literal:
            place = min(place, size - 1)
        return len(text) if place == size else _place(text, bones, place)

    def _cut_repeated(self, text: str) -> int | None:
        """Return the same for a text without separators in which characters stand twice in a row, where a word has them once."""
        places = [at for at, one in enumerate(text) if not at or text[at - 1] != one]
        bones = "".join(text[at] for at in places)
        if any(stop - start > _TWICE for start, stop in pairwise((*places, len(text)))):
            return None
        place = self._begun(bones)
        last = len(text) - (text[-1] in self._literal)
        return min(places[place], last) if place < len(bones) else last

    def _begun(self, bones: str) -> int:
        """Return where in such a text a word could have begun; its length where none could.

        What could be the first parts of a character may stand for it, so it and what is open before it stay.
        """
        size, prefixes = len(bones), self._bones
        place = size - (bones[-1:] in prefixes)
        for back in range(1, min(LONGEST, size + 1)):
            if bones[-back:] in self._begins:
                cut = size - back
                place = min(place, cut - (bones[cut - 1 : cut] in prefixes))
        return place


def _place(text: str, bones: str, place: int) -> int:
    """Return where the character of a place stands in the text with its separators."""
    at = len(text)
    for back in range(len(bones) - 1, place - 1, -1):
        at = text.rindex(bones[back], 0, at)
    return at
