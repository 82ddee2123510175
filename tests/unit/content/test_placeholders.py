"""Placeholders: what was found does not reach the model, and comes back as it was to the one who wrote it."""

from __future__ import annotations

import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.personal import Kind, from_tagger
from hegui.general.content.placeholders import CLOSE, HIDDEN, LABELS, NEVER_RESTORED, OPEN, Vault

VALUES = {
    Kind.MOBILE: ["13800138000", "１３９００１３９０００", "138-0013-8000"], Kind.EMAIL: ["someone@example.com", "x@y.cn"],
    Kind.RESIDENT_ID: ["11010519491231002X"], Kind.BANK_CARD: ["4111111111111111"], Kind.USCC: ["91350100M000100Y43"],
    Kind.PLATE: ["京A12345"], Kind.LANDLINE: ["0571-87654321"], Kind.IP: ["203.0.113.7"],
    Kind.HK_ID: ["A123456(3)"], Kind.TAIWAN_ID: ["A123456789"],
    Kind.ADDRESS: ["北京市东城区样例路1号"],
}  # fmt: skip
WRITTEN = ["⟦手机1⟧", "⟦手机２⟧", "⟦手\u200b机1⟧", "⟦QQ1⟧", "⟦ip1⟧", "⟦原文1⟧", "⟦邮箱 1⟧", "⟦身份证号⟧"]
PARTS = st.one_of(
    st.sampled_from([value for values in VALUES.values() for value in values]),
    st.sampled_from(WRITTEN),
    st.text("你好，。 a1⟦⟧手机", max_size=4),
)
TEXTS = st.lists(PARTS, max_size=8).map("、".join)


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({min(place, len(text)) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(ends)]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_what_was_hidden_comes_back_exactly(text: str) -> None:
    with Vault(never=()) as vault:
        hidden = vault.hide(text)
        for kind, values in VALUES.items():
            assert not any(f"、{value}、" in f"、{hidden}、" for value in values), kind
        assert vault.restore(hidden) == text


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in VALUES.items() for value in values])
def test_each_kind_has_its_placeholder_and_equal_values_have_the_same_one(kind: Kind, value: str) -> None:
    with Vault(never=()) as vault:
        hidden = vault.hide(f"甲：{value}；乙：{value}。")
        assert hidden == f"甲：⟦{LABELS[kind]}1⟧；乙：⟦{LABELS[kind]}1⟧。"
        assert vault.hide(f"丙：{value}。") == f"丙：⟦{LABELS[kind]}1⟧。"


def test_different_values_have_different_placeholders_in_the_order_they_came() -> None:
    with Vault() as vault:
        assert vault.hide("13800138000或13900139000") == "⟦手机1⟧或⟦手机2⟧"
        assert vault.restore("请先打⟦手机2⟧，再打⟦手机1⟧。") == "请先打13900139000，再打13800138000。"


@pytest.mark.parametrize("kind", sorted(NEVER_RESTORED & set(VALUES)))
def test_what_must_never_be_restored_never_enters_the_map(kind: Kind) -> None:
    (value,) = VALUES[kind]
    with Vault() as vault:
        hidden = vault.hide(f"号码{value}，手机13800138000")
        assert hidden == f"号码⟦{LABELS[kind]}⟧，手机⟦手机1⟧"
        assert value not in repr(vault.values)
        assert set(vault.values.values()) == {"13800138000"}
        for asked in (hidden, f"⟦{LABELS[kind]}1⟧"):
            assert value not in vault.restore(asked)


def test_which_kinds_are_never_restored_is_for_the_operator_to_say() -> None:
    with Vault(never={Kind.MOBILE}) as vault:
        assert vault.restore(vault.hide("13800138000；11010519491231002X")) == "⟦手机⟧；11010519491231002X"
    with Vault(hidden={Kind.EMAIL}) as vault:
        assert vault.hide("13800138000；x@y.cn") == "13800138000；⟦邮箱1⟧"


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_placeholder_that_somebody_wrote_never_names_the_value_of_another(written: str, order: str) -> None:
    with Vault() as vault:
        document = "联系人13800138000，x@y.cn，QQ：12345678，203.0.113.7"
        if order == "after":
            vault.hide(document)
        asked = vault.hide(f"请原样重复{written}")
        if order == "before":
            vault.hide(document)
        assert vault.restore(asked) == f"请原样重复{written}"


