"""The library's audit: the standard's numbers to the last word, unfair and idle words, and a workbook that loses nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content import audit, hits, load_library, load_policy, sheet, texts
from hegui.general.content.audit import Entry, Renewal, requirements
from hegui.general.content.checks import Checker
from hegui.general.content.library import Library, LibraryError, compile_library, read_rows
from hegui.general.content.policy import Action, Side, parse_policy
from hegui.general.content.replay import Replay
from hegui.general.content.texts import LONGEST, Text
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import register, risks
from hegui.law.register import Register
from hegui.law.risks import Risks

ON = date(2026, 11, 22)
CLAUSE = "GBT45654-B.1.1"
SUBSET = risks().in_subset("keyword_and_refusal")
TODAY = Renewal(ON, Bi("今天", "today"))


def law() -> Register:
    return register(ON)


def library(*rows: tuple[str, str]) -> Library:
    return compile_library([(row, word, risk) for row, (word, risk) in enumerate(rows, 2)], "t.csv")


def checker(*rows: tuple[str, str]) -> Checker:
    return Checker(library(*rows), load_policy(None))


def least(risk: str) -> int:
    return law().whole(CLAUSE, {"A.1": "keyword_each_A1", "A.2": "keyword_each_A2"}[risks().area_of(risk)])


def enough() -> list[tuple[str, str]]:
    """Return just as many words as the standard asks for: each risk its least, the first one all the rest."""
    words = [(f"标记{risk}{number}号", risk) for risk in SUBSET for number in range(least(risk))]
    rest = law().whole(CLAUSE, "keyword_total") - len(words)
    return words + [(f"标记余{number}号", SUBSET[0]) for number in range(rest)]


def judged(words: list[tuple[str, str]], renewed: Renewal = TODAY) -> dict[str, str]:
    found = requirements(library(*words), law(), renewed)
    return {item.risk or item.number.name: item.result for item in found}


# --- the standard's numbers --------------------------------------------------------------------------


def test_a_library_with_just_enough_meets_every_number_of_the_clause() -> None:
    words = enough()
    assert set(judged(words).values()) == {"met"}
    found = requirements(library(*words), law(), TODAY)
    assert {item.number.name for item in found} == {item.name for item in law().obligation(CLAUSE).numbers}
    assert [item.risk for item in found if item.risk] == list(SUBSET)
    for item in found:
        assert item.as_dict()["citation"] == CLAUSE
        assert item.as_dict()["need"] == law().whole(CLAUSE, item.number.name)
        assert item.as_dict()["confirmed"] is (item.number.mark != "K")


def test_one_word_less_is_not_met_where_it_is_missing() -> None:
    assert {key for key, result in judged(enough()[:-1]).items() if result != "met"} == {"keyword_total"}
    for risk in (SUBSET[1], SUBSET[-1]):
        words = enough()
        words.remove(next(item for item in words if item[1] == risk))
        assert {key for key, result in judged(words).items() if result == "not_met"} == {"keyword_total", risk}
        none = [item for item in enough() if item[1] != risk]
        assert judged(none)["keyword_risks"] == "not_met"


@pytest.mark.parametrize("padding", ["标记a", "标记Ａ", "标记\u200bA", "标\ufe0f记a"])
def test_the_same_word_in_another_dress_does_not_count_twice(padding: str) -> None:
    words = [*enough()[:-1], ("标记a", SUBSET[0])]
    assert judged(words)["keyword_total"] == "met"
    assert judged([*words[1:], (padding, SUBSET[0])])["keyword_total"] == "not_met"


def test_words_of_other_risks_count_in_all_but_cover_none_of_the_seventeen() -> None:
    others = [(f"标记{number}", "A.3.a") for number in range(law().whole(CLAUSE, "keyword_total"))]
    found = judged(others)
    assert found["keyword_total"] == "met"
    assert found["keyword_risks"] == "not_met"
    assert {found[risk] for risk in SUBSET} == {"not_met"}


@pytest.mark.parametrize(
    ("days", "result"), [(-1, "undetermined"), (0, "met"), (7, "met"), (8, "not_met"), (400, "not_met")]
)
def test_renewal_counts_the_days_of_the_standard(days: int, result: str) -> None:
    assert law().whole(CLAUSE, "keyword_refresh_days") == 7
    given_day = Renewal(ON - timedelta(days=days), Bi("给定", "given"))
    assert judged([("标记", "A.1.a")], given_day)["keyword_refresh_days"] == result
    assert judged([("标记", "A.1.a")], Renewal(None, Bi("无", "none")))["keyword_refresh_days"] == "undetermined"


def test_renewal_is_the_day_given_else_the_files_day_in_china(tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text("word,risk\n标记,A.1.a\n")
    evening = datetime(2026, 9, 25, 17, tzinfo=UTC).timestamp()
    os.utime(file, (evening, evening))
    assert audit.renewal(file, None).day == date(2026, 9, 26)
    assert audit.renewal(file, ON).day == ON
    assert audit.renewal(tmp_path / "gone.csv", None).day is None


# --- the words alone ---------------------------------------------------------------------------------


def rows(found: list[Entry]) -> list[list[int]]:
    return [[word.row for word in entry.words] for entry in found]


def test_duplicates_are_named_by_row_apart_from_words_under_several_risks() -> None:
    words = audit.entries(
        library(("标记A", "A.1.a"), ("标记乙", "A.1.a"), ("标记ａ", "A.1.a"), ("标记a", "A.1.b"), ("标记乙", "A.1.c"))
    )
    assert rows(audit.duplicates(words)) == [[2, 4]]
    assert rows(audit.several_risks(words)) == [[2, 4, 5], [3, 6]]
    assert audit.several_risks(words)[0].as_dict() == {"word": "标记A", "risks": ["A.1.a", "A.1.b"], "rows": [2, 4, 5]}


@pytest.mark.parametrize(
    ("word", "too_short"),
    [
        ("记", True),
        ("Ａ", True),
        ("①", True),
        ("ab", True),
        ("Ａ1", True),
        ("标记", False),
        ("a记", False),
        ("abc", False),
        ("记\u200b", True),
    ],
)
def test_words_too_short_to_be_fair(word: str, too_short: bool) -> None:
    assert bool(audit.short(audit.entries(library((word, "A.1.a"))))) is too_short


@pytest.mark.parametrize(
    ("words", "superfluous"),
    [
        ([("标记", "A.1.a"), ("甲标记乙", "A.1.a")], {3: [2]}),
        ([("甲标记乙", "A.1.a"), ("标记", "A.1.a"), ("甲标", "A.1.a")], {2: [3]}),
        ([("标记", "A.1.a"), ("甲标记乙", "A.1.b")], {}),
        ([("标记", "A.1.a"), ("标记", "A.1.a"), ("标\u200b记", "A.1.a")], {}),
        ([("av", "A.1.a"), ("java", "A.1.a"), ("av标记", "A.1.a")], {4: [2]}),
        ([("标记", "A.1.a"), ("标记", "A.1.b"), ("标记甲", "A.1.b")], {4: [3]}),
        ([("标记", "A.1.a"), ("甲标\u200b记Ｂ", "A.1.a")], {3: [2]}),
    ],
)
def test_words_that_hold_another_of_the_same_risk_add_nothing(
    words: list[tuple[str, str]], superfluous: dict[int, list[int]]
) -> None:
    built = checker(*words)
    entries = audit.entries(built.library)
    found = audit.containing(built, entries.values(), audit.rules_of(entries))
    assert {item.entry.words[0].row: [part.words[0].row for part in item.parts] for item in found} == superfluous


# --- two libraries -----------------------------------------------------------------------------------


def test_a_difference_is_told_after_normalising() -> None:
    old = library(("标记甲", "A.1.a"), ("标记乙", "A.1.a"), ("标记丙", "A.1.b"), ("标记Ｄ", "A.1.b"))
    new = library(
        ("标记d", "A.1.b"), ("标记甲", "A.2.a"), ("标记丙", "A.1.b"), ("标记丁", "A.1.c"), ("标记丁", "A.1.c")
    )
    found = audit.difference(old, new)
    assert [item.text for item in found.added] == ["标记丁"]
    assert [item.text for item in found.removed] == ["标记乙"]
    assert [item.as_dict() for item in found.moved] == [
        {"word": "标记甲", "from": ["A.1.a"], "to": ["A.2.a"], "rows": [3]}
    ]
    changed = {risk: counts for risk, counts in found.by_risk().items() if counts["before"] != counts["after"]}
    assert changed == {
        "A.1.a": {"before": 2, "after": 0}, "A.1.c": {"before": 0, "after": 1}, "A.2.a": {"before": 0, "after": 1},
    }  # fmt: skip


WORDS = st.lists(
    st.tuples(st.sampled_from(["甲", "乙", "丙", "Ａ", "a", "丁丁"]), st.sampled_from(SUBSET[:4])), max_size=8
)


@given(WORDS, WORDS)
def test_a_difference_is_none_just_when_the_words_and_risks_are_the_same(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    def told(words: list[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(word.casefold().replace("Ａ", "a").replace("ａ", "a"), risk) for word, risk in words}

    found, back = audit.difference(library(*one), library(*other)), audit.difference(library(*other), library(*one))
    assert found.none is (told(one) == told(other))
    assert [item.text for item in found.added] == [item.text for item in back.removed]
    assert len(found.moved) == len(back.moved)


# --- hits in texts and in logs -----------------------------------------------------------------------


def counted(built: Checker, *lines: str) -> hits.Counting:
    counting = hits.Counting(built, audit.rules_of(audit.entries(built.library)))
    for number, line in enumerate(lines, 1):
        counting.add(Text("t.txt", number, line))
    return counting


def test_hits_are_counted_by_text_and_by_place_the_commonest_word_first() -> None:
    built = checker(("标记甲", "A.1.a"), ("标记乙", "A.1.b"), ("标记甲", "A.2.a"), ("标记丙", "A.1.a"))
    found = counted(built, "无", "标记乙", "标记甲标记甲", "再说标记甲", "标记乙", "标记乙")
    assert (found.texts, found.hit, found.rate(found.hit)) == (6, 5, 833.333)
    assert [(item.entry.text, item.texts, item.hits) for item in found.most()] == [("标记乙", 3, 3), ("标记甲", 2, 3)]
    assert found.rows() == {2, 3}


def test_an_example_names_the_place_and_shows_no_more_than_a_few_characters() -> None:
    built = checker(("标记", "A.1.a"))
    found = counted(built, *["零一二三四五标\u200b记六七八九十"] * 9)
    examples = found.most()[0].examples
    assert len(examples) == 3
    assert examples[0].as_dict() == {
        "file": "t.txt", "line": 1, "start": 6, "end": 9, "lane": "exact", "around": "二三四五【标\u200b记】六七八九",
    }  # fmt: skip
    long = counted(built, "前" * 50 + "标" + "\u200b" * 500 + "记" + "后" * 50).most()[0].examples[0]
    assert len(long.around) <= 4 + 1 + 20 + 1 + 1 + 4
    assert "\u200b" not in long.line_text()


def test_texts_that_can_not_be_read_are_no_texts_and_are_counted_apart(tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    file.write_bytes("标记\n\n \n".encode() + b"\xff\n" + "标记".encode())
    built = checker(("标记", "A.1.a"))
    counting = hits.Counting(built, audit.rules_of(audit.entries(built.library)))
    for text in texts.texts_of([file]):
        counting.add(text)
    assert (counting.texts, counting.hit, counting.not_scanned, counting.rate(2)) == (2, 2, 1, 1000.0)
    assert [(text.line, broken.why) for text, broken in counting.broken] == [(4, "not_utf8")]


def log(path: Path, built: Checker) -> hits.Log:
    return hits.read_log(path, built.library.version, audit.rules_of(audit.entries(built.library)))


def test_a_log_is_read_in_each_of_its_forms(tmp_path: Path) -> None:
    built = checker(("标记甲", "A.1.a"), ("标记乙", "A.1.b"))
    version = {"library": built.library.version}
    counts = tmp_path / "hits.csv"
    counts.write_text("\ufeffRule , count\nkeyword:2,3\nkeyword:99,1\n\nkeyword:2,4\n", "utf-8")
    found = log(counts, built)
    assert (dict(found.counts), found.unknown_rules) == ({"keyword:2": 7}, 1)

    personal = {"rule": "personal:mobile"}
    acts: list[dict[str, Any]] = [
        {"kind": "exchange", "payload": {"verdicts": [{"rule": "keyword:2"}, personal], "versions": version}},
        {"kind": "exchange", "payload": {"verdicts": [{"rule": "keyword:3"}], "versions": {"library": "other"}}},
        {"kind": "account.created", "payload": {"name": "x"}},
        {"kind": "erased"},
    ]
    folder = tmp_path / "OUT"
    folder.mkdir()
    (folder / "records.jsonl").write_text("\n".join(json.dumps(act) for act in acts))
    found = log(folder, built)
    assert (dict(found.counts), found.other_versions, found.unknown_rules) == ({"keyword:2": 1}, 1, 0)

    checked = tmp_path / "checked.jsonl"
    checked.write_text(json.dumps({"action": "refuse", "hits": [{"rule": "keyword:3"}] * 2, "versions": version}))
    assert dict(log(checked, built).counts) == {"keyword:3": 2}


def test_hits_of_a_library_that_was_edited_while_serving_count_for_its_file(tmp_path: Path) -> None:
    built = checker(("标记甲", "A.1.a"))
    said = [{"rule": "keyword:2"}, {"rule": "word:e1"}]
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"verdicts": said, "versions": {"library": f"{built.library.version}+0123abcd"}}))
    found = log(path, built)
    assert (dict(found.counts), found.other_versions, found.unknown_rules) == ({"keyword:2": 1}, 0, 0)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.csv", b"", "line 1"), ("a.csv", b"rule;count\n", "line 1"), ("a.csv", b"count,rule\n", "line 1"),
        ("a.csv", b"rule,count\nkeyword:2\n", "line 2"), ("a.csv", b"rule,count\nkeyword:2,-1\n", "line 2"),
        ("a.csv", b"rule,count\nkeyword:2,1.5\n", "line 2"), ("a.csv", "rule,count\nkeyword:2,３\n".encode(), "line 2"),
        ("a.csv", b"rule,count\n\n" + b"keyword:2," + b"9" * 5000 + b"\n", "line 3"),
        ("a.csv", b'rule,count\n"keyword:2,1\n', "can not be read"), ("a.csv", b"rule,count\n\xff\xfe,1\n", "can not be read"),
        ("a.jsonl", b"{}\n{", "line 2"), ("a.jsonl", b"[]", "line 1"), ("a.jsonl", b'{"payload": 3}', "line 1"),
        ("a.jsonl", b"[" * 100_000, "line 1"), ("a.jsonl", b"\xff\n", "line 1"),
    ],
)  # fmt: skip
def test_a_wrong_log_says_where(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        log(tmp_path / name, checker(("标记", "A.1.a")))
    assert told in caught.value.title.en
    with pytest.raises(InputError):
        log(tmp_path / "gone.csv", checker(("标记", "A.1.a")))


# --- the workbook ------------------------------------------------------------------------------------

WRITABLE = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=12,
)
DANGEROUS = st.builds(
    "".join, st.tuples(st.sampled_from(["=", "+", "-", "@", "'", "＝", '"', "<", "&", "标 记\n", "]]>"]), WRITABLE)
)


def exported(words: Library) -> bytes:
    return sheet.workbook(words, requirements(words, law(), TODAY), ON)


def readable(word: str) -> bool:
    """Say whether the library takes the word as it is: stripped, not empty, no failed formula."""
    file = io.StringIO()
    csv.writer(file).writerows([["word", "risk"], [word, "A.1.a"]])
    try:
        return read_rows(Path("t.csv"), file.getvalue().encode())[0][1] == word
    except LibraryError:
        return False


@settings(max_examples=60, deadline=None)  # a workbook takes a while
@given(st.lists(st.tuples(WRITABLE | DANGEROUS, st.sampled_from(risks().ids)), min_size=1, max_size=6))
def test_what_is_exported_reads_back_as_the_same_library(
    tmp_path_factory: pytest.TempPathFactory, words: list[tuple[str, str]]
) -> None:
    taken = [(word.strip(), risk) for word, risk in words if readable(word.strip()) and "_x" not in word]
    if not taken:
        return
    before = library(*taken)
    path = tmp_path_factory.mktemp("export") / "words.xlsx"
    path.write_bytes(exported(before))
    after = load_library(path)
    assert [(word.text, word.risk) for word in after.words] == [(word.text, word.risk) for word in before.words]
    assert after.version == before.version


def test_no_word_is_run_as_a_formula(tmp_path: Path) -> None:
    words = [
        "=1+1",
        '=HYPERLINK("http://x","y")',
        "+1",
        "-1",
        "@SUM(A1)",
        "=cmd|' /C calc'!A0",
        "12345",
        "1e5",
        "001",
        "TRUE",
        "2026-11-22",
    ]
    path = tmp_path / "words.xlsx"
    path.write_bytes(exported(library(*((word, "A.1.a") for word in words))))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert all(b"<f>" not in data and b"<f " not in data for data in parts.values())
    book = openpyxl.load_workbook(path)
    column = book.worksheets[0]["A"][1:]
    assert [(cell.value, cell.data_type, cell.number_format) for cell in column] == [(word, "s", "@") for word in words]
    assert [bool(cell.quotePrefix) for cell in column] == [word[0] in "=+-@" for word in words]


def test_the_workbook_has_the_columns_and_names_of_a_filing_and_says_what_it_is(tmp_path: Path) -> None:
    words = library(*((f"标记{place}", risk) for place, risk in enumerate(risks().ids)))
    path = tmp_path / "words.xlsx"
    path.write_bytes(exported(words))
    book = openpyxl.load_workbook(path)
    table = list(book.worksheets[0].iter_rows(values_only=True))
    assert table[0] == ("关键词", "一级分类", "二级分类")
    names: Risks = risks()
    for row, risk in zip(table[1:], names.ids, strict=True):
        assert row[1:] == (names.name(names.area_of(risk)).zh, names.name(risk).zh)
    notes = {str(key): str(value) for key, value in book.worksheets[1].iter_rows(values_only=True)}
    assert words.version in notes.values()
    assert ON.isoformat() in notes.values()
    assert CLAUSE in notes.values()
    total = law().whole(CLAUSE, "keyword_total")
    assert f"31 / ≥ {total:,} 未满足 / not met" in notes.values()
    assert sum(any(risk in key for key in notes) for risk in names.ids) == len(names.ids)


@pytest.mark.parametrize("word", ["标\x01记", "标\r记", "标\ufffe记", "标_x0041_记", "标\x1b[31m"])
def test_a_word_that_a_workbook_would_change_is_refused_by_row(word: str) -> None:
    with pytest.raises(LibraryError) as caught:
        exported(library(("标记", "A.1.a"), (word, "A.1.a")))
    assert "rows 3" in caught.value.title.en


# --- reading texts -----------------------------------------------------------------------------------


def read(data: bytes, **more: Any) -> list[Text]:
    return list(texts.lines(io.BytesIO(data), **more))


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=6), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_only_a_line_feed_ends_a_line(lines: list[str], end: str) -> None:
    data = "".join(line + end for line in lines).encode()
    assert [text.text for text in read(data)] == lines
    assert [text.line for text in read(data)] == list(range(1, len(lines) + 1))
    assert [text.text for text in read(data + "尾".encode())] == [*lines, "尾"]


def test_a_line_that_can_not_be_read_is_told_and_the_next_ones_are_read() -> None:
    found = read("好\n".encode() + "坏".encode()[:2] + b"\n" + "甲乙".encode() + b"\xff\n" + "末".encode())
    assert [(text.line, text.text, text.broken.why if text.broken else None) for text in found] == [
        (1, "好", None), (2, "", "not_utf8"), (3, "", "not_utf8"), (4, "末", None),
    ]  # fmt: skip
    assert [text.broken.byte for text in found if text.broken] == [0, 6]


@pytest.mark.parametrize("character", ["a", "汉", "𠀀"])
def test_the_longest_text_is_read_and_one_character_more_is_told(character: str) -> None:
    right, wrong, after = read((character * LONGEST + "\n" + character * (LONGEST + 1) + "\r\n后").encode())
    assert (len(right.text), right.broken) == (LONGEST, None)
    assert wrong.broken is not None
    assert (wrong.broken.why, wrong.text) == ("too_long", "")
    assert after.text == "后"
    assert texts.whole(io.BytesIO((character * LONGEST).encode())) == character * LONGEST
    with pytest.raises(InputError, match="没有检查"):
        texts.whole(io.BytesIO((character * (LONGEST + 1)).encode()))


def test_an_endless_line_is_never_held_whole() -> None:
    class Endless(io.RawIOBase):
        left, most = 40 * LONGEST, 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            size = min(len(buffer), self.left)
            buffer[:size] = b"a" * size
            self.left -= size
            return size

    import tracemalloc

    tracemalloc.start()
    found = list(texts.lines(io.BufferedReader(Endless())))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [text.broken.why for text in found if text.broken] == ["too_long"]
    assert peak < 16 * LONGEST


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"text": "标记"}', ("标记", None)), ('{"text": "标记", "side": "output", "label": 1}', ("标记", Side.OUTPUT)),
        ('{"text": "", "side": null}', ("", None)), ('{"text": "\\ud800"}', "not_unicode"), ('{"text": "\\ud83d\\ude00"}', ("😀", None)),
        ('{"text": 3}', "not_json"), ('{"side": "input"}', "not_json"), ('{"text": "x", "side": "both"}', "not_json"),
        ('{"text": "x", "side": 1}', "not_json"), ('{"text": "x", "side": []}', "not_json"), ('["x"]', "not_json"),
        ("标记", "not_json"), ("{", "not_json"), ("[" * 100_000, "not_json"), ("9" * 5000, "not_json"),
    ],
)  # fmt: skip
def test_json_lines_hold_a_text_and_perhaps_a_side(line: str, found: Any) -> None:
    (text,) = read(line.encode(), as_json=True)
    assert (text.broken.why if text.broken else (text.text, text.side)) == found


def test_files_folders_and_marks_of_encoding(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "b.txt").write_bytes(b"\xef\xbb\xbf" + "标记\n\n乙\n".encode())
    (folder / "a.jsonl").write_text('{"text": "甲", "side": "output"}\n\n')
    (folder / "notes.pdf").write_bytes(b"\xff")
    found = [
        (Path(text.source).name, text.line, text.text, text.side) for text in texts.texts_of([folder, folder / "b.txt"])
    ]
    assert found == [
        ("a.jsonl", 1, "甲", Side.OUTPUT), ("b.txt", 1, "标记", None), ("b.txt", 3, "乙", None),
        ("b.txt", 1, "标记", None), ("b.txt", 3, "乙", None),
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    for wrong in ("gone.txt", "empty"):
        with pytest.raises(InputError):
            texts.texts_of([folder, tmp_path / wrong])


def test_a_check_that_can_not_run_is_told_in_counts_and_replays_too(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Checker.check

    def check(self: Checker, text: str, side: Side) -> Any:
        if text == "坏":
            raise RuntimeError(text)
        return real(self, text, side)

    monkeypatch.setattr(Checker, "check", check)
    found = counted(checker(("标记", "A.1.a")), "标记", "坏", "标记")
    assert (found.texts, found.hit, found.not_scanned) == (2, 2, 1)
    assert [(text.line, broken.why) for text, broken in found.broken] == [(2, "failed")]
    replay = replayed({}, {}, "标记甲", "坏")
    assert (replay.texts, replay.not_scanned, replay.broken[0][0].line) == (1, 1, 2)


# --- two policies ------------------------------------------------------------------------------------


def replayed(old: dict[str, Any], new: dict[str, Any], *lines: str, most: int = 100, side: Side = Side.INPUT) -> Replay:
    words, base = library(("标记甲", "A.1.a"), ("标记乙", "A.1.b")), load_policy(None)
    replay = Replay(Checker(words, parse_policy(old, base)), Checker(words, parse_policy(new, base)), most)
    replay.run((Text("t.txt", number, line) for number, line in enumerate(lines, 1)), side)
    return replay


PASSES: Callable[[str], dict[str, Any]] = lambda risk: {"input": {"risks": {risk: "pass"}}}  # noqa: E731


def test_a_replay_counts_actions_and_risks_and_names_the_lines() -> None:
    found = replayed({}, PASSES("A.1.a"), "无", "标记甲", "标记甲标记乙", "标记乙")
    data = found.as_dict()
    none = dict.fromkeys(map(str, Action), 0)
    assert data["actions"] == {"before": none | {"pass": 1, "refuse": 3}, "after": none | {"pass": 2, "refuse": 2}}
    assert data["by_risk"]["A.1.a"] == {"before": none | {"refuse": 2}, "after": none | {"pass": 2}}
    assert data["by_risk"]["A.1.b"]["before"] == data["by_risk"]["A.1.b"]["after"]
    # The third text is refused by both, yet for one reason less: that is a difference too.
    assert [(item["line"], item["before"], item["after"], item["risks"]) for item in data["changed"]] == [
        (2, "refuse", "pass", ["A.1.a"]), (3, "refuse", "refuse", ["A.1.a"]),
    ]  # fmt: skip
    assert (found.texts, found.differing) == (4, 2)


def test_a_set_answer_that_reads_otherwise_is_a_difference() -> None:
    def answers(text: str) -> dict[str, Any]:
        return {"input": {"risks": {"A.1.a": "answer"}}, "answers": {"A.1.a": text}}

    assert replayed(answers("甲"), answers("甲"), "标记甲", "标记乙").differing == 0
    assert replayed(answers("甲"), answers("乙"), "标记甲", "标记乙").differing == 1


@given(
    st.sampled_from(["A.1.a", "A.1.b", "A.2.a"]),
    st.lists(st.sampled_from(["无", "标记甲", "标记乙", "标记甲乙标记乙"]), max_size=6),
)
def test_a_policy_against_itself_differs_nowhere_and_only_its_side_counts(risk: str, lines: list[str]) -> None:
    assert replayed(PASSES(risk), PASSES(risk), *lines).differing == 0
    assert replayed({}, PASSES(risk), *lines, side=Side.OUTPUT).differing == 0
    forth, back = replayed({}, PASSES(risk), *lines), replayed(PASSES(risk), {}, *lines)
    assert forth.actions == back.actions[::-1]
    assert [item.line for item in forth.changed] == [item.line for item in back.changed]


def test_a_replay_keeps_no_more_than_it_was_told_and_counts_all() -> None:
    lines = ["标记甲"] * 40
    found = replayed({}, PASSES("A.1.a"), *lines, most=5)
    assert ([item.line for item in found.changed], found.differing) == ([1, 2, 3, 4, 5], 40)
