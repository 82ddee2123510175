"""ID3v2 tags, 2.2 to 2.4: the label is the frame TXXX with the description `AIGC`; every other frame keeps its bytes.

TC260-PG-202510A; id3v2-00, id3v2.3.0, id3v2.4.0-structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from hegui.service.labels import loose, xmp
from hegui.service.labels.container import Held, Slot, inflated, unreadable
from hegui.service.labels.containers.splice import counted, from_xmp, take
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_LARGEST_FRAME = 1 << 20
"""Most bytes that a compressed frame which can hold a label may unpack to."""
_V2, _V3, _V4 = 2, 3, 4
_HEAD = 10
_PADDING = 1024
_UNSYNC, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_XMP_OWNER = b"XMP\0"
_BY_SHORT = {b"TXX": b"TXXX", b"COM": b"COMM", b"ULT": b"USLT", b"GEO": b"GEOB"}
_DESCRIBED = {b"TXXX", b"COMM", b"USLT", b"GEOB"}
_FILES = {b"GEOB", b"GEO", b"APIC", b"PIC"}
_LANGUAGE = 3
_LONGEST_TEXT = 4 * LONGEST_VALUE


def _syncsafe(data: bytes) -> int:
    if any(one > 0x7F for one in data):  # noqa: PLR2004 - seven bits
        raise unreadable("ID3 长度有误", "a length of the ID3 tag is wrong")
    return data[0] << 21 | data[1] << 14 | data[2] << 7 | data[3]


def _as_syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\0", b"\xff")


def _wide_end(data: bytes) -> int:
    """Return where a text of 16 bits ends; -1 where it does not."""
    at = data.find(b"\0\0")
    while at > 0 and at % 2:
        at = data.find(b"\0\0", at + 1)
    return at


def _unsynchronised(data: bytes) -> bytes:
    return re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", data)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it stands in the tag (without the tag's unsynchronisation), and its text where it can be read."""

    name: bytes
    raw: bytes | memoryview
    text: bytes

    def texts(self) -> tuple[str, str] | None:
        """Return description and value of a frame that can hold a label: of users, comments, lyrics, owners and files."""
        name, text = _BY_SHORT.get(self.name, self.name), self.text
        if name == b"PRIV":
            owner, _, data = text.partition(b"\0")
            return owner.decode("latin-1"), data[:_LONGEST_TEXT].decode("utf-8", "replace")
        if name not in _DESCRIBED or not text or text[0] not in _ENCODINGS:
            return None
        encoding, wide, data = _ENCODINGS[text[0]], text[0] in {1, 2}, text[1:]
        if name == b"GEOB":
            data = data.partition(b"\0")[2]
        elif name != b"TXXX":
            data = data[_LANGUAGE:]
        found: list[str] = []
        for _ in range(2 if name == b"GEOB" else 1):
            at = _wide_end(data) if wide else data.find(0)
            if at < 0:
                return None
            found.append(data[:at].decode(encoding, "replace"))
            data = data[at + 1 + wide :]
        return " ".join(found), data[:_LONGEST_TEXT].decode("utf-8" if name == b"GEOB" else encoding, "replace")

    @property
    def packet(self) -> bytes | None:
        """Return the XMP of a PRIV frame."""
        return self.text[4:] if self.name == b"PRIV" and self.text.startswith(_XMP_OWNER) else None

    def labels(self, *, own: bool) -> Iterator[Slot]:
        """Yield the label of the frame."""
        if self.packet is not None:
            yield from from_xmp(self.packet, "ID3 PRIV XMP")
            return
        named = self.texts()
        if named is None:
            # A damaged name or encoding must not hide a label; pictures and files hold none.
            if self.name not in _FILES and len(self.raw) <= _LARGEST_FRAME:
                yield from loose.raw(f"ID3 {self.name.decode()}", bytes(self.raw))
            return
        place = f"ID3 {self.name.decode()}:{named[0]}"
        if KEYWORD in named[0].upper():
            guides = own and self.name in {b"TXXX", b"TXX"} and named[0].upper() == KEYWORD
            yield Slot(place, named[1], () if guides else (Deviation.OTHER_PLACE,))
        elif self.name not in _FILES:
            yield from loose.elsewhere(place, named[1])


