"""The generated pages are the data, and the words of pages and commands are those of the glossary."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hegui.law import clocks, register
from hegui.law.models import KINDS, MARKS, NATURES, PHASES, WHO
from hegui.people.facts import RESULT_NAMES

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
ARTICLES = register().measures.articles


def page(number: object) -> str:
    return (DOCS / "articles" / f"IM-{int(str(number)):02d}.md").read_text("utf-8")


def section(text: str, citation: str) -> str:
    found = re.search(rf"^## {re.escape(citation)}$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, citation
    return found.group()


def generator() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "docs.py"), run_name="docs")


def test_the_generated_pages_are_those_of_the_data() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs.py", "--check"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, ""), f"stale, run scripts/docs.py: {done.stdout}{done.stderr}"


def test_no_page_of_an_article_is_left_over() -> None:
    made = {path for path, _ in generator()["pages"]()}
    assert set((DOCS / "articles").iterdir()) == {path for path in made if path.parent.name == "articles"}
    assert len(list((DOCS / "articles").iterdir())) == register().measures.articles_total


def test_an_edited_page_is_told_and_written_anew(tmp_path: Path) -> None:
    for name in ("docs", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    edited = tmp_path / "docs" / "articles" / "IM-13.md"
    edited.write_text(edited.read_text("utf-8").replace("未经证实", "已证实"), "utf-8")
    for flags, code, told in (
        (["--check"], 1, "docs/articles/IM-13.md\n"),
        ([], 0, "docs/articles/IM-13.md\n"),
        (["--check"], 0, ""),
    ):
        done = subprocess.run(
            [sys.executable, tmp_path / "scripts" / "docs.py", *flags], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout) == (code, told), done.stderr
    assert edited.read_text("utf-8") == page(13)


@pytest.mark.parametrize("article", ARTICLES, ids=lambda found: f"IM-{found.number}")
def test_a_page_says_of_each_duty_what_the_data_says(article: Any) -> None:
    text = page(article.number)
    assert register().measures.url in text
    assert article.summary.zh in text
    assert article.summary.en in text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [item.id for item in article.obligations]
    for item in article.obligations:
        said = section(text, item.id)
        assert item.duty.zh in said
        assert item.duty.en in said
        assert f"`{item.room}`" in said
        assert all(WHO[who].both in said for who in item.who)
        assert all(PHASES[phase].both in said for phase in item.phase)
        assert NATURES[item.nature].both in said
        assert item.deadline is None or clocks.term(item.deadline).both in said
        assert all(f"`{n.name}` {n.sense} {n.value} {n.unit} · {MARKS[n.mark].both}" in said for n in item.numbers)
        own = said.split("- 参见 see")[0]
        assert (MARKS["K"].both in own) is (not item.confirmed), item.id
        assert item.unconfirmed is None or item.unconfirmed.zh in own
        for other in (*item.clocks, *item.see):
            doubtful = not register().obligation(other).confirmed
            assert (f"{other} ({MARKS['K'].both})" in said) is doubtful, other


def rows(title: str) -> dict[str, tuple[str, str]]:
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    found = re.search(rf"^## [^\n]*{title}$(.*?)(?=^## |\Z)", glossary, re.MULTILINE | re.DOTALL)
    assert found, title
    cells = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", found.group(1), re.MULTILINE)
    return {code: (zh, en) for code, zh, en in cells}


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("results", {key.value: value for key, value in RESULT_NAMES.items()}),
        ("marks", MARKS),
        ("who is bound", WHO),
        ("natures", NATURES),
        ("phases", PHASES),
        ("terms", clocks.WORDS),
        ("kinds of instruments", KINDS),
    ],
)
def test_the_glossary_has_the_words_that_are_shown(title: str, names: dict[str, Any]) -> None:
    assert rows(title) == {code: tuple(words) for code, words in names.items()}


def test_every_word_of_the_data_is_in_the_glossary() -> None:
    for instrument, _, item in register().obligations():
        assert instrument.kind in rows("kinds of instruments")
        assert {*item.who} <= set(WHO)
        assert {*item.phase} <= set(PHASES)
        assert item.nature in NATURES
        assert item.deadline is None or item.deadline.kind in clocks.WORDS
    assert len({words.zh for words in WHO.values()}) == len(WHO), "two words of the code never share a name"
    assert len({words.zh for words in PHASES.values()}) == len(PHASES)


def test_the_marks_of_the_handbook_are_those_of_the_data() -> None:
    handbook = (DOCS / "law-data.md").read_text("utf-8")
    for mark, words in MARKS.items():
        row = next(line for line in handbook.splitlines() if line.startswith(f"| {mark} |"))
        assert words.en in row


def test_no_page_claims_what_nobody_reviewed() -> None:
    assert "No data is marked as reviewed yet" in (DOCS / "law-data.md").read_text("utf-8")
    assert {item.reviewed.by for item in register().instruments} == {None}
