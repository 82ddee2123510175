"""Libraries of every sort of word at once: a stream in any pieces is the whole text, and both are the check."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.folding import Runs
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Side, load_policy, read_policy
from hegui.general.content.rows import Row, word_rules
from hegui.general.content.window import Window

WORDS: list[tuple[str, dict[str, Any]]] = [
    ("标记甲", {}), ("妈妈记", {}), ("标妈妈", {}), ("C++标", {}), ("aa-bb", {}), ("双标", {}), ("又又标", {}), ("marker", {}),
    ("committee", {}), ("20标25", {}), ("法律", {}), ("大麻", {"exceptions": "大麻烦"}), ("甲乙", {"near": "丙丁", "within": "12"}),
    ("干标", {"folds": "width|separators"}), ("乾记", {"folds": "none"}), ("遮我", {"action": "mask"}), ("我遮", {"action": "flag"}),
    ("丙丁", {"lanes": "exact|hidden|pinyin"}), ("株式", {"action": "mask"}), ("标.{0,3}乙", {"match": "pattern", "action": "mask"}),
    ("加.{0,5}[a-z]{2,5}", {"match": "pattern"}), ("1[0-9]{2,20}", {"match": "pattern", "action": "flag"}),
]  # fmt: skip
POLICIES = (
    "{}", "output: {caps: {pattern: flag}}", "output: {risks: {A.1: mask, A.2: flag}, personal: {email: mask, mobile: flag}}",
    "output: {risks: {default: mask}, caps: {part: mask, pinyin: mask}}",
    "output: {lanes: {default: [exact, hidden, pattern], A.2: [exact, pinyin, homophone]}, folds: {A.1: [traditional, repeated]}}",
)  # fmt: skip
PARTS = st.one_of(
    st.sampled_from([
        "13800138000", "a.b@example.com", "mmaarrkkeerr", "commmittteee", "氵去律", "又又", "妈·妈记", "C＋＋标", "aa--bb", "a a-bb", "标标标记|甲",
        "二〇标25", "大麻烦", "bingding", "\u200b" * 40, "1" * 30, "🇲arker", "遮*我", "甲" * 12, "好" * 60,
    ]),
    st.sampled_from([word for word, said in WORDS if said.get("match") is None]),
    st.text("标记甲乙丙丁妈双又氵去大麻烦遮我加乾标記馬av12abcmrke二〇２＋+-。，* \n\u200b\u0301🇲🇦㍿①ѵ😀⻢@.", max_size=6),
)  # fmt: skip


@cache
def checker(chosen: int, policy: int) -> Checker:
    rows = [Row(at, word, f"A.{1 + at % 3}.a", word_rules(word, said)) for at, (word, said) in enumerate(WORDS, 2)]
    used = [row for row in rows if (row.row * 7 + chosen) % 3]
    later = [Row(0, row.word, row.risk, row.rules, f"e{row.row}") for row in used[::4]]
    library = compile_library([row for row in rows if row not in used[::4]], "test").edited(later, ["keyword:3"])
    return Checker(library, read_policy(POLICIES[policy], load_policy(None)))


def ordered(verdicts: tuple[Verdict, ...] | list[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda item: (item.start, item.end, item.rule, item.lane))


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(PARTS, max_size=10).map("".join),
    cuts=st.lists(st.integers(0, 200), max_size=10),
    chosen=st.integers(0, 2),
    policy=st.integers(0, len(POLICIES) - 1),
)
def test_pieces_the_whole_and_the_check_agree(text: str, cuts: list[int], chosen: int, policy: int) -> None:
    used = checker(chosen, policy)
    whole = Window(used)
    expected = whole.whole(text)
    for places in ([*range(len(text) + 1)], sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})):
        window = Window(used)
        out = "".join(window.feed(text[a:b]) for a, b in pairwise(places)) + window.finish()
        assert (out, window.blocked) == (expected, whole.blocked)
        assert ordered(window.verdicts) == ordered(whole.verdicts)
    found = used.check(text, Side.OUTPUT)
    assert found.blocked is whole.blocked
    if not found.blocked and Runs().cut(text) == text:
        assert ordered(found.verdicts) == ordered(whole.verdicts)
