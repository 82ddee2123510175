"""What can be asked of the review: the queue as one person may see it, their decisions, agreement, what is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from hegui.evidence.models import EntryRow
from hegui.general.review import rules
from hegui.general.review.models import Decision, Item, Stage, State
from hegui.general.review.rules import Agreement
from hegui.kit import clock
from hegui.people.models import Account
from hegui.people.permits import Act, Role, permits

PAGE = 100
_OPEN = Item.state != State.DECIDED


@dataclass(frozen=True)
class Filter:
    """Which open items to show; `whose` is `mine`, `free` or empty for both; `late` is `1` for what is overdue."""

    urgency: str = ""
    risk: str = ""
    lane: str = ""
    service: str = ""
    whose: str = ""
    late: str = ""

    def conditions(self, by: str, moment: datetime) -> list[ColumnElement[bool]]:
        """Return what a statement over items must hold."""
        found: list[ColumnElement[bool]] = []
        for column, value in ((Item.urgency, self.urgency), (Item.service, self.service)):
            if value:
                found.append(column == value)
        if self.risk:
            found.append(Item.risks.contains([self.risk]))
        if self.lane:
            found.append(Item.lanes.contains([self.lane]))
        held = and_(Item.state == State.TAKEN, Item.taken_until > moment)
        if self.whose == "mine":
            found.append(and_(held, Item.taken_by == by))
        elif self.whose == "free":
            found.append(~held)
        if self.late:
            found.append(Item.due_at <= moment)
        return found


def queue(session: Session, wanted: Filter, person: Account, moment: datetime) -> Sequence[Item]:
    """Return the open items that a person can still do something about, those due first at the top.

    Nobody sees an item that they decided, so that a second review stays another person's; what is to be settled is
    shown to those who settle.
    """
    decided = exists().where(Decision.item_id == Item.id, Decision.by == person.id)
    statement = select(Item).where(_OPEN, ~decided, *wanted.conditions(person.id, moment))
    if not permits(Role(person.role), Act.SETTLE_REVIEW):
        statement = statement.where(Item.stage != Stage.SETTLE)
    return session.scalars(statement.order_by(Item.due_at, Item.id).limit(PAGE)).all()


def services(session: Session) -> list[str]:
    """Return the names of the services that have open items."""
    return list(session.scalars(select(Item.service).where(_OPEN).distinct().order_by(Item.service)))


@dataclass(frozen=True)
class Load:
    """How many items are open, how many of them late, how many to be settled, and when the first is due."""

    waiting: int
    late: int
    to_settle: int
    earliest: datetime | None


def load(session: Session, moment: datetime) -> Load:
    """Return what waits."""
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Item.due_at <= moment),
            func.count().filter(Item.stage == Stage.SETTLE),
            func.min(Item.due_at),
        ).where(_OPEN)
    ).one()
    return Load(row[0], row[1], row[2], row[3])


@dataclass(frozen=True)
class Done:
    """What was decided since a moment: how many decisions, and by how many people."""

    decisions: int
    people: int


def done(session: Session, since: datetime) -> Done:
    """Return what was decided since a moment."""
    row = session.execute(select(func.count(), func.count(Decision.by.distinct())).where(Decision.at >= since)).one()
    return Done(row[0], row[1])


def learned(session: Session, since: datetime) -> int:
    """Return how many decisions since a moment led to a word, an exception, a label or a case."""
    kept = (EntryRow.kind == "review.learned", EntryRow.at >= since)
    return session.scalar(select(func.count()).select_from(EntryRow).where(*kept)) or 0


def names(session: Session) -> dict[str, str]:
    """Return the names of accounts by their ids."""
    return {row[0]: row[1] for row in session.execute(select(Account.id, Account.name))}


def mine(session: Session, person: str) -> list[tuple[Decision, Item]]:
    """Return what a person decided, newest first, with the items."""
    found = session.execute(
        select(Decision, Item).join(Item, Item.id == Decision.item_id).where(Decision.by == person)
        .order_by(Decision.at.desc()).limit(PAGE)
    )  # fmt: skip
    return [(row[0], row[1]) for row in found]


# --- agreement ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """What two reviewers decided of one item, blind, and when the second did."""

    at: datetime
    first: str
    second: str
    risks: tuple[str, ...]


def pairs(session: Session, since: datetime) -> list[Pair]:
    """Return the pairs of blind decisions whose second is not older than a moment, oldest first."""
    one, other = aliased(Decision), aliased(Decision)
    rows = session.execute(
        select(other.at, one.verdict, one.risk, other.verdict, other.risk, Item.risks)
        .join(other, and_(other.item_id == one.item_id, other.stage == Stage.SECOND))
        .join(Item, Item.id == one.item_id)
        .where(one.stage == Stage.FIRST, other.at >= since)
        .order_by(other.at)
    )
    return [Pair(row[0], rules.category(row[1], row[2]), rules.category(row[3], row[4]), tuple(row[5])) for row in rows]


@dataclass(frozen=True)
class Agreed:
    """Agreement of one period or one risk."""

    name: str
    agreement: Agreement


def _of(name: str, found: Sequence[Pair]) -> Agreed:
    return Agreed(name, rules.agreement([(pair.first, pair.second) for pair in found]))


def months(moment: datetime, count: int) -> list[str]:
    """Return the last calendar months in China as `2026-11`, oldest first."""
    day = moment.astimezone(clock.CHINA).date().replace(day=1)
    found = []
    for _ in range(count):
        found.append(f"{day:%Y-%m}")
        day = (day - timedelta(days=1)).replace(day=1)
    return found[::-1]


def by_month(found: Sequence[Pair], wanted: Sequence[str]) -> list[Agreed]:
    """Return agreement by calendar month in China, months without a pair too."""
    return [
        _of(month, [pair for pair in found if f"{pair.at.astimezone(clock.CHINA):%Y-%m}" == month]) for month in wanted
    ]


def by_risk(found: Sequence[Pair]) -> list[Agreed]:
    """Return agreement over the items that were flagged for each risk."""
    wanted = sorted({risk for pair in found for risk in pair.risks})
    return [_of(risk, [pair for pair in found if risk in pair.risks]) for risk in wanted]


def overall(found: Sequence[Pair]) -> Agreed:
    """Return agreement over all pairs."""
    return _of("", found)
