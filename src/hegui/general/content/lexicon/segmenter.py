"""Is a keyword hit a word of its own, or only a piece of other words? Asked around hits alone.

The likeliest reading of a few characters before and after a hit is found by the costs of words
(unigrams; docs/decisions/0015-segmenting-around-hits.md): a hit that the reading cuts through,
大麻 in 大|麻烦, is no hit. In doubt a hit counts. All texts here are folded texts.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final

from hegui.general.content import kernel
from hegui.general.content.lexicon.trie import COSTLIEST, Lexicon

if TYPE_CHECKING:
    from hegui.general.content._kernel import Reader

Edges = list[list[tuple[int, int]]]
"""For each place the words that begin there: where they end, and what they cost."""
Costs = tuple[int, int, int, int]
"""The costs of the best readings with the span whole, with it torn and with it inside a longer word, and its own as a word."""

KNOWN: Final = 150
"""The cost of the hit itself as a word, at most: that of the lexicon's words of rank 17,000 or so.

An operator's word need not be in the lexicon, and a rare one must not be read as a chance meeting of
two common words; a costlier guess loses made-up words, a cheaper one keeps pieces of other words.
"""
DOUBT: Final = 6
"""A reading that cuts through the hit must be cheaper by more than this: likelier by 1.6 times."""
SURE: Final = 27
"""A reading with the hit as a word must be cheaper than every other by this: likelier by 9 times; else it is in doubt.

For a word that the lexicon knows as rarer than `KNOWN`, half of what it is rarer by is added.
"""
FAMILIAR: Final = 120
"""A word of less cost, of rank 4,000 or so, is said in a longer one that is little more than its parts put together:"""
TOGETHER: Final = -20
"""the reading with that one word may be cheaper by so much (市场 in 证券市场, but not 国务 in 国务院)."""
LOOSE: Final = 20
"""A word that costs more than its characters apart by more than this is hardly a word (求出, 设为):"""
STRAY: Final = 95
"""beside a character that is left alone and costs so much by itself it is in doubt: both may belong to a word that the lexicon lacks."""
SURNAMES: Final = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温"
)
"""The commonest: a character left alone is part of a person's name, and no sign of doubt, soon after one of them."""
NAME: Final = 70
"""The cost of beginning a foreign name that is no word, but a row of characters that such names are spelt with."""
NAME_LEAST: Final = 3
NAME_MOST: Final = 7
"""Characters of such a name."""
APART: Final = 6
"""The cost of each place where a separator stands inside a word."""
_FAR: Final = 1 << 30
_NOT_ASCII: Final = "\x80"


class Place(Enum):
    """What a hit is in its neighbourhood."""

    WHOLE = "whole"  # 独立成词: a word, or several whole words
    PART = "part"  # 词中成分: a part of a longer word, at that word's own seams: 火车 in 火车站; or in doubt
    TORN = "torn"  # 跨词片段: only pieces of other words: 大麻 in 大|麻烦


