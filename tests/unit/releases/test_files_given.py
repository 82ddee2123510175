"""Pictures and speech without the explicit label: under a leave of their kind, the implicit label in the file, logged before the end."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
from PIL import Image

from hegui.kit import clock
from hegui.people import api_keys
from hegui.people.facts import Result
from hegui.service.gateway.oversight import facts, queries
from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Label
from hegui.store import unit_of_work
from tests.application import MARKED, House
from tests.harness import wait_for
from tests.unit.gateway.media.labelling import OTHER, independent, picture, sound
from tests.unit.labels.media import packets
from tests.unit.labels.pictures import CODE
from tests.upstream import DONE, Json, Reply, ScriptedUpstream, chunk, completion

SAID = "今天天气很好"
RAW = base64.b64encode(picture()).decode()


def paints(*data: bytes, **more: Any) -> Reply:
    return Reply({"created": 7, "data": [{"b64_json": base64.b64encode(one).decode(), **more} for one in data]})


def speaks(data: bytes, piece: int = 4096, pause: float = 0, *, abort: bool = False) -> Reply:
    return Reply(events=[data[at : at + piece] for at in range(0, len(data), piece)], pause=pause, abort=abort)


def under(grant: str) -> dict[str, str]:
    return {"x-hegui-unlabelled": grant}


def draw(house: House, grant: str, user: str = "u1", **more: Any) -> Any:
    given: Json = {"model": "paint", "prompt": "山间的湖", "response_format": "b64_json", **more}
    return house.application().openai.images.with_raw_response.generate(user=user, extra_headers=under(grant), **given)


def speak(house: House, grant: str, user: str = "u1", **more: Any) -> httpx2.Response:
    body = {"model": "speak", "voice": "a", "input": SAID, "user": user, "response_format": "wav", **more}
    return house.application().http.post("/audio/speech", json=body, headers=under(grant))


def record(house: House, number: str) -> Json:
    found: Json = json.loads(house.desk.sql("SELECT payload FROM evidence_entry WHERE id = %s", number)[0][0])
    return found


def bare(data: bytes, suffix: str, number: str, folder: Path) -> None:
    """Check that a file has its implicit label, by our reader and by others, and no pixel of a mark."""
    found = files.inspect_bytes(data, f"x.{suffix}")
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, Label.first(CODE, number), ())
    path = folder / f"x.{suffix}"
    path.write_bytes(data)
    said = independent(path)
    assert number in said or suffix == "wav"
    if suffix == "png":
        (folder / "before.png").write_bytes(picture())
        with Image.open(path) as after, Image.open(folder / "before.png") as before:
            assert np.array_equal(np.asarray(after), np.asarray(before))


# --- pictures ------------------------------------------------------------------------------------------


def test_a_picture_under_a_leave_has_no_mark_and_its_implicit_label(
    house: House, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.scripts["paint"] = lambda _: paints(picture())
    grant = house.granted("u1", kinds=["image"])
    raw = draw(house, grant)
    [item] = raw.parse().data
    data, number = base64.b64decode(item.b64_json), raw.headers["x-hegui-content-id"]
    assert raw.headers["x-hegui-label"] == "released"
    bare(data, "png", number, tmp_path)
    kept = record(house, number)
    assert (kept["label"], kept["outcome"]) == ("released", "answered")
    [entry] = kept["media"]
    assert (entry["explicit"], entry["verdict"], entry["c2pa"], entry["sha256"]) == (
        "released", "present", "none", sha256(data).hexdigest(),
    )  # fmt: skip
    ((content, kind, state, logged, _),) = house.contents(grant)
    assert (content, kind, state, logged) == (number, "image", "given", sha256(data).hexdigest())
    told = json.loads(house.desk.entries("release.given")[-1])
    assert told == {"content_id": number, "commitment": told["commitment"], "grant": grant, "kind": "image"}
    assert logged not in str(told), "the ledger commits to the digest, and does not tell it"
    # Without the header the same user gets the mark.
    plain = house.application().openai.images.with_raw_response.generate(model="paint", prompt="湖", user="u1")
    assert plain.headers["x-hegui-label"] == "mark"
    assert record(house, plain.headers["x-hegui-content-id"])["label"] == "mark:bottom-right"


def test_several_pictures_by_url_are_one_content_with_a_digest_of_digests(
    house: House, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["paint"] = lambda _: paints(picture(), picture("JPEG"))
    grant = house.granted("two", kinds=["image", "audio"])
    raw = draw(house, grant, "two", n=2, response_format="url")
    number = raw.headers["x-hegui-content-id"]
    digests = [sha256(httpx2.get(item.url).content).hexdigest() for item in raw.parse().data]
    whole = sha256(f"0:{digests[0]}\n1:{digests[1]}\n".encode()).hexdigest()
    assert house.contents(grant)[0][:4] == (number, "image", "given", whole)
    assert [item["number"] for item in record(house, number)["media"]] == [f"{number}-1", f"{number}-2"]


def test_words_beside_a_picture_keep_their_label(house: House, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paint"] = lambda _: paints(picture(), revised_prompt="晨光中的湖")
    [item] = draw(house, house.granted("words", kinds=["image"]), "words").parse().data
    assert item.revised_prompt.startswith("晨光中的湖")
    assert "人工智能生成" in item.revised_prompt


def test_what_an_upstream_wrote_of_itself_stays_under_a_leave(
    house: House, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(picture())
    files.write(path, path, Label.first(OTHER, "u-9"))
    upstream.scripts["paint"] = lambda _: paints(path.read_bytes())
    raw = draw(house, house.granted("theirs", kinds=["image"]), "theirs")
    [item] = raw.parse().data
    label = files.inspect_bytes(base64.b64decode(item.b64_json), "x.png").label
    assert label == Label.first(OTHER, "u-9").propagated(CODE, raw.headers["x-hegui-content-id"])


def test_a_picture_that_is_refused_fails_or_is_withheld_was_not_given(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("none", kinds=["image"])
    cases: list[tuple[Json, Reply]] = [
        ({"prompt": f"画{MARKED}"}, paints(picture())),
        ({}, paints(picture(), revised_prompt=f"湖边的{MARKED}")),
        ({}, paints(picture()[:-30])),
        ({}, Reply({"error": {"message": "no"}}, status=500)),
        ({}, Reply({"created": 1, "data": []})),
    ]
    for number, (more, reply) in enumerate(cases):
        upstream.scripts["paint"] = lambda _, reply=reply: reply  # type: ignore[misc]
        with pytest.raises(openai.APIStatusError):
            draw(house, grant, "none", **more)
        assert [row[2:4] for row in house.contents(grant)] == [("withheld", None)] * (number + 1)


def test_a_client_that_leaves_before_its_picture_was_not_given_it(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("left", kinds=["image"])
    upstream.scripts["paint"] = lambda _: Reply(paints(picture()).body, wait=2)
    body = {"model": "paint", "prompt": "湖", "user": "left"}
    with pytest.raises(httpx2.TimeoutException):
        house.application().http.post("/images/generations", json=body, headers=under(grant), timeout=0.5)
    assert wait_for(lambda: [row[2:4] for row in house.contents(grant)] == [("withheld", None)])


def test_what_can_not_be_logged_does_not_leave(house: House, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paint"] = lambda _: paints(picture())
    grant = house.granted("away", kinds=["image"])
    house.desk.sql("ALTER TABLE release_content ADD CONSTRAINT none_given CHECK (state <> 'given') NOT VALID")
    shelf = house.settings.data / "media" / "shelf"
    before = len(list(shelf.iterdir())) if shelf.is_dir() else 0
    try:
        with pytest.raises(openai.InternalServerError) as error:
            draw(house, grant, "away", response_format="url")
    finally:
        house.desk.sql("ALTER TABLE release_content DROP CONSTRAINT none_given")
    body: Any = error.value.body
    assert body["code"] == "not_recorded"
    assert len(list(shelf.iterdir())) == before, "nobody can fetch it"
    assert wait_for(lambda: [row[2:4] for row in house.contents(grant)] == [("withheld", None)])


# --- speech --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "opus"])
def test_speech_under_a_leave_has_no_rhythm_and_passes_as_it_comes(
    kind: str, house: House, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    given = sound(kind)
    upstream.scripts["speak"] = lambda _: speaks(given)
    grant = house.granted(f"s-{kind}", kinds=["audio"])
    reply = speak(house, grant, f"s-{kind}", response_format=kind)
    number = reply.headers["x-hegui-content-id"]
    assert (reply.status_code, reply.headers["x-hegui-label"]) == (200, "released")
    bare(reply.content, kind, number, tmp_path)
    assert packets(reply.content) == packets(given), "not one packet of the sound changed"
    [entry] = record(house, number)["media"]
    assert (entry["explicit"], entry["sent"]) == ("released", "body")
    assert house.contents(grant)[0][:4] == (number, "audio", "given", sha256(reply.content).hexdigest())


def test_a_service_with_a_spoken_label_that_is_not_there_still_gives_under_a_leave(
    house: House, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["speak"] = lambda _: speaks(sound("wav"))
    with unit_of_work(house.desk.store) as session:
        api_keys.open_service(session, "spoken").settings = {"sound_kind": "speech"}
    application, grant = house.application("spoken"), house.granted("u1", "spoken", kinds=["audio"])
    body = {"model": "speak", "voice": "a", "input": SAID, "user": "u1", "response_format": "wav"}
    assert application.http.post("/audio/speech", json=body).json()["error"]["code"] == "no_spoken_label"
    reply = application.http.post("/audio/speech", json=body, headers=under(grant))
    assert (reply.status_code, reply.headers["x-hegui-label"]) == (200, "released")


def test_speech_that_is_refused_or_withheld_whole_was_not_given(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("mute", kinds=["audio"])
    for more, data in (({"input": MARKED}, sound("wav")), ({}, b"\1\2" * 9000), ({}, b"")):
        upstream.scripts["speak"] = lambda _, data=data: speaks(data)  # type: ignore[misc]
        assert speak(house, grant, "mute", **more).status_code in {400, 502}
    # What a check of the request itself refuses was begun, and ends, too.
    assert speak(house, grant, "mute", options=[MARKED]).status_code == 400
    assert [row[2:4] for row in house.contents(grant)] == [("withheld", None)] * 4


def test_a_sound_that_breaks_off_or_is_left_is_logged_with_what_left(house: House, upstream: ScriptedUpstream) -> None:
    grant = house.granted("part", kinds=["audio"])
    upstream.scripts["speak"] = lambda _: speaks(sound("wav")[:-9000], abort=True)
    with pytest.raises(httpx2.HTTPError):
        speak(house, grant, "part")
    upstream.scripts["slow"] = lambda _: speaks(sound("wav"), pause=0.1)
    body = {"model": "slow", "voice": "a", "input": SAID, "user": "part", "response_format": "wav"}
    with house.application().http.stream("POST", "/audio/speech", json=body, headers=under(grant)) as reply:
        next(reply.iter_raw(100))
    assert wait_for(lambda: [row[2] for row in house.contents(grant)] == ["given", "given"])
    for number, _, _, digest, _ in house.contents(grant):
        assert wait_for(lambda number=number: house.desk.sql("SELECT 1 FROM gateway_exchange WHERE id = %s", number))
        [entry] = record(house, number)["media"]
        assert (entry["sent"], entry["explicit"], entry["sha256"]) == ("part", "released", digest)


# --- kinds ---------------------------------------------------------------------------------------------


def test_a_leave_is_for_its_kinds_alone(house: House, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paint"] = lambda _: paints(picture())
    upstream.scripts["speak"] = lambda _: speaks(sound("wav"))
    for kind in ("text", "image", "audio"):
        grant, before = house.granted(f"only-{kind}", kinds=[kind]), len(upstream.requests)
        found = {
            "text": house.application().http.post(
                "/chat/completions",
                json={"model": "echo", "user": f"only-{kind}", "messages": [{"role": "user", "content": SAID}]},
                headers=under(grant),
            ),
            "image": house.application().http.post(
                "/images/generations",
                json={"model": "paint", "user": f"only-{kind}", "prompt": SAID},
                headers=under(grant),
            ),
            "audio": speak(house, grant, f"only-{kind}"),
        }
        for asked, reply in found.items():
            if asked == kind:
                assert reply.headers["x-hegui-label"] == "released"
            else:
                assert (reply.status_code, reply.json()["error"]["code"]) == (403, "unlabelled_kind")
        assert len(upstream.requests) == before + 1, "nothing is made that may not be given"
        assert [row[1] for row in house.contents(grant)] == [kind]


def test_nobody_elses_leave_and_none_without_a_user(house: House, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    grant = house.granted("owner", kinds=["image", "audio"])
    for path, body in (("/images/generations", {"prompt": "湖"}), ("/audio/speech", {"input": "湖", "voice": "a"})):
        for user, code in (({"user": "another"}, "unlabelled_unknown"), ({}, "unlabelled_user_missing")):
            reply = house.application().http.post(path, json={"model": "paint", **body, **user}, headers=under(grant))
            assert (reply.status_code, reply.json()["error"]["code"]) == (403, code)
    assert len(upstream.requests) == before


def test_files_in_a_chat_under_a_leave_for_text_keep_their_explicit_labels(
    house: House, upstream: ScriptedUpstream
) -> None:
    grant = house.granted("chatter", kinds=["text", "image"])
    url = f"data:image/png;base64,{RAW}"
    part = {"type": "image_url", "image_url": {"url": url}}
    upstream.scripts["chat"] = lambda body: (
        Reply(events=[chunk({"content": "看"}), chunk({"images": [part]}), chunk({}, "stop"), DONE])
        if body.get("stream")
        else Reply(completion("看", images=[part]))
    )
    for stream in (False, True):
        made = house.application().ask(grant, "chatter", model="chat", stream=stream)
        chunks = list(made) if stream else []
        said = "".join(one.model_dump_json() for one in chunks) if stream else made.model_dump_json()
        number = (chunks[-1] if stream else made).model_extra["hegui"]["content_id"]
        assert "人工智能生成" not in said
        kept = record(house, number)
        assert kept["label"] == "released,mark:bottom-right"
        assert [item["explicit"] for item in kept["media"]] == ["mark:bottom-right"]
        assert RAW not in said


def test_a_malformed_request_under_a_leave_does_not_stay_open(house: House, upstream: ScriptedUpstream) -> None:
    grant, before = house.granted("form"), len(upstream.requests)
    with pytest.raises(openai.BadRequestError, match="image"):
        house.application().ask(grant, "form", extra_body={"images": ["x"]})
    # The log is written behind the reply, which has left by then.
    assert wait_for(lambda: [row[2:4] for row in house.contents(grant)] == [("withheld", None)])
    assert len(upstream.requests) == before


# --- what is proved ------------------------------------------------------------------------------------


def test_the_board_counts_what_was_released_apart(house: House, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paint"] = lambda _: paints(picture())
    grant = house.granted("board", kinds=["image"])
    with unit_of_work(house.desk.store) as session:
        before = queries.last_day(session).of("image")
    draw(house, grant, "board")
    house.application().openai.images.generate(model="paint", prompt="湖")
    with unit_of_work(house.desk.store) as session:
        day = queries.last_day(session)
        found = {fact.obligation: fact for fact in facts.facts(session, clock.now().date(), house.settings)}
    after = day.of("image")
    assert (after.left, after.released, after.labelled) == (before.left + 2, before.released + 1, before.labelled + 1)
    assert after.due == after.labelled
    assert f"另有 {after.released} 份应用户申请提供" in found["LAB-4.3"].reason.zh
    assert f"{after.left}/{after.left} 份图片带隐式标识发出" in found["LAB-5.1"].reason.zh
    assert found["LAB-4.3"].result is not Result.NOT_MET
