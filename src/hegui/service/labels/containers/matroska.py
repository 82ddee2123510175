"""MKV and WebM: the label is Segment.Tags.Tag.SimpleTag with TagName `AIGC` (TC260-PG-20257A; RFC 9559).

Clusters and cues do not move. Tags are rewritten where they stand if they fit with the Void behind
them; else they become Void, the new ones follow the last cluster, and SeekHead says where. A live
recording without SeekHead and Cues has no places in it: there the tags go before the first cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from hegui.service.labels import loose
from hegui.service.labels.container import MOST_SLOTS, Slot, not_writable, once, pieces, unreadable
from hegui.service.labels.containers import ebml
from hegui.service.labels.containers.ebml import CRC, VOID, Element, packed
from hegui.service.labels.containers.splice import LARGEST, MOST_PARTS, Edit, apply, counted, size_of, take
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_EBML, _SEGMENT, _SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_AT = 0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
_INFO, _TRACKS, _CLUSTER, _CUES, _CHAPTERS, _ATTACHMENTS = (
    0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B, 0x1043A770, 0x1941A469,
)  # fmt: skip
_TAGS, _TAG, _TARGETS, _SIMPLE, _NAME, _STRING, _BINARY = 0x1254C367, 0x7373, 0x63C0, 0x67C8, 0x45A3, 0x4487, 0x4485
_TOP = {_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES, _CHAPTERS, _ATTACHMENTS, _TAGS}
_ATTACHED, _FILE_NAME, _FILE_DATA = 0x61A7, 0x466E, 0x465C
_OTHER = Deviation.OTHER_PLACE
_DEEPEST = 8
_LONGEST_NAME, _PEEK = 1024, 4096
_LONGEST_STRAY = 4 << 20
_MOST_MASTERS = 256
_LARGEST_VOID = 1 << 20


def _id(kind: int) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big")


@dataclass(slots=True)
class _Master:
    """SeekHead or Tags in bytes: its parts without check sum and nothing, and the room it may take."""

    at: int
    size: int
    parts: list[tuple[int, bytes, bytes]]
    crc: bool
    room: int = 0
    last: bool = False


@dataclass(slots=True)
class _Layout:
    """What of a Segment matters for a label."""

    segment: Element
    end: int
    seek_heads: list[_Master] = field(default_factory=list)
    tags: list[_Master] = field(default_factory=list)
    first_cluster: int = 0
    cues: bool = False
    crc: Element | None = None
    attached: list[Slot] = field(default_factory=list)
    strays: list[Slot] = field(default_factory=list)
    """Labels in elements whose ids are not known: a damaged id must not hide what it names."""


def _segment(file: BinaryIO) -> tuple[Element, int]:
    """Return the Segment and its end; raise UnreadableError."""
    size = size_of(file)
    head = ebml.element(file, 0, size)
    at = head.end
    while head.id == _EBML and head.size is not None and at < size:
        found = ebml.element(file, at, size)
        if found.id == _SEGMENT:
            return found, size if found.size is None else found.end
        if found.size is None or found.id != VOID:
            break
        at = found.end
    raise unreadable("不是 Matroska，或没有 Segment", "is no Matroska, or has no Segment")


def _top(file: BinaryIO, segment: Element, end: int) -> Iterator[tuple[Element, int]]:
    """Yield the elements below Segment with their ends; clusters of unknown size end where the next top one begins."""
    at = segment.data
    while at < end:
        found = ebml.element(file, at, end)
        at = found.end
        if found.size is None:
            if found.id != _CLUSTER:
                raise unreadable("Matroska 元素长度未知", "an element of the Matroska has no size")
            while at < end:
                inner = ebml.element(file, at, end)
                if inner.id in _TOP:
                    break
                if inner.size is None:
                    raise unreadable("Matroska 元素长度未知", "an element of the Matroska has no size")
                at = inner.end
        yield found, at


def _master(file: BinaryIO, item: Element, most: int) -> _Master:
    parts = list(counted(ebml.parsed(take(file, item.data, item.size or 0)), most))
    kept = [part for part in parts if part[0] not in {CRC, VOID}]
    size = item.end - item.at
    return _Master(item.at, size, kept, any(part[0] == CRC for part in parts), size)


def _attached(file: BinaryIO, item: Element) -> Iterator[Slot]:
    """Yield labels that are attached as a file: its name or type says so, or what it holds; raise UnreadableError."""
    for one in counted(ebml.children(file, item.data, item.end)):
        name, at, length = "", 0, 0
        for part in ebml.children(file, one.data, one.end) if one.id == _ATTACHED else ():
            if part.id == _FILE_NAME:
                name = take(file, part.data, min(part.size or 0, _LONGEST_NAME)).decode("utf-8", "replace")
            elif part.id == _FILE_DATA:
                at, length = part.data, part.size or 0
        if length:
            own = KEYWORD in name.upper()
            value = take(file, at, min(length, LONGEST_VALUE if own else _PEEK))
            yield from (
                [Slot(f"Attachments {name}", value, (_OTHER,))]
                if own
                else loose.elsewhere(f"Attachments {name}", value)
            )


def _layout(file: BinaryIO) -> _Layout:
    segment, end = _segment(file)
    found = _Layout(segment, end)
    before: _Master | None = None
    known = held = 0
    left = MOST_PARTS
    for item, after in _top(file, segment, end):
        if item.id == VOID and before is not None and before.room + after - item.at <= before.size + _LARGEST_VOID:
            before.room += after - item.at
            continue
        before = None
        known += item.id in {_TRACKS, _CLUSTER, _INFO}
        if item.id in {_SEEK_HEAD, _TAGS}:
            before = _master(file, item, left)
            before.last = after == end
            left -= len(before.parts) + 1
            held += before.size
            if held > LARGEST or len(found.tags) + len(found.seek_heads) > _MOST_MASTERS:
                raise unreadable("Matroska 标签过多", "the Matroska has too many tags")
            (found.tags if item.id == _TAGS else found.seek_heads).append(before)
        elif item.id == _CLUSTER:
            found.first_cluster = found.first_cluster or item.at
        elif item.id == CRC:
            found.crc = item
        elif item.id == _ATTACHMENTS:
            found.attached += islice(_attached(file, item), MOST_SLOTS - len(found.attached))
        elif item.id not in _TOP | {VOID} and after - item.at <= _LONGEST_STRAY:
            strays = loose.raw(f"Segment.{item.id:X}", take(file, item.data, item.end - item.data))
            found.strays += islice(strays, MOST_SLOTS - len(found.strays))
        found.cues = found.cues or item.id == _CUES
    if not known:
        raise unreadable("Matroska 没有内容", "the Matroska has no contents")
    return found


# --- tags ----------------------------------------------------------------------------------------------


def _named(simple: bytes) -> tuple[str, bytes]:
    """Return name and value of a SimpleTag."""
    name, value = "", b""
    for kind, data, _ in ebml.parsed(simple):
        if kind == _NAME:
            name = data.rstrip(b"\0").decode("utf-8", "replace")
        elif kind in {_STRING, _BINARY}:
            value = data
    return name, value


def _labels(data: bytes, place: str, depth: int = 0) -> Iterator[Slot]:
    """Yield the labels of a Tag, in SimpleTags of any depth; the guide wants it on the whole file, at the top."""
    if depth > _DEEPEST:
        raise unreadable("Matroska 标签嵌套过深", "the tags of the Matroska are nested too deep")
    whole = not depth and not any(kind == _TARGETS and _of_a_part(inner) for kind, inner, _ in ebml.parsed(data))
    for kind, inner, _ in ebml.parsed(data):
        if kind != _SIMPLE:
            continue
        name, value = _named(inner)
        slot = _slot(name, value, place, whole=whole)
        if slot is not None:
            yield slot
        yield from _labels(inner, place, depth + 1)


def _slot(name: str, value: bytes, place: str, *, whole: bool) -> Slot | None:
    """Return the label that a SimpleTag is: one of the keyword's name, or a text that is one."""
    if KEYWORD in name.upper():
        return Slot(f"{place} {name}", value, () if whole and name.upper() == KEYWORD else (_OTHER,))
    return next(loose.elsewhere(f"{place} {name}", value), None)


