"""Unified social credit codes (GB 32100), by which organisations are named: whether the check character fits."""

from __future__ import annotations

_ALPHABET = "0123456789abcdefghjklmnpqrtuwxy"
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_LENGTH = 18


def uscc_valid(text: str) -> bool:
    """Check the check character of a code, folded to lower case."""
    values = [_ALPHABET.find(ch) for ch in text]
    if len(values) != _LENGTH or min(values) < 0:
        return False
    return (31 - sum(a * b for a, b in zip(values, _WEIGHTS, strict=False)) % 31) % 31 == values[-1]
