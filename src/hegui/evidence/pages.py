"""The page of the ledger: its key, the newest checkpoint, what waits."""

from __future__ import annotations

from sqlalchemy import select

from hegui.evidence import sequencer
from hegui.evidence.models import CheckpointRow, EntryRow
from hegui.evidence.publish import published_path
from hegui.kit.pages import Page, Route, Visit
from hegui.kit.text import Bi

_SHOWN = 20


def ledger(visit: Visit) -> Page:
    """Show the state of the ledger."""
    session = visit.session
    checkpoints = session.scalars(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(_SHOWN)).all()
    acts = session.scalars(
        select(EntryRow).where(EntryRow.kind != "exchange").order_by(EntryRow.id.desc()).limit(_SHOWN)
    ).all()
    return Page(
        "evidence/ledger.html",
        Bi("账本", "Ledger"),
        {
            "checkpoints": checkpoints,
            "acts": acts,
            "pending": sequencer.pending(session),
            "vkey": visit.shared.keyring.signer.vkey,
            "published": published_path(visit.shared.settings.data),
        },
    )


ROUTES = (Route("/ledger", "read_board", ledger, menu=Bi("账本", "Ledger")),)
