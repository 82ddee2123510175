"""The check of a request: one look at all its texts must find whatever a look at each would find."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Action, load_policy, parse_policy
from hegui.service.gateway.inbound import WITHHELD, Inbound, RequestCheck, validate
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.service import service_settings

Json = dict[str, Any]
WORDS = [(2, "标记甲", "A.1.a"), (3, "av", "A.1.f"), (4, "乙 丙", "A.2.a")]
CHECKER = Checker(compile_library(iter(WORDS), "test"), load_policy(None))
CHECK = RequestCheck(CHECKER, service_settings({}))
TEXT = st.lists(
    st.sampled_from(["标记", "甲", "标记甲", "av", "a", "v", "乙 丙", "138", "00138000", "13800138000", "好", "\n", " ", "１"]),
    max_size=4,
).map("".join)  # fmt: skip
PART = st.builds(lambda text: {"type": "text", "text": text}, TEXT)
MESSAGE = st.one_of(
    st.builds(lambda text: {"role": "user", "content": text}, TEXT),
    st.builds(lambda text, name: {"role": "user", "content": text, "name": name}, TEXT, TEXT),
    st.builds(lambda parts: {"role": "user", "content": parts}, st.lists(PART, min_size=1, max_size=3)),
    st.builds(lambda text: {"role": "system", "content": text}, TEXT),
    st.builds(
        lambda text: {
            "role": "assistant", "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}],
        },
        TEXT.map(lambda text: orjson.dumps({"q": text}).decode().replace("标", "\\u6807")),
    ),
    st.builds(lambda text: {"role": "assistant", "content": text}, TEXT),
)  # fmt: skip
BODY = st.builds(
    lambda messages, option: {"model": "m", "messages": messages, "stop": [option], "temperature": 0.5},
    st.lists(MESSAGE, min_size=1, max_size=4),
    TEXT,
)


class OneByOne(RequestCheck):
    """The check without its first look at everything together."""

    def _nothing_hits(self, _body: Json, _messages: list[Json]) -> bool:
        return False


@settings(max_examples=500, deadline=None)
@given(body=BODY)
def test_the_look_at_all_texts_together_finds_what_a_look_at_each_finds(body: Json) -> None:
    together, apart = copy.deepcopy(body), copy.deepcopy(body)
    one, other = CHECK.run(together), OneByOne(CHECKER, service_settings({})).run(apart)
    assert one.verdicts == other.verdicts
    assert one.withheld_turns == other.withheld_turns
    assert together == apart, "what goes to the model is the same"


def run(*messages: Json, **more: Any) -> Inbound:
    body = {"model": "m", "messages": list(messages), **more}
    validate(body)
    return CHECK.run(body)


def test_a_number_split_over_two_parts_is_starred_in_both() -> None:
    parts = [{"type": "text", "text": "打138001"}, {"type": "text", "text": "38000吧"}]
    policy = parse_policy({"input": {"personal": {"mobile": "mask"}}}, load_policy(None))
    check = RequestCheck(Checker(CHECKER.library, policy), service_settings({}))
    found = check.run({"model": "m", "messages": [{"role": "user", "content": parts}]})
    assert [part["text"] for part in parts] == ["打138***", "***00吧"]
    assert [(path, verdict.action) for path, verdict in found.verdicts] == [("messages[0].content", Action.MASK)]


def test_a_word_split_over_two_parts_blocks() -> None:
    parts = [{"type": "text", "text": "说标"}, {"type": "text", "text": "记甲"}]
    assert [verdict.risk for verdict in run({"role": "user", "content": parts}).blocking] == ["A.1.a"]


def test_the_operators_own_number_is_noted_and_not_starred() -> None:
    message = {"role": "system", "content": "客服电话13800138000"}
    found = run(message, {"role": "user", "content": "电话？"})
    assert message["content"] == "客服电话13800138000"
    assert [verdict.action for _, verdict in found.verdicts] == [Action.PASS]


def test_an_old_turn_that_hits_is_withheld_and_the_rest_stays() -> None:
    turns = [
        {"role": "user", "content": "标记甲"}, {"role": "assistant", "content": "不行"}, {"role": "user", "content": "你好"},
    ]  # fmt: skip
    found = run(*turns)
    assert found.blocking == ()
    assert found.withheld_turns == 1
    assert [turn["content"] for turn in turns] == [WITHHELD, "不行", "你好"]


def test_an_old_tool_call_that_hits_keeps_its_shape() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"q":"标记甲"}'}}
    turns: list[Json] = [
        {"role": "user", "content": "问"}, {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "果"}, {"role": "assistant", "content": "答"},
        {"role": "user", "content": "再问"},
    ]  # fmt: skip
    assert run(*turns).withheld_turns == 1
    assert turns[1]["tool_calls"][0]["id"] == "c1", "the tool's result still has a call to belong to"
    assert "标记甲" not in str(turns)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messages": []}, "invalid_messages"),
        ({"messages": "你好"}, "invalid_messages"),
        ({"messages": [1]}, "invalid_messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "invalid_role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "invalid_role"),
        ({"model": ""}, "missing_model"),
        ({"model": 7}, "missing_model"),
        ({"model": "m\n"}, "invalid_model"),
        ({"model": "m" * 300}, "invalid_model"),
        ({"n": 0}, "invalid_n"),
        ({"n": 17}, "invalid_n"),
        ({"n": "2"}, "invalid_n"),
        ({"stream_options": True}, "invalid_stream_options"),
        ({"response_format": "json"}, "invalid_response_format"),
    ],
)
def test_what_no_model_could_answer_is_told(change: Json, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        validate({"model": "m", "messages": [{"role": "user", "content": "x"}], **change})
    assert (caught.value.status, caught.value.code) == (400, code)
    assert "/" in caught.value.message, "in both languages"


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
        {"role": "user", "content": [{"type": "text", "text": "x", "file": {"id": 1}}]},
        {"role": "user", "content": [7]},
        {"role": "user", "content": 13800138000},
        {"role": "user", "content": {"text": "x"}},
        {"role": "user", "content": [{"type": "text", "text": 13800138000}]},
        {"role": "user", "content": [{"type": "text", "text": ["x"]}]},
        {"role": "assistant", "content": None, "audio": {"id": "a"}},
    ],
)
def test_what_is_not_text_is_refused_though_nothing_else_hits(message: Json) -> None:
    with pytest.raises(ApiError) as caught:
        run(message)
    assert caught.value.code == "unchecked_content"


def test_media_beside_the_messages_are_refused_too() -> None:
    with pytest.raises(ApiError) as caught:
        run({"role": "user", "content": "x"}, images=["data:"])
    assert (caught.value.code, caught.value.param) == ("unchecked_content", "images")


def test_a_voice_that_is_asked_for_is_no_sound_that_comes_in() -> None:
    given = {"role": "user", "content": "x"}
    run(given, audio={"voice": "alloy", "format": "mp3"})
    for audio in (
        {"data": "AAAA"},
        {"voice": "alloy", "data": "AAAA"},
        {"voice": {"data": "AAAA"}},
        {"voice": "A" * 101},
        "AAAA",
    ):
        with pytest.raises(ApiError) as caught:
            run(given, audio=audio)
        assert (caught.value.code, caught.value.param) == ("unchecked_content", "audio")


@pytest.mark.parametrize("key", ["av", "标记甲"])
def test_a_key_that_the_protocol_does_not_name_is_read_as_a_text(key: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {key: 1}}}
    assert run({"role": "assistant", "content": None, "tool_calls": [call]}).blocking


def test_a_text_past_the_limit_is_an_error_not_a_skipped_check() -> None:
    with pytest.raises(ApiError) as caught:
        run({"role": "user", "content": "好" * 1_000_001})
    assert caught.value.code == "text_too_long"
