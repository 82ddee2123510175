"""Pictures, speech and files in chats through a real gateway, with the real `openai` client: labelled, recorded, or withheld."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from hegui.service.labels import c2pa, files, signatures
from hegui.service.labels.files import Inspection, Verdict
from hegui.service.labels.schema import Label
from tests.harness import MARKER, Server, hegui, wait_for
from tests.integration.test_gateway_guard import kept as content_of
from tests.unit.gateway.media.labelling import OTHER, independent, picture, sound
from tests.unit.labels import authority
from tests.unit.labels.media import packets
from tests.unit.labels.pictures import CODE
from tests.upstream import DONE, Json, Reply, ScriptedUpstream, chunk, completion

REASON = "如认为有误，请凭编号"


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("media")
    signatures.new_key(folder / "key.json")
    server = Server(
        folder / "data", upstream=upstream.url, HEGUI_PROVIDER_CODE=CODE, HEGUI_LABEL_KEY=str(folder / "key.json"),
        HEGUI_MEDIA_MEGABYTES="4",
    ).start()  # fmt: skip
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def shown(media: Server) -> openai.OpenAI:
    """Return a client of a service that declares that its interface shows the label."""
    hegui("services", "set", "shown", "--data", media.data, "image_label=interface", "sound_label=interface")
    key = hegui("keys", "create", "--data", media.data, "--service", "shown").stdout.strip()
    return openai.OpenAI(base_url=media.gateway, api_key=key, max_retries=0, timeout=60)


def images(*data: bytes, **more: Any) -> Reply:
    return Reply({"created": 7, "data": [{"b64_json": base64.b64encode(one).decode()} for one in data], **more})


def post(server: Server, path: str, body: Json, **headers: str) -> httpx2.Response:
    given = {"Authorization": f"Bearer {server.key}", **headers}
    return httpx2.post(f"{server.gateway}{path}", json=body, headers=given, timeout=60)


def record(server: Server, content_id: str) -> Json:
    with server.database() as connection:
        row = connection.execute(
            "SELECT e.payload, x.flagged, x.outcome FROM evidence_entry e JOIN gateway_exchange x USING (id) WHERE id = %s",
            (content_id,),
        ).fetchone()
    assert row is not None
    return {**json.loads(row[0]), "flagged": row[1], "outcome": row[2]}


def inspected(data: bytes, name: str, number: str) -> Inspection:
    found = files.inspect_bytes(data, name)
    assert found.verdict is Verdict.PRESENT
    assert found.deviations == ()
    assert found.label is not None
    assert (found.label.content_producer, found.label.produce_id) == (CODE, number)
    assert [item.valid for item in signatures.check(found.label)] == [True]
    return found


# --- pictures ----------------------------------------------------------------------------------------


def test_pictures_leave_labelled_signed_and_recorded(media: Server, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    usage = {"input_tokens": 4, "output_tokens": 9, "total_tokens": 13, "input_tokens_details": {"text_tokens": 4}}
    upstream.scripts["paint"] = lambda _: images(
        picture(), picture("JPEG"), usage=usage, size="320x240", quality="high", secret={"a": 1}
    )
    reply = media.client().images.with_raw_response.generate(
        model="paint", prompt="山间的湖", n=2, size="1024x1024", quality="high", user="张三", response_format="b64_json"
    )
    answer = reply.parse()
    number = reply.headers["x-hegui-content-id"]
    assert reply.headers["x-hegui-label"] == "mark"
    asked = upstream.requests[-1]
    assert (asked["prompt"], asked["n"], asked["size"], asked["quality"]) == ("山间的湖", 2, "1024x1024", "high")
    assert asked["user"] not in {"张三", ""}
    assert answer.data is not None
    assert (answer.created, answer.size, answer.quality, answer.usage and answer.usage.total_tokens) == (
        7, "320x240", "high", 13,
    )  # fmt: skip
    assert "secret" not in (answer.model_extra or {})
    kept = record(media, number)
    assert (kept["endpoint"], kept["outcome"], kept["label"], kept["tokens"]) == (
        "images.generations", "answered", "mark:bottom-right", [4, 9],
    )  # fmt: skip
    for place, (item, suffix) in enumerate(zip(answer.data, ("png", "jpg"), strict=True)):
        data = base64.b64decode(item.b64_json or "")
        inspected(data, f"x.{suffix}", f"{number}-{place + 1}")
        assert kept["media"][place]["sha256"] == sha256(data).hexdigest()
        assert kept["media"][place]["signed"]
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(data)
        assert f"{number}-{place + 1}" in independent(path)
    with media.database() as connection:
        content = connection.execute("SELECT content FROM gateway_exchange WHERE id = %s", (number,)).fetchone()
    assert content is not None
    assert len(content[0]) < 3000, "the record holds no picture"


def test_a_picture_by_url_is_fetched_labelled_and_handed_out_by_the_gateway(
    media: Server, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.files["made.png"] = Reply(raw=picture())
    upstream.scripts["by-url"] = lambda _: Reply({"created": 1, "data": [{"url": upstream.at("made.png")}]})
    reply = media.client().images.with_raw_response.generate(model="by-url", prompt="湖", response_format="url")
    number = reply.headers["x-hegui-content-id"]
    [item] = reply.parse().data or []
    assert item.url is not None
    assert item.url.startswith(media.gateway.removesuffix("/v1") + "/media/")
    got = httpx2.get(item.url)
    assert (got.status_code, got.headers["content-type"], got.headers["x-content-type-options"]) == (
        200, "image/png", "nosniff",
    )  # fmt: skip
    inspected(got.content, "x.png", number)
    assert record(media, number)["media"][0] | {"bytes": 0} == {
        "kind": "image", "container": "png", "bytes": 0, "sha256": sha256(got.content).hexdigest(), "sent": "url",
        "explicit": "mark:bottom-right", "implicit": "iTXt XML:com.adobe.xmp/TC260:AIGC", "verdict": "present",
        "number": number, "signed": True, "c2pa": "none",
    }  # fmt: skip
    assert httpx2.head(item.url).status_code == 200
    assert httpx2.post(item.url).status_code == 405
    assert httpx2.get(item.url[:-6] + "xx.png").status_code == 404
    for path in (media.data / "media" / "shelf").iterdir():
        assert b"PNG" not in path.read_bytes(), "encrypted on disk"
    # The other form than the upstream's is given where it was asked for.
    [inline] = (
        media.client().images.generate(model="by-url", prompt="湖", response_format="b64_json").data or []
    )  # fmt: skip
    assert files.inspect_bytes(base64.b64decode(inline.b64_json or ""), "x.png").verdict is Verdict.PRESENT
    [as_it_came] = media.client().images.generate(model="by-url", prompt="湖").data or []
    assert as_it_came.url
    assert as_it_came.b64_json is None


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda _: {"b64_json": base64.b64encode(b"<svg xmlns='x'/>" * 9).decode()}, "format"),
        (lambda _: {"b64_json": base64.b64encode(picture()[:-30]).decode()}, "unreadable"),
        (lambda _: {"b64_json": "no base64!"}, "not_base64"),
        (lambda _: {"b64_json": base64.b64encode(sound("wav")).decode()}, "format"),
        (lambda _: {"b64_json": base64.b64encode(bytes((4 << 20) + 10)).decode()}, "too_large"),
        (lambda _: {"url": "http://169.254.169.254/latest/meta-data"}, "not_fetched"),
        (lambda upstream: {"url": f"http://localhost:{upstream.port}/files/made.png"}, "not_fetched"),
        (lambda upstream: {"url": upstream.at("nothing.png")}, "not_fetched"),
    ],
    ids=["svg", "cut", "not base64", "sound", "large", "metadata", "other host", "not there"],
)
def test_what_can_not_be_labelled_is_withheld_and_people_see_it(
    made: Any, reason: str, media: Server, upstream: ScriptedUpstream
) -> None:
    upstream.scripts["bad"] = lambda _: Reply({"created": 1, "data": [made(upstream)]})
    with pytest.raises(openai.APIStatusError) as told:
        media.client().images.generate(model="bad", prompt="湖", response_format="b64_json")
    assert (told.value.status_code, told.value.code) == (502, "unlabelled")
    kept = record(media, told.value.response.headers["x-hegui-content-id"])
    assert (kept["outcome"], kept["label"], kept["flagged"]) == ("unlabelled", "", True)
    assert kept["media"][0]["withheld"] == reason
    assert kept["not_scanned"] == ["output:label"]


def test_a_prompt_that_hits_is_refused_and_the_model_is_not_asked(media: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paint"] = lambda _: images(picture())
    before = len(upstream.requests)
    for more in ({"prompt": f"画{MARKER}"}, {"prompt": "画湖", "extra_body": {"negative_prompt": MARKER}}):
        with pytest.raises(openai.BadRequestError) as told:
            media.client().images.generate(model="paint", **more)
        assert told.value.code == "content_filter"
        assert REASON in told.value.message
        number = told.value.response.headers["x-hegui-content-id"]
        assert number in told.value.message
        assert MARKER not in told.value.message
        assert record(media, number)["outcome"] == "refused_input"
    assert len(upstream.requests) == before


def test_a_revised_prompt_is_checked_as_an_answer(media: Server, upstream: ScriptedUpstream) -> None:
    data = base64.b64encode(picture()).decode()

    def revised(text: str) -> Reply:
        return Reply({"created": 1, "data": [{"b64_json": data, "revised_prompt": text}]})

    upstream.scripts["revised"] = lambda _: revised("晨光中的湖")
    [item] = media.client().images.generate(model="revised", prompt="湖").data or []
    assert (item.revised_prompt or "").startswith("晨光中的湖")
    upstream.scripts["revised"] = lambda _: revised(f"湖边的{MARKER}")
    with pytest.raises(openai.BadRequestError) as told:
        media.client().images.generate(model="revised", prompt="湖")
    kept = record(media, told.value.response.headers["x-hegui-content-id"])
    assert (kept["outcome"], "media" in kept) == ("refused_output", False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"prompt": "湖", "response_format": "bmp"}, "unsupported_response_format"),
        ({"prompt": "湖", "output_format": "tiff"}, "unsupported_output_format"),
        ({"prompt": "湖", "stream": True}, "unsupported_stream"),
        ({"prompt": "湖", "partial_images": 2}, "unsupported_partial_images"),
        ({"prompt": "湖", "n": 11}, "invalid_n"),
        ({"prompt": "湖", "n": True}, "invalid_n"),
        ({"prompt": ""}, "invalid_prompt"),
        ({"prompt": ["湖"]}, "invalid_prompt"),
        ({"prompt": "湖", "image": "iVBOR"}, "unchecked_content"),
        ({"prompt": "湖", "style_ref": {"u": "https://h/x.png"}}, "unchecked_content"),
        ({"prompt": "湖", "extra": "A" * 5000}, "unchecked_content"),
        ({"prompt": "湖", "model": 5}, "missing_model"),
    ],
)
def test_what_can_not_be_given_is_told_before_the_model_is_asked(
    body: Json, code: str, media: Server, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)
    reply = post(media, "/images/generations", {"model": "paint", **body})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert len(upstream.requests) == before


def test_what_an_upstream_wrote_of_itself_stays(media: Server, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_bytes(picture())
    theirs = Label.first(OTHER, "u-9")
    files.write(path, path, theirs)
    upstream.scripts["theirs"] = lambda _: images(path.read_bytes())
    reply = media.client().images.with_raw_response.generate(model="theirs", prompt="湖")
    [item] = reply.parse().data or []
    label = files.inspect_bytes(base64.b64decode(item.b64_json or ""), "x.png").label
    assert label == theirs.propagated(CODE, reply.headers["x-hegui-content-id"])


def test_without_a_providers_code_nothing_is_made(server: Server, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    for path, body in (("/images/generations", {"prompt": "湖"}), ("/audio/speech", {"input": "湖", "voice": "a"})):
        reply = post(server, path, {"model": "paint", **body})
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "no_provider_code")
    assert len(upstream.requests) == before


# --- speech ------------------------------------------------------------------------------------------


def speaks(data: bytes, piece: int = 4096, pause: float = 0, **more: Any) -> Reply:
    return Reply(events=[data[at : at + piece] for at in range(0, len(data), piece)], pause=pause, **more)


def test_speech_is_heard_and_read_to_be_generated(media: Server, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    for kind, mime in (("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("flac", "audio/flac"), ("opus", "audio/ogg")):
        upstream.scripts["speak"] = lambda _, kind=kind: speaks(sound(kind))  # type: ignore[misc]
        answer = media.client().audio.speech.create(
            model="speak", voice="alloy", input="今天天气很好", instructions="慢一点", response_format=kind, speed=1.1  # type: ignore[arg-type]
        )  # fmt: skip
        headers = answer.response.headers
        number = headers["x-hegui-content-id"]
        assert (headers["content-type"], headers["x-content-type-options"]) == (mime, "nosniff")
        inspected(answer.content, f"x.{kind}", number)
        kept = record(media, number)
        assert (kept["endpoint"], kept["outcome"], kept["label"]) == ("audio.speech", "answered", "rhythm:start")
        assert kept["media"][0]["sha256"] == sha256(answer.content).hexdigest()
        path = tmp_path / f"x.{kind}"
        path.write_bytes(answer.content)
        said = hegui("label", "verify", path, "--json")
        assert json.loads(said.stdout)["verdict"] == "present"
        assert "codec_type=audio" in independent(path)
        asked = upstream.requests[-1]
        assert (asked["input"], asked["instructions"], asked["speed"]) == ("今天天气很好", "慢一点", 1.1)


def test_speech_is_streamed_with_its_label_in_front(
    shown: openai.OpenAI, media: Server, upstream: ScriptedUpstream
) -> None:
    given = sound("mp3")
    upstream.scripts["slow"] = lambda _: speaks(given, len(given) // 8, pause=0.1)
    with shown.audio.speech.with_streaming_response.create(
        model="slow", voice="alloy", input="今天天气很好", response_format="mp3"
    ) as answer:
        assert answer.headers["x-hegui-label"] == "interface"
        pieces: list[tuple[float, bytes]] = [(time.monotonic(), piece) for piece in answer.iter_bytes()]
        number = answer.headers["x-hegui-content-id"]
    data = b"".join(piece for _, piece in pieces)
    assert b"AIGC" in pieces[0][1], "the label is in the first piece"
    assert len(pieces) > 3, "it comes while it is made"
    inspected(data, "x.mp3", number)
    assert packets(data) == packets(given)


@pytest.mark.parametrize("kind", ["wav", "mp3", "opus"])
def test_speech_as_events_is_one_labelled_file(
    kind: str, shown: openai.OpenAI, media: Server, upstream: ScriptedUpstream
) -> None:
    given = sound(kind, seekable=kind != "wav")

    def event(data: Json) -> bytes:
        return b"data: " + json.dumps(data).encode() + b"\n\n"

    size = 6000
    deltas = [
        event({"type": "speech.audio.delta", "audio": base64.b64encode(given[at : at + size]).decode()})
        for at in range(0, len(given), size)
    ]
    usage = {"input_tokens": 3, "output_tokens": 8, "total_tokens": 11}
    upstream.scripts["events"] = lambda _: Reply(events=[*deltas, event({"type": "speech.audio.done", "usage": usage})])
    body = {"model": "events", "voice": "a", "input": "你好", "response_format": kind, "stream_format": "sse"}
    reply = httpx2.post(
        f"{media.gateway}/audio/speech", json=body, headers={"Authorization": f"Bearer {shown.api_key}"}, timeout=60
    )
    events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: ")]
    number = reply.headers["x-hegui-content-id"]
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == {"type": "speech.audio.done", "usage": usage, "hegui": {"content_id": number}}
    assert len(events) > 4
    inspected(b"".join(base64.b64decode(one["audio"]) for one in events[:-1]), f"x.{kind}", number)
    assert record(media, number)["tokens"] == [3, 8]


@pytest.mark.parametrize("kind", ["pcm", "aac", "ogg"])
def test_formats_without_a_place_for_a_label_are_refused(kind: str, media: Server, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    with pytest.raises(openai.BadRequestError, match="mp3、opus、flac、wav") as told:
        media.client().audio.speech.create(model="speak", voice="alloy", input="你好", response_format=kind)  # type: ignore[arg-type]
    assert told.value.code == "unsupported_response_format"
    assert len(upstream.requests) == before


def test_what_is_to_be_spoken_is_checked_both_ways(media: Server, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    for more in ({"input": f"说{MARKER}"}, {"input": "你好", "instructions": f"像{MARKER}那样"}):
        with pytest.raises(openai.BadRequestError) as told:
            media.client().audio.speech.create(model="speak", voice="alloy", response_format="wav", **more)  # type: ignore[arg-type]
        assert (told.value.code, REASON in told.value.message) == ("content_filter", True)
    assert len(upstream.requests) == before


@pytest.mark.parametrize("data", [b"\1\2" * 9000, picture(), b""], ids=["raw samples", "picture", "nothing"])
def test_what_is_no_sound_is_withheld_whole(data: bytes, media: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["noise"] = lambda _: speaks(data)
    with pytest.raises(openai.APIStatusError) as told:
        media.client().audio.speech.create(model="noise", voice="alloy", input="你好", response_format="mp3")
    assert (told.value.status_code, told.value.code) == (502, "unlabelled")
    assert record(media, told.value.response.headers["x-hegui-content-id"])["outcome"] == "unlabelled"


def test_a_sound_that_breaks_off_is_cut_and_never_looks_whole(
    shown: openai.OpenAI, media: Server, upstream: ScriptedUpstream
) -> None:
    given = sound("wav")[:-9000]
    cases: Sequence[tuple[str, Reply]] = (
        ("unlabelled", speaks(given)),  # shorter than its head says
        ("upstream_unreachable", speaks(given, abort=True)),
    )
    for outcome, reply in cases:
        upstream.scripts["broken"] = lambda _, reply=reply: reply  # type: ignore[misc]
        got = bytearray()
        with shown.audio.speech.with_streaming_response.create(
            model="broken", voice="alloy", input="你好", response_format="wav"
        ) as answer:
            number = answer.headers["x-hegui-content-id"]
            with pytest.raises((openai.APIError, httpx2.HTTPError, OSError)):
                _read_into(got, answer)
        assert wait_for(lambda number=number: _there(media, number))
        kept = record(media, number)
        assert kept["outcome"] == outcome
        part = next(item for item in kept["media"] if item.get("sent") == "part")
        assert part["bytes"] >= len(got) > 0


def _read_into(got: bytearray, answer: Any) -> None:
    for piece in answer.iter_bytes():
        got += piece


def _there(server: Server, number: str) -> bool:
    with server.database() as connection:
        return connection.execute("SELECT 1 FROM gateway_exchange WHERE id = %s", (number,)).fetchone() is not None


def test_a_listener_who_leaves_is_recorded(shown: openai.OpenAI, media: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["long"] = lambda _: speaks(sound("wav"), 4096, pause=0.1)
    with shown.audio.speech.with_streaming_response.create(
        model="long", voice="alloy", input="你好", response_format="wav"
    ) as answer:
        number = answer.headers["x-hegui-content-id"]
        next(answer.iter_bytes(1000))
    assert wait_for(lambda: _there(media, number))
    kept = record(media, number)
    assert (kept["outcome"], kept["media"][0]["sent"]) == ("client_gone", "part")
    assert kept["media"][0]["explicit"] == kept["label"] == "interface", "it left with its label"
    assert list(content_of(media, number)["answer"]) == ["choices[0].content"], (
        "the words were heard, none was withheld"
    )


# --- C2PA --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    """Return a gateway that signs."""
    folder = tmp_path_factory.mktemp("signing")
    ours = authority.operator(folder)
    server = Server(
        folder / "data", upstream=upstream.url, HEGUI_PROVIDER_CODE=CODE, HEGUI_C2PA_CHAIN=str(ours.chain),
        HEGUI_C2PA_KEY=str(ours.key),
    ).start()  # fmt: skip
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> c2pa.Credential:
    """Return the key of an upstream that signs its own files."""
    made = authority.operator(tmp_path_factory.mktemp("theirs"))
    return c2pa.read_credential(made.chain, made.key)


def by_them(folder: Path, name: str, data: bytes, key: c2pa.Credential) -> bytes:
    (folder / name).write_bytes(data)
    return authority.elsewhere(folder / name, key)


def test_a_picture_that_its_upstream_signed_leaves_signed_again(
    signing: Server, upstream: ScriptedUpstream, tmp_path: Path, theirs: c2pa.Credential
) -> None:
    given = by_them(tmp_path, "a.png", picture(), theirs)
    upstream.scripts["signed"] = lambda _: images(given, picture("JPEG"))
    reply = signing.client().images.with_raw_response.generate(model="signed", prompt="湖", n=2)
    number = reply.headers["x-hegui-content-id"]
    for place, (item, suffix, count) in enumerate(zip(reply.parse().data or (), ("png", "jpg"), (2, 1), strict=True)):
        path = tmp_path / f"left.{suffix}"
        path.write_bytes(base64.b64decode(item.b64_json or ""))
        found = files.inspect(path)
        assert (found.verdict, found.label) == (Verdict.PRESENT, Label.first(CODE, f"{number}-{place + 1}"))
        said = c2pa.read(path)
        assert said is not None
        assert (said.state, said.manifests) == ("valid", count)
        assert f"{number}-{place + 1}" in independent(path)
    assert [item["c2pa"] for item in record(signing, number)["media"]] == ["signed", "signed"]


def test_speech_is_signed_whole_and_a_chat_too(signing: Server, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    given = sound("wav", seekable=False)
    upstream.scripts["speak"] = lambda _: speaks(given)
    answer = signing.client().audio.speech.create(model="speak", voice="alloy", input="你好", response_format="wav")
    part = {"type": "image_url", "image_url": {"url": URL}}
    upstream.scripts["chat"] = lambda _: Reply(completion("看", images=[part]))
    said = chat(signing.client(), "chat")
    picture_of = in_text(said.choices[0].message.model_extra["images"][0]["image_url"]["url"])
    for name, data, number in (
        ("x.wav", answer.content, answer.response.headers["x-hegui-content-id"]),
        ("x.png", picture_of, f"{said.model_extra['hegui']['content_id']}-1"),
    ):
        (tmp_path / name).write_bytes(data)
        found = c2pa.read(tmp_path / name)
        assert found is not None
        assert found.state == "valid"
        assert files.inspect(tmp_path / name).label == Label.first(CODE, number)
        assert record(signing, number[:36])["media"][0]["c2pa"] == "signed"


def test_without_a_key_what_has_a_manifest_is_withheld_and_the_settings_are_named(
    media: Server, shown: openai.OpenAI, upstream: ScriptedUpstream, tmp_path: Path, theirs: c2pa.Credential
) -> None:
    given, heard = by_them(tmp_path, "a.png", picture(), theirs), by_them(tmp_path, "a.mp3", sound("mp3"), theirs)
    upstream.scripts["signed"] = lambda _: images(given)
    upstream.scripts["speak"] = lambda _: speaks(heard)
    for client in (media.client(), shown):
        with pytest.raises(openai.APIStatusError) as told:
            client.images.generate(model="signed", prompt="湖", response_format="b64_json")
        with pytest.raises(openai.APIStatusError) as also:
            client.audio.speech.create(model="speak", voice="alloy", input="你好", response_format="mp3")
        for error, kind in ((told.value, "image"), (also.value, "audio")):
            assert (error.status_code, error.code) == (502, "unlabelled")
            assert all(name in error.message for name in ("c2pa_chain", "c2pa_key", "c2pa_break"))
            kept = record(media, error.response.headers["x-hegui-content-id"])
            assert (kept["flagged"], kept["media"][0]["kind"], kept["media"][0]["withheld"]) == (True, kind, "c2pa_manifest")  # fmt: skip


def test_a_key_that_does_not_sign_stops_the_start(tmp_path: Path) -> None:
    late = authority.operator(tmp_path, days=5)
    more = {"HEGUI_C2PA_CHAIN": str(late.chain), "HEGUI_C2PA_KEY": str(late.key)}
    done = hegui("serve", "--data", tmp_path / "data", "--port", "0", "--upstream", "demo", check=False, **more)
    assert done.returncode != 0
    assert "c2pa_chain 与 c2pa_key 不能签名" in done.stderr
    assert "c2pa_chain and c2pa_key do not sign" in done.stderr


# --- files in chats ----------------------------------------------------------------------------------

URL = "data:image/png;base64," + base64.b64encode(picture()).decode()
_FOUND = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def chat(client: openai.OpenAI, model: str, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "画一个湖"}], **more)


def in_text(text: str) -> bytes:
    [found] = _FOUND.findall(text)
    return base64.b64decode(found)


def test_pictures_in_a_chat_are_labelled_where_they_stand(media: Server, upstream: ScriptedUpstream) -> None:
    part = {"type": "image_url", "image_url": {"url": URL}}
    upstream.files["chat.png"] = Reply(raw=picture())
    places: dict[str, Json] = {
        "images": completion("看", images=[part]),
        "by address": completion("看", images=[{"type": "image_url", "image_url": {"url": upstream.at("chat.png")}}]),
        "parts": completion(None) | {},
        "text": completion(f"看：![湖]({URL})好。"),
    }
    places["parts"]["choices"][0]["message"]["content"] = [{"type": "text", "text": "看"}, part]
    for place, body in places.items():
        upstream.scripts["chat"] = lambda _, body=body: Reply(json.loads(json.dumps(body)))  # type: ignore[misc]
        answer = chat(media.client(), "chat")
        number = answer.model_extra["hegui"]["content_id"]
        message = answer.choices[0].message
        if place == "text":
            url = str(message.content)
            assert url.startswith("看：![湖](data:image/png;base64,")
            assert "（本内容由人工智能生成" in url
        elif place == "parts":
            texts, pictures, *_ = message.content
            assert texts == {"type": "text", "text": "看"}
            url = pictures["image_url"]["url"]
        else:
            url = message.model_extra["images"][0]["image_url"]["url"]
        inspected(in_text(url), "x.png", f"{number}-1")
        kept = record(media, number)
        assert "mark:bottom-right" in kept["label"]
        assert kept["media"][0]["sha256"] == sha256(in_text(url)).hexdigest()


def test_sound_in_a_chat_is_labelled_and_its_transcript_checked(media: Server, upstream: ScriptedUpstream) -> None:
    def answer(transcript: str) -> Json:
        audio = {
            "id": "audio-1", "expires_at": 9, "transcript": transcript, "data": base64.b64encode(sound("mp3")).decode(),
        }  # fmt: skip
        return completion(None, audio=audio)

    upstream.scripts["voice"] = lambda _: Reply(answer("今天天气很好"))
    more: Json = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}}
    said = chat(media.client(), "voice", **more)
    audio = said.choices[0].message.audio
    assert (audio.id, audio.expires_at) == ("audio-1", 9)
    assert audio.transcript.startswith("今天天气很好")
    assert "人工智能生成" in audio.transcript
    inspected(base64.b64decode(audio.data), "x.mp3", f"{said.model_extra['hegui']['content_id']}-1")
    upstream.scripts["voice"] = lambda _: Reply(answer(f"今天{MARKER}"))
    refused = chat(media.client(), "voice", **more).choices[0]
    assert (refused.finish_reason, refused.message.audio) == ("content_filter", None)
    before = len(upstream.requests)
    for wrong in (more | {"stream": True}, more | {"audio": {"voice": "a", "format": "pcm16"}}):
        with pytest.raises(openai.BadRequestError):
            chat(media.client(), "voice", **wrong)
    assert len(upstream.requests) == before


def test_pictures_in_a_streamed_chat_are_labelled(media: Server, upstream: ScriptedUpstream) -> None:
    part = {"type": "image_url", "image_url": {"url": URL}}
    pieces = [f"看：![湖]({URL}"[at : at + 997] for at in range(0, len(URL) + 8, 997)]
    events = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"images": [part]}),
        *(chunk({"content": p}) for p in pieces),
    ]
    upstream.scripts["stream"] = lambda _: Reply(events=[*events, chunk({"content": ")好。"}), chunk({}, "stop"), DONE])
    chunks = list(chat(media.client(), "stream", stream=True))
    number = chunks[0].model_extra["hegui"]["content_id"]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    inspected(in_text(text), "x.png", f"{number}-1")
    assert text.endswith(")好。\n\n（本内容由人工智能生成 / AI-generated）")
    [image] = [
        c.choices[0].delta.model_extra["images"] for c in chunks if "images" in (c.choices[0].delta.model_extra or {})
    ]
    inspected(in_text(image[0]["image_url"]["url"]), "x.png", f"{number}-2")
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert len(record(media, number)["media"]) == 2


def test_a_chat_whose_file_can_not_be_labelled_is_withheld(media: Server, upstream: ScriptedUpstream) -> None:
    bad = "data:image/png;base64," + base64.b64encode(picture()[:-30]).decode()
    part = {"type": "image_url", "image_url": {"url": bad}}
    for body in (completion("看", images=[part]), completion(f"看 {bad} 好")):
        upstream.scripts["bad"] = lambda _, body=body: Reply(body)  # type: ignore[misc]
        with pytest.raises(openai.APIStatusError) as told:
            chat(media.client(), "bad")
        assert told.value.code == "unlabelled"
    for delta in ({"images": [part]}, {"content": f"看 {bad} 好"}):
        upstream.scripts["bad"] = lambda _, delta=delta: Reply(  # type: ignore[misc]
            events=[chunk({"role": "assistant", "content": "好的"}), chunk(delta), chunk({}, "stop"), DONE]
        )
        chunks = list(chat(media.client(), "bad", stream=True))
        assert chunks[-1].choices[0].finish_reason == "content_filter"
        assert "data:image/png;base64,iVBOR" not in "".join(c.model_dump_json() for c in chunks)
        kept = record(media, chunks[-1].model_extra["hegui"]["content_id"])
        assert (kept["outcome"], kept["flagged"], kept["media"][0]["withheld"]) == ("undetermined", True, "unreadable")


def test_a_picture_does_not_leave_with_a_text_that_was_stopped(media: Server, upstream: ScriptedUpstream) -> None:
    part = {"type": "image_url", "image_url": {"url": URL}}
    upstream.scripts["stop"] = lambda _: Reply(completion(f"看{MARKER}", images=[part]))
    plain = chat(media.client(), "stop")
    assert plain.choices[0].finish_reason == "content_filter"
    assert "images" not in (plain.choices[0].message.model_extra or {})
    upstream.scripts["stop"] = lambda _: Reply(
        events=[chunk({"images": [part]}), chunk({"content": f"看{MARKER}"}), chunk({}, "stop"), DONE]
    )
    chunks = list(chat(media.client(), "stop", stream=True))
    assert not any("images" in (c.choices[0].delta.model_extra or {}) for c in chunks if c.choices)
    assert record(media, chunks[-1].model_extra["hegui"]["content_id"]).get("media") is None


# --- what lies in the data folder --------------------------------------------------------------------


def test_the_keeper_deletes_files_whose_time_is_up(media: Server) -> None:
    shelf = media.data / "media" / "shelf"
    shelf.mkdir(parents=True, exist_ok=True)
    due, later = shelf / ("0" * 64), shelf / ("1" * 64)
    due.write_bytes((1).to_bytes(8, "big") + b"sealed")
    later.write_bytes((1 << 40).to_bytes(8, "big") + b"sealed")
    assert wait_for(lambda: not due.exists(), 30)
    assert later.exists()
    later.unlink()
    assert not list((media.data / "media" / "work").iterdir()), "nothing is left of what was labelled"


# --- what is proved ------------------------------------------------------------------------------------


def test_the_board_says_what_left_with_a_label(media: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["paint"] = lambda _: images(picture())
    media.client().images.generate(model="paint", prompt="湖")
    found = {row["id"]: row for row in json.loads(hegui("law", "status", "--data", media.data, "--json").stdout)}
    assert found["LAB-4.3"]["result"] == "met"
    assert "带显式与隐式标识发出" in found["LAB-4.3"]["reason_zh"]
    assert found["DSP-10"]["result"] in {"not_met", "undetermined"}
