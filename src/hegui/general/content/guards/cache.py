"""Verdicts that are at hand: least recently used go first, bounded by entries, bytes and age; no text is kept."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from hegui.general.content.guards.results import Judgement

_ENTRY_BYTES = 600
_FINDING_BYTES = 200
"""What an entry takes, keys and tables included: 577 bytes with scores, 928 with three findings (tracemalloc, CPython 3.11)."""


class Cache:
    """Judgements by the keyed SHA-256 of what was asked.

    The key is random and lives as long as the process, so that nobody who reads memory or a dump can
    try texts against the hashes elsewhere. Only judgements are kept, never failures.
    """

    def __init__(self, entries: int, size: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._secret = secrets.token_bytes(32)
        self._most, self._size, self._seconds, self._clock = entries, size, seconds, clock
        self._kept: OrderedDict[bytes, tuple[float, int, Judgement]] = OrderedDict()
        self.bytes = self.hits = self.misses = self.evicted = 0

    def key(self, *parts: bytes) -> bytes:
        """Return the key of what is asked; parts of other lengths never give the same."""
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self._secret, framed, "sha256")

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Judgement | None:
        """Return the judgement under a key, if it is there and not too old."""
        found = self._kept.get(key)
        if found is None or found[0] <= self._clock():
            if found is not None:
                self._drop(key)
            self.misses += 1
            return None
        self._kept.move_to_end(key)
        self.hits += 1
        return found[2]

    def put(self, key: bytes, judgement: Judgement) -> None:
        """Keep a judgement; what was used longest ago makes room for it."""
        size = _ENTRY_BYTES + _FINDING_BYTES * len(judgement.findings)
        if not self._most or size > self._size:
            return
        if key in self._kept:
            self._drop(key)
        self._kept[key] = (self._clock() + self._seconds, size, judgement)
        self.bytes += size
        while len(self._kept) > self._most or self.bytes > self._size:
            self._drop(next(iter(self._kept)))
            self.evicted += 1

    def _drop(self, key: bytes) -> None:
        self.bytes -= self._kept.pop(key)[1]
