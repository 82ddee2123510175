"""Guard models, ended conversations and placeholders in the gateway, with the real `openai` client over real servers."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from hegui.general.content.classify import Labels, Record
from hegui.general.content.classify.training import Options, train
from tests.harness import Server, hegui, wait_for
from tests.upstream import DONE, Json, Reply, ScriptedUpstream, chunk, completion, says, spoken

LABEL = "（本内容由人工智能生成 / AI-generated）"
BAD, DOUBT, DOWN, SLOW, ODD = "护栏样例乙", "护栏样例丙", "护栏样例丁", "护栏样例戊", "护栏样例己"
SCORED = "示例标记词乙丑"
ENDS, WORD = "终止样例词甲", "拒答样例词乙"
GOOD = "番茄喜光，夏天要早晚浇水，叶子发黄时先看根。" * 4
PHONE, OTHER_PHONE, RESIDENT = "13812345678", "13987654321", "11010519491231002X"

POLICY = """
input:
  risks: {A.2: end}
  personal: {mobile: replace, resident_id: replace}
  lanes: {default: [exact, hidden, guard]}
output:
  risks: {A.2: end}
  lanes: {default: [exact, hidden, guard]}
services:
  scored:
    input: {lanes: {default: [exact]}}
    output: {lanes: {default: [exact, model]}, caps: {model: refuse}, thresholds: {model: {A.1.f: 0.2}}}
  looked:
    input: {lanes: {default: [exact]}}
    output: {lanes: {default: [exact, model]}, thresholds: {model: {A.1.f: 0.2}}}
  noting: {input: {caps: {guard: flag}}, output: {caps: {guard: flag}}}
  words: {input: {lanes: {default: [exact, hidden]}}, output: {lanes: {default: [exact, hidden]}}}
