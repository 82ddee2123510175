"""MP4, MOV and M4A: the label is the key `AIGC` (namespace mdta) of moov.udta.meta (TC260-PG-20257A 6.1.1, 202510A).

Tags of iTunes (handler mdir) stay as they are, byte for byte: the label gets a `meta` of its own
beside them. What the file's tables say of places in it moves with them: chunk offsets, fragments,
indexes. The media data are copied in pieces, whatever their size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

import numpy as np

from hegui.service.labels import loose, xmp
from hegui.service.labels.container import MOST_SLOTS, Held, Slot, not_writable, once, pieces, unreadable, window
from hegui.service.labels.containers import bmff, itemlist
from hegui.service.labels.containers.bmff import HEAD, Box
from hegui.service.labels.containers.splice import Edit, Moves, Values, apply, counted, from_xmp, take
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_FIRST = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_STILL = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"mif2", b"jxl ", b"crx "}
_MOST_CARRIERS = 256
_SHORT = 4096
"""Bytes of a box that is compared together with its name."""
_MOST_EDITS = 500_000
_NO_TEXTS = {
    b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"ssix", b"styp", b"emsg", b"free", b"skip", b"wide", b"pnot", b"jumb",
    b"trak", b"mvhd", b"mvex", b"iods", b"tkhd", b"mdia", b"edts", b"tref", b"load", b"tapt",
}  # fmt: skip
"""Boxes that hold no texts of the file, or none that count; those of manifests have their own."""
_LONGEST_TEXT = 4 * LONGEST_VALUE
_MOST_STRAY = 32 << 20
"""Most bytes in boxes not known that are looked at, beginning with those that come first."""
_OWN = "moov.udta.meta"


@dataclass(frozen=True, slots=True)
class _Carrier:
    """A box that may hold labels, and the boxes that hold it."""

    place: str
    box: Box
    parents: tuple[Box, ...]

    def meta(self, file: BinaryIO) -> itemlist.Meta:
        return itemlist.parse(take(file, self.box.data, self.box.end - self.box.data))

    def packet(self, file: BinaryIO) -> bytes:
        skip = 16 if self.box.kind == b"uuid" else 0
        return take(file, self.box.data + skip, self.box.end - self.box.data - skip)

    def labels(self, file: BinaryIO) -> Iterator[Slot]:
        if self.box.kind == b"meta":
            yield from self.meta(file).labels(self.place)
        elif self.box.kind in {b"uuid", b"XMP_"}:
            yield from from_xmp(self.packet(file), self.place)
        elif self.box.kind.upper() == KEYWORD.encode():
            value = self.packet(file)
            start = max(value.find(b"{"), 0)
            yield Slot(self.place, value[start:], (Deviation.OTHER_PLACE,))
        else:
            yield from loose.raw(self.place, self.packet(file))

    def bared(self, file: BinaryIO) -> bytes:
        """Return the box without its labels."""
        if self.box.kind == b"meta":
            return self.meta(file).put(None)
        if self.box.kind in {b"uuid", b"XMP_"}:
            bare = xmp.taken_out(self.packet(file))
            return bmff.pack(self.box.kind, _XMP_UUID if self.box.kind == b"uuid" else b"", bare)
        return b""

    def others(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield what is no label."""
        if self.box.kind == b"meta":
            for item in self.meta(file).others:
                yield item.key + (b"" if item.key else item.kind) + item.data
        elif next(self.labels(file), None) is None:
            yield from pieces(file, self.box.data, self.box.end - self.box.data)
        else:
            yield self.bared(file)[HEAD:]


def _carries(file: BinaryIO, box: Box) -> bool:
    if box.kind == b"uuid":
        return box.end - box.data >= len(_XMP_UUID) and take(file, box.data, 16) == _XMP_UUID
    if box.kind == b"meta":
        # Pictures and sequences of pictures have another kind of `meta`: it holds no texts.
        head = take(file, box.data, min(24, box.end - box.data))
        at = head.find(b"hdlr")
        return at >= 0 and head[at + 12 : at + 16] in {b"mdta", b"mdir"}
    return box.kind == b"XMP_" or box.kind.upper() == KEYWORD.encode()


