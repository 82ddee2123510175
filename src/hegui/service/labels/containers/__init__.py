"""The file formats that labels are written to and read from, one module each."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import PurePath
from typing import BinaryIO

from hegui.service.labels.container import Container, NotWritableError, Slot, UnreadableError, unreadable
from hegui.service.labels.containers.avi import Avi
from hegui.service.labels.containers.encodings import is_text
from hegui.service.labels.containers.flac import Flac
from hegui.service.labels.containers.flv import Flv
from hegui.service.labels.containers.gif import Gif
from hegui.service.labels.containers.heif import Heif
from hegui.service.labels.containers.id3 import Id3
from hegui.service.labels.containers.jpeg import Jpeg
from hegui.service.labels.containers.matroska import Matroska
from hegui.service.labels.containers.mp3 import Mp3
from hegui.service.labels.containers.mp4 import Mp4
from hegui.service.labels.containers.ogg import Ogg
from hegui.service.labels.containers.ooxml import Ooxml
from hegui.service.labels.containers.pages import Html
from hegui.service.labels.containers.pdf import Pdf
from hegui.service.labels.containers.png import Png
from hegui.service.labels.containers.sidecar import Sidecar
from hegui.service.labels.containers.texts import Json, JsonLines, Markdown, PlainText
from hegui.service.labels.containers.tiff import Tiff
from hegui.service.labels.containers.wav import Wav
from hegui.service.labels.containers.webp import WebP

__all__ = [
    "CONTAINERS",
    "Container",
    "NotWritableError",
    "Slot",
    "UnreadableError",
    "behind_tag",
    "container_of",
    "head_of",
    "unreadable",
]

_WIDE = (BOM_UTF16_LE, BOM_UTF16_BE)
HEAD = 4096
"""Bytes at the beginning of a file that tell its format."""
_EMPTY_TAG = b"ID3\x04" + bytes(6)
_BEHIND = 16
"""Bytes behind a tag that tell what follows it."""
CONTAINERS: tuple[Container, ...] = (
    Png(), Jpeg(), WebP(), Gif(), Tiff(), Heif(),
    Mp4(), Matroska(), Flv(), Avi(), Wav(), Flac(), Ogg(), Mp3(),
    Ooxml(), Pdf(),
    Sidecar(), PlainText(), Markdown(), Html(), Json(), JsonLines(),
)  # fmt: skip
"""In the order in which they are asked; those that know a file by its first bytes come before those of plain text."""


def head_of(file: BinaryIO) -> bytes:
    """Return the beginning of a file, by which its format is told; a tag with a cover can be longer than that, and is left out.

    FLAC and MP3 can both stand behind such a tag: there an empty one takes its place.
    """
    file.seek(0)
    head = file.read(HEAD)
    told = behind_tag(head)
    if told <= len(head) or len(head) < HEAD:
        return head
    file.seek(told - _BEHIND)
    return _EMPTY_TAG + file.read(HEAD)


def behind_tag(head: bytes) -> int:
    """Return up to where a file that begins so must be there for its format to be told; 0 where no tag comes first."""
    try:
        return Id3.length(head) + _BEHIND if head.startswith(b"ID3") else 0
    except UnreadableError:
        return 0


def container_of(head: bytes, name: str) -> Container:
    """Return the container of a file by its first bytes, and of text files by their name; raise UnreadableError."""
    suffix = PurePath(name).suffix.lower()
    chosen: Container | None = None
    for item in CONTAINERS:
        if (chosen is None or suffix in item.suffixes) and item.recognises(head):
            chosen = item
            if suffix in item.suffixes:
                break
    if (chosen is None or (suffix not in chosen.suffixes and head.startswith(_WIDE))) and is_text(head):
        # Text in another encoding has nothing that it begins with: its name says what it is.
        texts = (item for item in CONTAINERS if isinstance(item, PlainText) and suffix in item.suffixes)
        chosen = next(texts, chosen)
    if (
        isinstance(chosen, PlainText)
        and suffix not in chosen.suffixes
        and any(suffix in item.suffixes for item in CONTAINERS)
    ):
        raise unreadable(f"内容不是 {suffix}", f"its content is no {suffix}")  # text under the name of another format
    if chosen is None:
        raise unreadable(f"不认识的格式（{suffix or '无扩展名'}）", f"an unknown format ({suffix or 'no suffix'})")
    return chosen
