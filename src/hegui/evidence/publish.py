"""Checkpoints outside the database: a file here, a file elsewhere, a webhook, so that others keep them."""

from __future__ import annotations

import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from hegui.kit.files import write_atomic

_EVERY_SECONDS = 60.0
_TIMEOUT_SECONDS = 5.0


def published_path(data: Path) -> Path:
    """Return where the last published checkpoint of a data directory lies."""
    return data / "ledger" / "checkpoint"


def _size(note: str) -> int:
    return int(note.split("\n", 2)[1])


@dataclass
class Publisher:
    """Writes each checkpoint to the data directory; once a minute to history, file and webhook."""

    data: Path
    file: str = ""
    webhook: str = ""
    failure: str = ""
    _last: float = field(default=0.0, init=False)

    def publish(self, note: str, *, force: bool = False) -> None:
        """Publish a checkpoint; a place that can not be reached is remembered in `failure`."""
        target = published_path(self.data)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and _size(target.read_text("utf-8")) > _size(note):
            return
        write_atomic(target, note.encode())
        if not force and time.monotonic() - self._last < _EVERY_SECONDS:
            return
        self._last = time.monotonic()
        with (target.parent / "history").open("a", encoding="utf-8") as history:
            history.write(note + "\n")
        self.failure = ""
        if self.file:
            self._to_file(note)
        if self.webhook:
            self._to_webhook(note)

    def _to_file(self, note: str) -> None:
        try:
            with Path(self.file).open("a", encoding="utf-8") as outside:
                outside.write(note + "\n")
        except OSError as error:
            self.failure = f"{self.file}: {error.strerror}"

    def _to_webhook(self, note: str) -> None:
        if not self.webhook.startswith(("http://", "https://")):
            self.failure = f"{self.webhook}: not an http(s) URL"
            return
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
            self.webhook, note.encode(), {"Content-Type": "text/plain; charset=utf-8"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - as above
                pass
        except OSError as error:
            self.failure = f"{self.webhook}: {error}"
