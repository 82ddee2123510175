"""The gateway at its edges, over HTTP only: odd requests, odd models, odd clients, and what each is told."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from hegui.law import risks
from tests.harness import MARKER, Server, hegui, wait_for
from tests.integration.test_gateway import LABEL, SAFE, ask, last_record, number_of, raw, streamed
from tests.upstream import DONE, Json, Reply, ScriptedUpstream, chunk, completion, says, spoken

USER: list[Any] = [{"role": "user", "content": "你好"}]
NUMBER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
APPEAL = "https://example.com/appeal"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    """A server whose patience and largest body are small."""
    upstream.scripts["safe"] = says(SAFE)
    limits = {"HEGUI_UPSTREAM_IDLE_SECONDS": "1", "HEGUI_BODY_MEGABYTES": "1", "HEGUI_APPEAL_URL": APPEAL}
    running = Server(tmp_path_factory.mktemp("edge") / "data", upstream=upstream.url, **limits).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def strict(edge: Server) -> openai.OpenAI:
    """A client of a service that is refused by errors."""
    key = hegui("keys", "create", "--data", edge.data, "--service", "strict").stdout.strip()
    hegui("services", "set", "strict", "--data", edge.data, "refusal=error")
    client = openai.OpenAI(base_url=edge.gateway, api_key=key, max_retries=0)

    def in_force() -> bool:
        try:
            client.chat.completions.create(model="safe", messages=[{"role": "user", "content": MARKER}])
        except openai.BadRequestError:
            return True
        return False

    assert wait_for(in_force, 10)
    return client


@pytest.fixture(scope="module")
def at_start(edge: Server) -> openai.OpenAI:
    """A client of a service whose label stands at the start."""
    key = hegui("keys", "create", "--data", edge.data, "--service", "at-start").stdout.strip()
    hegui("services", "set", "at-start", "--data", edge.data, "label_position=start")
    client = openai.OpenAI(base_url=edge.gateway, api_key=key, max_retries=0)

    def in_force() -> bool:
        answer = client.chat.completions.create(model="safe", messages=USER)
        return (answer.choices[0].message.content or "").startswith(LABEL)

    assert wait_for(in_force, 10)
    return client


def chat(**fields: Any) -> Json:
    return {"model": "safe", "messages": USER, **fields}


def content(*parts: Any) -> Json:
    return chat(messages=[{"role": "user", "content": list(parts)}])


def nested(depth: int) -> bytes:
    return (
        b'{"model":"safe","messages":[{"role":"user","content":"x"}],"metadata":' + b"[" * depth + b"]" * depth + b"}"
    )


def check_error(reply: httpx2.Response, status: int, code: str) -> Json:
    """Check that an error has OpenAI's shape and speaks both languages; return it."""
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json; charset=utf-8"), reply.text
    body = reply.json()
    assert set(body) == {"error"}
    error: Json = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code, error
    assert re.search("[\u4e00-\u9fff]{2}", error["message"]), error
    assert re.search("[A-Za-z]{3}", error["message"]), error
    wanted = {401: "authentication_error", 429: "rate_limit_error"}.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
    assert error["type"] == wanted
    return error


# --- every error of a request ------------------------------------------------------------------------