@dataclass(frozen=True, slots=True)
class Id3:
    """A tag and where it stands; `size` is that of its frames and padding as they are stored."""

    version: int
    flags: int
    start: int
    size: int
    frames: tuple[Frame, ...] = field(repr=False)

    @staticmethod
    def length(head: bytes) -> int:
        """Return the bytes of a tag from its first ten."""
        if len(head) < _HEAD or head[3] not in {_V2, _V3, _V4}:
            raise unreadable("ID3 版本未知或不完整", "the ID3 tag is incomplete or of an unknown version")
        footer = _HEAD if head[3] == _V4 and head[5] & _FOOTER else 0
        return _HEAD + _syncsafe(head[6:10]) + footer

    @property
    def end(self) -> int:
        """Return the place after the tag."""
        return self.start + _HEAD + self.size + (_HEAD if self.version == _V4 and self.flags & _FOOTER else 0)

    @classmethod
    def at(cls, file: BinaryIO, start: int, held: Held | None = None) -> Id3 | None:
        """Return the tag that begins at a place, if one does; raise UnreadableError for a damaged one."""
        file.seek(start)
        head = file.read(_HEAD)
        if not head.startswith(b"ID3"):
            return None
        size = cls.length(head) - _HEAD
        if held is not None:
            held.take(size)
        data = take(file, start + _HEAD, size)
        return cls.parsed(head, data[: _syncsafe(head[6:10])], start)

    @classmethod
    def parsed(cls, head: bytes, data: bytes, start: int = 0) -> Id3:
        """Return the tag with this head and what follows it."""
        version, flags = head[3], head[5]
        size = len(data)
        if flags & _UNSYNC and version < _V4:
            data = _synchronised(data)
        if version == _V2 and flags & _EXTENDED:
            raise unreadable("压缩的 ID3v2.2 标签", "a compressed ID3v2.2 tag")
        at = 0
        if flags & _EXTENDED:
            if len(data) < _HEAD:
                raise unreadable("ID3 扩展头不完整", "the extended header of the ID3 tag is incomplete")
            at = _syncsafe(data[:4]) if version == _V4 else 4 + int.from_bytes(data[:4], "big")
        return cls(version, flags, start, size, tuple(counted(_frames(data, at, version, flags))))

    def labels(self, *, own: bool = True) -> Iterator[Slot]:
        """Yield the labels; `own` says that the guide wants them here."""
        for frame in self.frames:
            yield from frame.labels(own=own)

    @property
    def labelled(self) -> bool:
        """Say whether a frame holds a label."""
        return next(self.labels(), None) is not None

    def _kept(self) -> Iterator[bytes | memoryview]:
        for frame in self.frames:
            if next(frame.labels(own=True), None) is None:
                yield frame.raw
            elif frame.packet is not None:
                yield _frame(self.version, b"PRIV", _XMP_OWNER + xmp.taken_out(frame.packet))

    def packed(self, value: str | None, *, behind: bool = False) -> bytes:
        """Return the tag's bytes with this label and no other; as long as it was where the padding allows.

        A tag `behind` the audio is found by its footer, and has no padding; nothing is left of it where it has no frames.
        """
        new = () if value is None else (_label(self.version, value),)
        body = b"".join((*self._kept(), *new))
        unsync = self.flags & _UNSYNC
        if unsync and self.version < _V4:
            body = _unsynchronised(body)
        if behind:
            head = bytes([self.version, 0, unsync | _FOOTER]) + _as_syncsafe(len(body))
            return b"ID3" + head + body + b"3DI" + head if body else b""
        # The extended header (a check sum and a size of padding that are no longer so) and the footer go.
        room = self.end - self.start - _HEAD
        size = room if len(body) <= room else len(body) + _PADDING
        if size >= 1 << 28:
            raise unreadable("ID3 标签过大", "the ID3 tag is too large")
        return b"ID3" + bytes([self.version, 0, unsync]) + _as_syncsafe(size) + body.ljust(size, b"\0")

    def others(self) -> Iterator[bytes]:
        """Yield the frames that are no label."""
        return map(bytes, self._kept())


