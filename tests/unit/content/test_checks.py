"""Library, personal information, policy and folding: what an operator's files may hold and what a hit is."""

from __future__ import annotations

import time
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.general.content import folding, load_checker, load_library, load_policy
from hegui.general.content.checks import Checker, masked
from hegui.general.content.library import LibraryError, compile_library
from hegui.general.content.matcher import AhoCorasickMatcher, DaachorseMatcher, build, engines
from hegui.general.content.personal import Kind, find, luhn_valid, resident_id_valid, uscc_valid
from hegui.general.content.policy import Action, PolicyError, Side, parse_policy
from hegui.law import risks


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


# --- the operator's file -----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_either_form_and_encoding(tmp_path: Path, encoding: str) -> None:
    name = risks().name("A.2.a").zh
    two = write(tmp_path / "two.csv", "word,risk\n标记甲,A.1.a\n标记乙,a2a\n", encoding)
    three = write(
        tmp_path / "three.csv", f"关键词,一级分类,二级分类\n标记甲,A.1,A.1.a\n标记乙,包含歧视性内容,{name}\n", encoding
    )
    for path in (two, three):
        assert [(w.text, w.risk) for w in load_library(path).words] == [("标记甲", "A.1.a"), ("标记乙", "A.2.a")]
    assert load_library(two).version == load_library(three).version


def test_xlsx(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["关键词", "一级分类", "二级分类"],
        ["标记甲", "A.1", "A.1.a"],
        [None, None, None],
        ["标记乙", "A.2", "A.2.a"],
    ):
        sheet.append(row)
    book.save(tmp_path / "words.xlsx")
    assert [w.row for w in load_library(tmp_path / "words.xlsx").words] == [2, 4]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "columns"),
        ("word,risk\n标记,A.9.z\n", "bad.csv:2"),
        ("word,risk\n标记,A.1.a\n\u200b,A.1.a\n", "bad.csv:3"),
        ("word,risk\n" + "长" * 101 + ",A.1.a\n", "bad.csv:2"),
    ],
)
def test_a_wrong_file_names_the_row_and_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(LibraryError) as caught:
        load_library(write(tmp_path / "bad.csv", text))
    assert told in caught.value.title.en
    assert caught.value.remedy.zh


def test_other_broken_files(tmp_path: Path) -> None:
    with pytest.raises(LibraryError):
        load_library(tmp_path / "none.csv")
    with pytest.raises(LibraryError):
        load_library(write(tmp_path / "not.xlsx", "word,risk\n"))


def test_the_sample_covers_the_31_risks_with_made_up_words() -> None:
    sample = load_library(None)
    assert sample.is_sample
    assert set(sample.counts()) == set(risks().ids)
    assert all(word.text.startswith("合规样例词") for word in sample.words)


# --- matching ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [DaachorseMatcher, AhoCorasickMatcher])
@given(
    st.lists(st.text("甲乙a", min_size=1, max_size=4), min_size=1, max_size=8, unique=True),
    st.text("甲乙丙a", max_size=30),
)
def test_both_engines_find_every_occurrence(engine: type, patterns: list[str], text: str) -> None:
    if engine not in engines():
        pytest.skip(f"{engine.__name__} has no wheel for this machine")
    wanted = {
        (start, start + len(pattern), number)
        for number, pattern in enumerate(patterns)
        for start in range(len(text))
        if text.startswith(pattern, start)
    }
    found = list(engine(patterns).find(text))
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert [hit[1] for hit in found] == sorted(hit[1] for hit in found)


def test_an_empty_library_finds_nothing() -> None:
    assert list(build([]).find("甲")) == []
    assert Checker(compile_library([], "none"), load_policy(None)).check("甲乙", Side.INPUT).action is Action.PASS


@pytest.mark.parametrize(
    "disguise",
    ["标记甲", "标\u200b记甲", "标记\ufe0f甲", "標記甲".replace("標", "标").replace("記", "记"), "标\u00ad记甲"],
)
def test_format_characters_do_not_hide_a_word(disguise: str) -> None:
    checker = Checker(compile_library([(2, "标记甲", "A.1.a")], "t"), load_policy(None))
    (hit,) = checker.check(f"前{disguise}后", Side.INPUT).verdicts
    assert f"前{disguise}后"[hit.start : hit.end] == disguise


@pytest.mark.parametrize("disguise", ["ＡＢＣ词", "abc词", "ⓐⓑⓒ词", "𝐚𝐛𝐜词", "ÁB̈C词"])
def test_width_case_and_look_of_letters_do_not_hide_a_word(disguise: str) -> None:
    checker = Checker(compile_library([(2, "Abc词", "A.1.a")], "t"), load_policy(None))
    assert checker.check(disguise, Side.INPUT).blocked


@given(st.text(max_size=120))
def test_folding_in_pieces_equals_folding_whole_and_offsets_fit(text: str) -> None:
    whole = folding.fold(text)
    assert whole.text == "".join(folding.folded(character) for character in text)
    for index in range(len(whole.text)):
        assert whole.text[index] in folding.folded(text[whole.origin(index)])
    assert whole.end(len(whole.text)) <= len(text)


@given(
    st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0x2FFFF, exclude_categories=["Cs"]), min_size=70, max_size=90
    )
)
def test_the_fast_table_equals_the_slow_one(text: str) -> None:
    assert folding.folded(text) == "".join(folding.fold_character(character) for character in text)


