"""Damaged pictures: nothing crashes or hangs, no label is made up, and what is written can be read back."""

from __future__ import annotations

import random
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hegui.kit.errors import HeguiError
from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from tests.unit.labels.pictures import LABEL, WRAPPED, comment, every, heic, saved

PLAIN = every()
NAMES = sorted(PLAIN)
JSON = LABEL.as_json().encode()


def labelled(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(PLAIN[name])
        files.write(path, path, LABEL)
        return path.read_bytes()


LABELLED = {name: labelled(name) for name in NAMES} | {
    "comment.jpg": saved("JPEG", exif=comment(WRAPPED)), "comment.heic": heic(version=1, comment=comment(WRAPPED, ">")),
}  # fmt: skip


def mutated(data: bytes, seed: int, times: int) -> bytes:
    """Return data with bytes flipped, cut out, put in, doubled or cut off; most at the front, where the structure is."""
    chance = random.Random(seed)
    new = bytearray(data)
    for _ in range(times):
        size = len(new)
        at = chance.randrange(max(1, min(size, chance.choice((64, 256, 1024, size)))))
        length = chance.choice((1, 1, 2, 4, 8, 64, 500))
        match chance.randrange(6):
            case 0 | 1:
                new[at : at + 1] = bytes((new[at] ^ 1 << chance.randrange(8) if at < size else 0,))
            case 2:
                del new[at : at + length]
            case 3:
                new[at:at] = chance.randbytes(length)
            case 4:
                new[at:at] = new[at : at + length]
            case _:
                new[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1"))
    return bytes(new[: chance.randrange(len(new))] if chance.randrange(8) == 0 and new else new)


SEEDS = st.integers(0, 1 << 32)
BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@BOUNDED
@given(name=st.sampled_from(NAMES), seed=SEEDS, times=st.integers(1, 6))
def test_no_label_is_made_up(name: str, seed: int, times: int) -> None:
    found = files.inspect_bytes(mutated(PLAIN[name], seed, times), name)
    assert found.verdict in {Verdict.ABSENT, Verdict.UNREADABLE}
    assert (found.problem is None) is (found.verdict is Verdict.ABSENT)


@BOUNDED
@given(name=st.sampled_from(sorted(LABELLED)), seed=SEEDS, times=st.integers(1, 6))
def test_a_label_is_the_one_that_was_written_or_its_text_was_changed(name: str, seed: int, times: int) -> None:
    data = mutated(LABELLED[name], seed, times)
    found = files.inspect_bytes(data, name)
    if found.verdict is Verdict.PRESENT and JSON in data:
        assert found.label == LABEL


@BOUNDED
@given(name=st.sampled_from(sorted(LABELLED)), seed=SEEDS, times=st.integers(1, 4), bare=st.booleans())
def test_what_is_written_over_damage_reads_back_or_is_refused(name: str, seed: int, times: int, bare: bool) -> None:
    data = mutated((PLAIN if bare and name in PLAIN else LABELLED)[name], seed, times)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            files.write(path, path, LABEL)
        except HeguiError:
            assert path.read_bytes() == data
        else:
            again = files.inspect(path)
            assert (again.verdict, again.label) == (Verdict.PRESENT, LABEL)


@pytest.mark.parametrize(
    "name", ["plain.png", "exif.jpg", "lossy.webp", "moving.gif", "lzw.tif", "plain.avif", "one.heic", "beside.xmp"]
)
def test_a_size_that_lies_takes_no_memory(name: str) -> None:
    data = LABELLED[name]
    tracemalloc.start()
    for at in range(4, min(len(data), 400), 2):
        for lie in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\xff\xff", b"\0\0\0\0"):
            files.inspect_bytes(data[:at] + lie + data[at + len(lie) :], name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
