"""Features of a text: hashed runs of one to four characters, the same for one text and for many.

A text is folded (see `hegui.general.content.folding`), then everything that is neither letter nor number is
dropped, and so are repeats of a character past the second: spaces, marks and pictures put between characters,
and characters drawn out, change nothing. What is left stands between a sign for its start and one for its end.
Each place begins four runs. A stretch of places is the sum of its runs, divided by the root of their number;
because that is a sum, every stretch of a long text is scored in one pass, so a bad sentence is not diluted by
the good ones around it. (Logarithms of counts and a true norm gave the same quality and forbid that pass.)

`SCHEME` is written into every model file; change it with anything here that changes a feature.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from hegui.general.content import folding, kernel

SCHEME = 1
ORDERS = 4
"""Longest run of characters that is a feature."""
BITS = range(18, 21)
"""Sizes of the table that a model may have, as powers of two."""
UNIT = 512
"""Most places that are learnt as one example; a longer text is several."""
STRETCH = 128
"""Places of a stretch that is scored by itself; a shorter text is one stretch."""
STRIDE = 32
"""How far the next stretch is moved."""

_BLOCK = 1 << 16
_START, _END = np.array([2], np.uint32), np.array([3] * ORDERS, np.uint32)
_SPREAD, _ROLL, _FINISH = np.uint32(0x9E3779B1), np.uint32(0x01000193), np.uint32(0x85EBCA6B)
_SHIFT = np.uint32(15)
_HASHING = (int(_SPREAD), int(_ROLL), int(_FINISH), int(_SHIFT))
_PLANES = 0x20000
_BMP = 0x10000
_SLOW = 1
_HALVES = slice(0xD800, 0xE000)
"""Halves of characters beyond the basic plane."""
_AT_ONCE = 2_000

Codes = NDArray[np.uint32]


@cache
def _kept() -> NDArray[np.bool_]:
    """Return which code points are letters, numbers or spacing marks; the last entry stands for all higher ones."""
    table = np.zeros(_PLANES + 1, np.bool_)
    for code in range(_PLANES):
        category = unicodedata.category(chr(code))
        table[code] = category[0] in "LN" or category == "Mc"
    table[_PLANES] = True
    return table


@cache
def _wanted() -> NDArray[np.bool_]:
    """Return which code points fold to anything that is kept: the rest is dropped before folding, which is quicker."""
    table = _kept().copy()
    for code in np.flatnonzero(~table[:_PLANES]).tolist():
        if unicodedata.category(chr(code)) not in {"Cn", "Co", "Cs"}:
            table[code] = _kept().take(_units(folding.folded(chr(code))), mode="clip").any()
    return table


@cache
def _at_once() -> NDArray[np.uint16]:
    """Return what each unit of two bytes gives: a code point that counts, 0 for none, `_SLOW` for what needs a closer look."""
    table = folding.plane().copy()
    several = table == folding.SEVERAL
    table[~_kept().take(table)] = 0
    table[several] = _SLOW
    table[~_wanted()[:_BMP]] = 0
    table[_HALVES] = _SLOW
    return table


def warm() -> None:
    """Build the tables now, so that the first text does not wait."""
    folding.warm()
    _wanted()
    _at_once()


@cache
def folding_print() -> str:
    """Return a short digest of what folding does to the basic plane: texts must be folded as in training."""
    plane = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x10000))))
    return sha256(folding.folded(plane).encode()).hexdigest()[:16]


def codes(text: str, *, normalise: bool = True) -> Codes:
    """Return the code points that count, with the signs for start and end; memory stays near four bytes each."""
    if len(text) <= _BLOCK:
        kept = _kept_of(text) if normalise else _units(text)
    else:
        pieces = (text[at : at + _BLOCK] for at in range(0, len(text), _BLOCK))
        kept = np.concatenate([_kept_of(piece) if normalise else _units(piece) for piece in pieces])
    if normalise:
        again = kept[1:] == kept[:-1]
        third = again[1:] & again[:-1]
        if third.any():
            kept = kept[np.append([True, True], ~third)]
    return np.concatenate([_START, kept, _END])


def _units(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _kept_of(text: str) -> Codes:
    kept = _at_once().take(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16))
    if np.count_nonzero(kept == _SLOW):
        return _looked_up(text)
    return kept.compress(kept).astype(np.uint32)


def _looked_up(text: str) -> Codes:
    """Return the code points that count in any text, step by step."""
    units = _units(text)
    wanted = _wanted().take(units, mode="clip")
    if not wanted.all():
        text = units[wanted].tobytes().decode("utf-32-le", "surrogatepass")
    units = _units(folding.folded(text))
    return units[_kept().take(units, mode="clip")]


def places_of(whole: Codes) -> int:
    """Return how many places code points have: each begins a run of every length."""
    return len(whole) - ORDERS + 1


def buckets(whole: Codes, bits: int) -> Codes:
    """Return the buckets of the runs that begin at each place, a row for each length of run."""
    size = places_of(whole)
    single = whole * _SPREAD
    out = np.empty((ORDERS, size), np.uint32)
    out[0] = single[:size]
    for order in range(1, ORDERS):
        np.multiply(out[order - 1], _ROLL, out=out[order])
        out[order] += single[order : order + size]
    return _finish(out, bits)


def _finish(raw: Codes, bits: int) -> Codes:
    raw ^= raw >> _SHIFT
    raw *= _FINISH
    raw >>= np.uint32(32 - bits)
    return raw


def sums(whole: Codes, weights: NDArray[np.int8], bits: int) -> NDArray[np.int64]:
    """Return running sums of the weights of each place's runs, from zero on, a column a risk; `weights` has a row a bucket."""
    if kernel.sums is None:
        return sums_in_python(whole, weights, bits)
    found = kernel.sums(whole, weights, bits, ORDERS, *_HASHING)
    return np.frombuffer(found, np.int64).reshape(places_of(whole) + 1, -1)


