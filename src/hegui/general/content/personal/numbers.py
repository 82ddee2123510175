"""The shapes of numbers that are told by themselves: by check digit, by length and first digits."""

from __future__ import annotations

from collections.abc import Sequence

from hegui.general.content.personal.shapes import Shape, alt, any_of, caught, looking, maybe, seq, times, words

DIGIT = any_of("0-9")
EDGE = looking(r"(?<![0-9a-z])")
"""No letter and no digit before: what stands inside something longer is something else."""
LOOSE = looking(r"(?![0-9a-z])")
FIRM = looking(r"(?![0-9a-z@_%+-]|\.[0-9a-z@_.%+-])", on=words("."))
"""The end of a number that a word before it tells: an e-mail address that begins inside ends here too.

A stream gives up the word only together with the number, so nothing else may still be open inside.
"""
STRICT = looking(r"(?![0-9a-z@_%+-]|\.[0-9a-z@_.%+-]| [0-9]|:[0-9a-f:])", on=any_of(".: "))
"""The same where groups of digits could go on: `tel138 0013 8000 1234`."""
_CALLED = words(
    "tel", "telephone", "phone", "mobile", "mob", "cell", "cellphone", "call", "ph", "hp", "t", "m", "v",
    "no", "num", "id", "qq", "vx", "wx", "wechat", "weixin", "dh", "dianhua", "sj", "sjh", "shouji",
)  # fmt: skip
"""Words that stand right before a number; ℡ and № fold to two of them."""
_NUMBERED = words("no", "num", "id", "card", "tel", "code")
_ALSO = words("wx", "vx", "v", "qq", "tel", "phone", "wechat", "weixin")
_THEN = looking(r"(?:(?![0-9a-z])|(?=(?:" + _ALSO.whole + ")(?![a-z])))", on=_ALSO)
"""Words that stand right behind a number, as in 13800138000vx."""


def digits(low: int, high: int | None = None) -> Shape:
    """Digits, from `low` to `high` of them."""
    return times(DIGIT, low, high or low)


def _grouped(mark: str, *sizes: Shape) -> Shape:
    """Groups with one and the same mark between them."""
    parts = [sizes[0]]
    for size in sizes[1:]:
        parts += [any_of(mark), size]
    return seq(*parts)


def _led(named: Shape, plain: Shape, grouped: Sequence[Shape], end: Shape = LOOSE) -> Shape:
    """Return a number at a word's edge, or right behind a word that says what it is."""
    return seq(
        EDGE,
        alt(
            seq(caught(alt(*grouped, plain)), end),
            seq(
                named,
                alt(seq(caught(alt(*grouped)), STRICT), seq(caught(plain), FIRM))
                if grouped
                else seq(caught(plain), FIRM),
            ),
        ),
    )


_COUNTRY = maybe(seq(words("+86", "86", "0086"), maybe(any_of(" -"))))
_START = seq(words("1"), any_of("3-9"), DIGIT)
_FOUR = digits(4)
MOBILE = _led(
    _CALLED,
    seq(_COUNTRY, _START, digits(8)),
    [seq(_COUNTRY, _grouped(mark, _START, _FOUR, _FOUR)) for mark in "- "],
    _THEN,
)

ONE, TO_NINE = "1一幺壹❶➀➊", "3456789三四五六七八九叁肆伍陆柒捌玖❸❹❺❻❼❽❾➂➃➄➅➆➇➈➌➍➎➏➐➑➒"
_HOLLOW = "○"
FIGURES = f"{ONE}{TO_NINE}02零〇二贰⓿❷➁➋"
"""Digits, the characters that people write for them, and the circled ones that folding leaves; no units such as 十."""
_SPELT = any_of(FIGURES + _HOLLOW)
_NO_FIGURE = f"0-9a-z{FIGURES}{_HOLLOW}"
_SPELT_START = seq(any_of(ONE), any_of(TO_NINE), _SPELT)
_SPELT_FOUR = times(_SPELT, 4, 4)
SPELT_MOBILE = seq(
    looking(f"(?<![{_NO_FIGURE}])"),
    caught(
        alt(
            *(_grouped(mark, _SPELT_START, _SPELT_FOUR, _SPELT_FOUR) for mark in "- "),
            seq(_SPELT_START, times(_SPELT, 8, 8)),
        )
    ),
    looking(f"(?![{_NO_FIGURE}十百千万亿兆元圆年点分])"),
)
"""A mobile number in Chinese figures or a mix: 一三八零零一三八零零零, 138零零138零零零."""

