"""Pages of the review: the queue, one item, one's own decisions, agreement."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from hegui.evidence.box import Box
from hegui.evidence.keyring import Keyring
from hegui.general.content.policy import ACTION_NAMES, LANE_NAMES, URGENCY_NAMES, WORD_LANES, Action, Side, Urgency
from hegui.general.review import acts, learning, marks, picture, queries, rules
from hegui.general.review.models import (
    NOT_CHECKED,
    STAGE_NAMES,
    STATE_NAMES,
    VERDICT_NAMES,
    Item,
    Kind,
    Stage,
    State,
    Verdict,
)
from hegui.general.review.rules import Judgement, Phrase, Sample, Word
from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.events import Bus
from hegui.kit.pages import Download, Page, Redirect, Route, Visit
from hegui.kit.text import Bi
from hegui.law import risks
from hegui.people.models import Account
from hegui.people.permits import Act, Role, permits
from hegui.store.unit import attempt

Reader = Callable[[Session, Keyring, str, Account], dict[str, Any] | None]
"""Returns the texts and hits of an exchange to somebody who may read them, and records that it did; None if gone."""

_MONTHS = 6
_TITLE = Bi("人工审核", "Review")
_OWNERS = {Stage.SETTLE: Bi("合规负责人", "compliance officer")}
_OWNER = Bi("审核员或合规负责人", "reviewer or compliance officer")
_LANES = {**LANE_NAMES, NOT_CHECKED: Bi("未能检查", "not checked")}
_EXPECTED = (Action.PASS, Action.FLAG, Action.MASK, Action.REFUSE)
_FIELDS = (
    "verdict", "risk", "note", "word", "word_risk", "phrase", "rule", "label", "label_side", "case", "case_side",
    "expected", "add_word", "add_exception", "keep_label", "keep_case",
)  # fmt: skip
_USUAL = {Verdict.VIOLATES: Action.REFUSE, Verdict.FINE: Action.PASS, Verdict.CANNOT_TELL: Action.FLAG}
"""What is expected of a case unless the reviewer says otherwise."""
_WHOSE = {"mine": Bi("我在审", "mine"), "free": Bi("无人在审", "nobody's")}


def _risk_names() -> dict[str, Bi]:
    return {risk: risks().name(risk).bi for risk in risks().ids}


def _names() -> dict[str, Any]:
    return {
        "states": STATE_NAMES, "urgencies": URGENCY_NAMES, "lanes": _LANES, "risk_names": _risk_names(),
        "verdicts": VERDICT_NAMES, "actions": ACTION_NAMES, "whose": _WHOSE,
    }  # fmt: skip


# --- the queue ---------------------------------------------------------------------------------------


def _filter(visit: Visit) -> queries.Filter:
    """Return what to show; raise InputError for what there is not."""
    given = {key: visit.query.get(key, "").strip() for key in vars(queries.Filter())}
    known: dict[str, Collection[str]] = {
        "urgency": set(Urgency), "risk": set(risks().ids), "lane": set(_LANES), "whose": set(_WHOSE), "late": {"1"},
    }  # fmt: skip
    unknown = [given[key] for key, values in known.items() if given[key] and given[key] not in values]
    if unknown or "\0" in given["service"]:
        shown = (unknown or ["?"])[0]
        raise InputError(
            Bi(f"没有“{shown}”这个筛选值", f"there is nothing called {shown!r} to filter by"),
            Bi("在列表上方选择", "choose above the list"),
        )
    return queries.Filter(**given)


def queue(visit: Visit) -> Page:
    """Show what waits, oldest due first, with filters."""
    moment, wanted = clock.now(), _filter(visit)
    partial = visit.query.get("part") == "rows"
    values = {
        **_names(),
        "rows": queries.queue(visit.session, wanted, visit.person, moment),
        "load": queries.load(visit.session, moment),
        "services": queries.services(visit.session),
        "names": queries.names(visit.session),
        "wanted": wanted,
        "query": {key: value for key, value in vars(wanted).items() if value},
        "moment": moment,
        "owner": lambda item: _OWNERS.get(item.stage, _OWNER),
        "left": lambda item: _left(item, moment),
        "done": visit.query.get("done", ""),
        "terms": {URGENCY_NAMES[urgency]: term for urgency, term in rules.TERMS.items()},
    }  # fmt: skip
    return Page("review/rows.html" if partial else "review/queue.html", _TITLE, values)


def _left(item: Item, moment: Any) -> Bi:  # noqa: ANN401 - an instant
    seconds = int((item.due_at - moment).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    if seconds < 0:
        return Bi(f"逾期 {hours} 小时 {minutes} 分", f"{hours} h {minutes} min late")
    return Bi(f"还有 {hours} 小时 {minutes} 分", f"{hours} h {minutes} min left")


# --- one item ----------------------------------------------------------------------------------------


def _item(visit: Visit) -> Item:
    item = visit.session.get(Item, visit.path["id"])
    if not isinstance(item, Item):
        raise InputError(Bi("没有这个审核项", "there is no such item"), Bi("回到队列", "go back to the queue"))
    return item


def _shown(visit: Visit, item: Item, content: dict[str, Any] | None, **more: Any) -> Page:  # noqa: ANN401 - values
    moment = clock.now()
    made = acts.decisions(visit.session, item.id)
    open_here = item.state_at(moment) is State.TAKEN and item.taken_by == visit.person.id
    decided = item.state == State.DECIDED
    # Whoever may still decide, and whoever did while another has not, sees nobody else's decision.
    told = decided or (open_here and item.stage == Stage.SETTLE)
    values: dict[str, Any] = {
        **_names(),
        "item": item, "state": item.state_at(moment), "left": _left(item, moment),
        "owner": _OWNERS.get(Stage(item.stage), _OWNER), "names": queries.names(visit.session),
        "stages": STAGE_NAMES, "expected": _EXPECTED, "sides": list(Side),
        "decisions": made if told else [one for one in made if one.by == visit.person.id],
        "may_take": not decided and acts.may_take(item, made, visit.person), "open_here": open_here,
        "held": item.state_at(moment) is State.TAKEN and not open_here,
        "content": content, "texts": [], "unplaced": [], "typed": {}, "error": None, "status": 200,
    }  # fmt: skip
    if content is not None:
        values |= _content(item, content)
    values |= more
    return Page("review/item.html", Bi("一项审核", "One item"), values, values["status"])


def _content(item: Item, content: dict[str, Any]) -> dict[str, Any]:
    shown, unplaced = marks.marked(content["texts"] or [], content["verdicts"])
    excerpt = marks.first_excerpt(shown, content["verdicts"])
    rules_hit = list(dict.fromkeys(one["rule"] for one in content["verdicts"] if one["lane"] in WORD_LANES))
    known = [risk for risk in item.risks if risk in risks().ids]
    typed = dict.fromkeys(_FIELDS, "") | {
        "risk": known[0] if known else "", "word": excerpt.word, "word_risk": known[0] if known else "",
        "phrase": excerpt.phrase, "rule": rules_hit[0] if rules_hit else "",
        "label": excerpt.text, "label_side": excerpt.side, "case": excerpt.text, "case_side": excerpt.side,
    }  # fmt: skip
    return {"texts": shown, "unplaced": sorted(unplaced), "typed": typed, "rules": rules_hit}


def _judgement(visit: Visit) -> Judgement:
    """Return what the form says; raise InputError for what it can not mean."""
    form = visit.form

    def given(key: str) -> str:
        return form.get(key, "").strip()

    try:
        verdict = Verdict(given("verdict"))
        label = Sample(given("label"), Side(given("label_side"))) if given("keep_label") else None
        expected = Action(given("expected") or _USUAL[verdict])
        case = Sample(given("case"), Side(given("case_side")), expected) if given("keep_case") else None
    except ValueError:
        raise InputError(
            Bi("请选择结论；留存文本时还须选择其侧", "choose a verdict; a text that is kept also needs its side"),
            Bi("选择后再提交", "choose, then send again"),
        ) from None
    risk = given("risk") if verdict is Verdict.VIOLATES else None
    word = Word(given("word"), given("word_risk")) if given("add_word") else None
    phrase = Phrase(given("phrase"), given("rule"), given("library")) if given("add_exception") else None
    return Judgement(verdict, risk, given("note"), word, phrase, label, case)


class Pages:
    """The pages that need what other rooms bring: a reader of content, and who hears of proposals."""

    def __init__(self, reader: Reader, bus: Bus) -> None:
        self._reader = reader
        self._bus = bus

    def _read(self, visit: Visit, item: Item) -> dict[str, Any] | None:
        content = self._reader(visit.session, visit.shared.keyring, item.exchange_id, visit.person)
        return content or {"texts": None, "verdicts": [], "not_scanned": [], "versions": {}, "outcome": "", "model": ""}

    def one(self, visit: Visit) -> Page:
        """Show one item without its content."""
        return _shown(visit, _item(visit), None)

    def take(self, visit: Visit) -> Page:
        """Take an item and show what was said; that it was read is recorded."""
        item = acts.take(visit.session, _item(visit).id, visit.person)
        return _shown(visit, item, self._read(visit, item))

    def decide(self, visit: Visit) -> Page | Redirect:
        """Decide an item; after a mistake with what was typed, so that nothing is lost."""
        shared = visit.shared
        desk = learning.Desk(Box(shared.keyring), self._bus, shared.settings.review_days)
        try:
            # Whoever hears of a proposal may refuse it; then nothing of the decision is kept either.
            with attempt(visit.session):
                acts.decide(visit.session, desk, visit.path["id"], visit.person, _judgement(visit))
        except InputError as error:
            item = acts.take(visit.session, _item(visit).id, visit.person)
            content = self._read(visit, item)
            return _shown(
                visit, item, content, typed={key: visit.form.get(key, "") for key in _FIELDS}, error=error, status=400
            )
        return Redirect(f"/review?done={visit.path['id']}")


def release(visit: Visit) -> Redirect:
    """Give an item back."""
    acts.release(visit.session, visit.path["id"], visit.person)
    return Redirect("/review")


# --- what was decided --------------------------------------------------------------------------------


def mine(visit: Visit) -> Page:
    """Show one's own decisions, with what came of them."""
    rows = queries.mine(visit.session, visit.person.id)
    return Page("review/mine.html", Bi("我的审核", "My decisions"), {**_names(), "rows": rows})


