"""Words that a skeleton can not tell (a doubled character, a mark, equal parts) are found hidden like any other."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import Row, compile_library
from hegui.general.content.policy import Side, load_policy, parse_policy
from tests.unit.content.streams import agree, stream

WORDS = ("妈妈记", "合合样例", "C++标", "A-标", "双闻", "甲回乙", "标记记", "#样甲", "样甲++", "爸爸", "hello world")
SHIPPED = load_policy(None)
FLAGGED = parse_policy(
    {side: {"default": "flag", "lanes": {"default": ["exact", "hidden", "split", "part", "torn"]}} for side in ("input", "output")},
    SHIPPED,
)  # fmt: skip
LIBRARY = compile_library(((at, word, "A.1.a") for at, word in enumerate(WORDS, 2)), "test")
CHECKERS = tuple(Checker(LIBRARY, policy) for policy in (SHIPPED, FLAGGED))


def hits(text: str, used: Checker = CHECKERS[0]) -> list[tuple[str, str]]:
    return [(item.lane, text[item.start : item.end]) for item in used.check(text, Side.INPUT).verdicts]


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        ("媽媽記", "exact"), ("妈 妈 记", "hidden"), ("妈*妈*记", "hidden"), ("妈妈 记", "hidden"), ("妈妈*记", "hidden"),
        ("媽😀媽😀記", "hidden"), ("女马妈记", "split"), ("妈妈讠己", "split"), ("合合样*例", "hidden"), ("合合样样例", "hidden"),
        ("C++標", "exact"), ("Ｃ＋＋标", "exact"), ("С++标", "exact"), ("C++*标", "hidden"), ("C+ +标", "hidden"), ("A-標", "exact"),
        ("A - 标", "hidden"), ("А-标", "exact"), ("А－*標", "hidden"), ("标記記", "exact"), ("标*记*记", "hidden"), ("爸*爸", "part"),
        ("又又闻", "split"), ("又又门耳", "split"), ("又又*闻", "split"), ("甲囗囗乙", "split"), ("标讠己讠己", "split"),
    ],
)  # fmt: skip
def test_what_a_word_asks_for_is_found_in_the_original(text: str, lane: str) -> None:
    for around in ("我们今天说 {} 吧你们好", "{}", "。{}，"):
        assert hits(around.format(text)) == [(lane, text)]


@pytest.mark.parametrize(
    "text",
    [
        "妈记",
        "妈 记",
        "c标",
        "c+标",
        "xA-標",
        "A标",
        "又闻",
        "又*闻",
        "甲囗乙",
        "标記",
        "樣甲+",
        "合样例",
        "helloworld",
        "hello-world",
    ],
)
def test_without_it_there_is_no_word(text: str) -> None:
    assert hits(f"我们今天说 {text} 吧你们好") == []


@pytest.mark.parametrize(
    ("text", "span"), [("#樣甲", "樣甲"), ("＃樣甲", "樣甲"), ("樣甲++", "樣甲"), ("樣甲＋＋", "樣甲")]
)
def test_a_mark_at_the_edge_is_asked_for_and_is_no_part_of_the_find(text: str, span: str) -> None:
    assert ("exact", span) in hits(f"我们今天说 {text} 吧")


def test_a_word_that_stands_as_it_is_is_found_once_and_added_words_ask_too() -> None:
    assert hits("说妈妈记，C++标") == [("exact", "妈妈记"), ("exact", "C++标")]
    added = LIBRARY.edited([Row(0, "奶奶样", "A.1.a", edit="one")], ["keyword:2"])
    assert hits("说奶奶*样，妈妈*记，合合样*例", Checker(added, SHIPPED)) == [
        ("hidden", "奶奶*样"),
        ("hidden", "合合样*例"),
    ]


TEXTS = st.lists(
    st.one_of(
        st.text("妈媽记記合样例C+c标A-双又闻门耳甲囗乙#爸 *，吧\u200b", max_size=6),
        st.sampled_from(["妈妈", "又又", "囗囗", "C++", "合合", "hello ", "world", *WORDS]),
    ),
    max_size=7,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 40), max_size=8))
@example(text="标記記吧", cuts=[2])
@example(text="標記 記吧吧吧", cuts=[3])
@example(text="說樣甲++", cuts=[4])
def test_any_pieces_give_the_same_and_agree_with_the_whole(text: str, cuts: list[int]) -> None:
    for used in CHECKERS:
        agree(used, text, cuts)
    found = CHECKERS[1].check(text, Side.OUTPUT).verdicts
    assert (
        sorted((v.rule, v.lane, v.start, v.end) for v in found if v.rule.startswith("keyword"))
        == stream(CHECKERS[1], text, cuts)[2]
    )
