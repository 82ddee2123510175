"""Ogg with Vorbis, Opus, Theora, FLAC or Speex: the label is the comment `AIGC=` of the comment header.

TC260-PG-202510A; RFC 3533 (pages), RFC 7845 section 5.2 (Opus), Vorbis I section 4.2. A header that
grows over a page takes more pages; the numbers and check sums of the later ones follow.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from hegui.service.labels.container import Slot, unreadable
from hegui.service.labels.containers import vorbis
from hegui.service.labels.containers.splice import LARGEST, MOST_PARTS

_HEAD = struct.Struct("<4sBBqIIIB")
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_FULL = 255
_MOST_STREAMS = 4096
_REVERSED = bytes(int(f"{one:08b}"[::-1], 2) for one in range(256))
# First packet -> what the packet of comments begins with. FLAC's block has its own head of four bytes.
_CODECS = {
    b"\x01vorbis": b"\x03vorbis",
    b"OpusHead": b"OpusTags",
    b"\x80theora": b"\x81theora",
    b"Speex   ": b"",
    b"\x7fFLAC": b"\x04",
}
_FLAC_HEAD = 4


def crc(data: bytes) -> int:
    """Return the check sum of a page: the polynomial of zlib, bits in the other order, nothing inverted."""
    mirrored = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


@dataclass(slots=True)
class _Page:
    """One page; `data` is all of it."""

    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    body: bytes

    def packed(self) -> bytes:
        head = _HEAD.pack(b"OggS", 0, self.flags, self.granule, self.serial, self.number, 0, len(self.lacing))
        data = head + self.lacing + self.body
        return data[:22] + struct.pack("<I", crc(data)) + data[26:]


@dataclass(slots=True)
class _Stream:
    """One logical stream while it passes: its codec's sign, and the header pages until the comments are whole."""

    sign: bytes | None
    moved: int = 0
    held: list[_Page] = field(default_factory=list)


def _pages(file: BinaryIO) -> Iterator[_Page]:
    """Yield the pages; raise UnreadableError for a damaged or incomplete one."""
    at = 0
    file.seek(0)
    while head := file.read(_HEAD.size):
        if len(head) < _HEAD.size or not head.startswith(b"OggS\0"):
            raise unreadable(f"Ogg 在第 {at} 字节处损坏或不完整", f"the Ogg is damaged or incomplete at byte {at}")
        _, _, flags, granule, serial, number, check, count = _HEAD.unpack(head)
        lacing = file.read(count)
        body = file.read(sum(lacing))
        if crc(head[:22] + b"\0\0\0\0" + head[26:] + lacing + body) != check or len(body) < sum(lacing):
            raise unreadable(f"Ogg 页校验和不符（第 {at} 字节）", f"an Ogg page's check sum is wrong (byte {at})")
        at += len(head) + len(lacing) + len(body)
        yield _Page(flags, granule, serial, number, lacing, body)


def _sign(page: _Page) -> bytes | None:
    return next((after for before, after in _CODECS.items() if page.body.startswith(before)), None)


