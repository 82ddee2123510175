"""Identity cards of Hong Kong, Macao and Taiwan, and mobile numbers that are spelt in Chinese figures."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hegui.general.content import folding, load_checker
from hegui.general.content.checks import masked
from hegui.general.content.personal import find
from hegui.general.content.placeholders import Vault
from hegui.general.content.policy import Side
from hegui.general.content.window import Window

CHECKER = load_checker()
AROUND = st.sampled_from(
    ["{}", "请看{}。", "（{}）", "😀{}😀", "x {} y", "「{}」，谢谢", "\n{}\n", "{}的", "联系：{}；"]
)
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=2)


def rx(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True).filter(str.isascii)


def spans(text: str) -> list[tuple[str, str]]:
    fold = folding.fold(text)
    return [(str(item.kind), text[fold.origin(item.start) : fold.end(item.end)]) for item in find(fold.text)]


def starred(text: str) -> str:
    return masked(text, CHECKER.check(text, Side.OUTPUT).verdicts)


# --- Hong Kong: letters count from A = 10, an empty place before a single letter as 36 ----------------


def hk_check(body: str) -> str:
    weights = dict(enumerate(range(9, 1, -1)))
    padded = body if len(body) == 8 else " " + body
    total = sum(
        weights[place] * (36 if ch == " " else int(ch) if ch.isdigit() else ord(ch) - 55)
        for place, ch in enumerate(padded)
    )
    return "0123456789A"[-total % 11]


HK = st.builds(lambda letters, digits: letters + digits, LETTERS, rx("[0-9]{6}"))


def test_the_check_character_is_that_of_known_specimens() -> None:
    assert [hk_check(body) for body in ("A123456", "AB987654")] == ["3", "3"]


@settings(deadline=None)
@given(HK, AROUND, st.booleans(), st.booleans())
def test_every_hong_kong_card_in_brackets_is_found(body: str, around: str, small: bool, wide: bool) -> None:
    number = f"{body}({hk_check(body)})"
    number = number.lower() if small else number
    number = number.translate(FULL_WIDTH) if wide else number
    assert spans(around.format(number)) == [("hk_id", number)]


@settings(deadline=None)
@given(HK, st.sampled_from(["香港身份证", "香港居民身份证", "香港永久性居民身份证", "香港特别行政区永久性居民身份證", "HKID"]),
       st.sampled_from(["：", "号码是", " ", "号："]))  # fmt: skip
def test_a_word_tells_one_without_brackets(body: str, word: str, gap: str) -> None:
    number = body + hk_check(body)
    assert spans(f"我的{word}{gap}{number}。") == [("hk_id", number)]
    assert "hk_id" not in dict(spans(f"型号{number}。"))


@given(HK, st.integers(1, 10))
def test_a_wrong_check_character_is_no_hong_kong_card(body: str, by: int) -> None:
    wrong = "0123456789A"[("0123456789A".index(hk_check(body)) + by) % 11]
    assert spans(f"香港身份证{body}({wrong})") == spans(f"HKID: {body}{wrong}") == []


@pytest.mark.parametrize("text", ["ABC123456(3)", "xA123456(3)", "1A123456(3)", "A12345(3)", "A123456[3]", "A1234563", "A123456 3"])  # fmt: skip
def test_what_only_looks_like_a_hong_kong_card(text: str) -> None:
    assert spans(text) == []


# --- Macao -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(rx(r"[157][0-9]{6}"), rx("[0-9]"), st.sampled_from(["{}({})", "{}/{}", "{}{}"]),
       st.sampled_from(["澳门身份证", "澳门居民身份证", "澳门永久性居民身份证", "澳门特别行政区非永久性居民身份证", "澳門居民身份證"]), AROUND)  # fmt: skip
def test_a_word_tells_a_macao_card(body: str, check: str, form: str, word: str, around: str) -> None:
    number = form.format(body, check)
    assert spans(around.format(f"{word}号码：{number}")) == [("macao_id", number)]
    assert "macao_id" not in dict(spans(f"编号{number}"))


def test_a_macao_card_is_never_put_back() -> None:
    with Vault() as vault:
        assert vault.restore(vault.hide("澳门身份证1234567(8)")) == "澳门身份证⟦澳门身份证号⟧"


# --- Taiwan: a table of the letters of the places, as the ministry of the interior gives it ------------

PLACES = {"A": 10, "B": 11, "C": 12, "D": 13, "E": 14, "F": 15, "G": 16, "H": 17, "I": 34, "J": 18, "K": 19, "L": 20, "M": 21,
          "N": 22, "O": 35, "P": 23, "Q": 24, "R": 25, "S": 26, "T": 27, "U": 28, "V": 29, "W": 32, "X": 30, "Y": 31, "Z": 33}  # fmt: skip


def taiwan(letter: str, digits: str) -> str:
    total = PLACES[letter] // 10 + 9 * (PLACES[letter] % 10)
    total += sum(weight * int(digit) for weight, digit in zip(range(8, 0, -1), digits, strict=True))
    return f"{letter}{digits}{-total % 10}"


TAIWAN = st.builds(taiwan, st.sampled_from(sorted(PLACES)), rx("[1289][0-9]{7}"))


def test_the_usual_specimen_of_taiwan_has_its_check_digit() -> None:
    assert taiwan("A", "12345678") == "A123456789"


@settings(deadline=None)
@given(TAIWAN, AROUND, st.booleans())
def test_every_taiwan_number_is_found(number: str, around: str, wide: bool) -> None:
    number = number.translate(FULL_WIDTH) if wide else number
    assert spans(around.format(number)) == [("taiwan_id", number)]


@given(TAIWAN, st.integers(2, 9), st.integers(1, 9))
def test_one_changed_digit_is_no_taiwan_number(number: str, place: int, by: int) -> None:
    changed = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assume(number[place] not in changed[place])
    weights = (1, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    assume(by * weights[place] % 10)  # an even or fivefold weight hides some changes: the standard's own weakness
    assert spans(f"编号{changed}。") == []


@pytest.mark.parametrize(
    "text", ["A323456789", "AA23456789", "A12345678", "A1234567890", "xA123456789", "A123456789x", "A12345678A"]
)
def test_what_only_looks_like_a_taiwan_number(text: str) -> None:
    assert spans(text) == []


# --- mobile numbers in Chinese figures ---------------------------------------------------------------

SPELT = ["0零〇○⓪", "1一幺壹①❶", "2二贰②❷", "3三叁③❸", "4四肆④❹", "5五伍⑤❺", "6六陆⑥❻", "7七柒⑦❼", "8八捌⑧❽", "9九玖⑨❾"]


@settings(max_examples=300, deadline=None)
@given(rx(r"1[3-9][0-9]{9}"), st.data(), st.sampled_from(["{}{}{}", "{}-{}-{}", "{} {} {}"]), AROUND)
def test_a_mobile_number_in_any_mix_of_figures_is_found_and_starred(
    number: str, data: st.DataObject, form: str, around: str
) -> None:
    signs = [data.draw(st.sampled_from(SPELT[int(digit)])) for digit in number]
    joined = "".join(signs)
    assume(not joined.isascii() and not folding.folded(joined).isascii())
    # A number with a hollow ring in every place of three is left alone: streams look for three figures in a row.
    assume(any(all(sign != "○" for sign in joined[at : at + 3]) for at in (0, 3, 4, 5, 7, 8)))
    written = form.format(joined[:3], joined[3:7], joined[7:])
    text = around.format(written)
    assert spans(text) == [("mobile", written)]
    assert written not in starred(text)
    for pieces in (list(text), [text[:7], text[7:]]):
        window = Window(CHECKER)
        assert "".join(map(window.feed, pieces)) + window.finish() == starred(text)


@pytest.mark.parametrize(
    "text",
    [
        "二〇二六年十一月二十二日", "一三五七九二四六八十", "一三八零零一三八零零零元", "一三八零零一三八零零零亿", "一百三十八亿零一百三十八万", "第一三八零零一三八零零零零号",
        "一二三四五六七八九零一", "零一三八零零一三八零零零", "一三八零零一三八零零", "x一三八零零一三八零零零", "一三八零零一三八零零零x", "圆周率三点一四一五九二六五三五八九七九",
        "一三八-零零一三 八零零零", "二十一三得三三三得九", "一九一九一九四九一九七八年", "一八四零到一九四九一九七八", "①②③④⑤⑥⑦⑧⑨⑩", "一、三、八、零、零、一、三、八、零、零、零",
    ],
)  # fmt: skip
def test_years_amounts_and_counting_are_no_mobile_numbers(text: str) -> None:
    assert spans(text) == []


def test_what_follows_a_spelt_number_tells_whether_it_is_one() -> None:
    window = Window(CHECKER)
    assert window.feed("请打一三八零零一三八零零零") == "请打"
    assert window.feed("。") + window.finish() == "一三八******零零。"
    other = Window(CHECKER)
    assert other.feed("共一三八零零一三八零零零") + other.feed("元") + other.finish() == "共一三八零零一三八零零零元"


def test_a_word_that_begins_with_one_leaves_with_the_next_character() -> None:
    window = Window(CHECKER)
    assert window.feed("我们一") == "我们"
    assert window.feed("起去") == "一起去"


# --- residence permits: a resident number with a code of their own -------------------------------------


@pytest.mark.parametrize("area", ["810000", "820000", "830000"])
def test_residence_permits_of_hong_kong_macao_and_taiwan_residents_are_resident_numbers(area: str) -> None:
    first = f"{area}19900307001"
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(first))
    number = first + "10X98765432"[total % 11]
    assert spans(f"港澳台居民居住证{number}") == [("resident_id", number)]


# --- social security ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "社保号：{}",
        "社会保障号码{}",
        "社保个人编号为{}",
        "社保电脑号{}",
        "养老保险个人编号：{}",
        "医疗保险编号 {}",
        "醫保卡號{}",
    ],
)
@given(number=rx("[1-9][0-9]{8,9}"))
def test_a_word_tells_a_social_security_number(text: str, number: str) -> None:
    assert spans(text.format(number)) == [("social_security", number)]


@pytest.mark.parametrize("text", ["养老保险2024年", "医疗保险基金12345678元以上"])
def test_insurance_in_ordinary_speech_tells_no_number(text: str) -> None:
    assert spans(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("護照號碼：E12345678", "passport"),
        ("回鄉證H12345678", "permit"),
        ("臺胞證號0012345678", "permit"),
        ("電話：87654321", "landline"),
        ("微信號：abc_123", "wechat"),
    ],
)
def test_words_in_traditional_characters_tell_too(text: str, kind: str) -> None:
    assert [found for found, _ in spans(text)] == [kind]


# --- ordinary text -----------------------------------------------------------------------------------

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the texts are not part of the repository: {DATA}")
def test_ordinary_text_holds_no_such_card() -> None:
    alpaca = json.loads((DATA / "alpaca-zh" / "alpaca_zh_demo.json").read_text("utf-8"))
    texts = [text for item in alpaca for text in (item["instruction"], item["input"], item["output"])]
    with (DATA / "cold" / "dev.csv").open(encoding="utf-8-sig", newline="") as lines:
        texts += [row["TEXT"] for row in csv.DictReader(lines)]
    hits = Counter(kind for text in texts for kind, _ in spans(text))
    assert not {"hk_id", "macao_id", "taiwan_id", "bank_card"} & set(hits)
