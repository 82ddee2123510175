"""第十条 Article 10: say publicly whom the service is for, guide users, and keep minors from depending on it.

The rooms `service.agreements` and `service.minors` are not built. The details are those of the regulation on minors and of the
measures on anthropomorphic services, with their numbers and clocks.
"""

from __future__ import annotations

import pytest

from tests.law.asking import Json, clock, duty, is_not_built, value


def test_publishing_belongs_before_the_launch_and_guiding_after() -> None:
    assert duty("IM-10.a").phase == ("preparation",)
    assert duty("IM-10.b").phase == duty("IM-10.c").phase == ("application",)
    assert all(word in duty("IM-10.a").duty.zh for word in ("人群", "场合", "用途"))
    assert "minors" in duty("IM-10.c").duty.en
    assert duty("IM-10.c").parents == ("MIN",)


def test_rooms_that_are_not_built(board: dict[str, Json]) -> None:
    assert is_not_built(board["IM-10.a"], "service.agreements")
    assert is_not_built(board["IM-10.b"], "service.agreements")
    assert is_not_built(board["IM-10.c"], "service.minors")
    for citation in ("MIN-43", "ANT-14.1", "ANT-14.2", "ANT-14.3", "MINC-9"):
        assert is_not_built(board[citation], "service.minors")


def test_the_article_leads_to_the_rules_on_minors() -> None:
    assert {"ARP-18", "MIN-42", "MINC-9", "ANT-14.3"} <= set(duty("IM-10.c").see)
    assert "guardian" in duty("ANT-14.3").duty.en
    assert duty("MINC-9").mark == "Q"
    assert duty("MINC-9.1").mark == "K"


@pytest.mark.parametrize(
    ("clause", "name", "number"),
    [
        ("ANT-14.1", "minor_age_below", 18),
        ("ANT-14.2", "child_age_below", 14),
        ("PIPL-31", "child_age_below", 14),
        ("ANT-17", "child_age_below", 14),
        ("ANT-18.3", "reminder_hours", 2),
        ("MIN-37", "audit_interval_years", 1),
        ("MIN-42", "publication_interval_years", 1),
    ],
)
def test_ages_and_intervals(clause: str, name: str, number: int) -> None:
    assert value(clause, name) == number


def test_the_clocks_that_protect_minors() -> None:
    assert clock("MIN-42", "2026-02-28")["MIN-42"]["due"] == "2027-02-28"
    assert clock("MIN-37", "2024-02-29")["MIN-37"]["due"] == "2025-02-28", "a leap day has no anniversary"
    reminder = clock("ANT-18.3", "2026-11-22")["ANT-18.3"]
    assert reminder["due"] == "2026-11-22T02:00:00"
    assert reminder["term"] == "2 hour(s), each time"
    assert reminder["in_force_from"] is None
    assert clock("ANT-18.3", "2026-07-14")["ANT-18.3"]["in_force_from"] == "2026-07-15"
    assert clock("ANT-18.3", "2026-07-15")["ANT-18.3"]["in_force_from"] is None
