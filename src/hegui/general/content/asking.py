"""Words that a skeleton alone can not tell: what they ask of the original where their skeleton stands.

The skeleton leaves out repetitions and marks, so 妈妈记 stands there as 妈记 and C++标 as c标, and 双 in equal parts (又又)
as 又. Each is looked for by that, and counts where the original has what was left out: the character as often in a
row, the mark in its gap. What else stands there hides the word, as it does in any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations

from hegui.general.content import tables
from hegui.general.content.around import REACH_AFTER, REACH_BEFORE
from hegui.general.content.folding import fold_character
from hegui.general.content.skeleton import BONES, SEPARATOR, skeleton

_NOT_ASCII = "\x80"
_MOST_CHOICES = 3
"""Characters of a word, at most, that are each looked for in more than one way."""
SHORT = -1
LEAST = 2
"""Characters of a pattern: one alone stands everywhere."""


@dataclass(frozen=True, slots=True)
class Asks:
    """What a pattern asks of the original: how often each character stands in a row, and the marks around each.

    `marks` are those before the first character, after the first, and so on.
    """

    pattern: str
    runs: tuple[int, ...]
    marks: tuple[str, ...]
    plain: str = ""
    """The word, folded, without the marks around it."""

    def inside(self, text: str, places: Sequence[int]) -> tuple[int, list[str]] | None:
        """Return where a find begins whose characters stand at these places, and what else stands in its gaps.

        Returns None where the original has not what is asked; what is asked of its ends is for `before` and `after`.
        """
        start, gaps = places[0], []
        for at, place in enumerate(places[:-1]):
            gap = text[place + 1 : places[at + 1]]
            if self.runs[at] > 1:
                run = [0, *(1 + size for size in _run(gap, self.pattern[at]))]
                if len(run) < self.runs[at]:
                    return None
                # Of more than are asked for, the word begins with the last ones; within it they hide.
                start += run[-self.runs[at]] if at == 0 else 0
                gap = gap[run[-1] if at == 0 else run[self.runs[at] - 1] :]
            rest = _without(gap, self.marks[at + 1])
            if rest is None:
                return None
            gaps.append(rest)
        return start, gaps

    def before(self, context: str) -> bool:
        """Say whether the marks asked for stand right before the find; `context` are the characters that show there."""
        mark = self.marks[0]
        return not mark or [fold_character(one) for one in context[-len(mark) :]] == list(mark)

    def after(self, window: str) -> int | None:
        """Return how many characters after the last one are the word's, None where what is asked is not there.

        `window` are at most `REACH_AFTER` characters; `SHORT` says that it ends before that can be said.
        """
        run = [0, *(1 + size for size in _run(window, self.pattern[-1]))]
        taken = run[min(len(run), self.runs[-1]) - 1]
        rest = [fold_character(one) for one in window[taken:] if BONES[one]]
        mark = list(self.marks[-1])
        if len(run) >= self.runs[-1] and rest[: len(mark)] == mark:
            return taken
        is_short = rest == mark[: len(rest)] if len(run) >= self.runs[-1] else not rest
        return SHORT if is_short and len(window) < REACH_AFTER else None

    def is_plain(self, text: str) -> bool:
        """Say whether a text is the word as it stands, which is found without this."""
        return "".join(map(fold_character, text)) == self.plain


def _run(text: str, character: str) -> list[int]:
    """Return the places in a text, from its beginning on, at which a character stands again with nothing between."""
    found = []
    for at, one in enumerate(text):
        bones = BONES[one]
        if bones == character:
            found.append(at)
        elif bones:
            break
    return found


def _without(gap: str, marks: str) -> str | None:
    """Return a gap without the marks, in their order, or None where one is not there."""
    rest = list(gap)
    at = 0
    for mark in marks:
        at = next((place for place in range(at, len(rest)) if fold_character(rest[place]) == mark), -1)
        if at < 0:
            return None
        del rest[at]
    return "".join(rest)


def own(folded: str) -> Iterator[tuple[str, Asks]]:
    """Yield the patterns of a word that holds marks or doubled characters, and what each asks."""
    characters, runs, marks = _units(folded)
    if not characters or max(runs) > REACH_AFTER or len(marks[-1]) > REACH_AFTER or len(marks[0]) > REACH_BEFORE:
        return
    doubled = [at for at, run in enumerate(runs) if run > 1][:_MOST_CHOICES]
    for spread in _some_of(doubled):
        # A character after a separator is no repetition, so 妈 妈 记 stands in the skeleton as it is.
        pattern, times, between = "", [], [marks[0]]
        for at, (one, run) in enumerate(zip(characters, runs, strict=True)):
            copies = run if at in spread else 1
            pattern += one * copies
            times += [1] * copies if at in spread else [run]
            between += [""] * (copies - 1) + [marks[at + 1]]
        if len(pattern) >= LEAST:
            plain = folded[len(marks[0]) : len(folded) - len(marks[-1])]
            yield pattern, Asks(pattern, tuple(times), tuple(between), plain)


def _units(folded: str) -> tuple[list[str], list[int], list[str]]:
    """Return the characters of a word, how often each stands in a row, and the marks before, between and after them."""
    characters: list[str] = []
    runs: list[int] = []
    marks = [""]
    for sign in folded:
        bones = BONES[sign]
        if bones == SEPARATOR:
            marks[-1] += sign
            continue
        for one in bones:
            if characters and characters[-1] == one and one >= _NOT_ASCII and not marks[-1]:
                runs[-1] += 1
            else:
                characters.append(one)
                runs.append(1)
                marks.append("")
    return characters, runs, marks


def traditional(folded: str) -> Iterator[str]:
    """Yield how a word of one character in a row (妈妈) is written with a traditional form of it."""
    characters, _, marks = _units(folded)
    if len(characters) == 1 and not any(marks):
        yield from (folded.replace(characters[0], old) for old in _older().get(characters[0], ()))


@cache
def _older() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for old, new in tables.simplified().items():
        found.setdefault(new, []).append(old)
    return found


@cache
def _equal() -> dict[str, tuple[str, int]]:
    """Return the characters that are one part several times, with the part and how often it stands."""
    found = {}
    for one, forms in tables.splits().items():
        for form in forms:
            if len(form) > 1 and len(skeleton(form).text) == 1:
                found[one] = (BONES[form[0]], len(form))
    return found


def in_equal_parts(bones: str) -> Iterator[tuple[str, Asks]]:
    """Yield the patterns of a skeleton with characters in equal parts (双 as 又又), and what each asks."""
    table = _equal()
    places = [at for at, one in enumerate(bones) if one in table][:_MOST_CHOICES]
    if not places or len(bones) < LEAST:
        return
    for chosen in _some_of(places):
        pattern = "".join(table[one][0] if at in chosen else one for at, one in enumerate(bones))
        if chosen and skeleton(pattern).text == pattern:
            runs = tuple(table[one][1] if at in chosen else 1 for at, one in enumerate(bones))
            yield pattern, Asks(pattern, runs, ("",) * (len(bones) + 1))


def _some_of(places: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return chain.from_iterable(combinations(places, size) for size in range(len(places) + 1))
