"""The 31 safety risks of GB/T 45654-2025 Annex A, their areas, and the subsets that numbers speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import msgspec

from hegui.law.models import Mark, Words, read_data

_SHORTEST_PART = 4
"""Fewest characters by which a part of the name of a risk or an area can name it."""


class Risk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One risk, such as `A.1.a`."""

    id: str
    name: Words


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the five areas, such as `A.1`, with its risks."""

    id: str
    name: Words
    risks: tuple[Risk, ...]
    note: Words | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    mark: Mark
    url: str
    areas: tuple[Area, ...]
    subsets: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Risks:
    """Look-up of risks by id and by the names that operators' files use."""

    areas: tuple[Area, ...]
    subsets: dict[str, tuple[str, ...]]

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids in the order of the annex."""
        return tuple(risk.id for area in self.areas for risk in area.risks)

    def area_of(self, risk: str) -> str:
        """Return `A.1` for `A.1.a`."""
        return risk.rpartition(".")[0]

    def name(self, risk: str) -> Words:
        """Return the name of a risk or of an area; raise KeyError when there is none."""
        for area in self.areas:
            if area.id == risk:
                return area.name
            for item in area.risks:
                if item.id == risk:
                    return item.name
        raise KeyError(risk)

    def in_subset(self, name: str) -> tuple[str, ...]:
        """Return the risk ids of a named subset, such as `keyword_and_refusal`."""
        areas = set(self.subsets[name])
        return tuple(risk for risk in self.ids if self.area_of(risk) in areas)

    def find(self, text: str) -> str | None:
        """Return the risk id that a cell of an operator's file names: `A.1.a`, `A1a`, `A.1 a` or its Chinese name."""
        return self._named.get(_squeeze(text))

    def find_among(self, cells: Sequence[str]) -> str | None:
        """Return the risk that cells of one row name together: one alone, or an area and, within it, a letter or a part.

        `A.1` beside `b`, and `包含歧视性内容` beside `性别歧视`, are what filings write. A part that fits two risks names none.
        """
        for cell in cells:
            if found := self.find(cell):
                return found
        squeezed = [_squeeze(cell) for cell in cells]
        areas = [area for area in self.areas if any(_part_of(text, area.id, area) for text in squeezed)]
        fits = {
            risk.id for area in areas for risk in area.risks for text in squeezed
            if _part_of(text, risk.id.rpartition(".")[2], risk)
        }  # fmt: skip
        return fits.pop() if len(areas) == 1 and len(fits) == 1 else None

    @cached_property
    def _named(self) -> dict[str, str]:
        return {
            _squeeze(form): risk.id
            for area in self.areas
            for risk in area.risks
            for form in (risk.id, risk.name.zh, risk.id + risk.name.zh)
        }


def _part_of(text: str, short: str, item: Risk | Area) -> bool:
    name = _squeeze(item.name.zh)
    return text in {_squeeze(short), _squeeze(item.id) + name} or (len(text) >= _SHORTEST_PART and text in name)


def _squeeze(text: str) -> str:
    return "".join(ch for ch in text.upper() if ch.isalnum())


@cache
def risks() -> Risks:
    """Return the risks of the shipped standard."""
    data = read_data((files("hegui.law") / "risks.yaml").read_text("utf-8"), "risks.yaml", _File)
    return Risks(data.areas, data.subsets)
