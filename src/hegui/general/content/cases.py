"""Texts with the action that is expected of them, as people keep them: JSONL, or a table with a column for each.

A table is CSV, TSV or XLSX with the columns `text` and, both optional, `expected` and `side`
(文本, 预期, 方向). It is read whole; other files are read as `texts` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from hegui.general.content.policy import ACTION_NAMES, Action, Side
from hegui.general.content.texts import LONGEST, Broken, Text, named, texts_of, too_long
from hegui.kit import sheets
from hegui.kit.errors import InputError
from hegui.kit.text import Bi

TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm"})
_TEXT, _EXPECTED, _SIDE = ("text", "文本"), ("expected", "预期"), ("side", "方向")
_SIDES = {"input": Side.INPUT, "输入": Side.INPUT, "output": Side.OUTPUT, "输出": Side.OUTPUT}
_ACTIONS = {action.value: action for action in Action} | {ACTION_NAMES[action].zh: action for action in Action}
_SHAPE = Bi("第一行写列名：text、expected、side", "the first row names the columns: text, expected, side")


def cases_of(paths: Iterable[Path]) -> Iterator[Text]:
    """Yield the texts of files, folders and `-`, those of tables too; blank ones are left out.

    A path that can not be read, or a table without a column of texts, raises InputError before any text is yielded.
    """
    found = [
        _table(path) if path.suffix.lower() in TABLES and not path.is_dir() else map(case, texts_of([path]))
        for path in paths
    ]
    return chain.from_iterable(found)


def case(text: Text) -> Text:
    """Return a text with the expected action that it says, by its value or its Chinese name; broken where it is none."""
    if text.broken is not None or text.expected is None:
        return text
    if text.expected == "":
        return replace(text, expected=None)
    action = _ACTIONS.get(text.expected) if isinstance(text.expected, str) else None
    if action is not None:
        return replace(text, expected=action)
    said, known = str(text.expected)[:20], ", ".join(f"{action} {ACTION_NAMES[action].zh}" for action in Action)
    wrong = Bi(f"未知的预期动作 {said!r}", f"unknown expected action {said!r}")
    return replace(text, broken=Broken("not_expected", wrong, Bi(f"写其一：{known}", f"write one of: {known}")))


def _table(path: Path) -> Iterator[Text]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            Bi(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}"),
            Bi("检查路径与权限", "check the path and its permissions"),
        ) from None
    rows = _rows(path, data)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    places = [
        next((header.index(name) for name in names if name in header), None) for names in (_TEXT, _EXPECTED, _SIDE)
    ]
    if places[0] is None:
        raise InputError(Bi(f"{named(path)} 没有 text 列", f"{named(path)} has no column `text`"), _SHAPE)
    return _each(named(path), rows[1:], places)


def _rows(path: Path, data: bytes) -> list[list[str]]:
    if path.suffix.lower() != ".tsv":
        return sheets.rows(path, data, InputError)
    text = sheets.decoded(path, data, InputError)
    return [line.removesuffix("\r").split("\t") for line in text.removesuffix("\n").split("\n")]


def _each(source: str, rows: list[list[str]], places: list[int | None]) -> Iterator[Text]:
    for number, row in enumerate(rows, 2):
        text, expected, side = (row[at] if at is not None and at < len(row) else "" for at in places)
        found = _case(Text(source, number, text), expected.strip(), side.strip())
        if not found.blank:
            yield found


def _case(text: Text, expected: str, side: str) -> Text:
    if len(text.text) > LONGEST:
        return replace(text, text="", broken=too_long())
    if side and side.lower() not in _SIDES:
        said = Bi(f"未知的方向 {side[:20]!r}", f"unknown side {side[:20]!r}")
        return replace(text, broken=Broken("not_side", said, Bi("写 input 或 output", "write input or output")))
    return case(replace(text, side=_SIDES[side.lower()] if side else None, expected=expected.lower()))
