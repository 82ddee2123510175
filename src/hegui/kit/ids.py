"""Identifiers: UUID version 7 (RFC 9562), so that ids sort by the time of the event."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from datetime import UTC, datetime

_POOL_BYTES = 4096
_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The first two bits of that digit are the variant's, the other two are random."""


class _Pool:
    """Bytes from the operating system, fetched many at a time; each is given out once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = b""
        self._at = 0
        self._pid = 0

    def take(self, count: int) -> bytes:
        if count > _POOL_BYTES:
            message = f"at most {_POOL_BYTES} random bytes are given at a time"
            raise ValueError(message)
        with self._lock:
            at = self._at
            if at + count > len(self._bytes) or self._pid != os.getpid():
                self._bytes, at, self._pid = os.urandom(_POOL_BYTES), 0, os.getpid()
            self._at = at + count
            return self._bytes[at : at + count]


_POOL = _Pool()


def random_bytes(count: int) -> bytes:
    """Return fresh random bytes, fit for keys and nonces; raise ValueError for more than 4096."""
    return _POOL.take(count)


def uuid7() -> str:
    """Return a new UUIDv7 in its 36-character text form (48-bit milliseconds, 74 random bits)."""
    at, random = f"{time.time_ns() // 1_000_000:012x}", random_bytes(10).hex()
    return f"{at[:8]}-{at[8:]}-7{random[:3]}-{_VARIANT[random[3]]}{random[4:7]}-{random[7:19]}"


def uuid7_time(value: str) -> datetime:
    """Return the UTC time inside a UUIDv7; raise ValueError for any other text."""
    parsed = uuid.UUID(value)
    if parsed.version != 7:  # noqa: PLR2004 - the UUID version this function reads
        message = "not a UUIDv7"
        raise ValueError(message)
    return datetime.fromtimestamp((parsed.int >> 80) / 1000, UTC)


def is_id(text: str) -> bool:
    """Say whether a text is written as an id is: a UUID of any version in its 36-character form, in small letters."""
    return _TEXT.fullmatch(text) is not None
