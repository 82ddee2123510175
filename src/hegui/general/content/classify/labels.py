"""Labelled texts as operators have them: CSV, JSONL or XLSX with the columns text, label and, if they like, source.

A label is one of the 31 risks (`A.2.a` or its Chinese name; several with `;` between), `benign` or 0, or 1 for
a risk that the caller names. Every row that can not be used is told with its number; none is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from hegui.general.content.classify import features
from hegui.general.content.classify.model import File
from hegui.general.content.policy import UNMAPPED
from hegui.kit import sheets
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks

COLUMNS = {"text": ("text", "文本"), "label": ("label", "标签"), "source": ("source", "来源")}
LONGEST = 20_000
"""Most characters of one labelled text."""
MOST_CHARACTERS = 10_000_000
"""Most characters of all labelled texts together: about two gigabytes of memory while training."""
_SHOWN = 5
_LINES = frozenset({".jsonl", ".ndjson"})
_BENIGN = frozenset({"benign", "0", "0.0"})
_PLAIN = frozenset({"1", "1.0"})


class LabelsError(InputError):
    """A file of labels can not be used; the message names the rows."""


@dataclass(frozen=True, slots=True)
class Record:
    """One labelled text; no risk means benign."""

    text: str
    risks: frozenset[str]
    source: str


@dataclass
class Labels:
    """What was read: texts that are all different, the files, and what was set aside with its rows."""

    records: list[Record]
    files: tuple[File, ...]
    copies: int = 0
    conflicts: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Return the digest of all texts with their labels and sources, in whatever order they came."""
        lines = sorted(orjson.dumps([item.text, sorted(item.risks), item.source]) for item in self.records)
        return sha256(b"\n".join(lines)).hexdigest()


def _error(zh: str, en: str, do_zh: str, do_en: str) -> LabelsError:
    return LabelsError(Bi(zh, en), Bi(do_zh, do_en))


def _table(path: Path, data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    table = sheets.rows(path, data, LabelsError)
    names = [cell.strip().lower() for cell in table[0]] if table else []
    at = {key: next((names.index(form) for form in forms if form in names), None) for key, forms in COLUMNS.items()}
    if at["text"] is None or at["label"] is None:
        raise _error(
            f"{path} 缺少列 text,label（文本,标签）", f"{path} lacks the columns text,label",
            "在第一行写上列名，可另有 source（来源）", "name the columns in the first row; source is optional",
        )  # fmt: skip
    for number, cells in enumerate(table[1:], 2):
        if any(cell.strip() for cell in cells):
            yield number, {key: cells[n] if n is not None and n < len(cells) else "" for key, n in at.items()}


def _jsonl(path: Path, data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(sheets.decoded(path, data, LabelsError).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            value = None
        row: dict[str, str] = {"text": "", "label": "", "source": ""}
        if isinstance(value, dict):
            for key, forms in COLUMNS.items():
                found = next((value[form] for form in forms if form in value), "")
                many = isinstance(found, list) and key == "label"
                row[key] = ";".join(map(_word, found)) if many else _word(found)
        yield number, row


def _word(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""


def _risks(cell: str, plain: str) -> frozenset[str] | None:
    """Return the risks that a label names, none for benign, or None when it can not be read."""
    parts = [part.strip() for part in cell.replace("；", ";").replace("|", ";").split(";") if part.strip()]
    if len(parts) == 1 and parts[0].lower() in _BENIGN:
        return frozenset()
    named = [plain if part in _PLAIN else risks().find(part) for part in parts]
    return frozenset(filter(None, named)) if named and all(named) else None


def risk_named(text: str) -> str:
    """Return the id of the risk that an option names; raise LabelsError."""
    found = text if text == UNMAPPED else risks().find(text)
    if found is None:
        raise _error(f"未知风险 {text}", f"unknown risk {text}", "写作 A.1.a 至 A.5.b", "write A.1.a to A.5.b")
    return found


def read_labels(paths: Sequence[Path], plain: str = UNMAPPED) -> Labels:
    """Read files of labelled texts; `plain` is the risk that a label of 1 means. Raise LabelsError."""
    rows: list[tuple[str, Record]] = []
    found: list[File] = []
    wrong: list[str] = []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _error(
                f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}",
                "检查路径与权限", "check the path and its permissions",
            ) from None  # fmt: skip
        before = len(rows)
        read = _jsonl if path.suffix.lower() in _LINES else _table
        for number, row in read(path, data):
            place = f"{path.name}:{number}"
            what = _fault(row, plain)
            if what:
                wrong.append(f"{place} {what}")
            else:
                named = _risks(row["label"], plain) or frozenset()
                rows.append((place, Record(row["text"].strip(), named, row["source"].strip() or path.stem)))
        found.append(File(path.name, sha256(data).hexdigest(), len(rows) - before))
    if wrong:
        shown = "; ".join(wrong[:_SHOWN])
        raise _error(
            f"标注有 {len(wrong)} 行有误：{shown}", f"{len(wrong)} labelled rows are wrong: {shown}",
            "每行要有 text 与 label；label 写作 A.1.a 至 A.5.b、benign、1 或 0",
            "every row has text and label; write A.1.a to A.5.b, benign, 1 or 0 as label",
        )  # fmt: skip
    if sum(len(item.text) for _, item in rows) > MOST_CHARACTERS:
        raise _error(
            f"文本共超过 {MOST_CHARACTERS} 字", f"the texts have more than {MOST_CHARACTERS} characters in all",
            "取一部分训练", "train on a sample",
        )  # fmt: skip
    return merged(rows, tuple(found))


def _fault(row: dict[str, str], plain: str) -> str:
    if not row["text"].strip():
        return "没有文本 no text"
    if len(row["text"]) > LONGEST:
        return f"文本超过 {LONGEST} 字 text too long"
    if _risks(row["label"], plain) is None:
        return f"未知标签 unknown label {row['label'][:40]!r}"
    return ""


def merged(rows: list[tuple[str, Record]], found: tuple[File, ...]) -> Labels:
    """Join rows whose texts count as the same: risks add up; benign here and a risk there is told and set aside."""
    same: dict[bytes, list[tuple[str, Record]]] = {}
    for place, item in rows:
        same.setdefault(features.codes(item.text).tobytes(), []).append((place, item))
    labels = Labels([], found)
    for alike in same.values():
        labels.copies += len(alike) - 1
        named = {item.risks for _, item in alike}
        if frozenset() in named and len(named) > 1:
            labels.conflicts.append(" = ".join(place for place, _ in alike))
            continue
        # Whichever row came first, the same one stands for all.
        text, source = min((item.text, item.source) for _, item in alike)
        labels.records.append(Record(text, frozenset().union(*named), source))
    labels.records.sort(key=lambda item: (item.text, item.source))
    return labels
