"""Files that are given by URL: kept encrypted in the data folder for a short time, under a name that nobody guesses.

The name on disk is a digest of the one in the URL, so that who reads the folder can fetch nothing.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from hegui.evidence.box import Box
from hegui.evidence.keyring import Keyring
from hegui.kit.errors import StoreError
from hegui.kit.files import write_atomic
from hegui.kit.text import Bi
from hegui.service.gateway.media.labelling import Labelled

PREFIX = "/media/"
_EXPIRY = 8
_LEFT_BEHIND = 3600
_TOKEN = re.compile(r"([A-Za-z0-9_-]{43})\.[a-z0-9]{1,5}")


def shelf_folder(data: Path) -> Path:
    """Return where files that are given by URL lie."""
    return data / "media" / "shelf"


def work_folder(data: Path) -> Path:
    """Return where files lie while they are labelled."""
    return data / "media" / "work"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it is handed out."""

    data: bytes
    mime: str
    number: str
    seconds: int
    """How long it is still there."""


class Shelf:
    """The files of all workers; whole on disk or not there."""

    def __init__(self, folder: Path, keyring: Keyring, *, minutes: int, most_bytes: int) -> None:
        self._folder = folder
        self._box = Box(keyring)
        self._seconds = minutes * 60
        self._most = most_bytes

    def put(self, file: Labelled) -> str:
        """Keep a file and return the last part of its URL; raise StoreError where there is no room."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sweep(self._folder)
            taken = sum(map(_size, _files(self._folder)))
        except OSError as error:
            raise _failed(error) from error
        if taken + len(file.data) > self._most:
            raise StoreError(
                Bi("以地址给出的文件已占满空间", "the files that are given by URL take all their room"),
                Bi("调大 media_shelf_megabytes，或改用 b64_json", "raise media_shelf_megabytes, or ask for b64_json"),
            )
        token = secrets.token_urlsafe(32)
        name, expiry = _name(token), int(time.time()) + self._seconds
        plain = f"{file.form.mime}\n{file.number}\n".encode() + file.data
        try:
            sealed = self._box.seal(_record(name, expiry), plain)
            write_atomic(self._folder / name, expiry.to_bytes(_EXPIRY, "big") + sealed, mode=0o600)
        except OSError as error:
            raise _failed(error) from error
        return token + file.form.suffix

    def get(self, part: str) -> Kept | None:
        """Return a file by the last part of its URL; None once its time is up."""
        match = _TOKEN.fullmatch(part)
        if match is None:
            return None
        name = _name(match[1])
        try:
            data = (self._folder / name).read_bytes()
        except OSError:
            return None
        expiry = int.from_bytes(data[:_EXPIRY], "big")
        left = expiry - int(time.time())
        plain = self._box.open(_record(name, expiry), data[_EXPIRY:]) if left > 0 else None
        if plain is None:
            return None
        mime, number, body = plain.split(b"\n", 2)
        return Kept(body, mime.decode(), number.decode(), left)

    def remove(self, part: str) -> None:
        """Take a file away before its time."""
        match = _TOKEN.fullmatch(part)
        if match is not None:
            (self._folder / _name(match[1])).unlink(missing_ok=True)


def _name(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _record(name: str, expiry: int) -> str:
    return f"media:{name}:{expiry}"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else iter(())


def _size(path: Path) -> int:
    """Return the bytes of a file, none for one that another worker took away meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _failed(error: OSError) -> StoreError:
    return StoreError(
        Bi(f"文件无法存盘：{error.strerror}", f"a file could not be kept on disk: {error.strerror}"),
        Bi(
            "检查数据目录下 media/shelf 的磁盘空间与权限",
            "look at the disk space and the rights of media/shelf in the data folder",
        ),
    )


def sweep(folder: Path) -> int:
    """Delete files whose time is up; return how many went."""
    gone, now = 0, int(time.time())
    for path in _files(folder):
        try:
            if path.name.startswith("."):  # being written, or left behind by a process that died
                due = path.stat().st_mtime < now - _LEFT_BEHIND
            else:
                with path.open("rb") as file:
                    due = int.from_bytes(file.read(_EXPIRY), "big") <= now
            if due:
                path.unlink(missing_ok=True)
                gone += 1
        except OSError:
            continue
    return gone


def sweep_work(folder: Path) -> None:
    """Delete what a process that died left behind while it labelled."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _LEFT_BEHIND:
                shutil.rmtree(path)
