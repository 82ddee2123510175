"""`hegui rules`: what the pages do, from a terminal, as a named account, with exit codes and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hegui.cli import main
from tests.unit.people.desk import Desk
from tests.unit.rulebook.conftest import ADMIN, ONE, REVIEWER, TWO


class Terminal:
    """Commands over the desk's database."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def run(self, *arguments: str, stdin: str = "") -> Result:
        given = ["rules", *arguments, "--data", str(self._desk.settings.data)]
        return CliRunner().invoke(main, given, input=stdin, env={"HEGUI_DATABASE_URL": self._desk.store.url})

    def data(self, *arguments: str, stdin: str = "", code: int = 0) -> Any:
        done = self.run(*arguments, "--json", stdin=stdin)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)


@pytest.fixture
def terminal(desk: Desk) -> Terminal:
    return Terminal(desk)


def test_a_word_from_proposal_to_its_end(desk: Desk, terminal: Terminal) -> None:
    made = terminal.data(
        "words", "add", "标记词丁", "--risk", "A.1.b", "--set", "near=标记", "--set", "within=9", "--as", REVIEWER, "--why", "举报"
    )  # fmt: skip
    assert (made["state"], made["rules"], made["author"]) == ("proposed", {"near": ["标记"], "within": 9}, REVIEWER)
    assert [row["id"] for row in terminal.data("words", "list", "--state", "proposed", "--text", "标记词")] == [
        made["id"]
    ]
    assert terminal.data("words", "approve", made["id"], "--as", ONE)["approver"] == ONE
    done = terminal.run("words", "take-back", made["id"], "--as", ONE)
    assert (done.exit_code, "理由" in done.stderr) == (2, True)
    terminal.data("words", "take-back", made["rule"], "--as", ONE, "--why", "误伤")
    assert terminal.data("words", "list", "--state", "live") == []
    acted = [json.loads(item)["command"] for item in desk.entries("rules.command")]
    assert acted[-3:] == ["rules words add", "rules words approve", "rules words take-back"], "what failed left nothing"


def test_urgent_exception_removal_and_refusal(terminal: Terminal) -> None:
    made = terminal.data("words", "add", "标记词戊", "--risk", "A.1.b", "--as", ONE)
    assert terminal.data("words", "approve", made["id"], "--urgent", "--why", "正在扩散", "--as", ONE)["lapses"]
    terminal.data("words", "take-back", made["id"], "--refuse", "--why", "不是", "--as", TWO)
    made = terminal.data("words", "add", "合规样例词甲子类", "--exception-of", "keyword:2", "--as", REVIEWER)
    assert (made["does"], made["on"], made["phrase"]) == ("exception", "keyword:2", "合规样例词甲子类")
    made = terminal.data("words", "add", "--remove", "keyword:3", "--why", "误伤", "--as", REVIEWER)
    assert made["does"] == "removal"
    told = terminal.run("words", "list").output
    assert "提议 / proposed  例外  A.1.a  合规样例词甲子 + 合规样例词甲子类" in told


def test_a_policy_from_standard_input_to_force(desk: Desk, terminal: Terminal) -> None:
    made = terminal.data("policy", "write", "--as", REVIEWER, "--why", "试", stdin="input: {risks: {A.1.b: flag}}\n")
    number = str(made["number"])
    assert terminal.data("policy", "shadow", number, "--as", REVIEWER)["state"] == "shadow"
    assert terminal.data("policy", "live", number, "--as", ONE)["state"] == "live"
    second = terminal.data("policy", "write", "--from", number, "--as", ONE, "--why", "再来")
    assert second["state"] == "draft"
    assert terminal.data("policy", "diff", number, str(second["number"])) == []
    (changed,) = terminal.data("policy", "diff", "file", number, code=1)
    assert changed == {"subject": "A.1.b", "what": "action on input", "before": "refuse", "after": "flag"}
    assert "input: {risks: {A.1.b: flag}}" in terminal.run("policy", "show", number).output
    assert [row["state"] for row in terminal.data("policy", "list")] == ["draft", "live"]


