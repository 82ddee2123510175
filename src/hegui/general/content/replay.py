"""Two policies over the same texts: what would be decided otherwise, before it goes live, and what is not as people expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hegui.general.content.checks import Checked, Checker
from hegui.general.content.policy import Action, Side, severest
from hegui.general.content.texts import Broken, Text, check
from hegui.law import risks


@dataclass(frozen=True, slots=True)
class Changed:
    """A text on which the policies differ; `risks` are those whose action differs."""

    source: str
    line: int
    before: Action
    after: Action
    risks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the change for machines."""
        return {
            "file": self.source, "line": self.line, "before": self.before.value, "after": self.after.value,
            "risks": list(self.risks),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failed:
    """A text with which the new policy does not do what is expected; `risks` are those that it hit."""

    source: str
    line: int
    expected: Action
    action: Action
    risks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the failure for machines."""
        return {
            "file": self.source, "line": self.line, "expected": self.expected.value, "action": self.action.value,
            "risks": list(self.risks),
        }  # fmt: skip


Counts = tuple[Counter[Action], Counter[Action]]


def _counts() -> Counts:
    return Counter(), Counter()


def _by_risk(checked: Checked) -> dict[str, Action]:
    """Return the severest action of each risk that a text hit."""
    found: dict[str, list[Action]] = {}
    for verdict in checked.verdicts:
        found.setdefault(verdict.risk, []).append(verdict.action)
    return {risk: severest(actions) for risk, actions in found.items()}


@dataclass
class Replay:
    """The outcome of two checkers over the same texts; memory is bounded by `most`, the changes that are kept.

    A text that says what is expected of it is a case: it is held to that, and, unless `cases_alone`, compared like the others.
    """

    before: Checker
    after: Checker
    most: int
    cases_alone: bool = False
    texts: int = 0
    cases: int = 0
    failed: int = 0
    failures: list[Failed] = field(default_factory=list)
    differing: int = 0
    changed: list[Changed] = field(default_factory=list)
    not_scanned: int = 0
    broken: list[tuple[Text, Broken]] = field(default_factory=list)
    actions: Counts = field(default_factory=_counts)
    risks: dict[str, Counts] = field(default_factory=dict)

    def run(self, texts: Iterable[Text], side: Side) -> None:
        """Check every text with both; `side` is for those that name none."""
        for text in texts:
            one, other = check(self.before, text, side), check(self.after, text, side)
            if isinstance(one, Broken):
                self._leave_out(text, one)
            elif isinstance(other, Broken):
                self._leave_out(text, other)
            else:
                self._add(text, one, other)

    def _leave_out(self, text: Text, broken: Broken) -> None:
        self.not_scanned += 1
        if len(self.broken) < self.most:
            self.broken.append((text, broken))

    def _add(self, text: Text, one: Checked, other: Checked) -> None:
        self.texts += 1
        if isinstance(text.expected, Action):
            self._hold(text, text.expected, other)
        if one.action is other.action and not (one.verdicts or other.verdicts):  # most texts
            self.actions[0][one.action] += 1
            self.actions[1][one.action] += 1
            return
        found = _by_risk(one), _by_risk(other)
        for place, checked in enumerate((one, other)):
            self.actions[place][checked.action] += 1
            for risk, action in found[place].items():
                self.risks.setdefault(risk, _counts())[place][action] += 1
        if not (self.cases_alone and isinstance(text.expected, Action)) and not self._same(one, other):
            self.differing += 1
            if len(self.changed) < self.most:
                names = tuple(sorted(risk for risk in found[0] | found[1] if found[0].get(risk) != found[1].get(risk)))
                self.changed.append(Changed(text.source, text.line, one.action, other.action, names))

    def _hold(self, text: Text, expected: Action, checked: Checked) -> None:
        self.cases += 1
        if checked.action is not expected:
            self.failed += 1
            if len(self.failures) < self.most:
                names = tuple(sorted(_by_risk(checked)))
                self.failures.append(Failed(text.source, text.line, expected, checked.action, names))

    def _same(self, one: Checked, other: Checked) -> bool:
        return (
            one.action is other.action
            and sorted(map(_told, one.verdicts)) == sorted(map(_told, other.verdicts))
            and self.before.answer_for(one.verdicts) == self.after.answer_for(other.verdicts)
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome for machines."""
        return {
            "versions": {"before": self.before.versions.as_dict(), "after": self.after.versions.as_dict()},
            "texts": self.texts,
            "differing": self.differing,
            "actions": _as_dict(self.actions),
            "by_risk": {risk: _as_dict(self.risks[risk]) for risk in risks().ids if risk in self.risks},
            "cases": {
                "count": self.cases,
                "failed": self.failed,
                "shown": [item.as_dict() for item in self.failures],
            },
            "changed": [item.as_dict() for item in self.changed],
            "not_scanned": {
                "count": self.not_scanned,
                "shown": [{"file": text.source, "line": text.line, **broken.as_dict()} for text, broken in self.broken],
            },
        }


def _told(verdict: Any) -> tuple[Any, ...]:  # noqa: ANN401 - verdicts compare by what they say
    return verdict.start, verdict.end, verdict.risk, verdict.rule, verdict.lane, verdict.action.value


def _as_dict(counts: Counts) -> dict[str, dict[str, int]]:
    return {
        name: {action.value: count[action] for action in Action}
        for name, count in zip(("before", "after"), counts, strict=True)
    }
