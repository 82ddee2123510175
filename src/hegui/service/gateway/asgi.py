"""The hot path: bare ASGI, no framework. Routes, bodies, errors, and a client that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from hegui.evidence.publish import published_path
from hegui.general.content.policy import Audience
from hegui.kit.calls import Endpoints
from hegui.kit.errors import HeguiError, StoreError
from hegui.kit.multipart import boundary_of, fields_of
from hegui.kit.settings import Settings
from hegui.service.gateway.access import AUDIENCE_HEADER, Access, Grant
from hegui.service.gateway.attachments import files as attachments
from hegui.service.gateway.engine import Engine, not_recorded
from hegui.service.gateway.exchange import Exchange
from hegui.service.gateway.follower import Follower
from hegui.service.gateway.http import (
    ClientGoneError,
    Headers,
    Receive,
    Scope,
    Send,
    Stream,
    body_pieces,
    read_body,
    reply,
    reply_json,
)
from hegui.service.gateway.inbound import validate
from hegui.service.gateway.making import speech
from hegui.service.gateway.making.routes import FILM, MediaRoutes
from hegui.service.gateway.media.shelf import PREFIX
from hegui.service.gateway.moderation import moderate
from hegui.service.gateway.protocol import ApiError, Json, ProtocolError, loads_object, refusal_events
from hegui.service.gateway.records import person_of
from hegui.service.gateway.releasing import TEXT, Leaves, Release
from hegui.service.gateway.rooms import api_error, call_of, room_of, send_reply
from hegui.service.gateway.upstream import UpstreamError

_LOG = logging.getLogger(__name__)
_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_WATCH_AFTER = 0.05
_AUDIENCE = AUDIENCE_HEADER.encode()
_TEXT: tuple[bytes, bytes] = (b"content-type", b"text/plain; charset=utf-8")


class Gateway:
    """The ASGI application of one worker."""

    def __init__(
        self, settings: Settings, engine: Engine, access: Access, follower: Follower, rooms: Sequence[Endpoints] = ()
    ) -> None:
        self._settings = settings
        self._rooms = rooms
        self.engine = engine
        self._access = access
        self._follower = follower
        self._media = MediaRoutes(self)
        self._limit = settings.body_megabytes * 1024 * 1024
        self._routes: dict[str, tuple[str, Callable[[Scope, Receive, Send], Awaitable[None]]]] = {
            "/v1/chat/completions": ("POST", self._chat),
            "/v1/images/generations": ("POST", self._media.images),
            "/v1/audio/speech": ("POST", self._media.speech),
            "/v1/videos": ("POST", self._media.videos),
            "/v1/moderations": ("POST", self._moderations),
            "/v1/models": ("GET", self._models),
            "/healthz": ("GET", self._health),
            "/readyz": ("GET", self._ready),
            "/checkpoint": ("GET", self._checkpoint),
            "/checkpoint/vkey": ("GET", self._vkey),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            method, handler = self._routes.get(scope["path"], ("", self._room))
            if scope["path"].startswith(FILM):
                method, handler = "GET", self._media.video
            if scope["path"].startswith(PREFIX):
                method, handler = "HEAD" if scope["method"] == "HEAD" else "GET", self._media.file
            if method and scope["method"] != method:
                raise ApiError(405, "method_not_allowed", f"只接受 {method} / use {method}")
            await handler(scope, receive, send)
        except ApiError as error:
            await reply_json(send, error.status, error.body())
        except HeguiError as error:
            told = api_error(error)
            await reply_json(send, told.status, told.body())
        except ClientGoneError:
            return
        except speech.BrokenOffError as error:
            _LOG.warning("a sound that had begun was cut: %s", error)
        except Exception:  # noqa: BLE001 - the client gets an error, never silence
            _LOG.exception("a request failed")
            failure = ApiError(
                500,
                "internal_error",
                "内部错误，请稍后重试或联系运营方，日志里有原因 / internal error; try again or tell the operator, whose log has the cause",
            )
            with contextlib.suppress(RuntimeError):  # the head was sent already
                await reply_json(send, failure.status, failure.body())

    async def _room(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have another room answer what stands under its prefix."""
        found = room_of(self._rooms, scope["path"])
        if found is None:
            raise ApiError(
                404,
                "not_found",
                f"没有 {scope['path']}，可用的在 /v1 之下 / there is no {scope['path']}; what there is stands under /v1",
            )
        room, prefix, rest = found
        call = call_of(scope, rest, await self._grant(scope), self.engine.keyring, body_pieces(receive))
        await send_reply(send, await room(prefix, call))

    async def _grant(self, scope: Scope) -> Grant:
        for name, value in scope["headers"]:
            if name == b"authorization":
                return await self._access.grant(value.decode("latin-1"))
        return await self._access.grant("")

    async def allowed(self, scope: Scope) -> tuple[Grant, Audience]:
        """Return what the key opens, and whom the answer is for."""
        grant = await self._grant(scope)
        asked = [value.decode("latin-1") for name, value in scope["headers"] if name == _AUDIENCE]
        found = [grant.audience(item) for item in asked or (None,)]
        return grant, Audience.MINORS if Audience.MINORS in found else Audience.GENERAL

    async def json(self, receive: Receive) -> tuple[Json, int]:
        """Return the body and its size; raise ApiError for what is no JSON object."""
        raw = await read_body(receive, self._limit)
        return _object(raw), len(raw)

    async def fields(self, scope: Scope, receive: Receive) -> tuple[Json, int]:
        """Return the body, JSON or a form in parts, and its size; raise ApiError for what is neither."""
        raw = await read_body(receive, self._limit)
        kinds = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"]
        boundary = boundary_of(kinds[0]) if kinds else None
        return (_object(raw) if boundary is None else dict(fields_of(raw, boundary))), len(raw)

    def check_accepting(self) -> None:
        """Raise ApiError where an exchange could not be recorded, or what is in force is not known."""
        self._follower.check_ready()
        try:
            self.engine.recorder.check_accepting()
        except StoreError as error:
            raise not_recorded(error) from error

    # --- chat -----------------------------------------------------------------------------------

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant, audience = await self.allowed(scope)
        body, size = await self.json(receive)
        validate(body)
        attachments.validate(body, grant.settings.media)
        self.check_accepting()
        release = await self.leave(scope, grant, body, TEXT)
        exchange = Exchange(self.engine, grant, body, size, audience, release=release)
        if release is not None:
            await release.begin(exchange.content_id)
        await self.watched(exchange, receive, self._exchange(exchange, send))

    async def watched(self, exchange: Exchange, receive: Receive, work: Awaitable[None]) -> None:
        """Do the work of an exchange until its client goes away."""
        watch = _Watch(receive)
        try:
            await work
        except asyncio.CancelledError:
            if not watch.gone:
                # The server ends: what was sent so far is recorded before it does.
                await asyncio.shield(exchange.client_gone())
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            await exchange.client_gone()
        finally:
            watch.stop()
            if exchange.owes_log:
                await asyncio.shield(exchange.settle())

    async def leave(self, scope: Scope, grant: Grant, body: Json, kind: str) -> Release | None:
        """Return the leave to answer without the explicit label that a request names, None where it names none."""
        headers = scope["headers"]
        if not Leaves.named(headers):
            return None
        person = person_of(self.engine.keyring, grant.service, body)
        return await self.engine.leaves.asked(headers, grant, person, kind)

    async def _exchange(self, exchange: Exchange, send: Send) -> None:
        headers: Headers = [(b"x-hegui-content-id", exchange.content_id.encode())]
        try:
            instead = await exchange.check_in()
            if instead is not None:
                usage = exchange.answer.context.include_usage
                if exchange.streamed:
                    await reply(send, 200, refusal_events(instead, include_usage=usage), [*_STREAM, *headers])
                else:
                    await reply_json(send, 200, instead, headers)
            elif exchange.streamed:
                stream = Stream(send, [*_STREAM, *headers, *_label(exchange)])
                await exchange.stream(stream.begin, stream.piece)
                await send({"type": "http.response.body", "body": b""})
            else:
                whole = await exchange.whole()
                await reply_json(send, 200, whole, [*headers, *_label(exchange)])
        except ApiError as error:
            await reply_json(send, error.status, error.body(), headers)

    # --- the rest -------------------------------------------------------------------------------

    async def _moderations(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant, audience = await self.allowed(scope)
        body, _ = await self.json(receive)
        self.check_accepting()
        given = body.get("input")
        items = [given] if isinstance(given, str) else given
        if not isinstance(items, list) or not items:
            raise ApiError(
                400, "invalid_input", "input 应为文本或文本列表 / `input` must be text or a list", param="input"
            )
        results = []
        for item in items:
            text = item.get("text") if isinstance(item, dict) and item.get("type") == "text" else item
            if not isinstance(text, str):
                raise ApiError(
                    400,
                    "unchecked_content",
                    "只能检查文本，请只发送文本 / only text can be checked; send text only",
                    param="input",
                )
            results.append(await moderate(self.engine, grant, text, audience))
        first = results[0]["hegui"]["content_id"]
        await reply_json(send, 200, {"id": f"modr-{first}", "model": "hegui-content", "results": results})

    async def _models(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self._grant(scope)
        try:
            await reply_json(send, 200, await self.engine.upstream.models())
        except UpstreamError as error:
            raise error.api from error

    async def _health(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await reply_json(send, 200, {"status": "ok"})

    async def _ready(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.check_accepting()
        failure, rules, guard = self.engine.recorder.failure, self._follower.failure, self.engine.guard
        status = "spooling" if failure else "old_rules" if rules else "ok"
        detail = "; ".join(filter(None, (failure, rules.both if rules else "")))
        versions = self.engine.inforce.checkers().chat.versions.as_dict()
        told = {"guard": guard.state()} if guard else {}
        await reply_json(send, 200, {"status": status, "detail": detail, "versions": versions, **told})

    async def _checkpoint(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        path = published_path(self._settings.data)
        if not path.exists():
            raise ApiError(404, "no_checkpoint", "尚无检查点，请一秒后重试 / no checkpoint yet; try again in a second")
        await reply(send, 200, path.read_bytes(), [_TEXT])

    async def _vkey(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await reply(send, 200, (self.engine.keyring.signer.vkey + "\n").encode(), [_TEXT])


def _object(raw: bytes) -> Json:
    """Return the JSON object of a body; raise ApiError for what is none."""
    try:
        return loads_object(raw, "请求体 / the body")
    except ProtocolError as error:
        raise ApiError(400, "invalid_json", str(error)) from None


def _label(exchange: Exchange) -> Headers:
    """Return the headers that declare how the answer is labelled."""
    if exchange.released is not None:
        return exchange.released.headers
    return [(b"x-hegui-label", exchange.grant.settings.label_position.encode())]


class _Watch:
    """Cancels the current task when the client closes its connection, so that the upstream call ends."""

    def __init__(self, receive: Receive) -> None:
        self.gone = False
        self._receive = receive
        self._owner = asyncio.current_task()
        self._task: asyncio.Task[None] | None = None
        # Most plain answers are there sooner; a task for each would cost more than the check.
        self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER, self._start)

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._wait(self._receive))

    async def _wait(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        if self._owner is not None:
            self._owner.cancel()

    def stop(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
