"""The skeleton undoes the usual ways of hiding a word, and says where each character came from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content import skeleton as skeletons
from hegui.general.content.checks import Checked, Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import PolicyError, Side, load_policy, parse_policy
from hegui.general.content.skeleton import LONG_RUN, REPEATS, SEPARATOR, SKIPS, plain, skeleton
from hegui.general.content.window import Window

CHECKER = Checker(
    compile_library(
        iter([
            (2, "标记甲", "A.1.a"), (3, "甲乙", "A.2.a"), (4, "markerword", "A.1.f"), (5, "av", "A.1.f"),
            (6, "C++标", "A.1.b"), (7, "丙丙丁", "A.1.c"),
            (8, "和服", "A.2.b"), (9, "天下", "A.2.c"),
        ]),
        "test",
    ),
    load_policy(None),
)  # fmt: skip
ALPHABET = (
    "标记記甲乙的語语"  # 汉字，简繁
    "ＡａA1１①⑴Ⅷаé\u0301"  # full width, circled, look-alikes, a mark on its own
    " \u3000\t\n，。*-…“★\u200b\u200d\ufeff\ufe0f\ue000\ue001\ue002"  # between characters: shown, not shown, private
    "😀👍🏽🇦🅼𝐀𠮷𠮷𪚥\U000e0041\U0010ffff"  # beyond the basic plane: emoji, letters, 汉字, tags
    "㎏㈠ﬁß½ﷺ"  # several characters from one
    "\ud800\udfff"  # halves
)
RUNS = st.lists(st.tuples(st.sampled_from(ALPHABET), st.integers(1, 7)), max_size=80).map(
    lambda runs: "".join(character * times for character, times in runs)
)


@settings(max_examples=500, deadline=None)
@given(text=st.text(ALPHABET, max_size=300) | RUNS)
def test_the_ways_of_making_a_skeleton_agree(text: str) -> None:
    slow = skeletons._one_by_one(text)  # noqa: SLF001 - the plain statement of what a skeleton is
    for made in (skeleton(text), skeletons.in_python(text), skeletons._by_array(text)):  # noqa: SLF001 - the way of long texts, for short ones too
        if made is not None:
            assert made.text == slow.text
            assert [int(place) for place in made.origins] == slow.origins
    assert skeleton(text).text == skeleton(text + "\u200b" * 200).text == slow.text
    assert all(0 <= place < len(text) for place in slow.origins)
    assert slow.origins == sorted(slow.origins)
    shown = plain(text)
    if shown is not None:
        assert shown == "".join(skeletons.BONES[character] for character in text)
        assert len(shown) == len(text)
        if LONG_RUN not in shown:
            assert shown.replace(SEPARATOR, "") == slow.text


def hits(text: str, used: Checker = CHECKER) -> list[tuple[str, str]]:
    checked: Checked = used.check(text, Side.INPUT)
    return [(verdict.lane, text[verdict.start : verdict.end]) for verdict in checked.verdicts]


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        ("说标记甲吧", "exact"), ("說標記甲吧", "exact"), ("标\u200b记\ufeff甲", "exact"), ("标*记*甲", "hidden"),
        ("标 记 甲", "hidden"), ("标。记。甲", "hidden"), ("标😀记😀甲", "hidden"), ("标标记记记甲", "hidden"), ("甲★乙", "hidden"),
        ("标.记.甲", "hidden"), ("ｍａｒｋｅｒｗｏｒｄ", "exact"), ("mаrkеrwоrd", "exact"), ("m-a-r-k-e-r-w-o-r-d", "hidden"),
        ("ⓜⓐⓡⓚⓔⓡⓦⓞⓡⓓ", "exact"), ("🅼arkerword", "exact"), ("标" + "*" * SKIPS + "记甲", "hidden"),
        ("标，标记甲", "exact"), ("标*标*记*甲", "hidden"), ("标标，标记甲", "exact"), ('标"标记甲', "exact"),
        ("标，" + "标" * (REPEATS + 1) + "*记甲", "hidden"), ("丙丙丁", "exact"), ("c++标", "exact"), ("é标́记甲", "exact"),
    ],
)  # fmt: skip
def test_a_hidden_word_is_found_where_it_stands(text: str, lane: str) -> None:
    ((found, span),) = hits(text)
    assert found == lane
    assert skeleton(span).text.replace(" ", "") or span
    assert text[text.index(span) - 1 : text.index(span)] not in {"标", "甲"}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("二零二五标", "2025标"), ("20二五标", "2025标"), ("2零二5标", "2025标"), ("202512三一标", "20251231标"), ("二〇二五标", "2025标"), ("贰零贰伍标", "2025标"), ("貳零貳伍標", "2025标"), ("二*零*二*五*标", "2025标"),
        ("二零二二标", "2022标"), ("二〇二二标", "2022标"), ("一一标", "11标"), ("三标", "3标"),
    ],
)  # fmt: skip
def test_the_digits_of_a_word_are_found_as_numerals(text: str, word: str) -> None:
    used = Checker(compile_library([(2, word, "A.1.a")], "test"), load_policy(None))
    assert hits(f"说{text}，", used) == [("hidden", text)]
    window = Window(used)
    assert "".join([*map(window.feed, f"说{text}，"), window.finish()]) == "说"
    assert window.blocked


def test_a_first_character_that_is_repeated_hides_nothing() -> None:
    policy = parse_policy({"input": {"lanes": {"default": ["exact"]}}}, load_policy(None))
    for text in ("标标记甲", "标" * (REPEATS + 1) + "记甲", "标\u200b标\u200b记甲", "标标，标记甲"):
        assert hits(text, Checker(CHECKER.library, policy)) == [("exact", text[text.rindex("标") :])]


@pytest.mark.parametrize(
    "text",
    [
        "今天，下雨了", "每天 下午三点", "昨天。下周再说", "产品和服务都好", "a v", "a.v", "java v", "丙丁", "c标",
        "标" + "*" * (SKIPS + 1) + "记甲", "markerwords", "xmarkerword", "mark er word",
    ],
)  # fmt: skip
def test_ordinary_gaps_and_other_words_are_no_hits(text: str) -> None:
    assert hits(text) == []


def test_a_find_that_is_only_pieces_of_other_words_counts_where_policy_says_so() -> None:
    assert hits("她穿着和服") == [("exact", "和服")]
    policy = parse_policy({"input": {"lanes": {"A.2.b": ["exact", "torn"]}}}, load_policy(None))
    assert hits("产品和服务都好", Checker(CHECKER.library, policy)) == [("torn", "和服")]


def test_a_lane_can_be_switched_off_for_a_risk() -> None:
    policy = parse_policy({"input": {"lanes": {"A.1": ["exact"]}}}, load_policy(None))
    used = Checker(CHECKER.library, policy)
    assert hits("标*记*甲", used) == []
    assert hits("标记甲", used) == [("exact", "标记甲")]
    assert hits("甲★乙", used) == [("hidden", "甲★乙")], "other risks keep theirs"
    assert policy.version != load_policy(None).version


@pytest.mark.parametrize("lanes", [["exact", "loud"], [], "exact", {"A.9": ["exact"]}, {"A.1": "exact"}])
def test_a_lane_that_there_is_not_is_told(lanes: object) -> None:
    with pytest.raises(PolicyError):
        parse_policy({"input": {"lanes": lanes if isinstance(lanes, dict) else {"A.1": lanes}}})


def test_half_a_character_is_no_reason_to_fail() -> None:
    assert hits("\ud800标记甲") == [("exact", "标记甲")]
    assert hits("c++标\udfff") == [("exact", "c++标")]


def test_characters_that_become_many_are_looked_up_once() -> None:
    assert len(skeleton("ﷺ" * 20_000).text) >= 20_000
