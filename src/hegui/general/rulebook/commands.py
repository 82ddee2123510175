"""`hegui rules`: words, policy versions and set answers from a terminal, as an account that is named.

Whoever runs it can reach the database anyway; what it does in an account's name is in the ledger as
`rules.command`, beside the act itself, and author and approver are kept apart as everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.general.content import texts
from hegui.general.content.policy import described
from hegui.general.content.rows import COLUMNS, word_rules
from hegui.general.rulebook import acts, answers, policies, queries, sources, standing
from hegui.general.rulebook.models import (
    KINDS,
    POLICY_STATES,
    STATES,
    PolicyVersion,
    SetAnswerRow,
    State,
    WordChange,
)
from hegui.general.rulebook.rules import differences
from hegui.kit import clock
from hegui.kit.commands import data_option, guarded, json_option, say, settings_of
from hegui.kit.errors import InputError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people.models import Account
from hegui.store import unit_of_work
from hegui.store.opened import opened

F = TypeVar("F", bound=Callable[..., Any])
_FILE = "file"


@dataclass(frozen=True)
class Desk:
    """What a command works with: a session, the operator's files, who acts."""

    session: Session
    settings: Settings
    person: Account | None = None

    @property
    def by(self) -> Account:
        """Return who acts."""
        if self.person is None:
            raise InputError(Bi("没有给出 --as", "--as is missing"), Bi("给出账号名", "name an account"))
        return self.person


@contextmanager
def _desk(data: Path | None, account: str | None = None) -> Iterator[Desk]:
    """Open a unit of work, as an account where one is named; that it was done here is on record."""
    settings = settings_of(data=data)
    with opened(settings) as store, unit_of_work(store) as session:
        if account is None:
            yield Desk(session, settings)
            return
        person = session.scalar(select(Account).where(Account.name == account, Account.closed_at.is_(None)))
        if person is None:
            raise InputError(
                Bi(f"没有名为 {account} 的账号", f"there is no account named {account}"),
                Bi("在控制台查看账号", "look at the accounts in the console"),
            )
        leave(
            session,
            "rules.command",
            {"as": person.id, "command": " ".join(click.get_current_context().command_path.split()[1:])},
        )
        yield Desk(session, settings, person)


def _why_option(command: F) -> F:
    return click.option("--why", default="", help="理由。 / The reason.")(command)


def _reading(command: Callable[..., int | None]) -> Callable[..., None]:
    """Give a command what all that ask something have."""
    return data_option(json_option(guarded(command)))


def _acting(command: Callable[..., int | None]) -> Callable[..., None]:
    """Give a command what all that do something have: an account that acts."""
    return click.option("--as", "account", required=True, help="以哪个账号行事。 / The account that acts.")(
        _reading(command)
    )


@click.group()
def rules() -> None:
    """规则簿：策略各版、词、代答。 / The rulebook: policy versions, words, set answers."""


# --- words -------------------------------------------------------------------------------------------


@rules.group()
def words() -> None:
    """词：提议、批准、撤回。 / Words: propose, approve, take back."""


def _word_dict(row: WordChange, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row.id, "rule": row.name, "does": row.kind, "word": row.text, "risk": row.risk, "rules": row.rules,
        "on": row.rule, "phrase": row.phrase, "state": row.state_on(clock.now()).value, "author": names[row.author],
        "approver": names.get(row.approver or ""), "lapses": row.lapses_at if row.approver is None else None,
        "salt": row.salt,
    }  # fmt: skip


def _word_line(row: WordChange) -> str:
    extra = f" + {row.phrase}" if row.phrase else ""
    return f"{row.id}  {STATES[row.state_on(clock.now())].both}  {KINDS[row.kind].zh}  {row.risk}  {row.text}{extra}"


