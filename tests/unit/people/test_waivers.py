"""Waivers: a reason, an expiry, two people; at the expiry the duty is back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hegui.console.board import Status, by_article, statuses
from hegui.kit import clock
from hegui.kit.errors import HeguiError, InputError, NotAllowedError
from hegui.kit.text import Bi
from hegui.law import register
from hegui.law.register import MEASURES
from hegui.people import waivers
from hegui.people.facts import Fact, Result
from hegui.people.models import Waiver
from hegui.people.permits import Role
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk

DUTY = "IM-15"
OFFICER, OTHER, REVIEWER = "compliance_officer", "second-officer", "reviewer"


@pytest.fixture(autouse=True)
def nothing_waived(desk: Desk) -> None:
    desk.sql("DELETE FROM people_waiver")
    if not desk.sql("SELECT 1 FROM people_account WHERE name = %s", OTHER):
        desk.add(OTHER, Role.COMPLIANCE_OFFICER)


def ahead(days: int) -> date:
    return clock.today() + timedelta(days=days)


def write(desk: Desk, by: str = REVIEWER, obligation: str = DUTY, reason: str = "上线前", days: int = 30) -> str:
    with unit_of_work(desk.store) as session:
        return waivers.write_waiver(session, desk.account(session, by), obligation, reason, ahead(days)).id


def approve(desk: Desk, waiver: str, by: str = OFFICER) -> None:
    with unit_of_work(desk.store) as session:
        waivers.approve_waiver(session, desk.account(session, by), session.get_one(Waiver, waiver))


def shown(desk: Desk, on: date, *facts: Fact, duty: str = DUTY) -> Status:
    with unit_of_work(desk.store) as session:
        found = statuses(session, on, desk.settings, [lambda *_: facts])
    return next(item for item in found if item.obligation.id == duty)


# --- who and when ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "writes", "approves"),
    [
        (Role.ADMINISTRATOR, False, False),
        (Role.COMPLIANCE_OFFICER, True, True),
        (Role.REVIEWER, True, False),
        (Role.AUDITOR, False, False),
    ],
)
def test_who_may_write_and_who_may_approve(desk: Desk, role: Role, writes: bool, approves: bool) -> None:
    name = desk.name(role)
    if writes:
        assert write(desk, name)
    else:
        with pytest.raises(NotAllowedError):
            write(desk, name)
    waiting = write(desk, OTHER)
    if approves:
        approve(desk, waiting, name)
    else:
        with pytest.raises(NotAllowedError):
            approve(desk, waiting, name)
    assert (desk.sql("SELECT approved_at FROM people_waiver WHERE id = %s", waiting)[0][0] is not None) is approves


def test_an_author_does_not_approve_though_their_role_may(desk: Desk) -> None:
    waiting = write(desk, OFFICER)
    with pytest.raises(NotAllowedError) as raised:
        approve(desk, waiting, OFFICER)
    assert "不能批准自己" in raised.value.title.zh
    assert shown(desk, clock.today()).result is Result.UNDETERMINED
    approve(desk, waiting, OTHER)
    assert shown(desk, clock.today()).result is Result.WAIVED


@pytest.mark.parametrize(
    ("obligation", "reason", "days"),
    [
        (DUTY, "", 30),
        (DUTY, " \n\t ", 30),
        (DUTY, "理由", 0),
        (DUTY, "理由", -1),
        ("IM-99", "理由", 30),
        ("", "理由", 30),
        ("IM-15'; --", "理由", 30),
        ("IM-1", "理由", 30),
    ],
    ids=["no reason", "blank reason", "ends today", "ended", "no such duty", "no duty", "quotes", "binds nobody"],
)
def test_a_waiver_that_says_too_little_is_refused_and_nothing_is_kept(
    desk: Desk, obligation: str, reason: str, days: int
) -> None:
    before = len(desk.entries("waiver.written"))
    with pytest.raises(InputError) as raised:
        write(desk, obligation=obligation, reason=reason, days=days)
    assert raised.value.title.zh
    assert raised.value.remedy.zh
    assert desk.sql("SELECT count(*) FROM people_waiver") == [(0,)]
    assert len(desk.entries("waiver.written")) == before


@pytest.mark.parametrize("nature", sorted({o.nature for _, _, o in register().obligations() if not o.binds_provider}))
def test_what_binds_no_provider_can_not_be_waived(desk: Desk, nature: str) -> None:
    one = next(o.id for _, _, o in register().obligations() if o.nature == nature and not o.binds_provider)
    with pytest.raises(InputError):
        write(desk, obligation=one)


def test_a_waiver_is_approved_once_and_not_after_its_expiry(desk: Desk) -> None:
    waiting = write(desk)
    approve(desk, waiting, OFFICER)
    first = desk.sql("SELECT approver, approved_at FROM people_waiver")
    with pytest.raises(InputError):
        approve(desk, waiting, OTHER)
    assert desk.sql("SELECT approver, approved_at FROM people_waiver") == first
    late = write(desk)
    desk.sql("UPDATE people_waiver SET expires = %s WHERE id = %s", clock.today(), late)
    with pytest.raises(InputError):
        approve(desk, late, OFFICER)


def test_both_signatures_are_evidence(desk: Desk) -> None:
    number = write(desk)
    approve(desk, number)
    (written,) = [item for item in desk.entries("waiver.written") if number in item]
    (approved,) = [item for item in desk.entries("waiver.approved") if number in item]
    with unit_of_work(desk.store) as session:
        officer = desk.account(session, OFFICER).id
    assert f'"expires":"{ahead(30)}"' in written
    assert f'"obligation":"{DUTY}"' in written
    assert f'"by":"{officer}"' in approved


# --- what the board shows --------------------------------------------------------------------------


def test_a_waiver_counts_from_its_approval_until_the_day_it_expires(desk: Desk) -> None:
    before = shown(desk, clock.today())
    number = write(desk, days=30)
    assert shown(desk, clock.today()) == before  # written is not approved
    approve(desk, number)
    for day, result in ((0, Result.WAIVED), (29, Result.WAIVED), (30, before.result), (31, before.result)):
        assert shown(desk, ahead(day)).result is result, day
    assert shown(desk, ahead(30)).reason == before.reason
    assert shown(desk, ahead(-1)).result is before.result  # nor was it waived yesterday


def test_a_waived_duty_says_until_when_and_why_and_leads_to_the_waiver(desk: Desk) -> None:
    approve(desk, write(desk, reason="等待主管部门答复"))
    found = shown(desk, clock.today())
    assert found.deadline == ahead(30)
    assert found.evidence == "/waivers"
    assert str(ahead(30)) in found.reason.zh
    assert "等待主管部门答复" in found.reason.zh
    assert str(ahead(30)) in found.reason.en


@pytest.mark.parametrize("result", list(Result))
def test_a_waiver_covers_whatever_the_facts_say_and_its_expiry_brings_them_back(desk: Desk, result: Result) -> None:
    fact = Fact(DUTY, result, Bi("依据甲", "fact one"))
    approve(desk, write(desk))
    assert shown(desk, clock.today(), fact).result is Result.WAIVED
    back = shown(desk, ahead(30), fact)
    assert (back.result, back.reason) == (result, fact.reason)


def test_of_two_waivers_of_one_duty_the_longer_one_is_shown(desk: Desk) -> None:
    for days, by in ((60, REVIEWER), (10, REVIEWER)):
        approve(desk, write(desk, by, days=days))
    assert shown(desk, clock.today()).deadline == ahead(60)
    assert shown(desk, ahead(20)).result is Result.WAIVED


def test_a_waiver_covers_its_duty_and_no_other(desk: Desk) -> None:
    approve(desk, write(desk, obligation="IM-14.2"))
    assert shown(desk, clock.today(), duty="IM-14.2").result is Result.WAIVED
    assert shown(desk, clock.today(), duty="IM-14.1").result is Result.UNDETERMINED
    with unit_of_work(desk.store) as session:
        found = statuses(session, clock.today(), desk.settings, [])
    waived = [item.obligation.id for item in found if item.result is Result.WAIVED]
    fourteen = next(item for item in by_article(found, MEASURES) if item.article.number == 14)
    assert waived == ["IM-14.2"]
    assert fourteen.result is Result.UNDETERMINED  # one waived part does not waive the article


def test_an_article_is_waived_when_all_its_duties_are(desk: Desk) -> None:
    _, article, _ = register().place(DUTY)
    for obligation in article.obligations:
        if obligation.binds_provider:
            approve(desk, write(desk, obligation=obligation.id))
    with unit_of_work(desk.store) as session:
        found = by_article(statuses(session, clock.today(), desk.settings, []), MEASURES)
        later = by_article(statuses(session, ahead(30), desk.settings, []), MEASURES)
    assert next(item for item in found if item.article is article).result is Result.WAIVED
    assert next(item for item in later if item.article is article).result is Result.UNDETERMINED


def test_the_account_that_approved_may_be_closed_and_the_waiver_stands(desk: Desk) -> None:
    desk.add("leaving", Role.COMPLIANCE_OFFICER)
    approve(desk, write(desk), "leaving")
    with unit_of_work(desk.store) as session:
        from hegui.people.accounts import close_account

        close_account(session, desk.account(session, "admin"), desk.account(session, "leaving"))
    assert shown(desk, clock.today()).result is Result.WAIVED


def test_errors_of_waivers_speak_both_languages(desk: Desk) -> None:
    for by, obligation, reason in ((REVIEWER, "IM-99", "甲"), (REVIEWER, DUTY, ""), ("auditor", DUTY, "甲")):
        with pytest.raises(HeguiError) as raised:
            write(desk, by, obligation, reason)
        error = raised.value
        assert error.title.zh != error.title.en
        assert error.remedy.zh != error.remedy.en