def agreement(visit: Visit) -> Page:
    """Show how far blind pairs agree, by month and by risk."""
    moment = clock.now()
    wanted = queries.months(moment, _MONTHS)
    found = queries.pairs(visit.session, moment - timedelta(days=31 * _MONTHS))
    by_month = queries.by_month(found, wanted)
    values = {
        **_names(),
        "overall": queries.overall(found),
        "months": by_month,
        "risks": queries.by_risk(found),
        "picture": Markup(picture.draw(by_month, visit.lang)),  # noqa: S704 - escaped where drawn
        "few": rules.FEW,
        "percent": visit.shared.settings.review_double_percent,
        "may_export": permits(Role(visit.person.role), Act.EXPORT_LABELS),
    }
    return Page("review/agreement.html", Bi("审核一致性", "Agreement"), values)


def _handed_out(kind: Kind) -> Callable[[Visit], Download]:
    def view(visit: Visit) -> Download:
        made = learning.export(visit.session, Box(visit.shared.keyring), kind, visit.person.id)
        return Download(f"{kind.value}s.jsonl", made, "application/x-ndjson")

    return view


def routes(reader: Reader, bus: Bus) -> tuple[Route, ...]:
    """Return the pages, given who reads content and who hears of proposals."""
    pages = Pages(reader, bus)
    return (
        Route("/review", Act.REVIEW, queue, menu=_TITLE),
        Route("/review/mine", Act.REVIEW, mine),
        Route("/review/agreement", Act.READ_EXCHANGES, agreement),
        Route("/review/labels", Act.EXPORT_LABELS, _handed_out(Kind.LABEL), methods=("POST",)),
        Route("/review/cases", Act.EXPORT_LABELS, _handed_out(Kind.CASE), methods=("POST",)),
        Route("/review/{id}", Act.REVIEW, pages.one),
        Route("/review/{id}/take", Act.REVIEW, pages.take, methods=("POST",)),
        Route("/review/{id}/take", Act.REVIEW, _again),
        Route("/review/{id}/release", Act.REVIEW, release, methods=("POST",)),
        Route("/review/{id}/decide", Act.REVIEW, pages.decide, methods=("POST",)),
        Route("/review/{id}/decide", Act.REVIEW, _again),
    )


def _again(visit: Visit) -> Redirect:
    """Lead a reload of what was read back to the item, since reading again is recorded again."""
    return Redirect(f"/review/{_item(visit).id}")