COUNTS: list[Any] = [0, -1, 17, 10**9, 10**18, "2", 1.5, [], {}]
REQUESTS: list[tuple[Json | bytes, int, str, str | None]] = [
    (b"", 400, "invalid_json", None), (b"{", 400, "invalid_json", None), (b"null", 400, "invalid_json", None),
    (b"1", 400, "invalid_json", None), (b'"x"', 400, "invalid_json", None), (b'{"model": NaN}', 400, "invalid_json", None),
    (b'{"model":"safe","messages":[{"role":"user","content":"\xff\xfe"}]}', 400, "invalid_json", None),
    ('{"model":"safe","messages":[{"role":"user","content":"好"}]}'.encode("gb18030"), 400, "invalid_json", None),
    ('{"model":"safe"}'.encode("utf-16"), 400, "invalid_json", None), (b"\xef\xbb\xbf{}", 400, "invalid_json", None),
    (nested(100_000), 400, "invalid_json", None), (b'{"a":1}' * 2, 400, "invalid_json", None), (b"model=safe", 400, "invalid_json", None),
    (b'{"model":"safe","messages":[],"x":"' + b"x" * (1 << 20) + b'"}', 413, "request_too_large", None),
    ({"messages": USER}, 400, "missing_model", "model"), (chat(model=""), 400, "missing_model", "model"),
    (chat(model=7), 400, "missing_model", "model"), (chat(model=["safe"]), 400, "missing_model", "model"),
    (chat(model="m" * 201), 400, "invalid_model", "model"), (chat(model="a\nb"), 400, "invalid_model", "model"),
    ({"model": "safe"}, 400, "invalid_messages", "messages"), (chat(messages=None), 400, "invalid_messages", "messages"),
    (chat(messages=[]), 400, "invalid_messages", "messages"), (chat(messages={}), 400, "invalid_messages", "messages"),
    (chat(messages="hi"), 400, "invalid_messages", "messages"), (chat(messages=["hi"]), 400, "invalid_messages", "messages"),
    (chat(messages=[[]]), 400, "invalid_messages", "messages"), (chat(messages=[None]), 400, "invalid_messages", "messages"),
    (chat(messages=[{}]), 400, "invalid_role", "messages[0].role"), (chat(messages=[*USER, {"role": 1}]), 400, "invalid_role", "messages[1].role"),
    (chat(messages=[{"role": "User", "content": "x"}]), 400, "invalid_role", "messages[0].role"),
    *((chat(n=n), 400, "invalid_n", "n") for n in COUNTS),
    (chat(stream_options=[]), 400, "invalid_stream_options", "stream_options"), (chat(stream_options="x"), 400, "invalid_stream_options", "stream_options"),
    (chat(response_format="json"), 400, "invalid_response_format", "response_format"),
    (content({"type": "image_url", "image_url": {"url": "https://example.com/x.png"}}), 400, "unchecked_content", "messages[0].content[0]"),
    (content({"type": "text", "text": "看图"}, {"type": "image_url", "image_url": {"url": "data:,"}}), 400, "unchecked_content", "messages[0].content[1]"),
    (content({"type": "input_audio", "input_audio": {"data": "AA"}}), 400, "unchecked_content", "messages[0].content[0]"),
    (content({"type": "file", "file": {"file_id": "x"}}), 400, "unchecked_content", "messages[0].content[0]"),
    (content({}), 400, "unchecked_content", "messages[0].content[0]"), (content(None), 400, "unchecked_content", "messages[0].content[0]"),
    (content([]), 400, "unchecked_content", "messages[0].content[0]"),
    (chat(messages=[{"role": "user", "content": "x", "audio": {"id": "x"}}]), 400, "unchecked_content", "messages[0].audio"),
    (chat(messages=[{"role": "user", "content": "x" * 1_000_001}]), 400, "text_too_long", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "code", "param"), REQUESTS, ids=lambda value: str(value)[:30])
def test_a_request_that_can_not_be_answered_is_told_so_before_the_model_is_asked(
    edge: Server, upstream: ScriptedUpstream, *, body: Json | bytes, status: int, code: str, param: str | None
) -> None:
    before = len(upstream.requests)
    assert check_error(raw(edge, body), status, code)["param"] == param
    if isinstance(body, dict):
        check_error(raw(edge, {**body, "stream": True}), status, code)
    assert len(upstream.requests) == before


