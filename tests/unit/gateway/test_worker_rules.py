"""A worker over real HTTP whose rules the test puts in force: audiences, set answers, a policy in shadow."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import openai
import psycopg
import pytest
import uvicorn

from hegui.general.content.book import Book, SetAnswer
from hegui.general.content.rows import Row
from hegui.kit.process import Given
from hegui.kit.settings import Settings
from hegui.people import api_keys
from hegui.people.permits import Role
from hegui.service.gateway import comparison, worker
from hegui.service.gateway.follower import CHANNEL, TAKEN, Connection
from hegui.service.gateway.inbound import RequestCheck
from hegui.store import unit_of_work
from hegui.store.revision import bump
from hegui.store.unit import driver_url
from tests.harness import wait_for
from tests.unit.people.desk import Desk, open_desk, see
from tests.upstream import Json, Reply, ScriptedUpstream, completion, says

LIBRARY = "关键词,一级分类,二级分类\n标记词甲,A.1,A.1.a\n标记词乙,A.2,A.2.a\n标记词丙,A.4,A.4.a\n"
POLICY = """
input: {risks: {A.1.a: answer, A.4.a: flag}}
output: {risks: {A.2.a: mask, A.4.a: flag}}
answers: {A.1.a: 请以官方发布为准。}
audiences: {minors: {input: {risks: {A.4.a: refuse}}, output: {risks: {A.4.a: refuse}}}}
services: {careful: {input: {risks: {A.1.a: refuse}}}}
"""
QUESTION = SetAnswer("q1", "样例问题一怎么办？", "样例回答一。", "A.1.b")
PLAIN = SetAnswer("q2", "标记词乙是什么", "样例回答二。")


class House:
    """A worker in this process, its console, and the book that is in force there."""

    def __init__(self, desk: Desk, url: str) -> None:
        self.desk = desk
        self.url = url
        self.books = [Book()]
        self._clients: dict[str, openai.OpenAI] = {}

    async def read(self, _: Connection, /) -> tuple[Book, datetime | None]:
        return self.books[-1], None

    def publish(self, book: Book) -> None:
        """Put a book in force and wait until the worker has it."""
        before = len(self.desk.entries(TAKEN))
        changed = book != self.books[-1]
        self.books.append(book)
        with psycopg.connect(driver_url(self.desk.store.url), autocommit=True) as connection:
            connection.execute(f"NOTIFY {CHANNEL}")
        assert not changed or wait_for(lambda: len(self.desk.entries(TAKEN)) > before)

    def client(self, service: str = "chat") -> openai.OpenAI:
        if service not in self._clients:
            with unit_of_work(self.desk.store) as session:
                key = api_keys.create_key(session, service, "test")
            self._clients[service] = openai.OpenAI(base_url=self.url, api_key=key.secret, max_retries=0, timeout=60)
        return self._clients[service]

    def ask(self, text: Any, *, service: str = "chat", minors: bool = False, **more: Any) -> Any:
        headers = {"x-hegui-audience": "minors"} if minors else {}
        messages: Any = text if isinstance(text, list) else [{"role": "user", "content": text}]
        return self.client(service).chat.completions.create(
            model=more.pop("model", "echo"), messages=messages, extra_headers=headers, **more
        )

    def record(self, answer: Any) -> Json:
        """Return the record of an answer."""
        found: Json = json.loads(
            self.desk.sql("SELECT payload FROM evidence_entry WHERE id = %s", number(answer))[0][0]
        )
        return found


def number(answer: Any) -> str:
    return str(answer.model_extra["hegui"]["content_id"])


def said(answer: Any) -> str:
    return str(answer.choices[0].message.content)


@contextmanager
def running(given: Given) -> Iterator[None]:
    """Run a worker in a thread of this process."""
    config = uvicorn.Config(worker.Worker(given), log_level="critical", access_log=False, lifespan="on", loop="asyncio")
    server = uvicorn.Server(config)
    threshold = gc.get_threshold()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket.socket(fileno=given.socket)]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        gc.unfreeze()
        gc.set_threshold(*threshold)


@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    (folder / "words.csv").write_text(LIBRARY)
    (folder / "policy.yaml").write_text(POLICY)
    with open_desk(request.config, folder / "data") as desk, pytest.MonkeyPatch.context() as patch:
        opened = socket.create_server(("127.0.0.1", 0))
        house = House(desk, f"http://127.0.0.1:{opened.getsockname()[1]}/v1")
        patch.setattr(worker, "RULEBOOK", lambda _: house.read)
        settings = Settings(
            data=desk.settings.data,
            library=str(folder / "words.csv"),
            policy=str(folder / "policy.yaml"),
            upstream=upstream.url,
        )
        reader, writer = os.pipe()
        with running(Given(settings, desk.store.url, opened.detach(), writer)):
            assert os.read(reader, 1) == b"1"
            yield house
        os.close(reader)
        os.close(writer)


@pytest.fixture(autouse=True)
def nothing_over_the_files(house: House) -> None:
    house.publish(Book())


# --- audiences ---------------------------------------------------------------------------------------


def test_what_a_grown_up_may_say_is_refused_where_the_request_says_minors(house: House) -> None:
    grown, minor = house.ask("说标记词丙"), house.ask("说标记词丙", minors=True)
    assert (grown.choices[0].finish_reason, minor.choices[0].finish_reason) == ("stop", "content_filter")
    assert [house.record(answer)["audience"] for answer in (grown, minor)] == ["general", "minors"]
    page = see(house.desk.browser(Role.AUDITOR).get(f"/exchanges/{number(minor)}?lang=zh")).text
    assert "未成年人" in page


def test_a_service_for_minors_can_not_be_loosened_by_a_request(house: House) -> None:
    house.client("school")
    with unit_of_work(house.desk.store) as session:
        api_keys.open_service(session, "school").settings = {"audience": "minors"}
        bump(session)
    wait_for(lambda: house.record(house.ask("你好", service="school"))["audience"] == "minors")
    answer = house.client("school").chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "标记词丙"}], extra_headers={"x-hegui-audience": "general"}
    )
    assert answer.choices[0].finish_reason == "content_filter"
    assert house.record(answer)["audience"] == "minors"


@pytest.mark.parametrize("audience", ["adults", "", "MINORS", "minors,general", "未成年人"])
@pytest.mark.parametrize("path", ["chat/completions", "moderations"])
def test_an_audience_that_is_not_known_is_an_error_that_says_which_are(house: House, path: str, audience: str) -> None:
    key = house.client().api_key
    answer = httpx2.post(
        f"{house.url}/{path}", json={"model": "echo", "input": "x", "messages": [{"role": "user", "content": "x"}]},
        headers={b"Authorization": f"Bearer {key}".encode(), b"x-hegui-audience": audience.encode()},
    )  # fmt: skip
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_audience", "x-hegui-audience")
    assert "general" in error["message"]
    assert "minors" in error["message"]


def test_moderations_judge_for_the_audience_too(house: House) -> None:
    one, other = (
        house.client().moderations.create(input="标记词丙", extra_headers=headers).results[0].model_dump()["hegui"]
        for headers in ({}, {"x-hegui-audience": "minors"})
    )
    assert (one["action"], other["action"]) == ("flag", "refuse")


# --- set answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        QUESTION.question, "样例　问题一，怎么办", "样*例*问*题一怎么办!!", [{"type": "text", "text": "样例问题一"}, {"type": "text", "text": "怎么办？"}],
    ],
    ids=str,
)  # fmt: skip
def test_a_question_with_an_approved_answer_is_answered_without_the_model(
    house: House, upstream: ScriptedUpstream, asked: Any, stream: bool
) -> None:
    house.publish(Book(answers=(QUESTION,)))
    before = len(upstream.requests)
    answer = house.ask([{"role": "user", "content": asked}], stream=stream)
    if stream:
        chunks = list(answer)
        text = "".join(item.choices[0].delta.content or "" for item in chunks if item.choices)
        answer = chunks[0]
        finish = next(
            item.choices[0].finish_reason for item in chunks if item.choices and item.choices[0].finish_reason
        )
    else:
        text, finish = said(answer), answer.choices[0].finish_reason
    assert (text, finish) == (QUESTION.answer, "stop"), "no label: it was written by the provider (decision 0006)"
    assert len(upstream.requests) == before
    record = house.record(answer)
    assert (record["outcome"], record["label"]) == ("set_answer", "")
    (verdict,) = record["verdicts"]
    assert (verdict["lane"], verdict["rule"], verdict["action"], verdict["risk"]) == (
        "question",
        "answer:q1",
        "answer",
        "A.1.b",
    )
    page = see(house.desk.browser(Role.AUDITOR).get(f"/exchanges/{number(answer)}?lang=zh")).text
    assert "代答库问题" in page


def test_what_is_refused_is_refused_though_the_question_has_an_answer(house: House) -> None:
    house.publish(Book(answers=(PLAIN,)))
    answer = house.ask(PLAIN.question)
    assert answer.choices[0].finish_reason == "content_filter"
    record = house.record(answer)
    assert record["outcome"] == "refused_input"
    assert {item["lane"] for item in record["verdicts"]} == {"question", "exact"}
    page = house.desk.browser(Role.AUDITOR).get(f"/exchanges/{number(answer)}?lang=zh")
    assert page.status_code == 200
    assert "未对应风险" in see(page).text, "an answer that belongs to no risk breaks no page"


def test_the_answer_to_the_question_goes_before_the_answer_for_the_risk(house: House) -> None:
    assert said(house.ask("说标记词甲")) == "请以官方发布为准。"
    house.publish(Book(answers=(SetAnswer("q3", "说标记词甲", "样例回答三。", "A.1.a"),)))
    assert said(house.ask("说标记词甲")) == "样例回答三。"
    assert house.ask("说标记词甲", service="careful").choices[0].finish_reason == "content_filter"


def test_only_what_is_asked_now_is_looked_up(house: House) -> None:
    house.publish(Book(answers=(QUESTION,)))
    old = [{"role": "user", "content": QUESTION.question}, {"role": "assistant", "content": "好"}]
    assert house.record(house.ask([*old, {"role": "user", "content": "还有呢"}]))["outcome"] == "answered"
    assert house.record(house.ask([{"role": "system", "content": QUESTION.question}]))["outcome"] == "answered"


def test_a_word_put_in_force_later_is_refused_in_the_next_request(house: House) -> None:
    assert house.ask("说标记词丁").choices[0].finish_reason == "stop"
    house.publish(Book(words=(Row(0, "标记词丁", "A.2.b", edit="e1"),)))
    answer = house.ask("说标记词丁")
    assert answer.choices[0].finish_reason == "content_filter"
    record = house.record(answer)
    assert record["verdicts"][0]["rule"] == "word:e1"
    ready = httpx2.get(house.url.removesuffix("/v1") + "/readyz").json()
    assert ready["versions"] == record["versions"]
    libraries = house.desk.settings.data / "libraries"
    libraries.mkdir(exist_ok=True)
    base = record["versions"]["library"].partition("+")[0]
    (libraries / f"{base}.json").write_text(json.dumps({"rows": [[2, "标记词甲", "A.1.a"]]}))
    shown = house.desk.browser(Role.COMPLIANCE_OFFICER).get(f"/exchanges/{number(house.ask('标记词甲'))}")
    assert "标记词甲" in shown.text, "the words of the file are still named"


# --- a policy in shadow --------------------------------------------------------------------------------


def shadowed(house: House, policy: str, text: str, **more: Any) -> tuple[Any, Json]:
    house.publish(Book(shadow=policy))
    answer = house.ask(text, **more)
    if more.get("stream"):
        answer, *_ = list(answer)
    return answer, house.record(answer)["shadow"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("policy", "text", "actions"),
    [
        ("input: {risks: {A.4.a: refuse}}", "标记词丙", (("flag", "flag"), ("refuse", "flag"))),
        ("input: {risks: {A.4.a: pass}}\noutput: {risks: {A.4.a: refuse}}", "标记词丙", (("flag", "flag"), ("pass", "refuse"))),
        ("input: {default: pass}", "标记词乙", (("refuse", None), ("pass", None))),
        ("output: {personal: {mobile: refuse}}", "电话13800138000", (("pass", "mask"), ("pass", "refuse"))),
        ("output: {personal: {mobile: pass}}", "电话13800138000", (("pass", "mask"), ("pass", "pass"))),
        ("output: {personal: {plate: mask}}", "车牌京A12345", (("pass", "pass"), ("pass", "mask"))),
    ],
)  # fmt: skip
def test_a_policy_in_shadow_says_what_it_would_have_done_and_does_nothing(
    house: House, policy: str, text: str, actions: Any, stream: bool
) -> None:
    plain = house.ask(text)
    answer, found = shadowed(house, policy, text, stream=stream)
    sides = tuple((found[which]["input"], found[which]["output"]) for which in ("live", "would"))
    assert sides == actions
    assert found["same"] is False
    assert {item["by"] for item in found["verdicts"]} <= {"live", "would"}
    assert found["verdicts"]
    after = house.record(answer)
    assert after["outcome"] == house.record(plain)["outcome"]
    browser = house.desk.browser(Role.AUDITOR)
    page = see(browser.get(f"/exchanges/{number(answer)}?lang=zh")).text
    assert "与实际处理不同" in page
    assert found["policy"] in page
    assert "试行策略不同" in see(browser.get("/exchanges?lang=zh")).text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "text",
    ["你好", "标记词丙和13800138000", "标记词乙", "标记词甲", "biaojici丙", "说MASK完"],
)
def test_the_same_policy_in_shadow_would_have_done_the_same(
    house: House, upstream: ScriptedUpstream, text: str, stream: bool
) -> None:
    upstream.scripts["masked"] = says("前标记词乙中13800138000后标记词甲尾标记词丙")
    for model in ("echo", "masked"):
        _, found = shadowed(house, "", text, model=model, stream=stream)
        assert (found["same"], found["verdicts"]) == (True, [])
        assert found["live"] == found["would"]


def test_a_shadow_that_fails_harms_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(RequestCheck):
        def run(self, body: Json) -> Any:
            raise ZeroDivisionError(body)

    monkeypatch.setattr(comparison, "RequestCheck", Broken)
    answer, found = shadowed(house, "input: {default: pass}", "标记词乙")
    assert answer.choices[0].finish_reason == "content_filter"
    assert (found["error"], found["same"], found["live"]["input"]) == (True, False, "refuse")
    page = house.desk.browser(Role.AUDITOR).get(f"/exchanges/{number(answer)}?lang=zh")
    assert "试行策略未能判定" in see(page).text


def test_moderations_are_judged_in_shadow_too(house: House) -> None:
    house.publish(Book(shadow="input: {risks: {A.4.a: refuse}}"))
    found = house.client().moderations.create(input="标记词丙").results[0].model_dump()["hegui"]
    assert found["action"] == "flag"
    kept = json.loads(house.desk.sql("SELECT payload FROM evidence_entry WHERE id = %s", found["content_id"])[0][0])
    assert (kept["shadow"]["live"]["input"], kept["shadow"]["would"]["input"]) == ("flag", "refuse")


def test_a_big_request_and_a_big_answer_are_judged_in_shadow_as_small_ones(
    house: House, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["long"] = says("长" * 70_000 + "标记词丙", piece=5000)
    _, found = shadowed(house, "output: {risks: {A.4.a: refuse}}", "好" * 70_000 + "标记词丙", model="long")
    assert (found["live"], found["would"]) == (
        {"input": "flag", "output": "flag"},
        {"input": "flag", "output": "refuse"},
    )


def test_arguments_of_a_tool_call_are_judged_in_shadow(house: House, upstream: ScriptedUpstream) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"q":"\\u6807记词丙13800138000"}'}}
    upstream.scripts["tool"] = lambda _: Reply(completion(None, tool_calls=[call]))
    answer, found = shadowed(house, "output: {risks: {A.4.a: refuse}}", "你好", model="tool")
    assert answer.choices[0].message.tool_calls[0].function.name == "f"
    assert (found["live"]["output"], found["would"]["output"]) == ("flag", "refuse"), "escapes hide nothing from either"
    _, found = shadowed(house, "", "你好", model="tool")
    assert found["same"] is True
