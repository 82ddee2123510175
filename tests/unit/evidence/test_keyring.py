"""The keys: made once, readable by their owner only, and never made anew behind anybody's back."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hegui.evidence.keyring import open_keyring
from hegui.evidence.notes import Verifier
from hegui.kit.errors import SettingsError, StoreError
from tests.unit.store.disks import fill, small_disk

KEYS = ("content.key", "ledger.key", "pseudonym.key")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_keys_are_made_once_and_stay(tmp_path: Path) -> None:
    first, second = open_keyring(tmp_path), open_keyring(tmp_path)
    assert first.signer.vkey == second.signer.vkey
    assert (first.content, first.pseudonym) == (second.content, second.pseudonym)
    assert first.signer.name.startswith("hegui.local/")
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted([*KEYS, "origin"])
    assert len({first.content, first.pseudonym, first.signer.key.private_bytes_raw()}) == 3
    other = open_keyring(tmp_path / "other")
    assert other.signer.vkey != first.signer.vkey
    assert other.content != first.content


def test_only_the_owner_reads_them_whatever_the_umask_and_whatever_was(tmp_path: Path) -> None:
    script = "import os, sys; from pathlib import Path; os.umask(0); from hegui.evidence.keyring import open_keyring; open_keyring(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)
    folder = tmp_path / "keys"
    for _ in range(2):
        assert mode(folder) == 0o700
        assert {name: mode(folder / name) for name in KEYS} == dict.fromkeys(KEYS, 0o600)
        folder.chmod(0o755)  # as a careless copy would leave them
        for name in KEYS:
            (folder / name).chmod(0o644)
        open_keyring(tmp_path)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_was_lost_is_told_and_not_made_anew(tmp_path: Path, name: str) -> None:
    before = open_keyring(tmp_path)
    path = tmp_path / "keys" / name
    kept = path.read_bytes()
    path.unlink()
    for _ in range(2):
        with pytest.raises(StoreError) as told:
            open_keyring(tmp_path)
        assert f"{path} 不见了" in told.value.title.zh
        assert "restore it from a backup" in told.value.remedy.en
        assert not path.exists()
    path.write_bytes(kept)
    assert open_keyring(tmp_path).signer.vkey == before.signer.vkey


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:31]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "a folder": as_folder,
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", KEYS)
def test_a_damaged_key_is_told_and_left_as_it_is(tmp_path: Path, name: str, how: str) -> None:
    open_keyring(tmp_path)
    path = tmp_path / "keys" / name
    DAMAGE[how](path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError) as told:
        open_keyring(tmp_path)
    assert str(tmp_path / "keys") in told.value.title.zh
    assert told.value.exit_code == 4
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_first_start_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "content.key").write_bytes(b"c" * 32)
    keyring = open_keyring(tmp_path)
    assert keyring.content == b"c" * 32
    assert (folder / "origin").exists()


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from hegui.evidence.keyring import open_keyring\n"
        "sys.stdin.read(); ring = open_keyring(Path(sys.argv[1])); print(ring.signer.vkey, ring.content.hex())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    said = {process.communicate(b"")[0] for process in running}
    assert len(said) == 1
    assert said.pop().decode().split()[0] == open_keyring(tmp_path).signer.vkey


def test_the_origin_is_fixed_by_the_first_start(tmp_path: Path) -> None:
    keyring = open_keyring(tmp_path, "hegui.example/ledger")
    assert keyring.signer.name == "hegui.example/ledger"
    assert open_keyring(tmp_path).signer.name == "hegui.example/ledger"
    assert open_keyring(tmp_path, "hegui.example/ledger").signer.vkey == keyring.signer.vkey
    with pytest.raises(StoreError, match=r"other\.example"):
        open_keyring(tmp_path, "other.example/ledger")


@pytest.mark.parametrize("origin", ["a b", "a+b", "a\nb", "a\tb", "a\u3000b", "a\x00b", "a\x7fb"])
def test_an_origin_that_a_note_can_not_carry_is_refused_before_anything_is_made(tmp_path: Path, origin: str) -> None:
    with pytest.raises(SettingsError) as told:
        open_keyring(tmp_path, origin)
    assert "example.com/ledger" in told.value.remedy.zh
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("origin", ["hegui.example/ledger", "合规.中国/账本", "a"])
def test_an_origin_in_any_script_makes_notes_that_verify(tmp_path: Path, origin: str) -> None:
    signer = open_keyring(tmp_path, origin).signer
    assert Verifier.parse(signer.vkey).open(signer.sign("一\n")) == "一\n"


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(StoreError, match="keys"):
        open_keyring(tmp_path)
    with small_disk(tmp_path / "disk", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StoreError, match="Read-only"):
            open_keyring(disk)


def test_a_full_disk_leaves_no_half_key(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        filler = fill(disk)
        with pytest.raises(StoreError, match="No space"):
            open_keyring(disk)
        assert [path for path in (disk / "keys").glob("*") if path.stat().st_size not in {0, 32}] == []
        filler.unlink()
        assert open_keyring(disk).signer.vkey == open_keyring(disk).signer.vkey
