"""The recorder when rows are bad and the database comes and goes: nothing that was served is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from hegui.evidence.keyring import open_keyring
from hegui.general.content.checks import Versions
from hegui.kit import clock, ids
from hegui.kit.errors import StoreError
from hegui.service.gateway.acts import erase_set_aside
from hegui.service.gateway.recorder import Recorder, Row
from hegui.service.gateway.records import Exchanged, RecordWriter
from hegui.service.gateway.spool import Spool

VERSIONS = Versions("p", "l", "w")


class Bench(Recorder):
    """The recorder over a database that a test plays: `accept` raises for what it does not take."""

    def __init__(self, folder: Path) -> None:
        writer = RecordWriter(open_keyring(folder / "d"), content_days=30, log_months=6)
        super().__init__("unused", Spool(folder / "spool", seconds=60, most_bytes=1 << 20), writer)
        self.folder = folder / "spool"
        self.rows: dict[str, Row] = {}
        self.accept: Callable[[list[Row]], None] = everything

    async def _insert(self, rows: list[Row]) -> None:
        self.accept(rows)
        self.rows.update({row["id"]: row for row in rows})

    async def served(self, model: str) -> str:
        """Record an exchange and return how it went; its model names what the test does with it."""
        exchanged = Exchanged(
            content_id=ids.uuid7(), service="s", key="k", person=None, endpoint="e", model=model, upstream="u",
            streamed=False, started=clock.now(), question="问", answer={"a": "答"},
        )  # fmt: skip
        try:
            await self.record(exchanged, VERSIONS)
        except StoreError:
            return "refused"
        return "served"

    def models(self) -> list[str]:
        return sorted(row["model"] for row in self.rows.values())

    async def until(self, done: Callable[[], bool]) -> None:
        for _ in range(400):
            if done():
                return
            await asyncio.sleep(0.02)
        pytest.fail("it never came about")


def everything(_rows: list[Row]) -> None:
    """Take all rows."""


def bad(rows: list[Row]) -> None:
    if any(row["model"] == "bad" for row in rows):
        message = "a row that no table takes"
        raise psycopg.DataError(message)


def away(_rows: list[Row]) -> None:
    message = "away"
    raise psycopg.OperationalError(message)


def run(go: Callable[[Bench], Any], folder: Path) -> None:
    async def main() -> None:
        bench = Bench(folder)
        bench.start()
        await go(bench)
        await bench.close()

    asyncio.run(main())


def test_one_bad_row_harms_no_other(tmp_path: Path) -> None:
    async def go(bench: Bench) -> None:
        bench.accept = bad
        results = await asyncio.gather(*(bench.served(name) for name in ("a", "bad", "b")))
        assert results == ["served", "refused", "served"]
        assert bench.models() == ["a", "b"]

    run(go, tmp_path)


def test_a_record_that_can_not_be_made_is_not_served(tmp_path: Path) -> None:
    async def go(bench: Bench) -> None:
        broken = Exchanged(
            content_id="x", service="s", key="k", person=None, endpoint="e", model="m", upstream="u",
            streamed=False, started=clock.now(), question=object(),
        )  # fmt: skip
        refused, fine = await asyncio.gather(bench.record(broken, VERSIONS), bench.served("a"), return_exceptions=True)
        assert isinstance(refused, StoreError)
        assert fine == "served"

    run(go, tmp_path)


def test_what_was_spooled_and_can_not_be_written_is_set_aside(tmp_path: Path) -> None:
    async def go(bench: Bench) -> None:
        bench.accept = away
        assert set(await asyncio.gather(*(bench.served(name) for name in ("a", "bad", "b")))) == {"served"}
        assert bench.models() == []
        bench.accept = bad
        await bench.until(lambda: bench.models() == ["a", "b"])
        await bench.until(lambda: any(bench.folder.glob("*.bad")))
        (aside,) = bench.folder.glob("*.bad")
        assert [orjson.loads(line)["model"] for line in aside.read_bytes().splitlines()] == ["bad"]

    run(go, tmp_path)


def test_a_database_that_goes_away_again_while_rows_are_written_apart_loses_none(tmp_path: Path) -> None:
    async def go(bench: Bench) -> None:
        bench.accept = away
        await asyncio.gather(*(bench.served(name) for name in ("a", "bad", "b", "c")))
        tries = 0

        def flaky(rows: list[Row]) -> None:
            nonlocal tries
            bad(rows)
            tries += 1
            if tries == 2:
                away(rows)

        bench.accept = flaky
        await bench.until(lambda: bench.models() == ["a", "b", "c"])

    run(go, tmp_path)


def test_a_database_that_goes_away_while_a_batch_is_written_apart_spools_the_rest(tmp_path: Path) -> None:
    async def go(bench: Bench) -> None:
        def gone(rows: list[Row]) -> None:
            bad(rows)
            if len(rows) == 1 and rows[0]["model"] == "b":
                away(rows)

        bench.accept = gone
        results = await asyncio.gather(*(bench.served(name) for name in ("a", "bad", "b")))
        assert results == ["served", "refused", "served"]
        bench.accept = everything
        await bench.until(lambda: bench.models() == ["a", "b"])

    run(go, tmp_path)


class Session:
    """Keeps what would be recorded."""

    def __init__(self) -> None:
        self.left: list[Any] = []

    def add(self, row: object) -> None:
        self.left.append(row)


def test_what_is_set_aside_goes_when_its_time_is_up(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "due": "2026-01-01T00:00:00Z", "content_due": "2025-08-01T00:00:00Z", "content": "YQ==", "content_key": "k"},
        {"id": "2", "due": "2026-06-01T00:00:00Z", "content_due": "2026-01-01T00:00:00Z", "content": "YQ==", "content_key": "k"},
        {"id": "3", "due": "2026-06-01T00:00:00Z", "content_due": "2026-03-01T00:00:00Z", "content": "YQ==", "content_key": "k"},
    ]  # fmt: skip
    path = tmp_path / "x.bad"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    session: Any = Session()
    moment = datetime.fromisoformat("2026-02-01T00:00:00Z")
    assert erase_set_aside(session, tmp_path, moment) == 2
    left = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert [(row["id"], row["content"]) for row in left] == [("2", None), ("3", "YQ==")]
    assert [row.kind for row in session.left] == ["record.erased"]
    assert erase_set_aside(session, tmp_path, moment) == 0, "and nothing twice"
    assert erase_set_aside(session, tmp_path, datetime.fromisoformat("2027-01-01T00:00:00Z")) == 2
    assert not path.exists()


def test_the_file_of_a_worker_that_lives_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").touch()
    (tmp_path / "x.bad").write_bytes(b'{"id":"1","due":"2020-01-01T00:00:00Z"}\n')
    session: Any = Session()
    assert erase_set_aside(session, tmp_path, clock.now()) == 0
    assert (tmp_path / "x.bad").exists()
