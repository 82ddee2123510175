"""The workbook that a filing wants: 关键词, 一级分类, 二级分类, and a sheet that says what it was made from.

Every word is written as text, so that none is run as a formula, and reads back as the same library.
"""

from __future__ import annotations

import io
import re
from datetime import date
from typing import TYPE_CHECKING

from hegui.general.content.audit import CLAUSE, RESULT_NAMES, Requirement
from hegui.general.content.hits import shown
from hegui.general.content.library import Library, LibraryError
from hegui.kit.text import Bi
from hegui.law import risks
from hegui.law.register import law_version

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

HEADER = ("关键词", "一级分类", "二级分类")
WORDS_SHEET = "关键词库"
NOTES_SHEET = "说明"
_MOST_ROWS = 1_048_576
_WIDTHS = {"A": 32, "B": 44, "C": 60}
_ROWS_SHOWN = 5
_TEXT_FORMAT = "@"
_FORMULA_SIGNS = "=+-@'＝＋－＠"
# What XML can not hold or would change, and what spreadsheets take for an escaped character.
_NOT_WRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_x[0-9A-Fa-f]{4}_")


def _refuse(library: Library) -> None:
    wrong = [word.row for word in library.words if _NOT_WRITABLE.search(word.text)]
    if wrong:
        rows = ", ".join(str(row) for row in wrong[:_ROWS_SHOWN])
        raise LibraryError(
            Bi(
                f"{len(wrong)} 个词含有 XLSX 存不下的字符，行 {rows}",
                f"{len(wrong)} words hold characters that an XLSX can not keep, rows {rows}",
            ),
            Bi("删去控制字符后再导出", "remove the control characters, then export again"),
        )
    if len(library.words) >= _MOST_ROWS:
        raise LibraryError(
            Bi(f"词超过一张表的 {_MOST_ROWS:,} 行", f"more words than the {_MOST_ROWS:,} rows of a sheet"),
            Bi("分成几个文件", "split the library"),
        )


def _cell(sheet: WriteOnlyWorksheet, value: str) -> Cell:
    """Return a cell that holds text whatever it begins with, and stays text when a person edits it."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - slow to import, seldom needed

    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    cell.number_format = _TEXT_FORMAT
    if value[:1] in _FORMULA_SIGNS:
        cell.quotePrefix = True
    return cell


def workbook(library: Library, found: tuple[Requirement, ...], on: date) -> bytes:
    """Return the workbook of a library; raise LibraryError that names the rows it can not hold."""
    from openpyxl import Workbook  # noqa: PLC0415 - slow to import, seldom needed

    _refuse(library)
    names = risks()
    book = Workbook(write_only=True)
    words = book.create_sheet(WORDS_SHEET)
    words.freeze_panes = "A2"
    for column, width in _WIDTHS.items():
        words.column_dimensions[column].width = width
    words.append(HEADER)
    classes = {risk: (names.name(names.area_of(risk)).zh, names.name(risk).zh) for risk in names.ids}
    for word in library.words:
        words.append([_cell(words, word.text), *classes[word.risk]])
    notes = book.create_sheet(NOTES_SHEET)
    notes.column_dimensions["A"].width = _WIDTHS["C"]
    notes.column_dimensions["B"].width = _WIDTHS["A"]
    for title, value in _notes(library, found, on):
        notes.append([_cell(notes, title), _cell(notes, value)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _notes(library: Library, found: tuple[Requirement, ...], on: date) -> list[tuple[str, str]]:
    names = risks()
    counts = library.counts()
    rest = [risk for risk in names.ids if counts[risk] and risk not in {item.risk for item in found}]
    return [
        ("导出日期 / date", on.isoformat()),
        ("词库文件 / library file", shown(library.source)),
        ("词库版本（摘要）/ version (digest)", library.version),
        ("法规数据版本 / version of the law data", law_version()),
        ("行数 / rows", str(len(library.words))),
        ("依据 / clause", CLAUSE),
        *((item.what.both, f"{item.figures} {RESULT_NAMES[item.result].both}") for item in found),
        *((f"{risk} {names.name(risk).bi.both}", str(counts[risk])) for risk in rest),
    ]
