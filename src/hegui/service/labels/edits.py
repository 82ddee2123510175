"""Edits of a file: what stands between two places gives way to other bytes; all else is copied, or digested, as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import copy, pieces


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


def put(source: BinaryIO, target: BinaryIO, edits: Iterable[Edit]) -> None:
    """Write a file as it is after edits that do not overlap; raise UnreadableError."""
    done = 0
    for edit in sorted(edits):
        copy(source, target, done, edit.start - done)
        target.write(edit.new)
        done = edit.end
    copy(source, target, done, source.seek(0, 2) - done)
