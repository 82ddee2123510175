"""Films through a real gateway, with the real `openai` client: a job is begun, looked at, and its film fetched labelled, or withheld."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from tests.harness import MARKER, Server, hegui
from tests.integration.test_gateway_media import record
from tests.unit.gateway.media.labelling import independent, picture
from tests.unit.labels.media import made, packets
from tests.unit.labels.pictures import CODE
from tests.upstream import Json, Reply, ScriptedUpstream

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
MP4 = made("mp4", "mpeg4", "aac")
WEBM = made("webm", "libvpx-vp9", "libopus")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    server = Server(
        tmp_path_factory.mktemp("films") / "data", upstream=upstream.url, HEGUI_PROVIDER_CODE=CODE,
        HEGUI_MEDIA_MEGABYTES="4",
    ).start()  # fmt: skip
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def shown(films: Server) -> openai.OpenAI:
    """Return a client of a service that declares that its interface shows the label."""
    hegui("services", "set", "shown", "--data", films.data, "image_label=interface")
    key = hegui("keys", "create", "--data", films.data, "--service", "shown").stdout.strip()
    return openai.OpenAI(base_url=films.gateway, api_key=key, max_retries=0, timeout=60)


def job(name: str, status: str = "completed", **more: Any) -> Json:
    return {
        "id": name, "object": "video", "status": status, "created_at": 7, "progress": 100, "model": "film", "seconds": "2",
        "size": "320x240", "prompt": "上游说的话", "secret": {"a": 1}, **more,
    }  # fmt: skip


def given(upstream: ScriptedUpstream, name: str, data: bytes, **state: Any) -> None:
    """Have the upstream make a film."""
    upstream.scripts["film"] = lambda _: Reply(job(name, "queued", progress=0))
    upstream.files[f"videos/{name}"] = Reply(job(name, **state))
    upstream.files[f"videos/{name}/content"] = Reply(raw=data)


def raw(server: Server, path: str, **more: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {server.key}", **more.pop("headers", {})}
    return httpx2.request(more.pop("method", "GET"), f"{server.gateway}{path}", headers=headers, timeout=60, **more)


def test_a_film_is_begun_looked_at_and_fetched_with_both_labels(
    films: Server, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    given(upstream, "video_up1", MP4)
    client = films.client()
    begun = client.videos.with_raw_response.create(model="film", prompt="山间的湖", seconds="4", size="720x1280")
    number, video = begun.headers["x-hegui-content-id"], begun.parse()
    asked = upstream.requests[-1]
    assert asked == {"prompt": "山间的湖", "model": "film", "seconds": "4", "size": "720x1280"}
    assert (video.status, video.seconds, video.created_at) == ("queued", "2", 7)
    assert "video_up1" not in video.id
    assert (video.prompt, "secret" in (video.model_extra or {})) == (None, False), (
        "nobody looked at the upstream's words"
    )
    kept = record(films, number)
    assert (kept["endpoint"], kept["outcome"], kept["label"]) == ("videos", "queued", "")
    done = client.videos.poll(video.id, poll_interval_ms=50)
    assert (done.id, done.status, done.progress) == (video.id, "completed", 100)
    fetched = client.videos.with_raw_response.download_content(video.id)
    data = fetched.content
    assert (fetched.headers["content-type"], fetched.headers["x-hegui-label"]) == ("video/mp4", "mark")
    found = files.inspect_bytes(data, "x.mp4")
    assert (found.verdict, found.deviations) == (Verdict.PRESENT, ())
    assert found.label is not None
    assert (found.label.content_producer, found.label.produce_id) == (CODE, number)
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    assert number in independent(path)
    [media] = record(films, fetched.headers["x-hegui-content-id"])["media"]
    assert media | {"bytes": 0, "implicit": ""} == {
        "kind": "video", "container": "mp4", "bytes": 0, "sha256": sha256(data).hexdigest(), "sent": "body", "implicit": "",
        "explicit": "mark:bottom-right", "verdict": "present", "number": number, "signed": False, "c2pa": "none",
    }  # fmt: skip


def test_a_film_whose_interface_shows_the_label_keeps_its_packets(
    shown: openai.OpenAI, films: Server, upstream: ScriptedUpstream
) -> None:
    given(upstream, "up-2", WEBM)
    video = shown.videos.create(model="film", prompt="湖")
    data = shown.videos.download_content(video.id).content
    assert files.inspect_bytes(data, "x.webm").verdict is Verdict.PRESENT
    assert packets(data) == packets(WEBM)


def test_nobody_elses_key_opens_a_film(films: Server, shown: openai.OpenAI, upstream: ScriptedUpstream) -> None:
    given(upstream, "up-3", MP4)
    video = films.client().videos.create(model="film", prompt="湖")
    before = len(upstream.fetched)
    for name in (video.id, "video_up1", "up-3", "video_", "video_AAAA", "video_é"):
        with pytest.raises(openai.NotFoundError):
            shown.videos.retrieve(name)
        with pytest.raises(openai.NotFoundError):
            shown.videos.download_content(name)
    assert len(upstream.fetched) == before, "the upstream is not asked"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (picture(), "format"),
        (b"<html>no film</html>" * 20, "format"),
        (MP4[: len(MP4) // 2], "unreadable"),
        (made("mp4", None, "aac"), "not_marked"),
        (made("avi", "mpeg4", "libmp3lame"), "format"),
    ],
    ids=["picture", "page", "half", "sound", "avi"],
)
def test_what_can_not_be_labelled_as_a_film_is_withheld(
    data: bytes, reason: str, films: Server, upstream: ScriptedUpstream
) -> None:
    given(upstream, "up-4", data)
    video = films.client().videos.create(model="film", prompt="湖")
    reply = raw(films, f"/videos/{video.id}/content")
    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "unlabelled")
    kept = record(films, reply.headers["x-hegui-content-id"])
    assert (kept["outcome"], kept["flagged"], [item["withheld"] for item in kept["media"]]) == (
        "unlabelled", True, [reason],
    )  # fmt: skip


def test_a_prompt_that_hits_begins_no_job(films: Server, upstream: ScriptedUpstream) -> None:
    given(upstream, "up-5", MP4)
    before = len(upstream.requests)
    with pytest.raises(openai.BadRequestError) as told:
        films.client().videos.create(model="film", prompt=f"拍{MARKER}")
    assert told.value.code == "content_filter"
    assert MARKER not in str(told.value)
    assert len(upstream.requests) == before


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"input_reference": ("a.png", picture(), "image/png")}, "unchecked_content"),
        ({"prompt": " "}, "invalid_prompt"),
        ({"extra_body": {"image": "data:image/png;base64,AAAA"}}, "unchecked_content"),
        ({"extra_body": {"ref": " DATA:image/png,x"}}, "unchecked_content"),
        ({"extra_headers": {"x-hegui-unlabelled": "0199"}}, "unsupported_unlabelled"),
    ],
)
def test_what_can_not_be_checked_or_given_is_refused_before_the_model_is_asked(
    more: Json, code: str, films: Server, upstream: ScriptedUpstream
) -> None:
    given(upstream, "up-6", MP4)
    before = len(upstream.requests)
    with pytest.raises(openai.BadRequestError) as told:
        films.client().videos.create(**{"model": "film", "prompt": "湖", **more})
    assert told.value.code == code
    assert len(upstream.requests) == before


def test_a_body_in_json_is_taken_too_and_fields_are_plain(films: Server, upstream: ScriptedUpstream) -> None:
    given(upstream, "up-7", MP4)
    body = {"model": "film", "prompt": "湖", "seconds": 4, "enhance": True, "user": "张三"}
    assert raw(films, "/videos", method="POST", json=body).json()["status"] == "queued"
    assert upstream.requests[-1] == {"model": "film", "prompt": "湖", "seconds": "4", "enhance": "true"}
    for bad in ({"loras": [1]}, {'a"\r\nb': "x"}):
        reply = raw(films, "/videos", method="POST", json={**body, **bad})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_field")


def test_a_job_that_failed_says_so_in_our_words(films: Server, upstream: ScriptedUpstream) -> None:
    said = {"code": "moderation_blocked", "message": f"上游说 {MARKER}"}
    given(upstream, "up-8", b"", status="failed", error=said)
    video = films.client().videos.create(model="film", prompt="湖")
    state = films.client().videos.retrieve(video.id)
    assert (state.status, state.error and state.error.code) == ("failed", "moderation_blocked")
    assert MARKER not in json.dumps(state.model_dump())


@pytest.mark.parametrize(
    ("status", "reply", "code"),
    [
        (404, Reply(status=404, raw=b"no"), "upstream_refused"),
        (502, Reply(raw=b"no json"), "upstream_error"),
        (502, Reply({"id": "up-9", "status": "odd"}), "upstream_error"),
    ],
)
def test_what_the_upstream_says_wrong_is_told(
    status: int, reply: Reply, code: str, films: Server, upstream: ScriptedUpstream
) -> None:
    given(upstream, "up-9", MP4)
    video = films.client().videos.create(model="film", prompt="湖")
    upstream.files["videos/up-9"] = reply
    told = raw(films, f"/videos/{video.id}")
    assert (told.status_code, told.json()["error"]["code"]) == (status, code)


def test_a_film_that_is_too_large_names_the_setting(films: Server, upstream: ScriptedUpstream) -> None:
    given(upstream, "up-10", bytes(5 << 20))
    video = films.client().videos.create(model="film", prompt="湖")
    told = raw(films, f"/videos/{video.id}/content")
    assert (told.status_code, told.json()["error"]["code"]) == (502, "upstream_too_large")
    assert "4 MiB" in told.text
    assert "media_megabytes" in told.text


def test_routes_of_media_that_do_not_exist_pass_nothing(films: Server, upstream: ScriptedUpstream) -> None:
    given(upstream, "up-11", MP4)
    video = films.client().videos.create(model="film", prompt="湖")
    asked, fetched = len(upstream.requests), len(upstream.fetched)
    for method, path, status in (
        ("POST", "/images/edits", 404),
        ("POST", "/images/variations", 404),
        ("POST", "/audio/transcriptions", 404),
        ("POST", "/responses", 404),
        ("GET", "/videos", 405),
        ("DELETE", f"/videos/{video.id}", 405),
        ("POST", f"/videos/{video.id}/remix", 405),
        ("GET", f"/videos/{video.id}/thumbnail", 404),
        ("GET", f"/videos/{video.id}/content?variant=thumbnail", 400),
    ):
        told = raw(films, path, method=method)
        assert told.status_code == status, path
        assert told.json()["error"]["message"]
    assert (len(upstream.requests), len(upstream.fetched)) == (asked, fetched)
