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
from hegui.service.gateway.attachments import Attachments
from hegui.service.gateway.desk import Desk, decoded
from hegui.service.gateway.file_events import FileEvents
from hegui.service.gateway.media import WithheldError
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.gateway.service import MediaStyle
from hegui.service.labels import LabelPosition, LabelStyle, files
from hegui.service.labels.files import Verdict
from tests.unit.gateway.labelling import NUMBER, picture
from tests.unit.labels.pictures import CODE

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
        ("video/mp4", b"\0\0\0\x18ftypmp42" + bytes(90), "format"),
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
    last = asyncio.run(held.last_events({"id": "c"}))
    [event] = [json.loads(line[6:]) for line in last.splitlines() if line]
    [found] = labels_in(event["choices"][0]["delta"]["images"][0]["image_url"]["url"])
    assert found.verdict is Verdict.PRESENT
    assert event["id"] == "c"


def test_without_a_providers_code_no_file_leaves(tmp_path: Path) -> None:
    bare = Desk(Settings(data=tmp_path, upstream="http://127.0.0.1:9/v1"), open_keyring(tmp_path))
    with pytest.raises(WithheldError, match="no_provider_code"):
        run(bare, said(URL + " "), said("", "stop"))
    bare.close()