def sums_in_python(whole: Codes, weights: NDArray[np.int8], bits: int) -> NDArray[np.int64]:
    """Return the same without the kernel."""
    each = weights.take(buckets(whole, bits), axis=0).sum(axis=0, dtype=np.int64).reshape(places_of(whole), -1)
    found = np.zeros((len(each) + 1, each.shape[1]), np.int64)
    each.cumsum(axis=0, out=found[1:])
    return found


@lru_cache(maxsize=1024)
def stretches(size: int) -> NDArray[np.int64]:
    """Return where the stretches of so many places begin; the last one ends where the places end."""
    if size <= STRETCH:
        return np.zeros(1, np.int64)
    found = np.append(np.arange(0, size - STRETCH, STRIDE), size - STRETCH)
    found.setflags(write=False)
    return found


@dataclass(frozen=True)
class Rows:
    """Many examples as a sparse matrix by rows; `owner` says which text each row belongs to."""

    starts: NDArray[np.int64]
    columns: NDArray[np.uint32]
    values: NDArray[np.float32]
    owner: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, texts: NDArray[np.bool_]) -> Rows:
        """Return the rows of the texts that are marked; owners keep their numbers."""
        chosen = texts[self.owner]
        lengths = np.diff(self.starts)
        cells = np.repeat(chosen, lengths)
        starts = np.concatenate([[0], np.cumsum(lengths[chosen])]).astype(np.int64)
        return Rows(starts, self.columns[cells], self.values[cells], self.owner[chosen])


