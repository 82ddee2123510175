"""Every article has an entry, a room or a reason, and a result that is never met without evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hegui.cli import main
from hegui.law import register
from tests.harness import Server, hegui

ARTICLES = [article.number for article in register().measures.articles]


@pytest.mark.parametrize("number", ARTICLES)
def test_an_article_can_be_shown_with_its_duties(number: int) -> None:
    done = CliRunner().invoke(main, ["law", "show", f"IM-{number}", "--json", "--data", "/nonexistent-data"])
    assert done.exit_code == 0
    shown = json.loads(done.output)
    assert shown["citation"] == f"IM-{number}"
    assert shown["article"]["summary"]["zh"]
    assert shown["article"]["obligations"]
    assert all(item["confirmed"] == (item["mark"] != "K") for item in shown["article"]["obligations"])


def test_a_new_service_meets_nothing_without_evidence(tmp_path: Path) -> None:
    rows = json.loads(hegui("law", "status", "--data", tmp_path / "new", "--json").stdout)
    assert len(rows) > 300
    assert [row["id"] for row in rows if row["result"] == "met"] == []
    assert {row["result"] for row in rows} <= {"not_met", "undetermined", "not_applicable"}


def test_status_names_every_obligation_with_a_reason(server: Server) -> None:
    rows = json.loads(hegui("law", "status", "--data", server.data, "--json").stdout)
    assert {row["id"] for row in rows} == {item.id for _, _, item in register().obligations()}
    assert all(row["reason"] and row["reason_zh"] for row in rows)
    assert next(row for row in rows if row["id"] == "GBT45654-B.1.1")["result"] == "not_met"


def test_the_clock_of_the_command_line_says_why() -> None:
    said = hegui("law", "clock", "IM-17", "--from", "2026-09-25").stdout
    assert "10 working days: 2026-10-15, because" in said
    assert "国庆节" in said
    (first, *_) = json.loads(hegui("law", "clock", "IM-17", "--from", "2026-12-25", "--json").stdout)
    assert first["provisional"] is True


def test_unconfirmed_is_said_on_the_command_line() -> None:
    assert "未经证实" in hegui("law", "show", "IM-13").stdout


def test_a_wrong_citation_exits_with_advice() -> None:
    done = hegui("law", "show", "IM-99", check=False)
    assert done.returncode == 2
    assert "hegui law list" in done.stderr or "near it" in done.stderr


def test_every_command_helps_with_an_example() -> None:
    for command in (
        ["serve"],
        ["keys", "create"],
        ["law", "show"],
        ["law", "clock"],
        ["law", "status"],
        ["evidence", "export"],
        ["evidence", "verify"],
        ["services", "set"],
    ):
        said = CliRunner().invoke(main, [*command, "--help"]).output
        assert "example: hegui" in said, command
        assert "--json" in said, command
