"""A real PostgreSQL for the tests of a folder, with a fresh migrated database for each test that asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psycopg
import pytest

from hegui.store import Store
from hegui.store.embedded import EmbeddedServer
from hegui.store.migrate import migrate

_NUMBERS = itertools.count(1)


def url_of(server: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return server.replace("@/postgres?", f"@/{name}?", 1)


def make_database(server: str, template: str = "template1") -> str:
    """Make a database and return its URL."""
    name = f"made_{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return url_of(server, name)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one server; yield the URL of its first database."""
    running = EmbeddedServer(tmp_path_factory.mktemp("postgres"))
    yield running.start()
    running.stop()


@pytest.fixture(scope="session")
def migrated(postgres: str) -> str:
    """Name of a database with the newest schema, to be copied."""
    url = make_database(postgres)
    store = Store.open(url)
    migrate(store)
    store.close()
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture
def empty(postgres: str) -> Iterator[Store]:
    """Open a database without any table."""
    store = Store.open(make_database(postgres))
    yield store
    store.close()


@pytest.fixture
def store(postgres: str, migrated: str) -> Iterator[Store]:
    """Open a fresh database with the newest schema."""
    opened = Store.open(make_database(postgres, migrated))
    yield opened
    opened.close()
