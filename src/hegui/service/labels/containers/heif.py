"""HEIF, HEIC and AVIF: the label is `TC260:AIGC` in the XMP item; annex B also knows EXIF UserComment.

TC260-PG-20259A clause 6 and annex B; ISO/IEC 23008-12, ISO/IEC 14496-12. The packet stands in a box `mdat` at
the end; the box `meta` grows, and the places of what follows it move with it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels import exif, xmp
from hegui.service.labels.container import Held, Slot, not_writable, once, pieces, unreadable
from hegui.service.labels.edits import Edit, edited, put
from hegui.service.labels.items import Box, Item, Location, Meta, box, boxes
from hegui.service.labels.schema import Deviation

_BRANDS = frozenset({
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1", b"avif", b"avis", b"avio",
})  # fmt: skip
_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MOST_BYTES = 32 << 20
"""Most bytes of the box meta and the items of metadata together, and of the box moov."""
_MOST_BOXES = 65_536
_MOST_CHUNKS = 1 << 18
_FRAGMENTED = frozenset({b"moof", b"sidx", b"mfra", b"ssix"})
_TO_CHUNKS = frozenset({b"trak", b"mdia", b"minf", b"stbl"})


def _top(file: BinaryIO) -> list[Box]:
    """Return the boxes of a file; raise UnreadableError."""
    size, at, found = file.seek(0, 2), 0, list[Box]()
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        body = at + 8
        if length == 1:
            length, body = int.from_bytes(head[8:16], "big"), at + 16
        end = size if length == 0 else at + length
        if len(head) < 8 or end < body or end > size:  # noqa: PLR2004 - size and kind
            raise unreadable(
                f"盒子在第 {at} 字节处损坏，或文件不完整", f"the box at byte {at} is damaged, or the file is incomplete"
            )
        if len(found) == _MOST_BOXES:
            raise unreadable("盒子过多", "there are too many boxes")
        found.append(Box(head[4:8], at, body, end))
        at = end
    return found


@dataclass(frozen=True, slots=True)
class _Held:
    """An item or box whose bytes were read: where its parts stand, and what they are together."""

    item: Item | None
    extents: list[tuple[int, int]]
    data: bytes

    def over(self, new: bytes) -> list[Edit]:
        """Return the edits that put bytes of the same length over it."""
        edits, done = [], 0
        for at, length in self.extents:
            edits.append(Edit(at, at + length, new[done : done + length]))
            done += length
        return edits


class _Reading:
    """What a file says: its boxes, its items, packets and EXIF; raise UnreadableError."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        self._held = Held(_MOST_BYTES)
        self.top = _top(file)
        if not self.top or self.top[0].kind != b"ftyp":
            raise unreadable("不是 HEIF 或 AVIF", "is no HEIF or AVIF")
        metas = [item for item in self.top if item.kind == b"meta"]
        moovs = [item for item in self.top if item.kind == b"moov"]
        if len(metas) > 1 or len(moovs) > 1 or not (metas or moovs):
            raise unreadable("没有图像，或 meta 盒子重复", "there is no picture, or the box meta stands twice")
        self.box = metas[0] if metas else None
        self.moov = moovs[0] if moovs else None
        self.meta = (
            Meta(self._bytes(self.box.start, self.box.end - self.box.start), self.box.start) if self.box else None
        )
        self.packets: list[_Held] = []
        self.exif: list[_Held] = []
        for number, item in self.meta.items.items() if self.meta else ():
            extents = self._checked(number)
            if item.is_xmp or item.kind == b"Exif":
                if extents is None or item.encoding:
                    raise unreadable(
                        "元数据项目压缩或在文件之外", "an item of metadata is compressed, or outside the file"
                    )
                data = b"".join(self._bytes(at, length) for at, length in extents)
                (self.packets if item.is_xmp else self.exif).append(_Held(item, extents, data))
        for part in self.top:
            if part.kind == b"uuid" and self._bytes(part.body, min(16, part.end - part.body)) == _UUID:
                at, length = part.body + 16, part.end - part.body - 16
                self.packets.append(_Held(None, [(at, length)], self._bytes(at, length)))
        self.packets.sort(key=lambda held: not self._describes_primary(held))

    def _bytes(self, at: int, length: int) -> bytes:
        return b"".join(pieces(self.file, at, self._held.take(length)))

    def _checked(self, number: int) -> list[tuple[int, int]] | None:
        extents = self.meta.extents(number) if self.meta else None
        if extents and any(at + length > self.size for at, length in extents):
            raise unreadable("图像数据不完整", "the data of the picture are incomplete")
        return extents

    def _describes_primary(self, held: _Held) -> bool:
        if self.meta is None or held.item is None:
            return False
        to = [to for kind, start, to in self.meta.references if kind == b"cdsc" and start == held.item.number]
        return any(self.meta.primary in item for item in to)

    def comments(self) -> Iterator[tuple[_Held, list[exif.Found], int]]:
        """Yield the EXIF items with the labels of each, and where their TIFF begins."""
        for held in self.exif:
            start = 4 + int.from_bytes(held.data[:4], "big")
            if len(held.data) < start:
                raise unreadable("EXIF 项目不完整", "the EXIF item is incomplete")
            tiff = exif.Directories(io.BytesIO(held.data[start:]))
            yield held, list(exif.labels(tiff, tiff.first)), start

    def blanks(self) -> list[Edit]:
        """Return what takes the labels out of the EXIF."""
        edits = []
        for held, found, start in self.comments():
            new = bytearray(held.data)
            for item in found:
                new[start + item.at : start + item.at + len(item.blank)] = item.blank
            edits += held.over(bytes(new)) if found else []
        return edits

    def chunks(self) -> Iterator[tuple[int, int, int]]:
        """Yield where each place of a chunk of a track is noted, its width, and the place."""
        if self.moov is None:
            return
        length = Held(_MOST_BYTES).take(self.moov.end - self.moov.start)
        raw, total = b"".join(pieces(self.file, self.moov.start, length)), 0
        todo = list(boxes(raw, self.moov.body - self.moov.start, len(raw)))
        for part in todo:
            if part.kind in _TO_CHUNKS:
                todo += boxes(raw, part.body, part.end)
            elif part.kind in {b"stco", b"co64"}:
                width = 4 if part.kind == b"stco" else 8
                count = int.from_bytes(raw[part.body + 4 : part.body + 8], "big")
                total += count
                if part.body + 8 + count * width > part.end or total > _MOST_CHUNKS:
                    raise unreadable("moov 盒子损坏", "the box moov is damaged")
                for number in range(count):
                    at = part.body + 8 + number * width
                    yield self.moov.start + at, width, int.from_bytes(raw[at : at + width], "big")

    def only_packet(self) -> Box | None:
        """Return the last box, if it is a `mdat` with nothing but a packet."""
        last = self.top[-1]
        whole = [(last.body, last.end - last.body)]
        packets = [held.extents for held in self.packets if held.item]
        return last if last.kind == b"mdat" and whole in packets else None


