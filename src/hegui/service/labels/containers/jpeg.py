"""JPEG: the label is `TC260:AIGC` in the one XMP packet (APP1); annex B also knows EXIF UserComment.

TC260-PG-20259A clause 6 and annex B; ISO/IEC 10918-1 annex B; XMP part 3 section 1.1.3 (APP1, extended XMP).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from hegui.service.labels import exif, loose, xmp
from hegui.service.labels.container import Held, Slot, not_writable, once, unreadable, window
from hegui.service.labels.edits import Edit, edited, put
from hegui.service.labels.schema import KEYWORD, Deviation

_APP0, _APP1, _APP11, _APP15, _COM, _SOS, _EOI, _SOI = 0xE0, 0xE1, 0xEB, 0xEF, 0xFE, 0xDA, 0xD9, 0xD8
_FILL = 0xFF
_RESTARTS = range(0xD0, 0xD8)
_ALONE = {_FILL: 1, 0x01: 2} | dict.fromkeys(_RESTARTS, 2)
"""What has no length: a fill byte, and markers that stand alone; how far to go on."""
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD = struct.Struct(">32sII")
_ICC = b"ICC_PROFILE\0"
_INDEX = b"MPF\0"
_BOX_HEAD = 64
_MOST = 0xFFFF - 2
_MOST_BYTES = 32 << 20
_BARE = re.compile(rb"AIGC[\0\s:=]*(?=\{)")
_NAME = KEYWORD.encode()
_RDF = b"<rdf:RDF"
_BOXES = b"JP"
"""A manifest of C2PA says much, also of labels; it is no place of one."""
_WINDOW = 64 << 10
_MOST_SEGMENTS = 200_000
_MOST_PACKETS = 16
"""XMP knows one packet, and one that goes on from it."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """One marker with what belongs to it, from `start` to `end`."""

    marker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Carrier:
    """A segment that has labels: how they are read, and what is left of the segment without them."""

    slots: tuple[Slot, ...]
    edits: tuple[Edit, ...]


def _next_marker(file: BinaryIO, at: int) -> int:
    """Return where the marker after a scan stands; raise UnreadableError where there is none.

    Inside the coded picture 0xFF before 0x00 is data, before 0xD0 to 0xD7 a restart, and before another a fill byte.
    """
    while len(codes := np.frombuffer(window(file, at, _WINDOW), np.uint8)) > 1:
        marked = codes[:-1] == _FILL
        marked &= codes[1:] != 0
        first = int(marked.argmax())
        if marked[first]:
            if codes[first + 1] not in _ALONE:
                return at + first
            places = np.flatnonzero(marked)
            after = codes[places + 1]
            places = places[(after < _RESTARTS.start) | (after >= _RESTARTS.stop) & (after != _FILL)]
            if places.size:
                return at + int(places[0])
        at += len(codes) - 1
    raise unreadable("JPEG 不完整，没有 EOI", "the JPEG is incomplete: it has no EOI")


def _segments(file: BinaryIO) -> Iterator[_Segment]:
    """Yield the segments with a length, up to the end of the picture; raise UnreadableError."""
    size = file.seek(0, 2)
    if bytes(window(file, 0, 2)) != b"\xff\xd8":
        raise unreadable("不是 JPEG", "is no JPEG")
    at, scanned = 2, False
    for _ in range(_MOST_SEGMENTS):
        head = window(file, at, 4)
        if len(head) < 2 or head[0] != 0xFF or head[1] in {0, _SOI}:  # noqa: PLR2004 - a marker
            raise unreadable(f"JPEG 在第 {at} 字节处损坏", f"the JPEG is damaged at byte {at}")
        if head[1] == _EOI:
            if not scanned:
                raise unreadable("JPEG 没有图像", "the JPEG has no picture")
            return
        if step := _ALONE.get(head[1]):
            at += step
            continue
        end = at + 2 + int.from_bytes(head[2:], "big")
        if len(head) < 4 or end > size or end < at + 4:  # noqa: PLR2004 - marker and length
            raise unreadable(f"JPEG 在第 {at} 字节处损坏", f"the JPEG is damaged at byte {at}")
        yield _Segment(head[1], at, end)
        at = end
        if head[1] == _SOS:
            scanned = True
            at = _next_marker(file, at)
    raise unreadable("JPEG 的段过多", "the JPEG has too many segments")


def _bare(segment: _Segment, data: bytes) -> _Carrier | None:
    """Return the label that stands in the open in a segment of another kind, or in a packet under a head that is not known."""
    kind = "COM" if segment.marker == _COM else f"APP{segment.marker - _APP0}"
    if _RDF in data and _NAME in data:
        return _packet(segment, data, kind)
    found = _BARE.search(data)
    if found is not None:
        start, at, end = found.start(), found.end(), found.end() + loose.length(data[found.end() :])
        slot = Slot(kind, data[at:end], (Deviation.OTHER_PLACE,))
    elif (first := next(loose.spans(data), None)) is not None and not data.startswith(_BOXES):
        start, end = first
        (slot, *_) = loose.raw(kind, data)
    else:
        return None
    left = data[:start] + data[end:]
    if not left.strip(b"\0 \t\r\n"):
        return _Carrier((slot,), (Edit(segment.start, segment.end),))
    at = segment.start + 4
    return _Carrier((slot,), (Edit(at + start, at + end, b" " * (end - start)),))


def _packet(segment: _Segment, data: bytes, kind: str) -> _Carrier | None:
    start = min(at for mark in (b"<?xpacket", b"<x:xmpmeta", _RDF) if (at := data.find(mark)) >= 0)
    packet = data[start:]
    slots = tuple(Slot(slot.place, slot.value, (*slot.notes, Deviation.OTHER_PLACE)) for slot in xmp.read(packet, kind))
    at = segment.start + 4 + start
    return _Carrier(slots, (Edit(at, at + len(packet), xmp.blanked(packet)),)) if slots else None


class _Reading:
    """What the segments of a JPEG say: packets, parts of the extended packet, and labels elsewhere.

    All stand before the first scan. The walk goes on to the end: the picture is complete, and no label stands behind.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.packets: list[tuple[_Segment, bytes]] = []
        self.others: list[_Carrier] = []
        self.boxes: list[bytes] = []
        self.insert_at = 2
        self.index_at = 0
        self._parts: dict[bytes, dict[int, bytes]] = {}
        self._whole: dict[bytes, int] = {}
        leading, behind = True, False
        held = Held(_MOST_BYTES)
        for segment in _segments(file):
            data = b""
            behind = behind or segment.marker == _SOS
            before = len(self.packets) + len(self.others) + len(self._parts)
            if _APP0 <= segment.marker <= _APP15 or segment.marker == _COM:
                file.seek(segment.start + 4)
                data = file.read(segment.end - segment.start - 4)
                self._take(segment, data)
            if len(self.packets) + len(self.others) + len(self._parts) != before or data.startswith(_EXTENDED):
                held.take(len(data))
            if max(len(self.packets), len(self._parts)) > _MOST_PACKETS:
                raise unreadable("XMP 包过多", "there are too many packets of XMP")
            if behind and len(self.packets) + len(self.others) + len(self._parts) != before:
                raise unreadable("元数据在图像数据之后", "metadata stand behind the coded picture")
            leading = leading and (segment.marker == _APP0 or data.startswith(exif.PREFIX))
            if leading:
                self.insert_at = segment.end

    def _take(self, segment: _Segment, data: bytes) -> None:
        app1 = segment.marker == _APP1
        if segment.marker == _APP11:
            self.boxes.append(data[:_BOX_HEAD])
        if app1 and data.startswith(_XMP):
            self.packets.append((segment, data[len(_XMP) :]))
        elif app1 and data.startswith(_EXTENDED):
            head = data[len(_EXTENDED) : len(_EXTENDED) + _EXTENDED_HEAD.size]
            if len(head) < _EXTENDED_HEAD.size:
                raise unreadable("扩展 XMP 不完整", "the extended XMP is incomplete")
            name, whole, offset = _EXTENDED_HEAD.unpack(head)
            self._parts.setdefault(name, {})[offset] = data[len(_EXTENDED) + _EXTENDED_HEAD.size :]
            self._whole[name] = whole
        elif app1 and data.startswith(exif.PREFIX):
            for item in exif.found_in(data):
                at = segment.start + 4 + item.at
                self.others.append(_Carrier((item.slot,), (Edit(at, at + len(item.blank), item.blank),)))
        elif data.startswith(_INDEX):
            self.index_at = segment.end
        elif not data.startswith(_ICC) and (carrier := _bare(segment, data)):
            self.others.append(carrier)

    def extended(self) -> Iterator[Slot]:
        """Yield the labels of the extended packets."""
        for name, parts in self._parts.items():
            whole = b"".join(parts[offset] for offset in sorted(parts))
            # One that no packet names belongs to none: but a label in it is one.
            if _NAME not in whole and not any(name in packet for _, packet in self.packets):
                continue
            if len(whole) != self._whole[name]:
                raise unreadable("扩展 XMP 不完整", "the extended XMP is incomplete")
            for slot in xmp.read(whole, "APP1 extended XMP"):
                yield Slot(slot.place, slot.value, (*slot.notes, Deviation.OTHER_PLACE))


