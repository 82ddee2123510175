"""The stream window: any chunking of any text gives the same verdict and the same released text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker, Verdict, masked
from hegui.general.content.folding import LONGEST_RUN, Runs
from hegui.general.content.library import Library, Row, compile_library
from hegui.general.content.policy import Action, Policy, Side, load_policy, parse_policy
from hegui.general.content.skeleton import REPEATS
from hegui.general.content.window import Window

WORDS = [
    ("标记甲", "A.1.a"), ("标记甲乙丙", "A.1.b"), ("乙丙丁", "A.2.a"), ("甲甲甲", "A.3.a"), ("av", "A.1.f"),
    ("av12", "A.1.f"), ("质量差", "A.5.b"), ("差标", "A.5.a"), ("甲-乙", "A.5.a"), ("丙丙丁", "A.5.a"), ("质量差", "A.5.a"), ("遮我", "A.4.a"), ("我遮", "A.4.a"), ("x标", "A.4.b"),
]  # fmt: skip
MASKING = {
    "output": {
        "risks": {"A.4.a": "mask", "A.4.b": "mask", "A.5": "pass"},
        "personal": {"email": "mask", "uscc": "mask"},
    }
}


def library() -> Library:
    return compile_library(((row, word, risk) for row, (word, risk) in enumerate(WORDS, 2)), "test")


def checker(policy: Policy | None = None) -> Checker:
    return Checker(library(), policy or load_policy(None))


CHECKERS = [checker(), checker(parse_policy(MASKING, load_policy(None)))]
RUN = "\u200b" * 50
ALPHABET = "标记甲乙丙丁av12x质量差遮我 -+你好。，*標記аѵ①\u200b\ufeff３１ａＶ㎏é@.c0138😀\n"
PIECES = st.sampled_from([
    "13800138000", "11010519491231002x", "6222021234567890128", "138 0013 8000", "1234-5678-9012-3452",
    "a.b@example.com", "标记甲", "av", "91350100M000100Y43", "遮我遮", "+86 ", "合规", RUN,
])  # fmt: skip
TEXTS = st.lists(st.one_of(st.text(ALPHABET, max_size=6), PIECES), max_size=8).map("".join)


def stream(used: Checker, text: str, cuts: list[int]) -> tuple[str, bool, list[Verdict]]:
    window = Window(used)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    out = [window.feed(text[a:b]) for a, b in pairwise(places)]
    out.append(window.finish())
    return "".join(out), window.blocked, sorted(window.verdicts, key=lambda v: (v.start, v.end, v.rule))


@pytest.mark.parametrize("used", CHECKERS, ids=["default", "masking"])
@settings(max_examples=600, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=12))
@example(text="1234 5678 9012 3452 789", cuts=[3, 9, 20])
@example(text="遮我遮我标记甲", cuts=[1, 2, 3])
@example(text="xav 12av1", cuts=[2])
@example(text="㎏标记甲", cuts=[1])
def test_any_chunking_releases_the_same_text_and_gives_the_same_verdicts(
    used: Checker, text: str, cuts: list[int]
) -> None:
    whole = stream(used, text, [])
    assert stream(used, text, cuts) == whole
    assert stream(used, text, list(range(len(text)))) == whole


@settings(max_examples=600, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=12))
def test_what_a_stream_lets_out_agrees_with_the_check_of_the_whole(text: str, cuts: list[int]) -> None:
    used = CHECKERS[0]
    out, blocked, _ = stream(used, text, cuts)
    assert blocked == used.check(text, Side.OUTPUT).blocked
    assert not used.check(out, Side.OUTPUT).blocked
    if not blocked:
        assert len(out) == len(Runs().cut(text))


@settings(max_examples=300, deadline=None)
@given(before=st.text("你好，世界。abc 12", max_size=12), cuts=st.lists(st.integers(0, 30), max_size=8))
def test_not_one_character_of_a_blocked_word_leaves(before: str, cuts: list[int]) -> None:
    out, blocked, _ = stream(CHECKERS[0], before + "标记甲乙丙之后", cuts)
    assert blocked
    assert not set(out) & set("标记甲乙丙之后")
    assert out == before


@settings(max_examples=300, deadline=None)
@given(text=st.text("你好世界，。今天天气", max_size=30))
def test_safe_text_never_waits(text: str) -> None:
    window = Window(CHECKERS[0])
    for character in text:
        assert window.feed(character) == character
    assert window.held == ""


def test_what_waits_is_only_what_could_become_a_hit() -> None:
    window = Window(CHECKERS[0])
    assert window.feed("你好标") == "你好"
    assert window.feed("准") == "标准"
    assert window.feed("电话138") == "电话"
    assert window.feed("页") == "138页"


def test_a_number_is_masked_in_a_stream_and_nothing_of_it_leaks() -> None:
    window = Window(CHECKERS[0])
    out = "".join(window.feed(ch) for ch in "请打13800138000，谢") + window.finish()
    assert out == "请打138******00，谢"
    assert [v.rule for v in window.verdicts] == ["personal:mobile"]


def test_latin_words_hit_only_at_word_edges() -> None:
    for text in ("java", "avid", "lava1"):
        out, blocked, _ = stream(CHECKERS[0], f"学{text}语言", list(range(12)))
        assert (out, blocked) == (f"学{text}语言", False)
    assert stream(CHECKERS[0], "看av片", [2])[1]
    assert stream(CHECKERS[0], "看av", [1])[1]


def test_the_worst_delay_is_stated_and_kept() -> None:
    used = CHECKERS[1]
    window = Window(used)
    for character in ("标记甲"[:2] + "1234 5678 9012 3456 7" + "a" * 80 + "@" + "b." * 200) * 2:
        window.feed(character)
        assert len(window.held) <= used.worst_hold


def test_a_hit_is_noted_once_where_a_clause_is_cut_within_it() -> None:
    used = checker(parse_policy({"output": {"risks": {"A.1": "mask"}, "caps": {"pinyin": "mask"}}}, load_policy(None)))
    for before in range(60, 65):
        text = "好" * before + "标标标记|甲，好"
        _, blocked, found = stream(used, text, list(range(len(text))))
        assert (blocked, found) == (False, list(used.check(text, Side.OUTPUT).verdicts))


def test_verdicts_carry_offsets_of_the_original_text() -> None:
    text = "零\u200b宽：标\u200b记\ufeff甲！"
    window = Window(CHECKERS[0])
    for character in text:
        window.feed(character)
    (verdict,) = window.verdicts
    assert text[verdict.start : verdict.end] == "标\u200b记\ufeff甲"
    assert "".join(window.released) == "零\u200b宽："


@pytest.mark.parametrize("used", CHECKERS, ids=["default", "masking"])
@settings(max_examples=400, deadline=None)
@given(text=TEXTS)
def test_a_whole_text_in_one_pass_equals_the_stream(used: Checker, text: str) -> None:
    window = Window(used)
    out = window.whole(text)
    verdicts = sorted(window.verdicts, key=lambda v: (v.start, v.end, v.rule))
    assert (out, window.blocked, verdicts) == stream(used, text, [])


def test_endless_characters_that_show_nothing_do_not_fill_the_memory() -> None:
    window = Window(CHECKERS[0])
    for _ in range(50):
        window.feed("标" + "\u200b" * 10_000)
        assert len(window.held) <= (REPEATS + 2) * (LONGEST_RUN + 1)
    assert window.feed("准").endswith("标" + "\u200b" * LONGEST_RUN + "准")


@settings(max_examples=200, deadline=None)
@given(text=st.text("标a\u200b\u0301", max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_what_is_cut_of_a_run_does_not_depend_on_the_pieces(text: str, cuts: list[int]) -> None:
    long = text.replace("a", RUN)
    places = sorted({min(cut, len(long)) for cut in cuts} | {0, len(long)})
    runs = Runs()
    assert "".join(runs.cut(long[a:b]) for a, b in pairwise(places)) == Runs().cut(long)


CHAINS = [
    ("一二一", "一二"),
    ("嘻嘻", "嘻"),
    ("甲乙", "甲乙"),
    ("甲乙甲", "甲乙"),
    ("乙甲丙", "乙甲丙乙"),
    ("ab甲ab", "ab甲"),
]


@pytest.mark.parametrize("action", ["flag", "mask", "pass"])
@pytest.mark.parametrize(("word", "repeated"), CHAINS)
@pytest.mark.parametrize("size", [1, 4, 7])
def test_hits_that_overlap_in_a_chain_hold_no_more_than_is_stated(
    word: str, repeated: str, action: str, size: int
) -> None:
    policy = parse_policy({"output": {"risks": {"A.5.a": action}}}, load_policy(None))
    words = [(2, word, "A.5.a"), (3, word[::-1], "A.5.a")]
    used = Checker(compile_library(words, "test"), policy)
    text = repeated * (400 // len(repeated)) + "。完"
    window = Window(used)
    out = ""
    for at in range(0, len(text), size):
        out += window.feed(text[at : at + size])
        assert len(window.held) <= used.worst_hold
        assert len(out) + len(window.held) == len(text[: at + size])
    out += window.finish()
    checked = used.check(text, Side.OUTPUT)
    assert out == masked(text, checked.verdicts)
    assert {item.action for item in checked.verdicts} <= {Action(action), Action.FLAG}
    ordered = sorted(window.verdicts, key=lambda v: (v.start, v.end, v.rule))
    assert ordered == sorted(checked.verdicts, key=lambda v: (v.start, v.end, v.rule))
    assert len(ordered) > 40
    assert stream(used, text, []) == stream(used, text, [3, 50, 51, 199]) == (out, False, ordered)


CHAINED = ["一二一", "嘻嘻", "甲乙", "乙甲", "甲乙甲", "乙丙甲乙", "ab甲ab", "甲-甲"]
CHAINED_LIBRARY = compile_library(((at, word, f"A.{1 + at % 5}.a") for at, word in enumerate(CHAINED)), "test")
CHAINED_ACTIONS = [
    dict(zip(("A.1", "A.2", "A.3", "A.4", "A.5"), actions, strict=True))
    for actions in (["mask"] * 5, ["flag", "mask", "mask", "flag", "mask"], ["mask", "flag", "refuse", "mask", "flag"])
]
CHAINED_CHECKERS = [
    Checker(CHAINED_LIBRARY, parse_policy({"output": {"risks": risks}}, load_policy(None))) for risks in CHAINED_ACTIONS
]


@pytest.mark.parametrize("used", CHAINED_CHECKERS, ids=["masked", "both", "some refused"])
@settings(max_examples=400, deadline=None)
@given(
    text=st.lists(st.text("一二嘻甲乙丙ab- ，好", max_size=9), max_size=9).map("".join),
    cuts=st.lists(st.integers(0, 80), max_size=12),
)
@example(text="甲乙甲乙甲乙甲 乙甲", cuts=[5, 8])
@example(text="嘻嘻嘻嘻嘻嘻 甲乙 甲乙甲ab甲ab甲ab", cuts=[3, 4])
def test_hits_that_overlap_give_the_same_in_any_pieces(used: Checker, text: str, cuts: list[int]) -> None:
    found = stream(used, text, [])
    assert stream(used, text, cuts) == found
    assert stream(used, text, list(range(len(text)))) == found
    checked = used.check(text, Side.OUTPUT)
    assert found[1] == checked.blocked
    whole = masked(text, checked.verdicts)
    assert whole.startswith(found[0]) if found[1] else found[0] == whole


ONE = compile_library([(2, "甲", "A.5.a"), (3, "x", "A.4.a"), (4, "甲甲乙", "A.4.a"), (5, "标乙", "A.4.a")], "test")
ONE_CHECKERS = [
    Checker(ONE, parse_policy({"output": {"risks": {"A.4": action, "A.5": action}}}, load_policy(None)))
    for action in ("flag", "mask")
]


@pytest.mark.parametrize("around", [("说", "吧"), ("", ""), ("，", "！好的")])
@pytest.mark.parametrize("run", ["甲", "甲甲", "甲甲甲", "甲\u200b甲", "甲" * 7, "甲" * 40])
def test_a_word_of_one_character_is_starred_each_time_that_it_stands(around: tuple[str, str], run: str) -> None:
    text = run.join(around)
    used = ONE_CHECKERS[1]
    starred = text.replace("甲", "*")
    assert masked(text, used.check(text, Side.OUTPUT).verdicts) == starred
    for size in (1, 3, 50):
        assert stream(used, text, list(range(0, len(text), size)))[0] == starred


@pytest.mark.parametrize("used", ONE_CHECKERS, ids=["flag", "mask"])
@settings(max_examples=400, deadline=None)
@given(
    text=st.lists(st.one_of(st.text("甲乙标了样火x \u200b，服", max_size=6), st.sampled_from(["甲" * 4, "甲" * 9])), max_size=6).map("".join),
    cuts=st.lists(st.integers(0, 50), max_size=8),
)  # fmt: skip
@example(text="了样火甲甲甲甲服了样火了", cuts=[3, 7, 10])
def test_words_of_one_character_are_found_the_same_in_any_pieces(used: Checker, text: str, cuts: list[int]) -> None:
    found = stream(used, text, [])
    assert stream(used, text, cuts) == found
    assert stream(used, text, list(range(len(text)))) == found
    verdicts = used.check(text, Side.OUTPUT).verdicts
    assert found[0] == masked(text, verdicts)
    assert found[2] == sorted(verdicts, key=lambda v: (v.start, v.end, v.rule))


QUICK_WORDS = [
    ("标记甲", "A.1.a"), ("法水", "A.1.b"), ("甲甲丁", "A.3.a"), ("记-乙", "A.5.a"), ("乙。甲", "A.4.a"), ("戊", "A.4.b"), ("好标", "A.1.c"), ("二二一", "A.5.b"),
    ("-丙己", "A.5.b"),
]  # fmt: skip
QUICK = "标记甲乙丙丁戊己法水氵去氵去好天天轻的是一二三台身份证号码女，。、-；（ 　0a標①😀\u200b"


def edited(*more: tuple[str, str]) -> Library:
    words = compile_library(((row, word, risk) for row, (word, risk) in enumerate([*QUICK_WORDS, *more], 2)), "test")
    return words.edited([Row(1, "丁好", "A.1.a", edit="one")], ())


QUICK_CHECKERS = [Checker(edited(), parse_policy(policy, load_policy(None))) for policy in ({}, MASKING)]
"""The last has words that are looked for as they stand alone, as a skeleton of one character tells too little of one."""
QUICK_CHECKERS.append(Checker(edited(("己己", "A.1.d")), load_policy(None)))


def never(text: str) -> int | None:
    return None if text else 0


@pytest.mark.parametrize("used", QUICK_CHECKERS, ids=["default", "masking", "literal"])
@settings(max_examples=1500, deadline=None)
@given(pieces=st.lists(st.text(QUICK, max_size=4), max_size=12))
@example(pieces=["天天", "轻轻标", "标记", "，丁"])
@example(pieces=["氵", "去，水"])
@example(pieces=["二，二", "一一", "三二一", "零二三四"])
@example(pieces=["，-", "丙"])
@example(pieces=["标，，，，，", "记甲"])
@example(pieces=["天天标氵", "去"])
@example(pieces=["标标标标标标", "记"])
@example(pieces=["天天己", "天，己", "己"])
def test_a_quick_look_lets_out_the_same_as_a_thorough_one(used: Checker, pieces: list[str]) -> None:
    # Which short pieces need no thorough look is told by characters and pairs; it must not show in any piece.
    quick, thorough = Window(used), Window(used)
    thorough._ordinary = never  # noqa: SLF001 - what takes no quick look
    for piece in pieces:
        if quick.blocked or not piece:
            continue
        whole = thorough._step(thorough._runs.cut(piece), final=False)  # noqa: SLF001 - what no quick look stands before
        assert quick.feed(piece) == whole
        assert (quick.held, quick.verdicts, quick.blocked) == (thorough.held, thorough.verdicts, thorough.blocked)
    assert quick.finish() == thorough.finish()
    assert quick.verdicts == thorough.verdicts
