"""The keyword library's files as operators have them: either form, every encoding, and nothing lost without a word."""

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

from hegui.general.content import load_library, load_policy
from hegui.general.content.checks import Checker
from hegui.general.content.library import LibraryError, compile_library
from hegui.general.content.policy import Side
from hegui.general.rulebook.facts import library_gaps
from hegui.law import register, risks

TWO = "word,risk"
THREE = "关键词,一级分类,二级分类"
DAMAGED = "word,risk\n标记,A.1.a\n标记甲乙,A.1.b\n".encode().replace("甲乙".encode(), b"\xe7\x94\xb2\xe4")


def loaded(path: Path) -> list[tuple[str, str, int]]:
    return [(word.text, word.risk, word.row) for word in load_library(path).words]


def text_file(folder: Path, text: str | bytes, name: str = "words.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sheet_file(folder: Path, rows: list[list[Any]], *, dimension: str = "") -> Path:
    """Write a workbook; `dimension` puts in another stated size, as some programs do."""
    book, path = openpyxl.Workbook(), folder / "words.xlsx"
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.create_sheet("备注").append(["不读", "的"])
    book.save(path)
    if dimension:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = "xl/worksheets/sheet1.xml"
        parts[name] = re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"'.encode(), parts[name])
        with zipfile.ZipFile(path, "w") as archive:
            for part, data in parts.items():
                archive.writestr(part, data)
    return path


# --- what is read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "header", [TWO, "WORD , Risk", "risk,word", THREE, "备注,关键词,一级分类,二级分类", "关键词,二级分类"]
)
def test_a_csv_is_read_in_every_form_that_spreadsheets_save(
    tmp_path: Path, encoding: str, end: str, header: str
) -> None:
    cells = {
        "word": "标记甲",
        "关键词": "标记甲",
        "risk": "A.2.c",
        "一级分类": "A.2",
        "二级分类": "A.2.c",
        "备注": '"a,""b"""',
    }
    row = ",".join(cells[name.strip().lower()] for name in header.split(","))
    path = text_file(tmp_path, end.join([header, row, "", ""]).encode(encoding))
    assert loaded(path) == [("标记甲", "A.2.c", 2)]


@pytest.mark.parametrize("risk", risks().ids)
def test_each_risk_may_be_named_by_number_or_by_words(tmp_path: Path, risk: str) -> None:
    name = risks().name(risk).zh
    forms = [risk, risk.lower(), risk.replace(".", ""), f" {risk} ", name, f"{risk} {name}", f"{risk}　{name}"]
    out = io.StringIO()
    csv.writer(out).writerows([["word", "risk"], *([f"标记{place}", form] for place, form in enumerate(forms))])
    assert [found for _, found, _ in loaded(text_file(tmp_path, out.getvalue()))] == [risk] * len(forms)


def test_a_workbook_is_read_from_its_first_sheet_numbers_and_gaps_too(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["关键词", "一级分类", "二级分类"],
        ["标记甲", "A.1", "A.1.a"],
        [None, None, None],
        [12345, "A.1", "A.1.b"],
        [" 标记乙 ", None, "A.2.a"],
    ]
    assert loaded(sheet_file(tmp_path, rows)) == [("标记甲", "A.1.a", 2), ("12345", "A.1.b", 4), ("标记乙", "A.2.a", 5)]


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "A1:A9", "A1:Z900"])
def test_a_workbook_that_states_a_wrong_size_loses_no_row(tmp_path: Path, dimension: str) -> None:
    rows: list[list[Any]] = [["word", "risk"], *([f"标记{number}", "A.1.a"] for number in range(5))]
    assert len(loaded(sheet_file(tmp_path, rows, dimension=dimension))) == 5


def test_quoted_words_keep_their_commas_and_quotes(tmp_path: Path) -> None:
    words = ["标记,甲", '标记"乙"', "标记 丙", "标记-丁"]
    out = io.StringIO()
    csv.writer(out).writerows([["word", "risk"], *([word, "A.1.a"] for word in words)])
    assert [word for word, _, _ in loaded(text_file(tmp_path, out.getvalue()))] == words


