"""Browser sessions: a random token in a cookie, its hash in the database, a CSRF token beside it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.kit import clock
from hegui.kit.errors import NotAllowedError
from hegui.kit.text import Bi
from hegui.people.models import Account, SessionRow

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)


@dataclass(frozen=True)
class Visitor:
    """Who is signed in, and the CSRF token of the session."""

    account: Account
    csrf: str


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def begin(session: Session, account: Account) -> str:
    """Begin a session and return the cookie's token."""
    token, moment = secrets.token_urlsafe(32), clock.now()
    session.add(
        SessionRow(
            token_hash=_hash(token),
            account_id=account.id,
            csrf=secrets.token_urlsafe(24),
            created_at=moment,
            seen_at=moment,
        )
    )
    leave(session, "account.signed_in", {"account": account.id})
    return token


def resume(session: Session, token: str) -> Visitor | None:
    """Return who a token belongs to; None when it is unknown, idle too long or too old."""
    row = session.get(SessionRow, _hash(token))
    if row is None:
        return None
    moment = clock.now()
    account = session.get(Account, row.account_id)
    if moment - row.seen_at > IDLE or moment - row.created_at > LONGEST or account is None or account.closed_at:
        session.delete(row)
        return None
    if moment - row.seen_at > timedelta(minutes=1):
        row.seen_at = moment
    csrf = row.csrf
    session.flush()
    # Detached, so that who asks is still known after a rolled-back act.
    session.expunge(account)
    return Visitor(account, csrf)


def end(session: Session, token: str) -> None:
    """End a session."""
    row = session.get(SessionRow, _hash(token))
    if row is not None:
        session.delete(row)


def erase_expired(session: Session, moment: datetime) -> None:
    """Delete the sessions that nobody can go on with: left idle, or too old."""
    over = select(SessionRow.token_hash).where(
        or_(SessionRow.seen_at < moment - IDLE, SessionRow.created_at < moment - LONGEST)
    )
    session.execute(delete(SessionRow).where(SessionRow.token_hash.in_(over.with_for_update(skip_locked=True))))


class FormExpiredError(NotAllowedError):
    """The form does not carry the token of the session that sends it."""

    def __init__(self) -> None:
        super().__init__(
            Bi("表单已失效", "the form is out of date"),
            Bi("返回上一页，刷新后重试", "go back, reload the page and try again"),
        )


def check_csrf(visitor: Visitor, given: str) -> None:
    """Raise FormExpiredError unless the form carries the session's token."""
    if not hmac.compare_digest(visitor.csrf.encode(), given.encode()):
        raise FormExpiredError
