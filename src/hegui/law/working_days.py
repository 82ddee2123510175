"""Working days as the State Council's notices make them, each answer with its reasons."""

from __future__ import annotations

import calendar as calendar_module
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

import msgspec

from hegui.kit.text import Bi
from hegui.law.models import Mark, Words, read_data

_SATURDAY = 5


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The notice that fixes a year's holidays, or one that amends it."""

    title: Words
    number: str | None = None
    published: date | None = None
    url: str | None = None
    mark: Mark
    what: Words | None = None


class Holiday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One holiday with every day off that belongs to it."""

    name: Words
    days: tuple[date, ...]
    text: Words | None = None


class MakeUpDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"holiday": "for"}):
    """A weekend day that is worked for a holiday (调休)."""

    day: date
    holiday: Words


class Year(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One year's notice as data."""

    year: int
    notice: Notice
    amendments: tuple[Notice, ...] = ()
    holidays: tuple[Holiday, ...]
    workdays: tuple[MakeUpDay, ...]


@dataclass(frozen=True)
class DayStatus:
    """Whether a day is worked, why, and whether the year's notice is known."""

    day: date
    working: bool
    reason: Bi
    provisional: bool


@dataclass(frozen=True)
class Due:
    """The day on which a count of working days ends, and the days that were not counted, each with its reason."""

    start: date
    count: int
    day: date
    skipped: tuple[DayStatus, ...]
    made_up: tuple[DayStatus, ...]
    provisional: bool

    @property
    def because(self) -> Bi:
        """Explain the date in one sentence."""
        off = [item for item in self.skipped if item.day.weekday() < _SATURDAY or not _is_weekend(item)]
        zh, en = [], []
        if off:
            zh.append("不计 " + "、".join(f"{item.day:%m-%d}（{item.reason.zh}）" for item in off))
            en.append("not counted: " + ", ".join(f"{item.day:%m-%d} ({item.reason.en})" for item in off))
        weekend = len(self.skipped) - len(off)
        if weekend:
            zh.append(f"周末 {weekend} 天不计")
            en.append(f"{weekend} weekend day{'s' if weekend > 1 else ''} not counted")
        if self.made_up:
            zh.append("调休上班计入 " + "、".join(f"{item.day:%m-%d}" for item in self.made_up))
            en.append("make-up working days counted: " + ", ".join(f"{item.day:%m-%d}" for item in self.made_up))
        if self.provisional:
            zh.append("暂定：跨入尚未公布放假安排的年份，只按周末推算")
            en.append("provisional: it crosses into a year whose notice is not published, counted by weekends only")
        return Bi("；".join(zh) or "其间皆为工作日", "; ".join(en) or "every day between is a working day")


def _is_weekend(status: DayStatus) -> bool:
    return status.reason.en == "weekend"


class Calendar:
    """The published years; a day outside them is judged by its weekday alone and marked provisional."""

    def __init__(self, years: tuple[Year, ...]) -> None:
        self.years = {year.year: year for year in years}
        self._off: dict[date, Bi] = {}
        self._on: dict[date, Bi] = {}
        for year in years:
            for holiday in year.holidays:
                self._off.update(dict.fromkeys(holiday.days, holiday.name.bi))
            for made_up in year.workdays:
                name = made_up.holiday
                self._on[made_up.day] = Bi(f"{name.zh}调休上班", f"worked for {name.en}")

    def status(self, day: date) -> DayStatus:
        """Say whether a day is worked and why."""
        provisional = day.year not in self.years
        if day in self._on:
            return DayStatus(day, working=True, reason=self._on[day], provisional=False)
        if day in self._off:
            return DayStatus(day, working=False, reason=self._off[day], provisional=False)
        if day.weekday() >= _SATURDAY:
            return DayStatus(day, working=False, reason=Bi("周末", "weekend"), provisional=provisional)
        return DayStatus(day, working=True, reason=Bi("工作日", "weekday"), provisional=provisional)

    def is_working(self, day: date) -> bool:
        """Say whether a day is worked."""
        return self.status(day).working

    def add(self, start: date, count: int) -> Due:
        """Return the count-th working day after `start`; the day of the event itself is not counted."""
        day, left = start, count
        skipped: list[DayStatus] = []
        made_up: list[DayStatus] = []
        provisional = False
        while left > 0:
            day += timedelta(days=1)
            status = self.status(day)
            provisional = provisional or status.provisional
            if not status.working:
                skipped.append(status)
                continue
            left -= 1
            if day.weekday() >= _SATURDAY:
                made_up.append(status)
        return Due(start, count, day, tuple(skipped), tuple(made_up), provisional)


@cache
def calendar() -> Calendar:
    """Return the calendar of the shipped notices."""
    folder = files("hegui.law") / "holidays"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    years = [read_data((folder / name).read_text("utf-8"), f"holidays/{name}", Year) for name in names]
    return Calendar(tuple(years))


def add_months(day: date, count: int) -> date:
    """Return the same day `count` calendar months on, or the month's last day; raise OverflowError past year 9999."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    if year > date.max.year:
        raise OverflowError("date value out of range")
    return date(year, month, min(day.day, calendar_module.monthrange(year, month)[1]))
