"""What people and the keeper do in the review: enqueue, take, release, decide, export, erase. The only writer.

Evidence names items, exchanges, people, verdicts and risks, and never holds a word of the text. What the first of two
blind reviewers decided is committed to in the ledger at once and told when the second has decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.entries import commit_to, make_salt
from hegui.general.review import learning, rules
from hegui.general.review.learning import Desk
from hegui.general.review.models import Decision, Flagged, Item, Occurrence, Stage, State
from hegui.general.review.rules import Judgement
from hegui.kit import clock, ids
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError, NotAllowedError
from hegui.kit.text import Bi
from hegui.people.models import Account
from hegui.people.permits import Act, Role, permits, require

_LOCK = 0x7265766977
_OPEN = Item.state != State.DECIDED


# --- enqueue -----------------------------------------------------------------------------------------


def enqueue(session: Session, flagged: Iterable[Flagged], key: bytes, percent: int) -> list[str]:
    """Queue flagged exchanges; return the ids of new items.

    An exchange that was queued is left out; one that says the same as an open item counts there. `key` is for the
    draw of those that `percent` of all, reviewed by two, are.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    made, moment = [], clock.now()
    for one in flagged:
        if session.get(Occurrence, one.exchange) is not None:
            continue
        same = (Item.service == one.service) & (Item.fingerprint == one.fingerprint) & _OPEN
        item = session.scalar(select(Item).where(same).with_for_update())
        if item is None:
            item = _item(one, moment, key, percent)
            session.add(item)
            made.append(item.id)
        else:
            item.occurrences += 1
            item.urgency = rules.sooner(item.urgency, one.urgency)
            item.due_at = min(item.due_at, rules.due(one.urgency, moment))
        session.flush()
        session.add(Occurrence(exchange_id=one.exchange, item_id=item.id, at=one.at))
    return made


def _item(one: Flagged, moment: datetime, key: bytes, percent: int) -> Item:
    number = ids.uuid7()
    draw = rules.drawn(key, number)
    return Item(
        id=number, exchange_id=one.exchange, service=one.service, at=one.at, urgency=one.urgency,
        risks=list(one.risks), lanes=list(one.lanes), fingerprint=one.fingerprint, occurrences=1, queued_at=moment,
        due_at=rules.due(one.urgency, moment), draw=draw, double=rules.is_double(draw, percent),
        state=State.WAITING.value, stage=Stage.FIRST.value,
    )  # fmt: skip


# --- take and release --------------------------------------------------------------------------------


def _locked(session: Session, item_id: str) -> Item:
    item = session.get(Item, item_id, with_for_update=True, populate_existing=True)
    if item is None:
        raise InputError(Bi("没有这个审核项", "there is no such item"), Bi("回到队列", "go back to the queue"))
    return item


def _other(zh: str, en: str) -> NotAllowedError:
    return NotAllowedError(Bi(zh, en), Bi("从队列里另取一项", "take another one from the queue"))


def decisions(session: Session, item_id: str) -> list[Decision]:
    """Return the decisions of an item, in their order."""
    return list(session.scalars(select(Decision).where(Decision.item_id == item_id).order_by(Decision.at, Decision.id)))


def may_take(item: Item, made: list[Decision], by: Account) -> bool:
    """Say whether a person may make the decision that an item waits for: nobody decides twice."""
    needed = Act.SETTLE_REVIEW if item.stage == Stage.SETTLE else Act.REVIEW
    return permits(Role(by.role), needed) and all(decision.by != by.id for decision in made)


def take(session: Session, item_id: str, by: Account) -> Item:
    """Take an item for as long as the lease runs; raise NotAllowedError when somebody else has it or decided it."""
    require(Role(by.role), Act.REVIEW)
    item, moment = _locked(session, item_id), clock.now()
    state = item.state_at(moment)
    if state is State.DECIDED:
        raise _other("该项已决", "that item is decided")
    if state is State.TAKEN and item.taken_by != by.id:
        raise _other("该项正由他人审核", "somebody else is reviewing that item")
    made = decisions(session, item.id)
    if item.stage == Stage.SETTLE:
        require(Role(by.role), Act.SETTLE_REVIEW)
    if not may_take(item, made, by):
        raise _other("复审与裁定须由另一人进行", "a second review and a settling are another person's")
    fresh = state is State.WAITING
    item.state, item.taken_by, item.taken_until = State.TAKEN.value, by.id, moment + rules.LEASE
    if fresh:
        payload = {"item": item.id, "exchange": item.exchange_id, "by": by.id, "until": clock.iso(item.taken_until)}
        leave(session, "review.taken", payload, service=item.service)
    return item


