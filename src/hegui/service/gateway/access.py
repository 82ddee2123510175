"""Keys and services as the workers see them: a snapshot in memory, refreshed every second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any

import psycopg

from hegui.general.content.policy import Audience
from hegui.kit.errors import HeguiError
from hegui.kit.tasks import ended
from hegui.people.api_keys import PREFIX, key_hash
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.service import ServiceSettings, service_settings

_LOG = logging.getLogger(__name__)
_EVERY = 1.0
_MISS_EVERY = 0.2
_LONGEST_KEY = 200
_AUDIENCES = tuple(item.value for item in Audience)
AUDIENCE_HEADER = "x-hegui-audience"
"""The header by which a request says that its answer is for minors."""


@dataclass(frozen=True)
class Grant:
    """What a key opens."""

    key: str
    service: str
    settings: ServiceSettings

    def audience(self, asked: str | None) -> Audience:
        """Return whom an answer is for; `asked` is what the request says, which can only be stricter than the service.

        Raises ApiError 400 for an audience that is not known.
        """
        if asked is not None and asked not in _AUDIENCES:
            raise ApiError(
                400, "invalid_audience",
                f"请求头 {AUDIENCE_HEADER} 只能是 {'、'.join(_AUDIENCES)} / the header {AUDIENCE_HEADER} must be one of: {', '.join(_AUDIENCES)}",
                param=AUDIENCE_HEADER,
            )  # fmt: skip
        return Audience.MINORS if Audience.MINORS in {asked, self.settings.audience} else Audience.GENERAL


class Access:
    """Looks keys up; a revoked key stops within a second, a new one works at once."""

    def __init__(self, url: str, appeal_url: str) -> None:
        self._url = url
        self._appeal_url = appeal_url
        self._grants: dict[bytes, Grant] = {}
        self._revision = -1
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._missed = asyncio.Lock()
        self._looked = 0.0

    async def start(self) -> None:
        """Load the keys, then keep them fresh."""
        await self.refresh()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop refreshing."""
        await ended(self._task)
        if self._connection is not None:
            await self._connection.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.refresh()
            except Exception:  # noqa: BLE001 - the next refresh is tried all the same
                _LOG.exception("keys could not be refreshed")

    async def refresh(self) -> None:
        """Read keys and services again when their revision changed; keep the old ones when the database is away."""
        async with self._lock:
            self._looked = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(5):
                    await self._read()
            except (psycopg.Error, OSError, TimeoutError):
                connection, self._connection = self._connection, None
                if connection is not None:
                    with contextlib.suppress(Exception):
                        await connection.close()

    async def _read(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=3)
        cursor = await self._connection.execute("SELECT value FROM store_revision WHERE id = 1")
        row = await cursor.fetchone()
        revision = row[0] if row else 0
        if revision == self._revision:
            return
        cursor = await self._connection.execute(
            "SELECT k.key_hash, k.id::text, s.name, s.settings FROM people_api_key k"
            " JOIN people_service s ON s.name = k.service WHERE k.revoked_at IS NULL"
        )
        grants: dict[bytes, Grant] = {}
        for hashed, key, service, data in await cursor.fetchall():
            try:
                settings = service_settings({"appeal_url": self._appeal_url, **data})
            except HeguiError as error:
                _LOG.error("service %s is closed: %s", service, error.title.both)
                continue
            grants[bytes(hashed)] = Grant(key, service, settings)
        self._grants, self._revision = grants, revision

    async def _look_again(self, arrived: float) -> None:
        """Read the keys once for all who came before; unknown keys cost at most one read each fifth of a second."""
        async with self._missed:
            if self._looked > arrived:
                return
            wait = self._looked + _MISS_EVERY - asyncio.get_running_loop().time()
            if wait > 0:
                await asyncio.sleep(wait)
            await self.refresh()

    async def grant(self, authorization: str) -> Grant:
        """Return what a bearer token opens; raise ApiError 401."""
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() == "bearer" and secret.startswith(PREFIX) and len(secret) < _LONGEST_KEY:
            hashed = key_hash(secret)
            found = self._grants.get(hashed)
            if found is None:
                await self._look_again(asyncio.get_running_loop().time())
                found = self._grants.get(hashed)
            if found is not None:
                return found
        raise ApiError(
            401, "invalid_api_key",
            "密钥缺失、无效或已撤销；用 hegui keys create 生成 / missing, unknown or revoked API key; make one with `hegui keys create`",
            kind="authentication_error",
        )  # fmt: skip
