"""The checker: one text in, every hit with its risk, rule, exact span and action out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from hegui.general.content import folding, personal
from hegui.general.content.library import Library, is_latin, load_library
from hegui.general.content.personal import Kind
from hegui.general.content.policy import BLOCKING, Action, Policy, Side, load_policy, severest
from hegui.law.register import law_version


@dataclass(frozen=True, slots=True)
class Verdict:
    """One hit: for words the risk and the rule, for personal information the kind; span in the original."""

    risk: str
    rule: str
    lane: str
    start: int
    end: int
    action: Action

    def moved(self, by: int) -> Verdict:
        """Return the same verdict further on in a longer text."""
        return Verdict(self.risk, self.rule, self.lane, self.start + by, self.end + by, self.action)

    def as_dict(self) -> dict[str, str | int]:
        """Return what a record keeps: never the text that hit."""
        return {
            "risk": self.risk, "rule": self.rule, "lane": self.lane,
            "start": self.start, "end": self.end, "action": self.action.value,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A verdict with its place in the folded text."""

    verdict: Verdict
    start: int
    end: int


@dataclass(frozen=True)
class Versions:
    """What a verdict was made with."""

    policy: str
    library: str
    law: str

    def as_dict(self) -> dict[str, str]:
        """Return the three versions."""
        return {"policy": self.policy, "library": self.library, "law": self.law}


PERSONAL_RISK = "A.4.f"
"""Personal information belongs to the risk of infringing personal-information rights."""


@dataclass(frozen=True)
class Checked:
    """The outcome for one whole text."""

    action: Action
    verdicts: tuple[Verdict, ...]

    @property
    def blocked(self) -> bool:
        """Say whether the text may not pass."""
        return self.action in BLOCKING


CLEAN = Checked(Action.PASS, ())


@dataclass(frozen=True)
class Checker:
    """A library and a policy ready to use; shared by every request of a process."""

    library: Library
    policy: Policy
    versions: Versions = field(init=False)
    tails: dict[Side, re.Pattern[str] | None] = field(init=False, repr=False, compare=False)
    ends: dict[Side, frozenset[str] | None] = field(init=False, repr=False, compare=False)
    reach: dict[Side, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", Versions(self.policy.version, self.library.version, law_version()))
        tails: dict[Side, re.Pattern[str] | None] = {}
        ends: dict[Side, frozenset[str] | None] = {}
        reach: dict[Side, int] = {}
        for side in Side:
            held = [kind for kind, action in self.policy.side(side).personal.items() if action is not Action.PASS]
            union = "|".join(sorted({personal.TAILS[kind] for kind in held}))
            tails[side] = re.compile(f"(?:{union})\\Z") if held else None
            ends[side] = personal.NUMBER_ENDS if set(held) <= personal.NUMBERS else None
            reach[side] = max((personal.REACH[kind] for kind in held), default=0)
        object.__setattr__(self, "tails", tails)
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "reach", reach)

    @property
    def worst_hold(self) -> int:
        """Return the most characters that a stream can hold back: the stated worst case."""
        return max(self.library.longest, self.reach[Side.OUTPUT])

    def words(self, text: str, side: Side, *, start: int, final: bool) -> list[Span]:
        """Return the keyword hits in a folded text from `start` on; earlier text is context only.

        A word that begins or ends in a Latin letter or digit hits only at a word's edge; at the
        end of unfinished text such a hit is not yet confirmed and is left out.
        """
        actions = self.policy.side(side).risks
        spans = []
        for begin, end, number in self.library.matcher.find(text):
            if begin < start or (is_latin(text[begin]) and begin and is_latin(text[begin - 1])):
                continue
            if is_latin(text[end - 1]) and (is_latin(text[end]) if end < len(text) else not final):
                continue
            for word in self.library.by_pattern[number]:
                verdict = Verdict(word.risk, word.rule, "exact", begin, end, actions[word.risk])
                spans.append(Span(verdict, begin, end))
        return spans

    def personal(self, text: str, side: Side, *, start: int = 0) -> list[Span]:
        """Return the personal information in a folded text from `start` on."""
        actions = self.policy.side(side).personal
        return [
            Span(
                Verdict(PERSONAL_RISK, f"personal:{item.kind}", "personal", item.start, item.end, actions[item.kind]),
                item.start,
                item.end,
            )
            for item in personal.find(text, start)
        ]

    def check(self, text: str, side: Side) -> Checked:
        """Check one whole text; offsets in the result are characters of the text as given."""
        if not text:
            return CLEAN
        fold = folding.fold(text)
        spans = self.words(fold.text, side, start=0, final=True)
        spans += self.personal(fold.text, side)
        if not spans:
            return CLEAN
        verdicts = tuple(place(span, fold) for span in sorted(spans, key=lambda span: (span.start, span.end)))
        return Checked(severest([item.action for item in verdicts]), verdicts)

    def answer_for(self, verdicts: tuple[Verdict, ...]) -> str | None:
        """Return the set answer when every blocking verdict has one, else None."""
        blocking = [item for item in verdicts if item.action in BLOCKING]
        if blocking and all(item.action is Action.ANSWER for item in blocking):
            return self.policy.answers[blocking[0].risk]
        return None


def place(span: Span, fold: folding.Folded) -> Verdict:
    """Return the verdict of a span with offsets in the original."""
    verdict = span.verdict
    return Verdict(
        verdict.risk, verdict.rule, verdict.lane, fold.origin(span.start), fold.end(span.end), verdict.action
    )


def masked(text: str, verdicts: tuple[Verdict, ...]) -> str:
    """Return a text with each verdict of action `mask` starred, character for character."""
    out = text
    for item in verdicts:
        if item.action is Action.MASK:
            starred = mask_span(item, text[item.start : item.end])
            out = out[: item.start] + merge_stars(out[item.start : item.end], starred) + out[item.end :]
    return out


def merge_stars(one: str, other: str) -> str:
    """Return two starred forms of one text together: what either hides stays hidden."""
    return "".join("*" if "*" in (a, b) else a for a, b in zip(one, other, strict=True))


def mask_span(verdict: Verdict, text: str) -> str:
    """Return the starred form of one hit, of the same length."""
    if verdict.lane == "personal":
        return personal.mask(Kind(verdict.rule.removeprefix("personal:")), text)
    return "*" * len(text)


def load_checker(library: Path | None = None, policy: Path | None = None) -> Checker:
    """Load a checker from files, or the sample library and default policy; raise InputError."""
    return Checker(load_library(library), load_policy(policy))
