"""What stands around a find that can matter to it, in a text or in a piece of one with what came before."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from hegui.general.content.lexicon import Segmenter
from hegui.general.content.rows import LONGEST_REACH, even
from hegui.general.content.skeleton import BONES, SEPARATOR, backwards, bones_after, bones_before
from hegui.general.content.skeleton import context_of as reached

if TYPE_CHECKING:
    from hegui.general.content.index import Word

REACH_BEFORE = max(Segmenter.reach_before, LONGEST_REACH)
REACH_AFTER = Segmenter.reach_after
"""Characters around a find that can matter to it."""


def context_of(text: str, cut: int, before: str) -> str:
    """Return the characters that are context for what follows a cut."""
    return reached(text, cut, before, REACH_BEFORE)


def left_of(text: str, start: int, before: str) -> str:
    """Return the folded character before a place; what shows nothing is passed over."""
    for one in backwards(text, start, before):
        if found := BONES[one]:
            return "" if found == SEPARATOR else found[-1]
    return ""


def right_of(text: str, end: int) -> str:
    """Return the folded character at a place, a line end for a separator, nothing at the end of the text."""
    for at in range(end, len(text)):
        if found := BONES[text[at]]:
            return "\n" if found == SEPARATOR else found[0]
    return ""


def around(text: str, start: int, end: int, before: str) -> tuple[str, str]:
    """Return what stands on both sides of a find that can matter to it."""
    return context_of(text, start, before), text[end : end + REACH_AFTER]


def left_bones(text: str, start: int, before: str) -> str:
    """Return what stands before a place, as it is compared."""
    return bones_before(text, start, before, REACH_BEFORE)


def right_bones(text: str, end: int, reach: int = REACH_AFTER) -> str:
    """Return what stands after a place, as it is compared."""
    return bones_after(text, end, reach)


def is_exception(word: Word, text: str, start: int, end: int, before: str = "") -> bool:
    """Say whether a find of a word, in whatever way it is written there, stands inside one of its exception phrases."""
    inside, phrases = _exceptions(word.folded, word.rules.exceptions)
    left, right = left_bones(text, start, before), right_bones(text, end, LONGEST_REACH)
    joined, stop = left + inside + right, len(left) + len(inside)
    for phrase in phrases:
        at = joined.find(phrase)
        while at >= 0:
            if at <= len(left) and stop <= at + len(phrase):
                return True
            at = joined.find(phrase, at + 1)
    return False


@lru_cache(maxsize=1 << 14)
def _exceptions(word: str, phrases: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return a word and its exception phrases as their context is compared."""
    return even(word), tuple(map(even, phrases))
