"""Verdicts: one hit with its risk, rule, exact span and action; and what is done to a text for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hegui.general.content import personal
from hegui.general.content.folds import Fold
from hegui.general.content.personal import Kind
from hegui.general.content.policy import BLOCKING, Action, Lane


@dataclass(frozen=True, slots=True)
class Verdict:
    """One hit; the span is in characters of the original.

    `risk` is one of the 31, or `unmapped` where a guard model found what none of them is; `score`,
    0 to 1, is what a classifier or a guard gave, None for what is found or not. `undone` are the folds that a
    word which is masked owes its find to: nobody can tell them from the stars.
    """

    risk: str
    rule: str
    lane: str
    start: int
    end: int
    action: Action
    score: float | None = None
    undone: frozenset[Fold] = field(default=frozenset(), compare=False, repr=False)

    def moved(self, by: int) -> Verdict:
        """Return the same verdict further on in a longer text."""
        return replace(self, start=self.start + by, end=self.end + by)

    def as_dict(self) -> dict[str, Any]:
        """Return what a record keeps: never the text that hit."""
        found = {
            "risk": self.risk, "rule": self.rule, "lane": self.lane,
            "start": self.start, "end": self.end, "action": self.action.value,
        }  # fmt: skip
        return found if self.score is None else {**found, "score": round(self.score, 4)}


@dataclass(frozen=True)
class Versions:
    """What a verdict was made with; `model` and `guard` are empty where there is none."""

    policy: str
    library: str
    law: str
    model: str = ""
    guard: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the versions."""
        return {
            "policy": self.policy, "library": self.library, "law": self.law, "model": self.model, "guard": self.guard,
        }  # fmt: skip


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
    if verdict.lane == Lane.PERSONAL:
        return personal.mask(Kind(verdict.rule.removeprefix("personal:")), text)
    return "*" * len(text)


def clear_of(spans: list[Verdict], limit: int) -> int:
    """Return the greatest place up to `limit` that lies inside no number or address: the rest of one can look like another.

    Words may be cut. What is looked for from there on does not find them again, and finds all that begins there.
    """
    while True:
        inside = [span.start for span in spans if span.start < limit < span.end and span.lane == Lane.PERSONAL]
        if not inside:
            return limit
        limit = min(inside)


def is_rest(verdict: Verdict, noted: Verdict) -> bool:
    """Say whether a hit is what is left of one that was noted, where a clause begins in its first character's repetitions."""
    return noted.start < verdict.start and replace(verdict, start=noted.start) == noted
