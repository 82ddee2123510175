"""What the tests of the articles ask of the product: the data of a duty, what is shown of it, its result today."""

from __future__ import annotations

import json
import re
from typing import Any

from click.testing import CliRunner

from hegui.cli import main
from hegui.law import register
from hegui.law.models import Obligation
from tests.harness import Server, hegui

Json = dict[str, Any]
NOWHERE = "/nonexistent-data"


def duty(citation: str) -> Obligation:
    return register().obligation(citation)


def value(citation: str, name: str) -> int:
    return register().whole(citation, name)


def shown(citation: str) -> Json:
    """Return `hegui law show --json` of a citation, without a data directory."""
    done = CliRunner().invoke(main, ["law", "show", citation, "--json", "--data", NOWHERE])
    assert done.exit_code == 0, done.output
    found: Json = json.loads(done.output)
    return found


def said(citation: str) -> str:
    """Return `hegui law show` of a citation as a person reads it."""
    done = CliRunner().invoke(main, ["law", "show", citation, "--data", NOWHERE])
    assert done.exit_code == 0, done.output
    return done.output


def clock(citation: str, start: str) -> dict[str, Json]:
    """Return `hegui law clock --json` by obligation."""
    done = CliRunner().invoke(main, ["law", "clock", citation, "--from", start, "--json"])
    assert done.exit_code == 0, done.output
    return {item["obligation"]: item for item in json.loads(done.output)}


def today(server: Server) -> dict[str, Json]:
    """Return `hegui law status --json` of a running server by obligation."""
    return {row["id"]: row for row in json.loads(hegui("law", "status", "--data", server.data, "--json").stdout)}


def is_not_built(row: Json, room: str) -> bool:
    """Say whether a duty is undetermined because its room does not exist, said in both languages."""
    reasons = (f"not built: {room}", f"尚未建成：{room}")
    return row["result"] == "undetermined" and (row["reason"], row["reason_zh"]) == reasons


def block(text: str, citation: str) -> str:
    """Return what a shown article says of one obligation."""
    found = re.search(rf"^■ {re.escape(citation)} .*?(?=^■ |^今日 |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{citation} is not shown"
    return found.group()
