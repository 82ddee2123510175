"""What can be asked of releases: grants, what was given under them, what waits, what the facts lean on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Date, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from hegui.kit import clock
from hegui.people.models import Account
from hegui.service.releases.models import ClauseRow, Content, ContentState, Grant, GrantState

PAGE = 200
MOST_LOG = 50_000
"""Most rows of one export of the log; more is asked for by a span of time."""
_OPEN = (GrantState.REQUESTED, GrantState.ACCEPTED, GrantState.GRANTED)


@dataclass(frozen=True)
class Filter:
    """Which grants to show, empty for all; `before` is the id of the last one that was shown."""

    state: str = ""
    service: str = ""
    person: str = ""
    before: str = ""

    def conditions(self, moment: datetime) -> list[ColumnElement[bool]]:
        """Return what a statement over grants must hold."""
        found: list[ColumnElement[bool]] = []
        if self.service:
            found.append(Grant.service == self.service)
        if self.person:
            found.append(Grant.person == self.person)
        if self.before:
            found.append(Grant.id < self.before)
        if self.state == GrantState.LAPSED:
            found.append(and_(Grant.state.in_(_OPEN), Grant.lapses_at <= moment))
        elif self.state:
            ended = Grant.state.in_((GrantState.REFUSED, GrantState.REVOKED))
            found += [Grant.state == self.state, or_(ended, Grant.lapses_at > moment)]
        return found


def grants(session: Session, wanted: Filter, moment: datetime) -> Sequence[Grant]:
    """Return grants, newest first, as their ids sort: a page, and one more where there is more."""
    statement = select(Grant).where(*wanted.conditions(moment)).order_by(Grant.id.desc())
    return session.scalars(statement.limit(PAGE + 1)).all()


def waiting(session: Session, moment: datetime) -> int:
    """Return how many accepted requests wait for an approval."""
    held = (Grant.state == GrantState.ACCEPTED, Grant.lapses_at > moment)
    return session.scalar(select(func.count()).where(*held)) or 0


def contents(session: Session, grant: str, before: str = "") -> Sequence[Content]:
    """Return what was given under a grant, newest first, from behind a content on: a page, and one more where there is more."""
    statement = select(Content).where(Content.grant_id == grant)
    if before:
        at = select(Content.at).where(Content.content_id == before, Content.grant_id == grant).scalar_subquery()
        statement = statement.where(tuple_(Content.at, Content.content_id) < tuple_(at, literal(before)))
    return session.scalars(statement.order_by(Content.at.desc(), Content.content_id.desc()).limit(PAGE + 1)).all()


def services(session: Session) -> list[str]:
    """Return the names of the services that have grants."""
    return list(session.scalars(select(Grant.service).distinct().order_by(Grant.service)))


def names(session: Session) -> dict[str, str]:
    """Return the names of accounts by their ids."""
    return {row[0]: row[1] for row in session.execute(select(Account.id, Account.name))}


def log(session: Session, since: datetime, until: datetime) -> list[tuple[Content, Grant, ClauseRow]]:
    """Return the log of a span of time, oldest first: each content with its grant and the clause that was accepted."""
    rows = session.execute(
        select(Content, Grant, ClauseRow)
        .join(Grant, Grant.id == Content.grant_id)
        .join(ClauseRow, ClauseRow.digest == Grant.clause)
        .where(Content.at >= since, Content.at <= until)
        .order_by(Content.at, Content.content_id)
        .limit(MOST_LOG)
    )
    return [(row[0], row[1], row[2]) for row in rows]


@dataclass(frozen=True)
class Given:
    """The figures that the facts lean on: of all contents that are still kept."""

    contents: int
    given: int
    unfinished: int
    unaccepted: int
    short: int
    template: int


def given(session: Session, months: int, stale: datetime) -> Given:
    """Return the figures; what was begun before `stale` and has not ended counts as unfinished.

    `unaccepted` counts contents begun before the clause was accepted, `short` those whose record goes before so many
    calendar months in China are over.
    """
    day, last = (cast(func.timezone(clock.CHINA.key, column), Date) for column in (Content.at, Content.due))
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Content.state == ContentState.GIVEN),
            func.count().filter(Content.state == ContentState.BEGUN, Content.at <= stale),
            func.count().filter(or_(Grant.accepted_at.is_(None), Grant.accepted_at > Content.at)),
            func.count().filter(last < day + func.make_interval(0, months)),
            func.count().filter(Content.state == ContentState.GIVEN, ClauseRow.template),
        )
        .select_from(Content)
        .join(Grant, Grant.id == Content.grant_id)
        .join(ClauseRow, ClauseRow.digest == Grant.clause)
    ).one()
    return Given(*row)
