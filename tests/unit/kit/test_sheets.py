"""Rows of text from files as operators have them: nothing lost, nothing turned into something else, and errors with places."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.kit import sheets
from hegui.kit.errors import InputError

CSV, XLSX = Path("words.csv"), Path("words.xlsx")
CELLS = st.text("甲乙é,\"' \n-😀", max_size=4)


class WordsError(InputError):
    """The caller's own class of errors."""


def workbook(rows: list[list[Any]], *, dimension: str = "") -> bytes:
    """Return a workbook; `dimension` puts in another stated size, as some programs do."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.create_sheet("备注").append(["不读", "的"])
    book.save(out)
    if not dimension:
        return out.getvalue()
    changed = io.BytesIO()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"'.encode(), part)
            new.writestr(name, part)
    return changed.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@given(table=st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=4))
def test_every_cell_of_a_csv_comes_back_in_every_encoding(encoding: str, end: str, table: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    breaks = any("\n" in cell for row in table for cell in row)
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL if breaks else csv.QUOTE_MINIMAL).writerows(table)
    assert sheets.rows(CSV, out.getvalue().encode(encoding), WordsError) == table


def test_a_workbook_is_its_first_sheet_as_text_with_gaps_and_failed_formulas_kept() -> None:
    data = workbook([["词", None, 1], [], ["#N/A", 2.5, " 乙 "]])
    assert sheets.rows(XLSX, data, WordsError) == [["词", "", "1"], [], ["#N/A", "2.5", " 乙 "]]
    assert sheets.rows(Path("BOOK.XLSM"), data, WordsError) == sheets.rows(XLSX, data, WordsError)


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "A1:A9"])
def test_a_workbook_that_states_a_wrong_size_loses_no_row(dimension: str) -> None:
    wanted = [[f"词{number}", f"类{number}"] for number in range(5)]
    assert sheets.rows(XLSX, workbook([*wanted], dimension=dimension), WordsError) == wanted


@pytest.mark.parametrize(
    ("path", "data", "told", "remedy"),
    [
        (CSV, b'a,b\nc,"d\ne,f\n', "line 3", "quotes"), (CSV, b'a,b\n"c"d,e\n', "line 2", "quotes"),
        (CSV, b"a,b\n" + b"c" * 140_000 + b",d\n", "line 2", "quotes"),
        (CSV, "甲乙丙".encode()[:-1], "UTF-8 or GB18030", "CSV in UTF-8"), (CSV, b"\xff\xfe\x00", "UTF-8", "CSV in UTF-8"),
        (CSV, "甲乙".encode("utf-16"), "UTF-8", "CSV in UTF-8"), (XLSX, b"a,b\n", "XLSX", "save it again"),
        (XLSX, b"", "XLSX", "save it again"), (XLSX, workbook([["词"]])[:-200], "XLSX", "save it again"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_told_in_the_callers_own_error(path: Path, data: bytes, told: str, remedy: str) -> None:
    with pytest.raises(WordsError) as caught:
        sheets.rows(path, data, WordsError)
    for title in caught.value.title:
        assert str(path) in title
    assert told in caught.value.title.en
    assert remedy in caught.value.remedy.en
    assert caught.value.remedy.zh != caught.value.remedy.en


def test_text_alone_is_decoded_the_same_way_with_a_remedy_that_fits_any_file() -> None:
    path = Path("texts.jsonl")
    assert {sheets.decoded(path, "甲乙".encode(name), WordsError) for name in ("utf-8-sig", "gb18030")} == {"甲乙"}
    with pytest.raises(WordsError) as caught:
        sheets.decoded(path, "甲乙丙".encode().replace("乙".encode(), b"\xe4"), WordsError)
    assert "CSV" not in caught.value.remedy.en


def test_lines_of_json_are_rows_whose_keys_are_the_header() -> None:
    lines = '{"word": "甲", "near": ["乙", "丙"]}\n\n{"risk": "A.1.a", "word": "丁", "within": 5, "until": null}\n'
    assert sheets.rows(Path("words.jsonl"), lines.encode(), WordsError) == [
        ["word", "near", "risk", "within", "until"],
        ["甲", "乙|丙", "", "", ""],
        ["", "", "", "", ""],
        ["丁", "", "A.1.a", "5", ""],
        ["", "", "", "", ""],
    ]
    assert sheets.rows(Path("words.jsonl"), b"", WordsError) == []


@pytest.mark.parametrize("line", ["[1]", '"甲"', "{", '{"word": {"zh": "甲"}}', '{"word": [1]}'])
def test_a_line_that_is_no_object_of_texts_is_an_error_with_its_number(line: str) -> None:
    with pytest.raises(WordsError, match="第 2 行"):
        sheets.rows(Path("words.jsonl"), f'{{"word": "甲"}}\n{line}'.encode(), WordsError)


def test_tabs_part_the_cells_of_a_tsv() -> None:
    assert sheets.rows(Path("words.tsv"), "word\trisk\n甲,乙\tA.1.a\n".encode(), WordsError) == [
        ["word", "risk"],
        ["甲,乙", "A.1.a"],
    ]
