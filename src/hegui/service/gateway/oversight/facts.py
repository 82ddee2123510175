"""What the gateway can prove on a day, obligation by obligation; without evidence nothing is met."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hegui.evidence.models import EntryRow
from hegui.general.content import Library
from hegui.general.rulebook import sources
from hegui.kit import clock
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import register
from hegui.law.register import Register
from hegui.people.facts import Fact, Result
from hegui.service.gateway.media.labelling import AUDIO, IMAGE, NAMES, VIDEO
from hegui.service.gateway.oversight import queries
from hegui.service.gateway.oversight.queries import Day, Media

_Told = tuple[Result, str, str]
_NO_TRAFFIC = Bi("过去 24 小时没有交互，无从证明", "no exchanges in the last 24 hours, nothing to prove it by")


def facts(session: Session, on: date, settings: Settings) -> tuple[Fact, ...]:
    """Return the gateway's facts for a day; figures are those of the last 24 hours."""
    law = register(on)
    day = queries.last_day(session)
    library = sources.library(settings)
    return (
        *_checking(day, library),
        *_library(library),
        *labels(day, settings),
        *_records(session, day, settings, law),
    )


def _fact(obligation: str, result: Result, zh: str, en: str, evidence: str = "/exchanges") -> Fact:
    return Fact(obligation, result, Bi(zh, en), evidence)


def _unproven(*obligations: str) -> tuple[Fact, ...]:
    return tuple(Fact(item, Result.UNDETERMINED, _NO_TRAFFIC) for item in obligations)


def _checking(day: Day, library: Library) -> tuple[Fact, ...]:
    if day.total == 0:
        return _unproven("DSP-10", "IM-14.1")
    if library.is_sample:
        words = ("检查在运行，但只有内置样例词库", "checking runs, but with the shipped sample library only")
        return tuple(_fact(item, Result.NOT_MET, *words) for item in ("DSP-10", "IM-14.1"))
    zh = f"过去 24 小时 {day.total} 次交互的输入输出均经检查，拦截 {day.blocked} 次，未能检查 {day.undetermined} 次"
    en = (
        f"{day.total} exchanges in 24 hours checked in and out, {day.blocked} stopped, {day.undetermined} not checkable"
    )
    if day.unseen and not day.undetermined:
        both = (
            Result.UNDETERMINED,
            f"过去 24 小时 {day.total} 次交互中，{day.unseen} 次有检查未能运行（只能送审的检查，未扣留，需人工处置）",
            f"{day.unseen} of {day.total} exchanges in 24 hours went on though a check that only flags did not run (see them)",
        )
        return _fact("DSP-10", *both), _fact("IM-14.1", *both)
    if day.undetermined:
        both = (Result.UNDETERMINED, f"{zh}（已扣留，需人工处置）", f"{en} (withheld; a person must look)")
        return (
            _fact("DSP-10", *both, evidence="/exchanges?outcome=undetermined"),
            _fact("IM-14.1", *both, evidence="/exchanges?outcome=undetermined"),
        )
    pictures, films = day.of(IMAGE).left, day.of(VIDEO).left
    checked = (Result.MET, zh, en)
    if pictures or films:
        checked = (
            Result.UNDETERMINED,
            f"{zh}；其中 {pictures} 张图片、{films} 段视频只检查了文字，画面未检查",
            f"{en}; of {pictures} pictures and {films} films the words were checked, not what they show",
        )
    return (
        _fact("DSP-10", *checked),
        _fact(
            "IM-14.1", Result.UNDETERMINED,
            f"停止生成、停止传输有据可查（{zh}）；整改与报告环节尚未建成",
            f"stopping generation and transmission is on record ({en}); rectifying and reporting are not built yet",
        ),
    )  # fmt: skip


def _library(library: Library) -> tuple[Fact, ...]:
    if library.is_sample:
        words = ("只装了内置样例词库，起不到保护作用", "only the shipped sample library is loaded; it protects nobody")
        return (_fact("IM-4.1", Result.NOT_MET, *words, evidence=""),)
    return (
        _fact(
            "IM-4.1", Result.UNDETERMINED,
            "输入输出按运营者的词库检查；生成内容合格率尚未评估",
            "input and output are checked by the operator's library; the pass rate of answers is not assessed yet",
            evidence="",
        ),
    )  # fmt: skip


_KINDS = (IMAGE, AUDIO, VIDEO)
_DEMO: _Told = (
    Result.NOT_MET, "隐式标识里是演示编码，不是提供者编码", "implicit labels hold the demo's code, not a provider's"
)  # fmt: skip


