"""`hegui evidence export` and `verify` as they are typed: exit codes, words for people, JSON for machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hegui.cli import main
from hegui.evidence import leave
from hegui.kit.settings import Settings
from hegui.store import Store, unit_of_work
from hegui.store.embedded import database
from hegui.store.migrate import migrate
from tests.harness import hegui

EXPORT = ("evidence", "export")
VERIFY = ("evidence", "verify")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory with a few acts, whose database a command finds running."""
    folder = tmp_path_factory.mktemp("commands") / "data"
    with database(Settings(data=folder), "serve") as url:
        store = Store.open(url)
        migrate(store)
        with unit_of_work(store) as session:
            for number in range(5):
                leave(session, "test", {"n": number, "text": "番茄"})
        store.close()
        yield folder


@pytest.fixture(scope="module")
def exported(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "out"
    hegui(*EXPORT, "--data", data, "--out", out)
    return out


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    shutil.copytree(exported, tmp_path / "copy")
    return tmp_path / "copy"


def asked(*arguments: str | Path) -> tuple[int, str, str]:
    """Run a command in this process, which is quick; the fixture and the last test run it as a user does."""
    done = CliRunner().invoke(main, [*map(str, arguments)], env=clean())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def clean() -> dict[str, str | None]:
    return {name: None for name in os.environ if name.startswith("HEGUI_")}


def as_json(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    code, said, _ = asked(*arguments, "--json")
    return code, json.loads(said)


def test_export_says_how_to_verify_and_that_command_works(data: Path, out: Path) -> None:
    code, said, progress = asked(*EXPORT, "--data", data, "--out", out)
    assert code == 0
    assert "已导出 exported 5 条" in said
    assert progress.strip().endswith("5/5")
    command = said.rsplit("verify: python ", 1)[1].split()
    assert subprocess.run([sys.executable, *command], capture_output=True, check=False).returncode == 0


def test_export_tells_machines_what_it_holds(data: Path, out: Path) -> None:
    code, said = as_json(*EXPORT, "--data", data, "--out", out, "--first", "2", "--end", "4")
    assert (code, said) == (0, {"out": str(out), "first": 2, "end": 4, "size": 5})
    assert as_json(*VERIFY, out)[0] == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--first", "6"], "共 5 条"),
        (["--first", "-1"], "outside the ledger"),
        (["--first", "3", "--end", "2"], "outside the ledger"),
        (["--end", "six"], "--end"),
        (["--earlier", "/nonexistent"], "/nonexistent"),
        (["--earlier", "{vkey}"], "检查点"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_export_refuses_what_it_can_not_do(data: Path, exported: Path, out: Path, more: list[str], told: str) -> None:
    given = [item.format(vkey=exported / "ledger.vkey") for item in more]
    found, said, errors = asked(*EXPORT, "--data", data, "--out", out, *given)
    assert (found, said, told in errors) == (2, "", True), errors
    assert not out.exists()


def test_export_needs_a_new_folder_that_can_be_written(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    (tmp_path / "empty").mkdir()
    for name, code, told in (("file", 2, "不是目录"), ("file/out", 2, "can not write"), ("full", 2, "not empty")):
        found, _, errors = asked(*EXPORT, "--data", data, "--out", tmp_path / name)
        assert (found, told in errors, "请：" in errors) == (code, True, True), errors
    assert asked(*EXPORT, "--data", data, "--out", tmp_path / "empty")[0] == 0
    assert asked(*EXPORT, "--data", data)[0] == 2, "--out is not guessed"


def test_a_lost_key_is_told_by_the_command(data: Path, out: Path) -> None:
    key = data / "keys" / "content.key"
    key.rename(key.with_suffix(".away"))
    try:
        code, said = as_json(*EXPORT, "--data", data, "--out", out)
        assert (code, "is missing" in said["error"], "备份" in said["remedy_zh"]) == (4, True, True)
    finally:
        key.with_suffix(".away").rename(key)
    assert not out.exists()


def test_verify_says_valid_and_what_it_does_not_prove(exported: Path) -> None:
    code, said, _ = asked(*VERIFY, exported)
    assert code == 0
    assert said.startswith("VALID 有效")
    assert "NOT pinned" in said
    code, found = as_json(*VERIFY, exported, "--key", (exported / "ledger.vkey").read_text().strip())
    assert (code, found["valid"]) == (0, True)
    assert any("pinned by you" in line for line in found["checked"])
    assert len(found["does_not_prove"]) == 5


def test_verify_says_invalid_and_where_with_exit_code_1(copy: Path) -> None:
    path = copy / "records.jsonl"
    place = next(number for number, line in enumerate(path.read_bytes().splitlines()) if b'"n":3' in line)
    path.write_bytes(path.read_bytes().replace(b'"n":3', b'"n":4'))
    code, said, _ = asked(*VERIFY, copy)
    assert (code, f"record {place}" in said) == (1, True)
    code, found = as_json(*VERIFY, copy)
    assert (code, found["valid"], f"record {place}" in found["reason"]) == (1, False, True)
    path.unlink()
    assert as_json(*VERIFY, copy) == (1, {"valid": False, "reason": "records.jsonl: missing 缺失"})


@pytest.mark.parametrize("how", ["key", "earlier", "folder", "nothing"])
@pytest.mark.parametrize("machine", [False, True])
def test_verify_called_wrongly_says_nothing_of_the_evidence_with_exit_code_2(
    exported: Path, tmp_path: Path, how: str, machine: bool
) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    arguments: dict[str, list[str | Path]] = {
        "key": [exported, "--key", "nonsense"],
        "earlier": [exported, "--earlier", tmp_path / "bytes"],
        "folder": [tmp_path / "none"],
        "nothing": [],
    }
    code, said, errors = asked(*VERIFY, *arguments[how], *(["--json"] if machine else []))
    assert code == 2
    assert "VALID" not in said
    assert errors


def test_verify_needs_no_database_and_no_data_directory(copy: Path, tmp_path: Path) -> None:
    done = hegui(*VERIFY, copy, check=False, HEGUI_DATABASE_URL="nonsense", HEGUI_DATA=str(tmp_path / "none"))
    assert done.returncode == 0
    assert not (tmp_path / "none").exists()
