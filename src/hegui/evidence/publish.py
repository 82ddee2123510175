"""Checkpoints outside the database: a file here, a file elsewhere, a webhook, so that others keep them."""

from __future__ import annotations

import logging
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from hegui.kit.errors import StoreError
from hegui.kit.files import write_atomic
from hegui.kit.text import Bi

_EVERY_SECONDS = 60.0
_RETRY_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0
_MOST_WAITING = 1440
"""A day of checkpoints at one a minute; older ones stay in the data directory's history."""

_LOG = logging.getLogger(__name__)


def published_path(data: Path) -> Path:
    """Return where the last published checkpoint of a data directory lies."""
    return data / "ledger" / "checkpoint"


def _size(note: str) -> int:
    return int(note.split("\n", 2)[1])


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the POST into a GET and lose the checkpoint: it counts as a failure."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - the library's own arguments
        """Follow nothing."""


_OPENER = urllib.request.build_opener(_Stay)


def to_file(path: str, note: str) -> None:
    """Append a checkpoint to a file; raise OSError."""
    with Path(path).open("a", encoding="utf-8") as outside:
        outside.write(note + "\n")


def to_webhook(url: str, note: str) -> None:
    """POST a checkpoint as text; raise OSError, HTTPException or ValueError unless the answer is 2xx."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("not an http(s) URL")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
        url, note.encode(), {"Content-Type": "text/plain; charset=utf-8"}
    )
    with _OPENER.open(request, timeout=_TIMEOUT_SECONDS):
        pass


@dataclass
class Outside:
    """One place elsewhere. Its own thread brings it every checkpoint in order and tries again until it has it.

    So a place that is slow or down holds up neither the sealing nor the other place.
    """

    name: str
    send: Callable[[str, str], None]
    retry: float = _RETRY_SECONDS
    failure: str = field(default="", init=False)
    _waiting: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_WAITING), init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)

    def offer(self, note: str) -> None:
        """Queue a checkpoint; return at once."""
        with self._changed:
            self._waiting.append(note)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"outside {self.name}", daemon=True)
                self._thread.start()

    def drained(self, seconds: float) -> bool:
        """Wait until nothing is queued; return whether that came about in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def end(self) -> None:
        """End the thread; what is still queued stays in the data directory's history."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                note = self._waiting[0]
            try:
                self.send(self.name, note)
            except (OSError, HTTPException, ValueError) as error:
                self.failure = f"{self.name}: {getattr(error, 'strerror', None) or error}"
                with self._changed:
                    self._changed.wait_for(lambda: self._ended, self.retry)
                continue
            self.failure = ""
            with self._changed:
                if self._waiting and self._waiting[0] is note:
                    self._waiting.popleft()
                self._changed.notify_all()


@dataclass
class Publisher:
    """Writes each checkpoint to the data directory; once a minute to history, file and webhook."""

    data: Path
    file: str = ""
    webhook: str = ""
    every: float = _EVERY_SECONDS
    retry: float = _RETRY_SECONDS
    _last: float | None = field(default=None, init=False)
    _outside: tuple[Outside, ...] = field(default=(), init=False)
    _held: str = field(default="", init=False)

    def __post_init__(self) -> None:
        places = ((self.file, to_file), (self.webhook, to_webhook))
        self._outside = tuple(Outside(name, send, self.retry) for name, send in places if name)

    @property
    def failure(self) -> str:
        """Return which places can not be reached, and why; empty when all can."""
        return "; ".join(place.failure for place in self._outside if place.failure)

    def publish(self, note: str) -> None:
        """Publish a checkpoint; an older one than the last is left out.

        Raises StoreError when the data directory can not be written. A place elsewhere that can
        not be reached is told in `failure` and tried again.
        """
        target = published_path(self.data)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and _size(target.read_text("utf-8")) > _size(note):
                return
            write_atomic(target, note.encode())
            self._held = note
            if self._last is None or time.monotonic() - self._last >= self.every:
                self._spread()
        except OSError as error:
            raise StoreError(
                Bi(f"检查点无法写入 {target}：{error.strerror}", f"can not write {target}: {error.strerror}"),
                Bi(
                    "腾出磁盘空间；记录已封存，下次封存时会再发布",
                    "free disk space; sealed records are safe, and it is tried again at the next seal",
                ),
            ) from error

    def _spread(self) -> None:
        for place in self._outside:
            place.offer(self._held)
        with (published_path(self.data).parent / "history").open("a", encoding="utf-8") as history:
            history.write(self._held + "\n")
        self._last, self._held = time.monotonic(), ""

    def drained(self, seconds: float) -> bool:
        """Wait until every place has all that it was sent; return whether that came about in time."""
        found = [place.drained(seconds) for place in self._outside]
        return all(found)

    def close(self, seconds: float = _TIMEOUT_SECONDS) -> bool:
        """Send out the newest checkpoint too, wait a while, and end; return whether every place has all."""
        if self._held:
            try:
                self._spread()
            except OSError:
                _LOG.exception("the newest checkpoint could not be added to the history; it is in the ledger's folder")
        done = self.drained(seconds)
        for place in self._outside:
            place.end()
        return done
