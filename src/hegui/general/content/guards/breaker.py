"""The circuit breaker: a service that fails again and again is left alone for a while, then tried with one call."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from hegui.kit.text import Bi


class Circuit(StrEnum):
    """Whether calls go out."""

    CLOSED = "closed"  # 闭合：正常调用
    OPEN = "open"  # 断开：暂不调用
    HALF_OPEN = "half_open"  # 半开：试探一次


CIRCUIT_NAMES: dict[str, Bi] = {
    Circuit.CLOSED: Bi("闭合：正常调用", "closed: calls go out"),
    Circuit.OPEN: Bi("断开：暂不调用", "open: no calls for a while"),
    Circuit.HALF_OPEN: Bi("半开：试探一次", "half open: one call is tried"),
}


class Breaker:
    """Opens after `failures` in a row, lets one call try after `seconds`, closes when that one succeeds.

    Only a service's own failures count (no connection, no answer in time, 401, 403, 404, 429, 5xx). An answer
    that is not understood does not: otherwise a few odd texts could switch the guard off for everybody.
    """

    def __init__(self, failures: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._seconds, self._clock = failures, seconds, clock
        self._opened_at: float | None = None
        self._trying = False
        self.failures = self.opened = self.refused = 0

    @property
    def circuit(self) -> Circuit:
        """Return the state at this moment."""
        if self._opened_at is None:
            return Circuit.CLOSED
        return Circuit.HALF_OPEN if self._clock() - self._opened_at >= self._seconds else Circuit.OPEN

    def allow(self) -> Circuit | None:
        """Return the permit for a call, None when none may go out; each permit goes to one of the three below."""
        circuit = self.circuit
        if circuit is Circuit.CLOSED:
            return circuit
        if circuit is Circuit.HALF_OPEN and not self._trying:
            self._trying = True
            return circuit
        self.refused += 1
        return None

    def succeeded(self, permit: Circuit) -> None:
        """Note that the service answered; what a call from before the failures says does not close the circuit."""
        if permit is Circuit.HALF_OPEN:
            self._opened_at, self._trying = None, False
        if self._opened_at is None:
            self.failures = 0

    def failed(self, permit: Circuit) -> None:
        """Note that the service failed."""
        self.failures += 1
        if permit is Circuit.HALF_OPEN:
            self._trying = False
        elif self._opened_at is not None or self.failures < self._limit:
            return
        self._opened_at = self._clock()
        self.opened += 1

    def withdrawn(self, permit: Circuit) -> None:
        """Note that a call was given up by the one who asked: it tells nothing of the service."""
        if permit is Circuit.HALF_OPEN:
            self._trying = False