class Segmenter:
    """Places hits. What it says depends on `reach_before` characters before a hit and `reach_after` after it."""

    reach_before: Final = 8
    reach_after: Final = 4

    def __init__(self, lexicon: Lexicon, extra: Iterable[str] = ()) -> None:
        """Take a lexicon, and ordinary words of the operator's field that it lacks."""
        self._lexicon = lexicon
        self._codes = lexicon.codes
        self._none = len(lexicon.codes) + 1  # the code of a character of no word: no step goes by it
        self._spelt = lexicon.spelt
        self._single = [lexicon.unknown] * (self._none + 1)
        for code in range(1, self._none):
            if lexicon.check[code] == code and lexicon.cost[code]:
                self._single[code] = lexicon.cost[code]
        self._loose: dict[str, bool] = {}  # of the words of a library that were found
        self._extra: dict[str, list[str]] = {}
        for word in sorted(set(extra)):
            if len(word) > 1:
                self._extra.setdefault(word[0], []).append(word)
        self._longest = max(
            [lexicon.longest, NAME_MOST, *(len(word) for words in self._extra.values() for word in words)]
        )
        reader = None if self._extra else self._compiled()
        self._read = reader.costs if reader else self.costs
        self._cost = reader.cost if reader else self.cost

    def _compiled(self) -> Reader | None:
        """Return what reads faster, where the kernel is in use; it takes no words of the operator's."""
        lexicon = self._lexicon
        if kernel.Reader is None or max(self._single) > COSTLIEST:
            return None
        codes = array("H", [self._none]) * (1 << 16)
        for character, code in self._codes.items():
            codes[ord(character)] = code
        return kernel.Reader(
            base=lexicon.base, check=lexicon.check, cost=lexicon.cost, spelt=lexicon.spelt, single=bytes(self._single),
            codes=codes, none=self._none, longest=self._longest, known=KNOWN, name=NAME, name_least=NAME_LEAST,
            name_most=NAME_MOST, reach_before=self.reach_before, reach_after=self.reach_after,
        )  # fmt: skip

    def whole(self, text: str, start: int, end: int, *, parts: bool = True) -> bool:
        """Say whether a hit counts: it is made of whole words or, with `parts`, is a part of a longer one."""
        place = self.place(text, start, end)
        return place is Place.WHOLE or (parts and place is Place.PART)

    def settled(self, text: str, end: int) -> bool:
        """Say whether more text can not change what `place` says of a hit that ends at `end`."""
        after = text[end : end + self.reach_after]
        return len(after) == self.reach_after or any(character not in self._codes for character in after)

    def place(self, text: str, start: int, end: int) -> Place:
        """Say what the span `[start, end)` of a folded text is."""
        found = self._likeliest(text, start, end)
        if found is Place.WHOLE and self._is_loose(text[start:end]):
            before = text[max(0, start - self.reach_before) : start]
            after = text[end : end + self.reach_after]
            if self._is_stray_before(before) or self._is_stray_after(after):
                return Place.PART
        return found

    def _is_loose(self, word: str) -> bool:
        """Say whether the lexicon knows a word, a rare one, but its characters are likelier read one by one."""
        loose = self._loose.get(word)
        if loose is None:
            codes = [self._codes.get(character, self._none) for character in word]
            own = self._own(codes)
            loose = self._loose[word] = own > KNOWN and own - sum(self._single[code] for code in codes) > LOOSE
        return loose

    def _is_stray_before(self, text: str) -> bool:
        """Say whether the likeliest reading of what stands before a hit leaves its last character alone."""
        low = len(text)
        while low and text[low - 1] in self._codes:
            low -= 1
        text = text[low:]
        if not text or (cost := self._single[self._codes[text[-1]]]) < STRAY or not SURNAMES.isdisjoint(text[-3:-1]):
            return False
        return self._cost(text) == self._cost(text[:-1]) + cost

    def _is_stray_after(self, text: str) -> bool:
        """Say whether the likeliest reading of what stands after a hit leaves its first character alone."""
        stop = 0
        while stop < len(text) and text[stop] in self._codes:
            stop += 1
        if not stop or (cost := self._single[self._codes[text[0]]]) < STRAY or text[0] in SURNAMES:
            return False
        return self._cost(text[:stop]) == self._cost(text[1:stop]) + cost

    def _likeliest(self, text: str, start: int, end: int) -> Place:
        """Say what a span is by the likeliest reading of its neighbourhood."""
        if (text[start] < _NOT_ASCII or text[end - 1] < _NOT_ASCII) and not edges(text, start, end):
            return Place.TORN
        costs = self._read(text, start, end)
        if costs is None:
            return Place.WHOLE
        whole, torn, holding, own = costs
        if whole > torn + DOUBT:
            return Place.TORN
        sure = SURE + max(0, own - KNOWN) // 2
        apart = whole + sure <= torn and whole + (TOGETHER if own < FAMILIAR else sure) <= holding
        return Place.WHOLE if apart else Place.PART

    def costs(self, text: str, start: int, end: int) -> Costs | None:
        """Return the costs of the readings around the span `[start, end)`, or None where no word reaches over its edges."""
        left = start - self.reach_before if start > self.reach_before else 0
        window = text[left : end + self.reach_after]
        none, get = self._none, self._codes.get
        codes = [get(character, none) for character in window]
        low = begin = start - left
        high = stop = end - left
        # A character of no word, such as a punctuation mark, is an edge of every reading.
        while low and codes[low - 1] != none:
            low -= 1
        while high < len(codes) and codes[high] != none:
            high += 1
        if low == begin and high == stop:
            return None
        window, codes, begin, stop = window[low:high], codes[low:high], begin - low, stop - low
        near = max(0, begin - self._longest + 1)
        found = self._words(window, codes, near, stop)
        over_begin, over_end = crossed(found, near, begin, stop)
        if not over_begin and not over_end:
            return None
        # Where no word reaches over an edge, every reading has that edge, and what lies beyond it does not matter.
        low = 0 if over_begin else begin
        found = (self._words(window, codes, 0, near) if over_begin else [[]] * near) + found
        after = [0] * (stop + 1)
        if over_end:
            after = self._after(codes, stop, self._words(window, codes, stop, len(codes)))
        return self._weigh(codes, found, (low, begin), after)

    def _words(self, text: str, codes: list[int], start: int, stop: int) -> Edges:
        """Find the words of two and more characters that begin in `[start, stop)`."""
        base, check, cost, spelt = self._lexicon.base, self._lexicon.check, self._lexicon.cost, self._spelt
        size = len(codes)
        found: Edges = []
        for at in range(start, stop):
            words = []
            state = codes[at]
            to = at + 1
            for code in codes[to:] if check[state] == state else ():
                state = base[state] + code
                if check[state] != code:
                    break
                to += 1
                if known := cost[state]:
                    words.append((to, known))
            if at + 2 < size and spelt[codes[at]] and spelt[codes[at + 1]] and spelt[codes[at + 2]]:
                words += self._names(codes, at)
            found.append(words)
        if self._extra:
            for at, words in enumerate(found, start):
                more = self._extra.get(text[at], ())
                words.extend((at + len(word), KNOWN) for word in more if text.startswith(word, at))
        return found

    def _names(self, codes: list[int], at: int) -> list[tuple[int, int]]:
        """Find the foreign names that are no words and begin at a place: rows of characters that spell sounds."""
        found, cost = [], NAME
        for to, code in enumerate(codes[at : at + NAME_MOST], 1):
            if not (one := self._spelt[code]):
                break
            cost += one
            if to >= NAME_LEAST:
                found.append((at + to, cost))
        return found

    def _after(self, codes: list[int], end: int, found: Edges) -> list[int]:
        """Return the costs of the best readings from each place on, from the span's end to the window's."""
        single, size = self._single, len(codes)
        after = [0] * (size + 1)
        for at in range(size - 1, end - 1, -1):
            best = single[codes[at]] + after[at + 1]
            for to, cost in found[at - end]:
                best = min(best, cost + after[to])
            after[at] = best
        return after

    def _weigh(self, codes: list[int], found: Edges, starts: tuple[int, int], after: list[int]) -> Costs:
        """Return the costs of the best readings."""
        single, end = self._single, len(found)
        low, begin = starts
        # `across`: readings that have no edge where the span begins; `inside`: readings from there on.
        across = [_FAR] * (end + 1)
        across[low] = 0
        holding = torn = _FAR
        for at in range(low, begin):
            here = across[at]
            across[at + 1] = min(across[at + 1], here + single[codes[at]])
            for to, cost in found[at]:
                if to < end:
                    across[to] = min(across[to], here + cost)
                else:
                    holding = min(holding, here + cost + after[to])
        inside = [_FAR] * (end + 1)
        inside[begin], across[begin] = across[begin], _FAR
        for at in range(begin, end):
            cut, uncut = across[at], inside[at]
            across[at + 1] = min(across[at + 1], cut + single[codes[at]])
            inside[at + 1] = min(inside[at + 1], uncut + single[codes[at]])
            for to, cost in found[at]:
                if to <= end:
                    across[to] = min(across[to], cut + cost)
                    inside[to] = min(inside[to], uncut + cost)
                elif at == begin:
                    holding = min(holding, uncut + cost + after[to])
                else:
                    torn = min(torn, min(cut, uncut) + cost + after[to])
        torn = min(torn, across[end] + after[end])
        whole = min(inside[end], inside[begin] + KNOWN) + after[end]
        own = single[codes[begin]] if end == begin + 1 else self._own(codes[begin:end])
        return whole, torn, holding, own

    def _own(self, codes: list[int]) -> int:
        """Return the cost of characters as one word of the lexicon, `KNOWN` where they are none."""
        base, check, state = self._lexicon.base, self._lexicon.check, 0
        for code in codes:
            state = base[state] + code
            if check[state] != code:
                return KNOWN
        return self._lexicon.cost[state] or KNOWN

    def gap(self, before: str, parts: Sequence[str], after: str) -> bool:
        """Say whether separators stand inside one word (标，记) rather than between words (很大，麻烦).

        `parts` are the hit's pieces between its separators, `before` and `after` what stands around
        it; only the last `reach_before` and the first `reach_after` characters of them are read.
        """
        before, after = before[-self.reach_before :], after[: self.reach_after]
        if len(parts) == 1:
            return self.whole(before + parts[0] + after, len(before), len(before) + len(parts[0]))
        natural = self._cost(before + parts[0]) + sum(map(self._cost, parts[1:-1])) + self._cost(parts[-1] + after)
        hit = min(KNOWN, self._cost("".join(parts)))
        return self._cost(before) + hit + self._cost(after) + APART * (len(parts) - 1) <= natural

    def gain(self, before: str, parts: Sequence[str], after: str) -> int:
        """Return by how much the reading with one word, pulled apart, is cheaper than that of its pieces, as `gap` reads.

        The word costs `KNOWN` whatever it is: one that is hidden is no likelier for being common in ordinary text.
        """
        before, after = before[-self.reach_before :], after[: self.reach_after]
        if len(parts) == 1:
            natural = self._cost(before + parts[0] + after)
        else:
            natural = self._cost(before + parts[0]) + sum(map(self._cost, parts[1:-1])) + self._cost(parts[-1] + after)
        return natural - self._cost(before) - KNOWN - self._cost(after)

    def cost(self, text: str) -> int:
        """Return the cost of the likeliest reading of a short text."""
        codes = [self._codes.get(character, self._none) for character in text]
        return self._after(codes, 0, self._words(text, codes, 0, len(codes)))[0]


def crossed(found: Edges, first: int, begin: int, end: int) -> tuple[bool, bool]:
    """Say whether words, of those that begin from `first` on, reach over the span's two edges."""
    over_begin = over_end = False
    for at, words in enumerate(found, first):
        for to, _ in words:
            if at < begin < to:
                over_begin = True
            if to > end:
                over_end = True
    return over_begin, over_end


def edges(text: str, start: int, end: int) -> bool:
    """Say whether a span does not cut through Latin letters or digits, which make a word together."""
    return not (start and _latin(text[start]) and _latin(text[start - 1])) and not (
        end < len(text) and _latin(text[end - 1]) and _latin(text[end])
    )


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