@dataclass(frozen=True)
class Places:
    """The buckets of every place of many texts, for scoring; `starts` says where each text's places begin."""

    buckets: Codes
    starts: NDArray[np.int64]
    bits: int

    @cached_property
    def _stretches(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Return where all stretches begin and end, their scales, and the number of each text's first one."""
        sizes = np.diff(self.starts)
        inside = [stretches(size) for size in sizes.tolist()]
        counts = np.array([len(one) for one in inside], np.int64)
        begins = np.concatenate(inside) + np.repeat(self.starts[:-1], counts)
        widths = np.repeat(np.minimum(sizes, STRETCH), counts)
        firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        return begins, begins + widths, 1 / np.sqrt(ORDERS * widths), firsts

    def best(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return for each text the greatest score of its stretches under a weight a bucket."""
        begins, ends, scales, firsts = self._stretches
        each = weights.take(self.buckets[0])
        for order in range(1, ORDERS):
            each += weights.take(self.buckets[order])
        sums = np.zeros(len(each) + 1)
        each.cumsum(dtype=np.float64, out=sums[1:])
        found: NDArray[np.float64] = np.maximum.reduceat((sums[ends] - sums[begins]) * scales, firsts)
        return found


def stretch_scores(sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the score of each stretch from running sums over places, the first of which is zero or any base."""
    size = len(sums) - 1
    width = min(size, STRETCH)
    begins = stretches(size)
    found: NDArray[np.float64] = (sums[width:].take(begins, axis=0) - sums.take(begins, axis=0)) / math.sqrt(
        ORDERS * width
    )
    return found


def places(texts: Sequence[str], bits: int, *, normalise: bool = True) -> Places:
    """Return the places of many texts."""
    made = [buckets(codes(text, normalise=normalise), bits) for text in texts]
    starts = np.cumsum([0, *(one.shape[1] for one in made)])
    joined = np.concatenate(made, axis=1) if made else np.zeros((ORDERS, 0), np.uint32)
    return Places(joined, starts, bits)


def rows(found: Places) -> Rows:
    """Return the examples of many texts: their units, with runs counted and divided by the root of their number."""
    units = [
        (number, begin, min(begin + UNIT, end))
        for number, (first, end) in enumerate(itertools.pairwise(found.starts.tolist()))
        for begin in range(first, end, UNIT)
    ]
    parts = [_rows(found, units[at : at + _AT_ONCE]) for at in range(0, len(units), _AT_ONCE)]
    offsets = np.cumsum([0, *(len(part.columns) for part in parts)])
    starts = [part.starts[:-1] + offset for part, offset in zip(parts, offsets, strict=False)]
    return Rows(
        np.concatenate([*starts, offsets[-1:]]).astype(np.int64),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.owner for part in parts]),
    )


def _rows(found: Places, units: list[tuple[int, int, int]]) -> Rows:
    owner, begins, ends = (np.array(column, np.int64) for column in zip(*units, strict=True))
    sizes = ends - begins
    row = np.repeat(np.arange(len(units), dtype=np.uint64), sizes) << np.uint64(found.bits)
    # Units follow one another without gaps.
    keys = np.sort((found.buckets[:, begins[0] : ends[-1]] | row).ravel())
    lasts = np.append(np.flatnonzero(keys[1:] != keys[:-1]), len(keys) - 1)
    unique = keys[lasts]
    starts = np.searchsorted(unique >> np.uint64(found.bits), np.arange(len(units) + 1, dtype=np.uint64))
    values = np.diff(lasts, prepend=-1) / np.repeat(np.sqrt(ORDERS * sizes), np.diff(starts))
    columns = (unique & np.uint64((1 << found.bits) - 1)).astype(np.uint32)
    return Rows(starts.astype(np.int64), columns, values.astype(np.float32), owner)


def origins(text: str) -> list[int]:
    """Return the index in the original of each code point of `codes`, without the signs for start and end."""
    fold = folding.fold(text)
    units = _units(fold.text)
    kept = np.flatnonzero(_kept().take(units, mode="clip"))
    same = units[kept]
    if len(same) > 2:  # noqa: PLR2004 - repeats past the second are dropped
        again = same[1:] == same[:-1]
        kept = kept[np.append([True, True], ~(again[1:] & again[:-1]))]
    return [fold.origin(int(at)) for at in kept]
