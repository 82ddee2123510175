"""Two people, each blind to the other, a third where they differ; and what the ledger tells of it, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hegui.evidence.entries import commit_to
from hegui.general.content.policy import Action, Side
from hegui.general.review import acts, queries
from hegui.general.review.events import ExceptionProposed, WordProposed
from hegui.general.review.models import Stage, State, Verdict
from hegui.general.review.rules import Judgement, Phrase, Sample, Word
from hegui.kit import clock
from hegui.kit.canonical import canonical
from hegui.kit.errors import NotAllowedError
from hegui.people.permits import Role
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk
from tests.unit.review.conftest import ANNA, BERT, OFFICER, Office

WORD = Word("标记词甲", "A.1.a")
PHRASE = Phrase("标记词甲子", "keyword:2", "l1")
VIOLATES = Judgement(Verdict.VIOLATES, "A.1.a", note="确属", word=WORD, label=Sample("说说标记词甲", Side.INPUT))
FINE = Judgement(Verdict.FINE, phrase=PHRASE, case=Sample("标记词甲子", Side.INPUT, Action.PASS))


def entries(desk: Desk, kind: str, item: str) -> list[dict[str, Any]]:
    return [found for found in map(json.loads, desk.entries(kind)) if found.get("item") == item]


def visible(desk: Desk, name: str) -> set[str]:
    with unit_of_work(desk.store) as session:
        person = Desk.account(session, name)
        return {item.id for item in queries.queue(session, queries.Filter(), person, clock.now())}


def kept(desk: Desk, item: str) -> list[str]:
    found = desk.sql(
        "SELECT e.kind FROM review_excerpt e JOIN review_decision d ON d.id = e.decision_id WHERE d.item_id = %s"
        " ORDER BY e.kind", item,
    )  # fmt: skip
    return [row[0] for row in found]


def test_outside_the_sample_one_decision_is_enough_and_acts_at_once(desk: Desk, office: Office) -> None:
    item = office.one()
    office.heard.clear()
    done = office.decide(item.id, ANNA, VIOLATES)
    assert (done.state, done.verdict, done.risk, done.taken_by) == (State.DECIDED, "violates", "A.1.a", None)
    (told,) = office.heard
    assert isinstance(told, WordProposed)
    assert (told.text, told.risk, told.item, told.service) == (WORD.text, WORD.risk, item.id, "chat")
    assert kept(desk, item.id) == ["label"]
    (entry,) = entries(desk, "review.decided", item.id)
    assert (entry["verdict"], entry["risk"], entry["by"]) == ("violates", "A.1.a", told.by)
    assert entries(desk, "review.learned", item.id)[0]["kinds"] == ["word", "label"]


def test_the_second_is_another_person_who_sees_nothing_of_the_first(desk: Desk, office: Office) -> None:
    item = office.one(percent=100)
    office.heard.clear()
    first = office.decide(item.id, ANNA, VIOLATES)
    assert (first.state, first.stage, first.verdict) == (State.WAITING, Stage.SECOND, None)
    assert first.due_at > item.due_at, "the clock runs anew for whoever is waited for now"
    assert office.heard == []
    assert kept(desk, item.id) == [], "nothing comes of a decision before the item is decided"
    with pytest.raises(NotAllowedError, match="another person"):
        office.take(item.id, ANNA)
    assert item.id in visible(desk, BERT)
    assert item.id not in visible(desk, ANNA)
    (blind,) = entries(desk, "review.decided", item.id)
    assert set(blind) == {"item", "exchange", "by", "decision", "commitment"}
    done = office.decide(item.id, BERT, VIOLATES)
    assert (done.state, done.verdict) == (State.DECIDED, "violates")
    assert len(office.heard) == 1, "two who want the same word propose it once"
    assert kept(desk, item.id) == ["label"]
    (compared,) = entries(desk, "review.compared", item.id)
    assert compared["agreed"] is True
    told = dict(compared["first"])
    salt = told.pop("salt")
    assert commit_to(salt, canonical(told)) == blind["commitment"], "anybody can check what the first had decided"
    assert told["verdict"] == "violates"


def test_a_third_settles_where_they_differ_and_only_what_stands_acts(desk: Desk, office: Office) -> None:
    item = office.one(percent=100)
    office.heard.clear()
    office.decide(item.id, ANNA, VIOLATES)
    middle = office.decide(item.id, BERT, FINE)
    assert (middle.state, middle.stage, middle.verdict) == (State.WAITING, Stage.SETTLE, None)
    assert office.heard == []
    for name in (ANNA, BERT):
        assert item.id not in visible(desk, name)
        with pytest.raises(NotAllowedError):
            office.take(item.id, name)
    desk.add(third := f"third-{item.id[-4:]}", Role.REVIEWER)
    assert item.id not in visible(desk, third)
    with pytest.raises(NotAllowedError):
        office.take(item.id, third)
    assert item.id in visible(desk, OFFICER)
    done = office.decide(item.id, OFFICER, Judgement(Verdict.FINE))
    assert (done.state, done.verdict, done.risk) == (State.DECIDED, "fine", None)
    (told,) = office.heard
    assert isinstance(told, ExceptionProposed)
    assert (told.phrase, told.rule, told.library) == ("标记词甲子", "keyword:2", "l1")
    assert kept(desk, item.id) == ["case"]
    assert entries(desk, "review.compared", item.id)[0]["agreed"] is False
    (settled,) = entries(desk, "review.settled", item.id)
    assert settled["verdict"] == "fine"


def test_an_officer_who_decided_does_not_settle(office: Office) -> None:
    item = office.one(percent=100)
    office.decide(item.id, OFFICER, Judgement(Verdict.FINE))
    office.decide(item.id, BERT, Judgement(Verdict.VIOLATES, "A.1.a"))
    with pytest.raises(NotAllowedError, match="another person"):
        office.take(item.id, OFFICER)


def test_another_risk_is_another_decision(office: Office) -> None:
    item = office.one(percent=100)
    office.decide(item.id, ANNA, Judgement(Verdict.VIOLATES, "A.1.a"))
    assert office.decide(item.id, BERT, Judgement(Verdict.VIOLATES, "A.1.b")).stage == Stage.SETTLE


def test_the_same_person_twice_is_refused_by_the_database_too(desk: Desk, office: Office) -> None:
    item = office.one(percent=100)
    office.decide(item.id, ANNA, Judgement(Verdict.FINE))
    twice = (
        "INSERT INTO review_decision SELECT gen_random_uuid(), item_id, 'second', by, at, verdict, risk, salt, sealed,"
        " key_id, due FROM review_decision WHERE item_id = %s"
    )
    with pytest.raises(Exception, match="uq_review_decision_item_id_by"):
        desk.sql(twice, item.id)


def test_the_sample_is_drawn_when_the_item_is_queued_and_kept(desk: Desk, office: Office) -> None:
    for _ in range(40):
        office.flag()
    made = office.queue(percent=50)
    assert {item.double for item in made} == {True, False}
    from hegui.general.review import rules

    for item in made:
        assert item.draw == rules.drawn(desk.keyring.pseudonym, item.id)
        assert item.double is (item.draw < 5000)


def test_evidence_never_holds_what_was_said(desk: Desk, office: Office) -> None:
    item = office.one(percent=100)
    office.decide(item.id, ANNA, VIOLATES)
    office.decide(item.id, BERT, FINE)
    office.decide(item.id, OFFICER, VIOLATES)
    with desk.store.engine.connect() as connection:
        texts = str(connection.exec_driver_sql("SELECT payload FROM evidence_entry WHERE kind LIKE 'review.%%'").all())
        tables = "".join(
            str(
                connection.exec_driver_sql(
                    f"SELECT t::text, encode(coalesce(sealed, ''), 'escape') FROM {name} t"
                ).all()
            )
            for name in ("review_decision", "review_excerpt")
        )
    for word in ("标记词", "说说", "确属"):
        assert word not in texts
        assert word not in tables


def test_agreement_is_shown_by_month_and_by_risk(desk: Desk, office: Office) -> None:
    desk.sql("UPDATE review_decision SET stage = id::text WHERE stage = 'first'")  # the pairs of other tests
    for first, second in ((Verdict.FINE, Verdict.FINE), (Verdict.FINE, Verdict.CANNOT_TELL)):
        item = office.one(percent=100, risk="A.5.a")
        office.decide(item.id, ANNA, Judgement(first))
        office.decide(item.id, BERT, Judgement(second))
    moment = clock.now()
    with unit_of_work(desk.store) as session:
        found = queries.pairs(session, moment.replace(year=moment.year - 1))
    (risk,) = queries.by_risk(found)
    assert (risk.name, risk.agreement.pairs, risk.agreement.agreed, risk.agreement.few) == ("A.5.a", 2, 1, True)
    names = queries.months(moment, 3)
    months = queries.by_month(found, names)
    assert [item.agreement.pairs for item in months] == [0, 0, 2]
    assert names == sorted(names)
    assert queries.overall(found).agreement.kappa == 0, "as much as chance alone would bring"


def test_what_is_asked_of_the_wrong_item_is_said(desk: Desk) -> None:
    with pytest.raises(Exception, match="no such item"), unit_of_work(desk.store) as session:
        acts.take(session, "0" * 8 + "-0000-0000-0000-" + "0" * 12, Desk.account(session, ANNA))
