"""What the review can prove on a day; that people look is shown, that they are enough is not for software to say."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from hegui.general.review import queries
from hegui.kit import clock
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people.facts import Fact, Result

_WATCH, _REVIEW = "GBT45654-6.5b", "DSP-10"
_DAYS = 30
_PAGE = "/review/agreement"


def facts(session: Session, _on: date, _settings: Settings) -> tuple[Fact, ...]:
    """Return the review's facts: who watched in the last days, and what waits beyond its term.

    The duty to have watch-keepers asks for enough of them and for complaints to be analysed, which no record here can
    show, so it is undetermined at best; it is not met where what was flagged has waited all those days and nobody decided anything.
    Review by technology suffices for DSP-10, which the gateway answers; here it is only put in doubt by what is late.
    """
    moment = clock.now()
    since = moment - timedelta(days=_DAYS)
    load, done = queries.load(session, moment), queries.done(session, since)
    return (_watch(load, done, queries.learned(session, since), since), *_late(load))


def _watch(load: queries.Load, done: queries.Done, learned: int, since: datetime) -> Fact:
    if done.decisions == 0 and load.earliest is not None and load.earliest <= since:
        why = Bi(
            f"{load.late} 项被标记的交互逾期，其中有的已逾期 {_DAYS} 天以上，其间无人作出审核决定",
            f"{load.late} flagged exchanges are beyond their term, some by over {_DAYS} days, in which nobody decided anything",
        )
        return Fact(_WATCH, Result.NOT_MET, why, _PAGE)
    if done.decisions == 0:
        why = Bi(
            f"过去 {_DAYS} 天没有人工审核记录，无从证明",
            f"no review by people in the last {_DAYS} days, nothing to prove it by",
        )
        return Fact(_WATCH, Result.UNDETERMINED, why, _PAGE)
    why = Bi(
        f"过去 {_DAYS} 天：审核决定 {done.decisions}，审核人 {done.people}，由此改进 {learned}，未决 {load.waiting}，逾期 {load.late}；"
        "人员是否与规模相适应（配备说明、排班）、第三方投诉分析尚无从证明",
        f"in {_DAYS} days: decisions {done.decisions}, reviewers {done.people}, improvements {learned}, open {load.waiting}, late {load.late}; "
        "nothing shows yet that they are enough for the scale (staffing statement, rota), nor that complaints are analysed",
    )
    return Fact(_WATCH, Result.UNDETERMINED, why, _PAGE)


def _late(load: queries.Load) -> tuple[Fact, ...]:
    if load.late == 0:
        return ()
    why = Bi(
        f"{load.late} 项被标记的交互逾期未经人工审核", f"{load.late} flagged exchanges wait for a person beyond their term"
    )  # fmt: skip
    return (Fact(_REVIEW, Result.UNDETERMINED, why, _PAGE),)
