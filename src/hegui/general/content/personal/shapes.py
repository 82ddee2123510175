"""Bounded sets of strings, each with the pattern of its strings and the pattern of their beginnings.

What a stream must hold is the beginning of what could become a hit. Here both patterns come from
one description, so that the second can not fall behind the first: it is closed under taking
prefixes because it is built as just that. Nothing is unbounded and no repetition stands in
another that could match the same text in two ways, so that time stays linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

Letters = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A set of strings; `begun` matches every non-empty beginning of one, whole strings too.

    `caught` is `whole` with the telling part in a group. `letters` are the characters that
    strings are made of, None when there are too many to list. `longest` counts what a lookahead
    needs to see as well.
    """

    whole: str
    begun: str
    caught: str
    longest: int
    letters: Letters


def _either(patterns: Iterable[str]) -> str:
    kept = [pattern for pattern in dict.fromkeys(patterns) if pattern]
    return kept[0] if len(kept) == 1 else f"(?:{'|'.join(kept)})" if kept else ""


def _together(sets: Iterable[Letters]) -> Letters:
    found: frozenset[str] = frozenset()
    for letters in sets:
        if letters is None:
            return None
        found |= letters
    return found


def any_of(letters: str) -> Shape:
    """One character of these, with ranges such as `0-9`; a hyphen stands at the end."""
    spread = re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), letters, flags=re.DOTALL)
    pattern = "[" + re.sub(r"([\[\]\\^])", r"\\\1", letters) + "]"
    return Shape(pattern, pattern, pattern, 1, frozenset(spread))


def one_in(pattern: str) -> Shape:
    """One character of a class that is too big to list."""
    return Shape(pattern, pattern, pattern, 1, None)


@dataclass(slots=True)
class _Node:
    """What may follow, and whether a word ends here."""

    next: dict[str, _Node]
    ends: bool = False

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Node:
        root = cls({})
        for text in texts:
            node = root
            for letter in text:
                node = node.next.setdefault(letter, cls({}))
            node.ends = True
        return root

    def whole(self) -> str:
        inner = _either(re.escape(letter) + child.whole() for letter, child in self.next.items())
        if not inner or not self.ends:
            return inner
        return f"{inner}?" if inner.startswith("(?:") or len(inner) == 1 else f"(?:{inner})?"

    def begun(self) -> str:
        parts = []
        for letter, child in self.next.items():
            inner = child.begun()
            parts.append(re.escape(letter) + (f"(?:{inner})?" if inner else ""))
        return _either(parts)


def words(*texts: str) -> Shape:
    """One of these texts, the longest that fits first."""
    tree = _Node.of(texts)
    whole = tree.whole()
    return Shape(whole, tree.begun(), whole, max(map(len, texts)), frozenset("".join(texts)))


def seq(*shapes: Shape) -> Shape:
    """These, one after the other."""
    begun = ""
    for shape in reversed(shapes):
        begun = _either([shape.begun, shape.whole + begun if begun else ""])
    return Shape(
        "".join(shape.whole for shape in shapes),
        begun,
        "".join(shape.caught for shape in shapes),
        sum(shape.longest for shape in shapes),
        _together(shape.letters for shape in shapes),
    )


def alt(*shapes: Shape) -> Shape:
    """One of these, the first that fits first."""
    return Shape(
        _either(shape.whole for shape in shapes),
        _either(shape.begun for shape in shapes),
        _either(shape.caught for shape in shapes),
        max(shape.longest for shape in shapes),
        _together(shape.letters for shape in shapes),
    )


def times(shape: Shape, low: int, high: int) -> Shape:
    """From `low` to `high` of these in a row."""
    single = shape.longest == 1 and shape.whole == shape.begun
    unit = shape.whole if single else f"(?:{shape.whole})"
    count = f"{{{low},{high}}}" if (low, high) != (0, 1) else "?"
    begun = f"{unit}{{1,{high}}}" if single else f"{unit}{{0,{high - 1}}}{_either([shape.begun])}"
    return Shape(unit + count, begun, unit + count, shape.longest * high, shape.letters)


def maybe(shape: Shape) -> Shape:
    """This or nothing."""
    return times(shape, 0, 1)


def looking(pattern: str, *, on: Shape | None = None) -> Shape:
    """An assertion that says no; `on` is what it must see beyond the next character before it can be decided.

    One that asks for what comes later would not hold for a beginning, and has no place here but at the end.
    """
    if on is None:
        return Shape(pattern, "", pattern, 0, frozenset())
    return Shape(pattern, on.begun, pattern, on.longest, on.letters)


def caught(shape: Shape) -> Shape:
    """Mark the part whose place is told."""
    return Shape(shape.whole, shape.begun, f"({shape.whole})", shape.longest, shape.letters)
