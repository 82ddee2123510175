"""Signing in: counted first, then the slow hash outside any transaction, then a session (decision 0012)."""

from __future__ import annotations

from hegui.evidence import leave
from hegui.kit import clock
from hegui.people import accounts, sessions, throttle
from hegui.people.models import Account
from hegui.store.unit import Store, unit_of_work


def sign_in(store: Store, origin: throttle.Origin, name: str, password: str, old: str = "") -> str:
    """Return the cookie's token of a new session; raise TooManyError or SignInError.

    Names that do not exist and closed accounts are counted and take the same work. No transaction
    and no connection is held while the hash is worked out. `old` is the token of a session that the
    browser still had: it ends.
    """
    with unit_of_work(store) as session:
        charged = throttle.charge(session, origin)
        found = accounts.open_named(session, name.strip())
    hashed = found.password if found is not None else accounts.UNKNOWN
    good = accounts.matches(hashed, password)
    token = ""
    with unit_of_work(store) as session:
        account = session.get(Account, found.id, with_for_update=True) if found is not None else None
        # The account may have been closed, or its password changed, while the hash was worked out.
        if good and account is not None and account.closed_at is None and account.password == hashed:
            throttle.refund(session, charged)
            sessions.end(session, old)
            token = sessions.begin(session, account)
        else:
            for limit in charged.reached:
                who = account.id if account is not None and limit != "address" else None
                leave(session, "sign_in.slowed", {"account": who, "limit": limit, "at": clock.iso(clock.now())})
    if not token:
        raise accounts.SignInError
    return token
