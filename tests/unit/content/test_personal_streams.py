"""Personal information in streams: whatever the pieces, the same is masked, and no more is held than could be one."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hegui.general.content import folding
from hegui.general.content.checks import Checker, Verdict, masked
from hegui.general.content.library import compile_library
from hegui.general.content.personal import NUMBER_ENDS, NUMBERS, REACH, TAILS, Kind, ends, find
from hegui.general.content.policy import Side, load_policy, parse_policy
from hegui.general.content.window import Window

NOTHING = dict.fromkeys(map(str, Kind), "pass")


def checker(*kinds: Kind) -> Checker:
    """Return a checker that masks these kinds in answers and no other."""
    policy = parse_policy({"output": {"personal": NOTHING | dict.fromkeys(map(str, kinds), "mask")}}, load_policy(None))
    return Checker(compile_library([], "none"), policy)


ALL = checker(*Kind)
EACH = {kind: checker(kind) for kind in Kind}
DEFAULT = Checker(compile_library([], "none"), load_policy(None))
PIECES = st.sampled_from([
    "13800138000", "138 0013 8000", "138-3013-8000", "+86 ", "0086", "tel", "T", "℡", "№", "No", "hotel", "id", "card", "11010519491231002X", "110105 19491231 002x",
    "4111111111111111", "4111 1111 1111 1111", "5678-9012-3456-7890", "91350100M000100Y43", "0571-87654321", "(010)", "62345678", "400-123-4567", "800 ", "95588",
    "电话", "客服", "护照", "号码", "编号是", ":", "：", "Passport", " no", " number", " is ", "E12345678", "EA1234567", "150123456", "通行证", "台胞证", "回乡证", "H1234567890", "0012345678(B)",
    "军字第", "军官证", "2001988", "号", "社保", "卡", "A12345678", "社会保障", "0101234567", "QQ", "扣扣", "12345", "123456", "12345678901", "微信", "WX", "加v", "abc_123", "abcdef", "someone",
    "a.b@example.com", "@139.com", "x@y", ".cn", "203.0.113.7", ".8", "2001:db8::1:2", "fe80:", "京A", "粤", "一三八", "零零一三", "八〇〇〇", "①③⑧", "一", "香港身份证", "hkid", "澳门居民身份证", "A123456(3)", "A1234563", "1234567(8)", "A123456789", "378282246310005", "12345", "D1234", "·", "警", "北京市", "东城区", "广东", "深圳", "样例路", "1号", "二十号",
    "3号楼", "301室", "1301", " ", "-", ".", ",", "，", "。", "_", "%", "+", "@", "(", ")", "a", "x", "v", "0", "1", "\n", "\u200b", "的", "是", "你好",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=10).map("".join)


def stream(used: Checker, text: str, pieces: list[str]) -> tuple[str, list[Verdict]]:
    window = Window(used)
    out = "".join(window.feed(piece) for piece in pieces) + window.finish()
    return out, sorted(window.verdicts, key=lambda v: (v.start, v.end, v.rule))


def cut(text: str, places: list[int]) -> list[str]:
    spots = sorted({min(place, len(text)) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(spots)]


def agree(used: Checker, text: str, places: list[int]) -> None:
    checked = used.check(text, Side.OUTPUT)
    wanted = (masked(text, checked.verdicts), sorted(checked.verdicts, key=lambda v: (v.start, v.end, v.rule)))
    whole = [v for v in wanted[1] if v.action == "mask"]
    for pieces in ([text], list(text), cut(text, places)):
        out, verdicts = stream(used, text, pieces)
        assert out == wanted[0]
        assert [v for v in verdicts if v.action == "mask"] == whole


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 80), max_size=10))
@example("1234-5678-9012-3456-7890", [5])
@example("tel138-3013-8000-1111-2222", [3])
@example("qq123456 19491231 002x", [2])
@example("护照E12345678.pdf", [11])
@example("QQ：12345678@qq.com", [3])
@example("微信号abc_123@example.com，", [5])
@example("95588abc_123+86 11010519491231002X扣扣13800138000", [])
def test_any_pieces_give_what_the_check_of_the_whole_gives(text: str, places: list[int]) -> None:
    agree(ALL, text, places)


@pytest.mark.parametrize("kind", Kind)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS, places=st.lists(st.integers(0, 80), max_size=8))
def test_so_it_is_when_only_one_kind_is_masked(kind: Kind, text: str, places: list[int]) -> None:
    agree(EACH[kind], text, places)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, places=st.lists(st.integers(0, 80), max_size=8))
def test_so_it_is_with_the_default_policy(text: str, places: list[int]) -> None:
    agree(DEFAULT, text, places)


@pytest.mark.parametrize("kind", Kind)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_what_is_held_never_starts_earlier_when_more_text_comes(kind: Kind, text: str) -> None:
    tail = EACH[kind].sides[Side.OUTPUT].tail
    assert tail is not None
    text = text.lower()
    held = 0
    for size in range(1, len(text) + 1):
        match = tail.search(text[:size])
        begins = match.start() if match else size
        assert begins >= held, text[:size]
        assert size - begins <= REACH[kind]
        held = begins


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.ADDRESS}))
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_tails_end_in_the_characters_that_are_said(kind: Kind, text: str) -> None:
    tail, letters = EACH[kind].sides[Side.OUTPUT].tail, ends({kind})
    assert tail is not None
    assert letters is not None
    text = text.lower()
    for size in range(1, len(text) + 1):
        assert text[size - 1] in letters or not tail.search(text[:size])


def test_the_characters_that_numbers_end_in_are_those_of_the_kinds_masked_by_default() -> None:
    masked_kinds = {kind for kind, action in load_policy(None).output.personal.items() if action == "mask"}
    assert masked_kinds == NUMBERS
    assert ends(NUMBERS) == NUMBER_ENDS
    assert ends({Kind.ADDRESS}) is None
    assert not NUMBER_ENDS & set("你好，。！？了不在有我他这们来到时大地")


@pytest.mark.parametrize("word", ["tel", "TEL", "℡", "№", "no", "vx"])
@pytest.mark.parametrize("used", [DEFAULT, EACH[Kind.MOBILE], ALL], ids=["default", "mobile", "all"])
def test_a_number_right_behind_a_word_is_masked_whatever_the_pieces(word: str, used: Checker) -> None:
    text = f"请联系{word}13800138000，谢谢"
    for at in range(len(text)):
        out, _ = stream(used, text, [text[:at], text[at:]])
        assert out == f"请联系{word}138******00，谢谢"


def test_a_word_waits_only_until_it_is_told_from_others() -> None:
    window = Window(DEFAULT)
    assert window.feed("tel") == ""
    assert window.feed("l") == "tell"
    assert window.feed(" me 护") == " me "
    assert window.feed("照办理") == "护照办理"
    assert window.feed("护照号") == ""
    assert window.feed("码在哪里") == "护照号码在哪里"


@pytest.mark.parametrize("used", [DEFAULT, ALL], ids=["default", "all"])
def test_the_worst_delay_is_stated_and_kept_with_text_made_to_wait(used: Checker) -> None:
    for unit in (
        "tel",
        "护照",
        "护照号码",
        "1 ",
        "1234 5678 ",
        "138 0013 8",
        "a.",
        "a@b.c",
        "qq:1",
        "微信号a-",
        "北京市",
        "北京市样例路1号",
        "京A",
        "0571 8",
        "::a",
        "1.2.",
    ):
        window = Window(used)
        for character in (unit * 100)[:400]:
            window.feed(character)
            assert len(window.held) <= used.worst_hold


def step_count(text: str) -> int:
    """Return how often the patterns are asked, which is what time grows with."""
    from hegui.general.content.personal import finding

    calls = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def search(self, *given: object) -> re.Match[str] | None:
            nonlocal calls
            calls += 1
            return self.pattern.search(*given)  # type: ignore[call-overload, no-any-return]

        def match(self, *given: object) -> re.Match[str] | None:
            nonlocal calls
            calls += 1
            return self.pattern.match(*given)  # type: ignore[call-overload, no-any-return]

    kept = [(rule, rule.pattern) for rule in finding.RULES]
    try:
        for rule, pattern in kept:
            object.__setattr__(rule, "pattern", Counting(pattern))
        list(find(text))
    finally:
        for rule, pattern in kept:
            object.__setattr__(rule, "pattern", pattern)
    return calls


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "12345 ", "1234-", "138-0013-8000-", "4111 1111 1111 1111 ", "a@", "a.b@", "a@b.", "微信", "微信:", "wx a", "qq1", "护照号码号码", "京a", "京a12", "1号", "北京市1号",
     "北京市样例路1号", "区1号", "1.", "1.1.1.", "a:", "::", "(0", "tel1", "护照e1234567", "00000000000000000x", "+86 "],
)  # fmt: skip
def test_steps_grow_with_the_text_and_no_faster(unit: str) -> None:
    small, large = ((unit * (size // len(unit) + 1))[:size] for size in (5_000, 10_000))
    assert step_count(large) <= 2 * step_count(small) + 50
    assert step_count(large) <= 12 * len(large)


def test_tails_of_addresses_are_made_only_when_asked_for() -> None:
    assert len(TAILS[Kind.ADDRESS]) > 10_000
    assert TAILS[Kind.ADDRESS] is TAILS[Kind.ADDRESS]


@pytest.mark.parametrize("used", [DEFAULT, *(used for used in EACH.values() if used.sides[Side.OUTPUT].ends)])
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text="电话一三八零零一三，台胞证号0012345678(B)")
def test_what_could_become_a_number_begins_with_one_of_the_characters_that_a_stream_looks_for(
    used: Checker, text: str
) -> None:
    checks, folded = used.sides[Side.OUTPUT], folding.folded(text)
    assert checks.tail is not None
    for end in range(1, len(folded) + 1):
        match = checks.tail.search(folded[:end])
        assert match is None or folded[match.start()] in checks.starts
