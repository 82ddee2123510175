"""The command line as people and scripts use it: help with an example, JSON, and exit codes that mean something."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hegui.cli import main
from hegui.general.content.kernel import in_use
from tests.harness import ROOT, Server, hegui


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that does something, with its words."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


COMMANDS = dict(leaves(main))
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_the_commands_are_those_that_this_file_proves() -> None:
    assert set(COMMANDS) == {
        ("serve",), ("keys", "create"), ("keys", "list"), ("keys", "revoke"), ("services", "set"), ("law", "list"), ("law", "show"),
        ("law", "clock"), ("law", "status"), ("evidence", "verify"), ("evidence", "export"),
        ("content", "check"), ("content", "normalise"), ("content", "replay"), ("content", "train"), ("content", "suggest"),
        ("label", "write"), ("label", "propagate"), ("label", "read"), ("label", "verify"), ("label", "inspect"), ("label", "key"), ("label", "mark"),
        ("label", "c2pa", "sign"), ("label", "c2pa", "read"), ("label", "pack"),
        ("review", "cases"), ("review", "labels"), ("rules", "answers", "add"), ("rules", "answers", "approve"),
        ("rules", "answers", "take-back"), ("rules", "policy", "withdraw"),
        ("rules", "answers", "list"), ("rules", "policy", "diff"), ("rules", "policy", "list"), ("rules", "policy", "live"),
        ("rules", "policy", "shadow"), ("rules", "policy", "show"), ("rules", "policy", "write"), ("rules", "words", "add"),
        ("rules", "words", "approve"), ("rules", "words", "list"), ("rules", "words", "take-back"),
        ("releases", "clause"), ("releases", "list"), ("releases", "approve"), ("releases", "refuse"), ("releases", "revoke"),
        ("releases", "log"), ("uploads", "inspect"), ("uploads", "list"),
        ("content", "library", "check"), ("content", "library", "diff"), ("content", "library", "export"),
    }  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_each_command_explains_itself_in_both_languages_with_an_example_and_json(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*path, "--help"])
    assert shown.exit_code == 0
    assert CHINESE.search(shown.output)
    assert "--json" in shown.output
    example = " ".join((COMMANDS[path].epilog or "").split("example: ")[1:]).rpartition("| ")[2]
    words = shlex.split(example)
    assert words[: 1 + len(path)] == ["hegui", *path]
    assert "example" in shown.output
    # What the example gives is what the command takes.
    context = COMMANDS[path].make_context(
        " ".join(path), [word for word in words[1 + len(path) :] if word != "OUT"] or ["IM"], resilient_parsing=True
    )
    assert not {word for word in words if word.startswith("--")} - {
        opt for p in context.command.params for opt in p.opts
    }
    for option in (item for item in COMMANDS[path].params if isinstance(item, click.Option)):
        assert CHINESE.search(option.help or ""), option.name
        assert re.search(r" / [A-Z`a-z]", option.help or ""), option.name


@pytest.mark.parametrize(
    "group",
    [(), ("keys",), ("services",), ("law",), ("evidence",), ("content",), ("content", "library")],
    ids=lambda group: " ".join(group) or "hegui",
)
def test_each_group_lists_its_commands_in_both_languages(group: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*group, "-h"])
    assert shown.exit_code == 0
    assert CHINESE.search(shown.output)
    assert re.search(r"[A-Z][a-z]+ ", shown.output)
    for path in COMMANDS:
        if path[: len(group)] == group:
            assert path[len(group)] in shown.output


def test_the_version_is_that_of_the_package_and_says_how_the_content_check_runs() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    first, second = hegui("--version").stdout.splitlines()
    assert first.endswith(version)
    assert second.endswith(in_use().both)


# --- exit codes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["keys", "create", "--service", "Chat!"], "Chat!"), (["keys", "create", "--service", ""], "''"), (["keys", "create", "--service", "x" * 64], "63"),
        (["keys", "revoke", "nope"], "nope"), (["keys", "revoke", "01990000-0000-7000-8000-000000000000"], "keys list"), (["keys", "revoke", "'; DROP"], "DROP"),
        (["services", "set", "chat", "colour=red"], "colour"), (["services", "set", "chat", "refusal=shout"], "answer, error"),
        (["services", "set", "chat", "label_wording=AI"], "生成"), (["services", "set", "chat", "refusal"], "key=value"), (["services", "set", "Chat", "refusal=error"], "Chat"),
        (["law", "show", "IM-99"], "IM-99"), (["law", "show", "XX-1"], "XX"), (["law", "show", ""], ""), (["law", "clock", "IM-99"], "IM-99"), (["law", "list", "XX"], "XX"),
        (["evidence", "export", "--out", "{out}", "--first", "-1"], "-1"), (["evidence", "export", "--out", "{out}", "--first", "5", "--end", "2"], "5"),
        (["evidence", "export", "--out", "{out}", "--end", "99999999"], "99999999"), (["evidence", "export", "--out", "{full}"], "full"),
        (["evidence", "export", "--out", "{file}"], "file"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)  # fmt: skip
def test_a_wrong_argument_exits_with_2_and_says_what_to_do(
    server: Server, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    places = {name: str(tmp_path / name) for name in ("out", "full", "file")}
    given = [word.format(**places) for word in arguments]
    more = ["--data", str(server.data)] if given[:2] not in (["law", "clock"], ["law", "list"]) else []
    done = CliRunner().invoke(main, [*given, *more, "--json"])
    assert (done.exit_code, type(done.exception)) == (2, SystemExit), done.exception
    error = json.loads(done.stdout)
    assert told in json.dumps(error, ensure_ascii=False)
    assert error["remedy"]
    assert error["remedy_zh"]
    assert CHINESE.search(error["error_zh"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"], ["keys"], ["keys", "create"], ["keys", "nothing"], ["services", "set", "chat"], ["services", "set"], ["serve", "--port", "eight"],
        ["serve", "--nothing"], ["law", "clock", "IM-17", "--from", "2026-13-01"], ["law", "clock", "IM-17", "--from", "gestern"], ["evidence", "export"],
        ["evidence", "verify", "/nonexistent"], ["evidence", "export", "--out", "x", "--earlier", "/nonexistent"], ["evidence", "export", "--out", "x", "--earlier", "/tmp"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_can_not_be_understood_exits_with_2(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "Usage: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("port", ["70000", "65535", "-1"])
def test_a_port_that_is_none_exits_with_2_before_anything_is_made(tmp_path: Path, port: str) -> None:
    done = hegui("serve", "--data", tmp_path / "data", "--port", port, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert not (tmp_path / "data").exists()


# --- what they do ------------------------------------------------------------------------------------


def test_keys_from_creation_to_revocation_for_scripts_and_people(server: Server) -> None:
    made = json.loads(hegui("keys", "create", "--data", server.data, "--service", "commands", "--json").stdout)
    plain = hegui("keys", "create", "--data", server.data, "--service", "commands").stdout
    assert re.fullmatch(r"hg-[\w-]{43}\n", plain), "the key alone, so that a script can take it"
    listed = {row["id"]: row for row in json.loads(hegui("keys", "list", "--data", server.data, "--json").stdout)}
    assert listed[made["id"]]["service"] == "commands"
    assert made["key"].endswith(listed[made["id"]]["ends_in"])
    assert listed[made["id"]]["revoked"] is None
    assert json.loads(hegui("keys", "revoke", "--data", server.data, made["id"], "--json").stdout) == {
        "revoked": made["id"]
    }
    assert hegui("keys", "revoke", "--data", server.data, made["id"]).returncode == 0, "twice does no harm"
    shown = hegui("keys", "list", "--data", server.data).stdout
    assert re.search(rf"{made['id']}  commands  ….{{4}}  已撤销 revoked", shown)
    for text in (shown, json.dumps(listed)):
        assert made["key"] not in text
        assert plain.strip() not in text


def test_settings_of_a_service_are_merged_and_one_that_is_wrong_changes_nothing(server: Server) -> None:
    first = hegui(
        "services",
        "set",
        "merged",
        "--data",
        server.data,
        "refusal=error",
        "appeal_url=https://example.com/?a=b",
        "--json",
    )
    assert json.loads(first.stdout)["settings"] == {"refusal": "error", "appeal_url": "https://example.com/?a=b"}
    assert (
        hegui(
            "services", "set", "merged", "--data", server.data, "refusal=answer", "label_position=top", check=False
        ).returncode
        == 2
    )
    then = json.loads(hegui("services", "set", "merged", "--data", server.data, "appeal_url=", "--json").stdout)[
        "settings"
    ]
    assert then == {"refusal": "error", "appeal_url": ""}
    with server.database() as connection:
        rows = connection.execute("SELECT payload FROM evidence_entry WHERE kind = 'service.changed'").fetchall()
    kept = [json.loads(row[0]) for row in rows]
    assert [item["settings"] for item in kept if item["service"] == "merged"] == [
        json.loads(first.stdout)["settings"],
        then,
    ]


@pytest.mark.parametrize(
    "arguments",
    [["law", "list"], ["law", "list", "IM"], ["law", "show", "IM-17"], ["law", "show", "IM-14.1"], ["law", "clock", "IM-17", "--from", "2026-09-25"], ["law", "clock", "IM-1"]],
    ids=" ".join,
)  # fmt: skip
def test_the_law_is_told_in_words_and_in_json_without_a_server(tmp_path: Path, arguments: list[str]) -> None:
    more = ["--data", str(tmp_path / "none")] if arguments[1] == "show" else []
    words, data = hegui(*arguments, *more).stdout, json.loads(hegui(*arguments, *more, "--json").stdout)
    assert CHINESE.search(words)
    assert arguments[-1].startswith("IM-1") is (isinstance(data, dict) or data == [])
    assert not (tmp_path / "none").exists()


def test_the_status_of_the_law_has_a_reason_and_a_known_result_for_each_duty(server: Server) -> None:
    rows = json.loads(hegui("law", "status", "--data", server.data, "--json").stdout)
    assert len(rows) > 50
    assert {row["result"] for row in rows} <= {"met", "not_met", "undetermined", "not_applicable", "waived"}
    assert all(row["reason"] and row["reason_zh"] for row in rows)
    lines = hegui("law", "status", "--data", server.data).stdout.splitlines()
    assert 0 < len(lines) <= len(rows)
    one = json.loads(hegui("law", "show", "IM-14.1", "--data", server.data, "--json").stdout)["today"]
    assert [row["id"] for row in one] == ["IM-14.1"]


def test_evidence_is_exported_and_verified_and_a_changed_export_is_not_valid(server: Server, out: Path) -> None:
    made = json.loads(hegui("evidence", "export", "--data", server.data, "--out", out, "--json").stdout)
    assert made["end"] == made["size"] > 0
    assert json.loads(hegui("evidence", "verify", out, "--json").stdout)["valid"] is True
    kept = next((out / "checkpoints").iterdir())
    assert hegui("evidence", "verify", out, "--earlier", kept).returncode == 0
    records = out / "records.jsonl"
    records.write_text(records.read_text("utf-8").replace("service.started", "service.stopped", 1), "utf-8")
    for more in ([], ["--json"]):
        done = hegui("evidence", "verify", out, *more, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["valid"] is False


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"not a checkpoint\n"])
def test_an_earlier_checkpoint_that_is_none_is_refused(server: Server, tmp_path: Path, out: Path, data: bytes) -> None:
    (tmp_path / "kept").write_bytes(data)
    done = hegui("evidence", "export", "--data", server.data, "--out", out, "--earlier", tmp_path / "kept", check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if not data else 2)