"""


def judge(body: Json) -> Reply:
    """Answer as Qwen3Guard does, by marks in the text."""
    text = str(body["messages"][-1]["content"])
    refusal = "\nRefusal: No" if body["messages"][-1]["role"] == "assistant" else ""
    if DOWN in text:
        return Reply(status=503)
    if ODD in text:
        return Reply(completion("I would say that this is fine."))
    safety, category = "Safe", "None"
    if BAD in text or DOUBT in text:
        safety, category = ("Unsafe" if BAD in text else "Controversial"), "Violent"
    return Reply(
        completion(f"Safety: {safety}\nCategories: {category}{refusal}"), wait=30 if SLOW in text else 0
    )  # fmt: skip


def trained() -> bytes:
    """Return a classifier that knows one made-up word, among random sentences."""
    draw, found = random.Random(1), []
    for number in range(300):
        text = "".join(chr(draw.randint(0x4E00, 0x4F2B)) for _ in range(draw.randint(12, 50)))
        at = draw.randint(0, len(text)) if number % 3 == 0 else 0
        said = text[:at] + SCORED + text[at:] if number % 3 == 0 else text
        found.append(Record(said, frozenset({"A.1.f"} if number % 3 == 0 else set[str]()), f"s{number % 3}"))
    return train(Labels(sorted(found, key=lambda item: item.text), ()), Options(trials=False)).model


@pytest.fixture(scope="module")
def guard() -> Iterator[ScriptedUpstream]:
    service = ScriptedUpstream().start()
    service.scripts["guard"] = judge
    yield service
    service.stop()


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream, guard: ScriptedUpstream
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "words.csv").write_text(f"word,risk\n{ENDS},A.2.a\n{WORD},A.1.b\n")
    (folder / "guard.yaml").write_text(
        f"family: qwen3guard\nurl: {guard.url}\nmodel: guard\nretries: 0\ncall_seconds: 3\ntotal_seconds: 3.5\n"
        "breaker_failures: 1000\n"
    )
    (folder / "own.model").write_bytes(trained())
    files = (
        "--model",
        folder / "own.model",
        "--policy",
        folder / "policy.yaml",
        "--library",
        folder / "words.csv",
        "--guard",
        folder / "guard.yaml",
    )
    running = Server(folder / "data", *map(str, files), upstream=upstream.url).start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client_of(guarded: Server) -> Callable[[str], openai.OpenAI]:
    made: dict[str, openai.OpenAI] = {}

    def client(service: str) -> openai.OpenAI:
        if service not in made:
            key = hegui("keys", "create", "--data", guarded.data, "--service", service).stdout.strip()
            made[service] = openai.OpenAI(base_url=guarded.gateway, api_key=key, max_retries=0, timeout=60)
        return made[service]

    return client


def ask(client: openai.OpenAI, model: str, text: str = "你好", **more: Any) -> tuple[str, str, str, Any]:
    """Return what was said, why it ended, the content number, and the answer."""
    messages = more.pop("messages", None) or [{"role": "user", "content": text}]
    given = client.chat.completions.create(model=model, messages=messages, **more)
    if not more.get("stream"):
        choice = given.choices[0]
        return choice.message.content or "", choice.finish_reason, given.model_extra["hegui"]["content_id"], given
    chunks = list(given)
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    finish = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    return said, finish[-1] if finish else "", chunks[-1].model_extra["hegui"]["content_id"], chunks


def record(server: Server, content_id: str) -> Json:
    query = (
        "SELECT e.payload, x.flagged, x.risks FROM evidence_entry e JOIN gateway_exchange x USING (id) WHERE id = %s"
    )
    with server.database() as connection:
        assert wait_for(lambda: connection.execute(query, (content_id,)).fetchone())
        row = connection.execute(query, (content_id,)).fetchone()
    assert row is not None
    return {**json.loads(row[0]), "flagged": row[1], "risks": row[2]}


def kept(server: Server, content_id: str) -> Json:
    """Return the content of an exchange as its record keeps it, opened with the keys of the data directory."""
    from hegui.evidence.keyring import open_keyring
    from hegui.service.gateway.records import ContentBox

    with server.database() as connection:
        row = connection.execute("SELECT content FROM gateway_exchange WHERE id = %s", (content_id,)).fetchone()
    assert row is not None
    opened = ContentBox(open_keyring(server.data)).open(content_id, bytes(row[0]))
    assert opened is not None
    found: Json = opened["body"]
    return found


BOTH = pytest.mark.parametrize("stream", [False, True])


# --- questions ---------------------------------------------------------------------------------------


@BOTH
def test_a_question_that_the_guard_finds_unsafe_is_refused_before_the_model_is_asked(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, stream: bool
) -> None:
    before = len(upstream.requests)
    said, finish, number, _ = ask(client_of("chat"), "echo", f"请说{BAD}", stream=stream)
    assert finish == "content_filter"
    assert "申诉" in said
    assert len(upstream.requests) == before
    found = record(guarded, number)
    assert found["outcome"] == "refused_input"
    [verdict] = found["verdicts"]
    assert (verdict["risk"], verdict["rule"], verdict["lane"], verdict["part"]) == (
        "A.1.f", "guard:Violent", "guard", "messages[0]",
    )  # fmt: skip
    assert found["versions"]["guard"].startswith("guard@")


@pytest.mark.parametrize("mark", [DOWN, SLOW, ODD])
@BOTH
def test_a_question_that_the_guard_could_not_judge_is_withheld(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, stream: bool, mark: str
) -> None:
    before = len(upstream.requests)
    said, finish, number, _ = ask(client_of("chat"), "echo", f"请说{mark}", stream=stream)
    assert finish == "content_filter"
    assert "内容检查未能完成" in said
    assert len(upstream.requests) == before
    found = record(guarded, number)
    assert (found["outcome"], found["not_scanned"], found["flagged"]) == ("undetermined", ["input:guard"], True)


def test_where_the_guard_could_only_flag_the_talk_goes_on_and_a_person_is_told(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["good"] = says(GOOD)
    for text, missing, risks in ((f"请说{DOWN}", ["input:guard"], []), (f"请说{BAD}", [], ["A.1.f"])):
        said, finish, number, _ = ask(client_of("noting"), "good", text)
        assert (said, finish) == (f"{GOOD}\n\n{LABEL}", "stop")
        found = record(guarded, number)
        assert (found["outcome"], found["not_scanned"], found["flagged"]) == ("answered", missing, True)
        assert found["risks"] == risks


def test_what_is_only_controversial_is_flagged_and_answered(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["good"] = says(GOOD)
    _, finish, number, _ = ask(client_of("chat"), "good", f"请说{DOUBT}")
    found = record(guarded, number)
    assert (finish, found["outcome"], found["flagged"]) == ("stop", "answered", True)


def test_the_guard_sees_the_current_turn_and_the_system_message_and_no_old_turn(
    guard: ScriptedUpstream, upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["good"] = says(GOOD)
    before = len(guard.requests)
    messages = [
        {"role": "system", "content": "你是园丁一号"}, {"role": "user", "content": "旧问题一号"},
        {"role": "assistant", "content": "旧回答一号"}, {"role": "user", "content": "新问题一号"},
    ]  # fmt: skip
    ask(client_of("chat"), "good", messages=messages)
    asked = guard.requests[before:]
    inputs = [item["messages"][0]["content"] for item in asked if len(item["messages"]) == 1]
    assert sorted(inputs) == ["你是园丁一号", "新问题一号"]
    answers = [item["messages"] for item in asked if len(item["messages"]) == 2]
    assert [item[0]["content"] for item in answers] == ["新问题一号"], "an answer is judged with what it answers"


def test_where_policy_asks_for_no_guard_none_is_asked(
    guard: ScriptedUpstream, upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["bad"] = says(f"前文。{BAD}")
    before = len(guard.requests)
    said, finish, _, _ = ask(client_of("words"), "bad", f"请说{BAD}二", stream=True)
    assert BAD in said
    assert finish == "stop"
    assert len(guard.requests) == before


def test_moderations_ask_the_guard_too(guarded: Server, client_of: Any) -> None:
    found = client_of("chat").moderations.create(input=f"请说{BAD}三").results[0]
    assert found.flagged
    assert found.model_extra["hegui"]["hits"][0]["rule"] == "guard:Violent"
    with pytest.raises(openai.InternalServerError) as refused:
        client_of("chat").moderations.create(input=f"请说{DOWN}三")
    assert refused.value.code == "undetermined"
    noted = client_of("noting").moderations.create(input=f"请说{DOWN}三").results[0]
    assert noted.model_extra["hegui"]["not_scanned"] == [{"why": "input:guard"}]


def test_readyz_tells_how_the_guard_does(guarded: Server) -> None:
    body = httpx2.get(guarded.gateway.removesuffix("/v1") + "/readyz", timeout=10).json()
    assert body["status"] == "ok"
    assert body["guard"]["circuit"] == "closed"
    assert body["guard"]["calls"] > 0


def test_a_guard_that_can_not_be_used_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "guard.yaml").write_text("family: qwen3guard\nurl: http://guard.example/v1\nmodel: guard\n")
    done = hegui("serve", "--data", tmp_path / "data", "--guard", tmp_path / "guard.yaml", check=False)
    assert done.returncode != 0
    assert "plain_http" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_ledger_says_which_guard_was_in_force_at_the_start(guarded: Server) -> None:
    with guarded.database() as connection:
        row = connection.execute("SELECT payload FROM evidence_entry WHERE kind = 'service.started'").fetchone()
    assert row is not None
    assert json.loads(row[0])["versions"]["guard"].startswith("guard@")


# --- answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
def test_a_stream_leaves_as_it_is_judged_and_ends_where_it_is_bad(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, piece: int
) -> None:
    # The first sentence end past 80 characters, then the next past 160.
    upstream.scripts["bad"] = says(f"{GOOD}然后{BAD}，{GOOD}", piece=piece)
    said, finish, number, _ = ask(client_of("chat"), "bad", stream=True)
    assert finish == "content_filter"
    assert said.startswith(f"{GOOD}\n\n{LABEL}\n\n回答涉及")
    assert "然后" not in said
    found = record(guarded, number)
    assert (found["outcome"], found["label"]) == ("refused_output", "end")
    assert {item["rule"] for item in found["verdicts"]} == {"guard:Violent"}
    answer = kept(guarded, number)["answer"]
    assert answer["choices[0].content"] == GOOD
    assert BAD in answer["choices[0].content (withheld)"]


@pytest.mark.parametrize("mark", [DOWN, SLOW])
def test_a_stretch_that_could_not_be_judged_does_not_leave(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, mark: str
) -> None:
    upstream.scripts["gone"] = says(f"{GOOD}然后{mark}。", piece=9)
    said, finish, number, _ = ask(client_of("chat"), "gone", stream=True)
    assert finish == "content_filter"
    assert said.startswith(f"{GOOD}\n\n{LABEL}\n\n内容检查未能完成")
    assert mark not in said
    found = record(guarded, number)
    assert (found["outcome"], found["not_scanned"]) == ("undetermined", ["output:guard"])


@pytest.mark.parametrize(
    ("mark", "outcome", "told"),
    [(BAD, "refused_output", "回答涉及"), (DOWN, "undetermined", "内容检查未能完成")],
)
def test_a_plain_answer_is_judged_whole(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, mark: str, outcome: str, told: str
) -> None:
    upstream.scripts["plain"] = says(f"{GOOD}然后{mark}。")
    said, finish, number, _ = ask(client_of("chat"), "plain")
    assert said.startswith(told)
    assert finish == "content_filter"
    assert record(guarded, number)["outcome"] == outcome


@BOTH
def test_a_good_answer_arrives_whole_and_labelled(upstream: ScriptedUpstream, client_of: Any, *, stream: bool) -> None:
    upstream.scripts["long"] = says(GOOD * 5, piece=11)
    said, finish, _, _ = ask(client_of("chat"), "long", stream=stream)
    assert (said, finish) == (f"{GOOD * 5}\n\n{LABEL}", "stop")


@BOTH
def test_where_the_guard_could_only_flag_an_answer_is_judged_once_and_not_held(
    guarded: Server, guard: ScriptedUpstream, upstream: ScriptedUpstream, client_of: Any, *, stream: bool
) -> None:
    text = f"{GOOD}{stream}{BAD}{GOOD}"
    upstream.scripts["noted"] = says(text, piece=11)
    before = len(guard.requests)
    said, finish, number, _ = ask(client_of("noting"), "noted", stream=stream)
    assert (said, finish) == (f"{text}\n\n{LABEL}", "stop")
    found = record(guarded, number)
    assert (found["outcome"], found["flagged"], found["risks"]) == ("answered", True, ["A.1.f"])
    assert sum(len(item["messages"]) == 2 for item in guard.requests[before:]) == 1
    upstream.scripts["noted"] = says(f"{text}{DOWN}", piece=11)
    said, finish, number, _ = ask(client_of("noting"), "noted", stream=stream)
    assert (said, finish) == (f"{text}{DOWN}\n\n{LABEL}", "stop")
    assert record(guarded, number)["not_scanned"] == ["output:guard"]


@pytest.mark.parametrize(("service", "mark"), [("noting", BAD), ("looked", SCORED)])
def test_what_left_before_a_word_ended_it_is_judged_by_those_who_can_only_flag(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, service: str, mark: str
) -> None:
    upstream.scripts["both"] = says(f"{GOOD}{mark}。{WORD}，{GOOD}", piece=7)
    said, finish, number, _ = ask(client_of(service), "both", stream=True)
    assert finish == "content_filter"
    assert said.startswith(f"{GOOD}{mark}。")
    found = record(guarded, number)
    assert (found["outcome"], found["flagged"]) == ("refused_output", True)
    assert [(item["risk"], item["action"]) for item in found["verdicts"] if item["lane"] in {"guard", "model"}] == [
        ("A.1.f", "flag")
    ]


def test_a_guard_that_is_slow_stalls_nobody_else(guarded: Server, upstream: ScriptedUpstream, client_of: Any) -> None:
    upstream.scripts["good"] = says(GOOD)
    client_of("chat"), client_of("words")
    ended: list[str] = []

    def wait_for_the_guard() -> None:
        ask(client_of("chat"), "echo", f"请等{SLOW}")
        ended.append("slow")

    waiting = threading.Thread(target=wait_for_the_guard)
    waiting.start()
    time.sleep(0.2)
    ask(client_of("words"), "good")
    ended.append("quick")
    waiting.join()
    assert ended == ["quick", "slow"]


def test_who_leaves_before_the_judgement_has_got_nothing_and_is_recorded(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["leave"] = lambda _: Reply(events=spoken([GOOD, f"然后{SLOW}。"])[:-2], pause=0.05)
    given = client_of("chat").chat.completions.create(
        model="leave", stream=True, messages=[{"role": "user", "content": "你好"}]
    )
    said, number = "", ""
    for one in given:
        number = number or one.model_extra["hegui"]["content_id"]
        said += one.choices[0].delta.content or ""
        if said:
            break
    time.sleep(0.3)
    given.close()
    assert said == GOOD
    found = record(guarded, number)
    assert found["outcome"] == "client_gone"
    answer = kept(guarded, number)["answer"]
    assert answer["choices[0].content"] == GOOD
    assert SLOW in answer["choices[0].content (withheld)"]


# --- the classifier in answers -----------------------------------------------------------------------


@BOTH
def test_where_the_classifier_may_refuse_nothing_leaves_that_it_did_not_score(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, stream: bool
) -> None:
    upstream.scripts["scored"] = says(f"{GOOD}{SCORED}，{GOOD}", piece=5)
    said, finish, number, _ = ask(client_of("scored"), "scored", stream=stream)
    assert finish == "content_filter"
    assert SCORED not in said
    assert said.startswith(f"{GOOD}\n\n{LABEL}\n\n回答涉及" if stream else "回答涉及")
    found = record(guarded, number)
    assert found["outcome"] == "refused_output"
    assert {(item["lane"], item["risk"], item["action"]) for item in found["verdicts"]} == {
        ("model", "A.1.f", "refuse")
    }


@BOTH
def test_where_the_classifier_only_shows_where_to_look_nothing_waits_for_it(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, stream: bool
) -> None:
    upstream.scripts["scored"] = says(f"{GOOD}{SCORED}，{GOOD}", piece=5)
    said, finish, number, _ = ask(client_of("looked"), "scored", stream=stream)
    assert (said, finish) == (f"{GOOD}{SCORED}，{GOOD}\n\n{LABEL}", "stop")
    found = record(guarded, number)
    assert (found["outcome"], found["flagged"], found["risks"]) == ("answered", True, ["A.1.f"])
    [verdict] = found["verdicts"]
    at = len(GOOD)
    assert verdict["start"] <= at < at + len(SCORED) <= verdict["end"]


# --- the end of a conversation -----------------------------------------------------------------------


@BOTH
def test_a_question_can_end_the_conversation(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, stream: bool
) -> None:
    before = len(upstream.requests)
    said, finish, number, _ = ask(client_of("words"), "echo", f"请谈谈{ENDS}", stream=stream)
    assert finish == "content_filter"
    assert "请开始新的对话" in said
    assert "begin a new one" in said
    assert number in said
    assert ENDS not in said
    assert len(upstream.requests) == before
    assert record(guarded, number)["outcome"] == "ended_input"


@BOTH
def test_what_stood_before_the_end_stays_labelled_in_plain_answers_too(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, stream: bool
) -> None:
    upstream.scripts["ends"] = says(f"番茄喜光。{ENDS}以及更多", piece=3)
    said, finish, number, _ = ask(client_of("words"), "ends", stream=stream)
    assert finish == "content_filter"
    assert said.startswith(f"番茄喜光。\n\n{LABEL}\n\n回答涉及本服务不能提供的内容，到此结束")
    assert number in said
    assert ENDS not in said
    assert "以及" not in said
    found = record(guarded, number)
    assert (found["outcome"], found["label"]) == ("ended_output", "end")
    answer = kept(guarded, number)["answer"]
    assert answer["choices[0].content"] == "番茄喜光。"
    assert ENDS in answer["choices[0].content (withheld)"]


def test_what_is_refused_is_replaced_whole_though_something_else_would_only_end(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any
) -> None:
    body = completion(f"番茄喜光。{ENDS}")
    body["choices"].append(
        {"index": 1, "message": {"role": "assistant", "content": f"早晚浇水。{WORD}"}, "finish_reason": "stop"}
    )
    upstream.scripts["mixed"] = lambda _: Reply(body)
    said, _, number, answer = ask(client_of("words"), "mixed", n=2)
    assert said.startswith("回答涉及")
    assert [choice.finish_reason for choice in answer.choices] == ["content_filter"] * 2
    assert "浇水" not in str(answer)
    assert record(guarded, number)["outcome"] == "refused_output"


def test_a_call_that_broke_off_is_not_handed_to_a_tool(upstream: ScriptedUpstream, client_of: Any) -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "note", "arguments": f'{{"a": "{ENDS}"}}'}}]
    upstream.scripts["call"] = lambda _: Reply(completion("我来记。", tool_calls=calls))
    said, finish, _, answer = ask(client_of("words"), "call")
    assert said.startswith("我来记。")
    assert (finish, answer.choices[0].message.tool_calls) == ("content_filter", None)


# --- placeholders ------------------------------------------------------------------------------------


def seen(upstream: ScriptedUpstream) -> str:
    return json.dumps(upstream.requests[-1]["messages"], ensure_ascii=False)


@pytest.mark.parametrize("service", ["chat", "words"])
@pytest.mark.parametrize("piece", [1, 2, 3, 5, 100])
@BOTH
def test_the_model_never_sees_a_number_and_the_person_gets_it_back(
    guarded: Server, upstream: ScriptedUpstream, client_of: Any, *, service: str, piece: int, stream: bool
) -> None:
    upstream.scripts["back"] = says("好的，会打⟦手机1⟧，不打⟦手机2⟧、⟦手机9⟧，证件⟦身份证号⟧。", piece=piece)
    messages = [
        {"role": "user", "content": f"我的电话是{PHONE}"}, {"role": "assistant", "content": f"记下了{PHONE}。"},
        {"role": "user", "content": f"打{PHONE}，别打{OTHER_PHONE}，身份证{RESIDENT}。"},
    ]  # fmt: skip
    said, finish, number, _ = ask(client_of(service), "back", messages=messages, stream=stream)
    told = f"好的，会打{PHONE}，不打{OTHER_PHONE}、⟦手机9⟧，证件⟦身份证号⟧。"
    assert (said, finish) == (f"{told}\n\n{LABEL}", "stop")
    for value in (PHONE, OTHER_PHONE, RESIDENT):
        assert value not in json.dumps(upstream.requests[-1], ensure_ascii=False)
    assert seen(upstream).count("⟦手机1⟧") == 3
    assert "⟦身份证号⟧" in seen(upstream)
    found = record(guarded, number)
    assert {item["action"] for item in found["verdicts"]} == {"replace"}
    content = kept(guarded, number)
    assert "⟦手机1⟧" in content["answer"]["choices[0].content"]
    for value in (PHONE, OTHER_PHONE, RESIDENT):
        assert value not in json.dumps(content, ensure_ascii=False)


def test_the_guard_sees_no_number_either(guard: ScriptedUpstream, upstream: ScriptedUpstream, client_of: Any) -> None:
    upstream.scripts["back"] = says("会打⟦手机1⟧。")
    before = len(guard.requests)
    ask(client_of("chat"), "back", f"请打电话{PHONE}，谢谢", stream=True)
    asked = json.dumps(guard.requests[before:], ensure_ascii=False)
    assert "⟦手机1⟧" in asked
    assert PHONE not in asked


def test_a_stream_can_be_cut_inside_a_placeholder_where_it_is_judged(
    upstream: ScriptedUpstream, client_of: Any
) -> None:
    # A judgement is due after 200 characters, between the signs of the placeholder.
    text = "早" * 198 + "⟦手机1⟧" + "晚" * 30
    upstream.scripts["cut"] = says(text, piece=1000)
    said, _, _, _ = ask(client_of("chat"), "cut", f"打{PHONE}", stream=True)
    assert said == text.replace("⟦手机1⟧", PHONE) + f"\n\n{LABEL}"


WRITTEN = "⟦原文1⟧"
_ARGUMENTS = '{"to": "⟦手机1⟧", "note": "⟦手机1⟧\\n好"}'


def _escaped(text: str) -> str:
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\u{ord(match[0]):04x}", text)


@pytest.mark.parametrize("arguments", [_ARGUMENTS, _escaped(_ARGUMENTS), '{"to": "⟦手机1⟧"}'])
@pytest.mark.parametrize("service", ["chat", "words"])
@BOTH
def test_the_call_of_a_tool_gets_the_number_in_sound_json(
    upstream: ScriptedUpstream, client_of: Any, *, service: str, arguments: str, stream: bool
) -> None:
    def call(place: int, **function: str) -> Json:
        return {"index": place, "id": "c", "type": "function", "function": function}

    def script(body: Json) -> Reply:
        if not body.get("stream"):
            return Reply(completion(None, tool_calls=[call(0, name="dial", arguments=arguments)]))
        pieces = [arguments[at : at + 4] for at in range(0, len(arguments), 4)]
        return Reply(
            events=[
                chunk({"role": "assistant", "tool_calls": [call(0, name="dial", arguments="")]}),
                *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in pieces),
                chunk({}, "tool_calls"), DONE,
            ]
        )  # fmt: skip

    upstream.scripts["dial"] = script
    _, _, _, answer = ask(client_of(service), "dial", f"打{PHONE}", stream=stream)
    if stream:
        parts = [call for one in answer for c in one.choices for call in c.delta.tool_calls or []]
        got = "".join(part.function.arguments or "" for part in parts if part.function)
    else:
        got = answer.choices[0].message.tool_calls[0].function.arguments
    assert json.loads(got)["to"] == PHONE
    assert "⟦" not in json.dumps(json.loads(got), ensure_ascii=False)


def test_arguments_of_an_old_call_stay_sound_json_and_hide_what_is_escaped(
    upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["good"] = says("好。")
    hidden = "".join(f"\\u{ord(sign):04x}" for sign in OTHER_PHONE)
    arguments = f'{{"a": {PHONE}, "b": "{hidden}", "c": ["{PHONE}", true]}}'
    messages = [
        {"role": "user", "content": f"打{PHONE}"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "dial", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "c1", "content": f"已拨{OTHER_PHONE}"},
    ]  # fmt: skip
    ask(client_of("words"), "good", messages=messages)
    sent = upstream.requests[-1]["messages"]
    assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {
        "a": "⟦手机1⟧", "b": "⟦手机2⟧", "c": ["⟦手机1⟧", True],
    }  # fmt: skip
    assert sent[2]["content"] == "已拨⟦手机2⟧"


def test_a_number_across_two_parts_is_hidden_and_the_operators_own_is_not(
    upstream: ScriptedUpstream, client_of: Any
) -> None:
    upstream.scripts["good"] = says("好。")
    parts = [{"type": "text", "text": f"打{PHONE[:5]}"}, {"type": "text", "text": f"{PHONE[5:]}吧"}]
    messages = [{"role": "system", "content": f"本店电话{OTHER_PHONE}"}, {"role": "user", "content": parts}]
    ask(client_of("words"), "good", messages=messages)
    sent = upstream.requests[-1]["messages"]
    assert sent[0]["content"] == f"本店电话{OTHER_PHONE}"
    assert "".join(part["text"] for part in sent[1]["content"]) == "打⟦手机1⟧吧"


def test_a_placeholder_that_somebody_wrote_names_nobodys_number(upstream: ScriptedUpstream, client_of: Any) -> None:
    upstream.scripts["back"] = says(f"{WRITTEN}与⟦手机1⟧")
    said, _, _, _ = ask(client_of("words"), "back", f"⟦手机1⟧是什么？我是{PHONE}", stream=True)
    assert said.startswith(f"⟦手机1⟧与{PHONE}")
    assert WRITTEN in seen(upstream)


@pytest.mark.parametrize(("service", "text"), [("words", f"{WORD}，我是{PHONE}"), ("chat", f"{BAD}，我是{PHONE}")])
def test_a_refused_question_is_recorded_without_the_number(
    guarded: Server, client_of: Any, *, service: str, text: str
) -> None:
    _, finish, number, _ = ask(client_of(service), "echo", text)
    assert finish == "content_filter"
    content = json.dumps(kept(guarded, number), ensure_ascii=False)
    assert PHONE not in content
    assert "⟦手机1⟧" in content


def test_a_checked_text_is_recorded_without_the_number(guarded: Server, client_of: Any) -> None:
    found = client_of("words").moderations.create(input=f"我是{PHONE}").results[0]
    assert PHONE not in json.dumps(kept(guarded, found.model_extra["hegui"]["content_id"]), ensure_ascii=False)


def test_json_stays_json_when_values_come_back(upstream: ScriptedUpstream, client_of: Any) -> None:
    upstream.scripts["json"] = says('{"said": "⟦原文1⟧", "to": "⟦手机1⟧"}', piece=4)
    ask_json = partial(ask, client_of("words"), "json", f"打{PHONE}，⟦ 手机1⟧", response_format={"type": "json_object"})
    for stream in (False, True):
        said, _, _, _ = ask_json(stream=stream)
        assert json.loads(said) == {"said": "⟦ 手机1⟧", "to": PHONE}
