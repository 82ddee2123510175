"""The small parts of the gateway: events cut anywhere, the spool, labels, service settings."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.kit.errors import InputError, StoreError
from hegui.service.gateway.protocol import EventReader, ProtocolError
from hegui.service.gateway.service import service_settings
from hegui.service.gateway.spool import Spool, abandoned, read_batches
from hegui.service.gateway.texts import turn_start
from hegui.service.labels import Labeller, LabelPosition, LabelStyle, check_wording, is_machine_text
from hegui.service.labels.text import WordingError

STREAM = 'data: {"a":1}\n\n: ping\n\nevent: x\ndata: 二\ndata: 三\n\nid: 7\n\ndata:四\n\ndata: [DONE]\n\n'
EVENTS = [b'{"a":1}', "二\n三".encode(), "四".encode(), b"[DONE]"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@given(cuts=st.lists(st.integers(0, 120), max_size=10))
def test_events_are_read_whatever_the_pieces(end: str, cuts: list[int]) -> None:
    data = STREAM.replace("\n", end).encode()
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    reader = EventReader()
    found = [event for a, b in pairwise(places) for event in reader.feed(data[a:b])]
    rest = reader.rest()
    assert [*found, *([rest] if rest else [])] == EVENTS


def test_an_endless_event_is_refused() -> None:
    reader = EventReader()
    piece = b"data: " + b"x" * (3 << 20)
    assert reader.feed(piece) == []
    with pytest.raises(ProtocolError):
        reader.feed(piece)


# --- the spool ---------------------------------------------------------------------------------------


def test_what_is_spooled_is_read_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, seconds=60, most_bytes=1 << 20)
    spool.append([{"id": "1"}, {"id": "2"}])
    spool.append([{"id": "3"}])
    assert [row["id"] for batch in spool.batches(2) for row in batch] == ["1", "2", "3"]
    assert list(abandoned(tmp_path)) == [], "a living worker's spool is left to it"
    spool.close()
    (path,) = abandoned(tmp_path)
    assert sum(len(batch) for batch in read_batches(path, 10)) == 3


def test_a_torn_last_line_is_left_out_and_an_inner_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id":"1"}\n{"id":"2"')
    assert list(read_batches(path, 10)) == [[{"id": "1"}]]
    path.write_bytes(b'{"id":"1"\n{"id":"2"}\n')
    with pytest.raises(StoreError):
        list(read_batches(path, 10))


def test_the_spool_ends_by_size_and_by_time(tmp_path: Path) -> None:
    small = Spool(tmp_path / "a", seconds=60, most_bytes=40)
    small.append([{"id": "1"}])
    with pytest.raises(StoreError):
        small.append([{"id": "x" * 40}])
    assert [row for batch in small.batches(9) for row in batch] == [{"id": "1"}]
    short = Spool(tmp_path / "b", seconds=0, most_bytes=1 << 20)
    short.since = -1.0
    assert short.expired
    with pytest.raises(StoreError):
        short.append([{"id": "1"}])


def test_a_full_disk_is_told_and_leaves_the_spool_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path, seconds=60, most_bytes=1 << 20)
    spool.append([{"id": "1"}])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoreError) as caught:
            spool.append([{"id": "2"}])
    assert "No space left" in caught.value.title.en
    spool.append([{"id": "3"}])
    assert [row["id"] for batch in spool.batches(9) for row in batch] == ["1", "3"]


# --- labels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "good", ["人工智能生成", "AI生成", "AI合成", "（本内容由人工智能生成 / AI-generated）", "AI-generated"]
)
def test_a_label_with_both_elements_is_good(good: str) -> None:
    assert check_wording(good) == good


@pytest.mark.parametrize(
    "bad", ["AI", "人工智能", "AI创作", "AI辅助", "由AI提供", "机器生成", "生成", "", "RAIN生成", "AI\n生成"]
)
def test_a_label_that_lacks_an_element_is_refused(bad: str) -> None:
    with pytest.raises(WordingError) as caught:
        check_wording(bad)
    assert caught.value.cite == "GB45438-5.1"


def test_where_labels_stand() -> None:
    end = Labeller(LabelStyle(), machine=False)
    assert (end.before("好"), end.after("好").strip(), end.placed) == ("", LabelStyle().wording, "end")
    start = Labeller(LabelStyle(LabelPosition.START), machine=False)
    assert (start.before("好").strip(), start.after("好"), start.placed) == (LabelStyle().wording, "", "start")
    interface = Labeller(LabelStyle(LabelPosition.INTERFACE), machine=False)
    assert (interface.before("好"), interface.after("好")) == ("", "")
    assert Labeller(LabelStyle(), machine=False).after("") == ""


@pytest.mark.parametrize(
    ("text", "labelled"),
    [
        ("好", True),
        ("```py\n1\n```", True),
        ("```py\n1", False),
        ("````\n```\n", False),
        ('{"a":1}', False),
        ("[好]", True),
    ],
)
def test_labels_stay_out_of_code_and_json(text: str, labelled: bool) -> None:
    assert bool(Labeller(LabelStyle(), machine=False).after(text)) is labelled


def test_machine_text() -> None:
    assert is_machine_text(' {"a": [1]} ')
    assert not is_machine_text("{好}")
    assert not is_machine_text("1")


# --- services and turns ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"color": "red"}, {"refusal": "shout"}, {"label_position": "top"}, {"label_wording": "AI"}]
)
def test_wrong_service_settings_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        service_settings(wrong)


def test_the_current_turn_begins_after_the_last_finished_answer() -> None:
    user, answer = {"role": "user"}, {"role": "assistant"}
    call, tool = {"role": "assistant", "tool_calls": [{}]}, {"role": "tool"}
    assert turn_start([user]) == 0
    assert turn_start([user, answer, user]) == 2
    assert turn_start([user, answer, user, call, tool]) == 2
    assert turn_start([user, answer]) == 0
