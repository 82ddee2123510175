"""What an operator says of one word: exceptions, words near it, lanes, action and dates, in whole texts and in streams."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content import load_library, load_policy
from hegui.general.content.checks import Checker
from hegui.general.content.library import Library, LibraryError, compile_library
from hegui.general.content.policy import Action, Lane, Policy, Side, parse_policy
from hegui.general.content.rows import LONGEST_REACH, WIDEST, Row, WordRules, word_rules
from hegui.general.content.window import Window
from hegui.kit import clock

ALL = [lane.value for lane in Lane if lane in {*list(Lane)[:7]}]
EVERY_LANE = {side.value: {"lanes": {"default": ALL}} for side in Side}


def policy(data: dict[str, Any] | None = None) -> Policy:
    """Return the default policy with every lane of words, and what `data` says over it."""
    base = parse_policy(EVERY_LANE, load_policy(None))
    return parse_policy(data, base) if data else base


def rows(words: dict[str, dict[str, str]], risk: str = "A.1.a") -> list[Row]:
    return [Row(number, word, risk, word_rules(word, cells)) for number, (word, cells) in enumerate(words.items(), 2)]


def checker(words: dict[str, dict[str, str]], used: Policy | None = None) -> Checker:
    return Checker(compile_library(rows(words), "test"), used or policy())


def hits(used: Checker, text: str, side: Side = Side.INPUT) -> list[tuple[str, str]]:
    return [(item.lane, text[item.start : item.end]) for item in used.check(text, side).verdicts]


Streamed = tuple[str, bool, list[tuple[int, int, str, str, str]]]


def stream(used: Checker, text: str, cuts: Iterable[int] = ()) -> Streamed:
    window = Window(used)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    out = [window.feed(text[a:b]) for a, b in pairwise(places)]
    out.append(window.finish())
    told = sorted((v.start, v.end, v.rule, v.lane, v.action.value) for v in window.verdicts)
    return "".join(out), window.blocked, told


# --- exceptions --------------------------------------------------------------------------------------

PHRASES = {"标记甲": {"exceptions": "标记甲虫|大标记甲|中标记甲等|标记甲甲"}}


@pytest.mark.parametrize(
    "text",
    [
        "看标记甲虫吧", "看大标记甲吧", "这中标记甲等吧", "標記甲蟲", "标记甲\u200b虫", "ｂ标记甲虫", "标*记*甲虫", "标记甲虫标记甲虫", "标标记甲虫",
        "大标记甲虫", "标记甲甲", "标记甲甲虫", "biao记甲虫", "大标ji甲", "大biaojijia", "大标籍甲",
    ],
)  # fmt: skip
def test_a_word_does_not_count_inside_its_exceptions_however_it_is_written(text: str) -> None:
    assert hits(checker(PHRASES), text) == []


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("看标记甲吧", "标记甲"), ("标记甲", "标记甲"), ("标记甲，虫", "标记甲"), ("大，标记甲", "标记甲"), ("标记甲等", "标记甲"),
        ("中标记甲", "标记甲"), ("虫标记甲大", "标记甲"), ("标记甲虫，标记甲", "标记甲"), ("大标记甲的标记甲啊", "标记甲"),
    ],
)  # fmt: skip
def test_beside_its_exceptions_a_word_counts(text: str, span: str) -> None:
    found = hits(checker(PHRASES), text)
    assert [part for _, part in found] == [span]


@settings(max_examples=500, deadline=None)
@given(text=st.text("标记甲虫大中等，a*\u200b", max_size=24), cuts=st.lists(st.integers(0, 24), max_size=10))
@example(text="大标记甲虫", cuts=[1, 4])
@example(text="中标记甲等标记甲", cuts=[3, 5])
def test_exceptions_hold_in_streams_of_any_pieces(text: str, cuts: list[int]) -> None:
    used = checker(PHRASES)
    whole = stream(used, text)
    assert stream(used, text, cuts) == whole
    assert stream(used, text, range(len(text))) == whole
    assert whole[1] == used.check(text, Side.OUTPUT).blocked


def test_an_exception_never_holds_a_stream_for_longer_than_is_stated() -> None:
    used = checker({"标记": {"exceptions": "标记" + "甲" * 1 + "乙丙丁戊己庚辛"}})
    window = Window(used)
    for character in "标记甲乙丙丁戊己庚" * 20:
        window.feed(character)
        assert len(window.held) <= used.worst_hold
    assert not window.blocked or window.stopped


@pytest.mark.parametrize(
    "phrase", ["标记甲", "记甲虫", "大 标记甲", "标记甲，虫", "虫" * (LONGEST_REACH + 1) + "标记甲", "标记甲" + "虫" * (LONGEST_REACH + 1)]
)  # fmt: skip
def test_an_exception_that_can_not_work_is_refused(phrase: str) -> None:
    with pytest.raises(LibraryError):
        word_rules("标记甲", {"exceptions": phrase})


# --- near --------------------------------------------------------------------------------------------

NEAR = {"标记甲": {"near": "乙词|丙词", "within": "12"}}


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("标记甲，乙词，丙词", "丙词"), ("乙词丙词标记甲", "标记甲"), ("丙词和标记甲和乙词", "乙词"), ("乙*词，丙\u200b词，标记甲", "标记甲"),
        ("标记甲乙词标记甲丙词", "丙词"), ("標記甲，乙詞，丙詞", "丙詞"),
    ],
)  # fmt: skip
def test_words_that_count_together_are_found_where_the_last_of_them_stands(text: str, span: str) -> None:
    assert [part for _, part in hits(checker(NEAR), text)] == [span]


@pytest.mark.parametrize(
    "text",
    [
        "标记甲", "乙词，丙词", "标记甲，乙词", "标记甲" * 9, "标记甲，乙词，" + "好" * 12 + "丙词", "标记甲乙词丙", "丙词" + "啊" * 8 + "标记甲乙词",
        "biaojijia乙词丙词",
    ],
)  # fmt: skip
def test_words_that_do_not_all_stand_near_say_nothing(text: str) -> None:
    assert hits(checker(NEAR), text) == []


@pytest.mark.parametrize("between", range(6))
def test_near_counts_characters_from_the_first_to_the_last(between: int) -> None:
    used = checker({"标记甲": {"near": "乙词", "within": "8"}})
    text = "标记甲" + "好" * between + "乙词"
    assert bool(hits(used, text)) is (len(text) <= 8)
    assert bool(hits(used, "乙词" + "好" * between + "标记甲")) is (len(text) <= 8)


@settings(max_examples=500, deadline=None)
@given(
    parts=st.lists(st.sampled_from(["标记甲", "乙词", "av", "好", "，", "标", "乙", " ", "*", "\u200b", "丁"]), max_size=14),
    cuts=st.lists(st.integers(0, 40), max_size=12),
)  # fmt: skip
@example(parts=["标记甲", "av", "好"], cuts=[3, 5])
def test_words_near_each_other_are_found_the_same_in_streams_of_any_pieces(parts: list[str], cuts: list[int]) -> None:
    used = checker({"标记甲": {"near": "乙词|av", "within": "12"}, "丁": {"action": "mask"}}, policy())
    text = "".join(parts)
    whole = stream(used, text)
    assert stream(used, text, cuts) == whole
    assert stream(used, text, range(len(text))) == whole
    assert whole[1] == used.check(text, Side.OUTPUT).blocked


@pytest.mark.parametrize(
    "cells",
    [
        {"near": "乙词"}, {"within": "10"}, {"near": "乙词", "within": "0"}, {"near": "乙词", "within": str(WIDEST + 1)}, {"near": "乙词", "within": "x"},
        {"near": "|".join(f"乙{at}" for at in range(9)), "within": "10"}, {"near": "\u200b", "within": "10"}, {"near": "乙" * 101, "within": "200"},
        {"lanes": "loud"}, {"lanes": "，"}, {"action": "answer"}, {"action": "replace"}, {"action": "shout"}, {"since": "soon"},
        {"since": "2026-02-30"}, {"since": "2026-03-01", "until": "2026-02-01"},
    ],
)  # fmt: skip
def test_rules_that_can_not_be_are_refused_and_said_in_both_languages(cells: dict[str, str]) -> None:
    with pytest.raises(LibraryError) as caught:
        word_rules("标记甲", cells)
    assert caught.value.title.zh != caught.value.title.en


# --- lanes and actions -------------------------------------------------------------------------------


def test_a_word_chooses_its_lanes_over_those_of_the_policy() -> None:
    used = checker({"标记甲": {"lanes": "exact"}, "标词乙": {"lanes": "homophone|exact"}}, load_policy(None))
    assert hits(used, "标*记*甲") == []
    assert hits(used, "biaojijia") == []
    assert hits(used, "标记甲") == [("exact", "标记甲")]
    assert hits(used, "表词已") == [("homophone", "表词已")], "which the default policy does not look for"
    assert hits(used, "表记家") == []


@pytest.mark.parametrize("own", [None, "refuse", "end", "mask", "flag", "pass"])
def test_an_action_of_a_words_own_is_capped_by_the_lane_it_was_found_in(own: str | None) -> None:
    used = checker({"标记甲": {"action": own} if own else {}})
    wanted = Action(own or "refuse")
    assert used.check("标记甲", Side.INPUT).action is wanted
    weak = used.check("biaojijia", Side.INPUT)
    assert [item.lane for item in weak.verdicts] == [Lane.PINYIN]
    assert weak.action is (wanted if wanted in {Action.PASS, Action.FLAG} else Action.FLAG)


def test_a_word_of_its_own_action_is_masked_in_a_stream_where_its_risk_is_refused() -> None:
    used = checker({"标记甲": {"action": "mask"}, "标记乙": {}})
    assert stream(used, "说标记甲吧", range(6))[:2] == ("说***吧", False)
    assert stream(used, "说标记乙吧", range(6))[:2] == ("说", True)


# --- dates -------------------------------------------------------------------------------------------


def test_a_word_counts_from_its_first_day_to_its_last_both_included(monkeypatch: pytest.MonkeyPatch) -> None:
    used = checker({"标记甲": {"since": "2026-03-01", "until": "2026/03/03"}, "标词乙": {"since": "2026-03-02"}})
    found = {}
    for number in range(5):
        day = date(2026, 2, 28) + timedelta(days=number)
        monkeypatch.setattr(clock, "today", lambda day=day: day)
        texts = ("标记甲", "biao记甲", "标词乙")
        found[day] = [bool(hits(used, text)) for text in texts]
        assert stream(used, "标记甲")[1] is found[day][0]
    assert list(found.values()) == [
        [False, False, False], [True, True, False], [True, True, True], [True, True, True], [False, False, True]
    ]  # fmt: skip


# --- edits while serving -----------------------------------------------------------------------------

EDITED = [
    "看标记甲吧",
    "标记甲虫",
    "标记乙",
    "新词丙",
    "xin词丙",
    "biao记甲",
    "新*词*丙",
    "标记乙，新词丙",
    "标标记乙",
    "新-词",
]


def libraries() -> tuple[Library, Library]:
    """Return a library with edits, and the same compiled at once."""
    base = rows({"标记甲": {"exceptions": "标记甲虫"}, "标记乙": {}, "标记丁": {}})
    added = [Row(0, "新词丙", "A.1.a", word_rules("新词丙", {"near": "标记乙", "within": "20"}), "e1"), Row(0, "新-词", "A.1.b", WordRules(), "e2")]  # fmt: skip
    edited = compile_library(base, "t").edited(added, {"keyword:4"})
    return edited, compile_library([base[0], base[1], *added], "t")


def test_an_edited_library_finds_what_one_compiled_with_the_edits_finds() -> None:
    edited, whole = libraries()
    for text in [*EDITED, "标记丁", "biao记丁", "标*记*丁"]:
        both = [Checker(library, policy()) for library in (edited, whole)]
        found = [both_hits.check(text, Side.INPUT).verdicts for both_hits in both]
        assert found[0] == found[1], text
        assert stream(both[0], text, range(len(text))) == stream(both[1], text)
    assert edited.version != whole.version
    assert (edited.counts(), edited.patterns, edited.widest) == (whole.counts(), whole.patterns, whole.widest)
    assert edited.longest >= whole.longest


def test_a_word_that_was_taken_back_says_nothing_and_can_come_again() -> None:
    base = compile_library(rows({"标记甲": {"near": "乙词", "within": "9"}, "标记丁": {}}), "t")
    gone = base.edited([], {"keyword:2", "keyword:3"})
    assert hits(Checker(gone, policy()), "标记甲乙词标记丁biao记丁") == []
    assert list(gone.live) == []
    again = base.edited([Row(0, "标记丁", "A.2.a", WordRules(), "e9")], {"keyword:3"})
    (hit,) = Checker(again, policy()).check("说标记丁", Side.INPUT).verdicts
    assert (hit.rule, hit.risk) == ("word:e9", "A.2.a")
    assert base.edited([], ()) is base


def test_one_edit_more_of_many_compiles_that_one_and_finds_what_all_together_find() -> None:
    rows_of: dict[str, dict[str, str]] = {"标记甲": {}}
    many = [Row(0, f"词{number}号标", "A.1.a", WordRules(), f"e{number:04}") for number in range(1200)]
    base, texts = compile_library(rows(rows_of), "t"), [f"有词{number}号标。" for number in (0, 7, 1199, 1200)]
    first = base.edited(many, ())
    more = [*many[:7], *many[8:], Row(0, "词1200号标", "A.1.b", WordRules(), "e1200")]
    second = base.edited(more, {"keyword:2"})
    assert second.pieces[1] is first.pieces[1], "what was compiled is not compiled again"
    assert len(second.pieces[2].words) == 1
    afresh = compile_library(rows(rows_of), "t").edited(more, {"keyword:2"})
    assert (second.version, second.counts()) == (afresh.version, afresh.counts())
    for text in [*texts, "标记甲", "有词7 号标，ci7haobiao"]:
        assert hits(Checker(second, policy()), text) == hits(Checker(afresh, policy()), text), text
    assert [len(hits(Checker(second, policy()), text)) for text in texts] == [1, 0, 1, 1]
    changed = [many[0]._replace(rules=WordRules(action=Action.FLAG)), *many[1:]]
    (hit,) = Checker(base.edited(changed, ()), policy()).check(texts[0], Side.INPUT).verdicts
    assert hit.action is Action.FLAG, "an edit that says something else now says that alone"
    assert hits(Checker(base.edited(many[:3], ()), policy()), texts[2]) == []


def test_the_version_names_the_edits_not_their_order() -> None:
    base = compile_library(rows({"标记甲": {}}), "t")
    one, two = Row(0, "标记乙", "A.1.a", WordRules(), "e1"), Row(0, "标记丙", "A.1.a", WordRules(), "e2")
    assert base.edited([one, two], ()).version == base.edited([two, one], ()).version
    assert base.edited([one], ()).version != base.edited([two], ()).version != base.version
    assert base.edited([one, two], ()).base_version == base.version


# --- files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chinese", [False, True])
def test_the_columns_of_rules_are_read_from_csv_and_from_workbooks(tmp_path: Path, *, chinese: bool) -> None:
    head = ["关键词", "二级分类", "通道", "例外", "同现", "距离", "动作", "生效日", "失效日", "来源", "批准人", "备注"] if chinese else [
        "word", "risk", "lanes", "exceptions", "near", "within", "action", "since", "until", "source", "approver", "note"]  # fmt: skip
    cells: list[Any] = ["标记甲", "A.1.a", "exact；pinyin", "标记甲虫、大标记甲", "乙词|丙词", 20, "mask", date(2026, 1, 31), "2027-01-31", "通知", "某人", "不读"]  # fmt: skip
    wanted = WordRules(
        lanes=frozenset({Lane.EXACT, Lane.PINYIN}), exceptions=("标记甲虫", "大标记甲"), near=("乙词", "丙词"), within=20,
        action=Action.MASK, since=date(2026, 1, 31), until=date(2027, 1, 31), source="通知", approver="某人",
    )  # fmt: skip
    book, path = openpyxl.Workbook(), tmp_path / "words.xlsx"
    sheet = book.active
    assert sheet is not None
    sheet.append(head)
    sheet.append(cells)
    book.save(path)
    csv = tmp_path / "words.csv"
    csv.write_text("\n".join(",".join(str(cell) for cell in row) for row in (head, cells)), "utf-8")
    for file in (path, csv):
        (word,) = load_library(file).words
        assert word.rules == wanted
    plain = tmp_path / "plain.csv"
    plain.write_text("word,risk\n标记甲,A.1.a\n", "utf-8")
    assert load_library(plain).version != load_library(csv).version == load_library(path).version