_LAST = seq(digits(3), any_of("0-9x"))
_RESIDENT = alt(seq(digits(17), any_of("0-9x")), digits(15))
_RESIDENT_GROUPS = [_grouped(mark, digits(6), digits(8), _LAST) for mark in "- "]
RESIDENT_ID = _led(_NUMBERED, _RESIDENT, _RESIDENT_GROUPS)
RESIDENT_ID_BODY = alt(*_RESIDENT_GROUPS, _RESIDENT)

_FIRST = seq(any_of("2-69"), digits(3))
_CARD = seq(any_of("2-69"), digits(14, 18))
_CARD_GROUPS = [
    *(seq(_grouped(mark, _FIRST, _FOUR, _FOUR, _FOUR), maybe(seq(any_of(mark), digits(1, 3)))) for mark in "- "),
    *(_grouped(mark, _FIRST, digits(6), digits(5)) for mark in "- "),
]
BANK_CARD = _led(_NUMBERED, _CARD, _CARD_GROUPS)
BANK_CARD_BODY = alt(*_CARD_GROUPS, _CARD)

_CODE = any_of("0-9a-hj-npqrtuwxy")
USCC_BODY = seq(times(_CODE, 2, 2), digits(6), times(_CODE, 10, 10))
USCC = _led(_NUMBERED, USCC_BODY, [])

# The three digits of an area (or two and a nought), as the numbering plan gives them.
_LONG_AREAS = (
    r"3(?:1[0-9]|35|49|5[0-9]|7[0-9]|9[1-8])|4(?:1[0-9]|2[179]|3[1-9]|5[1-9]|6[4789]|7[0-9]|8[23])"
    r"|5(?:1[0-9]|2[37]|3[0-9]|4[36]|5[0-9]|6[1-6]|7[0-9]|80|9[1-9])|6(?:3[1-5]|6[0238]|9[12])"
    r"|7(?:01|1[0-9]|2[248]|3[0-9]|4[3-6]|5[0-9]|6[0236-9]|7[0-9]|9[0-9])"
    r"|8(?:1[23678]|2[567]|3[0-9]|4[0-9]?|5[1-9]|7[0-9]|8[136-8]|9[1-8])|9(?:0[1-389]|1[1-9]|3[0-9]|4[13]|5[1-5]|7[0-79]|9[0-9])"
)
_AREA = f"(?:10|2[0-57-9]|{_LONG_AREAS})"
_LOCAL = seq(any_of("2-8"), digits(6, 7))
_FIGURE = any_of("1-9")
_PARTED = seq(
    alt(seq(words(")"), maybe(any_of(" -"))), any_of(" -")),
    alt(seq(_FIGURE, digits(6, 7)), *(_grouped(mark, seq(_FIGURE, digits(2, 3)), _FOUR) for mark in "- ")),
)
_REGION = Shape(_AREA, DIGIT.whole + "{1,3}", _AREA, 3, DIGIT.letters)
LANDLINE = seq(
    EDGE,
    alt(
        seq(maybe(words("(")), words("0"), _REGION, alt(_PARTED, _LOCAL)),
        seq(words("+86"), maybe(any_of(" -")), _REGION, alt(_PARTED, _LOCAL)),
    ),
    maybe(seq(words("-"), digits(1, 5))),
    LOOSE,
)

HOTLINE = seq(
    EDGE,
    any_of("48"),
    words("00"),
    alt(*(
        seq(any_of(mark), alt(seq(digits(3), maybe(any_of(mark)), _FOUR), seq(_FOUR, any_of(mark), digits(3))))
        for mark in "- "
    )),
    LOOSE,
)  # fmt: skip
