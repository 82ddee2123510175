"""One gateway process: opens keys, checker, database and upstream, and serves on an inherited socket."""

from __future__ import annotations

import gc
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import uvicorn

from hegui.evidence.keyring import open_keyring
from hegui.evidence.retention import log_months
from hegui.general.content import folding, load_checker, skeleton
from hegui.general.content.book import Book
from hegui.general.content.guards import load_guard
from hegui.general.content.inforce import InForce
from hegui.general.content.library import Library
from hegui.general.content.policy import Audience
from hegui.general.rulebook.reading import read_book_async
from hegui.kit import clock, process
from hegui.kit.calls import Endpoints
from hegui.service.gateway.access import Access
from hegui.service.gateway.asgi import Gateway
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.follower import Follower, ReadBook, ledger
from hegui.service.gateway.http import Receive, Scope, Send
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.recorder import Recorder
from hegui.service.gateway.records import RecordWriter
from hegui.service.gateway.releasing import Leaves
from hegui.service.gateway.spool import Spool
from hegui.service.gateway.upstream import open_upstream
from hegui.service.releases.api import GrantEndpoints
from hegui.service.releases.giving import Releases
from hegui.service.uploads.api import UploadEndpoints
from hegui.service.uploads.desk import Desk as UploadDesk
from hegui.store.unit import Store, driver_url

TITLE = "hegui-gateway"


def _rulebook(library: Library) -> ReadBook:
    """Return what reads the rules that people put in force over the operator's library."""

    async def read(connection: psycopg.AsyncConnection[Any], /) -> tuple[Book, datetime | None]:
        found = await read_book_async(connection, library)
        return found.book, None if found.within is None else clock.now() + found.within

    return read


RULEBOOK: Callable[[Library], ReadBook] = _rulebook
"""The one line to change for rules that are kept elsewhere."""


def spool_folder(data: Path) -> Path:
    """Return where workers spool."""
    return data / "spool"


def _name() -> str:
    """Return the title that the supervisor gave to this process."""
    return sys.argv[1] if len(sys.argv) > 1 else TITLE


class Worker:
    """The ASGI application with its life: opened when the loop runs, closed after the last request."""

    def __init__(self, given: process.Given) -> None:
        self._given = given
        self._settings = given.settings
        self._url = driver_url(given.url)
        self._gateway: Gateway | None = None
        self._engine: Engine | None = None
        self._access: Access | None = None
        self._follower: Follower | None = None
        self._releases: Releases | None = None
        self._rooms: tuple[Endpoints, ...] = ()

    async def _open(self) -> None:
        settings = self._settings
        checker = load_checker(*settings.content_files)
        folding.warm()
        skeleton.warm()
        keyring = open_keyring(settings.data)
        spool = Spool(
            spool_folder(settings.data), seconds=settings.spool_seconds, most_bytes=settings.spool_megabytes << 20
        )
        writer = RecordWriter(keyring, content_days=settings.content_days, log_months=log_months(settings.log_months))
        recorder = Recorder(self._url, spool, writer)
        recorder.start()
        guard = load_guard(Path(settings.guard)) if settings.guard else None
        inforce = InForce(checker.library, checker.policy, checker.model, guard.name if guard else "")
        services = {name for kind, name in checker.policy.scopes if kind == "services"}
        for service in ("", *services):
            for audience in Audience:
                inforce.checkers(service, audience)  # words by sound can take seconds; no request should wait for them
        self._releases = Releases(self._url, settings.log_months)
        store = Store.open(self._given.url)
        self._rooms = (GrantEndpoints(store, keyring, settings), UploadEndpoints(UploadDesk(store, keyring, settings)))
        self._engine = Engine(
            inforce, open_upstream(settings), recorder, keyring, guard, Desk(settings, keyring),
            Leaves(self._releases, settings.provider_code),
        )  # fmt: skip
        self._access = Access(self._url, settings.appeal_url)
        await self._access.start()
        self._follower = Follower(self._url, inforce, RULEBOOK(checker.library), ledger(self._given.url), name=_name())
        await self._follower.start()
        # What was loaded stays; collecting it again and again would cost more than the requests.
        process.give_back()
        gc.freeze()
        gc.set_threshold(20_000, 10, 5)
        self._gateway = Gateway(settings, self._engine, self._access, self._follower, self._rooms)
        self._given.ready()

    async def _close(self) -> None:
        if self._follower is not None:
            await self._follower.close()
        if self._access is not None:
            await self._access.close()
        if self._releases is not None:
            await self._releases.close()
        for room in self._rooms:
            await room.close()
        if self._engine is not None:
            await self._engine.recorder.close()
            await self._engine.upstream.close()
            if self._engine.guard is not None:
                await self._engine.guard.close()
            if self._engine.desk is not None:
                self._engine.desk.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or follow the server's life."""
        if scope["type"] == "http" and self._gateway is not None:
            await self._gateway(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await self._open()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._close()
            await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    """Run a worker."""
    given = process.begin("gateway")
    server = uvicorn.Server(
        uvicorn.Config(
            Worker(given),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            date_header=False,
            timeout_graceful_shutdown=20,
            backlog=2048,
        )
    )
    server.run(sockets=[socket.socket(fileno=given.socket)])


if __name__ == "__main__":
    main()
