"""Retention: what is due goes, what the law keeps stays, and the erasure is itself recorded.

The record of an erasure is committed in one transaction with it, counts what was destroyed, and
names the rule and the cut-off, so that it can be run again after a restored backup.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from hegui.evidence.entries import leave
from hegui.evidence.models import EntryRow
from hegui.kit import clock
from hegui.kit.errors import SettingsError
from hegui.kit.text import Bi
from hegui.law.citations import cite
from hegui.law.register import register
from hegui.law.working_days import add_months

LOG = "log"
"""Retention class of network logs: the law's months, counted by the calendar, then gone."""

LOG_CLAUSE = cite("CSL-23")


@dataclass(frozen=True)
class Erased:
    """What one run of retention destroyed."""

    kind: str
    count: int
    cutoff: datetime


def log_months(wanted: int) -> int:
    """Return the months to keep logs; raise SettingsError below the law's least."""
    least = register().whole(LOG_CLAUSE, "log_retention_months")
    if wanted < least:
        raise SettingsError(
            Bi(
                f"日志保留 {wanted} 个月，少于法定 {least} 个月",
                f"logs kept {wanted} months, less than the law's {least}",
            ),
            Bi(f"把 log_months 设为 {least} 或更多", f"set log_months to {least} or more"),
            cite=LOG_CLAUSE,
        )
    return wanted


def log_due(at: datetime, months: int) -> datetime:
    """Return when a log record is due: the end of that day in China, `months` calendar months on."""
    day = add_months(at.astimezone(clock.CHINA).date(), months)
    return datetime.combine(day, time.max.replace(microsecond=0), clock.CHINA)


def erase_due_entries(session: Session, moment: datetime) -> Erased | None:
    """Erase payload and salt of entries whose time is up; their leaves stay provable."""
    due = (EntryRow.due <= moment) & EntryRow.erased_at.is_(None) & EntryRow.seq.is_not(None)
    done = session.execute(update(EntryRow).where(due).values(payload=None, salt=None, erased_at=moment))
    count = cast("CursorResult[Any]", done).rowcount
    if count == 0:
        return None
    leave(session, "record.erased", {"class": LOG, "cutoff": clock.iso(moment), "count": count, "cite": LOG_CLAUSE})
    return Erased(LOG, count, moment)
