"""The shape of the law's data; a file that has another shape is refused when it is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec
import yaml

from hegui.kit.text import Bi

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

MARKS: dict[str, Bi] = {
    "P": Bi("已读全文", "whole primary text read"),
    "Q": Bi("转引原文", "official text quoted by others"),
    "S": Bi("二手来源", "secondary source"),
    "K": Bi("未经证实", "unconfirmed"),
}


def load_yaml(text: str) -> Any:  # noqa: ANN401 - YAML of any shape
    """Return YAML data by the parser in C, ten times faster than the one in Python; safe types only."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders


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
        "mandatory_standard", "recommended_standard",
    ]  # fmt: skip
    published: date | None = None
    in_force: date
    repealed: date | None = None
    url: str
    text_state: Literal["as_enacted", "consolidated"]
    binding: bool
    mark: Mark
    reviewed: Review
    articles_total: int | None = None
    articles: tuple[Article, ...]

    def covers(self, on: date) -> bool:
        """Say whether this version is in force on a day."""
        return self.in_force <= on and (self.repealed is None or on < self.repealed)