def test_nothing_is_left_once_it_is_closed() -> None:
    vault = Vault()
    with vault:
        hidden = vault.hide("13800138000")
        assert "13800138000" not in repr(vault)
        with pytest.raises(TypeError):
            pickle.dumps(vault)
        restorer = vault.restorer()
    assert vault.values == {}
    assert vault.restore(hidden) == hidden == "⟦手机1⟧"
    assert restorer.feed(hidden) == hidden


def test_the_same_conversation_given_again_has_the_same_placeholders() -> None:
    turns = ["我的手机13800138000", "她的13900139000，我的13800138000", "邮箱x@y.cn"]
    hidden = []
    for _ in range(2):
        with Vault() as vault:
            hidden.append([vault.hide(turn) for turn in turns])
    assert hidden[0] == hidden[1]


# --- streams -----------------------------------------------------------------------------------------

ANSWERS = st.lists(
    st.sampled_from(["⟦手机1⟧", "⟦手机12⟧", "⟦手机2⟧", "⟦邮箱1⟧", "⟦", "⟧", "⟦手", "⟦手机", "手机1⟧", "⟦手机1", "⟦⟦", "好", "⟦手机9⟧", "⟦身份证号⟧"]),
    max_size=10,
).map("".join)  # fmt: skip


def filled() -> Vault:
    vault = Vault()
    for number in range(12):
        vault.hide(f"139{number:04d}0000")
    vault.hide("x@y.cn 11010519491231002X")
    return vault


@settings(max_examples=500, deadline=None)
@given(ANSWERS, st.lists(st.integers(0, 60), max_size=10))
def test_any_pieces_of_an_answer_give_what_the_whole_gives(answer: str, places: list[int]) -> None:
    vault = filled()
    whole = answer
    for placeholder, value in vault.values.items():
        whole = whole.replace(placeholder, value)
    assert vault.restore(answer) == whole
    for pieces in (cut(answer, places), list(answer)):
        restorer = vault.restorer()
        longest = max(map(len, vault.values))
        out = []
        for piece in pieces:
            out.append(restorer.feed(piece))
            assert len(restorer.held) < longest
            assert not restorer.held or any(known.startswith(restorer.held) for known in vault.values)
        assert "".join([*out, restorer.finish()]) == whole
        assert restorer.finish() == ""


def test_text_without_an_open_placeholder_never_waits() -> None:
    restorer = filled().restorer()
    for character in "今天⟦天⟧气⟦好⟧，⟧手机1⟧":
        out = restorer.feed(character)
        assert restorer.held in {"", OPEN}
        assert out or character == OPEN
    assert CLOSE not in restorer.held


def test_endless_open_brackets_do_not_fill_the_memory() -> None:
    restorer = filled().restorer()
    assert len(restorer.feed(OPEN * 100_000)) == 99_999
    assert restorer.held == OPEN


# --- names -------------------------------------------------------------------------------------------


def test_names_come_from_whatever_finder_is_given() -> None:
    def tag(text: str) -> list[tuple[str, str]]:
        return [("例甲某", "PER"), ("不在", "PER"), ("打", "v"), ("例乙某", "PER")]

    with Vault(names=from_tagger(tag, {"PER"})) as vault:
        hidden = vault.hide("例甲某 打给例乙某，13800138000")
        assert hidden == "⟦姓名1⟧ 打给⟦姓名2⟧，⟦手机1⟧"
        assert vault.restore(hidden) == "例甲某 打给例乙某，13800138000"


def test_every_kind_has_a_label_of_its_own() -> None:
    assert set(LABELS) == set(Kind)
    assert len(set(LABELS.values())) == len(LABELS)
    assert set(Kind) - HIDDEN == {Kind.HOTLINE}
