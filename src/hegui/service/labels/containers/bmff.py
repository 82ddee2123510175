"""Boxes of the ISO base media file format and of QuickTime (ISO/IEC 14496-12, QuickTime File Format)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from hegui.service.labels.container import once, unreadable, window
from hegui.service.labels.containers.splice import Edit, Moves, Values, counted, size_of, take

HEAD, LONG_HEAD = 8, 16
_MANIFEST = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The box of C2PA (C2PA 2.2, appendix A.5)."""
_MOST = {4: (1 << 32) - 1, 8: (1 << 64) - 1}
_HOLDING = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"mvex", b"edts", b"dinf", b"moof", b"traf", b"mfra"}
_MOST_BOXES = 500_000
"""A day of fragments of half a second has 350,000."""
_MOST_INSIDE = 65_536
_MOST_KEPT = 4096
"""Most boxes of one file that are kept in memory."""
_DEEPEST = 60
"""Bytes of the longest path; the longest that the standard knows, of chunk tables, has 25."""
_TABLES = {b"stco": 4, b"co64": 8}
PLACED = frozenset({*_TABLES, b"tfhd", b"saio", b"tfra", b"sidx"})
"""Boxes that hold places in the file."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box; `open` says that it goes to the end of the file and tells no size."""

    kind: bytes
    at: int
    data: int
    end: int
    open: bool = False


class _Walked:
    """Boxes of a file's parts that were walked to their end: a film is asked for them again and again."""

    def __init__(self, _: BinaryIO) -> None:
        self.parts: dict[tuple[int, int, bool], tuple[Box, ...]] = {}
        self.left = _MOST_KEPT


def boxes(file: BinaryIO, start: int, end: int, *, top: bool = False) -> Iterator[Box]:
    """Yield the boxes of a part of a file; raise UnreadableError where they do not fit.

    QuickTime ends lists with four bytes of zero: those are no box.
    """
    walked, part = once(file, _Walked), (start, end, top)
    if part in walked.parts:
        yield from walked.parts[part]
        return
    found: list[Box] = []
    for box in _boxes(file, start, end, top=top):
        if len(found) <= walked.left:
            found.append(box)
        yield box
    if len(found) <= walked.left and part not in walked.parts:
        walked.parts[part] = tuple(found)
        walked.left -= len(found)


def _boxes(file: BinaryIO, start: int, end: int, *, top: bool) -> Iterator[Box]:
    at = start
    while at < end:
        head = bytes(window(file, at, min(LONG_HEAD, end - at)))
        if len(head) < min(LONG_HEAD, end - at):
            raise unreadable("文件不完整", "the file is incomplete")
        if not top and not any(head[: min(4, end - at)]) and end - at <= HEAD:
            return
        size = int.from_bytes(head[:4], "big")
        data = at + HEAD
        if size == 1 and len(head) == LONG_HEAD:
            size, data = int.from_bytes(head[8:], "big"), at + LONG_HEAD
        is_open = top and size == 0
        after = end if is_open else at + size
        if len(head) < HEAD or after < data or after > end:
            raise unreadable(f"MP4 在第 {at} 字节处损坏或不完整", f"the MP4 is damaged or incomplete at byte {at}")
        yield Box(head[4:8], at, data, after, is_open)
        at = after


def top(file: BinaryIO) -> Iterator[Box]:
    """Yield the boxes of a file."""
    yield from counted(boxes(file, 0, size_of(file), top=True), _MOST_BOXES)


def is_manifest(file: BinaryIO, box: Box) -> bool:
    """Say whether a box is a manifest of C2PA."""
    return box.kind == b"uuid" and take(file, box.data, min(box.end - box.data, len(_MANIFEST))) == _MANIFEST


def within(file: BinaryIO, box: Box) -> Iterator[Box]:
    """Yield the boxes in a box."""
    yield from counted(boxes(file, box.data, box.end), _MOST_INSIDE)


def leaves(file: BinaryIO, box: Box, path: bytes = b"") -> Iterator[tuple[bytes, Box]]:
    """Yield a box, or where it only holds others these, with the path that leads there."""
    here = path + b"/" + box.kind
    if box.kind not in _HOLDING:
        yield here, box
        return
    if len(here) > _DEEPEST:
        raise unreadable("MP4 的 box 嵌套过深", "the boxes of the MP4 are nested too deep")
    for inner in within(file, box):
        yield from leaves(file, inner, here)


