"""`/v1/moderations`: one text checked as input, recorded, and told in OpenAI's shape."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from hegui.general.content.checks import CLEAN, Checked, Checker, Verdict, Versions
from hegui.general.content.policy import Audience, Lane, Side, severest
from hegui.general.content.showing import personal_of
from hegui.kit import clock, ids
from hegui.kit.errors import StoreError
from hegui.law import risks
from hegui.service.gateway import refusals
from hegui.service.gateway.access import Grant
from hegui.service.gateway.aside import aside
from hegui.service.gateway.comparison import Live, Shadow
from hegui.service.gateway.engine import Engine, not_recorded
from hegui.service.gateway.hiding import Moves, hidden_text
from hegui.service.gateway.inbound import LONGEST_TEXT
from hegui.service.gateway.judge import Judge
from hegui.service.gateway.protocol import ApiError, Json
from hegui.service.gateway.records import Exchanged, urgency

_LOG = logging.getLogger(__name__)
_PATH = "input"


async def moderate(engine: Engine, grant: Grant, text: str, audience: Audience) -> Json:
    """Check one text as input and return a result in the shape of OpenAI's moderations, recorded.

    The spans that are told are those in the text that was sent, the recorded ones those in the text that is kept.
    """
    checkers = engine.inforce.checkers(grant.service, audience)
    if len(text) > LONGEST_TEXT:
        raise ApiError(
            400,
            "text_too_long",
            f"文本超过 {LONGEST_TEXT} 字，请分开发送 / the text is over {LONGEST_TEXT} characters; split it",
            param="input",
        )
    record = Exchanged(
        content_id=ids.uuid7(), service=grant.service, key=grant.key, person=None, endpoint="moderations",
        model="hegui-content", upstream="", streamed=False, started=clock.now(), outcome="checked", audience=audience.value,
    )  # fmt: skip
    guard = engine.guard is not None
    shadow = Shadow(checkers.shadow, grant.settings, guard=guard) if checkers.shadow else None
    checked = await aside(len(text), lambda: _checked(checkers.chat, shadow, text, record))
    judge = Judge(checkers.chat, engine.guard)
    if judge.asks_input and not (checked.blocked or record.not_scanned):
        judged, record.not_scanned = await judge.beside(str(record.question))
        record.inbound += [(_PATH, verdict) for verdict in judged]
        # What the guard says is of all the text, however long it is.
        found = (*checked.verdicts, *(replace(verdict, end=len(text)) for verdict in judged))
        checked = Checked(severest([item.action for item in found]), found)
        if record.not_scanned and judge.input_blocks:
            record.outcome = refusals.UNDETERMINED
    if shadow is not None:
        record.shadow = shadow.compared(
            Live(
                record.inbound, heard={Side.INPUT: judge.heard}, asked=frozenset(judge.asked),
                not_scanned=record.not_scanned, undetermined=record.outcome == refusals.UNDETERMINED,
            )
        )  # fmt: skip
    record.urgency = urgency(record, checkers.chat.policy)
    try:
        await engine.recorder.record(record, checkers.chat.versions)
    except StoreError as error:
        raise not_recorded(error) from error
    if record.outcome == refusals.UNDETERMINED:
        raise ApiError(
            503, "undetermined", "检查未能运行，结果未知；请稍后重试 / the check could not run; try again later"
        )
    return _result(record, text, checked, checkers.chat.versions)


def _checked(checker: Checker, shadow: Shadow | None, text: str, record: Exchanged) -> Checked:
    """Check a text, and put into its record what is kept of it; a check that can not run is told and recorded, never "fine"."""
    checked = CLEAN
    try:
        record.question, move = hidden_text(text, checker.sides[Side.INPUT].replaced)
        checked = checker.check(text, Side.INPUT)
        moves = Moves()
        moves.add(_PATH, move)
        record.inbound = moves.verdicts((_PATH, verdict) for verdict in checked.verdicts)
        if shadow is not None:
            shadow.text(text, _PATH)
            shadow.move(moves)
    except Exception:  # noqa: BLE001 - whatever fails, the text is not called fine
        _LOG.exception("a text could not be checked")
        record.not_scanned, record.outcome = [_PATH], refusals.UNDETERMINED
        return CLEAN
    return checked


def _score(verdict: Verdict) -> float:
    """Return how sure a verdict is: what a classifier or a guard gave, 1 for a word that is there."""
    return 1.0 if verdict.score is None else verdict.score


def _result(record: Exchanged, text: str, checked: Checked, versions: Versions) -> Json:
    words = [verdict for verdict in checked.verdicts if verdict.lane != Lane.PERSONAL]
    scores = dict.fromkeys(risks().ids, 0.0)
    for verdict in words:
        if verdict.risk in scores:
            scores[verdict.risk] = max(scores[verdict.risk], _score(verdict))
    hit = {verdict.risk for verdict in words}
    hegui: dict[str, Any] = {
        "content_id": record.content_id,
        "action": checked.action.value,
        "hits": [verdict.as_dict() for verdict in words],
        "personal": personal_of(text, checked),
        "not_scanned": [{"why": item} for item in record.not_scanned],
        "versions": versions.as_dict(),
    }
    return {
        "flagged": bool(words),
        "categories": {risk: risk in hit for risk in scores},
        "category_scores": scores,
        "category_applied_input_types": {risk: ["text"] for risk in scores},
        "hegui": hegui,
    }
