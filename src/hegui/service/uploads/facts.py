"""What the room can prove on a day of a platform's duties; without uploads, nothing."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from hegui.kit import clock
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.people.facts import Fact, Result
from hegui.service.uploads import queries
from hegui.service.uploads.models import JUDGEMENTS, Judgement
from hegui.service.uploads.queries import Judged

_DAYS = 30
_PAGE = "/uploads"
_ADDING = cite("LAB-6.4")
_DUTIES = {
    Judgement.IS: cite("LAB-6.1"),
    Judgement.POSSIBLY: cite("LAB-6.2"),
    Judgement.SUSPECTED: cite("LAB-6.3"),
}


def facts(session: Session, _on: date, _settings: Settings) -> tuple[Fact, ...]:
    """Return the facts of Labelling Measures 6, over the uploads of the last days.

    That a notice stands beside what was published is known from the platform's own word (`shown`) alone.
    """
    found = queries.judged(session, clock.now() - timedelta(days=_DAYS))
    unread = found.get(Judgement.UNDETERMINED, Judged()).total
    notices = tuple(_notice(kind, found.get(kind, Judged()), unread) for kind in _DUTIES)
    return (*notices, _added(found))


def _fact(duty: str, result: Result, zh: str, en: str, kind: str = "") -> Fact:
    return Fact(duty, result, Bi(zh, en), f"{_PAGE}?judgement={kind}" if kind else _PAGE)


def _notice(kind: Judgement, found: Judged, unread: int) -> Fact:
    name, duty = JUDGEMENTS[kind], _DUTIES[kind]
    if found.total == 0:
        zh, en = f"过去 {_DAYS} 天没有判为“{name.zh}”的上传", f"no upload of {_DAYS} days was judged as “{name.en}”"
        return _fact(duty, Result.UNDETERMINED, f"{zh}，无从证明", f"{en}, nothing to prove it by")
    zh = f"过去 {_DAYS} 天判为“{name.zh}” {found.total} 件，平台确认已显示提示 {found.shown} 件"
    en = f"{found.total} uploads of {_DAYS} days judged as “{name.en}”; the platform says the notice of {found.shown} is shown"
    if unread and kind is Judgement.IS:
        told = (
            f"{zh}；{unread} 件无法解析，元数据未能核验",
            f"{en}; {unread} could not be parsed, their metadata was not checked",
        )
        return _fact(duty, Result.UNDETERMINED, *told, kind=Judgement.UNDETERMINED.value)
    whole = found.shown == found.total
    return _fact(duty, Result.MET if whole else Result.UNDETERMINED, zh, en, kind.value)


def _added(found: dict[Judgement, Judged]) -> Fact:
    due = [found.get(kind, Judged()) for kind in _DUTIES]
    total, added = sum(item.total for item in due), sum(item.added for item in due)
    if not found:
        why = (f"过去 {_DAYS} 天没有上传，无从证明", f"no uploads in {_DAYS} days, nothing to prove it by")
        return _fact(_ADDING, Result.UNDETERMINED, *why)
    rest = [found.get(kind, Judged()) for kind in (Judgement.NOTHING, Judgement.UNDETERMINED)]
    unasked = sum(item.undeclared for item in rest)
    zh = f"过去 {_DAYS} 天应写传播要素 {total} 件，已写 {added} 件；未声明的均给出声明提醒"
    en = f"fields of propagation were due for {total} uploads of {_DAYS} days and added to {added}; the reminder to declare went with each that was undeclared"
    kept = sum(item.unwritable for item in due)
    if added + kept < total:
        return _fact(_ADDING, Result.NOT_MET, zh, en)
    if kept:
        zh, en = f"{zh}；{kept} 件无法辨认，原样保留", f"{en}; {kept} could not be understood and were left as they are"
        return _fact(_ADDING, Result.UNDETERMINED, zh, en)
    if unasked or total == 0:
        return _fact(_ADDING, Result.UNDETERMINED, zh, en)
    return _fact(_ADDING, Result.MET, zh, en)
