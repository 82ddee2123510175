"""The shapes of addresses on the net, and of licence plates."""

from __future__ import annotations

from hegui.general.content.personal.numbers import DIGIT, LOOSE, digits
from hegui.general.content.personal.shapes import Shape, alt, any_of, looking, maybe, seq, times, words

EMAIL = seq(
    looking(r"(?<![a-z0-9._%+-])"),
    any_of("a-z0-9"),
    times(any_of("a-z0-9._%+-"), 0, 63),
    words("@"),
    times(seq(times(any_of("a-z0-9-"), 1, 63), words(".")), 1, 4),
    times(any_of("a-z"), 2, 24),
    looking(r"(?![a-z0-9-])"),
)

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PART = Shape(_BYTE, DIGIT.whole + "{1,3}", _BYTE, 3, DIGIT.letters)
_DOT = words(".")
IPV4 = seq(
    looking(r"(?<![0-9a-z.])"),
    _PART, _DOT, _PART, _DOT, _PART, _DOT, _PART,
    looking(r"(?![0-9a-z]|\.[0-9a-z])", on=_DOT),
)  # fmt: skip

_HEX = any_of("0-9a-f")
IPV6 = seq(
    looking(r"(?<![0-9a-z:.])"),
    times(_HEX, 1, 4),
    times(seq(words(":"), times(_HEX, 0, 4)), 2, 7),
    looking(r"(?![0-9a-z:])"),
)

PROVINCE_SIGNS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SIGN = any_of("0-9a-hj-np-z")
_POWER = any_of("a-hjk")
PLATE = seq(
    any_of(PROVINCE_SIGNS),
    any_of("a-hj-z"),
    maybe(any_of("·•. -")),
    alt(
        seq(times(_SIGN, 4, 4), any_of("学警港澳领挂试超使")),
        times(_SIGN, 5, 5),
        seq(digits(5), _POWER),
        seq(_POWER, _SIGN, digits(4)),
    ),
    LOOSE,
)
