"""WebP: the label is `TC260:AIGC` in the chunk `XMP `, told by a flag of VP8X; annex B also knows EXIF UserComment.

TC260-PG-20259A clause 6 and annex B; RFC 9649 section 2. A simple file (VP8 or VP8L alone) becomes an extended one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels import exif, loose, xmp
from hegui.service.labels.container import Held, Slot, not_writable, once, unreadable
from hegui.service.labels.containers.splice import from_xmp
from hegui.service.labels.edits import Edit, edited, put
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_HEAD = 12
_XMP = b"XMP "
_ODD_XMP = b"XMP\0"
_LABEL = KEYWORD.encode()
_EXTENDED, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_PICTURES = frozenset({_LOSSY, _LOSSLESS, b"ANMF"})
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_LARGEST = (1 << 32) - 10
_LARGEST_EXIF = 16 << 20
_KNOWN = _PICTURES | {_EXTENDED, b"EXIF", b"ALPH", b"ANIM", b"ICCP", b"C2PA"}
_LARGEST_STRAY = 1 << 20
"""Most bytes of a chunk whose name is not known: a damaged name must not hide what it names."""
_MOST_CHUNKS = 100_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One chunk of the RIFF: `end` is after its padding."""

    kind: bytes
    start: int
    length: int
    end: int