def new_tag(value: str) -> bytes:
    """Return a tag 2.4 that holds a label alone."""
    return Id3(_V4, 0, 0, 0, ()).packed(value)


def _label(version: int, value: str) -> bytes:
    if version == _V4:
        text = b"\3" + KEYWORD.encode() + b"\0" + value.encode()
    elif value.isascii():
        text = b"\0" + KEYWORD.encode() + b"\0" + value.encode()
    else:
        text = b"\1" + KEYWORD.encode("utf-16") + b"\0\0" + value.encode("utf-16")
    return _frame(version, b"TXX" if version == _V2 else b"TXXX", text)


def _frame(version: int, name: bytes, text: bytes) -> bytes:
    if version == _V2:
        return name + len(text).to_bytes(3, "big") + text
    return name + (_as_syncsafe(len(text)) if version == _V4 else len(text).to_bytes(4, "big")) + b"\0\0" + text


def _frames(data: bytes, at: int, version: int, flags: int) -> Iterator[Frame]:
    """Yield the frames of a tag up to its padding; raise UnreadableError where they do not fit."""
    name_length, head = (3, 6) if version == _V2 else (4, _HEAD)
    plain = version == _V4 and _plain_sizes(data, at)
    view = memoryview(data)
    while at + head <= len(data) and data[at]:
        name = data[at : at + name_length]
        if not (name.isalnum() and name.isupper()):
            raise unreadable("ID3 帧名有误", "the name of an ID3 frame is wrong")
        size = _frame_size(data[at + name_length : at + name_length * 2], version, plain=plain)
        end = at + head + size
        if end > len(data):
            raise unreadable("ID3 帧不完整", "a frame of the ID3 tag is incomplete")
        raw: bytes | memoryview = view[at:end]
        if plain:
            raw = name + _as_syncsafe(size) + raw[8:]
        yield Frame(name, raw, _text(name, raw, version, flags))
        at = end
    if data.count(0, at) < len(data) - at:
        raise unreadable("ID3 填充有误", "the padding of the ID3 tag is no padding")


def _frame_size(data: bytes, version: int, *, plain: bool) -> int:
    return _syncsafe(data) if version == _V4 and not plain else int.from_bytes(data, "big")


def _plain_sizes(data: bytes, at: int) -> bool:
    """Say whether a 2.4 tag has sizes of eight bits a byte, as a well-known old program wrote them."""

    def fits(*, plain: bool) -> bool:
        place = at
        while place + _HEAD <= len(data) and data[place]:
            size = data[place + 4 : place + 8]
            if not data[place : place + 4].isalnum() or (not plain and any(one > 0x7F for one in size)):  # noqa: PLR2004 - seven bits
                return False
            place += _HEAD + _frame_size(size, _V4, plain=plain)
        return place <= len(data) and data.count(0, place) == len(data) - place

    return not fits(plain=False) and fits(plain=True)


def _text(name: bytes, raw: bytes | memoryview, version: int, flags: int) -> bytes:
    """Return what a frame that can hold a label holds, with its own packing undone; empty for others, and where it is encrypted."""
    if name not in _DESCRIBED and name not in _BY_SHORT and name != b"PRIV":
        return b""
    if version == _V2:
        return bytes(raw[6:_LARGEST_FRAME])
    data = bytes(raw[_HEAD : (xmp.LONGEST if name == b"PRIV" else _LARGEST_FRAME) + _HEAD])
    form = raw[9]
    if version == _V3:
        packed, locked, skip = form & 0x80, form & 0x40, (4 if form & 0x80 else 0) + (1 if form & 0x20 else 0)
    else:
        packed, locked, skip = form & 0x08, form & 0x04, (1 if form & 0x40 else 0) + (4 if form & 0x01 else 0)
        if form & 0x02 or flags & _UNSYNC:
            data = _synchronised(data)
    if locked:
        return b""
    return inflated(data[skip:], _LARGEST_FRAME) if packed else data[skip:]
