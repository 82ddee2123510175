"""XMP beside a file (`.xmp`), or as plain XML: the whole file is the packet that holds `TC260:AIGC`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from hegui.service.labels import xmp
from hegui.service.labels.container import Slot, unreadable

_MARKS = (b"<x:xmpmeta", b"adobe:ns:meta/")


class Sidecar:
    """The container XMP."""

    name = "xmp"
    suffixes = frozenset({".xmp", ".xml"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as an XMP packet, in UTF-8 or UTF-16."""
        text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
        return text.startswith(b"<?xpacket") or (text.startswith(b"<") and any(mark in text for mark in _MARKS))

    def _packet(self, file: BinaryIO) -> bytes:
        file.seek(0)
        packet = file.read(xmp.LONGEST + 1)
        if len(packet) > xmp.LONGEST:
            raise unreadable("XMP 过大", "the XMP is too large")
        return packet

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the packet."""
        yield from xmp.read(self._packet(file), "XMP")

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the packet."""
        target.write(xmp.put(self._packet(source), value))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield what else the packet says."""
        yield xmp.rest(self._packet(file))
