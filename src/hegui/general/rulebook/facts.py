"""What the rulebook can prove on a day: the library's size, risks and renewal, and how words get into it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hegui.general.content.audit import CLAUSE, Renewal, Requirement, requirements
from hegui.general.content.library import Library
from hegui.general.rulebook import queries, sources
from hegui.general.rulebook.models import WordChange, in_force
from hegui.kit import clock
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import register
from hegui.law.register import Register
from hegui.people.facts import Fact, Result

FEATURES = "ARP-9.1"
"""The duty to keep a feature library with entry standards, rules and procedures."""
REVIEWED = "DSP-10"
"""The duty to review what goes in and out, to keep a feature library, and to log; here the library and its log."""
_EVIDENCE = "/rulebook/library"
_SHOWN = 6


def facts(session: Session, on: date, settings: Settings) -> tuple[Fact, ...]:
    """Return the rulebook's facts for a day."""
    base = sources.library(settings)
    if base.is_sample:
        words = Bi(
            "只装了内置样例词库，起不到保护作用", "only the shipped sample library is loaded; it protects nobody"
        )
        return tuple(Fact(item, Result.NOT_MET, words, _EVIDENCE) for item in (CLAUSE, FEATURES, REVIEWED))
    library = queries.library_in_force(session, base)
    renewed = queries.renewed(session, on, sources.file_renewal(settings))
    return _size(library, register(on), renewed), _entry(session, library.version), _kept(session, library, renewed)


def library_gaps(library: Library, law: Register) -> list[str]:
    """Return what a library lacks of the standard's numbers, such as `A.1.c 199/200`; empty when it has all."""
    return _short(requirements(library, law, Renewal(None, Bi("", ""))))


def _short(found: tuple[Requirement, ...]) -> list[str]:
    counted = [item for item in found if item.risk or item.number.name == "keyword_total"]
    return [f"{item.risk} {item.have}/{int(item.number.value)}".strip() for item in counted if item.result == "not_met"]


def _size(library: Library, law: Register, renewed: Renewal) -> Fact:
    """Return the answer to the clause: too few words, then no or too old a renewal."""
    found = requirements(library, law, renewed)
    if gaps := _short(found):
        shown = ", ".join(gaps[:_SHOWN]) + ("…" if len(gaps) > _SHOWN else "")
        return Fact(CLAUSE, Result.NOT_MET, Bi(f"词库不足：{shown}", f"the library is short: {shown}"), _EVIDENCE)
    last, total = found[-1], f"{found[0].have:,}"
    told = Bi(
        f"词数达标（{total}）；{last.what.zh}：{last.figures}",
        f"the counts are enough ({total}); {last.what.en}: {last.figures}",
    )
    return Fact(CLAUSE, Result(last.result), told, _EVIDENCE)


def _entry(session: Session, version: str) -> Fact:
    """Return what is on record of how words get in; that a written standard exists is for people to show."""
    two = select(func.count()).select_from(WordChange).where(in_force(clock.now()), WordChange.approver.is_not(None))
    alone = select(func.count()).select_from(WordChange).where(in_force(clock.now()), WordChange.approver.is_(None))
    approved, urgent = session.scalar(two) or 0, session.scalar(alone) or 0
    return Fact(
        FEATURES, Result.UNDETERMINED,
        Bi(
            f"特征库（版本 {version}）的增改须两人，现有 {approved} 条经他人批准、{urgent} 条紧急生效待批，均入账本；入库标准的文本与补加标识尚未提交",
            f"changes of the feature library (version {version}) take two people: {approved} approved by another, {urgent} urgent ones "
            "waiting, all in the ledger; the written entry standard and labels added are not shown yet",
        ),
        "/rulebook",
    )  # fmt: skip


def _kept(session: Session, library: Library, renewed: Renewal) -> Fact:
    """Return the part of the duty that is the library and its log; that texts were checked by it is the gateway's to show.

    Without a word in force, or a day of its last change, nothing shows that a library is kept.
    """
    words, logged = sum(library.counts().values()), queries.logged(session)
    told = Bi(
        f"特征库（版本 {library.version}）现有 {words:,} 词，账本中有 {logged:,} 条增改记录；{renewed.known.zh}",
        f"the feature library (version {library.version}) has {words:,} words, {logged:,} changes are in the ledger; {renewed.known.en}",
    )
    shown = words > 0 and renewed.day is not None
    return Fact(REVIEWED, Result.MET if shown else Result.UNDETERMINED, told, "/rulebook")
