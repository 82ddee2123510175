"""The HTTP/1.1 client of the hot path: one origin, kept connections, bounded waits.

The parser is httptools (as in the server), sockets and TLS are the event loop's. Why not a larger
client: docs/decisions/0013-upstream-client.md. No redirects are followed and no proxy is used, so
that the upstream's key goes to the upstream alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

_HIGH: Final = 256 * 1024
_KEEP_SECONDS: Final = 60.0
_INTERIM: Final = range(100, 200)


class BrokenReplyError(OSError):
    """The other side did not speak HTTP, or left before its reply was whole."""


class TooLargeError(BrokenReplyError):
    """A body is over its limit; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the upstream's body is over {limit} bytes")
        self.limit = limit


class Connection(asyncio.Protocol):
    """One connection; it carries one exchange at a time, and is itself the reply of that exchange."""

    __slots__ = (
        "_active", "_ended", "_error", "_interim", "_keep", "_loop", "_parser", "_paused", "_pieces", "_seen", "_seen_at",
        "_size", "_sized", "_transport", "_waiter", "answered", "idle_since", "status", "used",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self.used = False
        self._seen: asyncio.Future[None] | None = None
        self._seen_at = 0.0
        self.idle_since = 0.0
        self._reset()

    def _reset(self) -> None:
        self._pieces.clear()  # what nobody read of the reply before must never be read as part of the next
        self._size = self.status = 0
        self._active = self._ended = self._sized = self._paused = self._interim = self._keep = self.answered = False

    # --- the event loop's side ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the interface, not the base class

    def data_received(self, data: bytes) -> None:
        """Read on; bytes that nobody asked for end the connection, lest they answer the next request."""
        if not self._active:
            self.close()
            return
        self.answered = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.fail(BrokenReplyError(f"not HTTP: {error}"))
            return
        if self._waiter is not None:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        if self._ended:
            return
        if self.status and not self._sized and exc is None:
            self._ended = True  # a body without a length ends with its connection
        elif self._error is None:
            self._error = BrokenReplyError(f"the connection ended before the reply did ({exc or 'closed'})")
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # --- the parser's side --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a second reply to one request."""
        if self._ended:
            message = "a reply that nobody asked for"
            raise BrokenReplyError(message)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what tells where the body ends."""
        lower = name.lower()
        if lower in {b"content-length", b"transfer-encoding"}:
            self._sized = True
        elif lower == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
            self._error = BrokenReplyError("the upstream compressed its reply though it was asked not to")
            raise self._error

    def on_headers_complete(self) -> None:
        """Note the status; an interim reply (100 …) comes before the one that counts."""
        status = self._parser.get_status_code()
        self._interim = status in _INTERIM
        if not self._interim:
            self.status = status

    def on_body(self, body: bytes) -> None:
        """Keep a piece; the other side waits when too much lies here."""
        self._pieces.append(body)
        self._size += len(body)
        if self._size > _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end."""
        if self._interim:
            self._sized = False
            return
        self._ended = True
        self._keep = self._parser.should_keep_alive()

    # --- the exchange's side ------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Say whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes) -> None:
        """Begin an exchange; raise BrokenReplyError when the connection is gone."""
        if self._transport is None:
            message = "the connection is closed"
            raise BrokenReplyError(message)
        self._active = True
        self._transport.write(request)

    async def head(self) -> int:
        """Return the status once the reply's head is there; raise OSError or TimeoutError."""
        while not self.status:
            if self._error is not None:
                raise self._error
            waiter = self._waiter = self._loop.create_future()
            await waiter
        if self._error is not None and not self._ended:
            raise self._error
        return self.status

    async def piece(self) -> bytes:
        """Return what has come of the body, empty at its end; raise OSError or TimeoutError."""
        while not self._pieces:
            if self._ended:
                return b""
            if self._error is not None:
                raise self._error
            waiter = self._waiter = self._loop.create_future()
            await waiter
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if self._transport is not None:
                self._transport.resume_reading()
        return data

    async def body(self, limit: int) -> bytes:
        """Return the whole body; raise OSError, past the limit TooLargeError."""
        parts: list[bytes] = []
        size = 0
        while part := await self.piece():
            size += len(part)
            if size > limit:
                raise TooLargeError(limit)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def late(self, now: float, seconds: float) -> bool:
        """Say whether somebody has waited for this connection too long; asked again and again, at each tick."""
        if self._waiter is None or self._waiter is not self._seen:
            # A new wait: it is timed from now on, which costs an event of a stream nothing.
            self._seen, self._seen_at = self._waiter, now
            return False
        return now - self._seen_at > seconds

    def fail(self, error: Exception) -> None:
        """End the exchange with an error."""
        self._error = self._error or error
        self._wake()
        self.close()

    def finish(self) -> bool:
        """End the exchange; return whether the connection can carry another, and close it otherwise."""
        whole = self._ended and not self._pieces and not self._paused
        if whole and self._keep and self._error is None and self.open:
            self._reset()
            self.used = True
            return True
        self.close()
        return False

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()


class Client:
    """Sends requests to one origin.

    `connect_seconds` bounds a connection's making, `idle_seconds` every wait for more of a reply.
    """

    def __init__(self, base: str, headers: dict[str, str], *, connect_seconds: float, idle_seconds: float) -> None:
        parts = urlsplit(base)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"not an http(s) URL: {base}"
            raise ValueError(message)
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._path = parts.path.rstrip("/")
        host = parts.netloc.rpartition("@")[2].encode("idna" if not parts.netloc.isascii() else "ascii").decode()
        lines = {"Host": host, "Accept-Encoding": "identity", **headers}
        for name, value in lines.items():
            if not value.isprintable():
                message = f"the header {name} holds a control character"
                raise ValueError(message)
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode()
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._ticking = False

    async def request(self, method: str, path: str, body: bytes = b"") -> Connection:
        """Send a request and return once the reply's head is there; raise OSError or TimeoutError.

        The connection returned must go to `release`, which cancels what has not come yet.

        A kept connection may have been closed by the other side just now: if nothing at all was
        heard on it, the request goes out once more on a fresh one.
        """
        head = f"{method} {self._path}{path} HTTP/1.1\r\n".encode() + self._head
        request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        while True:
            connection = await self._take()
            try:
                connection.send(request)
                await connection.head()
            except BrokenReplyError:
                self.release(connection)
                if connection.used and not connection.answered:
                    continue
                raise
            except BaseException:
                self.release(connection)
                raise
            return connection

    async def _take(self) -> Connection:
        loop = asyncio.get_running_loop()
        self._tick_on(loop)
        while self._idle:
            connection = self._idle.pop()
            if connection.open and loop.time() - connection.idle_since < _KEEP_SECONDS:
                self._busy.add(connection)
                return connection
            connection.close()
        async with asyncio.timeout(self._connect_seconds):
            _, made = await loop.create_connection(
                lambda: Connection(loop), self._host, self._port, ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )  # fmt: skip
        self._busy.add(made)
        return made

    def release(self, connection: Connection) -> None:
        """Take a connection back."""
        self._busy.discard(connection)
        if connection.finish():
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)

    def _tick_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._ticking:
            self._ticking = True
            loop.call_later(min(1.0, self._idle_seconds / 4), self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the waits that last too long: one timer for all, since one for each event would cost more."""
        self._ticking = False
        now = loop.time()
        for connection in [found for found in self._busy if found.late(now, self._idle_seconds)]:
            connection.fail(TimeoutError("the upstream was silent for too long"))
        self._idle = [found for found in self._idle if self._fresh(found, now)]
        if self._busy or self._idle:
            self._tick_on(loop)

    @staticmethod
    def _fresh(connection: Connection, now: float) -> bool:
        if connection.open and now - connection.idle_since < _KEEP_SECONDS:
            return True
        connection.close()
        return False

    async def close(self) -> None:
        """Close every connection."""
        for connection in (*self._idle, *self._busy):
            connection.close()
        self._idle.clear()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
