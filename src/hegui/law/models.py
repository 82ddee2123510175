"""The shape of the law's data; a file that has another shape is refused when it is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.kit.yaml import YAMLError, read_yaml

T = TypeVar("T")
Mark = Literal["P", "Q", "S", "K"]
Nature = Literal[
    "duty", "prohibition", "principle", "definition", "right", "power", "encouragement", "penalty", "commencement"
]
Phase = Literal["scope", "development", "preparation", "application", "supervision"]
Who = Literal[
    "provider", "user", "platform", "store", "authority", "anyone", "technical_supporter", "pi_handler", "industry"
]
DeadlineKind = Literal[
    "immediate", "promptly", "hours", "working_days", "days", "months", "years", "before",
    "periodic_years", "periodic_months", "periodic_days", "periodic_hours", "own",
]  # fmt: skip

BINDING_NATURES: frozenset[str] = frozenset({"duty", "prohibition"})
"""Natures that ask something of the one they bind; the others explain, empower or encourage."""

WHO: dict[str, Bi] = {
    "provider": Bi("提供者", "provider"),
    "user": Bi("使用者", "user"),
    "platform": Bi("网络信息内容传播服务提供者", "content-distribution platform"),
    "store": Bi("应用程序分发平台", "app-distribution platform"),
    "authority": Bi("主管部门", "authority"),
    "anyone": Bi("任何组织和个人", "anyone"),
    "technical_supporter": Bi("技术支持者", "technical supporter"),
    "pi_handler": Bi("个人信息处理者", "personal-information handler"),
    "industry": Bi("行业组织", "industry bodies"),
}

PHASES: dict[str, Bi] = {
    "scope": Bi("适用范围", "scope"),
    "development": Bi("研发与训练", "development"),
    "preparation": Bi("上线准备", "preparation"),
    "application": Bi("提供服务", "application"),
    "supervision": Bi("监督检查", "supervision"),
}

NATURES: dict[str, Bi] = {
    "duty": Bi("义务", "duty"),
    "prohibition": Bi("禁止", "prohibition"),
    "principle": Bi("原则", "principle"),
    "definition": Bi("定义", "definition"),
    "right": Bi("权利", "right"),
    "power": Bi("职权", "power"),
    "encouragement": Bi("鼓励", "encouragement"),
    "penalty": Bi("罚则", "penalty"),
    "commencement": Bi("施行", "commencement"),
}

KINDS: dict[str, Bi] = {
    "law": Bi("法律", "law"),
    "administrative_regulation": Bi("行政法规", "administrative regulation"),
    "departmental_rule": Bi("部门规章", "departmental rule"),
    "normative_document": Bi("规范性文件", "normative document"),
    "mandatory_standard": Bi("强制性国家标准", "mandatory national standard"),
    "recommended_standard": Bi("推荐性国家标准", "recommended national standard"),
    "technical_document": Bi("技术文件", "technical document"),
    "policy_document": Bi("政策文件", "policy paper"),
}

MARKS: dict[str, Bi] = {
    "P": Bi("已读全文", "whole primary text read"),
    "Q": Bi("转引原文", "official text quoted by others"),
    "S": Bi("二手来源", "secondary source"),
    "K": Bi("未经证实", "unconfirmed"),
}


def read_data(text: str, name: str, shape: type[T]) -> T:
    """Return shipped data of a shape; raise InputError that names the file and the line or field at fault."""
    try:
        return msgspec.convert(read_yaml(text, shipped=True), shape, strict=True)
    except (YAMLError, ValueError) as error:
        fault = " ".join(str(error).split())
        raise InputError(
            Bi(f"法规数据 {name} 有误：{fault}", f"law data {name} is malformed: {fault}"),
            Bi("按 docs/law-data.md 的格式改正", "correct it to the shape in docs/law-data.md"),
        ) from None


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in Chinese and English."""

    zh: str
    en: str

    @property
    def bi(self) -> Bi:
        """Return the pair that pages and messages use."""
        return Bi(self.zh, self.en)


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """When a duty is due: a count of days, hours or months from an event, or a word such as 及时."""

    kind: DeadlineKind
    count: int | None = None
    since: Words | None = None
    mark: Mark = "K"


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that the law fixes; `sense` says whether it is a least, a most or an exact value."""

    name: str
    value: int | Decimal
    unit: str
    sense: Literal["min", "max", "exact"]
    mark: Mark = "K"
    note: Words | None = None


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who compared this data with the official text, and when; both empty means nobody has."""

    by: str | None = None
    on: date | None = None


class Obligation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one provision asks of whom, when, with which number, and what proves it."""

    id: str
    paragraph: int | None = None
    item: int | None = None
    who: tuple[Who, ...]
    nature: Nature
    phase: tuple[Phase, ...]
    duty: Words
    trigger: Words | None = None
    deadline: Deadline | None = None
    numbers: tuple[Number, ...] = ()
    parents: tuple[str, ...] = ()
    evidence: Words | None = None
    room: str
    mark: Mark
    unconfirmed: Words | None = None
    clocks: tuple[str, ...] = ()
    see: tuple[str, ...] = ()

    @property
    def confirmed(self) -> bool:
        """Say whether a source was seen for all that is stated here, its deadline and numbers included."""
        parts = (self.deadline, *self.numbers)
        return self.mark != "K" and all(part.mark != "K" for part in parts if part is not None)

    @property
    def binds_provider(self) -> bool:
        """Say whether a provider (as itself, or in a role that it takes on) must act on this."""
        bound = {"provider", "anyone", "pi_handler", "technical_supporter", "platform"} & set(self.who)
        return self.nature in BINDING_NATURES and bool(bound)


class Article(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One article or clause, paraphrased, with its room and its obligations."""

    number: int | str
    chapter: int | None = None
    title: Words
    summary: Words
    room: str
    obligations: tuple[Obligation, ...] = ()


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One law, rule or standard in one version, with the dates that decide when it counts."""

    id: str
    title: Words
    issuer: Words
    number: Words | None = None
    kind: Literal[
        "law", "administrative_regulation", "departmental_rule", "normative_document",
        "mandatory_standard", "recommended_standard", "technical_document", "policy_document",
    ]  # fmt: skip
    published: date | None = None
    in_force: date
    repealed: date | None = None
    url: str
    text_state: Literal["as_enacted", "consolidated"]
    binding: bool
    mark: Mark
    unconfirmed: Words | None = None
    reviewed: Review
    articles_total: int | None = None
    articles: tuple[Article, ...]

    def covers(self, on: date) -> bool:
        """Say whether this version is in force on a day."""
        return self.in_force <= on and (self.repealed is None or on < self.repealed)
