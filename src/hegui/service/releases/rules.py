"""What the law and the project decide of releases: how long a grant may run, how long its log is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hegui.evidence.retention import log_due
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.law.register import register
from hegui.service.releases.models import CONTENT_KINDS, ContentKind

CLAUSE = cite("LAB-9")
TO_ACCEPT = timedelta(days=7)
"""How long a request waits for its user; the project's choice, no number of the law."""
TO_APPROVE = timedelta(days=7)
"""How long an accepted request waits for the compliance officer before it lapses; as above."""
LONGEST_PURPOSE = 500
LONGEST_REASON = 500
_MOST_CONTENTS = 1_000_000


def months(wanted: int) -> int:
    """Return the calendar months that logs are kept: the operator's, never less than the law's."""
    return max(wanted, register().whole(CLAUSE, "log_retention"))


def kept_until(moment: datetime, wanted: int) -> datetime:
    """Return when the record of something that ends at a moment is due, `wanted` being the operator's months."""
    return log_due(moment, months(wanted))


def kinds(given: object) -> list[str]:
    """Return the kinds that a grant is for; raise InputError for none or unknown ones."""
    items = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else []
    known = [kind.value for kind in ContentKind if kind.value in items]
    if not items or len(known) != len({item for item in items if isinstance(item, str)}) or len(known) != len(items):
        names = ", ".join(CONTENT_KINDS)
        raise InputError(
            Bi("kinds 应为内容种类的列表", "`kinds` must be a list of kinds of content"),
            Bi(f"可用：{names}", f"known: {names}"),
        )
    return known


def days(given: object, most: int) -> int:
    """Return how many days a grant runs, the operator's most if none are given; raise InputError."""
    return _number(given, "days", most) or most


def most_contents(given: object) -> int | None:
    """Return how many contents a grant is for, None for no limit; raise InputError."""
    return _number(given, "most", _MOST_CONTENTS)


def _number(given: object, name: str, most: int) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= most:
        raise InputError(
            Bi(f"{name} 应为 1 至 {most} 的整数", f"`{name}` must be a whole number from 1 to {most}"),
            Bi("改正后重试", "correct it and try again"),
        )
    return given


def said(given: object, what: Bi, longest: int) -> str:
    """Return a text that somebody wrote; raise InputError for none, or one that is too long."""
    text = given.replace("\0", "").strip() if isinstance(given, str) else ""
    if not text or len(text) > longest:
        raise InputError(
            Bi(f"{what.zh}应为 1 至 {longest} 字", f"{what.en} must have 1 to {longest} characters"),
            Bi("写明后重试", "write it and try again"),
        )
    return text
