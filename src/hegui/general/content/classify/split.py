"""Which texts are learnt, which set the thresholds, and which are kept for measuring.

A group of near-duplicates goes to one part as a whole. Where a group goes depends on its own text, its label
and the seed, so a set that grows keeps most of its split.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from hegui.general.content.classify.group import groups
from hegui.general.content.classify.labels import Record

LEARN, TUNE, TEST = range(3)
SHARES = (0.70, 0.15, 0.15)


def order(text: str, seed: int) -> bytes:
    """Return a key that puts texts in an order that only the seed decides."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=f"hegui {seed}".encode()).digest()


def split(records: list[Record], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the part and the group of each record; each label is divided by the shares as well as groups allow."""
    grouped = groups([record.text for record in records])
    sizes = np.bincount(grouped, minlength=len(records))
    strata: dict[tuple[str, ...], list[int]] = {}
    for first in np.flatnonzero(sizes).tolist():
        strata.setdefault(tuple(sorted(records[first].risks)), []).append(first)
    part_of = np.zeros(len(records), np.int64)
    edges = np.cumsum(SHARES)[:-1]
    for firsts in strata.values():
        firsts.sort(key=lambda first: order(records[first].text, seed))
        counts = sizes[firsts]
        middles = (np.cumsum(counts) - counts / 2) / counts.sum()
        part_of[firsts] = np.searchsorted(edges, middles)
    return part_of[grouped], grouped
