"""`hegui law`: read the law's data, and run its clocks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from datetime import date

import click
import msgspec

from hegui.kit import clock
from hegui.kit.commands import guarded, json_option, say
from hegui.kit.text import Bi
from hegui.law import clocks, register
from hegui.law.clocks import Clock
from hegui.law.models import KINDS, MARKS, NATURES, PHASES, WHO, Article, Instrument, Obligation, Words


@click.group()
def law() -> None:
    """法规数据：查看条文义务、时限与数字。 / The law as data: duties, clocks, numbers."""


class Day(click.ParamType[date]):
    """A day such as 2026-09-25; what is not one is answered with the nearest form that is."""

    name = "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail in both languages with what to write instead."""
        if isinstance(value, date):
            return value
        text = str(value).strip()
        digits = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})\D?", text)
        meant = ""
        if digits is not None:
            with contextlib.suppress(ValueError):
                meant = date(*(int(part) for part in digits.groups())).isoformat()
        if not meant or meant != text:
            example = meant or "2026-09-25"
            self.fail(f"{value!r} 不是日期，写成 {example} / {value!r} is not a day; write {example}", param, ctx)
        return date.fromisoformat(text)


DAY = Day()


def marked(*, confirmed: bool) -> str:
    """Return what stands behind a line whose source is not confirmed, else nothing."""
    return "" if confirmed else f"  [{MARKS['K'].both}]"


@law.command("list", epilog="例 / example: hegui law list IM --phase development")
@click.argument("instrument", required=False)
@click.option("--phase", type=click.Choice(list(PHASES)), help="只列此阶段的义务。 / Duties of this phase only.")
@click.option("--who", type=click.Choice(list(WHO)), help="只列约束此主体的义务。 / Duties that bind this one only.")
@click.option("--room", help="只列此房间的义务。 / Duties of this room only.")
@click.option(
    "--mark", type=click.Choice(list(MARKS)), help="只列此依据的义务，K 为未经证实。 / Duties of this mark only."
)
@click.option("--on", type=DAY, help="哪一天的法律，默认今天。 / Law of which day; today by default.")
@json_option
@guarded
def list_law(instrument: str | None, *, on: date | None, as_json: bool, **wanted: str | None) -> None:
    """列出法规、一部法规的条文，或符合条件的义务。 / List the instruments, the articles of one, or chosen duties."""
    found = register(on)
    chosen = found.instrument(instrument) if instrument else None
    if any(wanted.values()):
        duties = [item for place, _, item in found.obligations() if chosen in {None, place} and _fits(item, wanted)]
        say([_duty_row(item) for item in duties], [_duty_line(item) for item in duties], as_json=as_json)
    elif chosen is not None:
        say(
            [_article_row(a) for a in chosen.articles],
            [_article_line(chosen, a) for a in chosen.articles],
            as_json=as_json,
        )
    else:
        rows = [_instrument_row(item) for item in found.instruments]
        say(rows, [_instrument_line(item) for item in found.instruments], as_json=as_json)


def _fits(item: Obligation, wanted: dict[str, str | None]) -> bool:
    has = {"phase": item.phase, "who": item.who, "room": (item.room,), "mark": (item.mark,)}
    return all(value is None or value in has[name] for name, value in wanted.items())


def _instrument_row(item: Instrument) -> dict[str, object]:
    return {
        "id": item.id, "title_zh": item.title.zh, "title": item.title.en, "kind": item.kind, "in_force": item.in_force,
        "url": item.url, "binding": item.binding, "mark": item.mark, "confirmed": item.mark != "K",
        "articles": len(item.articles), "obligations": sum(len(a.obligations) for a in item.articles),
    }  # fmt: skip


def _instrument_line(item: Instrument) -> str:
    count = sum(len(article.obligations) for article in item.articles)
    return f"{item.id:9} {item.in_force}  {item.title.bi.both} ({count}){marked(confirmed=item.mark != 'K')}"


def _article_row(item: Article) -> dict[str, object]:
    return {
        "number": item.number, "title_zh": item.title.zh, "title": item.title.en, "room": item.room,
        "obligations": [o.id for o in item.obligations], "unconfirmed": [o.id for o in item.obligations if not o.confirmed],
    }  # fmt: skip


def _article_line(instrument: Instrument, item: Article) -> str:
    doubtful = [o.id for o in item.obligations if not o.confirmed]
    note = f"  [{MARKS['K'].both}: {', '.join(doubtful)}]" if doubtful else ""
    return f"{instrument.id}-{item.number}  {item.title.bi.both}  [{item.room}]{note}"


def _duty_row(item: Obligation) -> dict[str, object]:
    return {
        "id": item.id, "duty_zh": item.duty.zh, "duty": item.duty.en, "who": item.who, "nature": item.nature,
        "phase": item.phase, "room": item.room, "mark": item.mark, "confirmed": item.confirmed,
    }  # fmt: skip


def _duty_line(item: Obligation) -> str:
    return f"{item.id:18} {item.duty.bi.both}{marked(confirmed=item.confirmed)}"


def _confirmation(mark: str, what: Words | None) -> str:
    words = MARKS[mark].both
    return f"{words}: {what.bi.both}" if mark == "K" and what is not None else words


def _named(names: Mapping[str, Bi], values: Iterable[str]) -> str:
    return "、".join(names[value].both for value in values)


_FORCE = {True: Bi("约束力", "binding"), False: Bi("自愿采用", "voluntary")}


