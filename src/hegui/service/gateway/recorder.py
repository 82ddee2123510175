"""Group commit: many exchanges, one transaction; an answer's last byte waits for its commit.

One statement writes a batch atomically, in auto-commit, and may be repeated: rows that are
there already are left alone. So a commit whose outcome is unknown can go to the spool and be
written again. This module and `hegui.store` are the only places that write durably.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import Any

import orjson
import psycopg

from hegui.general.content.checks import Versions
from hegui.kit.errors import StoreError
from hegui.kit.tasks import ended
from hegui.service.gateway.aside import aside
from hegui.service.gateway.records import Exchanged, RecordWriter
from hegui.service.gateway.spool import Spool, spool_error

_LOG = logging.getLogger(__name__)
_BATCH = 200
_TIMEOUT = 5.0
_RETRY = 1.0

INSERT = """
WITH r AS MATERIALIZED (
  SELECT * FROM json_to_recordset(%s::json) AS x(
    id uuid, at timestamptz, kind text, service text, payload text, salt text, commitment text, retention text,
    due timestamptz, person text, outcome text, risks jsonb, model text, streamed boolean, latency_ms integer,
    first_ms integer, flagged boolean, urgency text, fingerprint text, shadow jsonb,
    content text, content_key text, content_due timestamptz)
), entry AS (
  INSERT INTO evidence_entry (id, at, kind, service, payload, salt, commitment, retention, due)
  SELECT id, at, kind, service, payload, salt, commitment, retention, due FROM r
  ON CONFLICT (id) DO NOTHING
)
INSERT INTO gateway_exchange
  (id, at, service, person, outcome, risks, model, streamed, latency_ms, first_ms, flagged, urgency, fingerprint, shadow,
   content, content_key, content_due)
SELECT id, at, service, person, outcome, risks, model, streamed, latency_ms, first_ms,
  coalesce(flagged, false), urgency, fingerprint, shadow, decode(content, 'base64'), content_key, content_due FROM r WHERE r.outcome IS NOT NULL
