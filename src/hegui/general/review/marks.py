"""Where the hits stand in a text: pieces to be shown one after the other, and the hits that have no place there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hegui.general.content.policy import Lane
from hegui.general.review import rules

_AROUND = 200
_NEAR = 4


@dataclass(frozen=True)
class Piece:
    """A piece of text and the numbers of the hits that it lies in, counted from 1 as they are listed."""

    text: str
    hits: tuple[int, ...]


def pieces(text: str, hits: Mapping[int, tuple[int, int]]) -> list[Piece]:
    """Return a text cut where hits begin and end; `hits` are spans by their numbers."""
    edges = {0, len(text)} | {edge for span in hits.values() for edge in span}
    cuts = sorted(edges)
    return [
        Piece(text[low:high], tuple(number for number, (start, end) in hits.items() if start <= low and high <= end))
        for low, high in pairwise(cuts)
    ]


def own(part: str) -> str:
    """Return the path of a part as the text has it: an old turn is a turn too."""
    return part.removeprefix("old:")


def marked(
    texts: Sequence[Mapping[str, Any]], verdicts: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], set[int]]:
    """Return the texts with their pieces, and the numbers of hits that fit in none of them."""
    unplaced = set(range(1, len(verdicts) + 1))
    shown = []
    for item in texts:
        hits = {}
        for number, verdict in enumerate(verdicts, 1):
            here = own(verdict["part"]) == item["part"] and verdict["side"] == item["side"]
            if here and 0 <= verdict["start"] < verdict["end"] <= len(item["text"]):
                hits[number] = (verdict["start"], verdict["end"])
        unplaced -= set(hits)
        shown.append({**item, "pieces": pieces(item["text"], hits), "hits": hits})
    return shown, unplaced


@dataclass(frozen=True)
class Excerpt:
    """What a form begins with: an excerpt around the first hit, the hit, and the hit with its neighbours."""

    text: str = ""
    side: str = "input"
    word: str = ""
    phrase: str = ""


def first_excerpt(shown: Sequence[Mapping[str, Any]], verdicts: Sequence[Mapping[str, Any]]) -> Excerpt:
    """Return the excerpt around the first hit that is not of personal information, else the first, else of what was asked.

    Personal information in the excerpt is starred, found in the whole text so that no cut hides any.
    """
    placed = [
        (verdicts[number - 1]["lane"] == Lane.PERSONAL, number, item) for item in shown for number in item["hits"]
    ]
    if placed:
        _, number, item = min(placed, key=lambda found: found[:2])
        start, end = item["hits"][number]
        text = item["text"]
        return Excerpt(
            rules.without_personal(text)[max(0, start - _AROUND) : end + _AROUND][: rules.LONGEST_EXCERPT],
            item["side"], text[start:end][: rules.LONGEST_WORD],
            text[max(0, start - _NEAR) : end + _NEAR][: rules.LONGEST_WORD],
        )  # fmt: skip
    asked = [item for item in shown if item["side"] == "input"]
    return Excerpt(rules.without_personal(asked[-1]["text"])[: 2 * _AROUND]) if asked else Excerpt()
