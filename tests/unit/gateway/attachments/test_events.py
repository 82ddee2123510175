"""Files in the text of a streamed chat: found in any pieces, labelled where they stand, and words left as words."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hegui.evidence.keyring import open_keyring
from hegui.kit.settings import Settings
from hegui.service.gateway.attachments.events import FileEvents
from hegui.service.gateway.attachments.files import Attachments
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.media.inline import decoded
from hegui.service.gateway.media.labelling import WithheldError
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.gateway.service import MediaStyle
from hegui.service.labels import LabelPosition, LabelStyle, files
from hegui.service.labels.files import Verdict
from tests.unit.gateway.media.labelling import NUMBER, picture
from tests.unit.labels.pictures import CODE, noise, saved

SMALL = base64.b64encode(picture("PNG", (24, 18))).decode()
URL = f"data:image/png;base64,{SMALL}"
SHOWN = MediaStyle(picture="interface")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    data = tmp_path_factory.mktemp("desk")
    made = Desk(Settings(data=data, upstream="http://127.0.0.1:9/v1", provider_code=CODE), open_keyring(data))
    yield made
    made.close()


class Given:
    """Events that are there already."""

    def __init__(self, *batches: list[bytes]) -> None:
        self._batches = iter(batches)

    async def next(self) -> list[bytes]:
        return next(self._batches, [])

    def close(self) -> None:
        pass


def said(text: str, finish: str | None = None, index: int = 0) -> bytes:
    return json.dumps({"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}).encode()


def run(desk: Desk, *raws: bytes) -> tuple[list[bytes], Attachments]:
    """Return the events that come out, filled as they leave, and the files."""
    held = Attachments(desk, NUMBER, SHOWN, LabelStyle(LabelPosition.END))

    async def read() -> list[bytes]:
        events, out = FileEvents(Given(*([raw] for raw in raws)), held), []
        while batch := await events.next():
            out += [held.filled(raw) for raw in batch]
        return out

    return asyncio.run(read()), held


def text_of(raws: list[bytes], index: int = 0) -> str:
    found: list[Json] = [json.loads(raw) for raw in raws if raw != MARK]
    items = [item for data in found for item in data["choices"] if item["index"] == index]
    return "".join(item["delta"].get("content") or "" for item in items)


def labels_in(text: str) -> list[Any]:
    return [
        files.inspect_bytes(decoded(match) or b"", "x.png")
        for match in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(URL) + 30), max_size=25), last=st.booleans())
def test_a_data_url_in_any_pieces_is_labelled_in_its_place(cuts: list[int], last: bool, desk: Desk) -> None:
    whole = f"看：![图]({URL})好。"
    places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    pieces = [whole[one:two] for one, two in pairwise(places)]
    raws = [said(piece) for piece in pieces]
    out, held = run(desk, *raws, *([said("", "stop")] if last else []), MARK)
    text = text_of(out)
    assert text.startswith("看：![图](data:image/png;base64,")
    assert text.endswith(")好。")
    assert SMALL not in text
    [found] = labels_in(text)
    assert (found.verdict, found.label.produce_id) == (Verdict.PRESENT, f"{NUMBER}-1")
    assert [item["explicit"] for item in held.entries] == ["interface"]


def test_a_data_url_one_character_at_a_time_is_labelled(desk: Desk) -> None:
    out, _ = run(desk, *(said(one) for one in URL), said("", "stop"), MARK)
    [found] = labels_in(text_of(out))
    assert found.verdict is Verdict.PRESENT


@pytest.mark.parametrize("end", [[said("", "stop"), MARK], [MARK]])
def test_a_data_url_that_ends_with_the_stream_is_labelled(end: list[bytes], desk: Desk) -> None:
    out, _ = run(desk, said(URL[:50]), said(URL[50:]), *end)
    [found] = labels_in(text_of(out))
    assert found.verdict is Verdict.PRESENT


def test_each_choice_has_its_own_text(desk: Desk) -> None:
    half = len(URL) // 2
    out, _ = run(
        desk, said(URL[:half]), said("无图；", index=1), said(URL[half:], "stop"), said("完", "stop", index=1), MARK
    )
    assert text_of(out, 1) == "无图；完"
    assert len(labels_in(text_of(out))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "例如 data:image/png;base64,iVBORw0KGgo=；写法如此。",
        "a; b; base64, data:text/plain;base64," + "QUJD" * 40,
        "data:image/png;base64," + "这不是",
        "const x = 'data:image/png;base64,' + body; // " + "x" * 300,
        "image; audio; \\u0041",
    ],
)
@pytest.mark.parametrize("size", [1, 5, 400])
def test_words_about_data_urls_stay_words(text: str, size: int, desk: Desk) -> None:
    raws = [said(text[at : at + size]) for at in range(0, len(text), size)]
    out, held = run(desk, *raws, said("", "stop"), MARK)
    assert text_of(out) == text
    assert not held.entries


def test_events_without_a_file_are_the_bytes_that_came(desk: Desk) -> None:
    raws = [said("一；image"), b'{"choices": [ ]}', b"no json;", said("二;"), said("", "stop"), MARK]
    assert run(desk, *raws)[0] == raws


@pytest.mark.parametrize(
    ("mime", "data", "reason"),
    [
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>" * 3, "format"),
        ("image/bmp", b"BM" + bytes(90), "format"),
        ("video/mp4", b"\0\0\0\x18ftypmp42" + bytes(90), "unreadable"),
        ("video/x-flv", b"FLV\x01\x01" + bytes(90), "format"),
        ("image/png", picture("PNG", (24, 18))[:-30], "unreadable"),
    ],
)
def test_a_file_that_can_not_be_labelled_ends_the_stream(mime: str, data: bytes, reason: str, desk: Desk) -> None:
    url = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    with pytest.raises(WithheldError) as told:
        run(desk, said(f"{url} 完"), said("", "stop"))
    assert told.value.reason == reason


def test_pictures_of_a_delta_leave_at_the_end_with_labels(desk: Desk) -> None:
    part = {"type": "image_url", "image_url": {"url": URL}}
    raw = json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": "看", "images": [part]}}]}).encode()
    out, held = run(desk, raw, said("", "stop"), MARK)
    assert SMALL.encode() not in b"".join(out)
    last = held.filled(asyncio.run(held.last_events({"id": "c"})))
    [event] = [json.loads(line[6:]) for line in last.splitlines() if line]
    [found] = labels_in(event["choices"][0]["delta"]["images"][0]["image_url"]["url"])
    assert found.verdict is Verdict.PRESENT
    assert event["id"] == "c"


def test_without_a_providers_code_no_file_leaves(tmp_path: Path) -> None:
    bare = Desk(Settings(data=tmp_path, upstream="http://127.0.0.1:9/v1"), open_keyring(tmp_path))
    with pytest.raises(WithheldError, match="no_provider_code"):
        run(bare, said(URL + " "), said("", "stop"))
    bare.close()


# --- every spelling that a browser reads, every text of an answer ----------------------------------------


FOLDED = "\n".join(SMALL[at : at + 76] for at in range(0, len(SMALL), 76))
SPELT = {
    "case": f"图 DATA:image/png;BASE64,{SMALL} 完",
    "type": f"图 data:IMAGE/png;base64,{SMALL} 完",
    "space": f"图 data:image/png; base64,{SMALL} 完",
    "named": f"图 data:image/png;name=a.png;base64,{SMALL} 完",
    "no type": f"图 data:;base64,{SMALL} 完",
    "other type": f"图 data:application/octet-stream;base64,{SMALL} 完",
    "lines": f'图 <img src="data:image/png;base64,{FOLDED}"> 完',
    "first line empty": f"图 data:image/png;base64,\n{SMALL} 完",
    "words behind": f"图 data:image/png;base64,{SMALL.rstrip('=')} Here is your picture 完",
    "lines, words behind": f"图 data:image/png;base64,{FOLDED}\nHere is your picture 完",
    "percent": f"图 url(data:image/png;base64,{SMALL.replace('+', '%2B')}) 完",
    "as JSON writes it": f"图 data:image\\/png;base64,{SMALL.replace('/', chr(92) + '/')} 完",
}


def in_any_spelling(text: str) -> list[Any]:
    return [
        files.inspect_bytes(decoded(re.sub(r"\s", "", match)) or b"", "x.png")
        for match in re.findall(r"(?i)base64,([A-Za-z0-9+/\s]+={0,2})", text)
    ]


def taken_whole(desk: Desk, message: Json, **more: Any) -> tuple[Json, Attachments]:
    """Return a message as it leaves, and the files."""
    held = Attachments(desk, NUMBER, SHOWN, LabelStyle(LabelPosition.END))
    body: Json = {"choices": [{"index": 0, "message": message, **more}]}
    held.take_whole(body)
    said = body["choices"][0]["message"]
    if isinstance(said.get("content"), list):
        said["content"] = "".join(part["text"] for part in said["content"])  # as the check does
    asyncio.run(held.put_whole(body))
    return body["choices"][0], held


@pytest.mark.parametrize("text", SPELT.values(), ids=SPELT)
def test_a_file_is_labelled_in_every_spelling(text: str, desk: Desk) -> None:
    choice, held = taken_whole(desk, {"role": "assistant", "content": text})
    for size in (7, 5000):
        out, streamed = run(desk, *(said(text[at : at + size]) for at in range(0, len(text), size)), said("", "stop"))
        assert text_of(out)[:20] == text[:20]
        assert text_of(out).endswith(text[-2:])
        assert ("Here is your picture" in text_of(out)) == ("Here" in text)
        [found] = in_any_spelling(text_of(out).replace(" Here", "."))
        assert found.verdict is Verdict.PRESENT
        assert len(streamed.entries) == 1
    [found] = in_any_spelling(choice["message"]["content"].replace(" Here", "."))
    assert found.verdict is Verdict.PRESENT
    assert len(held.entries) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a prefix such as data:image/png;base64, and behind it the letters that your encoder made of the file as they are",
        "the data: it is coded; base64, which every mail program knows how to read without any further help at all",
        "data:application/json;base64," + base64.b64encode(b'{"a": "' + b"word " * 40 + b'"}').decode(),
        "data:font/woff2;base64," + base64.b64encode(b"wOF2" + bytes(range(200))).decode(),
    ],
)
def test_what_is_no_picture_and_no_sound_stays(text: str, desk: Desk) -> None:
    choice, _ = taken_whole(desk, {"role": "assistant", "content": text})
    assert choice["message"]["content"] == text
    out, held = run(desk, *(said(text[at : at + 9]) for at in range(0, len(text), 9)), said("", "stop"))
    assert text_of(out) == text
    assert not held.entries


def test_what_looks_like_a_picture_and_is_no_base64_is_withheld(desk: Desk) -> None:
    text = f"data:image/png;base64,{SMALL[:80]}%zz{SMALL[80:]} 完"
    with pytest.raises(WithheldError, match="not_base64"):
        taken_whole(desk, {"role": "assistant", "content": text})
    with pytest.raises(WithheldError, match="not_base64"):
        run(desk, said(text), said("", "stop"))


def test_a_picture_spelt_with_escapes_is_withheld(desk: Desk) -> None:
    text = '{"a": "\\u0064ata:image/png;base64,' + SMALL + '"}'
    message = {"role": "assistant", "tool_calls": [{"function": {"name": "draw", "arguments": text}}]}
    with pytest.raises(WithheldError, match="escaped"):
        taken_whole(desk, message)
    with pytest.raises(WithheldError, match="escaped"):
        run(desk, *(said(text[at : at + 9]) for at in range(0, len(text), 9)), said("", "stop"))


ARGUMENTS = json.dumps({"src": URL, "alt": "湖"}, ensure_ascii=False)
CHANNELS: dict[str, tuple[Any, Any]] = {
    "reasoning_content": ({"reasoning_content": f"想：{URL} 完"}, lambda said: said["reasoning_content"]),
    "reasoning": ({"reasoning": f"想：{URL} 完"}, lambda said: said["reasoning"]),
    "parts": (
        {"content": [{"type": "text", "text": f"看：{URL[:12]}"}, {"type": "text", "text": f"{URL[12:]} 完"}]},
        lambda said: said["content"],
    ),
    "tool_calls": (
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "show", "arguments": ARGUMENTS}}]},
        lambda said: said["tool_calls"][0]["function"]["arguments"],
    ),
    "function_call": (
        {"function_call": {"name": "show", "arguments": ARGUMENTS}}, lambda said: said["function_call"]["arguments"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("message", "read"), CHANNELS.values(), ids=CHANNELS)
def test_every_text_of_an_answer_is_looked_through(message: Json, read: Any, desk: Desk) -> None:
    given = json.dumps(message)
    choice, held = taken_whole(desk, json.loads(given), logprobs={"content": [{"token": URL, "logprob": 0.0}]})
    raw = {"choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    out, streamed = run(desk, json.dumps(raw).encode(), said("", "stop"), MARK)
    for told, files_of in ((choice["message"], held), (json.loads(out[0])["choices"][0]["delta"], streamed)):
        [found] = in_any_spelling(read(told))
        assert found.verdict is Verdict.PRESENT
        assert len(files_of.entries) == 1
    assert choice["logprobs"] is None
    if "arguments" in given:
        assert json.loads(read(choice["message"]))["alt"] == "湖"


@pytest.mark.parametrize("rest", ["Here is your picture", "=Here is your picture", " Here"])
def test_words_that_follow_the_end_of_base64_are_no_part_of_it(rest: str, desk: Desk) -> None:
    padded = SMALL if SMALL.endswith("=") else base64.b64encode(picture("PNG", (24, 18)) + b"\n").decode()
    assert padded.endswith("=")
    out, _ = run(desk, said(f"图 data:image/png;base64,{padded}"), said(rest), said("", "stop"))
    text = text_of(out)
    assert text.endswith(rest.lstrip("="))
    assert padded not in text
    assert in_any_spelling(text)[0].verdict is Verdict.PRESENT


def test_log_probabilities_do_not_spell_out_what_was_taken(desk: Desk) -> None:
    def spelt(text: str, finish: str | None = None) -> bytes:
        entry = {"token": text, "logprob": -0.1, "bytes": list(text.encode()), "top_logprobs": []}
        choice = {"index": 0, "delta": {"content": text}, "logprobs": {"content": [entry]}, "finish_reason": finish}
        return json.dumps({"choices": [choice]}).encode()

    pieces = ["看", *(URL[at : at + 40] for at in range(0, len(URL), 40)), " 完"]
    out, _ = run(desk, *map(spelt, pieces), spelt("了", "stop"), MARK)
    found = [item["logprobs"] for raw in out if raw != MARK for item in json.loads(raw)["choices"]]
    tokens = "".join(entry["token"] for one in found if one for entry in one["content"])
    assert tokens.startswith("看"), "of words they pass"
    assert tokens.endswith("了")
    assert SMALL[40:80] not in tokens


def test_the_record_names_a_file_only_once_it_leaves(desk: Desk) -> None:
    held = Attachments(desk, NUMBER, SHOWN, LabelStyle(LabelPosition.END))
    part = {"type": "image_url", "image_url": {"url": URL}}
    raw = json.dumps({"choices": [{"index": 0, "delta": {"content": f"{URL} 完", "images": [part]}}]}).encode()

    async def read() -> tuple[bytes, bytes]:
        events = FileEvents(Given([raw], [said("", "stop")]), held)
        first = b"".join([*await events.next(), *await events.next()])
        return first, await held.last_events({})

    first, last = asyncio.run(read())
    assert not held.entries, "labelled, and nothing of it has left"
    held.filled(b"refused")
    assert not held.entries
    held.filled(first)
    assert [item["number"] for item in held.entries] == [f"{NUMBER}-1"]
    held.filled(first + last)
    assert [item["number"] for item in held.entries] == [f"{NUMBER}-1", f"{NUMBER}-2"]


def test_the_files_of_one_answer_are_bounded_together(tmp_path: Path) -> None:
    bounds = Settings(data=tmp_path, upstream="http://127.0.0.1:9/v1", provider_code=CODE, media_megabytes=1)
    small = Desk(bounds, open_keyring(tmp_path))
    held = Attachments(small, NUMBER, SHOWN, LabelStyle(LabelPosition.END))
    large = base64.b64encode(saved("PNG", noise(size=(600, 500)))).decode()

    async def three() -> None:
        assert (await held.label(large, "image")).number == f"{NUMBER}-1"
        assert (await held.label(large, "image")).number == f"{NUMBER}-2"
        with pytest.raises(WithheldError, match="too_large_together"):
            await held.label(large, "image")

    asyncio.run(three())
    small.close()