ON CONFLICT (id) DO NOTHING
"""


Row = dict[str, Any]


def _size(exchanged: Exchanged) -> int:
    """Return how many characters of content a record has."""
    answer = exchanged.answer if isinstance(exchanged.answer, dict) else {}
    return len(exchanged.question or "") + sum(map(len, answer.values()))


_Waiting = tuple[Exchanged, Versions, asyncio.Future[None]]


class Recorder:
    """Collects exchanges while a commit runs, then writes their rows and commits them together."""

    def __init__(self, url: str, spool: Spool, writer: RecordWriter) -> None:
        self._url = url
        self._spool = spool
        self._writer = writer
        self._pending: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._flying = 0
        self.failure = ""

    def start(self) -> None:
        """Start committing."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Commit what waits, then stop."""
        while self._pending or self._flying:
            await asyncio.sleep(0.01)
        await ended(self._task)
        with contextlib.suppress(Exception):
            await self._drain()
        if self._connection is not None:
            await self._connection.close()
        self._spool.close()

    def check_accepting(self) -> None:
        """Raise StoreError when a new exchange could not be recorded."""
        if self._spool.expired:
            raise spool_error("数据库不可用已超过允许时间 / the database has been away too long")

    async def record(self, exchanged: Exchanged, versions: Versions) -> None:
        """Return when the exchange's record is durable; raise StoreError when it can not be made so."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((exchanged, versions, future))
        self._wake.set()
        await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        problems: list[StoreError | None] = []
        while True:
            timeout = _RETRY if self._spool.used else None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)
            self._wake.clear()
            batch, self._pending = self._pending[:_BATCH], self._pending[_BATCH:]
            if self._pending:
                self._wake.set()
            self._flying = len(batch)
            try:
                if batch:
                    problems = await self._write(batch)
                elif self._spool.used and loop.time() >= self._away_until:
                    await self._drain()
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and the next batch is tried
                _LOG.exception("the recorder failed; the exchanges of this batch are not served")
                problems = [spool_error(str(error))] * len(batch)
            for place, (_, _, future) in enumerate(batch):
                if future.done():
                    continue
                problem = problems[place]
                if problem is None:
                    future.set_result(None)
                else:
                    future.set_exception(problem)
            self._flying = 0

    async def _write(self, batch: list[_Waiting]) -> list[StoreError | None]:
        """Build the rows, one after the other while their code is hot, and commit them; one that fails harms no other."""
        problems: list[StoreError | None] = [None] * len(batch)
        rows: list[Row] = []
        places: list[int] = []
        for place, (exchanged, versions, _) in enumerate(batch):
            try:
                rows.append(await aside(_size(exchanged), partial(self._writer.row, exchanged, versions)))
                places.append(place)
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                _LOG.exception("a record could not be made")
                problems[place] = spool_error(f"{exchanged.content_id}: {type(error).__name__}")
        if rows:
            for place, problem in zip(places, await self._commit(rows), strict=True):
                problems[place] = problem
        return problems

    async def _commit(self, rows: list[Row]) -> list[StoreError | None]:
        """Make rows durable in the database or the spool; return for each what kept it from that."""
        loop = asyncio.get_running_loop()
        good: list[StoreError | None] = [None] * len(rows)
        if loop.time() >= self._away_until and (not self._spool.used or await self._drain()):
            try:
                await self._insert(rows)
            except (psycopg.DataError, psycopg.IntegrityError):
                return await self._one_by_one(rows)
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self._away(error)
            else:
                self.failure = ""
                return good
        return [await self._to_spool(rows)] * len(rows)

    async def _one_by_one(self, rows: list[Row]) -> list[StoreError | None]:
        """Write rows apart when one of them can not be written, so that it harms no other."""
        problems: list[StoreError | None] = []
        for row in rows:
            try:
                await self._insert([row])
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                _LOG.error("a record can not be written: %s", error)
                problems.append(spool_error(f"{row.get('id')}: {error}".strip()))
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self._away(error)
                problems.append(await self._to_spool([row]))
            else:
                problems.append(None)
        return problems

    async def _to_spool(self, rows: list[Row]) -> StoreError | None:
        """Spool rows; return what kept them from it."""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._spool.append, rows)
        except StoreError as error:
            self.failure = error.title.both
            _LOG.error("%s", error.title.both)
            return error
        return None

    async def _apart(self, rows: list[Row]) -> None:
        """Write spooled rows one by one and set aside those that can not be; raise when the database is away."""
        for row in rows:
            try:
                await self._insert([row])
            except (psycopg.DataError, psycopg.IntegrityError):
                _LOG.exception("a spooled record can not be written; it is set aside")
                self._spool.set_aside(row)

    async def _away(self, error: Exception) -> None:
        """Note that the database does not answer, and let the next try wait a little."""
        if not self.failure:
            _LOG.error("database away, spooling: %s", str(error).strip() or type(error).__name__)
        self.failure = str(error).strip() or type(error).__name__
        self._away_until = asyncio.get_running_loop().time() + _RETRY
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), _RETRY)

    async def _insert(self, rows: list[dict[str, Any]]) -> None:
        async with asyncio.timeout(_TIMEOUT):
            if self._connection is None or self._connection.closed:
                self._connection = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, prepare_threshold=0, connect_timeout=3
                )
            await self._connection.execute(INSERT, (orjson.dumps(rows).decode(),))

    async def _drain(self) -> bool:
        """Write the spool to the database; return whether it is empty now."""
        if not self._spool.used:
            return True
        try:
            for batch in self._spool.batches(_BATCH):
                try:
                    await self._insert(batch)
                except (psycopg.DataError, psycopg.IntegrityError):
                    await self._apart(batch)
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._away(error)
            return False
        self._spool.clear()
        self.failure = ""
        _LOG.warning("database back, spool written")
        return True
