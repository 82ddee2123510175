"""The check and the log that whoever gives content asks: `allowed`, then `begin`, then `log` or `withhold`.

    release = await releases.allowed(grant_id, service, person, "image")   # CallError 403 says why not
    await release.begin(content_id)           # before anything is made; CallError 403, StoreError
    await release.log(content_id, digest)     # before the last byte leaves; StoreError: then it does not leave
    await release.withhold(content_id)        # where nothing left

`person` is the pseudonym that the gateway has of a user. Each step asks the database, so that a grant that was
revoked a moment ago gives nothing any more, in whatever worker; requests without a grant cost nothing. `log`
begins what was not begun. What is given carries the implicit label: seeing to that is the caller's duty.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from hegui.evidence.entries import commit_to, make_entry, make_salt
from hegui.evidence.retention import LOG
from hegui.kit import clock, ids
from hegui.kit.calls import CallError
from hegui.kit.errors import StoreError
from hegui.kit.text import Bi
from hegui.service.releases import rules
from hegui.service.releases.models import CONTENT_KINDS, ContentKind

_TIMEOUT = 5.0

_ASK = """
SELECT state, reason, lapses_at <= now(), kinds, most IS NOT NULL AND used >= most, lapses_at
FROM release_grant WHERE id = %s AND service = %s AND person = %s
"""
_BEGIN = """
WITH leave AS (
  UPDATE release_grant SET used = used + 1
  WHERE id = %(grant)s AND state = 'granted' AND lapses_at > now() AND (most IS NULL OR used < most)
  AND NOT EXISTS (SELECT FROM release_content WHERE content_id = %(content)s)
  RETURNING id
)
INSERT INTO release_content (content_id, grant_id, kind, state, at, due)
SELECT %(content)s, id, %(kind)s, 'begun', %(at)s, %(due)s FROM leave
RETURNING content_id
"""
_END = """
WITH ended AS (
  UPDATE release_content SET state = %(state)s, digest = %(digest)s, digest_salt = %(digest_salt)s, ended_at = %(at)s
  WHERE content_id = %(content)s AND grant_id = %(grant)s AND state = 'begun' RETURNING content_id
), spared AS (
  UPDATE release_grant SET used = used - 1
  WHERE id = %(grant)s AND %(state)s = 'withheld' AND EXISTS (SELECT FROM ended)
)
INSERT INTO evidence_entry (id, at, kind, service, payload, salt, commitment, retention, due)
SELECT %(id)s::uuid, %(at)s, %(entry)s, %(service)s, %(payload)s, %(salt)s, %(commitment)s, %(retention)s, %(due)s FROM ended
"""


def _refused(code: str, zh: str, en: str, remedy: Bi) -> CallError:
    return CallError(403, code, Bi(zh, en), remedy, cite=rules.CLAUSE)


_ASK_AGAIN = Bi("重新申请", "make a new request")


@dataclass
class Release:
    """One leave that was checked: what is given under it is begun, then logged."""

    grant: str
    service: str
    kind: ContentKind
    house: Releases

    async def begin(self, content_id: str) -> None:
        """Note that a content is about to be given; raise CallError 403 when the grant ended meanwhile, StoreError."""
        await self.house.begin(self, content_id)

    async def log(self, content_id: str, digest: str) -> None:
        """Log a content that leaves, with the SHA-256 of its bytes in hex; raise StoreError: then it must not leave."""
        await self.house.end(self, content_id, digest)

    async def withhold(self, content_id: str) -> None:
        """Log that nothing of a content left."""
        await self.house.end(self, content_id, None)


class Releases:
    """Grants as one process asks for them, over a connection of its own."""

    def __init__(self, url: str, months: int) -> None:
        self._url = url
        self._months = months
        self._lock = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            await self._connection.close()

    async def _run(self, statement: str, values: Any) -> tuple[Any, ...] | int | None:  # noqa: ANN401 - values of SQL
        """Return the first row of a statement, or how many rows it touched; raise StoreError when the database is away."""
        async with self._lock:
            try:
                async with asyncio.timeout(_TIMEOUT):
                    if self._connection is None or self._connection.closed:
                        self._connection = await psycopg.AsyncConnection.connect(
                            self._url, autocommit=True, connect_timeout=3
                        )
                    cursor = await self._connection.execute(statement, values)
                    return await cursor.fetchone() if cursor.description else cursor.rowcount
            except (psycopg.Error, OSError, TimeoutError) as error:
                connection, self._connection = self._connection, None
                if connection is not None:
                    with contextlib.suppress(Exception):
                        await connection.close()
                raise StoreError(
                    Bi("无显式标识的许可与日志无法读写", "grants and their log can not be read or written"),
                    Bi("检查数据库后重试；其间不提供", "check the database and try again; nothing is given meanwhile"),
                ) from error

    async def allowed(self, grant: str, service: str, person: str | None, kind: str) -> Release:
        """Return the leave to give a content of a kind unlabelled to a person; raise CallError 403 with the reason, StoreError.

        A grant of another user or service is told as one that is not there.
        """
        row = await self._run(_ASK, (grant, service, person)) if ids.is_id(grant) and person else None
        if not isinstance(row, tuple):
            raise _refused(
                "unlabelled_unknown", "该用户没有这个许可", "this user has no such leave",
                Bi("检查许可编号与 user；先以 /v1/labelling/grants 申请", "check its number and `user`; ask at /v1/labelling/grants first"),
            )  # fmt: skip
        _check(row, kind)
        return Release(grant, service, ContentKind(kind), self)

    async def begin(self, release: Release, content_id: str) -> None:
        """Count and note a content; raise CallError 403 or StoreError."""
        moment = clock.now()
        due = rules.kept_until(moment, self._months)
        values = {"grant": release.grant, "content": content_id, "kind": release.kind, "at": moment, "due": due}
        if not isinstance(await self._run(_BEGIN, values), tuple):
            raise _refused(
                "unlabelled_ended", "许可已用完、到期或被撤销", "the leave is used up, has lapsed or was revoked", _ASK_AGAIN
            )  # fmt: skip

    async def end(self, release: Release, content_id: str, digest: str | None) -> None:
        """Log what became of a content, with evidence; one that was not begun is begun first."""
        moment = clock.now()
        due = rules.kept_until(moment, self._months)
        kind = "release.given" if digest else "release.withheld"
        salt = make_salt() if digest else None
        # A short text could be guessed from its digest: the ledger has a commitment to it, the row the salt.
        sealed = commit_to(salt, digest.encode()) if digest and salt else None
        payload = {"content_id": content_id, "commitment": sealed, "grant": release.grant, "kind": release.kind}
        entry = make_entry(kind, payload, service=release.service, retention=LOG, due=clock.iso(due), at=moment)
        values = {
            "state": "given" if digest else "withheld", "digest": digest, "digest_salt": salt, "at": moment, "content": content_id,
            "grant": release.grant, "id": entry.id, "entry": kind, "service": release.service,
            "payload": entry.payload, "salt": entry.salt, "commitment": entry.commitment, "retention": LOG, "due": due,
        }  # fmt: skip
        if not await self._run(_END, values):
            await self.begin(release, content_id)
            await self._run(_END, values)


def _check(row: tuple[Any, ...], kind: str) -> None:
    """Raise CallError 403 where a grant is not one to give this kind under now."""
    state, reason, lapsed, kinds, used_up, lapses = row
    if state in {"refused", "revoked"}:
        word = Bi("被拒绝", "was refused") if state == "refused" else Bi("已撤销", "was revoked")
        why = f"：{reason}" if reason else ""
        raise _refused(
            f"unlabelled_{state}", f"许可{word.zh}{why}", f"the leave {word.en}{why.replace('：', ': ')}", _ASK_AGAIN
        )
    if lapsed:
        at: datetime = lapses
        raise _refused(
            "unlabelled_lapsed", f"许可已于 {clock.iso(at)} 过期", f"the leave lapsed at {clock.iso(at)}", _ASK_AGAIN
        )
    if state != "granted":
        raise _refused(
            "unlabelled_pending", "许可尚未准予", "the leave is not granted yet",
            Bi("用户须先接受条款，再由运营者批准", "the user accepts the clause first, then the operator approves"),
        )  # fmt: skip
    if kind not in kinds:
        named = CONTENT_KINDS[ContentKind(kind)]
        raise _refused(
            "unlabelled_kind", f"许可不含{named.zh}", f"the leave is not for {named.en}",
            Bi("另行申请该种类", "make a request for that kind"),
        )  # fmt: skip
    if used_up:
        raise _refused("unlabelled_used_up", "许可的份数已用完", "the leave is used up", _ASK_AGAIN)
