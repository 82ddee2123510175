"""`hegui rules policy|answers`: versions of the policy and set answers from a terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from hegui.general.content import texts
from hegui.general.content.policy import described
from hegui.general.rulebook import answers, policies, queries, sources, standing
from hegui.general.rulebook.desk.working import Desk, acting, desk, listed, reading, why_option
from hegui.general.rulebook.models import POLICY_STATES, STATES, PolicyVersion, SetAnswerRow
from hegui.general.rulebook.rules import differences
from hegui.kit.commands import say
from hegui.kit.errors import InputError
from hegui.kit.text import Bi

_FILE = "file"
_MOST = 2**31
"""Above any number of a version."""


# --- policy --------------------------------------------------------------------------------------------


@click.group()
def policy() -> None:
    """策略各版：写、影子、生效。 / Policy versions: write, shadow, live."""


def _version_dict(row: PolicyVersion, names: dict[str, str]) -> dict[str, Any]:
    return {
        "number": row.number, "state": row.state, "digest": row.digest, "why": row.why, "author": names[row.author],
        "approver": names.get(row.approver or ""), "live": row.live_at, "urgent_why": row.urgent_why,
    }  # fmt: skip


def _version_line(row: PolicyVersion) -> str:
    return f"{row.number:4}  {POLICY_STATES[row.state].both:20} {row.digest}  {row.why}"


def _version(at: Desk, number: int) -> PolicyVersion:
    found = at.session.get(PolicyVersion, number) if 0 < number < _MOST else None
    if found is None:
        raise InputError(
            Bi(f"没有第 {number} 版策略", f"there is no version {number} of the policy"),
            Bi("用 list 查看", "look at the list"),
        )
    return found


def _said(at: Desk, row: PolicyVersion, *, as_json: bool) -> None:
    say(_version_dict(row, queries.names(at.session)), [_version_line(row)], as_json=as_json)


@policy.command("write", epilog="例 / example: hegui rules policy write --as officer --why 误伤多 < new.yaml")
@click.option("--from", "source", type=int, help="用这一版的内容。 / Put up this version again.")
@why_option
@acting
def write_policy(*, source: int | None, why: str, account: str, data: Path | None, as_json: bool) -> None:
    """从标准输入写一版草稿。 / Write a draft from standard input."""
    body = "" if source is not None else texts.whole(sys.stdin.buffer)
    with desk(data, account) as at:
        base = sources.policy(at.settings)
        if source is not None:
            body = _version(at, source).body
        _said(at, policies.write_policy(at.session, at.by, body, why, base), as_json=as_json)


@policy.command("shadow", epilog="例 / example: hegui rules policy shadow 3 --as officer")
@click.argument("number", type=int)
@acting
def shadow_policy(*, number: int, account: str, data: Path | None, as_json: bool) -> None:
    """让草稿进入影子。 / Try a draft beside the live version."""
    with desk(data, account) as at:
        row = _version(at, number)
        policies.begin_shadow(at.session, at.by, row, sources.policy(at.settings))
        _said(at, row, as_json=as_json)


@policy.command("live", epilog="例 / example: hegui rules policy live 3 --as second")
@click.argument("number", type=int)
@why_option
@acting
def live_policy(*, number: int, why: str, account: str, data: Path | None, as_json: bool) -> None:
    """让一版生效；未经影子的须 --why。 / Put a version in force; --why is needed without shadow."""
    with desk(data, account) as at:
        row = _version(at, number)
        policies.put_in_force(at.session, at.by, row, sources.policy(at.settings), why)
        _said(at, row, as_json=as_json)


@policy.command("withdraw", epilog="例 / example: hegui rules policy withdraw 3 --as officer --why 不需要")
@click.argument("number", type=int)
@why_option
@acting
def withdraw_policy(*, number: int, why: str, account: str, data: Path | None, as_json: bool) -> None:
    """撤回草稿或影子中的一版，须有理由。 / Withdraw a draft or what is in shadow; needs a reason."""
    with desk(data, account) as at:
        row = _version(at, number)
        policies.withdraw_policy(at.session, at.by, row, why)
        _said(at, row, as_json=as_json)


@policy.command("list", epilog="例 / example: hegui rules policy list --json")
@reading
def list_policies(data: Path | None, *, as_json: bool) -> None:
    """列出各版。 / List the versions."""
    with desk(data) as at:
        rows, names = queries.versions(at.session), queries.names(at.session)
        say([_version_dict(row, names) for row in rows], listed([_version_line(row) for row in rows]), as_json=as_json)


@policy.command("show", epilog="例 / example: hegui rules policy show 3")
@click.argument("number", type=int)
@reading
def show_policy(number: int, data: Path | None, *, as_json: bool) -> None:
    """显示一版的 YAML。 / Show a version's YAML."""
    with desk(data) as at:
        row = _version(at, number)
        say(
            {**_version_dict(row, queries.names(at.session)), "body": row.body, "salt": row.salt},
            [row.body],
            as_json=as_json,
        )


