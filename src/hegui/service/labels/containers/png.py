"""PNG: the label is `TC260:AIGC` in the XMP chunk (iTXt `XML:com.adobe.xmp`); annex B also knows tEXt `AIGC`.

TC260-PG-20259A clause 6 and annex B; PNG (ISO/IEC 15948) clauses 5.3 and 11.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO

from hegui.service.labels import xmp
from hegui.service.labels.containers.container import Slot, copy, pieces, unreadable
from hegui.service.labels.schema import KEYWORD

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp\0"
_TEXT_KINDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_LARGEST_TEXT = 16 << 20
_LARGEST = (1 << 31) - 1
_XMP_PLACE = "iTXt XML:com.adobe.xmp"


def _inflated(data: bytes) -> bytes:
    """Return compressed text; raise UnreadableError for what is damaged or unpacks to too much."""
    unpack = zlib.decompressobj()
    try:
        found = unpack.decompress(data, _LARGEST_TEXT)
    except zlib.error as error:
        raise unreadable(f"压缩文本有误（{error}）", f"compressed text is damaged ({error})") from None
    if unpack.unconsumed_tail or not unpack.eof:
        raise unreadable("压缩文本过大或不完整", "compressed text is too large or incomplete")
    return found


def _text(kind: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Return keyword and text of a text chunk."""
    keyword, found, rest = data.partition(b"\0")
    if not found:
        raise unreadable(f"{kind.decode()} 块没有关键词", f"a {kind.decode()} chunk has no keyword")
    if kind == b"zTXt":
        return keyword, _inflated(rest[1:])
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        return keyword, _inflated(rest) if packed else rest
    return keyword, rest


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
        while True:
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:  # noqa: PLR2004 - length and kind
                raise unreadable("PNG 不完整，没有 IEND", "the PNG is incomplete: it has no IEND")
            length, kind = struct.unpack(">I4s", head)
            if length > _LARGEST or at + 12 + length > size or not kind.isalpha():
                raise unreadable(f"PNG 在第 {at} 字节处损坏", f"the PNG is damaged at byte {at}")
            yield kind, at, length
            if kind == b"IEND":
                return
            at += 12 + length

    def _labels(self, file: BinaryIO) -> Iterator[tuple[int, str, bytes]]:
        """Yield the place of each chunk that can hold a label, what it is called, and its text."""
        for kind, at, length in self._chunks(file):
            if kind in _TEXT_KINDS:
                if length > _LARGEST_TEXT:
                    raise unreadable("文本块过大", "a text chunk is too large")
                file.seek(at + 8)
                keyword, text = _text(kind, file.read(length))
                if kind == b"iTXt" and keyword + b"\0" == _XMP:
                    yield at, _XMP_PLACE, text
                elif KEYWORD.encode() in keyword.upper():
                    yield at, f"{kind.decode()} {keyword.decode('latin-1')}", text

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of XMP and text chunks."""
        for _, place, text in self._labels(file):
            if place == _XMP_PLACE:
                yield from xmp.read(text, place)
            else:
                yield Slot(place, text)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the XMP chunk, or a new one after IHDR; text chunks with a label go, the rest is copied."""
        drop: set[int] = set()
        packets: list[tuple[int, bytes]] = []
        for at, place, text in self._labels(source):
            drop.add(at)
            if place == _XMP_PLACE:
                packets.append((at, text))
        if len(packets) > 1:
            raise unreadable("有多个 XMP 块", "there is more than one XMP chunk")
        packet = xmp.put(packets[0][1] if packets else None, value)
        new = _XMP + b"\0\0\0\0" + packet
        target.write(_SIGNATURE)
        for kind, at, length in self._chunks(source):
            if at not in drop:
                copy(source, target, at, length + 12)
            if kind == b"IHDR":
                target.write(_chunk(b"iTXt", new))
        end = source.seek(0, 2)
        tail = at + 12 + length
        copy(source, target, tail, end - tail)

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of every chunk but those that can hold a label, and of what follows the end."""
        labels = {at for at, _, _ in self._labels(file)}
        digest = sha256()
        end = 8
        for _, at, length in self._chunks(file):
            end = at + 12 + length
            if at not in labels:
                for piece in pieces(file, at, length + 12):
                    digest.update(piece)
        for piece in pieces(file, end, file.seek(0, 2) - end):
            digest.update(piece)
        return digest.hexdigest()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
