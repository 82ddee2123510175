"""The board's figures: 24 articles, each with the worst result of its duties, a reason and the next deadline."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from hegui.console.board import ArticleStatus, FactSource, Status, by_article, statuses
from hegui.kit import clock
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import register
from hegui.law.register import MEASURES
from hegui.people.facts import Fact, Result
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk

LAW = register()
ON = clock.today()
FOURTEEN = [o.id for _, article, o in LAW.obligations() if article is LAW.article("IM-14")[1] and o.binds_provider]


def source(*facts: Fact) -> FactSource:
    def given(_session: Session, _on: date, _settings: Settings) -> tuple[Fact, ...]:
        return facts

    return given


def fact(duty: str, result: Result, deadline: date | None = None) -> Fact:
    return Fact(duty, result, Bi(f"{duty} 的理由", f"reason of {duty}"), f"/evidence/{duty}", deadline)


def all_of(desk: Desk, *sources: FactSource, on: date = ON) -> list[Status]:
    with unit_of_work(desk.store) as session:
        return statuses(session, on, desk.settings, sources)


def article(desk: Desk, number: int, *sources: FactSource) -> ArticleStatus:
    found = by_article(all_of(desk, *sources), MEASURES)
    return next(item for item in found if item.article.number == number)


def test_there_are_24_articles_in_their_order_and_each_says_why(desk: Desk) -> None:
    found = by_article(all_of(desk), MEASURES)
    assert [item.article.number for item in found] == list(range(1, 25))
    assert all(item.reason.zh and item.reason.en for item in found)
    assert all(item.parts for item in found)


def test_what_is_not_built_is_undetermined_and_names_its_room(desk: Desk) -> None:
    for status in all_of(desk):
        if status.obligation.binds_provider:
            assert status.result is Result.UNDETERMINED
            assert status.reason == Bi(f"尚未建成：{status.obligation.room}", f"not built: {status.obligation.room}")
        else:
            assert status.result is Result.NOT_APPLICABLE
            assert "not built" not in status.reason.en


def test_every_duty_of_every_instrument_in_force_is_there_once(desk: Desk) -> None:
    found = [status.obligation.id for status in all_of(desk)]
    assert found == [obligation.id for _, _, obligation in LAW.obligations()]
    assert len(found) == len(set(found))


def test_before_an_instrument_is_in_force_its_duties_are_not_asked(desk: Desk) -> None:
    begins = LAW.measures.in_force
    earlier = {status.instrument.id for status in all_of(desk, on=begins - timedelta(days=1))}
    assert MEASURES not in earlier
    assert MEASURES in {status.instrument.id for status in all_of(desk, on=begins)}


@pytest.mark.parametrize(
    ("first", "others", "whole"),
    [
        (Result.MET, Result.MET, Result.MET),
        (Result.MET, Result.UNDETERMINED, Result.UNDETERMINED),
        (Result.MET, Result.NOT_MET, Result.NOT_MET),
        (Result.MET, Result.NOT_APPLICABLE, Result.MET),
        (Result.NOT_APPLICABLE, Result.NOT_APPLICABLE, Result.NOT_APPLICABLE),
        (Result.UNDETERMINED, Result.NOT_MET, Result.NOT_MET),
        (Result.NOT_MET, Result.MET, Result.NOT_MET),
        (Result.MET, None, Result.UNDETERMINED),
        (Result.NOT_APPLICABLE, None, Result.UNDETERMINED),
    ],
)
def test_an_article_shows_the_worst_of_its_duties_with_that_duties_reason(
    desk: Desk, first: Result, others: Result | None, whole: Result
) -> None:
    facts = [fact(FOURTEEN[0], first)] + [fact(item, others) for item in FOURTEEN[1:] if others is not None]
    found = article(desk, 14, source(*facts))
    assert found.result is whole
    decisive = next(part for part in found.parts if part.result is whole)
    assert found.reason == decisive.reason


def test_facts_of_several_rooms_meet_in_one_article(desk: Desk) -> None:
    rooms = [source(fact(item, Result.MET)) for item in FOURTEEN]
    assert article(desk, 14, *rooms).result is Result.MET
    assert article(desk, 14, *rooms[:-1]).result is Result.UNDETERMINED
    assert article(desk, 14, *rooms, source(fact(FOURTEEN[0], Result.NOT_MET))).result is Result.NOT_MET
    assert article(desk, 14, source(fact(FOURTEEN[0], Result.NOT_MET)), *rooms).result is Result.NOT_MET


def test_a_fact_does_not_make_a_duty_of_what_binds_others(desk: Desk) -> None:
    others = next(o.id for _, _, o in LAW.obligations() if not o.binds_provider)
    found = all_of(desk, source(fact(others, Result.NOT_MET), fact("IM-99.9", Result.NOT_MET)))
    assert next(item for item in found if item.obligation.id == others).result is Result.NOT_APPLICABLE
    assert not any(item.result is Result.NOT_MET for item in found)


def test_the_next_deadline_is_the_earliest_of_the_articles_duties(desk: Desk) -> None:
    days = [date(2026, 5, 1) + timedelta(days=7 * (3 - n)) for n in range(len(FOURTEEN))]
    facts = [fact(item, Result.MET, day) for item, day in zip(FOURTEEN, days, strict=True)]
    assert article(desk, 14, source(*facts)).deadline == min(days)
    assert article(desk, 14).deadline is None


def test_a_fact_keeps_its_reason_its_evidence_and_its_deadline(desk: Desk) -> None:
    day = date(2026, 7, 1)
    found = next(s for s in all_of(desk, source(fact("IM-15", Result.NOT_MET, day))) if s.obligation.id == "IM-15")
    assert (found.result, found.evidence, found.deadline) == (Result.NOT_MET, "/evidence/IM-15", day)
    told = found.as_dict()
    assert told["deadline"] == "2026-07-01"
    assert told["result"] == "not_met"
    assert told["reason_zh"] == "IM-15 的理由"
    assert told["reason"] == "reason of IM-15"
    assert told["confirmed"] == (found.obligation.mark != "K")


def test_every_other_instrument_rolls_up_by_its_own_articles(desk: Desk) -> None:
    found = all_of(desk)
    for instrument in LAW.instruments:
        rows = by_article(found, instrument.id)
        assert [row.article for row in rows] == [item for item in instrument.articles if item.obligations]
        assert all(part.instrument is instrument for row in rows for part in row.parts)
    assert by_article(found, "no-such-instrument") == []
