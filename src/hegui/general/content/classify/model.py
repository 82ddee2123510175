"""The model file and what it says about a text: a score for each risk, never an action.

A file is a magic word, a header in JSON, one byte a weight, and a digest of all that. Nothing in it is code;
what is damaged, or made for other features, is refused. A score is triage: it says where to look. What is
done about it is the policy's business, and by default no score blocks alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify import features
from hegui.general.content.policy import UNMAPPED, Lane
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks

LANE = Lane.MODEL
_MAGIC = b"HEGUIHGM"
_FORMAT = 1
_DIGEST = 32
_LARGEST = 128 << 20
_STEPS = 127
_PIECE = 1 << 13
"""Places scored at once: a multiple of the stride."""
_STEEPEST = 700.0
_OWN: Mapping[str, float] = MappingProxyType({})


class ModelError(InputError):
    """A model file can not be used; the message says why."""


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the weights were made for."""

    scheme: int
    orders: int
    bits: int
    unit: int
    stretch: int
    stride: int


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One risk: the size of a weight's step, the intercept, the calibration and the threshold."""

    risk: str
    step: float
    intercept: float
    slope: float
    offset: float
    threshold: float


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of labels that a model was trained on; the digest is of its bytes."""

    name: str
    sha256: str
    rows: int


class Trained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model was trained on and with; `digest` is of the texts and labels, in whatever order they came."""

    digest: str
    files: tuple[File, ...]
    texts: dict[str, int]
    seed: int
    target_fpr: float
    hegui: str
    law: str
    unicode: str
    folding: str


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of a model file but its weights."""

    format: int
    features: Features
    heads: tuple[Head, ...]
    trained: Trained
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A risk whose score reached its threshold; the span is the stretch's, in characters of the original."""

    risk: str
    rule: str
    lane: str
    score: float
    threshold: float
    start: int
    end: int


def _bad(zh: str, en: str) -> ModelError:
    return ModelError(
        Bi(f"模型文件不能用：{zh}", f"the model file can not be used: {en}"),
        Bi(
            "用 hegui content train 重新训练，或换回完好的文件",
            "train it again with hegui content train, or restore it",
        ),
    )


def current_features(bits: int) -> Features:
    """Return the features that this version of hegui makes, for a table of `2 ** bits`."""
    return Features(features.SCHEME, features.ORDERS, bits, features.UNIT, features.STRETCH, features.STRIDE)


def quantise(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], float]:
    """Return weights as whole steps of -127 to 127, and the size of a step."""
    step = float(np.abs(weights).max(initial=0.0)) / _STEPS or 1.0
    return np.rint(weights / step).astype(np.int8), step


def pack(header: Header, weights: NDArray[np.int8]) -> bytes:
    """Return the bytes of a model file; `weights` has a row a bucket and a column a risk."""
    head = canonical(msgspec.to_builtins(header))
    body = _MAGIC + len(head).to_bytes(4, "little") + head + weights.tobytes()
    return body + sha256(body).digest()


def probability(logit: float, head: Head) -> float:
    """Return the calibrated probability of a raw score."""
    shifted = head.slope * (logit + head.intercept) + head.offset
    return 1.0 / (1.0 + math.exp(-max(-_STEEPEST, min(_STEEPEST, shifted))))


