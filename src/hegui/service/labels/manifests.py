"""Whether a file has a C2PA manifest, told from its bytes: needed before a label is written, as that breaks the manifest's hash.

C2PA 2.2 appendix A (where manifests stand); ISO 19566-5 (JUMBF). What a manifest says, and whether it holds, is `c2pa`'s to tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import BinaryIO

from hegui.service.labels.container import UnreadableError, pieces
from hegui.service.labels.containers import bmff, gif, jpeg, riff, tiff
from hegui.service.labels.containers.archive import open_archive
from hegui.service.labels.containers.mp3 import Mp3
from hegui.service.labels.containers.splice import size_of

_STORE = rb"jumb.{4}jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x008\x9bq"
"""The head of a manifest store: a superbox, its description box and the type of C2PA."""
_BEFORE: dict[str, bytes] = {
    "jpeg": rb"JP.{6}.{4}",
    "gif": rb"C2PA_GIF...?.?.{4}",
    "tiff": rb".{4}",
    "mp3": rb"/(?:x-)?c2pa.{1,600}",
    "flac": rb"/(?:x-)?c2pa.{1,600}",
    "pdf": rb"stream\r?\n.{4}",
}
"""What stands before it in each format: a manifest of a picture inside a document is not the document's."""
_LONGEST = 700
_IN_ARCHIVES = "META-INF/content_credential.c2pa"


def present(file: BinaryIO, container: str) -> bool:
    """Say whether an open file has a manifest of its own; `container` is the format's name.

    Pictures, films and RIFF are walked part by part, others are searched. Of a file too damaged to walk
    only what such a search finds is told.
    """
    try:
        if container in _PARTS:
            return any(_PARTS[container](file))
    except UnreadableError:
        pass
    return container in _BEFORE and _found(file, container, 0, size_of(file))


@cache
def _pattern(container: str) -> re.Pattern[bytes]:
    return re.compile(_BEFORE[container] + _STORE, re.DOTALL)


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


def _riff(file: BinaryIO) -> Iterator[bool]:
    """Look at the chunks of every RIFF of a file: long films have several."""
    at, size = 0, size_of(file)
    while at + 12 <= size:
        _, length, _ = riff.form(file, at)
        end = min(at + 8 + length, size) if length < riff.STREAMED else size
        yield from (item.kind == b"C2PA" for item in riff.chunks(file, at + 12, end, open_end=True))
        at = end + (end & 1)


def _found(file: BinaryIO, container: str, start: int, end: int) -> bool:
    pattern, before = _pattern(container), b""
    for piece in pieces(file, start, end - start):
        for window in (before[-_LONGEST:] + piece[:_LONGEST], piece):
            if b"jumdc2pa" in window and pattern.search(window):
                return True
        before = piece
    return False


def _pictures(container: str, parts: Callable[[BinaryIO], Iterable[bytes]]) -> Callable[[BinaryIO], Iterator[bool]]:
    """Return the walk over the parts of a picture that can be a manifest, of which the beginnings are given."""
    return lambda file: (_pattern(container).search(part) is not None for part in parts(file))


_PARTS: dict[str, Callable[[BinaryIO], Iterator[bool]]] = {
    "mp4": lambda file: (bmff.is_manifest(file, box) for box in bmff.top(file)),
    "heif": lambda file: (bmff.is_manifest(file, box) for box in bmff.top(file)),
    "png": lambda file: (kind == b"caBX" for kind in _kinds(file)),
    "webp": _riff,
    "wav": _riff,
    "avi": _riff,
    "ooxml": lambda file: (name == _IN_ARCHIVES for name in open_archive(file).namelist()),
    "mp3": lambda file: (_found(file, "mp3", *part) for part in Mp3().around(file)),
    "jpeg": _pictures("jpeg", jpeg.boxes),
    "gif": _pictures("gif", gif.applications),
    "tiff": _pictures("tiff", tiff.manifests),
}
"""Whether each part of a file is a manifest, in the formats whose parts are known: the others are searched whole."""
