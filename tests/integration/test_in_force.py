"""A real server with a policy for services and audiences and a trained classifier: what each request meets, and who sees it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from hegui.general.content.classify import Labels, Record
from hegui.general.content.classify.training import Options, train
from tests.harness import Server, hegui, wait_for
from tests.integration.test_gateway import last_record, number_of
from tests.unit.people.desk import Browser, see
from tests.upstream import Json, ScriptedUpstream, says

LEARNT = "合规样例词癸亥"
NEW_PASSWORD = "correct horse battery"
LIBRARY = "关键词,一级分类,二级分类\n标记词甲,A.1,A.1.a\n标记词乙,A.4,A.4.a\n"
POLICY = """
input: {risks: {A.4.a: pass}, thresholds: {model: {default: 0.5}}}
audiences: {minors: {input: {risks: {A.4.a: refuse}}}}
services:
  chat: {input: {risks: {A.1.a: answer}}, answers: {A.1.a: 请以官方发布为准。}}
"""


def classifier(path: Path) -> Path:
    """Train a classifier that knows one marker, in a second."""
    draw, found = random.Random(7), []
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 300)]
    for count in range(400):
        text = "".join(draw.choices(signs, k=draw.randint(12, 40)))
        hit = count % 2 == 1
        found.append(Record(LEARNT + text if hit else text, frozenset({"A.2.b"} if hit else ()), f"s{count % 3}"))
    labels = Labels(sorted(found, key=lambda item: (item.text, item.source)), ())
    path.write_bytes(train(labels, Options(trials=False)).model)
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("in-force")
    (folder / "words.csv").write_text(LIBRARY)
    (folder / "policy.yaml").write_text(POLICY)
    files = {
        "HEGUI_LIBRARY": folder / "words.csv", "HEGUI_POLICY": folder / "policy.yaml",
        "HEGUI_MODEL": classifier(folder / "model.bin"), "HEGUI_WORKERS": 2,
    }  # fmt: skip
    server = Server(folder / "data", upstream=upstream.url, **{key: str(value) for key, value in files.items()}).start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def console(house: Server) -> Browser:
    browser = Browser(house.console)
    browser.sign_in("admin", house.password)
    browser.get("/password")
    browser.post("/password", {"old": house.password, "new": NEW_PASSWORD, "again": NEW_PASSWORD})
    return browser


@pytest.fixture(scope="module")
def clients(house: Server) -> dict[str, openai.OpenAI]:
    found = {}
    for service in ("chat", "other"):
        key = hegui("keys", "create", "--data", house.data, "--service", service).stdout.strip()
        found[service] = openai.OpenAI(base_url=house.gateway, api_key=key, max_retries=0, timeout=60)
    return found


def ask(client: openai.OpenAI, text: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": text}], extra_headers=named
    )


def test_a_service_has_its_own_rules_and_the_others_the_operators(
    house: Server, clients: dict[str, openai.OpenAI]
) -> None:
    one, other = (ask(clients[service], "说标记词甲") for service in ("chat", "other"))
    assert one.choices[0].message.content == "请以官方发布为准。"
    assert other.choices[0].finish_reason == "content_filter"
    found = [last_record(house, number_of(answer)) for answer in (one, other)]
    assert [item["outcome"] for item in found] == ["set_answer", "refused_input"]
    assert len({item["versions"]["policy"] for item in found}) == 1, "one policy with one version"


def test_a_request_for_minors_meets_the_stricter_rules(house: Server, clients: dict[str, openai.OpenAI]) -> None:
    client = clients["other"]
    grown = client.moderations.create(input="标记词乙").results[0].model_dump()["hegui"]["action"]
    minor = ask(client, "标记词乙", x_hegui_audience="minors")
    assert (grown, minor.choices[0].finish_reason) == ("pass", "content_filter")
    assert last_record(house, number_of(minor))["audience"] == "minors"
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "好", x_hegui_audience="adults")
    assert "minors" in caught.value.message


def test_a_service_can_be_for_minors_altogether(house: Server) -> None:
    key = hegui("keys", "create", "--data", house.data, "--service", "school").stdout.strip()
    hegui("services", "set", "school", "--data", house.data, "audience=minors")
    client = openai.OpenAI(base_url=house.gateway, api_key=key, max_retries=0)
    assert wait_for(lambda: ask(client, "标记词乙").choices[0].finish_reason == "content_filter", 10)
    refused = hegui("services", "set", "school", "--data", house.data, "audience=adults", check=False)
    assert refused.returncode == 2
    assert "minors" in refused.stderr


def test_a_word_by_its_sound_is_answered_flagged_and_seen_in_the_console(
    house: Server, clients: dict[str, openai.OpenAI], console: Browser, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["plain"] = says("今天天气好")
    answer = clients["other"].chat.completions.create(
        model="plain", messages=[{"role": "user", "content": "说说biaoji词甲"}]
    )
    assert answer.choices[0].finish_reason == "stop"
    found = last_record(house, number_of(answer))
    assert [(item["lane"], item["action"]) for item in found["verdicts"]] == [("pinyin", "flag")]
    link = f'href="/exchanges/{number_of(answer)}"'
    for flagged, there in (("any", True), ("high", True), ("low", False)):
        assert (link in console.get(f"/exchanges?flagged={flagged}&service=other").text) is there
    assert console.get("/exchanges?flagged=sometimes").status_code == 400
    page = see(console.get(f"/exchanges/{number_of(answer)}?lang=zh")).text
    assert "送审 · 紧急程度 高" in page
    assert "拼音" in page
    with house.database() as connection:
        row = connection.execute(
            "SELECT flagged, urgency, length(fingerprint) FROM gateway_exchange WHERE id = %s", (number_of(answer),)
        ).fetchone()
    assert row == (True, "high", 32)


def test_the_classifiers_score_is_told_in_moderations_and_shown(
    house: Server, clients: dict[str, openai.OpenAI], console: Browser
) -> None:
    result: Json = clients["other"].moderations.create(input=f"{LEARNT}一丁七万").results[0].model_dump()
    (hit,) = result["hegui"]["hits"]
    assert (hit["risk"], hit["lane"], hit["action"]) == ("A.2.b", "model", "flag")
    assert 0.5 <= hit["score"] < 1
    assert result["category_scores"]["A.2.b"] == pytest.approx(hit["score"], abs=1e-4)
    assert (result["flagged"], result["categories"]["A.2.b"]) == (True, True)
    exact: Json = clients["other"].moderations.create(input="标记词甲").results[0].model_dump()
    assert exact["category_scores"]["A.1.a"] == 1.0
    version = result["hegui"]["versions"]["model"]
    assert version
    page = see(console.get(f"/exchanges/{result['hegui']['content_id']}?lang=zh")).text
    assert str(hit["score"]) in page
    assert version in page
    assert "分类模型" in page
