"""From a flagged exchange of the real gateway to what people decided of it: queue, page, export, law."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import MARKER, Server, hegui, wait_for
from tests.law.asking import today
from tests.reviewers import ask, flagging, people
from tests.unit.people.desk import Browser
from tests.upstream import ScriptedUpstream

ASKED = f"请讲讲{MARKER}，我的电话是13812345678"
ANSWERED = f"好的，{MARKER}是样例。"


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("review")
    server = flagging(folder, upstream, percent=0).start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def browsers(reviewed: Server) -> dict[str, Browser]:
    return people(reviewed, {"anna": "reviewer", "officer": "compliance_officer"})


def queued(browser: Browser) -> list[str]:
    return re.findall(r'class="item" href="/review/([0-9a-f-]{36})"', browser.get("/review?lang=zh").text)


def test_a_flagged_exchange_waits_for_people_and_what_they_keep_is_handed_out(
    reviewed: Server, upstream: ScriptedUpstream, browsers: dict[str, Browser], tmp_path: Path
) -> None:
    anna = browsers["anna"]
    ask(reviewed, upstream, "你好", "你好", stream=False)
    for stream in (False, True, True):
        ask(reviewed, upstream, ASKED, ANSWERED, stream=stream)
    assert wait_for(lambda: queued(anna))
    assert wait_for(lambda: '<td class="num">3</td>' in anna.get("/review?part=rows").text), "the same counts as one"
    (item,) = queued(anna)
    anna.get(f"/review/{item}")
    page = anna.post(f"/review/{item}/take")
    assert page.status_code == 200
    marked = re.findall(r"<mark title=\"([^\"]*)\">(.*?)<sup>", page.text)
    assert [text for what, text in marked if "keyword" in what] == [MARKER, MARKER], "in question and answer"
    assert ("A.4.f personal personal:mobile ", "13812345678") in marked
    form = {
        "verdict": "violates", "risk": "A.1.a", "note": "样例", "keep_label": "1", "label": ASKED, "label_side": "input",
        "keep_case": "1", "case": ANSWERED, "case_side": "output", "expected": "refuse",
    }  # fmt: skip
    assert anna.post(f"/review/{item}/decide", form).status_code == 303
    assert queued(anna) == []

    labels, cases = tmp_path / "labels.jsonl", tmp_path / "cases.jsonl"
    done = hegui("review", "labels", "--data", reviewed.data, "--out", labels, "--json")
    assert json.loads(done.stdout)["count"] == 1
    hegui("review", "cases", "--data", reviewed.data, "--out", cases)
    (label,) = map(json.loads, labels.read_text().splitlines())
    assert (label["label"], label["source"]) == ("A.1.a", "review:test")
    assert "138******78" in label["text"]
    assert labels.stat().st_mode & 0o077 == 0, "only its owner reads it"
    # The policy that only flags does not do what the case expects; the default one does.
    lenient = reviewed.data.parent / "policy.yaml"
    replayed = hegui("content", "replay", "--policy", lenient, "--json", cases, check=False)
    found = json.loads(replayed.stdout)
    (failed,) = found["cases"]["shown"]
    assert (replayed.returncode, failed["expected"], failed["action"]) == (1, "refuse", "flag")
    plain = reviewed.data.parent / "plain.yaml"
    plain.write_text("{}")
    held = hegui("content", "replay", "--policy", plain, "--json", cases)
    assert json.loads(held.stdout)["cases"] == {"count": 1, "failed": 0, "shown": []}

    kinds = {record["kind"] for record in reviewed.export(tmp_path / "out")}
    assert {"review.taken", "review.decided", "review.learned", "review.exported", "content.read"} <= kinds
    assert MARKER not in (tmp_path / "out" / "records.jsonl").read_text()


def test_the_board_says_who_watched_and_never_that_it_is_enough(reviewed: Server, browsers: dict[str, Browser]) -> None:
    row = today(reviewed)["GBT45654-6.5b"]
    assert row["result"] == "undetermined"
    assert "decisions 1, reviewers 1, improvements 1, open 0, late 0" in row["reason"]


@pytest.mark.parametrize("out", ["x.csv", "no-folder/x.jsonl", ""])
def test_a_file_that_can_not_be_is_said_before_anything_is_read(tmp_path: Path, out: str) -> None:
    done = hegui("review", "labels", "--data", tmp_path / "data", "--out", tmp_path / out, check=False)
    assert done.returncode == 2
    assert ".jsonl" in done.stderr
    assert not (tmp_path / "data").exists()
