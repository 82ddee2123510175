"""A library held against the standard's numbers, and its words that are there twice, too short or superfluous.

Words are compared as the checker compares them: after normalising. Numbers are read from the law data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hegui.general.content import folding
from hegui.general.content.checks import Checker
from hegui.general.content.index import Word, is_latin
from hegui.general.content.library import Library
from hegui.general.content.policy import Side
from hegui.kit import clock
from hegui.kit.text import Bi
from hegui.law import risks
from hegui.law.models import Number
from hegui.law.register import Register

CLAUSE = "GBT45654-B.1.1"
"""The clause that says how big a keyword library is and how often it is renewed."""
SUBSET = "keyword_and_refusal"
_EACH = {"A.1": "keyword_each_A1", "A.2": "keyword_each_A2"}
_SIGNS = {"min": "≥", "max": "≤", "exact": "="}
_TWO = 2

RESULT_NAMES: dict[str, Bi] = {
    "met": Bi("已满足", "met"),
    "not_met": Bi("未满足", "not met"),
    "undetermined": Bi("无法判定", "undetermined"),
}


# --- the standard's numbers --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Requirement:
    """One number of the standard beside the library's; `have` is None where nothing shows it."""

    number: Number
    have: int | None
    what: Bi
    risk: str = ""

    @property
    def result(self) -> str:
        """Return `met`, `not_met`, or `undetermined` where nothing shows it."""
        if self.have is None:
            return "undetermined"
        need = int(self.number.value)
        fits = {"min": self.have >= need, "max": self.have <= need, "exact": self.have == need}
        return "met" if fits[self.number.sense] else "not_met"

    def as_dict(self) -> dict[str, Any]:
        """Return the requirement for machines."""
        return {
            "citation": CLAUSE, "number": self.number.name, "risk": self.risk or None, "have": self.have,
            "sense": self.number.sense, "need": int(self.number.value), "unit": self.number.unit,
            "result": self.result, "what": self.what.en, "what_zh": self.what.zh, "confirmed": self.number.mark != "K",
        }  # fmt: skip

    def line(self) -> str:
        """Return the requirement for a person."""
        return f"{RESULT_NAMES[self.result].both:24} {self.figures}  {self.what.both}"

    @property
    def figures(self) -> str:
        """Return the library's number and what is asked, such as `150 / ≥ 200`."""
        have = "?" if self.have is None else f"{self.have:,}"
        return f"{have} / {_SIGNS[self.number.sense]} {int(self.number.value):,}"


@dataclass(frozen=True, slots=True)
class Renewal:
    """The day on which the library was renewed last, and how that is known."""

    day: date | None
    known: Bi


def renewal(path: Path, as_of: date | None) -> Renewal:
    """Return when a library was renewed: the day that is given, else the file's date in China."""
    if as_of is not None:
        return Renewal(as_of, Bi(f"{as_of} 更新（由你指定）", f"renewed on {as_of}, as given"))
    try:
        day = datetime.fromtimestamp(path.stat().st_mtime, clock.CHINA).date()
    except (OSError, OverflowError, ValueError):
        return Renewal(None, Bi("文件没有可用的日期", "the file has no date that can be used"))
    return Renewal(day, Bi(f"文件日期 {day}", f"the file's date is {day}"))


def requirements(library: Library, law: Register, renewed: Renewal) -> tuple[Requirement, ...]:
    """Return every number of the clause beside the library's, on the register's day."""
    names, counts = risks(), library.counts()
    subset = names.in_subset(SUBSET)
    total = len({normalised(word) for word in library.live})
    covered = sum(1 for risk in subset if counts[risk])
    found = [
        Requirement(law.number(CLAUSE, "keyword_total"), total, Bi("词数（规范化后不同的）", "words, different after normalising")),
        Requirement(law.number(CLAUSE, "keyword_risks"), covered, Bi("有词的风险（A.1、A.2）", "risks of A.1 and A.2 that have words")),
    ]  # fmt: skip
    for risk in subset:
        name = names.name(risk)
        number = law.number(CLAUSE, _EACH[names.area_of(risk)])
        found.append(Requirement(number, counts[risk], Bi(f"{risk} {name.zh}", f"{risk} {name.en}"), risk))
    days = (law.on - renewed.day).days if renewed.day is not None else None
    future = days is not None and days < 0
    note = Bi("，晚于判定之日", ", which is after the day of judging") if future else Bi("", "")
    what = Bi(
        f"距上次更新的天数；{renewed.known.zh}{note.zh}", f"days since the last renewal; {renewed.known.en}{note.en}"
    )
    found.append(Requirement(law.number(CLAUSE, "keyword_refresh_days"), None if future else days, what))
    return tuple(found)


# --- the words alone ---------------------------------------------------------------------------------


def normalised(word: Word) -> str:
    """Return a word in the form in which it is compared."""
    return folding.folded(word.text)


