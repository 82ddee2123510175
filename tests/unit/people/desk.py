"""The console on a real database and real HTTP, in this process, so that a test can also look behind the pages."""

from __future__ import annotations

import contextlib
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import uvicorn
from argon2 import PasswordHasher
from sqlalchemy import select

from hegui.app import FACTS, ROUTES
from hegui.console.board import FactSource
from hegui.console.frame import Frame, Shared
from hegui.evidence import sequencer
from hegui.evidence.keyring import Keyring, open_keyring
from hegui.evidence.models import EntryRow
from hegui.general.content.checks import Verdict, Versions
from hegui.general.content.policy import Action
from hegui.kit import clock, ids
from hegui.kit.canonical import canonical
from hegui.kit.pages import Route
from hegui.kit.settings import Settings
from hegui.people import accounts
from hegui.people.models import Account
from hegui.people.permits import Role
from hegui.service.gateway.models import Exchange
from hegui.service.gateway.records import Exchanged, RecordWriter
from hegui.store import Store, unit_of_work
from hegui.store.embedded import database
from hegui.store.migrate import migrate

PASSWORD = "correct horse battery"
_DATABASES = pytest.StashKey[str]()
_CSRF = re.compile(r'name="csrf" value="([^"]*)"')
__all__ = ["PASSWORD", "Action", "Browser", "Desk", "Seen", "Verdict", "open_desk", "see"]


def _server(config: pytest.Config) -> str:
    """Return the URL of one embedded PostgreSQL for the whole run, with a migrated database to copy."""
    if _DATABASES not in config.stash:
        stack = contextlib.ExitStack()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(database(Settings(data=Path(folder) / "data"), "serve"))
        config.add_cleanup(stack.close)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE pattern")
        store = Store.open(_named(url, "pattern"))
        migrate(store)
        store.close()
        config.stash[_DATABASES] = url
    return config.stash[_DATABASES]


