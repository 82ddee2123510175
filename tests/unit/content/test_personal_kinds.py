"""Kinds told by their form or by the word before them: found in their exact place, and only there."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hegui.general.content import folding
from hegui.general.content.personal import NUMBERS, Kind, address, find, finding
from hegui.general.content.personal.shapes import any_of, seq, times, words
from hegui.general.content.personal.tails import REACH, SHAPES, TAILS


def rx(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True).filter(str.isascii)


def spans(text: str) -> list[tuple[str, str]]:
    fold = folding.fold(text)
    return [(str(item.kind), text[fold.origin(item.start) : fold.end(item.end)]) for item in find(fold.text)]


AROUND = st.sampled_from(
    ["{}", "请看{}。", "（{}）", "😀{}😀", "x {} y", "「{}」，谢谢", "\n{}\n", "{}的", "联系：{}；"]
)
GAP = st.sampled_from(["", "：", "号：", "号码是", " ", "号码为 ", "编号：", "\n", "**: ", "（", "：「", ": "])
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})

TOLD = {
    Kind.PASSPORT: (["护照", "passport", "Passport No", "PASSPORT NUMBER"], rx(r"[EGDSPK][0-9]{8}|E[A-HJ-NP-Z][0-9]{7}|(?:DE|SE|PE|MA|KJ)[0-9]{7}|1[45][0-9]{7}")),
    Kind.PERMIT: (["通行证", "往来港澳通行证", "台湾居民来往大陆通行证", "回乡证", "台胞证"], rx(r"[HM][0-9]{8}(?:[0-9]{2})?|[CWTL][0-9]{8}|C[A-Z][0-9]{7}|[0-9]{8}|[0-9]{10}(?:\([A-Z]\))?")),
    Kind.MILITARY_ID: (["军官证", "士兵证", "士官证"], rx(r"[0-9]{7,8}")),
    Kind.SOCIAL_SECURITY: (["社保卡", "社保", "医保", "社会保障"], rx(r"[A-Z][0-9]{8}|[1-9][0-9]{8,9}")),
    Kind.QQ: (["QQ", "qq", "扣扣", "企鹅"], rx(r"[1-9][0-9]{4,9}")),
    Kind.WECHAT: (["微信号", "WX:", "微信：", "wechat:", "vx: ", "薇信号", "加V："], rx(r"[a-zA-Z][a-zA-Z0-9_-]{5,19}")),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOLD)
@settings(max_examples=80, deadline=None)
@given(data=st.data(), gap=GAP, around=AROUND, wide=st.booleans())
def test_a_word_before_it_tells_a_number(kind: Kind, data: st.DataObject, gap: str, around: str, wide: bool) -> None:
    called, numbers = TOLD[kind]
    before, number = data.draw(st.sampled_from(called)), data.draw(numbers)
    # Latin letters that touch are one word: passportD12345678 says nothing of a number.
    assume(gap or not (before[-1].isascii() and before[-1].isalnum() and number[0].isalpha()))
    number = number.translate(FULL_WIDTH) if wide else number
    assert (str(kind), number) in spans(around.format(f"{before}{gap}{number}"))


@pytest.mark.parametrize("kind", TOLD)
@settings(max_examples=80, deadline=None)
@given(data=st.data(), before=st.sampled_from(["", "编号", "单号：", "型号 ", "订单", "No. ", "共", "价格："]))
def test_without_the_word_it_is_just_a_number(kind: Kind, data: st.DataObject, before: str) -> None:
    number = data.draw(TOLD[kind][1])
    assert str(kind) not in dict(spans(f"{before}{number}。"))


@pytest.mark.parametrize("kind", TOLD)
@settings(max_examples=50, deadline=None)
@given(data=st.data(), after=st.sampled_from(["@example.com", "_x", "x1x2x3x4x5x6x7x8x9x0x", ".pdf", "%", "+1"]))
def test_a_number_that_goes_on_is_another_thing(kind: Kind, data: st.DataObject, after: str) -> None:
    called, numbers = TOLD[kind]
    number = data.draw(numbers)
    assume(not (kind is Kind.WECHAT and after.startswith("_")))
    assert (str(kind), number) not in spans(f"{called[0]}：{number}{after}")


@pytest.mark.parametrize(
    "text",
    [
        "护照可以在E楼12345678办理", "他的护照丢了，订单号是E12345678", "微信小程序开发", "微信Android版本", "用微信pay付款", "QQ群12345678",
        "QQ音乐2024年", "通行证办理需要12个工作日", "军官证和士兵证", "军字第一号文件", "(2020)京01民初字第1234567号", "社保基金12345亿元", "社保缴费基数2024年为4812元",
        "wx 12345678", "加v信", "qqq12345678", "回乡证", "我的passports12345678", "电话会议12345678",
    ],
)  # fmt: skip
def test_words_and_numbers_that_only_stand_near_each_other(text: str) -> None:
    assert spans(text) == []


# --- telephone ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["tel", "TEL", "Tel", "℡", "№", "no", "phone", "mobile", "qq", "vx", "wx", "V", "手机", "tel:", "Tel. "]
)
@given(number=rx(r"1[3-9][0-9]{9}"), around=AROUND)
def test_a_usual_word_right_before_a_mobile_number_does_not_hide_it(word: str, number: str, around: str) -> None:
    assert spans(around.format(f"{word}{number}")) == [("mobile", number)]


@pytest.mark.parametrize("word", ["hotel", "SN", "x", "abc", "model", "casino", "1tel", "AV"])
def test_other_letters_right_before_it_do(word: str) -> None:
    assert spans(f"{word}13800138000") == []


@pytest.mark.parametrize("after", ["vx", "VX同号", "wx", "微信同号", "qq", "tel"])
def test_a_usual_word_right_behind_a_mobile_number_does_not_hide_it(after: str) -> None:
    assert spans(f"联系13800138000{after}") == [("mobile", "13800138000")]
    assert spans("联系13800138000vxy") == spans("联系13800138000x") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0571-87654321", "0571-87654321"), ("010-12345678", "010-12345678"), ("(010)62345678", "(010)62345678"), ("（021）6234 5678", "（021）6234 5678"),
        ("02162345678", "02162345678"), ("0571 8765 4321", "0571 8765 4321"), ("+86-10-62345678", "+86-10-62345678"), ("0755-2345678-801", "0755-2345678-801"),
        ("电话：87654321", "87654321"), ("传真 6234567", "6234567"), ("Tel: 62345678", "62345678"), ("tel62345678", "62345678"),
        ("0026-62345678", ""), ("026-62345678", ""), ("0200-62345678", ""), ("订单87654321", ""), ("0571-8765", ""), ("10571-87654321", ""),
        ("2024-12345678", ""), ("00571-87654321", ""), ("电话12345678", ""), ("0571-876543210", ""),
    ],
)  # fmt: skip
def test_landlines_by_area_code_or_word(text: str, wanted: str) -> None:
    assert spans(f"请打{text}。") == ([("landline", wanted)] if wanted else [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("400-123-4567", "400-123-4567"), ("800 810 1234", "800 810 1234"), ("400-6722-705", "400-6722-705"), ("400-1234567", "400-1234567"),
        ("客服热线：4001234567", "4001234567"), ("拨打95588", "95588"), ("电话 96822", "96822"), ("4001234567", ""), ("95588", ""), ("共95588元", ""),
        ("500-123-4567", ""), ("400-12-34567", ""),
    ],
)  # fmt: skip
def test_hotlines_are_a_kind_of_their_own(text: str, wanted: str) -> None:
    assert spans(f"{text}。") == ([("hotline", wanted)] if wanted else [])


# --- plates, addresses on the net --------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.sampled_from("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"), rx("[A-HJ-Z]"), st.sampled_from(["", "·", "•", " ", "-", "．"]),
    rx(r"[0-9]{5}|[A-HJ-NP-Z][0-9]{4}|[0-9]{2}[A-HJ-NP-Z]{2}[0-9]|[0-9]{4}[A-HJ-NP-Z]|[DF][0-9A-HJ-NP-Z][0-9]{4}|[0-9]{5}[DF]|A[0-9]{2}[A-Z]{0}[0-9]{2}"), AROUND,
)  # fmt: skip
def test_every_plate_is_found(province: str, letter: str, mark: str, serial: str, around: str) -> None:
    plate = f"{province}{letter}{mark}{serial}"
    assert spans(around.format(plate)) == [("plate", plate)]


@pytest.mark.parametrize("plate", ["京A1234学", "京A1234警", "粤Z12D4港", "粤Z1234澳", "沪B1234挂", "沪A1234领"])
def test_plates_that_end_in_a_word(plate: str) -> None:
    assert spans(f"车牌{plate}。") == [("plate", plate)]


@pytest.mark.parametrize(
    "text",
    [
        "京A1234",
        "京A123456",
        "京I12345",
        "京AABCDE",
        "京AABC12",
        "京A1234O",
        "京A1234I",
        "京12345",
        "国A12345",
        "京A12345x",
        "云计算A12345",
        "新A股12345",
    ],
)
def test_what_only_looks_like_a_plate(text: str) -> None:
    assert spans(f"是{text}。") == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("203.0.113.7", True), ("8.8.4.10", True), ("192.168.1.1", True), ("223.255.255.255", True), ("2001:db8::8a2e:370:7334", True),
        ("fe80:0:0:0:202:b3ff:fe1e:8329", True), ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", True), ("203.0.113.7:8080", True),
        ("1.2.3.4", False), ("256.1.1.1", False), ("203.0.113", False), ("203.0.113.7.1", False), ("v203.0.113.7", False), ("127.0.0.1", False), ("0.0.0.0", False),
        ("255.255.255.0", False), ("203.0.113.07", False), ("12:30:45", False), ("a::b", False), ("std::vector", False), ("00:1a:2b:3c:4d:5e", False),
        ("2001:db8:::1:2", False), ("10:20:30:40", False), ("1:2:3:4:5:6:7:8:9", False),
    ],
)  # fmt: skip
def test_addresses_on_the_net(text: str, wanted: bool) -> None:
    found = spans(f"连{text}。")
    assert [kind for kind, _ in found] == (["ip"] if wanted else [])


# --- postal addresses --------------------------------------------------------------------------------

FULL, SHORT = address.divisions()


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(SHORT)), max_size=1),
    st.sampled_from(sorted(FULL)),
    st.sampled_from(["样例路", "幸福街", "中山北路", "人民大道", "样例胡同", "幸福村", "人民花园"]),
    st.sampled_from(["1号", "88号", "12弄3号", "二十七号", "5号楼", "5-3号", "3栋"]),
    st.sampled_from(["", "2单元", "3号楼4单元501室", "12层", "1201", "A座1201室"]),
)
def test_an_address_of_any_division_is_found(short: list[str], full: str, road: str, number: str, inside: str) -> None:
    written = f"{''.join(short)}{full}{road}{number}{inside}"
    assert spans(f"住址：{written}，收")[0] == ("address", written)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("寄到北京市朝阳区建国路88号院3号楼1201室，谢谢", "北京市朝阳区建国路88号院3号楼1201室"), ("广东深圳南山区科技园路1号", "广东深圳南山区科技园路1号"),
        ("江苏省苏州市昆山市玉山镇样例路12号", "江苏省苏州市昆山市玉山镇样例路12号"), ("湖北省恩施土家族苗族自治州恩施市施州大道三号", "湖北省恩施土家族苗族自治州恩施市施州大道三号"),
        ("上海市浦东新区张江镇样例路88弄12号302室", "上海市浦东新区张江镇样例路88弄12号302室"), ("新疆维吾尔自治区乌鲁木齐市天山区样例街5号", "新疆维吾尔自治区乌鲁木齐市天山区样例街5号"),
        ("北京市朝阳区", ""), ("北京市是中国的首都", ""), ("北京市朝阳区在2020年第3号文件", ""), ("建国路88号", ""), ("甲乙市丙丁区样例路1号", ""), ("上海市2024年3号线", ""),
        ("地铁1号线到北京市", ""), ("北京市朝阳区建国路", ""),
    ],
)  # fmt: skip
def test_addresses_need_division_road_and_number(text: str, wanted: str) -> None:
    assert spans(text) == ([("address", wanted)] if wanted else [])


def test_the_gazetteer_holds_every_level() -> None:
    assert {
        "北京市",
        "内蒙古自治区",
        "香港特别行政区",
        "深圳市",
        "锡林郭勒盟",
        "延边朝鲜族自治州",
        "昆山市",
        "南山区",
        "东乌珠穆沁旗",
    } <= FULL
    assert {"北京", "广东", "深圳", "内蒙古", "广西", "恩施"} <= SHORT
    assert len([name for name in FULL if name.endswith(("区", "县", "市", "旗"))]) > 2_800
    assert all(name.endswith(tuple(address.ENDINGS)) for name in FULL)
    assert address.shape().longest <= address.LONGEST


# --- ordinary text -----------------------------------------------------------------------------------

DATA = Path(__file__).parents[4] / "shared" / "data"


def ordinary() -> dict[str, list[str]]:
    """Return texts that were written for other ends, by source."""
    alpaca = json.loads((DATA / "alpaca-zh" / "alpaca_zh_demo.json").read_text("utf-8"))
    questions = (DATA / "safetyqa" / "chinese_safetyqa.jsonl").read_text("utf-8").splitlines()
    found = {
        "alpaca-zh": [text for item in alpaca for text in (item["instruction"], item["input"], item["output"])],
        "safetyqa": [
            text for item in map(json.loads, questions) for text in (item["question"], item["standard_answer"])
        ],
    }
    for source, name, column in (("cold", "dev.csv", "TEXT"), ("swsr", "comments.csv", "comment_text")):
        with (DATA / source / name).open(encoding="utf-8-sig", newline="") as lines:
            found[source] = [row[column] for row in csv.DictReader(lines)]
    return found


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the texts are not part of the repository: {DATA}")
def test_ordinary_text_has_hardly_a_hit() -> None:
    for source, texts in ordinary().items():
        hits = Counter(item.kind for text in texts for item in find(folding.folded(text)))
        for kind, number in hits.items():
            most = 0.5 if kind in NUMBERS else 3
            assert number * 1000 / len(texts) <= most, (source, kind)


# --- the look before the patterns --------------------------------------------------------------------

PIECES = st.sampled_from([
    "13800138000", "138 0013 8000", "86-13800138000", "+86 ", "0086", "tel", "no", "11010519491231002x", "110105 19491231 002x", "4111111111111111", "4111 1111 1111 1111", "91350100m000100y43", "0571-87654321",
    "400-123-4567", "95588", "电话", "护照", "号码", ":", "e12345678", "通行证", "h12345678", "军字第2001988号", "社保", "a12345678", "qq", "12345", "微信", "号", "wx",
    "abc_123", "x@y.cn", "203.0.113.7", "2001:db8::1:2", "京a12345", "北京市", "东城区", "样例路", "1号", "301室", " ", "-", ".", "a", "0", "@", "，", "vx", "(", ")",
])  # fmt: skip
JUMBLED = st.lists(PIECES, max_size=12).map("".join)


def naive(text: str) -> set[tuple[str, int, int]]:
    """Return what the patterns find when every one is tried at every place."""
    found: dict[tuple[int, int], str] = {}
    for rule in finding.RULES:
        at = 0
        while match := rule.pattern.search(text, at):
            start, end = match.span(match.lastindex or 0)
            fits = rule.fits(text[start:end])
            at = match.end() if fits else match.start() + 1
            if fits:
                found.setdefault((start, end), str(rule.kind))
    for span in address.spans(text, 0, len(text)):
        found.setdefault(span, "address")
    return {(kind, *span) for span, kind in found.items()}


@settings(max_examples=400, deadline=None)
@given(JUMBLED, st.booleans())
def test_the_look_before_the_patterns_hides_nothing(text: str, far: bool) -> None:
    text = ("今天天气很好，我们去散步。" * 8 + text) * 2 if far else text
    assert {(str(item.kind), item.start, item.end) for item in find(text)} == naive(text)


@settings(max_examples=80, deadline=None)
@given(JUMBLED)
def test_masked_kinds_that_streams_look_for_quickly_show_three_digits_and_ten_characters(text: str) -> None:
    """The window looks no further at shorter texts, and at those without three digits in a row."""
    from hegui.general.content.personal import ANY_LONG, NUMBERS

    if len(text) < 10 or not ANY_LONG.search(text):
        assert not [item for item in find(text) if item.kind in NUMBERS]


# --- shapes ------------------------------------------------------------------------------------------


def test_beginnings_are_made_from_the_shape_itself() -> None:
    import re

    shape = seq(words("ab", "abc", "x"), times(any_of("0-9"), 2, 3), words("!"))
    begun = re.compile(shape.begun)
    strings = [f"{word}{number}!" for word in ("ab", "abc", "x") for number in ("12", "123")]
    for text in strings:
        assert re.fullmatch(shape.whole, text)
        assert len(text) <= shape.longest
        assert all(begun.fullmatch(text[:size]) for size in range(1, len(text) + 1))
    assert not any(begun.fullmatch(text) for text in ("", "b", "ab!", "ab1!", "x1234", "x12!!", "abcx"))


@pytest.mark.parametrize("kind", SHAPES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_every_beginning_of_a_hit_is_held_and_is_short_enough(kind: Kind, data: st.DataObject) -> None:
    import re

    shape = data.draw(st.sampled_from(SHAPES[kind]))
    tail = re.compile(f"(?:{TAILS[kind]})\\Z")
    text = data.draw(st.from_regex(re.compile(shape.whole, re.ASCII), fullmatch=True))
    assert len(text) <= shape.longest <= REACH[kind]
    for size in range(1, len(text) + 1):
        assert tail.match(text[:size]), text[:size]
