"""EXIF, which is laid out as TIFF is: its directories, and the labels in `UserComment` and in other texts.

TC260-PG-20259A annex B (UserComment); TIFF 6.0 section 2, BigTIFF; Exif 2.32 sections 4.6.2 and 4.6.5.
A label here is never moved, only blanked: every offset stays.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels import loose
from hegui.service.labels.container import Slot, unreadable
from hegui.service.labels.schema import LONGEST_VALUE, Deviation

XMP, EXIF_POINTER, USER_COMMENT = 0x02BC, 0x8769, 0x9286
_TEXTS = {
    0x010D: "DocumentName", 0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software", 0x013B: "Artist",
    0x013C: "HostComputer", 0x8298: "Copyright", 0x927C: "MakerNote", 0xA420: "ImageUniqueID",
}  # fmt: skip
"""Where writers put a label that annex B wants in UserComment; texts of eight bits a character."""
_WIDE_TEXTS = {0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject"}
"""The same, in UTF-16 of the little end first, as one system writes them."""
BYTE, UNDEFINED = 1, 7
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value, by field type; types that nobody knows count as one."""
PREFIX = b"Exif\0\0"
_CODE_LENGTH = 8
_LONGEST_TEXT = 4 * LONGEST_VALUE
_USUAL = {USER_COMMENT, 0x010E}
_PEEK = 2048
"""Bytes of a text by which it is told whether it is a label at all: the notes of a maker can be long."""
_MOST_TEXTS = 64
_MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory: its tag, where it stands, and where its value does."""

    tag: int
    kind: int
    count: int
    at: int
    value_at: int
    length: int


class Directories:
    """The directories of a TIFF; raise UnreadableError for what is none."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        head = self.part(0, min(16, self.size))
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        magic = struct.unpack(f"{self.order}H", head[2:4])[0] if self.order and len(head) >= 8 else 0  # noqa: PLR2004 - byte order, magic, offset
        self.big = magic == 43 and len(head) == 16 and head[4:8] == struct.pack(f"{self.order}HH", 8, 0)  # noqa: PLR2004 - BigTIFF's own
        if magic != 42 and not self.big:  # noqa: PLR2004 - TIFF's own
            raise unreadable("不是 TIFF 或 EXIF 结构", "is no TIFF or EXIF structure")
        self.offset_at = 8 if self.big else 4
        self.word = "Q" if self.big else "I"
        self.width = struct.calcsize(self.word)
        self.first = self.number(self.word, self.offset_at)

    def part(self, at: int, length: int) -> bytes:
        """Return a part; raise UnreadableError where the file ends before it."""
        if at < 0 or at + length > self.size:
            raise unreadable("TIFF 或 EXIF 不完整", "the TIFF or EXIF is incomplete")
        self.file.seek(at)
        return self.file.read(length)

    def number(self, form: str, at: int) -> int:
        """Return one whole number."""
        return int(struct.unpack(self.order + form, self.part(at, struct.calcsize(form)))[0])

    def pack(self, form: str, *values: int) -> bytes:
        """Return numbers as this file writes them."""
        return struct.pack(self.order + form, *values)

    def directory(self, at: int) -> tuple[list[Entry], int]:
        """Return the entries of a directory, and where the place of the next one is noted."""
        head, size = (8, 20) if self.big else (2, 12)
        count = self.number("Q" if self.big else "H", at)
        if count > 0xFFFF:  # noqa: PLR2004 - what TIFF can count
            raise unreadable("TIFF 目录过大", "a directory of the TIFF is too large")
        raw = self.part(at + head, count * size)
        found = []
        entries = struct.iter_unpack(f"{self.order}HH{self.word}{self.word}", raw)
        for number, (tag, kind, values, place_of_value) in enumerate(entries):
            place = at + head + number * size
            length = values * SIZES.get(kind, 1)
            inside = place + 4 + self.width
            value_at = inside if length <= self.width else place_of_value
            found.append(Entry(tag, kind, values, place, value_at, length))
        return found, at + head + count * size


@dataclass(frozen=True, slots=True)
class Found:
    """A label in EXIF: how it is read, and what to put over it, byte for byte, so that it is gone."""

    slot: Slot
    at: int
    blank: bytes


