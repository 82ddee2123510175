"""What the pack tells: nothing that was not seen when it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hegui.kit.text import Bi


@dataclass(frozen=True, slots=True)
class Done:
    """One sample, marked and labelled: what was measured of its mark, and what reading it back said."""

    name: str
    kind: str
    container: str
    explicit: dict[str, Any]
    verdict: str
    place: str
    deviations: tuple[str, ...]
    complies: bool
    lines: tuple[str, ...]
    beside: str
    others: tuple[str, ...]
    """The other programs whose reading is in the pack."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text answers of a service are labelled, with one of them as it is shown."""

    service: str
    position: str
    wording: str
    shown: str


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the pages and the index are written from."""

    provider: str
    producer: str
    is_sample: bool
    signed: bool
    samples: tuple[Done, ...]
    marks: tuple[tuple[str, Bi, dict[str, Any]], ...]
    texts: tuple[Style, ...]
    media: bool
    tools: dict[str, str]
    screenshots: tuple[str, ...]
    interface: tuple[str, ...]
    version: str
    made: str

    def of(self, kind: str) -> list[str]:
        """Return the sample files of a kind."""
        return [f"samples/{item.name}" for item in self.samples if item.kind == kind]

    @property
    def complies(self) -> bool:
        """Say whether every sample verifies without a deviation."""
        return all(item.complies for item in self.samples)
