"""What can be asked of the exchanges: a filtered list, one, and the figures of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Select, cast, func, select, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Session

from hegui.evidence.models import EntryRow
from hegui.general.content.policy import URGENCY_NAMES, Audience
from hegui.kit import clock
from hegui.kit.text import Bi
from hegui.service.gateway.follower import REFUSED, TAKEN
from hegui.service.gateway.models import Exchange

PAGE = 50

OUTCOMES: dict[str, Bi] = {
    "answered": Bi("已回答", "answered"),
    "refused_input": Bi("输入被拒", "input refused"),
    "refused_output": Bi("输出被止", "output stopped"),
    "ended_input": Bi("输入致对话终止", "ended for the input"),
    "ended_output": Bi("输出致对话终止", "ended for the output"),
    "set_answer": Bi("代答", "set answer"),
    "undetermined": Bi("未能检查，已扣留", "undetermined, withheld"),
    "unlabelled": Bi("未能加标识，已扣留", "could not be labelled, withheld"),
    "not_kept": Bi("文件无处存放", "no room for its files"),
    "client_gone": Bi("用户中途离开", "client left"),
    "upstream_incomplete": Bi("上游中断", "upstream broke off"),
    "upstream_error": Bi("上游出错", "upstream failed"),
    "upstream_refused": Bi("上游拒绝", "upstream refused"),
    "upstream_timeout": Bi("上游超时", "upstream timed out"),
    "upstream_unreachable": Bi("上游不可达", "upstream unreachable"),
    "upstream_too_large": Bi("上游回答过大", "upstream answer too large"),
    "queued": Bi("已提交制作", "being made"),
    "checked": Bi("仅检查", "check only"),
}
BLOCKED = ("refused_input", "refused_output", "ended_input", "ended_output", "set_answer")
ANY_FLAG = "any"
FLAGS: dict[str, Bi] = {ANY_FLAG: Bi("全部送审", "any urgency"), **URGENCY_NAMES}
"""What the list can be narrowed to: everything that was flagged, or what has one urgency."""


@dataclass(frozen=True)
class Filter:
    """Which exchanges to show."""

    outcome: str = ""
    risk: str = ""
    service: str = ""
    person: str = ""
    flagged: str = ""
    before: str = ""

    def apply(self, statement: Select[Any]) -> Select[Any]:
        """Narrow a statement."""
        if self.outcome in OUTCOMES:
            statement = statement.where(Exchange.outcome == self.outcome)
        if self.risk:
            statement = statement.where(Exchange.risks.contains([self.risk]))
        if self.service:
            statement = statement.where(Exchange.service == self.service)
        if self.person:
            statement = statement.where(Exchange.person == self.person)
        if self.flagged:
            statement = statement.where(Exchange.flagged)
            if self.flagged in URGENCY_NAMES:
                statement = statement.where(Exchange.urgency == self.flagged)
        if self.before:
            statement = statement.where(Exchange.id < self.before)
        return statement


def exchanges(session: Session, wanted: Filter) -> Sequence[Exchange]:
    """Return a page of exchanges, newest first; ids sort by time."""
    return session.scalars(wanted.apply(select(Exchange)).order_by(Exchange.id.desc()).limit(PAGE)).all()


def entry(session: Session, exchange_id: str) -> EntryRow | None:
    """Return the ledger entry of an exchange."""
    return session.get(EntryRow, exchange_id)


def minors(session: Session, rows: Sequence[Exchange]) -> frozenset[str]:
    """Return the ids of those exchanges whose answers were for minors; their records say so."""
    wanted = [row.id for row in rows]
    found = session.scalars(
        select(EntryRow.id).where(
            EntryRow.id.in_(wanted), cast(EntryRow.payload, JSON)["audience"].astext == Audience.MINORS.value
        )
    )
    return frozenset(found)


def rules_problem(session: Session) -> Bi | None:
    """Return why the newest rules are not in force, as a worker told it; None where they are."""
    row = session.scalar(
        select(EntryRow)
        .where(EntryRow.kind.in_((TAKEN, REFUSED, "service.started")))
        .order_by(EntryRow.at.desc(), EntryRow.id.desc())
        .limit(1)
    )
    if row is None or row.kind != REFUSED or row.payload is None:
        return None
    said = orjson.loads(row.payload)
    return Bi(said["zh"], said["en"])


def services(session: Session) -> list[str]:
    """Return the names of services that have exchanges."""
    return list(session.scalars(text("SELECT name FROM people_service ORDER BY name")))


@dataclass(frozen=True)
class Bin:
    """One bar of the chart."""

    start: datetime
    total: int
    blocked: int
    undetermined: int
    latency_p50: int
    latency_p95: int


def volume(session: Session, hours: int, bins: int) -> list[Bin]:
    """Return counts and latencies of the last hours in equal bins, empty ones too."""
    end = clock.now()
    step = timedelta(hours=hours) / bins
    start = end - timedelta(hours=hours)
    number = func.floor(func.extract("epoch", Exchange.at - start) / step.total_seconds())
    rows = session.execute(
        select(
            number.label("bin"),
            func.count(),
            func.count().filter(Exchange.outcome.in_(BLOCKED)),
            func.count().filter(Exchange.outcome == "undetermined"),
            func.percentile_disc(0.5).within_group(Exchange.latency_ms),
            func.percentile_disc(0.95).within_group(Exchange.latency_ms),
        )
        .where(Exchange.at >= start)
        .group_by("bin")
    ).all()
    found = {int(row[0]): row for row in rows}
    result = []
    for place in range(bins):
        row = found.get(place)
        values = (row[1], row[2], row[3], row[4], row[5]) if row else (0, 0, 0, 0, 0)
        result.append(Bin(start + step * place, *values))
    return result


@dataclass(frozen=True)
class Media:
    """What became of files of one kind: those that left, those with both labels read back, broken off half-way, withheld.

    `released` of those that left were given without the explicit label on a grant, of them `released_part` broke off.
    """

    kind: str
    left: int = 0
    labelled: int = 0
    part: int = 0
    withheld: int = 0
    released: int = 0
    released_part: int = 0

    @property
    def due(self) -> int:
        """Return how many of those that left had to have the explicit label."""
        return self.left - self.released


_MEDIA = text(
    "SELECT item->>'kind', count(*) FILTER (WHERE item->>'sent' IS NOT NULL),"
    " count(*) FILTER (WHERE item->>'verdict' = 'present' AND item->>'explicit' NOT IN ('', 'released')"
    " AND item->>'sent' IN ('body', 'url')),"
    " count(*) FILTER (WHERE item->>'sent' = 'part' AND item->>'explicit' IS DISTINCT FROM 'released'),"
    " count(*) FILTER (WHERE item->>'withheld' IS NOT NULL),"
    " count(*) FILTER (WHERE item->>'explicit' = 'released' AND item->>'sent' IS NOT NULL),"
    " count(*) FILTER (WHERE item->>'explicit' = 'released' AND item->>'verdict' IS DISTINCT FROM 'present')"
    " FROM gateway_exchange x JOIN evidence_entry e ON e.id = x.id, json_array_elements(e.payload::json->'media') AS item"
    " WHERE x.at >= :since AND e.payload LIKE '%\"media\":%' GROUP BY 1"
)


@dataclass(frozen=True)
class Day:
    """The figures of the last 24 hours that facts lean on."""

    total: int
    answered: int
    blocked: int
    undetermined: int
    labelled: int
    unseen: int = 0
    """Exchanges that went on though a check that could only have noted did not run."""
    released: int = 0
    """Answered without the explicit label on a grant; they are not among those to be labelled."""
    media: tuple[Media, ...] = ()

    def of(self, kind: str) -> Media:
        """Return what is known of the files of one kind."""
        return next((item for item in self.media if item.kind == kind), Media(kind))


def last_day(session: Session) -> Day:
    """Return what happened in the last 24 hours."""
    since = clock.now() - timedelta(hours=24)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Exchange.outcome == "answered"),
            func.count().filter(Exchange.outcome.in_(BLOCKED)),
            func.count().filter(Exchange.outcome == "undetermined"),
        ).where(Exchange.at >= since)
    ).one()
    labels = session.execute(
        text(
            "SELECT count(*) FILTER (WHERE answered AND l <> '' AND l NOT LIKE '%open_code_fence%' AND l NOT LIKE '%released%'),"
            " count(*) FILTER (WHERE answered AND l LIKE '%released%'),"
            " count(*) FILTER (WHERE x.outcome <> 'undetermined' AND e.payload::json->>'not_scanned' <> '[]')"
            " FROM gateway_exchange x JOIN evidence_entry e ON e.id = x.id,"
            " LATERAL (SELECT e.payload::json->>'label' AS l, x.outcome = 'answered' AS answered) AS said"
            " WHERE x.at >= :since"
        ),
        {"since": since},
    ).one()
    media = tuple(Media(*found) for found in session.execute(_MEDIA, {"since": since}))
    return Day(row[0], row[1], row[2], row[3], labels[0], unseen=labels[2], released=labels[1], media=media)
