"""The rows of a keyword file: a word, its risk, and what the operator says of the word alone.

Files are CSV, XLSX or JSON Lines. The columns `word,risk` or `关键词,一级分类,二级分类` are needed; those of
`COLUMNS` are optional, and others are refused nowhere and read nowhere. See docs/library.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from hegui.general.content import folding, regexes
from hegui.general.content.folds import Fold
from hegui.general.content.policy import WORD_LANES, Action, Lane
from hegui.general.content.skeleton import BONES
from hegui.general.content.tables import is_separator
from hegui.kit import sheets
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks

_WORD_COLUMNS = ("word", "关键词")
_RISK_COLUMNS = ("risk", "二级分类", "一级分类")
LONGEST = 100
"""Most characters of a word."""
LONGEST_REACH = 8
"""Most characters by which an exception phrase can go beyond its word on either side."""
WIDEST = 500
"""Most characters within which words that count together can be asked to stand."""
PATTERN = "pattern"
"""Says that a word is a regular expression."""
_WORDS, _PATTERNS = ("word", "词", "关键词"), (PATTERN, "regex", "re2", "正则", "正则表达式")
NO_FOLD = "none"
"""Says in a file that a word is looked for as it is written alone."""
_MOST_PARTS = 8
_ROWS_SHOWN = 5
_SHEET_ERRORS = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
"""What a formula that failed leaves in its cell: no word that anybody meant."""
_BETWEEN = re.compile(r"[|｜;；、\n]")


class LibraryError(InputError):
    """A keyword file can not be used; the message names the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRules:
    """What an operator says of one word; all of it is optional.

    `lanes` and `folds` instead of those of the policy; `exceptions`, phrases with the word in which it does not
    count; `near`, words that must all stand within `within` characters of it; `action` instead of
    the risk's; the days from `since` to `until`, both included; where it came from, who approved it.
    `match` is `PATTERN` where the word is a regular expression.
    """

    match: str = ""
    lanes: frozenset[Lane] | None = None
    folds: frozenset[Fold] | None = None
    exceptions: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    within: int = 0
    action: Action | None = None
    since: date | None = None
    until: date | None = None
    source: str = ""
    approver: str = ""

    def on(self, day: date) -> bool:
        """Say whether the word counts on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def as_dict(self) -> dict[str, Any]:
        """Return what was said, as plain JSON, without what was left out."""
        found: dict[str, Any] = {}
        for name in _FIELDS:
            value = getattr(self, name)
            if value or isinstance(value, frozenset):
                found[name] = sorted(value) if isinstance(value, frozenset) else _plain(value)
        return found


_FIELDS = tuple(item.name for item in fields(WordRules))


def _plain(value: Any) -> Any:  # noqa: ANN401 - the values of the fields
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


PLAIN = WordRules()


def longest(rules: WordRules) -> int:
    """Return the most characters of a word, or of a pattern."""
    return regexes.LONGEST if rules.match == PATTERN else LONGEST


class Row(NamedTuple):
    """One row: its number in the file, the word, the risk's id, and what is said of the word alone."""

    row: int
    word: str
    risk: str
    rules: WordRules = PLAIN
    edit: str = ""
    """The id of an edit made while serving, empty for a row of a file."""


class _WrongError(Exception):
    """A cell that can not be used; says what is wanted."""


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _BETWEEN.split(cell) if part.strip())


def _names(cell: str) -> list[str]:
    return [part.strip().lower() for part in re.split(r"[|｜;；、,，\s]+", cell) if part.strip()]


def _lanes(cell: str) -> frozenset[Lane]:
    found = _names(cell)
    wrong = [part for part in found if part not in WORD_LANES]
    if wrong or not found:
        known = ", ".join(lane for lane in Lane if lane in WORD_LANES)
        raise _WrongError(f"未知通道 unknown lanes {wrong}: {known}")
    return frozenset(map(Lane, found))


