"""What people do to words; the only writer of them. Each act leaves evidence, never a word's text.

Acts on the book happen one after the other: each takes the book's lock first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.entries import make_salt
from hegui.general.content.folding import folded
from hegui.general.content.library import Library
from hegui.general.content.rows import PLAIN, WordRules
from hegui.general.rulebook.events import BUS, RuleLive, RuleProposed, RuleRefused, RuleWithdrawn
from hegui.general.rulebook.models import Kind, State, WordChange, in_force
from hegui.general.rulebook.reading import CHANNEL
from hegui.general.rulebook.rules import (
    URGENT,
    checked_word,
    commitment,
    kept_rules,
    reason,
    same_rules,
    with_exception,
)
from hegui.general.rulebook.standing import LIST, id_of, present, removed, upon, wrong
from hegui.kit import clock, ids
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.people.models import Account
from hegui.people.permits import Act, Role, require, require_other
from hegui.store.revision import bump

_LOCK = 0x72756C65
_LONGEST_PHRASE = 200


def hold(session: Session) -> None:
    """Wait for the book's lock, kept until the unit of work ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def changed(session: Session) -> None:
    """Tell the workers, at commit, that the book is another one."""
    bump(session)
    session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


# --- proposing -----------------------------------------------------------------------------------------


def propose_word(  # noqa: PLR0913 - what is said of a word
    session: Session, by: Account, word: str, risk: str, rules: WordRules = PLAIN,
    *, source: str = "", why: str = "", library: Library | None = None,
) -> WordChange:  # fmt: skip
    """Propose a word; raise InputError for one that can not be used, that waits already, or is in force.

    With the operator's `library`, a word that its file has with the same rules is refused too.
    """
    require(Role(by.role), Act.WRITE_RULES)
    if source:
        rules = replace(rules, source=source)
    word, risk, rules = checked_word(word, risk, rules)
    hold(session)
    said = _Said(word, risk, rules)
    _refuse_twice(session, said, library)
    return _propose(session, by, Kind.WORD, said, why=why)


def propose_exception(  # noqa: PLR0913 - which rule, and what is said of it
    session: Session, by: Account, rule: str, phrase: str, library: Library, *, source: str = "", why: str = ""
) -> WordChange:
    """Propose that a word does not count in a longer phrase; `rule` is its name in verdicts.

    In force, it takes the word's rule back and puts the word in again with one exception more.
    """
    require(Role(by.role), Act.WRITE_RULES)
    hold(session)
    rule, word, risk, rules = present(session, rule, library)
    made = with_exception(word, rules, phrase[: _LONGEST_PHRASE + 1])
    phrase = made.exceptions[-1]
    same = (WordChange.folded == folded(word), WordChange.risk == risk, WordChange.phrase == phrase)
    if _waits(session, Kind.EXCEPTION, rule, library, *same):
        raise wrong("这一例外已提议，等待批准", "that exception waits already", LIST)
    made = replace(made, source=source or made.source)
    return _propose(session, by, Kind.EXCEPTION, _Said(word, risk, made), why=why, rule=rule, phrase=phrase)


def propose_removal(session: Session, by: Account, rule: str, library: Library, why: str) -> WordChange:
    """Propose that a word of the operator's file counts no more; raise InputError without a reason.

    A word that was added here is taken back by `take_back`.
    """
    require(Role(by.role), Act.WRITE_RULES)
    why = reason(why, Bi("撤词", "taking a word back"))
    hold(session)
    if not rule.startswith("keyword:"):
        raise wrong(
            "只有运营者词库中的词须如此撤回", "only a word of the operator's file is taken back in this way",
            Bi("在此加入的词，请直接撤回", "take a word that was added here back by itself"),
        )  # fmt: skip
    now_rule, word, risk, rules = present(session, rule, library)
    if now_rule.startswith("word:"):
        raise wrong(
            f"该词已由 {now_rule} 代替", f"{now_rule} stands in the place of that word",
            Bi("先撤回代替它的那一条", "take back what stands in its place first"),
        )  # fmt: skip
    if _waits(session, Kind.REMOVAL, rule, library, WordChange.folded == folded(word), WordChange.risk == risk):
        raise wrong("撤回该词已在提议中", "taking that word back waits already", LIST)
    return _propose(session, by, Kind.REMOVAL, _Said(word, risk, rules), why=why, rule=rule)


