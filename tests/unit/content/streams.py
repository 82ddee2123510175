"""What a text gives when it comes in pieces, for tests that hold any pieces to the same."""

from __future__ import annotations

from itertools import pairwise

from hegui.general.content.checks import Checker
from hegui.general.content.policy import Side
from hegui.general.content.window import Window

Streamed = tuple[str, bool, list[tuple[str, str, int, int]]]
"""What left, whether it was stopped, and each verdict's rule, lane and span."""


def stream(used: Checker, text: str, cuts: list[int]) -> Streamed:
    """Feed a text cut at these places; no more is ever held than is stated."""
    window = Window(used)
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    out = []
    for begin, end in pairwise(places):
        out.append(window.feed(text[begin:end]))
        assert len(window.held) <= used.worst_hold
    out.append(window.finish())
    return "".join(out), window.blocked, sorted((v.rule, v.lane, v.start, v.end) for v in window.verdicts)


def agree(used: Checker, text: str, cuts: list[int]) -> Streamed:
    """Hold any pieces, single characters too, to the whole text, and that to the check; return what the whole gives."""
    whole = stream(used, text, [])
    assert stream(used, text, cuts) == whole
    assert stream(used, text, list(range(len(text)))) == whole
    assert whole[1] == used.check(text, Side.OUTPUT).blocked
    return whole
