"""Numbers that say how good a detector is, and thresholds for a false-positive rate that was asked for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SPREAD = 1.959963984540054
"""Standard deviations on each side of an interval of 95 %."""
_BINS = 10
_ROUNDING = 1e-9


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 % for a share; all is open when nothing was looked at."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, _SPREAD * _SPREAD
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _SPREAD * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(flagged: NDArray[np.bool_]) -> dict[str, float | int | None]:
    """Return how many of how many, the share, and its interval; a share of nothing is None."""
    hits, of = int(flagged.sum()), len(flagged)
    low, high = interval(hits, of)
    return {
        "hits": hits, "of": of, "share": round(hits / of, 5) if of else None,
        "low": round(low, 5), "high": round(high, 5),
    }  # fmt: skip


def auc(scores: Floats, positive: NDArray[np.bool_]) -> float | None:
    """Return the chance that a positive scores above a negative, ties counting half; None without both."""
    many = int(positive.sum())
    few = len(positive) - many
    if not many or not few:
        return None
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    found = float(ranks[which][positive].sum())
    return round((found - many * (many + 1) / 2) / (many * few), 5)


def macro_f1(truth: NDArray[np.int64], found: NDArray[np.int64], classes: int) -> float:
    """Return the mean F1 over the classes that occur in the truth."""
    present = [number for number in range(classes) if (truth == number).any()]
    values = []
    for number in present:
        both = int(((truth == number) & (found == number)).sum())
        either = int((truth == number).sum() + (found == number).sum())
        values.append(2 * both / either)
    return round(sum(values) / len(values), 5) if values else 0.0


def calibration_error(probabilities: Floats, positive: NDArray[np.bool_]) -> float | None:
    """Return the mean distance between probability and share, over ten equal bins; None without texts."""
    if not len(positive):
        return None
    bins = np.minimum((probabilities * _BINS).astype(np.int64), _BINS - 1)
    gaps = 0.0
    for number in range(_BINS):
        here = bins == number
        if here.any():
            gaps += abs(float(probabilities[here].mean()) - float(positive[here].mean())) * int(here.sum())
    return round(gaps / len(positive), 5)


def threshold(benign: Floats, weight: Floats, target: float) -> float:
    """Return the lowest score that benign texts holding at most `target` of the weight reach.

    It lies half way between the scores that reach it and those that do not; where even one text would
    be too much, half way between the highest score and one.
    """
    if not len(benign):
        return 1.0
    order = np.argsort(-benign, kind="stable")
    ordered = benign[order]
    reached = np.cumsum(weight[order]) / weight.sum()
    # Equal scores reach a threshold together, so a cut stands only where the score falls.
    cuts = np.flatnonzero((np.diff(ordered, append=-1.0) < 0) & (reached <= target + _ROUNDING))
    if not len(cuts):
        return (float(ordered[0]) + 1.0) / 2
    last = int(cuts[-1])
    below = float(ordered[last + 1]) if last + 1 < len(ordered) else 0.0
    return (float(ordered[last]) + below) / 2
