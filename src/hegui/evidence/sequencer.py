"""The one sequencer: gives unsealed entries their place, extends the tree, signs a checkpoint.

It keeps the last checkpoint that it published in a file outside the database. A database that
was rolled back behind that file, or rewritten, is not sealed over: two inconsistent checkpoints
under one key would be worse than none (tlog-checkpoint, Signatures).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hegui.evidence.entries import leaf_data
from hegui.evidence.merkle import leaf_hash
from hegui.evidence.models import CheckpointRow, EntryRow
from hegui.evidence.notes import Checkpoint, NoteError, Signer, Verifier
from hegui.evidence.tree import StoredTree
from hegui.kit import clock
from hegui.kit.errors import StoreError
from hegui.kit.text import Bi

_LOCK = 0x6C656467
_BATCH = 20_000


class RolledBackError(StoreError):
    """The database holds less, or other, than a checkpoint that was already published."""


@dataclass(frozen=True)
class Sealed:
    """What one round of sealing did."""

    added: int
    size: int
    note: str


def latest(session: Session) -> CheckpointRow | None:
    """Return the newest checkpoint."""
    return session.scalar(select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1))


def pending(session: Session) -> int:
    """Return how many entries wait to be sealed."""
    return session.scalar(select(func.count()).where(EntryRow.seq.is_(None))) or 0


def _rolled_back(size: int, published: Path) -> RolledBackError:
    return RolledBackError(
        Bi(
            f"账本与已发布的检查点（{size} 条）不一致：数据库被回滚或改写，已停止封存",
            f"the ledger differs from the published checkpoint ({size} entries): rolled back or rewritten; sealing stopped",
        ),
        Bi(
            f"从备份恢复到不早于该检查点的状态；检查点保存在 {published}",
            f"restore a backup that is not older than that checkpoint, which is kept in {published}",
        ),
    )


def _published(signer: Signer, path: Path) -> Checkpoint:
    try:
        return Checkpoint.parse(Verifier(signer.name, signer.public).open(path.read_text("utf-8")))
    except (NoteError, OSError, UnicodeDecodeError) as error:
        raise StoreError(
            Bi(
                f"已发布的检查点 {path} 无法核对，已停止封存：{error}",
                f"the published checkpoint {path} can not be checked, sealing stopped: {error}",
            ),
            Bi(
                "从备份恢复该文件（旁边的 history 存有历次检查点）及 keys 目录",
                "restore that file (`history` beside it keeps the earlier ones) and the folder keys from a backup",
            ),
        ) from error


def guard(session: Session, signer: Signer, published: Path) -> None:
    """Compare the tree with the last published checkpoint; raise RolledBackError when they differ.

    Raises StoreError when that checkpoint can not be read or was signed by another key.
    """
    if not published.exists():
        return
    kept = _published(signer, published)
    tree, newest = StoredTree(session), latest(session)
    try:
        same = tree.root(kept.size) == kept.root
    except LookupError:
        same = False
    same = same and newest is not None and newest.size >= kept.size and tree.last_tiles() == newest.size
    if not same:
        raise _rolled_back(kept.size, published)


def seal(session: Session, signer: Signer, published: Path) -> Sealed | None:
    """Seal what waits, in the caller's transaction; None when there is nothing or another seals.

    Raises RolledBackError, under the lock and before anything is signed, when the tree differs
    from the last published checkpoint.
    """
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
        return None
    guard(session, signer, published)
    rows = session.execute(
        select(EntryRow.id, EntryRow.kind, EntryRow.commitment)
        .where(EntryRow.seq.is_(None))
        .order_by(EntryRow.id)
        .limit(_BATCH)
    ).all()
    previous = latest(session)
    if not rows and previous is not None:
        return None
    size = previous.size if previous else 0
    session.execute(
        text(
            "UPDATE evidence_entry SET seq = v.seq FROM"
            " unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[])) AS v(id, seq) WHERE evidence_entry.id = v.id"
        ),
        {"ids": [row.id for row in rows], "seqs": list(range(size, size + len(rows)))},
    )
    tree = StoredTree(session)
    try:
        tree.extend(size, [leaf_hash(leaf_data(row.id, row.kind, row.commitment)) for row in rows])
    except LookupError:
        raise _rolled_back(size, published) from None
    size += len(rows)
    note = signer.sign(Checkpoint(signer.name, size, tree.root(size)).text())
    session.add(CheckpointRow(size=size, at=clock.now(), note=note))
    return Sealed(len(rows), size, note)


def proof_of(session: Session, entry_id: str) -> tuple[int, list[bytes], CheckpointRow] | None:
    """Return index, inclusion proof and checkpoint of a sealed entry; None while it waits."""
    index = session.scalar(select(EntryRow.seq).where(EntryRow.id == entry_id))
    newest = latest(session)
    if index is None or newest is None:
        return None
    return index, StoredTree(session).inclusion(index, newest.size), newest


def encode(hashes: list[bytes]) -> list[str]:
    """Return hashes as base64 text."""
    return [b64encode(item).decode() for item in hashes]
