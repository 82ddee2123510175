"""A small disk that can really be full, where this machine lets us make one."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str, *more: str) -> Iterator[Path]:
    """Mount a disk of a size such as `4m` on a new folder; skip the test where that is not allowed."""
    folder.mkdir()
    options = ",".join((f"size={size}", *more))
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("a small disk can not be mounted here (root is needed)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to its last byte; return the file to remove for room."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler
