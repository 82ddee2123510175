"""The linear classifier: speed, and figures in and out of distribution, as tables in Markdown.

``python tests/bench/classify.py [--data ../shared/data] [--only speed,matrix,opposing,dilution,training]``

Speed is beside scikit-learn's HashingVectorizer and LogisticRegression where that is installed, and beside a plain
loop in Python that gives the same score, in one run. The rest needs the public sets (see `classify_sets.py`).
"""

from __future__ import annotations

import argparse
import math
import random
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from classify_sets import DATA, load

from hegui.general.content import folding
from hegui.general.content.classify import Labels, Model, Record, measure, slices
from hegui.general.content.classify.labels import merged
from hegui.general.content.classify.training import Options, train

SIZES = (50, 500, 5_000)
PARTS = ("speed", "training", "matrix", "opposing", "dilution")


def labelled(records: list[Record]) -> Labels:
    """Return records as if they had been read from a file."""
    return merged([(str(number), record) for number, record in enumerate(records)], ())


def trained(records: list[Record], **options: object) -> Model:
    """Return a model of the records, without the trials of the report."""
    return Model.unpack(train(labelled(records), Options(trials=False, **options)).model)  # type: ignore[arg-type]


def table(head: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def best(call: Callable[[str], object], texts: list[str]) -> float:
    """Return the microseconds of one call, the best of fifteen rounds over the texts."""
    found = math.inf
    for _ in range(15):
        began = perf_counter()
        for text in texts:
            call(text)
        found = min(found, (perf_counter() - began) / len(texts))
    return found * 1e6


def loop(model: Model) -> Callable[[str], float]:
    """Return a plain Python loop that does the same work for one risk: folded runs, counts, logarithms, norm."""
    weights = [0.1] * (1 << model.header.features.bits)

    def score(text: str) -> float:
        text = "".join(filter(str.isalnum, folding.folded(text)))
        counts = Counter(
            zlib.crc32(text[at : at + order].encode()) & (len(weights) - 1)
            for order in range(1, 5)
            for at in range(len(text) - order + 1)
        )
        values = {bucket: 1 + math.log(count) for bucket, count in counts.items()}
        norm = math.sqrt(sum(value * value for value in values.values())) or 1.0
        return sum(weights[bucket] * value for bucket, value in values.items()) / norm

    return score


def sklearn(texts: list[str], marks: list[bool]) -> Callable[[str], object] | None:
    """Return scikit-learn's scorer with the same n-grams, or None where it is not installed."""
    try:
        from sklearn.feature_extraction.text import HashingVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        return None
    vectors = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=1 << 18, alternate_sign=False)
    fitted = LogisticRegression(C=4, solver="liblinear").fit(vectors.transform(texts), marks)
    return lambda text: fitted.predict_proba(vectors.transform([text]))


