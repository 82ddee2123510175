"""The disk spool: what was acknowledged is there after any crash, in order, and nobody takes it twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.kit.errors import StoreError
from hegui.service.gateway.spool import Spool, abandoned, read_batches

ROWS = st.lists(st.fixed_dictionaries({"id": st.uuids().map(str), "payload": st.text(max_size=20)}), max_size=12)


def opened(folder: Path, *, seconds: float = 60, most: int = 1 << 20) -> Spool:
    return Spool(folder, seconds=seconds, most_bytes=most)


def rows_of(spool: Spool, size: int = 100) -> list[dict[str, Any]]:
    return [row for batch in spool.batches(size) for row in batch]


def only_file(folder: Path) -> Path:
    (path,) = folder.glob("*.jsonl")
    return path


@given(batches=st.lists(ROWS.filter(bool), max_size=5), size=st.integers(1, 7))
@settings(max_examples=40)
def test_every_row_comes_back_in_order_in_batches_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[dict[str, str]]], size: int
) -> None:
    spool = opened(tmp_path_factory.mktemp("spool"))
    for batch in batches:
        spool.append(batch)
    read = list(spool.batches(size))
    assert [row for batch in read for row in batch] == [row for batch in batches for row in batch]
    assert all(len(batch) == size for batch in read[:-1])
    assert spool.used is bool(batches)
    spool.close()


@given(rows=ROWS.filter(bool), data=st.data())
@settings(max_examples=60)
def test_a_file_cut_anywhere_gives_the_rows_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("spool") / "a.jsonl"
    written = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    cut = data.draw(st.integers(0, len(written)))
    zeros = data.draw(st.sampled_from([b"", b"\0" * 7]))
    path.write_bytes(written[:cut] + zeros)
    found = [row for batch in read_batches(path, 3) for row in batch]
    assert found == rows[: len(found)]
    whole_lines = written[:cut].count(b"\n")
    assert len(found) in ({whole_lines} if zeros else {whole_lines, whole_lines + 1})


@pytest.mark.parametrize("broken", [b'{"id":"1"\n', b"\0\0\n", b"\xff\n", b"{}}\n"])
def test_a_line_that_is_broken_in_the_middle_is_told_with_its_number(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id":"0"}\n' + broken + b'{"id":"2"}\n')
    with pytest.raises(StoreError) as caught:
        list(read_batches(path, 10))
    assert "a.jsonl:2" in caught.value.title.zh


def test_the_file_is_its_owners_only_and_in_place_before_the_first_row(tmp_path: Path) -> None:
    spool = opened(tmp_path / "new" / "folder")
    path = only_file(tmp_path / "new" / "folder")
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]
    spool.close()


def test_a_batch_is_on_disk_when_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, flushed = opened(tmp_path), []
    real = os.fsync

    def note(descriptor: int) -> None:
        real(descriptor)
        flushed.append(only_file(tmp_path).read_bytes())

    monkeypatch.setattr("os.fsync", note)
    spool.append([{"id": "1"}, {"id": "2"}])
    assert flushed == [b'{"id":"1"}\n{"id":"2"}\n']


def test_a_disk_that_takes_half_a_batch_keeps_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = opened(tmp_path)
    spool.append([{"id": "1"}])
    real, calls = os.write, []

    def half(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr("os.write", half)
        with pytest.raises(StoreError) as caught:
            spool.append([{"id": "2"}])
    assert caught.value.exit_code == 4
    assert "腾出磁盘" in caught.value.remedy.zh
    spool.append([{"id": "3"}])
    assert [row["id"] for row in rows_of(spool)] == ["1", "3"]


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, real = opened(tmp_path), os.write
    with monkeypatch.context() as patch:
        patch.setattr("os.write", lambda descriptor, data: real(descriptor, data[:3]))
        spool.append([{"id": "一二三"}, {"id": "2"}])
    assert rows_of(spool) == [{"id": "一二三"}, {"id": "2"}]


def test_the_limit_of_size_is_exact_and_clearing_gives_it_back(tmp_path: Path) -> None:
    row = {"id": "1"}
    spool = opened(tmp_path, most=2 * len(orjson.dumps(row) + b"\n"))
    spool.append([row])
    spool.append([row])
    with pytest.raises(StoreError):
        spool.append([row])
    assert len(rows_of(spool)) == 2
    spool.clear()
    assert (spool.used, spool.since, rows_of(spool)) == (False, None, [])
    spool.append([row, row])
    assert len(rows_of(spool)) == 2


def test_the_time_runs_from_the_first_row_and_anew_after_clearing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("hegui.service.gateway.spool.time.monotonic", lambda: now[0])
    spool = opened(tmp_path, seconds=60)
    now[0] += 500
    assert not spool.expired
    spool.append([{"id": "1"}])
    now[0] += 59
    spool.append([{"id": "2"}])
    now[0] += 2
    assert spool.expired
    with pytest.raises(StoreError) as caught:
        spool.append([{"id": "3"}])
    assert "60" in caught.value.title.zh
    assert [row["id"] for row in rows_of(spool)] == ["1", "2"]
    spool.clear()
    assert not spool.expired
    spool.append([{"id": "4"}])


def test_an_empty_spool_leaves_no_file_and_a_used_one_stays(tmp_path: Path) -> None:
    empty, used = opened(tmp_path), opened(tmp_path)
    used.append([{"id": "1"}])
    empty.close()
    used.close()
    assert [row for batch in read_batches(only_file(tmp_path), 9) for row in batch] == [{"id": "1"}]


def test_each_worker_has_its_own_file_and_only_those_of_the_dead_are_taken(tmp_path: Path) -> None:
    living, dead = opened(tmp_path), opened(tmp_path)
    living.append([{"id": "living"}])
    dead.append([{"id": "dead"}])
    dead.close()
    (tmp_path / "x.bad").write_bytes(b"kept aside\n")
    (tmp_path / ".hidden.new").write_bytes(b"")
    found = [row["id"] for path in abandoned(tmp_path) for batch in read_batches(path, 9) for row in batch]
    assert found == ["dead"]
    assert list(abandoned(tmp_path / "none")) == []


def test_while_one_takes_a_dead_workers_spool_another_does_not(tmp_path: Path) -> None:
    dead = opened(tmp_path)
    dead.append([{"id": "1"}])
    dead.close()
    first = abandoned(tmp_path)
    assert next(first) == only_file(tmp_path)
    assert list(abandoned(tmp_path)) == []
    first.close()  # type: ignore[attr-defined]
    assert list(abandoned(tmp_path)) == [only_file(tmp_path)]


def test_a_killed_workers_rows_are_there_for_the_keeper(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from hegui.service.gateway.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), seconds=60, most_bytes=1 << 20)\n"
        "spool.append([{'id': '1'}]); spool.append([{'id': '2'}]); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], check=False, timeout=60)
    assert done.returncode == -9
    (path,) = abandoned(tmp_path)
    assert list(read_batches(path, 9)) == [[{"id": "1"}, {"id": "2"}]]
