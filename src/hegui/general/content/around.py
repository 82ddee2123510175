"""What stands around a find that can matter to it, in a text or in a piece of one with what came before."""

from __future__ import annotations

from hegui.general.content.lexicon import Segmenter
from hegui.general.content.rows import LONGEST_REACH
from hegui.general.content.skeleton import BONES, SEPARATOR, backwards, bones_after, bones_before
from hegui.general.content.skeleton import context_of as reached

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
