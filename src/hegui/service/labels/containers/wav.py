"""WAV, RF64 and BW64: the label is a chunk `AIGC` below RIFF (TC260-PG-202510A); files written as a stream get their sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import Slot, once, pieces, unreadable
from hegui.service.labels.containers import riff
from hegui.service.labels.containers.riff import LONG, LONGEST, SHORT, STREAMED, Chunk
from hegui.service.labels.containers.splice import Edit, apply, counted, size_of, take

_SIGNATURES = {b"RIFF", b"RF64", b"BW64"}


@dataclass(frozen=True, slots=True)
class _Wave:
    """A WAV: `streamed` says that its sizes are not told; `wide` is the chunk ds64 of one that is."""

    end: int
    chunks: tuple[Chunk, ...]
    streamed: bool
    wide: Chunk | None


def _parsed(file: BinaryIO) -> _Wave:
    """Return what a WAV is made of; raise UnreadableError."""
    signature, size, kind = riff.form(file)
    if signature not in _SIGNATURES or kind != b"WAVE":
        raise unreadable("不是 WAV", "is no WAV")
    there, data, wide = size_of(file), None, None
    if signature != b"RIFF":
        wide = next(riff.chunks(file, 12, there, open_end=True), None)
        if wide is None or wide.kind != b"ds64" or wide.length < 24:  # noqa: PLR2004 - three numbers of 64 bits
            raise unreadable("RF64 没有 ds64 块", "the RF64 has no chunk ds64")
        long, data = (LONG.unpack(take(file, wide.data + at, 8))[0] for at in (0, 8))
        size = long if size == LONGEST else size
    streamed = wide is None and (size == 0 or (size >= STREAMED and 8 + size > there))
    end = there if streamed else riff.fits(file, 8 + size)
    found = tuple(counted(riff.chunks(file, 12, end, open_end=streamed, data=data)))
    if not any(item.kind == b"data" for item in found):
        raise unreadable("WAV 没有 data 块", "the WAV has no chunk data")
    return _Wave(end, found, streamed, wide)


class Wav:
    """The container WAV."""

    name = "wav"
    suffixes = frozenset({".wav", ".wave", ".bwf", ".rf64"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a WAV."""
        return head[:4] in _SIGNATURES and head[8:12] == b"WAVE"

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the chunk AIGC, and of LIST/INFO, id3 and XMP, where others put them."""
        for item in once(file, _parsed).chunks:
            yield from riff.labels(file, item, wave=True)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the chunk at the end of the RIFF."""
        wave = once(source, _parsed)
        edits: list[Edit] = []
        for item in wave.chunks:
            bare = riff.bared(source, item)
            if bare is not None:
                edits.append(Edit(item.at, min(item.end, wave.end) - item.at, bare))
        last = wave.chunks[-1]
        lacks = last.end - wave.end if last.end > wave.end and all(edit.at != last.at for edit in edits) else 0
        edits.append(Edit(wave.end, 0, bytes(max(lacks, 0)) + riff.chunk(riff.LABEL, value.encode())))
        size = wave.end - 8 + sum(edit.growth for edit in edits)
        if wave.wide is not None:
            edits.append(Edit(wave.wide.data, 8, LONG.pack(size)))
        elif size >= LONGEST:
            raise unreadable("WAV 超过 4 GiB，须用 RF64", "the WAV is over 4 GiB: it must be an RF64")
        else:
            edits.append(Edit(4, 4, SHORT.pack(size)))
        if wave.streamed:
            data = next(item for item in wave.chunks if item.kind == b"data")
            edits.append(Edit(data.at + 4, 4, SHORT.pack(data.length)))
        apply(source, target, edits)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every chunk, less the labels, and what follows the RIFF."""
        wave = once(file, _parsed)
        for item in wave.chunks:
            bare = riff.bared(file, item)
            if bare is not None:
                yield riff.measured(bare)
            elif item is not wave.wide and item.kind != b"ds64":
                yield item.kind + LONG.pack(item.length)
                yield from pieces(file, item.data, item.length)
                yield bytes(item.length & 1)
        yield from pieces(file, wave.end, size_of(file) - wave.end)
