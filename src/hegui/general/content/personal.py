"""Personal information in text, Chinese first, with check digits so that few things are mistaken for it.

Works on folded text (full width is half width by then). `TAILS` say which end of a text could
still become a hit, so that a stream holds just that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from hegui.kit.text import Bi


class Kind(StrEnum):
    """What kind of identifier was found."""

    RESIDENT_ID = "resident_id"  # 居民身份证号
    MOBILE = "mobile"  # 手机号
    BANK_CARD = "bank_card"  # 银行卡号
    USCC = "uscc"  # 统一社会信用代码
    EMAIL = "email"  # 电子邮箱


KIND_NAMES: dict[Kind, Bi] = {
    Kind.RESIDENT_ID: Bi("居民身份证号", "resident identity number"),
    Kind.MOBILE: Bi("手机号", "mobile number"),
    Kind.BANK_CARD: Bi("银行卡号", "bank card number"),
    Kind.USCC: Bi("统一社会信用代码", "unified social credit code"),
    Kind.EMAIL: Bi("电子邮箱", "e-mail address"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier in folded text; `valid` says whether its check digit fits."""

    kind: Kind
    start: int
    end: int
    valid: bool


_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"
_USCC_ALPHABET = "0123456789abcdefghjklmnpqrtuwxy"
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_OLD_ID = 15
_CARD_LENGTHS = range(16, 20)

# Every pattern is bounded and has no nested repetition: time is linear in the text.
_DIGITS = re.compile(
    r"(?<![0-9a-z])(?:(?:\+?86[ -]?)?1[3-9][0-9](?:[0-9]{8}|-[0-9]{4}-[0-9]{4}| [0-9]{4} [0-9]{4})"
    r"|[0-9]{17}x|[0-9]{15,19}|[0-9]{4}(?:-[0-9]{4}){3}(?:-[0-9]{1,3})?|[0-9]{4}(?: [0-9]{4}){3}(?: [0-9]{1,3})?)"
    r"(?![0-9a-z])"
)
_USCC = re.compile(r"(?<![0-9a-z])[0-9a-hj-npqrtuwxy]{2}[0-9]{6}[0-9a-hj-npqrtuwxy]{10}(?![0-9a-z])")
_EMAIL = re.compile(r"(?<![a-z0-9._%+-])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}(?![a-z0-9-])")
# Every number that is looked for has three digits in a row; spelt out so that the search is a fast scan.
ANY_LONG = re.compile(r"[0-9][0-9][0-9]")
_RUN = re.compile(r"[0-9][0-9 -]{9}")
_SIX = re.compile(r"[0-9][0-9]{5}")

# Each tail is closed under taking prefixes: what is held never starts earlier when more text comes.
_EDGE = r"(?<![0-9a-z])"
_CODE = "[0-9a-hj-npqrtuwxy]"
_NUMBER_TAIL = _EDGE + (
    r"(?:(?:\+?86[ -]?)?(?:1[0-9]{0,2}|1[0-9]{2}(?:[0-9]{1,8}|-[0-9]{0,4}|-[0-9]{4}-[0-9]{0,4}| [0-9]{0,4}| [0-9]{4} [0-9]{0,4}))"
    r"|\+8?|\+?86[ -]?|[0-9]{1,19}|[0-9]{17}x"
    r"|[0-9]{4}(?:-[0-9]{4}){0,2}-[0-9]{0,4}|[0-9]{4}(?:-[0-9]{4}){3}-[0-9]{0,3}"
    r"|[0-9]{4}(?: [0-9]{4}){0,2} [0-9]{0,4}|[0-9]{4}(?: [0-9]{4}){3} [0-9]{0,3})"
)
TAILS: dict[Kind, str] = {
    Kind.RESIDENT_ID: _NUMBER_TAIL,
    Kind.MOBILE: _NUMBER_TAIL,
    Kind.BANK_CARD: _NUMBER_TAIL,
    Kind.USCC: _EDGE + f"(?:{_CODE}{{1,2}}|{_CODE}{{2}}[0-9]{{1,6}}|{_CODE}{{2}}[0-9]{{6}}{_CODE}{{1,10}})",
    Kind.EMAIL: r"(?<![a-z0-9._%+-])[a-z0-9][a-z0-9._%+-]{0,63}(?:@(?:[a-z0-9-]{1,63}\.){0,4}[a-z0-9-]{0,63})?",
}
REACH: dict[Kind, int] = {
    Kind.RESIDENT_ID: 32, Kind.MOBILE: 32, Kind.BANK_CARD: 32, Kind.USCC: 20, Kind.EMAIL: 400,
}  # fmt: skip
"""How many characters back from the end a tail can begin: the worst case of what a stream holds."""

