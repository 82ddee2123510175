"""Training: from labelled texts to a model file and an honest report, in a minute for 30,000 texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from hegui import __version__
from hegui.general.content.classify import features, measure, slices, split, trials
from hegui.general.content.classify.detector import Detector, Marks, Texts, build
from hegui.general.content.classify.labels import Labels, LabelsError, Record
from hegui.general.content.classify.model import Header, Trained, current_features, pack
from hegui.kit.text import Bi
from hegui.law.register import law_version

FEWEST = 10
"""Fewest texts of a risk, and of benign ones, that anything is learnt from."""
ENOUGH = 5
"""Benign texts that should reach a threshold while it is set; with fewer it is a guess."""
OPPOSING_WEIGHT = 10.0
"""How many plain texts one text that opposes discrimination weighs in training."""
BENIGN = "benign"
_SHOWN = 20

Progress = Callable[[int, int, Bi], None]
STEPS = (
    Bi("近似重复分组、划分", "grouping near-duplicates, splitting"),
    Bi("计算特征", "making features"),
    Bi("拟合、校准、定阈值", "fitting, calibrating, setting thresholds"),
    Bi("学习曲线", "learning curve"),
    Bi("逐一留出来源", "holding out each source"),
    Bi("遮掩写法", "hidden words"),
    Bi("写出", "writing"),
)


@dataclass(frozen=True)
class Options:
    """How to train; the same labels and options give the same bytes on the same machine."""

    seed: int = 0
    target_fpr: float = 0.01
    bits: int = 18
    opposing: bool = True
    trials: bool = True


@dataclass(frozen=True)
class Outcome:
    """A model file's bytes, its version, and the report that is in it too."""

    model: bytes
    version: str
    report: dict[str, Any]


def _quiet(done: int, total: int, what: Bi) -> None:
    """Say nothing."""


def _usable(labels: Labels) -> tuple[list[Record], tuple[str, ...], dict[str, int]]:
    """Return the records, the risks with enough of them, and what is left out for being too few."""
    counts = Counter(risk for record in labels.records for risk in record.risks)
    enough = tuple(sorted(risk for risk, count in counts.items() if count >= FEWEST))
    few = {risk: count for risk, count in sorted(counts.items()) if count < FEWEST}
    benign = sum(not record.risks for record in labels.records)
    if not enough or benign < FEWEST:
        raise LabelsError(
            Bi(
                f"标注太少：良性 {benign} 条，各风险 {dict(counts)}（同文只计一次）",
                f"too few labels: {benign} benign, by risk {dict(counts)} (equal texts count once)",
            ),
            Bi(f"良性与至少一种风险各要 {FEWEST} 条", f"give at least {FEWEST} benign texts and {FEWEST} of one risk"),
        )
    kept = [record for record in labels.records if not record.risks or record.risks & set(enough)]
    return kept, enough, few


def train(labels: Labels, options: Options, progress: Progress = _quiet) -> Outcome:
    """Train on labels; raise LabelsError when they are too few."""
    step = iter(range(1, len(STEPS) + 1))

    def begin() -> None:
        number = next(step)
        progress(number, len(STEPS), STEPS[number - 1])

    records, named, few = _usable(labels)
    begin()
    part_of, grouped = split.split(records, options.seed)
    own = len(records)
    shipped = slices.opposing()
    everything = [*records, *(Record(item.text, frozenset(), slices.SOURCE) for item in shipped)]
    begin()
    truth = np.array([[risk in record.risks for risk in named] for record in everything], np.bool_)
    sources = np.array([record.source for record in everything])
    weight = np.ones(len(everything))
    weight[own:] = OPPOSING_WEIGHT
    places = features.places([record.text for record in everything], options.bits)
    texts = Texts(places, features.rows(places), named, truth, weight, sources)
    parts = _parts(part_of, own, [item.learnt and options.opposing for item in shipped])
    begin()
    detector = build(texts, parts["learn"], parts["tune"], options.target_fpr)
    if detector is None:
        raise AssertionError("every risk has texts to learn")
    report = _report(labels, records, few, options)
    report["split"] = {
        name: {BENIGN: int((parts[name] & parts["own"] & texts.benign).sum())}
        | {risk: int((parts[name] & truth[:, at]).sum()) for at, risk in enumerate(named)}
        for name in ("learn", "tune", "test")
    }
    calm = int((parts["tune"] & texts.benign).sum())
    report["threshold"] = {"benign": calm, "enough": calm * options.target_fpr >= ENOUGH}
    report["groups"] = {"groups": len(np.unique(grouped)), "largest": int(np.bincount(grouped).max())}
    report["test"] = _tested(texts, detector, parts)
    report["opposing"] = _opposing(detector, own, options)
    if options.trials:
        trial = trials.Trial(everything, texts, detector, **parts, target=options.target_fpr, seed=options.seed)
        begin()
        report["learning_curve"] = trials.learning_curve(trial)
        begin()
        report["sources"] = trials.held_out_sources(trial)
        begin()
        report["hidden"] = trials.hidden_words(trial)
    model = _packed(labels, detector, report, options)
    version = sha256(model[:-32]).hexdigest()[:16]
    progress(len(STEPS), len(STEPS), STEPS[-1])
    return Outcome(model, version, report)


