"""Postal addresses: a division of the gazetteer, a road or place, a number, and what is inside the house.

Divisions are those of province, prefecture and county level (`divisions.csv`). A short name such as
北京 or 深圳 may stand before a full one. Without a house number it is no address of anybody.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise

from hegui.general.content.personal.numbers import DIGIT, LOOSE, digits
from hegui.general.content.personal.shapes import Shape, alt, any_of, looking, maybe, one_in, seq, times, words

ENDINGS = "区市县省州旗盟"
"""The characters in which divisions end, and those with which a house's number is followed."""
UNITS = "号楼单组室座栋弄幢"
_ENDING = re.compile(f"[{ENDINGS}]")
CHINESE = "零〇一二三四五六七八九十百"
COUNT = "0-9" + CHINESE
_CHINESE_NUMBER = times(any_of(CHINESE), 1, 5)
_NUMBER = alt(seq(digits(1, 5), maybe(seq(any_of("-"), digits(1, 4)))), _CHINESE_NUMBER)
_ROADS = (
    "路", "街", "道", "巷", "弄", "胡同", "里", "村", "庄", "屯", "园", "苑", "小区", "社区", "城", "花园", "大厦", "广场",
    "中心", "公寓", "家园", "坊", "湾", "庭", "府", "居", "院", "镇", "乡", "组", "条", "段", "楼",
)  # fmt: skip
_SIDES = "东西南北中"
FIRST = "甲乙丙丁"
BEFORE_NUMBER = "".join(sorted({road[-1] for road in _ROADS} | set(_SIDES)))
"""The characters that stand right before the number of a house."""
_UNIT = words("号", "弄", "栋", "幢", "座", "室", "单元", "楼", "组")
_INSIDE = words("号楼", "号院", "号", "弄", "支弄", "栋", "幢", "座", "单元", "门", "层", "楼", "室", "户", "院")
_NO_NAME = "个了在是的"
"""Characters of speech that stand in hardly any name of a road: 共有12个社区3号点位 is no address."""


def _without(letters: str) -> str:
    """Return the range of Chinese characters but for these, as a class has it."""
    edges = [0x4DFF, *sorted(map(ord, letters)), 0xA000]
    return "".join(f"{chr(low + 1)}-{chr(high - 1)}" for low, high in pairwise(edges))


_NAMED = one_in(f"[0-9a-z{_without(_NO_NAME)}]")
_SPACE = maybe(any_of(" "))
_ROOM = alt(
    seq(alt(_NUMBER, any_of("a-z")), _SPACE, _INSIDE),
    seq(digits(1, 4), times(seq(any_of("-"), digits(1, 4)), 1, 2)),
)
_ESTATES = words("小区", "花园", "大厦", "公寓", "广场", "社区", "家园", "新村", "苑", "大楼", "中心")
_HOUSE = seq(
    maybe(any_of(_SIDES)),
    maybe(words("段")),
    maybe(any_of(FIRST)),
    _SPACE,
    _NUMBER,
    _SPACE,
    _UNIT,
    looking("(?!线)"),
    maybe(any_of("楼院")),
    maybe(alt(seq(words("之"), _NUMBER), seq(any_of("附增"), _NUMBER, maybe(words("号楼", "号"))))),
    maybe(seq(times(_NAMED, 1, 10), _ESTATES, _ROOM)),
    times(seq(_SPACE, _ROOM), 0, 4),
    maybe(seq(times(DIGIT, 2, 4), LOOSE)),
)
_REST = seq(times(_NAMED, 1, 24), words(*_ROADS), _HOUSE)
# Behind a short name alone only what is surely a road counts, with a name of its own: 南京西路100号 is no address in 南京.
_ROAD = seq(times(_NAMED, 2, 12), words("路", "街", "道", "巷", "胡同"), _HOUSE)
_REST_PATTERN = re.compile(_REST.whole)
_PEOPLES = "土家|苗|藏|羌|彝|布依|侗|哈尼|壮|傣|白|傈僳|景颇|回|蒙古|柯尔克孜|哈萨克|朝鲜"
_SHORTENED = re.compile(
    rf"(?:特别行政区|(?:(?:{_PEOPLES})族?)+自治州|(?:壮族|回族|维吾尔)?自治区|自治州|地区|省|市|盟)$"
)
_SHORTS = 2
_QUARTERS = frozenset({"九龙", "新界"})
"""What stands for a division in addresses of Hong Kong, and is none."""


@cache
def divisions() -> tuple[frozenset[str], frozenset[str]]:
    """Return the full names, and the short names of provinces and prefectures."""
    full: set[str] = set()
    short: set[str] = set()
    lines = (files("hegui.general.content.personal") / "divisions.csv").read_text("utf-8").splitlines()
    for province, city, counties in csv.reader(lines):
        upper = [name for name in (province, city) if name]
        full.update(upper, counties.split())
        short.update(_SHORTENED.sub("", name) for name in upper)
    return frozenset(full), frozenset(name for name in short if len(name) > 1) - full | _QUARTERS


@cache
def _lengths() -> tuple[tuple[int, ...], tuple[int, ...]]:
    full, short = divisions()
    return tuple(sorted({*map(len, full)}, reverse=True)), tuple(sorted({*map(len, short)}, reverse=True))


@cache
def shape() -> Shape:
    """Return the shape for streams; its pattern is large, so it is made only where addresses are masked."""
    full, short = divisions()
    shorts = words(*sorted(short))
    return alt(
        seq(times(shorts, 0, _SHORTS), words(*sorted(full)), _REST),
        seq(times(shorts, 1, _SHORTS), _ROAD),
    )


@cache
def _by_short() -> tuple[re.Pattern[str], frozenset[str], re.Pattern[str]]:
    """Return what finds the first characters of short names, their first two, and what finds an address behind one."""
    short = sorted(divisions()[1])
    shorts = words(*short)
    return (
        re.compile(f"[{''.join(sorted({name[0] for name in short}))}]"),
        frozenset(name[:2] for name in short),
        re.compile(seq(times(shorts, 1, _SHORTS), _ROAD).whole),
    )


LONGEST = 170
"""The most characters of an address: names, road, number and what is inside the house."""


def _starts(text: str, end: int, least: int) -> Iterator[int]:
    """Yield where a division that ends here may begin, the short names before it told along."""
    full, short = divisions()
    lengths, short_lengths = _lengths()
    for size in lengths:
        start = end - size
        if start < least or text[start:end] not in full:
            continue
        for _ in range(_SHORTS):
            before = next((n for n in short_lengths if start - n >= least and text[start - n : start] in short), 0)
            if not before:
                break
            start -= before
        yield start


def spans(text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield the addresses that begin in this part of a folded text, the leftmost first, none inside another."""
    found: list[tuple[int, int]] = []
    for ending in _ENDING.finditer(text, low, high):
        for start in _starts(text, ending.end(), low):
            match = _REST_PATTERN.match(text, ending.end())
            if match:
                found.append((start, -match.end()))
    names, begun, behind = _by_short()
    for name in names.finditer(text, low, high):
        # Two characters tell nearly always that it is none, for a tenth of what asking the pattern costs.
        first = name.start()
        match = behind.match(text, first) if text[first : first + 2] in begun else None
        if match:
            found.append((match.start(), -match.end()))
    done = low
    for start, end in sorted(found):
        if start >= done:
            done = -end
            yield start, done