def test_a_blow_up_in_folding_stays_in_proportion() -> None:
    began = time.perf_counter()
    assert len(folding.folded("\ufdfa" * 50_000)) == 18 * 50_000
    assert time.perf_counter() - began < 5


# --- personal information ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("11010519491231002X", Kind.RESIDENT_ID), ("440308199901010013", None), ("110105491231002", Kind.RESIDENT_ID),
        ("13800138000", Kind.MOBILE), ("+86 138 0013 8000", Kind.MOBILE), ("86-13800138000", Kind.MOBILE),
        ("138-0013-8000", Kind.MOBILE), ("12800138000", None), ("23800138000", None),
        ("6222021234567890128", Kind.BANK_CARD), ("6222021234567890129", None), ("4111111111111111", Kind.BANK_CARD), ("4111 1111 1111 1111", Kind.BANK_CARD),
        ("4111111111111112", None), ("91350100M000100Y43", Kind.USCC), ("91350100M000100Y44", None),
        ("someone@example.com", Kind.EMAIL), ("someone@example", None), ("99991301194912310021", None),
    ],
)  # fmt: skip
def test_identifiers_with_their_check_digits(text: str, kind: Kind | None) -> None:
    for around in ("{}", "号码是{}。", "（{}）"):
        found = list(find(folding.folded(around.format(text))))
        assert [item.kind for item in found] == ([kind] if kind else []), text


def test_numbers_that_are_not_identifiers_are_left_alone() -> None:
    for text in (
        "2026年11月22日",
        "圆周率3.14159265358979323846",
        "订单20261122103045123",
        "共1234567890123456789012人",
    ):
        assert list(find(text)) == [], text


def test_check_digits() -> None:
    assert resident_id_valid("11010519491231002x")
    assert not resident_id_valid("110105194912310021")
    assert not resident_id_valid("11010519491331002x")
    assert not resident_id_valid("99010519491231002x")
    assert luhn_valid("4111111111111111")
    assert not luhn_valid("4111111111111121")
    assert uscc_valid("91350100m000100y43")
    assert not uscc_valid("91350100m000100y4")


@given(st.text("0123456789xX -+a", max_size=200))
def test_looking_for_numbers_is_quick_on_adversarial_text(text: str) -> None:
    began = time.perf_counter()
    list(find(text * 20))
    assert time.perf_counter() - began < 1


# --- policy ------------------------------------------------------------------------------------------


def test_policy_overrides_key_by_key() -> None:
    base = load_policy(None)
    policy = parse_policy(
        {"input": {"risks": {"A.2": "mask", "A.1.a": "answer"}}, "answers": {"A.1.a": "请看公告。"}}, base
    )
    assert policy.input.risks["A.2.c"] is Action.MASK
    assert policy.input.risks["A.3.a"] is Action.REFUSE
    assert policy.output == base.output
    assert policy.version != base.version
    checker = Checker(compile_library([(2, "标记甲", "A.1.a"), (3, "标记乙", "A.2.a")], "t"), policy)
    checked = checker.check("说标记乙", Side.INPUT)
    assert (checked.action, masked("说标记乙", checked.verdicts)) == (Action.MASK, "说***")
    assert checker.answer_for(checker.check("标记甲", Side.INPUT).verdicts) == "请看公告。"


def test_a_refusal_beside_a_set_answer_is_a_refusal() -> None:
    policy = parse_policy({"input": {"risks": {"A.1.a": "answer"}}, "answers": {"A.1.a": "好"}}, load_policy(None))
    checker = Checker(compile_library([(2, "标记甲", "A.1.a"), (3, "标记乙", "A.2.a")], "t"), policy)
    assert checker.answer_for(checker.check("标记甲标记乙", Side.INPUT).verdicts) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": {}}, {"input": []}, {"input": {"default": "explode"}}, {"input": {"risks": {"A.9": "pass"}}},
        {"input": {"risks": {"A.1.a": "answer"}}}, {"input": {"personal": {"mobile": "answer"}}},
        {"answers": {"A.1.z": "x"}}, {"answers": {"A.1.a": " "}}, "words", {"input": {"surprise": 1}},
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused(wrong: object) -> None:
    with pytest.raises(PolicyError):
        parse_policy(wrong, load_policy(None))


def test_policy_files(tmp_path: Path) -> None:
    good = write(tmp_path / "p.yaml", "output: {personal: {email: mask}}\n")
    assert load_policy(good).output.personal[Kind.EMAIL] is Action.MASK
    for bad in (tmp_path / "none.yaml", write(tmp_path / "bad.yaml", "a: [")):
        with pytest.raises(PolicyError):
            load_policy(bad)


def test_versions_name_policy_library_and_law() -> None:
    versions = load_checker().versions.as_dict()
    assert (versions.pop("model"), versions.pop("guard")) == ("", "")
    assert set(versions) == {"policy", "library", "law"}
    assert all(len(value) == 16 for value in versions.values())


def test_fair_to_plain_text() -> None:
    checker = load_checker()
    for text in ("今天天气真好", "合规是企业的责任", "请给我一个样例", "1+1=2", "Hello, world!", "甲乙丙丁"):
        for side in Side:
            assert checker.check(text, side).verdicts == ()