def test_the_longest_word_is_loaded_and_found(tmp_path: Path) -> None:
    word = "标记" * 50
    library = load_library(text_file(tmp_path, f"{TWO}\n{word},A.1.a\n"))
    (hit,) = Checker(library, load_policy(None)).check(f"前{word}后", Side.INPUT).verdicts
    assert (hit.start, hit.end) == (1, 101)
    assert library.longest >= 100, "a stream holds at least the whole word"


def test_twenty_thousand_words_are_each_found_with_their_own_row(tmp_path: Path) -> None:
    ids = risks().ids
    rows = [(f"标记{number:05d}号", ids[number % len(ids)]) for number in range(20_000)]
    library = load_library(text_file(tmp_path, TWO + "\n" + "".join(f"{word},{risk}\n" for word, risk in rows)))
    assert sum(library.counts().values()) == len(library.patterns) == 20_000
    checker = Checker(library, load_policy(None))
    for number in range(0, 20_000, 97):
        (hit,) = checker.check(f"请看{rows[number][0]}。", Side.INPUT).verdicts
        assert (hit.rule, hit.risk) == (f"keyword:{number + 2}", rows[number][1])
    assert library.word("keyword:2") == library.words[0]
    assert library.word("keyword:1") is None


# --- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"), (b"\xef\xbb\xbf", "empty"), ((TWO + "\n").encode(), "empty"), (b"\n\n", "columns"),
        ("标记甲,A.1.a\n".encode(), "columns"), ("word;risk\n标记甲;A.1.a\n".encode(), "columns"),
        ((TWO + "\n标记甲\n").encode(), "words.csv:2"), ((TWO + "\n标记甲,\n").encode(), "words.csv:2"),
        ((TWO + "\n标记甲,A.1.z\n").encode(), "A.1.z"), ((TWO + "\n标记甲,A.1\n").encode(), "words.csv:2"),
        ((TWO + "\n,A.1.a\n").encode(), "words.csv:2"), ((TWO + "\n\u200b\ufe0f,A.1.a\n").encode(), "words.csv:2"),
        ((TWO + "\n#N/A,A.1.a\n").encode(), "formula"), ((TWO + "\n#name?,A.1.a\n").encode(), "formula"),
        ((TWO + "\n" + "长" * 101 + ",A.1.a\n").encode(), "words.csv:2"),
        ((TWO + "\n" + "长" * 140_000 + ",A.1.a\n").encode(), "line 2"),
        ((TWO + ',note\n标记甲,A.1.a,"x\n标记乙,A.1.b,x\n').encode(), "line 3"),
        ((TWO + '\n"标记"甲,A.1.a\n').encode(), "line 2"),
        ("word,risk\n标记甲,A.1.a\n".encode("utf-16"), "UTF-8"), (b"\xff\xfe\x00", "UTF-8"),
        (DAMAGED, "UTF-8"), (b"\xef\xbb\xbf" + DAMAGED, "UTF-8"),
    ],
)  # fmt: skip
def test_a_wrong_csv_says_where_and_what_to_do(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(LibraryError) as caught:
        load_library(text_file(tmp_path, data))
    assert told in caught.value.title.en
    assert caught.value.title.zh != caught.value.title.en
    assert caught.value.remedy.zh != caught.value.remedy.en


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "empty"), ([["word", "risk"]], "empty"), ([["word", "risk"], ["=CONCATENATE(A1,B1)", "A.1.a"]], "words.xlsx:2"),
        ([["word", "risk"], ["标记", "A.1.a"], ["#REF!", "A.1.a"]], "words.xlsx:3"), ([["词", "类"]], "columns"),
        ([["word", "risk"], ["标记", 1.5]], "words.xlsx:2"), ([["word", "risk"], ["标记"]], "words.xlsx:2"),
    ],
)  # fmt: skip
def test_a_wrong_workbook_says_where_and_what_to_do(tmp_path: Path, rows: list[list[Any]], told: str) -> None:
    with pytest.raises(LibraryError) as caught:
        load_library(sheet_file(tmp_path, rows))
    assert told in caught.value.title.en


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"word,risk\n", b"\xd0\xcf\x11\xe0" * 200])
def test_what_is_only_called_a_workbook_is_told(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LibraryError) as caught:
        load_library(text_file(tmp_path, data, "words.XLSX"))
    assert "XLSX" in caught.value.title.zh


