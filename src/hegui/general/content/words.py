"""Finding the words of a library in a text, hidden or not, and saying which finds are fair.

A word is looked for in the skeleton of the text. Where nothing that shows was left out between
its characters the find is `exact`; where something was, it is `hidden`, and counts only if what
stands between is no ordinary gap: 很大，麻烦 says nothing of 大麻. A find that the likeliest
reading of its neighbourhood cuts through, 大麻 in 大麻烦, is `torn`. Characters written as their
parts are `split`; the weaker ways by sound are in `sounds`. A word does not count inside one of
its exception phrases, outside its dates, or without the words that it is asked to stand near.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from hegui.general.content import latin
from hegui.general.content.around import (
    REACH_AFTER,
    around,
    context_of,
    is_exception,
    left_bones,
    left_of,
    right_bones,
    right_of,
)
from hegui.general.content.asking import SHORT, Asks
from hegui.general.content.clauses import clauses, clauses_of
from hegui.general.content.folding import Folded, fold_character
from hegui.general.content.folding import fold as folding
from hegui.general.content.gaps import Gaps, between, is_alike
from hegui.general.content.index import Form, Word, is_latin
from hegui.general.content.lexicon import Place, Segmenter, load_lexicon
from hegui.general.content.library import Library
from hegui.general.content.matcher import Hit
from hegui.general.content.near import Nearby
from hegui.general.content.policy import Lane
from hegui.general.content.rows import LONGEST_REACH
from hegui.general.content.skeleton import BONES, SEPARATOR, Skeleton, skeleton
from hegui.general.content.spacing import Beside, Spacing, is_exact
from hegui.general.content.syllables import is_name
from hegui.kit import clock

WEAK = frozenset({Lane.PINYIN, Lane.HOMOPHONE, Lane.INITIALS})
"""The lanes by sound."""
_LANES = {Place.WHOLE: Lane.EXACT, Place.PART: Lane.PART, Place.TORN: Lane.TORN}
_LATIN_LEAST = 5
"""A Latin word has to have as many letters for its letters to be found apart: `a v` stands in any English text."""


@dataclass(frozen=True, slots=True)
class Find:
    """A word found, at characters `start` to `end` of the text."""

    word: Word
    lane: Lane
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Span:
    number: int
    start: int
    end: int
    lane: Lane | None
    """None where more text decides."""


class Finder:
    """Finds the words of one library."""

    def __init__(self, library: Library, weak: Collection[Lane] = ()) -> None:
        """Make ready to find; `weak` are the lanes by sound that `find_weak` will be asked for."""
        self._library = library
        self._segmenter = Segmenter(load_lexicon())
        self._gaps = Gaps(self._segmenter)
        self._weak = frozenset(weak)
        self._sounds = library.sounds if weak else ()

    def find(  # noqa: PLR0913 - what is there already need not be made again
        self,
        text: str,
        before: str = "",
        *,
        bones: Skeleton | None = None,
        fold: Folded | None = None,
        final: bool = True,
        nearby: Nearby | None = None,
    ) -> tuple[list[Find], int]:
        """Return the words in a text, and where the first find begins that more text decides (the end, if none).

        `before` are the characters that stand before the text, at most `REACH_BEFORE` of them;
        `bones` is its skeleton and `fold` the folded form, if there. A word that begins or ends in a Latin letter or
        digit counts at a word's edge only. `nearby` remembers, for a text in pieces, what stood before.
        """
        library = self._library
        bones = bones or skeleton(text)
        hits = library.bones.matcher.look(bones)
        hints = library.hints
        dressed = self._dressed(text, bones, before, final=final) if library.latin.words else []
        if not hits and hints is not None and not dressed:
            return [], len(text)
        read = _read(library, bones, hits)
        readings = _joined(library, read)
        asking = _asking(library, hits, read)
        literally = library.literal.words and (hints is None or any(number in hints for _, _, number in hits))
        forms = library.bones.words
        hits = [hit for hit in hits if forms[hit[2]]]
        if not (hits or readings or asking or literally or dressed):
            return [], len(text)
        spans = dressed
        if asking:
            spans += self._asked(asking, text, bones, before, final=final)
        if hits or readings:
            found = self._spans(hits, text, bones, before, final=final)
            spans += [(form, span) for span in found for form in forms[span.number]]
            split = self._spans(readings, text, bones, before, final=final)
            spans += [(replace(form, lane=Lane.SPLIT), span) for span in split for form in forms[span.number]]
        if literally:
            literal = self._literal(fold or folding(text), text, before, final=final)
            spans += [(form, span) for span in literal for form in library.literal.words[span.number]]
        return self._fair(spans, text, before, nearby, final=final)

    def _fair(
        self, spans: list[tuple[Form, _Span]], text: str, before: str, nearby: Nearby | None, *, final: bool
    ) -> tuple[list[Find], int]:
        """Return the finds that count, and where the first begins that more text decides."""
        found: list[Find] = []
        open_at = len(text)
        if not spans:
            return found, open_at
        today: date | None = None
        if self._library.widest:
            nearby = nearby or Nearby()
            spans.sort(key=lambda item: (item[1].end, item[1].start))
        for form, span in spans:
            word, rules = form.word, form.word.rules
            if word.rule in self._library.gone:
                continue
            if rules.since or rules.until:
                today = today or clock.today()
                if not rules.on(today):
                    continue
            reach = LONGEST_REACH if rules.exceptions else 0
            if span.lane is None or (reach and not final and len(text) - span.end < reach):
                open_at = min(open_at, span.start)
            elif rules.exceptions and not form.part and is_exception(word, text, span.start, span.end, before):
                continue
            elif not rules.near or (
                nearby and span.lane is not Lane.TORN and nearby.complete(word, form.part, span.start, span.end)
            ):
                found.append(Find(word, form.lane or span.lane, span.start, span.end))
        return found, open_at

    def find_weak(self, text: str, bones: Skeleton | None = None) -> list[Find]:
        """Return the words that a text holds by their sound, each within one clause; `bones` is its skeleton, if there."""
        found: list[Find] = []
        wanted: Iterable[tuple[int, int]] = clauses(text)
        if self._weak == {Lane.PINYIN}:
            bones = bones or skeleton(text)
            # A find within one clause stands in the skeleton of the whole, too: most texts with Latin letters end here.
            places = [place for sounds, _ in self._sounds for place in sounds.places(bones)]
            if not places:
                return found
            wanted = clauses_of(places, text, bones)
        gone, today = self._library.gone, clock.today()
        for begin, end in wanted:
            clause = text[begin:end]
            bones = skeleton(clause)
            origins = bones.origins
            for sounds, words in self._sounds:
                for item in sounds.find(bones.text, origins, self._weak):
                    word = words[item.number]
                    if item.lane not in self._weak or word.rule in gone or not word.rules.on(today):
                        continue
                    start, stop = int(origins[item.begin]), int(origins[item.stop - 1]) + 1
                    named = item.lane is Lane.PINYIN and is_name(clause, start, stop)
                    if not named and not (word.rules.exceptions and is_exception(word, clause, start, stop)):
                        found.append(Find(word, item.lane, begin + start, begin + stop))
        return found

    def _spans(self, hits: Iterable[Hit], text: str, bones: Skeleton, before: str, *, final: bool) -> Iterator[_Span]:
        origins, joined = bones.origins, bones.text
        spacing = Spacing(text, lambda at: context_of(text, at, before))
        for begin, stop, number in hits:
            # Most finds of Latin words stand inside longer ones, so that is looked at before anything else is made.
            start, end = int(origins[begin]), int(origins[stop - 1]) + 1
            if is_latin(joined[begin]) and is_latin(left_of(text, start, before)):
                continue
            if is_latin(joined[stop - 1]):
                after = right_of(text, end)
                if is_latin(after):
                    continue
                if not after and not final:
                    yield _Span(number, start, end, None)
                    continue
            word, places = joined[begin:stop], [int(place) for place in origins[begin:stop]]
            if len(word) == 1:
                up_to = int(origins[stop]) if stop < len(origins) else len(text)
                yield from self._each(number, word, text, (start, up_to), before, final=final)
                continue
            exact = places == [*range(start, end)] or is_exact(text, places)
            start = places[0]
            near = None if exact or (word.isascii() and len(word) < _LATIN_LEAST) else spacing.beside(places)
            is_open = near is not None and near.is_open
            if not final and (is_open or not (word.isascii() or self._settled(text, end))):
                yield _Span(number, start, end, None)
            elif exact:
                yield _Span(number, start, end, self._standing(word, text, start, end, before))
            elif lane := self._with_gaps(text, places, word, before, near):
                yield _Span(number, start, end, lane)

    def _each(  # noqa: PLR0913 - a place in a text, and what is around it
        self, number: int, word: str, text: str, within: tuple[int, int], before: str, *, final: bool
    ) -> Iterator[_Span]:
        """Yield a word of one character and its repetitions, which a skeleton leaves out: each is the whole word."""
        first, up_to = within
        for at in (first, *(at for at in range(first + 1, up_to) if BONES[text[at]] == word)):
            if not final and not word.isascii() and not self._settled(text, at + 1):
                yield _Span(number, at, at + 1, None)
            else:
                yield _Span(number, at, at + 1, self._place(word, text, at, at + 1, before))

    def _asked(
        self, found: Iterable[tuple[list[int], int, Form]], text: str, bones: Skeleton, before: str, *, final: bool
    ) -> Iterator[tuple[Form, _Span]]:
        """Yield the words that ask something of the original, where it has that and the word does not stand as it is."""
        origins, spacing = bones.origins, Spacing(text, lambda at: context_of(text, at, before))
        for at, stop, form in found:
            asks, places, end = form.asks, [int(origins[place]) for place in at], int(origins[stop - 1]) + 1
            inside = asks.inside(text, places) if asks else None
            if not asks or not inside or not asks.before(context_of(text, inside[0], before)):
                continue
            (start, gaps), taken = inside, asks.after(text[end : end + REACH_AFTER])
            if taken is None or (taken == SHORT and final) or _is_cut(asks, text, (start, end), before):
                continue
            near = spacing.beside(places)
            is_open = taken == SHORT or (near is not None and near.is_open) or not right_of(text, end)
            if not final and (is_open or not self._settled(text, end)):
                yield form, _Span(0, start, end, None)
                continue
            if len(at) < stop - at[0]:
                gaps = ["".join(one for one in gap if BONES[one] == SEPARATOR) for gap in gaps]  # the rest are parts
            if lane := self._asked_lane(asks, text, (start, end + taken), gaps, near=near, before=before):
                yield form, _Span(0, start, end + taken, lane)

    def _asked_lane(  # noqa: PLR0913 - a place in a text, and what is around it
        self, asks: Asks, text: str, span: tuple[int, int], gaps: list[str], *, near: Beside | None, before: str
    ) -> Lane | None:
        """Return the lane of such a word by what stands in its gaps beyond what it asks for; None for no word."""
        start, end = span
        if asks.is_plain(text[start:end]):
            return None
        if not any(BONES[one] for gap in gaps for one in gap):
            return self._standing("".join(map(BONES.__getitem__, text[start:end])), text, start, end, before)
        lane = self._gaps.lane(asks.pattern, gaps, lambda: around(text, start, end, before))
        if lane and len(set(asks.pattern)) == 1:
            lane = Lane.PART  # 嘻嘻: laughter goes on in any way
        return self._without_gaps(asks.pattern, lane, near) if lane else None

    def _dressed(self, text: str, bones: Skeleton, before: str, *, final: bool) -> list[tuple[Form, _Span]]:
        """Return the Latin words that a text holds with letters repeated or with regional indicators for letters."""
        if not latin.is_dressed(text, bones):
            return []
        letters, before = latin.with_letters(text), latin.with_letters(before)
        if letters != text:
            bones = skeleton(letters)
        found: list[tuple[Form, _Span]] = []
        reading, index = latin.reading(bones, letters), self._library.latin
        for begin, stop, number in index.matcher.find(reading.text):
            for form in index.words[number]:
                word = _bones(form)
                for first, last, sizes in latin.places(bones, letters, reading, (begin, stop)):
                    regional = any(letters[at] != text[at] for at in map(int, bones.origins[first:last]))
                    if not latin.fits(word, sizes, regional=regional):
                        continue
                    if span := next(self._spans([(first, last, number)], letters, bones, before, final=final), None):
                        other = not regional and span.lane is Lane.EXACT and latin.is_ordinary(word, sizes)
                        found.append((replace(form, lane=Lane.PART if other else Lane.HIDDEN), span))
                        break
        return found

    @staticmethod
    def _settled(text: str, end: int) -> bool:
        """Say whether more text can not change what is read around a find that ends there."""
        after = text[end : end + REACH_AFTER]
        return len(after) == REACH_AFTER or any(BONES[one] == SEPARATOR for one in after)

    def _place(self, word: str, text: str, start: int, end: int, before: str) -> Lane:
        """Return the lane of a word that stands as it is, by the likeliest reading of what is around it."""
        if word.isascii():
            return Lane.EXACT
        left, right = left_bones(text, start, before), right_bones(text, end)
        return _LANES[self._segmenter.place(left + word + right, len(left), len(left) + len(word))]

    def _without_gaps(self, word: str, lane: Lane, near: Beside | None) -> Lane | None:
        """Return the lane of a word with gaps: where these go on beside it, that of the text without them; None for no word."""
        if near is None or not near.is_even:
            return lane
        left, right = near.left, near.right
        if is_latin(word[0]):
            if near.joins_left:
                return None
            left = ""
        if is_latin(word[-1]):
            if near.joins_right:
                return None
            right = ""
        place = self._segmenter.place(left + word + right, len(left), len(left) + len(word))
        return lane if place is Place.WHOLE else _LANES[place]

    def _with_gaps(self, text: str, places: Sequence[int], word: str, before: str, near: Beside | None) -> Lane | None:
        """Return the lane of a word between whose characters something stands; None where that parts words."""
        if word.isascii() and len(word) < _LATIN_LEAST:
            return None
        start, end = places[0], places[-1] + 1
        lane = self._gaps.lane(word, between(text, places), lambda: around(text, start, end, before))
        return self._without_gaps(word, lane, near) if lane else None

    def _standing(self, word: str, text: str, start: int, end: int, before: str) -> Lane:
        """Return the lane of a word that stands as it is, though its first or last character may be repeated beside it."""
        lane = self._place(word, text, start, end, before)
        if lane is not Lane.TORN:
            return lane
        doubted = is_alike(text[start:end]) or self._gaps.is_repeated(word, around(text, start, end, before))
        return Lane.PART if doubted else lane

    def _literal(self, folded: Folded, text: str, before: str, *, final: bool) -> Iterator[_Span]:
        context = fold_character(before[-1])[-1:] if before else ""
        joined = context + folded.text
        for begin, stop, number in self._library.literal.matcher.find(joined):
            first = begin - len(context)
            if first < 0 or (is_latin(joined[begin]) and begin and is_latin(joined[begin - 1])):
                continue
            start, end = folded.origin(first), folded.end(stop - len(context))
            if is_latin(joined[stop - 1]) and stop < len(joined) and is_latin(joined[stop]):
                continue
            word = joined[begin:stop]
            is_open = is_latin(word[-1]) and stop == len(joined)
            if not final and (is_open or not (word.isascii() or self._settled(text, end))):
                yield _Span(number, start, end, None)
            else:
                yield _Span(number, start, end, self._place(word, text, start, end, before))


def _bones(form: Form) -> str:
    return skeleton(form.word.folded).text


def _read(library: Library, bones: Skeleton, hits: Iterable[Hit]) -> list[tuple[list[int], int, int]]:
    """Return the patterns that a skeleton holds once characters written in parts are joined.

    Each is the places of its characters in the skeleton as it is, where it ends there, and its number.
    """
    characters = library.in_parts.characters
    if not any(number in characters for _, _, number in hits):
        return []
    found = []
    for reading in library.in_parts.readings(bones.text, hits, library.longest):
        for begin, stop, number in library.bones.matcher.find(reading.text):
            last = reading.stops[stop - 1]
            if last - reading.starts[begin] > stop - begin:
                found.append((reading.starts[begin:stop], last, number))
    return found


def _joined(library: Library, read: Iterable[tuple[list[int], int, int]]) -> list[Hit]:
    """Return the words among what was read with parts joined."""
    found = {(places[0], stop, number) for places, stop, number in read if library.bones.words[number]}
    return sorted(found, key=lambda hit: (hit[1], hit[0], hit[2]))


def _asking(
    library: Library, hits: Iterable[Hit], read: Iterable[tuple[list[int], int, int]]
) -> list[tuple[list[int], int, Form]]:
    """Return the forms that ask something of the original, with the places of their characters, and where they end."""
    asking = library.asking
    if not asking:
        return []
    found = [(list(range(begin, stop)), stop, form) for begin, stop, at in hits for form in asking.get(at, ())]
    joined = [
        (places, stop, replace(form, lane=Lane.SPLIT)) for places, stop, at in read for form in asking.get(at, ())
    ]
    return found + joined


def _is_cut(asks: Asks, text: str, span: tuple[int, int], before: str) -> bool:
    """Say whether Latin letters go on beside a find."""
    start, end = span
    first, last = asks.pattern[0], asks.pattern[-1]
    joins = is_latin(first) and not asks.marks[0] and is_latin(left_of(text, start, before))
    return joins or (is_latin(last) and not asks.marks[-1] and is_latin(right_of(text, end)))
