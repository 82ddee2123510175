"""FLV: the label is the text property `AIGC` of the script tag onMetaData (TC260-PG-20257A).

Adobe Flash Video File Format 10.1, annex E; AMF 0. Lists of key frames in onMetaData hold places in
the file: they move with it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from hegui.service.labels import loose
from hegui.service.labels.container import Held, Slot, not_writable, pieces, unreadable
from hegui.service.labels.containers.splice import Edit, Moves, apply, counted, from_xmp, size_of, take
from hegui.service.labels.schema import KEYWORD, Deviation

_TAG, _BACK = 11, 4
_SCRIPT, _KINDS = 18, {8, 9, 18}
_ON_META = b"\x02\x00\x0aonMetaData"
_ON_XMP = b"\x02\x00\x09onXMPData"
_LONGEST_SCRIPT = 1 << 20
_NUMBER, _TEXT, _OBJECT, _ECMA, _ARRAY, _LONG_TEXT = 0, 2, 3, 8, 10, 12
_FIXED = {0: 8, 1: 1, 5: 0, 6: 0, 7: 2, 11: 10, 13: 0}
_END = b"\0\0\x09"
_DEEPEST = 16
_SHORT = 0xFFFF
_LONGEST = (1 << 24) - 1
_MOST_HELD = 16 << 20
"""Most bytes of all onMetaData; that of a day with a key frame every second has 1.6 million."""
_MOST_VALUES = 1_000_000
_PLACES = {b"filepositions", b"filesize", b"lastkeyframelocation"}


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: int
    at: int
    length: int

    @property
    def end(self) -> int:
        return self.at + _TAG + self.length + _BACK


@dataclass(slots=True)
class _Meta:
    """The properties of a script tag `onMetaData`: name, and bytes of name and value."""

    data: bytes
    kind: int
    count: int
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Where in `data` numbers stand that are places in the file."""
    tail: bytes = b""

    def packed(self, value: str | None) -> bytes:
        """Return the tag's data with this label and no other."""
        kept = [raw for name, raw in self.properties if _label(name, raw) is None]
        new = []
        if value is not None:
            text = value.encode()
            kind = bytes([_TEXT]) + struct.pack(">H", len(text))
            if len(text) > _SHORT:
                kind = bytes([_LONG_TEXT]) + struct.pack(">I", len(text))
            new = [struct.pack(">H", len(KEYWORD)) + KEYWORD.encode() + kind + text]
        count = max(self.count + len(kept) + len(new) - len(self.properties), 0)
        head = _ON_META + bytes([self.kind]) + (struct.pack(">I", count) if self.kind == _ECMA else b"")
        return b"".join((head, *kept, *new, _END, self.tail))


def _label(name: bytes, raw: bytes) -> Slot | None:
    """Return the label that a property is: one of the keyword's name, or a text that is one."""
    place = f"onMetaData {name.decode('utf-8', 'replace')}"
    kind = raw[2 + len(name)]
    if KEYWORD.encode() not in name.upper():
        return next(loose.elsewhere(place, _text(raw, name)), None) if kind in {_TEXT, _LONG_TEXT} else None
    notes = () if name.upper() == KEYWORD.encode() else (Deviation.OTHER_PLACE,)
    if kind in {_OBJECT, _ECMA}:
        return Slot(place, _object(raw, name), (*notes, Deviation.NOT_JSON))
    return Slot(place, _text(raw, name), notes)


def _object(raw: bytes, name: bytes) -> str:
    """Return the texts of an object as JSON: some writers put the fields as properties of their own."""
    at = 2 + len(name)
    start = at + (5 if raw[at] == _ECMA else 1)
    found = {
        key.decode("utf-8", "replace"): _text(raw[begin:end], key).decode("utf-8", "replace")
        for key, begin, end in counted(_Walk(raw).properties(start, 1))
        if raw[begin + 2 + len(key)] in {_TEXT, _LONG_TEXT}
    }
    return json.dumps(found, ensure_ascii=False)


class _Walk:
    """One pass over AMF 0 data, noting numbers that are places in the file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.places: list[int] = []
        self._left = _MOST_VALUES

    def part(self, at: int, length: int) -> bytes:
        if at + length > len(self.data):
            raise unreadable("FLV 元数据不完整", "the FLV's metadata are incomplete")
        return self.data[at : at + length]

    def number(self, at: int, length: int) -> int:
        return int.from_bytes(self.part(at, length), "big")

    def properties(self, at: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield name, begin and end of each property, up to the end marker."""
        while self.part(at, 3) != _END:
            length = self.number(at, 2)
            name = self.part(at + 2, length)
            end = self.value(at + 2 + length, name, depth)
            yield name, at, end
            at = end

    def value(self, at: int, name: bytes, depth: int = 0) -> int:
        """Return the place after a value."""
        kind = self.number(at, 1)
        at += 1
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise unreadable("FLV 元数据嵌套过深或过多", "the FLV's metadata are nested too deep, or too many")
        if kind == _NUMBER and name in _PLACES:
            self.places.append(at)
        if kind in _FIXED:
            self.part(at, _FIXED[kind])
            return at + _FIXED[kind]
        if kind in {_TEXT, _LONG_TEXT}:
            width = 2 if kind == _TEXT else 4
            length = self.number(at, width)
            self.part(at + width, length)
            return at + width + length
        if kind in {_OBJECT, _ECMA}:
            at += 4 if kind == _ECMA else 0
            for _, _, at in self.properties(at, depth + 1):  # noqa: B007, B020 - the last end is wanted
                pass
            return at + len(_END)
        if kind == _ARRAY:
            count, at = self.number(at, 4), at + 4
            for _ in range(count):
                at = self.value(at, name, depth + 1)
            return at
        raise unreadable(f"FLV 元数据有不认识的类型 {kind}", f"the FLV's metadata have a value of unknown kind {kind}")