def labels(day: Day, settings: Settings) -> tuple[Fact, ...]:
    """Return what the records of a day prove of labels; what was not seen is undetermined."""
    files = [_files(day.of(kind)) for kind in _KINDS]
    seen = [item for kind in _KINDS if (item := _in_metadata(day.of(kind))) is not None]
    code = [_DEMO] if seen and not settings.provider_code else []
    implicit = _together([*code, *seen]) if seen else None
    told = zip(("LAB-4.3", "LAB-4.2", "LAB-4.4", "LAB-5.1"), (*files, implicit), strict=True)
    media = tuple(_fact(name, *item) if item else _unproven(name)[0] for name, item in told)
    due = day.answered - day.released
    if due == 0:
        return (*_unproven("LAB-4.1", "IM-12"), *media)
    zh, en = (
        f"过去 24 小时 {day.labelled}/{due} 条回答带标识",
        f"{day.labelled}/{due} answers of 24 hours labelled",
    )
    if day.released:
        zh, en = f"{zh}，另有 {day.released} 条应用户申请提供", f"{en}, {day.released} more given on a user's request"
    text = (Result.MET if day.labelled == due else Result.NOT_MET, zh, en)
    none = (
        Result.UNDETERMINED,
        "没有图片经网关发出，图片的标识无从证明",
        "no picture left the gateway to prove its label by",
    )
    if day.of(IMAGE).released:
        none = (
            Result.UNDETERMINED,
            "经网关发出的图片均应用户申请不加显式标识，显式标识无从证明",
            "every picture that left was given without the explicit label on a user's request: nothing to prove that label by",
        )
    parts = [text, files[0] or none, *filter(None, files[1:]), *code]
    return (_fact("LAB-4.1", *text), _fact("IM-12", *_together(parts)), *media)


def _files(media: Media) -> _Told | None:
    """Return what the records prove of files of one kind whose explicit label was due; None where none was."""
    if not media.due and not media.withheld:
        return None
    name = NAMES[media.kind]
    zh = f"过去 24 小时 {media.labelled}/{media.due} 份{name.zh}带显式与隐式标识发出，读回无误"
    en = f"{media.labelled}/{media.due} files of {name.en} left in 24 hours with both labels, read back"
    if media.released:
        zh, en = (
            f"{zh}，另有 {media.released} 份应用户申请提供",
            f"{en}, {media.released} more given on a user's request",
        )
    return _proved(media, zh, en, (media.labelled, media.part, media.due))


def _in_metadata(media: Media) -> _Told | None:
    """Return what is proved of implicit labels, also of files given on a grant; None where there was no file."""
    if not media.released:
        return _files(media)
    name, found = NAMES[media.kind], media.labelled + media.released - media.released_part
    zh = f"过去 24 小时 {found}/{media.left} 份{name.zh}带隐式标识发出，读回无误（{media.released} 份应用户申请不加显式标识）"
    en = (
        f"{found}/{media.left} files of {name.en} left in 24 hours with the implicit label, read back "
        f"({media.released} without the explicit one on a user's request)"
    )
    return _proved(media, zh, en, (found, media.part + media.released_part, media.left))


def _proved(media: Media, zh: str, en: str, counted: tuple[int, int, int]) -> _Told:
    """Return the result of those that were read back, those that broke off, and all; and what is said of them."""
    found, part, due = counted
    if part:
        zh, en = f"{zh}；{part} 份中途断开，未读回", f"{en}; {part} broke off and were not read back"
    if media.withheld:
        zh, en = (
            f"{zh}；{media.withheld} 份未能加标识而扣留",
            f"{en}; {media.withheld} could not be labelled and were withheld",
        )
    if found + part < due:
        return Result.NOT_MET, zh, en
    return (Result.MET if due and not part else Result.UNDETERMINED), zh, en


def _together(told: list[_Told]) -> _Told:
    """Return the worst of several results, with what each says."""
    worst = next(
        item for item in (Result.NOT_MET, Result.UNDETERMINED, Result.MET) if any(one[0] is item for one in told)
    )
    return worst, "；".join(one[1] for one in told), "; ".join(one[2] for one in told)


def _records(session: Session, day: Day, settings: Settings, law: Register) -> tuple[Fact, ...]:
    months = law.whole("CSL-23", "log_retention_months")
    since = clock.now() - timedelta(days=1)
    ran = session.scalar(
        select(EntryRow.id)
        .where(EntryRow.kind == "retention.run", EntryRow.at >= since)
        .order_by(EntryRow.at.desc())
        .limit(1)
    )
    kept = settings.log_months >= months
    log = (
        Result.MET if kept and day.total else (Result.UNDETERMINED if kept else Result.NOT_MET),
        f"日志保留 {settings.log_months} 个月（法定不少于 {months} 个月），每条均入账本",
        f"logs are kept {settings.log_months} months (the law's least: {months}), each in the ledger",
    )
    retention = (
        (Result.MET, f"正文加密保存 {settings.content_days} 天后删除，今日已执行", f"content is encrypted and erased after {settings.content_days} days; it ran today")
        if ran
        else (Result.UNDETERMINED, "过去 24 小时没有执行到期删除的记录", "no record that retention ran in the last 24 hours")
    )  # fmt: skip
    sealed = (
        (Result.MET, "输入与使用记录加密保存，密钥不在数据库中，人员以假名记录", "inputs and records are encrypted, the key is outside the database, people are pseudonyms")
        if day.total
        else (Result.UNDETERMINED, _NO_TRAFFIC.zh, _NO_TRAFFIC.en)
    )  # fmt: skip
    return (
        _fact(
            "CSL-23",
            Result.UNDETERMINED if log[0] is Result.MET else log[0],
            f"{log[1]}；等级保护等其他要求尚未建成",
            f"{log[2]}; graded protection and the rest are not built yet",
        ),
        _fact("ARP-28.2", *log),
        _fact("IM-11.1a", *sealed),
        _fact("IM-11.1c", *retention),
    )
