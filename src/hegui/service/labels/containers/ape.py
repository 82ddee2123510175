"""APEv2 tags, as they stand behind MPEG audio: read for labels in the item `AIGC`, which the guide wants in ID3v2 instead.

APEv2 specification (Hydrogenaudio): items of little-endian lengths, a footer of 32 bytes, often a header alike.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import Held, Slot, unreadable
from hegui.service.labels.containers.splice import counted, take
from hegui.service.labels.schema import KEYWORD, Deviation

FOOTER = 32
_MARK = b"APETAGEX"
_HEAD = struct.Struct("<8s4I8x")
_ITEM = struct.Struct("<II")
_HAS_HEADER, _IS_HEADER = 1 << 31, 1 << 29


@dataclass(frozen=True, slots=True)
class Ape:
    """A tag: where it stands with its header, what its footer says, and its items, name and all bytes."""

    start: int
    end: int
    version: int
    flags: int
    items: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def before(cls, file: BinaryIO, end: int, held: Held) -> Ape | None:
        """Return the tag that ends at a place, if one does; raise UnreadableError for a damaged one."""
        if end < FOOTER:
            return None
        mark, version, size, count, flags = _HEAD.unpack(take(file, end - FOOTER, FOOTER))
        if mark != _MARK:
            return None
        head = FOOTER if flags & _HAS_HEADER else 0
        start = end - size - head
        if size < FOOTER or start < 0 or (head and take(file, start, 8) != _MARK):
            raise unreadable("APE 标签损坏", "the APE tag is damaged")
        data = take(file, end - size, held.take(size - FOOTER))
        items = tuple(counted(_items(data)))
        if len(items) != count:
            raise unreadable("APE 标签损坏", "the APE tag is damaged")
        return cls(start, end, version, flags, items)

    def labels(self) -> Iterator[Slot]:
        """Yield the labels."""
        for name, value, _ in self.items:
            if KEYWORD in name.upper():
                yield Slot(f"APE {name}", value, (Deviation.OTHER_PLACE,))

    def others(self) -> Iterator[bytes]:
        """Yield the items that are no label."""
        return (raw for name, _, raw in self.items if KEYWORD not in name.upper())

    def packed(self) -> bytes:
        """Return the tag without labels; nothing where nothing is left."""
        kept = list(self.others())
        body = b"".join(kept)
        size, flags = len(body) + FOOTER, self.flags & ~_IS_HEADER
        head = _HEAD.pack(_MARK, self.version, size, len(kept), flags | _IS_HEADER) if flags & _HAS_HEADER else b""
        return head + body + _HEAD.pack(_MARK, self.version, size, len(kept), flags) if kept else b""


def _items(data: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    at = 0
    while at < len(data):
        stop = data.find(b"\0", at + _ITEM.size)
        if stop < 0:
            raise unreadable("APE 标签损坏", "the APE tag is damaged")
        end = stop + 1 + _ITEM.unpack_from(data, at)[0]
        if end > len(data):
            raise unreadable("APE 标签损坏", "the APE tag is damaged")
        yield data[at + _ITEM.size : stop].decode("latin-1"), data[stop + 1 : end], data[at:end]
        at = end
