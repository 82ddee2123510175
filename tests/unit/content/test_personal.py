"""Personal information: each identifier is found where it stands, and what only looks like one is left alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hegui.general.content import load_checker
from hegui.general.content.checks import Checker, masked
from hegui.general.content.folding import folded
from hegui.general.content.library import compile_library
from hegui.general.content.personal import KIND_NAMES, Kind, find, luhn_valid, mask, resident_id_valid, uscc_valid
from hegui.general.content.policy import Side, load_policy, parse_policy

# A province's two digits are its area and its place there, which begins at 0 in the South-West alone.
AREAS = {
    1: " 京津冀晋蒙", 2: " 辽吉黑", 3: " 沪苏浙皖闽赣鲁", 4: " 豫鄂湘粤桂琼", 5: "渝川黔滇藏", 6: " 陕甘青宁新", 7: " 台", 8: " 港澳台",
}  # fmt: skip
PROVINCES = [f"{area}{place}" for area, names in AREAS.items() for place, name in enumerate(names) if name != " "]
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
MASK_ALL = parse_policy({"output": {"personal": dict.fromkeys(map(str, Kind), "mask")}}, load_policy(None))
CHECKER = Checker(compile_library([], "none"), MASK_ALL)


def kinds(text: str) -> list[Kind]:
    return [item.kind for item in find(folded(text))]


def spans(text: str) -> list[tuple[str, str]]:
    """Return each hit's rule and the very characters of the original that it names."""
    return [
        (item.rule.partition(":")[2], text[item.start : item.end]) for item in CHECKER.check(text, Side.OUTPUT).verdicts
    ]


def with_check(first: str) -> str:
    """Return a resident number with its check character, reckoned as GB 11643 writes it: a sum of powers of two."""
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(first))
    return first + "10X98765432"[total % 11]


def with_luhn(first: str) -> str:
    return next(first + digit for digit in "0123456789" if luhn_by_table(first + digit))


def luhn_by_table(digits: str) -> bool:
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    return sum(doubled[int(d)] if place % 2 else int(d) for place, d in enumerate(reversed(digits))) % 10 == 0


def with_uscc(first: str) -> str:
    total = sum(ALPHABET.index(character) * 3**place for place, character in enumerate(first))
    return first + ALPHABET[-total % 31]


BORN = st.dates(date(1900, 1, 1), date(2026, 1, 1))
RESIDENT = st.builds(
    lambda province, place, born, order: with_check(f"{province}{place:04d}{born:%Y%m%d}{order:03d}"),
    st.sampled_from(PROVINCES), st.integers(0, 9999), BORN, st.integers(0, 999),
)  # fmt: skip
# First digits, and the length of a card that begins so.
ISSUED = [("62", 16), ("62", 17), ("62", 18), ("62", 19), ("60", 19), ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("35", 16), ("34", 15), ("37", 15), ("2221", 16), ("2720", 16), ("9558", 19)]  # fmt: skip
CARD = st.builds(
    lambda issued, rest: with_luhn(issued[0] + rest[: issued[1] - len(issued[0]) - 1]),
    st.sampled_from(ISSUED),
    st.from_regex(r"[0-9]{18}", fullmatch=True).filter(str.isascii),
)
USCC = st.builds(lambda head, area, code: with_uscc(f"{head}{area:06d}{code}"),
                 st.sampled_from(["11", "12", "51", "91", "92", "93", "N1", "Y1"]), st.integers(0, 999_999),
                 st.text(ALPHABET, min_size=9, max_size=9))  # fmt: skip
AROUND = st.sampled_from(
    [
        "{}",
        "号码{}",
        "{}。",
        "证件：{}，谢谢",
        "（{}）",
        "😀{}😀",
        "a {} b",
        "「{}」",
        "\n{}\n",
        "{}的",
        "_{}_",
        "No.{}",
    ]
)


# --- resident identity numbers -----------------------------------------------------------------------


@given(RESIDENT, AROUND, st.booleans(), st.booleans())
def test_every_valid_resident_number_is_found_in_its_exact_place(
    number: str, around: str, small: bool, wide: bool
) -> None:
    number = number.lower() if small else number
    number = number.translate(FULL_WIDTH) if wide else number
    assert spans(around.format(number)) == [("resident_id", number)]