def _waits(session: Session, kind: Kind, rule: str, library: Library, *same: ColumnElement[bool]) -> bool:
    """Say whether a change that says the same waits already for the word that a rule stands for now."""
    waiting = select(WordChange).where(WordChange.kind == kind, WordChange.state == State.PROPOSED, *same)
    for row in session.scalars(waiting):
        try:
            if present(session, upon(row, library), library)[0] == rule:
                return True
        except InputError:  # nothing is left of what it was proposed upon
            continue
    return False


def _waiting_or_live() -> ColumnElement[bool]:
    return or_(WordChange.state == State.PROPOSED, in_force(clock.now()))


@dataclass(frozen=True)
class _Said:
    """A word with its risk and what is said of it."""

    word: str
    risk: str
    rules: WordRules


def _refuse_twice(session: Session, said: _Said, library: Library | None) -> None:
    bare = folded(said.word)
    rows = session.scalars(
        select(WordChange).where(
            WordChange.kind == Kind.WORD, WordChange.folded == bare, WordChange.risk == said.risk, _waiting_or_live()
        )
    )
    if any(same_rules(kept_rules(row.rules), said.rules) for row in rows):
        raise wrong("这个词已提议或已生效", "that word waits already, or is in force", LIST)
    found = library.listed if library is not None else ()
    gone = removed(session, library) if library is not None else frozenset()
    if any(
        (item.folded, item.risk) == (bare, said.risk) and same_rules(item.rules, said.rules) and item.rule not in gone
        for item in found
    ):
        raise wrong(
            "运营者的词库里已有这个词", "the operator's file has that word already",
            Bi("要改它，请提议例外或撤词", "to change it, propose an exception or its removal"),
        )  # fmt: skip


