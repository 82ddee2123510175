"""What the rulebook proves: size and renewal of the library with what people did to it, and never more than is on record."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from hegui.general.rulebook import acts, sources
from hegui.general.rulebook.facts import facts
from hegui.general.rulebook.models import WordChange
from hegui.kit import clock
from hegui.law import register
from hegui.people.facts import Fact, Result, decide
from hegui.store import unit_of_work
from tests.law.test_measures_article_04 import STANDARD, write_library
from tests.unit.people.desk import Desk
from tests.unit.rulebook.conftest import ONE, REVIEWER, acting, again

Ask = Callable[..., Fact]
DAYS = register().whole(STANDARD, "keyword_refresh_days")


def dated(path: Path, days: int) -> Path:
    """Give a file the date of some days ago."""
    moment = (clock.now() - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def ask(desk: Desk) -> Ask:
    def asked(library: Path | None, duty: str = STANDARD, on: date | None = None) -> Fact:
        settings = replace(desk.settings, library=str(library or ""))
        with unit_of_work(desk.store) as session:
            (found,) = [fact for fact in facts(session, on or clock.today(), settings) if fact.obligation == duty]
        return found

    return asked


def add(desk: Desk, library: Path, word: str, risk: str) -> WordChange:
    loaded = sources.library(replace(desk.settings, library=str(library)))
    with acting(desk, REVIEWER) as (session, person):
        row = acts.propose_word(session, person, word, risk, library=loaded)
    with acting(desk, ONE) as (session, person):
        acts.approve(session, person, again(session, row), loaded)
    return row


def test_a_sample_protects_nobody(ask: Ask) -> None:
    assert ask(None).result is Result.NOT_MET
    assert "样例" in ask(None).reason.zh
    assert ask(None, "ARP-9.1").result is Result.NOT_MET
    assert ask(None, "DSP-10").result is Result.NOT_MET


def test_enough_words_and_a_recent_file_meet_the_clause_and_an_old_file_does_not(ask: Ask, tmp_path: Path) -> None:
    path = dated(write_library(tmp_path / "enough.csv"), DAYS - 1)
    assert ask(path).result is Result.MET
    dated(path, DAYS + 1)
    assert ask(path).result is Result.NOT_MET
    assert f"{DAYS + 1} / ≤ {DAYS}" in ask(path).reason.en


def test_an_approved_word_renews_an_old_library_and_one_that_waits_does_not(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    path = dated(write_library(tmp_path / "old.csv"), DAYS + 20)
    loaded = sources.library(replace(desk.settings, library=str(path)))
    with acting(desk, REVIEWER) as (session, person):
        acts.propose_word(session, person, "标记词丁", "A.1.b", library=loaded)
    assert ask(path).result is Result.NOT_MET
    add(desk, path, "标记词戊", "A.1.b")
    assert ask(path).result is Result.MET
    later = clock.today() + timedelta(days=DAYS + 1)
    assert ask(path, on=later).result is Result.NOT_MET
    assert ask(path, on=clock.today() - timedelta(days=1)).result is Result.NOT_MET, "it was not approved yet"


def test_a_word_added_makes_a_short_risk_whole_and_taking_one_back_makes_it_short(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    path = write_library(tmp_path / "short.csv", short="A.1.c")
    least = register().whole(STANDARD, "keyword_each_A1")
    assert f"A.1.c {least - 1}/{least}" in ask(path).reason.en
    row = add(desk, path, "标记词丁", "A.1.c")
    assert ask(path).result is Result.MET
    with acting(desk, ONE) as (session, person):
        acts.take_back(session, person, again(session, row), "误伤")
    assert ask(path).result is Result.NOT_MET


def test_how_words_get_in_is_on_record_but_not_all_that_the_duty_asks(desk: Desk, ask: Ask, tmp_path: Path) -> None:
    path = write_library(tmp_path / "enough.csv")
    add(desk, path, "标记词丁", "A.1.c")
    found = ask(path, "ARP-9.1")
    assert found.result is Result.UNDETERMINED
    assert "1 approved by another, 0 urgent" in found.reason.en


def test_a_library_that_is_kept_and_its_log_are_shown_for_the_duty_to_review(
    desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    path = write_library(tmp_path / "enough.csv")
    before = ask(path, "DSP-10")
    assert before.result is Result.MET
    words, logged = (
        int(found.replace(",", ""))
        for found in re.findall(r"has ([\d,]+) words, ([\d,]+) changes", before.reason.en)[0]
    )
    add(desk, path, "标记词丁", "A.1.c")
    found = ask(path, "DSP-10")
    assert f"has {words + 1:,} words, {logged + 2:,} changes are in the ledger" in found.reason.en, (
        "proposed and approved"
    )
    assert "批准了最近一个词" in found.reason.zh
    loaded = sources.library(replace(desk.settings, library=str(path)))
    assert found.reason.zh.count(loaded.version) == 1
    assert decide([found, Fact("DSP-10", Result.UNDETERMINED, found.reason)])["DSP-10"].result is Result.UNDETERMINED, (
        "without a text that was checked the duty as a whole is not shown"
    )
