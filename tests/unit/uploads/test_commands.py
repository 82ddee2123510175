"""`hegui uploads inspect --out`: nobody's file is written over, and a run goes on after the files on the shelf have gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from hegui.kit.errors import InputError
from hegui.service.uploads import commands
from hegui.service.uploads.desk import Desk as UploadDesk
from hegui.service.uploads.models import Upload
from hegui.service.uploads.shelf import Shelf, Slip
from tests.application import House
from tests.unit.uploads.test_uploads import PLAIN, labelled


def taken(house: House, path: Path, out: Path) -> Upload:
    desk = UploadDesk(house.desk.store, house.desk.keyring, house.settings)
    return commands._taken(desk, path, Slip("forum"), out)  # noqa: SLF001 - the command opens a database of its own


def test_a_run_that_is_repeated_after_the_shelf_was_swept_writes_the_same_file(house: House, tmp_path: Path) -> None:
    path, out = tmp_path / "x.png", tmp_path / "out"
    path.write_bytes(labelled(tmp_path))
    row = taken(house, path, out)
    first = (out / "x.png").read_bytes()
    Shelf.of(house.settings).remove(row.id)
    assert taken(house, path, out).id == row.id
    (out / "x.png").unlink()
    assert taken(house, path, out).id == row.id
    assert (out / "x.png").read_bytes() == first


def test_a_file_that_stands_there_is_not_written_over(house: House, tmp_path: Path) -> None:
    path, out = tmp_path / "x.png", tmp_path / "out"
    path.write_bytes(labelled(tmp_path))
    out.mkdir()
    (out / "x.png").write_bytes(b"mine")
    with pytest.raises(InputError, match="there already"):
        taken(house, path, out)
    assert (out / "x.png").read_bytes() == b"mine"


def test_files_that_would_go_to_one_place_are_told_before_any_is_judged(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").write_bytes(PLAIN)
    both = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png"]
    with pytest.raises(InputError, match="the same place"):
        commands._check_targets(both, tmp_path / "out")  # noqa: SLF001 - as above
    with pytest.raises(InputError, match="there already"):
        commands._check_targets(both[:1], tmp_path / "a")  # noqa: SLF001 - as above
