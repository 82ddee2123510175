"""Vorbis comments, as FLAC, Ogg Vorbis, Opus and Theora hold them: the label is the comment `AIGC=`.

TC260-PG-202510A; Vorbis I specification, section 5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from hegui.service.labels import loose
from hegui.service.labels.container import Slot, not_writable, unreadable
from hegui.service.labels.containers.splice import MOST_PARTS
from hegui.service.labels.schema import KEYWORD, Deviation

_LENGTH = struct.Struct("<I")
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Comments:
    """The vendor's name, the comments as they stand, and what follows them."""

    vendor: bytes
    items: tuple[bytes, ...]
    tail: bytes

    @property
    def others(self) -> tuple[bytes, ...]:
        """Return the comments that are no label."""
        return tuple(item for item in self.items if not _is_label(item))

    @property
    def labelled(self) -> bool:
        """Say whether a label is among them."""
        return len(self.others) < len(self.items)

    def labels(self, place: str) -> Iterator[Slot]:
        """Yield the labels; a name that only contains the keyword is not the guide's."""
        for item in self.items:
            slot = _label(place, item)
            if slot is not None:
                yield slot
        yield from loose.raw(place, self.tail)

    def put(self, value: str | None) -> Comments:
        """Return the comments with this label and no other; raise NotWritableError for one that can not be taken out."""
        if next(loose.spans(self.tail), None) is not None:
            raise not_writable("注释之后还有标识", "a label stands behind the comments")
        new = () if value is None else (f"{KEYWORD}={value}".encode(),)
        return replace(self, items=(*self.others, *new))

    def packed(self) -> bytes:
        """Return the bytes."""
        parts = [_LENGTH.pack(len(self.vendor)), self.vendor, _LENGTH.pack(len(self.items))]
        for item in self.items:
            parts += (_LENGTH.pack(len(item)), item)
        return b"".join((*parts, self.tail))


def _label(place: str, item: bytes) -> Slot | None:
    """Return the label that a comment is: one of the keyword's name, or a free text that is one."""
    name, found, value = item[:_LONGEST_NAME].partition(b"=")
    if not found:
        return next(loose.raw(place, item), None)
    value, place = item[len(name) + 1 :], f"{place} {name.decode('ascii', 'replace')}"
    if KEYWORD.encode() in name.upper():
        return Slot(place, value, () if name.upper() == KEYWORD.encode() else (Deviation.OTHER_PLACE,))
    return next(chain(loose.elsewhere(place, value), loose.raw(place, value)), None)


def _is_label(item: bytes) -> bool:
    return _label("", item) is not None


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + _number(data, at)
    if end > len(data):
        raise unreadable("Vorbis 注释不完整", "a Vorbis comment is incomplete")
    return data[at + 4 : end], end


def _number(data: bytes, at: int) -> int:
    if at + 4 > len(data):
        raise unreadable("Vorbis 注释不完整", "the Vorbis comments are incomplete")
    return int(_LENGTH.unpack_from(data, at)[0])


def parse(data: bytes) -> Comments:
    """Return the comments; raise UnreadableError."""
    vendor, at = _sized(data, 0)
    count, at = _number(data, at), at + 4
    items: list[bytes] = []
    if count > MOST_PARTS:
        raise unreadable("Vorbis 注释过多", "there are too many Vorbis comments")
    for _ in range(count):
        item, at = _sized(data, at)
        items.append(item)
    return Comments(vendor, tuple(items), data[at:])
