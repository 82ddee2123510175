"""How often the right risk is among the suggestions, by examples a risk; JADE's prompts, beside character n-grams.

python tests/bench/suggest.py            (needs `pip install 'hegui[embedding]'` and ../shared/data)
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from hegui.general.content.classify.labels import Record
from hegui.general.content.classify.suggest import Embedder, SmallE5, Suggester, Vectors
from tests.bench.classify_sets import DATA, jade

MOST, DRAWS, BUCKETS = 500, 3, 1 << 12


class Grams:
    """Counts of one to three characters, hashed: what needs no model at all."""

    name = "character n-grams"

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), BUCKETS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for size in (1, 2, 3):
                for at in range(len(text) - size + 1):
                    row[sum(ord(one) * 31**place for place, one in enumerate(text[at : at + size])) % BUCKETS] += 1
        return np.sqrt(rows) / np.maximum(np.linalg.norm(np.sqrt(rows), axis=1, keepdims=True), np.float32(1e-9))


class Kept:
    """Vectors of texts that are asked for again."""

    def __init__(self, inner: Embedder) -> None:
        self.name, self._inner = inner.name, inner
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._inner.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.empty((0, 1), np.float32)


def trial(embedder: Embedder, records: list[Record], shots: int, seed: int) -> tuple[int, float, float]:
    """Return how many texts were asked, and how often the right risk came first and among the first three."""
    drawn = random.Random(seed)
    by_risk: dict[str, list[Record]] = {}
    for record in records:
        by_risk.setdefault(next(iter(record.risks)), []).append(record)
    learn = [item for found in by_risk.values() if len(found) > shots for item in drawn.sample(found, shots)]
    known = {next(iter(item.risks)) for item in learn}
    rest = [item for item in records if item not in learn and item.risks <= known]
    found = Suggester(embedder, learn).suggest([item.text for item in rest])
    right = [[suggestion.risk in item.risks for suggestion in three] for item, three in zip(rest, found, strict=True)]
    return len(rest), float(np.mean([three[0] for three in right])), float(np.mean([any(three) for three in right]))


def main() -> None:
    records = [item for item in jade(DATA) if len(item.risks) == 1]
    random.Random(1).shuffle(records)
    records = records[:MOST]
    model = SmallE5()
    began = time.perf_counter()
    model.embed([item.text for item in records[:50]])
    print(f"{model.name}: {(time.perf_counter() - began) / 50 * 1000:.0f} ms a prompt\n")
    print("| examples a risk | texts | n-grams first | n-grams in three | model first | model in three |")
    print("|---|---|---|---|---|---|")
    kept = Kept(Grams()), Kept(model)
    for shots in (1, 3, 5, 10):
        cells = []
        for embedder in kept:
            runs = [trial(embedder, records, shots, seed) for seed in range(DRAWS)]
            cells += [f"{np.mean([run[1] for run in runs]):.2f}", f"{np.mean([run[2] for run in runs]):.2f}"]
        print(f"| {shots} | {runs[0][0]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
