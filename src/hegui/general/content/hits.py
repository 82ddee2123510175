"""How often each word of a library hits: in texts that are supplied, or in a log of hits that was kept."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hegui.general.content.audit import Entry
from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.policy import Side
from hegui.general.content.texts import Broken, Text, check
from hegui.kit.errors import InputError
from hegui.kit.text import Bi

_AROUND = 4
_LONGEST_SHOWN = 20
_EXAMPLES = 3
_BROKEN_SHOWN = 20
_RECORDS = "records.jsonl"
_COLUMNS = ["rule", "count"]


@dataclass(frozen=True, slots=True)
class Example:
    """One place where a word hit, with a few characters around it."""

    source: str
    line: int
    start: int
    end: int
    lane: str
    around: str

    def as_dict(self) -> dict[str, Any]:
        """Return the place for machines."""
        return {
            "file": self.source, "line": self.line, "start": self.start, "end": self.end, "lane": self.lane,
            "around": self.around,
        }  # fmt: skip

    def line_text(self) -> str:
        """Return the place for a person."""
        return f"{self.source}:{self.line} [{self.start}, {self.end}) {self.lane} {shown(self.around)}"


def shown(text: str) -> str:
    """Return a text fit for a terminal: what does not print, or would steer the terminal, by its number."""
    return "".join(character if character.isprintable() else f"‹{ord(character):04X}›" for character in text)


def around(text: str, start: int, end: int) -> str:
    """Return a hit in brackets with a few characters on each side, never more of the text."""
    hit = text[start:end]
    hit = hit if len(hit) <= _LONGEST_SHOWN else f"{hit[:_LONGEST_SHOWN]}…"
    found = f"{text[max(0, start - _AROUND) : start]}【{hit}】{text[end : end + _AROUND]}"
    return found.encode("utf-8", "replace").decode()


@dataclass(slots=True)
class Tally:
    """How often one word hit: texts, hits, and the first places."""

    entry: Entry
    texts: int = 0
    hits: int = 0
    examples: list[Example] = field(default_factory=list)


class Counting:
    """Counts the hits of words over texts, one text at a time."""

    def __init__(self, checker: Checker, by_rule: Mapping[str, Entry]) -> None:
        self._checker = checker
        self._by_rule = by_rule
        self._tallies: dict[int, Tally] = {}
        self.texts = 0
        self.hit = 0
        self.broken: list[tuple[Text, Broken]] = []
        self.not_scanned = 0

    def add(self, text: Text) -> None:
        """Count the hits in one text; a broken one is counted apart."""
        checked = check(self._checker, text, Side.INPUT)
        if isinstance(checked, Broken):
            self.not_scanned += 1
            if len(self.broken) < _BROKEN_SHOWN:
                self.broken.append((text, checked))
            return
        self.texts += 1
        places: dict[int, dict[tuple[int, int], Verdict]] = {}
        for verdict in checked.verdicts:
            entry = self._by_rule.get(verdict.rule)
            if entry is not None:
                key = entry.words[0].row
                self._tallies.setdefault(key, Tally(entry))
                places.setdefault(key, {})[verdict.start, verdict.end] = verdict
        self.hit += bool(places)
        for key, found in places.items():
            tally = self._tallies[key]
            tally.texts += 1
            tally.hits += len(found)
            if len(tally.examples) < _EXAMPLES:
                (start, end), verdict = next(iter(found.items()))
                place = Example(text.source, text.line, start, end, verdict.lane, around(text.text, start, end))
                tally.examples.append(place)

    def rate(self, texts: int) -> float:
        """Return how many of 1,000 texts that is."""
        return round(1000 * texts / self.texts, 3) if self.texts else 0.0

    def most(self) -> list[Tally]:
        """Return the words that hit, those in most texts first."""
        return sorted(self._tallies.values(), key=lambda tally: (-tally.texts, -tally.hits, tally.entry.words[0].row))

    def rows(self) -> set[int]:
        """Return the first rows of the words that hit."""
        return set(self._tallies)


# --- a log of hits -----------------------------------------------------------------------------------


@dataclass
class Log:
    """Hits by rule; those of rules or of library versions that are not this library's are counted apart."""

    counts: Counter[str] = field(default_factory=Counter)
    unknown_rules: int = 0
    other_versions: int = 0


def _wrong(path: Path, line: int, zh: str, en: str) -> InputError:
    return InputError(
        Bi(f"{path} 第 {line} 行：{zh}", f"{path}, line {line}: {en}"),
        Bi(
            "给出 rule,count 两列的 CSV，或证据导出中的 records.jsonl，或 hegui content check --lines --json 的输出",
            "give a CSV with the columns rule,count, or records.jsonl of an evidence export, or what "
            "`hegui content check --lines --json` prints",
        ),
    )


def read_log(path: Path, version: str, by_rule: Mapping[str, Entry]) -> Log:
    """Read a log of hits: a CSV `rule,count`, or JSON lines with verdicts; raise InputError.

    JSON lines are those of an evidence export (its folder will do) or of `content check --lines --json`;
    a line made with another version of the library is not counted, since its rules are other words.
    """
    file = path / _RECORDS if path.is_dir() else path
    log = Log()
    try:
        pairs = _csv_pairs(file) if file.suffix.lower() == ".csv" else _json_pairs(file, version, log)
        for rule, count in pairs:
            if rule in by_rule:
                log.counts[rule] += count
            else:
                log.unknown_rules += 1
    except OSError as error:
        raise InputError(
            Bi(f"无法读取 {file}：{error.strerror}", f"can not read {file}: {error.strerror}"),
            Bi("检查路径与权限", "check the path and its permissions"),
        ) from None
    return log


def _csv_pairs(path: Path) -> Iterator[tuple[str, int]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [cell.strip().lower() for cell in next(reader, [])]
            if header != _COLUMNS:
                raise _wrong(path, 1, "缺少列 rule,count", "the columns rule,count are missing")
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                count = cells[1].strip() if len(cells) == len(_COLUMNS) else ""
                if not (count.isascii() and count.isdigit()) or len(count) > _LONGEST_SHOWN:
                    raise _wrong(path, reader.line_num, "应为规则与次数", "a rule and a count are asked for")
                yield cells[0].strip(), int(count)
        except (csv.Error, UnicodeDecodeError) as error:
            raise _wrong(path, reader.line_num + 1, f"无法读取：{error}", f"can not be read: {error}") from None


def _json_pairs(path: Path, version: str, log: Log) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                data = json.loads(line)
            except (ValueError, RecursionError):
                raise _wrong(path, number, "不是 JSON", "is not JSON") from None
            body = data.get("payload", data) if isinstance(data, dict) else None
            if not isinstance(body, dict):
                raise _wrong(path, number, "不是 JSON 对象", "is no JSON object")
            found = body.get("verdicts", body.get("hits"))
            if not isinstance(found, list):
                continue  # other acts stand in the ledger too
            versions = body.get("versions")
            # What follows a `+` are edits made while serving; the rows of the file are the same rows.
            if found and isinstance(versions, dict) and str(versions.get("library")).partition("+")[0] != version:
                log.other_versions += 1
                continue
            for verdict in found:
                rule = verdict.get("rule") if isinstance(verdict, dict) else None
                if isinstance(rule, str) and rule.startswith("keyword:"):
                    yield rule, 1
