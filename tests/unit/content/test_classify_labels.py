"""Labelled files as operators have them: what is read, what is told with its row, and what counts as the same text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.classify import labels as reading
from hegui.general.content.classify import obscure, slices
from hegui.general.content.classify.group import groups
from hegui.general.content.classify.labels import LabelsError, Record, read_labels
from hegui.general.content.classify.split import LEARN, TEST, TUNE, split
from hegui.law import risks

ROWS = [
    ("合规样例文本甲", "A.2.a"),
    ("合规样例文本乙", "benign"),
    ("合规样例文本丙", "A2e; A.4.a"),
    ("合规样例文本丁", "0"),
]
WANTED = {
    "合规样例文本甲": {"A.2.a"}, "合规样例文本乙": set(), "合规样例文本丙": {"A.2.e", "A.4.a"}, "合规样例文本丁": set(),
}  # fmt: skip


def csv_text(rows: Sequence[tuple[str, ...]], header: str = "text,label") -> str:
    return "\n".join([header, *(",".join(row) for row in rows)])


def written(folder: Path, data: str | bytes, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def sheet(folder: Path, rows: list[list[Any]]) -> Path:
    book, path = openpyxl.Workbook(), folder / "labels.xlsx"
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def read(path: Path) -> dict[str, set[str]]:
    return {record.text: set(record.risks) for record in read_labels([path]).records}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("header", ["text,label", "文本,标签", " Label , TEXT "])
def test_csv_in_every_encoding_and_order_of_columns(tmp_path: Path, encoding: str, header: str) -> None:
    rows: list[tuple[str, ...]] = [*ROWS] if "text,label" in header or "文本" in header else [row[::-1] for row in ROWS]
    assert read(written(tmp_path, csv_text(rows, header).encode(encoding))) == WANTED


def test_lines_of_json_take_lists_and_numbers_as_labels(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": ROWS[0][0], "label": "A.2.a"}, {"text": ROWS[1][0], "label": False},
        {"text": ROWS[2][0], "label": ["A.2.e", "A.4.a"]}, {"text": ROWS[3][0], "label": 0},
    ]  # fmt: skip
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert read(written(tmp_path, lines + "\n\n", "labels.jsonl")) == WANTED


def test_a_workbook_takes_numbers_as_labels(tmp_path: Path) -> None:
    path = sheet(tmp_path, [["文本", "标签", "来源"], ["样例甲", 1, "客服"], ["样例乙", 0.0, None], [None, None, None]])
    found = read_labels([path], "A.2.e").records
    assert found == [Record("样例乙", frozenset(), "labels"), Record("样例甲", frozenset({"A.2.e"}), "客服")]


def test_every_risk_is_known_by_its_id_and_by_its_chinese_name(tmp_path: Path) -> None:
    rows = [(f"样例{risk}", risk) for risk in risks().ids]
    rows += [(f"名称样例{risk}", risks().name(risk).zh) for risk in risks().ids]
    lines = "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows)
    found = read(written(tmp_path, lines, "labels.jsonl"))
    assert all(found[f"样例{risk}"] == found[f"名称样例{risk}"] == {risk} for risk in risks().ids)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.csv", csv_text([("好", "benign"), ("坏", "A.9.z")]), "a.csv:3"),
        ("a.csv", csv_text([("好", "benign"), ("", "A.2.a")]), "a.csv:3"),
        ("a.csv", csv_text([("好", "")]), "a.csv:2"),
        ("a.csv", csv_text([("好", "benign;A.2.a")]), "a.csv:2"),
        ("a.csv", csv_text([("长" * (reading.LONGEST + 1), "0")]), "a.csv:2"),
        ("a.csv", 'text,label\n"好,benign\n坏,A.2.a\n', "CSV"),
        ("a.csv", "text,tag\n好,benign\n", "text,label"),
        ("a.csv", "", "text,label"),
        ("a.csv", "text,label\n标记甲乙,0\n".encode().replace("甲乙".encode(), b"\xe7\x94\xb2\xe4"), "UTF-8"),
        ("a.jsonl", '{"text": "好", "label": "benign"}\n{"text": "坏"', "a.jsonl:2"),
        ("a.jsonl", '["好", "benign"]', "a.jsonl:1"),
        ("a.jsonl", '{"text": ["好"], "label": 0}', "a.jsonl:1"),
        ("a.xlsx", b"no workbook", "XLSX"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_told_with_its_row(tmp_path: Path, name: str, data: str | bytes, told: str) -> None:
    with pytest.raises(LabelsError) as caught:
        read_labels([written(tmp_path, data, name)])
    assert told in caught.value.title.zh
    assert told in caught.value.title.en


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="none"):
        read_labels([tmp_path / "none.csv"])


def test_too_much_text_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_CHARACTERS", 5)
    with pytest.raises(LabelsError, match="more than 5 characters"):
        read_labels([written(tmp_path, csv_text([("六个字的文本", "0")]))])


def test_texts_that_differ_in_marks_alone_are_one_and_their_risks_add_up(tmp_path: Path) -> None:
    rows = [("样例文本甲", "A.2.a"), ("样例，文本。甲", "A.2.e"), ("样\u200b例文本甲", "A.2.a")]
    found = read_labels([written(tmp_path, csv_text(rows))])
    assert [record.risks for record in found.records] == [{"A.2.a", "A.2.e"}]
    assert found.copies == 2


def test_a_text_called_benign_and_harmful_is_told_and_not_used(tmp_path: Path) -> None:
    rows = [("样例文本甲", "A.2.a"), ("样例文本乙", "0"), ("样例 文本甲", "benign")]
    found = read_labels([written(tmp_path, csv_text(rows))])
    assert found.conflicts == ["labels.csv:2 = labels.csv:4"]
    assert [record.text for record in found.records] == ["样例文本乙"]


def test_the_digest_does_not_depend_on_the_order_of_rows_and_files(tmp_path: Path) -> None:
    one = written(tmp_path, csv_text([(*row, "s") for row in ROWS], "text,label,source"), "one.csv")
    two = written(tmp_path, csv_text([(*row, "s") for row in ROWS[:1:-1]], "text,label,source"), "two.csv")
    three = written(tmp_path, csv_text([(*row, "s") for row in ROWS[:2]], "text,label,source"), "three.csv")
    assert read_labels([one]).digest == read_labels([two, three]).digest
    assert read_labels([two]).digest != read_labels([three]).digest


# --- near-duplicates and the split -----------------------------------------------------------------------

LONG = "合规样例文本用来检验近似重复的分组是否可靠其中每一句都是为了测试而写的并不说明任何事情只是凑足长度而已"


@pytest.mark.parametrize(
    "other",
    [LONG + "吧", LONG.replace("可靠", "稳妥"), *(hide(LONG) for _, hide in obscure.WAYS.values())],
    ids=["one more character", "one word changed", *obscure.WAYS],
)
def test_near_duplicates_are_one_group(other: str) -> None:
    found = groups(["完全不同的另一段话语", LONG, other, LONG[::-1]])
    assert found.tolist() == [0, 1, 1, 3]


def test_copies_of_copies_are_one_group() -> None:
    chain = [LONG + "补充说明" * number for number in range(4)]
    assert len(set(groups(chain).tolist())) == 1


def test_texts_without_letters_are_grouped_too() -> None:
    assert groups(["……", "！！", "甲", "乙"]).tolist() == [0, 0, 2, 3]
    assert groups([]).tolist() == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(10, 60))
def test_no_group_is_split_and_each_label_is_in_each_part(seed: int, count: int) -> None:
    records = [
        Record(
            "".join(chr(0x4E00 + (number * 131 + place * 17) % 9000) for place in range(20)) + tail,
            risk,
            "s",
        )
        for number in range(count)
        for tail in ("", "。")
        for risk in [frozenset({"A.2.a"}) if number % 2 else frozenset()]
    ]
    part, grouped = split(records, seed)
    for group in set(grouped.tolist()):
        assert len(set(part[grouped == group].tolist())) == 1
    for risky in (True, False):
        of_label = {int(part[at]) for at, record in enumerate(records) if bool(record.risks) is risky}
        assert {LEARN, TEST} <= of_label or {LEARN, TUNE} <= of_label


def test_a_set_that_grows_keeps_most_of_its_split() -> None:
    texts = [
        f"{chr(0x4E00 + n * 7)}{chr(0x6E00 + n * 5)}第{n}条{chr(0x5000 + n * 11)}{chr(0x7000 + n * 13)}"
        for n in range(440)
    ]
    records = [Record(text, frozenset(), "s") for text in texts]
    before, _ = split(records[:400], 0)
    after, _ = split(records, 0)
    assert (before == after[:400]).mean() > 0.9


# --- the shipped texts that oppose discrimination -------------------------------------------------------


def test_the_shipped_texts_are_many_distinct_and_halved_by_topic() -> None:
    shipped = slices.opposing()
    texts = [item.text for item in shipped]
    assert len(shipped) >= 200
    assert len(set(groups(texts).tolist())) == len(texts)
    halves = [{item.topic for item in shipped if item.learnt is learnt} for learnt in (True, False)]
    assert not halves[0] & halves[1]
    assert sum(item.learnt for item in shipped) in range(len(shipped) * 2 // 5, len(shipped) * 3 // 5)
