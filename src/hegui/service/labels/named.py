"""The files that a command is given: themselves, those in folders, and what globs name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels import sidecar

_WILD = set("*?[")


def found_files(given: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files that were named, those in folders (but for sidecars), and what globs name; raise InputError for none."""
    for path in given:
        if path.is_dir():
            yield from _some(path, [item for item in _files(path, "**/*") if not item.name.endswith(sidecar.SUFFIX)])
        elif path.exists() or not _WILD & set(str(path)):
            yield path
        else:
            at = next(number for number, name in enumerate(path.parts) if _WILD & set(name))
            yield from _some(path, _files(Path(*path.parts[:at]), str(Path(*path.parts[at:]))))


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(item for item in folder.glob(pattern) if item.is_file() and not item.name.startswith("."))


def _some(path: Path, found: list[Path]) -> list[Path]:
    """Return what was found; raise InputError for nothing: a check of no file at all is none that passed."""
    if not found:
        raise InputError(
            Bi(f"没有文件符合 {path}", f"no file matches {path}"),
            Bi("检查写法，或文件夹是否为空", "check how it is written, and whether the folder is empty"),
        )
    return found
