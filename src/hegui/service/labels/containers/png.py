"""PNG: the label is `TC260:AIGC` in the XMP chunk (iTXt `XML:com.adobe.xmp`); annex B also knows tEXt `AIGC`.

EXIF (eXIf) is read too, as some writers put the label of annex B for JPEG there; and texts of other names (`pngtext`).
TC260-PG-20259A clause 6 and annex B; PNG (ISO/IEC 15948) clauses 5.3 and 11.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels import exif, xmp
from hegui.service.labels.container import Held, Slot, once, unreadable
from hegui.service.labels.containers import pngtext
from hegui.service.labels.edits import Edit, edited, put

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = pngtext.XMP
_PLAIN = b"\0\0\0\0\0"
_EXIF = b"eXIf"
_AFTER_HEAD = 8 + 12 + 13
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_TEXT_KINDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_LARGEST_LOOSE = 1 << 20
_MOST_CHUNKS = 250_000
"""A picture of a gigabyte in pieces of 8 kB has half as many."""
_LARGEST_TEXT = pngtext.LARGEST
_LARGEST = (1 << 31) - 1
_XMP_PLACE = "iTXt XML:com.adobe.xmp"


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk that can hold a label: where it stands, the packet that it is, and the labels that it has."""

    start: int
    end: int
    kind: bytes
    packet: bytes | None
    slots: tuple[Slot, ...] = ()
    without: bytes = b""
    """The chunk without its labels; nothing where it is gone."""


class Png:
    """The container PNG, APNG too."""

    name = "png"
    suffixes = frozenset({".png", ".apng"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a PNG."""
        return head.startswith(_SIGNATURE)

    def _chunks(self, file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
        """Yield kind, place of the chunk and length of its data, up to IEND; raise UnreadableError."""
        file.seek(0)
        if file.read(8) != _SIGNATURE:
            raise unreadable("不是 PNG", "is no PNG")
        at = 8
        size = file.seek(0, 2)
        for _ in range(_MOST_CHUNKS):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:  # noqa: PLR2004 - length and kind
                raise unreadable("PNG 不完整，没有 IEND", "the PNG is incomplete: it has no IEND")
            length, kind = struct.unpack(">I4s", head)
            if length > _LARGEST or at + 12 + length > size or not kind.isalpha():
                raise unreadable(f"PNG 在第 {at} 字节处损坏", f"the PNG is damaged at byte {at}")
            if (at == 8) != (kind == b"IHDR" and length == 13):  # noqa: PLR2004 - its place and length
                raise unreadable("PNG 没有 IHDR，或不在开头", "the PNG has no IHDR, or not at its beginning")
            yield kind, at, length
            if kind == b"IEND":
                return
            at += 12 + length
        raise unreadable("PNG 块过多", "the PNG has too many chunks")

    def _parts(self, file: BinaryIO) -> Iterator[_Part]:
        """Yield the chunks that have labels, and all packets; raise UnreadableError for those that are damaged."""
        held = Held(_LARGEST_TEXT * 2)
        for kind, at, length in self._chunks(file):
            if kind not in _TEXT_KINDS and kind != _EXIF:
                if kind not in _CRITICAL and length <= _LARGEST_LOOSE:
                    # A damaged kind can hide a label.
                    file.seek(at + 8)
                    if _check(kind, file.read(length)) != file.read(4):
                        raise unreadable(f"PNG 在第 {at} 字节处损坏", f"the PNG is damaged at byte {at}")
                continue
            if length > _LARGEST_TEXT:
                raise unreadable("文本块过大", "a text chunk is too large")
            file.seek(at + 8)
            data, check = file.read(length), file.read(4)
            if check != _check(kind, data):
                raise unreadable(f"PNG 在第 {at} 字节处损坏", f"the PNG is damaged at byte {at}")
            part = _exif(at, data) if kind == _EXIF else _labelled(kind, at, data, held)
            if part is None:
                continue
            held.take(len(part.without))
            yield part

    def _listed(self, file: BinaryIO) -> list[_Part]:
        return list(self._parts(file))

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of XMP, text chunks and EXIF."""
        for part in once(file, self._listed):
            if part.packet is not None:
                yield from xmp.read(part.packet, _XMP_PLACE)
            yield from part.slots

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the XMP chunk, or a new one after IHDR; labels elsewhere go, the rest is copied."""
        parts = once(source, self._listed)
        edits = [Edit(part.start, part.end, part.without) for part in parts if part.packet is None]
        packets = [(part, part.packet) for part in parts if part.packet is not None]
        part, packet = packets[0] if packets else (None, None)
        new = _chunk(b"iTXt", _XMP + _PLAIN + xmp.put(packet, value))
        edits.append(Edit(part.start, part.end, new) if part else Edit(_AFTER_HEAD, _AFTER_HEAD, new))
        for other, text in packets[1:]:
            edits.append(Edit(other.start, other.end, _chunk(b"iTXt", _XMP + _PLAIN + xmp.blanked(text))))
        put(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all but the labels, and what else the packets say."""
        parts = once(file, self._listed)
        edits = [Edit(part.start, part.end, part.without) for part in parts]
        yield from edited(file, edits)
        yield from (xmp.rest(part.packet) for part in parts if part.packet is not None)


def _labelled(kind: bytes, at: int, data: bytes, held: Held) -> _Part | None:
    end = at + len(data) + 12
    text = pngtext.parsed(kind, data)
    if kind == b"iTXt" and text.keyword == _XMP:
        return _Part(at, end, kind, text.whole(held))
    slots, left = pngtext.labels(text, held)
    if not slots:
        return None
    return _Part(at, end, kind, None, slots, _chunk(kind, left) if left else b"")


def _exif(at: int, data: bytes) -> _Part | None:
    found = exif.found_in(data)
    slots = tuple(item.slot for item in found)
    return _Part(at, at + len(data) + 12, _EXIF, None, slots, _chunk(_EXIF, exif.blanked(data))) if found else None


def _check(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + _check(kind, data)