class Model:
    """A model ready to score; unchanging, so that threads may share it."""

    def __init__(self, header: Header, weights: NDArray[np.int8], version: str) -> None:
        self.header = header
        self.version = version
        self.risks = tuple(head.risk for head in header.heads)
        self.thresholds = {head.risk: head.threshold for head in header.heads}
        self._bits = header.features.bits
        self._steps = np.array([head.step for head in header.heads])
        # Whole steps are a quarter of the memory, and most of the time goes into reading it here and there. One risk
        # alone is scored by a plain vector, which is quicker than a matrix of one column.
        self._weights = np.ascontiguousarray(weights if len(self.risks) > 1 else weights[:, 0])
        features.warm()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Load a model file; raise ModelError when it is damaged, too large or made for other features."""
        try:
            if path.stat().st_size > _LARGEST:
                raise _bad(f"{path} 超过 {_LARGEST >> 20} MiB", f"{path} is larger than {_LARGEST >> 20} MiB")
            data = path.read_bytes()
        except OSError as error:
            raise _bad(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}") from None
        return cls.unpack(data)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the model in a file's bytes; raise ModelError."""
        at = len(_MAGIC) + 4
        if data[: len(_MAGIC)] != _MAGIC or len(data) < at + _DIGEST:
            raise _bad("不是 hegui 的模型", "it is no model of hegui")
        body, digest = data[:-_DIGEST], data[-_DIGEST:]
        if sha256(body).digest() != digest:
            raise _bad("内容已损坏或不完整", "it is damaged or not whole")
        size = int.from_bytes(data[len(_MAGIC) : at], "little")
        try:
            header = msgspec.json.decode(body[at : at + size], type=Header)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _bad(f"文件头有误（{error}）", f"its header is wrong ({error})") from None
        _check(header)
        shape = (1 << header.features.bits, len(header.heads))
        if len(body) - at - size != shape[0] * shape[1]:
            raise _bad("权重数量不符", "it has another number of weights than it says")
        weights = np.frombuffer(body, np.int8, offset=at + size).reshape(shape)
        return cls(header, weights, digest.hex()[:16])

    @property
    def folded_otherwise(self) -> bool:
        """Say whether folding has changed since training: scores may differ, so train again."""
        return self.header.trained.folding != features.folding_print()

    def stretches(self, text: str) -> NDArray[np.float64]:
        """Return the raw score of each stretch of a text, a row a stretch and a column a risk."""
        whole = features.codes(text)
        if features.places_of(whole) <= _PIECE:
            return self._scored(whole)
        # A long text is scored piece by piece; pieces overlap so that the stretches are those of the whole.
        size, parts = features.places_of(whole), []
        for begin in range(0, size, _PIECE):
            end = min(begin + _PIECE + features.STRETCH - features.STRIDE, size)
            # A last piece shorter than a stretch begins earlier: the last stretch is whole too.
            parts.append(self._scored(whole[min(begin, size - features.STRETCH) : end + features.ORDERS - 1]))
            if end == size:
                break
        return np.concatenate(parts)

    def _scored(self, whole: features.Codes) -> NDArray[np.float64]:
        sums = features.sums(whole, self._weights, self._bits)
        size = len(sums) - 1
        if size <= features.STRETCH:
            total: NDArray[np.float64] = sums[-1:] * self._steps
            return total / math.sqrt(features.ORDERS * size)
        found: NDArray[np.float64] = features.stretch_scores(sums) * self._steps
        return found

    def scores(self, text: str) -> dict[str, float]:
        """Return the calibrated score of each risk, from 0 to 1.

        A text longer than a stretch gets the greatest score of its stretches: none is skipped.
        """
        best = self.stretches(text).max(axis=0).tolist()
        return {head.risk: probability(logit, head) for head, logit in zip(self.header.heads, best, strict=True)}

    def findings(self, text: str, least: Mapping[str, float] = _OWN) -> list[Finding]:
        """Return the risks whose score reaches their threshold, with the stretch of the original that scored most.

        `least` are thresholds, 0 to 1, instead of the model's own.
        """
        limits = {**self.thresholds, **least}
        over = {risk: score for risk, score in self.scores(text).items() if score >= limits[risk]}
        return [
            Finding(risk, f"{LANE}:{self.version}", LANE, score, limits[risk], *self._span(text, risk))
            for risk, score in over.items()
        ]

    def _span(self, text: str, risk: str) -> tuple[int, int]:
        scores = self.stretches(text)[:, self.risks.index(risk)]
        if len(scores) == 1:
            return 0, len(text)
        # Place 0 is the sign for the start, and the last one that for the end.
        origins = features.origins(text)
        start = int(features.stretches(len(origins) + 2)[int(scores.argmax())])
        last = start + features.STRETCH - 2
        return origins[max(start - 1, 0)], origins[last] + 1 if last < len(origins) else len(text)


def _check(header: Header) -> None:
    if header.format != _FORMAT:
        raise _bad(f"格式 {header.format} 未知", f"its format {header.format} is unknown")
    bits = header.features.bits
    if bits not in features.BITS or header.features != current_features(bits):
        raise _bad("它的特征参数与本版本不同", "its features are of other parameters than this version's")
    named = [head.risk for head in header.heads]
    if not named or len(set(named)) != len(named) or set(named) - {*risks().ids, UNMAPPED}:
        raise _bad(f"风险有误：{named}", f"its risks are wrong: {named}")
    for head in header.heads:
        numbers: Mapping[str, Any] = msgspec.to_builtins(head)
        if not all(math.isfinite(value) for key, value in numbers.items() if key != "risk"):
            raise _bad(f"{head.risk} 的数不是有限数", f"a number of {head.risk} is not finite")
