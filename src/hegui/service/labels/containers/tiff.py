"""TIFF: the label is `TC260:AIGC` in tag 0x2BC of the first directory, field type 7; type 1 is read too.

TC260-PG-20259A clause 6; TIFF 6.0, BigTIFF. No strip and no tile moves: what is new stands at the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from hegui.service.labels import exif, loose, xmp
from hegui.service.labels.container import Held, Slot, not_writable, once, pieces, unreadable
from hegui.service.labels.containers.splice import from_xmp
from hegui.service.labels.edits import Edit, put
from hegui.service.labels.exif import Directories, Entry
from hegui.service.labels.schema import Deviation

_MOST_DIRECTORIES = 4096
_MOST_ENTRIES = 100_000
_POINTERS = frozenset({330, 34665, 34853, 40965})
_STRIPS = {273: 279, 324: 325, 513: 514}
"""The tags of the places of strips, tiles and old JPEG data, and those of their lengths."""
_MOST_STRIPS = 1 << 20
_LEAST_PACKET, _LARGEST_STRAY = 64, 1 << 20
_MOST_TIMES = 4
"""How often a file may say a byte of it."""
_C2PA = 0xCD41
_BEGINNING = 64
_FORMS = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True, slots=True)
class _Directory:
    """One directory: its entries, and where the place of the next one is noted."""

    at: int
    entries: list[Entry]
    next_at: int

    def xmp(self) -> Entry | None:
        """Return the entry of the packet."""
        return next((entry for entry in self.entries if entry.tag == exif.XMP and entry.length), None)


class _Reading:
    """What the directories of a TIFF say; raise UnreadableError for a picture that is not whole."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.tiff = Directories(file)
        self.entries = 0
        self.seen: set[int] = set()
        self.main = self._chain(self.tiff.first)
        if not self.main:
            raise unreadable("TIFF 没有图像", "the TIFF has no picture")
        self.all = list(self.main)
        for directory in self.all:
            for entry in directory.entries:
                if entry.tag in _POINTERS:
                    self.all += [found for at in self.numbers(entry) for found in self._chain(at)]
        strips = 0
        for directory in self.all:
            for at, length in self.strips(directory):
                strips += 1
                if at + length > self.tiff.size or strips > _MOST_STRIPS:
                    raise unreadable("TIFF 图像数据不完整", "the picture of the TIFF is incomplete")

    def _chain(self, at: int) -> list[_Directory]:
        found = []
        while at and at not in self.seen:
            self.seen.add(at)
            if len(self.seen) > _MOST_DIRECTORIES:
                raise unreadable("TIFF 目录过多", "the TIFF has too many directories")
            entries, next_at = self.tiff.directory(at)
            self.entries += len(entries)
            if self.entries > _MOST_ENTRIES:
                raise unreadable("TIFF 标签过多", "the TIFF has too many tags")
            found.append(_Directory(at, entries, next_at))
            at = self.tiff.number(self.tiff.word, next_at)
        return found

    def numbers(self, entry: Entry) -> tuple[int, ...]:
        """Return the whole numbers of an entry."""
        form = _FORMS.get(entry.kind)
        if form is None or entry.count > _MOST_STRIPS:
            raise unreadable(f"TIFF 标签 {entry.tag} 有误", f"tag {entry.tag} of the TIFF is wrong")
        raw = self.tiff.part(entry.value_at, entry.length)
        return struct.unpack(f"{self.tiff.order}{entry.count}{form}", raw)

    def strips(self, directory: _Directory) -> Iterator[tuple[int, int]]:
        """Yield place and length of the strips, tiles and JPEG data of a directory."""
        by_tag = {entry.tag: entry for entry in directory.entries}
        for places, lengths in _STRIPS.items():
            if places in by_tag and lengths in by_tag:
                yield from zip(self.numbers(by_tag[places]), self.numbers(by_tag[lengths]), strict=False)

    def packet(self, entry: Entry) -> bytes:
        """Return the packet of an entry."""
        if entry.length > xmp.LONGEST or exif.SIZES.get(entry.kind) != 1:
            raise unreadable("XMP 过大或类型有误", "the XMP is too large, or of a wrong type")
        return self.tiff.part(entry.value_at, entry.length)

    def packets(self) -> Iterator[tuple[_Directory, Entry, bytes]]:
        """Yield the packets of the pages."""
        held = Held()
        for directory in self.main:
            if (entry := directory.xmp()) is not None:
                held.take(entry.length)
                yield directory, entry, self.packet(entry)

    def strays(self) -> Iterator[Slot]:
        """Yield the labels of a packet whose tag is spoilt: texts of bytes that are long, and of no use to a picture."""
        for directory in self.main:
            for entry in directory.entries:
                usual = entry.tag == exif.XMP or entry.kind not in {1, 2, 7}
                if (
                    usual
                    or not _LEAST_PACKET <= entry.length <= _LARGEST_STRAY
                    or entry.value_at + entry.length > self.tiff.size
                ):
                    continue
                if b"<" in self.tiff.part(entry.value_at, _LEAST_PACKET) and (
                    packet := loose.packet_in(self.tiff.part(entry.value_at, entry.length))
                ):
                    yield from from_xmp(packet, f"IFD tag {entry.tag}")

    @cached_property
    def comments(self) -> tuple[exif.Found, ...]:
        """Return the labels of EXIF, of every page once."""
        found = {item.at: item for directory in self.main for item in exif.labels(self.tiff, directory.at)}
        return tuple(found.values())


