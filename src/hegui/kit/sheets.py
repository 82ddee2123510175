"""Rows of text from CSV, XLSX and JSON Lines as operators have them: read strictly, and nothing lost without a word."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec

from hegui.kit.errors import HeguiError
from hegui.kit.limits import unpacked
from hegui.kit.text import Bi

MOST_UNPACKED = 128 << 20
"""Most bytes that a workbook may hold unpacked."""
_MOST_COLUMNS = 256
_WORKBOOKS = frozenset({".xlsx", ".xlsm"})
_LINES = frozenset({".jsonl", ".ndjson"})
_TABS = ".tsv"
_AS_TEXT = Bi("另存为 UTF-8", "save it in UTF-8")
_AS_CSV = Bi("另存为 UTF-8 编码的 CSV", "save it as CSV in UTF-8")
_Value = str | int | float | bool | list[str] | None


def rows(path: Path, data: bytes, error: type[HeguiError]) -> list[list[str]]:
    """Return the rows of a file with its header; raise `error`, with the line where a CSV goes wrong.

    The path's suffix says what the bytes are: the first sheet of an XLSX, objects of JSON a line, whose keys
    are the header, else a CSV (`.tsv`: parted by tabs). An empty cell is an empty text; a formula is its saved
    value, `#N/A` and the like included.
    """
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS:
        return _workbook(path, data, error)
    if suffix in _LINES:
        return _json_lines(path, data, error)
    return _csv(path, data, error, "\t" if suffix == _TABS else ",")


def first_row(path: Path) -> int:
    """Return the number, in the file, of the first row after the header, which lines of JSON do not have."""
    return 1 if path.suffix.lower() in _LINES else 2


def decoded(path: Path, data: bytes, error: type[HeguiError], remedy: Bi = _AS_TEXT) -> str:
    """Return a file's text in UTF-8 or, if it can not have been meant as that, in GB18030; raise `error`.

    A damaged UTF-8 file is not read as GB18030, which would turn its words into others.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            lossy = data.decode("utf-8", "replace")
            if lossy.count("\ufffd") < sum("\u4e00" <= character <= "\u9fff" for character in lossy):
                break
    raise error(Bi(f"{path} 不是完好的 UTF-8 或 GB18030 文本", f"{path} is not sound text in UTF-8 or GB18030"), remedy)


def _workbook(path: Path, data: bytes, error: type[HeguiError]) -> list[list[str]]:
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to import, seldom needed

    try:
        if unpacked(data) > MOST_UNPACKED:
            most = MOST_UNPACKED >> 20
            raise ValueError(f"解压后超过 {most} MB / over {most} MB unpacked")
        sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
        # The size that a file states can be wrong; rows beyond it would be lost without a word.
        sheet.reset_dimensions()
        return [_cells(row) for row in sheet.iter_rows(values_only=True)]
    except Exception as fault:  # noqa: BLE001 - a spreadsheet can be broken in any way
        raise error(
            Bi(f"{path} 不是有效的 XLSX：{fault}", f"{path} is not a valid XLSX: {fault}"),
            Bi("用表格软件另存为 XLSX 或 CSV", "save it again as XLSX or CSV"),
        ) from None


def _cells(row: tuple[object, ...]) -> list[str]:
    if len(row) > _MOST_COLUMNS:
        raise ValueError(f"超过 {_MOST_COLUMNS} 列 / over {_MOST_COLUMNS} columns")
    return ["" if cell is None else str(cell) for cell in row]


def _json_lines(path: Path, data: bytes, error: type[HeguiError]) -> list[list[str]]:
    """Return the keys in the order in which they come, then a row for each line; a list's items are parted by `|`."""
    header: dict[str, None] = {}
    found: list[dict[str, str]] = []
    for number, line in enumerate(decoded(path, data, error).split("\n"), 1):
        try:
            row = msgspec.json.decode(line, type=dict[str, _Value]) if line.strip() else {}
        except msgspec.MsgspecError as fault:
            raise error(
                Bi(
                    f"{path} 第 {number} 行不是一个 JSON 对象：{fault}",
                    f"line {number} of {path} is not an object of JSON: {fault}",
                ),
                Bi(
                    '每行写一个对象，例如 {"word": …, "risk": …}',
                    'write an object a line, such as {"word": …, "risk": …}',
                ),
            ) from None
        header.update(dict.fromkeys(row))
        found.append({key: _text(value) for key, value in row.items()})
    return [list(header), *([row.get(key, "") for key in header] for row in found)] if header else []


def _text(value: _Value) -> str:
    if isinstance(value, list):
        return "|".join(value)
    return "" if value is None else str(value)


def _csv(path: Path, data: bytes, error: type[HeguiError], parted: str) -> list[list[str]]:
    # Strict: a quote that is never closed would swallow every row after it.
    reader = csv.reader(io.StringIO(decoded(path, data, error, _AS_CSV), newline=""), strict=True, delimiter=parted)
    try:
        return list(reader)
    except csv.Error as fault:
        raise error(
            Bi(
                f"{path} 不是有效的 CSV，读到第 {reader.line_num} 行：{fault}",
                f"{path} is not valid CSV, read up to line {reader.line_num}: {fault}",
            ),
            Bi("改正引号等格式，或另存为 XLSX", "correct the quotes, or save it as XLSX"),
        ) from None