class Heif:
    """The container HEIF: HEIC, AVIF and their sequences."""

    name = "heif"
    suffixes = frozenset({".heic", ".heif", ".hif", ".heics", ".heifs", ".avif", ".avifs"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a HEIF."""
        return head[4:8] == b"ftyp" and head[8:12] in _BRANDS

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the XMP items, of a box of XMP, and of EXIF."""
        found = once(file, _Reading)
        for held in found.packets:
            for slot in xmp.read(held.data, "XMP item" if held.item else "uuid XMP"):
                notes = () if held.item else (Deviation.OTHER_PLACE,)
                yield Slot(slot.place, slot.value, (*slot.notes, *notes))
        for _, labels, _ in found.comments():
            for item in labels:
                yield item.slot

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the XMP item of the primary picture, or a new one; labels elsewhere are blanked."""
        found = once(source, _Reading)
        meta, kinds = found.meta, {item.kind for item in found.top}
        if meta is None or b"iloc" not in meta.parts or kinds & _FRAGMENTED:
            raise not_writable("没有图像项目，或为分段文件", "it has no picture items, or is fragmented")
        own = next((held for held in found.packets if held.item), None)
        packet = xmp.put(own.data if own else None, value)
        edits = found.blanks()
        for held in found.packets:
            edits += held.over(xmp.blanked(held.data)) if held is not own else []
        if own is not None and len(packet) <= len(own.data):
            edits += own.over(packet.ljust(len(own.data)))
        else:
            edits = list(_grown(found, meta, edits, own, packet))
        put(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the data, what the items are, and what else the packets say; of places, which box they are in."""
        found = once(file, _Reading)
        noted = list(found.chunks())
        masks = found.blanks() + [edit for held in found.packets for edit in held.over(b"\0" * len(held.data))]
        for at, width, place in noted:
            masks.append(Edit(at, at + width, b"\0" * width))
            yield _relative(found.top, place)
        skip = found.only_packet()
        for part in found.top:
            if part is skip or part is found.box:
                continue
            yield part.kind
            yield from edited(file, masks, part.body, part.end)
        if found.meta is not None:
            yield from _said(found, found.meta, masks)
        for held in found.packets:
            yield xmp.rest(held.data)


def _grown(found: _Reading, meta: Meta, edits: list[Edit], own: _Held | None, packet: bytes) -> Iterator[Edit]:
    """Yield the edits that put a packet at the end, let the box meta grow, and move the places of what follows it."""
    first, last = meta.start, meta.start + len(meta.raw)
    end = found.size
    if own is not None:
        only = found.only_packet()
        if only is not None and own.extents == [(only.body, only.end - only.body)]:
            end = only.start
        else:
            edits = edits + own.over(b"\0" * len(own.data))
    raw = bytearray(meta.raw)
    for edit in edits:
        if first <= edit.start and edit.end <= last:
            raw[edit.start - first : edit.end - first] = edit.new
        else:
            yield edit
    meta = Meta(bytes(raw), first)
    number = own.item.number if own is not None and own.item is not None else meta.free_number()

    def built(by: int) -> bytes:
        places = meta.moved(by, first, last)
        places[number] = meta.at(number, end + by + 8, len(packet))
        return meta.rebuilt(places, None if own else number)

    by = len(built(0)) - len(meta.raw)
    yield Edit(first, last, built(by))
    for at, width, place in found.chunks():
        if first <= place < last or place + by >= 1 << 8 * width:
            raise not_writable("轨道数据的位置无法移动", "the place of a track's data can not be moved")
        if place >= last:
            yield Edit(at, at + width, (place + by).to_bytes(width, "big"))
    yield from _closed(found, end)
    yield Edit(end, found.size, box(b"mdat", packet))


def _closed(found: _Reading, end: int) -> Iterator[Edit]:
    """Yield the edit that gives a size to a last box that runs to the end of the file."""
    last = found.top[-1]
    found.file.seek(last.start)
    if last.end == end and found.file.read(4) == b"\0\0\0\0":
        if last.end - last.start >= 1 << 32:
            raise not_writable("文件超过 4 GiB", "the file is larger than 4 GiB")
        yield Edit(last.start, last.start + 4, struct.pack(">I", last.end - last.start))


def _relative(top: list[Box], place: int) -> bytes:
    """Return a place as the number of its box and what is before it there."""
    number = next((number for number, part in enumerate(top) if part.start <= place < part.end), -1)
    return struct.pack(">iq", number, place - top[number].start)


def _said(found: _Reading, meta: Meta, masks: list[Edit]) -> Iterator[bytes]:
    """Yield what the box meta says besides the XMP items."""
    hidden = {number for number, item in meta.items.items() if item.is_xmp}
    for part in meta.order:
        if part.kind == b"idat":
            yield from edited(found.file, masks, meta.start + part.body, meta.start + part.end)
        elif part.kind not in {b"iinf", b"iloc", b"iref"}:
            yield meta.raw[part.start : part.end]
    for number, item in sorted(meta.items.items()):
        if number not in hidden:
            yield b"".join((struct.pack(">I", number), item.kind, item.content_type, b"\0", item.encoding))
    for number, place in sorted(meta.places.items()):
        if number not in hidden:
            yield _location(found, place)
    for kind, start, to in sorted(meta.references):
        if start not in hidden:
            yield kind + struct.pack(f">I{len(to)}I", start, *to)


def _location(found: _Reading, place: Location) -> bytes:
    """Return where an item stands, in a form that does not change when boxes move."""
    parts = [struct.pack(">IHH", place.number, place.method, place.reference)]
    for extent in place.extents:
        at = place.base + extent.offset
        parts.append(_relative(found.top, at) if place.method == 0 and not place.reference else struct.pack(">Q", at))
        parts.append(struct.pack(">QQ", extent.index, extent.length))
    return b"".join(parts)
