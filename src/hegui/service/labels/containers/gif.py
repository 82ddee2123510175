"""GIF: the label is `TC260:AIGC` in the application extension `XMP Data` + `XMP`.

TC260-PG-20259A clause 6; GIF89a; XMP part 3 section 1.1.2, whose trailer lets readers that know no XMP skip it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from hegui.service.labels import loose, xmp
from hegui.service.labels.container import Held, Slot, not_writable, once, unreadable, window
from hegui.service.labels.containers.splice import from_xmp
from hegui.service.labels.edits import Edit, edited, put
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_HEAD = 13
_WINDOW = 64 << 10
_FULL = 256
"""Bytes of a data block of the greatest length, and of the length before it."""
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION, _COMMENT, _CONTROL, _TEXT = 0xFF, 0xFE, 0xF9, 0x01
_LARGEST_STRAY = 1 << 20
_XMP = b"XMP DataXMP"
_MAGIC = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\x00"
_LARGEST = xmp.LONGEST + len(_MAGIC)
_MOST_BLOCKS = 250_000
_BEGINNING = 64
_LONGEST_COMMENT = 4 * LONGEST_VALUE
_NAME_LENGTH = 11


@dataclass(frozen=True, slots=True)
class _Block:
    """An extension, an image or the trailer: from `start` to `end`, its blocks of data from `data`."""

    kind: int
    label: int
    start: int
    data: int
    end: int


class _Blocks:
    """A walk over a GIF; raise UnreadableError."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        head = self._bytes(0, _HEAD)
        if head[:6] not in {b"GIF87a", b"GIF89a"}:
            raise unreadable("不是 GIF", "is no GIF")
        self.first = _HEAD + _table(head[10])
        self._held = Held(2 * xmp.LONGEST)

    def _bytes(self, at: int, length: int) -> bytes:
        self.file.seek(at)
        found = self.file.read(length)
        if len(found) < length:
            raise unreadable("GIF 不完整", "the GIF is incomplete")
        return found

    def _after(self, at: int) -> int:
        """Return the place after a run of data blocks."""
        while at < self.size:
            part = window(self.file, at, _WINDOW)
            place = 0
            while place < len(part):
                length = part[place]
                if not length:
                    return at + place + 1
                if length + 1 == _FULL:  # as nearly all are: their lengths stand at equal distances
                    lengths = bytes(part[place::_FULL])
                    place += (len(lengths) - len(lengths.lstrip(b"\xff"))) * _FULL
                else:
                    place += 1 + length
            at += place
        raise unreadable("GIF 不完整", "the GIF is incomplete")

    def __iter__(self) -> Iterator[_Block]:
        at, images = self.first, 0
        for _ in range(_MOST_BLOCKS):
            kind = self._bytes(at, 1)[0]
            if kind == _TRAILER:
                if not images:
                    raise unreadable("GIF 没有图像", "the GIF has no picture")
                yield _Block(kind, 0, at, at, at + 1)
                return
            if kind == _EXTENSION:
                label, data = self._bytes(at + 1, 1)[0], at + 2
            elif kind == _IMAGE:
                images += 1
                label, data = 0, at + 11 + _table(self._bytes(at + 9, 1)[0])
            else:
                raise unreadable(f"GIF 在第 {at} 字节处损坏", f"the GIF is damaged at byte {at}")
            end = self._after(data)
            yield _Block(kind, label, at, data, end)
            at = end
        raise unreadable("GIF 块过多", "the GIF has too many blocks")

    def text(self, block: _Block) -> bytes:
        """Return the data of an extension, its blocks joined; of a long one the beginning."""
        raw = self._bytes(block.data, min(block.end - block.data, _LARGEST))
        parts, at = [], 0
        while at < len(raw) and (length := raw[at]):
            parts.append(raw[at + 1 : at + 1 + length])
            at += 1 + length
        return b"".join(parts)

    def beginning(self, block: _Block) -> bytes:
        """Return the first bytes of a block's data."""
        return self._bytes(block.data, min(block.end - block.data, _BEGINNING))

    def packet(self, block: _Block) -> bytes | None:
        """Return the packet of an extension that has one, with the trailer of the specification or in data blocks."""
        named = bytes((len(_XMP),)) + _XMP
        if block.label != _APPLICATION or block.end - block.data <= len(named):
            return None
        if self._bytes(block.data, len(named)) != named:
            return None
        self._held.take(block.end - block.start)
        if block.end - block.start > _LARGEST:
            raise unreadable("XMP 过大", "the XMP is too large")
        whole = self._bytes(block.data + len(named), block.end - block.data - len(named))
        if whole.endswith(_MAGIC):
            return whole[: -len(_MAGIC)]
        return self.text(block)[len(_XMP) :]

    def strays(self, block: _Block) -> Iterator[Slot]:
        """Yield the labels of a packet in an extension whose name or kind is spoilt; raise UnreadableError."""
        if (
            block.kind == _EXTENSION
            and block.label not in {_CONTROL, _TEXT}
            and block.end - block.data <= _LARGEST_STRAY
        ):
            packet = loose.packet_in(self._bytes(block.data, block.end - block.data))
            if packet:
                yield from from_xmp(packet, "Extension XMP")

    def loose(self, block: _Block) -> Slot | None:
        """Return the label that a comment is, or an application extension of its own name; None for other blocks."""
        if block.kind != _EXTENSION or block.label not in {_COMMENT, _APPLICATION}:
            return None
        first = replace(block, end=min(block.end, block.data + _LONGEST_COMMENT))
        if block.label == _COMMENT:
            text = self.text(first).decode("utf-8", "replace")
            return loose.slot("Comment Extension", text, Deviation.OTHER_PLACE)
        name = self._bytes(block.data, min(block.end - block.data, 1 + _NAME_LENGTH))
        if name[0] != _NAME_LENGTH or KEYWORD.encode() not in name.upper():
            return None
        return Slot(f"Application Extension {KEYWORD}", self.text(first)[_NAME_LENGTH:], (Deviation.OTHER_PLACE,))


