"""`hegui rules`: words, policy versions and set answers from a terminal, as an account that is named.

Whoever runs it can reach the database anyway; what it does in an account's name is in the ledger as
`rules.command`, beside the act itself, and author and approver are kept apart as everywhere.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from hegui.general.content.rows import COLUMNS, word_rules
from hegui.general.rulebook import acts, queries, sources, standing
from hegui.general.rulebook.desk.policy_commands import answers_group, policy
from hegui.general.rulebook.desk.working import Desk, acting, desk, listed, reading, why_option
from hegui.general.rulebook.models import KINDS, STATES, State, WordChange
from hegui.kit import clock
from hegui.kit.commands import say
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks


@click.group()
def rules() -> None:
    """规则簿：策略各版、词、代答。 / The rulebook: policy versions, words, set answers."""


rules.add_command(policy)
rules.add_command(answers_group)


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
@why_option
@acting
def add_word(  # noqa: PLR0913 - the flags of one command
    *, word: str, risk: str, pairs: tuple[str, ...], rule: str | None, remove: str | None, why: str, account: str,
    data: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """提议一个词、例外或撤词。 / Propose a word, an exception, or a removal."""
    _check_added(word, risk, pairs, rule, remove)
    with desk(data, account) as at:
        library = sources.library(at.settings)
        if remove is not None:
            row = acts.propose_removal(at.session, at.by, remove, library, why)
        elif rule is not None:
            row = acts.propose_exception(at.session, at.by, rule, word, library, why=why)
        else:
            said = word_rules(word, _cells(pairs))
            row = acts.propose_word(at.session, at.by, word, risk, said, why=why, library=library)
        say(_word_dict(row, queries.names(at.session)), [_word_line(row)], as_json=as_json)


def _check_added(word: str, risk: str, pairs: tuple[str, ...], rule: str | None, remove: str | None) -> None:
    """Refuse flags that do not go together, which would be left out without a word."""
    see = Bi("见 --help", "see --help")
    if rule is not None and remove is not None:
        raise InputError(
            Bi("--exception-of 与 --remove 不能同用", "--exception-of and --remove do not go together"), see
        )
    if remove is not None and word:
        raise InputError(
            Bi("--remove 以规则指词，不再写词", "--remove names the word by its rule; leave the word out"), see
        )
    if (rule is not None or remove is not None) and (risk or pairs):
        raise InputError(
            Bi("例外与撤词沿用原词的风险与规则，不用 --risk、--set", "an exception or a removal keeps the word's risk and rules: no --risk, no --set"),
            see,
        )  # fmt: skip
    if remove is None and not word.strip():
        raise InputError(Bi("没有给出词", "the word is missing"), see)
    if rule is None and remove is None and not risk:
        raise InputError(Bi("没有给出 --risk", "--risk is missing"), Bi("写作 A.1.a 至 A.5.b", "write A.1.a to A.5.b"))


def _cells(pairs: tuple[str, ...]) -> dict[str, str]:
    known = [name for name in COLUMNS if name != "approver"]
    if bad := [pair for pair in pairs if not all(pair.partition("="))]:
        raise InputError(Bi(f"{bad} 不是 键=值", f"{bad} is not key=value"), Bi("如 near=标记", "such as near=标记"))
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
@reading
def list_words(state: str | None, risk: str, text: str, data: Path | None, *, as_json: bool) -> None:
    """列出词的改动，新的在前。 / List the changes of the words, the newest first."""
    if risk and risk not in risks().ids:
        raise InputError(
            Bi(f"未知风险 {risk!r}", f"unknown risk {risk!r}"), Bi("写作 A.1.a 至 A.5.b", "write A.1.a to A.5.b")
        )
    with desk(data) as at:
        rows = queries.words(at.session, queries.Wanted(text=text, risk=risk, state=state or ""), most=sys.maxsize >> 1)
        names = queries.names(at.session)
        say([_word_dict(row, names) for row in rows], listed([_word_line(row) for row in rows]), as_json=as_json)


def _one_word(at: Desk, change: str) -> WordChange:
    found = at.session.get(WordChange, standing.id_of(change) or "00000000-0000-0000-0000-000000000000")
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
@why_option
@acting
def approve_word(  # noqa: PLR0913 - the flags of one command
    *, change: str, urgent: bool, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """批准他人的提议。 / Approve another person's proposal."""
    with desk(data, account) as at:
        row, library = _one_word(at, change), sources.library(at.settings)
        if urgent:
            acts.put_in_force_alone(at.session, at.by, row, library, why)
        else:
            acts.approve(at.session, at.by, row, library)
        say(_word_dict(row, queries.names(at.session)), [_word_line(row)], as_json=as_json)


@words.command("take-back", epilog="例 / example: hegui rules words take-back 0199… --as officer --why 误伤")
@click.argument("change")
@click.option("--refuse", "refused", is_flag=True, help="否决他人的提议。 / Refuse another person's proposal.")
@why_option
@acting
def take_back(  # noqa: PLR0913 - the flags of one command
    *, change: str, refused: bool, why: str, account: str, data: Path | None, as_json: bool
) -> None:
    """撤回提议或生效的改动，须有理由。 / Take back what waits or is in force; needs a reason."""
    with desk(data, account) as at:
        row = _one_word(at, change)
        (acts.refuse if refused else acts.take_back)(at.session, at.by, row, why)
        say(_word_dict(row, queries.names(at.session)), [_word_line(row)], as_json=as_json)
