# The compiled kernel (`_kernel.c`): `kernel` says whether it is there; the Python forms beside its users say what is meant.

from collections.abc import Mapping
from typing import final

from typing_extensions import Buffer

# What is handed over, as a number; an old build has another.
INTERFACE: int

# What each character becomes, learnt from `become` as characters are met, and passes over texts by it.
@final
class Table:
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
    # A skeleton as UTF-16-BE, or as text where a character is beyond that; where each character came from, as C ints;
    # and whether the text had a character beyond the basic plane.
    def skeleton(self, text: str, /) -> tuple[bytes | None, str | None, bytes, bool]: ...
    # What a text becomes; where each character and the end came from, as C ints, or None where that is one for one.
    def fold(self, text: str, /) -> tuple[str, bytes | None]: ...
    # What the last `reach` characters of `before` and `text[:start]` become, of those that become anything.
    def left(self, text: str, start: int, before: str, reach: int, /) -> str: ...
    # What the characters `[end, end + reach)` become.
    def right(self, text: str, end: int, reach: int, /) -> str: ...

# The costs of readings by a lexicon's arrays; `codes` has the code of each character of the basic plane.
@final
class Reader:
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
    # As `Segmenter.costs`.
    def costs(self, text: str, start: int, end: int, /) -> tuple[int, int, int, int] | None: ...
    # As `Segmenter.cost`.
    def cost(self, text: str, /) -> int: ...

# Running sums of weights over places, as 64-bit integers: as `features.sums`, with its constants.
def sums(
    codes: Buffer, weights: Buffer, bits: int, orders: int, spread: int, roll: int, finish: int, shift: int, /
) -> bytes: ...
