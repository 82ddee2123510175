"""The keyword library: the operator's file, read strictly, compiled into a matcher.

Files are CSV or XLSX with the columns `word,risk` or `关键词,一级分类,二级分类`. A risk is one of
the 31 of GB/T 45654-2025 Annex A, as `A.1.a` or by its Chinese name.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from hegui.general.content import folding
from hegui.general.content.matcher import Matcher, build
from hegui.general.content.skeleton import BREAK, skeleton
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks

SAMPLE = "sample"
_WORD_COLUMNS = ("word", "关键词")
_RISK_COLUMNS = ("risk", "二级分类", "一级分类")
_LONGEST = 100
_ROWS_SHOWN = 5
_SHEET_ERRORS = frozenset({"#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
"""What a formula that failed leaves in its cell: no word that anybody meant."""


class LibraryError(InputError):
    """A keyword file can not be used; the message names the rows."""


@dataclass(frozen=True, slots=True)
class Word:
    """One keyword with its risk; `rule` names it in verdicts without saying it."""

    text: str
    risk: str
    row: int
    folded: str

    @property
    def rule(self) -> str:
        """Return the rule's id: the row in the operator's file."""
        return f"keyword:{self.row}"


@dataclass(frozen=True)
class Index:
    """Words of one form ready to be looked for: a matcher, the words of each pattern, and what could become a hit."""

    matcher: Matcher = field(compare=False, repr=False)
    words: tuple[tuple[Word, ...], ...] = field(compare=False, repr=False)
    prefixes: frozenset[str] = field(compare=False, repr=False)
    longest: int = 0

    @classmethod
    def of(cls, forms: Iterable[tuple[str, Word]]) -> Index:
        """Index `(pattern, word)` pairs; equal patterns are one."""
        grouped: dict[str, list[Word]] = {}
        for pattern, word in forms:
            grouped.setdefault(pattern, []).append(word)
        return cls(
            matcher=build(tuple(grouped)),
            words=tuple(map(tuple, grouped.values())),
            prefixes=frozenset(prefix for pattern in grouped for prefix in _prefixes(pattern)),
            longest=max(map(len, grouped), default=0),
        )


@dataclass(frozen=True)
class Library:
    """A compiled library; `version` is the digest of its words and risks.

    `bones` are the words as skeletons, which find them however they are hidden; `literal` are those
    that a skeleton can not tell from others (a mark or a repeated character is part of the word).
    """

    words: tuple[Word, ...]
    version: str
    source: str
    bones: Index = field(compare=False, repr=False)
    literal: Index = field(compare=False, repr=False)
    prefixes: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefixes", self.bones.prefixes | self.literal.prefixes)

    @property
    def patterns(self) -> frozenset[str]:
        """Return the different words, folded."""
        return frozenset(word.folded for word in self.words)

    @property
    def longest(self) -> int:
        """Return the characters of the longest word."""
        return max(self.bones.longest, self.literal.longest)

    @property
    def is_sample(self) -> bool:
        """Say whether this is the sample that hegui ships, which protects nobody."""
        return self.source == SAMPLE

    def counts(self) -> Counter[str]:
        """Return the number of different words of each risk; words that fold to the same count once."""
        return Counter(risk for _, risk in {(word.folded, word.risk) for word in self.words})

    def word(self, rule: str) -> Word | None:
        """Return the word of a rule id of this version."""
        return next((word for word in self.words if word.rule == rule), None)


def is_latin(character: str) -> bool:
    """Say whether a folded character joins with its neighbours into a word: ASCII letters and digits."""
    return character.isascii() and character.isalnum()


def _prefixes(pattern: str) -> Iterator[str]:
    # A word that ends in a Latin letter is a hit only once the next character is known.
    yield from (pattern[:end] for end in range(1, len(pattern)))
    if is_latin(pattern[-1]):
        yield pattern


def compile_library(rows: Iterable[tuple[int, str, str]], source: str) -> Library:
    """Compile `(row, word, risk id)` triples; equal words after folding share a pattern."""
    words = tuple(Word(text, risk, row, folding.folded(text)) for row, text, risk in rows)
    bones: list[tuple[str, Word]] = []
    literal: list[tuple[str, Word]] = []
    for word in words:
        found = skeleton(word.folded).text
        if len(found) == len(word.folded) and BREAK not in found:
            bones.append((found, word))
        else:
            literal.append((word.folded, word))
    listing = "\n".join(sorted(f"{word.folded}\t{word.risk}" for word in words))
    return Library(
        words=words,
        version=sha256(listing.encode()).hexdigest()[:16],
        source=source,
        bones=Index.of(bones),
        literal=Index.of(literal),
    )


def _table(path: Path, data: bytes) -> list[list[str]]:
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        from openpyxl import load_workbook  # noqa: PLC0415 - slow to import, seldom needed

        try:
            sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
            # The size that a file states can be wrong; rows beyond it would be lost without a word.
            sheet.reset_dimensions()
            return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        except Exception as error:  # noqa: BLE001 - a spreadsheet can be broken in any way
            raise LibraryError(
                Bi(f"{path} 不是有效的 XLSX：{error}", f"{path} is not a valid XLSX: {error}"),
                Bi("用表格软件另存为 XLSX 或 CSV", "save it again as XLSX or CSV"),
            ) from None
    # Strict: a quote that is never closed would swallow every row after it.
    reader = csv.reader(io.StringIO(_decoded(path, data), newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise LibraryError(
            Bi(
                f"{path} 不是有效的 CSV，读到第 {reader.line_num} 行：{error}",
                f"{path} is not valid CSV, read up to line {reader.line_num}: {error}",
            ),
            Bi("改正引号等格式，或另存为 XLSX", "correct the quotes, or save it as XLSX"),
        ) from None


def _decoded(path: Path, data: bytes) -> str:
    """Return a file's text; a damaged UTF-8 file is not read as GB18030, which would turn its words into others."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            lossy = data.decode("utf-8", "replace")
            if lossy.count("\ufffd") < sum("\u4e00" <= character <= "\u9fff" for character in lossy):
                break
    raise LibraryError(
        Bi(f"{path} 不是完好的 UTF-8 或 GB18030 文本", f"{path} is not sound text in UTF-8 or GB18030"),
        Bi("另存为 UTF-8 编码的 CSV", "save it as CSV in UTF-8"),
    )


