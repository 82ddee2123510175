"""Whether a file has a C2PA manifest, told from its bytes: needed before a label is written, as that breaks the manifest's hash.

C2PA 2.2 appendix A (where manifests stand); ISO 19566-5 (JUMBF). What a manifest says, and whether it holds, is `c2pa`'s to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from hegui.service.labels.container import UnreadableError
from hegui.service.labels.containers import bmff, riff
from hegui.service.labels.containers.archive import open_archive
from hegui.service.labels.containers.splice import size_of

_PIECE = 1 << 20
_STORE = rb"jumb.{4}jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x008\x9bq"
"""The head of a manifest store: a superbox, its description box and the type of C2PA."""
_BEFORE: dict[str, bytes] = {
    "jpeg": rb"\xff\xeb..JP.{6}.{4}",
    "gif": rb"C2PA_GIF...?.?.{4}",
    "tiff": rb".{4}",
    "mp3": rb"/(?:x-)?c2pa.{1,600}",
    "flac": rb"/(?:x-)?c2pa.{1,600}",
    "pdf": rb"stream\r?\n.{4}",
}
"""What stands before it in each format: a manifest of a picture inside a document is not the document's."""
_LONGEST = 700
_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_IN_ARCHIVES = "META-INF/content_credential.c2pa"


def present(file: BinaryIO, container: str) -> bool:
    """Say whether an open file has a manifest of its own; `container` is the format's name.

    PNG, films and RIFF are walked part by part, others are read piece by piece. A file too damaged to
    walk has none that could be broken.
    """
    try:
        if container in {"mp4", "heif"}:
            return any(_is_manifest(file, box) for box in bmff.top(file))
        if container == "png":
            return any(kind == b"caBX" for kind in _kinds(file))
        if container in {"webp", "wav", "avi"}:
            return any(item.kind == b"C2PA" for item in _chunks(file))
        if container == "ooxml":
            return _IN_ARCHIVES in open_archive(file).namelist()
    except UnreadableError:
        return False
    before = _BEFORE.get(container)
    return before is not None and _found(file, re.compile(before + _STORE, re.DOTALL))


def _is_manifest(file: BinaryIO, box: bmff.Box) -> bool:
    if box.kind != b"uuid":
        return False
    file.seek(box.data)
    return file.read(len(_BOX)) == _BOX


def _kinds(file: BinaryIO) -> Iterator[bytes]:
    """Yield the kinds of a PNG's chunks, up to its end or to where it is damaged."""
    at = 8
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":  # noqa: PLR2004 - length and kind
            return
        yield head[4:]
        at += 12 + int.from_bytes(head[:4], "big")


def _chunks(file: BinaryIO) -> Iterator[riff.Chunk]:
    """Yield the chunks of every RIFF of a file: long films have several."""
    at, size = 0, size_of(file)
    while at + 12 <= size:
        _, length, _ = riff.form(file, at)
        end = min(at + 8 + length, size) if length < riff.STREAMED else size
        yield from riff.chunks(file, at + 12, end, open_end=True)
        at = end + (end & 1)


def _found(file: BinaryIO, pattern: re.Pattern[bytes]) -> bool:
    file.seek(0)
    kept = b""
    while piece := file.read(_PIECE):
        window = kept + piece
        if b"jumdc2pa" in window and pattern.search(window):
            return True
        kept = window[-_LONGEST:]
    return False
