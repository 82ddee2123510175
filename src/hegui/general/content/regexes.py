"""Regular expressions of the operator: RE2 alone, which takes time that grows with the text and never more.

A pattern is looked for within one sentence at a time (`sentences`), in its folded form with traditional characters
simplified, whatever the case. So a stream knows all its finds once the sentence has ended, and `^` and `$` are
the beginning and the end of a sentence. A pattern that could match nothing, or a single byte, is refused, and so
are look-arounds and back-references, which RE2 does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import re2  # type: ignore[import-untyped]

from hegui.general.content import tables
from hegui.general.content.clauses import LONGEST_CLAUSE, clauses
from hegui.general.content.folding import fold, fold_character

if TYPE_CHECKING:
    from hegui.general.content.index import Word

LONGEST = 300
"""Most characters of a pattern."""
MOST = 1_000
"""Most patterns of a library."""
LONGEST_SENTENCE = 2 * LONGEST_CLAUSE
"""Characters; the most that a stream waits for a pattern."""
_ENDS = frozenset("。！？!?…\r\n；;")
_MEMORY = 1 << 20
"""Bytes of one compiled pattern; a greater one is refused."""
_GROUP = 32
"""Patterns that are asked together first."""
_BYTE = "\\C"
_NOT_ASCII = "\x80"
_TOKENS = re.compile(r"(?s)\\Q(.*?)(?:\\E|\Z)|\\x\{0*([0-9A-Fa-f]{1,5})\}|(\\?)(.)")
"""What stands between \\Q and \\E, a character told by its number, or any other, perhaps behind a backslash."""


class PatternError(ValueError):
    """A pattern can not be used; says what is wrong, Chinese and English."""


def _options(memory: int) -> Any:  # noqa: ANN401 - re2 has no types
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.max_mem = memory
    return options


def compiled(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    """Return a pattern ready to be looked for in folded texts; raise PatternError."""
    if len(pattern) > LONGEST:
        raise PatternError(f"正则超过 {LONGEST} 字 / a pattern has {LONGEST} characters at most")
    if _BYTE in pattern:
        raise PatternError("正则不能用 \\C / a pattern can not hold \\C, which is half a character")
    try:
        found = re2.compile(_folded(pattern), _options(_MEMORY))
    except re2.error as error:
        said = error.args[0] if error.args else ""
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise PatternError(f"正则有误 / RE2 can not read the pattern: {why}") from None
    if found.fullmatch("") is not None:
        raise PatternError("正则能匹配空文本 / the pattern matches an empty text")
    return found


def _folded(pattern: str) -> str:
    """Return a pattern as folded texts are written: a mark of full width is the ASCII one, taken as it stands."""
    out = []
    for quoted, number, escape, character in _TOKENS.findall(pattern):
        if quoted:
            out += [_as_it_stands(_as_folded(one)) for one in quoted]
        elif number:
            out.append(f"\\x{{{ord(_as_folded(chr(int(number, 16)))):x}}}")
        elif character:
            folded = _as_folded(character)
            is_mark = character >= _NOT_ASCII > folded and not folded.isalnum()
            out.append(_as_it_stands(folded) if is_mark else escape + folded)
    return "".join(out)


def _as_folded(character: str) -> str:
    if character < _NOT_ASCII:
        return character
    simple = tables.simplified()
    folded = "".join(simple.get(one, one) for one in fold_character(character))
    if len(folded) != 1:
        raise PatternError(f"正则中的 {character} 请写作 {folded or '（无）'} / write {folded!r} for {character!r}")
    return folded


def _as_it_stands(character: str) -> str:
    return character if character >= _NOT_ASCII or character.isalnum() else f"\\{character}"


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the sentences of a text, each with the mark that ends it, of at most `LONGEST_SENTENCE` characters.

    Each is one clause or several, so a text that begins where a sentence of another did has the same from there.
    """
    begin = last = 0
    for start, end in clauses(text):
        if end - begin > LONGEST_SENTENCE:
            yield begin, start
            begin = start
        last = end
        if text[end - 1] in _ENDS:
            yield begin, end
            begin = end
    if last > begin:
        yield begin, last


@dataclass(frozen=True)
class Regexes:
    """The patterns of a library, each a `Word` whose text is the pattern."""

    words: tuple[Word, ...] = ()
    pieces: tuple[Regexes, ...] = field(default=(), repr=False)

    def joined(self, other: Regexes) -> Regexes:
        """Return the patterns of both, without compiling either again."""
        if not other.words:
            return self
        return Regexes(self.words + other.words, (*(self.pieces or (self,)), other)) if self.words else other

    @cached_property
    def groups(self) -> tuple[tuple[Any, tuple[tuple[Any, Word], ...]], ...]:
        """Return the patterns in groups, made once: each with what says whether any of them is there; None where they can not be joined."""
        if self.pieces:
            return tuple(group for piece in self.pieces for group in piece.groups)
        each = [(compiled(word.text), word) for word in self.words]
        groups = []
        for at in range(0, len(each), _GROUP):
            members = tuple(each[at : at + _GROUP])
            groups.append((_any_of([one.pattern for one, _ in members]), members))
        return tuple(groups)

    def warm(self) -> None:
        """Compile now, so that the first text does not wait."""
        _ = self.groups

    def find(self, text: str) -> Iterator[tuple[Word, int, int]]:
        """Yield each find of each pattern in a text: its word, and from where to where in characters of the text."""
        if not self.words:
            return
        simple = _simple()
        for begin, end in sentences(text):
            folded = fold(text[begin:end])
            said = folded.text.translate(simple)
            for some, members in self.groups:
                if some is not None and some.search(said) is None:
                    continue
                for one, word in members:
                    for match in one.finditer(said):
                        start, stop = match.span()
                        if stop > start:
                            yield word, begin + folded.origin(start), begin + folded.end(stop)


_SIMPLE: dict[int, str] = {}


def _simple() -> dict[int, str]:
    """Return simplified characters for traditional ones, one for one, so that places stay."""
    if not _SIMPLE:
        _SIMPLE.update((ord(one), base) for one, base in tables.simplified().items() if len(one) == len(base) == 1)
    return _SIMPLE


def _any_of(patterns: list[str]) -> Any:  # noqa: ANN401 - re2 has no types
    try:
        return re2.compile("|".join(f"(?:{one})" for one in patterns), _options(_MEMORY * len(patterns)))
    except re2.error:  # such as the same name of a group twice
        return None
