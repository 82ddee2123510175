"""What a guard's answer means under a policy: findings become verdicts of the lane `guard`.

Pure: who asks the guard, and what follows when it could not be asked, is for the caller to say.
"""

from __future__ import annotations

import re
from dataclasses import replace

from hegui.general.content.checks import Checker
from hegui.general.content.guards.results import GuardResult, Severity
from hegui.general.content.policy import BLOCKING, NOTED, UNMAPPED, Action, Lane, Rules, Side
from hegui.general.content.verdicts import Verdict

_NOT_PLAIN = re.compile(r"[^\w &'.,:/-]")
_LONGEST_NAME = 60
_NONE = frozenset[Lane]()


def judging_lanes(checker: Checker, side: Side, *, guard: bool) -> tuple[frozenset[Lane], frozenset[Lane]]:
    """Return the lanes that judge a whole text of this side: those that can block, and those that can only note.

    `guard` says whether there is a guard to ask; without one its lane is not among them.
    """
    checks = checker.sides[side]
    if not (guard or checks.model):
        return _NONE, _NONE
    there = ({Lane.MODEL} if checks.model else set()) | ({Lane.GUARD} if guard else set())
    return checks.judges_block & there, (checks.judges - checks.judges_block) & there


def verdicts(result: GuardResult, rules: Rules, length: int) -> tuple[Verdict, ...]:
    """Return the verdicts of a guard's result on a text of so many characters; the span is the whole text.

    A finding counts where the risk asks for the lane, and where its score, if there are both, reaches
    the threshold. What is only controversial is flagged at most. An undetermined result can have
    verdicts too, and is no less undetermined for it.
    """
    least = rules.thresholds.get(Lane.GUARD, {})
    found = []
    for item in result.findings:
        risk = item.risk or UNMAPPED
        limit = least.get(risk)
        if Lane.GUARD not in rules.lanes.get(risk, ()):
            continue
        if limit is not None and item.score is not None and item.score < limit:
            continue
        action = rules.action(risk, Lane.GUARD)
        if item.severity is Severity.CONTROVERSIAL and action not in NOTED:
            action = Action.FLAG
        rule = f"guard:{_NOT_PLAIN.sub('?', item.category)[:_LONGEST_NAME]}"
        found.append(whole_text(Verdict(risk, rule, Lane.GUARD, 0, length, action, item.score)))
    return tuple(found)


def whole_text(verdict: Verdict) -> Verdict:
    """Return a verdict on a whole text: there is no span to star in it, so `mask` refuses."""
    if verdict.action in NOTED or verdict.action in BLOCKING:
        return verdict
    return replace(verdict, action=Action.REFUSE)
