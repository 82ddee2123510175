"""The export that an inspector takes away: records, checkpoints, proofs, and the verifier itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, union
from sqlalchemy.orm import Session

from hegui.evidence.models import CheckpointRow, EntryRow
from hegui.evidence.notes import Checkpoint, Signer, Verifier
from hegui.evidence.sequencer import encode, latest
from hegui.evidence.tree import StoredTree
from hegui.evidence.verify import FORMAT
from hegui.kit import clock
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError, StoreError
from hegui.kit.text import Bi

ContentReader = Callable[[str], dict[str, Any] | None]
"""Returns the decrypted content of an entry as `{"salt", "body"}`, or None when there is none."""

_BATCH = 500

_README = """# 证据导出 / Evidence export

    pip install cryptography
    python verify.py . [--key 你自己取得的公钥 / the key you got yourself] [--earlier 你保存的检查点 / a checkpoint you kept]

- records.jsonl      每行一条记录及其证明 / one record a line, with its proof
- checkpoints/       签名的检查点 / signed checkpoints (C2SP tlog-checkpoint)
- consistency.jsonl  检查点之间的一致性证明 / proofs between checkpoints
- ledger.vkey        公钥；请另行核对 / verifier key; compare it with one that you got elsewhere
- verify.py          可自行阅读的核验程序 / the verifier, made to be read
"""


@dataclass(frozen=True)
class Exported:
    """What an export holds."""

    folder: Path
    first: int
    end: int
    size: int


def _records(session: Session, first: int, end: int, size: int, content: ContentReader | None) -> Iterator[bytes]:
    tree = StoredTree(session)
    for start in range(first, end, _BATCH):
        stop = min(start + _BATCH, end)
        rows = session.scalars(
            select(EntryRow).where(EntryRow.seq >= start, EntryRow.seq < stop).order_by(EntryRow.seq)
        ).all()
        for row in rows:
            yield canonical(_record(row, encode(tree.inclusion(row.seq or 0, size)), content))
        session.expunge_all()


def _record(row: EntryRow, proof: list[str], content: ContentReader | None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "index": row.seq,
        "id": row.id,
        "kind": row.kind,
        "commitment": row.commitment,
        "proof": proof,
    }
    if row.payload is None or row.salt is None:
        return {**record, "erased": True}
    record |= {"salt": row.salt, "payload": json.loads(row.payload)}
    if content is not None and (body := content(row.id)) is not None:
        record["content"] = body
    return record


def _chosen(session: Session, newest: CheckpointRow) -> list[CheckpointRow]:
    """Return the first checkpoint, the last of each day in China, and the newest.

    There is about one a second, so the database picks: what comes back grows with the days only.
    """
    day = func.date(func.timezone(clock.CHINA.key, CheckpointRow.at))
    sealed = (CheckpointRow.size > 0) & (CheckpointRow.size <= newest.size)
    wanted = union(
        select(func.max(CheckpointRow.size).label("size")).where(sealed).group_by(day),
        select(func.min(CheckpointRow.size)).where(sealed),
    ).subquery()
    rows = select(CheckpointRow).join(wanted, CheckpointRow.size == wanted.c.size).order_by(CheckpointRow.size)
    return list(session.scalars(rows)) or [newest]


def _prepare(folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(
                Bi(f"{folder} 已存在且不为空", f"{folder} exists and is not empty"),
                Bi(
                    "指定一个新目录，以免新旧证据混在一起",
                    "give a new folder, so that old and new evidence are not mixed",
                ),
            )
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            Bi(f"无法写入 {folder}：{error.strerror}", f"can not write to {folder}: {error.strerror}"),
            Bi("指定一个可写的新目录", "give a new folder that can be written to"),
        ) from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tell a disk that is full or gone while an export is written; what is there of it does not verify."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            Bi(f"导出未写完，{folder}：{error.strerror}", f"the export to {folder} was not finished: {error.strerror}"),
            Bi("腾出空间，删去该目录后重新导出", "free some space, remove that folder and export again"),
        ) from error


def export(  # noqa: PLR0913 - the parts of an export
    session: Session,
    signer: Signer,
    folder: Path,
    *,
    first: int = 0,
    end: int | None = None,
    earlier: str = "",
    content: ContentReader | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Exported:
    """Write an export of the sealed entries `first` to `end` (end excluded) into a new folder.

    `earlier` is the text of a checkpoint that the inspector kept: a consistency proof from it
    is added. Records are read and written in batches, and the sequencer may go on meanwhile: the
    export is of the size that was the newest when it began. Raises InputError when nothing is sealed
    yet, the range is outside the ledger or the folder can not be used; StoreError when the disk fills.
    """
    newest = latest(session)
    if newest is None:
        raise InputError(
            Bi("账本还没有封存任何记录", "nothing is sealed in the ledger yet"),
            Bi("启动 hegui serve，稍后再导出", "start `hegui serve` and export a little later"),
        )
    size = newest.size
    end = size if end is None else end
    if not 0 <= first <= end <= size:
        raise InputError(
            Bi(
                f"范围 {first} 到 {end} 超出账本（共 {size} 条）",
                f"range {first} to {end} is outside the ledger ({size} entries)",
            ),
            Bi("给出 0 与总数之间的范围", "give a range between 0 and that size"),
        )
    pairs = _kept_pair(signer, earlier, size)
    _prepare(folder)
    with _writing(folder):
        _write_proofs(session, folder, _chosen(session, newest), pairs)
        with (folder / "records.jsonl").open("wb") as file:
            for done, line in enumerate(_records(session, first, end, size, content), 1):
                file.write(line + b"\n")
                if done % _BATCH == 0:
                    progress(done, end - first)
        progress(end - first, end - first)
        manifest = {"format": FORMAT, "first": first, "end": end, "size": size, "made": clock.iso(clock.now())}
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        (folder / "ledger.vkey").write_text(signer.vkey + "\n", "utf-8")
        (folder / "README.md").write_text(_README, "utf-8")
        (folder / "verify.py").write_text((files("hegui.evidence") / "verify.py").read_text("utf-8"), "utf-8")
    return Exported(folder, first, end, size)


def _kept_pair(signer: Signer, earlier: str, size: int) -> set[tuple[int, int]]:
    """Return the pair of sizes that a kept checkpoint asks a proof for; raise InputError when it is not of this ledger."""
    if not earlier:
        return set()
    kept = Checkpoint.parse(Verifier(signer.name, signer.public).open(earlier)).size
    if kept > size:
        raise InputError(
            Bi(
                f"所给检查点有 {kept} 条，账本只有 {size} 条：账本被回滚",
                f"that checkpoint has {kept} entries, the ledger {size}: it was rolled back",
            ),
            Bi("从备份恢复账本", "restore the ledger from a backup"),
        )
    return {(kept, size)}


def _write_proofs(session: Session, folder: Path, chosen: list[CheckpointRow], pairs: set[tuple[int, int]]) -> None:
    for row in chosen:
        (folder / "checkpoints" / f"{row.size:020d}.txt").write_text(row.note, "utf-8")
    tree = StoredTree(session)
    with (folder / "consistency.jsonl").open("wb") as file:
        for old, new in sorted(pairs | {(old.size, new.size) for old, new in pairwise(chosen)}):
            file.write(canonical({"old": old, "new": new, "proof": encode(tree.consistency(old, new))}) + b"\n")