MODERATIONS: list[Json] = [{}, {"input": None}, {"input": 1}, {"input": []}, {"input": {}}]
UNCHECKED = [
    {"input": [1]},
    {"input": [["x"]]},
    {"input": [{"type": "image_url", "image_url": {"url": "x"}}]},
    {"input": [{"type": "text"}]},
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/chat/completions", None, 405, "method_not_allowed"), ("PUT", "/v1/chat/completions", b"{}", 405, "method_not_allowed"),
        ("POST", "/v1/models", b"{}", 405, "method_not_allowed"), ("GET", "/v1/moderations", None, 405, "method_not_allowed"),
        ("POST", "/v1/completions", b"{}", 404, "not_found"), ("POST", "/v1/embeddings", b"{}", 404, "not_found"), ("GET", "/", None, 404, "not_found"),
        ("POST", "/v1/chat/completions/", b"{}", 404, "not_found"), ("GET", "/v1/../v1/models%2f", None, 404, "not_found"),
        *(("POST", "/v1/moderations", json.dumps(body).encode(), 400, "invalid_input") for body in MODERATIONS),
        *(("POST", "/v1/moderations", json.dumps(body).encode(), 400, "unchecked_content") for body in UNCHECKED),
        ("POST", "/v1/moderations", json.dumps({"input": "x" * 1_000_001}).encode(), 400, "text_too_long"), ("POST", "/v1/moderations", b"{", 400, "invalid_json"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_other_paths_tell_their_errors_in_the_same_shape(
    edge: Server, *, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    url = edge.gateway.removesuffix("/v1") + path
    check_error(
        httpx2.request(method, url, content=body, headers={"Authorization": f"Bearer {edge.key}"}), status, code
    )


@pytest.mark.parametrize("path", ["chat/completions", "moderations", "models"])
@pytest.mark.parametrize(
    "key", [None, "", "Bearer", "Bearer nope", "Basic x", "Bearer hg-" + "x" * 43, "Bearer hg-\udcff"]
)
def test_without_a_key_nothing_is_answered_and_nothing_is_read(edge: Server, path: str, key: str | None) -> None:
    headers = [] if key is None else [(b"Authorization", key.encode("utf-8", "surrogateescape"))]
    method = "GET" if path == "models" else "POST"
    reply = httpx2.request(
        method, f"{edge.gateway}/{path}", content=b"{" if method == "POST" else None, headers=headers
    )
    assert "hegui keys create" in check_error(reply, 401, "invalid_api_key")["message"]


def test_a_key_of_another_service_answers_under_that_services_rules_and_name(
    edge: Server, strict: openai.OpenAI
) -> None:
    with pytest.raises(openai.BadRequestError):
        strict.chat.completions.create(model="safe", messages=[{"role": "user", "content": MARKER}])
    assert ask(edge, "safe", MARKER).choices[0].finish_reason == "content_filter"
    theirs = strict.chat.completions.create(model="safe", messages=[{"role": "user", "content": "好"}])
    assert last_record(edge, number_of(theirs))["service"] == "strict"
    assert last_record(edge, number_of(ask(edge, "safe")))["service"] == "test"


ODD: list[Any] = [None, 0, -1, 1.5, 10**18, "x", "", "\x00", [], {}, [[]], [{}], True, {"a": [None]}]
FIELDS = [
    "temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "user", "safety_identifier", "logit_bias",
    "seed", "metadata", "stream", "logprobs", "parallel_tool_calls", "prediction", "functions", "modalities", "audio", "store", "extra_body",
]  # fmt: skip
MESSAGE_FIELDS = [
    "content",
    "name",
    "tool_calls",
    "tool_call_id",
    "refusal",
    "reasoning_content",
    "function_call",
    "prefix",
    "weight",
]


@pytest.mark.parametrize("field", FIELDS)
def test_a_wrong_type_in_any_field_is_answered_or_refused_never_a_failure(edge: Server, field: str) -> None:
    for value in ODD:
        reply = raw(edge, chat(**{field: value}))
        assert reply.status_code in {200, 400}, (value, reply.text)
        if reply.status_code == 400:
            check_error(reply, 400, reply.json()["error"]["code"])
        else:
            assert last_record(edge, reply.headers["x-hegui-content-id"])["outcome"] in {"answered", "undetermined"}


@pytest.mark.parametrize("field", MESSAGE_FIELDS)
@pytest.mark.parametrize("role", ["user", "assistant", "tool", "system"])
def test_a_wrong_type_in_any_field_of_a_message_is_answered_or_refused(edge: Server, role: str, field: str) -> None:
    for value in ODD:
        reply = raw(edge, chat(messages=[{"role": role, "content": "好", field: value}, *USER]))
        assert reply.status_code in {200, 400}, (value, reply.text)
        assert reply.status_code == 200 or reply.json()["error"]["code"] == "unchecked_content"


@pytest.mark.parametrize("depth", [10, 100, 200, 500, 1000])
def test_deep_messages_are_answered_or_refused_and_never_stop_the_service(edge: Server, depth: int) -> None:
    deep = b'{"model":"safe","messages":[{"role":"user","content":"x","name":' + b"[" * depth + b"]" * depth + b"}]}"
    reply = raw(edge, deep)
    assert reply.status_code in {200, 400}
    assert reply.status_code == 200 or "messages" in check_error(reply, 400, "invalid_messages")["message"]
    assert ask(edge, "safe").choices[0].finish_reason == "stop"


# --- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_question_is_an_answer_or_an_error_as_the_service_chose(
    edge: Server, strict: openai.OpenAI, stream: bool
) -> None:
    messages: Any = [{"role": "user", "content": f"请说{MARKER}"}]
    with pytest.raises(openai.BadRequestError) as caught:
        strict.chat.completions.create(model="safe", messages=messages, stream=stream)
    error = check_error(
        httpx2.Response(400, headers=caught.value.response.headers, content=caught.value.response.content),
        400,
        "content_filter",
    )
    number = caught.value.response.headers["x-hegui-content-id"]
    reply = raw(edge, chat(messages=messages, stream=stream))
    ours = reply.headers["x-hegui-content-id"]
    for said, content_id in ((error["message"], number), (reply.text, ours)):
        assert content_id in said
        assert APPEAL in said
        assert MARKER not in said
        assert last_record(edge, content_id)["outcome"] == "refused_input"
    assert reply.status_code == 200
    assert reply.text.count("content_filter") == 1
    assert reply.text.endswith("data: [DONE]\n\n") is stream


def test_a_stopped_answer_stays_an_answer_where_refusals_are_errors(
    strict: openai.OpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["bad"] = says(f"前文。{MARKER}", piece=3)
    answer = strict.chat.completions.create(model="bad", messages=[{"role": "user", "content": "好"}])
    assert answer.choices[0].finish_reason == "content_filter"
    chunks = list(
        strict.chat.completions.create(model="bad", messages=[{"role": "user", "content": "好"}], stream=True)
    )
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [
        "content_filter"
    ]


@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning", "refusal"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_hit_in_any_text_of_an_answer_stops_it(
    edge: Server, upstream: ScriptedUpstream, field: str, stream: bool
) -> None:
    events = [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({field: c}) for c in f"想{MARKER}了"),
        chunk({}, "stop"),
        DONE,
    ]
    whole = completion(**{"text": None, field: f"想{MARKER}了"}) if field != "content" else completion(f"想{MARKER}了")
    upstream.scripts["field"] = lambda _: Reply(events=events) if stream else Reply(whole)
    reply = raw(edge, chat(model="field", stream=stream))
    assert '"content_filter"' in reply.text
    assert MARKER not in reply.text
    assert not set(MARKER) & set("".join(re.findall(rf'"{field}":"([^"]*)"', reply.text)).split("回答涉及")[0])
    assert last_record(edge, reply.headers["x-hegui-content-id"])["outcome"] == "refused_output"


@pytest.mark.parametrize(
    ("message", "finish"),
    [
        ({"role": "assistant", "content": "好", "reasoning_content": MARKER}, "stop"),
        ({"role": "assistant", "content": None, "reasoning_content": MARKER, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, "content_filter"),
        ({"role": "assistant", "content": [{"type": "text", "text": MARKER}]}, "stop"),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": MARKER}]}, "stop"),
    ],
)  # fmt: skip
def test_a_hit_in_an_earlier_answer_does_not_reach_the_model(
    edge: Server, upstream: ScriptedUpstream, message: Json, finish: str
) -> None:
    tail: list[Json] = [{"role": "tool", "tool_call_id": "c", "content": "好"}] if "tool_calls" in message else USER
    before = len(upstream.requests)
    reply = raw(edge, chat(messages=[*USER, message, *tail]))
    assert reply.json()["choices"][0]["finish_reason"] == finish
    assert MARKER not in json.dumps(upstream.requests[before:], ensure_ascii=False)


def test_three_choices_of_which_one_is_stopped(edge: Server, upstream: ScriptedUpstream) -> None:
    texts = ["番茄喜光", f"前{MARKER}后", "早晚浇水"]
    body = completion("")
    body["choices"] = [
        {"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": "stop"}
        for i, t in enumerate(texts)
    ]
    events = [chunk({"role": "assistant", "content": ""}, index=i) for i in range(3)]
    events += [
        chunk({"content": t[at]}, index=i) for at in range(len(texts[1])) for i, t in enumerate(texts) if at < len(t)
    ]
    events += [*(chunk({}, "stop", index=i) for i in range(3)), DONE]
    upstream.scripts["three"] = lambda request: Reply(events=events) if request.get("stream") else Reply(body)
    answer = ask(edge, "three", n=3)
    assert [c.finish_reason for c in answer.choices] == ["content_filter"] * len(answer.choices)
    assert MARKER not in answer.model_dump_json()
    said: dict[int, str] = {}
    ends: dict[int, str] = {}
    for item in ask(edge, "three", stream=True, n=3):
        for choice in item.choices:
            said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
            if choice.finish_reason:
                assert choice.index not in ends
                ends[choice.index] = choice.finish_reason
    assert set(ends) == set(said) == {0, 1, 2}
    assert ends[1] == "content_filter"
    assert not set(MARKER) & set(said[1].split("回答")[0])


# --- upstreams ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "told", "code"),
    [(400, 400, "upstream_refused"), (404, 404, "upstream_refused"), (408, 408, "upstream_refused"), (413, 413, "upstream_refused"), (422, 422, "upstream_refused"),
     (429, 429, "upstream_refused"), (401, 502, "upstream_error"), (402, 502, "upstream_error"), (403, 502, "upstream_error"), (500, 502, "upstream_error"),
     (503, 502, "upstream_error"), (529, 502, "upstream_error"), (201, 502, "upstream_error")],
)  # fmt: skip
def test_the_status_of_the_upstream_is_told_but_never_its_words(
    edge: Server, upstream: ScriptedUpstream, *, status: int, told: int, code: str, stream: bool
) -> None:
    said = json.dumps({"error": {"message": f"key sk-secret {MARKER}"}}).encode()
    upstream.scripts["status"] = lambda _: Reply(
        raw=said, status=status, headers={"Content-Type": "application/json", "X-Upstream": "x"}
    )
    reply = raw(edge, chat(model="status", stream=stream))
    check_error(reply, told, code)
    assert "sk-secret" not in reply.text
    assert "x-upstream" not in reply.headers
    assert last_record(edge, reply.headers["x-hegui-content-id"])["outcome"] == code


def test_an_unknown_model_is_the_upstreams_404(edge: Server) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(edge, "no-such-model")
    assert caught.value.code == "upstream_refused"


@pytest.mark.parametrize("stream", [False, True])
def test_a_silent_upstream_is_a_timeout(edge: Server, upstream: ScriptedUpstream, stream: bool) -> None:
    upstream.scripts["silent"] = lambda _: Reply(completion("好"), wait=5)
    reply = raw(edge, chat(model="silent", stream=stream))
    check_error(reply, 504, "upstream_timeout")
    assert last_record(edge, reply.headers["x-hegui-content-id"])["outcome"] == "upstream_timeout"


def _body(**choice: Any) -> bytes:
    return json.dumps({**completion(""), "choices": [{"index": 0, "finish_reason": "stop", **choice}]}).encode()


GARBAGE = [
    b"", b"null", b"[]", b"1", b"{", b"<html>busy</html>", "好".encode("gb18030"), b'{"error": {"message": "no"}}', b'{"choices": null}', b'{"choices": {}}',
    b'{"choices": [1]}', b'{"choices": [null]}',
    _body(message={"role": "assistant", "content": 7}), _body(message={"role": "assistant", "content": {"text": MARKER}}),
    _body(message={"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": MARKER}}]}),
    _body(message={"role": "assistant", "content": "好", "tool_calls": MARKER}), _body(index=-1, message={"role": "assistant", "content": MARKER}),
    gzip.compress(_body(message={"role": "assistant", "content": MARKER})), b"data: {}\n\n", b'{"choices":' + b"[" * 90_000,
]  # fmt: skip


