# ruff: noqa: PT012 - what is under test is one unit of work, with what is done inside it
"""The unit of work: all or nothing, one committer, and failures told in words a person can act on."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

import hegui
from hegui.evidence import leave
from hegui.evidence.models import EntryRow
from hegui.kit.errors import HeguiError, InputError, StoreError
from hegui.kit.text import Bi
from hegui.store import Store, unit_of_work
from hegui.store.revision import Revision, bump
from hegui.store.unit import driver_url, masked, sqlalchemy_url, store_error

FULL = ("53100", "53200", "53300")


def count(store: Store) -> int:
    with unit_of_work(store) as session:
        return session.scalar(select(func.count()).select_from(EntryRow)) or 0


def test_what_a_unit_did_is_there_when_it_ends_and_not_before(store: Store) -> None:
    with unit_of_work(store) as session:
        leave(session, "test", {"n": 1})
        session.flush()
        with psycopg.connect(driver_url(store.url)) as other:
            assert other.execute("SELECT count(*) FROM evidence_entry").fetchone() == (0,)
    assert count(store) == 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("wrong"),
        InputError(Bi("错", "wrong"), Bi("改", "correct")),
        KeyboardInterrupt(),
        SystemExit(3),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_error_takes_back_everything(store: Store, error: BaseException) -> None:
    with pytest.raises(type(error)), unit_of_work(store) as session:
        leave(session, "test", {"n": 1})
        session.flush()
        bump(session)
        raise error
    assert count(store) == 0
    with unit_of_work(store) as session:
        assert session.get(Revision, 1) is None


def test_a_statement_that_fails_takes_back_what_went_before_it(store: Store) -> None:
    with pytest.raises(IntegrityError), unit_of_work(store) as session:
        first = leave(session, "test", {"n": 1})
        session.flush()
        session.execute(
            text("INSERT INTO evidence_entry (id, at, kind, commitment, retention) VALUES (:id, now(), 'x', '', '')"),
            {"id": first},
        )
    assert count(store) == 0


def test_nobody_else_commits(store: Store) -> None:
    with pytest.raises(RuntimeError, match="only the unit of work commits"), unit_of_work(store) as session:
        leave(session, "test", {"n": 1})
        session.commit()
    assert count(store) == 0


def test_a_unit_inside_another_is_refused_and_the_outer_one_is_taken_back(store: Store) -> None:
    with pytest.raises(RuntimeError, match="inside another"), unit_of_work(store) as session:
        leave(session, "test", {"n": 1})
        with unit_of_work(store) as inner:
            leave(inner, "test", {"n": 2})
    assert count(store) == 0, "and the next unit opens as if nothing had been"


def test_units_of_two_threads_and_of_two_databases_do_not_hinder_each_other(store: Store, empty: Store) -> None:
    seen: list[int] = []

    def other() -> None:
        with unit_of_work(store) as session:
            leave(session, "other", {})
        seen.append(count(store))

    with unit_of_work(store) as session, unit_of_work(empty) as second:
        leave(session, "test", {})
        assert second.scalar(text("SELECT 1")) == 1
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
    assert seen == [1]
    assert count(store) == 2


def test_only_the_store_commits_anywhere_in_the_source() -> None:
    root = Path(hegui.__file__).parent
    found = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "begin_nested"}
        and ast.unparse(node.func.value) != "self"  # the gateway's own word for saving a record
    ]
    assert set(found) == {"store/unit.py"}


def test_a_session_keeps_what_it_read_after_the_end(store: Store) -> None:
    with unit_of_work(store) as session:
        identity = leave(session, "test", {"n": 1})
        row = session.get_one(EntryRow, identity)
    assert row.kind == "test", "nothing is read again behind the caller's back"


def test_a_database_that_goes_away_is_told_and_comes_back(store: Store) -> None:
    with unit_of_work(store) as session:
        number = session.scalar(text("SELECT pg_backend_pid()"))
    with pytest.raises(StoreError) as told, unit_of_work(store) as session:
        leave(session, "test", {"n": 1})
        number = session.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(driver_url(store.url), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (number,))
        session.execute(text("SELECT 1"))
    assert told.value.exit_code == 4
    assert "PostgreSQL" in told.value.remedy.zh
    assert store.alive()
    assert count(store) == 0, "the next unit has a connection that works"


@pytest.mark.parametrize("state", FULL)
def test_a_full_disk_is_called_that(state: str) -> None:
    class FullError(psycopg.OperationalError):
        sqlstate = state

    told = store_error(OperationalError("INSERT", {}, FullError()))
    assert "磁盘已满" in told.title.zh
    assert "committed records are safe" in told.remedy.en


def test_a_full_disk_of_the_database_is_told_from_a_real_one(store: Store) -> None:
    with pytest.raises(StoreError, match="disk full"), unit_of_work(store) as session:
        leave(session, "test", {})
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"))
    assert count(store) == 0


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("postgresql://u:p@h:1/d", "postgresql+psycopg://u:p@h:1/d"),
        ("postgres://u@h/d?sslmode=require", "postgresql+psycopg://u@h/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_each_way_of_writing_the_url_is_understood(url: str, same: str) -> None:
    assert sqlalchemy_url(url) == same
    assert driver_url(url) == same.replace("+psycopg", "")


@pytest.mark.parametrize(
    "url", ["mysql://h/d", "sqlite:///x", "", "postgresql", "postgresql://h:port/d", "postgresql://[::1/d"]
)
def test_a_url_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as told:
        Store.open(url)
    assert "postgresql://" in told.value.remedy.en
    secret = "postgresql://user:sesame@host:port/d"
    with pytest.raises(StoreError) as told:
        Store.open(secret)
    assert "sesame" not in "".join(told.value.lines())
    assert masked(secret) == "postgresql://user:***@host:port/d"


def test_a_store_that_is_not_there_is_not_alive(tmp_path: Path) -> None:
    store = Store.open(f"postgresql://nobody@/none?host={tmp_path}")
    assert not store.alive()
    with pytest.raises(StoreError), unit_of_work(store) as session:
        leave(session, "test", {})
        session.flush()
    store.close()


def test_errors_that_are_not_the_databases_keep_their_type(store: Store) -> None:
    class OwnError(HeguiError):
        pass

    with pytest.raises(OwnError), unit_of_work(store):
        raise OwnError(Bi("错", "wrong"), Bi("改", "correct"))


def test_the_revision_grows_with_each_change_that_is_committed(store: Store) -> None:
    for expected in (1, 2, 3):
        with unit_of_work(store) as session:
            bump(session)
        with unit_of_work(store) as session:
            assert session.get_one(Revision, 1).value == expected
    with pytest.raises(ValueError, match="back"), unit_of_work(store) as session:
        bump(session)
        raise ValueError("back")
    with Session(store.engine) as session:
        assert session.get_one(Revision, 1).value == 3
