"""The keyword library: the operator's words compiled into matchers, and the edits made while it serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from hegui.general.content import asking, folding, latin, parts
from hegui.general.content.index import Either, Form, Index, Word
from hegui.general.content.ordinary import Ordinary
from hegui.general.content.policy import Lane
from hegui.general.content.regexes import MOST, Regexes
from hegui.general.content.rows import PATTERN, LibraryError, Row, WordRules, read_rows
from hegui.general.content.skeleton import BREAK, skeleton
from hegui.general.content.sounds import Sounds
from hegui.kit.canonical import canonical
from hegui.kit.text import Bi

__all__ = ["Library", "LibraryError", "Row", "compile_library", "load_library", "read_rows"]

SAMPLE = "sample"


class _Kept:
    """Edits as they were compiled once, so that one more does not compile thousands again."""

    def __init__(self) -> None:
        self._made: tuple[Library, dict[str, Row]] | None = None

    def pieces(self, rows: list[Row], source: str) -> tuple[tuple[Library, ...], frozenset[str]]:
        """Return the libraries that hold the rows together, and the rules in them that are none of the rows any more."""
        wanted, made = {row.edit: row for row in rows}, self._made
        known = made[1] if made is not None else {}
        fresh = [row for row in rows if row.edit not in known]
        dead = frozenset(f"word:{edit}" for edit in known if edit not in wanted)
        changed = any(known[edit] != row for edit, row in wanted.items() if edit in known)
        if made is None or changed or len(fresh) > _MOST_FRESH or len(dead) > _MOST_FRESH:
            whole = compile_library(rows, source)
            if len(rows) > _MOST_FRESH:
                self._made = whole, wanted
            return (whole,), frozenset()
        return (made[0], compile_library(fresh, source)), dead


_MOST_FRESH = 500
"""Edits that are compiled each time; beyond so many they are kept as they are."""


@dataclass(frozen=True)
class Library:
    """A compiled library; `version` is the digest of its words and what is said of them.

    `bones` are the words as skeletons, which find them however they are hidden; `literal` are those
    that a skeleton can not tell from others (a mark or a repeated character is part of the word),
    looked for where `hints` says that their skeleton stands, or always where that says too little;
    `gone` are the rules that an edit took back.
    """

    words: tuple[Word, ...]
    version: str
    source: str
    bones: Index = field(compare=False, repr=False)
    literal: Index = field(compare=False, repr=False)
    hints: frozenset[int] | None = field(compare=False, repr=False)
    """Patterns of `bones` beside which literal words may stand; None where these are always to be looked for."""
    latin: Index = field(default_factory=lambda: Index.of(()), compare=False, repr=False)
    """Latin words, each letter once, to be looked for in another dress."""
    in_parts: parts.Parts = field(default=parts.Parts(), compare=False, repr=False)
    """Patterns of `bones` that are characters written in parts."""
    regexes: Regexes = field(default=Regexes(), repr=False)
    """Regular expressions, which are not among the words: the standard counts keywords."""
    asking: Mapping[int, tuple[Form, ...]] = field(default_factory=dict, compare=False, repr=False)
    """Forms that ask something of the original, by the pattern of `bones` that is their skeleton."""
    gone: frozenset[str] = frozenset()
    pieces: tuple[Library, ...] = field(default=(), compare=False, repr=False)
    kept: _Kept = field(default_factory=_Kept, compare=False, repr=False)
    prefixes: Container[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        both = Either(self.bones.prefixes, self.literal.prefixes) if self.literal.words else self.bones.prefixes
        object.__setattr__(self, "prefixes", both)

    @property
    def patterns(self) -> frozenset[str]:
        """Return the different words, folded."""
        return frozenset(word.folded for word in self.live)

    @property
    def live(self) -> Iterator[Word]:
        """Return the words that were not taken back."""
        return (word for word in self.words if word.rule not in self.gone)

    @property
    def listed(self) -> tuple[Word, ...]:
        """Return everything that the file and the edits list: the words and the regular expressions."""
        return self.words + self.regexes.words

    @property
    def longest(self) -> int:
        """Return the characters of the longest form in which a word is looked for."""
        return max(self.bones.longest * (parts.LONGEST if self.in_parts.begins else 1), self.literal.longest)

    @cached_property
    def widest(self) -> int:
        """Return the most characters within which words are asked to stand together; 0 where none is."""
        return max((word.rules.within for word in self.words), default=0)

    @cached_property
    def own_lanes(self) -> frozenset[Lane]:
        """Return the lanes that words choose for themselves."""
        return frozenset[Lane]().union(*(word.rules.lanes or () for word in self.words))

    @cached_property
    def sounds(self) -> tuple[tuple[Sounds, tuple[Word, ...]], ...]:
        """Return the words by their sound, with the words that the finds number; made on first use, in seconds for 100,000."""
        if self.pieces:
            return tuple(found for piece in self.pieces for found in piece.sounds)
        plain = ((number, skeleton(word.folded).text) for number, word in enumerate(self.words) if not word.rules.near)
        return ((Sounds(plain), self.words),)

    @cached_property
    def ordinary(self) -> Ordinary:
        """Return what tells the short texts in which no word of the library can stand."""
        return Ordinary(self)

    @property
    def is_sample(self) -> bool:
        """Say whether this is the sample that hegui ships, which protects nobody."""
        return self.source == SAMPLE

    @property
    def base_version(self) -> str:
        """Return the version of the file, without the edits made while serving."""
        return self.version.partition("+")[0]

    def counts(self) -> Counter[str]:
        """Return the number of different words of each risk; words that fold to the same count once."""
        return Counter(risk for _, risk in {(word.folded, word.risk) for word in self.live})

    def word(self, rule: str) -> Word | None:
        """Return the word of a rule id of this version."""
        return next((word for word in self.listed if word.rule == rule), None)

    def edited(self, added: Iterable[Row], gone: Iterable[str]) -> Library:
        """Return this library with words added and rules taken back, in milliseconds: only what is new is compiled.

        Edits are told from the rows of a file by `Row.edit`; call it on the library of the file with
        all edits each time. Of thousands of edits, those of an earlier call are not compiled again.
        """
        rows = sorted(added, key=lambda row: row.edit)
        missing = frozenset(gone)
        if not rows and not missing:
            return self
        pieces, dead = self.kept.pieces(rows, self.source)
        found = self
        for more in pieces:
            found = _joined(found, more)
        listing = [[row.edit, row.word, row.risk, row.rules.as_dict()] for row in rows]
        digest = sha256(canonical([listing, sorted(missing)])).hexdigest()[:8]
        return replace(found, version=f"{self.version}+{digest}", gone=missing | dead, pieces=(self, *pieces))


def _joined(one: Library, other: Library) -> Library:
    """Return what finds the words of both, without compiling either again."""
    return replace(
        one, words=one.words + other.words, bones=one.bones.joined(other.bones), literal=one.literal.joined(other.literal),
        hints=_shifted(one, other), latin=one.latin.joined(other.latin),
        in_parts=one.in_parts.joined(other.in_parts, len(one.bones.words)), regexes=one.regexes.joined(other.regexes),
        asking={**one.asking, **{number + len(one.bones.words): forms for number, forms in other.asking.items()}},
    )  # fmt: skip


# --- compiling -----------------------------------------------------------------------------------------

_LEAST_HINT = 2
"""A skeleton of fewer characters stands everywhere, and tells nothing."""
_DIGITS = frozenset("0123456789")
_MOST_MIXED = 4
"""Digits of a word of which any may be numerals; of more, the first or the last ones."""
_NUMERALS = ("零一二三四五六七八九", "〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")


def _numerals(bones: str) -> Iterator[str]:
    """Yield how a skeleton is written with its digits, or some of them (20二五), as numerals."""
    places = [at for at, one in enumerate(bones) if one in _DIGITS]
    if len(bones) == 1 or not places:
        return
    some = chain(*((frozenset(places[:at]), frozenset(places[at - 1 :])) for at in range(1, len(places) + 1)))
    if len(places) <= _MOST_MIXED:
        some = chain(*(map(frozenset, combinations(places, size)) for size in range(1, len(places) + 1)))
    for chosen in some:
        # Beside one digit a numeral is ordinary: 3、一个 is no 31.
        if len(chosen) == len(places) or len(bones) > _LEAST_HINT:
            for numerals in _NUMERALS:
                yield "".join(numerals[int(one)] if at in chosen else one for at, one in enumerate(bones))


def _latin(bones: Iterable[tuple[str, Form]]) -> Iterator[tuple[str, Form]]:
    """Yield the Latin words that are looked for in another dress, each letter once."""
    for form, of in bones:
        if of.part == 0 and of.lane is None and form.isascii() and len(form) >= latin.LEAST:
            yield latin.once(form), of


def compile_library(rows: Iterable[Row | tuple[int, str, str]], source: str) -> Library:
    """Compile rows `(row, word, risk id[, rules])`; equal words after folding share a pattern."""
    read = [Row(*row) for row in rows]
    listed = [Word(row.word, row.risk, row.row, folding.folded(row.word), row.rules, row.edit) for row in read]
    words = tuple(word for word in listed if word.rules.match != PATTERN)
    regexes = Regexes(tuple(word for word in listed if word.rules.match == PATTERN))
    _check_number(regexes)
    bones: list[tuple[str, Form]] = []
    literal: list[tuple[str, Form]] = []
    hints: dict[str, None] = {}
    asked: dict[str, list[Form]] = {}
    always = False
    for word in words:
        for part, text in enumerate((word.folded, *map(folding.folded, word.rules.near))):
            found = skeleton(text).text
            if len(found) != len(text) or BREAK in found:
                literal.append((text, Form(word, None, part)))
                always = always or len(found) < _LEAST_HINT or found.isascii() or BREAK in found
                hints[found] = None
                literal += [(form, Form(word, None, part)) for form in asking.traditional(text)]
                for form, asks in asking.own(text) if BREAK not in found else ():
                    asked.setdefault(form, []).append(Form(word, None, part, asks))
                continue
            bones.append((found, Form(word, None, part)))
            for form, asks in asking.in_equal_parts(found):
                asked.setdefault(form, []).append(Form(word, Lane.SPLIT, part, asks))
            if part == 0:
                for form in dict.fromkeys(_numerals(found)):
                    hint = skeleton(form).text
                    if hint == form:
                        bones.append((form, Form(word, Lane.HIDDEN)))
                    elif (
                        len(hint) >= _LEAST_HINT
                    ):  # 二二 in 二〇二二: repeated digits are ordinary, repeated numerals are left out
                        literal.append((form, Form(word, Lane.HIDDEN)))
                        hints[hint] = None
    first = {} if always else hints
    ways = parts.ways((*(form for form, _ in bones), *asked))
    hinted = dict.fromkeys((*first, *ways, *asked))
    return Library(
        words=words,
        version=_version(listed),
        source=source,
        bones=Index.of(bones, hinted),
        literal=Index.of(literal),
        latin=Index.of(_latin(bones)),
        in_parts=parts.Parts.of(ways, hinted),
        regexes=regexes,
        asking={number: tuple(asked[form]) for number, form in enumerate(hinted) if form in asked},
        hints=None if always else frozenset(range(len(hints))),
    )


def _shifted(library: Library, more: Library) -> frozenset[int] | None:
    """Return the hints of two libraries as those of their joined patterns."""
    if library.hints is None or more.hints is None:
        return None
    size = len(library.bones.words)
    return library.hints | {number + size for number in more.hints}


def _check_number(regexes: Regexes) -> None:
    if len(regexes.words) > MOST:
        raise LibraryError(
            Bi(f"正则超过 {MOST:,} 条", f"more than {MOST:,} regular expressions"),
            Bi("能写成词的请写成词，词的数量不限", "write as words what words can say; their number has no limit"),
        )
    regexes.warm()


def _version(words: Iterable[Word]) -> str:
    listing = "\n".join(sorted(f"{word.folded}\t{word.risk}{_said(word.rules)}" for word in words))
    return sha256(listing.encode()).hexdigest()[:16]


def _said(rules: WordRules) -> str:
    said: dict[str, Any] = rules.as_dict()
    return "\t" + canonical(said).decode() if said else ""


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
