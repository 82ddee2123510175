"""Waivers: a duty set aside for a time, with a reason, an expiry, and an approver who is not the author."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.register import register
from hegui.people.models import Account, Waiver
from hegui.people.permits import Act, Role, require, require_other


def write_waiver(session: Session, by: Account, obligation: str, reason: str, expires: date) -> Waiver:
    """Ask for a waiver of a duty; raise InputError without a reason or with an expiry that is not ahead."""
    require(Role(by.role), Act.WRITE_WAIVER)
    if not register().obligation(obligation).binds_provider:
        raise InputError(
            Bi(f"{obligation} 不约束提供者，无须豁免", f"{obligation} binds no provider; there is nothing to waive"),
            Bi("写一项约束提供者的义务", "name an obligation that binds the provider"),
        )
    if not reason.strip() or expires <= clock.today():
        raise InputError(
            Bi("豁免须写明理由，且到期日须在今天之后", "a waiver needs a reason and an expiry after today"),
            Bi("补写理由，改正到期日", "give the reason and a later expiry"),
        )
    waiver = Waiver(
        id=ids.uuid7(), obligation=obligation, reason=reason.strip(), expires=expires,
        author=by.id, written_at=clock.now(),
    )  # fmt: skip
    session.add(waiver)
    leave(session, "waiver.written", {"waiver": waiver.id, "obligation": obligation, "expires": expires.isoformat()})
    return waiver


def approve_waiver(session: Session, by: Account, waiver: Waiver) -> None:
    """Approve a waiver that another person wrote; raise InputError when it is expired or approved."""
    require(Role(by.role), Act.APPROVE_WAIVER)
    require_other(waiver.author, by.id)
    if waiver.approved_at is not None or waiver.expires <= clock.today():
        raise InputError(
            Bi("该豁免已批准或已到期", "that waiver is approved already, or has expired"),
            Bi("重新申请", "write a new one"),
        )
    waiver.approver, waiver.approved_at = by.id, clock.now()
    leave(session, "waiver.approved", {"waiver": waiver.id, "obligation": waiver.obligation, "by": by.id})


def live_waivers(session: Session, on: date) -> dict[str, Waiver]:
    """Return the approved waivers that run on a day, by obligation, of several the one that runs longest.

    An expired one counts for nothing, and so does one that was approved after the day.
    """
    approved = Waiver.approved_at < datetime.combine(on + timedelta(days=1), time(), clock.CHINA)
    rows = session.scalars(select(Waiver).where(approved, Waiver.expires > on).order_by(Waiver.expires))
    return {row.obligation: row for row in rows}