@pytest.mark.parametrize("data", GARBAGE, ids=lambda data: repr(data[:40]))
def test_an_answer_that_makes_no_sense_is_withheld_or_empty_and_recorded(
    edge: Server, upstream: ScriptedUpstream, data: bytes
) -> None:
    upstream.scripts["garbage"] = lambda _: Reply(raw=data, headers={"Content-Type": "application/json"})
    reply = raw(edge, chat(model="garbage"))
    assert reply.status_code in {200, 502}, reply.text
    assert MARKER not in json.dumps(reply.json(), ensure_ascii=False)
    record = last_record(edge, reply.headers["x-hegui-content-id"])
    if reply.status_code == 502:
        check_error(reply, 502, record["outcome"])
    else:
        choices = openai.types.chat.ChatCompletion.model_validate(reply.json()).choices
        assert all(c.finish_reason == "content_filter" for c in choices) == (record["outcome"] != "answered")
        assert record["not_scanned"] == (["output"] if record["outcome"] == "undetermined" else [])


def test_a_compressed_answer_that_nobody_asked_for_is_not_passed_unread(
    edge: Server, upstream: ScriptedUpstream
) -> None:
    packed = gzip.compress(b"".join(spoken(["番茄", MARKER])))
    upstream.scripts["gzip"] = lambda body: (
        Reply(events=[packed], headers={"Content-Encoding": "gzip"})
        if body.get("stream")
        else Reply(
            raw=gzip.compress(_body(message={"role": "assistant", "content": MARKER})),
            headers={"Content-Encoding": "gzip"},
        )
    )
    for call in (ask, streamed):
        with pytest.raises(openai.InternalServerError) as caught:
            call(edge, "gzip")
        assert caught.value.status_code == 502


