"""Answers that wait for a judgement: what leaves, where they are cut, and that no piece decides it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Action, Lane, load_policy
from hegui.general.content.verdicts import Verdict
from hegui.service.gateway.hold import LEAST, STRETCH
from hegui.service.gateway.judge import Judged
from hegui.service.gateway.protocol import EventReader
from hegui.service.gateway.stream import Answer, AnswerContext
from hegui.service.labels import LabelPosition, LabelStyle

Json = dict[str, Any]
CHECKER = Checker(compile_library(iter([(2, "标记甲", "A.1.a")]), "test"), load_policy(None))
BAD, GONE = "★", "☆"
WORDING = "人工智能生成"
REFUSE = Verdict("A.1.f", "guard:Violent", Lane.GUARD, 0, 1, Action.REFUSE)


def answer(position: LabelPosition = LabelPosition.INTERFACE, look: int = 1000) -> Answer:
    return Answer(
        AnswerContext("cid", CHECKER, CHECKER, LabelStyle(position), machine=False, include_usage=False, appeal_url="", look=look)
    )  # fmt: skip


def said_by(text: str) -> Judged:
    """Judge as the guard of these tests does: one sign is bad, another can not be judged."""
    return Judged((REFUSE,) if BAD in text else (), (Lane.GUARD,) if GONE in text else ())


def take(used: Answer) -> bytes:
    out = b""
    while due := used.due(3):
        for choice, item in due:
            out += used.judged(choice, item, [said_by(text) for _, _, text in item.texts])
    return out


def run(used: Answer, *events: bytes) -> bytes:
    out = b""
    for raw in events:
        if not used.blocked:
            out += used.event(raw) + take(used)
    complete = used.finished
    used.rest_due()
    return out + take(used) + used.end(complete=complete)


def event(delta: Json, finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return orjson.dumps({"id": "x", "created": 1, "model": "m", "choices": [choice], **more})


def cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[a:b] for a, b in pairwise(edges)]


def choices_in(out: bytes, index: int = 0) -> list[Json]:
    data = [orjson.loads(raw) for raw in EventReader().feed(out) if raw != b"[DONE]"]
    return [item for one in data for item in one.get("choices", []) if item["index"] == index]


def told(out: bytes, index: int = 0, key: str = "content") -> str:
    return "".join(item["delta"].get(key) or "" for item in choices_in(out, index))


def of_model(out: bytes, index: int = 0) -> str:
    """Return what the model said, without the notice of a refusal."""
    text = told(out, index)
    for begin in ("回答涉及", "内容检查未能"):
        if begin in text:
            return text.partition(begin)[0].removesuffix("\n\n")
    return text


def places(text: str) -> list[int]:
    """Return where judgements are due, worked out from the whole text in the plainest way."""
    found, last = [], 0
    for at in range(1, len(text) + 1):
        if at - last >= STRETCH or (at - last >= LEAST and text[at - 1] in "。！？!?；;…\n"):
            found.append(at)
            last = at
    return [*found, len(text)]


TEXTS = st.lists(
    st.one_of(
        st.text("番茄喜光早晚浇水", min_size=1, max_size=60),
        st.sampled_from(["。", "！", "\n", BAD, GONE, "标记甲", "标", "，"]),
    ),
    max_size=25,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 10_000), max_size=30), st.booleans())
def test_what_leaves_is_cut_by_the_text_alone(text: str, at: list[int], with_finish: bool) -> None:
    pieces = cut(text, at)
    events = [event({"role": "assistant", "content": ""}), *(event({"content": piece}) for piece in pieces)]
    if with_finish and pieces:
        events[-1] = event({"content": pieces[-1]}, "stop")
    else:
        events.append(event({}, "stop"))
    used = answer()
    out = run(used, *events)
    # Worked out on the whole text: what stands before the word, up to the last place that was judged good.
    before = text.partition("标记甲")[0]
    good = bad = 0
    for place in places(before):
        bad = place
        if BAD in before[:place] or GONE in before[:place]:
            break
        good = place
    assert of_model(out) == before[:good]
    assert BAD not in told(out)
    assert GONE not in told(out)
    kept = used.texts()
    assert kept.get("choices[0].content", "") == before[:good]
    if good < bad:
        assert kept["choices[0].content (withheld)"].startswith(before[good:bad]), (
            "what did not leave is kept for review"
        )


@pytest.mark.parametrize(
    ("sign", "outcome", "reason"), [(BAD, "refused_output", "回答涉及"), (GONE, "undetermined", "内容检查未能")]
)
def test_what_was_judged_bad_or_not_at_all_never_leaves(sign: str, outcome: str, reason: str) -> None:
    used = answer(LabelPosition.END)
    good = "早" * LEAST + "。"
    out = run(used, event({"role": "assistant", "content": good + "晚"}), event({"content": sign}), event({}, "stop"))
    assert told(out).startswith(f"{good}\n\n（本内容由人工智能生成")
    assert reason in told(out)
    assert sign not in out.decode()
    assert "晚" not in of_model(out)
    assert [item["finish_reason"] for item in choices_in(out) if item["finish_reason"]] == ["content_filter"]
    assert used.outcome == outcome
    assert used.label_placed() == "end"


@pytest.mark.parametrize("position", [LabelPosition.START, LabelPosition.END])
def test_a_label_is_told_only_where_one_left(position: LabelPosition) -> None:
    used = answer(position)
    out = run(used, event({"content": f"早{BAD}"}), event({}, "stop"))
    assert WORDING not in told(out)
    assert used.label_placed() == ""
    fine = answer(position)
    assert told(run(fine, event({"content": "早"}), event({}, "stop"))).count(WORDING) == 1
    assert fine.label_placed() == position.value


def test_nothing_of_a_stretch_leaves_before_it_was_judged() -> None:
    used = answer()
    first = used.event(event({"role": "assistant", "content": ""}))
    assert choices_in(first)[0]["delta"]["role"] == "assistant", "what says nothing need not wait"
    assert used.event(event({"content": "早" * (LEAST - 1)})) == b""
    assert not used.due(9)
    assert used.event(event({"content": "。晚"})) == b""
    [(choice, item)] = used.due(9)
    out = used.judged(choice, item, [Judged()])
    assert told(out) == "早" * (LEAST - 1) + "。"


def test_untouched_events_leave_as_the_bytes_that_came() -> None:
    used = answer()
    odd = b'{"id": "x",  "created":1,"model":"m","choices":[{"index":0,"delta":{"content":"\xe6\x97\xa9"},"finish_reason":null}]}'
    out = run(used, event({"role": "assistant", "content": ""}), odd, event({}, "stop"))
    assert b"data: " + odd + b"\n\n" in out


def test_a_call_of_a_tool_is_whole_again_at_the_client() -> None:
    used = answer()
    arguments = orjson.dumps({"text": "早" * 3 * STRETCH}).decode()
    begin = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "note", "arguments": ""}}
    rest = {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
    out = run(used, event({"role": "assistant", "tool_calls": [begin]}), event(rest), event({}, "tool_calls"))
    calls = [call for item in choices_in(out) for call in item["delta"].get("tool_calls") or []]
    assert "".join(call["function"].get("arguments") or "" for call in calls) == arguments
    assert [call["function"]["name"] for call in calls if call["function"].get("name")] == ["note"]
    assert {call["index"] for call in calls} == {0}
    assert len(calls) > 2, "the event was cut where a judgement was due"


def test_a_bad_argument_of_a_tool_never_leaves_and_the_record_has_it() -> None:
    used = answer()
    begin = {"index": 0, "id": "c", "type": "function", "function": {"name": "note", "arguments": f'{{"a": "{BAD}"}}'}}
    out = run(used, event({"role": "assistant", "tool_calls": [begin]}), event({}, "tool_calls"))
    assert BAD not in out.decode()
    assert used.outcome == "refused_output"
    assert used.texts()["choices[0].tool_calls.0.function.arguments (withheld)"] == f'{{"a": "{BAD}"}}'
    paths = [path for path, _ in used.verdicts()]
    assert paths == ["choices[0].tool_calls.0.function.arguments"]


def test_choices_wait_each_for_itself_and_a_stop_in_one_stops_all() -> None:
    used = answer(LabelPosition.END)
    good = "早" * LEAST + "。"
    out = run(
        used, event({"content": good}), event({"content": "午" * LEAST}, index=1), event({}, "stop"),
        event({"content": f"{BAD}。"}, index=1), event({}, "stop", index=1),
    )  # fmt: skip
    assert told(out).startswith(good)
    assert told(out).count(WORDING) == 1
    assert "午" not in out.decode()
    assert [item["finish_reason"] for item in choices_in(out, 1) if item["finish_reason"]] == ["content_filter"]


def test_several_choices_in_one_event_are_parted() -> None:
    used = answer()
    both = {"id": "x", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": {"content": "早"}, "finish_reason": "stop"},
        {"index": 1, "delta": {"content": "晚"}, "finish_reason": None},
    ]}  # fmt: skip
    out = run(used, orjson.dumps(both), event({"content": "安"}, "stop", index=1))
    assert (told(out), told(out, 1)) == ("早", "晚安")
    assert [item["finish_reason"] for item in choices_in(out, 1) if item["finish_reason"]] == ["stop"]


def test_an_answer_that_breaks_off_is_judged_to_its_end() -> None:
    used = answer()
    out = run(used, event({"content": "早上"}))
    assert told(out) == "早上"
    assert b"upstream_incomplete" in out
    bad = run(answer(), event({"content": f"早{BAD}"}))
    assert "早" not in told(bad)


def test_a_judgement_looks_back_a_bounded_way() -> None:
    used = answer(look=100)
    seen: list[tuple[int, str]] = []
    text = "".join(f"{number:04d}" for number in range(300))
    used.event(event({"content": text}))
    while due := used.due(1):
        [(choice, item)] = due
        seen += [(start, said) for _, start, said in item.texts]
        used.judged(choice, item, [Judged() for _ in item.texts])
    assert all(len(said) <= 100 and text[start : start + len(said)] == said for start, said in seen)
    assert len(seen) == len(text) // STRETCH
