"""A server whose policy only flags, and people who review what it flags."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from tests.harness import Server
from tests.unit.people.desk import PASSWORD, Browser
from tests.upstream import ScriptedUpstream, says

POLICY = "input: {risks: {A.1: flag}}\noutput: {risks: {A.1: flag}}\n"


def flagging(folder: Path, upstream: ScriptedUpstream, *, percent: int) -> Server:
    """Return a server that lets words of A.1 pass and flags them; two people review so many per cent."""
    (folder / "policy.yaml").write_text(POLICY)
    return Server(
        folder / "data", "--policy", str(folder / "policy.yaml"), upstream=upstream.url,
        HEGUI_REVIEW_DOUBLE_PERCENT=str(percent),
    )  # fmt: skip


def people(server: Server, names: dict[str, str]) -> dict[str, Browser]:
    """Open accounts as a person does, and return their browsers; every password is the usual one."""
    admin = Browser(server.console)
    admin.sign_in("admin", server.password)
    found = {"admin": admin, **{name: Browser(server.console) for name in names}}
    admin.get("/password")
    admin.post("/password", {"old": server.password, "new": PASSWORD, "again": PASSWORD})
    for name, role in names.items():
        admin.get("/accounts")
        made = admin.post("/accounts", {"name": name, "role": role})
        shown = re.search(r'role="status">.*?<code>(.*?)</code>', made.text)
        assert shown, made.text
        first = html.unescape(shown.group(1))
        found[name].sign_in(name, first)
        found[name].get("/password")
        assert found[name].post("/password", {"old": first, "new": PASSWORD, "again": PASSWORD}).status_code == 303
    return found


def ask(server: Server, upstream: ScriptedUpstream, asked: str, answered: str, *, stream: bool = False) -> None:
    """Ask something and let the model answer it so."""
    upstream.scripts["review"] = says(answered)
    made: Any = server.client().chat.completions.create(
        model="review", messages=[{"role": "user", "content": asked}], stream=stream
    )
    list(made)
