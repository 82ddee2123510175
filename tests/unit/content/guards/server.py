"""A scripted guard service on loopback, in the test's own loop: each test says what it answers, and sees what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from hegui.general.content.guards import Guard, GuardSettings

Json = dict[str, Any]


@dataclass
class Seen:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    request: web.Request

    @property
    def json(self) -> Json:
        if self.headers["Content-Type"].startswith("application/json"):
            return dict(json.loads(self.body))
        return dict(parse_qsl(self.body.decode(), strict_parsing=True))

    @property
    def text(self) -> str:
        """The text to judge: the last turn."""
        return str(self.json["messages"][-1]["content"])


Script = Callable[[Seen], "Awaitable[web.StreamResponse | Json | str] | web.StreamResponse | Json | str"]


def completion(text: str | None, finish: str | None = "stop", **choice: Any) -> Json:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": "guard",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **choice}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }  # fmt: skip


@dataclass
class GuardService:
    """What a script returns is sent: a string as the model's answer, an object as the body, a response as it is."""

    script: Script
    seen: list[Seen] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    cancelled: int = 0
    port: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self, *, seen: int = 0, cancelled: int = 0) -> None:
        """Return once so many requests have come, and so many have been given up."""
        while len(self.seen) < seen or self.cancelled < cancelled:
            self.moved.clear()
            await self.moved.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(request.path, dict(request.headers), await request.read(), request)
        self.seen.append(seen)
        self.moved.set()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            reply = self.script(seen)
            if isinstance(reply, Awaitable) and not isinstance(reply, web.StreamResponse):
                reply = await reply
        except asyncio.CancelledError:
            self.cancelled += 1
            self.moved.set()
            raise
        finally:
            self.under_way -= 1
        if isinstance(reply, web.StreamResponse):
            return reply
        return web.json_response(completion(reply) if isinstance(reply, str) else reply)


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[GuardService]:
    service = GuardService(script)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.port = runner.addresses[0][1]
    try:
        yield service
    finally:
        await runner.cleanup()


def settings(url: str, **more: Any) -> GuardSettings:
    """Return the settings of a Qwen3Guard on a test's server, without a second try unless the test wants one."""
    return GuardSettings(**{"family": "qwen3guard", "model": "guard", "url": url, "retries": 0, **more})


@asynccontextmanager
async def guarding(script: Script, **more: Any) -> AsyncIterator[tuple[Guard, GuardService]]:
    async with serving(script) as service, Guard(settings(service.url, **more)) as guard:
        yield guard, service


SAFE = "Safety: Safe\nCategories: None"
UNSAFE = "Safety: Unsafe\nCategories: Violent"