def release(session: Session, item_id: str, by: Account) -> None:
    """Give an item back undecided; nothing happens to one that this person does not have."""
    item = _locked(session, item_id)
    if item.state == State.TAKEN and item.taken_by == by.id:
        _wait(item)
        leave(session, "review.released", {"item": item.id, "by": by.id}, service=item.service)


def _wait(item: Item) -> None:
    item.state, item.taken_by, item.taken_until = State.WAITING.value, None, None


# --- decide ------------------------------------------------------------------------------------------


def decide(session: Session, desk: Desk, item_id: str, by: Account, judgement: Judgement) -> Item:
    """Decide an item that this person has; raise InputError for what can not be said, NotAllowedError for who may not.

    A lease that ran out harms nobody as long as no one else took the item.
    """
    rules.check(judgement)
    item = _locked(session, item_id)
    if item.state != State.TAKEN or item.taken_by != by.id:
        raise _other("该项已不在您手上", "you do not have that item any more")
    require(Role(by.role), Act.SETTLE_REVIEW if item.stage == Stage.SETTLE else Act.REVIEW)
    moment = clock.now()
    decision = Decision(
        id=ids.uuid7(), item_id=item.id, stage=item.stage, by=by.id, at=moment, verdict=judgement.verdict.value,
        risk=judgement.risk, salt=make_salt(), due=desk.until(moment),
    )  # fmt: skip
    learning.write(desk.box, decision, judgement)
    session.add(decision)
    session.flush()
    _advance(session, desk, item, decisions(session, item.id))
    return item


def _told(decision: Decision) -> dict[str, Any]:
    return {"by": decision.by, "decision": decision.id, "risk": decision.risk, "verdict": decision.verdict}


def commitment(decision: Decision) -> str:
    """Return what the ledger says of a blind decision before it is told: base64 of SHA-256(salt || decision)."""
    return commit_to(decision.salt, canonical(_told(decision)))


def _advance(session: Session, desk: Desk, item: Item, made: list[Decision]) -> None:
    """Leave evidence of the last decision, and let the item wait for the next or be decided."""
    last, stage = made[-1], Stage(item.stage)
    names = {"item": item.id, "exchange": item.exchange_id}
    differ = stage is Stage.SECOND and len({rules.category(one.verdict, one.risk) for one in made}) > 1
    following = rules.next_stage(stage, double=item.double, differ=differ)
    blind = following is Stage.SECOND
    told = {"by": last.by, "decision": last.id, "commitment": commitment(last)} if blind else _told(last)
    leave(session, "review.settled" if stage is Stage.SETTLE else "review.decided", names | told, service=item.service)
    if stage is Stage.SECOND:
        first = {**_told(made[0]), "salt": made[0].salt}
        leave(session, "review.compared", {**names, "agreed": not differ, "draw": item.draw, "first": first},
              service=item.service)  # fmt: skip
    _wait(item)
    if following is not None:
        item.stage, item.due_at = following.value, rules.due(item.urgency, last.at)
        return
    item.state, item.decided_at, item.verdict, item.risk = State.DECIDED.value, last.at, last.verdict, last.risk
    _learn(session, desk, item, made)


def _learn(session: Session, desk: Desk, item: Item, made: list[Decision]) -> None:
    """Carry out what was wanted by those whose decision stands, the same thing once."""
    final = rules.category(item.verdict or "", item.risk)
    done: set[object] = set()
    for decision in made:
        if rules.category(decision.verdict, decision.risk) != final:
            continue
        kinds = learning.carry_out(session, desk, item, decision, done, now=decision is made[-1])
        if kinds:
            payload = {"item": item.id, "decision": decision.id, "by": decision.by, "kinds": kinds}
            leave(session, "review.learned", payload, service=item.service)