def _texts(file: BinaryIO, box: Box) -> bool:
    """Say whether a box of the user's data is a text of QuickTime, of the kinds that begin with a copyright sign."""
    return (
        box.kind[:1] == b"\xa9"
        and box.end - box.data <= _LONGEST_TEXT
        and any(loose.spans(take(file, box.data, box.end - box.data)))
    )


def _carriers(file: BinaryIO, box: Box, parents: tuple[Box, ...] = ()) -> Iterator[_Carrier]:
    """Yield the boxes that may hold labels: of the file, the film, its tracks, and of their user data."""
    here = (*parents, box)
    if box.kind in {b"moov", b"trak", b"udta"}:
        if len(here) > 4:  # noqa: PLR2004 - moov, trak, udta
            return
        for inner in bmff.within(file, box):
            yield from _carriers(file, inner, here)
    elif _carries(file, box) or (parents and parents[-1].kind == b"udta" and _texts(file, box)):
        yield _Carrier(".".join(one.kind.decode("latin-1") for one in here), box, parents)


def _film(file: BinaryIO) -> tuple[Box, list[_Carrier]]:
    """Return moov and what may hold labels, in the whole file; raise UnreadableError."""
    films: list[Box] = []
    found: list[_Carrier] = []
    for box in bmff.top(file):
        found += counted(_carriers(file, box), _MOST_CARRIERS)
        if len(found) > _MOST_CARRIERS:
            raise unreadable("MP4 的元数据过多", "the MP4 has too many boxes of metadata")
        if box.kind == b"moov":
            films.append(box)
    if len(films) != 1 or any(inner.kind == b"cmov" for inner in bmff.within(file, films[0])):
        raise unreadable("MP4 没有可读的 moov", "the MP4 has no moov that can be read, or more than one")
    return films[0], found


