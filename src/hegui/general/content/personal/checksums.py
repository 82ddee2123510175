"""Check digits and the other things that tell an identifier from a number that only looks like one."""

from __future__ import annotations

from datetime import date
from ipaddress import AddressValueError, IPv6Address

_BY_REGION = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65))
"""First and last of the provinces of North, North-East, East, South Central, South-West and North-West China."""
_MAINLAND = frozenset(str(code) for first, last in _BY_REGION for code in range(first, last + 1))
_PROVINCES = _MAINLAND | {"71", "81", "82", "83"}
"""GB/T 2260, with the codes of the residence permits of Hong Kong (81), Macao (82) and Taiwan (83) residents."""
_FOREIGNER = "9"
"""The first digit on the identity card of foreign permanent residents (2023); province and country follow."""
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"
_TAIWAN_AREAS = "abcdefghjklmnpqrstuvxywzio"
"""The letters of the places of registration in the order of their numbers, 10 and up."""
_TAIWAN_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
_MOST_LENGTHS = range(16, 20)
_CARDS: tuple[tuple[int, int, range | tuple[int, ...]], ...] = (
    (2221, 2720, (16,)),  # Mastercard
    (3400, 3499, (15,)),  # American Express
    (3700, 3799, (15,)),
    (3000, 3999, _MOST_LENGTHS),  # JCB, Diners Club
    (4000, 4999, (16, 19)),  # Visa; 19 on older cards of banks in China
    (5100, 5599, (16,)),  # Mastercard
    (5000, 5999, _MOST_LENGTHS),
    (6000, 6999, _MOST_LENGTHS),  # UnionPay and banks in China, Discover
    (9558, 9558, (19,)),  # ICBC
)
"""First four digits, from and to, and the lengths in which such cards are issued; the first that fits counts."""
_OLD_ID = 15
_NEW_ID = 18


def resident_id_valid(text: str) -> bool:
    """Check province, date of birth and, for 18 characters, the check character (GB 11643)."""
    if len(text) not in {_OLD_ID, _NEW_ID}:
        return False
    foreigner = len(text) == _NEW_ID and text[0] == _FOREIGNER and text[1:3] in _MAINLAND
    if text[:2] not in _PROVINCES and not foreigner:
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


def _card_lengths(head: int) -> range | tuple[int, ...]:
    """Return the lengths that cards with these first four digits have."""
    return next((lengths for low, high, lengths in _CARDS if low <= head <= high), ())


def card_valid(digits: str) -> bool:
    """Check the Luhn digit, and that cards with these first digits are issued in this length."""
    return len(digits) in _card_lengths(int(digits[:4])) and luhn_valid(digits)


def hk_id_valid(text: str) -> bool:
    """Check the check character of a Hong Kong identity card, with or without its brackets, folded to lower case."""
    signs = text.replace("(", "").replace(")", "").rjust(9)
    values = [36 if ch == " " else int(ch, 36) for ch in signs]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def taiwan_id_valid(text: str) -> bool:
    """Check the check digit of a Taiwan identity number, or of the residents' number that has the same form."""
    area = 10 + _TAIWAN_AREAS.index(text[0])
    values = (area // 10, area % 10, *map(int, text[1:]))
    return sum(value * weight for value, weight in zip(values, _TAIWAN_WEIGHTS, strict=True)) % 10 == 0


def plate_valid(text: str) -> bool:
    """Check that a plate has no more than two letters among its last places (GA 36-2018)."""
    serial = [ch for ch in text[2:] if ch.isascii() and ch.isalnum()]
    return sum(ch.isdigit() for ch in serial) >= len(serial) - 2


def ipv4_valid(text: str) -> bool:
    """Leave out what is nobody's address, and 1.2.3.4, which is more often a version or a heading."""
    parts = [int(part) for part in text.split(".")]
    return parts[0] not in {0, 127} and parts[0] < 224 and max(parts) > 9  # noqa: PLR2004 - RFC 1122, RFC 5771


def ipv6_valid(text: str) -> bool:
    """Check the form, and that there is enough of it: `a::b` is more often code."""
    groups = [group for group in text.split(":") if group]
    if len(groups) < 3 or not any(ch.isdigit() for ch in text):  # noqa: PLR2004 - see above
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def handle_valid(text: str) -> bool:
    """Check that a WeChat handle has 6 to 20 characters."""
    return 6 <= len(text) <= 20  # noqa: PLR2004 - WeChat's own rule
