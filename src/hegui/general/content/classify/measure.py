"""Numbers that say how good a detector is, and thresholds for a false-positive rate that was asked for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SPREAD = 1.959963984540054
"""Standard deviations on each side of an interval of 95 %."""
_BINS = 10


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


def thresholds(benign: Floats, target: float) -> list[float]:
    """Return a threshold for each column so that at most `target` of the benign rows reach any of them.

    Every column lets the same number of rows through; that number is the greatest that keeps the
    promise. With too few rows for the target it is none, and the threshold lies above all of them.
    """
    rows, columns = benign.shape
    if not rows:
        return [1.0] * columns
    ranks = np.empty(benign.shape, np.int64)
    for column in range(columns):
        ordered = np.sort(benign[:, column])
        ranks[:, column] = rows - np.searchsorted(ordered, benign[:, column], side="left")
    best = np.sort(ranks.min(axis=1))
    allowed = int(target * rows)
    passed = int(best[allowed]) - 1 if allowed < rows else rows
    found = []
    for column in range(columns):
        inside = benign[ranks[:, column] <= passed, column]
        outside = benign[ranks[:, column] > passed, column]
        top = float(outside.max()) if len(outside) else 0.0
        bottom = float(inside.min()) if len(inside) else 1.0
        found.append((top + bottom) / 2)
    return found
