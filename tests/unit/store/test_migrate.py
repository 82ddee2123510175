"""The schema: the migrations make exactly the tables of the models, from empty, step by step, and back."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from importlib.resources import as_file, files
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import hegui
from hegui.evidence import leave
from hegui.kit.errors import StoreError
from hegui.store import Base, Store, unit_of_work
from hegui.store.migrate import config, migrate
from hegui.store.unit import driver_url
from tests.unit.store.postgres import make_database

for module in pkgutil.walk_packages(hegui.__path__, "hegui."):
    if module.name.endswith(".models") or module.name == "hegui.store.revision":
        importlib.import_module(module.name)


def tables(store: Store) -> set[str]:
    return set(inspect(store.engine).get_table_names()) - {"alembic_version"}


def differences(store: Store) -> list[Any]:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, Base.metadata))


def revisions() -> list[str]:
    """Return the revisions, oldest first."""
    with as_file(files("hegui.store") / "migrations") as scripts:
        found = [script.revision for script in ScriptDirectory(str(scripts)).walk_revisions()]
    return found[::-1]


def move(store: Store, to: str, *, up: bool) -> None:
    with as_file(files("hegui.store") / "migrations") as scripts, store.engine.begin() as connection:
        (command.upgrade if up else command.downgrade)(config(connection, str(scripts)), to)


def test_the_migrations_make_the_tables_of_the_models(empty: Store) -> None:
    migrate(empty)
    assert differences(empty) == []
    assert tables(empty) == set(Base.metadata.tables)


def test_migrating_twice_changes_nothing_and_keeps_the_data(empty: Store) -> None:
    migrate(empty)
    with unit_of_work(empty) as session:
        leave(session, "test", {"n": 1})
    migrate(empty)
    with empty.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM evidence_entry")) == 1
    assert differences(empty) == []


def test_each_step_goes_up_and_down_and_up_again(empty: Store) -> None:
    for revision in revisions():
        move(empty, revision, up=True)
        before = tables(empty)
        move(empty, "-1", up=False)
        move(empty, revision, up=True)
        assert tables(empty) == before
    assert differences(empty) == []
    move(empty, "base", up=False)
    assert tables(empty) == set()
    migrate(empty)
    assert differences(empty) == []


def test_an_older_schema_is_brought_up_from_each_step(postgres: str) -> None:
    for revision in revisions():
        store = Store.open(make_database(postgres))
        move(store, revision, up=True)
        migrate(store)
        assert differences(store) == []
        store.close()


def test_there_is_one_line_of_steps() -> None:
    with as_file(files("hegui.store") / "migrations") as scripts:
        assert len(ScriptDirectory(str(scripts)).get_heads()) == 1


def test_several_processes_migrate_at_once(empty: Store) -> None:
    stores = [Store.open(empty.url) for _ in range(4)]
    failed: list[BaseException] = []

    def run(store: Store) -> None:
        try:
            migrate(store)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for store in stores:
        store.close()
    assert failed == []
    assert differences(empty) == []


def test_a_database_of_a_newer_hegui_is_refused_and_left_alone(store: Store) -> None:
    with psycopg.connect(driver_url(store.url), autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    with pytest.raises(StoreError) as told:
        migrate(store)
    assert "from_the_future" in told.value.title.zh
    assert "upgrade hegui" in told.value.remedy.en
    assert tables(store) == set(Base.metadata.tables)


def test_tables_of_somebody_else_are_told_and_left_alone(empty: Store) -> None:
    with psycopg.connect(driver_url(empty.url), autocommit=True) as connection:
        connection.execute("CREATE TABLE evidence_entry (mine text)")
        connection.execute("INSERT INTO evidence_entry VALUES ('kept')")
    with pytest.raises(StoreError, match="evidence_entry") as told:
        migrate(empty)
    assert "empty database" in told.value.remedy.en
    with psycopg.connect(driver_url(empty.url)) as connection:
        assert connection.execute("SELECT mine FROM evidence_entry").fetchall() == [("kept",)]
    assert tables(empty) == {"evidence_entry"}, "half a schema is not left behind"


def test_a_user_who_may_not_make_tables_is_told(empty: Store) -> None:
    with psycopg.connect(driver_url(empty.url), autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
    store = Store.open(empty.url.replace("postgres:@", "reader@"))
    with pytest.raises(StoreError, match="permission denied") as told:
        migrate(store)
    assert "建表" in told.value.remedy.zh
    store.close()


def test_a_database_that_is_not_there_is_told(postgres: str) -> None:
    store = Store.open(postgres.replace("@/postgres?", "@/nowhere?"))
    with pytest.raises(StoreError, match="nowhere"):
        migrate(store)
    store.close()