def test_a_set_answer(terminal: Terminal) -> None:
    made = terminal.data("answers", "add", "标记问题？", "标记答案", "--risk", "A.1.a", "--as", ONE)
    assert terminal.run("answers", "approve", made["id"], "--as", ONE).exit_code == 3
    assert terminal.data("answers", "approve", made["id"], "--as", TWO)["state"] == "live"
    assert "标记问题？ → 标记答案" in terminal.run("answers", "list").output


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("words", "add", "标记词丁", "--risk", "A.1.b", "--as", "nobody"), 2, "没有名为 nobody"),
        (("words", "add", "标记词丁", "--risk", "A.1.b", "--as", ADMIN), 3, "无权"),
        (("words", "add", "标记词丁", "--risk", "A.9", "--as", ONE), 2, "未知风险"),
        (("words", "add", "标记词丁", "--risk", "A.1.b", "--set", "color=red", "--as", ONE), 2, "未知的规则"),
        (("words", "add", "标记词丁", "--risk", "A.1.b"), 2, "--as"),
        (("words", "approve", "nothing", "--as", ONE), 2, "没有词的改动"),
        (("answers", "approve", "nothing", "--as", ONE), 2, "没有代答"),
        (("policy", "show", "9"), 2, "没有第 9 版"),
        (("policy", "diff", "x", "1"), 2, "不是版号"),
        (("policy", "write", "--as", ONE, "--why", "试"), 2, "策略文件有误"),
    ],
)
def test_what_can_not_be_done_is_told_with_its_exit_code(
    desk: Desk, terminal: Terminal, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = terminal.run(*arguments, stdin="input: {risks: {Z: flag}}")
    assert done.exit_code == code, done.output
    assert told in done.stderr
    assert desk.sql("SELECT count(*) FROM rulebook_word") == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["标记词丁"], "--risk is missing"), (["--risk", "A.1.b"], "the word is missing"), ([" ", "--risk", "A.1.b"], "the word is missing"),
        (["标记词丁", "--risk", "A.1.b", "--set", "near"], "is not key=value"), (["标记词丁", "--risk", "A.1.b", "--set", "=x"], "is not key=value"),
        (["标记词丁", "--risk", "A.1.b", "--set", "near="], "is not key=value"),
        (["甲类", "--exception-of", "keyword:2", "--remove", "keyword:3", "--why", "x"], "do not go together"),
        (["甲", "--remove", "keyword:3", "--why", "x"], "leave the word out"),
        (["合规样例词甲子类", "--exception-of", "keyword:2", "--risk", "A.1.b"], "no --risk"),
        (["--remove", "keyword:3", "--why", "x", "--set", "near=标"], "no --set"),
        (["标记\udcff", "--risk", "A.1.b"], "is not text in UTF-8"), (["标记", "--risk", "A.1.b", "--why", "\udcff"], "is not text in UTF-8"),
    ],
)  # fmt: skip
def test_what_would_be_left_out_without_a_word_is_refused(
    desk: Desk, terminal: Terminal, arguments: list[str], told: str
) -> None:
    done = terminal.run("words", "add", *arguments, "--as", REVIEWER)
    assert (done.exit_code, told in done.stderr) == (2, True), done.output
    assert desk.sql("SELECT count(*) FROM rulebook_word") == [(0,)]


def test_a_number_that_no_version_can_have_is_an_error_and_an_unknown_risk_too(terminal: Terminal) -> None:
    for arguments in (
        ("show", "99999999999"),
        ("show", "0"),
        ("live", "99999999999", "--as", ONE),
        ("diff", "99999999999", "1"),
    ):
        done = terminal.run("policy", *arguments)
        assert (done.exit_code, "没有第" in done.stderr) == (2, True), done.output
    assert terminal.run("words", "list", "--risk", "A.9").exit_code == 2
    assert terminal.run("words", "list").stdout == "没有 / none\n"


def test_what_the_pages_take_back_a_terminal_does_too(terminal: Terminal) -> None:
    terminal.data("policy", "write", "--why", "试", "--as", REVIEWER)
    assert terminal.run("policy", "withdraw", "1", "--as", REVIEWER).exit_code == 2
    assert terminal.data("policy", "withdraw", "1", "--as", REVIEWER, "--why", "不需要")["state"] == "withdrawn"
    made = terminal.data("answers", "add", "标记问题", "标记答案", "--as", REVIEWER)
    assert (
        terminal.data("answers", "take-back", made["id"], "--refuse", "--why", "不是", "--as", ONE)["state"]
        == "refused"
    )
    made = terminal.data("answers", "add", "标记问题", "标记答案", "--as", REVIEWER)
    terminal.data("answers", "approve", made["id"], "--as", ONE)
    assert terminal.run("answers", "take-back", made["id"], "--as", REVIEWER, "--why", "过时").exit_code == 3
    assert terminal.data("answers", "take-back", made["id"], "--as", TWO, "--why", "过时")["state"] == "withdrawn"
