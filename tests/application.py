"""A gateway worker in this process whose provider has a code, and an application that asks it for what it keeps."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import orjson
import pytest

from hegui.kit.calls import Call, Endpoints, Reply
from hegui.kit.process import Given
from hegui.kit.settings import Settings
from hegui.people import api_keys
from hegui.people.permits import Role
from hegui.service.releases import acts
from hegui.store import unit_of_work
from tests.unit.gateway.test_worker_rules import running
from tests.unit.labels.pictures import CODE, OTHER
from tests.unit.people.desk import Desk, open_desk
from tests.upstream import Json, ScriptedUpstream

OFFICER = Role.COMPLIANCE_OFFICER.value
MARKED = "标记词甲"


class Application:
    """The operator's application: a key of a service, plain HTTP, and the openai client."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base
        self.key = key
        # No connection outlives its answer: one that idles may be closed in the moment that it is used again.
        limits = httpx2.Limits(max_keepalive_connections=0)
        headers = {"authorization": f"Bearer {key}"}
        self.http = httpx2.Client(base_url=base, headers=headers, trust_env=False, timeout=60, limits=limits)
        own = openai.DefaultHttpxClient(limits=limits)
        self.openai = openai.OpenAI(base_url=base, api_key=key, max_retries=0, timeout=60, http_client=own)

    def post(self, path: str, body: Json | None = None, **more: Any) -> httpx2.Response:
        if body is not None:
            more["json"] = body
        return self.http.post(f"/labelling{path}", **more)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.http.get(f"/labelling{path}", **more)

    def request(self, user: str = "u1", **more: Any) -> Json:
        """Make a request for a leave, and return it."""
        asked = {"user": user, "purpose": "用于线下海报", "kinds": ["text"], **more}
        made = self.post("/grants", asked)
        assert made.status_code == 201, made.text
        found: Json = made.json()
        return found

    def accept(self, grant: Json, user: str = "u1", clause: str = "") -> httpx2.Response:
        return self.post(f"/grants/{grant['id']}/accept", {"user": user, "clause": clause or grant["clause"]["digest"]})

    def ask(self, grant: str, user: str | None = "u1", text: str = "写一句口号", **more: Any) -> Any:
        """Ask for an answer under a leave."""
        create: Any = self.openai.chat.completions.create
        return create(
            model=more.pop("model", "echo"), messages=[{"role": "user", "content": text}],
            extra_headers={"x-hegui-unlabelled": grant}, **({} if user is None else {"user": user}), **more,
        )  # fmt: skip


class House:
    """Desk, worker and applications over one database."""

    def __init__(self, desk: Desk, url: str, settings: Settings) -> None:
        self.desk = desk
        self.url = url
        self.settings = settings
        self._applications: dict[str, Application] = {}

    def application(self, service: str = "chat") -> Application:
        if service not in self._applications:
            with unit_of_work(self.desk.store) as session:
                key = api_keys.create_key(session, service, "test")
            self._applications[service] = Application(self.url, key.secret)
        return self._applications[service]

    def approve(self, number: str) -> None:
        with unit_of_work(self.desk.store) as session:
            acts.approve(session, number, Desk.account(session, OFFICER), self.settings)

    def granted(self, user: str = "u1", service: str = "chat", **more: Any) -> str:
        """Return the id of a leave that was asked for, accepted and approved."""
        application = self.application(service)
        grant = application.request(user, **more)
        assert application.accept(grant, user).status_code == 200
        self.approve(grant["id"])
        return str(grant["id"])

    def contents(self, grant: str) -> list[tuple[Any, ...]]:
        return self.desk.sql(
            "SELECT content_id, kind, state, digest, due FROM release_content WHERE grant_id = %s ORDER BY at", grant
        )


@contextmanager
def open_house(
    request: pytest.FixtureRequest, folder: Path, upstream: ScriptedUpstream, **more: Any
) -> Iterator[House]:
    """Yield a house of its own; `more` are settings."""
    (folder / "words.csv").write_text(f"关键词,一级分类,二级分类\n{MARKED},A.1,A.1.a\n")
    with open_desk(request.config, folder / "data") as desk:
        opened = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{opened.getsockname()[1]}/v1"
        given = {"provider_code": CODE, "propagator_code": OTHER, "library": str(folder / "words.csv"), **more}
        settings = Settings(data=desk.settings.data, upstream=upstream.url, **given)
        reader, writer = os.pipe()
        with running(Given(settings, desk.store.url, opened.detach(), writer)):
            assert os.read(reader, 1) == b"1"
            yield House(desk, url, settings)
        os.close(reader)
        os.close(writer)


@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[House]:
    with open_house(request, tmp_path_factory.mktemp("house"), upstream) as opened:
        yield opened


def call(endpoints: Endpoints, prefix: str, method: str, body: Json) -> Reply:
    """Call a room without a gateway before it."""

    async def pieces() -> AsyncIterator[bytes]:
        yield orjson.dumps(body)

    return asyncio.run(endpoints(prefix, Call(method, (), {}, {}, "chat", "k", str, pieces())))