def manifests(file: BinaryIO) -> Iterator[bytes]:
    """Yield the beginnings of what stands in the tag of C2PA; raise UnreadableError."""
    found = once(file, _Reading)
    for directory in found.all:
        for entry in directory.entries:
            if entry.tag == _C2PA:
                yield found.tiff.part(entry.value_at, min(entry.length, _BEGINNING))


class Tiff:
    """The container TIFF, in both byte orders, BigTIFF too."""

    name = "tiff"
    suffixes = frozenset({".tif", ".tiff", ".dng"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a TIFF."""
        return head.startswith((b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"))

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the packets and of EXIF."""
        found = once(file, _Reading)
        for directory, _, packet in found.packets():
            notes = () if directory is found.main[0] else (Deviation.OTHER_PLACE,)
            for slot in xmp.read(packet, "IFD0 XMP" if not notes else "IFD XMP"):
                yield Slot(slot.place, slot.value, (*slot.notes, *notes))
        for item in found.comments:
            yield item.slot
        yield from found.strays()

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into tag 0x2BC of the first directory, in its place or at the end; labels elsewhere are blanked."""
        found = once(source, _Reading)
        if any(found.strays()):
            raise not_writable("标识在认不出的字段里", "its label is in a field whose tag is not known")
        tiff, first = found.tiff, found.main[0]
        entry = first.xmp()
        packet = xmp.put(found.packet(entry) if entry else None, value)
        edits = [Edit(item.at, item.at + len(item.blank), item.blank) for item in found.comments]
        edits += [
            Edit(other.value_at, other.value_at + other.length, xmp.blanked(text))
            for directory, other, text in found.packets()
            if directory is not first
        ]
        end = tiff.size + tiff.size % 2
        if entry is not None and len(packet) <= entry.length and entry.length > tiff.width:
            packet, place = packet.ljust(entry.length, b"\0"), entry.value_at
            edits.append(Edit(place, place + entry.length, packet))
            edits.append(_entry_edit(tiff, entry, len(packet), place))
        else:
            new = b"\0" * (tiff.size % 2) + packet
            if entry is not None:
                edits.append(_entry_edit(tiff, entry, len(packet), end))
                if entry.length > tiff.width:
                    edits.append(Edit(entry.value_at, entry.value_at + entry.length, b"\0" * entry.length))
            else:
                new += b"\0" * (len(packet) % 2)
                at = end + len(packet) + len(packet) % 2
                new += _with_entry(found, first, len(packet), end)
                edits.append(Edit(tiff.offset_at, tiff.offset_at + tiff.width, tiff.pack(tiff.word, at)))
            if not tiff.big and tiff.size + len(new) >= 1 << 32:
                raise not_writable("文件超过 4 GiB", "the file would be larger than 4 GiB")
            edits.append(Edit(tiff.size, tiff.size, new))
        put(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every field but the labels, strips and tiles, and what else the packets say."""
        found = once(file, _Reading)
        tiff = found.tiff
        blanks = {item.at: item.blank for item in found.comments}
        # Fields and strips may overlap, but not without end.
        spent = Held(_MOST_TIMES * tiff.size)
        for directory in found.all:
            for entry in directory.entries:
                if entry.tag == exif.XMP and directory in found.main:
                    continue
                yield struct.pack("<HHQ", entry.tag, entry.kind, entry.count)
                tiff.part(entry.value_at, 0)
                if entry.value_at in blanks:
                    yield blanks[entry.value_at]
                else:
                    yield from pieces(file, entry.value_at, spent.take(entry.length))
            for at, length in _runs(found.strips(directory)):
                yield from pieces(file, at, spent.take(length))
        for _, _, packet in found.packets():
            yield xmp.rest(packet)


def _runs(parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield place and length of parts, those that follow each other as one."""
    start = end = 0
    for at, length in parts:
        if at != end:
            yield start, end - start
            start = end = at
        end += length
    yield start, end - start


def _entry(tiff: Directories, length: int, place: int) -> bytes:
    return tiff.pack("HH", exif.XMP, exif.UNDEFINED) + tiff.pack(f"{tiff.word}{tiff.word}", length, place)


def _entry_edit(tiff: Directories, entry: Entry, length: int, place: int) -> Edit:
    new = _entry(tiff, length, place)
    return Edit(entry.at, entry.at + len(new), new)


def _with_entry(found: _Reading, first: _Directory, length: int, place: int) -> bytes:
    """Return the first directory with the entry of a packet in the order of tags."""
    tiff = found.tiff
    size = 4 + 2 * tiff.width
    old = [entry for entry in first.entries if entry.tag != exif.XMP]
    entries = [(entry.tag, tiff.part(entry.at, size)) for entry in old]
    entries = sorted([*entries, (exif.XMP, _entry(tiff, length, place))], key=lambda item: item[0])
    count = tiff.pack("Q" if tiff.big else "H", len(entries))
    return count + b"".join(raw for _, raw in entries) + tiff.part(first.next_at, tiff.width)
