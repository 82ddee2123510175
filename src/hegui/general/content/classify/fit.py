"""Logistic regression on sparse rows, in numpy alone: L-BFGS with a line search, then Platt's calibration.

The same rows give the same weights: nothing is drawn at random, and sums are made in one order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify.features import Rows

Floats = NDArray[np.float64]

STRENGTH = 4.0
"""How little the weights are held back: the inverse of the L2 penalty, per text."""
_MEMORY = 6
_STEPS = 25
"""Steps of descent: more gave no better order of unseen texts, and take longer."""
_ENOUGH = 1e-3
_SHRINK = 0.5
_TRIES = 12
_ARMIJO = 1e-4
_CURVED = 1e-10
_NEWTON = 30
_STILL = 1e-9


@dataclass(frozen=True)
class Linear:
    """A weight a bucket, and an intercept."""

    weights: Floats
    intercept: float


class Design:
    """Rows prepared for fitting: the buckets that occur, and the same cells ordered by column."""

    def __init__(self, rows: Rows, bits: int) -> None:
        self.bits = bits
        present = np.zeros(1 << bits, np.bool_)
        present[rows.columns] = True
        self.active = np.flatnonzero(present)
        number = np.zeros(1 << bits, np.int32)
        number[self.active] = np.arange(len(self.active), dtype=np.int32)
        columns = number[rows.columns]
        self._columns, self._values, self._starts = columns, rows.values, rows.starts[:-1]
        order = np.argsort(columns, kind="stable")
        row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.starts))
        self._by_column, self._column_values = row[order], rows.values[order]
        self._column_starts = np.searchsorted(columns[order], np.arange(len(self.active), dtype=np.int32))

    def __len__(self) -> int:
        return len(self._starts)

    def dot(self, weights: Floats) -> Floats:
        """Return each row's product with the weights of the active buckets."""
        products = weights.astype(np.float32).take(self._columns)
        products *= self._values
        return np.add.reduceat(products, self._starts).astype(np.float64)

    def back(self, residuals: Floats) -> Floats:
        """Return, for each active bucket, the residuals of its rows weighed by their values."""
        products = residuals.astype(np.float32).take(self._by_column)
        products *= self._column_values
        return np.add.reduceat(products, self._column_starts).astype(np.float64)


def _loss(logits: Floats, signs: Floats, weight: Floats) -> float:
    return float((weight * np.logaddexp(0.0, -signs * logits)).sum())


def _sigmoid(logits: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * logits))


def fit(design: Design, positive: NDArray[np.bool_], weight: Floats, *, steps: int = _STEPS) -> Linear:
    """Fit one risk: `positive` and `weight` have an entry a row; weights count as so many copies of the row.

    Both sides weigh the same in all, so that few texts against many are still learnt; calibration
    afterwards gives back the share that they have.
    """
    weight = weight / weight.mean()
    share = float(weight[positive].sum() / weight.sum())
    weight = np.where(positive, weight / (2 * share), weight / (2 * (1 - share)))
    signs = np.where(positive, 1.0, -1.0)
    penalty = 1.0 / STRENGTH
    # The intercept is the last number; it is not held back.
    at = np.zeros(len(design.active) + 1)
    logits = np.zeros(len(design))

    def slope() -> Floats:
        residuals = weight * (_sigmoid(logits) - (signs > 0))
        return np.append(design.back(residuals) + penalty * at[:-1], residuals.sum())

    value = _loss(logits, signs, weight)
    gradient = slope()
    first = float(np.sqrt((gradient * gradient).sum()))
    history: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    for _ in range(steps):
        direction = _direction(gradient, history)
        down = float((gradient * direction).sum())
        change = design.dot(direction[:-1]) + direction[-1]
        length = 1.0 if history else 1.0 / first
        square, cross = (
            float((direction[:-1] * direction[:-1]).sum()),
            float((at[:-1] * direction[:-1]).sum()),
        )
        held = float((at[:-1] * at[:-1]).sum())
        for _ in range(_TRIES):
            tried = _loss(logits + length * change, signs, weight)
            tried += 0.5 * penalty * (held + 2 * length * cross + length * length * square)
            if tried <= value + _ARMIJO * length * down:
                break
            length *= _SHRINK
        else:
            break
        at = at + length * direction
        logits = logits + length * change
        before, gradient = gradient, slope()
        moved, turned = length * direction, gradient - before
        curve = float((moved * turned).sum())
        if curve > _CURVED:
            history.append((moved, turned, 1.0 / curve))
        value = tried
        if float(np.sqrt((gradient * gradient).sum())) < _ENOUGH * first:
            break
    weights = np.zeros(1 << design.bits)
    weights[design.active] = at[:-1]
    return Linear(weights, float(at[-1]))


def _direction(gradient: Floats, history: deque[tuple[Floats, Floats, float]]) -> Floats:
    """Return the way down by the two-loop recursion (Nocedal and Wright, Numerical Optimization, algorithm 7.4)."""
    found = -gradient
    scales = []
    for moved, turned, inverse in reversed(history):
        scale = inverse * float((moved * found).sum())
        found = found - scale * turned
        scales.append(scale)
    if history:
        moved, turned, inverse = history[-1]
        found = found / (inverse * float((turned * turned).sum()))
    for (moved, turned, inverse), scale in zip(history, reversed(scales), strict=True):
        found = found + (scale - inverse * float((turned * found).sum())) * moved
    return found


def calibrate(logits: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset that turn logits into probabilities (Platt 1999, with his smoothed targets).

    With no text on one side there is nothing to learn from: slope 1, offset 0. A slope is never
    negative, for a greater score must not become a smaller probability.
    """
    many, few = int(positive.sum()), int((~positive).sum())
    if not many or not few:
        return 1.0, 0.0
    target = np.where(positive, (many + 1) / (many + 2), 1 / (few + 2))
    slope, offset = 1.0, 0.0
    for _ in range(_NEWTON):
        found = _sigmoid(slope * logits + offset)
        error, curve = found - target, found * (1 - found) + _STILL
        one, two = float((error * logits).sum()), float(error.sum())
        a, b, c = float((curve * logits * logits).sum()) + _STILL, float((curve * logits).sum()), float(curve.sum())
        bottom = a * c - b * b
        if bottom <= _STILL:
            break
        by_slope, by_offset = (c * one - b * two) / bottom, (a * two - b * one) / bottom
        # Newton's step can overshoot from far away; a step of one at most still arrives.
        size = max(1.0, abs(by_slope), abs(by_offset))
        slope, offset = slope - by_slope / size, offset - by_offset / size
        if max(abs(by_slope), abs(by_offset)) < _STILL:
            break
    return (slope, offset) if slope > 0 else (1.0, 0.0)
