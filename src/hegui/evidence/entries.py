"""Entries: canonical payload, salted commitment, and the bytes that become a leaf."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from hegui.evidence.models import EntryRow
from hegui.kit import clock, ids
from hegui.kit.canonical import canonical

LEAF_VERSION = "hegui-leaf-v1"
INSTITUTION = "institution"
"""Retention class of what the provider itself did; holds nothing personal, has no end."""


@dataclass(frozen=True)
class Entry:
    """One entry as it is written: text columns only, so that it can travel as JSON."""

    id: str
    at: str
    kind: str
    service: str | None
    payload: str
    salt: str
    commitment: str
    retention: str
    due: str | None


def commit_to(salt: str, payload: bytes) -> str:
    """Return the salted commitment, base64 of SHA-256(salt text || payload bytes)."""
    return b64encode(sha256(salt.encode() + payload).digest()).decode()


def leaf_data(entry_id: str, kind: str, commitment: str) -> bytes:
    """Return the bytes of a leaf: version, id, kind, commitment, a line each."""
    return f"{LEAF_VERSION}\n{entry_id}\n{kind}\n{commitment}\n".encode()


def make_salt() -> str:
    """Return a fresh 128-bit salt as text."""
    return b64encode(ids.random_bytes(16)).decode()


def make_entry(  # noqa: PLR0913 - the columns of a record
    kind: str,
    payload: dict[str, Any],
    *,
    service: str | None = None,
    retention: str = INSTITUTION,
    due: str | None = None,
    entry_id: str | None = None,
    at: datetime | None = None,
) -> Entry:
    """Return an entry ready to be written; the payload must hold no personal data in the clear."""
    body = canonical(payload)
    salt = make_salt()
    return Entry(
        id=entry_id or ids.uuid7(),
        at=clock.iso(at or clock.now()),
        kind=kind,
        service=service,
        payload=body.decode(),
        salt=salt,
        commitment=commit_to(salt, body),
        retention=retention,
        due=due,
    )


def leave(  # noqa: PLR0913 - the columns of a record
    session: Session,
    kind: str,
    payload: dict[str, Any],
    *,
    service: str | None = None,
    retention: str = INSTITUTION,
    due: datetime | None = None,
) -> str:
    """Leave evidence of an act in the caller's transaction; return the entry's id. What has a `due` goes then."""
    entry = make_entry(kind, payload, service=service, retention=retention)
    session.add(
        EntryRow(
            id=entry.id,
            at=datetime.fromisoformat(entry.at),
            kind=kind,
            service=service,
            payload=entry.payload,
            salt=entry.salt,
            commitment=entry.commitment,
            retention=entry.retention,
            due=due,
        )
    )
    return entry.id
