"""Working days: our data against an independent table, and the properties that a calendar has."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.law import clocks, register
from hegui.law.working_days import add_months, calendar

PUBLISHED = st.dates(date(2020, 1, 1), date(2026, 12, 31))


def test_every_published_day_agrees_with_the_oracle() -> None:
    day = date(2020, 1, 1)
    while day <= date(2026, 12, 31):
        assert calendar().is_working(day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


def test_ten_working_days_over_national_day() -> None:
    due = calendar().add(date(2026, 9, 25), 10)
    assert due.day == date(2026, 10, 15)
    assert not due.provisional
    assert "国庆节" in due.because.zh
    assert "10-10" in due.because.zh
    assert "National Day" in due.because.en


def test_a_deadline_that_crosses_into_an_unpublished_year_is_provisional_and_says_why() -> None:
    due = calendar().add(date(2026, 12, 28), 10)
    assert due.provisional
    assert "暂定" in due.because.zh
    assert "provisional" in due.because.en
    assert not calendar().add(date(2026, 12, 1), 5).provisional


def test_the_extension_of_2020_and_days_of_a_neighbouring_year() -> None:
    assert not calendar().is_working(date(2020, 1, 31))
    assert not calendar().is_working(date(2022, 12, 31))
    assert calendar().is_working(date(2026, 2, 14))


@given(PUBLISHED, st.integers(1, 40))
def test_a_deadline_falls_on_a_working_day_and_counts_each_once(start: date, count: int) -> None:
    due = calendar().add(start, count)
    days = [start + timedelta(days=number) for number in range(1, (due.day - start).days + 1)]
    assert sum(calendar().is_working(day) for day in days) == count
    assert calendar().is_working(due.day)
    assert len(due.skipped) == len(days) - count


@given(PUBLISHED, st.integers(0, 20), st.integers(0, 20))
def test_counting_in_two_steps_is_counting_in_one(start: date, first: int, second: int) -> None:
    whole = calendar().add(start, first + second).day
    assert calendar().add(calendar().add(start, first).day, second).day == whole


@pytest.mark.parametrize(
    ("day", "months", "wanted"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 1, 15), 6, date(2026, 7, 15)),
        (date(2026, 10, 31), 13, date(2027, 11, 30)),
    ],
)
def test_calendar_months(day: date, months: int, wanted: date) -> None:
    assert add_months(day, months) == wanted


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(0, 60))
def test_calendar_months_never_lose_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months


def test_the_clocks_of_article_17_are_those_of_the_filing_rules() -> None:
    found = {item.obligation.id: item for item in clocks.clocks(register(), "IM-17", date(2026, 9, 25))}
    assert found["ARP-24.1"].due == date(2026, 10, 15)
    assert found["ARP-24.1"].term.en == "10 working days"
    assert found["ARP-24.3"].term.zh == "20 个工作日"


def test_a_word_is_not_a_number() -> None:
    (clock,) = [
        item for item in clocks.clocks(register(), "IM-11.2", date(2026, 1, 1)) if item.obligation.id == "IM-11.2"
    ]
    assert clock.due is None
    assert "及时" in clock.term.zh
