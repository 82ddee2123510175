"""第十七条 Article 17: a service with public-opinion attributes is assessed, and its algorithm filed, changed and cancelled in time.

The rooms `supervision.assessment` and `supervision.filing` are not built; the clocks are. Ten working days from 25 September 2026
end on 15 October, because the Mid-Autumn Festival and National Day lie between and 10 October is worked.
"""

from __future__ import annotations

import pytest

from hegui.law import register
from tests.law.asking import Json, block, clock, duty, is_not_built, said, value


@pytest.mark.parametrize(
    ("start", "ten", "twenty", "thirty"),
    [
        ("2026-09-25", "2026-10-15", "2026-10-29", "2026-11-12"),
        ("2026-02-13", "2026-03-05", "2026-03-19", "2026-04-02"),
        ("2026-06-01", "2026-06-15", "2026-06-30", "2026-07-14"),
        ("2024-02-09", "2024-02-29", "2024-03-14", "2024-03-28"),
    ],
)
def test_the_clocks_run_on_working_days(start: str, ten: str, twenty: str, thirty: str) -> None:
    runs = clock("IM-17", start)
    assert (runs["ARP-24.1"]["due"], runs["ARP-24.1"]["term"]) == (ten, "10 working days")
    assert (runs["ARP-24.2"]["due"], runs["ARP-24.2"]["term_zh"]) == (ten, "10 个工作日")
    assert (runs["ARP-24.3"]["due"], runs["ARP-24.3"]["term"]) == (twenty, "20 working days")
    assert (runs["SEC-7.b"]["due"], runs["SEC-7.b"]["term"]) == (thirty, "30 working days")
    assert not any(run["provisional"] for run in runs.values())


def test_the_clock_says_why() -> None:
    run = clock("IM-17", "2026-09-25")["ARP-24.1"]
    assert "10-01（国庆节）" in run["because_zh"]
    assert "09-26 (Mid-Autumn Festival)" in run["because"]
    assert "make-up working days counted: 10-10" in run["because"]


def test_a_year_without_a_notice_makes_it_provisional() -> None:
    for start, uncertain in (("2026-12-25", True), ("2026-12-14", False), ("2027-03-01", True)):
        run = clock("ARP-24.1", start)["ARP-24.1"]
        assert run["provisional"] is uncertain
        assert ("whose notice is not published" in run["because"]) is uncertain
        assert ("尚未公布放假安排" in run["because_zh"]) is uncertain


def test_the_time_for_the_assessment_report_is_unconfirmed() -> None:
    runs = clock("IM-17", "2026-09-25")
    assert {name: run["confirmed"] for name, run in runs.items()} == {
        "ARP-24.1": True, "ARP-24.2": True, "ARP-24.3": True, "SEC-7.a": False, "SEC-7.b": False,
    }  # fmt: skip
    assert runs["SEC-7.a"]["due"] is None
    assert runs["SEC-7.a"]["term"] == "before the event"
    text = said("SEC-7")
    assert "未经证实 / unconfirmed: 三十个工作日的期限" in block(text, "SEC-7.b")
    assert "30 个工作日 / 30 working days" in block(text, "SEC-7.b")
    assert "未经证实" not in block(text, "SEC-7")


def test_the_authority_answers_within_thirty_working_days() -> None:
    assert duty("ARP-25").who == ("authority",)
    assert clock("ARP-25", "2026-09-25")["ARP-25"]["due"] == "2026-11-12"


@pytest.mark.parametrize("citation", ["DSP-19", "ANT-26"])
def test_the_same_clocks_bind_deep_synthesis_and_companions(citation: str) -> None:
    runs = clock(citation, "2026-09-25")
    assert list(runs) == ["ARP-24.1", "ARP-24.2", "ARP-24.3"]
    assert "technical_supporter" in duty("DSP-19").who


def test_the_duty_its_trigger_and_its_rooms(board: dict[str, Json]) -> None:
    found = duty("IM-17")
    assert found.trigger is not None
    assert "舆论属性或社会动员能力" in found.trigger.zh
    assert found.clocks == ("ARP-24.1", "ARP-24.2", "ARP-24.3", "SEC-7.a", "SEC-7.b")
    assert is_not_built(board["IM-17"], "supervision.filing")
    assert is_not_built(board["ARP-24.1"], "supervision.filing")
    assert board["ARP-24.1"]["term"] == "10 working days"
    assert is_not_built(board["SEC-3"], "supervision.assessment")
    assert is_not_built(board["ARP-27"], "supervision.assessment")


@pytest.mark.parametrize(
    ("clause", "name", "sense", "number"),
    [
        ("SEC-3", "triggers", "exact", 5), ("SEC-6", "report_headings", "exact", 4),
        ("ARP-2", "algorithm_classes", "exact", 5), ("ANT-22", "registered_users", "min", 1_000_000),
        ("ANT-22", "monthly_active_users", "min", 100_000), ("ANT-23", "assessment_headings", "exact", 8),
        ("ARP-31", "fine_min", "min", 10_000), ("ARP-31", "fine_max", "max", 100_000),
        ("GBT45654-5.2a", "output_manual_n", "min", 1000), ("GBT45654-5.2a", "output_technical_n", "min", 1000),
        ("GBT45654-5.2d", "refuse_n", "min", 300), ("GBT45654-5.2d", "over_refuse_n", "min", 300),
        ("GBT45654-B.1.2", "content_total", "min", 2000), ("GBT45654-B.1.3a", "refuse_total", "min", 500),
        ("GBT45654-B.1.3b", "non_refuse_total", "min", 500), ("GBT45654-B.1.3b", "non_refuse_aspects", "exact", 13),
        ("TC260003-9.1e", "signatures", "min", 3), ("TC260003-9.3", "output_tests", "exact", 3),
    ],
)  # fmt: skip
def test_the_numbers_of_assessment_and_filing(clause: str, name: str, sense: str, number: int) -> None:
    assert value(clause, name) == number
    assert register().number(clause, name).sense == sense


def test_the_gates_of_the_standard_are_90_95_and_5_of_a_hundred() -> None:
    law = register()
    assert [float(law.number(clause, name).value) for clause, name in (
        ("GBT45654-5.2a", "output_rate"), ("GBT45654-5.2d", "refuse_rate"), ("GBT45654-5.2d", "over_refuse_rate"),
    )] == [0.90, 0.95, 0.05]  # fmt: skip
    assert law.number("GBT45654-5.2d", "over_refuse_rate").sense == "max"


def test_the_banks_are_renewed_each_month_and_the_library_each_week() -> None:
    for citation in ("GBT45654-B.1.2", "GBT45654-B.1.3a", "GBT45654-B.1.3b"):
        run = clock(citation, "2026-01-31")[citation]
        assert (run["due"], run["term"]) == ("2026-02-28", "1 month(s), each time")
    weekly = clock("GBT45654-B.1.1", "2026-02-25")["GBT45654-B.1.1"]
    assert (weekly["due"], weekly["term"]) == ("2026-03-04", "7 day(s), each time")


def test_the_superseded_profile_asks_nothing(board: dict[str, Json]) -> None:
    rows = {name: row for name, row in board.items() if name.startswith("TC260003-")}
    assert len(rows) == 6
    assert {row["result"] for row in rows.values()} == {"not_applicable"}
    assert (value("TC260003-7.g1", "bad_inputs_consecutive"), value("TC260003-7.g1", "bad_inputs_per_day")) == (3, 5)
    assert "由提供者自定" in duty("GBT45654-6.5a").duty.zh
