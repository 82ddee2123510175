"""Flagged exchanges go to the review: the keeper hands them over, each once."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.evidence.keyring import Keyring
from hegui.evidence.models import EntryRow
from hegui.general.content.policy import Action, Urgency
from hegui.general.review import acts
from hegui.general.review.models import NOT_CHECKED, Flagged
from hegui.service.gateway.models import Exchange
from hegui.store.unit import Store, unit_of_work

_BATCH = 200


def queue_flagged(session: Session, keyring: Keyring, double_percent: int) -> int:
    """Hand a batch of flagged exchanges to the review and return how many there were.

    Two keepers never have the same ones, and an exchange that was handed over is not handed over again.
    """
    found = session.execute(
        select(Exchange, EntryRow.payload)
        .join(EntryRow, EntryRow.id == Exchange.id)
        .where(Exchange.flagged, ~Exchange.queued)
        .order_by(Exchange.id)
        .limit(_BATCH)
        .with_for_update(of=Exchange, skip_locked=True)
    ).all()
    if found:
        flagged = [_flagged(row[0], json.loads(row[1] or "{}")) for row in found]
        acts.enqueue(session, flagged, keyring.pseudonym, double_percent)
        for row in found:
            row[0].queued = True
    return len(found)


def queue_all(store: Store, keyring: Keyring, double_percent: int) -> None:
    """Hand over all that waits, a transaction a batch."""
    count = _BATCH
    while count == _BATCH:
        with unit_of_work(store) as session:
            count = queue_flagged(session, keyring, double_percent)


def _flagged(exchange: Exchange, payload: dict[str, Any]) -> Flagged:
    """Return what the review is told; risks and lanes are those of hits that policy flags, or of all if none is."""
    verdicts = payload.get("verdicts", [])
    hits = [item for item in verdicts if item["action"] == Action.FLAG] or verdicts
    lanes = {item["lane"] for item in hits} | ({NOT_CHECKED} if payload.get("not_scanned") else set())
    risks = {item["risk"] for item in hits} if hits else set(exchange.risks)
    return Flagged(
        exchange.id, exchange.service, exchange.at, exchange.urgency or Urgency.HIGH, tuple(sorted(risks)),
        tuple(sorted(lanes)), exchange.fingerprint or exchange.id,
    )  # fmt: skip