def _comment(value: bytes, order: str) -> tuple[str, bytes]:
    """Return the text of a UserComment, and the value with spaces in its place."""
    code, body = value[:_CODE_LENGTH], value[_CODE_LENGTH:]
    if code.upper() == b"UNICODE\0":
        for name in ("utf-16-le", "utf-16-be") if order == "<" else ("utf-16-be", "utf-16-le"):
            text = body.decode(name, "replace")
            if loose.label_in(text):
                return text, code + (" " * (len(body) // 2)).encode(name) + b"\0" * (len(body) % 2)
    if code.upper() not in {b"ASCII\0\0\0", b"\0" * 8, b"UNICODE\0", b"JIS\0\0\0\0\0"}:
        code, body = b"", value
    return body.decode("utf-8", "replace"), code + b" " * len(body)


def _read(tag: int, value: bytes, order: str) -> tuple[str, bytes]:
    """Return the text of an entry, and the value with spaces in its place."""
    if tag == USER_COMMENT:
        return _comment(value, order)
    if tag in _WIDE_TEXTS:
        return value.decode("utf-16-le", "replace"), (" " * (len(value) // 2)).encode("utf-16-le") + b"\0" * (
            len(value) % 2
        )
    return value.decode("utf-8", "replace"), b" " * (len(value) - 1) + b"\0"


def labels(tiff: Directories, first: int) -> Iterator[Found]:
    """Yield the labels of a directory and of the EXIF directory under it; raise UnreadableError."""
    entries, _ = tiff.directory(first)
    for entry in tuple(entries):
        if entry.tag == EXIF_POINTER:
            if len(entries) > _MOST_ENTRIES:
                raise unreadable("EXIF 目录过多", "the EXIF has too many directories")
            entries += tiff.directory(tiff.number("I" if entry.length == 4 else tiff.word, entry.value_at))[0]  # noqa: PLR2004 - a 32-bit pointer
    known = {USER_COMMENT, *_TEXTS, *_WIDE_TEXTS}
    texts = [entry for entry in entries if entry.tag in known and entry.length]
    if len(texts) > _MOST_TEXTS:
        raise unreadable("EXIF 文本过多", "the EXIF has too many texts")
    for entry in texts:
        found = _label(tiff, entry)
        if found is not None:
            yield found


def _label(tiff: Directories, entry: Entry) -> Found | None:
    """Return the label that a text is; of texts that are seldom one, those that stand nowhere are passed over."""
    own = entry.tag == USER_COMMENT
    if entry.tag not in _USUAL and entry.value_at + entry.length > tiff.size:
        return None
    value = tiff.part(entry.value_at, min(entry.length, _PEEK))
    if b"{" not in value or not loose.label_in(_read(entry.tag, value, tiff.order)[0]):
        return None
    if entry.length > _LONGEST_TEXT:
        raise unreadable("EXIF 字段过大", "a field of the EXIF is too large")
    text, blank = _read(entry.tag, tiff.part(entry.value_at, entry.length), tiff.order)
    name = "UserComment" if own else _TEXTS.get(entry.tag) or _WIDE_TEXTS[entry.tag]
    if own:
        return Found(Slot(f"EXIF {name}", loose.label_in(text)), entry.value_at, blank)
    slot = loose.slot(f"EXIF {name}", text, Deviation.OTHER_PLACE)
    return Found(slot, entry.value_at, blank) if slot is not None else None


def found_in(block: bytes) -> list[Found]:
    """Return the labels of an EXIF block, with or without its `Exif` in front; raise UnreadableError."""
    start = len(PREFIX) if block.startswith(PREFIX) else 0
    tiff = Directories(io.BytesIO(block[start:]))
    return [Found(item.slot, item.at + start, item.blank) for item in labels(tiff, tiff.first)]


def blanked(block: bytes) -> bytes:
    """Return an EXIF block with spaces where its labels stood: the same length; raise UnreadableError."""
    new = bytearray(block)
    for item in found_in(block):
        new[item.at : item.at + len(item.blank)] = item.blank
    return bytes(new)