# --- streams -----------------------------------------------------------------------------------------

GOOD = b"".join(spoken(["番茄", "喜光"]))
ROLE = chunk({"role": "assistant", "content": "番茄"})
EMPTY = b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n'
WHOLE: dict[str, Reply] = {
    "one byte at a time": Reply(events=[GOOD[at : at + 1] for at in range(len(GOOD))]),
    "all at once": Reply(events=[GOOD]),
    "cut inside characters": Reply(events=re.findall(rb"(?s).{1,5}", GOOD), pause=0.0005),
    "crlf": Reply(events=[GOOD.replace(b"\n", b"\r\n")]),
    "crlf cut between cr and lf": Reply(events=GOOD.replace(b"\n", b"\r\n").replace(b"\r\n", b"\r|\n").split(b"|")),
    "comments and other fields": Reply(events=[b": ping\n\nretry: 5\n\nid: 1\nevent: x\n" + GOOD.replace(b"\n\n", b"\n: pong\n\n")]),
    "no space after data:": Reply(events=[GOOD.replace(b"data: ", b"data:")]),
    "empty choices between": Reply(events=[EMPTY, ROLE, EMPTY, chunk({"content": "喜光"}), EMPTY, chunk({}, "stop"), EMPTY, DONE]),
    "no done, but a finish": Reply(events=[GOOD.removesuffix(DONE)]),
    "done without a blank line": Reply(events=[GOOD.removesuffix(b"\n\n")]),
    "more after done": Reply(events=[GOOD, chunk({"content": MARKER})]),
    "null deltas": Reply(events=[chunk({"role": "assistant", "content": None}), ROLE, chunk({"content": None, "tool_calls": None}), chunk({"content": "喜光"}), chunk({}, "stop"), DONE]),
    "multi-line data": Reply(events=[GOOD.replace(b', "choices"', b',\ndata: "choices"')]),
    "another charset is named": Reply(events=[GOOD], headers={"Content-Type": "text/event-stream; charset=gbk"}),
}  # fmt: skip