def boxes(file: BinaryIO) -> list[bytes]:
    """Return the beginnings of the segments that can hold boxes (APP11); raise UnreadableError."""
    return once(file, _Reading).boxes


class Jpeg:
    """The container JPEG."""

    name = "jpeg"
    suffixes = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a JPEG."""
        return head.startswith(b"\xff\xd8\xff")

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the packet, of its extension, of EXIF, and of other segments."""
        found = once(file, _Reading)
        for _, packet in found.packets:
            yield from xmp.read(packet, "APP1 XMP")
        yield from found.extended()
        for carrier in found.others:
            yield from carrier.slots

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the packet, or a new one behind EXIF; labels elsewhere are blanked, the rest is copied."""
        found = once(source, _Reading)
        if any(found.extended()):
            raise not_writable("标识在扩展 XMP 中", "its label is in the extended XMP")
        segment, packet = found.packets[0] if found.packets else (None, None)
        new = _XMP + xmp.put(packet, value)
        if len(new) > _MOST:
            raise not_writable("XMP 超过一个 APP1 段", "the XMP is larger than one APP1 segment")
        new = struct.pack(">BBH", 0xFF, _APP1, len(new) + 2) + new
        start, end = (segment.start, segment.end) if segment else (found.insert_at, found.insert_at)
        edits = [Edit(start, end, new), *(edit for carrier in found.others for edit in carrier.edits)]
        for other, text in found.packets[1:]:
            edits.append(Edit(other.end - len(text), other.end, xmp.blanked(text)))
        # The index of several pictures counts from its own place: what stands behind it must not move against it.
        if found.index_at and any(
            edit.start >= found.index_at and edit.end - edit.start != len(edit.new) for edit in edits
        ):
            raise not_writable("XMP 在多图索引之后", "its XMP stands behind the index of its pictures")
        put(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all but the labels, and what else the packets say."""
        found = once(file, _Reading)
        edits = [edit for carrier in found.others for edit in carrier.edits]
        edits += [Edit(segment.start, segment.end) for segment, _ in found.packets]
        yield from edited(file, edits)
        yield from (xmp.rest(packet) for _, packet in found.packets)
