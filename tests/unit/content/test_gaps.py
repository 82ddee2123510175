"""A mark between two characters hides a word where the reading says so, and parts two words in ordinary text."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Side, load_policy, parse_policy
from tests.unit.content.streams import agree, stream

FLAGGED = parse_policy(
    {side: {"default": "flag", "lanes": {"default": ["exact", "hidden", "split", "part", "torn"]}} for side in ("input", "output")},
    load_policy(None),
)  # fmt: skip


def checker(*words: str) -> Checker:
    return Checker(
        compile_library(((at, word, "A.1.a") for at, word in enumerate(words, 2)), "test"), load_policy(None)
    )


def hits(used: Checker, text: str) -> list[tuple[str, str]]:
    return [(item.lane, text[item.start : item.end]) for item in used.check(text, Side.INPUT).verdicts]


@pytest.mark.parametrize(
    ("gaps", "lane"),
    [([*"，。、；：！？…", "。 ", "！！"], "part"), ([", ", "；、", "？，", "、。", "，-", ":_"], "hidden")],
)
def test_a_word_of_two_characters_is_found_with_clause_marks_inside(gaps: list[str], lane: str) -> None:
    """Where only the reading says that a clause mark hides, the find shows a person where to look."""
    for gap in gaps:
        assert hits(checker("标甲"), f"他们昨天说标{gap}甲的事情吧") == [(lane, f"标{gap}甲")]


def test_odd_marks_alone_leave_a_doubt() -> None:
    assert hits(checker("会所"), "这样的特权社会。,所以他们不服") == [("part", "会。,所")]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("大麻", "价格很大，麻烦也不少"),
        ("表列", "这是一份列表，列出所有"),
        ("雨雪", "北方常有雨、雪、冰雹"),
        ("长宽", "请测量长、宽和高"),
        ("吃饭", "菜很好吃。\n饭也很好"),
        ("很我", "他说“很好很”我不信"),
        ("证券期货", "操纵证券、期货市场"),
        ("题请", "这是一个问题。 请回答"),
    ],
)
def test_two_words_with_a_mark_between_say_nothing_of_a_third(word: str, text: str) -> None:
    assert hits(checker(word), text) == []


def test_a_clause_mark_in_one_gap_of_a_longer_word_is_read_too() -> None:
    assert hits(checker("标记甲"), "他们说标，记甲的事情") == [("hidden", "标，记甲")]


@pytest.mark.parametrize("text", ["标标甲", "标甲甲", "标标甲甲", "标甲甲甲", "标标标甲"])
def test_a_word_of_two_characters_is_found_with_either_of_them_repeated(text: str) -> None:
    for around in ("业个{}，而且", "真真{}吧", "他们说{}的事情"):
        found = hits(checker("标甲"), around.format(text))
        assert [lane for lane, _ in found] in (["exact"], ["hidden"]), around


@pytest.mark.parametrize(
    ("word", "text"),
    [("看书", "他喜欢看看书"), ("小姐", "小姐姐你好"), ("医学会", "这是老年医学学会"), ("国籍", "他们都是中国国籍")],
)
def test_ordinary_words_with_doubled_characters_are_not_refused(word: str, text: str) -> None:
    assert not checker(word).check(text, Side.INPUT).blocked or hits(checker(word), text)[0][0] == "exact"


def test_a_word_that_the_reading_cuts_through_is_flagged_where_a_radical_stands_for_a_character() -> None:
    assert hits(checker("车马"), "他们快捷的火车马上就要出发") == []
    assert hits(checker("车马"), "他们快捷的火车⻢上就要出发") == [("part", "车⻢")]


WORDS = ("标甲", "记标甲", "甲乙", "大麻", "标标乙")
CHECKERS = tuple(Checker(compile_library(((at, word, "A.1.a") for at, word in enumerate(WORDS, 2)), "test"), used)
                 for used in (load_policy(None), FLAGGED))  # fmt: skip
TEXTS = st.lists(
    st.one_of(st.text("标记甲乙大麻烦很的，。、；！ -*\n和”\u200b", max_size=6), st.sampled_from(["标，甲", "标、甲", "标标甲甲", "大，麻烦", *WORDS])),
    max_size=7,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 40), max_size=8))
@example(text="很标、甲乙、", cuts=[3])
@example(text="标标甲甲甲的", cuts=[2, 5])
def test_any_pieces_give_the_same_and_agree_with_the_whole(text: str, cuts: list[int]) -> None:
    for used in CHECKERS:
        agree(used, text, cuts)
    found = CHECKERS[1].check(text, Side.OUTPUT).verdicts
    assert (
        sorted((v.rule, v.lane, v.start, v.end) for v in found if v.rule.startswith("keyword"))
        == stream(CHECKERS[1], text, cuts)[2]
    )