def speed(sets: dict[str, list[Record]]) -> None:
    """Print the time of one score for texts of several lengths, of models with one risk and with ten."""
    draw = random.Random(0)
    pool = "".join(record.text for name in sets for record in sets[name][:1500])
    pool = pool or "".join(chr(draw.randint(0x4E00, 0x6E00)) for _ in range(100_000))
    given = sets.get("cold-train", [])[:4000]
    if not given:
        given = [
            Record(f"样例{n}{'合规样例词' * (n % 2)}", frozenset({"A.2.a"} if n % 2 else ()), "s") for n in range(99)
        ]
    one = trained([Record(item.text, frozenset({"A.2.e"} if item.risks else ()), "s") for item in given])
    many = [f"A.{area}.{letter}" for area in (1, 2) for letter in "abcde"]
    ten = trained(
        [Record(item.text, frozenset({many[n % 10]} if item.risks else ()), "s") for n, item in enumerate(given)]
    )
    peers: dict[str, Callable[[str], object]] = {"one risk": one.scores, "ten risks": ten.scores}
    beside = sklearn([item.text for item in given], [bool(item.risks) for item in given])
    if beside is not None:
        peers["scikit-learn, one risk, no folding"] = beside
    peers["plain Python loop, one risk"] = loop(one)
    rows = []
    for name, call in peers.items():
        times = []
        for size in SIZES:
            texts = [
                pool[at : at + size]
                for at in (draw.randrange(len(pool) - size) for _ in range(max(20, 20_000 // size)))
            ]
            times.append(best(call, texts))
        rows.append([name, *(f"{found:,.0f}" for found in times)])
    table(["µs a text", *(f"{size:,} characters" for size in SIZES)], rows)


def timing(sets: dict[str, list[Record]]) -> None:
    """Print how long training with the whole report takes."""
    if "cold-train" not in sets:
        return
    records = [*sets["cold-train"], *sets.get("cold-dev", [])][:30_000]
    records = [Record(item.text, item.risks, item.source) for item in records]
    began, used = perf_counter(), process_time()
    steps: list[str] = []
    outcome = train(
        labelled(records),
        Options(),
        lambda at, of, what: steps.append(f"{at}/{of} {what.en}: {perf_counter() - began:.1f} s"),
    )
    print(
        f"{len(records):,} texts, three risks: {perf_counter() - began:.1f} s, CPU {process_time() - used:.1f} s, {len(outcome.model):,} B\n"
    )
    print("; ".join(steps), "\n")


def any_score(model: Model, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Return the greatest score and whether any threshold is reached, of each text."""
    scores = [model.scores(text) for text in texts]
    top = np.array([max(item.values()) for item in scores])
    over = np.array([any(item[risk] >= limit for risk, limit in model.thresholds.items()) for item in scores])
    return top, over


def mixes(sets: dict[str, list[Record]]) -> dict[str, list[Record]]:
    """Return what models are trained on: one set, and mixtures; prompts need benign prompts beside them."""
    half = {name: sets.get(name, [])[::2] for name in ("safetyqa", "alpaca-prompts", "alpaca-answers")}
    calm = [*half["safetyqa"], *half["alpaca-prompts"], *half["alpaca-answers"]]
    found = {
        "cold": sets.get("cold-train", []),
        "swsr": sets.get("swsr", []),
        "cold + swsr": [*sets.get("cold-train", []), *sets.get("swsr", [])],
    }
    if sets.get("jade-calm"):
        found["jade + its own benign texts"] = [*sets.get("jade", []), *sets["jade-calm"]]
    if sets.get("jade") and calm:
        found["jade + half of the benign sets"] = [*sets["jade"], *calm]
        found["all of them"] = [*found["cold + swsr"], *sets["jade"], *calm]
    return {name: records for name, records in found.items() if records}


def matrix(sets: dict[str, list[Record]]) -> None:
    """Print how models do on sets that they saw and on sets that they did not."""
    # The odd rows of the benign sets are in no mixture.
    held = {
        name: records[1::2] if name in {"safetyqa", "alpaca-prompts", "alpaca-answers"} else records
        for name, records in sets.items()
    }
    for name in ("cold-train", "jade-calm"):
        held.pop(name, None)
    if "jade" in sets:
        held["jade: discrimination"] = [
            item for item in sets["jade"] if any(risk.startswith("A.2") for risk in item.risks)
        ]
    held["opposing, measured half"] = [
        Record(item.text, frozenset(), "") for item in slices.opposing() if not item.learnt
    ]
    rows = []
    for name, records in mixes(sets).items():
        model = trained(records)
        for tested, texts in held.items():
            top, over = any_score(model, [item.text for item in texts])
            harm = np.array([bool(item.risks) for item in texts])
            seen = any(part in name for part in (tested.split("-")[0].split(":")[0],)) or (name == "all of them")
            known = (
                "trained on"
                if seen and tested in {"swsr", "jade", "jade: discrimination"}
                else "same source"
                if tested == "cold-dev" and seen
                else "unseen"
            )
            auc = measure.auc(top, harm)
            rows.append([
                name, tested, known, "–" if auc is None else f"{auc:.3f}",
                f"{over[harm].mean():.1%}" if harm.any() else "–", f"{over[~harm].mean():.2%}" if (~harm).any() else "–",
            ])  # fmt: skip
    table(["trained on", "tested on", "", "AUC", "recall at the 1 % threshold", "false positives"], rows)


def opposing(sets: dict[str, list[Record]]) -> None:
    """Print false positives on texts that oppose discrimination, with and without half of them in training."""
    texts = slices.opposing()
    rows = []
    for name, records in mixes(sets).items():
        if name not in {"cold", "all of them"}:
            continue
        for learnt in (False, True):
            for target in (0.01, 0.05):
                model = trained(records, opposing=learnt, target_fpr=target)
                cells = []
                for half in (False, True):
                    _, over = any_score(model, [item.text for item in texts if item.learnt is half])
                    cells.append(f"{over.mean():.1%}")
                rows.append([name, f"{target:.0%}", "yes" if learnt else "no", *cells])
    table(["trained on", "target", "half learnt", "false positives, measured half", "other half"], rows)


def dilution(sets: dict[str, list[Record]]) -> None:
    """Print recall where a harmful text stands inside a benign one of some hundred characters."""
    if not {"cold-train", "cold-dev", "alpaca-answers"} <= set(sets):
        return
    model, draw = trained(sets["cold-train"]), random.Random(0)
    harm = [item.text for item in sets["cold-dev"] if item.risks][:500]
    calm = [item.text for item in sets["alpaca-answers"] if len(item.text) > 400]
    rows = []
    for around in (0, 100, 400, 1_000, 4_000):
        texts, alone = [], []
        for text in harm:
            padding = ""
            while len(padding) < around:
                padding += draw.choice(calm)
            padding = padding[:around]
            at = draw.randint(0, around)
            texts.append(padding[:at] + text + padding[at:])
            alone.append(padding)
        rows.append(
            [
                f"{around:,}",
                f"{any_score(model, texts)[1].mean():.1%}",
                f"{any_score(model, alone)[1].mean():.1%}" if around else "–",
            ]
        )
    table(["benign characters around", "recall", "flagged without the harmful text"], rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", default=",".join(PARTS))
    chosen = parser.parse_args()
    found = load(chosen.data)
    parts = {"speed": speed, "training": timing, "matrix": matrix, "opposing": opposing, "dilution": dilution}
    for part in chosen.only.split(","):
        print(f"### {part}\n")
        parts[part](found)