class Mp4:
    """The containers MP4, MOV, M4A and their kin."""

    name = "mp4"
    suffixes = frozenset(
        {".mp4", ".m4v", ".m4a", ".m4b", ".m4r", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".mj2", ".mpg4"}
    )

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins with a box of films; pictures (HEIC, AVIF) are another's."""
        return head[4:8] in _FIRST and not (head[4:8] == b"ftyp" and head[8:12] in _STILL)

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of all metadata of the film, its tracks and the file; where there are none, those in boxes not known."""
        film, carriers = once(file, _film)
        found = [slot for carrier in carriers for slot in islice(carrier.labels(file), MOST_SLOTS)]
        yield from found
        if not loose.means(found):
            yield from _strays(file, film)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the key into moov.udta.meta, and move all places in the file that stand behind it."""
        edits = _metadata(source, value)
        moves = Moves(edits)
        apply(source, target, counted(chain(edits, _moved(source, moves) if moves.any else ()), _MOST_EDITS))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every box but labels; places count from the box of the file that they are in."""
        starts = np.array([box.at for box in bmff.top(file)], np.uint64)
        carriers = {item.box.at: item for item in once(file, _film)[1]}
        for box in bmff.top(file):
            for path, leaf in bmff.leaves(file, box):
                if leaf.at in carriers:
                    yield from carriers[leaf.at].others(file)
                    continue
                head = path + (leaf.end - leaf.data).to_bytes(8, "big")
                if leaf.kind not in bmff.PLACED and leaf.end - leaf.data <= _SHORT:
                    yield head + window(file, leaf.data, leaf.end - leaf.data)
                else:
                    yield head
                    yield from _leaf(file, path, leaf, starts)


def _leaf(file: BinaryIO, path: bytes, box: Box, starts: Values) -> Iterator[bytes]:
    """Yield a box, its places in the file relative to the boxes they are in."""
    at = box.data
    for table in bmff.tables(file, path, box):
        yield from pieces(file, at, table.at - at)
        step = (1 << 20) // table.width
        for first in range(0, table.count, step):
            part = take(file, table.at + first * table.width, min(step, table.count - first) * table.width)
            yield bmff.relative(np.frombuffer(part, f">u{table.width}").astype(np.uint64), starts)
        at = table.at + table.width * table.count
    if box.kind == b"sidx":
        place, width, anchor = bmff.sidx_anchor(file, box)
        yield from pieces(file, at, place - at)
        yield bmff.relative(np.array([anchor], np.uint64), starts)
        at = place + width
    yield from pieces(file, at, box.end - at)


def _strays(file: BinaryIO, film: Box) -> Iterator[Slot]:
    """Yield labels in metadata whose boxes have other names: a damaged name must not hide what it names."""
    left = _MOST_STRAY
    todo = [(box, box.kind) for box in bmff.top(file) if box.kind not in _NO_TEXTS]
    todo += [(box, b"moov." + box.kind) for box in bmff.within(file, film) if box.kind not in _NO_TEXTS]
    for track in bmff.within(file, film):
        if track.kind == b"trak":
            todo += [(box, b"moov.trak." + box.kind) for box in bmff.within(file, track) if box.kind not in _NO_TEXTS]
    for box, name in todo:
        length = box.end - box.data
        if length <= left and not bmff.is_manifest(file, box):
            left -= length
            yield from loose.raw(name.decode("latin-1"), take(file, box.data, length))


def _metadata(file: BinaryIO, value: str) -> list[Edit]:
    """Return the edits of metadata, with the sizes of the boxes that hold them; raise NotWritableError."""
    film, carriers = once(file, _film)
    if not loose.means(slot for item in carriers for slot in item.labels(file)) and any(_strays(file, film)):
        raise not_writable("标识在认不出的盒子里", "its label is in a box of a name that is not known")
    held = Held()
    for item in carriers:
        held.take(item.box.end - item.box.at)
    metas = [item for item in carriers if item.place == _OWN and item.meta(file).keyed]
    chosen = next((item for item in metas if item.meta(file).labelled), next(iter(metas), None))
    edits: list[Edit] = []
    grown: dict[Box, int] = {}

    def put(at: int, length: int, new: bytes, parents: tuple[Box, ...]) -> None:
        edits.append(Edit(at, length, new))
        for parent in parents:
            grown[parent] = grown.get(parent, 0) + len(new) - length

    for item in carriers:
        if item is chosen or next(item.labels(file), None) is not None:
            new = item.meta(file).put(value) if item is chosen else item.bared(file)
            put(item.box.at, item.box.end - item.box.at, new, item.parents)
    if chosen is None:
        user = next((box for box in bmff.within(file, film) if box.kind == b"udta"), None)
        inside = user or film
        last = max((box.end for box in bmff.within(file, inside)), default=inside.data)
        new = itemlist.new_meta(value)
        put(last, 0, new if user else bmff.pack(b"udta", new), (film, user) if user else (film,))
    sizes = (bmff.resized(file, box, by) for box, by in grown.items())
    return edits + [edit for edit in sizes if edit is not None]


def _moved(file: BinaryIO, moves: Moves) -> Iterator[Edit]:
    """Yield the edits of all places in the file that stand behind what has grown; raise UnreadableError."""
    for box in bmff.top(file):
        for path, leaf in bmff.leaves(file, box):
            if leaf.kind == b"sidx":
                at, width, anchor = bmff.sidx_anchor(file, leaf)
                new = moves.one(anchor) - moves.one(leaf.end)
                if not 0 <= new < 1 << 8 * width:
                    raise unreadable("sidx 偏移放不下", "an offset of sidx no longer fits")
                yield Edit(at, width, new.to_bytes(width, "big"))
            elif leaf.kind == b"meta" and _located(file, leaf):
                raise unreadable(
                    "MP4 含有按文件位置存放的项（iloc）", "the MP4 has items stored by their place in the file (iloc)"
                )
            else:
                yield from (table.edit(moves) for table in bmff.tables(file, path, leaf))


def _located(file: BinaryIO, box: Box) -> bool:
    if _carries(file, box):
        return False
    skip = 0 if take(file, box.data, min(8, box.end - box.data))[4:8] == b"hdlr" else 4
    return any(inner.kind == b"iloc" for inner in bmff.boxes(file, box.data + skip, box.end))
