"""Which end of a text could still become a hit, for each kind: that is what a stream holds."""

from __future__ import annotations

from collections.abc import Collection

from hegui.general.content.personal import address, cards, contexts, nets, numbers
from hegui.general.content.personal.kinds import Kind
from hegui.general.content.personal.shapes import Shape, alt

SHAPES: dict[Kind, tuple[Shape, ...]] = {
    Kind.HK_ID: (cards.HK_ID, cards.HK_ID_TOLD),
    Kind.MACAO_ID: (cards.MACAO_ID,),
    Kind.TAIWAN_ID: (cards.TAIWAN_ID,),
    Kind.MOBILE: (numbers.MOBILE, numbers.SPELT_MOBILE),
    Kind.RESIDENT_ID: (numbers.RESIDENT_ID,),
    Kind.BANK_CARD: (numbers.BANK_CARD,),
    Kind.USCC: (numbers.USCC,),
    Kind.LANDLINE: (numbers.LANDLINE, contexts.SHORT_LANDLINE),
    Kind.HOTLINE: (numbers.HOTLINE, contexts.SHORT_HOTLINE),
    Kind.PASSPORT: (contexts.PASSPORT,),
    Kind.PERMIT: (contexts.PERMIT,),
    Kind.MILITARY_ID: (contexts.MILITARY_ID,),
    Kind.SOCIAL_SECURITY: (contexts.SOCIAL_SECURITY,),
    Kind.QQ: (contexts.QQ,),
    Kind.WECHAT: (contexts.WECHAT,),
    Kind.EMAIL: (nets.EMAIL,),
    Kind.IP: (nets.IPV4, nets.IPV6),
    Kind.PLATE: (nets.PLATE,),
}
"""The shapes of every kind but addresses; where two kinds claim the same characters, the first has them."""

NUMBERS = frozenset(
    {
        Kind.RESIDENT_ID, Kind.HK_ID, Kind.MACAO_ID, Kind.TAIWAN_ID, Kind.MOBILE, Kind.BANK_CARD,
        Kind.PASSPORT, Kind.PERMIT, Kind.MILITARY_ID, Kind.SOCIAL_SECURITY,
    }
)  # fmt: skip
"""The kinds that are masked in answers by default; all have at least three figures in a row, and ten characters."""

_NUMBERS = alt(*(shape for kind in sorted(NUMBERS) for shape in SHAPES[kind]))


class _Tails(dict[Kind, str]):
    """The tails; that of addresses is made when it is asked for."""

    def __missing__(self, kind: Kind) -> str:
        self[kind] = address.shape().begun
        return self[kind]


TAILS: dict[Kind, str] = _Tails(
    {
        kind: _NUMBERS.begun if kind in NUMBERS else "|".join(shape.begun for shape in shapes)
        for kind, shapes in SHAPES.items()
    }
)
"""For each kind the pattern of what may still become one; what is held never starts earlier when more text comes."""

_SPARE = 8
REACH: dict[Kind, int] = {
    **{
        kind: (_NUMBERS.longest if kind in NUMBERS else max(shape.longest for shape in shapes)) + _SPARE
        for kind, shapes in SHAPES.items()
    },
    Kind.ADDRESS: address.LONGEST,
}
"""How many characters back from the end a tail can begin: the worst case of what a stream holds."""


def ends(kinds: Collection[Kind]) -> frozenset[str] | None:
    """Return the characters in which the tails of these kinds can end; None when they are too many to list."""
    found: frozenset[str] = frozenset()
    for kind in kinds:
        if kind not in SHAPES:
            return None
        for shape in (_NUMBERS,) if kind in NUMBERS else SHAPES[kind]:
            if shape.letters is None:
                return None
            found |= shape.letters
    return found


NUMBER_ENDS = ends(NUMBERS) or frozenset()
"""The characters in which the tail of a number can end; other texts need no look."""
