"""Which rule stands for another now: changes follow the word that they were made upon, wherever its row has gone."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.general.content.index import Word
from hegui.general.content.library import Library
from hegui.general.content.rows import WordRules
from hegui.general.rulebook.models import Kind, WordChange, in_force
from hegui.general.rulebook.rules import Gone, gone_of, kept_rules, meant, settled
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.kit.text import Bi


def wrong(zh: str, en: str, remedy: Bi) -> InputError:
    """Return an error of an act that can not be done now."""
    return InputError(Bi(zh, en), remedy)


LIST = Bi("刷新列表，查看它现在的状态", "reload the list and look at its present state")


def removed(session: Session, library: Library) -> frozenset[str]:
    """Return the rules that are taken back now."""
    rows = session.scalars(select(WordChange).where(WordChange.rule.is_not(None), in_force(clock.now())))
    return settled(map(gone, rows), library)


def gone(row: WordChange) -> Gone:
    """Return what a change upon a rule takes back."""
    return gone_of(row.rule or "", row.text, row.risk, kept_rules(row.rules), row.phrase)


def present(session: Session, rule: str, library: Library) -> tuple[str, str, str, WordRules]:
    """Return the rule that stands for a rule now, with its word, risk and rules; raise InputError when none does."""
    moment = clock.now()
    row: WordChange | None = None
    file = None if rule.startswith("word:") else library.word(rule)
    if rule.startswith("word:"):
        row = session.scalar(select(WordChange).where(WordChange.id == id_of(rule), in_force(moment)))
    elif file is not None:
        row = _last_upon(session, file, library)
    after_it = select(WordChange).where(in_force(moment)).order_by(WordChange.id.desc()).limit(1)
    while row is not None:
        if row.kind == Kind.REMOVAL:
            raise wrong("该词已被撤回", "that word was taken back already", LIST)
        after = session.scalar(after_it.where(WordChange.rule == row.name))
        if after is None:
            return row.name, row.text, row.risk, kept_rules(row.rules)
        row = after
    if file is not None:
        return rule, file.text, file.risk, file.rules
    raise wrong(f"没有规则 {rule} 在生效", f"no rule {rule} is in force", LIST)


def _last_upon(session: Session, file: Word, library: Library) -> WordChange | None:
    """Return the last change in force upon a word of the operator's file, in whatever row it stood then."""
    same = (WordChange.folded == file.folded, WordChange.risk == file.risk, WordChange.rule.startswith("keyword:"))
    rows = session.scalars(select(WordChange).where(in_force(clock.now()), *same).order_by(WordChange.id.desc()))
    return next((row for row in rows if file.rule in settled([gone(row)], library)), None)


def upon(row: WordChange, library: Library) -> str:
    """Return the rule that a change is upon, in the operator's file as it is now; raise InputError when the file has it no more."""
    rule, taken = row.rule or "", gone(row)
    if not taken.of_file:
        return rule
    found = meant([taken], library)[taken]
    if not found:
        raise wrong(
            "词库文件里已没有这个词", "the library's file does not have that word any more",
            Bi("撤回这一提议", "take the proposal back"),
        )  # fmt: skip
    return rule if rule in found else min(found, key=lambda name: (len(name), name))


def told_upon(rows: Iterable[WordChange], library: Library) -> dict[str, tuple[str, ...]]:
    """Return for each change upon a rule the rules that it means now; none where the operator's file has its word no more."""
    taken = {row.id: gone(row) for row in rows if row.rule is not None}
    now = meant(taken.values(), library)
    return {
        number: tuple(sorted(now[item], key=lambda name: (len(name), name))) if item.of_file else (item.rule,)
        for number, item in taken.items()
    }


def id_of(rule: str) -> str | None:
    """Return the id of a change from its name in verdicts; None for what can not be one."""
    name = rule.removeprefix("word:")
    return name if ids.is_id(name) else None
