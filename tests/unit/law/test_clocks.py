"""Clocks: every kind of deadline in the data, from days that are hard; each explains itself, and says when it is not sure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.kit.errors import InputError
from hegui.law import clocks, register
from hegui.law.clocks import Clock, run, term
from hegui.law.clocks import clocks as run_clocks
from hegui.law.models import Deadline, DeadlineKind, Obligation
from hegui.law.register import UnknownCitationError
from hegui.law.working_days import add_months, calendar

LAW = register(date(2026, 11, 22))
TIMED = {item.id: item for _, _, item in LAW.obligations() if item.deadline is not None}
COUNTED = {name: item for name, item in TIMED.items() if item.deadline is not None and item.deadline.count is not None}
WORDS_ONLY = {"immediate", "promptly", "before", "own"}


def clock(citation: str, start: date) -> Clock:
    return next(item for item in run_clocks(LAW, citation, start) if item.obligation.id == citation)


def made(kind: DeadlineKind, count: int | None, start: date) -> Clock:
    duty: Obligation = TIMED["ARP-24.1"]
    return run(duty, Deadline(kind=kind, count=count, mark="Q"), start)


def test_every_kind_has_a_name_in_both_languages_and_every_word_is_a_kind() -> None:
    assert set(clocks.WORDS) == set(get_args(DeadlineKind))
    for words in clocks.WORDS.values():
        assert words.zh
        assert words.en
        assert words.zh != words.en


def test_a_word_has_no_count_and_a_number_has_one() -> None:
    for name, item in TIMED.items():
        assert item.deadline is not None
        assert (item.deadline.count is None) is (item.deadline.kind in WORDS_ONLY), name
        assert item.deadline.since is not None or item.trigger is not None, f"{name}: from when?"


@pytest.mark.parametrize("citation", TIMED)
@pytest.mark.parametrize("start", [date(2026, 1, 31), date(2024, 2, 29), date(2026, 9, 30), date(2025, 12, 31)])
def test_every_deadline_of_the_data_runs_from_any_day(citation: str, start: date) -> None:
    found = clock(citation, start)
    deadline = TIMED[citation].deadline
    assert deadline is not None
    assert found.because.zh
    assert found.because.en
    if deadline.count is None:
        assert found.due is None
        assert not found.provisional
        return
    assert found.due is not None
    end = found.due.date() if isinstance(found.due, datetime) else found.due
    assert end > start or deadline.kind.endswith("hours")
    assert str(deadline.count) in found.term.zh
    assert str(deadline.count) in found.term.en
    assert deadline.kind == "working_days" or not found.provisional, "only working days wait for a notice"


@pytest.mark.parametrize(
    ("kind", "count", "start", "due"),
    [
        ("days", 30, "2026-01-31", "2026-03-02"),
        ("days", 30, "2024-01-31", "2024-03-01"),
        ("days", 1, "2026-12-31", "2027-01-01"),
        ("months", 1, "2026-01-31", "2026-02-28"),
        ("months", 1, "2024-01-31", "2024-02-29"),
        ("months", 6, "2026-08-31", "2027-02-28"),
        ("months", 12, "2024-02-29", "2025-02-28"),
        ("years", 3, "2024-02-29", "2027-02-28"),
        ("years", 4, "2024-02-29", "2028-02-29"),
        ("periodic_years", 2, "2025-05-01", "2027-05-01"),
        ("periodic_months", 1, "2026-03-31", "2026-04-30"),
        ("periodic_days", 7, "2026-12-28", "2027-01-04"),
        ("hours", 24, "2026-02-28", "2026-03-01T00:00:00"),
        ("hours", 4, "2026-02-28", "2026-02-28T04:00:00"),
        ("periodic_hours", 2, "2026-11-22", "2026-11-22T02:00:00"),
        ("working_days", 1, "2026-09-30", "2026-10-08"),
        ("working_days", 1, "2026-02-13", "2026-02-14"),
        ("working_days", 10, "2026-09-19", "2026-10-09"),
    ],
)
def test_kinds_of_count(kind: DeadlineKind, count: int, start: str, due: str) -> None:
    found = made(kind, count, date.fromisoformat(start))
    assert found.due is not None
    assert found.due.isoformat() == due


def test_working_days_agree_with_the_calendar_and_carry_its_reason() -> None:
    start = date(2026, 9, 25)
    due = calendar().add(start, 30)
    found = made("working_days", 30, start)
    assert (found.due, found.because, found.provisional) == (due.day, due.because, due.provisional)


@pytest.mark.parametrize("kind", sorted(WORDS_ONLY))
def test_a_word_is_told_as_it_is(kind: DeadlineKind) -> None:
    found = made(kind, None, date(2026, 9, 25))
    assert found.due is None
    assert found.because.zh == "没有可推算的天数"
    assert found.term == clocks.WORDS[kind] == term(Deadline(kind=kind))


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 60))
def test_a_later_start_never_ends_earlier(start: date, count: int) -> None:
    for kind in ("working_days", "days", "months", "years"):
        first, second = (made(kind, count, day).due for day in (start, start + timedelta(days=1)))
        assert first is not None
        assert second is not None
        assert first <= second


@given(st.dates(date(1950, 1, 1), date(2200, 1, 1)), st.integers(1, 400))
def test_months_end_on_the_day_or_on_the_last_of_the_month(start: date, count: int) -> None:
    end = add_months(start, count)
    assert end.day == start.day or (end + timedelta(days=1)).day == 1
    assert end.day <= start.day


@pytest.mark.parametrize(
    ("start", "count", "provisional"),
    [("2026-12-30", 1, False), ("2026-12-31", 1, True), ("2026-12-01", 22, False), ("2026-12-01", 23, True),
     ("2019-12-20", 5, True), ("2019-12-31", 1, False), ("2027-06-01", 1, True)],
)  # fmt: skip
def test_a_day_of_a_year_without_a_notice_makes_it_provisional(start: str, count: int, provisional: bool) -> None:
    found = made("working_days", count, date.fromisoformat(start))
    assert found.provisional is provisional
    assert ("暂定" in found.because.zh) is provisional
    assert ("provisional" in found.because.en) is provisional


@pytest.mark.parametrize("citation", ["ARP-24.1", "AUDIT-x.1", "INC-8", "GBT45654-B.1.2", "NDS-10"])
def test_past_the_last_date_there_is_it_is_refused_and_not_a_crash(citation: str) -> None:
    with pytest.raises(InputError) as caught:
        clock(citation, date(9999, 12, 31))
    assert caught.value.cite == citation
    assert "year" in caught.value.remedy.en
    assert clock(citation, date(9997, 1, 1)).due is not None


def test_a_clock_is_unconfirmed_when_the_duty_or_its_deadline_is() -> None:
    wanted = {name for name, item in TIMED.items() if "K" in {item.mark, item.deadline.mark if item.deadline else ""}}
    assert {"SEC-7.a", "SEC-7.b", "IM-11.2", "DSP-11", "DSP-20"} <= wanted
    for name in TIMED:
        assert clock(name, date(2026, 9, 25)).confirmed is (name not in wanted), name


def test_a_clock_says_when_its_rule_is_not_law_yet() -> None:
    assert clock("ANT-18.3", date(2026, 7, 14)).not_yet == date(2026, 7, 15)
    assert clock("ANT-18.3", date(2026, 7, 15)).not_yet is None
    for item in run_clocks(LAW, "IM-17", date(2022, 1, 1)):
        assert item.not_yet == (date(2022, 3, 1) if item.obligation.id.startswith("ARP") else None)


def test_an_article_runs_the_clocks_of_all_its_duties_once_and_a_paragraph_its_own() -> None:
    whole = [item.obligation.id for item in run_clocks(LAW, "ARP-24", date(2026, 9, 25))]
    assert whole == ["ARP-24.1", "ARP-24.2", "ARP-24.3"]
    assert [item.obligation.id for item in run_clocks(LAW, "ARP-24.2", date(2026, 9, 25))] == ["ARP-24.2"]
    assert run_clocks(LAW, "IM-24", date(2026, 9, 25)) == []
    with pytest.raises(UnknownCitationError):
        run_clocks(LAW, "ARP-24.9", date(2026, 9, 25))


def test_a_clock_that_leans_on_a_later_rule_waits_for_it() -> None:
    earlier = register(date(2024, 6, 1))
    assert [item.obligation.id for item in run_clocks(earlier, "DSL-29", date(2024, 6, 1))] == ["DSL-29"]
    assert [item.obligation.id for item in run_clocks(LAW, "DSL-29", date(2026, 6, 1))] == ["DSL-29", "INC-4"]


# The numbers and deadlines of the law in one table, so that an edit of the data is seen: kind, count, mark.
DEADLINES = {
    "ARP-24.1": ("working_days", 10, "P"), "ARP-24.2": ("working_days", 10, "P"), "ARP-24.3": ("working_days", 20, "P"),
    "ARP-25": ("working_days", 30, "P"), "SEC-7.a": ("before", None, "K"), "SEC-7.b": ("working_days", 30, "K"),
    "INC-4": ("hours", 4, "Q"), "INC-4.2": ("hours", 1, "Q"), "INC-4.3": ("hours", 2, "Q"), "INC-4.5": ("hours", 1, "Q"),
    "INC-8": ("days", 30, "S"), "NDS-10": ("hours", 24, "P"), "ANT-18.3": ("periodic_hours", 2, "Q"),
    "MIN-37": ("periodic_years", 1, "P"), "MIN-42": ("periodic_years", 1, "P"), "MIN-20.6": ("periodic_years", 1, "P"),
    "ANT-26.2": ("periodic_years", 1, "Q"), "ANT-27": ("periodic_years", 1, "Q"), "AUDIT-x.1": ("periodic_years", 2, "S"),
    "GBT45654-B.1.1": ("periodic_days", 7, "P"), "GBT45654-B.1.2": ("periodic_months", 1, "P"),
    "GBT45654-B.1.3a": ("periodic_months", 1, "P"), "GBT45654-B.1.3b": ("periodic_months", 1, "P"),
}  # fmt: skip


def test_the_counted_deadlines_are_these_and_no_others() -> None:
    found = {
        name: (item.deadline.kind, item.deadline.count, item.deadline.mark)
        for name, item in TIMED.items()
        if item.deadline is not None and (name in COUNTED or name == "SEC-7.a")
    }
    assert found == DEADLINES


@pytest.mark.parametrize(
    ("clause", "name", "number", "unit", "mark"),
    [
        ("CSL-23", "log_retention_months", 6, "months", "Q"),
        ("LAB-9", "log_retention", 6, "months", "Q"),
        ("IIS-14.2", "record_backup_days", 60, "days", "P"),
        ("PIPL-56", "pia_retention_years", 3, "years", "P"),
        ("NDS-12", "sharing_record_years", 3, "years", "P"),
        ("ANT-22", "registered_users", 1_000_000, "persons", "Q"),
        ("ANT-22", "monthly_active_users", 100_000, "persons", "Q"),
        ("NDS-28", "large_handler_persons", 10_000_000, "persons", "P"),
        ("AUDIT-x.1", "audit_persons", 10_000_000, "persons", "S"),
        ("PIPL-52", "officer_persons", 1_000_000, "persons", "K"),
        ("PIPL-28.1", "child_age_below", 14, "years_old", "P"),
    ],
)
def test_terms_to_keep_and_thresholds(clause: str, name: str, number: int, unit: str, mark: str) -> None:
    found = LAW.number(clause, name)
    assert (found.value, found.unit, found.mark) == (number, unit, mark)
