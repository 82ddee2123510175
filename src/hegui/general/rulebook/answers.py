"""What people do to set answers (代答); the only writer of them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.entries import make_salt
from hegui.general.content.skeleton import skeleton
from hegui.general.rulebook.acts import changed, hold
from hegui.general.rulebook.events import BUS, AnswerLive, AnswerWithdrawn
from hegui.general.rulebook.models import SetAnswerRow, State
from hegui.general.rulebook.rules import LONGEST_ANSWER, commitment, digest_of, reason
from hegui.general.rulebook.standing import wrong
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks
from hegui.people.models import Account
from hegui.people.permits import Act, Role, require, require_other

_LIST = Bi("刷新列表，查看它现在的状态", "reload the list and look at its present state")


def propose_answer(  # noqa: PLR0913 - what a set answer is made of
    session: Session, by: Account, question: str, answer: str, risk: str = "", *, why: str = ""
) -> SetAnswerRow:
    """Propose an answer to a question; `risk` may be empty. Raise InputError for what can not be one."""
    require(Role(by.role), Act.WRITE_RULES)
    question, answer = question.strip(), answer.strip()
    bones, found = skeleton(question[:LONGEST_ANSWER]).text, risks().find(risk) if risk else ""
    if not bones or not answer or max(len(question), len(answer)) > LONGEST_ANSWER:
        raise InputError(
            Bi(f"问题与答案不能为空，各至多 {LONGEST_ANSWER} 字", f"question and answer can not be empty; {LONGEST_ANSWER} characters each at most"),
            Bi("改正后重新提交", "correct it and send it again"),
        )  # fmt: skip
    if found is None:
        raise InputError(Bi(f"未知风险 {risk!r}", f"unknown risk {risk!r}"), Bi("从列表中选择", "choose from the list"))
    key = digest_of(bones)
    hold(session)
    if session.scalar(
        select(SetAnswerRow.id).where(
            SetAnswerRow.key == key, SetAnswerRow.answer == answer, SetAnswerRow.risk == found,
            SetAnswerRow.state.in_((State.PROPOSED, State.LIVE)),
        )
    ):  # fmt: skip
        raise wrong("这一代答已提议或已生效", "that set answer waits already, or is in force", _LIST)
    row = SetAnswerRow(
        id=ids.uuid7(), key=key, question=question, answer=answer, salt=make_salt(), risk=found, why=why.strip(),
        state=State.PROPOSED, author=by.id, proposed_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _leave(session, "answer.proposed", row, by)
    return row


def approve_answer(session: Session, by: Account, row: SetAnswerRow) -> None:
    """Put another person's set answer in force; it takes the place of the one that its question had."""
    require(Role(by.role), Act.APPROVE_RULES)
    require_other(row.author, by.id)
    hold(session)
    session.refresh(row)
    if row.state != State.PROPOSED:
        raise wrong("它不在等待批准", "it does not wait for approval", _LIST)
    old = session.scalar(select(SetAnswerRow).where(SetAnswerRow.key == row.key, SetAnswerRow.state == State.LIVE))
    if old is not None:
        _end(session, by, old, State.WITHDRAWN, f"→ {row.id}")
    row.state, row.approver, row.approved_at = State.LIVE, by.id, clock.now()
    session.flush()
    _leave(session, "answer.approved", row, by, before=old.id if old else None)
    changed(session)
    BUS.tell(session, AnswerLive(row.id, row.risk))


def refuse_answer(session: Session, by: Account, row: SetAnswerRow, why: str) -> None:
    """Say no to another person's set answer, with a reason."""
    require(Role(by.role), Act.APPROVE_RULES)
    require_other(row.author, by.id)
    why = reason(why, Bi("否决", "refusing"))
    hold(session)
    session.refresh(row)
    if row.state != State.PROPOSED:
        raise wrong("它不在等待批准", "it does not wait for approval", _LIST)
    _end(session, by, row, State.REFUSED, why)


def withdraw_answer(session: Session, by: Account, row: SetAnswerRow, why: str) -> None:
    """Take a set answer back: an author what waits, an officer also what is in force; with a reason."""
    require(Role(by.role), Act.WRITE_RULES)
    why = reason(why, Bi("撤回", "taking back"))
    hold(session)
    session.refresh(row)
    if row.state not in {State.PROPOSED, State.LIVE}:
        raise wrong("它既不在等待，也未生效", "it neither waits nor is in force", _LIST)
    live = row.state == State.LIVE
    if live or row.author != by.id:
        require(Role(by.role), Act.APPROVE_RULES)
    _end(session, by, row, State.WITHDRAWN, why)
    if live:
        changed(session)


def _end(session: Session, by: Account, row: SetAnswerRow, state: State, why: str) -> None:
    row.state, row.ended_by, row.ended_at, row.ended_why = state, by.id, clock.now(), why
    session.flush()
    _leave(session, f"answer.{state}", row, by, why=commitment(row.salt, row.id, why))
    BUS.tell(session, AnswerWithdrawn(row.id, row.risk))


def _leave(session: Session, kind: str, row: SetAnswerRow, by: Account, **more: str | None) -> None:
    """Leave evidence: which answer, of what risk, and a commitment to what it says; never the words."""
    said = commitment(row.salt, row.id, row.question, row.answer)
    leave(session, kind, {"answer": row.id, "risk": row.risk, "commitment": said, "by": by.id, **more})
