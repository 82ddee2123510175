"""Evenly spaced text: what stands beside a find whose gaps go on there, read with those gaps left out.

字 符 串 says 字符 no more than 字符串 does, and `e r r o r s` no more than `errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, takewhile

from hegui.general.content.skeleton import BONES, SEPARATOR

REACH_EVEN = 8
"""Characters after a find with gaps that can matter to it, the gaps among them; as many are read before it."""
_WORDS = frozenset("ai")
"""Letters that are English words: `a m a r k e r` is a marker."""


@dataclass(frozen=True, slots=True)
class _Side:
    read: list[str]
    even: bool
    """Whether the gap inside the find goes on here."""
    singles: list[str]
    """Latin letters that stand alone between gaps, from the find on."""
    is_open: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a find whose gaps are all the same."""

    before: _Side
    after: _Side

    @property
    def is_even(self) -> bool:
        """Say whether the gap goes on beside it, on one side at least."""
        return self.before.even or self.after.even

    @property
    def is_open(self) -> bool:
        """Say whether more text can change this."""
        return self.after.is_open

    @property
    def left(self) -> str:
        """Return what stands before the find, without the gap."""
        return "".join(reversed(self.before.read))

    @property
    def right(self) -> str:
        """Return what stands after the find, without the gap."""
        return "".join(self.after.read)

    @property
    def joins_left(self) -> bool:
        """Say whether letters before the find make one Latin word with its own."""
        singles = self.before.singles
        return bool(singles) and not (len(singles) == 1 and singles[0] in _WORDS)

    @property
    def joins_right(self) -> bool:
        """Say whether letters after the find make one Latin word with its own."""
        return bool(self.after.singles)


class Spacing:
    """What stands beside the finds of one text; each place is read once, however many finds begin or end there."""

    def __init__(self, text: str, context: Callable[[int], str]) -> None:
        """Take a text, and what gives the `REACH_EVEN` characters before a place, those that show nothing left out."""
        self._text, self._context = text, context
        self._gaps: dict[frozenset[str], str] = {}
        self._left: dict[tuple[int, str], _Side] = {}
        self._right: dict[tuple[int, str], _Side] = {}

    def beside(self, places: Sequence[int]) -> Beside | None:
        """Return what stands beside a find at places of the text, or None where its gaps are not all the same."""
        text = self._text
        distinct = frozenset({text[a + 1 : b] for a, b in pairwise(places)})
        gap = self._gaps.get(distinct)
        if gap is None:
            gap = self._gaps[distinct] = _shown(distinct)
        if not gap:
            return None
        first, last = (places[0], gap), (places[-1] + 1, gap)
        left, right = self._left.get(first), self._right.get(last)
        if left is None:
            left = self._left[first] = _side(reversed(self._context(places[0])), gap[::-1])
        if right is None:
            after = text[last[0] : last[0] + REACH_EVEN]
            right = _side((one for one in after if BONES[one]), gap)
            right = self._right[last] = replace(right, is_open=right.is_open and len(after) < REACH_EVEN)
        return Beside(left, right) if left.even or right.even or right.is_open else None


def _shown(gaps: frozenset[str]) -> str:
    """Return what shows of gaps that are all the same, or nothing where they are not, or are no separators."""
    shown = {"".join(one for one in gap if BONES[one]) for gap in gaps}
    return shown.pop() if len(shown) == 1 and all(BONES[one] == SEPARATOR for gap in shown for one in gap) else ""


def _side(signs: Iterable[str], gap: str) -> _Side:
    """Return what one side reads as, from the find on; a gap of another kind ends it, and any where it begins with none."""
    pieces: list[list[str]] = [[]]
    run, is_open = "", True
    for one in signs:
        if BONES[one] == SEPARATOR:
            run += one
            if pieces[0] or not gap.startswith(run):
                is_open = False
                break
            continue
        if run and run != gap:
            is_open = False
            break
        if run:
            pieces.append([])
        run = ""
        pieces[-1].append(BONES[one])
    alone = takewhile(lambda piece: len(piece) == 1 and piece[0].isascii() and piece[0].isalnum(), pieces[1:])
    return _Side(
        list(chain.from_iterable(pieces)), len(pieces) > 1, [piece[0] for piece in alone], is_open and not pieces[0]
    )


def is_exact(text: str, places: list[int]) -> bool:
    """Say whether nothing that shows stands inside a word; it begins at the last repetition of its first character, in place."""
    if any(BONES[one] for a, b in pairwise(places[1:]) for one in text[a + 1 : b]):
        return False
    places[0] = _last_repetition(text, places)
    return not any(BONES[one] for one in text[places[0] + 1 : places[1]])


def _last_repetition(text: str, places: Sequence[int]) -> int:
    """Return where a word begins when all that stands after its first character is that character again.

    标标记甲 holds 标记甲 as it is, from its second character on.
    """
    first = places[0]
    gap = text[first + 1 : places[1]]
    if gap and all(BONES[one] in {BONES[text[first]], ""} for one in gap):
        return max(at for at in range(first, places[1]) if BONES[text[at]])
    return first
