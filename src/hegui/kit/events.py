"""Frozen past-tense events by which rooms speak, inside the transaction of the speaker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")


class Bus:
    """Which listeners hear which event; wired once, in the composition root."""

    def __init__(self) -> None:
        self._listeners: dict[type, list[Callable[[Any, Any], None]]] = defaultdict(list)

    def on(self, event: type[E], listener: Callable[[Any, E], None]) -> None:
        """Register a listener `(session, event)`; it runs in the speaker's transaction."""
        self._listeners[event].append(listener)

    def tell(self, session: object, event: object) -> None:
        """Tell every listener of the event's type, in the order of registration."""
        for listener in self._listeners[type(event)]:
            listener(session, event)