def _folds(cell: str) -> frozenset[Fold]:
    found = _names(cell)
    if found == [NO_FOLD]:
        return frozenset()
    wrong = [part for part in found if part not in set(Fold)]
    if wrong or not found:
        raise _WrongError(f"未知还原 unknown folds {wrong}: {', '.join(Fold)}, {NO_FOLD}")
    return frozenset(map(Fold, found))


def _match(cell: str) -> str:
    said = cell.strip().lower()
    if said not in {*_WORDS, *_PATTERNS}:
        raise _WrongError(f"匹配应为 word 或 {PATTERN} / match must be word or {PATTERN}: {cell[:20]}")
    return PATTERN if said in _PATTERNS else ""


def _day(cell: str) -> date:
    try:
        return date.fromisoformat(cell.strip()[:10].replace("/", "-"))
    except ValueError:
        raise _WrongError(f"日期应写作 2026-01-31 / a date is written 2026-01-31: {cell[:20]}") from None


def _within(cell: str) -> int:
    text = cell.strip().removesuffix(".0")
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= WIDEST:
        raise _WrongError(f"距离应为 1 至 {WIDEST} 字 / within must be 1 to {WIDEST} characters")
    return int(text)


def _action(cell: str) -> Action:
    try:
        found = Action(cell.strip().lower())
    except ValueError:
        found = Action.REPLACE
    if found in {Action.REPLACE, Action.ANSWER}:
        known = ", ".join(item for item in Action if item not in {Action.REPLACE, Action.ANSWER})
        raise _WrongError(f"动作应为其一 / the action must be one of: {known}")
    return found


COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "match": ("匹配", _match),
    "lanes": ("通道", _lanes),
    "folds": ("还原", _folds),
    "exceptions": ("例外", _list),
    "near": ("同现", _list),
    "within": ("距离", _within),
    "action": ("动作", _action),
    "since": ("生效日", _day),
    "until": ("失效日", _day),
    "source": ("来源", str.strip),
    "approver": ("批准人", str.strip),
}
"""The optional columns: their Chinese name, and how a cell of theirs is read."""


def word_rules(word: str, cells: dict[str, str]) -> WordRules:
    """Return what optional cells say of a word; raise LibraryError."""
    try:
        return _rules(word, cells)
    except _WrongError as error:
        raise LibraryError(
            Bi(f"词的规则有误：{error}", f"the rules of the word are wrong: {error}"),
            Bi("见 docs/library.md", "see docs/library.md"),
        ) from None


def _rules(word: str, cells: dict[str, str]) -> WordRules:
    given = {name: read(cells[name]) for name, (_, read) in COLUMNS.items() if cells.get(name, "").strip()}
    if not given:
        return PLAIN
    rules = WordRules(**given)
    if rules.match == PATTERN:
        _check_pattern(word, rules)
        return rules
    if bool(rules.near) != bool(rules.within):
        raise _WrongError("同现与距离须一起给出 / near and within go together")
    if len(rules.near) > _MOST_PARTS or any(not folding.folded(part) or len(part) > LONGEST for part in rules.near):
        raise _WrongError(f"同现的词过多、为空或过长 / near: at most {_MOST_PARTS} words of {LONGEST} characters")
    if rules.since and rules.until and rules.until < rules.since:
        raise _WrongError("失效日早于生效日 / until is before since")
    bones = even(word)
    for phrase in rules.exceptions:
        _check_exception(even(phrase), phrase, bones)
    return rules


def _check_pattern(pattern: str, rules: WordRules) -> None:
    if rules.lanes is not None or rules.folds is not None or rules.exceptions or rules.near or rules.within:
        raise _WrongError("正则没有通道、还原、例外与同现 / a pattern has no lanes, folds, exceptions or words near it")
    try:
        regexes.compiled(pattern)
    except regexes.PatternError as error:
        raise _WrongError(str(error)) from None


def even(text: str) -> str:
    """Return what each character of a text is compared as, one after the other; repetitions stay: 奶奶 is not 奶."""
    return "".join(BONES[character] for character in text)


