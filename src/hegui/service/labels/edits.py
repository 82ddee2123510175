"""Edits of a file: what stands between two places gives way to other bytes; all else is copied, or digested, as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from hegui.service.labels.containers.container import pieces


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Bytes that take the place of those from `start` to `end`."""

    start: int
    end: int
    new: bytes = b""


def edited(source: BinaryIO, edits: Iterable[Edit], first: int = 0, last: int | None = None) -> Iterator[bytes]:
    """Yield a file from `first` to `last` as it is after edits that do not overlap; raise UnreadableError."""
    done = first
    end = source.seek(0, 2) if last is None else last
    for edit in sorted(edits):
        if edit.start < first or edit.end > end:
            continue
        yield from pieces(source, done, edit.start - done)
        yield edit.new
        done = edit.end
    yield from pieces(source, done, end - done)


def digest(source: BinaryIO, edits: Iterable[Edit], more: Iterable[bytes] = ()) -> str:
    """Return the digest of a file as it is after edits, and of more."""
    found = sha256()
    for piece in edited(source, edits):
        found.update(piece)
    for text in more:
        found.update(text)
    return found.hexdigest()
