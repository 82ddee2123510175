"""Fetching what an upstream gives by URL: from its own host and those that the operator names, and from nowhere else.

The address comes from a model's answer, so it is not to be trusted: no other host, no other port, no
redirect is followed, the upstream's key does not go along, and size and time are bounded.
"""

from __future__ import annotations

import asyncio
import re
from urllib.parse import SplitResult, urlsplit

from hegui.kit.errors import SettingsError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.service.gateway.client import Client

_OK = 200
_PORTS = {"http": 80, "https": 443}
_HEADERS = {"Accept": "*/*", "User-Agent": "hegui"}
_LONGEST_URL = 8192
_NAME = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
Place = tuple[str, int]


class FetchError(OSError):
    """A file could not be fetched, or may not be; the text is for the operator."""


def _place(parts: SplitResult) -> Place:
    return (parts.hostname or "").lower(), parts.port or _PORTS[parts.scheme]


def allowed_places(settings: Settings) -> frozenset[Place]:
    """Return hosts with ports that may be fetched from; raise SettingsError for a name that is not understood."""
    found: set[Place] = set()
    if settings.upstream.startswith(("http://", "https://")):
        found.add(_place(urlsplit(settings.upstream)))
    for name in filter(None, (item.strip() for item in settings.media_hosts.split(","))):
        try:
            parts = urlsplit(f"//{name}")
            if not _NAME.fullmatch(name) or not parts.hostname:
                raise ValueError
            ports = [parts.port] if parts.port is not None else list(_PORTS.values())
        except ValueError:
            raise SettingsError(
                Bi(f"media_hosts 中的 {name} 无法识别", f"{name} in media_hosts is not understood"),
                Bi(
                    "写 主机 或 主机:端口，不带 http:// 与路径",
                    "write `host` or `host:port`, without http:// and a path",
                ),
            ) from None
        found.update((parts.hostname.lower(), port) for port in ports)
    return frozenset(found)


class Fetcher:
    """Fetches whole files."""

    def __init__(self, settings: Settings) -> None:
        self._places = allowed_places(settings)
        self._most = settings.media_megabytes << 20
        self._seconds = settings.media_seconds
        self._connect, self._idle = settings.upstream_connect_seconds, settings.upstream_idle_seconds

    def _target(self, url: str) -> tuple[str, str]:
        """Return origin and path of a URL; raise FetchError for one that may not be fetched."""
        try:
            # Split leaves line breaks out, which would say another address than the one that is asked for.
            if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
                raise ValueError
            parts = urlsplit(url)
            if parts.scheme not in _PORTS or parts.username is not None or parts.password is not None:
                raise ValueError
            place = _place(parts)
        except ValueError:
            raise FetchError("the upstream gave an address that is no plain http(s) URL") from None
        if place not in self._places:
            raise FetchError(f"files may not be fetched from {place[0]}:{place[1]}; see the setting media_hosts")
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc}", f"{parts.path or '/'}{query}"

    async def fetch(self, url: str) -> bytes:
        """Return a file; raise FetchError, or another OSError, TimeoutError among them."""
        origin, path = self._target(url)
        client = Client(origin, _HEADERS, connect_seconds=self._connect, idle_seconds=self._idle)
        try:
            async with asyncio.timeout(self._seconds):
                reply = await client.request("GET", path)
                try:
                    if reply.status != _OK:
                        raise FetchError(f"status {reply.status}; redirects are not followed")
                    return await reply.body(self._most)
                finally:
                    client.release(reply)
        finally:
            await client.close()