def _meta(data: bytes) -> _Meta | None:
    """Return the properties of a script tag, if it is `onMetaData`; raise UnreadableError."""
    if not data.startswith(_ON_META):
        return None
    walk = _Walk(data)
    at = len(_ON_META)
    kind = walk.number(at, 1)
    if kind not in {_OBJECT, _ECMA}:
        raise unreadable("FLV 的 onMetaData 不是数组", "the FLV's onMetaData is no array")
    count = walk.number(at + 1, 4) if kind == _ECMA else 0
    found = _Meta(data, kind, count, places=walk.places)
    end = at + (5 if kind == _ECMA else 1)
    for name, start, after in counted(walk.properties(end, 0)):
        found.properties.append((name, data[start:after]))
        end = after
    found.tail = data[end + len(_END) :]
    return found


def _text(raw: bytes, name: bytes) -> bytes:
    """Return the text of a property; what is no text as it stands."""
    value = raw[2 + len(name) :]
    if value[0] == _TEXT:
        return value[3:]
    return value[5:] if value[0] == _LONG_TEXT else value


class Flv:
    """The container FLV."""

    name = "flv"
    suffixes = frozenset({".flv"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as an FLV."""
        return head.startswith(b"FLV\x01")

    def _tags(self, file: BinaryIO) -> Iterator[_Tag]:
        """Yield the tags; raise UnreadableError where they do not fit together."""
        head = take(file, 0, 9)
        at, size = int.from_bytes(head[5:], "big") + _BACK, size_of(file)
        if not head.startswith(b"FLV") or at > size:
            raise unreadable("不是 FLV", "is no FLV")
        while at < size:
            file.seek(at)
            head = file.read(_TAG)
            found = _Tag(head[0] & 0x1F, at, int.from_bytes(head[1:4], "big"))
            if len(head) < _TAG or found.kind not in _KINDS or found.end > size:
                raise unreadable(f"FLV 在第 {at} 字节处损坏或不完整", f"the FLV is damaged or incomplete at byte {at}")
            yield found
            at = found.end

    def _metas(self, file: BinaryIO) -> Iterator[tuple[_Tag, _Meta | None]]:
        held = Held(_MOST_HELD)
        for tag in self._tags(file):
            script = tag.kind == _SCRIPT and take(file, tag.at + _TAG, min(tag.length, len(_ON_META))) == _ON_META
            yield tag, _meta(take(file, tag.at + _TAG, held.take(tag.length))) if script else None

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of every onMetaData, and of packets of XMP."""
        for tag, meta in self._metas(file):
            for name, raw in meta.properties if meta else ():
                if (slot := _label(name, raw)) is not None:
                    yield slot
            if meta is None and tag.kind == _SCRIPT:
                yield from self._packet(file, tag)

    @staticmethod
    def _packet(file: BinaryIO, tag: _Tag) -> Iterator[Slot]:
        """Yield the labels of a script tag that holds a packet of XMP."""
        data = take(file, tag.at + _TAG, min(tag.length, _LONGEST_SCRIPT))
        start, end = data.find(b"<"), data.rfind(b">") + 1
        if data.startswith(_ON_XMP) and start >= 0 and KEYWORD.encode() in data:
            yield from from_xmp(data[start:end], "onXMPData")

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the property into the first onMetaData, or a new one before the first tag."""
        metas: list[tuple[_Tag, _Meta]] = []
        start = int.from_bytes(take(source, 5, 4), "big") + _BACK
        for tag, meta in self._metas(source):
            if meta is not None:
                metas.append((tag, meta))
            elif tag.kind == _SCRIPT and any(self._packet(source, tag)):
                raise not_writable("标识在 onXMPData 里", "its label is in onXMPData")
        if not metas:
            metas.append((_Tag(_SCRIPT, start, -_TAG - _BACK), _Meta(b"", _ECMA, 0)))
        packed = [meta.packed(None if number else value) for number, (_, meta) in enumerate(metas)]
        edits = [_tag_edit(source, tag, data) for (tag, _), data in zip(metas, packed, strict=True)]
        moves = Moves(edits)
        new = []
        for number, (tag, meta) in enumerate(metas):
            moved = _moved(meta, moves).packed(None if number else value)
            new.append(_tag_edit(source, tag, moved))
        apply(source, target, new)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every tag, less the label and the places in onMetaData."""
        for tag, meta in self._metas(file):
            if meta is None:
                yield from pieces(file, tag.at, tag.end - tag.at)
                continue
            blank = bytearray(meta.data)
            for at in meta.places:
                blank[at : at + 8] = bytes(8)
            same = _meta(bytes(blank))
            yield from (raw for name, raw in same.properties if _label(name, raw) is None) if same else ()


def _tag_edit(source: BinaryIO, tag: _Tag, data: bytes) -> Edit:
    if len(data) > _LONGEST:
        raise unreadable("FLV 元数据过大", "the FLV's metadata are too large")
    rest = take(source, tag.at + 4, 7) if tag.length >= 0 else bytes(7)
    head = bytes([_SCRIPT]) + len(data).to_bytes(3, "big") + rest
    return Edit(tag.at, tag.end - tag.at, head + data + (len(data) + _TAG).to_bytes(4, "big"))


def _moved(meta: _Meta, moves: Moves) -> _Meta:
    """Return the properties with places in the file moved; what is no whole number stays."""
    data = bytearray(meta.data)
    for at in meta.places:
        place = struct.unpack_from(">d", data, at)[0]
        if place > 0 and place.is_integer() and place < 1 << 53:
            struct.pack_into(">d", data, at, float(moves.one(int(place))))
    return _meta(bytes(data)) or meta
