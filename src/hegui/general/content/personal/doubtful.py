"""Numbers that a word says are identifiers and whose check digit says are nobody's: told, and never acted on.

Behind 身份证号 a number of that length is meant as one, mistyped or made up. It identifies nobody, so nothing is
starred or held for it; whoever checks a text is told. Without the word it is an order, a log or a measurement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hegui.general.content.personal.checksums import card_valid, resident_id_valid
from hegui.general.content.personal.contexts import ENGLISH, after, told
from hegui.general.content.personal.kinds import Found, Kind
from hegui.general.content.personal.numbers import BANK_CARD_BODY, RESIDENT_ID_BODY, USCC_BODY
from hegui.general.content.personal.shapes import alt, looking, maybe, seq, words
from hegui.kit.uscc import uscc_valid

_NOT_OTHER = looking("(?<![香港澳门湾台灣門胞区區])")
"""Cards of other places have other forms."""
_IDENTITY = alt(
    seq(_NOT_OTHER, maybe(words("居民")), words("身份证", "身分证", "身份證", "身分證")),
    words("公民身份号码", "公民身份號碼"),
    seq(after("id card", "identity card"), ENGLISH),
)
_CARD = alt(
    words("银行卡", "銀行卡", "储蓄卡", "儲蓄卡", "借记卡", "借記卡", "信用卡"),
    seq(after("bank card", "credit card", "debit card"), ENGLISH),
    seq(looking("(?:(?<![一-鿿])|(?<=[的我为是]))"), words("卡号", "卡號")),
)
_CODE = after("社会信用代码", "社會信用代碼", "信用代码", "信用代碼", "uscc")
_DIGITS = re.compile("[0-9]{4}")


def _bare(text: str) -> str:
    return text.replace("-", "").replace(" ", "")


_RULES: tuple[tuple[Kind, tuple[str, ...], re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (kind, signs, re.compile(told(named, body).caught), fits)
    for kind, signs, named, body, fits in (
        (Kind.RESIDENT_ID, ("证", "證", "身份", "card"), _IDENTITY, RESIDENT_ID_BODY, resident_id_valid),
        (Kind.BANK_CARD, ("卡", "card"), _CARD, BANK_CARD_BODY, card_valid),
        (Kind.USCC, ("信用代", "uscc"), _CODE, USCC_BODY, uscc_valid),
    )
)


def doubtful(text: str) -> Iterator[Found]:
    """Yield from a folded text the numbers that a word before them calls an identifier and that can be nobody's, kind by kind.

    Each has `valid` false. A number that is valid as what the word calls it is `find`'s, and left out here.
    """
    if not _DIGITS.search(text):
        return
    for kind, signs, pattern, fits in _RULES:
        if any(map(text.__contains__, signs)):
            for match in pattern.finditer(text):
                start, end = match.span(match.lastindex or 0)
                if not fits(_bare(text[start:end])):
                    yield Found(kind, start, end, valid=False)
