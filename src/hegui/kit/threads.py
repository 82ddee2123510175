"""Threads of a room's own: where its work waits, for the database or the disk, nobody else's does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_MOST = 8


class Own:
    """A few threads under a room's name; call it with some work as one calls `asyncio.to_thread`."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(_MOST, name)

    async def __call__(self, work: Callable[P, T], /, *given: P.args, **named: P.kwargs) -> T:
        """Return what some work gives, done in a thread; raise what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*given, **named))

    def close(self) -> None:
        """Begin nothing more; what runs is done to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
