"""One detector from one set of texts: fit each risk, round its weights, calibrate, set thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify import fit, measure
from hegui.general.content.classify.features import Places, Rows
from hegui.general.content.classify.model import Head, quantise

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

FEWEST = 20
"""Fewest benign texts of a source for a figure of its own."""
OTHERS = 0.1
"""How much a text of another risk weighs among those that a risk is told apart from."""


def some(marks: Marks) -> Marks:
    """Return which rows have any mark."""
    found: Marks = np.logical_or.reduce(marks, axis=1)
    return found


@dataclass(frozen=True)
class Texts:
    """All texts of a training as places and rows, with what is true of each (a column a risk) and how much it weighs."""

    places: Places
    rows: Rows
    risks: tuple[str, ...]
    truth: Marks
    weight: Floats
    sources: NDArray[np.str_]

    @property
    def benign(self) -> Marks:
        """Return which texts carry no risk."""
        return ~some(self.truth)

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class Detector:
    """What was fitted, and the logits of all texts under the weights as they are written to a file."""

    heads: tuple[Head, ...]
    weights: NDArray[np.int8]
    logits: Floats

    @property
    def probabilities(self) -> Floats:
        """Return the calibrated scores of all texts."""
        slopes = np.array([head.slope for head in self.heads])
        offsets = np.array([head.offset for head in self.heads])
        found: Floats = 0.5 * (1.0 + np.tanh(0.5 * (self.logits * slopes + offsets)))
        return found

    @property
    def flagged(self) -> Marks:
        """Return which texts reach any threshold."""
        return some(self.flags)

    @property
    def flags(self) -> Marks:
        """Return which texts reach which threshold."""
        return self.probabilities >= np.array([head.threshold for head in self.heads])


def linear(texts: Texts, learn: Marks) -> tuple[list[fit.Linear], list[int]]:
    """Fit each risk that the marked texts can teach; return the fits and the columns they belong to."""
    chosen = texts.rows.take(learn)
    design = fit.Design(chosen, texts.places.bits)
    units = np.bincount(chosen.owner, minlength=len(texts))
    weight = (texts.weight / np.maximum(units, 1))[chosen.owner]
    found, columns = [], []
    for column in range(len(texts.risks)):
        positive = texts.truth[chosen.owner, column]
        if positive.any() and not positive.all():
            other = ~positive & ~texts.benign[chosen.owner]
            found.append(fit.fit(design, positive, np.where(other, OTHERS * weight, weight)))
            columns.append(column)
    return found, columns


def build(texts: Texts, learn: Marks, tune: Marks, target: float) -> Detector | None:
    """Build a detector from the texts to learn and those to tune on; None when nothing can be learnt.

    A risk that the texts to learn do not hold is left out. One threshold serves all risks, for their scores are
    probabilities: benign texts reach it for any risk at the target rate, as the mean over their sources.
    """
    if not learn.any():
        return None
    fits, columns = linear(texts, learn)
    if not fits:
        return None
    weights = np.empty((1 << texts.places.bits, len(fits)), np.int8)
    steps, calibrated, logits = [], [], np.empty((len(texts), len(fits)))
    for at, (found, column) in enumerate(zip(fits, columns, strict=True)):
        weights[:, at], step = quantise(found.weights)
        logits[:, at] = texts.places.best(weights[:, at].astype(np.float32) * np.float32(step)) + found.intercept
        calibrated.append(fit.calibrate(logits[tune, at], texts.truth[tune, column]))
        steps.append(step)
    heads = [
        Head(texts.risks[column], step, found.intercept, slope, offset, 1.0)
        for column, step, found, (slope, offset) in zip(columns, steps, fits, calibrated, strict=True)
    ]
    plain = Detector(tuple(heads), weights, logits)
    calm = tune & texts.benign
    limit = measure.threshold(plain.probabilities[calm].max(axis=1), _shares(texts.sources[calm]), target)
    heads = [msgspec.structs.replace(head, threshold=limit) for head in heads]
    return Detector(tuple(heads), weights, logits)


def _shares(sources: NDArray[np.str_]) -> Floats:
    """Return weights that make every source count the same, those of few texts together as one."""
    names, which, counts = np.unique(sources, return_inverse=True, return_counts=True)
    few = counts < FEWEST
    sizes = np.where(few, counts[few].sum(), counts)
    kinds = np.where(few, len(names), np.arange(len(names)))
    return 1.0 / (sizes[which] * len(np.unique(kinds)))