@given(RESIDENT, st.integers(0, 17), st.integers(1, 9))
def test_one_changed_character_is_never_a_resident_number(number: str, place: int, by: int) -> None:
    old = 10 if number[place] == "X" else int(number[place])
    new = "0123456789X"[(old + by) % 11] if place == 17 else str((old + by) % 10)
    assume(new != number[place])
    changed = number[:place] + new + number[place + 1 :]
    assert Kind.RESIDENT_ID not in kinds(f"证件{changed}。")


@given(RESIDENT, st.integers(0, 16))
def test_two_neighbours_changed_over_are_never_a_resident_number(number: str, place: int) -> None:
    assume(number[place] != number[place + 1])
    changed = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert Kind.RESIDENT_ID not in kinds(changed)


@pytest.mark.parametrize("code", range(100))
def test_the_first_two_digits_are_a_province(code: int) -> None:
    number = with_check(f"{code:02d}900119900307001")
    assert resident_id_valid(number.lower()) is (f"{code:02d}" in PROVINCES)
    assert (Kind.RESIDENT_ID in kinds(number)) is (f"{code:02d}" in PROVINCES)


@pytest.mark.parametrize(
    ("born", "real"),
    [
        ("19900307", True), ("20000229", True), ("19000229", False), ("20240229", True), ("20230229", False),
        ("19901301", False), ("19900001", False), ("19900100", False), ("19900431", False), ("19901231", True),
        ("18491231", False), ("18500101", True), ("21000102", False), ("00000000", False),
    ],
)  # fmt: skip
def test_the_date_of_birth_is_a_day_that_was(born: str, real: bool) -> None:
    assert (Kind.RESIDENT_ID in kinds(with_check(f"110105{born}001"))) is real


@given(st.sampled_from([p for p in PROVINCES if p[0] not in "78"]), st.integers(0, 999), BORN, st.integers(0, 999))
def test_cards_of_foreign_permanent_residents_begin_with_a_nine_and_the_province(
    province: str, country: int, born: date, order: int
) -> None:
    number = with_check(f"9{province}{country:03d}{born:%Y%m%d}{order:03d}")
    assert spans(f"证件{number}。") == [("resident_id", number)]


def test_the_specimen_card_of_a_foreign_permanent_resident_is_found() -> None:
    assert spans("911124198108030024") == [("resident_id", "911124198108030024")]


@pytest.mark.parametrize(
    ("number", "found"),
    [("110105900307001", True), ("110105000229001", False), ("110105040229001", True), ("110105901301001", False),
     ("990105900307001", False), ("11010590030700", False), ("11010590030700X", False)],
)  # fmt: skip
def test_old_numbers_of_15_digits_have_province_and_date_only(number: str, found: bool) -> None:
    assert (Kind.RESIDENT_ID in kinds(f"证件{number}。")) is found


@pytest.mark.parametrize("form", ["1{}", "{}1", "a{}", "{}b", "{}X", "9{}9"])
@given(number=RESIDENT)
def test_a_resident_number_inside_something_longer_is_none(form: str, number: str) -> None:
    assert Kind.RESIDENT_ID not in kinds(form.format(number))


# --- mobile numbers ----------------------------------------------------------------------------------


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True).filter(str.isascii), AROUND, st.booleans(),
       st.sampled_from(["{}{}{}", "{}-{}-{}", "{} {} {}", "+86{}{}{}", "+86 {} {} {}", "86-{}{}{}", "86 {}-{}-{}", "+86-{}{}{}"]))  # fmt: skip
def test_every_mobile_number_is_found_however_it_is_written(number: str, around: str, wide: bool, form: str) -> None:
    written = form.format(number[:3], number[3:7], number[7:])
    written = written.translate(FULL_WIDTH) if wide else written
    assert spans(around.format(written)) == [("mobile", written)]