def resized(file: BinaryIO, box: Box, by: int) -> Edit | None:
    """Return the edit for the size of a box that grows; None for one that tells none."""
    if box.open or not by:
        return None
    size = box.end - box.at + by
    if box.data - box.at == LONG_HEAD and take(file, box.at, 4) == b"\0\0\0\1":
        return Edit(box.at + 8, 8, size.to_bytes(8, "big"))
    if size > _MOST[4]:
        raise unreadable("MP4 的 box 超过 4 GiB", "a box of the MP4 is over 4 GiB")
    return Edit(box.at, 4, size.to_bytes(4, "big"))


def pack(kind: bytes, *parts: bytes) -> bytes:
    """Return the bytes of a box."""
    data = b"".join(parts)
    return struct.pack(">I", len(data) + HEAD) + kind + data


# --- places in the file --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of one width that are places in the file, one after the other."""

    at: int
    width: int
    count: int

    def edit(self, moves: Moves) -> Edit:
        """Return the edit that moves them; writing raises UnreadableError for what no longer fits."""

        def moved(piece: bytes) -> bytes:
            new = moves.all(np.frombuffer(piece, f">u{self.width}").astype(np.uint64))
            if new.size and int(new.max()) > _MOST[self.width]:
                raise unreadable(
                    "偏移超过 32 位（stco 放不下），须先改用 co64",
                    "an offset no longer fits 32 bits (stco): the file needs co64 first",
                )
            return new.astype(f">u{self.width}").tobytes()

        return Edit(self.at, self.width * self.count, moved)


def _table(box: Box, at: int, width: int, count: int) -> Table:
    if at + width * count > box.end:
        raise unreadable(
            f"MP4 的 {box.kind.decode('latin-1')} 不完整", f"the MP4's {box.kind.decode('latin-1')} is incomplete"
        )
    return Table(at, width, count)


def tables(file: BinaryIO, path: bytes, box: Box) -> Iterator[Table]:
    """Yield the places in the file that a leaf holds: chunks, fragments' base, auxiliary information, random access."""
    if box.kind in _TABLES:
        count = int.from_bytes(take(file, box.data + 4, 4), "big")
        yield _table(box, box.data + 8, _TABLES[box.kind], count)
    elif box.kind == b"tfhd":
        if take(file, box.data, 4)[3] & 1:
            yield _table(box, box.data + 8, 8, 1)
    elif box.kind == b"saio" and not path.startswith(b"/moof"):  # in a fragment it counts from the fragment's base
        head = take(file, box.data, 16 if take(file, box.data, 4)[3] & 1 else 8)
        width = 8 if head[0] else 4
        yield _table(box, box.data + len(head), width, int.from_bytes(head[-4:], "big"))
    elif box.kind == b"tfra":
        yield from _random_access(file, box)


def _random_access(file: BinaryIO, box: Box) -> Iterator[Table]:
    head = take(file, box.data, 16)
    lengths, count, width = head[11], int.from_bytes(head[12:], "big"), 8 if head[0] else 4
    if count > _MOST_BOXES:
        raise unreadable("MP4 的随机访问表过大", "a table of random access of the MP4 is too large")
    step = 2 * width + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    _table(box, box.data + 16, step, count)
    for number in range(count):
        yield Table(box.data + 16 + number * step + width, width, 1)


def sidx_anchor(file: BinaryIO, box: Box) -> tuple[int, int, int]:
    """Return place and width of a segment index's first offset, and the place in the file that it means."""
    version = take(file, box.data, 4)[0]
    width = 8 if version else 4
    at = box.data + 12 + width
    return at, width, box.end + int.from_bytes(take(file, at, width), "big")


def relative(values: Values, starts: Values) -> bytes:
    """Return places as which box of the file they are in and how far: the same wherever the boxes stand."""
    which = np.searchsorted(starts, values, side="right").astype(np.int64) - 1
    far = values - starts[np.maximum(which, 0)]
    return np.stack((which.astype(np.uint64), far)).tobytes()
