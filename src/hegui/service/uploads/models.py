"""What is kept of uploads: what the file said, what its user declared, what notice was due, what was added."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.kit.text import Bi
from hegui.service.labels.schema import Kind
from hegui.store.base import Base


class Judgement(StrEnum):
    """What a platform tells of an upload."""

    IS = "is"  # 属于
    POSSIBLY = "possibly"  # 可能
    SUSPECTED = "suspected"  # 疑似
    NOTHING = "nothing"  # 无提示
    UNDETERMINED = "undetermined"  # 无法判定


class Form(StrEnum):
    """How the propagation fields went along."""

    FILE = "file"  # 写入文件
    SIDECAR = "sidecar"  # 写在旁边
    NONE = "none"  # 未写


JUDGEMENTS: dict[Judgement, Bi] = {
    Judgement.IS: Bi("属于", "is generated"),
    Judgement.POSSIBLY: Bi("可能", "may be generated"),
    Judgement.SUSPECTED: Bi("疑似", "suspected to be generated"),
    Judgement.NOTHING: Bi("无须提示", "no notice"),
    Judgement.UNDETERMINED: Bi("无法判定", "undetermined"),
}
FORMS: dict[Form, Bi] = {
    Form.FILE: Bi("写入文件", "in the file"),
    Form.SIDECAR: Bi("写在旁边的文件", "in a file beside it"),
    Form.NONE: Bi("未写", "not written"),
}
BY_KIND: dict[Kind, Judgement] = {
    Kind.IS: Judgement.IS, Kind.POSSIBLY: Judgement.POSSIBLY, Kind.SUSPECTED: Judgement.SUSPECTED,
}  # fmt: skip


class Upload(Base):
    """One upload that was judged. Its name is kept nowhere; the person is a keyed pseudonym."""

    __tablename__ = "upload_file"
    __table_args__ = (
        UniqueConstraint("service", "key", name="uq_upload_file_service_key"),
        Index("ix_upload_file_at", "at"),
        Index("ix_upload_file_judgement_at", "judgement", "at"),
        Index("ix_upload_file_due", "due"),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    """The content's number, which stands in the fields of propagation."""
    service: Mapped[str] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text)
    """The application's own name for the upload, by which a second sending is known."""
    person: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(Text)
    """SHA-256 of the file as it came, in hex."""
    container: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    """What the file says of itself, as `hegui label inspect` has it."""
    found: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """The seven fields as they came."""
    declared: Mapped[bool | None]
    """What the user said; none where they were not asked or have not answered."""
    declared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    traces: Mapped[bool]
    """Whether the platform's own detector found an explicit label or other traces."""
    reminded: Mapped[bool]
    """Whether the application was given the reminder to declare."""
    judgement: Mapped[str] = mapped_column(Text)
    notice: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """The notice to show, in both languages."""
    clause: Mapped[str | None] = mapped_column(Text)
    shown_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When the application said that the notice stands beside the published content."""
    form: Mapped[str] = mapped_column(Text)
    problem: Mapped[str | None] = mapped_column(Text)
    """Why the fields of propagation could not be added."""
    added: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """The seven fields as the file leaves."""
    out_digest: Mapped[str | None] = mapped_column(Text)
    due: Mapped[datetime] = mapped_column(DateTime(timezone=True))
