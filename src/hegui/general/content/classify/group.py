"""Groups of texts that are nearly the same, so that copies never stand on both sides of a split.

Texts are compared by runs of four characters of what features keep (so that marks, spaces and hidden
characters change nothing): MinHash with bands finds pairs worth comparing, their signatures decide, and
pairs are joined into groups. Sixteen bands of four find a pair of likeness 0.7 with a chance of 0.988.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify import features

LIKENESS = 0.6
"""Share of equal signature entries, an estimate of the share of runs in common, from which texts are one group."""
_RUN = 4
_ENTRIES = 64
_BANDS = 16
_LEADERS = 16
_ROLL = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def _shingles(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes of all runs, and where each text's begin; a text shorter than a run is one shingle."""
    found, starts, at = [], [], 0
    for text in texts:
        units = features.codes(text)[1 : -features.ORDERS].astype(np.uint64)
        size = max(len(units) - _RUN + 1, 1)
        hashed = np.zeros(size, np.uint64)
        for place in range(min(_RUN, len(units))):
            hashed = hashed * _ROLL + units[place : place + size]
        starts.append(at)
        found.append(hashed)
        at += size
    mixed = np.concatenate(found)
    mixed ^= mixed >> _SHIFT
    return mixed * _ROLL, np.array(starts, np.int64)


def signatures(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return a row of 64 numbers for each text; the share of equal ones estimates the share of common runs."""
    shingles, starts = _shingles(texts)
    drawn = np.random.default_rng(45654)
    factors = drawn.integers(1, 1 << 63, _ENTRIES, dtype=np.uint64) | np.uint64(1)
    moves = drawn.integers(0, 1 << 63, _ENTRIES, dtype=np.uint64)
    found = np.empty((len(texts), _ENTRIES), np.uint32)
    for entry in range(_ENTRIES):
        hashed = ((shingles * factors[entry] + moves[entry]) >> np.uint64(32)).astype(np.uint32)
        found[:, entry] = np.minimum.reduceat(hashed, starts)
    return found


def _root(parents: list[int], item: int) -> int:
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item


def groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return for each text the number of the first text of its group."""
    if not texts:
        return np.zeros(0, np.int64)
    signed = signatures(texts)
    parents = list(range(len(texts)))
    width = _ENTRIES // _BANDS
    for band in range(_BANDS):
        part = np.ascontiguousarray(signed[:, band * width : (band + 1) * width]).view(f"V{4 * width}").ravel()
        _, which = np.unique(part, return_inverse=True)
        order = np.argsort(which, kind="stable")
        edges = np.flatnonzero(np.diff(which[order], prepend=-1))
        for members in np.split(order, edges[1:]):
            if len(members) > 1:
                _join(signed, members.tolist(), parents)
    return np.array([_root(parents, item) for item in range(len(texts))], np.int64)


def _join(signed: NDArray[np.uint32], members: list[int], parents: list[int]) -> None:
    """Join each member with the leaders it is like; who is like none becomes a leader, of which there are few."""
    leaders: list[int] = []
    for member in members:
        root = _root(parents, member)
        for leader in leaders:
            other = _root(parents, leader)
            if other == root:
                break
            if float((signed[member] == signed[leader]).mean()) >= LIKENESS:
                low, high = sorted((root, other))
                parents[high] = low
                break
        else:
            if len(leaders) < _LEADERS:
                leaders.append(member)
