"""RIFF: WAV has the label in a chunk `AIGC`, AVI in a sub-chunk `AIGC` of LIST/INFO.

TC260-PG-202510A, TC260-PG-20257A; RIFF (Microsoft 1991), OpenDML AVI 2.0, RF64 (EBU Tech 3306), BW64 (ITU-R BS.2088).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO

from hegui.service.labels import loose, xmp
from hegui.service.labels.container import Slot, unreadable
from hegui.service.labels.containers.id3 import Id3
from hegui.service.labels.containers.splice import counted, elsewhere, from_xmp, size_of, take
from hegui.service.labels.schema import KEYWORD, Deviation

LABEL = KEYWORD.encode()
SHORT = struct.Struct("<I")
LONG = struct.Struct("<Q")
LONGEST = (1 << 32) - 1
STREAMED = 0x7FFF_0000
"""Sizes from here on that a file does not have are those of a stream whose length was not known."""
_VISIBLE = range(0x20, 0x7F)
_TEXTS = {b"iXML", b"axml", b"bext"}
"""Chunks of texts of studios (EBU Tech 3285, iXML)."""
_NO_TEXTS = {
    b"data",
    b"fmt ",
    b"fact",
    b"ds64",
    b"idx1",
    b"JUNK",
    b"junk",
    b"FLLR",
    b"PAD ",
    b"C2PA",
    b"cue ",
    b"smpl",
    b"levl",
}
_LONGEST_STRAY = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: `at` of its head, `length` of its data."""

    kind: bytes
    at: int
    length: int

    @property
    def data(self) -> int:
        """Return where its data begin."""
        return self.at + 8

    @property
    def end(self) -> int:
        """Return the place after it, with its padding."""
        return self.data + self.length + (self.length & 1)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return the bytes of a chunk."""
    if len(data) > LONGEST:
        raise unreadable("RIFF 块过大", "a RIFF chunk is too large")
    return kind + SHORT.pack(len(data)) + data + bytes(len(data) & 1)


def chunks(file: BinaryIO, at: int, end: int, *, open_end: bool = False, data: int | None = None) -> Iterator[Chunk]:
    """Yield the chunks of a part of a file; raise UnreadableError.

    With `open_end` a chunk `data` of unknown length goes to the end; `data` is its length where another chunk tells it.
    """
    while at + 8 <= end:
        kind, length = take(file, at, 4), SHORT.unpack(take(file, at + 4, 4))[0]
        if kind == b"data" and data is not None and length == LONGEST:
            length = data
        if kind == b"data" and open_end and (length == 0 or length >= STREAMED) and at + 8 + length != end:
            length = end - at - 8
        if any(one not in _VISIBLE for one in kind) or at + 8 + length > end:
            raise unreadable(f"RIFF 在第 {at} 字节处损坏或不完整", f"the RIFF is damaged or incomplete at byte {at}")
        found = Chunk(kind, at, length)
        yield found
        at = found.end


def is_info(file: BinaryIO, item: Chunk) -> bool:
    """Say whether a chunk is a list of texts."""
    return item.kind == b"LIST" and item.length >= 4 and take(file, item.data, 4) == b"INFO"  # noqa: PLR2004 - its kind


def info(file: BinaryIO, item: Chunk) -> list[tuple[bytes, bytes]]:
    """Return the sub-chunks of a list of texts, with their data."""
    return [
        (sub.kind, take(file, sub.data, sub.length))
        for sub in counted(chunks(file, item.data + 4, item.data + item.length))
    ]


def info_list(parts: list[tuple[bytes, bytes]]) -> bytes:
    """Return the bytes of a list of texts."""
    return chunk(b"LIST", b"INFO" + b"".join(chunk(kind, data) for kind, data in parts))


def is_label(kind: bytes) -> bool:
    """Say whether a chunk of this kind is a label."""
    return kind.upper() == LABEL


def labels(file: BinaryIO, item: Chunk, *, wave: bool) -> Iterator[Slot]:
    """Yield the labels of one chunk below RIFF: WAV wants them in a chunk, AVI in the list of texts."""
    if is_label(item.kind):
        here = [Slot("RIFF AIGC", take(file, item.data, item.length))]
        yield from here if wave else elsewhere(here)
    elif is_info(file, item):
        listed = [(kind, slot) for kind, data in info(file, item) if (slot := info_label(kind, data)) is not None]
        yield from elsewhere([slot for _, slot in listed]) if wave else [slot for _, slot in listed]
    elif item.kind.lower() == b"id3 ":
        tag = _tag(file, item)
        if tag is not None:
            yield from tag.labels(own=False)
    elif item.kind == b"_PMX":
        yield from from_xmp(take(file, item.data, item.length), "RIFF _PMX")
    elif item.kind not in _NO_TEXTS and item.length <= _LONGEST_STRAY:
        yield from strays(take(file, item.data, item.length), item.kind)


def info_label(kind: bytes, data: bytes) -> Slot | None:
    """Return the label that a text of a list is: one of its own name, or any other that is one."""
    if is_label(kind):
        return Slot("LIST/INFO AIGC", data)
    place = f"LIST/INFO {kind.decode('latin-1')}"
    return next(chain(loose.elsewhere(place, data), loose.raw(place, data)), None)


def strays(data: bytes, kind: bytes) -> Iterator[Slot]:
    """Yield the labels in a chunk of another kind: those that hold texts are known, a damaged kind is none."""
    for slot in loose.raw(f"RIFF {kind.decode('latin-1')}", data):
        yield replace(slot, notes=(Deviation.OTHER_PLACE,)) if kind in _TEXTS else slot


def bared(file: BinaryIO, item: Chunk) -> bytes | None:
    """Return a chunk without the labels in it, in bytes; None when it has none."""
    if next(labels(file, item, wave=True), None) is None:
        return None
    if is_label(item.kind):
        return b""
    if is_info(file, item):
        left = [(kind, data) for kind, data in info(file, item) if info_label(kind, data) is None]
        return info_list(left) if left else b""
    if item.kind == b"_PMX":
        return chunk(item.kind, xmp.taken_out(take(file, item.data, item.length)))
    if item.kind.lower() != b"id3 ":
        data = bytearray(take(file, item.data, item.length))
        for start, end in loose.spans(bytes(data)):
            data[start:end] = b" " * (end - start)
        return chunk(item.kind, bytes(data))
    tag = _tag(file, item)
    return b"" if tag is None else chunk(item.kind, tag.packed(None))


def measured(data: bytes) -> bytes:
    """Return a chunk's bytes as digests take them, with its length in 64 bits; nothing for nothing."""
    return data[:4] + LONG.pack(SHORT.unpack(data[4:8])[0]) + data[8:] if data else b""


def _tag(file: BinaryIO, item: Chunk) -> Id3 | None:
    data = take(file, item.data, item.length)
    if not data.startswith(b"ID3"):
        return None
    length = Id3.length(data[:10])
    if length > len(data):
        raise unreadable("ID3 标签不完整", "the ID3 tag is incomplete")
    return Id3.parsed(data[:10], data[10:length])


def form(file: BinaryIO, at: int = 0) -> tuple[bytes, int, bytes]:
    """Return signature, size and kind of the RIFF that begins at a place."""
    head = take(file, at, 12)
    return head[:4], SHORT.unpack(head[4:8])[0], head[8:]


def fits(file: BinaryIO, end: int) -> int:
    """Return the end of a RIFF inside the file; the padding of its last byte may be missing."""
    size = size_of(file)
    if end > size + 1:
        raise unreadable("RIFF 不完整", "the RIFF is incomplete")
    return min(end, size)
