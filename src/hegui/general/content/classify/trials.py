"""Trials that say what a model's figures hide: few labels, sources never seen, and hidden words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify import features, measure, obscure
from hegui.general.content.classify.detector import FEWEST, Detector, Marks, Texts, build, linear, some
from hegui.general.content.classify.labels import Record

SIZES = (10, 30, 100, 300)
DRAWS = 3
MOST_LEARNT = 8_000
"""Most texts that a trial learns from, so that many trials stay quick."""
MOST_FOLDS = 8
MOST_HIDDEN = 2_000


@dataclass(frozen=True)
class Trial:
    """A training's texts, its detector, and which texts were for what; `own` marks those that are not shipped."""

    records: list[Record]
    texts: Texts
    detector: Detector
    learn: Marks
    tune: Marks
    test: Marks
    own: Marks
    target: float
    seed: int


def thinned(marks: Marks, most: int, drawn: np.random.Generator) -> Marks:
    """Return at most so many of the marked texts, drawn evenly."""
    chosen = np.flatnonzero(marks)
    if len(chosen) <= most:
        return marks
    found = np.zeros_like(marks)
    found[drawn.permutation(chosen)[:most]] = True
    return found


def _classes(texts: Texts, logits: NDArray[np.float64], columns: list[int]) -> NDArray[np.int64]:
    """Return the class that each text is put into: a risk's column, or one past them for benign."""
    best = logits.argmax(axis=1)
    return np.where(logits.max(axis=1) > 0, np.array(columns)[best], len(texts.risks)).astype(np.int64)


def _judged(texts: Texts, found: NDArray[np.int64], scores: NDArray[np.float64], test: Marks) -> dict[str, Any]:
    truth = np.where(texts.benign, len(texts.risks), texts.truth.argmax(axis=1))
    inside = np.minimum(found, len(texts.risks) - 1)
    right = (found < len(texts.risks)) & texts.truth[np.arange(len(texts)), inside]
    truth = np.where(right, found, truth)
    return {
        "macro_f1": measure.macro_f1(truth[test], found[test], len(texts.risks) + 1),
        "auc": measure.auc(scores[test], ~texts.benign[test]),
    }


def learning_curve(trial: Trial) -> list[dict[str, Any]]:
    """Return macro-F1 and AUC for growing numbers of labels a class, each the mean of three draws."""
    drawn = np.random.default_rng(trial.seed)
    texts, detector, learn, test = trial.texts, trial.detector, trial.learn & trial.own, trial.test
    classes = [texts.benign, *(texts.truth[:, column] for column in range(len(texts.risks)))]
    found: list[dict[str, Any]] = []
    for size in SIZES:
        if max(int((marks & learn).sum()) for marks in classes) <= size:
            break
        runs = []
        for _ in range(DRAWS):
            some = np.zeros(len(texts), np.bool_)
            for marks in classes:
                some |= thinned(marks & learn, size, drawn)
            fits, columns = linear(texts, some)
            logits = np.zeros((len(texts), len(fits)))
            for at, line in enumerate(fits):
                logits[:, at] = texts.places.best(line.weights.astype(np.float32)) + line.intercept
            runs.append(_judged(texts, _classes(texts, logits, columns), logits.max(axis=1), test))
        scored = [run["auc"] for run in runs if run["auc"] is not None]
        found.append({
            "labels": size,
            "macro_f1": round(sum(run["macro_f1"] for run in runs) / DRAWS, 5),
            "auc": round(sum(scored) / len(scored), 5) if scored else None,
        })  # fmt: skip
    columns = [texts.risks.index(head.risk) for head in detector.heads]
    whole = _judged(texts, _classes(texts, detector.logits, columns), detector.logits.max(axis=1), test)
    return [*found, {"labels": "all", **whole}]


def _folds(sources: NDArray[np.str_], benign: Marks) -> list[list[str]]:
    """Return the sources in at most eight folds; each is held out with its fold."""
    names, counts = np.unique(sources[benign], return_counts=True)
    many = [
        str(name) for _, name in sorted(zip(-counts, names, strict=True)) if (sources[benign] == name).sum() >= FEWEST
    ]
    folds: list[list[str]] = [[] for _ in range(min(MOST_FOLDS, len(many)))]
    for at, name in enumerate(many):
        folds[at % len(folds)].append(name)
    return folds


