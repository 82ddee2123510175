"""Ids and random bytes: never given twice, in threads, after a fork, or when the clock goes back."""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from hegui.kit.ids import random_bytes, uuid7, uuid7_time


def at(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    monkeypatch.setattr("hegui.kit.ids.time.time_ns", lambda: milliseconds * 1_000_000)


def test_ids_follow_rfc_9562(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 0x017F22E279B0)  # the moment of RFC 9562's own example, appendix A.6
    made = uuid.UUID(uuid7())
    assert (made.version, made.variant, str(made)[:13]) == (7, uuid.RFC_4122, "017f22e2-79b0")
    assert uuid7_time(str(made)) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert uuid7_time("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_every_bit_beside_the_time_version_and_variant_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1)
    made = [uuid.UUID(uuid7()).int for _ in range(400)]
    ones = zeros = 0
    for value in made:
        ones |= value
        zeros |= ~value
    varying = ones & zeros & ((1 << 128) - 1)
    assert varying == (0xFFF << 64) | 0x3FFFFFFFFFFFFFFF


def test_ids_of_later_milliseconds_sort_later_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for moment in (0, 1, 255, 256, 1 << 32, (1 << 32) + 1, 1_790_000_000_000, (1 << 48) - 1):
        at(monkeypatch, moment)
        made.append(uuid7())
    assert made == sorted(made)


def test_a_clock_that_goes_back_gives_no_id_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for moment in (2000, 1000, 2000, 1000):
        at(monkeypatch, moment)
        made += [uuid7() for _ in range(500)]
    assert len(set(made)) == 2000
    assert {uuid7_time(value).timestamp() for value in made} == {1.0, 2.0}


def test_threads_never_share_an_id_or_a_byte_of_a_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [value for batch in pool.map(lambda _: [uuid7() for _ in range(2000)], range(8)) for value in batch]
        keys = [
            value for batch in pool.map(lambda _: [random_bytes(32) for _ in range(500)], range(8)) for value in batch
        ]
    assert len(set(made)) == 16_000
    assert len(set(keys)) == 4000
    assert {len(key) for key in keys} == {32}


def test_a_forked_process_has_other_bytes() -> None:
    random_bytes(16)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, random_bytes(64))
        os._exit(0)
    os.close(writer)
    assert os.waitpid(child, 0)[1] == 0
    with os.fdopen(reader, "rb") as pipe:
        theirs = pipe.read()
    assert len(theirs) == 64
    assert theirs != random_bytes(64)


def test_more_bytes_than_there_are_at_a_time_are_refused_not_cut_short() -> None:
    assert len(random_bytes(4096)) == 4096
    assert random_bytes(0) == b""
    with pytest.raises(ValueError, match="4096"):
        random_bytes(4097)


@pytest.mark.parametrize(
    "text", ["", "x", "00000000-0000-4000-8000-000000000000", "017f22e279b07cc398c4dc0c0c07398", "①" * 36]
)
def test_the_time_of_what_is_no_uuid7_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"UUIDv7|UUID string"):
        uuid7_time(text)


def test_ids_made_in_a_row_carry_the_present() -> None:
    before = time.time()
    made = uuid7_time(uuid7()).timestamp()
    assert before - 0.001 <= made <= time.time()
