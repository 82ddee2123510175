"""Time: aware UTC instants, and the Chinese calendar day on which the law counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return today's date in China, where the law's days begin and end."""
    return datetime.now(CHINA).date()


def iso(moment: datetime) -> str:
    """Return an instant as RFC 3339 text in UTC with milliseconds and `Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
