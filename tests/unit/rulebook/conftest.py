"""A desk with two compliance officers, and a small library of made-up words; the book is empty before each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from hegui.general.content.library import Library, Row, compile_library
from hegui.general.content.rows import WordRules
from hegui.general.rulebook import events
from hegui.general.rulebook.events import BUS
from hegui.general.rulebook.models import WordChange
from hegui.kit.events import Bus
from hegui.people.models import Account
from hegui.people.permits import Role
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk, open_desk

REVIEWER, ONE, TWO, AUDITOR, ADMIN = "reviewer", "compliance_officer", "second", "auditor", "admin"

LIBRARY: Library = compile_library(
    [
        Row(2, "标记词甲", "A.1.a"),
        Row(3, "标记词乙", "A.1.a", WordRules(exceptions=("标记词乙类",))),
        Row(4, "标记词丙", "A.2.c"),
        Row(5, "标记词甲", "A.1.a"),
    ],
    "made.csv",
)


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("rulebook") / "data") as opened:
        opened.add(TWO, Role.COMPLIANCE_OFFICER)
        yield opened


@pytest.fixture(autouse=True)
def empty_book(desk: Desk) -> None:
    desk.sql("TRUNCATE rulebook_policy, rulebook_word, rulebook_answer")


@contextmanager
def acting(desk: Desk, name: str) -> Iterator[tuple[Session, Account]]:
    """Open a unit of work as somebody."""
    with unit_of_work(desk.store) as session:
        yield session, desk.account(session, name)


def again(session: Session, row: WordChange) -> WordChange:
    found = session.get(WordChange, row.id)
    assert found is not None
    return found


_HEARD: list[object] = []
for _kind in (value for value in vars(events).values() if isinstance(value, type) and value is not Bus):
    BUS.on(_kind, lambda _session, event: _HEARD.append(event))


@pytest.fixture
def heard() -> list[object]:
    """Return the list of every event of the room from now on."""
    _HEARD.clear()
    return _HEARD
