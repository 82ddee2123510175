"""What other rooms hear of, in the transaction of the act; `BUS` is wired in the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from hegui.kit.events import Bus

BUS = Bus()
"""Who hears of what the rulebook does."""


@dataclass(frozen=True)
class RuleProposed:
    """A change of the words waits for another person."""

    id: str
    kind: str
    risk: str
    source: str


@dataclass(frozen=True)
class RuleLive:
    """A change of the words is in force; `urgent` until another person approves it."""

    id: str
    kind: str
    risk: str
    source: str
    urgent: bool


@dataclass(frozen=True)
class RuleWithdrawn:
    """A change of the words was taken back, whether it was in force or waited."""

    id: str
    kind: str
    risk: str
    source: str


@dataclass(frozen=True)
class RuleRefused:
    """Another person said no to a change of the words."""

    id: str
    kind: str
    risk: str
    source: str


@dataclass(frozen=True)
class PolicyShadowed:
    """A version of the policy is tried beside the live one."""

    number: int
    digest: str


@dataclass(frozen=True)
class PolicyLive:
    """A version of the policy decides from now on; `before` is the one that it retired, None for the file alone."""

    number: int
    digest: str
    before: int | None


@dataclass(frozen=True)
class PolicyWithdrawn:
    """A version of the policy will not go live."""

    number: int
    digest: str


@dataclass(frozen=True)
class AnswerLive:
    """A set answer is given from now on."""

    id: str
    risk: str


@dataclass(frozen=True)
class AnswerWithdrawn:
    """A set answer is given no more, or never was."""

    id: str
    risk: str