def _columns(header: list[str], path: Path) -> tuple[int, list[int]]:
    names = [cell.strip().lower() for cell in header]
    word = next((names.index(name) for name in _WORD_COLUMNS if name in names), None)
    risk = [names.index(name) for name in _RISK_COLUMNS if name in names]
    if word is None or not risk:
        raise LibraryError(
            Bi(
                f"{path} 缺少列 word,risk 或 关键词,一级分类,二级分类",
                f"{path} lacks the columns word,risk or 关键词,一级分类,二级分类",
            ),
            Bi("在第一行写上列名", "name the columns in the first row"),
        )
    return word, risk


def read_rows(path: Path, data: bytes) -> list[tuple[int, str, str]]:
    """Read `(row, word, risk)` from a file; raise LibraryError that lists the rows that are wrong."""
    table = _table(path, data)
    if not table:
        raise LibraryError(Bi(f"{path} 是空文件", f"{path} is empty"), Bi("给出至少一行", "give at least one row"))
    word_at, risk_at = _columns(table[0], path)
    rows, wrong = [], []
    for number, cells in enumerate(table[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        word = cells[word_at].strip() if word_at < len(cells) else ""
        named = [cells[at] for at in risk_at if at < len(cells) and cells[at].strip()]
        risk = next((found for cell in named if (found := risks().find(cell))), None)
        if risk is None:
            wrong.append((number, f"未知风险 unknown risk {named}"))
        elif word.upper() in _SHEET_ERRORS:
            wrong.append((number, f"公式出错 a formula that failed: {word}"))
        elif not folding.folded(word) or len(word) > _LONGEST:
            wrong.append((number, f"词为空或超过 {_LONGEST} 字 empty or too long"))
        else:
            rows.append((number, word, risk))
    if wrong:
        shown = "; ".join(f"{path.name}:{number} {what}" for number, what in wrong[:_ROWS_SHOWN])
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


def load_library(path: Path | None) -> Library:
    """Load the operator's library, or the neutral sample when no path is given; raise LibraryError."""
    if path is None:
        sample = files("hegui.general.content") / "sample" / "library.csv"
        return compile_library(read_rows(Path("sample.csv"), sample.read_bytes()), SAMPLE)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LibraryError(
            Bi(
                f"无法读取关键词库 {path}：{error.strerror}",
                f"can not read the keyword library {path}: {error.strerror}",
            ),
            Bi("检查路径与权限", "check the path and its permissions"),
        ) from None
    return compile_library(read_rows(path, data), path.name)