def describe(instrument: Instrument, article: Article, obligations: list[Obligation]) -> list[str]:
    """Return an article as lines for a person."""
    number = instrument.number.bi.both if instrument.number else ""
    force = _FORCE[instrument.binding].both
    lines = [
        f"{instrument.id}-{article.number}  {article.title.bi.both}",
        f"{instrument.title.bi.both}  {number}".rstrip(),
        f"{KINDS[instrument.kind].both} · {force} · 施行 in force {instrument.in_force} · {instrument.url}",
        f"依据 mark: {_confirmation(instrument.mark, instrument.unconfirmed)}",
        f"房间 room: {article.room}",
        "",
        article.summary.zh,
        article.summary.en,
    ]
    for item in obligations:
        lines += ["", *_obligation_lines(item)]
    return lines


def _obligation_lines(item: Obligation) -> list[str]:
    lines = [
        f"■ {item.id}  [{_confirmation(item.mark, item.unconfirmed)}]",
        f"  {item.duty.zh}",
        f"  {item.duty.en}",
        f"  约束 binds: {_named(WHO, item.who)} · {NATURES[item.nature].both}",
        f"  阶段 phase: {_named(PHASES, item.phase)} · 房间 room: {item.room}",
    ]
    if item.trigger:
        lines.append(f"  何时 when: {item.trigger.bi.both}")
    if item.deadline:
        since = f" ({item.deadline.since.bi.both})" if item.deadline.since else ""
        lines.append(f"  时限 term: {clocks.term(item.deadline).both}{since} [{MARKS[item.deadline.mark].both}]")
    for n in item.numbers:
        note = f": {n.note.bi.both}" if n.note else ""
        lines.append(f"  数字 number: {n.name} {n.sense} {n.value} {n.unit} [{MARKS[n.mark].both}{note}]")
    if item.evidence:
        lines.append(f"  证明 proved by: {item.evidence.bi.both}")
    for name, values in (
        ("罚则依据 penalties under", item.parents),
        ("计时 clocks", item.clocks),
        ("参见 see", item.see),
    ):
        if values:
            lines.append(f"  {name}: {', '.join(values)}")
    return lines


def shown(citation: str) -> tuple[Instrument, Article, list[Obligation]]:
    """Return what a citation names: an article with all its obligations, or with the one named."""
    instrument, article = register().article(citation)
    named = [item for item in article.obligations if item.id == citation]
    only = named if named and str(article.number) != citation.partition("-")[2] else list(article.obligations)
    return instrument, article, only


def clock_data(item: Clock) -> dict[str, object]:
    """Return a clock for machines."""
    return {
        "obligation": item.obligation.id, "term": item.term.en, "term_zh": item.term.zh, "from": item.start.isoformat(),
        "due": item.due.isoformat() if item.due is not None else None, "because": item.because.en,
        "because_zh": item.because.zh, "provisional": item.provisional, "confirmed": item.confirmed,
        "in_force_from": item.not_yet.isoformat() if item.not_yet else None,
    }  # fmt: skip


def clock_lines(item: Clock) -> list[str]:
    """Return a clock for a person, with the reason."""
    due = f"{item.due}" if item.due is not None else "—"
    pad = " " * len(item.obligation.id)
    said = []
    for lang in ("zh", "en"):
        notes = [Bi("暂定", "provisional")] if item.provisional else []
        notes += [] if item.confirmed else [MARKS["K"]]
        notes += [Bi(f"{item.not_yet} 起施行", f"in force only from {item.not_yet}")] if item.not_yet else []
        said.append("".join(f" [{note.pick(lang)}]" for note in notes))
    return [
        f"{item.obligation.id}  {item.term.zh}：{due}{said[0]}，因为{item.because.zh}",
        f"{pad}  {item.term.en}: {due}{said[1]}, because {item.because.en}",
    ]


@law.command("clock", epilog="例 / example: hegui law clock IM-17 --from 2026-09-25")
@click.argument("citation")
@click.option("--from", "start", type=DAY, help="事件发生之日。 / Day of the event.")
@json_option
@guarded
def show_clock(citation: str, start: date | None, *, as_json: bool) -> None:
    """推算时限并说明理由。 / Run the clocks of a duty, with the reason of each date."""
    found = clocks.clocks(register(), citation, start or clock.today())
    lines = [line for item in found for line in clock_lines(item)]
    say([clock_data(item) for item in found], lines or [f"{citation}: 没有时限 / no clock"], as_json=as_json)


def article_data(instrument: Instrument, article: Article, obligations: list[Obligation]) -> dict[str, object]:
    """Return an article for machines."""
    built = msgspec.to_builtins(article)
    built["obligations"] = [_obligation_data(item) for item in obligations]
    return {
        "citation": f"{instrument.id}-{article.number}",
        "instrument": {"id": instrument.id, "title": msgspec.to_builtins(instrument.title), "in_force": instrument.in_force,
                       "url": instrument.url, "kind": instrument.kind, "binding": instrument.binding, "mark": instrument.mark,
                       "confirmed": instrument.mark != "K", "unconfirmed": msgspec.to_builtins(instrument.unconfirmed),
                       "reviewed": instrument.reviewed.by is not None},
        "article": built,
    }  # fmt: skip


def _obligation_data(item: Obligation) -> dict[str, object]:
    built = {**msgspec.to_builtins(item), "confirmed": item.mark != "K"}
    for part in (built["deadline"], *built["numbers"]):
        if part is not None:
            part["confirmed"] = part["mark"] != "K"
    return built
