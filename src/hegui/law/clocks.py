"""Deadlines that explain themselves: which clause, from which day, to which day, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.models import Deadline, Obligation
from hegui.law.register import Register
from hegui.law.working_days import add_months, calendar

WORDS: dict[str, Bi] = {
    "immediate": Bi("立即", "at once"),
    "promptly": Bi("及时（法律未定天数）", "promptly (the law fixes no number of days)"),
    "before": Bi("事前", "before the event"),
    "own": Bi("由提供者自定并公布", "fixed and published by the provider"),
    "hours": Bi("小时", "hours"),
    "working_days": Bi("个工作日", "working days"),
    "days": Bi("日", "days"),
    "months": Bi("个月", "months"),
    "years": Bi("年", "years"),
    "periodic_years": Bi("年一次", "year(s), each time"),
    "periodic_months": Bi("个月一次", "month(s), each time"),
    "periodic_days": Bi("日一次", "day(s), each time"),
    "periodic_hours": Bi("小时一次", "hour(s), each time"),
}


@dataclass(frozen=True)
class Clock:
    """One running deadline; `due` is empty where the law gives a word instead of a number."""

    obligation: Obligation
    deadline: Deadline
    start: date | datetime
    due: date | datetime | None
    term: Bi
    because: Bi
    provisional: bool
    not_yet: date | None = None
    """The day on which the instrument comes into force, where that is after `start`."""

    @property
    def confirmed(self) -> bool:
        """Say whether a source was seen for the duty and for its deadline."""
        return "K" not in {self.obligation.mark, self.deadline.mark}


def term(deadline: Deadline) -> Bi:
    """Return the length of a deadline in words, such as `10 working days`."""
    words = WORDS[deadline.kind]
    if deadline.count is None:
        return words
    return Bi(f"{deadline.count} {words.zh}", f"{deadline.count} {words.en}")


def run(obligation: Obligation, deadline: Deadline, start: date) -> Clock:
    """Run one deadline from a day; raise InputError where no calendar reaches that far."""
    try:
        return _run(obligation, deadline, start)
    except OverflowError:
        raise InputError(
            Bi(f"从 {start} 起算的期限超出公历可表示的范围", f"a deadline from {start} is past the last date there is"),
            Bi("检查日期的年份", "check the year of the date"),
            cite=obligation.id,
        ) from None


def _run(obligation: Obligation, deadline: Deadline, start: date) -> Clock:
    words, count = term(deadline), deadline.count
    kind = deadline.kind.removeprefix("periodic_")
    plain = Bi("按日历计", "counted by the calendar")
    if kind == "working_days" and count is not None:
        due = calendar().add(start, count)
        return Clock(obligation, deadline, start, due.day, words, due.because, due.provisional)
    if count is None or kind not in {"hours", "days", "months", "years"}:
        why = Bi("没有可推算的天数", "there is no number to count with")
        return Clock(obligation, deadline, start, None, words, why, provisional=False)
    end: date | datetime
    if kind == "hours":
        end = datetime(start.year, start.month, start.day, tzinfo=None) + timedelta(hours=count)  # noqa: DTZ001
        plain = Bi(
            "自当日零时起计，实际从事件发生时刻起算", "from midnight of that day; in fact from the hour of the event"
        )
    elif kind == "days":
        end = start + timedelta(days=count)
    else:
        end = add_months(start, count * (12 if kind == "years" else 1))
    return Clock(obligation, deadline, start, end, words, plain, provisional=False)


def clocks(register: Register, citation: str, start: date) -> list[Clock]:
    """Return the clocks of an obligation or article: its own deadline, and those that it leans on."""
    _, article = register.article(citation)
    named = [item for item in article.obligations if item.id == citation]
    found: list[Clock] = []
    seen: set[str] = set()
    for obligation in named or list(article.obligations):
        others = (register.obligation(other) for other in obligation.clocks if register.has(other))
        for item in (obligation, *others):
            if item.deadline is not None and item.id not in seen:
                seen.add(item.id)
                since = register.place(item.id)[0].in_force
                clock = run(item, item.deadline, start)
                found.append(replace(clock, not_yet=since) if since > start else clock)
    return found