@words.command("add", epilog="例 / example: hegui rules words add 标记词 --risk A.1.a --as officer --why 举报")
@click.argument("word", default="")
@click.option("--risk", default="", help="风险，如 A.1.a。 / The risk, such as A.1.a.")
@click.option("--set", "pairs", multiple=True, help="词的规则，键=值，如 near=…。 / A rule of the word, key=value.")
@click.option(
    "--exception-of", "rule", help="改为给此规则加例外。 / Propose WORD as an exception of this rule instead."
)
@click.option(
    "--remove", "remove", help="改为撤回词库文件的此规则。 / Propose to take this rule of the file back instead."
)
@_why_option
@_acting
def add_word(  # noqa: PLR0913 - the flags of one command
    *, word: str, risk: str, pairs: tuple[str, ...], rule: str | None, remove: str | None, why: str, account: str,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """提议一个词、例外或撤词。 / Propose a word, an exception, or a removal."""
    with _desk(data, account) as desk:
        library = sources.library(desk.settings)
        if remove is not None:
            row = acts.propose_removal(desk.session, desk.by, remove, library, why)
        elif rule is not None:
            row = acts.propose_exception(desk.session, desk.by, rule, word, library, why=why)
        else:
            said = word_rules(word, _cells(pairs))
            row = acts.propose_word(desk.session, desk.by, word, risk, said, why=why, library=library)
        say(_word_dict(row, queries.names(desk.session)), [_word_line(row)], as_json=as_json)


def _cells(pairs: tuple[str, ...]) -> dict[str, str]:
    known = [name for name in COLUMNS if name != "approver"]
    cells = dict(pair.partition("=")[::2] for pair in pairs)
    if wrong := sorted(set(cells) - set(known)):
        raise InputError(
            Bi(f"未知的规则 {wrong}", f"unknown rules {wrong}"), Bi(f"可用：{known}", f"known are {known}")
        )
    return cells


@words.command("list", epilog="例 / example: hegui rules words list --state proposed")
@click.option("--state", type=click.Choice([state.value for state in State]), default=None, help="状态。 / State.")
@click.option("--risk", default="", help="风险。 / Risk.")
@click.option("--text", default="", help="含有。 / Holds.")
@_reading
def list_words(state: str | None, risk: str, text: str, data: Path | None, *, as_json: bool) -> None:
    """列出词的改动，新的在前。 / List the changes of the words, the newest first."""
    with _desk(data) as desk:
        rows = queries.words(
            desk.session, queries.Wanted(text=text, risk=risk, state=state or ""), most=sys.maxsize >> 1
        )
        names = queries.names(desk.session)
        say([_word_dict(row, names) for row in rows], [_word_line(row) for row in rows], as_json=as_json)


def _one_word(desk: Desk, change: str) -> WordChange:
    found = desk.session.get(WordChange, standing.id_of(change) or "00000000-0000-0000-0000-000000000000")
    if found is None:
        raise InputError(
            Bi(f"没有词的改动 {change}", f"there is no change {change}"), Bi("用 list 查看", "look at the list")
        )
    return found


@words.command("approve", epilog="例 / example: hegui rules words approve 0199… --as second")
@click.argument("change")
@click.option(
    "--urgent",
    is_flag=True,
    help="独自紧急生效 24 小时，须 --why。 / Put it in force alone, for 24 hours; needs --why.",
)
@_why_option
@_acting
def approve_word(  # noqa: PLR0913 - the flags of one command
    *, change: str, urgent: bool, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """批准他人的提议。 / Approve another person's proposal."""
    with _desk(data, account) as desk:
        row, library = _one_word(desk, change), sources.library(desk.settings)
        if urgent:
            acts.put_in_force_alone(desk.session, desk.by, row, library, why)
        else:
            acts.approve(desk.session, desk.by, row, library)
        say(_word_dict(row, queries.names(desk.session)), [_word_line(row)], as_json=as_json)


@words.command("take-back", epilog="例 / example: hegui rules words take-back 0199… --as officer --why 误伤")
@click.argument("change")
@click.option("--refuse", "refused", is_flag=True, help="否决他人的提议。 / Refuse another person's proposal.")
@_why_option
@_acting
def take_back(  # noqa: PLR0913 - the flags of one command
    *, change: str, refused: bool, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """撤回提议或生效的改动，须有理由。 / Take back what waits or is in force; needs a reason."""
    with _desk(data, account) as desk:
        row = _one_word(desk, change)
        (acts.refuse if refused else acts.take_back)(desk.session, desk.by, row, why)
        say(_word_dict(row, queries.names(desk.session)), [_word_line(row)], as_json=as_json)


# --- policy --------------------------------------------------------------------------------------------


@rules.group()
def policy() -> None:
    """策略各版：写、影子、生效。 / Policy versions: write, shadow, live."""


def _version_dict(row: PolicyVersion, names: dict[str, str]) -> dict[str, Any]:
    return {
        "number": row.number, "state": row.state, "digest": row.digest, "why": row.why, "author": names[row.author],
        "approver": names.get(row.approver or ""), "live": row.live_at, "urgent_why": row.urgent_why,
    }  # fmt: skip


def _version_line(row: PolicyVersion) -> str:
    return f"{row.number:4}  {POLICY_STATES[row.state].both:20} {row.digest}  {row.why}"


def _version(desk: Desk, number: int) -> PolicyVersion:
    found = desk.session.get(PolicyVersion, number)
    if found is None:
        raise InputError(
            Bi(f"没有第 {number} 版策略", f"there is no version {number} of the policy"),
            Bi("用 list 查看", "look at the list"),
        )
    return found


def _said(desk: Desk, row: PolicyVersion, *, as_json: bool) -> None:
    say(_version_dict(row, queries.names(desk.session)), [_version_line(row)], as_json=as_json)


@policy.command("write", epilog="例 / example: hegui rules policy write --as officer --why 误伤多 < new.yaml")
@click.option("--from", "source", type=int, help="用这一版的内容。 / Put up this version again.")
@_why_option
@_acting
def write_policy(*, source: int | None, why: str, account: str, data: Path | None, as_json: bool) -> None:
    """从标准输入写一版草稿。 / Write a draft from standard input."""
    body = "" if source is not None else texts.whole(sys.stdin.buffer)
    with _desk(data, account) as desk:
        base = sources.policy(desk.settings)
        if source is not None:
            body = _version(desk, source).body
        _said(desk, policies.write_policy(desk.session, desk.by, body, why, base), as_json=as_json)


@policy.command("shadow", epilog="例 / example: hegui rules policy shadow 3 --as officer")
@click.argument("number", type=int)
@_acting
def shadow_policy(*, number: int, account: str, data: Path | None, as_json: bool) -> None:
    """让草稿进入影子。 / Try a draft beside the live version."""
    with _desk(data, account) as desk:
        row = _version(desk, number)
        policies.begin_shadow(desk.session, desk.by, row, sources.policy(desk.settings))
        _said(desk, row, as_json=as_json)


@policy.command("live", epilog="例 / example: hegui rules policy live 3 --as second")
@click.argument("number", type=int)
@_why_option
@_acting
def live_policy(*, number: int, why: str, account: str, data: Path | None, as_json: bool) -> None:
    """让一版生效；未经影子的须 --why。 / Put a version in force; --why is needed without shadow."""
    with _desk(data, account) as desk:
        row = _version(desk, number)
        policies.put_in_force(desk.session, desk.by, row, sources.policy(desk.settings), why)
        _said(desk, row, as_json=as_json)


@policy.command("list", epilog="例 / example: hegui rules policy list --json")
@_reading
def list_policies(data: Path | None, *, as_json: bool) -> None:
    """列出各版。 / List the versions."""
    with _desk(data) as desk:
        rows, names = queries.versions(desk.session), queries.names(desk.session)
        say([_version_dict(row, names) for row in rows], [_version_line(row) for row in rows], as_json=as_json)


@policy.command("show", epilog="例 / example: hegui rules policy show 3")
@click.argument("number", type=int)
@_reading
def show_policy(number: int, data: Path | None, *, as_json: bool) -> None:
    """显示一版的 YAML。 / Show a version's YAML."""
    with _desk(data) as desk:
        row = _version(desk, number)
        say(
            {**_version_dict(row, queries.names(desk.session)), "body": row.body, "salt": row.salt},
            [row.body],
            as_json=as_json,
        )


@policy.command("diff", epilog="例 / example: hegui rules policy diff 2 3, hegui rules policy diff file 3")
@click.argument("before")
@click.argument("after", type=int)
@_reading
def diff_policies(before: str, after: int, data: Path | None, *, as_json: bool) -> int:
    """比较两版，逐项；相同为 0，不同为 1。BEFORE 可为 file。 / Compare two versions: exit 0 alike, 1 different; BEFORE may be `file`."""
    with _desk(data) as desk:
        base = sources.policy(desk.settings)
        if before != _FILE and not before.isdecimal():
            raise InputError(
                Bi(f"{before} 不是版号", f"{before} is no version"), Bi("给出版号或 file", "give a number or `file`")
            )
        one = base if before == _FILE else policies.read_body(_version(desk, int(before)).body, base)
        other = policies.read_body(_version(desk, after).body, base)
        found = differences(described(one), described(other))
        say([item.as_dict() for item in found], [item.line() for item in found], as_json=as_json)
        return int(bool(found))


# --- set answers ---------------------------------------------------------------------------------------


@rules.group("answers")
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
@_why_option
@_acting
def add_answer(  # noqa: PLR0913 - the flags of one command
    *, question: str, answer: str, risk: str, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """提议一条代答。 / Propose a set answer."""
    with _desk(data, account) as desk:
        row = answers.propose_answer(desk.session, desk.by, question, answer, risk, why=why)
        say(_answer_dict(row, queries.names(desk.session)), [_answer_line(row)], as_json=as_json)


@answers_group.command("list", epilog="例 / example: hegui rules answers list --json")
@_reading
def list_answers(data: Path | None, *, as_json: bool) -> None:
    """列出代答。 / List the set answers."""
    with _desk(data) as desk:
        rows, names = queries.answers(desk.session), queries.names(desk.session)
        say([_answer_dict(row, names) for row in rows], [_answer_line(row) for row in rows], as_json=as_json)


@answers_group.command("approve", epilog="例 / example: hegui rules answers approve 0199… --as second")
@click.argument("number")
@_acting
def approve_answer(*, number: str, account: str, data: Path | None, as_json: bool) -> None:
    """批准他人的代答。 / Approve another person's set answer."""
    with _desk(data, account) as desk:
        row = desk.session.get(SetAnswerRow, standing.id_of(number) or "00000000-0000-0000-0000-000000000000")
        if row is None:
            raise InputError(
                Bi(f"没有代答 {number}", f"there is no set answer {number}"), Bi("用 list 查看", "look at the list")
            )
        answers.approve_answer(desk.session, desk.by, row)
        say(_answer_dict(row, queries.names(desk.session)), [_answer_line(row)], as_json=as_json)