@dataclass(frozen=True, slots=True)
class _Header:
    """The comments of a stream, between what comes before them in their packet and the later packets of their pages."""

    before: bytes
    comments: vorbis.Comments
    lacing: bytes
    rest: bytes

    @classmethod
    def of(cls, stream: _Stream) -> _Header:
        sign = stream.sign or b""
        lacing = b"".join(page.lacing for page in stream.held)
        body = b"".join(page.body for page in stream.held)
        ends = next(number for number, one in enumerate(lacing) if one != _FULL) + 1
        length = sum(lacing[:ends])
        skip = _FLAC_HEAD if sign == b"\x04" else len(sign)
        packet = body[:length]
        if sign == b"\x04":
            if not packet or packet[0] & 0x7F != sign[0]:
                raise unreadable("Ogg FLAC 没有注释块", "the Ogg FLAC has no block of comments")
        elif not packet.startswith(sign):
            raise unreadable("Ogg 第二个包不是注释", "the second packet of an Ogg stream is no comment header")
        return cls(packet[:skip], vorbis.parse(packet[skip:]), lacing[ends:], body[length:])

    def packet(self, value: str | None) -> bytes:
        """Return the packet of comments with this label and no other."""
        data = self.comments.put(value).packed()
        if self.before[:1] in {b"\x04", b"\x84"} and len(self.before) == _FLAC_HEAD:
            return self.before[:1] + len(data).to_bytes(3, "big") + data
        return self.before + data

    def pages(self, held: list[_Page], packet: bytes) -> Iterator[_Page]:
        """Yield the pages of a new packet and of what follows it."""
        lacing = b"\xff" * (len(packet) // _FULL) + bytes([len(packet) % _FULL]) + self.lacing
        body, first, last = packet + self.rest, held[0], held[-1]
        at = 0
        for number, start in enumerate(range(0, len(lacing), _FULL)):
            part = lacing[start : start + _FULL]
            final = start + _FULL >= len(lacing)
            flags = _CONTINUED if start and lacing[start - 1] == _FULL else 0
            flags |= last.flags & _LAST if final else 0
            ends = any(one != _FULL for one in part)
            granule = (last.granule if final else 0) if ends else -1
            yield _Page(flags, granule, first.serial, first.number + number, part, body[at : at + sum(part)])
            at += sum(part)


def _walk(file: BinaryIO) -> Iterator[tuple[_Stream, _Page | None, _Header | None]]:
    """Yield every page, or instead of the pages of comments their header; streams may be chained and interleaved."""
    streams: dict[int, _Stream] = {}
    held = pages = 0
    for page in _pages(file):
        if page.flags & _FIRST:
            streams[page.serial] = _Stream(_sign(page))
            if len(streams) > _MOST_STREAMS:
                raise unreadable("Ogg 的流过多", "the Ogg has too many streams")
            yield streams[page.serial], page, None
            continue
        stream = streams.get(page.serial)
        if stream is None:
            raise unreadable("Ogg 页不属于任何流", "an Ogg page belongs to no stream")
        if stream.sign is None:
            yield stream, page, None
            continue
        stream.held.append(page)
        held += len(page.body) + 1
        pages += 1
        if held > LARGEST or pages > MOST_PARTS:
            raise unreadable("Ogg 注释过大", "the Ogg comments are too large")
        if page.lacing.strip(b"\xff"):  # a packet ends in it
            yield stream, None, _Header.of(stream)
            held -= sum(len(one.body) + 1 for one in stream.held)
            pages -= len(stream.held)
            stream.sign, stream.held = None, []
    if not streams or any(stream.held or stream.sign is not None for stream in streams.values()):
        raise unreadable("Ogg 不完整，没有注释头", "the Ogg is incomplete: a comment header is missing")


class Ogg:
    """The container Ogg."""

    name = "ogg"
    suffixes = frozenset({".ogg", ".oga", ".ogv", ".opus", ".spx"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins with an Ogg page."""
        return head.startswith(b"OggS")

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the comments of every stream."""
        known = False
        for _, _, header in _walk(file):
            if header is not None:
                known = True
                yield from header.comments.labels("comment header")
        if not known:
            raise unreadable("Ogg 中没有认识的流", "no stream of the Ogg is of a kind that is known")

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the comment into the first stream's header; later pages get their new numbers and check sums."""
        placed = False
        for stream, page, header in _walk(source):
            if page is not None:
                page.number += stream.moved
                target.write(page.packed())
            elif header is not None:
                new = header.packet(None if placed else value)
                placed = True
                pages = list(header.pages(stream.held, new))
                stream.moved += len(pages) - len(stream.held)
                target.writelines(page.packed() for page in pages)
        if not placed:
            raise unreadable("Ogg 中没有认识的流", "no stream of the Ogg is of a kind that is known")

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every page but for numbers and check sums, and the comments that are no label."""
        for _, page, header in _walk(file):
            if page is not None:
                yield struct.pack("<BqI", page.flags, page.granule, page.serial) + page.lacing + page.body
            elif header is not None:
                before = header.before if len(header.before) != _FLAC_HEAD else header.before[:1]
                yield before + header.comments.vendor
                yield from (len(one).to_bytes(4, "big") + one for one in header.comments.others)
                yield header.comments.tail + header.lacing + header.rest
