"""What the review goes by: the draw, the clocks, what a judgement may say, and kappa against worked examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hegui.general.content.policy import Action, Side, Urgency
from hegui.general.review import rules
from hegui.general.review.models import Stage, Verdict
from hegui.general.review.rules import Judgement, Phrase, Sample, Word
from hegui.kit import ids
from hegui.kit.errors import InputError

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
RISK = "A.1.a"


def square(table: list[list[int]]) -> list[tuple[str, str]]:
    """Return the pairs of a table: rows are what the first said, columns the second."""
    return [
        (str(row), str(column)) for row, line in enumerate(table) for column, n in enumerate(line) for _ in range(n)
    ]


@pytest.mark.parametrize(
    ("table", "agreed", "kappa"),
    [
        # Worked by hand: po = 35/50 = 0.7, pe = (25·30 + 25·20)/2500 = 0.5, kappa = 0.4 (a common textbook table).
        ([[20, 5], [10, 15]], 35, 0.4),
        # The same share of agreement, other margins: po = 0.6, pe = 0.54 and 0.46.
        ([[45, 15], [25, 15]], 60, (0.6 - 0.54) / (1 - 0.54)),
        ([[25, 35], [5, 35]], 60, (0.6 - 0.46) / (1 - 0.46)),
        # Three categories, rows 44/30/26, columns 36/38/26: po = 0.69, pe = (44·36 + 30·38 + 26·26)/10000 = 0.34.
        ([[30, 9, 5], [4, 22, 4], [2, 7, 17]], 69, (0.69 - 0.3400) / (1 - 0.3400)),
        ([[5, 0], [0, 5]], 10, 1.0),
        ([[0, 5], [5, 0]], 0, -1.0),
    ],
)
def test_kappa_is_what_is_worked_out_by_hand(table: list[list[int]], agreed: int, kappa: float) -> None:
    found = rules.agreement(square(table))
    assert found.agreed == agreed
    assert found.kappa == pytest.approx(kappa, abs=1e-9)
    assert found.percent == pytest.approx(100 * agreed / found.pairs)


def test_kappa_is_not_made_up_where_it_is_not_defined() -> None:
    assert rules.agreement([]).kappa is None
    assert rules.agreement([]).percent is None
    always = rules.agreement([("fine", "fine")] * 30)
    assert (always.kappa, always.percent, always.few) == (None, 100, False)
    assert rules.agreement([("fine", "fine")] * 19).few


def test_the_draw_is_that_of_the_item_and_nobody_elses() -> None:
    number = ids.uuid7()
    assert rules.drawn(b"k" * 32, number) == rules.drawn(b"k" * 32, number)
    assert rules.drawn(b"k" * 32, number) != rules.drawn(b"l" * 32, number)
    draws = [rules.drawn(b"k" * 32, f"{n}") for n in range(20_000)]
    assert 0 <= min(draws) < max(draws) < rules.DRAWS
    for percent in (5, 10, 50):
        assert sum(rules.is_double(draw, percent) for draw in draws) == pytest.approx(200 * percent, rel=0.1)
    assert not any(rules.is_double(draw, 0) for draw in draws)
    assert all(rules.is_double(draw, 100) for draw in draws)


def test_what_is_more_urgent_is_due_sooner() -> None:
    high, medium, low = (rules.due(urgency, NOW) for urgency in Urgency)
    assert NOW < high < medium < low
    assert rules.sooner("low", "high") == rules.sooner("high", "medium") == "high"
    assert timedelta(0) < rules.LEASE < rules.TERMS[Urgency.HIGH]


def test_stages_follow_the_sample_and_the_difference() -> None:
    assert rules.next_stage(Stage.FIRST, double=False, differ=False) is None
    assert rules.next_stage(Stage.FIRST, double=True, differ=False) is Stage.SECOND
    assert rules.next_stage(Stage.SECOND, double=True, differ=False) is None
    assert rules.next_stage(Stage.SECOND, double=True, differ=True) is Stage.SETTLE
    assert rules.next_stage(Stage.SETTLE, double=True, differ=False) is None


SAMPLE = Sample("今天天气很好", Side.INPUT)


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement(Verdict.VIOLATES, RISK, word=Word("标记词甲", RISK), label=SAMPLE, case=SAMPLE),
        Judgement(Verdict.FINE, phrase=Phrase("标记词甲子", "keyword:2", "l1"), label=SAMPLE, note="常用语"),
        Judgement(Verdict.CANNOT_TELL, note="正文已删除", case=Sample("好", Side.OUTPUT, Action.PASS)),
    ],
)
def test_what_can_be_said_is_accepted(judgement: Judgement) -> None:
    rules.check(judgement)


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement(Verdict.VIOLATES),
        Judgement(Verdict.VIOLATES, "A.9.z"),
        Judgement(Verdict.FINE, RISK),
        Judgement(Verdict.FINE, word=Word("标记词甲", RISK)),
        Judgement(Verdict.VIOLATES, RISK, word=Word("标记词甲", "")),
        Judgement(Verdict.VIOLATES, RISK, word=Word(" ", RISK)),
        Judgement(Verdict.VIOLATES, RISK, word=Word("词" * 61, RISK)),
        Judgement(Verdict.VIOLATES, RISK, word=Word("找13812345678", RISK)),
        Judgement(Verdict.VIOLATES, RISK, phrase=Phrase("标记词甲子", "keyword:2", "l1")),
        Judgement(Verdict.FINE, phrase=Phrase("标记词甲子", "", "l1")),
        Judgement(Verdict.CANNOT_TELL, label=SAMPLE),
        Judgement(Verdict.FINE, label=Sample("", Side.INPUT)),
        Judgement(Verdict.FINE, case=Sample("字" * 2001, Side.INPUT, Action.PASS)),
        Judgement(Verdict.FINE, note="记" * 1001),
    ],
    ids=range(14),
)
def test_what_contradicts_itself_or_says_too_much_is_refused(judgement: Judgement) -> None:
    with pytest.raises(InputError) as raised:
        rules.check(judgement)
    assert raised.value.remedy.zh
    assert raised.value.remedy.en


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("没有什么", "没有什么"),
        ("打13812345678找我", "打138******78找我"),
        ("打１３８１２３４５６７８", "打１３８******７８"),
        ("", ""),
    ],
)
def test_personal_information_is_starred_in_its_place(text: str, kept: str) -> None:
    assert rules.without_personal(text) == kept
