"""Finding the words of a library in a text, hidden or not, and saying which finds are fair.

A word is looked for in the skeleton of the text. Where nothing that shows was left out between
its characters the find is `exact`; where something was, it is `hidden`, and counts only if what
stands between is no ordinary gap: 很大，麻烦 says nothing of 大麻.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from hegui.general.content.folding import fold, fold_character
from hegui.general.content.library import Index, Library, Word, is_latin
from hegui.general.content.matcher import Hit
from hegui.general.content.skeleton import BONES, SEPARATOR, Skeleton, bones_of, skeleton

EXACT, HIDDEN = "exact", "hidden"
_NATURAL = frozenset(" \t\r\n\u3000\u00a0,.!?;:'\"()[]{}<>/\\-_~，。！？；：、‘’“”（）【】《》〈〉「」『』—…·～")
"""What stands between words in ordinary text; other marks and symbols do not."""
_SHORT = 2
_LATIN_LEAST = 5
"""A Latin word has to have as many letters for its letters to be found apart: `a v` stands in any English text."""


@dataclass(frozen=True, slots=True)
class Find:
    """A word found, at characters `start` to `end` of the text."""

    word: Word
    lane: str
    start: int
    end: int


def find_words(
    library: Library, text: str, before: str = "", *, bones: Skeleton | None = None, final: bool = True
) -> list[Find]:
    """Return the words in a text; `before` is the character that stands before it, `bones` its skeleton, if there.

    A word that begins or ends in a Latin letter or digit counts at a word's edge only; at the end
    of unfinished text such a word is not yet confirmed and is left out.
    """
    found: list[Find] = []
    hits = library.bones.matcher.find(bones.text if bones else bones_of(text))
    if hits:
        bones = bones or skeleton(text)
        spans = _spans(hits, text, bones, before, final=final)
        found += [Find(word, lane, a, b) for number, a, b, lane in spans for word in library.bones.words[number]]
    if library.literal.words:
        found += _literal(library.literal, text, before, final=final)
    return found


def _spans(
    hits: Iterable[Hit], text: str, bones: Skeleton, before: str, *, final: bool
) -> Iterator[tuple[int, int, int, str]]:
    origins = bones.origins
    for begin, stop, number in hits:
        places = [int(place) for place in origins[begin:stop]]
        start, end = places[0], places[-1] + 1
        first, last = bones.text[begin], bones.text[stop - 1]
        if is_latin(first) and is_latin(left_of(text, start, before)):
            continue
        if is_latin(last):
            after = _right(text, end)
            if is_latin(after) or (not after and not final):
                continue
        if not any(BONES[one] for a, b in pairwise(places) for one in text[a + 1 : b]):
            yield number, start, end, EXACT
        elif _is_hiding(text, places, bones.text[begin:stop]):
            yield number, start, end, HIDDEN


def context_of(text: str, cut: int, before: str) -> str:
    """Return the character that is context for what follows a cut: the last one before it that shows."""
    while cut > 0:
        cut -= 1
        if BONES[text[cut]]:
            return text[cut]
    return before


def left_of(text: str, start: int, before: str) -> str:
    """Return the folded character before a place; what shows nothing is passed over."""
    while start > 0:
        start -= 1
        if found := BONES[text[start]]:
            return "" if found == SEPARATOR else found[-1]
    found = BONES[before] if before else ""
    return "" if found == SEPARATOR else found[-1:]


def _right(text: str, end: int) -> str:
    """Return the folded character at a place, a line end for a separator, nothing at the end of the text."""
    for character in text[end:]:
        if found := BONES[character]:
            return "\n" if found == SEPARATOR else found[0]
    return ""


def _is_hiding(text: str, places: list[int], word: str) -> bool:
    """Say whether what stands between a word's characters was put there to hide it."""
    if word.isascii() and len(word) < _LATIN_LEAST:
        return all(not fold_character(one) for a, b in pairwise(places) for one in text[a + 1 : b])
    gaps = [text[a + 1 : b] for a, b in pairwise(places)]
    natural = [any(one in _NATURAL for one in gap) for gap in gaps]
    if not any(natural):
        return True
    return len(word) > _SHORT and all(gaps)


def _literal(index: Index, text: str, before: str, *, final: bool) -> list[Find]:
    folded = fold(text)
    before = fold_character(before)[-1:] if before else ""
    joined = before + folded.text
    found = []
    for begin, stop, number in index.matcher.find(joined):
        start, end = begin - len(before), stop - len(before)
        if start < 0 or (is_latin(joined[begin]) and begin and is_latin(joined[begin - 1])):
            continue
        if is_latin(joined[stop - 1]) and (is_latin(joined[stop]) if stop < len(joined) else not final):
            continue
        span = folded.origin(start), folded.end(end)
        found += [Find(word, EXACT, *span) for word in index.words[number]]
    return found
