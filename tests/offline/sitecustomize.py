"""Loaded by every Python process that tests start: sockets to anywhere but this machine are refused."""

from __future__ import annotations

import sys

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def _refuse(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect":
        address = args[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOCAL):
            message = f"tests are offline: {address}"
            raise PermissionError(message)
    elif event == "socket.getaddrinfo" and args[0] and not str(args[0]).startswith(_LOCAL):
        message = f"tests are offline: {args[0]}"
        raise PermissionError(message)


sys.addaudithook(_refuse)