def _bytes(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    found = file.read(length)
    if len(found) < length:
        raise unreadable("WebP 不完整", "the WebP is incomplete")
    return found


def _chunks(file: BinaryIO) -> list[_Chunk]:
    """Return the chunks of the RIFF; raise UnreadableError."""
    size = file.seek(0, 2)
    head = _bytes(file, 0, _HEAD)
    end = 8 + int.from_bytes(head[4:8], "little")
    if head[:4] != b"RIFF" or head[8:] != b"WEBP" or end > size + 1:
        raise unreadable("WebP 不完整或不是 WebP", "the WebP is incomplete, or is none")
    found, at, end = [], _HEAD, min(end, size)
    while at + 8 <= end:
        kind, length = struct.unpack("<4sI", _bytes(file, at, 8))
        if at + 8 + length > end:
            raise unreadable(f"WebP 在第 {at} 字节处损坏", f"the WebP is damaged at byte {at}")
        # Some writers leave out the padding of the last chunk.
        after = min(at + 8 + length + length % 2, end)
        found.append(_Chunk(kind, at, length, after))
        at = after
        if len(found) > _MOST_CHUNKS:
            raise unreadable("WebP 块过多", "the WebP has too many chunks")
    if at != end or not any(chunk.kind in _PICTURES for chunk in found):
        raise unreadable("WebP 没有图像，或有多余字节", "the WebP has no picture, or bytes too many")
    return found


class _Reading:
    """What the chunks of a WebP say."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.chunks = _chunks(file)
        self.end = self.chunks[-1].end
        self.packets: list[tuple[_Chunk, bytes]] = []
        self.exif: list[tuple[_Chunk, exif.Found]] = []
        self.own: list[tuple[_Chunk, bytes]] = []
        self.strays: list[Slot] = []
        held = Held(2 * xmp.LONGEST)
        for chunk in self.chunks:
            held.take(chunk.length if chunk.kind in {_XMP, _ODD_XMP, b"EXIF"} else 0)
            if chunk.kind in {_XMP, _ODD_XMP}:
                if chunk.length > xmp.LONGEST:
                    raise unreadable("XMP 过大", "the XMP is too large")
                self.packets.append((chunk, _bytes(file, chunk.start + 8, chunk.length)))
            elif chunk.kind.upper() == _LABEL:
                self.own.append((chunk, _bytes(file, chunk.start + 8, min(chunk.length, LONGEST_VALUE + 1))))
            elif chunk.kind not in _KNOWN and chunk.length <= _LARGEST_STRAY:
                packet = loose.packet_in(_bytes(file, chunk.start + 8, chunk.length))
                self.strays += from_xmp(packet, f"RIFF {chunk.kind.decode('latin-1')}") if packet else ()
            elif chunk.kind == b"EXIF":
                if chunk.length > _LARGEST_EXIF:
                    raise unreadable("EXIF 过大", "the EXIF is too large")
                block = _bytes(file, chunk.start + 8, chunk.length)
                self.exif += [(chunk, item) for item in exif.found_in(block)]

    def blanks(self) -> list[Edit]:
        """Return what takes the labels out of the EXIF, and out of chunks of their own."""
        gone = [Edit(chunk.start, chunk.end) for chunk, _ in self.own]
        places = [(chunk.start + 8 + item.at, item.blank) for chunk, item in self.exif]
        return gone + [Edit(at, at + len(blank), blank) for at, blank in places]

    def head(self) -> tuple[int, bytes]:
        """Return where the first chunk after VP8X begins, and the data of VP8X: that which a simple file would get."""
        first = self.chunks[0]
        if first.kind == _EXTENDED:
            data = _bytes(self.file, first.start + 8, first.length)
            if len(data) < 10:  # noqa: PLR2004 - flags and two sizes
                raise unreadable("VP8X 块过短", "the chunk VP8X is too short")
            return first.end, data
        if first.kind not in {_LOSSY, _LOSSLESS}:
            raise unreadable("WebP 块顺序有误", "the chunks of the WebP are out of order")
        data = _bytes(self.file, first.start + 8, min(first.length, 10))
        if first.kind == _LOSSY and data[3:6] == b"\x9d\x01\x2a" and len(data) == 10:  # noqa: PLR2004 - the head of a key frame
            width, height = (size & 0x3FFF for size in struct.unpack("<HH", data[6:10]))
            flags = 0
        elif first.kind == _LOSSLESS and data[:1] == b"\x2f" and len(data) >= 5:  # noqa: PLR2004 - the head of VP8L
            bits = int.from_bytes(data[1:5], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            flags = _ALPHA_FLAG if bits >> 28 & 1 else 0
        else:
            raise unreadable("WebP 图像头损坏", "the head of the WebP's picture is damaged")
        if not width or not height:
            raise unreadable("WebP 图像头损坏", "the head of the WebP's picture is damaged")
        sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        return first.start, bytes((flags, 0, 0, 0)) + sizes


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


class WebP:
    """The container WebP, animated too."""

    name = "webp"
    suffixes = frozenset({".webp"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a WebP."""
        return head.startswith(b"RIFF") and head[8:12] == b"WEBP"

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the packet, of EXIF, and of a chunk of their own."""
        found = once(file, _Reading)
        found.head()
        for chunk, packet in found.packets:
            for slot in xmp.read(packet, "XMP chunk"):
                notes = (Deviation.OTHER_PLACE,) if chunk.kind == _ODD_XMP else ()
                yield Slot(slot.place, slot.value, (*slot.notes, *notes))
        for _, item in found.exif:
            yield item.slot
        for _, value in found.own:
            yield Slot(f"RIFF {KEYWORD}", value, (Deviation.OTHER_PLACE,))
        yield from found.strays

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the chunk `XMP `, or a new one at the end, and set the flag; labels of EXIF are blanked."""
        found = once(source, _Reading)
        if found.strays:
            raise not_writable("标识在认不出的块里", "its label is in a chunk of a name that is not known")
        start, data = found.head()
        new = _chunk(_EXTENDED, bytes((data[0] | _XMP_FLAG,)) + data[1:])
        edits = [*found.blanks(), Edit(_HEAD, start, new)]
        chunk, packet = found.packets[0] if found.packets else (None, None)
        # The chunk before may lack its padding; what is put in its place has it.
        loose = b"\0" if (found.end - found.chunks[-1].start) % 2 and chunk is not found.chunks[-1] else b""
        label = _chunk(_XMP, xmp.put(packet, value))
        if chunk is None:
            edits.append(Edit(found.end, found.end, loose + label))
        else:
            edits.append(Edit(chunk.start, chunk.end, label))
            edits += [Edit(found.end, found.end, loose)] if loose else []
        for other, text in found.packets[1:]:
            at = other.start + 8
            edits.append(Edit(at, at + len(text), xmp.blanked(text)))
        size = found.end - 8 + sum(len(edit.new) - (edit.end - edit.start) for edit in edits)
        if size > _LARGEST:
            raise not_writable("文件超过 4 GiB", "the file would be larger than 4 GiB")
        put(source, target, [*edits, Edit(4, 8, struct.pack("<I", size))])

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all but the labels, the size and the flag, and what else the packets say."""
        found = once(file, _Reading)
        start, data = found.head()
        edits = [*found.blanks(), *(Edit(chunk.start, chunk.end) for chunk, _ in found.packets)]
        edits += [Edit(4, 8), Edit(_HEAD, start, bytes((data[0] & ~_XMP_FLAG,)) + data[1:])]
        last = found.chunks[-1]
        if (last.end - last.start) % 2 and last.kind not in {_XMP, _ODD_XMP} and last.kind.upper() != _LABEL:
            edits.append(Edit(last.end, last.end, b"\0"))
        yield from edited(file, edits)
        yield from (xmp.rest(packet) for _, packet in found.packets)
