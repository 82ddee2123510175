"""What the room can prove on a day: that content went out without its explicit label under the law's conditions alone."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from hegui.kit import clock
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.people.facts import Fact, Result
from hegui.service.releases import queries, rules
from hegui.service.releases.queries import Given

_IM = cite("IM-12")
_PAGE = "/releases"
_STALE = timedelta(hours=1)


def facts(session: Session, _on: date, settings: Settings) -> tuple[Fact, ...]:
    """Return the facts of Labelling Measures 9, over every content whose record is still kept.

    `IM-12` is answered only where a content left that nobody logged to its end: the gateway answers it otherwise.
    """
    found = queries.given(session, rules.months(0), clock.now() - _STALE)
    return (_release(found, rules.months(settings.log_months)), *_unfinished(found))


def _release(found: Given, months: int) -> Fact:
    if found.contents == 0:
        why = Bi(
            "没有按申请提供过无显式标识的内容，无从证明",
            "nothing was given without the explicit label, nothing to prove it by",
        )
        return Fact(rules.CLAUSE, Result.UNDETERMINED, why, _PAGE)
    told = Bi(
        f"无显式标识提供 {found.given} 件，均有用户承诺，日志留存 {months} 个日历月",
        f"{found.given} contents given without the explicit label, each after its user accepted the duty; logs are kept {months} calendar months",
    )
    if found.unaccepted or found.short:
        why = Bi(
            f"{found.unaccepted} 件提供在用户承诺之前，{found.short} 件日志留存过短",
            f"{found.unaccepted} were given before the duty was accepted, the logs of {found.short} go too soon",
        )
        return Fact(rules.CLAUSE, Result.NOT_MET, why, _PAGE)
    if found.unfinished:
        why = Bi(
            f"{told.zh}；{found.unfinished} 件未知是否送达",
            f"{told.en}; of {found.unfinished} it is not known whether they arrived",
        )
        return Fact(rules.CLAUSE, Result.UNDETERMINED, why, _PAGE)
    if found.template:
        why = Bi(
            f"{told.zh}；其中 {found.template} 件的条款是内置样式，未证明已写入用户协议",
            f"{told.en}; of {found.template} the clause is the shipped template, which nothing shows to be in the user agreement",
        )
        return Fact(rules.CLAUSE, Result.UNDETERMINED, why, _PAGE)
    return Fact(rules.CLAUSE, Result.MET, told, _PAGE)


def _unfinished(found: Given) -> tuple[Fact, ...]:
    if found.unfinished == 0:
        return ()
    why = Bi(
        f"{found.unfinished} 件无显式标识的内容未知是否送达", f"of {found.unfinished} contents without the explicit label it is not known whether they arrived"
    )  # fmt: skip
    return (Fact(_IM, Result.UNDETERMINED, why, _PAGE),)
