"""The `meta` box of MP4 and QuickTime: a handler, `keys` with names, `ilst` with values.

With the handler `mdta` an item's type is the number of its key; with `mdir` (iTunes) it is a name of
four characters, or `----` with a name of its own. QuickTime File Format, "Metadata"; TC260-PG-20257A 6.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hegui.service.labels.container import Slot, unreadable
from hegui.service.labels.containers.bmff import HEAD, pack
from hegui.service.labels.containers.splice import counted
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_KEY = KEYWORD.encode()
_TEXT = b"\0\0\0\1" + bytes(4)
"""UTF-8, no locale."""
_OTHER = Deviation.OTHER_PLACE


def inside(data: bytes, at: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of the boxes in bytes; raise UnreadableError. Zeros at the end are no box."""
    while at < len(data):
        if not any(data[at : at + 4]) and len(data) - at <= HEAD:
            return
        size = int.from_bytes(data[at : at + 4], "big")
        if size < HEAD or at + size > len(data):
            raise unreadable("MP4 的 meta 损坏", "the meta box of the MP4 is damaged")
        yield data[at + 4 : at + 8], data[at + HEAD : at + size]
        at += size


@dataclass(frozen=True, slots=True)
class Item:
    """One value: its key's name (empty where it has none), its type as it stands, and its boxes."""

    key: bytes
    kind: bytes
    data: bytes

    @property
    def value(self) -> bytes:
        """Return the first value."""
        return next((data[8:] for kind, data in inside(self.data) if kind == b"data"), b"")

    @property
    def name(self) -> bytes:
        """Return the name of a free item of iTunes."""
        if self.kind != b"----":
            return b""
        return next((data[4:] for kind, data in inside(self.data) if kind == b"name"), b"")

    def notes(self) -> tuple[Deviation, ...] | None:
        """Return how a label in this item differs from the guide's; None when it is no label."""
        if _KEY in self.key.upper():
            return () if self.key == _KEY else (_OTHER,)
        if _KEY in self.name.upper() or self.kind.upper() == _KEY:
            return (_OTHER,)
        value = self.value
        looks = value.lstrip(b"\0 \t\r\n").startswith(b"{") and len(value) <= LONGEST_VALUE
        named = b'"AIGC"' in value or (b'"Label"' in value and b'"ContentProducer"' in value)
        return (Deviation.NO_KEY, _OTHER) if looks and named else None

    def title(self) -> str:
        """Return what the item is called."""
        return (self.key or self.name or self.kind).decode("latin-1")


@dataclass(frozen=True, slots=True)
class Meta:
    """A `meta` box: what stands before its boxes (version and flags in MP4, nothing in QuickTime), and its boxes."""

    version: bytes
    boxes: tuple[tuple[bytes, bytes], ...]
    keys: tuple[bytes, ...]
    """Keys with their namespace, as they stand."""
    items: tuple[Item, ...]

    @property
    def handler(self) -> bytes:
        """Return the kind of the handler."""
        return next((data[8:12] for kind, data in self.boxes if kind == b"hdlr"), b"")

    @property
    def keyed(self) -> bool:
        """Say whether its items have keys."""
        return self.handler == b"mdta"

    @property
    def others(self) -> tuple[Item, ...]:
        """Return the items that are no label."""
        return tuple(item for item in self.items if item.notes() is None)

    @property
    def labelled(self) -> bool:
        """Say whether an item is a label."""
        return len(self.others) < len(self.items)

    def labels(self, place: str) -> Iterator[Slot]:
        """Yield the labels; the guide wants them in moov.udta.meta."""
        for item in self.items:
            notes = item.notes()
            if notes is not None:
                if place != "moov.udta.meta" and _OTHER not in notes:
                    notes = (*notes, _OTHER)
                yield Slot(f"{place} {item.title()}", item.value, notes)

    def put(self, value: str | None) -> bytes:
        """Return the bytes of the box with this label and no other; nothing where nothing would be left in it."""
        items = list(self.others)
        if value is None and not items and self.keyed:
            return b""
        if value is not None:
            items.append(Item(_KEY, b"", pack(b"data", _TEXT, value.encode())))
        if not self.keyed:
            listed = b"".join(pack(item.kind, item.data) for item in items)
            return self._packed({b"ilst": listed})
        gone = {int.from_bytes(item.kind, "big") for item in self.items if item.notes() is not None}
        kept = [number for number in range(1, len(self.keys) + 1) if number not in gone]
        names = [pack(self.keys[number - 1][:4], self.keys[number - 1][4:]) for number in kept]
        if value is not None:
            names.append(pack(b"mdta", _KEY))
        places = {number: new for new, number in enumerate(kept, 1)}
        parts: list[bytes] = []
        for item in items:
            number = places.get(int.from_bytes(item.kind, "big"), 0) if item.kind else len(names)
            parts.append(pack(number.to_bytes(4, "big") if number else item.kind, item.data))
        keys = bytes(4) + len(names).to_bytes(4, "big") + b"".join(names)
        return self._packed({b"keys": keys, b"ilst": b"".join(parts)})

    def _packed(self, new: dict[bytes, bytes]) -> bytes:
        there = {kind for kind, _ in self.boxes}
        parts = [pack(kind, new.get(kind, data)) for kind, data in self.boxes]
        parts += [pack(kind, data) for kind, data in new.items() if kind not in there]
        return pack(b"meta", self.version, *parts)


def parse(data: bytes) -> Meta:
    """Return the box with these data; raise UnreadableError."""
    start = 0 if data[4:8] == b"hdlr" else 4
    found = tuple(counted(inside(data, start)))
    named = dict(reversed(found))
    keyed = named.get(b"hdlr", b"")[8:12] == b"mdta"
    keys = tuple(kind + name for kind, name in counted(inside(named[b"keys"], 8))) if keyed and b"keys" in named else ()
    items = []
    for kind, body in counted(inside(named.get(b"ilst", b""))):
        number = int.from_bytes(kind, "big")
        key = keys[number - 1][4:] if keyed and 0 < number <= len(keys) else b""
        items.append(Item(key, kind, body))
    return Meta(data[:start], found, keys, tuple(items))


def new_meta(value: str) -> bytes:
    """Return a `meta` box that holds a label alone, as ffmpeg with `use_metadata_tags` writes it."""
    handler = bytes(8) + b"mdta" + bytes(13)
    return Meta(bytes(4), ((b"hdlr", handler),), (), ()).put(value)
