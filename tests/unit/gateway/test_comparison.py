"""What a policy in shadow is said to have done, from the live verdicts and the texts alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.guards import Finding, GuardResult, Severity, State
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Action, Lane, Side, load_policy, read_policy
from hegui.general.content.rows import Row, WordRules
from hegui.general.content.window import Window
from hegui.service.gateway.comparison import Live, Shadow
from hegui.service.gateway.judge import Heard, ruled
from hegui.service.gateway.service import service_settings

LIBRARY = compile_library(
    [Row(2, "标记词甲", "A.1.a"), Row(3, "标记词乙", "A.2.a", WordRules(action=Action.FLAG))], "test"
)
CONTENT, CALL = "choices[0].content", "choices[0].tool_calls.0.function"


def shadow(policy: str, question: str = "好", *, guard: bool = False) -> Shadow:
    made = Shadow(Checker(LIBRARY, read_policy(policy, load_policy(None))), service_settings({}), guard=guard)
    made.request(made.copy({"model": "m", "messages": [{"role": "user", "content": question}]}))
    return made


def said(
    score: float | None = 0.6, risk: str | None = "A.1.a", severity: Severity = Severity.UNSAFE, *, judged: bool = True
) -> Heard:
    found = (Finding(risk, "g", severity, score),) if score else ()
    return Heard(GuardResult(State.JUDGED if judged else State.UNDETERMINED, found, "g"), 1, "messages[0]")


def asked(*heard: Heard, live: str = "", not_scanned: tuple[str, ...] = (), undetermined: bool = False) -> Live:
    """Return what was done with a question under a live policy that ruled what the guard said."""
    rules = read_policy(live, load_policy(None)).input
    found = [(item.path, verdict) for item in heard for verdict in ruled(item, rules).verdicts]
    return Live(
        found, heard={Side.INPUT: heard}, asked=frozenset({Side.INPUT}), not_scanned=not_scanned, undetermined=undetermined
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "would"),
    [
        ("input: {risks: {A.1.a: refuse}}", "refuse"), ("input: {risks: {A.1.a: pass}}", "pass"),
        ("input: {thresholds: {guard: {default: 0.7}}}", "pass"), ("input: {thresholds: {guard: {A.1: 0.5}}}", "refuse"),
        ("input: {lanes: {A.1.a: [exact]}}", "pass"), ("input: {caps: {guard: mask}}", "refuse"),
    ],
)  # fmt: skip
def test_what_a_guard_said_once_is_ruled_by_both(policy: str, would: str) -> None:
    found = shadow(policy, guard=True).compared(asked(said(), live="input: {caps: {guard: flag}}"))
    assert (found["live"]["input"], found["would"]["input"]) == ("flag", would)
    assert found["live"]["output"] is found["would"]["output"] is None


@pytest.mark.parametrize(
    "live", ["", "input: {lanes: {A.1.a: [exact]}}", "input: {thresholds: {guard: {default: 0.9}}}"]
)
def test_what_the_live_policy_did_not_count_the_one_in_shadow_may(live: str) -> None:
    found = shadow("", guard=True).compared(asked(said(), live=live))
    assert (found["live"]["input"], found["would"]["input"]) == ("pass" if live else "refuse", "refuse")
    assert found["same"] is not bool(live)


def test_what_is_only_controversial_is_flagged_by_both() -> None:
    found = shadow("", guard=True).compared(asked(said(severity=Severity.CONTROVERSIAL)))
    assert (found["live"]["input"], found["would"]["input"], found["same"]) == ("flag", "flag", True)


NOT_JUDGED = ("input:guard",)


@pytest.mark.parametrize(
    ("heard", "policy", "undetermined", "actions"),
    [
        (Heard(None, 1, "messages[0]"), "", True, ("undetermined", "undetermined")),
        (said(None, judged=False), "", True, ("undetermined", "undetermined")),
        (said(None, judged=False), "input: {caps: {guard: flag}}", True, ("undetermined", "flag")),
        (said(None, judged=False), "input: {lanes: {default: [exact]}}", True, ("undetermined", "pass")),
        (said(None, judged=False), "", False, ("flag", "undetermined")),
        (said(judged=False), "input: {risks: {A.1.a: end}}", False, ("refuse", "end")),
    ],
)  # fmt: skip
def test_a_guard_that_could_not_judge_is_fine_for_neither(
    heard: Heard, policy: str, undetermined: bool, actions: tuple[str, str]
) -> None:
    live = asked(heard, not_scanned=NOT_JUDGED, undetermined=undetermined)
    found = shadow(policy, guard=True).compared(live)
    assert (found["live"]["input"], found["would"]["input"]) == actions
    assert found["same"] is (actions[0] == actions[1])


def test_what_a_guard_that_was_not_asked_would_have_said_nobody_knows() -> None:
    found = shadow("", guard=True).compared(Live())
    assert (found["live"]["input"], found["would"]["input"], found["same"]) == ("pass", "undetermined", False)
    assert shadow("input: {lanes: {default: [exact]}}", guard=True).compared(Live())["same"]
    refused = shadow("", "标记词甲", guard=True).compared(Live())
    assert refused["would"]["input"] == "refuse", "whom a word refuses nobody asks the guard about"


def test_an_answer_that_the_guard_judged_in_stretches_is_compared_stretch_by_stretch() -> None:
    heard = [replace(said(score), path=CONTENT, start=start) for start, score in ((0, 0.5), (200, 0.8))]
    live = Live(
        outbound=[(CONTENT, Verdict("A.1.a", "guard:g", Lane.GUARD, 200, 201, Action.REFUSE, 0.8))],
        texts={CONTENT: "好" * 300}, heard={Side.OUTPUT: heard}, asked=frozenset(Side), look=1000,
    )  # fmt: skip
    same = shadow("input: {lanes: {default: [exact]}}", guard=True).compared(live)
    assert (same["would"]["output"], same["same"], same["verdicts"]) == ("refuse", True, [])
    flagged = shadow("input: {lanes: {default: [exact]}}\noutput: {caps: {guard: flag}}", guard=True).compared(live)
    assert [(item["by"], item["start"], item["score"]) for item in flagged["verdicts"]] == [
        ("live", 200, 0.8), ("would", 200, 0.8),
    ]  # fmt: skip


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
    found = shadow(policy).compared(Live(outbound=[(CONTENT, verdict)], texts={CONTENT: text}))
    assert (found["live"]["output"], found["would"]["output"]) == ("mask", would)


MASKING = compile_library(
    [
        Row(2, "干标", "A.1.a", WordRules(action=Action.MASK)), Row(3, "标干", "A.2.a", WordRules(action=Action.FLAG)),
        Row(4, "1[0-9]{9}", "A.2.a", WordRules(match="pattern", action=Action.FLAG)),
        Row(5, "1[0-9]{2}", "A.2.a", WordRules(match="pattern", action=Action.FLAG)),
    ],
    "test",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "policy", "would", "differing"),
    [
        ("说干标干好", "", "mask", []), ("打13800138000，好", "", "mask", []), ("说乾标好", "", "mask", []),
        ("说乾标好", "output: {folds: {default: [width]}}", "pass", ["live"]),
        ("说乾标好", "output: {folds: {A.2: [width]}}", "mask", []),
        ("说干标干好", "output: {risks: {A.2: pass}, lanes: {A.2: [torn]}}", "mask", ["live"]),
    ],
)  # fmt: skip
def test_an_answer_with_stars_is_compared_as_it_was_before(
    text: str, policy: str, would: str, differing: list[str]
) -> None:
    window = Window(Checker(MASKING, load_policy(None)))
    left = window.whole(text)
    made = Shadow(Checker(MASKING, read_policy(policy, load_policy(None))), service_settings({}))
    made.request(b'{"messages": [{"role": "user", "content": "\xe5\xa5\xbd"}]}')
    found = made.compared(Live(outbound=[(CONTENT, item) for item in window.verdicts], texts={CONTENT: left}))
    assert (found["live"]["output"], found["would"]["output"]) == ("mask", would)
    assert [item["by"] for item in found["verdicts"]] == differing
    assert found["same"] is (not differing)


@pytest.mark.parametrize(
    "texts",
    [
        {CONTENT: "说标记", f"{CONTENT} (withheld)": "词甲"},
        {f"{CALL}.arguments": '{"a": "标', f"{CALL}.arguments (withheld)": '记词甲"}'},
        {f"{CALL}.arguments": "", f"{CALL}.arguments (withheld)": '{"a": "\\u6807记词甲", "a": ""}'},
    ],
    ids=["content", "arguments", "escaped"],
)  # fmt: skip
def test_what_was_withheld_is_judged_with_what_was_released(texts: dict[str, str]) -> None:
    found = shadow("output: {risks: {A.1.a: end}}").compared(Live(texts=texts))
    assert found["would"]["output"] == "end"


def test_what_an_answer_that_broke_off_was_not_asked_for_is_no_difference() -> None:
    for ended, same in ((True, False), (False, True)):
        found = shadow("").compared(Live(texts={CONTENT: "biaoji词甲"}, ended=ended))
        assert found["same"] is same


def test_old_turns_are_compared_and_decide_nothing() -> None:
    made = Shadow(Checker(LIBRARY, load_policy(None)), service_settings({}))
    turns = [("user", "标记词甲"), ("assistant", "不行"), ("user", "好")]
    body: dict[str, Any] = {"model": "m", "messages": [{"role": role, "content": text} for role, text in turns]}
    made.request(made.copy(body))
    found = made.compared(Live())
    assert (found["would"]["input"], found["same"]) == ("pass", False)
    (differing,) = found["verdicts"]
    assert (differing["by"], differing["side"], differing["part"]) == ("would", "input", "old:messages[0].content")
    assert body["messages"][0]["content"] == "标记词甲", "the request itself is not touched"


def test_a_request_that_could_not_be_judged_is_told() -> None:
    made = Shadow(Checker(LIBRARY, load_policy(None)), service_settings({}))
    found = made.compared(Live(texts={CONTENT: "好"}))
    assert (found["error"], found["same"], found["would"]) == (True, False, {})
