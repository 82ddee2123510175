"""Numbers that a word calls an identifier and that can be nobody's: told behind the word alone, and never acted on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hegui.general.content import folding
from hegui.general.content.checks import load_checker
from hegui.general.content.personal import Kind, doubtful, find
from hegui.general.content.policy import Action, Side
from tests.bench.personal import sources

DATA = Path(__file__).parents[4] / "shared" / "data"
WRONG_ID, RIGHT_ID = "110105194912310021", "11010519491231002X"
WRONG_CARD, WRONG_CODE, RIGHT_CODE = "6222021234567890123", "91350100M000100Y44", "91350100M000100Y43"


def told(text: str) -> list[tuple[Kind, str, bool]]:
    fold = folding.fold(text)
    return [(item.kind, text[fold.origin(item.start) : fold.end(item.end)], item.valid) for item in doubtful(fold.text)]


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        (f"身份证号：{WRONG_ID}", Kind.RESIDENT_ID, WRONG_ID), (f"我的身份证号码是{WRONG_ID}。", Kind.RESIDENT_ID, WRONG_ID),
        ("居民身份證110105 19491231 0021", Kind.RESIDENT_ID, "110105 19491231 0021"),
        ("身份证１１０１０５１９４９１２３１００２１", Kind.RESIDENT_ID, "１１０１０５１９４９１２３１００２１"),
        ("身份证：110105491331002", Kind.RESIDENT_ID, "110105491331002"), (f"ID card no. {WRONG_ID}", Kind.RESIDENT_ID, WRONG_ID),
        ("公民身份号码 990105194912310021", Kind.RESIDENT_ID, "990105194912310021"),
        (f"银行卡号{WRONG_CARD}", Kind.BANK_CARD, WRONG_CARD), ("信用卡 4111 1111 1111 1112", Kind.BANK_CARD, "4111 1111 1111 1112"),
        (f"卡号：{WRONG_CARD}", Kind.BANK_CARD, WRONG_CARD), (f"我的卡号是{WRONG_CARD}", Kind.BANK_CARD, WRONG_CARD),
        (f"统一社会信用代码：{WRONG_CODE}", Kind.USCC, WRONG_CODE), (f"USCC {WRONG_CODE.lower()}", Kind.USCC, WRONG_CODE.lower()),
    ],
)  # fmt: skip
def test_what_a_word_calls_an_identifier_is_told_as_not_valid(text: str, kind: Kind, number: str) -> None:
    assert told(text) == [(kind, number, False)]
    assert list(find(folding.folded(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        f"身份证号：{RIGHT_ID}", "银行卡4111 1111 1111 1111", f"统一社会信用代码{RIGHT_CODE}", f"订单号{WRONG_ID}", WRONG_ID, WRONG_CARD, WRONG_CODE,
        f"流水{WRONG_CARD}已入账", f"社保卡号{WRONG_CARD}", f"手机卡号{WRONG_CARD}", f"会员卡号{WRONG_CARD}", f"香港身份证{WRONG_ID}",
        f"身份证号共十八位，而快递单号是{WRONG_ID}", f"身份证{WRONG_ID}7", f"身份证号a{WRONG_ID}", "身份证号110105********0021", "身份证号码", "",
        f"valid card: x{WRONG_CARD}",
    ],
)  # fmt: skip
def test_valid_numbers_and_those_without_the_word_are_not(text: str) -> None:
    assert told(text) == []


def test_nothing_is_done_for_them_by_any_policy() -> None:
    checker = load_checker()
    for side in Side:
        found = checker.check(f"身份证号{WRONG_ID}", side)
        assert (found.action, found.verdicts) == (Action.PASS, ())


@pytest.mark.skipif(not DATA.is_dir(), reason="the texts are not here")
def test_ordinary_texts_have_none() -> None:
    texts = [text for listed in sources(DATA).values() for text in listed]
    assert len(texts) > 40_000
    assert [text for text in texts if list(doubtful(folding.folded(text)))] == []
