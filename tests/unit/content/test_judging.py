"""What a guard's answer means under a policy."""

from __future__ import annotations

from typing import Any

import pytest

from hegui.general.content.checks import Checker
from hegui.general.content.guards import Finding, GuardResult, Severity, State
from hegui.general.content.judging import judging_lanes, verdicts
from hegui.general.content.library import compile_library
from hegui.general.content.policy import UNMAPPED, Action, Lane, Rules, Side, load_policy, parse_policy

BASE = load_policy(None)
UNSAFE, DOUBTFUL = Severity.UNSAFE, Severity.CONTROVERSIAL


def rules(**given: Any) -> Rules:
    return parse_policy({"input": given}, BASE).input


def result(*findings: Finding, state: State = State.JUDGED) -> GuardResult:
    return GuardResult(state, findings, "guard@1")


def actions(found: GuardResult, under: Rules) -> list[tuple[str, Action]]:
    return [(item.risk, item.action) for item in verdicts(found, under, 12)]


def test_a_finding_becomes_a_verdict_on_the_whole_text_with_its_category_and_score() -> None:
    [found] = verdicts(result(Finding("A.1.f", "Violent", UNSAFE, 0.9)), BASE.input, 12)
    assert (found.risk, found.rule, found.lane, found.start, found.end) == ("A.1.f", "guard:Violent", Lane.GUARD, 0, 12)
    assert (found.action, found.score) == (Action.REFUSE, 0.9)


def test_what_is_of_no_risk_follows_the_rule_for_that() -> None:
    found = result(Finding(None, "Jailbreak", UNSAFE))
    assert actions(found, BASE.input) == [(UNMAPPED, Action.FLAG)]
    assert actions(found, rules(risks={"unmapped": "refuse"})) == [(UNMAPPED, Action.REFUSE)]


def test_what_is_only_controversial_is_flagged_at_most() -> None:
    found = result(Finding("A.1.f", "Violent", DOUBTFUL), Finding("A.5.a", "Odd", DOUBTFUL))
    assert actions(found, BASE.input) == [("A.1.f", Action.FLAG), ("A.5.a", Action.PASS)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"lanes": {"A.1.f": ["exact"]}}, []),
        ({"thresholds": {"guard": {"A.1.f": 0.8}}}, []),
        ({"thresholds": {"guard": {"A.1.f": 0.7}}}, [("A.1.f", Action.REFUSE)]),
        ({"caps": {"guard": "flag"}}, [("A.1.f", Action.FLAG)]),
        ({"risks": {"A.1.f": "end"}}, [("A.1.f", Action.END)]),
        # There is no span to star in a whole text.
        ({"risks": {"A.1.f": "mask"}}, [("A.1.f", Action.REFUSE)]),
    ],
)
def test_policy_says_what_counts_and_what_follows(given: Any, expected: list[tuple[str, Action]]) -> None:
    assert actions(result(Finding("A.1.f", "Violent", UNSAFE, 0.7)), rules(**given)) == expected


def test_without_a_score_there_is_nothing_to_compare_with_a_threshold() -> None:
    assert actions(result(Finding("A.1.f", "Violent", UNSAFE)), rules(thresholds={"guard": {"A.1.f": 0.99}})) == [
        ("A.1.f", Action.REFUSE)
    ]


def test_what_an_undetermined_result_found_still_counts() -> None:
    found = result(Finding("A.1.f", "Violent", UNSAFE), state=State.UNDETERMINED)
    assert actions(found, BASE.input) == [("A.1.f", Action.REFUSE)]


def test_a_name_that_a_service_made_up_is_kept_plain_and_short() -> None:
    [found] = verdicts(result(Finding(None, "x\n<b>" + "长" * 90, UNSAFE)), BASE.input, 3)
    assert found.rule.startswith("guard:x??b?长")
    assert len(found.rule) <= 66


@pytest.mark.parametrize(
    ("given", "guard", "blocking", "noting"),
    [
        ({}, True, {Lane.GUARD}, set()),
        ({}, False, set(), set()),
        ({"caps": {"guard": "flag"}}, True, set(), {Lane.GUARD}),
        ({"lanes": {"default": ["exact"]}}, True, set(), set()),
    ],
)
def test_who_judges_and_who_could_block(given: Any, guard: bool, blocking: set[Lane], noting: set[Lane]) -> None:
    checker = Checker(
        compile_library(iter([(2, "标记词甲", "A.1.a")]), "test"), parse_policy({"output": given}, BASE)
    )  # fmt: skip
    assert judging_lanes(checker, Side.OUTPUT, guard=guard) == (frozenset(blocking), frozenset(noting))
