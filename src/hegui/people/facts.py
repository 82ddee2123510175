"""The vocabulary of proof: a fact answers one obligation on one day with one of five results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from hegui.kit.text import Bi


class Result(StrEnum):
    """The five results; the absence of evidence is never `met`."""

    MET = "met"  # 已满足
    NOT_MET = "not_met"  # 未满足
    UNDETERMINED = "undetermined"  # 无法判定
    NOT_APPLICABLE = "not_applicable"  # 不适用
    WAIVED = "waived"  # 已豁免


RESULT_NAMES: dict[Result, Bi] = {
    Result.MET: Bi("已满足", "met"),
    Result.NOT_MET: Bi("未满足", "not met"),
    Result.UNDETERMINED: Bi("无法判定", "undetermined"),
    Result.NOT_APPLICABLE: Bi("不适用", "not applicable"),
    Result.WAIVED: Bi("已豁免", "waived"),
}

_WORST = (Result.NOT_MET, Result.UNDETERMINED, Result.WAIVED, Result.MET, Result.NOT_APPLICABLE)


@dataclass(frozen=True)
class Fact:
    """One answer: which obligation, the result, why in words, and where the evidence lies."""

    obligation: str
    result: Result
    reason: Bi
    evidence: str = ""
    deadline: date | None = None


def decide(facts: Iterable[Fact]) -> dict[str, Fact]:
    """Return one fact for each obligation; when several rooms answer one, the worst answer decides."""
    found: dict[str, Fact] = {}
    for fact in facts:
        other = found.get(fact.obligation)
        if other is None or _WORST.index(fact.result) < _WORST.index(other.result):
            found[fact.obligation] = fact
    return found


def roll_up(results: list[Result]) -> Result:
    """Return the result of a whole: the worst part decides, and nothing at all is undetermined."""
    for result in _WORST:
        if result in results:
            return result
    return Result.UNDETERMINED