@pytest.mark.parametrize("cut", [1, 2])
def test_a_sheet_in_place_of_a_file_and_a_cut_workbook_are_told(tmp_path: Path, cut: int) -> None:
    with pytest.raises(LibraryError):
        load_library(tmp_path)
    path = sheet_file(tmp_path, [["word", "risk"], ["标记", "A.1.a"]])
    path.write_bytes(path.read_bytes()[: -(len(path.read_bytes()) // (1 + cut))])
    with pytest.raises(LibraryError):
        load_library(path)


def test_many_wrong_rows_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    with pytest.raises(LibraryError) as caught:
        load_library(text_file(tmp_path, TWO + "\n" + "标记,A.9.z\n" * 40))
    assert caught.value.title.en.startswith("40 rows")
    assert [f"words.csv:{row}" in caught.value.title.en for row in (2, 6, 7)] == [True, True, False]


# --- what is counted ---------------------------------------------------------------------------------


def test_words_that_fold_to_the_same_count_once_for_the_law_but_each_keeps_its_row() -> None:
    library = compile_library(
        [(2, "标记A", "A.1.a"), (3, "标记Ａ", "A.1.a"), (4, "标记\u200ba", "A.1.a"), (5, "标记a", "A.1.b"), (6, "标记乙", "A.1.b")], "t"
    )  # fmt: skip
    assert library.counts() == {"A.1.a": 1, "A.1.b": 2}
    assert len(library.patterns) == 2
    found = Checker(library, load_policy(None)).check("标记a", Side.INPUT).verdicts
    assert {(item.rule, item.risk) for item in found} == {
        ("keyword:2", "A.1.a"), ("keyword:3", "A.1.a"), ("keyword:4", "A.1.a"), ("keyword:5", "A.1.b"),
    }  # fmt: skip


def test_one_word_many_times_does_not_meet_the_standards_numbers() -> None:
    law = register()
    total, clause = law.whole("GBT45654-B.1.1", "keyword_total"), "GBT45654-B.1.1"
    each = max(law.whole(clause, "keyword_each_A1"), law.whole(clause, "keyword_each_A2"))
    padded = compile_library([(row, "标记", risk) for risk in risks().ids for row in range(2, total // 20)], "t")
    assert library_gaps(padded, law)[0] == f"1/{total}"
    subset = risks().in_subset("keyword_and_refusal")
    rows = [(number, f"标记{number}", subset[number % len(subset)]) for number in range(max(total, each * len(subset)))]
    assert library_gaps(compile_library(rows, "t"), law) == []
    assert library_gaps(compile_library(rows[1:], "t"), law) != []


@given(st.lists(st.sampled_from(["标记甲", "标记乙", "标记丙丁"]), min_size=1, max_size=3, unique=True), st.randoms())
def test_the_version_depends_on_words_and_risks_not_on_order_rows_or_file(words: list[str], random: Any) -> None:
    rows = [(place + 2, word, "A.1.a") for place, word in enumerate(words)]
    mixed = [(row + 7, word, risk) for row, word, risk in rows]
    random.shuffle(mixed)
    version = compile_library(rows, "one.csv").version
    assert compile_library(mixed, "two.xlsx").version == version
    assert compile_library([(*rows[0][:2], "A.1.b"), *rows[1:]], "one.csv").version != version
    assert compile_library([*rows, (9, "标记戊", "A.1.a")], "one.csv").version != version
