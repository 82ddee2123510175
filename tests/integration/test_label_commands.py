"""`hegui label` as an operator uses it: files, folders and globs, JSON for machines, clauses for people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hegui.cli import main
from tests.harness import Server, hegui
from tests.unit.labels.test_files import CODE, OTHER, put


def told(*arguments: str | Path, code: int = 0) -> list[dict[str, object]]:
    done = hegui("label", *arguments, "--json", check=False)
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_label_from_the_first_write_to_a_platform(tmp_path: Path) -> None:
    source, target = put(tmp_path, "# 题\n".encode(), "a.md"), tmp_path / "b.md"
    key = tmp_path / "key.json"
    public = json.loads(hegui("label", "key", "-o", key, "--json").stdout)["public"]
    (written,) = told("write", source, "-o", target, "--producer", CODE, "--id", "n-1", "--sign-key", key)
    assert (written["verdict"], written["container"], written["deviations"]) == ("present", "markdown", [])
    pins = put(tmp_path, public.encode(), "pins.txt")
    (verified,) = told("verify", target, "--pins", pins)
    assert verified["signatures"] == [
        {**verified["signatures"][0], "slot": "ReservedCode1", "valid": True, "dialect": "message", "pinned": True}  # type: ignore[index]
    ]
    (passed,) = told("propagate", target, "-o", target, "--propagator", OTHER, "--id", "p-9")
    fields = passed["fields"]
    assert isinstance(fields, dict)
    assert (fields["ContentProducer"], fields["ContentPropagator"], fields["PropagateID"]) == (CODE, OTHER, "p-9")
    refused = hegui("label", "write", target, "-o", target, "--producer", OTHER, "--id", "x", check=False)
    assert refused.returncode == 2
    assert "LAB-10.2" in refused.stderr


def test_folders_and_globs_and_what_verify_says_of_them(tmp_path: Path) -> None:
    put(tmp_path, b"# a\n", "a.md")
    put(tmp_path, b"hello", "b.png")
    (tmp_path / "deep").mkdir()
    put(tmp_path / "deep", b"text", "c.txt")
    told("write", tmp_path / "deep/c.txt", "-o", tmp_path / "deep/c.txt", "--producer", CODE)
    found = {Path(str(item["file"])).name: item["verdict"] for item in told("read", tmp_path, code=2)}
    assert found == {"a.md": "absent", "b.png": "unreadable", "c.txt": "present"}
    assert [item["verdict"] for item in told("read", tmp_path / "*.md")] == ["absent"]
    plain = hegui("label", "verify", tmp_path / "a.md", check=False)
    assert plain.returncode == 1
    assert "GB45438-6.1" in plain.stdout
    assert "不合规" in plain.stdout
    assert hegui("label", "read", tmp_path / "none-*.md", check=False).returncode == 2
    assert [item["verdict"] for item in told("read", tmp_path / "*" / "*.txt")] == ["present"]
    (tmp_path / "empty").mkdir()
    nothing = hegui("label", "verify", tmp_path / "empty", check=False)
    assert (nothing.returncode, nothing.stdout) == (2, ""), "a check of no file is none that passed"


def test_what_can_not_be_written_is_told_and_is_no_matter_of_the_label(tmp_path: Path) -> None:
    text = put(tmp_path, b"text", "c.txt")
    told("write", text, "-o", text, "--producer", CODE)
    nowhere = tmp_path / "nowhere"
    for arguments in (
        ("key", "-o", nowhere / "key.json"),
        ("propagate", text, "-o", nowhere / "c.txt", "--propagator", OTHER, "--id", "1"),
        ("write", put(tmp_path, b"{}", "a.json"), "-o", nowhere / "a.json", "--producer", CODE),
    ):
        done = hegui("label", *arguments, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
        assert "不能写" in done.stderr


def test_what_a_platform_shows(tmp_path: Path) -> None:
    path = put(tmp_path, b"# a\n", "a.md")

    def kind(*more: str) -> object:
        (found,) = told("inspect", path, *more)
        platform = found["platform"]
        assert isinstance(platform, dict)
        return platform["kind"], platform["clause"]

    assert kind() == (None, None)
    assert kind("--declared") == ("2", "LAB-6.2")
    assert kind("--traces") == ("3", "LAB-6.3")
    told("write", path, "-o", path, "--producer", CODE)
    assert kind("--declared", "--traces") == ("1", "LAB-6.1"), "what the file says goes before what its user says"


def test_the_pack_tells_how_the_services_label_their_answers(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hegui.service.labels.pack import samples

    hegui("services", "set", "packed", "--data", server.data, "label_position=start", "label_wording=（AI生成）")
    monkeypatch.setattr(samples, "media", lambda: False)
    made = CliRunner().invoke(main, ["label", "pack", "-o", str(tmp_path / "pack"), "--data", str(server.data)])
    assert made.exit_code == 0, made.output
    index = json.loads((tmp_path / "pack/index.json").read_text("utf-8"))
    assert {"service": "packed", "position": "start", "wording": "（AI生成）"} in index["texts"]
    assert "packed" in (tmp_path / "pack/description.md").read_text("utf-8")


def test_nothing_takes_a_label_away() -> None:
    listed = hegui("label", "--help").stdout
    assert not {"remove", "strip", "delete", "erase", "清除", "移除"} & set(listed.replace("\n", " ").split())


def test_one_label_is_read_without_loading_the_service_and_its_commands_are_the_same(tmp_path: Path) -> None:
    path = put(tmp_path, b"# a\n", "a.md")
    loaded = (
        "import sys, atexit; atexit.register(lambda: print(sorted({'sqlalchemy', 'hegui.app'} & set(sys.modules))))"
    )
    code = f"{loaded}; sys.argv = ['hegui', 'label', 'read', {str(path)!r}]; from hegui.program import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for asked in (["label", "write", "-h"], ["label", "read", str(path)], ["label", "none"]):
        alone, whole = hegui(*asked, check=False), CliRunner().invoke(main, asked, prog_name="hegui")
        assert alone.returncode == whole.exit_code, asked
        lines = 1 if "-h" in asked else None  # the rest is as wide as the terminal
        assert (alone.stdout + alone.stderr).splitlines()[:lines] == whole.output.splitlines()[:lines], asked