def _parts(part_of: np.ndarray[Any, np.dtype[np.int64]], own: int, learnt: list[bool]) -> dict[str, Marks]:
    whole = np.concatenate([part_of, np.full(len(learnt), -1)])
    parts = {
        name: whole == number for name, number in (("learn", split.LEARN), ("tune", split.TUNE), ("test", split.TEST))
    }
    parts["learn"][own:] = learnt
    parts["own"] = np.arange(len(whole)) < own
    return parts


def _report(labels: Labels, records: list[Record], few: dict[str, int], options: Options) -> dict[str, Any]:
    return {
        "texts": len(records),
        "copies_joined": labels.copies,
        "conflicts": {"count": len(labels.conflicts), "rows": labels.conflicts[:_SHOWN]},
        "left_out": few,
        "target_fpr": options.target_fpr,
        "seed": options.seed,
    }


def _tested(texts: Texts, detector: Detector, parts: dict[str, Marks]) -> dict[str, Any]:
    """Return what the kept texts say: of any risk together, and of each risk against the benign ones."""
    test, benign = parts["test"], texts.benign
    flags, scores = detector.flags, detector.probabilities
    found: dict[str, Any] = {
        "any": {
            "auc": measure.auc(scores.max(axis=1)[test], ~benign[test]),
            "recall": measure.share(detector.flagged[test & ~benign]),
            "false_positives": measure.share(detector.flagged[test & benign]),
        }
    }
    for at, head in enumerate(detector.heads):
        positive = texts.truth[:, texts.risks.index(head.risk)]
        beside = test & (positive | benign)
        found[head.risk] = {
            "auc": measure.auc(scores[beside, at], positive[beside]),
            "recall": measure.share(flags[test & positive, at]),
            "false_positives": measure.share(flags[test & benign, at]),
            "threshold": round(head.threshold, 6),
            "calibration_error": measure.calibration_error(scores[test, at], positive[test]),
        }
    return found


def _opposing(detector: Detector, own: int, options: Options) -> dict[str, Any]:
    flagged = detector.flagged[own:]
    learnt = np.array([item.learnt for item in slices.opposing()])
    return {
        "learnt_half_in_training": options.opposing,
        "learnt_half": measure.share(flagged[learnt]),
        "measured_half": measure.share(flagged[~learnt]),
    }


def _packed(labels: Labels, detector: Detector, report: dict[str, Any], options: Options) -> bytes:
    counts = Counter(risk for record in labels.records for risk in record.risks or {BENIGN})
    trained = Trained(
        digest=labels.digest, files=labels.files, texts=dict(sorted(counts.items())), seed=options.seed,
        target_fpr=options.target_fpr, hegui=__version__, law=law_version(), unicode=unicodedata.unidata_version,
        folding=features.folding_print(),
    )  # fmt: skip
    return pack(Header(1, current_features(options.bits), detector.heads, trained, report), detector.weights)
