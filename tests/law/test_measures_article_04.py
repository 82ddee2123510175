"""第四条 Article 4: lawful and decent content, no discrimination, respect for rights, transparent and reliable answers.

The room is `general.content` with the gateway before and behind the model. Shown: what a keyword library must hold is read from
the law, a word is stopped on its way in and out, personal information of others is masked. A sample library meets nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hegui.general.content import load_library
from hegui.general.rulebook.facts import library_gaps
from hegui.law import register, risks
from tests.harness import MARKER, Server
from tests.law.asking import Json, block, duty, said, today, value
from tests.upstream import ScriptedUpstream, says

STANDARD = "GBT45654-B.1.1"


def write_library(path: Path, *, short: str = "") -> Path:
    """Write a library of made-up words that has just enough for the standard, one word short in a risk where asked."""
    subset = risks().in_subset("keyword_and_refusal")
    each = {"A.1": value(STANDARD, "keyword_each_A1"), "A.2": value(STANDARD, "keyword_each_A2")}
    rows = [
        f"合规样例词{risk.replace('.', '')}第{n}号,{risk}"
        for risk in subset
        for n in range(each[risks().area_of(risk)])
    ]
    first = next(row for row in rows if row.endswith(f",{short}")) if short else ""
    rest = value(STANDARD, "keyword_total") - len(rows)
    filler = next(risk for risk in subset if risk != short)
    rows += [f"合规样例词补充第{n}号,{filler}" for n in range(rest + 1)]
    path.write_text("word,risk\n" + "\n".join(row for row in rows if row != first) + "\n", "utf-8")
    return path


def test_the_library_is_measured_by_the_numbers_of_the_law(tmp_path: Path) -> None:
    law = register()
    assert library_gaps(load_library(write_library(tmp_path / "enough.csv")), law) == []
    for risk, name in (("A.1.c", "keyword_each_A1"), ("A.2.f", "keyword_each_A2")):
        least = value(STANDARD, name)
        short = load_library(write_library(tmp_path / "short.csv", short=risk))
        assert library_gaps(short, law) == [f"{risk} {least - 1}/{least}"]
    (tmp_path / "few.csv").write_text("word,risk\n合规样例词甲子,A.1.a\n", "utf-8")
    gaps = library_gaps(load_library(tmp_path / "few.csv"), law)
    assert gaps[0] == f"1/{value(STANDARD, 'keyword_total')}"
    assert len(gaps) == 1 + value(STANDARD, "keyword_risks")


@pytest.mark.parametrize("stream", [False, True])
def test_banned_content_goes_neither_in_nor_out(server: Server, upstream: ScriptedUpstream, stream: bool) -> None:
    def answer(model: str, text: str) -> str:
        made: Any = server.client().chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}], stream=stream
        )
        if stream:
            return "".join(c.choices[0].delta.content or "" for c in made if c.choices)
        return str(made.choices[0].message.content)

    upstream.scripts["art4"] = says(f"番茄喜光。{MARKER}。")
    asked = len(upstream.requests)
    assert MARKER not in answer("art4", f"请写{MARKER}")
    assert len(upstream.requests) == asked, "what is banned is not asked of the model"
    assert MARKER not in answer("art4", "请写番茄")
    assert len(upstream.requests) == asked + 1


def test_the_number_of_another_person_is_not_given_away(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["privacy"] = says("张三的手机是13800138000，请致电。")
    answer = server.client().chat.completions.create(model="privacy", messages=[{"role": "user", "content": "电话？"}])
    text = str(answer.choices[0].message.content)
    assert "13800138000" not in text
    assert "请致电" in text


def test_a_sample_library_meets_nothing(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["art4b"] = says("番茄喜光。")
    server.client().chat.completions.create(model="art4b", messages=[{"role": "user", "content": "你好"}])
    rows = today(server)
    for citation in ("IM-4.1", STANDARD, "ARP-9.1", "DSP-10", "IM-14.1"):
        assert rows[citation]["result"] == "not_met"
        assert "sample library" in rows[citation]["reason"]
        assert "样例词库" in rows[citation]["reason_zh"]


def test_what_no_room_shows_yet_is_undetermined(board: dict[str, Json]) -> None:
    for citation in ("IM-4.0", "IM-4.2", "IM-4.3", "IM-4.4", "IM-4.5"):
        assert (board[citation]["result"], board[citation]["reason"]) == ("undetermined", "not built: general.content")


def test_the_duties_and_whom_they_bind() -> None:
    assert duty("IM-4.0").who == duty("IM-4.1").who == duty("IM-4.3").who == duty("IM-4.4").who == ("provider", "user")
    assert duty("IM-4.2").who == duty("IM-4.5").who == ("provider",)
    assert duty("IM-4.1").nature == duty("IM-4.4").nature == "prohibition"
    assert duty("IM-4.1").phase == duty("IM-4.2").phase == ("development", "application")
    assert value("IM-4.2", "discrimination_grounds") == 8
    zh, en = duty("IM-4.2").duty.zh, duty("IM-4.2").duty.en
    grounds = {"民族": "ethnicity", "信仰": "belief", "国别": "country", "地域": "region", "性别": "sex", "年龄": "age",
               "职业": "occupation", "健康": "health"}  # fmt: skip
    assert [ground for ground, word in grounds.items() if ground not in zh or word not in en] == []
    assert "虚假且有害" in duty("IM-4.1").duty.zh, "false and harmful, both"


def test_the_risks_behind_the_article() -> None:
    assert "GBT45654-A" in duty("IM-4.1").see
    assert value("GBT45654-A", "risks_all") == len(risks().ids)
    assert value("GBT45654-A", "risks_illegal_or_unhealthy") == len(risks().in_subset("illegal_or_unhealthy"))
    assert value("GBT45654-A", "risks_keyword_and_refusal") == len(risks().in_subset("keyword_and_refusal"))
    shown = block(said("IM-4"), "IM-4.1")
    assert "提供者 / provider、使用者 / user" in shown
    assert "研发与训练 / development、提供服务 / application" in shown
    assert "penalties under: CSL" in shown
