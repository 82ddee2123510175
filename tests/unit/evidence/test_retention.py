"""Retention: calendar months and no day less, what is due goes whole, and the ledger says so and still holds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.evidence import retention, verify
from hegui.evidence.retention import LOG, LOG_CLAUSE, erase_due_entries, log_due, log_months
from hegui.kit import clock
from hegui.kit.errors import SettingsError
from hegui.law import register
from hegui.store import unit_of_work
from tests.unit.evidence.conftest import Ledger, records

LEAST = register().whole(LOG_CLAUSE, "log_retention_months")
NOW = datetime(2026, 9, 1, 4, tzinfo=UTC)


def at(day: str, hour: int = 12) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), clock.CHINA) + timedelta(hours=hour)


@pytest.mark.parametrize(
    ("day", "months", "due"),
    [
        ("2026-01-15", 6, "2026-07-15"),
        ("2026-01-31", 1, "2026-02-28"),  # no 31st: the month's last day
        ("2028-01-31", 1, "2028-02-29"),  # a leap year
        ("2027-08-31", 6, "2028-02-29"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-08-30", 6, "2027-02-28"),
        ("2026-08-29", 6, "2027-02-28"),
        ("2026-08-28", 6, "2027-02-28"),
        ("2028-02-29", 6, "2028-08-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2028-02-29", 48, "2032-02-29"),
        ("2026-03-31", 6, "2026-09-30"),
        ("2026-12-31", 6, "2027-06-30"),
        ("2026-07-01", 6, "2027-01-01"),  # over the year's end
        ("2026-12-15", 13, "2028-01-15"),
        ("2096-08-31", 42, "2100-02-28"),  # 2100 is no leap year
    ],
)
def test_months_are_counted_by_the_calendar(day: str, months: int, due: str) -> None:
    for hour in (0, 12, 23):
        found = log_due(at(day, hour), months).astimezone(clock.CHINA)
        assert found.isoformat() == f"{due}T23:59:59+08:00"


def test_the_day_is_the_day_in_china() -> None:
    assert log_due(datetime(2026, 1, 30, 15, 59, tzinfo=UTC), 1).date() == date(2026, 2, 28)
    assert log_due(datetime(2026, 2, 28, 16, 0, tzinfo=UTC), 1).astimezone(clock.CHINA).date() == date(2026, 4, 1)
    assert log_due(datetime(2026, 2, 28, 15, 59, tzinfo=UTC), 1).astimezone(clock.CHINA).date() == date(2026, 3, 28)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)), st.integers(LEAST, 60))  # noqa: DTZ001 - made aware below
def test_no_record_goes_before_its_months_are_over(moment: datetime, months: int) -> None:
    moment = moment.replace(tzinfo=UTC)
    due = log_due(moment, months)
    passed = (due.year - moment.astimezone(clock.CHINA).year) * 12 + due.month - moment.astimezone(clock.CHINA).month
    assert passed == months
    assert due - moment >= timedelta(days=28 * months)
    assert log_due(moment + timedelta(seconds=1), months) >= due, "a later record never goes sooner"


def test_the_least_is_the_laws() -> None:
    assert log_months(LEAST) == LEAST
    assert log_months(LEAST + 30) == LEAST + 30
    for wrong in (LEAST - 1, 0):
        with pytest.raises(SettingsError) as told:
            log_months(wrong)
        assert told.value.cite == LOG_CLAUSE
        assert f"{LEAST}" in told.value.remedy.zh


def set_due(ledger: Ledger, ids: list[str], moment: datetime | None) -> None:
    listed = ", ".join(f"'{entry}'" for entry in ids)
    due = f"'{moment.isoformat()}'" if moment else "NULL"
    ledger.run(f"UPDATE evidence_entry SET due = {due}, retention = 'log' WHERE id IN ({listed})")


def erase(ledger: Ledger, moment: datetime = NOW) -> retention.Erased | None:
    with unit_of_work(ledger.store) as session:
        return erase_due_entries(session, moment)


def left(ledger: Ledger) -> set[str]:
    rows = ledger.run("SELECT id::text FROM evidence_entry WHERE payload IS NOT NULL AND kind = 'test'")
    return {entry for (entry,) in rows}


def test_what_is_due_goes_whole_and_what_is_not_stays_whole(ledger: Ledger) -> None:
    ledger.grow(6)
    over, edge, not_yet, never = ledger.ids[:2], ledger.ids[2:3], ledger.ids[3:4], ledger.ids[4:]
    set_due(ledger, over, NOW - timedelta(days=1))
    set_due(ledger, edge, NOW)
    set_due(ledger, not_yet, NOW + timedelta(seconds=1))
    assert erase(ledger) == retention.Erased(LOG, 3, NOW)
    assert left(ledger) == {*not_yet, *never}
    gone = ledger.run("SELECT payload, salt, erased_at, commitment FROM evidence_entry WHERE erased_at IS NOT NULL")
    assert [(payload, salt, when) for payload, salt, when, _ in gone] == [(None, None, NOW)] * 3
    assert all(commitment for *_, commitment in gone)


def test_the_erasure_is_in_the_ledger_with_rule_cut_off_and_count(ledger: Ledger) -> None:
    ledger.grow(4)
    set_due(ledger, ledger.ids[:3], NOW - timedelta(days=1))
    erase(ledger)
    ((payload, due),) = ledger.run("SELECT payload, due FROM evidence_entry WHERE kind = 'record.erased'")
    assert json.loads(payload) == {"cite": LOG_CLAUSE, "class": "log", "count": 3, "cutoff": clock.iso(NOW)}
    assert due is None, "the record of an erasure is the institution's and stays"


def test_nothing_due_leaves_no_record_and_nothing_is_erased_twice(ledger: Ledger) -> None:
    ledger.grow(3)
    assert erase(ledger) is None
    set_due(ledger, ledger.ids, NOW - timedelta(days=1))
    assert erase(ledger) is not None
    before = ledger.run("SELECT * FROM evidence_entry ORDER BY id")
    assert erase(ledger, NOW + timedelta(days=1)) is None
    assert ledger.run("SELECT * FROM evidence_entry ORDER BY id") == before


def test_what_is_not_sealed_yet_is_not_erased_before_it_has_its_place(ledger: Ledger) -> None:
    ledger.leave(2)
    set_due(ledger, ledger.ids, NOW - timedelta(days=1))
    assert erase(ledger) is None
    ledger.seal()
    assert erase(ledger) == retention.Erased(LOG, 2, NOW)


def test_a_run_that_is_cut_off_destroys_nothing_and_the_next_does_all(ledger: Ledger) -> None:
    ledger.grow(5)
    set_due(ledger, ledger.ids[:4], NOW - timedelta(days=1))
    with pytest.raises(KeyboardInterrupt):
        cut_off(ledger)
    assert left(ledger) == set(ledger.ids)
    assert ledger.run("SELECT count(*) FROM evidence_entry WHERE kind = 'record.erased'") == [(0,)]
    assert erase(ledger) == retention.Erased(LOG, 4, NOW)
    assert left(ledger) == {ledger.ids[4]}


def cut_off(ledger: Ledger) -> None:
    with unit_of_work(ledger.store) as session:
        assert erase_due_entries(session, NOW) is not None
        session.flush()
        raise KeyboardInterrupt


def test_after_a_restored_backup_the_same_erasures_can_be_run_again(ledger: Ledger) -> None:
    ledger.grow(3)
    set_due(ledger, ledger.ids[:2], NOW - timedelta(days=1))
    backup = ledger.run("SELECT id::text, payload, salt FROM evidence_entry WHERE kind = 'test' ORDER BY id")
    erase(ledger)
    for entry, payload, salt in backup:
        ledger.run(
            f"UPDATE evidence_entry SET payload = '{payload}', salt = '{salt}', erased_at = NULL WHERE id = '{entry}'"
        )
    ((payload,),) = ledger.run("SELECT payload FROM evidence_entry WHERE kind = 'record.erased'")
    cutoff = datetime.fromisoformat(json.loads(payload)["cutoff"])
    assert erase(ledger, cutoff) == retention.Erased(LOG, 2, cutoff)
    assert left(ledger) == {ledger.ids[2]}


def test_an_export_says_what_was_erased_and_still_verifies(ledger: Ledger, out: Path) -> None:
    ledger.grow(4, 4)
    kept = ledger.published.read_text("utf-8")
    set_due(ledger, ledger.ids[1:6], NOW - timedelta(days=1))
    erase(ledger)
    ledger.seal()
    ledger.export(out)
    found = records(out)
    assert ["erased" in record for record in found] == [False] + [True] * 5 + [False] * 3
    assert [set(record) for record in found[1:6]] == [{"index", "id", "kind", "commitment", "proof", "erased"}] * 5
    assert found[8]["payload"]["count"] == 5
    said = verify.verify(out, None, kept)
    assert "erased 已删: 5" in said
    assert "8 entries, consistent" in said[-1], "a checkpoint from before the erasure still holds"


def test_the_ledger_goes_on_over_erased_records(ledger: Ledger, out: Path) -> None:
    ledger.grow(300)
    set_due(ledger, ledger.ids, NOW - timedelta(days=1))
    erase(ledger)
    ledger.grow(300)
    ledger.export(out)
    assert "erased 已删: 300" in verify.verify(out, None, None)
