"""Files given by URL: there for their time and gone afterwards, encrypted, under a name that nobody guesses."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hegui.evidence.keyring import open_keyring
from hegui.kit.errors import StoreError
from hegui.service.gateway.media.labelling import FORMS, Labelled
from hegui.service.gateway.media.shelf import Shelf, sweep, sweep_work

FILE = Labelled(b"\x89PNG labelled picture", "png", FORMS["png"], "mark:bottom-right", "xmp", "0199", signed=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


def shelf(folder: Path, *, minutes: int = 5, most: int = 1 << 20) -> Shelf:
    return Shelf(folder, open_keyring(folder.parent), minutes=minutes, most_bytes=most)


def test_a_file_is_handed_out_as_it_was_kept(folder: Path) -> None:
    part = shelf(folder).put(FILE)
    assert part.endswith(".png")
    found = shelf(folder).get(part)
    assert found is not None, "another worker hands it out too"
    assert (found.data, found.mime, found.number) == (FILE.data, "image/png", "0199")
    assert 290 <= found.seconds <= 300


def test_the_disk_shows_neither_file_nor_url(folder: Path) -> None:
    part = shelf(folder).put(FILE)
    [path] = folder.iterdir()
    assert b"picture" not in path.read_bytes()
    assert path.name not in part
    assert part.partition(".")[0] not in path.name
    assert path.stat().st_mode & 0o077 == 0
    assert shelf(folder).put(FILE) != part


@pytest.mark.parametrize(
    "part", ["", "x", "../../keys", "a" * 43, "a" * 43 + ".png", "%2e%2e/x.png", "é" * 43 + ".png"]
)
def test_no_other_name_is_handed_out(part: str, folder: Path) -> None:
    shelf(folder).put(FILE)
    assert shelf(folder).get(part) is None


def test_it_is_gone_when_its_time_is_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = shelf(folder).put(FILE)
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    assert shelf(folder).get(part) is None, "not handed out even before it is deleted"
    assert sweep(folder) == 1
    assert not list(folder.iterdir())


def test_nobody_gives_a_file_more_time(folder: Path) -> None:
    part = shelf(folder).put(FILE)
    [path] = folder.iterdir()
    data = path.read_bytes()
    path.write_bytes((int.from_bytes(data[:8], "big") + 10_000).to_bytes(8, "big") + data[8:])
    assert shelf(folder).get(part) is None


def test_it_can_be_taken_away_before(folder: Path) -> None:
    kept = shelf(folder)
    part = kept.put(FILE)
    kept.remove(part)
    assert kept.get(part) is None
    kept.remove(part)


def test_there_is_room_for_so_much(folder: Path) -> None:
    kept = shelf(folder, most=len(FILE.data) * 2 + 40)
    kept.put(FILE)
    with pytest.raises(StoreError):
        kept.put(FILE)


def test_what_a_dead_process_left_behind_goes(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / ".half.part").write_bytes(b"x")
    work = tmp_path / "work"
    (work / "old").mkdir(parents=True)
    (work / "old" / "in.png").write_bytes(b"plain")
    assert sweep(folder) == 0, "it may be being written"
    sweep_work(work)
    assert (work / "old").exists()
    for path in (folder / ".half.part", work / "old"):
        os.utime(path, (1, 1))
    assert sweep(folder) == 1
    sweep_work(work)
    assert not (work / "old").exists()
    assert sweep(tmp_path / "none") == 0


def test_a_folder_that_can_not_be_used_is_told_as_no_room(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"a file in its place")
    with pytest.raises(StoreError, match="could not be kept"):
        shelf(folder).put(FILE)


def test_a_file_that_another_worker_takes_away_meanwhile_counts_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf(folder).put(FILE)
    [path] = folder.iterdir()

    def gone(self: Path) -> bool:
        self.unlink(missing_ok=True)
        return True

    monkeypatch.setattr(Path, "is_file", gone)
    part = shelf(folder).put(FILE)
    monkeypatch.undo()
    assert not path.exists()
    assert shelf(folder).get(part) is not None