@pytest.mark.parametrize(
    "text",
    [
        "订单138001380001", "编号0013800138000", "1380013800", "x13800138000", "13800138000x", "12800138000", "11012345678",
        "10000000000", "23800138000", "138-00138-000", "138--0013-8000", "+87 13800138000"[:3] + "12800138000",
        "2026年11月22日10时", "138 0013 80001", "SN13800138000", "https://example.com/a13800138000b", "第13,800,138,000号",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_mobile_number_is_left_alone(text: str) -> None:
    assert spans(text) == []


def test_several_numbers_in_one_text_are_each_found_in_their_order() -> None:
    text = "张先生😀１３８００１３８０００、李女士138-0013-8001；证件11010519491231002Ｘ，卡4111 1111 1111 1111，信箱zhang.san@例子.example.com"
    assert spans(text) == [
        ("mobile", "１３８００１３８０００"), ("mobile", "138-0013-8001"), ("resident_id", "11010519491231002Ｘ"), ("bank_card", "4111 1111 1111 1111"),
    ]  # fmt: skip


# --- bank cards, company codes, e-mail ---------------------------------------------------------------


@given(CARD, AROUND)
def test_every_card_number_that_passes_luhn_is_found(number: str, around: str) -> None:
    assume(not resident_id_valid(number))
    assert spans(around.format(number)) == [("bank_card", number)]
    if len(number) >= 16:
        grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
        assert ("bank_card", grouped) in spans(around.format(grouped))


@given(CARD, st.integers(0, 18), st.integers(1, 9))
def test_one_changed_digit_is_never_a_card(number: str, place: int, by: int) -> None:
    place %= len(number)
    changed = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not luhn_valid(changed)
    assert Kind.BANK_CARD not in kinds(changed)


@given(st.text("0123456789", min_size=1, max_size=30))
def test_luhn_is_that_of_the_standard(digits: str) -> None:
    assert luhn_valid(digits) is luhn_by_table(digits)


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ("4", 17),
        ("4", 18),
        ("51", 17),
        ("55", 19),
        ("34", 16),
        ("38", 15),
        ("62", 15),
        ("2220", 16),
        ("2721", 16),
        ("9558", 16),
        ("9559", 19),
        ("7", 16),
    ],
)
@given(rest=st.from_regex(r"[0-9]{18}", fullmatch=True).filter(str.isascii))
def test_no_card_is_issued_with_such_a_beginning_in_such_a_length(head: str, size: int, rest: str) -> None:
    number = with_luhn(head + rest[: size - len(head) - 1])
    assert Kind.BANK_CARD not in kinds(f"编号{number}。")


@pytest.mark.parametrize(
    "text",
    [
        "378282246310006",
        "382822463100058",
        "41111111111111111111",
        "0000000000000000",
        "7111111111111118",
        "4111 1111 1111 111",
        "4111-1111 1111-1111",
    ],
)
def test_what_is_no_card_by_length_beginning_or_grouping_is_left_alone(text: str) -> None:
    assert spans(text) == []


@given(USCC, AROUND, st.booleans(), st.booleans())
def test_every_company_code_is_found(code: str, around: str, small: bool, wide: bool) -> None:
    assume(not (code.isdigit() and code[0] in "3456" and luhn_valid(code)) and not resident_id_valid(code.lower()))
    written = code.lower() if small else code
    written = written.translate(FULL_WIDTH) if wide else written
    assert spans(around.format(written)) == [("uscc", written)]


@pytest.mark.parametrize("check", ALPHABET)
def test_a_code_of_digits_before_any_check_character_is_found(check: str) -> None:
    """Most companies' codes are digits but for the last character; a digit, an X and any other letter alike."""
    code = next(found for n in range(2000) if (found := with_uscc(f"9111010855138{n:04d}"))[-1] == check)
    assert spans(f"代码{code}。") == [("uscc", code)]


@given(USCC, st.integers(0, 17), st.integers(1, 30))
def test_one_changed_character_is_never_a_company_code(code: str, place: int, by: int) -> None:
    changed = code[:place] + ALPHABET[(ALPHABET.index(code[place]) + by) % 31] + code[place + 1 :]
    assert not uscc_valid(changed.lower())
    assert Kind.USCC not in kinds(changed)


@pytest.mark.parametrize(
    "code",
    ["91350100M000100Y4I", "91350100O000100Y43", "9135010SM000100Y43", "91350100M000100Y4", "", "91350100M000100Y433"],
)
def test_letters_that_the_standard_leaves_out_and_other_lengths_are_no_company_code(code: str) -> None:
    assert not uscc_valid(code.lower())
    assert spans(code) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("请联系someone@example.com谢谢", "someone@example.com"), ("邮箱：a.b+c_d%e-f@mail.example.com.cn。", "a.b+c_d%e-f@mail.example.com.cn"),
        ("ＳＯＭＥＯＮＥ＠ＥＸＡＭＰＬＥ．ＣＯＭ", "ＳＯＭＥＯＮＥ＠ＥＸＡＭＰＬＥ．ＣＯＭ"), ("<13800138000@139.com>", "13800138000@139.com"),
        ("😀x@y-z.cn😀", "x@y-z.cn"), ("someone\u200b@example.com", "someone\u200b@example.com"), ("mailto:x@y.cn.", "x@y.cn"),
        ("@someone", ""), ("someone@", ""), ("a@b", ""), ("a@b.c", ""), ("a@@b.cn", ""), ("a@.cn", ""), ("下午3点@example", ""),
    ],
)  # fmt: skip
def test_mail_addresses_with_chinese_around(text: str, wanted: str) -> None:
    assert ("email", wanted) in spans(text) if wanted else spans(text) == []


