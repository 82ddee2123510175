"""What stands between a word's characters: was it put there to hide the word, or does it part two words?

很大，麻烦 says nothing of 大麻, and 标，记 is hidden. Marks that end a clause, the hardest to tell, hide where both
characters are left over when each side is read for itself; where marks stand together that ordinary text does not
set side by side (标；、记), nothing needs to be read. See docs/content.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from hegui.general.content import tables
from hegui.general.content.lexicon import Segmenter
from hegui.general.content.policy import Lane
from hegui.general.content.skeleton import BONES, SEPARATOR

_NATURAL = frozenset(" \t\r\n\u3000\u00a0,.!?;:'\"()[]{}<>/\\-_~，。！？；：、‘’“”（）【】《》〈〉「」『』—…·～")
"""What stands between words in ordinary text; other marks and symbols do not."""
_PAUSES = frozenset("，。！？；：、…")
"""Of these, what ends a clause."""
_ENDS = frozenset("\r\n”’）】》」』")
"""And what ends more than that: the words on either side are two unless a mark stands in every gap of a longer word."""
_POINTS = _PAUSES | frozenset(",.!?;:-_~·/\\—～")
_TOGETHER = (frozenset("！？!?。…~～"), frozenset("…。."))
"""Points of which ordinary text sets different ones side by side."""
_LISTED = "、"
_AND = frozenset("、和或与及等")
"""What a list goes on with."""
_FIRST_HAN = "\u4e00"
_SHORT = 2
APART = 12
"""By how much the reading with the word has to be cheaper for each clause mark in it: likelier by 2.7 times."""
LONGER = 50
"""And for each character beyond two: 证券、期货 names two things, though somebody may list 证券期货."""
TWICE = 80
"""The same where characters of it stand twice or more: by 800 times, for 小姐姐 and 看看书 are ordinary text."""


class Gaps:
    """Says of gaps whether they hide."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def lane(self, word: str, gaps: Sequence[str], around: Callable[[], tuple[str, str]]) -> Lane | None:
        """Return the lane of a word by what stands between its characters: HIDDEN where it hides, None where it parts words.

        Where only the reading or only odd marks say that a clause mark hides two characters, they are in doubt: PART. `around` gives the last
        characters before it and the first after it that show, as many as the segmenter reads.
        """
        signs = [one for gap in gaps for one in gap if BONES[one]]
        if _NATURAL.isdisjoint(signs):
            repeated = not word.isascii() and not any(BONES[one] == SEPARATOR for one in signs)
            hides = not repeated or self._is_doubled(word, gaps, _even(around()))
        elif len(word) > _SHORT and all(gaps):
            hides = True
        elif word.isascii():
            hides = _PAUSES.issuperset(signs)  # no language of such letters has these marks
        elif not _ENDS.isdisjoint(signs):
            hides = False
        else:
            odd, apart = any(map(_is_odd, gaps)), self._is_apart(word, gaps, around())
            sure = apart and (odd or len(word) > _SHORT or _PAUSES.isdisjoint(signs))
            return Lane.HIDDEN if sure else Lane.PART if odd or apart else None
        return Lane.HIDDEN if hides else None

    def _is_apart(self, word: str, gaps: Sequence[str], around: tuple[str, str]) -> bool:
        """Say whether one word pulled apart is the likelier reading."""
        before, after = _even(around)
        parts = _apart(word, gaps)
        if not any(one in _PAUSES for gap in gaps for one in gap):
            return self._segmenter.gap(before, parts, after)
        if any(_LISTED in gap for gap in gaps) and _is_list(*around):
            return False
        least = APART * (len(parts) - 1) + LONGER * (len(word) - _SHORT)
        return self._segmenter.gain(before, parts, after) >= least

    def is_repeated(self, word: str, around: tuple[str, str]) -> bool:
        """Say whether a word stands with its first or last character repeated: 标标记, and not 看看 and 书.

        `around` are the last characters before it and the first after it that show.
        """
        left, right = _even(around)
        repeated = left.endswith(word[0]) or right.startswith(word[-1])
        return repeated and self._is_doubled(word, [""] * (len(word) - 1), (left, right))

    def _is_doubled(self, word: str, gaps: Sequence[str], around: tuple[str, str]) -> bool:
        """Say whether a word with characters repeated is the likelier reading, where nothing else stands in it."""
        left, right = around
        before, after = left.rstrip(word[0]), right.lstrip(word[-1])
        inside = word[0] + "".join(
            "".join(map(BONES.__getitem__, gap)) + one for gap, one in zip(gaps, word[1:], strict=True)
        )
        doubled = word[0] * (len(left) - len(before)) + inside + word[-1] * (len(right) - len(after))
        return self._segmenter.gain(before, [doubled], after) >= TWICE


def is_alike(text: str) -> bool:
    """Say whether a radical or a sign stands for a Chinese character, which people hardly type: ⻢ for 马."""
    likes = tables.lookalikes()
    return any(one in likes and BONES[one] >= _FIRST_HAN for one in text)


def between(text: str, places: Sequence[int]) -> list[str]:
    """Return what stands between places of a text."""
    return [text[a + 1 : b] for a, b in pairwise(places)]


def _even(around: tuple[str, str]) -> tuple[str, str]:
    """Return what stands on both sides as it is compared."""
    left, right = around
    return "".join(map(BONES.__getitem__, left)), "".join(map(BONES.__getitem__, right))


def _is_odd(gap: str) -> bool:
    """Say whether marks stand together that ordinary text does not set side by side."""
    signs = {one for one in gap if BONES[one]}
    return len(signs) > 1 and signs <= _POINTS and not any(signs <= some for some in _TOGETHER)


def _is_list(left: str, right: str) -> bool:
    """Say whether a list that the mark inside a find belongs to goes on beside it: 雨、雪、冰雹; 长、宽和高."""
    clause = next((at for at, one in enumerate(right) if BONES[one] == SEPARATOR), len(right))
    return _LISTED in left or not _AND.isdisjoint(right[: clause + 1])


def _apart(word: str, gaps: Sequence[str]) -> list[str]:
    """Return a word's pieces between its separators."""
    parts = [word[0]]
    for one, gap in zip(word[1:], gaps, strict=True):
        if any(BONES[sign] == SEPARATOR for sign in gap):
            parts.append(one)
        else:
            parts[-1] += one
    return parts
