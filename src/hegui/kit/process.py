"""What every process that the supervisor starts does first: read its message, log, leave with its parent."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from hegui.kit.settings import Settings


@dataclass(frozen=True)
class Given:
    """What the supervisor hands to a process."""

    settings: Settings
    url: str
    socket: int
    _ready: int

    def ready(self) -> None:
        """Tell the supervisor that the process is ready."""
        os.write(self._ready, b"1")


def begin(name: str) -> Given:
    """Read the message on standard input; from now on the process ends when its supervisor does."""
    message: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline())
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {name} %(levelname)s %(message)s")
    settings = Settings(**{**message["settings"], "data": Path(message["settings"]["data"])})

    def wait() -> None:
        os.read(message["alive"], 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    return Given(settings, message["url"], message.get("socket", -1), message["ready"])


def give_back() -> None:
    """Collect what nobody uses any more, and give the memory back to the system where its C library can."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc alone has it