def _of_a_part(targets: bytes) -> bool:
    """Say whether targets name tracks, editions, chapters or attachments."""
    return any(kind in {0x63C5, 0x63C9, 0x63C4, 0x63C6} and any(data) for kind, data, _ in ebml.parsed(targets))


def _bared(kind: int, data: bytes, raw: bytes) -> bytes:
    """Return a Tag or SimpleTag without labels; nothing where nothing is left."""
    if next(_labels(data, ""), None) is None:
        return raw
    kept = []
    for inner_kind, inner, inner_raw in ebml.parsed(data):
        if inner_kind == _SIMPLE and _slot(*_named(inner), "", whole=True) is not None:
            continue
        kept.append((inner_kind, _bared(inner_kind, inner, inner_raw) if inner_kind in {_TAG, _SIMPLE} else inner_raw))
    if kind == _TAG and not any(one == _SIMPLE for one, _ in kept):
        return b""
    return packed(kind, b"".join(one for inner_kind, one in kept if inner_kind != CRC))


def _strays(layout: _Layout) -> list[Slot]:
    """Return labels in elements whose ids are not known, also among the tags."""
    inside = (slot for master in layout.tags for _, _, raw in master.parts for slot in loose.raw("Tags", bytes(raw)))
    return [*layout.strays, *islice(inside, MOST_SLOTS)]


