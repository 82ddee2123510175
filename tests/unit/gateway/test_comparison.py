"""What a policy in shadow is said to have done, from the live verdicts and the texts alone."""

from __future__ import annotations

from typing import Any

import pytest

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Action, Lane, load_policy, read_policy
from hegui.general.content.rows import Row, WordRules
from hegui.service.gateway.comparison import Shadow
from hegui.service.gateway.service import service_settings

LIBRARY = compile_library(
    [Row(2, "标记词甲", "A.1.a"), Row(3, "标记词乙", "A.2.a", WordRules(action=Action.FLAG))], "test"
)
CONTENT = "choices[0].content"


def shadow(policy: str, question: str = "好") -> Shadow:
    made = Shadow(Checker(LIBRARY, read_policy(policy, load_policy(None))), service_settings({}))
    made.request(made.copy({"model": "m", "messages": [{"role": "user", "content": question}]}))
    return made


def guard(score: float | None = 0.6, risk: str = "A.1.a", action: Action = Action.FLAG) -> tuple[str, Verdict]:
    return "messages[0].content", Verdict(risk, "guard:g", Lane.GUARD, 0, 1, action, score)


@pytest.mark.parametrize(
    ("policy", "would"),
    [
        ("input: {risks: {A.1.a: refuse}}", "refuse"), ("input: {risks: {A.1.a: pass}}", "pass"),
        ("input: {thresholds: {guard: {default: 0.7}}}", "pass"), ("input: {thresholds: {guard: {A.1: 0.5}}}", "refuse"),
        ("input: {lanes: {A.1.a: [exact]}}", "pass"), ("input: {caps: {guard: mask}}", "mask"),
    ],
)  # fmt: skip
def test_what_a_guard_said_once_is_ruled_by_both(policy: str, would: str) -> None:
    found = shadow(policy).compared([guard()], [], {})
    assert (found["live"]["input"], found["would"]["input"]) == ("flag", would)
    assert found["live"]["output"] is found["would"]["output"] is None


@pytest.mark.parametrize(
    ("verdict", "policy", "would"),
    [
        (Verdict("A.1.a", "keyword:2", Lane.EXACT, 1, 5, Action.MASK), "output: {risks: {A.1.a: refuse}}", "refuse"),
        (Verdict("A.1.a", "keyword:2", Lane.EXACT, 1, 5, Action.MASK), "output: {lanes: {A.1.a: [torn]}}", "pass"),
        (Verdict("A.2.a", "keyword:3", Lane.EXACT, 1, 5, Action.MASK), "output: {risks: {A.2.a: refuse}}", "flag"),
        (Verdict("A.4.f", "personal:mobile", Lane.PERSONAL, 1, 12, Action.MASK), "output: {personal: {mobile: flag}}", "flag"),
    ],
)  # fmt: skip
def test_what_was_starred_is_ruled_though_nobody_can_read_it(verdict: Verdict, policy: str, would: str) -> None:
    text = "说" + "*" * (verdict.end - 1) + "完"
    found = shadow(policy).compared([], [(CONTENT, verdict)], {"choices[0].content": text})
    assert (found["live"]["output"], found["would"]["output"]) == ("mask", would)


@pytest.mark.parametrize(
    "texts",
    [
        {CONTENT: "说标记", f"{CONTENT} (withheld)": "词甲"},
        {"choices[0].tool_calls.0.function.arguments": "标", "choices[0].tool_calls.0.function.arguments (withheld)": "标记词甲"},
    ],
    ids=["content", "arguments"],
)  # fmt: skip
def test_what_was_withheld_is_judged_with_what_was_released(texts: dict[str, str]) -> None:
    found = shadow("output: {risks: {A.1.a: end}}").compared([], [], texts)
    assert found["would"]["output"] == "end"


def test_what_an_answer_that_broke_off_was_not_asked_for_is_no_difference() -> None:
    for ended, same in ((True, False), (False, True)):
        found = shadow("").compared([], [], {CONTENT: "biaoji词甲"}, ended=ended)
        assert found["same"] is same


def test_old_turns_are_compared_and_decide_nothing() -> None:
    made = Shadow(Checker(LIBRARY, load_policy(None)), service_settings({}))
    turns = [("user", "标记词甲"), ("assistant", "不行"), ("user", "好")]
    body: dict[str, Any] = {"model": "m", "messages": [{"role": role, "content": text} for role, text in turns]}
    made.request(made.copy(body))
    found = made.compared([], [], {})
    assert (found["would"]["input"], found["same"]) == ("pass", False)
    (differing,) = found["verdicts"]
    assert (differing["by"], differing["side"], differing["part"]) == ("would", "input", "old:messages[0].content")
    assert body["messages"][0]["content"] == "标记词甲", "the request itself is not touched"


def test_a_request_that_could_not_be_judged_is_told() -> None:
    made = Shadow(Checker(LIBRARY, load_policy(None)), service_settings({}))
    found = made.compared([], [], {CONTENT: "好"})
    assert (found["error"], found["same"], found["would"]) == (True, False, {})
