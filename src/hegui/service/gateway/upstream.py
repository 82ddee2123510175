"""Upstreams: any OpenAI-compatible base URL, or the scripted demo; both give whole bodies or events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import aiohttp
import orjson

from hegui.kit.errors import SettingsError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.service.gateway.protocol import ApiError, EventReader, Json

_LONGEST_BODY = 32 * 1024 * 1024
_CLIENT_ERRORS = frozenset({400, 404, 408, 413, 422, 429})


class UpstreamError(Exception):
    """The upstream could not be reached, or said no; `api` is what the client is told."""

    def __init__(self, api: ApiError, detail: str) -> None:
        super().__init__(detail)
        self.api = api


class Upstream(Protocol):
    """A model behind the gateway."""

    name: str

    async def complete(self, body: Json) -> bytes:
        """Return the body of a whole completion."""
        ...

    def stream(self, body: Json) -> AsyncIterator[list[bytes]]:
        """Yield the data of events, as many at a time as arrive together; closing it cancels the call."""
        ...

    async def models(self) -> Json:
        """Return the list of models."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


def _failed(status: int, body: bytes) -> UpstreamError:
    """Return the error for a reply that is not 2xx; its text stays with the operator."""
    detail = body[:2000].decode("utf-8", "replace")
    if status in _CLIENT_ERRORS:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"  # noqa: PLR2004 - HTTP
        message = f"上游拒绝了请求（{status}） / the upstream refused the request ({status})"
        return UpstreamError(ApiError(status, "upstream_refused", message, kind=kind), detail)
    message = f"上游出错（{status}） / the upstream failed ({status})"
    return UpstreamError(ApiError(502, "upstream_error", message), detail)


def _unreachable(error: Exception) -> UpstreamError:
    if isinstance(error, TimeoutError):
        api = ApiError(504, "upstream_timeout", "上游超时 / the upstream did not answer in time")
    else:
        api = ApiError(502, "upstream_unreachable", "无法连接上游 / the upstream can not be reached")
    return UpstreamError(api, f"{type(error).__name__}: {error}")


async def _read(reply: aiohttp.ClientResponse) -> bytes:
    """Return a whole body of bounded size; raise aiohttp.ClientPayloadError past the bound."""
    parts: list[bytes] = []
    size = 0
    async for part in reply.content.iter_any():
        size += len(part)
        if size > _LONGEST_BODY:
            message = f"the upstream's body is over {_LONGEST_BODY} bytes"
            raise aiohttp.ClientPayloadError(message)
        parts.append(part)
    return b"".join(parts)


class HttpUpstream:
    """An OpenAI-compatible service over HTTP."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.upstream.rstrip("/")
        self.name = self._base
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if settings.upstream_key:
            headers["Authorization"] = f"Bearer {settings.upstream_key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=settings.upstream_connect_seconds,
                sock_read=settings.upstream_idle_seconds,
            ),
            headers=headers,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def complete(self, body: Json) -> bytes:
        """Return the body of a whole completion; raise UpstreamError."""
        try:
            async with self._session.post(f"{self._base}/chat/completions", data=orjson.dumps(body)) as reply:
                data = await _read(reply)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error
        if reply.status != 200:  # noqa: PLR2004 - HTTP
            raise _failed(reply.status, data)
        return data

    async def stream(self, body: Json) -> AsyncIterator[list[bytes]]:
        """Yield events as they come; raise UpstreamError."""
        reader = EventReader()
        try:
            async with self._session.post(f"{self._base}/chat/completions", data=orjson.dumps(body)) as reply:
                if reply.status != 200:  # noqa: PLR2004 - HTTP
                    raise _failed(reply.status, await _read(reply))
                yield []
                async for piece in reply.content.iter_any():
                    events = reader.feed(piece)
                    if events:
                        yield events
                last = reader.rest()
                if last is not None:
                    yield [last]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error

    async def models(self) -> Json:
        """Return the upstream's list of models; raise UpstreamError."""
        try:
            async with self._session.get(f"{self._base}/models") as reply:
                data = await _read(reply)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error
        if reply.status != 200:  # noqa: PLR2004 - HTTP
            raise _failed(reply.status, data)
        try:
            value: Any = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise _unreachable(error) from error
        return value if isinstance(value, dict) else {"object": "list", "data": []}

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await asyncio.sleep(0)


def check_upstream(settings: Settings) -> None:
    """Raise SettingsError unless the settings name an upstream."""
    if settings.upstream != "demo" and not settings.upstream.startswith(("http://", "https://")):
        raise SettingsError(
            Bi(f"上游 {settings.upstream} 无法识别", f"the upstream {settings.upstream} is not understood"),
            Bi(
                "写 demo，或 http(s):// 开头的 OpenAI 兼容地址",
                "write `demo`, or an OpenAI-compatible http(s):// base URL",
            ),
        )


def open_upstream(settings: Settings) -> Upstream:
    """Return the upstream that the settings name; raise SettingsError."""
    check_upstream(settings)
    if settings.upstream == "demo":
        from hegui.service.gateway.demo import DemoUpstream  # noqa: PLC0415 - seldom in production

        return DemoUpstream()
    return HttpUpstream(settings)
