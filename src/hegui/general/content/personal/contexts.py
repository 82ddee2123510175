"""The shapes of numbers and names that only a word before them tells.

The word belongs to the shape, so that a stream holds it too. Between it and the number stand a few
marks and words such as 号码是; none of them is the beginning of another word of this kind.
"""

from __future__ import annotations

from hegui.general.content.personal.numbers import DIGIT, FIRM, LOOSE, STRICT, digits
from hegui.general.content.personal.shapes import Shape, alt, any_of, caught, looking, maybe, seq, times, words

_GAP = any_of(" \n\t:=#,.()[]\"'“”‘’「」【】<>《》*_|/、,号码编是为的证件卡號碼編為證-")


def after(*named: str) -> Shape:
    """Return words that tell what comes; Latin ones only where they begin a word."""
    latin = [word for word in named if word[0].isascii()]
    chinese = [word for word in named if not word[0].isascii()]
    told = [words(*chinese)] if chinese else []
    for word in latin:
        shape = words(word)
        edged = f"{shape.whole}(?<![0-9a-z]{shape.whole})"
        begun = f"(?<![0-9a-z]){shape.begun}"
        told.append(Shape(edged, begun, edged, shape.longest, shape.letters))
    return alt(*told)


def told(named: Shape, body: Shape, most: int = 8) -> Shape:
    """Return a number behind the words that tell it, with at most so many marks between."""
    return seq(named, times(_GAP, 0, most), caught(body), FIRM)


_LETTER = any_of("a-z")
ENGLISH = seq(maybe(words(" no", " number", " num")), maybe(words(" is")))

PASSPORT = told(
    alt(words("护照", "護照"), seq(after("passport"), looking("(?![a-z])"), ENGLISH)),
    alt(seq(times(_LETTER, 1, 2), digits(7, 8)), seq(words("14", "15"), digits(7))),
)

_TAIWAN_OLD = seq(digits(10), maybe(alt(seq(words("("), _LETTER, words(")")), _LETTER)))
PERMIT = told(
    after("通行证", "通行證", "回乡证", "回鄉證", "台胞证", "台胞證", "臺胞證", "永久居留"),
    alt(
        seq(any_of("hm"), digits(8), maybe(digits(2))),
        seq(any_of("cwtl"), maybe(_LETTER), digits(7, 8)),
        _TAIWAN_OLD,
        digits(8),
        seq(times(_LETTER, 3, 3), digits(12)),
    ),
)

MILITARY_ID = alt(
    told(after("军官证", "士兵证", "士官证", "军人证", "文职证"), digits(7, 8)),
    seq(
        caught(
            seq(
                any_of("军士兵文参政后装海空火武警南北东西中沈济兰成广"),
                words("字第"),
                digits(7, 11),
                maybe(words("号")),
            )
        ),
        LOOSE,
    ),
)

SOCIAL_SECURITY = told(
    seq(
        after("社保", "医保", "社会保障", "社会保险", "养老保险", "医疗保险", "社會保障", "社會保險", "醫保"),
        maybe(words("个人", "电脑", "電腦", "個人")),
    ),
    seq(maybe(_LETTER), digits(8, 12)),
)

_FIGURE = any_of("1-9")
QQ = seq(
    after("qq", "扣扣", "企鹅"),
    times(_GAP, 0, 6),
    alt(seq(caught(seq(_FIGURE, digits(6, 10))), FIRM), seq(caught(seq(_FIGURE, digits(4, 5))), STRICT)),
)

_HANDLE = seq(_LETTER, times(any_of("a-z0-9_-"), 5, 19))
_SAYS = seq(times(_GAP, 0, 4), any_of(":=号號"), times(_GAP, 0, 4), caught(_HANDLE))
# Where nothing says that a handle comes, it has a digit; its length is looked at afterwards.
_SHOWN = seq(_LETTER, times(any_of("a-z_-"), 0, 18), DIGIT, times(any_of("a-z0-9_-"), 0, 18))
_SHOWS = seq(times(_GAP, 1, 6), caught(_SHOWN))
WECHAT = seq(
    after("微信", "薇信", "威信", "v信", "加v", "weixin", "wechat", "wx", "vx"),
    maybe(words("id")),
    alt(_SAYS, _SHOWS),
    FIRM,
)

_CALL = after("电话", "電話", "座机", "固话", "传真", "热线", "客服", "拨打", "致电", "tel", "phone", "fax", "hotline")
SHORT_LANDLINE = told(_CALL, seq(any_of("2-8"), digits(6, 7)))
SHORT_HOTLINE = told(_CALL, alt(seq(words("400", "800"), digits(7)), seq(words("95", "96"), digits(3, 6))))
