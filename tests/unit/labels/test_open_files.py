"""Files that are open for reading: small ones stand in memory that is used again, and no bytes of one ever show up in another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hegui.kit.errors import InputError
from hegui.service.labels import files
from hegui.service.labels.container import OpenFile, UnreadableError, copy, opened, pieces, same, window
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Label
from tests.unit.labels.pictures import CODE, every
from tests.unit.labels.test_images import pixels

SIZES = (1, 4096, 300_000, (1 << 19) - 1, 1 << 19, 700_001)
"""Such as are held whole, and such as are not."""


def bytes_of(size: int, seed: int) -> bytes:
    return bytes((number * 7 + seed) % 251 for number in range(1009)) * (size // 1009 + 1)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_read_as_it_is_whatever_its_size(tmp_path: Path, size: int) -> None:
    data = bytes_of(size, 3)[:size]
    path = tmp_path / "a"
    path.write_bytes(data)
    with opened(path) as file:
        assert file.seek(0, 2) == size
        assert file.read(10) == b""
        assert file.seek(size // 2) == file.tell() == size // 2
        with pytest.raises(OSError, match="Invalid argument"):
            file.seek(-1 - size, 2)
        assert file.tell() == size // 2
        file.seek(0)
        assert file.read() == data
    with opened(path) as file, (tmp_path / "b").open("wb") as target:
        assert bytes(window(file, 5, size)) == data[5:]
        assert b"".join(pieces(file, 0, size)) == data
        with pytest.raises(UnreadableError):
            list(pieces(file, 1, size))
        target.write(b"12")
        copy(file, target, 0, size)
        assert same(pieces(file, 0, size), iter([data[: size // 3], b"", data[size // 3 :]]))
        assert not same(pieces(file, 0, size), iter([data, b"more"]))
        assert not same(pieces(file, 0, size), iter([data[:-1] + bytes([data[-1] ^ 1])]))
    assert (tmp_path / "b").read_bytes() == b"12" + data


def test_what_still_looks_at_a_closed_file_sees_no_other(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode() * 1000)
    first = opened(tmp_path / "a")
    kept = window(first, 0, 1000)
    first.close()
    with opened(tmp_path / "b") as second, opened(tmp_path / "c") as third:
        assert (second.read(), third.read()) == (b"b" * 1000, b"c" * 1000)
        assert bytes(kept) == b"a" * 1000


def test_what_is_no_file_is_told_as_such(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError):
            files.inspect(path)
    (tmp_path / "empty.png").touch()
    with opened(tmp_path / "empty.png") as file:
        assert isinstance(file, OpenFile)
    assert files.inspect(tmp_path / "empty.png").verdict is Verdict.UNREADABLE


def test_labels_are_written_by_many_threads_at_once(tmp_path: Path) -> None:
    pictures = {name: data for name, data in every().items() if name.endswith((".png", ".jpg", ".webp", ".gif"))}
    for name, data in pictures.items():
        (tmp_path / name).write_bytes(data)

    def labelled(number: int) -> None:
        for name in pictures:
            target = tmp_path / f"{number}-{name}"
            label = Label.first(CODE, f"number-{number}-of-{name}")
            assert files.write(tmp_path / name, target, label).label == label

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(labelled, range(4)))
    for name in pictures:
        for number in range(4):
            found = files.inspect(tmp_path / f"{number}-{name}").label
            assert found is not None
            assert found.produce_id == f"number-{number}-of-{name}"
            assert pixels(tmp_path / f"{number}-{name}") == pixels(tmp_path / name)
    assert not list(tmp_path.glob(".*.part"))
