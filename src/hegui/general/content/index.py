"""Words and the forms in which they are looked for, ready for a matcher."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from hegui.general.content import asking
from hegui.general.content.matcher import Joined, Matcher, build
from hegui.general.content.policy import Lane
from hegui.general.content.rows import PLAIN, WordRules

_PAIR = 2


@dataclass(frozen=True, slots=True)
class Word:
    """One keyword with its risk; `rule` names it in verdicts without saying it."""

    text: str
    risk: str
    row: int
    folded: str
    rules: WordRules = PLAIN
    edit: str = ""

    @property
    def rule(self) -> str:
        """Return the rule's id: the row in the operator's file, or the edit that added the word."""
        return f"word:{self.edit}" if self.edit else f"keyword:{self.row}"


@dataclass(frozen=True, slots=True)
class Form:
    """One way in which a word is looked for.

    `lane` is None where the way it stands in the text decides; `part` counts the words that are
    asked to stand near each other, 0 being the word itself; `asks` is what the original must have.
    """

    word: Word
    lane: Lane | None = None
    part: int = 0
    asks: asking.Asks | None = None


class Either:
    """Whatever is in one of two sets."""

    __slots__ = ("_one", "_other")

    def __init__(self, one: Container[str], other: Container[str]) -> None:
        self._one, self._other = one, other

    def __contains__(self, item: object) -> bool:
        return item in self._one or item in self._other


@dataclass(frozen=True)
class Index:
    """Forms ready to be looked for: a matcher, the forms of each pattern, and what could become a hit."""

    matcher: Matcher = field(compare=False, repr=False)
    words: tuple[tuple[Form, ...], ...] = field(compare=False, repr=False)
    prefixes: Container[str] = field(compare=False, repr=False)
    longest: int = 0
    pairs: tuple[frozenset[str], ...] = field(default=(frozenset(),), compare=False, repr=False)
    """The first two characters of each pattern, or the one that it has."""
    signs: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """Every character of every pattern."""

    @classmethod
    def of(cls, forms: Iterable[tuple[str, Form]], hints: Iterable[str] = ()) -> Index:
        """Index `(pattern, form)` pairs; equal patterns are one. `hints` are patterns that may have no form."""
        grouped: dict[str, list[Form]] = {pattern: [] for pattern in hints}
        for pattern, form in forms:
            grouped.setdefault(pattern, []).append(form)
        prefixes = {prefix: prefix for pattern in grouped for prefix in _prefixes(pattern)}
        pairs = {pattern[:_PAIR] for pattern in grouped}
        return cls(
            matcher=build(tuple(grouped)),
            words=tuple(map(tuple, grouped.values())),
            prefixes=frozenset(prefixes),
            longest=max(map(len, grouped), default=0),
            pairs=(frozenset(prefixes.get(pair, pair) for pair in pairs),),  # most are there already
            signs=frozenset[str]().union(*grouped),
        )

    def joined(self, other: Index) -> Index:
        """Return what finds the forms of both, without building the greater one again."""
        if not other.words:
            return self
        return Index(
            matcher=Joined(self.matcher, other.matcher, len(self.words)),
            words=self.words + other.words,
            prefixes=Either(self.prefixes, other.prefixes),
            longest=max(self.longest, other.longest),
            pairs=self.pairs + other.pairs,
            signs=self.signs | other.signs,
        )


def is_latin(character: str) -> bool:
    """Say whether a folded character joins with its neighbours into a word: ASCII letters and digits."""
    return character.isascii() and character.isalnum()


def _prefixes(pattern: str) -> Iterator[str]:
    # A word that ends in a Latin letter is a hit only once the next character is known.
    yield from (pattern[:end] for end in range(1, len(pattern)))
    if is_latin(pattern[-1]):
        yield pattern