def _propose(  # noqa: PLR0913 - the columns of a proposal
    session: Session,
    by: Account,
    kind: Kind,
    said: _Said,
    *,
    why: str,
    rule: str | None = None,
    phrase: str | None = None,
) -> WordChange:
    row = WordChange(
        id=ids.uuid7(), kind=kind, text=said.word, folded=folded(said.word), risk=said.risk,
        rules=said.rules.as_dict(), rule=rule, phrase=phrase, salt=make_salt(), why=why.strip(), state=State.PROPOSED, author=by.id,
        proposed_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _leave(session, "rule.proposed", row, by)
    BUS.tell(session, RuleProposed(row.id, row.kind, row.risk, _source(row)))
    return row


def _source(row: WordChange) -> str:
    return str(row.rules.get("source", ""))


def _leave(session: Session, kind: str, row: WordChange, by: Account, **more: str | None) -> None:
    """Leave evidence: which change, of what risk, and commitments to what it says and why; never the word, which a reason can name."""
    told = commitment(row.salt, row.id, row.text, row.phrase, row.rules)
    leave(
        session,
        kind,
        {"rule": row.id, "does": row.kind, "risk": row.risk, "on": row.rule, "commitment": told, "by": by.id, **more},
    )


# --- deciding ------------------------------------------------------------------------------------------


def _proposed(row: WordChange) -> bool:
    return row.state == State.PROPOSED


def _unsettled(row: WordChange) -> bool:
    """Say whether another person can still approve or refuse: it waits, or is in force as urgent."""
    now = row.state_on(clock.now())
    return now is State.PROPOSED or (now is State.LIVE and row.approver is None)


def approve(session: Session, by: Account, row: WordChange, library: Library) -> None:
    """Put a change in force, or make an urgent one stay; nobody approves what they wrote or put in force alone."""
    require(Role(by.role), Act.APPROVE_RULES)
    require_other(row.author, by.id)
    _again(session, row)
    require_other(row.urgent_by or "", by.id)
    if not _unsettled(row):
        raise wrong("它不在等待批准", "it does not wait for approval", LIST)
    moment = clock.now()
    if _proposed(row):
        _place(session, row, library)
        row.live_at = moment
    row.state, row.approver, row.approved_at = State.LIVE, by.id, moment
    session.flush()
    _leave(session, "rule.approved", row, by)
    changed(session)
    BUS.tell(session, RuleLive(row.id, row.kind, row.risk, _source(row), urgent=False))


def put_in_force_alone(session: Session, by: Account, row: WordChange, library: Library, why: str) -> None:
    """Put a proposal in force at once without a second person: urgent, with a reason, and for a day only.

    Once for each person: who did so before and found no second person does not do so again.
    """
    require(Role(by.role), Act.APPROVE_RULES)
    why = reason(why, Bi("紧急生效", "putting it in force alone"))
    _again(session, row)
    if not _proposed(row):
        raise wrong("它不在等待批准", "it does not wait for approval", LIST)
    if _was_alone(session, by, row):
        raise wrong(
            "您曾使同一改动紧急生效而未获他人批准", "you put the same change in force alone before, and nobody approved it",
            Bi("请另一位合规负责人批准", "ask another compliance officer to approve it"),
        )  # fmt: skip
    _place(session, row, library)
    moment = clock.now()
    row.state, row.live_at, row.lapses_at = State.LIVE, moment, moment + URGENT
    row.urgent_by, row.urgent_why = by.id, why
    session.flush()
    _leave(session, "rule.urgent", row, by, why=commitment(row.salt, row.id, why), lapses=clock.iso(row.lapses_at))
    changed(session)
    BUS.tell(session, RuleLive(row.id, row.kind, row.risk, _source(row), urgent=True))


def _was_alone(session: Session, by: Account, row: WordChange) -> bool:
    """Say whether somebody put the same change in force alone before and nobody approved it."""
    same = (WordChange.kind == row.kind, WordChange.folded == row.folded, WordChange.risk == row.risk)
    alone = (WordChange.urgent_by == by.id, WordChange.approver.is_(None), WordChange.id != row.id)
    wanted = folded(row.phrase or "")
    return any(
        folded(phrase or "") == wanted for phrase in session.scalars(select(WordChange.phrase).where(*same, *alone))
    )


def refuse(session: Session, by: Account, row: WordChange, why: str) -> None:
    """Say no to another person's proposal, or to what is in force as urgent, with a reason."""
    require(Role(by.role), Act.APPROVE_RULES)
    require_other(row.author, by.id)
    why = reason(why, Bi("否决", "refusing"))
    _again(session, row)
    if not _unsettled(row):
        raise wrong("它不在等待批准", "it does not wait for approval", LIST)
    _end(session, by, row, State.REFUSED, why)
    BUS.tell(session, RuleRefused(row.id, row.kind, row.risk, _source(row)))


def take_back(session: Session, by: Account, row: WordChange, why: str) -> None:
    """Take a change back: an author what waits, an officer also what is in force; with a reason."""
    require(Role(by.role), Act.WRITE_RULES)
    why = reason(why, Bi("撤回", "taking back"))
    _again(session, row)
    state = row.state_on(clock.now())
    if state not in {State.PROPOSED, State.LIVE}:
        raise wrong("它既不在等待，也未生效", "it neither waits nor is in force", LIST)
    if state is State.LIVE or row.author != by.id:
        require(Role(by.role), Act.APPROVE_RULES)
    standing = select(WordChange.id).where(WordChange.rule == row.name, in_force(clock.now())).limit(1)
    if after := session.scalar(standing):
        raise wrong(
            f"word:{after} 代替了它，正在生效", f"word:{after} stands in its place and is in force",
            Bi("先撤回那一条", "take that one back first"),
        )  # fmt: skip
    _end(session, by, row, State.WITHDRAWN, why)
    BUS.tell(session, RuleWithdrawn(row.id, row.kind, row.risk, _source(row)))


def _again(session: Session, row: WordChange) -> None:
    """Take the lock and read the row as it is now."""
    hold(session)
    session.refresh(row)


def _end(session: Session, by: Account, row: WordChange, state: State, why: str) -> None:
    was_live = row.state == State.LIVE
    row.state, row.ended_by, row.ended_at, row.ended_why = state, by.id, clock.now(), why
    session.flush()
    _leave(session, f"rule.{state}", row, by, why=commitment(row.salt, row.id, why))
    if was_live:
        changed(session)


def _place(session: Session, row: WordChange, library: Library) -> None:
    """Set a change upon what is in force now: another exception may have been put in force since it was proposed."""
    if row.rule is None:
        return
    rule, word, _, rules = present(session, upon(row, library), library)
    if rule.startswith("word:"):
        under = session.get(WordChange, id_of(rule))
        if under is not None and under.approver is None:
            raise wrong(
                "它所依据的紧急改动尚未获批准", "the urgent change under it is not approved yet",
                Bi("先批准或否决那一条", "approve or refuse that one first"),
            )  # fmt: skip
        if row.kind == Kind.REMOVAL:
            raise wrong(
                f"该词已由 {rule} 代替", f"{rule} stands in the place of that word",
                Bi("先撤回代替它的那一条", "take back what stands in its place first"),
            )  # fmt: skip
    row.rule = rule
    if row.kind == Kind.EXCEPTION:
        row.rules = replace(with_exception(word, rules, row.phrase or ""), source=_source(row)).as_dict()