def held_out_sources(trial: Trial) -> list[dict[str, Any]]:
    """Return for each source how the model does on it, and how one does that never saw it.

    A source is held out with all its texts, harmful ones too. Where nothing harmful is left without
    it, only its benign texts are held out; the row says so.
    """
    drawn = np.random.default_rng(trial.seed)
    texts, detector, own = trial.texts, trial.detector, trial.own
    sources = texts.sources
    found = []
    seen = detector.flagged
    folds = _folds(sources, texts.benign & own)
    for fold in folds:
        out = np.isin(sources, fold)
        whole = bool((some(texts.truth) & trial.learn & ~out).any())
        removed = out if whole else out & texts.benign
        learn = thinned(trial.learn & ~removed, MOST_LEARNT, drawn)
        other = None
        if len(fold) < len(np.unique(sources[texts.benign & own])):
            other = build(texts, learn, trial.tune & ~removed, trial.target)
        for name in fold:
            here = (sources == name) & own
            quiet, loud = here & texts.benign, here & ~texts.benign
            row: dict[str, Any] = {"source": name, "benign": int(quiet.sum()), "harmful": int(loud.sum())}
            row["seen"] = _both(detector, seen, texts, here & trial.test)
            row["held_out"] = "nothing" if other is None else "all" if whole else "benign"
            row["unseen"] = _both(other, other.flagged, texts, here if whole else quiet) if other else None
            found.append(row)
    return sorted(found, key=lambda row: str(row["source"]))


def _both(detector: Detector, flagged: Marks, texts: Texts, where: Marks) -> dict[str, Any]:
    return {
        "false_positives": measure.share(flagged[where & texts.benign]),
        "recall": measure.share(flagged[where & ~texts.benign]),
        "auc": measure.auc(detector.probabilities.max(axis=1)[where], ~texts.benign[where]),
    }


def hidden_words(trial: Trial) -> list[dict[str, Any]]:
    """Return recall and false positives on copies of the test texts with words hidden, with and without normalising.

    The detector without normalising is fitted by the same learner to features of the texts as they are written.
    """
    drawn = np.random.default_rng(trial.seed)
    records, texts, detector = trial.records, trial.texts, trial.detector
    learn = thinned(trial.learn & trial.own, MOST_LEARNT, drawn)
    tune = thinned(trial.tune & trial.own, MOST_HIDDEN, drawn)
    test = thinned(trial.test & ~texts.benign, MOST_HIDDEN // 2, drawn)
    test |= thinned(trial.test & texts.benign, MOST_HIDDEN // 2, drawn)
    chosen = np.flatnonzero(learn | tune | test)
    places = features.places([records[at].text for at in chosen], texts.places.bits, normalise=False)
    raw = Texts(
        places, features.rows(places), texts.risks, texts.truth[chosen], texts.weight[chosen], texts.sources[chosen]
    )
    without = build(raw, learn[chosen], tune[chosen], trial.target)
    harmful = ~texts.benign[test]
    found = []
    for name, (_, hide) in obscure.WAYS.items():
        copies = [hide(records[at].text) for at in np.flatnonzero(test)]
        row: dict[str, Any] = {"way": name}
        for key, judge, normalise in (("normalised", detector, True), ("as_written", without, False)):
            if judge is not None:
                flagged = _flagged(judge, features.places(copies, texts.places.bits, normalise=normalise))
                row[key] = {
                    "recall": measure.share(flagged[harmful]),
                    "false_positives": measure.share(flagged[~harmful]),
                }
        found.append(row)
    return found


def _flagged(detector: Detector, places: features.Places) -> Marks:
    logits = [
        places.best(detector.weights[:, at].astype(np.float32) * np.float32(head.step)) + head.intercept
        for at, head in enumerate(detector.heads)
    ]
    return Detector(detector.heads, detector.weights, np.stack(logits, axis=1)).flagged
