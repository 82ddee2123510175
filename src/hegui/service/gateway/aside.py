"""Work on big texts is done in a thread, so that other requests do not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

BIG = 64 * 1024
"""Bytes of JSON, from which on a thread costs less than the wait of the others."""
BIG_TEXT = BIG // 3
"""The same in characters: a Chinese one has three bytes."""


async def aside(size: int, work: Callable[[], T], most: int = BIG_TEXT) -> T:
    """Return what some work gives: done at once on a text of up to `most` characters, in a thread on a longer one.

    Raises what the work raises. Who is cancelled goes on only once the thread has ended, which may write to what it leaves.
    """
    if size <= most:
        return work()
    return await to_its_end(asyncio.get_running_loop().run_in_executor(None, work))


async def to_its_end(work: Awaitable[T]) -> T:
    """Return what some work gives, which is done to its end even where who waits for it is cancelled."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
