"""Words written by their sound: what is found, what is not, and that streams which wait for it stay the same in any pieces."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content import load_policy
from hegui.general.content.checks import Checker
from hegui.general.content.clauses import LONGEST_CLAUSE, clauses, clauses_of, ended
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Action, Lane, Side, parse_policy
from hegui.general.content.skeleton import Skeleton
from hegui.general.content.window import Window

LANES = ["exact", "hidden", "split", "pinyin", "homophone", "initials"]
WORDS = ["标记甲", "西安", "绿女", "标记词甲子", "重庆", "甲乙"]


def policy(**more: Any) -> dict[str, Any]:
    return {side.value: {"lanes": {"default": LANES}, **more} for side in Side}


def checker(words: list[str], data: dict[str, Any]) -> Checker:
    library = compile_library([(row, word, "A.1.a") for row, word in enumerate(words, 2)], "test")
    return Checker(library, parse_policy(data, load_policy(None)))


USED = checker(WORDS, policy())
SHIPPED = Checker(USED.library, load_policy(None))
BLOCKING = checker(WORDS, policy(caps={"pinyin": "refuse", "homophone": "refuse", "initials": "refuse"}))
MASKING = checker(WORDS, policy(default="mask", caps={"pinyin": "mask", "homophone": "mask", "initials": "flag"}))


def hits(text: str, used: Checker = USED) -> list[tuple[str, str]]:
    return [(item.lane, text[item.start : item.end]) for item in used.check(text, Side.INPUT).verdicts]


# --- pinyin ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "biaojijia", "BiaoJiJia", "ｂｉａｏｊｉｊｉａ", "biāojìjiǎ", "biāo jì jiǎ", "biao记甲", "标ji甲", "标记jia", "biao记jia", "biao ji jia", "biao-ji-jia",
        "biao*ji*jia", "标*ji*甲", "b i a o j i j i a", "標ji甲", "biao\u200bjijia", "ⓑⓘⓐⓞⓙⓘⓙⓘⓐ", "biao3ji4jia3", "biao3 ji4 jia3", "标ji4甲", "biаojijiа",
    ],
)  # fmt: skip
def test_a_word_in_pinyin_whole_or_in_part_is_found_where_it_stands(text: str) -> None:
    assert hits(text) == [("pinyin", text)]
    around = f"我说{text}呢"
    assert hits(around) == [("pinyin", text)]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("wobiaojijiahao", "biaojijia"), ("shuobiaojijiaba", "biaojijia"), ("wo biaojijia hao", "biaojijia"), ("xi'an", "xi'an"), ("xian", "xian"),
        ("去xi安吧", "xi安"), ("lvnv", "lvnv"), ("lünü", "lünü"), ("lu女", "lu女"), ("chongqing", "chongqing"), ("chong庆", "chong庆"),
        ("1biaojijia9", "biaojijia"), ("biaojijiaba", "biaojijia"),
    ],
)  # fmt: skip
def test_syllables_in_the_middle_of_letters_are_found_where_all_of_them_are_syllables(text: str, span: str) -> None:
    assert hits(text) == [("pinyin", span)]


@pytest.mark.parametrize(
    "text",
    [
        "先", "先生", "现在", "biaojijiang", "abiaojijiax", "biaoji", "jijia", "biao，ji甲", "biao\nji甲", "标ji，甲", "标ji", "ji甲", "bi标aoji甲", "标ij甲",
        "biao jjia", "zongqing", "标3ji甲", "biao3ji4", "biaojijiao", "biao36ji4jia3", "biao33ji4jia3",
    ],
)  # fmt: skip
def test_other_syllables_and_other_clauses_are_no_hits(text: str) -> None:
    assert hits(text) == []


ENGLISH = (
    "She can sing a long song and then hang on. We use Java, Python and an xAI tool; the array holds a list of "
    "tokens. Please give me the main idea of chapter two, line by line, and a short answer. He then took a bus to Shanghai.\n"
)


def test_english_text_is_no_pinyin() -> None:
    used = checker(["标记甲", "汉字", "参考", "和谐", "上下", "当下", "本子", "南北"], policy())
    assert hits(ENGLISH, used) == []
    for text in ("position", "As an AI language model", "航MU5735坠机", "I would like this"):
        assert hits(text, checker(["破死", "黯霭", "航母", "贺若", "力可"], policy())) == []
    assert hits("航mu启航", checker(["航母"], policy())) == [("pinyin", "航mu")]
    assert hits("请用Python写一个function，返回list的max值，并说明when和why。", used) == []


@pytest.mark.parametrize(
    ("text", "span"),
    [("他说xian好", "xian"), ("他说xiane好", ""), ("他说Xian好", ""), ("John和xian都好", ""), ("他说Qixian好", ""), ("去西AN吧", ""),
     ("去西an吧", "西an"), ("他说Biaojijia好", "Biaojijia"), ("John和biaojijia都好", "biaojijia")],
)  # fmt: skip
def test_a_few_letters_of_a_name_or_beside_another_language_are_none(text: str, span: str) -> None:
    assert [found for _, found in hits(text)] == [span][: bool(span)]


def test_homophones_of_a_word_of_three_characters_and_more_are_found_and_no_shorter_ones() -> None:
    assert hits("说表及佳吧") == [("homophone", "表及佳")]
    assert hits("标记家") == [("homophone", "标记家")]
    assert hits("家已") == []
    assert hits("标*及*佳") == [("homophone", "标*及*佳")]
    assert hits("表及，佳") == []
    assert hits("biao及佳") == [("homophone", "biao及佳")], "a syllable in letters, the others by what sounds the same"
    assert hits("家yi") == [("homophone", "家yi")]


@pytest.mark.parametrize(
    ("text", "span"), [("bjj", "bjj"), ("说BJJ吧", "BJJ"), ("bjcjz", "bjcjz"), ("ｂｊｊ", "ｂｊｊ")]
)
def test_initials_are_found_where_they_are_all_that_is_written_together(text: str, span: str) -> None:
    assert hits(text) == [("initials", span)]


@pytest.mark.parametrize("text", ["xbjj", "bjjx", "b j j", "b.j.j", "xa", "bj j"])
def test_initials_inside_other_letters_or_apart_are_none(text: str) -> None:
    assert hits(text) == []


def test_the_shipped_policy_only_flags_what_is_found_by_sound() -> None:
    for text, lane in (("biao记甲", Lane.PINYIN), ("表及佳", None), ("bjj", None)):
        checked = SHIPPED.check(text, Side.INPUT)
        assert [item.lane for item in checked.verdicts] == ([lane] if lane else [])
        assert not checked.blocked
        assert checked.action is (Action.FLAG if lane else Action.PASS)


@pytest.mark.parametrize(
    ("text", "word"),
    [("the JIAFU4", "甲服"), ("the yan da4", "言大"), ("e 甲the e  jia1", "额甲"), ("the JIAFU4，5", "甲服")],
)
def test_the_number_of_the_last_tone_belongs_to_the_word(text: str, word: str) -> None:
    library = compile_library([(2, word, "A.1.a")], "test")
    found = hits(text, Checker(library, load_policy(None)))
    assert [lane for lane, _ in found] == ["pinyin"]
    assert found == hits(text, Checker(library, parse_policy(policy(), load_policy(None))))


PINYIN_ALONE = checker(["甲服", "言大", "额甲"], policy(lanes={"default": ["exact", "pinyin"]}))
WITH_HOMOPHONES = checker(["甲服", "言大", "额甲"], policy(lanes={"default": ["exact", "pinyin", "homophone"]}))
SPELT = st.sampled_from(
    [
        "jia",
        "fu",
        "yan",
        "da",
        "e",
        "the",
        "甲",
        "服",
        "言",
        "大",
        "额",
        "4",
        "1",
        "5",
        " ",
        "，",
        "、",
        "-",
        "x",
        "an",
        "好",
        "\n",
    ]
)


@settings(max_examples=600, deadline=None)
@given(text=st.lists(SPELT, max_size=10).map("".join))
@example(text="the jia fu4")
@example(text="shijiafu 45")
@example(text="甲服jiafu4，5")
def test_pinyin_is_found_alone_where_it_is_found_beside_homophones(text: str) -> None:
    assert hits(text, PINYIN_ALONE) == [found for found in hits(text, WITH_HOMOPHONES) if found[0] != "homophone"]


def test_a_word_of_many_readings_is_found_by_each_of_them() -> None:
    used = checker(["长重"], policy())
    for text in ("changzhong", "zhangzhong", "changchong", "长chong", "zhang重"):
        assert hits(text, used) == [("pinyin", text)]


# --- clauses and streams -----------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(text=st.text("标a，。\n b", max_size=200), more=st.text("标a，。\n b", max_size=80))
def test_what_has_ended_stays_ended_and_clauses_are_the_same_from_there(text: str, more: str) -> None:
    at = ended(text)
    assert "".join(text[a:b] for a, b in clauses(text)) == text
    assert all(b - a <= LONGEST_CLAUSE for a, b in clauses(text))
    assert [pair for pair in clauses(text + more) if pair[1] <= at] == [pair for pair in clauses(text) if pair[1] <= at]
    assert [(a + at, b + at) for a, b in clauses((text + more)[at:])] == [p for p in clauses(text + more) if p[0] >= at]


Streamed = tuple[str, bool, list[tuple[int, int, str, str, str]]]


def stream(used: Checker, text: str, cuts: Iterable[int] = ()) -> Streamed:
    window = Window(used)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    out = []
    for a, b in pairwise(places):
        out.append(window.feed(text[a:b]))
        assert len(window.held) <= used.worst_hold
    out.append(window.finish())
    told = sorted((v.start, v.end, v.rule, v.lane, v.action.value) for v in window.verdicts)
    return "".join(out), window.blocked, told


PARTS = st.sampled_from(
    [
        "标", "记", "甲", "ji", "biao", "jia", "bjj", "biaojijia", "标记甲", "表及佳", "，", "\n", " ", "*", "\u200b", "好", "a", "标*记甲", "13800138000",
        "。", "xi", "an", "é", "é\u0301", "😀", "甲，乙", "j", "i", "ｊｉ", "4", "Ｂ", "标记", "标标", "长" * 30,
    ]
)  # fmt: skip


@pytest.mark.parametrize("used", [BLOCKING, MASKING, SHIPPED], ids=["blocking", "masking", "shipped"])
@settings(max_examples=400, deadline=None)
@given(parts=st.lists(PARTS, max_size=14), cuts=st.lists(st.integers(0, 120), max_size=10))
@example(parts=["biao", "，", "ji", "甲"], cuts=[2, 5])
@example(parts=["标记甲", "biao记甲"], cuts=[4])
def test_streams_with_lanes_by_sound_are_the_same_in_any_pieces(
    used: Checker, parts: list[str], cuts: list[int]
) -> None:
    text = "".join(parts)
    whole = stream(used, text)
    assert stream(used, text, cuts) == whole
    assert stream(used, text, range(len(text))) == whole
    assert whole[1] == used.check(text, Side.OUTPUT).blocked
    window = Window(used)
    out = window.whole(text)
    assert (out, window.blocked) == whole[:2]


@settings(max_examples=200, deadline=None)
@given(
    before=st.text("你好，世界。a 1\n", max_size=12),
    word=st.sampled_from(["biao记甲", "biaojijia", "表及佳", "bjj", "标ji甲", "b-i-a-o-ji甲"]),
    after=st.text("，好 。", max_size=4),
)
def test_not_one_character_of_a_word_by_sound_leaves_where_policy_blocks_it(before: str, word: str, after: str) -> None:
    text = before + ("" if before[-1:] not in "a1" else "，") + word + after
    out, blocked, _ = stream(BLOCKING, text, range(len(text)))
    assert blocked
    assert len(out) <= text.index(word)
    assert text.startswith(out)


def test_a_stream_waits_for_a_clause_and_no_longer() -> None:
    window = Window(BLOCKING)
    assert window.feed("今天天气很好") == ""
    assert window.feed("，") == "今天天气很好，"
    assert BLOCKING.worst_hold >= SHIPPED.worst_hold + LONGEST_CLAUSE
    shipped = Window(SHIPPED)
    assert shipped.feed("今天天气很好") == "今天天气很好", "what is only flagged does not wait"
    longest = Window(BLOCKING)
    out = longest.feed("长" * (3 * LONGEST_CLAUSE + 5))
    assert 5 <= len(longest.held) <= BLOCKING.worst_hold
    assert len(out) >= LONGEST_CLAUSE


@given(st.text(alphabet="甲a，\n。", max_size=300), st.integers(0, 90), st.data())
def test_clauses_at_some_places_are_those_of_the_whole(text: str, run: int, data: st.DataObject) -> None:
    text = text[:150] + "乙" * run * 3 + text[150:]
    whole = list(clauses(text))
    bones = Skeleton.of(text, list(range(len(text))))
    places = (
        data.draw(st.lists(st.tuples(st.integers(0, max(len(text) - 1, 0)), st.integers(1, 80)), max_size=8))
        if text
        else []
    )
    spans = [(at, min(at + size, len(text))) for at, size in places]
    found = clauses_of(spans, text, bones)
    assert set(found) <= set(whole)
    for begin, stop in spans:
        over = [one for one in whole if one[0] < stop and begin < one[1]]
        assert set(over) <= set(found) or len(over) == 1  # one within a clause may be no whole word
