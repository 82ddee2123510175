"""How questions reach a service: any `Transport` that the caller brings, or the one here, made of aiohttp.

The one here follows no redirect, uses no proxy from the environment, keeps no cookie, names no
program and bounds what it reads; the key stands in the Authorization header alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from hegui.kit.errors import SettingsError
from hegui.kit.text import Bi

if TYPE_CHECKING:
    import aiohttp

_ALGORITHM: Final = "ACS3-HMAC-SHA256"
_KEEP_SECONDS: Final = 4.0
"""Idle connections are closed before the servers that guards run on close them (uvicorn: after 5 seconds)."""


class Transport(Protocol):
    """Carries one question to the service."""

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the reply; raise OSError or TimeoutError."""
        ...


Headers = Callable[[str, bytes], Mapping[str, str]]
"""Returns the headers of a request for its path and body."""


def bearer(key: str) -> Headers:
    """Return the headers of an OpenAI-compatible service; no Authorization without a key."""
    fixed = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return lambda _path, _body: fixed


@dataclass(frozen=True, kw_only=True)
class Acs3:
    """The headers of an Aliyun request, signed by ACS3-HMAC-SHA256.

    Steps and the example that the tests repeat:
    https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
    """

    host: str
    key_id: str
    secret: str = field(repr=False)
    action: str
    version: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    nonce: Callable[[], str] = lambda: secrets.token_hex(16)

    def __call__(self, path: str, body: bytes) -> dict[str, str]:
        """Return the headers for a path without a query and a form body."""
        return self.signed(path, "", body) | {"Content-Type": "application/x-www-form-urlencoded"}

    def signed(self, path: str, query: str, body: bytes) -> dict[str, str]:
        """Return the signed headers; `query` is canonical already (sorted, percent-encoded)."""
        headers = {
            "host": self.host,
            "x-acs-action": self.action,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-date": self.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": self.nonce(),
            "x-acs-version": self.version,
        }
        # 1. The canonical request: method, path, query, headers in order, their names, the body's digest.
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n{path}\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
        # 2. The string to sign, and 3. its HMAC.
        to_sign = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.secret.encode(), to_sign.encode(), "sha256").hexdigest()
        # 4. The header.
        authorization = f"{_ALGORITHM} Credential={self.key_id},SignedHeaders={names},Signature={signature}"
        return headers | {"Authorization": authorization}


class AioTransport:
    """A transport over aiohttp: kept connections to one service, for the loop that it is used in."""

    def __init__(self, base: str, headers: Headers, *, longest_reply: int, ca_file: str = "") -> None:
        parts = urlsplit(base)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("not an http(s) address")
        self._base = base.rstrip("/")
        self._headers = headers
        self._longest = longest_reply
        self._tls = ssl.create_default_context(cafile=ca_file or None) if parts.scheme == "https" else True
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of the reply; raise OSError or TimeoutError."""
        import aiohttp  # noqa: PLC0415 - only who uses this transport needs it

        try:
            async with self._open(aiohttp).post(
                self._base + path, data=body, headers=self._headers(path, body), allow_redirects=False
            ) as reply:
                if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
                    raise OSError("the reply is compressed though it was asked not to be")
                return reply.status, await self._bounded(reply)
        except aiohttp.ClientError as error:
            # aiohttp's messages can hold the address; the type says enough.
            raise OSError(type(error).__name__) from error

    def _open(self, aiohttp: Any) -> aiohttp.ClientSession:  # noqa: ANN401 - the module
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_SECONDS, ssl=self._tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"Accept-Encoding": "identity"},
                skip_auto_headers=("User-Agent",),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    async def _bounded(self, reply: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        while part := await reply.content.readany():
            size += len(part)
            if size > self._longest:
                reply.close()
                raise OSError("the reply is too long")
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


def has_aiohttp() -> None:
    """Raise SettingsError when aiohttp is not installed."""
    try:
        import aiohttp  # noqa: F401, PLC0415 - only asked whether it is there
    except ImportError:
        raise SettingsError(
            Bi("没有安装 aiohttp，无法调用护栏模型", "aiohttp is not installed, so guards can not be reached"),
            Bi("安装 aiohttp，或传入自己的 Transport", "install aiohttp, or bring a Transport of your own"),
        ) from None
