"""A scripted model on loopback: each test says what it answers, whole or in which pieces."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

Json = dict[str, Any]
Script = Callable[[Json], "Reply"]


class Reply:
    """What the model does: a body, or events with a pause between them.

    `raw` is a body of any bytes, `headers` go with it, `wait` is silence before the reply, and `abort`
    cuts the connection after the events.
    """

    def __init__(
        self, body: Json | None = None, events: Sequence[bytes] = (), pause: float = 0, status: int = 200,
        *, raw: bytes | None = None, headers: dict[str, str] | None = None, wait: float = 0, abort: bool = False,
    ) -> None:  # fmt: skip
        self.raw = raw
        self.headers = headers or {}
        self.wait = wait
        self.abort = abort
        self.body = body
        self.events = events
        self.pause = pause
        self.status = status


def completion(text: str | None = "", **message: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": "test", "choices": [choice],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }  # fmt: skip


def chunk(delta: Json, finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    body = {
        "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": "test",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more,
    }  # fmt: skip
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def spoken(pieces: Sequence[str], *, finish: str = "stop") -> list[bytes]:
    """Return the events of an answer in pieces."""
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": p}) for p in pieces),
        chunk({}, finish),
        DONE,
    ]


def says(text: str, piece: int = 2, pause: float = 0) -> Script:
    """Return a script that says one text, streamed in equal pieces."""

    def script(body: Json) -> Reply:
        if body.get("stream"):
            return Reply(events=spoken([text[at : at + piece] for at in range(0, len(text), piece)]), pause=pause)
        return Reply(completion(text))

    return script


class ScriptedUpstream:
    """The server, in a thread of its own; `scripts` are chosen by the request's model."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {"echo": lambda body: says(body["messages"][-1]["content"])(body)}
        self.models: Reply | None = None
        self.files: dict[str, Reply] = {}
        """What is fetched from it by name, below `/files/`; a video's job and its content are `videos/ID` and `videos/ID/content`."""
        self.fetched: list[tuple[str, dict[str, str]]] = []
        self.requests: list[Json] = []
        self.cancelled = 0
        self.sent = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def at(self, name: str) -> str:
        """Return the URL of a file."""
        return f"http://127.0.0.1:{self.port}/files/{name}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> ScriptedUpstream:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def wait_cancelled(self, count: int, seconds: float = 5) -> bool:
        deadline = time.monotonic() + seconds
        while self.cancelled < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.cancelled >= count

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/images/generations", self._chat)
        app.router.add_post("/v1/audio/speech", self._chat)
        app.router.add_post("/v1/videos", self._job)
        app.router.add_get("/v1/{name:videos/.+}", self._file)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/files/{name}", self._file)
        runner = web.AppRunner(app, handler_cancellation=True)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _models(self, _request: web.Request) -> web.Response:
        if self.models is not None:
            return web.Response(body=self.models.raw, status=self.models.status, headers=self.models.headers)
        return web.json_response(
            {"object": "list", "data": [{"id": "test", "object": "model", "created": 0, "owned_by": "t"}]}
        )

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.fetched.append((name, dict(request.headers)))
        reply = self.files.get(name, Reply(status=404, raw=b"no"))
        if reply.wait:
            await self._wait(reply.wait)
        if reply.body is not None:
            return web.json_response(reply.body, status=reply.status)
        return web.Response(body=reply.raw, status=reply.status, headers=reply.headers)

    async def _job(self, request: web.Request) -> web.Response:
        fields = {key: str(value) for key, value in (await request.post()).items()}
        self.requests.append(fields)
        reply = self.scripts[fields["model"]](fields)
        return web.json_response(reply.body, status=reply.status)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        script = self.scripts.get(body["model"])
        if script is None:
            return web.json_response({"error": {"message": "no such model", "code": "model_not_found"}}, status=404)
        reply = script(body)
        if reply.wait:
            await self._wait(reply.wait)
        if reply.raw is not None:
            return web.Response(body=reply.raw, status=reply.status, headers=reply.headers)
        if reply.body is not None or reply.status != 200:
            return web.json_response(reply.body or {"error": {"message": "no"}}, status=reply.status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
        await response.prepare(request)
        try:
            for event in reply.events:
                await response.write(event)
                self.sent += 1
                if reply.pause:
                    await asyncio.sleep(reply.pause)
        except (asyncio.CancelledError, ConnectionError):
            self.cancelled += 1
            raise
        if reply.abort and request.transport is not None:
            request.transport.abort()
        return response

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
