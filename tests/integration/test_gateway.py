"""The gateway as an application sees it, with the real `openai` client over a scripted model."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import httpx2
import openai
import pytest

from tests.harness import MARKER, Server, exchanges, hegui, wait_for
from tests.upstream import DONE, Json, Reply, ScriptedUpstream, chunk, completion, says, spoken

LABEL = "（本内容由人工智能生成 / AI-generated）"
SAFE = "番茄喜光，夏天要早晚浇水。"


def ask(server: Server, model: str, text: str = "你好", **more: Any) -> Any:
    return server.client().chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)


def streamed(server: Server, model: str, text: str = "你好", **more: Any) -> tuple[str, str, list[Any]]:
    chunks = list(ask(server, model, text, stream=True, **more))
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    finish = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    return said, finish[-1] if finish else "", chunks


def raw(server: Server, body: Json | bytes, **headers: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json", **headers}
    return httpx2.post(f"{server.gateway}/chat/completions", content=content, headers=given, timeout=30)


def _with(message: Json, _: Json) -> Reply:
    return Reply(completion("好", **message))


def _calling(events: list[bytes], _: Json) -> Reply:
    return Reply(events=events)


def extra(model: Any) -> Json:
    return dict(model.model_extra or {})


def number_of(answer: Any) -> str:
    return str(extra(answer)["hegui"]["content_id"])


def last_record(server: Server, content_id: str) -> Json:
    with server.database() as connection:
        row = connection.execute("SELECT payload FROM evidence_entry WHERE id = %s", (content_id,)).fetchone()
    assert row is not None
    found: Json = json.loads(row[0])
    return found


# --- answers -----------------------------------------------------------------------------------------


def test_plain_and_streamed_answers_are_labelled_and_numbered(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    plain = server.client().chat.completions.with_raw_response.create(
        model="safe", messages=[{"role": "user", "content": "你好"}]
    )
    answer = plain.parse()
    assert answer.choices[0].message.content == f"{SAFE}\n\n{LABEL}"
    assert number_of(answer) == plain.headers["x-hegui-content-id"]
    said, finish, chunks = streamed(server, "safe")
    assert (said, finish) == (f"{SAFE}\n\n{LABEL}", "stop")
    numbers = [c.model_extra["hegui"]["content_id"] for c in (chunks[0], chunks[-1])]
    assert numbers[0] == numbers[1] != plain.headers["x-hegui-content-id"]
    assert last_record(server, numbers[0])["label"] == "end"


def test_untouched_events_are_forwarded_byte_for_byte(server: Server, upstream: ScriptedUpstream) -> None:
    odd = '{"id": "x",  "object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"安全"},"finish_reason":null}]}'
    events = [chunk({"role": "assistant", "content": ""}), b"data: " + odd.encode() + b"\n\n", chunk({}, "stop"), DONE]
    upstream.scripts["bytes"] = lambda _: Reply(events=events)
    reply = raw(server, {"model": "bytes", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
    assert odd.encode() in reply.content
    assert reply.headers["content-type"].startswith("text/event-stream")


def test_usage_comes_when_asked_for(server: Server, upstream: ScriptedUpstream) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    tail = (
        chunk({}, "stop")
        + chunk({}, usage=usage).replace(
            b'"choices": [{"index": 0, "delta": {}, "finish_reason": null}]', b'"choices": []'
        )
        + DONE
    )
    upstream.scripts["usage"] = lambda _: Reply(events=[chunk({"role": "assistant", "content": "好"}), tail])
    _, _, chunks = streamed(server, "usage", stream_options={"include_usage": True})
    assert chunks[-1].usage.total_tokens == 3
    assert upstream.requests[-1]["stream_options"] == {"include_usage": True}


def test_several_choices_are_each_checked_and_labelled(server: Server, upstream: ScriptedUpstream) -> None:
    body = completion("一")
    body["choices"].append({"index": 1, "message": {"role": "assistant", "content": "二"}, "finish_reason": "stop"})
    upstream.scripts["two"] = lambda _: Reply(body)
    answer = ask(server, "two", n=2)
    assert [c.message.content for c in answer.choices] == [f"一\n\n{LABEL}", f"二\n\n{LABEL}"]
    body["choices"][1]["message"]["content"] = f"二{MARKER}"
    answer = ask(server, "two", n=2)
    assert {c.finish_reason for c in answer.choices} == {"content_filter"}
    assert all(MARKER not in c.message.content for c in answer.choices)


# --- refusals ----------------------------------------------------------------------------------------


def test_a_word_in_the_prompt_is_refused_and_the_model_is_not_asked(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    before = len(upstream.requests)
    answer = ask(server, "safe", f"请谈谈{MARKER}。")
    choice = answer.choices[0]
    assert choice.finish_reason == "content_filter"
    assert "申诉" in choice.message.content
    assert "appeal" in choice.message.content
    number = number_of(answer)
    assert number in choice.message.content
    assert not set(MARKER) & set(choice.message.content)
    assert len(upstream.requests) == before
    record = last_record(server, number)
    assert record["outcome"] == "refused_input"
    assert [(v["risk"], v["start"], v["end"], v["action"]) for v in record["verdicts"]] == [("A.1.a", 3, 10, "refuse")]
    assert MARKER not in json.dumps(record, ensure_ascii=False)


@pytest.mark.parametrize("disguise", [MARKER, "合规样例\u200b词甲\u2060子", "合规样例词甲\ufe0f子"])
def test_a_refused_stream_is_a_valid_stream(server: Server, disguise: str) -> None:
    said, finish, chunks = streamed(server, "echo", disguise, stream_options={"include_usage": True})
    assert finish == "content_filter"
    assert "申诉" in said
    assert chunks[-1].usage.total_tokens == 0


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7])
def test_a_word_split_over_the_stream_never_reaches_the_client(
    server: Server, upstream: ScriptedUpstream, piece: int
) -> None:
    upstream.scripts["split"] = says(f"前文如此。{MARKER}和以后", piece=piece)
    said, finish, chunks = streamed(server, "split", stream_options={"include_usage": True})
    assert finish == "content_filter"
    assert said.startswith("前文如此。")
    assert not set(MARKER) & set(said)
    assert chunks[-1].usage is not None
    assert LABEL in said


def test_a_blocked_stream_cancels_the_upstream(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["long"] = says(f"开头{MARKER}" + "后" * 2000, piece=1, pause=0.01)
    before = upstream.cancelled
    _, finish, _ = streamed(server, "long")
    assert finish == "content_filter"
    assert upstream.wait_cancelled(before + 1)


def test_a_client_that_goes_away_cancels_the_upstream_and_is_recorded(
    server: Server, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["slow"] = says("慢" * 1000, piece=1, pause=0.02)
    before = upstream.cancelled
    stream = ask(server, "slow", stream=True)
    number = next(iter(stream)).model_extra["hegui"]["content_id"]
    stream.close()
    assert upstream.wait_cancelled(before + 1)
    assert wait_for(lambda: _outcome(server, number) == "client_gone")


def _outcome(server: Server, number: str) -> str | None:
    with server.database() as connection:
        row = connection.execute("SELECT outcome FROM gateway_exchange WHERE id = %s", (number,)).fetchone()
    return row[0] if row else None


def test_reasoning_tools_and_refusals_are_checked_too(server: Server, upstream: ScriptedUpstream) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": json.dumps({"q": MARKER})}}
    for message in (
        {"reasoning_content": f"想到{MARKER}"},
        {"tool_calls": [call]},
        {"refusal": MARKER},
    ):
        upstream.scripts["parts"] = partial(_with, message)
        answer = ask(server, "parts")
        assert answer.choices[0].finish_reason == "content_filter", message
        assert MARKER not in answer.model_dump_json()


def test_streamed_tool_calls_are_checked_even_escaped(server: Server, upstream: ScriptedUpstream) -> None:
    def calls(arguments: str) -> list[bytes]:
        start = {
            "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "find", "arguments": ""}}]
        }
        pieces = [
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments[at : at + 3]}}]})
            for at in range(0, len(arguments), 3)
        ]
        return [chunk({"role": "assistant", **start}), *pieces, chunk({}, "tool_calls"), DONE]

    safe = json.dumps({"q": "番茄", "tel": "13800138000", "said": 'a "b"'}, ensure_ascii=False)
    for arguments, wanted in (
        (safe, "tool_calls"),
        (json.dumps({"q": MARKER}, ensure_ascii=False), "content_filter"),
        (json.dumps({"q": MARKER}), "content_filter"),
    ):
        upstream.scripts["calls"] = partial(_calling, calls(arguments))
        chunks = list(ask(server, "calls", stream=True))
        joined = "".join(
            call.function.arguments or "" for c in chunks if c.choices for call in c.choices[0].delta.tool_calls or ()
        )
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == wanted
        assert joined == arguments if wanted == "tool_calls" else MARKER not in joined
        assert wanted == "tool_calls" or "\\u" not in joined


def test_held_text_does_not_leak_through_log_probabilities(server: Server, upstream: ScriptedUpstream) -> None:
    def script(_: Json) -> Reply:
        events = [chunk({"role": "assistant", "content": ""})]
        for character in f"好{MARKER}":
            body = json.loads(chunk({"content": character})[6:])
            body["choices"][0]["logprobs"] = {
                "content": [{"token": character, "logprob": -0.1, "bytes": None, "top_logprobs": []}]
            }
            events.append(b"data: " + json.dumps(body).encode() + b"\n\n")
        return Reply(events=[*events, chunk({}, "stop"), DONE])

    upstream.scripts["logprobs"] = script
    _, finish, chunks = streamed(server, "logprobs", logprobs=True)
    assert finish == "content_filter"
    tokens = [
        t.token for c in chunks if c.choices and c.choices[0].logprobs for t in c.choices[0].logprobs.content or ()
    ]
    assert not set(tokens) & set(MARKER[1:])


# --- input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": MARKER}, {"role": "user", "content": "好"}],
        [{"role": "developer", "content": MARKER}, {"role": "user", "content": "好"}],
        [{"role": "user", "content": [{"type": "text", "text": "好"}, {"type": "text", "text": MARKER}]}],
        [{"role": "user", "content": [{"type": "text", "text": MARKER[:3]}, {"type": "text", "text": MARKER[3:]}]}],
        [{"role": "user", "content": "好", "name": MARKER}],
        [
            {"role": "user", "content": "好"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"q": MARKER})}}]},
            {"role": "tool", "tool_call_id": "c", "content": "好"},
        ],
        [
            {"role": "user", "content": "好"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": f"查到{MARKER}"},
        ],
    ],
)  # fmt: skip
def test_every_part_of_the_input_is_checked(server: Server, messages: list[Json]) -> None:
    assert (
        raw(server, {"model": "echo", "messages": messages}).json()["choices"][0]["finish_reason"] == "content_filter"
    )


@pytest.mark.parametrize(
    "option",
    [
        {"tools": [{"type": "function", "function": {"name": "f", "description": MARKER}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {MARKER: {}}}}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": MARKER}}}},
        {"prediction": {"type": "content", "content": MARKER}},
        {"a_new_field": [{"deep": {"text": MARKER}}]},
    ],
)
def test_text_in_options_is_checked(server: Server, option: Json) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "好"}], **option}
    assert raw(server, body).json()["choices"][0]["finish_reason"] == "content_filter"


def test_an_old_blocked_turn_does_not_kill_the_conversation(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    messages = [
        {"role": "user", "content": f"说说{MARKER}"},
        {"role": "assistant", "content": "没有作答。"},
        {"role": "user", "content": "那就说说番茄"},
    ]
    answer = server.client().chat.completions.create(model="safe", messages=messages)  # type: ignore[arg-type]
    assert answer.choices[0].finish_reason == "stop"
    assert MARKER not in json.dumps(upstream.requests[-1], ensure_ascii=False)
    assert upstream.requests[-1]["messages"][2]["content"] == "那就说说番茄"
    assert last_record(server, number_of(answer))["withheld_turns"] == 1


def test_duplicate_keys_can_not_smuggle_text_past_the_check(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    body = f'{{"model":"safe","messages":[{{"role":"user","content":"{MARKER}"}}],"messages":[{{"role":"user","content":"好"}}]}}'
    assert raw(server, body.encode()).json()["choices"][0]["finish_reason"] == "stop"
    assert MARKER not in json.dumps(upstream.requests[-1], ensure_ascii=False)


def test_content_that_can_not_be_checked_is_not_let_through(server: Server, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(openai.BadRequestError) as caught:
        server.client().chat.completions.create(model="echo", messages=[{"role": "user", "content": [part]}])  # type: ignore[list-item,misc]
    assert caught.value.code == "unchecked_content"
    assert len(upstream.requests) == before


def test_the_user_goes_upstream_as_a_pseudonym(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    first = ask(server, "safe", user="zhang.san@example.com")
    second = ask(server, "safe", user="zhang.san@example.com")
    people = [last_record(server, a.model_extra["hegui"]["content_id"])["person"] for a in (first, second)]
    assert people[0] == people[1] == upstream.requests[-1]["user"]
    assert "zhang" not in people[0]


# --- personal information ----------------------------------------------------------------------------


def test_numbers_in_answers_are_masked_plain_and_streamed(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["numbers"] = says("电话13800138000，证件11010519491231002X。", piece=3)
    wanted = f"电话138******00，证件110***************。\n\n{LABEL}"
    answer = ask(server, "numbers")
    assert answer.choices[0].message.content == wanted
    assert streamed(server, "numbers")[0] == wanted
    record = last_record(server, number_of(answer))
    assert sorted(v["rule"] for v in record["verdicts"]) == ["personal:mobile", "personal:resident_id"]
    assert "13800138000" not in json.dumps(record)


# --- labels ------------------------------------------------------------------------------------------


def test_labels_stay_out_of_json_and_code(server: Server, upstream: ScriptedUpstream) -> None:
    for text in ('{"a": 1}', "```python\nprint(1)"):
        upstream.scripts["machine"] = says(text)
        assert ask(server, "machine").choices[0].message.content == text
        assert streamed(server, "machine")[0] == text
    upstream.scripts["machine"] = says("plain words")
    answer = ask(server, "machine", response_format={"type": "json_object"})
    assert answer.choices[0].message.content == "plain words"
    assert last_record(server, number_of(answer))["label"] == "machine_text"


def test_a_service_chooses_label_refusal_and_appeal(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    upstream.scripts["json"] = says("[1, 2]")
    key = hegui("keys", "create", "--data", server.data, "--service", "strict").stdout.strip()
    hegui("services", "set", "strict", "--data", server.data, "label_position=start", "refusal=error",
          "label_wording=【AI生成】", "appeal_url=https://example.com/appeal")  # fmt: skip
    client = openai.OpenAI(base_url=server.gateway, api_key=key, max_retries=0)

    def labelled() -> bool:
        answer = client.chat.completions.create(model="safe", messages=[{"role": "user", "content": "好"}])
        return answer.choices[0].message.content == f"【AI生成】\n\n{SAFE}"

    assert wait_for(labelled, 5)
    chunks = list(
        client.chat.completions.create(model="safe", messages=[{"role": "user", "content": "好"}], stream=True)
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == f"【AI生成】\n\n{SAFE}"
    answer = client.chat.completions.create(model="json", messages=[{"role": "user", "content": "好"}])
    assert answer.choices[0].message.content == "[1, 2]"
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="safe", messages=[{"role": "user", "content": MARKER}])
    assert caught.value.code == "content_filter"
    assert "https://example.com/appeal" in str(caught.value)
    bad = hegui("services", "set", "strict", "--data", server.data, "label_wording=AI", check=False)
    assert bad.returncode == 2
    assert "生成" in bad.stderr


# --- errors and edges --------------------------------------------------------------------------------


def test_errors_have_openai_shape(server: Server, upstream: ScriptedUpstream) -> None:
    for body, status, code in (
        (b"{", 400, "invalid_json"),
        (b"[]", 400, "invalid_json"),
        ({"model": "echo", "messages": []}, 400, "invalid_messages"),
        ({"messages": [{"role": "user", "content": "x"}]}, 400, "missing_model"),
        ({"model": "echo", "messages": [{"role": "king", "content": "x"}]}, 400, "invalid_role"),
        (b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}', 400, "invalid_json"),
        (b" " * (9 << 20), 413, "request_too_large"),
    ):
        reply = raw(server, body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
        told = reply.json()["error"]["message"]
        assert status != 413 or ("8 MiB" in told and "body_megabytes" in told), "the limit, and what sets it"
    assert raw(server, {}, Authorization="Bearer hg-wrong").status_code == 401
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=server.gateway, api_key="nope", max_retries=0).models.list()
    assert httpx2.get(f"{server.gateway}/nothing").json()["error"]["code"] == "not_found"
    assert httpx2.get(f"{server.gateway}/chat/completions").status_code == 405


def test_upstream_failures_are_told_and_recorded(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["busy"] = lambda _: Reply({"error": {"message": MARKER}}, status=429)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(server, "busy")
    assert MARKER not in str(caught.value)
    upstream.scripts["broken"] = lambda _: Reply({"error": {}}, status=500)
    with pytest.raises(openai.InternalServerError) as failed:
        ask(server, "broken", stream=True)
    assert failed.value.status_code == 502
    number = failed.value.response.headers["x-hegui-content-id"]
    assert last_record(server, number)["outcome"] == "upstream_error"


def test_a_truncated_stream_ends_with_an_error_not_silence(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["cut"] = lambda _: Reply(events=spoken(["你好", "世界"])[:-2])
    with pytest.raises(openai.APIError) as caught:
        streamed(server, "cut")
    assert "upstream" in str(caught.value)


@pytest.mark.parametrize(
    "events",
    [
        [b"data: not json\n\n", DONE],
        [chunk({"content": "好"}), b'data: ["a"]\n\n', DONE],
        [chunk({"content": "好"}), chunk({"audio": {"data": "AAAA"}}), DONE],
    ],
)
def test_what_can_not_be_checked_is_withheld_as_undetermined(
    server: Server, upstream: ScriptedUpstream, events: list[bytes]
) -> None:
    upstream.scripts["odd"] = lambda _: Reply(events=events)
    said, finish, chunks = streamed(server, "odd")
    assert finish == "content_filter"
    assert "检查未能完成" in said
    record = last_record(server, chunks[-1].model_extra["hegui"]["content_id"])
    assert (record["outcome"], record["not_scanned"]) == ("undetermined", ["output"])


def test_events_cut_anywhere_and_crlf_are_read(server: Server, upstream: ScriptedUpstream) -> None:
    whole = b"".join(spoken(["番茄", "喜光"])).replace(b"\n\n", b"\r\n\r\n")
    upstream.scripts["crlf"] = lambda _: Reply(
        events=[b": ping\r\n\r\n", *(whole[at : at + 7] for at in range(0, len(whole), 7))], pause=0.001
    )
    assert streamed(server, "crlf")[0] == f"番茄喜光\n\n{LABEL}"


def test_text_is_not_held_longer_than_needed(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paced"] = says("今天天气好" * 4, piece=1, pause=0.1)
    began = time.monotonic()
    first = 0.0
    for item in ask(server, "paced", stream=True):
        if item.choices and item.choices[0].delta.content:
            first = time.monotonic() - began
            break
    assert first < 1.0


def test_models_and_moderations_parse_in_the_client(server: Server) -> None:
    assert [model.id for model in server.client().models.list()] == ["test"]
    found = server.client().moderations.create(
        input=[f"说{MARKER}", "你好，电话13800138000", "身份证号110105194912310021"]
    )
    assert [r.flagged for r in found.results] == [True, False, False]
    assert extra(found.results[0].categories)["A.1.a"] is True
    ours = extra(found.results[0])["hegui"]
    assert ours["hits"][0]["start"] == 1
    assert MARKER not in json.dumps(ours, ensure_ascii=False)
    assert extra(found.results[1])["hegui"]["personal"] == [{"kind": "mobile", "start": 5, "end": 16, "valid": True}]
    assert extra(found.results[2])["hegui"]["personal"] == [
        {"kind": "resident_id", "start": 4, "end": 22, "valid": False}
    ]


def test_a_revoked_key_stops_within_seconds(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    made = json.loads(hegui("keys", "create", "--data", server.data, "--service", "gone", "--json").stdout)
    client = openai.OpenAI(base_url=server.gateway, api_key=made["key"], max_retries=0)
    client.chat.completions.create(model="safe", messages=[{"role": "user", "content": "好"}])
    hegui("keys", "revoke", "--data", server.data, made["id"])

    def refused() -> bool:
        try:
            client.chat.completions.create(model="safe", messages=[{"role": "user", "content": "好"}])
        except openai.AuthenticationError:
            return True
        return False

    assert wait_for(refused, 5)


def test_no_key_and_no_personal_data_is_in_the_ledger(
    server: Server, upstream: ScriptedUpstream, tmp_path: Any
) -> None:
    upstream.scripts["safe"] = says(SAFE)
    ask(server, "safe", "我叫张三，电话13800138000", user="zhangsan")
    records = server.export(tmp_path / "out")
    text = json.dumps(records, ensure_ascii=False)
    for secret in (server.key, "张三", "13800138000", "zhangsan", SAFE):
        assert secret not in text
    assert len(exchanges(records)) > 0


def test_text_beside_the_finish_reason_keeps_its_place(server: Server, upstream: ScriptedUpstream) -> None:
    for end in (DONE, b""):
        events = [chunk({"role": "assistant", "content": "番茄"}), chunk({"content": "喜光"}, "stop"), end]
        upstream.scripts["last"] = partial(_calling, events)
        said, finish, chunks = streamed(server, "last")
        assert (said, finish) == (f"番茄喜光\n\n{LABEL}", "stop")
        assert [c.choices[0].finish_reason for c in chunks if c.choices].count("stop") == 1


def test_one_choice_that_ends_does_not_hold_the_other(server: Server, upstream: ScriptedUpstream) -> None:
    events = [
        chunk({"role": "assistant", "content": "一"}), chunk({"role": "assistant", "content": "二"}, index=1),
        chunk({}, "stop"), *(chunk({"content": "续"}, index=1) for _ in range(8)), chunk({}, "stop", index=1), DONE,
    ]  # fmt: skip
    upstream.scripts["uneven"] = lambda _: Reply(events=events, pause=0.1)
    times: list[float] = []
    said = {0: "", 1: ""}
    for item in ask(server, "uneven", stream=True, n=2):
        for choice in item.choices:
            said[choice.index] += choice.delta.content or ""
            if choice.delta.content == "续":
                times.append(time.monotonic())
    assert said == {0: f"一\n\n{LABEL}", 1: f"二{'续' * 8}\n\n{LABEL}"}
    assert times[-1] - times[0] > 0.4


def test_text_after_the_end_is_withheld(server: Server, upstream: ScriptedUpstream) -> None:
    events = [chunk({"role": "assistant", "content": "一"}), chunk({}, "stop"), chunk({"content": "又"}), DONE]
    upstream.scripts["after"] = partial(_calling, events)
    said, finish, _ = streamed(server, "after")
    assert finish == "content_filter"
    assert "又" not in said


def test_what_was_withheld_is_kept_for_review_encrypted(
    server: Server, upstream: ScriptedUpstream, tmp_path: Any
) -> None:
    upstream.scripts["bad"] = says(f"前文。{MARKER}后文", piece=4)
    numbers = [number_of(ask(server, "bad")), number_of(streamed(server, "bad")[2][-1])]
    records = {r["id"]: r for r in server.export(tmp_path / "out", "--content")}
    for number in numbers:
        assert MARKER in json.dumps(records[number]["content"]["body"]["answer"], ensure_ascii=False)
        assert MARKER not in json.dumps(records[number]["payload"], ensure_ascii=False)


def test_names_that_a_client_makes_up_do_not_enter_the_ledger(server: Server) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "好", "张三13800138000": MARKER}]}
    reply = raw(server, body)
    assert reply.json()["choices"][0]["finish_reason"] == "content_filter"
    record = last_record(server, reply.headers["x-hegui-content-id"])
    assert "张三" not in json.dumps(record, ensure_ascii=False)
    for wrong in ({"stream_options": 1}, {"response_format": "x"}, {"model": "m" * 300}):
        assert (
            raw(server, {"model": "echo", "messages": [{"role": "user", "content": "x"}], **wrong}).status_code == 400
        )


@pytest.mark.parametrize(
    "hidden",
    [
        {"reasoning_details": [{"type": "reasoning.text", "text": MARKER}]},
        {"annotations": [{"type": "note", "note": {"title": MARKER}}]},
        {"x": [[MARKER]]},
        {"x": {MARKER: 1}},
        {"detail": {"text": MARKER}},
    ],
)
def test_fields_that_nobody_checks_do_not_pass(server: Server, upstream: ScriptedUpstream, hidden: Json) -> None:
    upstream.scripts["hidden"] = lambda body: (
        Reply(events=[chunk({"role": "assistant", "content": "好", **hidden}), chunk(hidden), chunk({}, "stop"), DONE])
        if body.get("stream")
        else Reply({**completion("好", **hidden), **hidden})
    )
    for stream in (True, False):
        reply = raw(server, {"model": "hidden", "stream": stream, "messages": [{"role": "user", "content": "x"}]})
        assert reply.status_code == 200
        assert MARKER not in reply.text
        assert MARKER.encode("unicode_escape").decode() not in reply.text
        assert "好" in reply.text


def test_a_whole_message_in_a_chunk_and_doubled_keys_do_not_pass(server: Server, upstream: ScriptedUpstream) -> None:
    bad = json.loads(chunk({"content": "好"})[6:])
    bad["choices"][0]["message"] = {"role": "assistant", "content": MARKER}
    twice = (
        b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%s","content":"ok"},"finish_reason":null}]}\n\n'
        % MARKER.encode()
    )
    events = [
        chunk({"role": "assistant", "content": "一"}),
        b"data: " + json.dumps(bad, ensure_ascii=False).encode() + b"\n\n",
        twice,
        chunk({}, "stop"),
        DONE,
    ]
    upstream.scripts["double"] = lambda _: Reply(events=events)
    reply = raw(server, {"model": "double", "stream": True, "messages": [{"role": "user", "content": "x"}]})
    assert MARKER not in reply.text
    assert "ok" in reply.text


def test_names_and_parts_are_checked_across_their_pieces(server: Server, upstream: ScriptedUpstream) -> None:
    half = len(MARKER) // 2
    pieces = [
        chunk({"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": MARKER[:half], "arguments": ""}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": MARKER[half:]}}]}), chunk({}, "tool_calls"), DONE,
    ]  # fmt: skip
    upstream.scripts["name"] = lambda _: Reply(events=pieces)
    reply = raw(server, {"model": "name", "stream": True, "messages": [{"role": "user", "content": "x"}]})
    assert MARKER[:half] not in reply.text
    assert "content_filter" in reply.text
    parts = completion("")
    parts["choices"][0]["message"]["content"] = [
        {"type": "text", "text": MARKER[:half]},
        {"type": "text", "text": MARKER[half:]},
    ]
    upstream.scripts["parts"] = lambda _: Reply(parts)
    assert ask(server, "parts").choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "video", "video": ["https://example.com/a"]}, {"type": "image", "image": "data:x"},
        {"image_url": "https://example.com/a"}, {"type": "text", "text": "x", "image_url": {"url": "y"}}, 7,
    ],
)  # fmt: skip
def test_only_text_is_let_in(server: Server, part: Any) -> None:
    reply = raw(server, {"model": "echo", "messages": [{"role": "user", "content": [part]}]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "unchecked_content")


@pytest.mark.parametrize(
    "extra_option",
    [
        {"reasoning_effort": MARKER}, {"verbosity": {"a": MARKER}}, {"chat_template_kwargs": {MARKER: 1}},
        {"tools": [{"type": MARKER}]}, {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"$defs": {"a": {"const": MARKER}}}}}]},
    ],
)  # fmt: skip
def test_identifiers_and_scalars_can_not_carry_text(server: Server, extra_option: Json) -> None:
    reply = raw(server, {"model": "echo", "messages": [{"role": "user", "content": "x"}], **extra_option})
    assert reply.json()["choices"][0]["finish_reason"] == "content_filter"


def test_odd_requests_are_answered_and_never_stop_the_service(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(SAFE)
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    for body in (
        {"model": "a\0b", "messages": [{"role": "user", "content": "x"}]},
        {"model": "safe", "messages": [{"role": [], "content": "x"}]},
        {"model": "safe", "messages": [{"role": "user", "content": "x", "deep": deep}]},
    ):
        assert raw(server, body).status_code == 400
    assert raw(server, {"model": "safe", "messages": [{"role": "user", "content": "a\0b"}]}).status_code == 200
    assert ask(server, "safe").choices[0].finish_reason == "stop"
    assert httpx2.get(server.gateway.removesuffix("/v1") + "/readyz").json()["status"] == "ok"


@pytest.mark.parametrize("usage", ["x", [1], {"note": MARKER}])
def test_odd_usage_and_indices_of_the_upstream_do_no_harm(
    server: Server, upstream: ScriptedUpstream, usage: Any
) -> None:
    body = completion("好")
    body["usage"] = usage
    upstream.scripts["usage"] = lambda request: (
        Reply(events=[chunk({"role": "assistant", "content": "好"}, usage=usage), chunk({}, "stop"), DONE])
        if request.get("stream")
        else Reply(body)
    )
    for stream in (True, False):
        reply = raw(server, {"model": "usage", "stream": stream, "messages": [{"role": "user", "content": "x"}]})
        assert (reply.status_code, MARKER in reply.text, "好" in reply.text) == (200, False, True)
        assert last_record(server, reply.headers["x-hegui-content-id"])["outcome"] == "answered"
    body["choices"] = [
        {"index": "a", "message": {"role": "assistant", "content": "好"}},
        {"index": 0, "message": {"role": "assistant", "content": "好"}},
    ]
    reply = raw(server, {"model": "usage", "messages": [{"role": "user", "content": "x"}]})
    assert last_record(server, reply.headers["x-hegui-content-id"])["outcome"] == "undetermined"


def test_a_long_answer_in_many_segments_arrives_whole(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["big"] = says("番茄" * 60_000)
    assert ask(server, "big").choices[0].message.content == "番茄" * 60_000 + f"\n\n{LABEL}"


def test_a_new_key_works_at_once_for_many_at_once(server: Server, upstream: ScriptedUpstream) -> None:
    from concurrent.futures import ThreadPoolExecutor

    upstream.scripts["safe"] = says(SAFE)
    body = {"model": "safe", "messages": [{"role": "user", "content": "好"}]}
    for _ in range(3):
        key = hegui("keys", "create", "--data", server.data, "--service", "fresh").stdout.strip()
        with ThreadPoolExecutor(16) as pool:
            codes = list(
                pool.map(lambda _, k=key: raw(server, body, Authorization=f"Bearer {k}").status_code, range(32))
            )
        assert codes == [200] * 32
