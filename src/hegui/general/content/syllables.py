"""Latin letters that are syllables of standard Chinese throughout."""

from __future__ import annotations

from functools import lru_cache

from hegui.general.content import tables

LONGEST = 6
"""Letters of a syllable."""
_VOWELS = frozenset("aeiouv")


@lru_cache(maxsize=1 << 13)
def are_syllables(letters: str) -> bool:
    """Say whether letters are syllables throughout."""
    ends = {0}
    for at in range(1, len(letters) + 1):
        before = range(max(0, at - LONGEST), at)
        if any(begin in ends and _is_syllable(letters[begin:at]) for begin in before):
            ends.add(at)
    return len(letters) in ends


def _is_syllable(letters: str) -> bool:
    return letters in tables.legal_syllables() and not _VOWELS.isdisjoint(letters)
