"""Working days: our data against an independent table, and the properties that a calendar has."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.kit.errors import InputError
from hegui.law import clocks, register
from hegui.law.models import read_data
from hegui.law.working_days import Calendar, Year, add_months, calendar

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


@pytest.mark.parametrize(
    ("day", "working", "why"),
    [
        ("2026-01-04", True, "worked for New Year's Day"),
        ("2026-02-14", True, "worked for Spring Festival"),
        ("2026-02-23", False, "Spring Festival"),
        ("2026-09-20", True, "worked for National Day"),
        ("2026-10-10", True, "worked for National Day"),
        ("2026-10-11", False, "weekend"),
        ("2026-10-08", True, "weekday"),
        ("2020-01-31", False, "Spring Festival"),
    ],
)
def test_a_day_says_why_it_is_worked_or_not(day: str, working: bool, why: str) -> None:
    found = calendar().status(date.fromisoformat(day))
    assert (found.working, found.reason.en, found.provisional) == (working, why, False)
    assert found.reason.zh


def test_the_reason_tells_weekends_holidays_and_make_up_days_apart() -> None:
    reason = calendar().add(date(2026, 2, 13), 10).because
    assert "02-16 (Spring Festival)" in reason.en
    assert "make-up working days counted: 02-14, 02-28" in reason.en
    assert "1 weekend day not counted" in reason.en
    assert "周末 1 天不计" in reason.zh
    assert calendar().add(date(2026, 10, 12), 4).because.en == "every day between is a working day"
    assert calendar().add(date(2026, 10, 12), 5).because.en == "2 weekend days not counted"


def test_no_working_days_is_the_day_itself() -> None:
    assert calendar().add(date(2026, 10, 1), 0).day == date(2026, 10, 1)


def test_every_notice_names_its_year_its_days_and_its_source() -> None:
    for number, year in calendar().years.items():
        assert year.year == number
        assert str(number) in year.notice.title.zh
        assert year.notice.url is None or year.notice.url.startswith("https://www.gov.cn/")
        for made_up in year.workdays:
            assert made_up.day.weekday() >= 5, "only a weekend day is worked for a holiday"
        days = [day for holiday in year.holidays for day in holiday.days]
        assert len(days) == len(set(days))
        assert not set(days) & {made_up.day for made_up in year.workdays}


def test_a_malformed_notice_is_refused_with_file_and_field() -> None:
    with pytest.raises(InputError) as caught:
        read_data("year: 2027\nholidays: []\nworkdays: []\n", "holidays/2027.yaml", Year)
    assert "holidays/2027.yaml" in caught.value.title.en
    assert "`notice`" in caught.value.title.en
    assert "docs/law-data.md" in caught.value.remedy.en


def test_a_notice_for_the_next_year_ends_the_doubt() -> None:
    notice = "{title: {zh: 试, en: test}, mark: K}"
    text = (
        f"year: 2027\nnotice: {notice}\nholidays: [{{name: {{zh: 元旦, en: N}}, days: [2027-01-01]}}]\nworkdays: []\n"
    )
    known = Calendar((*calendar().years.values(), read_data(text, "holidays/2027.yaml", Year)))
    before, after = calendar().add(date(2026, 12, 31), 1), known.add(date(2026, 12, 31), 1)
    assert (before.day, before.provisional) == (date(2027, 1, 1), True)
    assert (after.day, after.provisional) == (date(2027, 1, 4), False)
