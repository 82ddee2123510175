"""Fixtures of the ledger's tests: a real database, keys in a folder, and the few acts that every test needs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hegui.evidence import leave, sequencer
from hegui.evidence.export import Exported, export
from hegui.evidence.keyring import Keyring, open_keyring
from hegui.evidence.merkle import leaf_hash
from hegui.evidence.notes import Checkpoint, Verifier
from hegui.evidence.publish import Publisher, published_path
from hegui.evidence.sequencer import Sealed
from hegui.store import Store, unit_of_work
from tests.unit.store.postgres import migrated, postgres, store

__all__ = ["ledger", "migrated", "postgres", "store"]


@dataclass
class Ledger:
    """A ledger in a database of its own."""

    store: Store
    data: Path
    keyring: Keyring
    ids: list[str] = field(default_factory=list)

    @property
    def published(self) -> Path:
        return published_path(self.data)

    def leave(self, count: int = 1, kind: str = "test", **payload: Any) -> list[str]:
        with unit_of_work(self.store) as session:
            # Ids sort by the millisecond; entries of one unit may share one.
            made = sorted(leave(session, kind, {"n": number, **payload}) for number in range(count))
        self.ids += made
        return made

    def seal(self, *, publish: bool = True) -> Sealed | None:
        with unit_of_work(self.store) as session:
            sealed = sequencer.seal(session, self.keyring.signer, self.published)
        if sealed is not None and publish:
            Publisher(self.data).publish(sealed.note)
        return sealed

    def grow(self, *counts: int) -> None:
        """Leave and seal, once for each count."""
        for count in counts:
            self.leave(count)
            assert self.seal() is not None

    def export(self, out: Path, **more: Any) -> Exported:
        with unit_of_work(self.store) as session:
            return export(session, self.keyring.signer, out, **more)

    def checkpoint(self) -> Checkpoint:
        signer = self.keyring.signer
        return Checkpoint.parse(Verifier(signer.name, signer.public).open(self.published.read_text("utf-8")))

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run SQL behind hegui's back, as somebody with the database could."""
        with self.store.engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []


@pytest.fixture
def ledger(store: Store, tmp_path: Path) -> Ledger:
    return Ledger(store, tmp_path / "data", open_keyring(tmp_path / "data", "ledger.test/log"))


def leaf(number: int) -> bytes:
    """Return the hash of a made-up leaf."""
    return leaf_hash(str(number).encode())


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "records.jsonl").read_text("utf-8").splitlines()]
