"""What the review proves: that people look is shown, never that they are enough; what is late puts review in doubt."""

from __future__ import annotations

from datetime import timedelta

from hegui.general.content.policy import Side
from hegui.general.review.facts import facts
from hegui.general.review.models import Verdict
from hegui.general.review.rules import Judgement, Sample
from hegui.kit import clock
from hegui.law import register
from hegui.people.facts import Fact, Result
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk
from tests.unit.review.conftest import ANNA, Office


def told(desk: Desk) -> dict[str, Fact]:
    with unit_of_work(desk.store) as session:
        return {fact.obligation: fact for fact in facts(session, clock.today(), desk.settings)}


def test_facts_follow_what_people_did_and_what_waits(desk: Desk, office: Office) -> None:
    assert set(told(desk)) == {"GBT45654-6.5b"}
    assert "没有人工审核记录" in told(desk)["GBT45654-6.5b"].reason.zh
    item = office.one()
    office.decide(item.id, ANNA, Judgement(Verdict.FINE))
    watch = told(desk)["GBT45654-6.5b"]
    assert watch.result is Result.UNDETERMINED, "staffing in proportion is not for software to say"
    assert "审核决定 1，审核人 1，由此改进 0，未决 0，逾期 0" in watch.reason.zh
    office.decide(office.one().id, ANNA, Judgement(Verdict.FINE, label=Sample("番茄怎么种", Side.INPUT)))
    assert "审核决定 2，审核人 1，由此改进 1" in told(desk)["GBT45654-6.5b"].reason.zh
    late = office.one()
    assert "DSP-10" not in told(desk)
    office.later(late.id, timedelta(days=2))
    assert told(desk)["DSP-10"].result is Result.UNDETERMINED
    desk.sql("UPDATE review_decision SET at = at - interval '40 days'")
    assert told(desk)["GBT45654-6.5b"].result is Result.UNDETERMINED, "late by a day shows nothing of a month"
    office.later(late.id, timedelta(days=32))
    assert told(desk)["GBT45654-6.5b"].result is Result.NOT_MET, "nobody watched while something waited"
    desk.sql("UPDATE review_decision SET at = at + interval '40 days'")
    assert told(desk)["GBT45654-6.5b"].result is Result.UNDETERMINED
    for obligation in told(desk):
        assert register().obligation(obligation).binds_provider
