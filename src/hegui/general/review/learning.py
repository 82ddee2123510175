"""What is kept of a decision to learn from: encrypted notes and wishes, excerpts, their export and their end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.box import Box
from hegui.evidence.retention import Erased
from hegui.general.content.folding import folded
from hegui.general.content.policy import Action, Side
from hegui.general.review import rules
from hegui.general.review.events import ExceptionProposed, WordProposed
from hegui.general.review.models import Decision, Excerpt, Item, Kind, State, Verdict
from hegui.general.review.rules import Judgement, Phrase, Sample, Word
from hegui.kit import clock, ids
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError, StoreError
from hegui.kit.events import Bus
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.store.unit import attempt

REVIEW = "review"
"""Retention class of what the review keeps of texts."""
_CLAUSE = cite("IM-11.1c")
_BENIGN = "benign"


@dataclass(frozen=True)
class Desk:
    """What deciding needs: the box for text, who hears of proposals, and the days that text is kept."""

    box: Box
    bus: Bus
    days: int

    def until(self, moment: datetime) -> datetime:
        """Return when text that is kept from a moment on is due."""
        return moment + timedelta(days=self.days)


def _unreadable() -> StoreError:
    return StoreError(
        Bi("审核所存文本无法解密：密钥不符，或内容已损坏", "text of the review can not be decrypted: another key, or it is damaged"),
        Bi("从备份恢复 keys 目录里的内容密钥", "restore the content key in the folder `keys` from a backup"),
    )  # fmt: skip


def write(box: Box, decision: Decision, judgement: Judgement) -> None:
    """Keep note and wishes of a judgement in its decision, excerpts masked, all encrypted."""
    wanted = {name: value for name, value in asdict(judgement).items() if name not in {"verdict", "risk"} and value}
    for kind in Kind:
        if kind.value in wanted:
            wanted[kind.value]["text"] = rules.without_personal(wanted[kind.value]["text"].strip())
    if "note" in wanted:
        wanted["note"] = rules.without_personal(wanted["note"].strip())
    decision.sealed, decision.key_id = box.seal(decision.id, canonical(wanted)), box.key_id


def read(box: Box, decision: Decision) -> Judgement | None:
    """Return what a decision said, None when its text was erased; raise StoreError when it can not be decrypted."""
    if decision.sealed is None:
        return None
    plain = box.open(decision.id, decision.sealed)
    if plain is None:
        raise _unreadable()
    wanted: dict[str, Any] = orjson.loads(plain)
    return Judgement(
        Verdict(decision.verdict), decision.risk, wanted.get("note", ""),
        Word(**wanted["word"]) if "word" in wanted else None,
        Phrase(**wanted["phrase"]) if "phrase" in wanted else None,
        _sample(wanted.get("label")), _sample(wanted.get("case")),
    )  # fmt: skip


def _sample(data: dict[str, Any] | None) -> Sample | None:
    if data is None:
        return None
    return Sample(data["text"], Side(data["side"]), Action(data["action"]) if data["action"] else None)


def carry_out(  # noqa: PLR0913 - what is wanted, by whom, and what was done already
    session: Session, desk: Desk, item: Item, decision: Decision, done: set[object], *, now: bool
) -> list[str]:
    """Tell of the proposals of a decision and keep its excerpts, those not in `done`; return the kinds of them.

    `now` says that it is the decision that is being made: whoever makes it is told when a proposal is
    refused. One of an earlier, blind decision that is refused is left out, so that it neither stops nor shows itself to others.
    """
    wanted = read(desk.box, decision)
    if wanted is None:
        return []
    kinds: list[str] = []
    names = (item.id, decision.by, item.service)
    word, phrase = wanted.word, wanted.phrase
    proposals: list[tuple[str, object, object]] = []
    if word is not None:
        text = word.text.strip()
        proposals.append(("word", (folded(text), word.risk), WordProposed(*names, text=text, risk=word.risk)))
    if phrase is not None:
        text = phrase.text.strip()
        told = ExceptionProposed(*names, phrase=text, rule=phrase.rule, library=phrase.library)
        proposals.append(("exception", (folded(text), phrase.rule), told))
    for name, key, event in proposals:
        if (name, key) not in done:
            done.add((name, key))
            kinds.append(name if _told(session, desk, event, now=now) else f"{name}_refused")
    for kind, sample in ((Kind.LABEL, wanted.label), (Kind.CASE, wanted.case)):
        if sample is None or (kind, sample) in done:
            continue
        done.add((kind, sample))
        number = ids.uuid7()
        sealed = desk.box.seal(number, sample.text.encode("utf-8", "replace"))
        session.add(
            Excerpt(
                id=number, decision_id=decision.id, kind=kind.value, service=item.service, side=sample.side.value,
                risk=decision.risk, action=sample.action and sample.action.value, sealed=sealed, key_id=desk.box.key_id,
                due=decision.due,
            )
        )  # fmt: skip
        kinds.append(kind.value)
    return kinds


def _told(session: Session, desk: Desk, event: object, *, now: bool) -> bool:
    """Tell of a proposal; return whether it was taken, raise InputError where the one who decides now is to hear of it."""
    try:
        with attempt(session):
            desk.bus.tell(session, event)
    except InputError:
        if now:
            raise
        return False
    return True


# --- export and end ----------------------------------------------------------------------------------


def export(session: Session, box: Box, kind: Kind, by: str) -> bytes:
    """Return the excerpts of a kind as JSON lines, oldest first; that they were handed out is recorded.

    Labels are as `hegui content train` reads them, cases as `hegui content replay` does.
    """
    rows = session.scalars(select(Excerpt).where(Excerpt.kind == kind).order_by(Excerpt.id)).all()
    lines = list(_lines(rows, box))
    leave(session, "review.exported", {"kind": kind.value, "count": len(lines), "by": by})
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def _lines(rows: Any, box: Box) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - rows of a query
    for row in rows:
        plain = box.open(row.id, row.sealed)
        if plain is None:
            raise _unreadable()
        if row.kind == Kind.LABEL:
            yield {"text": plain.decode(), "label": row.risk or _BENIGN, "source": f"review:{row.service}"}
        else:
            yield {
                "text": plain.decode(), "side": row.side, "expected": row.action, "risk": row.risk,
                "source": f"review:{row.service}",
            }  # fmt: skip


def erase_due(session: Session, moment: datetime) -> Erased | None:
    """Erase the texts of the review whose days are over; who decided what stays, with nothing to tell the text by."""
    held = (Decision.due <= moment) & Decision.sealed.is_not(None)
    count = session.scalar(select(func.count()).select_from(Decision).where(held)) or 0
    count += session.scalar(select(func.count()).select_from(Excerpt).where(Excerpt.due <= moment)) or 0
    if count == 0:
        return None
    session.execute(delete(Excerpt).where(Excerpt.due <= moment))
    gone = select(Decision.item_id).where(held)
    session.execute(
        update(Item).where(Item.id.in_(gone), Item.state == State.DECIDED).values(fingerprint=func.concat("erased:", Item.id))
    )  # fmt: skip
    session.execute(update(Decision).where(held).values(sealed=None, key_id=None))
    leave(session, "record.erased", {"class": REVIEW, "cutoff": clock.iso(moment), "count": count, "cite": _CLAUSE})
    return Erased(REVIEW, count, moment)
