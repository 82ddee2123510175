"""`HEGUI_DATABASE_URL` as an operator can get it wrong: each told in words, with the exit code of its kind."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.harness import Server, hegui


@pytest.fixture(scope="module")
def yours(server: Server) -> Iterator[str]:
    """A database of the operator's own, with a role that has a password."""
    with server.database() as connection:
        connection.execute("CREATE DATABASE operator")
        url = f"postgresql://postgres@/operator?host={connection.info.host}&port={connection.info.port}"
        yield url
        connection.execute("DROP DATABASE operator WITH (FORCE)")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://user:sesame@host/x", "postgresql://user:password@host/database"),
        ("postgresql://user:sesame@host:port/x", "postgresql://user:***@host:port/x"),
        ("postgresql://user:sesame@127.0.0.1:1/x", "127.0.0.1"),
        ("postgresql://user:sesame@/x?host=/nonexistent", "/nonexistent"),
    ],
    ids=["another kind", "a port that is none", "nobody listens", "no such socket"],
)
def test_a_wrong_or_unreachable_database_is_told_without_its_password(tmp_path: Path, url: str, told: str) -> None:
    done = hegui("keys", "list", "--data", tmp_path / "data", "--json", check=False, HEGUI_DATABASE_URL=url)
    assert done.returncode == 4, done.stderr
    assert told in done.stderr
    assert "sesame" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert set(json.loads(done.stdout)) == {"error", "error_zh", "remedy", "remedy_zh", "cite"}
    assert not (tmp_path / "data" / "postgres").exists(), "the embedded one is not started instead"


def test_a_port_that_does_not_speak_postgresql_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"postgresql://nobody@127.0.0.1:{listening.getsockname()[1]}/x?connect_timeout=2"
        done = hegui("keys", "list", "--data", tmp_path / "data", check=False, HEGUI_DATABASE_URL=url)
    assert done.returncode == 4
    assert "timeout" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_a_newer_hegui_and_a_foreign_one_are_refused(tmp_path: Path, yours: str) -> None:
    assert hegui("keys", "list", "--data", tmp_path / "data", HEGUI_DATABASE_URL=yours).returncode == 0
    with psycopg.connect(yours, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = hegui("serve", "--data", tmp_path / "data", "--port", "0", check=False, HEGUI_DATABASE_URL=yours)
    assert (done.returncode, "9999" in done.stderr, "升级 hegui" in done.stderr) == (4, True, True), done.stderr
    with psycopg.connect(yours, autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    done = hegui("keys", "list", "--data", tmp_path / "data", check=False, HEGUI_DATABASE_URL=yours)
    assert (done.returncode, "already exists" in done.stderr, "空库" in done.stderr) == (4, True, True), done.stderr


def test_one_data_directory_can_not_be_used_by_two_servers_of_your_own_database(
    server: Server, tmp_path: Path, yours: str
) -> None:
    done = hegui("serve", "--data", server.data, "--port", "0", check=False, HEGUI_DATABASE_URL=yours)
    assert done.returncode == 5
    assert str(server.data) in done.stderr
    assert f"serve {server.process.pid if server.process else ''}" in done.stderr
