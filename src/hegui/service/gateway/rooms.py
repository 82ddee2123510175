"""Endpoints that other rooms bring: the gateway knows the key, reads the body as it comes, and sends the reply."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from hegui.evidence.keyring import Keyring
from hegui.kit.calls import Call, CallError, Endpoints, Reply
from hegui.kit.errors import HeguiError, InputError, StoreError
from hegui.service.gateway.access import Grant
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.records import pseudonym

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_PIECE = 1 << 20


def room_of(rooms: Sequence[Endpoints], path: str) -> tuple[Endpoints, str, tuple[str, ...]] | None:
    """Return who answers a path, under which prefix, and what of the path is left; None for nobody."""
    for room in rooms:
        for prefix in room.prefixes:
            if path == prefix or path.startswith(f"{prefix}/"):
                return room, prefix, tuple(path[len(prefix) + 1 :].split("/")) if path != prefix else ()
    return None


def api_error(error: HeguiError) -> ApiError:
    """Return what a client is told of an error that a room raised."""
    if isinstance(error, CallError):
        return ApiError(error.status, error.code, error.told)
    told = f"{error.title.zh}；{error.remedy.zh} / {error.title.en}; {error.remedy.en}"
    if isinstance(error, StoreError):
        return ApiError(503, "not_recorded", told)
    return ApiError(400 if isinstance(error, InputError) else 403, "invalid_request", told)


def call_of(
    scope: MutableMapping[str, Any],
    rest: tuple[str, ...],
    grant: Grant,
    keyring: Keyring,
    pieces: AsyncIterator[bytes],
) -> Call:
    """Return a request as rooms see it."""
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Call(
        scope["method"], rest, dict(query), headers, grant.service, grant.key,
        lambda user: pseudonym(keyring, grant.service, user), pieces,
    )  # fmt: skip


async def send_reply(send: Send, reply: Reply) -> None:
    """Send what a room answers; a file piece by piece."""
    extra = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if reply.file is None:
        body = orjson.dumps(reply.body)
        head = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": [*head, *extra]})
        await send({"type": "http.response.body", "body": body})
        return
    await _send_file(send, reply, reply.file, extra)


async def _send_file(send: Send, reply: Reply, path: Path, extra: list[tuple[bytes, bytes]]) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = [(b"content-type", b"application/octet-stream"), (b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": [*head, *extra]})
        while piece := await asyncio.to_thread(file.read, _PIECE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
