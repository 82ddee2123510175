"""What the gateway does outside a request: erase content that is due, write abandoned spools."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import orjson
import psycopg
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.models import EntryRow
from hegui.evidence.retention import Erased
from hegui.kit import clock
from hegui.kit.files import write_atomic
from hegui.law import cite
from hegui.service.gateway.models import Exchange
from hegui.service.gateway.recorder import INSERT
from hegui.service.gateway.spool import abandoned, read_batches, set_aside

_LOG = logging.getLogger(__name__)
CONTENT = "content"
CONTENT_CLAUSE = cite("IM-11.1c")
_BATCH = 500


def erase_due_content(session: Session, moment: datetime) -> Erased | None:
    """Erase the encrypted content whose days are over; the record of the exchange stays its own time."""
    due = (Exchange.content_due <= moment) & Exchange.content.is_not(None)
    count = session.scalar(select(func.count()).where(due)) or 0
    if count == 0:
        return None
    payload = {"class": CONTENT, "cutoff": clock.iso(moment), "count": count, "cite": CONTENT_CLAUSE}
    leave(session, "record.erased", payload)
    session.execute(update(Exchange).where(due).values(content=None, content_key=None, fingerprint=None))
    return Erased(CONTENT, count, moment)


def erase_due_exchanges(session: Session, moment: datetime) -> int:
    """Delete the filter columns of exchanges whose log record was erased at this moment; their leaves stay."""
    erased = select(EntryRow.id).where(EntryRow.erased_at == moment, EntryRow.kind == "exchange")
    done = session.execute(delete(Exchange).where(Exchange.id.in_(erased)))
    return cast("CursorResult[Any]", done).rowcount


def erase_set_aside(session: Session, folder: Path, moment: datetime) -> int:
    """Erase from the files of rows that could never be written what is due: content first, then the row.

    Returns how many contents and rows went; that they did is recorded.
    """
    gone = 0
    for path in sorted(folder.glob("*.bad")) if folder.is_dir() else ():
        if path.with_suffix(".jsonl").exists():
            continue  # a worker that lives may be writing to it
        kept, before = [], gone
        for row in (row for batch in read_batches(path, _BATCH) for row in batch):
            if _is_due(row.get("due"), moment):
                gone += 1
                continue
            if row.get("content") is not None and _is_due(row.get("content_due"), moment):
                row["content"] = row["content_key"] = None
                gone += 1
            kept.append(orjson.dumps(row) + b"\n")
        if kept and gone > before:
            write_atomic(path, b"".join(kept))
        elif not kept:
            path.unlink()
    if gone:
        payload = {"class": "set_aside", "cutoff": clock.iso(moment), "count": gone, "cite": CONTENT_CLAUSE}
        leave(session, "record.erased", payload)
    return gone


def _is_due(text: object, moment: datetime) -> bool:
    return isinstance(text, str) and datetime.fromisoformat(text) <= moment


def write_abandoned(url: str, folder: Path) -> int:
    """Write the spools of workers that died to the database; return the number of records."""
    written = 0
    for path in abandoned(folder):
        with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
            for batch in read_batches(path, _BATCH):
                try:
                    connection.execute(INSERT, (orjson.dumps(batch).decode(),))
                except (psycopg.DataError, psycopg.IntegrityError):
                    _write_apart(connection, batch, path)
                written += len(batch)
        path.unlink()
    return written


def _write_apart(connection: psycopg.Connection[Any], rows: list[dict[str, Any]], path: Path) -> None:
    """Write rows one by one; one that can not be written is set aside in a file beside the spool."""
    for row in rows:
        try:
            connection.execute(INSERT, (orjson.dumps([row]).decode(),))
        except (psycopg.DataError, psycopg.IntegrityError):
            _LOG.exception("a spooled record can not be written; it is kept in %s", path.with_suffix(".bad"))
            set_aside(path, row)
