"""What every container does for a label: find all there are, put exactly one, and leave the rest alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels.schema import Deviation

MOST_SLOTS = 64
"""Most labels of one file that are read; more is told as multiple all the same."""


class UnreadableError(InputError):
    """A file is damaged or of a kind that is not known: whether it has a label can not be said."""


def unreadable(zh: str, en: str) -> UnreadableError:
    """Return the error for a file that can not be parsed."""
    return UnreadableError(
        Bi(f"无法解析：{zh}", f"can not be parsed: {en}"),
        Bi("换一份完好的文件；受支持的格式见 docs/labels.md", "take a sound file; docs/labels.md lists the formats"),
    )


class NotWritableError(InputError):
    """A file that can be read has no place for a label, or none that can be written without harm."""


def not_writable(zh: str, en: str) -> NotWritableError:
    """Return the error for a file that a label can not be written to."""
    return NotWritableError(
        Bi(f"无法写入标识：{zh}", f"no label can be written: {en}"),
        Bi(
            "把标识写在旁边的 .aigc.json 文件，或换一种格式",
            "write the label into a .aigc.json beside it, or take another format",
        ),
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a file that holds, or should hold, a label; `value` as it stands there.

    `notes` are deviations of the place itself, such as `OTHER_PLACE`.
    """

    place: str
    value: bytes | str
    notes: tuple[Deviation, ...] = ()


class Container(Protocol):
    """One file format. All methods read from the beginning of a seekable file, and hold no more of it than they must."""

    @property
    def name(self) -> str:
        """Return the format's name, such as `png`."""
        ...

    @property
    def suffixes(self) -> frozenset[str]:
        """Return the suffixes of its files, with the dot, in lower case."""
        ...

    def recognises(self, head: bytes) -> bool:
        """Say whether a file that begins so (64 bytes or more, where it has them) is of this format."""
        ...

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield every label there is, in whatever place a known writer puts one; raise UnreadableError.

        A file that ends too soon or whose parts do not fit together is unreadable, never without a label.
        """
        ...

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Copy the source with exactly one label, `value` (the bare JSON), in the place that the guide names.

        Labels that are there already, in any place that `read` knows, are replaced. All else stays
        as it is, byte for byte where the format allows it; raise UnreadableError.
        """
        ...

    def payload(self, file: BinaryIO) -> str:
        """Return a digest of what a person sees or hears, and of what else must not change: the same before and after `write`."""
        ...


_PIECE = 1 << 20


def pieces(file: BinaryIO, at: int, length: int) -> Iterator[bytes]:
    """Yield a part of a file piece by piece; raise UnreadableError when the file ends before it."""
    file.seek(at)
    while length > 0:
        piece = file.read(min(length, _PIECE))
        if not piece:
            raise unreadable("文件不完整", "the file is incomplete")
        length -= len(piece)
        yield piece


def copy(source: BinaryIO, target: BinaryIO, at: int, length: int) -> None:
    """Append a part of one file to another, never more than a mebibyte of it in memory."""
    target.writelines(pieces(source, at, length))


def inflated(data: bytes, most: int) -> bytes:
    """Return compressed data unpacked; raise UnreadableError for what is damaged, or unpacks to more than `most` bytes."""
    unpack = zlib.decompressobj()
    try:
        found = unpack.decompress(data, most)
    except zlib.error as error:
        raise unreadable(f"压缩数据有误（{error}）", f"compressed data is damaged ({error})") from None
    if unpack.unconsumed_tail or not unpack.eof:
        raise unreadable("压缩数据过大或不完整", "compressed data is too large or incomplete")
    return found
