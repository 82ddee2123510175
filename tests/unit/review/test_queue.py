"""Into the queue and out of it: nothing twice, a clock and an owner for whatever waits, one person at a time."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from hegui.evidence import leave
from hegui.general.content.policy import Action, Urgency
from hegui.general.review import acts, queries, rules
from hegui.general.review.models import NOT_CHECKED, Flagged, State, Verdict
from hegui.general.review.rules import Judgement
from hegui.kit import clock, ids
from hegui.kit.errors import InputError, NotAllowedError
from hegui.people.permits import Role
from hegui.service.gateway import queueing
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk
from tests.unit.people.desk import Verdict as Hit
from tests.unit.review.conftest import ANNA, BERT, OFFICER, Office

FINE = Judgement(Verdict.FINE)


def rows(desk: Desk, exchange: str) -> list[tuple[object, ...]]:
    return desk.sql(
        "SELECT i.occurrences, i.state FROM review_occurrence o JOIN review_item i ON i.id = o.item_id"
        " WHERE o.exchange_id = %s",
        exchange,
    )


# --- into the queue --------------------------------------------------------------------------------


def test_what_is_flagged_is_queued_once_and_what_is_not_never(desk: Desk, office: Office) -> None:
    calm, flagged = desk.exchange(), office.flag(urgency=Urgency.HIGH)
    (item,) = office.queue()
    assert (item.exchange_id, item.service, item.urgency, item.state) == (flagged, "chat", "high", "waiting")
    assert (item.risks, item.lanes, item.occurrences) == (["A.1.a"], ["exact"], 1)
    assert item.due_at - item.queued_at == rules.TERMS[Urgency.HIGH]
    assert office.queue() == []
    assert rows(desk, calm) == []
    # As after a restored backup: the gateway does not remember that it handed it over.
    desk.sql("UPDATE gateway_exchange SET queued = false")
    assert office.queue() == []
    assert rows(desk, flagged) == [(1, "waiting")]


def test_the_same_again_counts_there_while_open_and_is_an_item_of_its_own_once_decided(office: Office) -> None:
    item = office.one(text="请讲标记词甲", urgency=Urgency.LOW)
    office.flag("请 讲 標记词甲", urgency=Urgency.HIGH)  # dressed otherwise
    office.flag("请讲标记词甲", urgency=Urgency.LOW)
    assert office.queue() == []
    again = office.item(item.id)
    assert (again.occurrences, again.urgency) == (3, "high")
    assert again.due_at < item.due_at, "the most urgent decides the clock"
    office.decide(item.id, ANNA, FINE)
    office.flag("请讲标记词甲")
    (fresh,) = office.queue()
    assert (fresh.occurrences, fresh.state) == (1, "waiting")


def test_the_same_words_to_another_service_are_another_item(desk: Desk, office: Office) -> None:
    desk.sql("INSERT INTO people_service VALUES ('tutor', '{}', now()) ON CONFLICT DO NOTHING")
    office.flag("标记词乙在此")
    office.flag("标记词乙在此", service="tutor")
    assert {item.service for item in office.queue()} == {"chat", "tutor"}


def test_what_passed_beside_a_flag_is_not_what_it_is_looked_at_for(desk: Desk, office: Office) -> None:
    found = [
        ("messages[0].content", Hit("A.4.f", "personal:mobile", "personal", 0, 2, Action.PASS)),
        ("messages[0].content", Hit("A.2.b", "keyword:9", "pinyin", 0, 2, Action.FLAG)),
    ]
    desk.exchange(question=f'[{{"role":"user","content":"{ids.uuid7()}"}}]', urgency=Urgency.MEDIUM, inbound=found)
    desk.exchange(question=ids.uuid7(), urgency=Urgency.HIGH, not_scanned=["output"], outcome="undetermined")
    one, other = office.queue()
    assert (one.risks, one.lanes) == (["A.2.b"], ["pinyin"])
    assert (other.risks, other.lanes) == ([], [NOT_CHECKED])


def test_two_keepers_at_once_queue_each_exchange_once(desk: Desk, office: Office) -> None:
    made = [office.flag(f"标记词丙 {number % 20} 号") for number in range(250)]
    keepers = [threading.Thread(target=queueing.queue_all, args=(desk.store, desk.keyring, 10)) for _ in range(4)]
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.join(60)
    counted = desk.sql(
        "SELECT count(DISTINCT item_id), count(*) FROM review_occurrence WHERE exchange_id = ANY(%s::uuid[])", made
    )
    assert counted == [(20, 250)]
    total = desk.sql(
        "SELECT sum(occurrences) FROM review_item WHERE id IN"
        " (SELECT item_id FROM review_occurrence WHERE exchange_id = ANY(%s::uuid[]))", made,
    )  # fmt: skip
    assert total == [(250,)]


def test_two_that_queue_one_exchange_directly_make_one_item(desk: Desk) -> None:
    with unit_of_work(desk.store) as session:
        number = leave(session, "test", {})
    one = Flagged(number, "chat", clock.now(), "low", ("A.1.a",), ("exact",), ids.uuid7())
    made: list[str] = []

    def enqueue() -> None:
        with unit_of_work(desk.store) as session:
            made.extend(acts.enqueue(session, [one, one], b"k", 0))

    both = [threading.Thread(target=enqueue) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert len(made) == 1
    assert rows(desk, number) == [(1, "waiting")]


# --- one person at a time --------------------------------------------------------------------------


def test_an_item_that_is_taken_is_nobody_elses_until_the_lease_runs_out(desk: Desk, office: Office) -> None:
    item = office.one()
    taken = office.take(item.id, ANNA)
    assert taken.state_at(clock.now()) is State.TAKEN
    assert taken.taken_until is not None
    assert timedelta(0) < taken.taken_until - clock.now() <= rules.LEASE
    with pytest.raises(NotAllowedError, match="somebody else"):
        office.take(item.id, BERT)
    with pytest.raises(NotAllowedError, match="do not have"):
        office.decide(item.id, BERT, FINE, take=False)
    office.later(item.id, rules.LEASE)
    assert office.item(item.id).state_at(clock.now()) is State.WAITING
    assert office.take(item.id, BERT).taken_by != taken.taken_by
    with pytest.raises(NotAllowedError, match="do not have"):
        office.decide(item.id, ANNA, FINE, take=False)
    assert office.decide(item.id, BERT, FINE, take=False).state == State.DECIDED


def test_who_comes_late_but_first_loses_nothing(office: Office) -> None:
    item = office.one()
    office.take(item.id, ANNA)
    office.later(item.id, 2 * rules.LEASE)
    assert office.decide(item.id, ANNA, FINE, take=False).state == State.DECIDED


def test_an_item_that_is_given_back_is_anybodys(desk: Desk, office: Office) -> None:
    item = office.one()
    office.take(item.id, ANNA)
    with unit_of_work(desk.store) as session:
        acts.release(session, item.id, Desk.account(session, BERT))
    assert office.item(item.id).state == State.TAKEN, "nobody gives back what another has"
    with unit_of_work(desk.store) as session:
        acts.release(session, item.id, Desk.account(session, ANNA))
    assert office.take(item.id, BERT).state == State.TAKEN


def test_a_decided_item_is_decided(office: Office) -> None:
    item = office.one()
    office.decide(item.id, ANNA, FINE)
    for name in (ANNA, BERT, OFFICER):
        with pytest.raises(NotAllowedError, match="is decided"):
            office.take(item.id, name)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_others_do_not_review(desk: Desk, office: Office, role: Role) -> None:
    item = office.one()
    with pytest.raises(NotAllowedError):
        office.take(item.id, desk.name(role))
    assert office.item(item.id).state == State.WAITING


def test_what_can_not_be_said_changes_nothing(office: Office) -> None:
    item = office.one()
    office.take(item.id, ANNA)
    with pytest.raises(InputError):
        office.decide(item.id, ANNA, Judgement(Verdict.VIOLATES), take=False)
    assert office.item(item.id).state == State.TAKEN


def test_two_who_decide_at_once_decide_once(desk: Desk, office: Office) -> None:
    item = office.one()
    office.take(item.id, ANNA)
    ends: list[object] = []

    def decide() -> None:
        try:
            ends.append(office.decide(item.id, ANNA, FINE, take=False).state)
        except NotAllowedError as error:
            ends.append(type(error))

    both = [threading.Thread(target=decide) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert sorted(map(str, ends)) == sorted(map(str, [State.DECIDED, NotAllowedError]))
    assert desk.sql("SELECT count(*) FROM review_decision WHERE item_id = %s", item.id) == [(1,)]


# --- the order of the queue ------------------------------------------------------------------------


def test_the_queue_is_by_its_clocks_and_its_filters(desk: Desk, office: Office) -> None:
    desk.sql("UPDATE review_item SET state = 'decided'")
    low, high, late = (
        office.one(urgency=urgency, risk=risk)
        for urgency, risk in ((Urgency.LOW, "A.2.b"), (Urgency.HIGH, "A.1.a"), (Urgency.LOW, "A.1.a"))
    )
    office.later(late.id, timedelta(days=4))
    office.take(high.id, ANNA)

    def shown(name: str = BERT, **wanted: str) -> list[str]:
        with unit_of_work(desk.store) as session:
            person = Desk.account(session, name)
            return [item.id for item in queries.queue(session, queries.Filter(**wanted), person, clock.now())]

    assert shown() == [late.id, high.id, low.id]
    assert shown(urgency="low") == [late.id, low.id]
    assert shown(risk="A.2.b") == [low.id]
    assert shown(late="1") == [late.id]
    assert shown(whose="free") == [late.id, low.id]
    assert shown(ANNA, whose="mine") == [high.id]
    assert shown(whose="mine") == []
    assert shown(lane="exact", service="chat") == [late.id, high.id, low.id]
    assert shown(lane="guard") == shown(service="nowhere") == []
    with unit_of_work(desk.store) as session:
        load = queries.load(session, clock.now())
    assert (load.waiting, load.late, load.to_settle) == (3, 1, 0)
