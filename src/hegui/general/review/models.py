"""What the review keeps: items, what each reviewer decided, and excerpts to learn from, all text encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.kit.text import Bi
from hegui.store.base import Base


class State(StrEnum):
    """Where an item stands; a taken one whose lease ran out waits again."""

    WAITING = "waiting"  # 待审
    TAKEN = "taken"  # 审核中
    DECIDED = "decided"  # 已决


class Stage(StrEnum):
    """Which decision an item waits for."""

    FIRST = "first"  # 初审
    SECOND = "second"  # 复审
    SETTLE = "settle"  # 裁定


class Verdict(StrEnum):
    """What a person finds of an exchange."""

    VIOLATES = "violates"  # 违规
    FINE = "fine"  # 不违规
    CANNOT_TELL = "cannot_tell"  # 无法判断


class Kind(StrEnum):
    """What an excerpt is kept for."""

    LABEL = "label"  # 训练标注
    CASE = "case"  # 回归用例


STATE_NAMES: dict[State, Bi] = {
    State.WAITING: Bi("待审", "waiting"),
    State.TAKEN: Bi("审核中", "taken"),
    State.DECIDED: Bi("已决", "decided"),
}
STAGE_NAMES: dict[Stage, Bi] = {
    Stage.FIRST: Bi("初审", "first review"),
    Stage.SECOND: Bi("复审", "second review"),
    Stage.SETTLE: Bi("裁定", "settling"),
}
VERDICT_NAMES: dict[Verdict, Bi] = {
    Verdict.VIOLATES: Bi("违规", "violates"),
    Verdict.FINE: Bi("不违规", "fine"),
    Verdict.CANNOT_TELL: Bi("无法判断", "can not tell"),
}
NOT_CHECKED = "not_checked"
"""Stands among the lanes of an item for a check that could not run."""
_OPEN = text("state <> 'decided'")


@dataclass(frozen=True)
class Flagged:
    """An exchange that somebody should look at, as whoever flagged it tells of it; `urgency` is high, medium or low."""

    exchange: str
    service: str
    at: datetime
    urgency: str
    risks: tuple[str, ...]
    lanes: tuple[str, ...]
    fingerprint: str


class Item(Base):
    """One flagged exchange, and how many more said the same while it was open."""

    __tablename__ = "review_item"
    __table_args__ = (
        Index("ix_review_item_open_due", "due_at", postgresql_where=_OPEN),
        Index("uq_review_item_open_fingerprint", "service", "fingerprint", unique=True, postgresql_where=_OPEN),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    exchange_id: Mapped[str] = mapped_column(ForeignKey("evidence_entry.id"), unique=True)
    service: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When the exchange began."""
    urgency: Mapped[str] = mapped_column(Text)
    risks: Mapped[list[str]] = mapped_column(JSONB)
    lanes: Mapped[list[str]] = mapped_column(JSONB)
    fingerprint: Mapped[str] = mapped_column(Text)
    occurrences: Mapped[int] = mapped_column(Integer)
    queued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When the decision that it waits for is due."""
    draw: Mapped[int] = mapped_column(Integer)
    """What was drawn for it when it was queued, 0 to 9999; under the share it is reviewed twice."""
    double: Mapped[bool]
    state: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    taken_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    taken_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    verdict: Mapped[str | None] = mapped_column(Text)
    risk: Mapped[str | None] = mapped_column(Text)

    def state_at(self, moment: datetime) -> State:
        """Return the state at a moment: a lease that ran out leaves the item waiting."""
        lapsed = self.taken_until is None or self.taken_until <= moment
        return State.WAITING if self.state == State.TAKEN and lapsed else State(self.state)


class Occurrence(Base):
    """One exchange that was queued, on its own or as one more of an item: never twice."""

    __tablename__ = "review_occurrence"

    exchange_id: Mapped[str] = mapped_column(ForeignKey("evidence_entry.id"), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("review_item.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Decision(Base):
    """What one person decided of an item; note and proposals are encrypted, and go when they are due."""

    __tablename__ = "review_decision"
    __table_args__ = (
        UniqueConstraint("item_id", "by", name="uq_review_decision_item_id_by"),
        UniqueConstraint("item_id", "stage", name="uq_review_decision_item_id_stage"),
        Index("ix_review_decision_by_at", "by", "at"),
        Index("ix_review_decision_due", "due", postgresql_where=text("sealed IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("review_item.id"))
    stage: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(ForeignKey("people_account.id"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    verdict: Mapped[str] = mapped_column(Text)
    risk: Mapped[str | None] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(Text)
    """With which a blind decision was committed to before it was told."""
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_id: Mapped[str | None] = mapped_column(Text)
    due: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Excerpt(Base):
    """A piece of text that a decision keeps to learn from, masked and encrypted."""

    __tablename__ = "review_excerpt"

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    decision_id: Mapped[str] = mapped_column(ForeignKey("review_decision.id"))
    kind: Mapped[str] = mapped_column(Text)
    service: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(Text)
    risk: Mapped[str | None] = mapped_column(Text)
    """Of a label; none means benign."""
    action: Mapped[str | None] = mapped_column(Text)
    """Of a case: what the checks should do."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Text)
    due: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
