"""Retention through the running gateway: content, columns and spool, and what the ledger says of it afterwards."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from hegui.evidence.keyring import open_keyring
from hegui.evidence.retention import LOG_CLAUSE
from hegui.general.content import load_checker
from hegui.keeper import run_retention
from hegui.kit import clock
from hegui.law import register
from hegui.law.working_days import add_months
from hegui.service.gateway import acts
from hegui.service.gateway.records import Exchanged, RecordWriter
from hegui.store import Store
from tests.harness import Server, hegui, wait_for
from tests.upstream import ScriptedUpstream, says

QUESTION, ANSWER = "番茄何时浇水？", "番茄喜光，早晚浇水。"
LEAST = register().whole(LOG_CLAUSE, "log_retention_months")


@dataclass
class Kept:
    """A server with exchanges of several ages, and a way into its database."""

    server: Server
    store: Store
    connection: psycopg.Connection[Any]
    ids: list[str]

    def set(self, entry: str, **columns: str) -> None:
        """Set when something of an exchange is due, as if it had been kept since."""
        table = {"content_due": "gateway_exchange", "due": "evidence_entry"}
        for name, value in columns.items():
            self.connection.execute(
                f"UPDATE {table[name]} SET {name} = now() + %s::interval WHERE id = %s".encode(), (value, entry)
            )

    def one(self, query: str, entry: str) -> tuple[Any, ...] | None:
        return self.connection.execute(query.encode(), (entry,)).fetchone()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Kept]:
    upstream.scripts["garden"] = says(ANSWER)
    server = Server(tmp_path_factory.mktemp("retention") / "data", upstream=upstream.url).start()
    client, ids = server.client(), []
    for _ in range(6):
        reply = client.chat.completions.create(model="garden", messages=[{"role": "user", "content": QUESTION}])
        ids.append(str((reply.model_extra or {})["hegui"]["content_id"]))
    with server.database() as connection:
        url = f"postgresql://postgres@/postgres?host={connection.info.host}&port={connection.info.port}"
        store = Store.open(url)
        sealed = "SELECT count(*) FROM evidence_entry WHERE kind = 'exchange' AND seq IS NOT NULL"
        assert wait_for(lambda: connection.execute(sealed).fetchone() == (6,))
        yield Kept(server, store, connection, ids)
        store.close()
    assert server.stop() == 0


def by_id(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {record["id"]: record for record in records}


def test_a_new_record_is_due_when_the_laws_calendar_months_are_over(kept: Kept) -> None:
    found = kept.one("SELECT at, due, retention FROM evidence_entry WHERE id = %s", kept.ids[5])
    assert found is not None
    at, due, retention = found
    day = add_months(at.astimezone(clock.CHINA).date(), LEAST)
    assert due.astimezone(clock.CHINA).isoformat() == f"{day}T23:59:59+08:00"
    assert retention == "log"
    found = kept.one("SELECT content_due - at FROM gateway_exchange WHERE id = %s", kept.ids[5])
    assert found == (timedelta(days=30),)


def test_content_goes_before_the_record_and_both_say_so(kept: Kept, tmp_path: Path) -> None:
    content, whole, stays = kept.ids[:3]
    kept.set(content, content_due="-1 second")
    kept.set(whole, content_due="-1 second", due="-1 second")
    kept.set(stays, content_due="1 hour", due="1 hour")
    assert {item.kind: item.count for item in run_retention(kept.store)} == {"content": 2, "log": 1}
    row = "SELECT content, content_key FROM gateway_exchange WHERE id = %s"
    assert kept.one(row, content) == (None, None), "content and the name of its key"
    assert kept.one(row, whole) is None, "the columns to filter by go with the record"
    found = kept.one(row, stays)
    assert found is not None
    assert found[0] is not None
    assert kept.one("SELECT payload, salt FROM evidence_entry WHERE id = %s", whole) == (None, None)
    records = kept.server.export(tmp_path / "out", "--content")
    assert hegui("evidence", "verify", tmp_path / "out").returncode == 0
    assert "content" not in by_id(records)[content]
    assert by_id(records)[content]["payload"]["content_digest"]
    assert by_id(records)[whole]["erased"] is True
    assert QUESTION in by_id(records)[stays]["content"]["body"]["question"]
    erasures = [record["payload"] for record in records if record["kind"] == "record.erased"]
    assert [(item["class"], item["count"]) for item in erasures[-2:]] == [("content", 2), ("log", 1)]
    assert erasures[-1]["cite"] == LOG_CLAUSE
    assert [r["payload"]["erased"] for r in records if r["kind"] == "retention.run"][-1] == {"content": 2, "log": 1}


def test_a_run_that_fails_half_way_is_taken_back_and_the_next_does_all(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = kept.ids[3]
    kept.set(entry, content_due="-1 second", due="-1 second")
    count = "SELECT count(*) FROM evidence_entry WHERE kind = 'record.erased' AND id <> %s"
    before = kept.one(count, entry)

    def fail(*_: object) -> int:
        raise OSError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(acts, "erase_due_exchanges", fail)
        with pytest.raises(OSError, match="power"):
            run_retention(kept.store)
    found = kept.one("SELECT content IS NULL, content_key FROM gateway_exchange WHERE id = %s", entry)
    assert found == (False, "c1")
    assert kept.one(count, entry) == before, "no record of an erasure that did not happen"
    assert {item.kind: item.count for item in run_retention(kept.store)} == {"content": 1, "log": 1}
    assert kept.one("SELECT 1 FROM gateway_exchange WHERE id = %s", entry) is None


def test_a_board_day_without_anything_due_still_says_that_retention_ran(kept: Kept) -> None:
    assert run_retention(kept.store) == []
    found = kept.one("SELECT payload FROM evidence_entry WHERE kind = %s ORDER BY id DESC LIMIT 1", "retention.run")
    assert found is not None
    assert json.loads(found[0]) == {"erased": {}}


def test_a_spooled_record_whose_time_is_over_is_recorded_then_erased_and_gone_from_the_spool(
    kept: Kept, tmp_path: Path
) -> None:
    keyring = open_keyring(kept.server.data)
    long_ago = datetime.now(UTC) - timedelta(days=400)
    exchanged = Exchanged(
        content_id="01890000-0000-7000-8000-000000000001", service="test", key="k", person=None, endpoint="chat",
        model="garden", upstream="u", streamed=False, started=long_ago, question=QUESTION, answer=ANSWER,
    )  # fmt: skip
    row = RecordWriter(keyring, content_days=30, log_months=LEAST).row(exchanged, load_checker(None, None).versions)
    spool = tmp_path / "spool"
    spool.mkdir()
    path = spool / "01890000-0000-7000-8000-000000000002.jsonl"
    path.write_bytes(orjson.dumps(row) + b"\n")
    assert QUESTION not in path.read_text("utf-8"), "content lies encrypted on the disk, too"
    assert acts.write_abandoned(kept.store.url, spool) == 1
    assert list(spool.iterdir()) == [], "nothing of it is left in the spool"
    entry = exchanged.content_id
    sealed = "SELECT 1 FROM evidence_entry WHERE id = %s AND seq IS NOT NULL"
    assert wait_for(lambda: kept.one(sealed, entry) is not None), "first it gets its place in the ledger"
    assert {item.kind: item.count for item in run_retention(kept.store)} == {"content": 1, "log": 1}
    assert kept.one("SELECT 1 FROM gateway_exchange WHERE id = %s", entry) is None
    records = by_id(kept.server.export(tmp_path / "out", "--content"))
    assert set(records[entry]) == {"index", "id", "kind", "commitment", "proof", "erased"}
    assert hegui("evidence", "verify", tmp_path / "out").returncode == 0


def test_nothing_of_erased_content_can_be_read_from_the_tables(kept: Kept) -> None:
    entry = kept.ids[4]
    found = kept.one("SELECT content FROM gateway_exchange WHERE id = %s", entry)
    assert found is not None
    sealed = b64encode(found[0]).decode()[:64]
    kept.set(entry, content_due="-1 second", due="-1 second")
    run_retention(kept.store)
    for table in ("gateway_exchange", "evidence_entry"):
        dumped = kept.connection.execute(f"SELECT t::text, '' FROM {table} t".encode()).fetchall()
        text = "".join(row[0] for row in dumped)
        assert found[0].hex()[:64] not in text
        assert sealed not in text
        assert QUESTION not in text
        assert ANSWER not in text
