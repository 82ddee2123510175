"""第九条 Article 9: the provider answers as a producer of content and as a handler of personal information, by agreement with users.

The room `service.agreements` is not built; moderation records exist (the gateway's), and are shown as such and no more.
"""

from __future__ import annotations

import json

from tests.harness import Server
from tests.law.asking import Json, block, duty, is_not_built, said
from tests.upstream import ScriptedUpstream, says


def test_a_producer_and_a_handler() -> None:
    assert (duty("IM-9.1a").paragraph, duty("IM-9.1b").paragraph, duty("IM-9.2").paragraph) == (1, 1, 2)
    assert "网络信息内容生产者" in duty("IM-9.1a").duty.zh
    assert "producer" in duty("IM-9.1a").duty.en
    assert duty("IM-9.1a").parents == ("CSL",)
    assert duty("IM-9.1b").who == ("provider", "pi_handler")
    assert duty("IM-9.1b").parents == ("PIPL",)
    assert duty("IM-9.1b").mark == duty("IM-9.2").mark == "S"


def test_the_agreement_comes_before_the_service() -> None:
    assert duty("IM-9.2").phase == ("preparation",)
    assert "rights and duties of both sides" in duty("IM-9.2").duty.en
    assert {"DSP-8", "LAB-8"} == set(duty("IM-9.2").see)
    assert "用户注册 / a user registers" in block(said("IM-9"), "IM-9.2")
    assert "二手来源 / secondary source" in block(said("IM-9"), "IM-9.2")


def test_rooms_that_are_not_built(board: dict[str, Json]) -> None:
    assert is_not_built(board["IM-9.1a"], "general.content")
    assert is_not_built(board["IM-9.1b"], "service.privacy")
    assert is_not_built(board["IM-9.2"], "service.agreements")
    assert is_not_built(board["LAB-8"], "service.agreements")
    assert is_not_built(board["DSP-9"], "service.agreements")


def test_every_answer_leaves_the_record_that_a_producer_needs(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["art9"] = says("番茄喜光。")
    answer = server.client().chat.completions.create(model="art9", messages=[{"role": "user", "content": "你好"}])
    number = (answer.model_extra or {})["hegui"]["content_id"]
    with server.database() as connection:
        row = connection.execute("SELECT payload FROM evidence_entry WHERE id = %s", (number,)).fetchone()
    assert row is not None
    record = json.loads(row[0])
    assert (record["content_id"], record["service"], record["outcome"]) == (number, "test", "answered")
    assert all(record["versions"][name] for name in ("policy", "library", "law")), (
        "by which library, policy and law it was judged"
    )
