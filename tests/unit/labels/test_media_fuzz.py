"""Damaged films and sounds: inspecting never fails, hangs or takes memory, and never finds a label that nobody wrote."""

from __future__ import annotations

import tempfile
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hegui.kit.errors import HeguiError
from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from tests.unit.labels import media
from tests.unit.labels.test_files import LABEL

KINDS: dict[str, tuple[str, ...]] = {
    "mp4": ("mp4", "mp4 faststart", "mp4 with keys", "mp4 in fragments", "mp4 with sidx", "mov", "m4a"),
    "matroska": ("mkv", "mkv with cues first", "mkv live", "webm"),
    "flv": ("flv", "flv with key frames"),
    "avi": ("avi",),
    "wav": ("wav", "wav as a stream", "rf64"),
    "mp3": ("mp3", "mp3 with 2.3", "mp3 without a tag"),
    "flac": ("flac",),
    "ogg": ("ogg", "opus", "flac in ogg", "ogv"),
}
MOST_MEMORY = 32 * 2**20
JSON = LABEL.as_json().encode()


@cache
def labelled(name: str) -> bytes:
    suffix, data = media.samples()[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a" + suffix)
        path.write_bytes(data)
        files.write(path, path, LABEL)
        return path.read_bytes()


@st.composite
def damaged(draw: st.DrawFn, kind: str) -> tuple[str, bytes, bool]:
    """Return a name, a file with one to four faults, and whether it had a label; the label's own bytes stay."""
    name = draw(st.sampled_from(KINDS[kind]))
    has = draw(st.booleans())
    data = labelled(name) if has else media.samples()[name][1]
    for _ in range(draw(st.integers(1, 4))):
        near = draw(st.sampled_from(("head", "tail", "label", "any")))
        length = len(data)
        middle = data.find(JSON) if has and JSON in data else length // 2
        low, high = {
            "head": (0, min(length, 1500)), "tail": (max(length - 1500, 0), length),
            "label": (max(middle - 400, 0), min(middle + 800, length)), "any": (0, length),
        }[near]  # fmt: skip
        at = draw(st.integers(low, max(high - 1, low)))
        if data[at : at + 1] and JSON in data and data.find(JSON) - 1 <= at < data.find(JSON) + len(JSON):
            continue
        how = draw(st.sampled_from(("flip", "cut", "insert", "double", "word")))
        size = draw(st.integers(1, 400))
        if how == "flip":
            data = data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :] if data else data
        elif how == "cut":
            data = data[:at] + data[at + size :]
        elif how == "insert":
            data = data[:at] + draw(st.binary(max_size=64)) + data[at:]
        elif how == "double":
            data = data[: at + size] + data[at:]
        else:
            data = (
                data[:at]
                + draw(st.sampled_from((bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1")))
                + data[at + 4 :]
            )
    return media.samples()[name][0], data, has


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_damage_is_told_or_does_no_harm(kind: str) -> None:
    @settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged(kind))
    def check(case: tuple[str, bytes, bool]) -> None:
        suffix, data, has = case
        tracemalloc.start()
        found = files.inspect_bytes(data, "a" + suffix)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_MEMORY
        if found.verdict is Verdict.PRESENT and (not has or JSON in data):
            assert found.label == LABEL
            assert has, "a label where none was written"
        with tempfile.TemporaryDirectory() as folder:
            path, target = Path(folder) / ("a" + suffix), Path(folder) / ("b" + suffix)
            path.write_bytes(data)
            try:
                files.write(path, target, LABEL)
            except HeguiError:
                assert [one.name for one in Path(folder).iterdir()] == [path.name]
            else:
                again = files.inspect(target)
                assert (again.verdict, again.label) == (Verdict.PRESENT, LABEL)

    check()


MANY = 120_000
ID3 = b"ID3\x04\0\0" + bytes((MANY * 11) >> shift & 0x7F for shift in (21, 14, 7, 0))
EBML = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7
META = b"\0\0\0\x20meta" + bytes(4) + b"\0\0\0\x14hdlr" + bytes(8) + b"mdir"
BOMBS: dict[str, tuple[str, bytes]] = {
    "boxes": (".mp4", b"\0\0\0\x08free" * MANY),
    "metas": (".mp4", (8 + MANY * 32).to_bytes(4, "big") + b"moov" + META * MANY),
    "tags": (".mkv", EBML + b"\x12\x54\xc3\x67\x80" * MANY),
    "voids": (".mkv", EBML + b"\xec\x80" * MANY),
    "a huge void": (".mkv", EBML + b"\xec\x08" + b"\xff" * 7),
    "script tags": (".flv", b"FLV\1\5\0\0\0\x09\0\0\0\0" + b"\x12\0\0\x0d" + bytes(7) + b"\2\0\x0aonMetaData" + bytes(4)),
    "chunks": (".wav", b"RIFF" + (4 + MANY * 8).to_bytes(4, "little") + b"WAVE" + b"junk\0\0\0\0" * MANY),
    "frames": (".mp3", ID3 + b"TXXX\0\0\0\1\0\0\0" * MANY),
    "comments": (
        ".flac", b"fLaC\0\0\0\x22" + bytes(34) + b"\x84\x0c\x35\x08" + bytes(4) + MANY.to_bytes(4, "little") + bytes(MANY * 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_countless_parts_are_refused_before_they_fill_the_memory(name: str) -> None:
    suffix, data = BOMBS[name]
    tracemalloc.start()
    found = files.inspect_bytes(data, "a" + suffix)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.verdict is Verdict.UNREADABLE
    assert peak < 2 * MOST_MEMORY
