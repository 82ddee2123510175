"""FLAC: the label is the comment `AIGC=` of the VORBIS_COMMENT block; padding gives way to it.

TC260-PG-202510A; RFC 9639, section 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels import loose
from hegui.service.labels.container import Held, Slot, not_writable, once, pieces, unreadable
from hegui.service.labels.containers import vorbis
from hegui.service.labels.containers.id3 import Id3
from hegui.service.labels.containers.splice import MOST_PARTS, Edit, apply, size_of, take
from hegui.service.labels.schema import KEYWORD, Deviation

_SIGNATURE = b"fLaC"
_PADDING, _COMMENTS = 1, 4
_LARGEST_APPLICATION = 1 << 20
_NO_TEXTS = {0, _PADDING, 3, _COMMENTS, 6}
"""Stream, padding, places, comments (read as such), pictures; of other kinds, a damaged one may be what holds a label."""
_LAST = 0x80
_LONGEST = (1 << 24) - 1
_PLACE = "VORBIS_COMMENT"


@dataclass(frozen=True, slots=True)
class _Block:
    kind: int
    at: int
    length: int

    @property
    def end(self) -> int:
        return self.at + 4 + self.length


def _application(data: bytes) -> Iterator[Slot]:
    """Yield the label of a block of an application: of the keyword's name, or whatever it is called."""
    name = data[:4].decode("latin-1")
    if name.upper() == KEYWORD:
        yield Slot(f"APPLICATION {name}", data[4:], (Deviation.OTHER_PLACE,))
    else:
        yield from loose.raw(f"APPLICATION {name}", data)


class Flac:
    """The container FLAC, also behind an ID3v2 tag."""

    name = "flac"
    suffixes = frozenset({".flac"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as FLAC does."""
        after = Id3.length(head) if head.startswith(b"ID3") else 0
        return head[after : after + 4] == _SIGNATURE

    def _blocks(self, file: BinaryIO) -> tuple[Id3 | None, list[_Block]]:
        """Return a tag before the stream, and the metadata blocks; raise UnreadableError."""
        tag = Id3.at(file, 0)
        at = 0 if tag is None else tag.end
        if take(file, at, 4) != _SIGNATURE:
            raise unreadable("不是 FLAC", "is no FLAC")
        at += 4
        found: list[_Block] = []
        held = Held()
        while True:
            head = take(file, at, 4)
            block = _Block(head[0] & ~_LAST, at, int.from_bytes(head[1:], "big"))
            held.take(block.length if block.kind == _COMMENTS else 0)
            found.append(block)
            at = block.end
            if len(found) > MOST_PARTS:
                raise unreadable("FLAC 元数据块过多", "the FLAC has too many blocks of metadata")
            if head[0] & _LAST:
                break
        sync = take(file, at, 2) if at < size_of(file) else b""
        if found[0].kind != 0 or len(sync) < 2 or sync[0] != 0xFF or sync[1] & 0xFC != 0xF8:  # noqa: PLR2004 - RFC 9639, 9.1.1
            raise unreadable("FLAC 元数据之后没有音频", "no audio follows the metadata of the FLAC")
        return tag, found

    def _comments(self, file: BinaryIO, block: _Block) -> vorbis.Comments:
        return vorbis.parse(take(file, block.at + 4, block.length))

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the comments, of a tag before them, and of blocks of applications and kinds not known."""
        tag, blocks = once(file, self._blocks)
        if tag is not None:
            yield from tag.labels(own=False)
        for block in blocks:
            if block.kind == _COMMENTS:
                yield from self._comments(file, block).labels(_PLACE)
            elif block.kind not in _NO_TEXTS and block.length <= _LARGEST_APPLICATION:
                yield from _application(take(file, block.at + 4, block.length))

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the comment into the first block of comments, or a new one; padding after it is used up first."""
        tag, blocks = self._blocks(source)
        if any(slot.place.startswith("APPLICATION") for slot in self.read(source)):
            raise not_writable("标识在 APPLICATION 块里", "its label is in a block of an application")
        edits = [] if tag is None or not tag.labelled else [Edit(tag.start, tag.end - tag.start, tag.packed(None))]
        new: list[tuple[int, bytes | None]] = []
        placed = False
        for block in blocks:
            data = None
            if block.kind == _COMMENTS:
                data = self._comments(source, block).put(None if placed else value).packed()
                placed = True
            new.append((block.kind, data))
        if not placed:
            empty = vorbis.Comments(b"hegui", (), b"").put(value).packed()
            new.insert(1, (_COMMENTS, empty))
            blocks.insert(1, _Block(_COMMENTS, blocks[0].end, -4))
        if any(data is not None and len(data) > _LONGEST for _, data in new):
            raise unreadable("注释块过大", "the block of comments is too large")
        edits += self._laid_out(source, blocks, new)
        apply(source, target, edits)

    def _laid_out(self, source: BinaryIO, blocks: list[_Block], new: list[tuple[int, bytes | None]]) -> Iterator[Edit]:
        grown = sum(len(data) - block.length for block, (_, data) in zip(blocks, new, strict=True) if data is not None)
        for number, (block, (kind, data)) in enumerate(zip(blocks, new, strict=True)):
            last = _LAST if number == len(blocks) - 1 else 0
            if kind == _PADDING and grown and 0 <= block.length - grown <= _LONGEST:
                left, grown = block.length - grown, 0
                yield Edit(block.at, block.length + 4, bytes([kind | last]) + left.to_bytes(3, "big") + bytes(left))
            elif data is not None:
                yield Edit(
                    block.at, max(block.length + 4, 0), bytes([kind | last]) + len(data).to_bytes(3, "big") + data
                )
            elif take(source, block.at, 1)[0] != kind | last:
                yield Edit(block.at, 1, bytes([kind | last]))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the audio, every block but padding, and the comments that are no label."""
        tag, blocks = once(file, self._blocks)
        if tag is not None:
            yield from tag.others()
        for block in blocks:
            if block.kind == _COMMENTS:
                comments = self._comments(file, block)
                if comments.others:
                    yield from (len(one).to_bytes(4, "big") + one for one in comments.others)
            elif block.kind != _PADDING:
                yield bytes([block.kind])
                yield from pieces(file, block.at + 4, block.length)
        yield from pieces(file, blocks[-1].end, size_of(file) - blocks[-1].end)
