"""EBML (RFC 8794): elements read from a file and packed anew."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import unreadable

VOID, CRC = 0xEC, 0xBF
_WIDEST, _WIDEST_ID = 8, 4
_WIDTHS = bytes(9 - first.bit_length() if first else 0 for first in range(256))
"""Bytes of an id or a size, by the first of them; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: `at` of its id, `data`, and `size` of its data, None where it is not told."""

    id: int
    at: int
    data: int
    size: int | None
    width: int
    """Bytes of the size as it stands."""

    @property
    def end(self) -> int:
        """Return the place after an element of known size."""
        return self.data + (self.size or 0)


def element(file: BinaryIO, at: int, limit: int) -> Element:
    """Return the element at a place; raise UnreadableError where it does not end before the limit."""
    file.seek(at)
    head = file.read(12)
    id_width = _width(head, _WIDEST_ID, at)
    size_width = _width(head[id_width:], _WIDEST, at)
    data = at + id_width + size_width
    raw = int.from_bytes(head[id_width : id_width + size_width], "big") & (1 << 7 * size_width) - 1
    size = None if raw == (1 << 7 * size_width) - 1 else raw
    if data + (size or 0) > limit:
        raise _damaged(at)
    return Element(int.from_bytes(head[:id_width], "big"), at, data, size, size_width)


def _damaged(at: int) -> Exception:
    return unreadable(f"EBML 在第 {at} 字节处损坏或不完整", f"the EBML is damaged or incomplete at byte {at}")


def _width(head: bytes, most: int, at: int) -> int:
    width = _WIDTHS[head[0]] if head else 0
    if not 0 < width <= most or width > len(head):
        raise _damaged(at)
    return width


def children(file: BinaryIO, start: int, end: int) -> Iterator[Element]:
    """Yield the elements of a part of a file; all have known sizes."""
    at = start
    while at < end:
        found = element(file, at, end)
        if found.size is None:
            raise _damaged(at)
        yield found
        at = found.end


def parsed(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield id, data and all bytes of the elements in bytes; raise UnreadableError."""
    at, end = 0, len(data)
    while at < end:
        id_end = at + _WIDTHS[data[at]]
        size_width = _WIDTHS[data[id_end]] if at < id_end < end else 0
        start = id_end + size_width
        if not size_width or id_end - at > _WIDEST_ID or start > end:
            raise _damaged(at)
        after = start + (int.from_bytes(data[id_end:start], "big") & (1 << 7 * size_width) - 1)
        if after > end:
            raise _damaged(at)
        yield int.from_bytes(data[at:id_end], "big"), data[start:after], data[at:after]
        at = after


def size_bytes(size: int, width: int = 0) -> bytes:
    """Return a size in as many bytes as are asked for, or as it needs."""
    least = next(one for one in range(1, _WIDEST + 1) if size < (1 << 7 * one) - 1)
    width = max(width, least)
    return (size | 1 << 7 * width).to_bytes(width, "big")


def packed(kind: int, data: bytes) -> bytes:
    """Return the bytes of an element."""
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size_bytes(len(data)) + data


def void(length: int) -> bytes:
    """Return an element of nothing, two bytes long or more."""
    if length < _WIDEST + 2:
        return bytes([VOID]) + size_bytes(length - 2, 1) + bytes(length - 2)
    return bytes([VOID]) + size_bytes(length - 1 - _WIDEST, _WIDEST) + bytes(length - 1 - _WIDEST)


def checked(data: bytes, *, crc: bool) -> bytes:
    """Return the data of a master element, with its check sum first if it had one."""
    return packed(CRC, zlib.crc32(data).to_bytes(4, "little")) + data if crc else data


def filled(new: bytes, room: int) -> bytes | None:
    """Return bytes that fill their room to the last, with nothing behind them; None where they do not fit."""
    left = room - len(new)
    if left < 0 or left == 1:
        return None
    return new + void(left) if left else new
