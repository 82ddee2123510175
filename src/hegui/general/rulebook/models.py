"""What is kept: versions of the policy, words and what was done to them, set answers; with who, when and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, DateTime, ForeignKey, Index, Integer, Text, and_, or_, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from hegui.kit.text import Bi
from hegui.store.base import Base


class PolicyState(StrEnum):
    """Where a version of the policy stands."""

    DRAFT = "draft"  # 草稿
    SHADOW = "shadow"  # 影子
    LIVE = "live"  # 生效
    RETIRED = "retired"  # 退役
    WITHDRAWN = "withdrawn"  # 撤回


POLICY_STATES: dict[str, Bi] = {
    PolicyState.DRAFT: Bi("草稿", "draft"),
    PolicyState.SHADOW: Bi("影子", "in shadow"),
    PolicyState.LIVE: Bi("生效", "live"),
    PolicyState.RETIRED: Bi("退役", "retired"),
    PolicyState.WITHDRAWN: Bi("撤回", "withdrawn"),
}


class State(StrEnum):
    """Where a word or a set answer stands."""

    PROPOSED = "proposed"  # 提议
    LIVE = "live"  # 生效
    WITHDRAWN = "withdrawn"  # 撤回
    REFUSED = "refused"  # 否决
    LAPSED = "lapsed"  # 失效


STATES: dict[str, Bi] = {
    State.PROPOSED: Bi("提议", "proposed"),
    State.LIVE: Bi("生效", "live"),
    State.WITHDRAWN: Bi("撤回", "withdrawn"),
    State.REFUSED: Bi("否决", "refused"),
    State.LAPSED: Bi("失效", "lapsed"),
}
"""`lapsed` is never kept: it is what a live one is whose urgent day is over without an approval."""


class Kind(StrEnum):
    """What a change of the words does."""

    WORD = "word"  # 加词
    EXCEPTION = "exception"  # 例外
    REMOVAL = "removal"  # 撤词


KINDS: dict[str, Bi] = {
    Kind.WORD: Bi("加词", "a word added"),
    Kind.EXCEPTION: Bi("例外", "an exception"),
    Kind.REMOVAL: Bi("撤词", "a word of the file taken back"),
}


class PolicyVersion(Base):
    """One version of the policy: YAML over the operator's file; one is live at most, and one in shadow."""

    __tablename__ = "rulebook_policy"
    __table_args__ = (
        Index("uq_rulebook_policy_live", "state", unique=True, postgresql_where=text("state = 'live'")),
        Index("uq_rulebook_policy_shadow", "state", unique=True, postgresql_where=text("state = 'shadow'")),
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    body: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    """Version of the policy that it made, over the operator's file of the day on which it was written."""
    salt: Mapped[str] = mapped_column(Text)
    """With which the ledger commits to what it says."""
    why: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(ForeignKey("people_account.id"))
    written_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    shadow_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    shadow_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    approver: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    live_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    urgent_why: Mapped[str | None] = mapped_column(Text)
    """Why it went live without having been in shadow."""
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_why: Mapped[str | None] = mapped_column(Text)


class WordChange(Base):
    """One change of the words; its id is the edit that verdicts name as `word:ID`."""

    __tablename__ = "rulebook_word"
    __table_args__ = (Index("ix_rulebook_word_state", "state"),)

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    folded: Mapped[str] = mapped_column(Text)
    risk: Mapped[str] = mapped_column(Text)
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rule: Mapped[str | None] = mapped_column(Text)
    """The rule that an exception or a removal takes the place of."""
    phrase: Mapped[str | None] = mapped_column(Text)
    """What an exception adds."""
    salt: Mapped[str] = mapped_column(Text)
    """With which the ledger commits to what it says."""
    why: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(ForeignKey("people_account.id"))
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    urgent_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    urgent_why: Mapped[str | None] = mapped_column(Text)
    live_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lapses_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    approver: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_why: Mapped[str | None] = mapped_column(Text)

    def state_on(self, moment: datetime) -> State:
        """Return where it stands at a moment: an urgent one that nobody else approved lapses by itself."""
        if self.state == State.LIVE and self.approver is None and self.lapses_at and self.lapses_at <= moment:
            return State.LAPSED
        return State(self.state)

    @property
    def name(self) -> str:
        """Return the rule's name in verdicts."""
        return f"word:{self.id}"


def in_force(moment: datetime) -> ColumnElement[bool]:
    """Return the condition that a change of the words is in force at a moment."""
    return and_(WordChange.state == State.LIVE, or_(WordChange.approver.is_not(None), WordChange.lapses_at > moment))


def lapsed(moment: datetime) -> ColumnElement[bool]:
    """Return the condition that an urgent change has lapsed at a moment."""
    return and_(WordChange.state == State.LIVE, WordChange.approver.is_(None), WordChange.lapses_at <= moment)


class SetAnswerRow(Base):
    """A question with the answer that is given to it; `key` is the digest of the question as questions are compared."""

    __tablename__ = "rulebook_answer"
    __table_args__ = (
        Index("uq_rulebook_answer_live", "key", unique=True, postgresql_where=text("state = 'live'")),
        Index("ix_rulebook_answer_state", "state"),
    )

    id: Mapped[str] = mapped_column(UUID(as_uuid=False), primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(Text)
    """With which the ledger commits to what it says."""
    risk: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(ForeignKey("people_account.id"))
    proposed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    approver: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[str | None] = mapped_column(ForeignKey("people_account.id"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_why: Mapped[str | None] = mapped_column(Text)
