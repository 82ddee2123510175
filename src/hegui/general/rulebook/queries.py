"""What can be asked of the rulebook: versions, words, answers, and the library with what people did to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, func, not_, or_, select
from sqlalchemy.orm import Session

from hegui.evidence.models import EntryRow
from hegui.general.content import folding
from hegui.general.content.audit import Renewal
from hegui.general.content.index import Word
from hegui.general.content.library import Library
from hegui.general.content.policy import Policy
from hegui.general.rulebook import policies
from hegui.general.rulebook.models import Kind, PolicyVersion, SetAnswerRow, State, WordChange, in_force, lapsed
from hegui.general.rulebook.reading import Reading, read_book
from hegui.kit import clock
from hegui.kit.text import Bi
from hegui.people.models import Account

PAGE = 100


def names(session: Session) -> dict[str, str]:
    """Return the names of accounts by id."""
    return {row.id: row.name for row in session.scalars(select(Account))}


# --- the policy ----------------------------------------------------------------------------------------


def versions(session: Session) -> Sequence[PolicyVersion]:
    """Return every version of the policy, the newest first."""
    return session.scalars(select(PolicyVersion).order_by(PolicyVersion.number.desc())).all()


def live_policy(session: Session, base: Policy) -> Policy:
    """Return the policy in force: the live version over the operator's file, or that file alone."""
    found = policies.live(session)
    return base if found is None else policies.read_body(found.body, base)


# --- words ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Which changes of the words to show."""

    text: str = ""
    risk: str = ""
    state: str = ""
    before: str = ""


def words(session: Session, wanted: Wanted, most: int = PAGE) -> Sequence[WordChange]:
    """Return changes of the words, the newest first; a text is looked for as words are compared."""
    moment = clock.now()
    statement = select(WordChange).order_by(WordChange.id.desc()).limit(most)
    if folded := folding.folded(wanted.text):
        statement = statement.where(
            or_(
                WordChange.folded.contains(folded, autoescape=True),
                WordChange.phrase.contains(wanted.text, autoescape=True),
            )
        )
    if wanted.risk:
        statement = statement.where(WordChange.risk == wanted.risk)
    if wanted.state == State.LIVE:
        statement = statement.where(in_force(moment))
    elif wanted.state == State.LAPSED:
        statement = statement.where(lapsed(moment))
    elif wanted.state:
        statement = statement.where(WordChange.state == wanted.state)
    if wanted.before:
        statement = statement.where(WordChange.id < wanted.before)
    return session.scalars(statement).all()


def waiting(session: Session) -> Sequence[WordChange]:
    """Return the changes of the words that wait for another person, urgent ones first, then the oldest."""
    moment = clock.now()
    urgent = and_(in_force(moment), WordChange.approver.is_(None))
    statement = select(WordChange).where(or_(WordChange.state == State.PROPOSED, urgent))
    return session.scalars(statement.order_by(not_(urgent), WordChange.id)).all()


def file_words(library: Library, wanted: Wanted, most: int = PAGE) -> list[Word]:
    """Return words of the operator's file that hold a text, of a risk; nothing is listed without either."""
    folded = folding.folded(wanted.text)
    if not folded and not wanted.risk:
        return []
    found = (word for word in library.listed if folded in word.folded and wanted.risk in {"", word.risk})
    return [word for word, _ in zip(found, range(most), strict=False)]


def word_texts(session: Session, rules: Collection[str]) -> dict[str, str]:
    """Return the words behind rules such as `word:ID`, in force or not, for those who may read content."""
    wanted = [rule.removeprefix("word:") for rule in rules if rule.startswith("word:")]
    rows = session.execute(select(WordChange.id, WordChange.text).where(WordChange.id.in_(wanted))) if wanted else ()
    return {f"word:{edit}": text for edit, text in rows}


def counts(session: Session) -> dict[State, int]:
    """Return how many changes of the words stand in each state now."""
    moment = clock.now()
    found = dict.fromkeys(State, 0)
    rows = session.execute(select(WordChange.state, func.count()).group_by(WordChange.state))
    found |= {State(state): number for state, number in rows}
    found[State.LAPSED] = session.scalar(select(func.count()).select_from(WordChange).where(lapsed(moment))) or 0
    found[State.LIVE] -= found[State.LAPSED]
    return found


# --- what is in force ----------------------------------------------------------------------------------


def reading(session: Session, library: Library | None = None) -> Reading:
    """Return the book in force, as the workers read it, with what this unit of work has done to it."""
    session.flush()
    return read_book(session.connection().connection.driver_connection, library)  # type: ignore[arg-type]


def library_in_force(session: Session, library: Library) -> Library:
    """Return the operator's library with what people did to it."""
    book = reading(session, library).book
    return library.edited(book.words, book.gone)


def last_approved(session: Session, on: date) -> datetime | None:
    """Return when a word was last put in force by two people, up to the end of a day in China."""
    end = datetime.combine(on + timedelta(days=1), time(), clock.CHINA)
    return session.scalar(
        select(func.max(WordChange.approved_at)).where(WordChange.kind == Kind.WORD, WordChange.approved_at < end)
    )


def renewed(session: Session, on: date, file: Renewal) -> Renewal:
    """Return the last renewal: the last approved word or the file's day, whichever is later."""
    last = last_approved(session, on)
    day = last.astimezone(clock.CHINA).date() if last else None
    if day is None or (file.day is not None and file.day > day):
        return file
    return Renewal(day, Bi(f"{day} 批准了最近一个词", f"the last word was approved on {day}"))


def logged(session: Session) -> int:
    """Return how many acts on words the ledger holds."""
    return session.scalar(select(func.count()).select_from(EntryRow).where(EntryRow.kind.startswith("rule."))) or 0


# --- set answers ---------------------------------------------------------------------------------------


def answers(session: Session, state: str = "", text: str = "") -> Sequence[SetAnswerRow]:
    """Return set answers, the newest first."""
    statement = select(SetAnswerRow).order_by(SetAnswerRow.id.desc()).limit(PAGE)
    if state:
        statement = statement.where(SetAnswerRow.state == state)
    if text:
        statement = statement.where(SetAnswerRow.question.contains(text, autoescape=True))
    return session.scalars(statement).all()


def waiting_answers(session: Session) -> int:
    """Return how many set answers wait for another person."""
    statement = select(func.count()).select_from(SetAnswerRow).where(SetAnswerRow.state == State.PROPOSED)
    return session.scalar(statement) or 0
