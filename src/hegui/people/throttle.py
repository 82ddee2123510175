"""Slowing down who guesses passwords: per account and address, per address, per account (decision 0012)."""

from __future__ import annotations

import hmac
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hegui.kit import clock
from hegui.kit.errors import NotAllowedError
from hegui.kit.text import Bi
from hegui.people.models import Attempts


@dataclass(frozen=True)
class Rule:
    """After `free` failures every further attempt waits: `first`, then twice as long each time, at most `longest`."""

    free: int
    first: timedelta
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """Return how long after the last of so many failures the next attempt is looked at."""
        if failures < self.free:
            return timedelta()
        doubled: int = 2 ** min(failures - self.free, 20)
        return min(self.first * doubled, self.longest)


PAIR = Rule(5, timedelta(seconds=30), timedelta(minutes=15))
"""One account from one address."""
ADDRESS = Rule(30, timedelta(seconds=10), timedelta(minutes=15))
"""One address, whatever the account."""
ACCOUNT = Rule(20, timedelta(seconds=1), timedelta(seconds=10))
"""One account from everywhere; short, so that nobody can keep its owner out."""

FORGET = timedelta(hours=1)
"""After so long without a failure the count begins anew."""
KNOWN = timedelta(days=30)
"""An address from which the account was opened in this time is slowed down by its own failures only."""


class TooManyError(NotAllowedError):
    """Too many failures: the attempt was not looked at; `seconds` says when the next one will be."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, math.ceil(wait.total_seconds()))
        super().__init__(
            Bi("登录失败次数过多，本次未予核对", "too many failures; this attempt was not looked at"),
            Bi(f"请 {self.seconds} 秒后再试", f"try again in {self.seconds} seconds"),
        )


@dataclass(frozen=True)
class Origin:
    """Who tries to sign in and from where, as keyed hashes: neither name nor address is kept."""

    pair: bytes
    address: bytes
    account: bytes

    @classmethod
    def of(cls, secret: bytes, name: str, address: str) -> Origin:
        """Return the origin of an attempt; names that do not exist count like those that do."""
        place = network(address)

        def keyed(*parts: str) -> bytes:
            text = "\n".join((parts[0], *(sha256(part.encode()).hexdigest() for part in parts[1:])))
            return hmac.new(secret, text.encode(), sha256).digest()

        return cls(keyed("pair", name, place), keyed("address", place), keyed("account", name))


@dataclass(frozen=True)
class Charge:
    """An attempt that was counted as failed before it was looked at; `reached` are the limits it ran into."""

    origin: Origin
    known: bool
    reached: tuple[str, ...]


def network(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)


def charge(session: Session, origin: Origin) -> Charge:
    """Count an attempt as failed before its password is looked at; raise TooManyError when it must wait.

    Counting first is what holds under concurrency: of many attempts at once only the free ones
    are looked at. Rows are locked in one order (pair, address, account), and for moments only.
    """
    moment = clock.now()
    pair = _locked(session, origin.pair, moment)
    known = pair.known_at is not None and moment - pair.known_at <= KNOWN
    rows = [("pair", PAIR, pair)]
    if not known:
        rows.append(("address", ADDRESS, _locked(session, origin.address, moment)))
        _check(rows)
        rows.append(("account", ACCOUNT, _locked(session, origin.account, moment)))
    _check(rows)
    for _, _, row in rows:
        row.failures, row.failed_at = _failures(row, moment) + 1, max(moment, row.failed_at)
    return Charge(origin, known, tuple(name for name, rule, row in rows if row.failures == rule.free))


def refund(session: Session, charged: Charge) -> None:
    """Take back the failure of an attempt that was right, and remember the address as the account's own."""
    moment = clock.now()
    pair = _locked(session, charged.origin.pair, moment)
    pair.failures, pair.known_at = 0, moment
    if not charged.known:
        for key in (charged.origin.address, charged.origin.account):
            row = _locked(session, key, moment)
            row.failures = max(0, row.failures - 1)


def erase_forgotten(session: Session, moment: datetime) -> None:
    """Delete the counts that no longer slow anybody down."""
    idle = select(Attempts.key).where(
        Attempts.failed_at < moment - FORGET,
        or_(Attempts.known_at.is_(None), Attempts.known_at < moment - KNOWN),
    )
    session.execute(delete(Attempts).where(Attempts.key.in_(idle.with_for_update(skip_locked=True))))


def _locked(session: Session, key: bytes, moment: datetime) -> Attempts:
    made = insert(Attempts).values(key=key, failures=0, failed_at=moment)
    session.execute(made.on_conflict_do_update(index_elements=[Attempts.key], set_={"key": key}))
    return session.get_one(Attempts, key, populate_existing=True)


def _failures(row: Attempts, moment: datetime) -> int:
    return row.failures if moment - row.failed_at <= FORGET else 0


def _check(rows: list[tuple[str, Rule, Attempts]]) -> None:
    moment = clock.now()  # after the locks: who held them before may have failed just now
    waits = [(row, rule.wait(_failures(row, moment))) for _, rule, row in rows]
    left = max((row.failed_at + wait - moment for row, wait in waits if wait), default=timedelta())
    if left > timedelta():
        raise TooManyError(left)
