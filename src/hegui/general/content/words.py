"""Finding the words of a library in a text, hidden or not, and saying which finds are fair.

A word is looked for in the skeleton of the text. Where nothing that shows was left out between
its characters the find is `exact`; where something was, it is `hidden`, and counts only if what
stands between is no ordinary gap: 很大，麻烦 says nothing of 大麻. A find that the likeliest
reading of its neighbourhood cuts through, 大麻 in 大麻烦, is `torn`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hegui.general.content.folding import Folded, fold_character
from hegui.general.content.folding import fold as folding
from hegui.general.content.lexicon import Place, Segmenter, load_lexicon
from hegui.general.content.library import Index, Library, Word, is_latin
from hegui.general.content.matcher import Hit
from hegui.general.content.skeleton import BONES, SEPARATOR, Skeleton, bones_of, skeleton

EXACT, HIDDEN, TORN = "exact", "hidden", "torn"
REACH_BEFORE, REACH_AFTER = Segmenter.reach_before, Segmenter.reach_after
"""Characters around a find that can matter to it."""
_NATURAL = frozenset(" \t\r\n\u3000\u00a0,.!?;:'\"()[]{}<>/\\-_~，。！？；：、‘’“”（）【】《》〈〉「」『』—…·～")
"""What stands between words in ordinary text; other marks and symbols do not."""
_PAUSES = frozenset("，。！？；：、…\r\n”’）】》」』")
"""Of these, what ends a clause: the words on either side are two unless a mark stands in every gap."""
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


@dataclass(frozen=True, slots=True)
class _Span:
    number: int
    start: int
    end: int
    lane: str | None
    """None where more text decides."""


class Finder:
    """Finds the words of one library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._segmenter = Segmenter(load_lexicon())

    def find(
        self,
        text: str,
        before: str = "",
        *,
        bones: Skeleton | None = None,
        fold: Folded | None = None,
        final: bool = True,
    ) -> tuple[list[Find], int]:
        """Return the words in a text, and where the first find begins that more text decides (the end, if none).

        `before` are the characters that stand before the text, at most `REACH_BEFORE` of them;
        `bones` is its skeleton and `fold` its folded form, if there. A word that begins or ends in a Latin letter or digit
        counts at a word's edge only.
        """
        library = self._library
        found: list[Find] = []
        open_at = len(text)
        hits = library.bones.matcher.find(bones.text if bones else bones_of(text))
        spans: list[tuple[Index, _Span]] = []
        if hits:
            bones = bones or skeleton(text)
            spans += [(library.bones, span) for span in self._spans(hits, text, bones, before, final=final)]
        if library.literal.words:
            spans += [(library.literal, span) for span in self._literal(fold or folding(text), before, final=final)]
        for index, span in spans:
            if span.lane is None:
                open_at = min(open_at, span.start)
            else:
                found += [Find(word, span.lane, span.start, span.end) for word in index.words[span.number]]
        return found, open_at

    def _spans(self, hits: Iterable[Hit], text: str, bones: Skeleton, before: str, *, final: bool) -> Iterator[_Span]:
        origins = bones.origins
        for begin, stop, number in hits:
            places = [int(place) for place in origins[begin:stop]]
            start, end = places[0], places[-1] + 1
            word = bones.text[begin:stop]
            if is_latin(word[0]) and is_latin(left_of(text, start, before)):
                continue
            if is_latin(word[-1]):
                after = _right(text, end)
                if is_latin(after):
                    continue
                if not after and not final:
                    yield _Span(number, start, end, None)
                    continue
            lane = EXACT if not any(BONES[one] for a, b in pairwise(places) for one in text[a + 1 : b]) else HIDDEN
            if not final and not word.isascii() and not self._settled(text, end):
                yield _Span(number, start, end, None)
            elif lane == EXACT:
                yield _Span(number, start, end, TORN if self._is_torn(word, text, start, end, before) else EXACT)
            elif self._is_hiding(text, places, word, before):
                yield _Span(number, start, end, HIDDEN)

    @staticmethod
    def _settled(text: str, end: int) -> bool:
        """Say whether more text can not change what is read around a find that ends there."""
        after = text[end : end + REACH_AFTER]
        return len(after) == REACH_AFTER or any(BONES[one] == SEPARATOR for one in after)

    def _is_torn(self, word: str, text: str, start: int, end: int, before: str) -> bool:
        if word.isascii():
            return False
        left, right = _left_bones(text, start, before), _right_bones(text, end)
        return self._segmenter.place(left + word + right, len(left), len(left) + len(word)) is Place.TORN

    def _is_hiding(self, text: str, places: Sequence[int], word: str, before: str) -> bool:
        """Say whether what stands between a word's characters was put there to hide it."""
        if word.isascii() and len(word) < _LATIN_LEAST:
            return False
        gaps = [text[a + 1 : b] for a, b in pairwise(places)]
        if not any(one in _NATURAL for gap in gaps for one in gap):
            return True
        if len(word) > _SHORT and all(gaps):
            return True
        if any(one in _PAUSES for gap in gaps for one in gap):
            return False
        parts = [word[0]]
        for one, gap in zip(word[1:], gaps, strict=True):
            if any(BONES[sign] == SEPARATOR for sign in gap):
                parts.append(one)
            else:
                parts[-1] += one
        left, right = _left_bones(text, places[0], before), _right_bones(text, places[-1] + 1)
        return not word.isascii() and self._segmenter.gap(left, parts, right)

    def _literal(self, folded: Folded, before: str, *, final: bool) -> Iterator[_Span]:
        context = fold_character(before[-1])[-1:] if before else ""
        joined = context + folded.text
        for begin, stop, number in self._library.literal.matcher.find(joined):
            first = begin - len(context)
            if first < 0 or (is_latin(joined[begin]) and begin and is_latin(joined[begin - 1])):
                continue
            start, end = folded.origin(first), folded.end(stop - len(context))
            lane: str | None = EXACT
            if is_latin(joined[stop - 1]):
                if stop < len(joined) and is_latin(joined[stop]):
                    continue
                lane = EXACT if stop < len(joined) or final else None
            yield _Span(number, start, end, lane)


def context_of(text: str, cut: int, before: str) -> str:
    """Return the characters that are context for what follows a cut."""
    near: list[str] = []
    for one in _backwards(text, cut, before):
        if BONES[one]:
            near.append(one)
            if len(near) == REACH_BEFORE:
                break
    return "".join(reversed(near))


def _backwards(text: str, start: int, before: str) -> Iterator[str]:
    yield from (text[at] for at in range(start - 1, -1, -1))
    yield from reversed(before)


def left_of(text: str, start: int, before: str) -> str:
    """Return the folded character before a place; what shows nothing is passed over."""
    for one in _backwards(text, start, before):
        if found := BONES[one]:
            return "" if found == SEPARATOR else found[-1]
    return ""


def _right(text: str, end: int) -> str:
    """Return the folded character at a place, a line end for a separator, nothing at the end of the text."""
    for character in text[end:]:
        if found := BONES[character]:
            return "\n" if found == SEPARATOR else found[0]
    return ""


def _left_bones(text: str, start: int, before: str) -> str:
    return "".join(BONES[one] for one in context_of(text, start, before))


def _right_bones(text: str, end: int) -> str:
    return "".join(BONES[one] for one in text[end : end + REACH_AFTER])
