"""`hegui law`: read the law's data, and run its clocks."""

from __future__ import annotations

from datetime import date, datetime

import click
import msgspec

from hegui.kit import clock
from hegui.kit.commands import guarded, json_option, say
from hegui.law import clocks, register
from hegui.law.clocks import Clock
from hegui.law.models import MARKS, Article, Instrument, Obligation


@click.group()
def law() -> None:
    """法规数据：查看条文义务、时限与数字。 / The law as data: duties, clocks, numbers."""


@law.command("list", epilog="例 / example: hegui law list IM")
@click.argument("instrument", required=False)
@json_option
@guarded
def list_law(instrument: str | None, *, as_json: bool) -> None:
    """列出法规，或一部法规的条文。 / List the instruments, or the articles of one."""
    found = register()
    if instrument is None:
        rows = [
            {"id": i.id, "title_zh": i.title.zh, "title": i.title.en, "in_force": i.in_force, "mark": i.mark,
             "articles": len(i.articles), "obligations": sum(len(a.obligations) for a in i.articles)}
            for i in found.instruments
        ]  # fmt: skip
        lines = [f"{r['id']:9} {r['in_force']}  {r['title_zh']} / {r['title']} ({r['obligations']})" for r in rows]
        say(rows, lines, as_json=as_json)
        return
    chosen = found.instrument(instrument)
    data = [{"number": a.number, "title_zh": a.title.zh, "title": a.title.en, "room": a.room,
             "obligations": [o.id for o in a.obligations]} for a in chosen.articles]  # fmt: skip
    lines = [f"{chosen.id}-{a.number}  {a.title.zh} / {a.title.en}  [{a.room}]" for a in chosen.articles]
    say(data, lines, as_json=as_json)


def _confirmation(mark: str, what: object) -> str:
    words = MARKS[mark].both
    if mark != "K":
        return words
    return f"{words}: {what.zh} / {what.en}" if what is not None else words  # type: ignore[attr-defined]


def describe(instrument: Instrument, article: Article, obligations: list[Obligation]) -> list[str]:
    """Return an article as lines for a person."""
    number = instrument.number.bi.both if instrument.number else ""
    lines = [
        f"{instrument.id}-{article.number}  {article.title.bi.both}",
        f"{instrument.title.bi.both}  {number}",
        f"施行 in force {instrument.in_force} · {'约束力 binding' if instrument.binding else '自愿采用 voluntary'} · {instrument.url}",
        f"房间 room: {article.room}",
        "",
        article.summary.zh,
        article.summary.en,
    ]
    for item in obligations:
        lines += [
            "",
            f"■ {item.id}  [{_confirmation(item.mark, item.unconfirmed)}]",
            f"  {item.duty.zh}",
            f"  {item.duty.en}",
        ]
        if item.trigger:
            lines.append(f"  何时 when: {item.trigger.bi.both}")
        if item.deadline:
            since = f" ({item.deadline.since.bi.both})" if item.deadline.since else ""
            lines.append(f"  时限 term: {clocks.term(item.deadline).both}{since} [{MARKS[item.deadline.mark].both}]")
        lines += [f"  数字 number: {n.name} {n.sense} {n.value} {n.unit} [{MARKS[n.mark].both}]" for n in item.numbers]
        if item.clocks:
            lines.append(f"  计时 clocks: {', '.join(item.clocks)}")
        if item.see:
            lines.append(f"  参见 see: {', '.join(item.see)}")
    return lines


def shown(citation: str) -> tuple[Instrument, Article, list[Obligation]]:
    """Return what a citation names: an article with all its obligations, or with the one named."""
    instrument, article = register().article(citation)
    named = [item for item in article.obligations if item.id == citation]
    only = named if named and str(article.number) != citation.partition("-")[2] else list(article.obligations)
    return instrument, article, only


def clock_data(item: Clock) -> dict[str, object]:
    """Return a clock for machines."""
    due = item.due.isoformat() if isinstance(item.due, (date, datetime)) else None
    return {
        "obligation": item.obligation.id, "term": item.term.en, "term_zh": item.term.zh, "from": item.start.isoformat(),
        "due": due, "because": item.because.en, "because_zh": item.because.zh, "provisional": item.provisional,
        "confirmed": item.deadline.mark != "K",
    }  # fmt: skip


def clock_lines(item: Clock) -> list[str]:
    """Return a clock for a person, with the reason."""
    provisional = "（暂定 provisional）" if item.provisional else ""
    unconfirmed = f" [{MARKS['K'].both}]" if item.deadline.mark == "K" else ""
    due = f"{item.due}" if item.due is not None else "—"
    return [
        f"{item.obligation.id}  {item.term.zh}：{due}{provisional}，因为{item.because.zh}{unconfirmed}",
        f"{' ' * len(item.obligation.id)}  {item.term.en}: {due}{' (provisional)' if item.provisional else ''}, because {item.because.en}",
    ]


@law.command("clock", epilog="例 / example: hegui law clock IM-17 --from 2026-09-25")
@click.argument("citation")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="事件发生之日。 / Day of the event.")
@json_option
@guarded
def show_clock(citation: str, start: datetime | None, *, as_json: bool) -> None:
    """推算时限并说明理由。 / Run the clocks of a duty, with the reason of each date."""
    found = clocks.clocks(register(), citation, start.date() if start else clock.today())
    lines = [line for item in found for line in clock_lines(item)]
    say([clock_data(item) for item in found], lines or [f"{citation}: 没有时限 / no clock"], as_json=as_json)


def article_data(instrument: Instrument, article: Article, obligations: list[Obligation]) -> dict[str, object]:
    """Return an article for machines."""
    built = msgspec.to_builtins(article)
    built["obligations"] = [{**msgspec.to_builtins(item), "confirmed": item.mark != "K"} for item in obligations]
    return {
        "citation": f"{instrument.id}-{article.number}",
        "instrument": {"id": instrument.id, "title": msgspec.to_builtins(instrument.title), "in_force": instrument.in_force,
                       "url": instrument.url, "binding": instrument.binding, "reviewed": instrument.reviewed.by is not None},
        "article": built,
    }  # fmt: skip
