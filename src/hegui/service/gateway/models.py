"""What the gateway keeps of an exchange beside its ledger entry: columns to filter by, content encrypted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.store.base import Base


class Exchange(Base):
    """One question with its answer; the ledger entry of the same id holds the record itself."""

    __tablename__ = "gateway_exchange"
    __table_args__ = (
        Index("ix_gateway_exchange_at", "at"),
        Index("ix_gateway_exchange_outcome_at", "outcome", "at"),
        Index("ix_gateway_exchange_flagged", "id", postgresql_where=text("flagged")),
        Index("ix_gateway_exchange_to_queue", "id", postgresql_where=text("flagged AND NOT queued")),
        Index("ix_gateway_exchange_shadow", "id", postgresql_where=text("shadow IS NOT NULL")),
        Index("ix_gateway_exchange_content_due", "content_due", postgresql_where=text("content IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), ForeignKey("evidence_entry.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    service: Mapped[str] = mapped_column(Text)
    person: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    risks: Mapped[list[str]] = mapped_column(JSONB)
    model: Mapped[str] = mapped_column(Text)
    streamed: Mapped[bool]
    latency_ms: Mapped[int] = mapped_column(Integer)
    first_ms: Mapped[int | None] = mapped_column(Integer)
    flagged: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether a person should look at it."""
    urgency: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str | None] = mapped_column(Text)
    """Of a flagged one: the same for the same question and answer, however they are dressed; a keyed hash."""
    queued: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether a flagged one has been handed to the review."""
    shadow: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the policy in shadow would have done: its version, the action each way, beside the live ones."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_key: Mapped[str | None] = mapped_column(Text)
    content_due: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
