"""What the ledger keeps: entries with their salted commitments, tiles of hashes, checkpoints."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.store.base import Base


class EntryRow(Base):
    """One thing that happened. Payload and salt go when their time is up; the commitment stays."""

    __tablename__ = "evidence_entry"
    __table_args__ = (
        Index("ix_evidence_entry_unsealed", "id", postgresql_where=text("seq IS NULL")),
        Index("ix_evidence_entry_due", "due", postgresql_where=text("erased_at IS NULL")),
        Index("ix_evidence_entry_kind_at", "kind", "at"),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    kind: Mapped[str] = mapped_column(Text)
    service: Mapped[str | None] = mapped_column(Text)
    payload: Mapped[str | None] = mapped_column(Text)
    salt: Mapped[str | None] = mapped_column(Text)
    commitment: Mapped[str] = mapped_column(Text)
    retention: Mapped[str] = mapped_column(Text)
    due: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    seq: Mapped[int | None] = mapped_column(BigInteger, unique=True)


class TileRow(Base):
    """Up to 256 hashes of one tile level, 32 bytes each, in the order of the tree."""

    __tablename__ = "evidence_tile"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class CheckpointRow(Base):
    """One signed checkpoint, as it was published."""

    __tablename__ = "evidence_checkpoint"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    note: Mapped[str] = mapped_column(Text)
