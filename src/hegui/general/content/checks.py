"""The checker: one text in, every hit with its risk, rule, exact span and action out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from hegui.general.content import folding, personal
from hegui.general.content.library import Library, load_library
from hegui.general.content.personal import Kind
from hegui.general.content.policy import BLOCKING, Action, Policy, Side, load_policy, severest
from hegui.general.content.skeleton import REPEATS, SKIPS, Skeleton
from hegui.general.content.words import REACH_AFTER, Finder
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


_THREE_DIGITS = frozenset(
    {
        Kind.RESIDENT_ID, Kind.MOBILE, Kind.BANK_CARD, Kind.USCC, Kind.PASSPORT, Kind.PERMIT, Kind.MILITARY_ID,
        Kind.SOCIAL_SECURITY, Kind.LANDLINE,
    }
)  # fmt: skip


CLEAN = Checked(Action.PASS, ())


@dataclass(frozen=True)
class Checker:
    """A library and a policy ready to use; shared by every request of a process."""

    library: Library
    policy: Policy
    versions: Versions = field(init=False)
    finder: Finder = field(init=False, repr=False, compare=False)
    tails: dict[Side, re.Pattern[str] | None] = field(init=False, repr=False, compare=False)
    ends: dict[Side, frozenset[str] | None] = field(init=False, repr=False, compare=False)
    reach: dict[Side, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "finder", Finder(self.library))
        object.__setattr__(self, "versions", Versions(self.policy.version, self.library.version, law_version()))
        tails: dict[Side, re.Pattern[str] | None] = {}
        ends: dict[Side, frozenset[str] | None] = {}
        reach: dict[Side, int] = {}
        for side in Side:
            held = [kind for kind, action in self.policy.side(side).personal.items() if action is not Action.PASS]
            union = "|".join(sorted({personal.TAILS[kind] for kind in held}))
            tails[side] = re.compile(f"(?:{union})\\Z") if held else None
            # Only what has three digits in a row can be passed over by a look for those and at the last character.
            ends[side] = personal.ends(held) if set(held) <= _THREE_DIGITS else None
            reach[side] = max((personal.REACH[kind] for kind in held), default=0)
        object.__setattr__(self, "tails", tails)
        object.__setattr__(self, "ends", ends)
        object.__setattr__(self, "reach", reach)

    @property
    def worst_hold(self) -> int:
        """Return the most characters that a stream can hold back: the stated worst case, for a word hidden at its best."""
        return max(self.library.longest * (1 + SKIPS) * (1 + REPEATS) + REACH_AFTER, self.reach[Side.OUTPUT])

    def words(  # noqa: PLR0913 - what is there already need not be made again
        self,
        text: str,
        side: Side,
        *,
        bones: Skeleton | None = None,
        fold: folding.Folded | None = None,
        before: str = "",
        final: bool = True,
    ) -> tuple[list[Verdict], int]:
        """Return the keyword hits in a text, and where the first begins that more text decides.

        `before` are the characters before it, as far as they can matter; `bones` is its skeleton and `fold` its folded form, if there.
        """
        rules = self.policy.side(side)
        finds, open_at = self.finder.find(text, before, bones=bones, fold=fold, final=final)
        found = [
            Verdict(find.word.risk, find.word.rule, find.lane, find.start, find.end, rules.risks[find.word.risk])
            for find in finds
            if find.lane in rules.lanes[find.word.risk]
        ]
        return found, open_at

    def personal(self, fold: folding.Folded, side: Side, *, before: str = "") -> list[Verdict]:
        """Return the personal information in a folded text; `before` is the character before it, if any."""
        actions = self.policy.side(side).personal
        before = folding.fold_character(before[-1])[-1:] if before else ""
        shift = len(before)
        return [
            Verdict(
                PERSONAL_RISK, f"personal:{item.kind}", "personal",
                fold.origin(item.start - shift), fold.end(item.end - shift), actions[item.kind],
            )
            for item in personal.find(before + fold.text, shift)
        ]  # fmt: skip

    def check(self, text: str, side: Side) -> Checked:
        """Check one whole text; offsets in the result are characters of the text as given."""
        if not text:
            return CLEAN
        fold = folding.fold(text)
        found = self.words(text, side, fold=fold)[0] + self.personal(fold, side)
        if not found:
            return CLEAN
        found.sort(key=lambda verdict: (verdict.start, verdict.end))
        return Checked(severest([item.action for item in found]), tuple(found))

    def answer_for(self, verdicts: tuple[Verdict, ...]) -> str | None:
        """Return the set answer when every blocking verdict has one, else None."""
        blocking = [item for item in verdicts if item.action in BLOCKING]
        if blocking and all(item.action is Action.ANSWER for item in blocking):
            return self.policy.answers[blocking[0].risk]
        return None


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
