"""What the fold tables cost and catch: loading, ordinary characters that each changes, and splits met by chance.

    python tests/bench/tables.py [FOLDER]

FOLDER holds the texts (`../shared/data` beside the repository); without it only loading is timed.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hegui.general.content import tables

TABLES: list[Callable[[], Any]] = [
    tables.simplified, tables.lookalikes, tables.numerals, tables.separators, tables.syllables, tables.legal_syllables,
    tables.splits,
]  # fmt: skip


def harmless(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each source of ordinary text and its texts."""
    rows = json.loads((folder / "alpaca-zh/alpaca_zh_demo.json").read_text("utf-8"))
    yield "alpaca-zh", ["\n".join((row["instruction"], row["input"], row["output"])) for row in rows]
    lines = (folder / "safetyqa/chinese_safetyqa.jsonl").read_text("utf-8").splitlines()
    yield "safetyqa", [(row := json.loads(line))["question"] + "\n" + row["standard_answer"] for line in lines]
    for name, column in (("cold/dev.csv", "TEXT"), ("cold/train.csv", "TEXT"), ("swsr/comments.csv", "comment_text")):
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            yield name, [row[column] for row in csv.DictReader(file) if row["label"] == "0"]


def loading() -> None:
    """Print how long each table takes to load, beside reading its file."""
    folder = Path(tables.__file__).parent
    print("| table | entries | load, ms | × reading the file |\n| --- | --- | --- | --- |")
    total = 0.0
    for table in TABLES:
        file = folder / f"{table.__name__.replace('legal_', '')}.txt"
        took, read = [], []
        for _ in range(7):
            table.cache_clear()  # type: ignore[attr-defined]
            start = time.perf_counter()
            file.read_text("utf-8")
            middle = time.perf_counter()
            entries = len(table())
            took.append((time.perf_counter() - middle) * 1000)
            read.append((middle - start) * 1000)
        total += statistics.median(took)
        ratio = statistics.median(took) / statistics.median(read)
        print(f"| {table.__name__} | {entries:,} | {statistics.median(took):.2f} | {ratio:.0f} |")
    print(f"| all | | {total:.1f} | |\n")


def ordinary(folder: Path) -> None:
    """Print how much of ordinary text the tables touch."""
    spelled = {form for forms in tables.splits().values() for form in forms}
    stacked = {form for forms in tables.splits(down=True).values() for form in forms} - spelled
    common = {form for forms in tables.splits(common=True).values() for form in forms} - spelled
    print(
        "| of 1,000,000 characters of | simplified | look-alikes | numerals | separators | splits | stacked | common |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, texts in harmless(folder):
        text = "\n".join(texts)
        pieces = [text[at : at + size] for size in (2, 3) for at in range(len(text) - size + 1)]
        kinds = (tables.simplified(), tables.lookalikes(), tables.numerals(), tables.separators())
        counts = [sum(ch in kind for ch in text) for kind in kinds]
        counts += [sum(piece in forms for piece in pieces) for forms in (spelled, stacked, common)]
        print(f"| {name} | {' | '.join(f'{count * 1e6 / len(text):,.0f}' for count in counts)} |")


if __name__ == "__main__":
    loading()
    for given in sys.argv[1:2]:
        ordinary(Path(given))
