"""Texts of a PNG (tEXt, zTXt, iTXt): which hold a label, and what is left of one without it.

Under the keyword `AIGC` as annex B has it, or one like it; as XMP or EXIF in a text of another name or in the raw
profile of a well-known program; and in a comment or description. PNG (ISO/IEC 15948) clause 11.3.4.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from hegui.service.labels import exif, lenient, loose, xmp
from hegui.service.labels.container import Held, Slot, inflated, unreadable
from hegui.service.labels.schema import KEYWORD, Deviation

XMP = b"XML:com.adobe.xmp"
LARGEST = 16 << 20
"""Most bytes that a text which can hold a label may unpack to."""
_PEEK = 2048
"""Bytes by which it is told whether a text of another name is a label: a workflow can be long."""
_NAME = KEYWORD.encode()
_PROFILE = re.compile(rb"raw profile type (xmp|exif|app1)\Z", re.IGNORECASE)
_PROFILED = re.compile(rb"\s*+[\w.-]++\s++(\d{1,9}+)\s++([0-9a-fA-F\s]*+)\Z")
_APP1 = b"http://ns.adobe.com/xap/1.0/\0"
_MARKS = (b"<?xpacket", b"<x:xmpmeta", b"<rdf:RDF", b"<?xml")
_LINE = 72
_SPACES = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Text:
    """A text: its keyword, what stands between that and the text, whether it is compressed, and its bytes as they stand."""

    kind: bytes
    keyword: bytes
    head: bytes
    packed: bool
    body: bytes

    def whole(self, held: Held) -> bytes:
        """Return the text; raise UnreadableError for one that is damaged or too large, or for too many."""
        text = inflated(self.body, LARGEST) if self.packed else self.body
        held.take(len(text))
        return text

    def beginning(self) -> bytes:
        """Return the beginning of the text; nothing of one that is damaged."""
        if not self.packed:
            return self.body[:_PEEK]
        try:
            return zlib.decompressobj().decompress(self.body, _PEEK)
        except zlib.error:
            return b""

    def with_text(self, text: bytes) -> bytes:
        """Return the chunk's data with another text."""
        return self.keyword + b"\0" + self.head + (zlib.compress(text) if self.packed else text)

    @property
    def place(self) -> str:
        """Return where it stands, in words."""
        return f"{self.kind.decode()} {self.keyword.decode('latin-1')}"


def parsed(kind: bytes, data: bytes) -> Text:
    """Return what a chunk holds; raise UnreadableError for one without a keyword."""
    keyword, found, rest = data.partition(b"\0")
    if not found:
        raise unreadable(f"{kind.decode()} 块没有关键词", f"a {kind.decode()} chunk has no keyword")
    if kind == b"zTXt":
        return Text(kind, keyword, rest[:1], packed=True, body=rest[1:])
    if kind == b"iTXt":
        text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        return Text(kind, keyword, rest[: len(rest) - len(text)], packed=rest[:1] == b"\1", body=text)
    return Text(kind, keyword, b"", packed=False, body=rest)


def labels(text: Text, held: Held) -> tuple[tuple[Slot, ...], bytes]:
    """Return the labels of a text, and the chunk's data without them, nothing where nothing is left; raise UnreadableError."""
    if _NAME in text.keyword.upper():
        own = text.kind == b"tEXt" and text.keyword == _NAME
        slot = Slot(text.place, text.whole(held), () if own else (Deviation.OTHER_PLACE,))
        return ((slot,), b"") if lenient.read(slot.place, slot.value, *slot.notes) else ((), b"")
    if match := _PROFILE.match(text.keyword):
        return _profile(text, match[1].lower(), held)
    head = text.beginning()
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_MARKS):
        packet = text.whole(held)
        return _packet(text.place, packet, text.with_text) if _NAME in packet else ((), b"")
    if b"{" in head and loose.label_in(head.decode("utf-8", "replace")):
        return tuple(loose.elsewhere(text.place, text.whole(held))), b""
    return (), b""


def _packet(place: str, packet: bytes, put: Callable[[bytes], bytes]) -> tuple[tuple[Slot, ...], bytes]:
    found = tuple(
        Slot(slot.place, slot.value, tuple(dict.fromkeys((*slot.notes, Deviation.OTHER_PLACE))))
        for slot in xmp.read(packet, place)
    )
    return found, put(xmp.blanked(packet)) if found else b""


def _profile(text: Text, kind: bytes, held: Held) -> tuple[tuple[Slot, ...], bytes]:
    """Return the labels of a profile in hexadecimal lines: XMP or EXIF, as the segment of a JPEG or without its head."""
    whole = text.whole(held)
    match = _PROFILED.match(whole)
    digits = match[2].translate(None, _SPACES) if match else b""
    data = bytes.fromhex(digits.decode()) if len(digits) % 2 == 0 else b""
    if match is None or len(data) != int(match[1]):
        raise unreadable("PNG 的 Raw profile 损坏", "a raw profile of the PNG is damaged")

    def put(new: bytes) -> bytes:
        lines = new.hex().encode()
        rows = b"\n".join(lines[at : at + _LINE] for at in range(0, len(lines), _LINE))
        return text.with_text(whole[: match.start(2)] + rows + b"\n")

    head = _APP1 if data.startswith(_APP1) else b""
    if kind == b"exif" or (kind == b"app1" and not head):
        if not data.startswith((exif.PREFIX, b"II", b"MM")):
            return (), b""
        found = tuple(item.slot for item in exif.found_in(data))
        notes = Deviation.OTHER_PLACE
        slots = tuple(
            Slot(f"{text.place} {one.place}", one.value, tuple(dict.fromkeys((*one.notes, notes)))) for one in found
        )
        return slots, put(exif.blanked(data)) if slots else b""
    return _packet(text.place, data[len(head) :], lambda packet: put(head + packet))
