"""Latin words with letters repeated, or with regional indicators for letters, are found in texts and in streams."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Side, load_policy
from hegui.general.content.window import Window

WORDS = ("marker", "commanda", "hello", "coma", "comas", "x标甲")
CHECKER = Checker(compile_library(((at, word, "A.1.a") for at, word in enumerate(WORDS, 2)), "test"), load_policy(None))
TEXTS = st.lists(
    st.one_of(st.text("markehlocsM标甲 -。🇲🇦🇷🅺ⓔ\u200b", max_size=6), st.sampled_from(["mmarrker", "🇲arker", "heello", "x" * 70, *WORDS])),
    max_size=7,
).map("".join)  # fmt: skip


def hits(text: str) -> list[tuple[str, str]]:
    return [(item.lane, text[item.start : item.end]) for item in CHECKER.check(text, Side.INPUT).verdicts]


@pytest.mark.parametrize(
    "text",
    [
        "mmarrker",
        "maaarker",
        "MMaarrkkeerr",
        "🇲arker",
        "🇲🇦🇷🇰🇪🇷",
        "🇲🇲arker",
        "heelllo",
        "hhellllo",
        "coommmanda",
        "m-m-a-r-r-k-e-r",
        "mmаrrker",
    ],
)
def test_a_word_in_another_dress_is_found_where_it_stands(text: str) -> None:
    for around in (f"说 {text}。", f"{'好的，今天说到这里。' * 20}{text} 吧", text):
        assert hits(around) == [("hidden", text)]


@pytest.mark.parametrize("text", ["{}-r", "{} r", "am {}", "m {}", "m, {}, r", "x{}，m {}"])
def test_a_letter_beyond_a_separator_is_another_word(text: str) -> None:
    assert hits(text.format("mmarrker", "maarrker"))[-1][0] == "hidden"
    assert {span for _, span in hits(text.format("mmarrker", "maarrker"))} <= {"mmarrker", "maarrker"}


@pytest.mark.parametrize(
    "text", ["comma", "commas", "heelo", "helo", "xmmarrker", "mmarrkers", "m" * 7 + "arker", "标🇨🇳记", "marrked"]
)
def test_ordinary_words_and_flags_are_no_hits(text: str) -> None:
    assert hits(f"说 {text}。") == []


def test_a_word_that_stands_as_it_is_is_found_once() -> None:
    assert hits("说 hello 和 marker 吧，good foods") == [("exact", "hello"), ("exact", "marker")]
    assert hits("🇨🇳 说 hello") == [("exact", "hello")]


def test_another_word_that_is_spelt_with_doubled_letters_is_in_doubt_and_not_refused() -> None:
    checker = Checker(compile_library([(2, "poses", "A.1.a")], "test"), load_policy(None))
    cases = {
        "possess": "part",
        "poossess": "hidden",
        "ppossees": "hidden",
        "posssess": "hidden",
        "p-o-s-s-e-s-s": "hidden",
    }
    cases |= {"ppoosseess": "hidden", "🇵ossess": "hidden", "poses": "exact"}
    for text, lane in cases.items():
        checked = checker.check(f"to {text} it", Side.OUTPUT)
        assert [item.lane for item in checked.verdicts] == [lane], text
        assert checked.blocked == (lane != "part")


@pytest.mark.parametrize("word", ["bet2000", "hack007", "vpn88", "22bet", "2200boot"])
def test_words_with_doubled_digits_are_found_beside_doubled_letters_and_in_another_dress(word: str) -> None:
    checker = Checker(compile_library([(2, word, "A.1.a")], "test"), load_policy(None))
    dressed = re.sub("([a-z])", "\\1\\1", word)
    for text, lanes in (
        (f"hello, see {word}", ["exact"]),
        ("coffee 2000 007 88", []),
        (f"coffee {dressed}", ["hidden"]),
    ):
        assert [item.lane for item in checker.check(text, Side.INPUT).verdicts] == lanes


def stream(text: str, cuts: list[int]) -> tuple[str, bool, list[tuple[str, int, int]]]:
    window = Window(CHECKER)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    out = []
    for begin, end in pairwise(places):
        out.append(window.feed(text[begin:end]))
        assert len(window.held) <= CHECKER.worst_hold
    return "".join([*out, window.finish()]), window.blocked, sorted((v.rule, v.start, v.end) for v in window.verdicts)


@settings(max_examples=500, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=10))
@example(text="mmarrker", cuts=[1, 2])
@example(text="🇨🇲arker", cuts=[1])
@example(text="x🇲arker", cuts=[1, 2])
@example(text="mmarrker-r", cuts=[8, 9])
@example(text="甲🇷mmarrkerr m-ee", cuts=[1, 3])
@example(text="mmarrker r", cuts=[9])
@example(text="am mmarrker", cuts=[4])
@example(text="xm m m m m marrkerr", cuts=[3])
@example(text="mmarrker-r-r-r-r-r-r", cuts=[9])
def test_any_pieces_give_the_same_and_agree_with_the_whole(text: str, cuts: list[int]) -> None:
    whole = stream(text, [])
    assert stream(text, cuts) == whole
    assert stream(text, list(range(len(text)))) == whole
    assert whole[1] == CHECKER.check(text, Side.OUTPUT).blocked
    assert Window(CHECKER).whole(text) == whole[0]
