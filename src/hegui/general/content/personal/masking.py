"""Starring what was found, every character still in its place."""

from __future__ import annotations

from hegui.general.content.personal.kinds import Kind

_KEPT: dict[Kind, tuple[int, int]] = {
    Kind.RESIDENT_ID: (3, 0),
    Kind.HK_ID: (1, 0),
    Kind.MACAO_ID: (1, 0),
    Kind.TAIWAN_ID: (1, 0),
    Kind.MOBILE: (3, 2),
    Kind.BANK_CARD: (4, 4),
    Kind.USCC: (2, 4),
    Kind.EMAIL: (1, 0),
    Kind.LANDLINE: (3, 0),
    Kind.HOTLINE: (3, 0),
    Kind.PASSPORT: (1, 2),
    Kind.PERMIT: (1, 2),
    Kind.MILITARY_ID: (2, 0),
    Kind.SOCIAL_SECURITY: (0, 2),
    Kind.PLATE: (2, 1),
    Kind.QQ: (1, 1),
    Kind.WECHAT: (1, 1),
    Kind.IP: (2, 0),
    Kind.ADDRESS: (3, 0),
}
"""How many characters stay readable at either end."""


def mask(kind: Kind, text: str) -> str:
    """Return the text with its telling middle starred, every character still in its place."""
    head, tail = _KEPT[kind]
    stop = text.index("@") if kind is Kind.EMAIL and "@" in text else len(text) - tail
    return text[:head] + "*" * (stop - head) + text[stop:]
