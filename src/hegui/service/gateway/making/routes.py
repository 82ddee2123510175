"""The routes of files: pictures, speech, films, and what is given by URL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qsl

from hegui.general.content.policy import Audience
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.exchange import Exchange
from hegui.service.gateway.http import Headers, Receive, Scope, Send, Stream, reply, reply_json
from hegui.service.gateway.making import films, images, speech
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.media.formats import one_of
from hegui.service.gateway.media.labelling import AUDIO, IMAGE
from hegui.service.gateway.media.shelf import PREFIX
from hegui.service.gateway.protocol import ApiError, Json, ProtocolError
from hegui.service.gateway.releasing import HEADER, Leaves, Release
from hegui.service.gateway.service import INTERFACE, MediaStyle
from hegui.service.gateway.upstream import UpstreamError

FILM = "/v1/videos/"
"""What the path of a job begins with."""
_CONTENT = "content"
_LOG = logging.getLogger(__name__)
_NO_SNIFF = (b"x-content-type-options", b"nosniff")


class Frame(Protocol):
    """What the gateway does for every route: key, body, readiness, and a client that goes away."""

    engine: Engine

    async def allowed(self, scope: Scope) -> tuple[Grant, Audience]:
        """Return what the key opens, and whom the answer is for."""
        ...

    async def json(self, receive: Receive) -> tuple[Json, int]:
        """Return the body and its size."""
        ...

    async def fields(self, scope: Scope, receive: Receive) -> tuple[Json, int]:
        """Return the body, JSON or a form in parts, and its size."""
        ...

    async def leave(self, scope: Scope, grant: Grant, body: Json, kind: str) -> Release | None:
        """Return the leave to answer without the explicit label that a request names, None where it names none."""
        ...

    def check_accepting(self) -> None:
        """Raise ApiError where nothing can be recorded."""
        ...

    async def watched(self, exchange: Exchange, receive: Receive, work: Awaitable[None]) -> None:
        """Do the work of an exchange until its client goes away."""
        ...


class MediaRoutes:
    """Routes whose answers are files."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._engine = frame.engine

    def _desk(self, style: MediaStyle) -> Desk:
        """Return what files are labelled with; raise ApiError where they can not be."""
        self._frame.check_accepting()
        desk = self._engine.desk
        if desk is None:
            raise RuntimeError("the worker has no desk")
        if desk.by:
            desk.check_sound(style)
        return desk

    async def images(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with pictures."""
        grant, audience = await self._frame.allowed(scope)
        body, size = await self._frame.json(receive)
        images.validate(body)
        base = self._desk(grant.settings.media).public_url or _origin(scope)
        release = await self._frame.leave(scope, grant, body, IMAGE)
        exchange = images.Pictures(self._engine, grant, body, size, audience, release=release)
        headers: Headers = [(b"x-hegui-content-id", exchange.content_id.encode()), exchange.label_header]
        if release is not None:
            await release.begin(exchange.content_id)

        async def work() -> None:
            try:
                await exchange.check_in()
                await reply_json(send, 200, await exchange.pictures(base), headers)
            except ApiError as error:
                await reply_json(send, error.status, error.body(), headers)

        await self._frame.watched(exchange, receive, work())

    async def speech(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with speech."""
        grant, audience = await self._frame.allowed(scope)
        body, size = await self._frame.json(receive)
        media = grant.settings.media
        style = media.released if Leaves.named(scope["headers"]) else media
        speech.validate(body, style)
        self._desk(style)
        release = await self._frame.leave(scope, grant, body, AUDIO)
        exchange = speech.Speech(self._engine, grant, body, size, audience, release=release)
        headers: Headers = [(b"x-hegui-content-id", exchange.content_id.encode()), exchange.label_header, _NO_SNIFF]
        if release is not None:
            await release.begin(exchange.content_id)

        async def work() -> None:
            stream = Stream(send, headers)

            async def begin(mime: str) -> None:
                headers.append((b"content-type", mime.encode()))
                await stream.begin()

            try:
                await exchange.check_in()
                await exchange.speak(begin, stream.piece)
                await send({"type": "http.response.body", "body": b""})
            except ApiError as error:
                await reply_json(send, error.status, error.body(), headers[:2])

        await self._frame.watched(exchange, receive, work())

    async def videos(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the making of a film."""
        grant, audience = await self._frame.allowed(scope)
        body, size = await self._frame.fields(scope, receive)
        films.validate(body, grant.settings.media)
        self._desk_of_films(scope, grant)
        exchange = films.Films(self._engine, grant, body, size, audience)
        headers: Headers = [(b"x-hegui-content-id", exchange.content_id.encode())]

        async def work() -> None:
            try:
                await exchange.check_in()
                await reply_json(send, 200, await exchange.begin(), headers)
            except ApiError as error:
                await reply_json(send, error.status, error.body(), headers)

        await self._frame.watched(exchange, receive, work())

    async def video(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the state of a film's job, or with the film."""
        grant, audience = await self._frame.allowed(scope)
        mine, _, rest = scope["path"].removeprefix(FILM).partition("/")
        job = films.Job.opened(mine, self._engine.keyring, grant.service)
        if rest not in {"", _CONTENT}:
            raise ApiError(404, "not_found", f"没有 {scope['path'][:200]} / there is no {scope['path'][:200]}")
        if not rest:
            await reply_json(send, 200, await self._state(job, mine))
            return
        variant = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get("variant")
        one_of({"variant": variant}, "variant", ("video",))
        desk = self._desk_of_films(scope, grant)
        exchange = films.Download(self._engine, grant, desk, job, audience)
        number = (b"x-hegui-content-id", exchange.content_id.encode())

        async def work() -> None:
            try:
                file = await exchange.film()
                label = (b"x-hegui-label", grant.settings.media.picture.encode())
                kind = (b"content-type", file.form.mime.encode())
                await reply(send, 200, file.data, [number, label, kind, _NO_SNIFF])
            except ApiError as error:
                await reply_json(send, error.status, error.body(), [number])

        await self._frame.watched(exchange, receive, work())

    async def _state(self, job: films.Job, mine: str) -> Json:
        """Return the state of a job; raise ApiError."""
        try:
            return await job.state(self._engine.upstream, mine)
        except UpstreamError as error:
            raise error.api from error
        except ProtocolError as error:
            _LOG.error("the upstream could not be asked for a video: %s", error)
            raise ApiError(
                502, "upstream_error", "上游出错，请稍后重试 / the upstream failed; try again later"
            ) from error

    def _desk_of_films(self, scope: Scope, grant: Grant) -> Desk:
        """Return what films are labelled with; raise ApiError where they can not be, and for a leave: there are none for films."""
        if Leaves.named(scope["headers"]):
            raise ApiError(
                400, "unsupported_unlabelled", "视频一律带显式标识，请去掉该请求头 / films always have their explicit label; leave the header out",
                param=HEADER.decode(),
            )  # fmt: skip
        return self._desk(replace(grant.settings.media, sound=INTERFACE))

    async def file(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Hand out a file by its URL."""
        desk = self._engine.desk
        part = scope["path"].removeprefix(PREFIX)
        kept = await asyncio.to_thread(desk.shelf.get, part) if desk is not None else None
        if kept is None:
            raise ApiError(
                404, "not_found", "没有此文件，或已过期 / there is no such file, or its time is up; ask for it again"
            )
        headers = [
            (b"content-type", kept.mime.encode()), _NO_SNIFF, (b"x-hegui-content-id", kept.number.encode()),
            (b"content-security-policy", b"default-src 'none'; sandbox"), (b"content-disposition", b"inline"),
            (b"cache-control", f"private, max-age={kept.seconds}".encode()), (b"referrer-policy", b"no-referrer"),
        ]  # fmt: skip
        await reply(send, 200, kept.data, headers)


def _origin(scope: Scope) -> str:
    """Return the address that the client reached the gateway by."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return f"{scope.get('scheme', 'http')}://{hosts[0]}" if hosts else ""
