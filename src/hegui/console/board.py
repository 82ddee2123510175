"""The board: every obligation with today's result, rolled up to the 24 articles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import clocks, register
from hegui.law.models import Article, Instrument, Obligation
from hegui.people.facts import Fact, Result, decide, roll_up
from hegui.people.waivers import live_waivers

FactSource = Callable[[Session, date, Settings], tuple[Fact, ...]]

_NATURES: dict[str, Bi] = {
    "principle": Bi("原则", "a principle"),
    "definition": Bi("定义", "a definition"),
    "right": Bi("他人的权利", "a right of others"),
    "power": Bi("主管部门的职权", "a power of the authorities"),
    "encouragement": Bi("鼓励性规定", "an encouragement"),
    "penalty": Bi("罚则", "a penalty"),
    "commencement": Bi("施行日期", "commencement"),
}


@dataclass(frozen=True)
class Status:
    """One obligation today."""

    instrument: Instrument
    article: Article
    obligation: Obligation
    result: Result
    reason: Bi
    evidence: str = ""
    deadline: date | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the status for machines."""
        return {
            "id": self.obligation.id,
            "result": self.result.value,
            "reason": self.reason.en,
            "reason_zh": self.reason.zh,
            "room": self.obligation.room,
            "mark": self.obligation.mark,
            "confirmed": self.obligation.mark != "K",
            "deadline": self.deadline.isoformat() if self.deadline else None,
            "term": clocks.term(self.obligation.deadline).en if self.obligation.deadline else None,
        }


@dataclass(frozen=True)
class ArticleStatus:
    """One article today: the worst of its obligations decides."""

    article: Article
    result: Result
    reason: Bi
    deadline: date | None
    term: Bi | None
    parts: tuple[Status, ...]


def _not_binding(obligation: Obligation) -> Bi | None:
    if obligation.binds_provider:
        return None
    if obligation.nature in _NATURES:
        return Bi(
            f"{_NATURES[obligation.nature].zh}，不要求提供者作为",
            f"{_NATURES[obligation.nature].en}; it asks nothing of a provider",
        )
    return Bi("约束他人，不约束提供者", "binds others, not the provider")


def statuses(session: Session, on: date, settings: Settings, sources: Iterable[FactSource]) -> list[Status]:
    """Return every obligation in force on a day with its result; unbuilt rooms are undetermined."""
    found = decide(fact for source in sources for fact in source(session, on, settings))
    waivers = live_waivers(session, on)
    result = []
    for instrument, article, obligation in register(on).obligations():
        not_binding = _not_binding(obligation)
        fact = found.get(obligation.id)
        if not_binding is not None:
            result.append(Status(instrument, article, obligation, Result.NOT_APPLICABLE, not_binding))
        elif obligation.id in waivers:
            waiver = waivers[obligation.id]
            why = Bi(
                f"经批准豁免至 {waiver.expires}：{waiver.reason}", f"waived until {waiver.expires}: {waiver.reason}"
            )
            result.append(Status(instrument, article, obligation, Result.WAIVED, why, "/waivers", waiver.expires))
        elif fact is not None:
            result.append(
                Status(instrument, article, obligation, fact.result, fact.reason, fact.evidence, fact.deadline)
            )
        else:
            why = Bi(f"尚未建成：{obligation.room}", f"not built: {obligation.room}")
            result.append(Status(instrument, article, obligation, Result.UNDETERMINED, why))
    return result


def by_article(all_statuses: list[Status], instrument: str) -> list[ArticleStatus]:
    """Return the articles of an instrument with the result of each."""
    grouped: dict[str, list[Status]] = {}
    for status in all_statuses:
        if status.instrument.id == instrument:
            grouped.setdefault(str(status.article.number), []).append(status)
    found = []
    for parts in grouped.values():
        result = roll_up([part.result for part in parts])
        decisive = next(part for part in parts if part.result is result)
        deadlines = [part.deadline for part in parts if part.deadline]
        term = next((clocks.term(part.obligation.deadline) for part in parts if part.obligation.deadline), None)
        found.append(
            ArticleStatus(parts[0].article, result, decisive.reason, min(deadlines, default=None), term, tuple(parts))
        )
    return found
