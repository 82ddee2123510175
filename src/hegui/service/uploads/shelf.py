"""Uploads on the disk: a folder each, filled piece by piece by whichever worker a piece comes to, gone after some hours.

What a half-received upload needs stands in `told.json` beside its bytes, so that it goes on in another process and
after a restart. The name that a file had is not kept, only its suffix.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

import orjson

from hegui.kit import ids
from hegui.kit.calls import CallError, no_such
from hegui.kit.settings import Settings
from hegui.kit.text import Bi

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
_TOLD = "told.json"
_FRESH = 1.0
"""Seconds for which the sum of all uploads is taken as it was seen."""
UPLOAD = Bi("上传内容", "upload")


@dataclass(frozen=True)
class Slip:
    """What stands beside the bytes of an upload."""

    service: str
    suffix: str = ""
    size: int | None = None
    person: str | None = None
    declared: bool | None = None
    traces: bool = False
    key: str | None = None


def _full() -> CallError:
    return CallError(
        507, "uploads_full", Bi("上传空间已满", "the space for uploads is used up"),
        Bi("稍后再传，或请运营者加大 uploads_megabytes", "try again later, or ask the operator for more `uploads_megabytes`"),
    )  # fmt: skip


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name where it is a plain one."""
    found = PurePath(name.replace("\\", "/").rpartition("/")[2]).suffix
    return found.lower() if _SUFFIX.fullmatch(found) else ""


class Shelf:
    """The folder of uploads of a data directory."""

    def __init__(self, data: Path, file_bytes: int, all_bytes: int) -> None:
        self._folder = data / "uploads"
        self._file = file_bytes
        self._all = all_bytes
        self._lock = threading.Lock()
        self._looked, self._total = -_FRESH, 0

    @classmethod
    def of(cls, settings: Settings) -> Shelf:
        """Return the folder as it is set."""
        return cls(settings.data, settings.upload_megabytes << 20, settings.uploads_megabytes << 20)

    def open(self, number: str, slip: Slip) -> None:
        """Make room for an upload; raise CallError 413 for one that is too large, 507 when the disk space is used up."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if slip.size is not None and slip.size > self._file:
            raise self._too_large()
        with self._one_at_a_time():
            if self.used() + (slip.size or 0) > self._all:
                raise _full()
            folder = self._folder / number
            folder.mkdir(mode=0o700)
            (folder / f"in{slip.suffix}").touch(mode=0o600)
            (folder / _TOLD).write_bytes(orjson.dumps(asdict(slip)))

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Let one worker at a time make room, so that no two take the same."""
        held = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def _take(self, more: int) -> None:
        """Count bytes that nobody made room for; raise CallError 507. What other processes took is seen a second later."""
        with self._lock:
            if time.monotonic() - self._looked >= _FRESH:
                self._total, self._looked = self.used(), time.monotonic()
            if self._total + more > self._all:
                raise _full()
            self._total += more

    def _too_large(self) -> CallError:
        most = self._file >> 20
        return CallError(
            413, "upload_too_large", Bi(f"文件超过 {most} MB", f"the file is over {most} MB"),
            Bi("缩小后再传，或请运营者加大 upload_megabytes", "send a smaller one, or ask the operator for more `upload_megabytes`"),
        )  # fmt: skip

    def used(self) -> int:
        """Return the bytes of all uploads; one that is still to come counts with the size that it was said to have."""
        total = 0
        for folder in os.scandir(self._folder) if self._folder.is_dir() else ():
            try:
                sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder.path)}
                there = sum(size for name, size in sizes.items() if name.startswith("in"))
                told = orjson.loads((self._folder / folder.name / _TOLD).read_bytes()) if _TOLD in sizes else {}
                total += sum(sizes.values()) + max(0, (told.get("size") or 0) - there)
            except (OSError, ValueError):
                continue  # it went meanwhile
        return total

    def slip(self, number: str, service: str) -> Slip:
        """Return what stands beside an upload; raise CallError 404 for one that is not there, or another service's."""
        try:
            found = Slip(**orjson.loads((self._folder / number / _TOLD).read_bytes())) if ids.is_id(number) else None
        except (OSError, ValueError, TypeError):
            found = None
        if found is None or found.service != service:
            raise no_such(UPLOAD)
        return found

    def source(self, number: str, slip: Slip) -> Path:
        """Return the file as it came."""
        return self._folder / number / f"in{slip.suffix}"

    def target(self, number: str, slip: Slip) -> Path:
        """Return where the file with the platform's fields goes."""
        return self._folder / number / f"out{slip.suffix}"

    def received(self, number: str, slip: Slip) -> int:
        """Return how many bytes are there."""
        return self.source(number, slip).stat().st_size

    def append(self, number: str, slip: Slip, offset: int, piece: bytes) -> int:
        """Add a piece at the end; return how many bytes are there. Raise CallError 409 for another place, 413."""
        with self.source(number, slip).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            at = os.fstat(file.fileno()).st_size
            if at != offset:
                raise CallError(
                    409, "wrong_offset", Bi(f"已收到 {at} 字节，不能从 {offset} 续传", f"{at} bytes are there, it can not go on at {offset}"),
                    Bi(f"从 {at} 续传", f"go on at {at}"),
                )  # fmt: skip
            if at + len(piece) > (self._file if slip.size is None else slip.size):
                raise self._too_large()
            if slip.size is None:
                self._take(len(piece))
            file.write(piece)
            return at + len(piece)

    @contextmanager
    def alone(self, number: str) -> Iterator[None]:
        """Let one process at a time judge an upload."""
        with (self._folder / number / _TOLD).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def remove(self, number: str) -> None:
        """Take an upload off the disk."""
        shutil.rmtree(self._folder / number, ignore_errors=True)

    def clear(self, hours: int) -> int:
        """Take off what has not been touched for so many hours; return how many uploads went."""
        gone, before = 0, time.time() - hours * 3600
        for folder in list(os.scandir(self._folder)) if self._folder.is_dir() else ():
            try:
                newest = max(entry.stat().st_mtime for entry in [folder, *os.scandir(folder.path)])
            except OSError:
                continue  # it went meanwhile
            if newest < before:
                self.remove(folder.name)
                gone += 1
        return gone
