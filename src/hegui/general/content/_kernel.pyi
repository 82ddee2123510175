"""The compiled kernel (`_kernel.c`); `kernel` says whether it is there, and what uses it states what it does."""

from collections.abc import Mapping
from typing import final

from typing_extensions import Buffer

INTERFACE: int
"""What is handed over, as a number; an old build has another."""

@final
class Table:
    """What each character becomes, learnt from `become` as characters are met, and passes over texts by it."""

    def __init__(
        self,
        become: Mapping[str, str],
        *,
        separator: str = ...,
        line_end: str = ...,
        first_other: str = ...,
        skips: int = ...,
        repeats: int = ...,
    ) -> None: ...
    def skeleton(self, text: str, /) -> tuple[bytes | None, str | None, bytes, bool]:
        """Return a skeleton as UTF-16-BE, or as text where a character is beyond that; where each came from, as C ints; and whether the text had one."""

    def fold(self, text: str, /) -> tuple[str, bytes | None]:
        """Return what a text becomes, and where each character and the end came from, as C ints: None where that is one for one."""

    def left(self, text: str, start: int, before: str, reach: int, /) -> str:
        """Return what the last `reach` characters of `before` and `text[:start]` become, of those that become anything."""

    def right(self, text: str, end: int, reach: int, /) -> str:
        """Return what the characters `[end, end + reach)` of a text become."""

@final
class Reader:
    """The costs of readings by a lexicon's arrays; `codes` has the code of each character of the basic plane."""

    def __init__(
        self,
        *,
        base: Buffer,
        check: Buffer,
        cost: Buffer,
        spelt: Buffer,
        single: Buffer,
        codes: Buffer,
        none: int,
        longest: int,
        known: int,
        name: int,
        name_least: int,
        name_most: int,
        reach_before: int,
        reach_after: int,
    ) -> None: ...
    def costs(self, text: str, start: int, end: int, /) -> tuple[int, int, int, int] | None:
        """Return what `segmenter.Costs` says, or None where no word reaches over an edge of the span."""

    def cost(self, text: str, /) -> int:
        """Return the cost of the likeliest reading of a short text."""
