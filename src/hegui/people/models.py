"""Accounts, sessions, API keys, and waivers with their two signatures."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, DateTime, ForeignKey, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.store.base import Base


class Account(Base):
    """A person who signs in; one role; the password only as an argon2id hash."""

    __tablename__ = "people_account"

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(Text)
    password: Mapped[str] = mapped_column(Text)
    must_change: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SessionRow(Base):
    """A signed-in browser; the cookie's token is kept only as its hash."""

    __tablename__ = "people_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("people_account.id"))
    csrf: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Attempts(Base):
    """How often signing in failed for one account and address, address or account; only a keyed hash of which."""

    __tablename__ = "people_attempts"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    known_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ApiKey(Base):
    """A key of an application, scoped to one service, kept only as its hash."""

    __tablename__ = "people_api_key"

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    service: Mapped[str] = mapped_column(ForeignKey("people_service.name"), index=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[str] = mapped_column(Text)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Service(Base):
    """A service that the provider offers through the gateway, with its settings."""

    __tablename__ = "people_service"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    settings: Mapped[dict[str, str]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Waiver(Base):
    """A duty set aside for a time: reason, expiry, author, and an approver who is another person."""

    __tablename__ = "people_waiver"

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    obligation: Mapped[str] = mapped_column(Text, index=True)
    reason: Mapped[str] = mapped_column(Text)
    expires: Mapped[date] = mapped_column(Date)
    author: Mapped[str] = mapped_column(ForeignKey("people_account.id"))
    written_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    approver: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
