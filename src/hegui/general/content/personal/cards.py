"""The shapes of the identity cards of Hong Kong, Macao and Taiwan.

Hong Kong and Taiwan numbers have check digits, and need no word; Macao does not publish how its own is
reckoned, and a Hong Kong number without its brackets is too short, so a word must tell these.
"""

from __future__ import annotations

from hegui.general.content.personal.contexts import after, told
from hegui.general.content.personal.numbers import EDGE, LOOSE, digits
from hegui.general.content.personal.shapes import alt, any_of, caught, maybe, seq, times, words

_LETTER = any_of("a-z")
_CARD = seq(
    maybe(words("特别行政区", "特區", "特区")),
    maybe(words("非永久性", "永久性", "永久")),
    maybe(words("居民")),
    words("身份证", "身分证", "身份證", "身分證", "id"),
)
_HK_CHECK = any_of("0-9a")
_HK_BODY = seq(times(_LETTER, 1, 2), digits(6))

HK_ID = seq(EDGE, caught(seq(_HK_BODY, words("("), _HK_CHECK, words(")"))))
HK_ID_TOLD = told(
    alt(seq(words("香港"), _CARD), after("hkid")),
    seq(_HK_BODY, alt(seq(words("("), _HK_CHECK, words(")")), _HK_CHECK)),
)

MACAO_ID = told(
    seq(words("澳门", "澳門"), _CARD),
    seq(any_of("157"), digits(6), alt(seq(words("("), digits(1), words(")")), seq(any_of("/"), digits(1)), digits(1))),
)

TAIWAN_ID = seq(EDGE, caught(seq(_LETTER, any_of("1289"), digits(8))), LOOSE)
