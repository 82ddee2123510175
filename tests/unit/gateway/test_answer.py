"""One answer, event by event: what leaves, what is taken out, and what the record says of it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import load_policy
from hegui.service.gateway.protocol import EventReader, ProtocolError
from hegui.service.gateway.stream import Answer, AnswerContext
from hegui.service.labels import LabelPosition, LabelStyle

Json = dict[str, Any]
CHECKER = Checker(compile_library(iter([(2, "标记甲", "A.1.a"), (3, "av", "A.1.f")]), "test"), load_policy(None))
WORDING = "人工智能生成"


def answer(position: LabelPosition = LabelPosition.END) -> Answer:
    return Answer(AnswerContext("cid", CHECKER, CHECKER, LabelStyle(position), machine=False, include_usage=False, appeal_url=""))  # fmt: skip


def event(*items: Json, **more: Any) -> bytes:
    return json.dumps(
        {"id": "x", "created": 1, "model": "m", "choices": list(items), **more}, ensure_ascii=False
    ).encode()


def says(text: str | None = None, finish: str | None = None, index: int = 0) -> Json:
    return {"index": index, "delta": {} if text is None else {"content": text}, "finish_reason": finish}


def run(used: Answer, *events: bytes) -> bytes:
    """Feed events; whatever fails is withheld, as the gateway does it."""
    out = b""
    for raw in events:
        try:
            out += used.event(raw)
        except Exception:
            used.withhold()
    return out + used.end(complete=used.finished)


def told(out: bytes, index: int = 0) -> str:
    """Return the text of one choice as a client joins it."""
    chunks = [orjson.loads(data) for data in EventReader().feed(out) if data != b"[DONE]"]
    items = [item for data in chunks for item in data.get("choices", []) if item["index"] == index]
    return "".join(item["delta"].get("content") or "" for item in items)


def reasons(out: bytes) -> list[tuple[int, str]]:
    return [
        (item["index"], item["finish_reason"])
        for data in EventReader().feed(out) if data != b"[DONE]"
        for item in orjson.loads(data).get("choices", []) if item["finish_reason"]
    ]  # fmt: skip


def test_a_finished_choice_keeps_its_label_when_another_is_stopped() -> None:
    used = answer()
    out = run(
        used, event(says("你好世界")), event(says("第二个", index=1)), event(says(None, "stop")),
        event(says("标记甲。", index=1)),
    )  # fmt: skip
    assert told(out).startswith("你好世界\n\n（本内容由人工智能生成"), "what left unlabelled is labelled now"
    assert told(out).count(WORDING) == 1
    assert "标" not in told(out, 1).replace("标识", "")
    assert used.label_placed() == "end"
    assert reasons(out) == [(0, "content_filter"), (1, "content_filter")]


def test_an_upstream_that_goes_on_after_the_end_is_stopped_with_the_label_in_place() -> None:
    used = answer()
    out = run(used, event(says("你好世界")), event(says(None, "stop")), event(says("标记甲")))
    assert told(out).count(WORDING) == 1
    assert "标记甲" not in out.decode()
    assert used.outcome == "undetermined"


@pytest.mark.parametrize("position", list(LabelPosition))
def test_the_record_says_a_label_only_where_one_left(position: LabelPosition) -> None:
    used = answer(position)
    out = run(used, event(says("你好世界")), event(says("标记甲")))
    assert (WORDING in told(out)) is (position is not LabelPosition.INTERFACE)
    assert used.label_placed() == position.value


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "look", "arguments": "{}"}}]}, "machine_text"),
        ({"function_call": {"name": "look", "arguments": "{}"}}, "machine_text"),
        ({"content": "我查一下", "function_call": {"name": "look", "arguments": "{}"}}, "end"),
        ({"content": ""}, ""),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_calls_alone_need_no_label_and_the_record_says_why(said: Json, label: str, *, whole: bool) -> None:
    used = answer()
    if whole:
        used.whole({"choices": [{"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "tool_calls"}]})
    else:
        run(used, event({"index": 0, "delta": said, "finish_reason": None}), event(says(None, "tool_calls")))
    assert used.label_placed() == label


def test_an_empty_finish_reason_is_not_an_end() -> None:
    used = answer()
    out = run(used, event(says("你好", "")), event(says("世界", "")), event(says("", "stop")))
    assert told(out).startswith("你好世界\n\n")
    assert reasons(out) == [(0, "stop")]
    assert used.outcome == ""


@pytest.mark.parametrize(
    "more",
    [
        {"system_fingerprint": "标记甲"}, {"service_tier": {"标记甲": 1}}, {"usage": {"标记甲": 1}}, {"id": "标记甲"},
        {"usage": {"a": "标记甲"}}, {"usage": ["标记甲"]}, {"model": "标记甲"}, {"object": "标记甲"}, {"created": "标记甲"},
        {"hegui": {"content_id": "标记甲"}}, {"citations": ["标记甲"]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole", [False, True])
def test_fields_that_nobody_checked_do_not_pass(more: Json, *, whole: bool) -> None:
    used = answer()
    if whole:
        choice = {"index": 0, "message": {"role": "assistant", "content": "你好"}, "finish_reason": "stop"}
        out = orjson.dumps(used.whole({"id": "x", "created": 1, "model": "m", "choices": [choice], **more}))
    else:
        out = run(used, event(says("你好")), event(says("世界"), **more), event(says(None, "stop")))
    assert "标记甲" not in out.decode()
    assert "你好" in out.decode()


def test_a_content_number_that_the_upstream_made_up_is_not_passed_on() -> None:
    used = answer()
    out = run(used, event(says("你好")), event(says("世界"), hegui={"content_id": "forged"}), event(says(None, "stop")))
    assert b"forged" not in out
    assert out.count(b'"content_id":"cid"') == 2, "on the first chunk and on the last"


def test_heartbeats_are_no_events() -> None:
    reader = EventReader()
    assert reader.feed(b"data:\n\n") == []
    assert reader.feed(b"data: \n\ndata: x\n\n") == [b"x"]
    reader.feed(b"data:")
    assert reader.rest() is None


@pytest.mark.parametrize("item", [{}, {"message": None}, {"message": "text"}, {"index": 0, "finish_reason": "stop"}])
def test_a_choice_without_a_message_is_no_answer(item: Json) -> None:
    with pytest.raises(ProtocolError):
        answer().whole({"id": "x", "choices": [item]})


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(st.sampled_from(["标", "记", "甲", "标记甲", "av", "好", "\u200b", '"', "\\", "１３８", "\n", "　", "a"]), max_size=30),
    cuts=st.lists(st.integers(0, 80), max_size=20),
    role=st.booleans(),
)  # fmt: skip
def test_events_by_frame_and_events_parsed_give_the_same(text: list[str], cuts: list[int], *, role: bool) -> None:
    whole = "".join(text)
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[a:b] for a, b in pairwise(places)]
    events = [event(says(piece)) for piece in pieces] + [event(says(None, "stop"))]
    if role:
        events.insert(0, event({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}))
    learnt, parsed = answer(), answer()
    parsed._learnt = 10**6  # noqa: SLF001 - so that it learns no frame
    one, other = run(learnt, *events), run(parsed, *events)
    assert told(one) == told(other)
    assert reasons(one) == reasons(other)
    assert (learnt.outcome, learnt.verdicts()) == (parsed.outcome, parsed.verdicts())
    assert "标记甲" not in told(one)