def _table(flags: int) -> int:
    """Return the length of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def applications(file: BinaryIO) -> Iterator[bytes]:
    """Yield the beginnings of the application extensions; raise UnreadableError."""
    blocks, listed = once(file, _listed)
    for block in listed:
        if block.label == _APPLICATION:
            yield blocks.beginning(block)


def _listed(file: BinaryIO) -> tuple[_Blocks, list[_Block]]:
    blocks = _Blocks(file)
    return blocks, list(blocks)


class Gif:
    """The container GIF, animated too."""

    name = "gif"
    suffixes = frozenset({".gif"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a GIF."""
        return head.startswith((b"GIF87a", b"GIF89a"))

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the packet, of comments and of an extension of their own."""
        blocks, listed = once(file, _listed)
        for block in listed:
            if (packet := blocks.packet(block)) is not None:
                yield from xmp.read(packet, "Application Extension XMP")
            elif (slot := blocks.loose(block)) is not None:
                yield slot
            else:
                yield from blocks.strays(block)

    def _parts(self, file: BinaryIO) -> tuple[list[tuple[_Block, bytes]], list[Edit], int]:
        """Return the packets, what takes out labels elsewhere, and where a new packet goes: after leading extensions."""
        blocks, listed = once(file, _listed)
        packets, edits, insert_at, leading = [], [], blocks.first, True
        for block in listed:
            packet = blocks.packet(block) if block.kind == _EXTENSION else None
            if packet is not None:
                packets.append((block, packet))
            elif any(blocks.strays(block)):
                raise not_writable("标识在认不出的扩展里", "its label is in an extension of a name that is not known")
            elif blocks.loose(block) is not None:
                edits.append(Edit(block.start, block.end))
            leading = leading and block.kind == _EXTENSION and block.label == _APPLICATION
            insert_at = block.end if leading else insert_at
        return packets, edits, insert_at

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the packet, or a new one before the first picture; extensions make it a GIF89a."""
        packets, taken, insert_at = once(source, self._parts)
        block, packet = packets[0] if packets else (None, None)
        start, end = (block.start, block.end) if block else (insert_at, insert_at)
        edits = [*taken, Edit(3, 6, b"89a"), Edit(start, end, _extension(xmp.put(packet, value)))]
        edits += [Edit(other.start, other.end, _extension(xmp.blanked(text))) for other, text in packets[1:]]
        put(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all but the labels and the version, and what else the packets say."""
        packets, taken, _ = once(file, self._parts)
        edits = [*taken, Edit(3, 6), *(Edit(block.start, block.end) for block, _ in packets)]
        yield from edited(file, edits)
        yield from (xmp.rest(packet) for _, packet in packets)


def _extension(packet: bytes) -> bytes:
    if b"\0" in packet.rstrip(b"\0"):
        raise unreadable("XMP 不是 UTF-8", "the XMP is not UTF-8")
    return bytes((_EXTENSION, _APPLICATION, len(_XMP))) + _XMP + packet.rstrip(b"\0") + _MAGIC
