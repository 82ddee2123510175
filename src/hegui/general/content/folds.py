"""Which ways of hiding a word were undone to find it, and which an operator lets be undone.

The skeleton undoes all of them at once, in one pass; what a find owes to each is told from the
characters that it stands in. So each can be switched off for a risk or for a word (乾 is not to be
found as 干), and a text without finds pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise

from hegui.general.content import tables
from hegui.general.content.folding import fold_character
from hegui.general.content.skeleton import BONES, SEPARATOR
from hegui.kit.text import Bi


class Fold(StrEnum):
    """A way of hiding that is undone; those by sound and in parts are lanes of their own."""

    WIDTH = "width"  # 大小写、全角
    INVISIBLE = "invisible"  # 不可见字符
    TRADITIONAL = "traditional"  # 繁体与异体
    LOOKALIKES = "lookalikes"  # 形近字
    SEPARATORS = "separators"  # 夹杂符号
    REPEATED = "repeated"  # 重复


FOLD_NAMES: dict[str, Bi] = {
    Fold.WIDTH: Bi("大小写、全角与兼容字形", "case, width and compatibility forms"),
    Fold.INVISIBLE: Bi("不可见字符与附加符号", "characters that show nothing, and combining marks"),
    Fold.TRADITIONAL: Bi("繁体与异体", "traditional and variant characters"),
    Fold.LOOKALIKES: Bi("形近字", "look-alikes"),
    Fold.SEPARATORS: Bi("夹杂的空格与符号", "spaces, marks and symbols between"),
    Fold.REPEATED: Bi("重复的字", "repeated characters"),
}
ALL = frozenset(Fold)


def used(written: str, own: Iterable[str]) -> frozenset[Fold]:
    """Return the folds by which a stretch of text says a word; `own` is the word, and those that stand near it, as listed.

    A character that the word has itself owes nothing to any; else those count that tell it from the nearest of the
    word's own, in whichever of the two they are: 乾 for 干 and 干 for 乾 are both `traditional`.
    """
    own = tuple(own)
    listed = frozenset("".join(own))
    bases: dict[str, list[str]] = {}
    for character in listed:
        bases.setdefault(BONES[character], []).append(character)
    found: set[Fold] = set()
    for character in written:
        if character not in listed:
            found |= _told_apart(character, bases)
    return frozenset(found | _repeated(written, own))


def _told_apart(character: str, bases: dict[str, list[str]]) -> frozenset[Fold]:
    """Return the folds that make a character the same as the nearest of a word's own."""
    bones = BONES[character]
    if not bones:
        return frozenset({Fold.INVISIBLE})
    if bones == SEPARATOR:
        # A regional indicator spells a letter or makes a flag; inside a word it spells.
        return frozenset({Fold.LOOKALIKES if character in tables.lookalikes() else Fold.SEPARATORS})
    steps = _steps(character)
    return min((steps ^ _steps(one) or steps for one in bases.get(bones, ())), key=len, default=steps)


def _steps(character: str) -> frozenset[Fold]:
    """Return the folds that a character goes through on its way to its base."""
    likes, simple = tables.lookalikes(), tables.simplified()
    found: set[Fold] = set()
    folded = likes.get(character)
    if folded is not None:
        found.add(Fold.LOOKALIKES)
    else:
        folded = fold_character(character)
        if folded != character:
            found.add(Fold.WIDTH)
    for one in folded:
        base = likes.get(one, one)
        if base != one:
            found.add(Fold.LOOKALIKES)
        if base in simple:
            found.add(Fold.TRADITIONAL)
    return frozenset(found)


def _repeated(written: str, own: tuple[str, ...]) -> frozenset[Fold]:
    """Say whether a character stands more often in a row than any of the words has it."""
    bones = "".join(BONES[one] for one in written).replace(SEPARATOR, "")
    words = ["".join(BONES[one] for one in word) for word in own]
    twice = (a + b for a, b in pairwise(bones) if a == b)
    return frozenset({Fold.REPEATED}) if any(all(pair not in word for word in words) for pair in twice) else frozenset()
