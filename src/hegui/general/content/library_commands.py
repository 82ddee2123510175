"""`hegui content library check|diff|export`: a keyword file held to the standard, to another one, and for a filing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import click

from hegui.general.content import audit, sheet
from hegui.general.content.audit import Containing, Entry, Requirement
from hegui.general.content.checks import Checker
from hegui.general.content.hits import Counting, Log, Tally, read_log, shown
from hegui.general.content.library import Library, load_library
from hegui.general.content.policy import load_policy
from hegui.general.content.showing import BAD_INPUT, listing, more, say_broken
from hegui.general.content.texts import named, texts_of
from hegui.kit import clock
from hegui.kit.commands import guarded, json_option, say, watched
from hegui.kit.errors import InputError
from hegui.kit.files import write_output
from hegui.kit.text import Bi
from hegui.law import register, risks
from hegui.law.commands import DAY, marked
from hegui.law.register import law_version

_FILE: click.Path = click.Path(path_type=Path)
_NOT_MET = 1
_DIFFERENT = 1
_SHOWN = 20
_TEXTS = Bi("条文本", "texts")


@click.group()
def library() -> None:
    """关键词库：对照标准检查、比较、导出备案表。 / Keyword libraries: check against the standard, compare, export."""


_top = click.option(
    "--top", type=click.IntRange(min=0),
    help=f"每项最多列出多少条，0 为全部；不给则文字 {_SHOWN} 条、JSON 全部。 / How many of each finding to list, 0 for all; "
    f"without it {_SHOWN} in words, all in JSON.",
)  # fmt: skip


def _most(top: int | None, *, as_json: bool) -> int:
    if top is None:
        return sys.maxsize if as_json else _SHOWN
    return top or sys.maxsize


def _part(found: Sequence[Any], most: int) -> dict[str, Any]:
    return {"count": len(found), "shown": [item.as_dict() for item in found[:most]]}


# --- check -------------------------------------------------------------------------------------------


class Audit:
    """All that `library check` finds in one library."""

    def __init__(self, checker: Checker, found: tuple[Requirement, ...]) -> None:
        self.checker = checker
        self.requirements = found
        self.words = audit.entries(checker.library)
        self.by_rule = audit.rules_of(self.words)
        self.duplicates = audit.duplicates(self.words)
        self.several = audit.several_risks(self.words)
        self.short = audit.short(self.words)
        entries = watched(self.words.values(), Bi("个词", "words"))
        self.containing: list[Containing] = list(audit.containing(checker, entries, self.by_rule))
        self.benign: Counting | None = None
        self.supplied: Counting | None = None
        self.log: Log | None = None

    @property
    def met(self) -> bool:
        """Say whether every number of the standard is shown to be met."""
        return all(item.result == "met" for item in self.requirements)

    def count(self, paths: Iterable[Path]) -> Counting:
        """Count hits over texts."""
        counting = Counting(self.checker, self.by_rule)
        for text in watched(texts_of(paths), _TEXTS):
            counting.add(text)
        return counting

    def never(self) -> list[Entry] | None:
        """Return the words that no log and no supplied text hit; None when neither was given."""
        if self.log is None and self.supplied is None:
            return None
        hit = self.supplied.rows() if self.supplied is not None else set()
        if self.log is not None:
            hit |= {self.by_rule[rule].words[0].row for rule, count in self.log.counts.items() if count}
        return [entry for entry in self.words.values() if entry.words[0].row not in hit]

    @property
    def unread(self) -> list[Counting]:
        """Return the counts in which some text could not be read."""
        return [item for item in (self.benign, self.supplied) if item is not None and item.not_scanned]


@library.command("check", epilog="例 / example: hegui content library check words.xlsx --benign questions.txt --json")
@click.argument("file", type=_FILE)
@click.option(
    "--benign",
    type=_FILE,
    multiple=True,
    help="正常文本，可多次给出。 / Texts that are fine; may be given more than once.",
)
@click.option(
    "--hits",
    type=_FILE,
    help="命中记录：rule,count 的 CSV，或证据导出。 / Log of hits: CSV rule,count, or an evidence export.",
)
@click.option(
    "--texts",
    type=_FILE,
    multiple=True,
    help="统计命中的文本，可多次给出。 / Texts in which hits are counted; may be repeated.",
)
@click.option(
    "--as-of",
    type=DAY,
    help="词库最近更新之日，不给则用文件日期。 / Day of the last renewal; the file's date without it.",
)
@click.option("--on", type=DAY, help="判定之日，不给则为今天。 / Day of judging; today without it.")
@_top
@json_option
@guarded
def check_library(  # noqa: PLR0913 - the flags of one command
    *, file: Path, benign: tuple[Path, ...], hits: Path | None, texts: tuple[Path, ...], as_of: date | None,
    on: date | None, top: int | None, as_json: bool,
) -> int:  # fmt: skip
    """对照 GB/T 45654 B.1.1 检查词库：全部满足为 0，否则为 1。 / Check against GB/T 45654 B.1.1: exit 0 when all is met, else 1."""
    checker = Checker(load_library(file), load_policy(None))
    law = register(on or clock.today())
    found = Audit(checker, audit.requirements(checker.library, law, audit.renewal(file, as_of)))
    found.log = read_log(hits, checker.library.version, found.by_rule) if hits is not None else None
    found.benign = found.count(benign) if benign else None
    found.supplied = found.count(texts) if texts else None
    most = _most(top, as_json=as_json)
    say(_audit_data(found, file, law.on, most), _audit_lines(found, file, law.on, most), as_json=as_json)
    for counting in found.unread:
        for text, broken in counting.broken:
            say_broken(text, broken)
    if found.unread:
        return BAD_INPUT
    return 0 if found.met else _NOT_MET


def _audit_data(found: Audit, file: Path, on: date, most: int) -> dict[str, Any]:
    words = found.checker.library
    counts, never = words.counts(), found.never()
    return {
        "file": named(file), "on": on.isoformat(), "met": found.met,
        "versions": {"library": words.version, "law": law_version()},
        "rows": len(words.words), "words": len(found.words),
        "by_risk": {item: counts[item] for item in risks().ids},
        "requirements": [item.as_dict() for item in found.requirements],
        "duplicates": _part(found.duplicates, most),
        "several_risks": _part(found.several, most),
        "containing": _part(found.containing, most),
        "short": _part(found.short, most),
        "benign": _counting_data(found.benign, most) if found.benign is not None else None,
        "never_hit": None if never is None else {**_part(never, most), **_log_data(found)},
    }  # fmt: skip


def _log_data(found: Audit) -> dict[str, Any]:
    log = found.log
    return {
        "texts": found.supplied.texts if found.supplied is not None else None,
        "unknown_rules": log.unknown_rules if log is not None else 0,
        "other_versions": log.other_versions if log is not None else 0,
    }


def _counting_data(counting: Counting, most: int) -> dict[str, Any]:
    return {
        "texts": counting.texts, "hit": counting.hit, "per_1000": counting.rate(counting.hit),
        "not_scanned": counting.not_scanned,
        "words": [
            {
                **tally.entry.as_dict(), "texts": tally.texts, "hits": tally.hits, "per_1000": counting.rate(tally.texts),
                "examples": [item.as_dict() for item in tally.examples],
            }
            for tally in counting.most()[:most]
        ],
    }  # fmt: skip


def _audit_lines(found: Audit, file: Path, on: date, most: int) -> list[str]:
    words = found.checker.library
    lines = [
        f"{named(file)}  版本 version {words.version}  {len(words.words):,} 行 rows  {len(found.words):,} 词 words",
        f"{audit.CLAUSE}  {on}",
        *(f"  {item.line()}{marked(confirmed=item.number.mark != 'K')}" for item in found.requirements),
        *listing(Bi("同一风险下重复的词", "words twice under one risk"), found.duplicates, most),
        *listing(Bi("列在几种风险下的词", "words under several risks"), found.several, most),
        *listing(
            Bi("包含同类其他词、因而多余的词", "words that hold another of the same risk"), found.containing, most
        ),
        *listing(Bi("过短的词", "words that are too short"), found.short, most),
    ]
    if found.benign is not None:
        lines += _benign_lines(found.benign, most)
    never = found.never()
    if never is not None:
        lines += listing(Bi("从未命中的词", "words that never hit"), never, most)
        log = found.log
        if log is not None and (log.unknown_rules or log.other_versions):
            lines.append(
                f"  未计入：{log.unknown_rules:,} 条未知规则、{log.other_versions:,} 条其他词库版本的记录 / not counted: "
                f"{log.unknown_rules:,} unknown rules, {log.other_versions:,} records of other library versions"
            )
    short = sum(1 for item in found.requirements if item.result != "met")
    said = Bi(f"{short} 项未满足或无法判定", f"{short} not met or undetermined") if short else Bi("全部满足", "all met")
    return [*lines, said.both]


def _benign_lines(counting: Counting, most: int) -> list[str]:
    found = counting.most()
    texts, hit, rate = counting.texts, counting.hit, counting.rate(counting.hit)
    said = Bi(
        f"正常文本 {texts:,} 条，命中 {hit:,} 条（每千条 {rate:g}）",
        f"{texts:,} texts that are fine, {hit:,} hit ({rate:g} in 1,000)",
    )
    lines = [said.both]
    for tally in found[:most]:
        lines.append(f"  {_rate(counting, tally)}  {shown(tally.entry.line())}")
        lines += [f"      {item.line_text()}" for item in tally.examples]
    return lines if len(found) <= most else [*lines, f"  {more(len(found) - most)}"]


def _rate(counting: Counting, tally: Tally) -> str:
    return f"{counting.rate(tally.texts):g}‰ ({tally.texts:,})"


# --- diff --------------------------------------------------------------------------------------------


@library.command("diff", epilog="例 / example: hegui content library diff old.xlsx new.xlsx --json")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@_top
@json_option
@guarded
def diff_libraries(old: Path, new: Path, top: int | None, *, as_json: bool) -> int:
    """比较两份词库（规范化后）：相同为 0，不同为 1。 / Compare two libraries after normalising: exit 0 when they are the same, 1 when not."""
    before, after = load_library(old), load_library(new)
    found, most = audit.difference(before, after), _most(top, as_json=as_json)
    data = {
        "old": _named(old, before), "new": _named(new, after), "same": found.none,
        "added": _part(found.added, most), "removed": _part(found.removed, most), "moved": _part(found.moved, most),
        "by_risk": found.by_risk(),
    }  # fmt: skip
    lines = [
        f"{named(old)} {before.version} → {named(new)} {after.version}",
        *listing(Bi("新增", "added"), found.added, most),
        *listing(Bi("删除", "removed"), found.removed, most),
        *listing(Bi("改列风险", "moved to another risk"), found.moved, most),
        *(
            f"  {risk}  {counts['before']:,} → {counts['after']:,}"
            for risk, counts in found.by_risk().items()
            if counts["before"] != counts["after"]
        ),
    ]
    say(data, lines, as_json=as_json)
    return 0 if found.none else _DIFFERENT


def _named(file: Path, words: Library) -> dict[str, Any]:
    return {"file": named(file), "version": words.version, "words": sum(words.counts().values())}


# --- export ------------------------------------------------------------------------------------------


@library.command("export", epilog="例 / example: hegui content library export words.csv --out filing.xlsx")
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="新的 .xlsx 文件。 / A new .xlsx file.")
@click.option(
    "--as-of",
    type=DAY,
    help="词库最近更新之日，不给则用文件日期。 / Day of the last renewal; the file's date without it.",
)
@json_option
@guarded
def export_library(file: Path, out: Path, as_of: date | None, *, as_json: bool) -> None:
    """导出备案所用的关键词表。 / Export the keyword workbook that a filing wants."""
    if out.suffix.lower() != ".xlsx":
        raise InputError(
            Bi(f"{out} 不以 .xlsx 结尾", f"{out} does not end in .xlsx"), Bi("换一个文件名", "give another name")
        )
    if out.exists():
        raise InputError(
            Bi(f"{out} 已存在", f"{out} exists already"), Bi("换一个文件名，原文件不会被覆盖", "give another name; it is not overwritten")
        )  # fmt: skip
    words, on = load_library(file), clock.today()
    found = audit.requirements(words, register(on), audit.renewal(file, as_of))
    write_output(out, sheet.workbook(words, found, on))
    met = all(item.result == "met" for item in found)
    data = {"out": named(out), "version": words.version, "rows": len(words.words), "met": met}
    text = f"已导出 {len(words.words):,} 行到 {named(out)}，词库版本 {words.version} / exported {len(words.words):,} rows to {named(out)}, library version {words.version}"
    note = (
        []
        if met
        else [
            Bi(
                "尚未满足标准的全部数目，见第二张表", "not all numbers of the standard are met; see the second sheet"
            ).both
        ]
    )
    say(data, [text, *note], as_json=as_json)
