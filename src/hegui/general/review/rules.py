"""What the review goes by: clocks, the draw for a second reviewer, what a judgement must say, and agreement.

The terms here are the house's own and stand in this one place; no law gives them.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from hegui.general.content import folding, personal
from hegui.general.content.policy import Action, Lane, Side, Urgency
from hegui.general.content.verdicts import PERSONAL_RISK, masked
from hegui.general.content.verdicts import Verdict as Found
from hegui.general.review.models import Stage, Verdict
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks

TERMS = {Urgency.HIGH: timedelta(hours=4), Urgency.MEDIUM: timedelta(hours=24), Urgency.LOW: timedelta(hours=72)}
"""How long an item may wait for each of its decisions; a choice of the house and no number of the law."""
LEASE = timedelta(minutes=30)
"""How long an item is kept for who took it; a choice of the house."""
DRAWS = 10_000
FEW = 20
"""Under so many pairs agreement says too little."""
LONGEST_NOTE = 1_000
LONGEST_EXCERPT = 2_000
LONGEST_WORD = 60
_PER_PERCENT = DRAWS // 100


def due(urgency: str, since: datetime) -> datetime:
    """Return when a decision is due that is waited for since a moment."""
    return since + TERMS[Urgency(urgency)]


def sooner(one: str, other: str) -> str:
    """Return the more urgent of two urgencies."""
    order = list(Urgency)
    return min(one, other, key=lambda item: order.index(Urgency(item)))


def drawn(key: bytes, item: str) -> int:
    """Return what is drawn for an item, 0 to 9999: a keyed hash of its id, so that nobody can choose or foresee it."""
    digest = hmac.new(key, f"review double\n{item}".encode(), sha256).digest()
    return int.from_bytes(digest[:8]) % DRAWS


def is_double(draw: int, percent: int) -> bool:
    """Say whether an item of that draw is reviewed by two, where `percent` of all are."""
    return draw < percent * _PER_PERCENT


# --- judgements --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """A word for the library."""

    text: str
    risk: str


@dataclass(frozen=True)
class Phrase:
    """A phrase in which a rule shall not hit."""

    text: str
    rule: str
    library: str


@dataclass(frozen=True)
class Sample:
    """An excerpt to learn from, as a label or, with the action that is expected, as a case."""

    text: str
    side: Side
    action: Action | None = None


@dataclass(frozen=True)
class Judgement:
    """What a reviewer finds, and what shall come of it; `risk` is there for a violation alone."""

    verdict: Verdict
    risk: str | None = None
    note: str = ""
    word: Word | None = None
    phrase: Phrase | None = None
    label: Sample | None = None
    case: Sample | None = None


def _wrong(zh: str, en: str, do_zh: str, do_en: str) -> InputError:
    return InputError(Bi(zh, en), Bi(do_zh, do_en))


def _check_length(what: Bi, text: str, longest: int) -> None:
    if not text.strip() or len(text) > longest:
        raise _wrong(
            f"{what.zh}为空或超过 {longest} 字", f"{what.en} is empty or over {longest} characters",
            "填写或缩短后再提交", "fill it in or shorten it, then send again",
        )  # fmt: skip


def _check_risk(risk: str | None) -> None:
    if risk not in risks().ids:
        raise _wrong(
            "违规须指明 31 类风险之一", "a violation names one of the 31 risks", "从列表中选择风险", "choose the risk",
        )  # fmt: skip


def check(judgement: Judgement) -> None:
    """Raise InputError for a judgement that contradicts itself, says too much, or holds personal information."""
    violates = judgement.verdict is Verdict.VIOLATES
    if violates:
        _check_risk(judgement.risk)
    elif judgement.risk is not None:
        raise _wrong(
            "只有违规才写风险", "only a violation names a risk", "去掉风险，或改判违规", "leave the risk out, or decide `violates`",
        )  # fmt: skip
    if judgement.note:
        _check_length(Bi("备注", "the note"), judgement.note, LONGEST_NOTE)
    _check_proposals(judgement, violates=violates)
    for sample in (judgement.label, judgement.case):
        if sample is not None:
            _check_length(Bi("文本", "the text"), sample.text, LONGEST_EXCERPT)
    if judgement.label is not None and judgement.verdict is Verdict.CANNOT_TELL:
        raise _wrong(
            "无法判断的不能作训练标注", "what nobody can tell is no training label", "去掉标注", "leave the label out",
        )  # fmt: skip


def _check_proposals(judgement: Judgement, *, violates: bool) -> None:
    word, phrase = judgement.word, judgement.phrase
    if word is not None:
        _check_risk(word.risk)
    if (word is not None and not violates) or (phrase is not None and judgement.verdict is not Verdict.FINE):
        raise _wrong(
            "加词须判违规，加例外须判不违规", "a word goes with `violates`, an exception with `fine`",
            "改判，或去掉该项", "decide otherwise, or leave it out",
        )  # fmt: skip
    if phrase is not None and not phrase.rule:
        raise _wrong("例外须指明规则", "an exception names a rule", "选择命中的规则", "choose the rule that hit")
    for given in (word, phrase):
        if given is None:
            continue
        _check_length(Bi("词语", "the word or phrase"), given.text, LONGEST_WORD)
        if without_personal(given.text) != given.text:
            raise _wrong(
                "词语中含个人信息", "the word or phrase holds personal information",
                "换一个不含个人信息的词", "choose one without it",
            )  # fmt: skip


def category(verdict: str, risk: str | None) -> str:
    """Return what two decisions are compared by: the verdict, of a violation with its risk."""
    return f"{verdict}:{risk}" if risk else verdict


def next_stage(stage: Stage, *, double: bool, differ: bool) -> Stage | None:
    """Return the decision that an item waits for after one, None when it is decided."""
    if stage is Stage.FIRST and double:
        return Stage.SECOND
    return Stage.SETTLE if stage is Stage.SECOND and differ else None


def without_personal(text: str) -> str:
    """Return a text with the personal information in it starred, character for character."""
    fold = folding.fold(text)
    found = tuple(
        Found(PERSONAL_RISK, f"personal:{item.kind}", Lane.PERSONAL, fold.origin(item.start), fold.end(item.end), Action.MASK)
        for item in personal.find(fold.text)
    )  # fmt: skip
    return masked(text, found)


# --- agreement ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Agreement:
    """How far two reviewers agree; `kappa` is Cohen's, None where it is not defined."""

    pairs: int
    agreed: int
    kappa: float | None

    @property
    def percent(self) -> float | None:
        """Return the share of pairs that agree, in per cent."""
        return 100 * self.agreed / self.pairs if self.pairs else None

    @property
    def few(self) -> bool:
        """Say whether the pairs are too few to say anything."""
        return self.pairs < FEW


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Return agreement and Cohen's kappa of pairs of categories (Cohen 1960: (po - pe) / (1 - pe)).

    Kappa is not defined for no pairs, nor where chance alone would make all agree.
    """
    total = len(pairs)
    agreed = sum(one == other for one, other in pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(count * second[name] for name, count in first.items())
    if total == 0 or by_chance == total * total:
        return Agreement(total, agreed, None)
    return Agreement(total, agreed, (agreed * total - by_chance) / (total * total - by_chance))