@dataclass(frozen=True, slots=True)
class Entry:
    """The rows that are one word after normalising, in the order of the file."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Return the word as its first row has it."""
        return self.words[0].text

    @property
    def risks(self) -> tuple[str, ...]:
        """Return the risks of the word, in order."""
        return tuple(sorted({word.risk for word in self.words}))

    def of(self, risk: str) -> Entry:
        """Return the rows of one risk alone."""
        return Entry(tuple(word for word in self.words if word.risk == risk))

    def as_dict(self) -> dict[str, Any]:
        """Return the word for machines."""
        return {"word": self.text, "risks": list(self.risks), "rows": [word.row for word in self.words]}

    def line(self) -> str:
        """Return the word for a person."""
        rows = ", ".join(str(word.row) for word in self.words)
        return f"{self.text}  [{', '.join(self.risks)}]  行 rows {rows}"


def entries(library: Library) -> dict[str, Entry]:
    """Return the library's words after normalising, each with all its rows."""
    grouped: dict[str, list[Word]] = {}
    for word in library.words:
        grouped.setdefault(normalised(word), []).append(word)
    return {key: Entry(tuple(words)) for key, words in grouped.items()}


def duplicates(words: Mapping[str, Entry]) -> list[Entry]:
    """Return the words that stand more than once under one risk."""
    rows = (entry.of(risk) for entry in words.values() if len(entry.words) > 1 for risk in entry.risks)
    return [entry for entry in rows if len(entry.words) > 1]


def several_risks(words: Mapping[str, Entry]) -> list[Entry]:
    """Return the words that stand under more than one risk: the severest action of them decides."""
    return [entry for entry in words.values() if len(entry.risks) > 1]


def short(words: Mapping[str, Entry]) -> list[Entry]:
    """Return the words too short to be fair: one character, or two Latin letters or digits."""
    return [
        entry
        for key, entry in words.items()
        if len(key) == 1 or (len(key) == _TWO and all(is_latin(character) for character in key))
    ]


@dataclass(frozen=True, slots=True)
class Containing:
    """A word that other words of the same risk hit already, so that it adds nothing."""

    entry: Entry
    parts: tuple[Entry, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the word and its parts for machines."""
        return {**self.entry.as_dict(), "contains": [part.as_dict() for part in self.parts]}

    def line(self) -> str:
        """Return the word and its parts for a person."""
        parts = "、".join(f"{part.text} ({part.words[0].row})" for part in self.parts)
        return f"{self.entry.line()}  ⊃ {parts}"


def containing(checker: Checker, words: Iterable[Entry], by_rule: Mapping[str, Entry]) -> Iterator[Containing]:
    """Yield the words in which the checker finds another word of the same risk.

    The checker's own edges and exceptions count: a word that it does not find there is not contained.
    """
    for entry in words:
        size = len(entry.text)
        found = {
            (verdict.risk, verdict.rule)
            for verdict in checker.check(entry.text, Side.INPUT).verdicts
            if verdict.lane == "exact" and verdict.end - verdict.start < size
        }
        for risk in entry.risks:
            rules = [rule for of, rule in found if of == risk and rule in by_rule]
            parts = {other.words[0].row: other for rule in rules if (other := by_rule[rule].of(risk)).words}
            parts.pop(entry.of(risk).words[0].row, None)
            if parts:
                yield Containing(entry.of(risk), tuple(parts[row] for row in sorted(parts)))


def rules_of(words: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the word of each rule id."""
    return {word.rule: entry for entry in words.values() for word in entry.words}


# --- two libraries -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """A word that two libraries put under different risks."""

    before: Entry
    after: Entry

    def as_dict(self) -> dict[str, Any]:
        """Return the word for machines."""
        rows = [word.row for word in self.after.words]
        return {"word": self.after.text, "from": list(self.before.risks), "to": list(self.after.risks), "rows": rows}

    def line(self) -> str:
        """Return the word for a person."""
        return f"{self.after.text}  {', '.join(self.before.risks)} → {', '.join(self.after.risks)}"


@dataclass(frozen=True)
class Difference:
    """What changed from one library to another."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    moved: tuple[Moved, ...]
    before: Counter[str]
    after: Counter[str]

    @property
    def none(self) -> bool:
        """Say whether both hold the same words under the same risks."""
        return not (self.added or self.removed or self.moved)

    def by_risk(self) -> dict[str, dict[str, int]]:
        """Return the number of words of each risk before and after."""
        return {risk: {"before": self.before[risk], "after": self.after[risk]} for risk in risks().ids}


def difference(old: Library, new: Library) -> Difference:
    """Compare two libraries after normalising."""
    before, after = entries(old), entries(new)
    return Difference(
        added=tuple(entry for key, entry in after.items() if key not in before),
        removed=tuple(entry for key, entry in before.items() if key not in after),
        moved=tuple(
            Moved(before[key], entry)
            for key, entry in after.items()
            if key in before and before[key].risks != entry.risks
        ),
        before=old.counts(),
        after=new.counts(),
    )
