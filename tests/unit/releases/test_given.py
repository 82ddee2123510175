"""Answers without the explicit label: only under a leave, with the implicit label, and logged before the last byte."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import openai
import psycopg
import pytest

from hegui.evidence.entries import commit_to
from hegui.kit import clock, ids
from hegui.kit.calls import CallError
from hegui.service.labels.text import DEFAULT_WORDING
from hegui.service.releases import Releases, acts
from hegui.store import unit_of_work
from hegui.store.unit import driver_url
from tests.application import MARKED, OFFICER, House
from tests.harness import wait_for
from tests.unit.gateway.media.labelling import picture
from tests.unit.labels.pictures import CODE
from tests.unit.people.desk import Desk
from tests.upstream import Json, Reply, ScriptedUpstream, completion, says

SAID = "一句口号"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def fields(number: str) -> Json:
    return {
        "Label": "1", "ContentProducer": CODE, "ProduceID": number, "ReservedCode1": "", "ContentPropagator": CODE,
        "PropagateID": number, "ReservedCode2": "",
    }  # fmt: skip


def refused(house: House, grant: str, user: str | None = "u1", service: str = "chat", **more: Any) -> str:
    """Ask under a leave that is none; nothing is generated. Return what code the client got."""
    before = house.desk.sql("SELECT count(*) FROM gateway_exchange")
    with pytest.raises(openai.PermissionDeniedError) as error:
        house.application(service).ask(grant, user, **more)
    assert house.desk.sql("SELECT count(*) FROM gateway_exchange") == before
    body: Any = error.value.body
    assert body["message"].count(" / ") == 1
    return str(body["code"])


def test_without_a_leave_every_answer_carries_its_label(house: House) -> None:
    made = house.application().openai.chat.completions.create(
        model="echo", user="u1", messages=[{"role": "user", "content": SAID}]
    )
    assert made.choices[0].message.content == f"{SAID}\n\n{DEFAULT_WORDING}"
    assert "label" not in (made.model_extra or {})["hegui"]


def test_a_leave_gives_the_text_alone_with_its_implicit_label_beside_it_and_a_log(house: House) -> None:
    grant = house.granted()
    raw = house.application().openai.chat.completions.with_raw_response.create(
        model="echo", user="u1", messages=[{"role": "user", "content": SAID}],
        extra_headers={"x-hegui-unlabelled": grant},
    )  # fmt: skip
    made = raw.parse()
    assert made.choices[0].message.content == SAID
    told = (made.model_extra or {})["hegui"]
    number = told["content_id"]
    assert told["label"] == {"AIGC": fields(number), "sha256": {"0": digest(SAID)}}
    assert raw.headers["x-hegui-label"] == "released"
    assert json.loads(raw.headers["x-hegui-aigc"]) == {"AIGC": fields(number)}
    ((content, kind, state, logged, due),) = house.contents(grant)
    assert (content, kind, state, logged) == (number, "text", "given", digest(SAID))
    record = json.loads(house.desk.sql("SELECT payload FROM evidence_entry WHERE id = %s", number)[0][0])
    assert record["label"] == "released"
    # Six calendar months, to the end of that day in China; never 180 days.
    assert (due.astimezone(clock.CHINA).date() - clock.today()).days >= 181
    entry = json.loads(house.desk.entries("release.given")[-1])
    # The digest of a short text tells the text: the ledger has a commitment to it alone.
    ((salt,),) = house.desk.sql("SELECT digest_salt FROM release_content WHERE content_id = %s", number)
    sealed = commit_to(salt, digest(SAID).encode())
    assert entry == {"content_id": number, "commitment": sealed, "grant": grant, "kind": "text"}
    application = house.application().get(f"/grants/{grant}/contents").json()["data"]
    assert [(one["content_id"], one["sha256"]) for one in application] == [(number, digest(SAID))]


def test_a_stream_under_a_leave_ends_with_the_implicit_label_of_what_left(
    house: House, upstream: ScriptedUpstream
) -> None:
    grant = house.granted("streamer")
    upstream.scripts["long"] = says("甲乙丙丁戊己庚辛" * 20, piece=3)
    events = list(house.application().ask(grant, "streamer", model="long", stream=True))
    text = "".join(one.choices[0].delta.content or "" for one in events if one.choices)
    assert text == "甲乙丙丁戊己庚辛" * 20
    told = (events[-1].model_extra or {})["hegui"]
    assert told["label"] == {"AIGC": fields(told["content_id"]), "sha256": {"0": digest(text)}}
    assert house.contents(grant)[0][2:4] == ("given", digest(text))


def test_several_choices_are_one_content_with_a_digest_each(house: House, upstream: ScriptedUpstream) -> None:
    def two(_: Json) -> Reply:
        body = completion("第一")
        body["choices"].append({**body["choices"][0], "index": 1, "message": {"role": "assistant", "content": "第二"}})
        return Reply(body)

    upstream.scripts["two"] = two
    grant = house.granted("two")
    made = house.application().ask(grant, "two", model="two")
    assert made.model_extra["hegui"]["label"]["sha256"] == {"0": digest("第一"), "1": digest("第二")}
    whole = digest(f"0:{digest('第一')}\n1:{digest('第二')}\n")
    assert house.contents(grant)[0][3] == whole


def test_a_text_beside_a_picture_is_logged_as_the_text_that_it_is(house: House, upstream: ScriptedUpstream) -> None:
    drawn = f"data:image/png;base64,{b64encode(picture()).decode()}"
    parts = [{"type": "text", "text": SAID}, {"type": "image_url", "image_url": {"url": drawn}}]
    upstream.scripts["parts"] = lambda _: Reply(completion(None, content=parts))
    grant = house.granted("parts")
    made = house.application().ask(grant, "parts", model="parts")
    assert drawn not in str(made), "the picture has its label: the leave is for text"
    assert made.model_extra["hegui"]["label"]["sha256"] == {"0": digest(SAID)}
    assert [row[2:4] for row in house.contents(grant)] == [("given", digest(SAID))]


def test_an_answer_of_calls_alone_is_logged_as_given(house: House, upstream: ScriptedUpstream) -> None:
    called = [{"id": "c1", "type": "function", "function": {"name": "write", "arguments": '{"text": "一句口号"}'}}]
    upstream.scripts["calls"] = lambda _: Reply(completion(None, tool_calls=called))
    grant = house.granted("calls")
    assert house.application().ask(grant, "calls", model="calls").choices[0].message.tool_calls
    ((state, logged),) = [row[2:4] for row in house.contents(grant)]
    assert state == "given"
    assert len(logged) == 64


def test_a_request_that_is_not_accepted_leaves_nothing_open(house: House) -> None:
    grant = house.granted("picture")
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked: Any = [{"role": "user", "content": [part]}]
    with pytest.raises(openai.BadRequestError, match="image_url"):
        house.application().openai.chat.completions.create(
            model="echo", user="picture", messages=asked, extra_headers={"x-hegui-unlabelled": grant}
        )
    assert wait_for(lambda: [row[2:4] for row in house.contents(grant)] == [("withheld", None)])


def test_a_client_that_goes_away_during_the_commit_leaves_no_log_open(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("hasty")
    slow = completion(SAID)
    upstream.scripts["slow whole"] = lambda _: Reply(slow, wait=0.5)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(driver_url(house.desk.store.url)) as connection:
        asked = pool.submit(house.application().ask, grant, "hasty", model="slow whole", timeout=2)
        assert wait_for(lambda: len(house.contents(grant)) == 1)
        connection.execute("SELECT FROM release_content WHERE grant_id = %s FOR UPDATE", (grant,))
        assert isinstance(asked.exception(), openai.APITimeoutError)
        time.sleep(0.5)  # the worker sees that the client has gone
    assert wait_for(lambda: house.contents(grant)[0][2] == "given")
    assert house.contents(grant)[0][3] == digest(SAID)


def test_what_is_refused_was_not_given(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("bad")
    application = house.application()
    for text, stream in ((MARKED, False), (MARKED, True)):
        made = application.ask(grant, "bad", text, stream=stream)
        said = "".join(map(str, made)) if stream else str(made)
        assert MARKED not in said
        assert '"label"' not in said
    upstream.scripts["slips"] = says(MARKED)
    assert MARKED not in str(application.ask(grant, "bad", model="slips"))
    assert MARKED not in str(list(application.ask(grant, "bad", model="slips", stream=True)))
    assert [row[2:4] for row in house.contents(grant)] == [("withheld", None)] * 4
    upstream.scripts["later"] = says(f"先说这句{MARKED}")
    with pytest.raises(openai.APIError):
        list(application.ask(grant, "bad", model="no such model", stream=True))
    text = "".join(
        one.choices[0].delta.content or "" for one in application.ask(grant, "bad", model="later", stream=True)
    )
    # What stood before the hit did leave, without its label: it is logged as given.
    assert text.startswith("先说这句")
    assert [row[2:4] for row in house.contents(grant)][4:] == [("withheld", None), ("given", digest(text))]


def test_only_the_user_who_asked_at_the_service_where_they_asked(house: House) -> None:
    grant = house.granted("owner")
    assert refused(house, grant, "somebody else") == "unlabelled_unknown"
    assert refused(house, grant, "owner", service="other") == "unlabelled_unknown"
    assert refused(house, grant, None) == "unlabelled_user_missing"
    assert refused(house, ids.uuid7(), "owner") == "unlabelled_unknown"
    assert refused(house, "' OR true --", "owner") == "unlabelled_unknown"
    assert house.contents(grant) == []


def test_a_leave_begins_with_the_approval_and_not_before(house: House) -> None:
    application = house.application()
    grant = application.request("early")
    assert refused(house, grant["id"], "early") == "unlabelled_pending"
    assert application.accept(grant, "early").json()["state"] == "accepted"
    assert refused(house, grant["id"], "early") == "unlabelled_pending"
    house.approve(grant["id"])
    assert application.ask(grant["id"], "early").choices[0].message.content == "写一句口号"


def test_revoking_stops_the_very_next_answer_and_its_user_is_told_why(house: House) -> None:
    grant = house.granted("stop")
    house.application().ask(grant, "stop")
    with unit_of_work(house.desk.store) as session:
        acts.revoke(session, grant, Desk.account(session, OFFICER), "查实未按承诺添加标识")
    with pytest.raises(openai.PermissionDeniedError, match="查实未按承诺添加标识") as error:
        house.application().ask(grant, "stop")
    body: Any = error.value.body
    assert body["code"] == "unlabelled_revoked"
    told = house.application().get(f"/grants/{grant}").json()
    assert (told["state"], told["reason"]) == ("revoked", "查实未按承诺添加标识")
    assert "查实" not in "".join(house.desk.entries("release.revoked"))


def test_a_leave_ends_by_time_by_number_and_by_kind(house: House) -> None:
    lapsed = house.granted("late")
    house.desk.sql("UPDATE release_grant SET lapses_at = now() - interval '1 second' WHERE id = %s", lapsed)
    assert refused(house, lapsed, "late") == "unlabelled_lapsed"
    once = house.granted("once", most=1)
    house.application().ask(once, "once")
    assert refused(house, once, "once") == "unlabelled_used_up"
    spared = house.granted("spared", most=1)
    house.application().ask(spared, "spared", MARKED)
    assert house.application().get(f"/grants/{spared}").json()["used"] == 0
    assert house.application().ask(spared, "spared").choices[0].message.content == "写一句口号"
    pictures = house.granted("pictures", kinds=["image", "audio"])
    assert refused(house, pictures, "pictures") == "unlabelled_kind"


def test_machine_texts_and_conversations_of_others_stay_as_they_are(house: House) -> None:
    grant = house.granted("json")
    made = house.application().ask(grant, "json", '{"a": 1}')
    assert made.choices[0].message.content == '{"a": 1}'
    # A moderation makes nothing: the header is nothing to it.
    checked = house.application().openai.moderations.create(input="你好", extra_headers={"x-hegui-unlabelled": grant})
    assert checked.results[0].flagged is False


def test_what_can_not_be_logged_does_not_leave(house: House) -> None:
    grant = house.granted("away")
    house.desk.sql("ALTER TABLE release_content RENAME TO gone")
    try:
        with pytest.raises(openai.InternalServerError) as error:
            house.application().ask(grant, "away")
        body: Any = error.value.body
        assert body["code"] == "not_recorded"
    finally:
        house.desk.sql("ALTER TABLE gone RENAME TO release_content")
    assert house.application().ask(grant, "away").choices[0].message.content == "写一句口号"


def test_a_client_that_goes_away_is_logged_with_what_left(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("gone")
    upstream.scripts["slow"] = says("一二三四五六七八九十", piece=1, pause=0.2)
    stream = house.application().ask(grant, "gone", model="slow", stream=True)
    for event in stream:
        if event.choices and event.choices[0].delta.content:
            break
    stream.close()
    assert wait_for(lambda: house.contents(grant)[0][2] == "given")
    assert house.contents(grant)[0][3]


# --- the port alone ------------------------------------------------------------------------------------


def test_the_port_serves_whoever_gives_other_kinds(house: House) -> None:
    grant = house.granted("drawer", kinds=["image"], most=2)
    person = house.desk.keyring.person("chat", "drawer")

    async def draw() -> None:
        releases = Releases(driver_url(house.desk.store.url), 6)
        release = await releases.allowed(grant, "chat", person, "image")
        await release.log("picture-1", "d" * 64)  # begun by being logged
        await release.begin("picture-2")
        await release.withhold("picture-2")  # and does not count
        await release.begin("picture-2b")
        with pytest.raises(CallError, match="used up"):
            await release.begin("picture-3")
        with pytest.raises(CallError) as error:
            await releases.allowed(grant, "chat", person, "image")
        assert (error.value.status, error.value.code) == (403, "unlabelled_used_up")
        await releases.close()

    asyncio.run(draw())
    assert [(row[0], *row[1:4]) for row in house.contents(grant)] == [
        ("picture-1", "image", "given", "d" * 64), ("picture-2", "image", "withheld", None),
        ("picture-2b", "image", "begun", None),
    ]  # fmt: skip


def test_a_connection_that_broke_is_opened_again(house: House) -> None:
    grant = house.granted("again")
    person = house.desk.keyring.person("chat", "again")

    async def twice() -> None:
        releases = Releases(driver_url(house.desk.store.url), 6)
        await releases.allowed(grant, "chat", person, "text")
        with psycopg.connect(driver_url(house.desk.store.url), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE %s AND pid <> pg_backend_pid()",
                ("%FROM release_grant%",),
            )
        with pytest.raises(Exception, match="can not be read"):
            await releases.allowed(grant, "chat", person, "text")
        assert (await releases.allowed(grant, "chat", person, "text")).grant == grant
        await releases.close()

    asyncio.run(twice())
