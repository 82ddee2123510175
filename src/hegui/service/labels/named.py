"""The files that a command is given: themselves, those in folders, and what globs name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels import sidecar


def found_files(given: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files that were named, those in folders (but for sidecars), and what globs name; raise InputError for none."""
    for path in given:
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
            yield from (item for item in inside if not item.name.endswith(sidecar.SUFFIX))
        elif path.exists() or not set("*?[") & set(path.name):
            yield path
        else:
            matching = sorted(item for item in path.parent.glob(path.name) if item.is_file())
            if not matching:
                raise InputError(
                    Bi(f"没有文件符合 {path}", f"no file matches {path}"), Bi("检查写法", "check how it is written")
                )
            yield from matching
