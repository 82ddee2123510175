"""What users and people do with grants: request, accept, approve, refuse, revoke, give back; and what is due goes.

The only writer, but for the log of contents, which `giving` writes.
Evidence names grants, clauses and accounts; never a person, a purpose or a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.box import Box
from hegui.evidence.retention import Erased
from hegui.kit import clock, ids
from hegui.kit.calls import CallError, no_such
from hegui.kit.errors import InputError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people.models import Account
from hegui.people.permits import Act, Role, require
from hegui.service.releases import clauses, rules
from hegui.service.releases.clauses import Clause
from hegui.service.releases.models import ClauseRow, Content, Grant, GrantState

RELEASES = "release"
"""The class of what retention counts."""
_GRANT = Bi("许可", "leave")
_RELOAD = Bi("刷新，查看它现在的状态", "reload it and look at its present state")


@dataclass(frozen=True)
class Asked:
    """What a user asks for: what for, which kinds, for how long, how many."""

    purpose: str
    kinds: list[str]
    days: int
    most: int | None

    @classmethod
    def of(cls, data: dict[str, Any], settings: Settings) -> Asked:
        """Return a request from what an application sent; raise InputError."""
        return cls(
            rules.said(data.get("purpose"), Bi("用途", "the purpose"), rules.LONGEST_PURPOSE),
            rules.kinds(data.get("kinds")),
            rules.days(data.get("days"), settings.unlabelled_days),
            rules.most_contents(data.get("most")),
        )


def is_number(text: str) -> bool:
    """Say whether a text is the number of a grant or a content."""
    return ids.is_id(text)


def found(session: Session, number: str, service: str = "", person: str = "") -> Grant:
    """Return a grant, locked; of one service and person where they are given; raise CallError 404."""
    row = session.get(Grant, number, with_for_update=True, populate_existing=True) if ids.is_id(number) else None
    if row is None or (service and row.service != service) or (person and row.person != person):
        raise no_such(_GRANT)
    return row


def _told(row: Grant, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of the ledger
    return {"grant": row.id, "clause": row.clause, **more}


def request(  # noqa: PLR0913 - who asks for what
    session: Session, box: Box, clause: Clause, who: tuple[str, str], asked: Asked, *, months: int
) -> Grant:
    """Make a request of a user, `who` being service and pseudonym; the clause that is in force is the one to accept."""
    clauses.keep(session, clause)
    moment, number = clock.now(), ids.uuid7()
    lapses = moment + rules.TO_ACCEPT
    row = Grant(
        id=number, service=who[0], person=who[1], kinds=asked.kinds, days=asked.days, most=asked.most, used=0,
        purpose=box.seal(number, asked.purpose.encode()), purpose_key=box.key_id, clause=clause.digest,
        state=GrantState.REQUESTED.value, requested_at=moment, lapses_at=lapses, due=rules.kept_until(lapses, months),
    )  # fmt: skip
    session.add(row)
    session.flush()
    payload = _told(row, kinds=row.kinds, days=row.days, most=row.most)
    leave(session, "release.requested", payload, service=row.service)
    return row


def accept(session: Session, row: Grant, clause: Clause, digest: str, settings: Settings) -> Grant:
    """Take a user's acceptance of the clause that was shown; raise CallError 409 for another clause or another state.

    Where the operator asks for no approval, the grant begins here.
    """
    moment = clock.now()
    if row.state_at(moment) is not GrantState.REQUESTED:
        raise _not_now(row, moment)
    if digest != row.clause or clause.digest != row.clause:
        raise CallError(
            409, "clause_changed",
            Bi("所接受的不是现行条款", "the clause that is accepted is not the one in force"),
            Bi("读现行条款，重新申请", "read the clause in force and make a new request"), cite=rules.CLAUSE,
        )  # fmt: skip
    row.state, row.accepted_at = GrantState.ACCEPTED.value, moment
    _until(row, moment + rules.TO_APPROVE, settings.log_months)
    leave(session, "release.accepted", _told(row), service=row.service)
    if not settings.unlabelled_approval:
        _grant(session, row, None, settings.log_months)
    return row


def _until(row: Grant, moment: datetime, months: int) -> None:
    row.lapses_at, row.due = moment, rules.kept_until(moment, months)


def _grant(session: Session, row: Grant, by: str | None, months: int) -> None:
    moment = clock.now()
    row.state, row.decided_at, row.decided_by = GrantState.GRANTED.value, moment, by
    _until(row, moment + timedelta(days=row.days), months)
    payload = _told(row, by=by, until=clock.iso(row.lapses_at))
    leave(session, "release.granted", payload, service=row.service)


def _not_now(row: Grant, moment: datetime) -> CallError:
    state = row.state_at(moment).value
    return CallError(
        409, "not_now", Bi(f"许可的状态是 {state}，不能如此", f"the leave is {state}: that can not be done"), _RELOAD,
        cite=rules.CLAUSE,
    )  # fmt: skip


def approve(session: Session, number: str, by: Account, settings: Settings) -> Grant:
    """Approve what a user accepted; raise NotAllowedError, or CallError in another state."""
    require(Role(by.role), Act.DECIDE_RELEASES)
    row = found(session, number)
    if row.state_at(clock.now()) is not GrantState.ACCEPTED:
        raise _not_now(row, clock.now())
    _grant(session, row, by.id, settings.log_months)
    return row


def refuse(session: Session, number: str, by: Account, reason: str) -> Grant:
    """Refuse a request, with a reason that the user is told."""
    require(Role(by.role), Act.DECIDE_RELEASES)
    return _end(session, found(session, number), GrantState.REFUSED, reason, by.id)


def revoke(session: Session, number: str, by: Account, reason: str) -> Grant:
    """Revoke a grant, with a reason that the user is told; nothing more is given from this commit on."""
    require(Role(by.role), Act.DECIDE_RELEASES)
    return _end(session, found(session, number), GrantState.REVOKED, reason, by.id)


def give_back(session: Session, row: Grant) -> Grant:
    """End a grant or a request on the user's own wish."""
    return _end(session, row, GrantState.REVOKED, "用户撤回 / given back by the user", None)


_ENDS = {
    GrantState.REFUSED: {GrantState.REQUESTED, GrantState.ACCEPTED},
    GrantState.REVOKED: {GrantState.REQUESTED, GrantState.ACCEPTED, GrantState.GRANTED},
}


def _end(session: Session, row: Grant, state: GrantState, reason: str, by: str | None) -> Grant:
    moment = clock.now()
    reason = rules.said(reason, Bi("理由", "the reason"), rules.LONGEST_REASON)
    if row.state_at(moment) not in _ENDS[state]:
        raise InputError(_not_now(row, moment).title, _RELOAD)
    row.state, row.decided_at, row.decided_by, row.reason = state.value, moment, by, reason
    leave(session, f"release.{state.value}", _told(row, by=by), service=row.service)
    return row


def purpose(box: Box, row: Grant) -> str | None:
    """Return what a user said that the content is for; None where it can not be read any more."""
    plain = box.open(row.id, row.purpose) if row.purpose is not None else None
    return None if plain is None else plain.decode()


def clause_row(session: Session, row: Grant) -> ClauseRow:
    """Return the clause of a grant, as it was shown."""
    return session.get_one(ClauseRow, row.clause)


def erase_due(session: Session, moment: datetime) -> Erased | None:
    """Erase contents and grants whose time is up, contents first; that it was done is recorded."""
    count = 0
    done = session.execute(delete(Content).where(Content.due <= moment))
    count += cast("CursorResult[Any]", done).rowcount
    kept = Content.grant_id == Grant.id
    gone = session.execute(delete(Grant).where(Grant.due <= moment, ~session.query(Content).where(kept).exists()))
    count += cast("CursorResult[Any]", gone).rowcount
    if count == 0:
        return None
    payload = {"class": RELEASES, "cutoff": clock.iso(moment), "count": count, "cite": rules.CLAUSE}
    leave(session, "record.erased", payload)
    return Erased(RELEASES, count, moment)