NUMBERS = frozenset({Kind.RESIDENT_ID, Kind.MOBILE, Kind.BANK_CARD})
NUMBER_ENDS = frozenset("0123456789x -+")
"""The characters in which the tail of a number can end; other texts need no look."""


def resident_id_valid(text: str) -> bool:
    """Check province, date of birth and, for 18 characters, the check character (GB 11643)."""
    if text[:2] not in _PROVINCES:
        return False
    born = f"19{text[6:12]}" if len(text) == _OLD_ID else text[6:14]
    try:
        day = date(int(born[:4]), int(born[4:6]), int(born[6:8]))
    except ValueError:
        return False
    if not date(1850, 1, 1) <= day <= date(2100, 1, 1):
        return False
    if len(text) == _OLD_ID:
        return True
    return _ID_CHECKS[sum(int(a) * b for a, b in zip(text, _ID_WEIGHTS, strict=False)) % 11] == text[17]


def luhn_valid(digits: str) -> bool:
    """Check the Luhn digit of a card number (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - Luhn's carry
    return total % 10 == 0


def uscc_valid(text: str) -> bool:
    """Check the check character of a unified social credit code (GB 32100), folded to lower case."""
    values = [_USCC_ALPHABET.find(ch) for ch in text]
    if len(values) != 18 or min(values) < 0:  # noqa: PLR2004 - the code's length
        return False
    return (31 - sum(a * b for a, b in zip(values, _USCC_WEIGHTS, strict=False)) % 31) % 31 == values[17]


def _number(match: re.Match[str]) -> Found | None:
    raw = match.group()
    compact = raw.replace("-", "").replace(" ", "")
    start, end = match.span()
    bare = compact.removeprefix("+")
    if len(bare) in {11, 13} and bare.removeprefix("86")[0] == "1" and "x" not in bare:
        return Found(Kind.MOBILE, start, end, valid=True)
    if compact == raw and len(compact) in {_OLD_ID, 18} and resident_id_valid(compact):
        return Found(Kind.RESIDENT_ID, start, end, valid=True)
    if compact.isdigit() and len(compact) in _CARD_LENGTHS and compact[0] in "3456" and luhn_valid(compact):
        return Found(Kind.BANK_CARD, start, end, valid=True)
    return None


def find(text: str, start: int = 0) -> Iterator[Found]:
    """Yield the identifiers in a folded text from `start` on; earlier text is context only.

    Those whose check digit does not fit are left out.
    """
    long = ANY_LONG.search(text, start) is not None
    if long and _RUN.search(text, start):
        for match in _DIGITS.finditer(text, start):
            number = _number(match)
            if number is not None:
                yield number
            elif uscc_valid(match.group()):
                yield Found(Kind.USCC, *match.span(), valid=True)
    if long and _SIX.search(text, start):
        for match in _USCC.finditer(text, start):
            # Digits alone, and 17 digits with an x, were looked at above.
            if uscc_valid(match.group()) and not _DIGITS.fullmatch(match.group()):
                yield Found(Kind.USCC, *match.span(), valid=True)
    if "@" in text:
        for match in _EMAIL.finditer(text, start):
            yield Found(Kind.EMAIL, *match.span(), valid=True)


def mask(kind: Kind, text: str) -> str:
    """Return the text with its telling middle starred, every character still in its place."""
    keep = {
        Kind.RESIDENT_ID: (3, 0),
        Kind.MOBILE: (3, 2),
        Kind.BANK_CARD: (4, 4),
        Kind.USCC: (2, 4),
        Kind.EMAIL: (1, 0),
    }
    head, tail = keep[kind]
    stop = text.index("@") if kind is Kind.EMAIL and "@" in text else len(text) - tail
    return text[:head] + "*" * (stop - head) + text[stop:]
