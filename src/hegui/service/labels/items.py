"""Items of the box `meta`: what there is, where its bytes stand, and the box again with one more, or with places moved.

ISO/IEC 14496-12 clause 8.11 (meta, iloc, iinf, iref); ISO/IEC 23008-12 clause 6 and annex A.3 (metadata items).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hegui.service.labels.container import not_writable, unreadable

XMP_TYPE = b"application/rdf+xml"
_MOST_BOXES = 1 << 16
_MOST_EXTENTS = 1 << 17
_MOST_REFERENCES = 1 << 18


@dataclass(frozen=True, slots=True)
class Box:
    """One box: from `start`, its content from `body`, to `end`."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes of a part; raise UnreadableError."""
    for _ in range(_MOST_BOXES):
        if start == end:
            return
        if start + 8 > end:
            break
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1 and start + 16 <= end:
            size, body = struct.unpack_from(">Q", data, start + 8)[0], start + 16
        if start + size < body or start + size > end:
            break
        yield Box(kind, start, body, start + size)
        start += size
    raise unreadable("盒子结构损坏", "the structure of boxes is damaged")


def box(kind: bytes, body: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", 8 + len(body), kind) + body


@dataclass(frozen=True, slots=True)
class Extent:
    """Part of an item: its offset as it is noted, without the item's base."""

    index: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where an item's bytes stand: method 0 is a place of the file, 1 of the box `idat`."""

    number: int
    method: int = 0
    reference: int = 0
    base: int = 0
    extents: tuple[Extent, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """What an item is."""

    number: int
    kind: bytes
    content_type: bytes = b""
    encoding: bytes = b""

    @property
    def is_xmp(self) -> bool:
        """Say whether it is an XMP packet."""
        return self.kind == b"mime" and self.content_type == XMP_TYPE


class _Cursor:
    """Big-endian numbers, one after the other; raise UnreadableError past the end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def number(self, size: int) -> int:
        if self.at + size > self.end:
            raise unreadable("meta 盒子不完整", "the box meta is incomplete")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")

    def text(self) -> bytes:
        stop = self.data.find(b"\0", self.at, self.end)
        found = self.data[self.at : stop if stop >= 0 else self.end]
        self.at = min(self.at + len(found) + 1, self.end)
        return found


def _put(value: int, size: int) -> bytes:
    if value >= 1 << 8 * size:
        raise not_writable("位置超出 iloc 的宽度", "a place does not fit the width of iloc")
    return value.to_bytes(size, "big")


@dataclass
class Meta:
    """The box `meta`, parsed; `raw` is the whole of it, and stands at `start` of the file."""

    raw: bytes
    start: int
    parts: dict[bytes, Box] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    places: dict[int, Location] = field(default_factory=dict)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    primary: int | None = None
    sizes: tuple[int, int, int, int, int] = (0, 4, 4, 0, 0)
    """Version of iloc, and bytes of an offset, a length, a base and an index."""
    order: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Parse what is given; raise UnreadableError."""
        whole = next(boxes(self.raw, 0, len(self.raw)))
        self.body = whole.body + 4
        if self.body > len(self.raw):
            raise unreadable("meta 盒子不完整", "the box meta is incomplete")
        self.order = list(boxes(self.raw, self.body, len(self.raw)))
        for part in self.order:
            if part.kind in self.parts and part.kind in {b"iloc", b"iinf", b"iref", b"pitm", b"idat"}:
                raise unreadable("meta 盒子重复", "a box of meta stands twice")
            self.parts[part.kind] = part
        self._primary()
        self._items()
        self._places()
        self._references()

    def _part(self, kind: bytes) -> tuple[_Cursor, int] | None:
        part = self.parts.get(kind)
        if part is None:
            return None
        cursor = _Cursor(self.raw, part.body, part.end)
        version = cursor.number(1)
        cursor.number(3)
        return cursor, version

    def _primary(self) -> None:
        if found := self._part(b"pitm"):
            self.primary = found[0].number(4 if found[1] else 2)

    def _items(self) -> None:
        found = self._part(b"iinf")
        if found is None:
            return
        cursor, version = found
        count = cursor.number(4 if version else 2)
        entries = list(boxes(self.raw, cursor.at, cursor.end))
        if len(entries) != count:
            raise unreadable("iinf 盒子损坏", "the box iinf is damaged")
        for entry in entries:
            inner = _Cursor(self.raw, entry.body, entry.end)
            kind_of_entry = inner.number(1)
            inner.number(3)
            number = inner.number(4 if kind_of_entry > 2 else 2)  # noqa: PLR2004 - infe version 3
            inner.number(2)
            kind = inner.number(4).to_bytes(4, "big") if kind_of_entry > 1 else b"mime"
            inner.text()
            mime = kind == b"mime"
            self.items[number] = Item(number, kind, inner.text() if mime else b"", inner.text() if mime else b"")

    def _places(self) -> None:
        found = self._part(b"iloc")
        if found is None:
            return
        cursor, version = found
        first, second = cursor.number(1), cursor.number(1)
        offset, length, base, index = first >> 4, first & 15, second >> 4, second & 15 if version else 0
        if version > 2 or {offset, length, base, index} - {0, 4, 8}:  # noqa: PLR2004 - the versions there are
            raise unreadable("iloc 盒子损坏", "the box iloc is damaged")
        self.sizes = (version, offset, length, base, index)
        wide = 4 if version == 2 else 2  # noqa: PLR2004 - 32-bit numbers
        total = 0
        for _ in range(cursor.number(wide)):
            number = cursor.number(wide)
            method = cursor.number(2) & 15 if version else 0
            reference, begin, count = cursor.number(2), cursor.number(base), cursor.number(2)
            total += count
            if total > _MOST_EXTENTS or number in self.places or len(self.places) == _MOST_BOXES:
                raise unreadable("iloc 盒子损坏", "the box iloc is damaged")
            extents = tuple(
                Extent(cursor.number(index), cursor.number(offset), cursor.number(length)) for _ in range(count)
            )
            self.places[number] = Location(number, method, reference, begin, extents)

    def _references(self) -> None:
        found = self._part(b"iref")
        if found is None:
            return
        cursor, version = found
        size, total = 4 if version else 2, 0
        for part in boxes(self.raw, cursor.at, cursor.end):
            inner = _Cursor(self.raw, part.body, part.end)
            start, count = inner.number(size), inner.number(2)
            total += count
            if total > _MOST_REFERENCES:
                raise unreadable("iref 盒子过大", "the box iref is too large")
            self.references.append((part.kind, start, tuple(inner.number(size) for _ in range(count))))

    # --- where bytes are ---

    def extents(self, number: int) -> list[tuple[int, int]] | None:
        """Return place in the file and length of the parts of an item; None where they are not in this file."""
        place = self.places.get(number)
        if place is None or place.reference or place.method > 1 or not (self.sizes[2] or not place.extents):
            return None
        begin, end = place.base, None
        if place.method == 1:
            part = self.parts.get(b"idat")
            if part is None:
                raise unreadable("没有 idat 盒子", "there is no box idat")
            begin, end = self.start + part.body + place.base, self.start + part.end
        found = [(begin + extent.offset, extent.length) for extent in place.extents]
        if end is not None and any(at + length > end for at, length in found):
            raise unreadable("idat 盒子不完整", "the box idat is incomplete")
        return found

    # --- the box again ---

    def free_number(self) -> int:
        """Return a number that no item and no group has."""
        groups = self.parts.get(b"grpl")
        used = {0, *self.items, *self.places}
        for group in boxes(self.raw, groups.body, groups.end) if groups else ():
            used.add(int.from_bytes(self.raw[group.body + 4 : group.body + 8], "big"))
        number = max(item for item in used if item <= 0xFFFF) + 1  # noqa: PLR2004 - 16 bits
        if number > 0xFFFF or number in used:  # noqa: PLR2004 - as above
            raise not_writable("没有空闲的项目编号", "there is no free item number")
        return number

    def moved(self, by: int, first: int, last: int) -> dict[int, Location]:
        """Return the places when all that stands from `last` on moves; raise NotWritableError for what lies between."""
        found = {}
        for number, place in self.places.items():
            new = place
            if place.method == 0 and not place.reference:
                starts = [place.base + extent.offset for extent in place.extents]
                ends = [start + extent.length for start, extent in zip(starts, place.extents, strict=True)]
                if any(start < last and end > first for start, end in zip(starts, ends, strict=True)):
                    raise not_writable("图像数据在 meta 盒子内", "data of the picture stand inside the box meta")
                if self.sizes[1]:
                    extents = zip(place.extents, starts, strict=True)
                    new = replace(place, extents=tuple(
                        replace(extent, offset=extent.offset + (by if start >= last else 0)) for extent, start in extents
                    ))  # fmt: skip
                elif starts and starts[0] >= last:
                    new = replace(place, base=place.base + by)
            found[number] = new
        return found

    def _iloc(self, places: dict[int, Location]) -> bytes:
        version, offset, length, base, index = self.sizes
        wide = 4 if version == 2 else 2  # noqa: PLR2004 - 32-bit numbers
        out = [bytes((version, 0, 0, 0, offset << 4 | length, base << 4 | index)), _put(len(places), wide)]
        for place in places.values():
            out.append(_put(place.number, wide) + (_put(place.method, 2) if version else b""))
            out.append(_put(place.reference, 2) + _put(place.base, base) + _put(len(place.extents), 2))
            out += [_put(e.index, index) + _put(e.offset, offset) + _put(e.length, length) for e in place.extents]
        return box(b"iloc", b"".join(out))

    def at(self, number: int, place: int, length: int) -> Location:
        """Return the location of an item that stands in one piece in the file."""
        _, offset, wide, base, _ = self.sizes
        if not wide or not (offset or base):
            raise not_writable("iloc 没有位置或长度字段", "iloc has no field for a place or a length")
        return Location(number, 0, 0, 0 if offset else place, (Extent(0, place if offset else 0, length),))

    def rebuilt(self, places: dict[int, Location], new: int | None) -> bytes:
        """Return the box with these places, and with an XMP item `new` that describes the primary one."""
        swap = {b"iloc": self._iloc(places)}
        if new is not None:
            swap[b"iinf"] = self._iinf(new)
            swap[b"iref"] = self._iref(new)
        parts = [swap.pop(part.kind, self.raw[part.start : part.end]) for part in self.order]
        body = self.raw[self.body - 4 : self.body] + b"".join(parts) + b"".join(swap.values())
        return box(b"meta", body)

    def _iinf(self, new: int) -> bytes:
        part, found = self.parts.get(b"iinf"), self._part(b"iinf")
        if part is None or found is None:
            raise not_writable("没有 iinf 盒子", "there is no box iinf")
        cursor, version = found
        size = 4 if version else 2
        entry = box(b"infe", b"\2\0\0\0" + _put(new, 2) + b"\0\0mime\0" + XMP_TYPE + b"\0")
        count = _put(cursor.number(size) + 1, size)
        return box(b"iinf", self.raw[part.body : part.body + 4] + count + self.raw[cursor.at : part.end] + entry)

    def _iref(self, new: int) -> bytes:
        if self.primary is None:
            raise not_writable("没有主图像", "there is no primary picture")
        part, found = self.parts.get(b"iref"), self._part(b"iref")
        size = 4 if found and found[1] else 2
        old = self.raw[part.body : part.end] if part else b"\0\0\0\0"
        return box(b"iref", old + box(b"cdsc", _put(new, size) + _put(1, 2) + _put(self.primary, size)))