def _named(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?", 1)


class Seen(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and the text that is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def loaded(self) -> list[str]:
        """Return every address that the browser fetches or sends to without being asked for it by a click on a link."""
        keys = ("src", "srcset", "action", "formaction", "data", "poster", "hx-get", "hx-post")
        found = [attrs[key] for _, attrs in self.elements for key in keys if key in attrs]
        return found + [attrs["href"] for tag, attrs in self.elements if tag not in {"a", "area"} and "href" in attrs]


def see(response: httpx2.Response) -> Seen:
    return Seen(response.text)


class Browser:
    """A browser without scripts: keeps cookies, fills in the token of the page it last saw."""

    def __init__(self, base: str, **headers: str) -> None:
        # No connection outlives its answer, so that nothing has to be closed.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self.http = httpx2.Client(base_url=base, headers=headers, trust_env=False, timeout=30, limits=limits)
        self.csrf = ""

    def _seen(self, response: httpx2.Response) -> httpx2.Response:
        found = _CSRF.search(response.text)
        if found:
            self.csrf = unescape(found.group(1))
        return response

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._seen(self.http.get(path, headers=headers))

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx2.Response:
        return self._seen(self.http.post(path, data={"csrf": self.csrf, **(form or {})}, headers=headers))

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx2.Response:
        self.get("/sign-in")
        answer = self.post("/sign-in", {"name": name, "password": password})
        if answer.status_code == 303:
            self.get("/")
        return answer

    @property
    def signed_in(self) -> bool:
        return self.get("/").status_code == 200


class Desk:
    """A store with one account of each role, a console over it, and browsers that sign in there."""

    def __init__(self, data: Path, url: str, *, facts: Sequence[FactSource], routes: Sequence[Route]) -> None:
        self.settings = Settings(data=data)
        self.store = Store.open(url)
        self.keyring: Keyring = open_keyring(data)
        self.facts, self.routes = facts, routes
        self.url = ""
        self._browsers: dict[str, Browser] = {}
        with unit_of_work(self.store) as session:
            first = accounts.bootstrap(session)
            assert first is not None
            accounts.change_password(session, first.account, first.password, PASSWORD)
            session.flush()
        for role in Role:
            if role is not Role.ADMINISTRATOR:
                self.add(role.value, role)

    def add(self, name: str, role: Role) -> str:
        """Open an account with the usual password and return its id."""
        with unit_of_work(self.store) as session:
            opened = accounts.open_account(session, self.account(session, "admin"), name, role)
            accounts.change_password(session, opened.account, opened.password, PASSWORD)
            return opened.account.id

    @staticmethod
    def account(session: Any, name: str) -> Account:
        found = session.scalar(select(Account).where(Account.name == name))
        assert isinstance(found, Account)
        return found

    def name(self, role: Role) -> str:
        return "admin" if role is Role.ADMINISTRATOR else role.value

    def browser(self, role: Role) -> Browser:
        """Return a browser that is signed in as a role, the same for the whole module."""
        name = self.name(role)
        if name not in self._browsers:
            self._browsers[name] = Browser(self.url)
        if not self._browsers[name].signed_in:
            assert self._browsers[name].sign_in(name).status_code == 303
        return self._browsers[name]

    def entries(self, kind: str) -> list[str]:
        """Return the payloads of the ledger's entries of a kind, oldest first."""
        with unit_of_work(self.store) as session:
            rows = session.scalars(select(EntryRow).where(EntryRow.kind == kind).order_by(EntryRow.id))
            return [row.payload or "" for row in rows]

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement as somebody at the database would."""
        with self.store.engine.begin() as connection:
            done = connection.exec_driver_sql(statement, values or None)
            return [tuple(row) for row in done] if done.returns_rows else []

    def exchange(self, **known: Any) -> str:
        """Record an exchange as the gateway does and return its id."""
        content_id = known.pop("content_id", None) or ids.uuid7()
        plain: dict[str, Any] = {
            "service": "chat", "key": "k", "person": None, "endpoint": "chat", "model": "m", "upstream": "demo",
            "streamed": False, "started": clock.now(), "latency_ms": 12, "answer": {"0.content": "好"},
            "question": '[{"role":"user","content":"你好"}]', "label": "start",
        }  # fmt: skip
        writer = RecordWriter(self.keyring, content_days=30, log_months=6)
        row = writer.row(Exchanged(content_id=content_id, **{**plain, **known}), Versions("p1", "l1", "w1"))
        from hegui.service.gateway.recorder import INSERT

        with psycopg.connect(self.store.url, autocommit=True) as connection:
            connection.execute(INSERT, (canonical([row]).decode(),))
        return content_id

    def forget_exchanges(self) -> None:
        with unit_of_work(self.store) as session:
            for row in session.scalars(select(Exchange)):
                session.delete(row)

    def seal(self) -> None:
        """Seal what waits, as the keeper does."""
        with unit_of_work(self.store) as session:
            sequencer.seal(session, self.keyring.signer, self.settings.data / "no checkpoint")

    @contextmanager
    def serving(self, **settings: Any) -> Iterator[str]:
        """Serve another console over the same store, with other settings, and yield its URL."""
        shared = Shared(replace(self.settings, **settings), self.store, self.keyring, self.facts, self.routes)
        config = uvicorn.Config(Frame(shared).app(), log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            listening.close()


@contextmanager
def open_desk(
    config: pytest.Config, data: Path, *, facts: Sequence[FactSource] = FACTS, routes: Sequence[Route] = ROUTES
) -> Iterator[Desk]:
    """Yield a desk with a database of its own."""
    url, name = _server(config), f"d{ids.uuid7().replace('-', '')}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE pattern")
    # Hashes at the least cost; what the real cost is has a test of its own.
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_HASHER", hasher)
        patch.setattr(accounts, "UNKNOWN", hasher.hash("nobody"))
        desk = Desk(data, _named(url, name), facts=facts, routes=routes)
        try:
            with desk.serving() as desk.url:
                yield desk
        finally:
            desk.store.close()
