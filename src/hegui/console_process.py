"""The console's process: its own interpreter, so that pages never slow the hot path."""

from __future__ import annotations

import socket

import uvicorn

from hegui.app import console
from hegui.kit import process


def main() -> None:
    """Run the console."""
    given = process.begin("console")
    config = uvicorn.Config(
        console(given.settings, given.url), loop="uvloop", http="httptools", ws="none", access_log=False,
        log_level="warning", server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    given.ready()
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=given.socket)])


if __name__ == "__main__":
    main()
