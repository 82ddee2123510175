"""API keys: 256 random bits shown once; only a SHA-256 is kept (see docs/decisions/0004)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.people.models import ApiKey, Service
from hegui.store.revision import bump

PREFIX = "hg-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True)
class IssuedKey:
    """A new key; `secret` is shown once and kept nowhere."""

    id: str
    service: str
    secret: str


def key_hash(secret: str) -> bytes:
    """Return what is kept of a key."""
    return sha256(secret.encode()).digest()


def open_service(session: Session, name: str) -> Service:
    """Return a service, made with default settings when it is new; raise InputError for a bad name."""
    if not _NAME.fullmatch(name):
        raise InputError(
            Bi(f"服务名 {name!r} 不合格式", f"the service name {name!r} is not of the form wanted"),
            Bi(
                "用小写字母、数字、点、横线，63 个字符以内",
                "use lower-case letters, digits, dots, dashes; at most 63 characters",
            ),
        )
    service = session.get(Service, name)
    if service is None:
        service = Service(name=name, settings={}, created_at=clock.now())
        session.add(service)
        session.flush()
        leave(session, "service.opened", {"service": name}, service=name)
    return service


def create_key(session: Session, service: str, by: str) -> IssuedKey:
    """Create a key for a service; the workers learn of it within a second."""
    open_service(session, service)
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=ids.uuid7(), service=service, key_hash=key_hash(secret), hint=secret[-4:],
        created_at=clock.now(), created_by=by,
    )  # fmt: skip
    session.add(key)
    leave(session, "key.created", {"key": key.id, "service": service, "by": by}, service=service)
    bump(session)
    return IssuedKey(key.id, service, secret)


def revoke_key(session: Session, key_id: str, by: str) -> None:
    """Revoke a key; raise InputError when there is none of that id."""
    key = session.get(ApiKey, key_id) if ids.is_id(key_id) else None
    if key is None:
        raise InputError(
            Bi(f"没有编号为 {key_id} 的密钥", f"there is no key with the id {key_id}"),
            Bi("用 hegui keys list 查看", "see `hegui keys list`"),
        )
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        leave(session, "key.revoked", {"key": key.id, "service": key.service, "by": by}, service=key.service)
        bump(session)


def list_keys(session: Session) -> list[ApiKey]:
    """Return every key, newest first."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc())))
