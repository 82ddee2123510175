"""Ordinary text is not stopped for what its words are made of, and a listed word that it says still is. Neutral words only."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import BLOCKING, Lane, Side, load_policy, parse_policy
from hegui.general.content.window import Window

FLAGGING = parse_policy(
    {side.value: {"default": "flag", "lanes": {"default": ["exact", "hidden", "part"]}} for side in Side},
    load_policy(None),
)


@cache
def checker(word: str) -> Checker:
    return Checker(compile_library([(2, word, "A.1.a")], "test"), load_policy(None))


def stopped(text: str, word: str) -> bool:
    return any(item.action in BLOCKING for item in checker(word).check(text, Side.INPUT).verdicts)


# --- words that are a repeated character


@pytest.mark.parametrize(
    ("text", "word", "says"),
    [
        ("请避免直接接触他人的口鼻", "接接", False), ("建筑对对称和几何的偏爱", "对对", False), ("她的大学学位", "学学", False),
        ("我说接接，他不懂", "接接", True), ("我们来对对，看谁答得好", "对对", True), ("他嘻嘻", "嘻嘻", True), ("（甲甲）", "甲甲", True),
    ],
)  # fmt: skip
def test_a_repeated_character_at_the_seam_of_two_words_is_no_word(text: str, word: str, says: bool) -> None:
    assert stopped(text, word) is says
    window = Window(checker(word))
    released = "".join([*map(window.feed, text), window.finish()])
    assert window.blocked is says
    assert (released == text) is not says


def test_a_repeated_character_inside_a_longer_word_shows_a_person_where_to_look() -> None:
    found = checker("嘻嘻").check("他笑嘻嘻地走了", Side.INPUT)
    assert [item.lane for item in found.verdicts] == [Lane.PART]
    assert not found.blocked


# --- evenly spaced text

SPACED = [
    ("字 符 串", "字符"), ("火 车 站", "火车"), ("很 大 麻 烦", "大麻"), ("大 麻 烦", "大麻"), ("产 品 和 服 务", "和服"), ("大 学 生 活", "学生"),
    ("方 法 会 议", "法会"), ("方-法-会-议", "法会"), ("字  符  串", "字符"), ("字★符★串", "字符"), ("很大 麻 烦", "大麻"), ("e r r o r s", "error"),
    ("c l a s s r o o m", "class"), ("m-a-r-k-e-r-s", "marker"), ("s u b c l a s s", "class"),
]  # fmt: skip
WHOLE = [
    ("标 记 甲", "标记甲"), ("我 说 标 记 甲 吧", "标记甲"), ("标-记-甲", "标记甲"), ("我-说-标-记-甲-吧", "标记甲"), ("看，标 记 甲。", "标记甲"),
    ("请 看 标 记 甲", "标记甲"), ("我说标★记★甲★吧", "标记甲"), ("标，记，甲，好", "标记甲"), ("m a r k e r", "marker"), ("say m a r k e r now", "marker"),
    ("this is a m a r k e r", "marker"), ("m-a-r-k-e-r now", "marker"), ("他 们 去 寺 庙 看 标 记", "标记"), ("e r r o r s", "errors"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word", "says"), [*((*case, False) for case in SPACED), *((*case, True) for case in WHOLE)]
)
def test_gaps_that_go_on_beside_a_word_are_no_edges_of_it(text: str, word: str, says: bool) -> None:
    for whole in (text, text + "，好", "好，" + text, text + "\n"):
        assert stopped(whole, word) is says, whole
        window = Window(checker(word))
        out = "".join([*map(window.feed, whole), window.finish()])
        assert window.blocked is says, whole
        assert (out == whole) is not says, whole


def test_a_part_of_a_longer_spaced_word_shows_a_person_where_to_look() -> None:
    found = checker("火车").check("火 车 站", Side.INPUT)
    assert [item.lane for item in found.verdicts] == [Lane.PART]


@cache
def spaced() -> Checker:
    words = ("火车", "大麻", "标记甲", "学生", "error", "class")
    return Checker(compile_library([(row, word, "A.1.a") for row, word in enumerate(words, 2)], "test"), FLAGGING)


PIECES = st.sampled_from(
    [*"火车站很大麻烦标记甲学生活a", " ", " ", " ", "-", "，", "\u200b", "  ", "e r r o r", "c l a s s", "火 车 ", "\n"]
)


@settings(max_examples=800, deadline=None)
@given(parts=st.lists(PIECES, max_size=18), cuts=st.lists(st.integers(0, 40), max_size=8))
@example(parts=list("火 车 站"), cuts=[4])
@example(parts=list("大 麻 烦，"), cuts=[3, 4])
def test_what_spaced_text_says_does_not_depend_on_the_pieces(parts: list[str], cuts: list[int]) -> None:
    text, used = "".join(parts), spaced()
    wanted = sorted((item.start, item.end, item.rule, item.lane) for item in used.check(text, Side.OUTPUT).verdicts)
    for places in ([], cuts, list(range(len(text)))):
        window = Window(used)
        for a, b in pairwise(sorted({0, len(text), *(min(cut, len(text)) for cut in places)})):
            window.feed(text[a:b])
            assert len(window.held) <= used.worst_hold
        window.finish()
        assert sorted((item.start, item.end, item.rule, item.lane) for item in window.verdicts) == wanted