def _others(master: _Master) -> bytes:
    return b"".join(_bared(*part) if part[0] == _TAG else part[2] for part in master.parts)


def _label(value: str) -> bytes:
    simple = packed(_NAME, KEYWORD.encode()) + packed(_STRING, value.encode())
    return packed(_TAG, packed(_TARGETS, b"") + packed(_SIMPLE, simple))


# --- seek heads ----------------------------------------------------------------------------------------


def _entry(kind: int, place: int) -> bytes:
    return packed(_SEEK, packed(_SEEK_ID, _id(kind)) + packed(_SEEK_AT, place.to_bytes(8, "big")))


def _points(raw: bytes) -> tuple[bytes, int]:
    """Return what an entry of a SeekHead points to."""
    parts = {kind: data for kind, data, _ in ebml.parsed(raw)}
    return parts.get(_SEEK_ID, b""), int.from_bytes(parts.get(_SEEK_AT, b""), "big")


def _without(head: _Master, place: int) -> list[bytes]:
    """Return the entries of a SeekHead but that of the tags at a place."""
    return [raw for _, data, raw in head.parts if _points(data) != (_id(_TAGS), place)]


def _head(entries: list[bytes], *, crc: bool) -> bytes:
    return packed(_SEEK_HEAD, ebml.checked(b"".join(entries), crc=crc))


