"""Characters written in parts are joined wherever a word could hold them, in whole texts and in streams."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content import tables
from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Lane, Side, load_policy, parse_policy
from hegui.general.content.rows import Row
from hegui.general.content.window import Window

WORDS = ("标记甲", "法记录", "丙法", "样例词", "甲-记", "记x1", "样样甲")
LIBRARY = compile_library(((at, word, "A.1.a") for at, word in enumerate(WORDS, 2)), "test")
CHECKER = Checker(LIBRARY, load_policy(None))
ALPHABET = "标木示记讠己言甲法氵去水丙录样羊例词司x1 *，-\u200b😀"
TEXTS = st.lists(
    st.one_of(st.text(ALPHABET, max_size=5), st.sampled_from(["木示", "讠己", "氵去", "木羊", "甲-", "标记", *WORDS])), max_size=8
).map("".join)  # fmt: skip


def hits(text: str, used: Checker = CHECKER) -> list[tuple[str, str]]:
    return [(item.lane, text[item.start : item.end]) for item in used.check(text, Side.INPUT).verdicts]


def stream(used: Checker, text: str, cuts: list[int]) -> tuple[str, bool, list[tuple[str, int, int]]]:
    window = Window(used)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    out = "".join(window.feed(text[a:b]) for a, b in pairwise(places)) + window.finish()
    assert len(window.held) <= used.worst_hold
    return out, window.blocked, sorted((item.rule, item.start, item.end) for item in window.verdicts)


@pytest.mark.parametrize(
    "text",
    [
        "讠己",
        "标讠己甲",
        "木示讠己甲",
        "木示讠己 甲",
        "木*示讠己甲",
        "木示木示讠己甲",
        "丙氵去",
        "氵去讠己录",
        "讠己x1",
        "標讠己甲",
        "木羊例讠司",
    ],
)
def test_a_word_with_characters_in_parts_is_found_where_it_stands(text: str) -> None:
    found = hits(f"说{text}吧")
    if text == "讠己":
        assert found == []
    else:
        ((lane, span),) = found
        assert lane == Lane.SPLIT
        assert span[-1] == text[-1]
        assert text.endswith(span)


def test_every_way_to_write_a_long_word_is_found() -> None:
    table = tables.splits()
    word = next(one for one in ("法记样标词", "记法词样标") if all(one_ in table for one_ in one))
    used = Checker(compile_library([(2, word, "A.1.a")], "test"), load_policy(None))
    for number in range(3):
        text = "".join(table[one][min(number, len(table[one]) - 1)] for one in word)
        assert hits(text, used) == [(Lane.SPLIT, text)]


def test_the_lane_is_a_switch_of_its_own() -> None:
    policy = parse_policy({"input": {"lanes": {"default": ["exact", "hidden"]}}}, load_policy(None))
    assert hits("标讠己甲", Checker(LIBRARY, policy)) == []


def test_a_word_added_while_serving_is_found_in_parts_too() -> None:
    edited = LIBRARY.edited([Row(0, "江河乙", "A.1.b", edit="e1")], ())
    used = Checker(edited, load_policy(None))
    assert hits("氵工氵可乙", used) == [(Lane.SPLIT, "氵工氵可乙")]
    assert hits("标讠己甲", used) == [(Lane.SPLIT, "标讠己甲")]


@settings(max_examples=500, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 40), max_size=10))
@example(text="丙氵去", cuts=[1, 2])
@example(text="木羊木羊甲", cuts=[2, 3])
@example(text="标讠己讠己甲", cuts=[3])
def test_any_pieces_give_the_same_and_agree_with_the_whole(text: str, cuts: list[int]) -> None:
    whole = stream(CHECKER, text, [])
    assert stream(CHECKER, text, cuts) == whole
    assert stream(CHECKER, text, list(range(len(text)))) == whole
    out, blocked, _ = whole
    assert blocked == CHECKER.check(text, Side.OUTPUT).blocked
    assert not CHECKER.check(out, Side.OUTPUT).blocked
    assert Window(CHECKER).whole(text) == out
