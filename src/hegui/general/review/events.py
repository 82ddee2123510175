"""What this room tells others, in the transaction in which an item is decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WordProposed:
    """A reviewer proposes a word for the library; somebody else approves it, or not."""

    item: str
    by: str
    service: str
    text: str
    risk: str


@dataclass(frozen=True)
class ExceptionProposed:
    """A reviewer proposes a phrase in which a rule shall not hit; `library` is the version whose rule it is."""

    item: str
    by: str
    service: str
    phrase: str
    rule: str
    library: str