# --- places and masks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    ["", "😀", "👨‍👩‍👧", "é", "e\u0301", "\ufdfa", "ﬃ", "①②", "\u200b\u200b", "𠮷", "ａ：", "\U0001f1e8\U0001f1f3"],
)
def test_places_are_those_of_the_original_whatever_stands_before(before: str) -> None:
    for number in ("13800138000", "１３８００１３８０００", "138\u200b0013\u200b8000"):
        text = f"{before}。{number}。{before}"
        assert spans(text) == [("mobile", number)]
        starred = masked(text, CHECKER.check(text, Side.OUTPUT).verdicts)
        assert len(starred) == len(text)
        assert starred.startswith(f"{before}。")
        assert starred.endswith(f"。{before}")
        assert spans(starred) == []


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        (Kind.RESIDENT_ID, "11010519491231002X", "110***************"), (Kind.HK_ID, "A123456(3)", "A*********"), (Kind.MACAO_ID, "1234567(8)", "1*********"), (Kind.TAIWAN_ID, "A123456789", "A*********"), (Kind.MOBILE, "13800138000", "138******00"),
        (Kind.BANK_CARD, "4111111111111111", "4111********1111"), (Kind.USCC, "91350100M000100Y43", "91************0Y43"),
        (Kind.EMAIL, "someone@example.com", "s******@example.com"), (Kind.EMAIL, "x@y.cn", "x@y.cn"),
        (Kind.LANDLINE, "0571-87654321", "057**********"), (Kind.HOTLINE, "400-123-4567", "400*********"),
        (Kind.PASSPORT, "E12345678", "E******78"), (Kind.PERMIT, "H12345678", "H******78"),
        (Kind.MILITARY_ID, "军字第2001988号", "军字*********"[:11]), (Kind.SOCIAL_SECURITY, "A12345678", "*******78"),
        (Kind.PLATE, "京A12345", "京A****5"), (Kind.QQ, "12345678", "1******8"), (Kind.WECHAT, "abc_123", "a*****3"),
        (Kind.IP, "203.0.113.7", "20*********"), (Kind.ADDRESS, "北京市东城区样例路1号", "北京市********"),
    ],
)  # fmt: skip
def test_masks_keep_the_length_and_little_else(kind: Kind, text: str, wanted: str) -> None:
    assert mask(kind, text) == wanted


@given(st.one_of(RESIDENT, CARD), st.text("号码是：", max_size=4))
def test_a_masked_number_can_not_be_read_any_more(number: str, before: str) -> None:
    text = f"{before}{number}"
    starred = masked(text, CHECKER.check(text, Side.OUTPUT).verdicts)
    assert number not in starred
    assert sum(a != b for a, b in zip(text, starred, strict=True)) >= len(number) // 2


def test_a_person_may_speak_of_their_own_number_and_an_answer_is_masked_by_default() -> None:
    checker = load_checker()
    text = "电话13800138000"
    assert (checker.check(text, Side.INPUT).action, checker.check(text, Side.OUTPUT).action) == ("pass", "mask")
    assert [item.risk for item in checker.check(text, Side.INPUT).verdicts] == ["A.4.f"]
    assert set(KIND_NAMES) == set(Kind)


@given(
    st.dates(date(1950, 1, 1), date(2020, 12, 31)).map(lambda day: day + timedelta(days=1)),
    st.text("0123456789年月日-/. ", max_size=30),
)
def test_dates_and_figures_are_no_identifiers(day: date, figures: str) -> None:
    assume(not any(run for run in "".join(c if c.isdigit() else " " for c in figures).split() if len(run) > 9))
    assume("-" not in figures and " " not in figures)
    assert spans(f"{day:%Y年%m月%d日}，{figures}") == []