@policy.command("diff", epilog="例 / example: hegui rules policy diff 2 3, hegui rules policy diff file 3")
@click.argument("before")
@click.argument("after", type=int)
@reading
def diff_policies(before: str, after: int, data: Path | None, *, as_json: bool) -> int:
    """比较两版，逐项；相同为 0，不同为 1。BEFORE 可为 file。 / Compare two versions: exit 0 alike, 1 different; BEFORE may be `file`."""
    with desk(data) as at:
        base = sources.policy(at.settings)
        if before != _FILE and not before.isdecimal():
            raise InputError(
                Bi(f"{before} 不是版号", f"{before} is no version"), Bi("给出版号或 file", "give a number or `file`")
            )
        one = base if before == _FILE else policies.read_body(_version(at, int(before)).body, base)
        other = policies.read_body(_version(at, after).body, base)
        found = differences(described(one), described(other))
        lines = [item.line() for item in found] or [Bi("相同", "the same").both]
        say([item.as_dict() for item in found], lines, as_json=as_json)
        return int(bool(found))


# --- set answers ---------------------------------------------------------------------------------------


@click.group("answers")
def answers_group() -> None:
    """代答库。 / Set answers."""


def _answer_dict(row: SetAnswerRow, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row.id, "question": row.question, "answer": row.answer, "risk": row.risk or None, "state": row.state,
        "author": names[row.author], "approver": names.get(row.approver or ""), "salt": row.salt,
    }  # fmt: skip


def _answer_line(row: SetAnswerRow) -> str:
    return f"{row.id}  {STATES[row.state].both}  {row.risk or '—'}  {row.question} → {row.answer}"


@answers_group.command(
    "add", epilog="例 / example: hegui rules answers add 标记问题 标记答案 --risk A.1.a --as officer"
)
@click.argument("question")
@click.argument("answer")
@click.option("--risk", default="", help="风险，可空。 / The risk; may be empty.")
@why_option
@acting
def add_answer(  # noqa: PLR0913 - the flags of one command
    *, question: str, answer: str, risk: str, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """提议一条代答。 / Propose a set answer."""
    with desk(data, account) as at:
        row = answers.propose_answer(at.session, at.by, question, answer, risk, why=why)
        say(_answer_dict(row, queries.names(at.session)), [_answer_line(row)], as_json=as_json)


@answers_group.command("list", epilog="例 / example: hegui rules answers list --json")
@reading
def list_answers(data: Path | None, *, as_json: bool) -> None:
    """列出代答。 / List the set answers."""
    with desk(data) as at:
        rows, names = queries.answers(at.session), queries.names(at.session)
        say([_answer_dict(row, names) for row in rows], listed([_answer_line(row) for row in rows]), as_json=as_json)


@answers_group.command("approve", epilog="例 / example: hegui rules answers approve 0199… --as second")
@click.argument("number")
@acting
def approve_answer(*, number: str, account: str, data: Path | None, as_json: bool) -> None:
    """批准他人的代答。 / Approve another person's set answer."""
    with desk(data, account) as at:
        row = _one_answer(at, number)
        answers.approve_answer(at.session, at.by, row)
        say(_answer_dict(row, queries.names(at.session)), [_answer_line(row)], as_json=as_json)


def _one_answer(at: Desk, number: str) -> SetAnswerRow:
    found = at.session.get(SetAnswerRow, standing.id_of(number) or "00000000-0000-0000-0000-000000000000")
    if found is None:
        raise InputError(
            Bi(f"没有代答 {number}", f"there is no set answer {number}"), Bi("用 list 查看", "look at the list")
        )
    return found


@answers_group.command("take-back", epilog="例 / example: hegui rules answers take-back 0199… --as officer --why 过时")
@click.argument("number")
@click.option("--refuse", "refused", is_flag=True, help="否决他人的提议。 / Refuse another person's proposal.")
@why_option
@acting
def take_back_answer(  # noqa: PLR0913 - the flags of one command
    *, number: str, refused: bool, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """撤回提议或生效的代答，须有理由。 / Take back what waits or is in force; needs a reason."""
    with desk(data, account) as at:
        row = _one_answer(at, number)
        (answers.refuse_answer if refused else answers.withdraw_answer)(at.session, at.by, row, why)
        say(_answer_dict(row, queries.names(at.session)), [_answer_line(row)], as_json=as_json)
