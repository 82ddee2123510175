"""Texts from pipes and files, read piece by piece: whole, one a line, or JSONL; what can not be read is told.

Memory stays bounded by the longest text that is checked, however big the file is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hegui.general.content.checks import Checked, Checker
from hegui.general.content.policy import Side
from hegui.kit.errors import InputError
from hegui.kit.text import Bi

LONGEST = 1_000_000
"""Characters of the longest text that is checked; a longer one is an error, never a skipped check."""
_MOST_BYTES = 4 * LONGEST
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
JSON_LINES = frozenset({".jsonl", ".ndjson"})
TEXT_FILES = frozenset({".txt"}) | JSON_LINES
STDIN = "-"

_SPLIT = Bi("请分成几段", "split it")
_UTF8 = Bi("另存为 UTF-8", "save it as UTF-8")
_HALF = Bi("改正写出它的程序", "correct the program that wrote it")
_SHAPE = Bi(
    '每行写作 {"text": "…", "side": "input"}，side 可省略',
    'write each line as {"text": "…", "side": "input"}; the side may be left out',
)


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a text could not be read, and at which byte of it."""

    why: str
    said: Bi
    remedy: Bi
    byte: int | None = None

    def as_dict(self) -> dict[str, str | int]:
        """Return the reason for machines."""
        place: dict[str, str | int] = {} if self.byte is None else {"byte": self.byte}
        return {"why": self.why, **place, "said": self.said.en, "said_zh": self.said.zh}


@dataclass(frozen=True, slots=True)
class Text:
    """One text and where it stands; a broken one has no text."""

    source: str
    line: int
    text: str
    side: Side | None = None
    broken: Broken | None = None
    expected: object = None
    """What should be done with it, as JSON says it; an action once `cases` has read it."""

    @property
    def blank(self) -> bool:
        """Say whether there is nothing to check."""
        return self.broken is None and not self.text.strip()


def check(checker: Checker, text: Text, side: Side) -> Checked | Broken:
    """Check a text on its own side, or on `side` where it names none; return why when it can not be checked."""
    if text.broken is not None:
        return text.broken
    try:
        return checker.check(text.text, text.side or side)
    except Exception as error:  # noqa: BLE001 - a check that can not run is told, never "fine"
        name = type(error).__name__
        said = Bi(f"检查未能运行（{name}）", f"the check could not run ({name})")
        return Broken("failed", said, Bi("请报告这一缺陷", "report this as a defect"))


def too_long() -> Broken:
    """Return why a text over the limit is not checked."""
    said = Bi(f"文本超过 {LONGEST:,} 字，没有检查", f"the text is over {LONGEST:,} characters and was not checked")
    return Broken("too_long", said, _SPLIT)


def _decoded(data: bytes) -> str | Broken:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        said = Bi(f"第 {error.start} 字节（从 0 起）不是 UTF-8", f"byte {error.start} (from 0) is not UTF-8")
        return Broken("not_utf8", said, _UTF8, error.start)
    return text if len(text) <= LONGEST else too_long()


def whole(stream: BinaryIO) -> str:
    """Read one text to its end, no more than can be checked; raise InputError for what can not be read."""
    data = stream.read(_MOST_BYTES + 1)
    found = too_long() if len(data) > _MOST_BYTES else _decoded(data)
    if isinstance(found, Broken):
        raise InputError(found.said, found.remedy)
    return found


def _raw_lines(stream: BinaryIO) -> Iterator[bytes | Broken]:
    most = _MOST_BYTES + len(b"\r\n")
    while line := stream.readline(most):
        if not line.endswith(b"\n") and len(line) > _MOST_BYTES:
            while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield too_long()
        else:
            yield line.removesuffix(b"\n").removesuffix(b"\r")


def _json_text(text: str) -> tuple[str, Side | None, object] | Broken:
    try:
        data = json.loads(text)
        side = data.get("side") if isinstance(data, dict) else None
        if isinstance(data, dict) and isinstance(data.get("text"), str):
            data["text"].encode()
            found = data["text"], None if side is None else Side(side), data.get("expected")
            return found if len(found[0]) <= LONGEST else too_long()
    except UnicodeEncodeError:
        return Broken(
            "not_unicode", Bi("含有半个字符（孤立代理项）", "it holds half a character (a lone surrogate)"), _HALF
        )
    except (ValueError, RecursionError):
        pass
    return Broken("not_json", Bi("不是所要的 JSON", "it is not the JSON that is asked for"), _SHAPE)


def lines(stream: BinaryIO, source: str = STDIN, *, as_json: bool = False) -> Iterator[Text]:
    """Yield a text for each line, broken ones too, as soon as the line is there.

    Only a line feed ends a line, with or without a carriage return before it.
    """
    for number, raw in enumerate(_raw_lines(stream), 1):
        if isinstance(raw, bytes) and number == 1 and source != STDIN:
            raw = raw.removeprefix(_BOM)  # noqa: PLW2901 - the mark of the file, not of its first text
        found: str | tuple[str, Side | None, object] | Broken = _decoded(raw) if isinstance(raw, bytes) else raw
        if as_json and isinstance(found, str) and found.strip():
            found = _json_text(found)
        if isinstance(found, Broken):
            yield Text(source, number, "", broken=found)
        elif isinstance(found, str):
            yield Text(source, number, found)
        else:
            yield Text(source, number, found[0], found[1], expected=found[2])


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        Bi(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}"),
        Bi("检查路径与权限", "check the path and its permissions"),
    )


def _found(path: Path) -> list[Path]:
    """Return a file as it is, and of a folder its files of texts; raise InputError."""
    try:
        if str(path) == STDIN:
            return [path]
        if not path.is_dir():
            with path.open("rb"):
                return [path]
        inside = sorted(item for item in path.iterdir() if item.is_file() and item.suffix.lower() in TEXT_FILES)
    except OSError as error:
        raise _unreadable(path, error) from None
    if inside:
        return inside
    raise InputError(
        Bi(f"{path} 里没有文本文件", f"{path} holds no file of texts"),
        Bi("放入 .txt（每行一条）或 .jsonl", "put .txt (one text a line) or .jsonl files there"),
    )


def texts_of(paths: Iterable[Path]) -> Iterator[Text]:
    """Yield the texts of files (`.jsonl` as JSON, others one a line), of folders, and of `-`; blank ones are left out.

    A path that can not be read raises InputError before any text is yielded.
    """
    found = [item for path in paths for item in _found(path)]
    return _each(found)


def named(path: Path) -> str:
    """Return a path as text that can be printed, also where its bytes are no UTF-8."""
    return str(path).encode("utf-8", "replace").decode()


def _each(paths: list[Path]) -> Iterator[Text]:
    for path in paths:
        as_json = path.suffix.lower() in JSON_LINES
        if str(path) == STDIN:
            yield from (text for text in lines(sys.stdin.buffer) if not text.blank)
            continue
        try:
            with path.open("rb") as stream:
                yield from (text for text in lines(stream, named(path), as_json=as_json) if not text.blank)
        except OSError as error:
            raise _unreadable(path, error) from None
