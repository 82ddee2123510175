"""What every container does for a label: find all there are, put exactly one, and leave the rest alone."""

from __future__ import annotations

import errno
import io
import mmap
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, cast

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels.schema import Deviation

_T = TypeVar("_T")
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

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield what a person sees or hears, and what else must not change, in pieces: the same bytes before and after `write`."""
        ...


_PIECE = (1 << 17) - 4096
"""Bytes that are read at once: just below what the C library asks of the system anew each time."""
_PAGE, _NEAR = 4096, 64
_SMALL, _MOST_SPARE = 1 << 19, 4
"""Smaller files are held whole."""
_LONG, _LONGEST_COPY = 1 << 17, 1 << 30
_MOST_READS, _LEAST_PART = 500_000, 6
MOST_HELD = 64 << 20
"""Most bytes of one file's metadata (packets, tags, tables) that are held in memory; real files have some kilobytes."""


class _Count:
    """Reads that are left: a file of far more parts than its size lets one expect would take minutes."""

    def __init__(self, size: int) -> None:
        self._left = _MOST_READS + size // _LEAST_PART

    def one(self) -> None:
        """Count one; raise UnreadableError."""
        self._left -= 1
        if self._left < 0:
            raise unreadable("文件的部分过多", "the file has too many parts")


class OpenFile(io.FileIO):
    """A file open for reading, without a buffer: containers skip from part to part, and read those at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "r")
        self._count = _Count(os.fstat(self.fileno()).st_size)
        self.found: dict[object, Any] = {}

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; raise UnreadableError for more parts than there can be."""
        self._count.one()
        return super().read(size)

    def close(self) -> None:
        """Close, and let go of what was found."""
        self.found = {}
        super().close()


class OpenBytes(io.RawIOBase):
    """Bytes, as `OpenFile`; `data` is all of them while it is open."""

    def __init__(self, data: bytes | memoryview, buffer: mmap.mmap | None = None) -> None:
        super().__init__()
        self.data = memoryview(data)
        self._buffer = buffer
        self._at = 0
        self._count = _Count(len(data))
        self.found: dict[object, Any] = {}

    def readable(self) -> bool:
        """Say that it is."""
        return True

    def seekable(self) -> bool:
        """Say that it is."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place; raise OSError for one before the beginning, as a file does."""
        at = offset if whence == 0 else offset + (self._at if whence == 1 else len(self.data))
        if at < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._at = at
        return at

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; raise UnreadableError for more parts than there can be."""
        self._count.one()
        at = self._at
        found = bytes(self.data[at : len(self.data) if size is None or size < 0 else at + size])
        self._at = at + len(found)
        return found

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - what the system writes to
        """Read to a buffer; raise UnreadableError as `read`."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close, and let go of what was found; the buffer waits for the next file, unless somebody still looks at it."""
        self.found = {}
        self.data = memoryview(b"")
        buffer, self._buffer = self._buffer, None
        if buffer is not None and len(_SPARE) < _MOST_SPARE:
            with suppress(BufferError, SystemError):  # the latter where the system can not tell
                buffer.resize(len(buffer))  # refused while there is a view of it
                _SPARE.append(buffer)
        super().close()


_SPARE: list[mmap.mmap] = []
"""Buffers of files that were closed: memory that is new costs more than reading a small file.

Data begin in the middle of a page: copies to or from the first bytes behind the same place of a page, as where
a label moves the rest by some bytes, take the processor five times as long.
"""


def opened(path: Path) -> BinaryIO:
    """Return a file open for reading; a small one is read at once, as most of its bytes will be asked for."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        told = os.fstat(handle)
        if not (stat.S_ISREG(told.st_mode) and 0 < told.st_size < _SMALL):
            return OpenFile(path)
        buffer = _SPARE.pop() if _SPARE else mmap.mmap(-1, _SMALL + _PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        view, done = memoryview(buffer)[_PAGE // 2 : _PAGE // 2 + _SMALL], 0
        while done < _SMALL and (step := os.readv(handle, [view[done:]])):
            done += step
        # One that has grown in the meantime is read as it is.
        return cast("BinaryIO", OpenBytes(view[:done], buffer)) if done < _SMALL else OpenFile(path)
    finally:
        os.close(handle)


def once(file: BinaryIO, look: Callable[[BinaryIO], _T]) -> _T:
    """Return what is found in a file; in one that is open as ours, and does not change, it is looked for once."""
    if not isinstance(file, OpenFile | OpenBytes):
        return look(file)
    if look not in file.found:
        file.found[look] = look(file)
    found: _T = file.found[look]
    return found


class Held:
    """What of one file is held in memory; raise UnreadableError for more than a sound file has."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._left = most

    def take(self, length: int) -> int:
        """Count bytes, and return their number."""
        self._left -= length
        if length < 0 or self._left < 0:
            raise unreadable("元数据过大", "the metadata are too large")
        return length


def window(file: BinaryIO, at: int, length: int) -> memoryview:
    """Return so much of a file from a place on as there is, without a copy where that goes."""
    if isinstance(file, OpenBytes):
        return file.data[at : at + length]
    file.seek(at)
    return memoryview(file.read(length))


def pieces(file: BinaryIO, at: int, length: int) -> Iterator[bytes]:
    """Yield a part of a file piece by piece; raise UnreadableError when the file ends before it."""
    file.seek(at)
    while length > 0:
        piece = file.read(min(length, _PIECE))
        if not piece:
            raise unreadable("文件不完整", "the file is incomplete")
        length -= len(piece)
        yield piece


def same(one: Iterable[bytes], other: Iterable[bytes]) -> bool:
    """Say whether two streams hold the same bytes, however they are cut into pieces."""
    ours, theirs = filter(None, one), filter(None, other)
    left = right = b""
    at = to = 0
    while True:
        if at == len(left):
            left, at = next(ours, b""), 0
        if to == len(right):
            right, to = next(theirs, b""), 0
        if not left or not right:
            return left == right
        size = min(len(left) - at, len(right) - to)
        if not left.startswith(memoryview(right)[to : to + size], at):  # compares in place: nothing is copied
            return False
        at, to = at + size, to + size


def copy(source: BinaryIO, target: BinaryIO, at: int, length: int) -> None:
    """Append a part of one file to another, by the system where it can, else in pieces."""
    if isinstance(source, OpenBytes) and at + length <= len(source.data):
        target.write(source.data[at : at + length])
        return
    done = _copied_by_system(source, target, at, length) if length >= _LONG else 0
    target.writelines(pieces(source, at + done, length - done))


def _copied_by_system(source: BinaryIO, target: BinaryIO, at: int, length: int) -> int:
    """Return how many bytes the system could copy from file to file; the target stands behind them."""
    if not (isinstance(source, OpenFile) and isinstance(target, io.BufferedWriter) and hasattr(os, "copy_file_range")):
        return 0
    target.flush()
    start, done = target.tell(), 0
    if 0 < (start - at) % _PAGE < _NEAR:
        return 0  # slower than in pieces: see _SPARE
    try:
        while done < length and (
            step := os.copy_file_range(
                source.fileno(), target.fileno(), min(length - done, _LONGEST_COPY), at + done, start + done
            )
        ):
            done += step
    except OSError:  # another file system, or one that does not know how
        pass
    target.seek(start + done)
    return done


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
