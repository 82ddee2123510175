"""Outcomes of checks as JSON and for an operator's eyes; the words that hit are shown to the operator alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import click

from hegui.general.content import folding, personal
from hegui.general.content.checks import Checked, Verdict, Versions
from hegui.general.content.hits import shown
from hegui.general.content.personal import KIND_NAMES, Kind
from hegui.general.content.policy import ACTION_NAMES, Action
from hegui.general.content.texts import Broken, Text
from hegui.kit.text import Bi
from hegui.law import risks

T = TypeVar("T")
BAD_INPUT = 2
"""The exit code of what could not be read or checked."""
_NOBODYS = Bi("校验不符，只作提示", "the check digit does not fit; told only")
_CONTEXT = 12
_MOST = 50
_LONGEST_HIT = 60
_WIDE = frozenset("WF")


# --- machines ----------------------------------------------------------------------------------------


def _personal(verdict: Verdict) -> bool:
    return verdict.lane == "personal"


def _kind(verdict: Verdict) -> str:
    return verdict.rule.partition(":")[2]


def not_scanned(checked: Checked) -> list[dict[str, Any]]:
    """Return what of a text was not looked at, as the checker tells it."""
    return [{"why": str(item)} for item in getattr(checked, "not_scanned", ())]


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A number that a word calls an identifier and that can be nobody's; places are those of the text as written."""

    kind: Kind
    start: int
    end: int


def doubtful(text: str, checked: Checked) -> list[Doubtful]:
    """Return the numbers of a text that are told as not valid; what overlaps personal information that was found is left out."""
    fold = folding.fold(text)
    taken = [(item.start, item.end) for item in checked.verdicts if _personal(item)]
    found = [Doubtful(item.kind, fold.origin(item.start), fold.end(item.end)) for item in personal.doubtful(fold.text)]
    return [item for item in found if not any(item.start < end and start < item.end for start, end in taken)]


def personal_of(text: str, checked: Checked) -> list[dict[str, Any]]:
    """Return the personal information of a checked text by its places; `valid` is false of what a word alone calls so."""
    found = [(item.start, item.end, _kind(item), True) for item in checked.verdicts if _personal(item)]
    found += [(item.start, item.end, item.kind.value, False) for item in doubtful(text, checked)]
    return [{"kind": kind, "start": start, "end": end, "valid": valid} for start, end, kind, valid in sorted(found)]


def as_dict(text: str, checked: Checked, versions: Versions) -> dict[str, Any]:
    """Return a check's outcome in the shape that `/v1/moderations` has too."""
    return {
        "action": checked.action.value,
        "hits": [
            {"risk": item.risk, "rule": item.rule, "start": item.start, "end": item.end, "lane": item.lane, "action": item.action.value}
            for item in checked.verdicts
            if not _personal(item)
        ],
        "personal": personal_of(text, checked),
        "not_scanned": not_scanned(checked),
        "versions": versions.as_dict(),
    }  # fmt: skip


def refused(broken: Broken, versions: Versions) -> dict[str, Any]:
    """Return the outcome of what could not be checked: it does not pass."""
    return {
        "action": Action.REFUSE.value,
        "hits": [],
        "personal": [],
        "not_scanned": [broken.as_dict()],
        "versions": versions.as_dict(),
    }


# --- people ------------------------------------------------------------------------------------------


def _width(text: str) -> int:
    """Return the columns that a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in _WIDE)
        for character in text
    )


def _plain(text: str) -> str:
    return shown(text.replace("\n", "⏎").replace("\t", "⇥"))


def _name(verdict: Verdict) -> str:
    if _personal(verdict):
        kind = _kind(verdict)
        return KIND_NAMES[Kind(kind)].both if kind in set(Kind) else kind
    return f"{verdict.risk} {risks().name(verdict.risk).bi.both}"


def _carets(text: str, start: int, end: int) -> list[str]:
    before = _plain(text[max(0, start - _CONTEXT) : start])
    hit = text[start:end]
    within = _plain(hit if len(hit) <= _LONGEST_HIT else f"{hit[:_LONGEST_HIT]}…")
    after = _plain(text[end : end + _CONTEXT])
    return [f"  {before}{within}{after}", f"  {' ' * _width(before)}{'^' * max(1, _width(within))}"]


def described(text: str, checked: Checked) -> list[str]:
    """Return a check's outcome for an operator, each hit with carets under it."""
    lines = [f"动作 action: {ACTION_NAMES[checked.action].both}"]
    for item in checked.verdicts[:_MOST]:
        lines.append(
            f"[{item.start}, {item.end}) {_name(item)} · {item.rule} · {item.lane} · {ACTION_NAMES[item.action].both}"
        )
        lines += _carets(text, item.start, item.end)
    if len(checked.verdicts) > _MOST:
        lines.append(more(len(checked.verdicts) - _MOST))
    if not checked.verdicts:
        lines.append("没有命中 / no hits")
    for number in doubtful(text, checked)[:_MOST]:
        lines.append(f"[{number.start}, {number.end}) {KIND_NAMES[number.kind].both} · {_NOBODYS.both}")
        lines += _carets(text, number.start, number.end)
    lines += [f"未检查 / not scanned: {item['why']}" for item in not_scanned(checked)]
    return lines


def more(count: int) -> str:
    """Return the line that says how many are not shown."""
    return f"……另有 {count:,} 处，--json 全部列出 / and {count:,} more; --json lists them"


def line_of(text: Text, checked: Checked) -> str:
    """Return the outcome of one line for an operator, in one line."""
    found = [
        f"{item.risk if not _personal(item) else _kind(item)} [{item.start}, {item.end}) {_plain(text.text[item.start : item.end][:_LONGEST_HIT])}"
        for item in checked.verdicts[:_MOST]
    ]
    found += [
        f"{item.kind} [{item.start}, {item.end}) {_NOBODYS.both}" for item in doubtful(text.text, checked)[:_MOST]
    ]
    rest = [f"+{len(checked.verdicts) - _MOST}"] if len(checked.verdicts) > _MOST else []
    missed = [f"未检查 / not scanned: {item['why']}" for item in not_scanned(checked)]
    return "  ".join([f"{text.line}", ACTION_NAMES[checked.action].both, "; ".join(found + rest + missed)]).rstrip()


def line_of_broken(text: Text, broken: Broken) -> str:
    """Return the line for a text that could not be checked."""
    return f"{text.line}  未检查 / not scanned  {broken.said.both}"


def say_broken(text: Text, broken: Broken) -> None:
    """Say on stderr which text could not be checked, and what to do."""
    click.echo(f"{text.source}:{text.line}: {broken.said.both}；{broken.remedy.both}", err=True)


class _Listed(Protocol):
    def line(self) -> str: ...


def listing(title: Bi, found: Sequence[_Listed], top: int) -> list[str]:
    """Return a list for a person: how many, and the first of them."""
    lines = [f"{title.both}: {len(found):,}", *(f"  {shown(item.line())}" for item in found[:top])]
    return lines if len(found) <= top else [*lines, f"  {more(len(found) - top)}"]
