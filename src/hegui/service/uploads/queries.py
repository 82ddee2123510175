"""What can be asked of uploads: lists by judgement, and the figures that the facts lean on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hegui.service.labels.files import Verdict
from hegui.service.uploads.models import Form, Judgement, Upload

PAGE = 100


@dataclass(frozen=True)
class Filter:
    """Which uploads to show, empty for all; `before` is the id of the last one that was shown."""

    judgement: str = ""
    service: str = ""
    before: str = ""


def uploads(session: Session, wanted: Filter) -> Sequence[Upload]:
    """Return uploads, newest first: their ids sort by time."""
    statement = select(Upload)
    if wanted.judgement:
        statement = statement.where(Upload.judgement == wanted.judgement)
    if wanted.service:
        statement = statement.where(Upload.service == wanted.service)
    if wanted.before:
        statement = statement.where(Upload.id < wanted.before)
    return session.scalars(statement.order_by(Upload.id.desc()).limit(PAGE + 1)).all()


def services(session: Session) -> list[str]:
    """Return the names of the services that have uploads."""
    return list(session.scalars(select(Upload.service).distinct().order_by(Upload.service)))


@dataclass(frozen=True)
class Judged:
    """Figures of one judgement: how many, with the notice shown, with the platform's fields added."""

    total: int = 0
    shown: int = 0
    added: int = 0
    undeclared: int = 0
    unwritable: int = 0


def judged(session: Session, since: datetime) -> dict[Judgement, Judged]:
    """Return the figures of each judgement since a moment.

    `undeclared` counts those whose user was not even asked, `unwritable` those without the platform's fields whose own
    label, or whose bytes, could not be understood: they go on as they came.
    """
    as_it_came = Upload.verdict.not_in((Verdict.PRESENT, Verdict.ABSENT))
    rows = session.execute(
        select(
            Upload.judgement,
            func.count(),
            func.count().filter(Upload.shown_at.is_not(None)),
            func.count().filter(Upload.form != Form.NONE),
            func.count().filter(Upload.declared.is_(None), ~Upload.reminded),
            func.count().filter(Upload.form == Form.NONE, as_it_came),
        )
        .where(Upload.at >= since)
        .group_by(Upload.judgement)
    )
    return {Judgement(row[0]): Judged(*row[1:]) for row in rows}
