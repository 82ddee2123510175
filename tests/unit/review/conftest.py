"""A desk with flagged exchanges, and the acts of the review on it, a transaction each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hegui.evidence.box import Box
from hegui.general.content.policy import Action, Urgency
from hegui.general.review import acts, learning
from hegui.general.review.events import ExceptionProposed, WordProposed
from hegui.general.review.models import Item
from hegui.general.review.rules import Judgement
from hegui.kit import ids
from hegui.kit.events import Bus
from hegui.people.permits import Role
from hegui.service.gateway import queueing
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk, Verdict, open_desk

ANNA, BERT, OFFICER = "anna", "bert", "compliance_officer"
WORD = "标记词甲"


class Office:
    """The review on a desk: what is told to others is kept in `heard`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.heard: list[object] = []
        bus = Bus()
        for event in (WordProposed, ExceptionProposed):
            bus.on(event, lambda _, told: self.heard.append(told))
        self.acts = learning.Desk(Box(desk.keyring), bus, 180)
        for name in (ANNA, BERT):
            desk.add(name, Role.REVIEWER)

    def flag(self, text: str = "", *, urgency: Urgency = Urgency.MEDIUM, risk: str = "A.1.a", **known: Any) -> str:
        """Record an exchange that is flagged; without a text it is like no other. Return its id."""
        said = text or ids.uuid7()
        found = Verdict(risk, "keyword:2", "exact", 0, min(4, len(said)), Action.FLAG)
        return self.desk.exchange(
            question=f'[{{"role":"user","content":"{said}"}}]', urgency=urgency,
            inbound=[("messages[0].content", found)], **known,
        )  # fmt: skip

    def queue(self, percent: int = 0) -> list[Item]:
        """Hand over what is flagged; return the items that were made."""
        before = {row[0] for row in self.desk.sql("SELECT id FROM review_item")}
        queueing.queue_all(self.desk.store, self.desk.keyring, percent)
        with unit_of_work(self.desk.store) as session:
            return [item for item in session.query(Item).order_by(Item.id) if item.id not in map(str, before)]

    def one(self, percent: int = 0, text: str = "", **known: Any) -> Item:
        self.flag(text, **known)
        (item,) = self.queue(percent)
        return item

    def item(self, number: str) -> Item:
        with unit_of_work(self.desk.store) as session:
            return session.get_one(Item, number)

    def take(self, number: str, name: str) -> Item:
        with unit_of_work(self.desk.store) as session:
            return acts.take(session, number, Desk.account(session, name))

    def decide(self, number: str, name: str, judgement: Judgement, *, take: bool = True) -> Item:
        if take:
            self.take(number, name)
        with unit_of_work(self.desk.store) as session:
            return acts.decide(session, self.acts, number, Desk.account(session, name), judgement)

    def later(self, number: str, by: timedelta) -> None:
        """Let time pass for an item."""
        self.desk.sql(
            "UPDATE review_item SET taken_until = taken_until - %s::interval, due_at = due_at - %s::interval WHERE id = %s",
            by, by, number,
        )  # fmt: skip


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("review") / "data") as opened:
        opened.sql("INSERT INTO people_service VALUES ('chat', '{}', now()) ON CONFLICT DO NOTHING")
        yield opened


@pytest.fixture(scope="module")
def office(desk: Desk) -> Office:
    return Office(desk)
