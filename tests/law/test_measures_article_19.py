"""第十九条 Article 19: the provider cooperates with inspections and explains its data, annotation rules and algorithm.

The room `supervision.inspection` is not built. Shown: an inspector gets an export that anybody verifies with the program inside it
and nothing of ours, and that holds no content unless content was asked for. Number and content are unconfirmed in part.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.harness import Server
from tests.law.asking import Json, block, duty, is_not_built, said, shown, value
from tests.upstream import ScriptedUpstream, says

ASKED = "番茄第十九问"


def test_an_inspector_verifies_what_is_handed_over(server: Server, upstream: ScriptedUpstream, out: Path) -> None:
    upstream.scripts["art19"] = says("番茄喜光。")
    server.client().chat.completions.create(model="art19", messages=[{"role": "user", "content": ASKED}])
    records = server.export(out)
    done = subprocess.run(
        [sys.executable, "-I", out / "verify.py", out], capture_output=True, text=True, timeout=120, cwd=out
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any("content" in record for record in records)
    assert all(ASKED not in path.read_text("utf-8", "replace") for path in out.rglob("*") if path.is_file())


def test_five_headings_are_explained() -> None:
    found = duty("IM-19.1")
    assert value("IM-19.1", "explanation_headings") == 5
    assert all(word in found.duty.zh for word in ("来源", "规模", "类型", "标注规则", "算法机制"))
    assert all(word in found.duty.en for word in ("source", "scale", "type", "annotation rules", "mechanism"))
    assert "技术、数据支持" in found.duty.zh
    assert {"ARP-28.2", "DSP-21"} == set(found.see)


def test_the_authority_is_bound_to_secrecy(board: dict[str, Json]) -> None:
    assert duty("IM-19.2").who == ("authority",)
    assert board["IM-19.2"]["result"] == "not_applicable"
    assert board["IM-19.2"]["reason"] == "binds others, not the provider"
    assert is_not_built(board["IM-19.1"], "supervision.inspection")


def test_both_paragraphs_are_unconfirmed() -> None:
    text = said("IM-19")
    assert "the article number has not been checked" in block(text, "IM-19.1")
    assert "数字 number: explanation_headings exact 5 headings [二手来源 / secondary source]" in block(text, "IM-19.1")
    assert "from general knowledge; no source seen" in block(text, "IM-19.2")
    data = shown("IM-19")["article"]["obligations"]
    assert [item["confirmed"] for item in data] == [False, False]
    assert data[0]["numbers"][0]["confirmed"] is True
