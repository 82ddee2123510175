"""Files changed in a few places: what is cut out and put in, where everything else moves to, and streamed out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt

from hegui.service.labels import xmp
from hegui.service.labels.container import Slot, copy, pieces, unreadable
from hegui.service.labels.schema import Deviation

LARGEST = 64 << 20
"""Most bytes of one part, such as a tag with its cover, that are held in memory."""
MOST_PARTS = 100_000
"""Most parts of one kind, such as frames of a tag, that are listed in memory; real files have some hundred."""
_T = TypeVar("_T")
Values = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Edit:
    """The bytes from `at` are replaced by `new`; a function gets them in pieces and gives as many back."""

    at: int
    length: int
    new: bytes | Callable[[bytes], bytes]

    @property
    def growth(self) -> int:
        """Return by how much the file grows."""
        return 0 if callable(self.new) else len(self.new) - self.length


def counted(items: Iterable[_T], most: int = MOST_PARTS) -> Iterator[_T]:
    """Yield what is given; raise UnreadableError when it is more than a sound file has."""
    for number, item in enumerate(items):
        if number >= most:
            raise unreadable("文件的部分过多", "the file has too many parts")
        yield item


def size_of(file: BinaryIO) -> int:
    """Return a file's size in bytes."""
    return file.seek(0, 2)


def take(file: BinaryIO, at: int, length: int) -> bytes:
    """Return a small part of a file; raise UnreadableError when it is too large or the file ends before it."""
    if length > LARGEST or length < 0:
        raise unreadable(f"第 {at} 字节处的部分过大", f"the part at byte {at} is too large")
    file.seek(at)
    data = file.read(length)
    if len(data) < length:
        raise unreadable("文件不完整", "the file is incomplete")
    return data


def apply(source: BinaryIO, target: BinaryIO, edits: Iterable[Edit]) -> None:
    """Write the source with its edits; they do not overlap."""
    at = 0
    for edit in sorted(edits, key=lambda item: (item.at, item.length)):
        if edit.at < at:
            raise unreadable("文件各部分互相重叠", "parts of the file overlap")
        copy(source, target, at, edit.at - at)
        if callable(edit.new):
            target.writelines(map(edit.new, pieces(source, edit.at, edit.length)))
        else:
            target.write(edit.new)
        at = edit.at + edit.length
    copy(source, target, at, size_of(source) - at)


class Moves:
    """Where a byte of the source stands after the edits."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        steps = sorted((edit.at + edit.length, edit.growth) for edit in edits if edit.growth)
        self._ends = np.array([end for end, _ in steps], np.uint64)
        # Growth may be negative: sums wrap, and wrap back when they are added.
        self._by = np.concatenate(([0], np.cumsum([by for _, by in steps], dtype=np.int64))).astype(np.uint64)
        self.any = bool(steps)

    def all(self, places: Values) -> Values:
        """Return where all these places move to."""
        moved: Values = places + self._by[np.searchsorted(self._ends, places, side="right")]
        return moved

    def one(self, place: int) -> int:
        """Return where one place moves to."""
        return int(self.all(np.array([place], np.uint64))[0])


def elsewhere(slots: Iterable[Slot]) -> Iterator[Slot]:
    """Yield labels that do not stand where the guide wants them in this format."""
    for slot in slots:
        yield Slot(slot.place, slot.value, (*slot.notes, Deviation.OTHER_PLACE))


def from_xmp(packet: bytes, place: str) -> Iterator[Slot]:
    """Yield the labels of a packet in a format that has a place of its own."""
    return elsewhere(xmp.read(packet, place))