def _check_exception(bones: str, phrase: str, word: str) -> None:
    at = bones.find(word)
    if any(map(is_separator, phrase)):
        raise _WrongError(f"例外中不能有空格或标点 / an exception can not hold spaces or marks: {phrase[:20]}")
    if not word or at < 0 or len(bones) == len(word):
        raise _WrongError(
            f"例外须是含有该词的更长词语 / an exception is a longer phrase with the word in it: {phrase[:20]}"
        )
    if at > LONGEST_REACH or len(bones) - at - len(word) > LONGEST_REACH:
        raise _WrongError(
            f"例外在词的每侧至多多 {LONGEST_REACH} 字 / an exception goes {LONGEST_REACH} characters beyond its word at most"
        )


# --- files ---------------------------------------------------------------------------------------------


class _Columns:
    """Where the columns of a file are."""

    def __init__(self, header: list[str], path: Path) -> None:
        names = [cell.strip().lower() for cell in header]
        word = next((names.index(name) for name in _WORD_COLUMNS if name in names), None)
        self.risks = [names.index(name) for name in _RISK_COLUMNS if name in names]
        if word is None or not self.risks:
            raise LibraryError(
                Bi(
                    f"{path} 缺少列 word,risk 或 关键词,一级分类,二级分类",
                    f"{path} lacks the columns word,risk or 关键词,一级分类,二级分类",
                ),
                Bi("在第一行写上列名", "name the columns in the first row"),
            )
        self.word = word
        self.rules = {
            name: next(names.index(one) for one in (name, zh) if one in names)
            for name, (zh, _) in COLUMNS.items()
            if name in names or zh in names
        }

    def read(self, number: int, cells: list[str]) -> Row:
        """Return one row; raise _WrongError."""
        word = cells[self.word].strip() if self.word < len(cells) else ""
        named = [cells[at] for at in self.risks if at < len(cells) and cells[at].strip()]
        risk = risks().find_among(named)
        if risk is None:
            raise _WrongError(f"未知风险 unknown risk {named}")
        if word.upper() in _SHEET_ERRORS:
            raise _WrongError(f"公式出错 a formula that failed: {word}")
        rules = _rules(word, {name: cells[at] for name, at in self.rules.items() if at < len(cells)})
        if not folding.folded(word) or len(word) > longest(rules):
            raise _WrongError(f"词为空或超过 {longest(rules)} 字 empty or too long")
        return Row(number, word, risk, rules)


def read_rows(path: Path, data: bytes) -> list[Row]:
    """Read the rows of a file; raise LibraryError that lists those that are wrong."""
    table = sheets.rows(path, data, LibraryError)
    if not table:
        raise LibraryError(Bi(f"{path} 是空文件", f"{path} is empty"), Bi("给出至少一行", "give at least one row"))
    columns = _Columns(table[0], path)
    rows: list[Row] = []
    wrong: list[str] = []
    for number, cells in enumerate(table[1:], sheets.first_row(path)):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            rows.append(columns.read(number, cells))
        except _WrongError as error:
            wrong.append(f"{path.name}:{number} {error}")
    if wrong:
        shown = "; ".join(wrong[:_ROWS_SHOWN])
        raise LibraryError(
            Bi(
                f"关键词库有 {len(wrong)} 行有误：{shown}",
                f"{len(wrong)} rows of the keyword library are wrong: {shown}",
            ),
            Bi(
                "风险写作 A.1.a 至 A.5.b 或其中文名；改正后重新载入，原库仍在使用",
                "write risks as A.1.a to A.5.b or their Chinese names; the old library stays in use",
            ),
        )
    if not rows:
        raise LibraryError(
            Bi(f"{path} 只有列名，没有词", f"{path} is empty but for its header"),
            Bi("给出至少一行；公式须先存为值", "give at least one row; save formulas as values first"),
        )
    return rows
