"""The disk spool: records wait here, flushed to disk, while the database is away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from hegui.kit import ids
from hegui.kit.errors import StoreError
from hegui.kit.text import Bi


def spool_error(detail: str) -> StoreError:
    """Return the error for a spool that can take no more."""
    return StoreError(
        Bi(f"记录无法暂存到磁盘：{detail}", f"records can not be spooled to disk: {detail}"),
        Bi(
            "恢复数据库或腾出磁盘空间；在此之前网关停止服务",
            "bring the database back or free disk space; the gateway refuses service until then",
        ),
    )


class Spool:
    """One worker's spool file: JSON lines, each batch flushed before anybody is told."""

    def __init__(self, folder: Path, *, seconds: float, most_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Locked under another name first, so that nobody takes it for a spool that was left behind.
        hidden = folder / f".{ids.uuid7()}.new"
        self._path = hidden.with_name(hidden.name.strip(".").replace(".new", ".jsonl"))
        self._seconds = seconds
        self._most = most_bytes
        self._fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        hidden.rename(self._path)
        self._size = 0
        self.since: float | None = None

    @property
    def expired(self) -> bool:
        """Say whether the stated time on the spool is over."""
        return self.since is not None and time.monotonic() - self.since > self._seconds

    @property
    def used(self) -> bool:
        """Say whether records wait here."""
        return self._size > 0

    def append(self, rows: list[dict[str, Any]]) -> None:
        """Write rows and flush them to disk; raise StoreError when time, space or disk is out."""
        if self.expired:
            raise spool_error(f"已超过 {self._seconds:.0f} 秒 / over {self._seconds:.0f} seconds")
        data = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        if self._size + len(data) > self._most:
            raise spool_error(f"已达 {self._most} 字节上限 / limit of {self._most} bytes")
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._fd, left) :]
            os.fsync(self._fd)
        except OSError as error:
            # Take a half-written batch back, so that what follows it can still be read.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise spool_error(error.strerror or str(error)) from error
        self._size += len(data)
        if self.since is None:
            self.since = time.monotonic()

    def batches(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """Yield the waiting rows in batches."""
        yield from read_batches(self._path, size)

    def set_aside(self, row: dict[str, Any]) -> None:
        """Keep a row that the database does not take beside the spool; raise OSError."""
        set_aside(self._path, row)

    def clear(self) -> None:
        """Empty the spool after everything in it is in the database."""
        os.ftruncate(self._fd, 0)
        self._size = 0
        self.since = None

    def close(self) -> None:
        """Close the file, and remove it when nothing waits."""
        if not self.used:
            self._path.unlink(missing_ok=True)
        os.close(self._fd)


def read_batches(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield rows of a spool file; a torn last line was never acknowledged and is left out."""
    batch: list[dict[str, Any]] = []
    lines = path.read_bytes().split(b"\n")
    for place, line in enumerate(lines):
        if not line:
            continue
        try:
            batch.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            if place != len(lines) - 1:
                raise spool_error(f"{path.name}:{place + 1}") from None
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def set_aside(path: Path, row: dict[str, Any]) -> None:
    """Append a row that the database does not take to the file beside a spool, flushed; raise OSError."""
    with path.with_suffix(".bad").open("ab") as aside:
        aside.write(orjson.dumps(row) + b"\n")
        aside.flush()
        os.fsync(aside.fileno())


def abandoned(folder: Path) -> Iterator[Path]:
    """Yield spool files of workers that are gone, each locked while it is looked at."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield path
