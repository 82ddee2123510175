"""Texts that oppose discrimination: the worst false alarms of models that learnt from insults.

They are shipped to be measured on, and half of them may be learnt as benign. The halves are made by topic, so
that the half that is measured speaks of other things than the half that was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SOURCE = "anti_discrimination"


@dataclass(frozen=True, slots=True)
class Opposing:
    """One text that opposes discrimination; `learnt` says which half it belongs to."""

    text: str
    topic: str
    learnt: bool


@cache
def opposing() -> tuple[Opposing, ...]:
    """Return the shipped texts in their order."""
    found: list[Opposing] = []
    topics: list[str] = []
    lines = (files("hegui.general.content.classify") / "anti_discrimination.txt").read_text("utf-8").splitlines()
    for line in lines:
        if line.startswith("## "):
            topics.append(line.split()[1])
        elif line and not line.startswith("#"):
            found.append(Opposing(line, topics[-1], learnt=len(topics) % 2 == 1))
    return tuple(found)
