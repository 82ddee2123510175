"""The frame of a stream's common event must only ever recognise what a reader would read the same way."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import load_policy
from hegui.general.content.window import Window
from hegui.service.gateway.frame import Frame, learn
from hegui.service.gateway.protocol import Json

CHECKER = Checker(compile_library(iter([(2, "标记甲", "A.1.a")]), "test"), load_policy(None))


def event(text: str, **more: object) -> Json:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def frame(raw: bytes, text: str) -> Frame | None:
    return learn(raw, orjson.loads(raw), text, Window(CHECKER))


@settings(max_examples=500, deadline=None)
@given(first=st.text(min_size=1, max_size=6), other=st.text(max_size=12))
def test_a_recognised_event_says_what_parsing_it_says(first: str, other: str) -> None:
    try:
        raw, second = orjson.dumps(event(first)), orjson.dumps(event(other))
    except TypeError:
        return  # a lone surrogate is no JSON
    found = frame(raw, first)
    assert found is not None
    text = found.text(second)
    if text is not None:
        assert text == other
        assert orjson.loads(found.event(text)[6:]) == event(other)
        assert found.event(text) == b"data: " + second + b"\n\n"
    elif other.isprintable() and other and not set(other) & set('"\\'):
        pytest.fail(f"{other!r} should have been recognised")


@settings(max_examples=300, deadline=None)
@given(inside=st.binary(max_size=20))
def test_no_bytes_get_past_the_string_they_stand_in(inside: bytes) -> None:
    raw = orjson.dumps(event("X"))
    found = frame(raw, "X")
    assert found is not None
    text = found.text(raw.replace(b'"X"', b'"' + inside + b'"'))
    if text is not None:
        assert orjson.loads(raw.replace(b'"X"', b'"' + inside + b'"')) == event(text)


@pytest.mark.parametrize(
    "inside", [b'X","role":"user', b"X\\u6807", b'X"}', b"X\n", b"X\xff", b"", b"X\x00", "\u200b".encode(), b"\x7f"]
)
def test_what_is_not_plain_is_left_to_the_parser(inside: bytes) -> None:
    raw = orjson.dumps(event("X"))
    found = frame(raw, "X")
    assert found is not None
    assert found.text(raw.replace(b'"X"', b'"' + inside + b'"')) is None


def test_another_event_around_the_text_is_another_frame() -> None:
    found = frame(orjson.dumps(event("好")), "好")
    assert found is not None
    assert found.text(orjson.dumps(event("好", usage={"total_tokens": 3}))) is None
    assert found.text(orjson.dumps({**event("好"), "created": 2})) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"x":{"content":"a"},"choices":[{"delta":{"content":"a"}}]}',
        b'{"choices":[{"delta":{"content":"\\u0061"}}]}',
        b'{"choices":[{"delta":{"content" :"a"}}]}',
    ],
)
def test_an_event_whose_text_can_not_be_told_from_the_rest_gives_no_frame(raw: bytes) -> None:
    assert frame(raw, "a") is None


def test_spaces_after_the_colon_are_a_frame_too() -> None:
    found = frame(b'{"choices": [{"delta": {"content": "a"}}]}', "a")
    assert found is not None
    assert found.text('{"choices": [{"delta": {"content": "好"}}]}'.encode()) == "好"
