"""What a client is told over ASGI: whole bodies, JSON, streams; and the body that it sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from hegui.service.gateway.protocol import ApiError, Json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON: tuple[bytes, bytes] = (b"content-type", b"application/json; charset=utf-8")


class ClientGoneError(Exception):
    """The client closed its connection."""


async def reply(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def reply_json(send: Send, status: int, body: Json, headers: Headers | None = None) -> None:
    """Send a JSON answer."""
    await reply(send, status, orjson.dumps(body), [_JSON, *(headers or ())])


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the request's body; raise ApiError 413 past the limit, ClientGoneError when it breaks off."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise ApiError(
                413,
                "request_too_large",
                f"请求超过 {limit >> 20} MiB，请分开发送，或请运营方加大 body_megabytes / the request is over {limit >> 20} MiB; send it in "
                "parts, or ask the operator for more body_megabytes",
            )
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else part


async def body_pieces(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the request's body as it comes; raise ClientGoneError when it breaks off."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


class Stream:
    """Sends a streamed answer: its head once, then pieces."""

    __slots__ = ("_headers", "_send")

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send = send
        self._headers = headers

    async def begin(self) -> None:
        """Send the head."""
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})

    def piece(self, data: bytes) -> Awaitable[None]:
        """Send a piece."""
        return self._send({"type": "http.response.body", "body": data, "more_body": True})
