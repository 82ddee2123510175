"""The console's own pages: the board, an article, an instrument."""

from __future__ import annotations

from sqlalchemy.orm import Session

from hegui.console.board import Status, by_article, statuses
from hegui.kit import clock
from hegui.kit.pages import Page, Route, Visit
from hegui.kit.text import Bi
from hegui.law import clocks, register
from hegui.law.models import MARKS
from hegui.law.register import MEASURES
from hegui.people.facts import RESULT_NAMES, Result
from hegui.people.permits import Act

CHAPTERS: dict[int, Bi] = {
    1: Bi("第一章 总则", "Chapter 1 General"),
    2: Bi("第二章 技术发展与治理", "Chapter 2 Development and governance"),
    3: Bi("第三章 服务规范", "Chapter 3 Service"),
    4: Bi("第四章 监督检查和法律责任", "Chapter 4 Supervision and liability"),
    5: Bi("第五章 附则", "Chapter 5 Supplementary"),
}


def _statuses(visit: Visit) -> list[Status]:
    session: Session = visit.session
    return statuses(session, clock.today(), visit.shared.settings, visit.shared.fact_sources)


def board(visit: Visit) -> Page:
    """Show the 24 articles with today's results."""
    found = _statuses(visit)
    articles = by_article(found, MEASURES)
    chapters = [(CHAPTERS[number], [a for a in articles if a.article.chapter == number]) for number in CHAPTERS]
    counts = {result: sum(1 for a in articles if a.result is result) for result in Result}
    others = []
    for instrument in register().instruments:
        if instrument.id != MEASURES:
            parts = [status for status in found if status.instrument.id == instrument.id]
            others.append((instrument, {result: sum(1 for p in parts if p.result is result) for result in Result}))
    return Page(
        "console/board.html",
        Bi("合规总览", "Board"),
        {"chapters": chapters, "counts": counts, "names": RESULT_NAMES, "others": others, "today": clock.today()},
    )


def article(visit: Visit) -> Page:
    """Show one article: what it asks, its obligations, facts, clocks and what leans on it."""
    law = register()
    instrument, found = law.article(f"{visit.path['instrument']}-{visit.path['number']}")
    everything = _statuses(visit)
    here = by_article([s for s in everything if s.article is found], instrument.id)[0] if found.obligations else None
    related = {other for obligation in found.obligations for other in (*obligation.see, *obligation.clocks)}
    return Page(
        "console/article.html",
        Bi(f"{instrument.title.zh} 第 {found.number} 条", f"{instrument.title.en}, Article {found.number}"),
        {
            "instrument": instrument,
            "article": found,
            "here": here,
            "related": [status for status in everything if status.obligation.id in related],
            "names": RESULT_NAMES,
            "marks": MARKS,
            "term": clocks.term,
        },
    )


def instrument(visit: Visit) -> Page:
    """Show one instrument with the result of each article."""
    found = register().instrument(visit.path["instrument"])
    return Page(
        "console/instrument.html",
        found.title.bi,
        {
            "instrument": found,
            "articles": by_article(_statuses(visit), found.id),
            "names": RESULT_NAMES,
            "marks": MARKS,
        },
    )


ROUTES = (
    Route("/", Act.READ_BOARD, board, menu=Bi("合规总览", "Board")),
    Route("/law/{instrument}", Act.READ_BOARD, instrument),
    Route("/law/{instrument}/{number}", Act.READ_BOARD, article),
)
