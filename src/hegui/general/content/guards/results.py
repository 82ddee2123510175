"""What a guard says of a text: judged or undetermined, with what was found. The absence of an answer is never safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hegui.kit.text import Bi


class State(StrEnum):
    """Whether the whole text was judged."""

    JUDGED = "judged"  # 已判定
    UNDETERMINED = "undetermined"  # 未能判定


class Severity(StrEnum):
    """How bad, the gentler first; what follows from each is for the policy to say."""

    SAFE = "safe"  # 安全
    CONTROVERSIAL = "controversial"  # 有争议
    UNSAFE = "unsafe"  # 不安全


class Reason(StrEnum):
    """Why a text, or a part of it, was not judged."""

    TIMEOUT = "timeout"  # 单次调用超时
    DEADLINE = "deadline"  # 总时限已到
    TRANSPORT = "transport"  # 无法连接或中断
    STATUS = "status"  # 服务返回错误
    NOT_UNDERSTOOD = "not_understood"  # 回答不合格式
    CIRCUIT_OPEN = "circuit_open"  # 熔断中
    BUSY = "busy"  # 排队已满
    TOO_LONG = "too_long"  # 文本过长


STATE_NAMES: dict[str, Bi] = {
    State.JUDGED: Bi("已判定", "judged"),
    State.UNDETERMINED: Bi("未能判定", "undetermined"),
}
SEVERITY_NAMES: dict[str, Bi] = {
    Severity.SAFE: Bi("安全", "safe"),
    Severity.CONTROVERSIAL: Bi("有争议", "controversial"),
    Severity.UNSAFE: Bi("不安全", "unsafe"),
}
REASON_NAMES: dict[str, Bi] = {
    Reason.TIMEOUT: Bi("单次调用超时", "the call took too long"),
    Reason.DEADLINE: Bi("总时限已到", "the deadline for the whole check has passed"),
    Reason.TRANSPORT: Bi("无法连接或连接中断", "the service could not be reached, or the connection broke"),
    Reason.STATUS: Bi("服务返回错误状态", "the service answered with an error"),
    Reason.NOT_UNDERSTOOD: Bi("回答不合约定格式", "the answer is not in the agreed form"),
    Reason.CIRCUIT_OPEN: Bi("连续失败，熔断中", "it failed again and again; calls are held off for a while"),
    Reason.BUSY: Bi("等待的调用已满", "too many calls are waiting"),
    Reason.TOO_LONG: Bi("文本超出长度上限", "the text is longer than the limit"),
}


class NotUnderstoodError(ValueError):
    """A guard's answer is not in its agreed form; the message never holds the answer."""


class ServiceError(ValueError):
    """The service says in its reply that it failed."""


UNNAMED = "unnamed"
"""The category of a finding whose model named none (only its label was asked for, or it gave no name)."""

CONTROL_TOKENS = "control_tokens"
"""A note: the text held control tokens of chat templates, which were made harmless before it was sent."""

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One category that a guard named.

    `risk` is one of the 31 of GB/T 45654 Annex A, or None where the mapping says `unmapped`; `also`
    are risks that a person should consider; `score` is from 0 to 1, None where the guard gave none.
    """

    risk: str | None
    category: str
    severity: Severity
    score: float | None = None
    also: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return what a record keeps; `unmapped` is said, not left out."""
        return {
            "risk": self.risk or "unmapped", "category": self.category, "severity": self.severity.value,
            "score": None if self.score is None else round(self.score, 4), "also": list(self.also),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one answer of a guard says; `scores` are probabilities of the labels, where it gave them."""

    findings: tuple[Finding, ...] = ()
    scores: Mapping[Severity, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuardResult:
    """The outcome for one text.

    `undetermined` with findings means: this much was found, and some of the text was not judged.
    `calls` counts the answers that were needed, `cached` those of them that were at hand; `failed`
    those that did not come or were not understood.
    """

    state: State
    findings: tuple[Finding, ...]
    model: str
    reason: str = ""
    scores: Mapping[Severity, float] = field(default_factory=dict)
    calls: int = 0
    cached: int = 0
    failed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """Return the worst severity found; None when nothing was found and the text was not judged whole."""
        if self.findings:
            return max((finding.severity for finding in self.findings), key=_RANK.__getitem__)
        return Severity.SAFE if self.state is State.JUDGED else None

    @property
    def safe(self) -> bool:
        """Say whether the whole text was judged and nothing was found in it."""
        return self.severity is Severity.SAFE

    def as_dict(self) -> dict[str, object]:
        """Return what a record keeps: never a word of the text."""
        return {
            "state": self.state.value, "severity": self.severity.value if self.severity else None,
            "findings": [finding.as_dict() for finding in self.findings], "model": self.model, "reason": self.reason,
            "scores": {severity.value: round(score, 4) for severity, score in self.scores.items()},
            "calls": self.calls, "cached": self.cached, "failed": self.failed, "notes": list(self.notes),
        }  # fmt: skip


def risk_score(scores: Mapping[Severity, float]) -> float:
    """Return the probability that a text is anything but safe."""
    return scores.get(Severity.UNSAFE, 0.0) + scores.get(Severity.CONTROVERSIAL, 0.0)


def merged(judgements: Iterable[Judgement]) -> Judgement:
    """Return what several answers about parts of one text say together: the worst of each."""
    best: dict[tuple[str | None, str, Severity], Finding] = {}
    scores: Mapping[Severity, float] = {}
    for judgement in judgements:
        for finding in judgement.findings:
            key = (finding.risk, finding.category, finding.severity)
            known = best.get(key)
            if known is None or (finding.score or 0) > (known.score or 0):
                best[key] = finding
        if judgement.scores and (not scores or risk_score(judgement.scores) > risk_score(scores)):
            scores = judgement.scores
    worst_first = sorted(best.values(), key=lambda item: (-_RANK[item.severity], -(item.score or 0), item.category))
    return Judgement(tuple(worst_first), scores)