@pytest.mark.parametrize("how", WHOLE)
def test_a_stream_arrives_whole_however_it_is_sent(edge: Server, upstream: ScriptedUpstream, how: str) -> None:
    upstream.scripts["whole"] = lambda _: WHOLE[how]
    said, finish, chunks = streamed(edge, "whole")
    assert (said, finish) == (f"番茄喜光\n\n{LABEL}", "stop")
    assert last_record(edge, chunks[-1].model_extra["hegui"]["content_id"])["outcome"] == "answered"


BROKEN: dict[str, Reply] = {
    "half an event": Reply(events=[ROLE, chunk({"content": "喜光"})[:40]]),
    "no finish and no done": Reply(events=[ROLE]),
    "done without a finish": Reply(events=[ROLE, DONE]),
    "nothing": Reply(events=[b""]),
    "comments only": Reply(events=[b": ping\n\n"]),
    "an error in the middle": Reply(events=[ROLE, b'data: {"error":{"message":"sk-secret"}}\n\n']),
    "the connection is cut": Reply(events=[ROLE, chunk({"content": "喜"})], abort=True),
    "silence": Reply(events=[ROLE, b": wait\n\n", b""], pause=3),
    "a body that is no stream": Reply(raw=json.dumps(completion(MARKER)).encode(), headers={"Content-Type": "application/json"}),
    "not utf-8": Reply(events=[ROLE, b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\n', DONE]),
    "html": Reply(raw=b"<html>busy</html>", headers={"Content-Type": "text/html"}),
    "an endless event": Reply(events=[ROLE, b"data: ", *[b"x" * (1 << 20)] * 6]),
}  # fmt: skip
OUTCOMES = {"upstream_incomplete", "undetermined", "upstream_error"}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_stream_ends_with_an_error_or_withheld_and_is_recorded(
    edge: Server, upstream: ScriptedUpstream, how: str
) -> None:
    upstream.scripts["broken"] = lambda _: BROKEN[how]
    reply = raw(edge, chat(model="broken", stream=True))
    assert last_record(edge, reply.headers["x-hegui-content-id"])["outcome"] in OUTCOMES
    assert MARKER not in reply.text
    assert "sk-secret" not in reply.text
    assert '"finish_reason":"stop"' not in reply.text
    try:
        _, finish, _ = streamed(edge, "broken")
    except openai.APIError:
        return
    assert finish == "content_filter"


def test_an_event_that_is_too_long_is_told_as_that(edge: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["broken"] = lambda _: BROKEN["an endless event"]
    reply = raw(edge, chat(model="broken", stream=True))
    assert '"code":"upstream_too_large"' in reply.text
    assert "4 MiB" in reply.text
    assert reply.text.endswith("data: [DONE]\n\n")


def test_a_stream_that_breaks_off_gives_what_was_checked_first(edge: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["broken"] = lambda _: BROKEN["the connection is cut"]
    stream, said = iter(ask(edge, "broken", stream=True)), ""
    while (item := next(stream)).choices and "喜" not in said:
        said += item.choices[0].delta.content or ""
    assert said.startswith("番茄")
    with pytest.raises(openai.APIError, match="upstream"):
        list(stream)


# --- clients -----------------------------------------------------------------------------------------


def test_a_client_that_leaves_a_plain_answer_cancels_the_model_and_is_recorded(
    edge: Server, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["leaving"] = lambda _: Reply(completion("好"), wait=0.9)
    before = upstream.cancelled
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(
            f"{edge.gateway}/chat/completions",
            json=chat(model="leaving"),
            headers={"Authorization": f"Bearer {edge.key}"},
            timeout=0.3,
        )
    assert upstream.wait_cancelled(before + 1)

    def recorded() -> bool:
        with edge.database() as connection:
            row = connection.execute("SELECT outcome FROM gateway_exchange WHERE model = 'leaving'").fetchone()
        return row == ("client_gone",)

    assert wait_for(recorded)


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"POST", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", b"\x16\x03\x01\x00\xa5", b"GET /healthz HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET " + b"/" * 90_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=lambda sent: repr(sent[:25]),
)  # fmt: skip
def test_a_client_that_breaks_off_in_its_request_harms_nobody(edge: Server, sent: bytes) -> None:
    with socket.create_connection(
        ("127.0.0.1", int(edge.gateway.rsplit(":", 1)[1].removesuffix("/v1"))), timeout=10
    ) as client:
        client.sendall(sent)
    assert ask(edge, "safe").choices[0].finish_reason == "stop"
    assert len(edge.processes("hegui-gateway")) == 1


# --- labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("番茄喜光", "start"), ("[注意] 要浇水", "end"), ('\n{"a": [1, 2]}', "machine_text"), ('{"a":1}\n{"b":2}\n', "machine_text"),
        ("[注意]\n```py\n1", "open_code_fence"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_label_for_the_start_never_breaks_json_and_no_text_goes_without(
    edge: Server, at_start: openai.OpenAI, upstream: ScriptedUpstream, *, text: str, where: str, stream: bool
) -> None:
    upstream.scripts["text"] = says(text, piece=1)

    given: Any = at_start.chat.completions.create(model="text", messages=USER, stream=stream)
    if stream:
        chunks = list(given)
        whole = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        number = chunks[0].model_extra["hegui"]["content_id"]
    else:
        whole, number = given.choices[0].message.content, number_of(given)
    assert whole == {"start": f"{LABEL}\n\n{text}", "end": f"{text}\n\n{LABEL}"}.get(where, text)
    assert last_record(edge, number)["label"] == where


# --- ids, usage, models, moderations -----------------------------------------------------------------


def _answer_ids(edge: Server, number: int) -> set[str]:
    """Return the ids that one exchange shows: header, body, refusal or error."""
    body = chat(
        stream=bool(number % 2),
        messages=[{"role": "user", "content": MARKER if number % 3 == 0 else "好"}],
        model="safe" if number % 5 else "no-such-model",
    )
    reply = raw(edge, body)
    told = set(re.findall(r'"content_id":"([^"]+)"', reply.text))
    assert reply.status_code == 404 or told
    return {reply.headers["x-hegui-content-id"], *told}


def test_every_exchange_has_one_number_of_its_own_in_header_and_body(edge: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(partial(_answer_ids, edge), range(60)))
    assert all(len(ids) == 1 for ids in found)
    numbers = set.union(*found)
    assert len(numbers) == 60
    assert all(NUMBER.fullmatch(number) for number in numbers)
    assert all(last_record(edge, number)["content_id"] == number for number in sorted(numbers)[:5])


@pytest.mark.parametrize("wanted", [None, {"include_usage": True}, {"include_usage": False}])
def test_usage_of_a_stream_comes_last_and_only_when_asked_for(
    edge: Server, upstream: ScriptedUpstream, wanted: Json | None
) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}

    def script(body: Json) -> Reply:
        asked = (body.get("stream_options") or {}).get("include_usage")
        tail = json.loads(EMPTY[6:]) | {"usage": usage}
        return Reply(
            events=[
                ROLE,
                chunk({}, "stop"),
                *([b"data: " + json.dumps(tail).encode() + b"\n\n"] if asked else []),
                DONE,
            ]
        )

    upstream.scripts["usage"] = script
    more: Json = {} if wanted is None else {"stream_options": wanted}
    _, _, chunks = streamed(edge, "usage", **more)
    given = [item.usage.total_tokens for item in chunks if item.usage]
    assert given == ([8] if wanted and wanted["include_usage"] else [])
    assert not given or chunks[-1].usage is not None
    tokens = last_record(edge, chunks[0].model_extra["hegui"]["content_id"])["tokens"]
    assert tokens == ([3, 5] if given else [None, None])


def test_usage_of_a_plain_answer_is_passed_and_of_a_refusal_is_nothing(edge: Server) -> None:
    assert ask(edge, "safe").usage.total_tokens == 8
    assert ask(edge, "safe", MARKER).usage.total_tokens == 0


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (Reply(raw=b"{", status=200), 502, "upstream_unreachable"), (Reply(raw=b"", status=200), 502, "upstream_unreachable"),
        (Reply(raw=MARKER.encode(), status=500), 502, "upstream_error"), (Reply(raw=b"{}", status=401), 502, "upstream_error"),
        (Reply(raw=b"{}", status=404), 404, "upstream_refused"), (Reply(raw=b"[]", status=200), 200, ""),
    ],
)  # fmt: skip
def test_the_list_of_models_is_the_upstreams_or_an_error(
    edge: Server, upstream: ScriptedUpstream, reply: Reply, status: int, code: str
) -> None:
    upstream.models = reply
    try:
        got = httpx2.get(f"{edge.gateway}/models", headers={"Authorization": f"Bearer {edge.key}"})
    finally:
        upstream.models = None
    if status == 200:
        assert got.json() == {"object": "list", "data": []}
    else:
        check_error(got, status, code)
        assert MARKER not in got.text


@pytest.mark.parametrize(
    ("given", "flagged"),
    [
        ("", [False]), ("好", [False]), (MARKER, [True]), (["好"], [False]), (["好", MARKER, ""], [False, True, False]), ("\x00" + MARKER, [True]),
        ([{"type": "text", "text": MARKER}, {"type": "text", "text": "好"}], [True, False]), ("电话13800138000", [False]),
    ],
)  # fmt: skip
def test_moderations_answer_for_each_text_in_openais_shape(edge: Server, given: Any, flagged: list[bool]) -> None:
    found = edge.client().moderations.create(input=given)
    assert [result.flagged for result in found.results] == flagged
    numbers = set()
    for result in found.results:
        data = result.model_dump()
        named = {risk for risk in data["categories"] if risk.startswith("A.")}
        assert named == set(risks().ids) == {risk for risk in data["category_scores"] if risk.startswith("A.")}
        assert any(data["categories"][risk] for risk in named) is result.flagged
        numbers.add(data["hegui"]["content_id"])
        assert last_record(edge, data["hegui"]["content_id"])["outcome"] == "checked"
    assert len(numbers) == len(flagged)
    assert MARKER not in found.model_dump_json()


def test_health_needs_no_key_and_says_nothing_else(edge: Server) -> None:
    base = edge.gateway.removesuffix("/v1")
    assert httpx2.get(f"{base}/healthz").json() == {"status": "ok"}
    assert httpx2.get(f"{base}/readyz").json()["status"] == "ok"
    assert httpx2.get(f"{base}/checkpoint").text.startswith(httpx2.get(f"{base}/checkpoint/vkey").text.split("+")[0])


def test_after_all_this_no_worker_has_died_and_no_key_is_in_the_log(edge: Server) -> None:
    log = Path(edge.log).read_text("utf-8")
    assert "starting it again" not in log
    assert edge.key not in log