class Matroska:
    """The containers MKV and WebM."""

    name = "matroska"
    suffixes = frozenset({".mkv", ".mka", ".mks", ".mk3d", ".webm"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as EBML."""
        return head.startswith(_id(_EBML))

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of every Tags, and of what is attached; where there are none, those in elements not known."""
        layout = once(file, _layout)
        found = list(layout.attached)
        for master in layout.tags:
            for kind, data, _ in master.parts:
                if kind == _TAG:
                    found += _labels(data, "Tags.Tag.SimpleTag")
        yield from found
        if not loose.means(found):
            yield from _strays(layout)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the SimpleTag among the tags; see above for where they go."""
        layout = once(source, _layout)
        if layout.attached or (_strays(layout) and all(slot in _strays(layout) for slot in self.read(source))):
            raise not_writable(
                "标识在附件或认不出的元素里", "its label is attached, or in an element that is not known"
            )
        edits = _edits(layout, value)
        segment, tail = layout.segment, layout.end
        if layout.crc is not None:
            edits.append(Edit(layout.crc.at, layout.crc.end - layout.crc.at, ebml.void(layout.crc.end - layout.crc.at)))
        if segment.size is not None:
            size = tail - segment.data + sum(edit.growth for edit in edits)
            edits.append(Edit(segment.data - segment.width, segment.width, ebml.size_bytes(size, segment.width)))
        apply(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all elements but SeekHead, Void, check sums and the label among the tags."""
        segment, end = _segment(file)
        yield from pieces(file, 0, segment.at)
        others: list[bytes] = []
        for item, after in _top(file, segment, end):
            if item.id == _TAGS:
                others.append(_others(_master(file, item, MOST_PARTS)))
            elif item.id not in {_SEEK_HEAD, VOID, CRC}:
                yield from pieces(file, item.at, after - item.at)
        yield from others
        yield from pieces(file, end, size_of(file) - end)


def _edits(layout: _Layout, value: str) -> list[Edit]:
    """Return the edits for a label: tags where they fit, else at the end, and the SeekHead that finds them."""
    edits: list[Edit] = []
    labelled = [item for item in layout.tags if _others(item) != b"".join(raw for _, _, raw in item.parts)]
    chosen = next(iter(labelled or layout.tags), None)
    for item in labelled:
        if item is not chosen:
            others = _others(item)
            new = packed(_TAGS, ebml.checked(others, crc=item.crc)) if others else b""
            # A label takes out far more than the two bytes that the smallest Void needs.
            edits.append(Edit(item.at, item.size, ebml.filled(new, item.size) or new))
    body = (_others(chosen) if chosen else b"") + _label(value)
    tags = packed(_TAGS, ebml.checked(body, crc=chosen.crc if chosen else False))
    if chosen is not None:
        fixed = ebml.filled(tags, chosen.room)
        if chosen.last or (fixed is None and not layout.seek_heads and not layout.cues):
            return [*edits, Edit(chosen.at, chosen.size, tags)]
        if fixed is not None:
            return [*edits, Edit(chosen.at, chosen.room, fixed)]
        edits.append(Edit(chosen.at, chosen.room, ebml.void(chosen.room)))
    elif not layout.seek_heads and not layout.cues and layout.first_cluster:
        return [Edit(layout.first_cluster, 0, tags)]
    return edits + _at_the_end(layout, chosen.at - layout.segment.data if chosen else -1, tags)


def _at_the_end(layout: _Layout, old: int, tags: bytes) -> list[Edit]:
    """Return the edits that put tags at the end, and their entry into the SeekHead that had the old one, or the first."""
    place = layout.end - layout.segment.data
    if not layout.seek_heads:
        return [Edit(layout.end, 0, tags)]
    pointing = (item for item in layout.seek_heads if len(_without(item, old)) < len(item.parts))
    head = next(pointing, layout.seek_heads[0])
    entries = _without(head, old)
    fixed = ebml.filled(_head([*entries, _entry(_TAGS, place)], crc=head.crc), head.room)
    if fixed is not None:
        return [Edit(head.at, head.room, fixed), Edit(layout.end, 0, tags)]
    # No room: a second SeekHead at the end has all the entries, the first one points to it.
    length = len(_head([*entries, _entry(_TAGS, 0)], crc=False))
    second = _head([*entries, _entry(_TAGS, place + length)], crc=False)
    fixed = ebml.filled(_head([_entry(_SEEK_HEAD, place)], crc=head.crc), head.room)
    if fixed is None:
        raise unreadable("SeekHead 没有余地", "the SeekHead has no room for another entry")
    return [Edit(head.at, head.room, fixed), Edit(layout.end, 0, second + tags)]
