"""AVI: the label is the sub-chunk `AIGC` of LIST/INFO (TC260-PG-20257A); nothing before or in the pictures moves.

The list grows into the JUNK that writers leave after it. Without such room a list of its own goes to
the end of the last RIFF: indexes of the old and of the OpenDML kind, which count from the file's
beginning, stay right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import Slot, once, pieces, unreadable
from hegui.service.labels.containers import riff
from hegui.service.labels.containers.riff import LABEL, LONG, LONGEST, SHORT, Chunk
from hegui.service.labels.containers.splice import LARGEST, MOST_PARTS, Edit, apply, counted, size_of, take

_JUNK = b"JUNK"
_MOST_RIFFS = 4096
"""One is about a GiB."""
_LEAST = 8
"""Bytes of the smallest chunk."""


@dataclass(frozen=True, slots=True)
class _Riff:
    at: int
    end: int
    chunks: tuple[Chunk, ...]


def _riffs(file: BinaryIO) -> list[_Riff]:
    """Return the RIFFs of a file, `AVI ` and those of OpenDML; raise UnreadableError."""
    found: list[_Riff] = []
    at, there, left = 0, size_of(file), MOST_PARTS
    while at + 12 <= there:
        signature, size, kind = riff.form(file, at)
        if signature != b"RIFF" or kind != (b"AVIX" if found else b"AVI "):
            break
        end = riff.fits(file, at + 8 + size)
        found.append(_Riff(at, end, tuple(counted(riff.chunks(file, at + 12, end), left))))
        left -= len(found[-1].chunks)
        at = end + (end & 1)
        if len(found) > _MOST_RIFFS:
            raise unreadable("AVI 的 RIFF 过多", "the AVI has too many RIFFs")
    if not found or not any(_is_movi(file, item) for item in found[0].chunks):
        raise unreadable("不是完整的 AVI", "is no complete AVI")
    return found


def _is_movi(file: BinaryIO, item: Chunk) -> bool:
    return item.kind == b"LIST" and item.length >= 4 and take(file, item.data, 4) == b"movi"  # noqa: PLR2004 - its kind


def _filled(edit_at: int, room: int, data: bytes) -> Edit | None:
    """Return the edit that puts data into room and leaves junk behind it; None where they do not fit."""
    left = room - len(data)
    if (left and left < _LEAST) or left > LARGEST:
        return None
    return Edit(edit_at, room, data + (riff.chunk(_JUNK, bytes(left - _LEAST)) if left else b""))


def _in_room(file: BinaryIO, parts: tuple[Chunk, ...], text: bytes) -> tuple[set[int], Edit] | None:
    """Return the chunks before the pictures that give way, and the edit that puts the label there."""
    before: list[Chunk] = []
    for item in parts:
        if _is_movi(file, item):
            break
        before.append(item)
    lists = [number for number, item in enumerate(before) if riff.is_info(file, item)]
    junk = [number for number, item in enumerate(before) if item.kind == _JUNK]
    for number in (*lists, *junk):
        item, taken, kept = before[number], 1, list[tuple[bytes, bytes]]()
        if number in lists:
            kept = [part for part in riff.info(file, item) if not riff.is_label(part[0])]
            taken += number + 1 in junk
        end = before[number + taken - 1].end
        edit = _filled(item.at, end - item.at, riff.info_list([*kept, (LABEL, text)]))
        if edit is not None:
            return {one.at for one in before[number : number + taken]}, edit
    return None


class Avi:
    """The container AVI."""

    name = "avi"
    suffixes = frozenset({".avi"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as an AVI."""
        return head[:4] == b"RIFF" and head[8:12] == b"AVI "

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of LIST/INFO, and of the chunks where others put them."""
        for part in once(file, _riffs):
            for item in part.chunks:
                yield from riff.labels(file, item, wave=False)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the sub-chunk into the list before the pictures if there is room, or a list at the end."""
        riffs = once(source, _riffs)
        text = value.encode() + b"\0"
        inside = _in_room(source, riffs[0].chunks, text)
        gone, edits = (inside[0], [inside[1]]) if inside else (set[int](), list[Edit]())
        last = riffs[-1]
        for part in riffs:
            for item in part.chunks:
                bare = None if item.at in gone else riff.bared(source, item)
                if bare is None:
                    continue
                if inside is None and part is last and item is last.chunks[-1] and item.end >= last.end:
                    edits.append(Edit(item.at, last.end - item.at, bare))
                    continue
                edit = _filled(item.at, item.end - item.at, bare)
                if edit is None:
                    raise unreadable("AVI 块之间没有余地", "there is no room between the chunks of the AVI")
                edits.append(edit)
        if inside is None:
            lacks = last.chunks[-1].end - last.end if last.chunks and not edits else 0
            edits.append(Edit(last.end, 0, bytes(max(lacks, 0)) + riff.info_list([(LABEL, text)])))
            size = last.end - last.at - 8 + sum(edit.growth for edit in edits if edit.at >= last.at)
            if size > LONGEST:
                raise unreadable("AVI 的 RIFF 超过 4 GiB", "a RIFF of the AVI is over 4 GiB")
            edits.append(Edit(last.at + 4, 4, SHORT.pack(size)))
        apply(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every chunk but junk and labels, and what follows the RIFFs."""
        riffs = once(file, _riffs)
        for part in riffs:
            for item in part.chunks:
                bare = riff.bared(file, item)
                if bare is not None:
                    yield riff.measured(bare)
                elif item.kind != _JUNK:
                    yield item.kind + LONG.pack(item.length)
                    yield from pieces(file, item.data, item.length)
                    yield bytes(item.length & 1)
            yield b"RIFF"
        yield from pieces(file, riffs[-1].end, size_of(file) - riffs[-1].end)
