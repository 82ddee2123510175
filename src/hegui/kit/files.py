"""Files that must survive: written whole or not at all, secrets readable by their owner only."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hegui.kit.errors import InputError
from hegui.kit.text import Bi


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write beside the target, flush to disk, then rename over it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_output(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file that a person asked for, whole or not at all; raise InputError that says why it could not be."""
    try:
        write_atomic(path, data, mode=mode)
    except OSError as error:
        raise not_written(path, error) from None


def not_written(path: Path, error: OSError) -> InputError:
    """Return the error for a file that could not be written."""
    return InputError(
        Bi(f"不能写 {path}：{error.strerror}", f"can not write {path}: {error.strerror}"),
        Bi("检查路径、权限与空间", "check the path, its permissions and the space left"),
    )
