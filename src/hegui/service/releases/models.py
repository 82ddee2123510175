"""What is kept of releases: clauses as they were shown, grants with who agreed to what, contents that were given."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.kit.text import Bi
from hegui.store.base import Base


class GrantState(StrEnum):
    """Where a grant stands; time alone ends some of them (`state_at`)."""

    REQUESTED = "requested"  # 已申请
    ACCEPTED = "accepted"  # 已承诺
    GRANTED = "granted"  # 已准予
    REFUSED = "refused"  # 已拒绝
    REVOKED = "revoked"  # 已撤销
    LAPSED = "lapsed"  # 已过期


class ContentState(StrEnum):
    """What became of a content that was to be given without its explicit label."""

    BEGUN = "begun"  # 已开始
    GIVEN = "given"  # 已提供
    WITHHELD = "withheld"  # 未提供


class ContentKind(StrEnum):
    """Kinds of content that a grant can be for."""

    TEXT = "text"  # 文本
    IMAGE = "image"  # 图片
    AUDIO = "audio"  # 音频
    VIDEO = "video"  # 视频


GRANT_STATES: dict[GrantState, Bi] = {
    GrantState.REQUESTED: Bi("已申请", "requested"),
    GrantState.ACCEPTED: Bi("已承诺，待批准", "accepted, to be approved"),
    GrantState.GRANTED: Bi("已准予", "granted"),
    GrantState.REFUSED: Bi("已拒绝", "refused"),
    GrantState.REVOKED: Bi("已撤销", "revoked"),
    GrantState.LAPSED: Bi("已过期", "lapsed"),
}
CONTENT_STATES: dict[ContentState, Bi] = {
    ContentState.BEGUN: Bi("已开始，未知是否送达", "begun, not known whether it arrived"),
    ContentState.GIVEN: Bi("已提供", "given"),
    ContentState.WITHHELD: Bi("未提供", "withheld"),
}
CONTENT_KINDS: dict[ContentKind, Bi] = {
    ContentKind.TEXT: Bi("文本", "text"),
    ContentKind.IMAGE: Bi("图片", "image"),
    ContentKind.AUDIO: Bi("音频", "audio"),
    ContentKind.VIDEO: Bi("视频", "video"),
}


class ClauseRow(Base):
    """A clause as it was shown to somebody; kept for as long as any version of the records speaks of it."""

    __tablename__ = "release_clause"

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(Text)
    zh: Mapped[str] = mapped_column(Text)
    en: Mapped[str] = mapped_column(Text)
    template: Mapped[bool]
    """Whether it is the shipped template, which is nobody's agreement yet."""
    first_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Grant(Base):
    """One user's leave to be given content without the explicit label; the person is a keyed pseudonym."""

    __tablename__ = "release_grant"
    __table_args__ = (
        Index("ix_release_grant_service_person", "service", "person"),
        Index("ix_release_grant_state", "state", "requested_at"),
        Index("ix_release_grant_due", "due"),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    service: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(Text)
    kinds: Mapped[list[str]] = mapped_column(JSONB)
    days: Mapped[int] = mapped_column(Integer)
    """Days from the approval on."""
    most: Mapped[int | None] = mapped_column(Integer)
    """Most contents; none means as many as come before it lapses."""
    used: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[bytes | None] = mapped_column(LargeBinary)
    """In the user's words, sealed under the grant's id."""
    purpose_key: Mapped[str | None] = mapped_column(Text)
    clause: Mapped[str] = mapped_column(ForeignKey("release_clause.digest"))
    state: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    """None where no approval is asked for, or where the user ended it."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it was refused or revoked, as the user is told."""
    lapses_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When it ends by itself: unaccepted, unapproved or granted."""
    due: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """When the record goes; never before that of a content given under it."""

    def state_at(self, moment: datetime) -> GrantState:
        """Return the state at a moment: what ran out has lapsed."""
        state = GrantState(self.state)
        open_ones = {GrantState.REQUESTED, GrantState.ACCEPTED, GrantState.GRANTED}
        return GrantState.LAPSED if state in open_ones and self.lapses_at <= moment else state


class Content(Base):
    """One content given without its explicit label: which, to whom by its grant, the digest of what left."""

    __tablename__ = "release_content"
    __table_args__ = (
        Index("ix_release_content_grant_at", "grant_id", "at"),
        Index("ix_release_content_at", "at"),
        Index("ix_release_content_due", "due"),
    )

    content_id: Mapped[str] = mapped_column(Text, primary_key=True)
    """The content's number, which stands in its implicit label."""
    grant_id: Mapped[str] = mapped_column(ForeignKey("release_grant.id"))
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(Text)
    """SHA-256 of what left, in hex."""
    digest_salt: Mapped[str | None] = mapped_column(Text)
    """The salt of the ledger's commitment to the digest."""
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    due: Mapped[datetime] = mapped_column(DateTime(timezone=True))
