"""Ordinary text is not stopped for what its words are made of, and a listed word that it says still is. Neutral words only."""

from __future__ import annotations

from functools import cache

import pytest

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import BLOCKING, Lane, Side, load_policy
from hegui.general.content.window import Window


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
