"""What people put in force while the service runs, as one worker follows it: told by the database, looked for twice a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg

from hegui.evidence import leave
from hegui.general.content.book import Book
from hegui.general.content.inforce import InForce
from hegui.general.content.library import Library
from hegui.kit import clock
from hegui.kit.errors import HeguiError
from hegui.kit.tasks import ended
from hegui.kit.text import Bi
from hegui.service.gateway.protocol import ApiError
from hegui.store.unit import Store, unit_of_work

CHANNEL = "hegui_rulebook"
"""Where the rulebook tells, in the transaction of a change, that there is one."""
TAKEN = "rules.taken"
REFUSED = "rules.refused"
_LOG = logging.getLogger(__name__)
_EVERY = 0.5
_LEAST = 0.1
_TIMEOUT = 5.0
_AGAIN = timedelta(seconds=30)
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONGEST = 500

Connection = psycopg.AsyncConnection[Any]
Tell = Callable[[str, dict[str, Any]], None]
"""Keeps that a book was taken or refused; called in a thread, it may wait."""


class ReadBook(Protocol):
    """Reads what is in force now, and when time alone changes it next, by the clock of this machine (None for never)."""

    async def __call__(self, connection: Connection, /) -> tuple[Book, datetime | None]:
        """Return the book and the moment to read again."""


def no_rulebook(_library: Library) -> ReadBook:
    """Return what reads the empty book: the operator's files and nothing over them."""

    async def read(_connection: Connection, /) -> tuple[Book, datetime | None]:
        return Book(), None

    return read


def ledger(url: str) -> Tell:
    """Return what keeps takings and refusals in the ledger."""

    def tell(kind: str, payload: dict[str, Any]) -> None:
        store = Store.open(url)
        try:
            with unit_of_work(store) as session:
                leave(session, kind, payload)
        finally:
            store.close()

    return tell


@dataclass(frozen=True)
class _Outcome:
    """What became of a book."""

    kind: str
    payload: dict[str, Any]


class Follower:
    """Keeps `InForce` at the rulebook's newest state; a book that can not be applied leaves the old one in force.

    `ready` is False until a first book was taken: until then it is not known what is in force, and
    nothing may be served. `failure` says, for a person, why the newest book is not in force.
    """

    def __init__(self, url: str, inforce: InForce, read: ReadBook, tell: Tell, *, name: str = "") -> None:
        self._url = url
        self._inforce = inforce
        self._read = read
        self._tell = tell
        self._name = name
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._revision: int | None = None
        self._book: Book | None = None
        self._again: datetime | None = None
        self._untold: _Outcome | None = None
        self._away = False
        self.ready = False
        self.failure: Bi | None = None

    def check_ready(self) -> None:
        """Raise ApiError 503 while no book was taken."""
        if not self.ready:
            why = self.failure or Bi("尚未读到规则", "the rules have not been read yet")
            raise ApiError(503, "rules_not_in_force", f"服务暂停：{why.zh} / service is paused: {why.en}")

    async def start(self) -> None:
        """Take the book that is there, then follow it."""
        await self._round(wait=False)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop following."""
        await ended(self._task)
        await self._disconnect()

    async def _run(self) -> None:
        while True:
            if self._connection is None:
                await asyncio.sleep(_EVERY)
            await self._round(wait=True)

    async def _round(self, *, wait: bool) -> None:
        """Wait until something could have changed, and take it; what fails is tried again in the next round."""
        try:
            told = await self._listened(self._connection) if wait and self._connection is not None else False
            async with asyncio.timeout(_TIMEOUT):
                found = await self._changed(told=told)
            self._away = False
            if found is not None:
                await self._take(found)
            await self._keep()
        except (psycopg.Error, OSError, TimeoutError) as error:
            if not self._away:
                _LOG.error("the rulebook can not be read: %s", str(error).strip() or type(error).__name__)
            self._away = True
            self._revision = None
            await self._disconnect()
        except Exception:  # noqa: BLE001 - the next round is tried all the same
            _LOG.exception("the rulebook could not be followed")
            self._revision = None
            await self._disconnect()

    async def _listened(self, connection: Connection) -> bool:
        """Wait for a word of the database, at most until it is time to look; return whether there was one."""
        seconds = _EVERY
        if self._again is not None:
            seconds = min(seconds, max(_LEAST, (self._again - clock.now()).total_seconds()))
        told = False
        async for _ in connection.notifies(timeout=seconds, stop_after=1):
            told = True
        if told:
            # What was told at the same time is one change; the book is read once for it.
            async for _ in connection.notifies(timeout=0):
                pass
        return told

    async def _changed(self, *, told: bool) -> Book | None:
        """Return the book when it may have changed since it was read last."""
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=3)
            await self._connection.execute(f"LISTEN {CHANNEL}")
        cursor = await self._connection.execute("SELECT value FROM store_revision WHERE id = 1")
        row = await cursor.fetchone()
        revision = row[0] if row else 0
        due = self._again is not None and clock.now() >= self._again
        if not told and not due and revision == self._revision:
            return None
        book, self._again = await self._read(self._connection)
        self._revision = revision
        return None if book == self._book else book

    async def _take(self, book: Book) -> None:
        """Put a book in force, in a thread, as a big one takes a while."""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._inforce.take, book)
        except HeguiError as error:
            self._book = book  # it is wrong however often it is tried
            self._fail(error.title)
            return
        except Exception as error:  # noqa: BLE001 - what is in force stays so
            _LOG.exception("a rulebook could not be put in force")
            self._book = None  # whatever is read next is tried, the one in force too
            self._again = min(self._again or _NEVER, clock.now() + _AGAIN)
            self._fail(
                Bi(
                    f"规则无法生效（{type(error).__name__}）",
                    f"the rules could not be put in force ({type(error).__name__})",
                )
            )
            return
        first = not self.ready
        self._book, self.ready, self.failure = book, True, None
        if not first or book != Book():
            # The files alone are told by `service.started`.
            versions = self._inforce.checkers().chat.versions.as_dict()
            self._untold = _Outcome(TAKEN, {"versions": versions, "worker": self._name, **_size(book)})

    def _fail(self, why: Bi) -> None:
        if why == self.failure:
            return
        self.failure = why
        _LOG.error("the newest rules are not in force, the old ones stay: %s", why.both)
        self._untold = _Outcome(REFUSED, {"zh": why.zh[:_LONGEST], "en": why.en[:_LONGEST], "worker": self._name})

    async def _keep(self) -> None:
        """Tell what became of the newest book, until it is kept."""
        untold = self._untold
        if untold is None:
            return
        try:
            async with asyncio.timeout(_TIMEOUT):
                await asyncio.get_running_loop().run_in_executor(None, self._tell, untold.kind, untold.payload)
        except HeguiError as error:
            _LOG.warning("what is in force could not be recorded yet: %s", error.title.both)
            return
        if self._untold is untold:
            self._untold = None

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), _EVERY)


def _size(book: Book) -> dict[str, Any]:
    return {
        "words": len(book.words),
        "gone": len(book.gone),
        "answers": len(book.answers),
        "shadow": book.shadow is not None,
    }
