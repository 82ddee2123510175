"""Handing the log to an inspector: a span of days as a file, and that it was handed over is recorded."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.box import Box
from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law.working_days import add_months
from hegui.service.releases import queries, rules, sheet

_YEARS = range(1900, 9999)
"""Years with a day before and after, in any zone."""


def first_day(settings: Settings) -> date:
    """Return the first day of the months that logs are kept."""
    return add_months(clock.today(), -rules.months(settings.log_months))


def day(text: str, default: date) -> date:
    """Return a day written as 2026-11-22; raise InputError."""
    try:
        found = date.fromisoformat(text) if text else default
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        shown = text.encode("utf-8", "replace").decode()
        raise InputError(
            Bi(f"日期 {shown} 无法理解", f"the date {shown} can not be read"), Bi("写成 2026-11-22", "write 2026-11-22")
        )
    return found


def hand_over(session: Session, box: Box, form: str, span: tuple[date, date], by: str) -> tuple[bytes, str, int]:
    """Return the log of the days from first to last as a file, its media type and how many rows; leave evidence."""
    first, last = span
    since = datetime.combine(first, time.min, clock.CHINA)
    found = queries.log(session, since, datetime.combine(last + timedelta(days=1), time.min, clock.CHINA))
    if len(found) == queries.MOST_LOG:
        raise InputError(
            Bi(f"超过 {queries.MOST_LOG} 条", f"over {queries.MOST_LOG} rows"), Bi("缩短起止日期", "choose fewer days")
        )
    data, media = sheet.written(form, sheet.rows(found, box, queries.names(session)))
    payload = {"by": by, "first": first.isoformat(), "last": last.isoformat(), "count": len(found), "form": form}
    leave(session, "release.exported", payload)
    return data, media, len(found)
