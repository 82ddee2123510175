"""The checker: one text in, every hit with its risk, rule, exact span and action out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hegui.general.content import folding, personal
from hegui.general.content.around import REACH_AFTER
from hegui.general.content.classify import Model
from hegui.general.content.clauses import clauses
from hegui.general.content.folds import ALL, Fold, used
from hegui.general.content.library import Library, load_library
from hegui.general.content.near import Nearby
from hegui.general.content.personal import Kind
from hegui.general.content.policy import BLOCKING, NOTED, Action, Lane, Policy, Rules, Side, load_policy, severest
from hegui.general.content.regexes import LONGEST_SENTENCE, sentences
from hegui.general.content.rows import LONGEST_REACH
from hegui.general.content.skeleton import REPEATS, SKIPS, Skeleton, skeleton
from hegui.general.content.spacing import REACH_EVEN
from hegui.general.content.verdicts import (
    CLEAN,
    PERSONAL_RISK,
    Checked,
    Verdict,
    Versions,
    mask_span,
    masked,
    merge_stars,
)
from hegui.general.content.words import WEAK, Find, Finder
from hegui.kit import clock
from hegui.law.register import law_version

__all__ = [
    "CLEAN", "PERSONAL_RISK", "Checked", "Checker", "Verdict", "Versions", "load_checker", "mask_span",
    "masked", "merge_stars",
]  # fmt: skip

_THREE_DIGITS = frozenset(
    {
        Kind.RESIDENT_ID, Kind.HK_ID, Kind.MACAO_ID, Kind.TAIWAN_ID, Kind.MOBILE, Kind.BANK_CARD, Kind.USCC,
        Kind.PASSPORT, Kind.PERMIT, Kind.MILITARY_ID, Kind.SOCIAL_SECURITY, Kind.LANDLINE,
    }
)  # fmt: skip


_BY_OTHER_MEANS = frozenset({Lane.SPLIT, Lane.PATTERN, *WEAK})
"""Lanes that are a switch of their own: folds are asked of the others."""


def _undone(find: Find, text: str) -> frozenset[Fold]:
    """Return the ways of hiding that were undone for a find in a text."""
    return used(text[find.start : find.end], (find.word.text, *find.word.rules.near))


@dataclass(frozen=True)
class SideChecks:
    """What one side's rules ask for, worked out once.

    `tail` and `ends` tell a text that could end in the beginning of personal information, which begins
    with one of `starts`; `reach` is its longest. `weak` are the lanes by sound, and that of regular expressions, that any
    rule asks for; `holds_weak` says whether they can do more than be noted, so that a stream has to wait for them, one
    of the `units` at a time. `judges` are the lanes that judge
    a whole text and that any rule asks for, `judges_block` those of them that can do more than be noted;
    `replaced` are the kinds of personal information that go behind placeholders.
    """

    tail: re.Pattern[str] | None
    ends: frozenset[str] | None
    starts: frozenset[str]
    reach: int
    weak: frozenset[Lane]
    holds_weak: bool
    units: Callable[[str], Iterator[tuple[int, int]]]
    model: bool
    judges: frozenset[Lane]
    judges_block: frozenset[Lane]
    replaced: frozenset[Kind]

    @classmethod
    def of(cls, rules: Rules, library: Library, *, has_model: bool) -> SideChecks:
        """Return what a side asks for."""
        held = [kind for kind, action in rules.personal.items() if action not in NOTED]
        union = "|".join(sorted({personal.TAILS[kind] for kind in held}))
        own = library.own_lanes
        weak = frozenset(lane for lane in WEAK if lane in own or rules.uses(lane))
        patterns = {
            rules.action(word.risk, Lane.PATTERN, word.rules.action)
            for word in library.regexes.words
            if word.rule not in library.gone and Lane.PATTERN in rules.lanes[word.risk]
        }
        holds_sentences = not patterns <= NOTED
        weak |= {Lane.PATTERN} if patterns else set()
        judges = frozenset(lane for lane in (Lane.MODEL, Lane.GUARD) if rules.uses(lane))
        tail = re.compile(f"(?:{union})\\Z") if held else None
        # Only what has three digits in a row can be passed over by a look for those and at the last character.
        ends = personal.ends(held) if set(held) <= _THREE_DIGITS else None
        return cls(
            tail=tail,
            ends=ends,
            # A beginning of a beginning is one, too, so the first character of any is one by itself.
            starts=frozenset(one for one in ends or () if tail and tail.search(one)),
            reach=max((personal.REACH[kind] for kind in held), default=0),
            weak=weak,
            holds_weak=holds_sentences
            or any(rules.caps.get(lane, Action.REFUSE) not in NOTED for lane in weak - {Lane.PATTERN}),
            units=sentences if holds_sentences else clauses,
            model=has_model and Lane.MODEL in judges,
            judges=judges,
            judges_block=frozenset(lane for lane in judges if rules.blocks(lane)),
            replaced=frozenset(kind for kind, action in rules.personal.items() if action is Action.REPLACE),
        )


@dataclass(frozen=True)
class Checker:
    """A library, a policy and perhaps a classifier ready to use; shared by every request of a process.

    `guard` names the guard model that judges beside it, for the versions alone: who asks it is the caller.
    """

    library: Library
    policy: Policy
    model: Model | None = None
    guard: str = ""
    versions: Versions = field(init=False)
    finder: Finder = field(init=False, repr=False, compare=False)
    sides: dict[Side, SideChecks] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        model = self.model.version if self.model else ""
        sides = {
            side: SideChecks.of(self.policy.side(side), self.library, has_model=self.model is not None) for side in Side
        }
        weak = frozenset[Lane]().union(*(checks.weak for checks in sides.values()))
        object.__setattr__(self, "sides", sides)
        object.__setattr__(self, "finder", Finder(self.library, weak - {Lane.PATTERN}))
        versions = Versions(self.policy.version, self.library.version, law_version(), model, self.guard)
        object.__setattr__(self, "versions", versions)

    @property
    def worst_hold(self) -> int:
        """Return the most characters that a stream can hold back: the stated worst case, for a word hidden at its best."""
        output = self.sides[Side.OUTPUT]
        word = self.library.longest * (1 + SKIPS) * (1 + REPEATS) + max(REACH_AFTER, REACH_EVEN, LONGEST_REACH)
        return max(word, output.reach) + (LONGEST_SENTENCE if output.holds_weak else 0)

    def words(  # noqa: PLR0913 - what is there already need not be made again
        self,
        text: str,
        side: Side,
        *,
        bones: Skeleton | None = None,
        fold: folding.Folded | None = None,
        before: str = "",
        final: bool = True,
        nearby: Nearby | None = None,
    ) -> tuple[list[Verdict], int]:
        """Return the keyword hits in a text but for those by sound, and where the first begins that more text decides.

        `before` are the characters before it, as far as they can matter; `bones` is its skeleton and
        `fold` the folded form, if there; `nearby` remembers, for a text in pieces, what stood before.
        """
        finds, open_at = self.finder.find(text, before, bones=bones, fold=fold, final=final, nearby=nearby)
        return self._verdicts(finds, side, text), open_at

    def weak(self, text: str, side: Side, *, bones: Skeleton | None = None) -> list[Verdict]:
        """Return the hits of keywords by sound and of regular expressions, where a rule asks for them; `bones` is the skeleton, if there."""
        weak = self.sides[side].weak
        found = self.finder.find_weak(text, bones) if not weak <= {Lane.PATTERN} else []
        if Lane.PATTERN in weak:
            gone, today = self.library.gone, clock.today()
            found += [
                Find(word, Lane.PATTERN, start, end)
                for word, start, end in self.library.regexes.find(text)
                if word.rule not in gone and word.rules.on(today)
            ]
        return self._verdicts(found, side, text) if found else []

    def _verdicts(self, finds: list[Find], side: Side, text: str) -> list[Verdict]:
        rules = self.policy.side(side)
        found = []
        for find in finds:
            word = find.word
            lanes, folds = word.rules.lanes, word.rules.folds
            folds = rules.folds[word.risk] if folds is None else folds
            if find.lane not in (rules.lanes[word.risk] if lanes is None else lanes):
                continue
            action = rules.action(word.risk, find.lane, word.rules.action)
            undone = frozenset[Fold]()
            if find.lane not in _BY_OTHER_MEANS and (folds != ALL or action is Action.MASK):
                undone = _undone(find, text)
            if undone <= folds:
                found.append(Verdict(word.risk, word.rule, find.lane, find.start, find.end, action, undone=undone))
        return found

    def personal(self, fold: folding.Folded, side: Side, *, before: str = "") -> list[Verdict]:
        """Return the personal information in a folded text; `before` is the character before it, if any."""
        actions = self.policy.side(side).personal
        before = folding.fold_character(before[-1])[-1:] if before else ""
        shift = len(before)
        return [
            Verdict(
                PERSONAL_RISK, f"personal:{item.kind}", Lane.PERSONAL,
                fold.origin(item.start - shift), fold.end(item.end - shift), actions[item.kind],
            )
            for item in personal.find(before + fold.text, shift)
        ]  # fmt: skip

    def scored(self, text: str, side: Side) -> list[Verdict]:
        """Return what the classifier says of a whole text, where a rule asks for it."""
        if self.model is None or not self.sides[side].model:
            return []
        rules = self.policy.side(side)
        least = rules.thresholds.get(Lane.MODEL, {})
        rule = f"model:{self.model.version}"
        return [
            Verdict(item.risk, rule, Lane.MODEL, item.start, item.end, rules.action(item.risk, Lane.MODEL), item.score)
            for item in self.model.findings(text, least)
            if Lane.MODEL in rules.lanes.get(item.risk, ())
        ]

    def check(self, text: str, side: Side) -> Checked:
        """Check one whole text; offsets in the result are characters of the text as given."""
        if not text:
            return CLEAN
        fold, bones = folding.fold(text), skeleton(text)
        found = self.words(text, side, bones=bones, fold=fold)[0] + self.personal(fold, side)
        checks = self.sides[side]
        if checks.weak:
            found += self.weak(text, side, bones=bones)
        if checks.model:
            found += self.scored(text, side)
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


def load_checker(
    library: Path | None = None, policy: Path | None = None, model: Path | None = None, guard: str = ""
) -> Checker:
    """Load a checker from files, or the sample library and default policy; raise InputError. `guard` is a name."""
    return Checker(load_library(library), load_policy(policy), Model.load(model) if model else None, guard)
