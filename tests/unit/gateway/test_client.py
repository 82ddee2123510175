"""The upstream's HTTP client against a real socket that misbehaves in every way that servers do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hegui.kit.errors import SettingsError
from hegui.kit.settings import Settings
from hegui.service.gateway.client import BrokenReplyError, Client
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.upstream import HttpUpstream, UpstreamError, check_upstream

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    return head, await reader.readexactly(length)


class Server:
    """Counts connections and requests; `replies` are sent one a request, the last one again and again."""

    def __init__(self, *replies: bytes, pause: float = 0, close: bool = False) -> None:
        self.replies = replies
        self.pause = pause
        self.close = close
        self.connections = 0
        self.requests: list[tuple[bytes, bytes]] = []
        self.lost = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await read_request(reader))
                reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
                if self.pause:
                    for at in range(0, len(reply), 7):
                        writer.write(reply[at : at + 7])
                        await asyncio.sleep(self.pause)
                else:
                    writer.write(reply)
                await writer.drain()
                if self.close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.lost.set()
        writer.close()


@asynccontextmanager
async def served(handle: Handler, *, idle: float = 2.0, base: str = "/v1") -> AsyncIterator[Client]:
    tasks: set[asyncio.Task[None]] = set()

    async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(kept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}{base}", {"X-Key": "k"}, connect_seconds=1, idle_seconds=idle)
    try:
        yield client
    finally:
        await client.close()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)


async def fetch(client: Client, body: bytes = b"{}", limit: int = 1 << 20) -> tuple[int, bytes]:
    reply = await client.request("POST", "/x", body)
    try:
        return reply.status, await reply.body(limit)
    finally:
        client.release(reply)


def plain(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n5;x=y\r\n two!\r\n0\r\nTrailer: t\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (plain(b"hello"), (200, b"hello")),
        (plain(b""), (200, b"")),
        (plain(b"no", "429 Too Many Requests"), (429, b"no")),
        (CHUNKED, (200, b"one two!")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + plain(b"after"), (200, b"after")),
        (plain(b"x", "302 Found", "Location: http://example.invalid/\r\n"), (302, b"x")),
        (plain(b"same", more="Content-Encoding: identity\r\n"), (200, b"same")),
    ],
)
@pytest.mark.parametrize("pause", [0, 0.001], ids=["at once", "piece by piece"])
def test_replies_are_read_whatever_their_pieces(reply: bytes, expected: tuple[int, bytes], pause: float) -> None:
    async def go() -> None:
        server = Server(reply, pause=pause)
        async with served(server.handle) as client:
            for _ in range(3):
                assert await fetch(client) == expected
        assert server.connections == 1, "the connection is kept"

    asyncio.run(go())


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async def go() -> None:
        server = Server(b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True)
        async with served(server.handle) as client:
            assert await fetch(client) == (200, b"all of it")
            assert await fetch(client) == (200, b"all of it")
        assert server.connections == 2

    asyncio.run(go())


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        plain(b"\x1f\x8b", more="Content-Encoding: gzip\r\n"),
    ],
    ids=["half a body", "half a chunk", "half a head", "nothing", "not http", "bad chunk", "compressed"],
)
def test_a_broken_reply_is_an_error(reply: bytes) -> None:
    async def go() -> None:
        async with served(Server(reply, close=True).handle) as client:
            with pytest.raises(BrokenReplyError):
                await fetch(client)

    asyncio.run(go())


def test_the_request_is_whole_and_goes_where_it_should() -> None:
    async def go() -> None:
        server = Server(plain(b"ok"))
        async with served(server.handle) as client:
            await fetch(client, "问".encode())
        ((head, body),) = server.requests
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /v1/x HTTP/1.1"
        assert {"X-Key: k", "Content-Length: 3", "Accept-Encoding: identity"} <= set(lines)
        assert sum(line.lower().startswith("host: 127.0.0.1:") for line in lines) == 1
        assert body == "问".encode()

    asyncio.run(go())


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing_but_a_new_one() -> None:
    async def go() -> None:
        seen = 0

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal seen
            await read_request(reader)
            seen += 1
            writer.write(plain(b"one"))
            await read_request(reader)  # the second request is heard, and the connection closed without a word
            writer.transport.abort()

        async with served(once) as client:
            assert await fetch(client) == (200, b"one")
            assert await fetch(client) == (200, b"one")
        assert seen == 2

    asyncio.run(go())


def test_a_fresh_connection_that_says_nothing_is_not_tried_again() -> None:
    async def go() -> None:
        tries = 0

        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal tries
            tries += 1
            await read_request(reader)
            writer.transport.abort()

        async with served(never) as client:
            with pytest.raises(BrokenReplyError):
                await fetch(client)
        assert tries == 1, "a model is not asked twice"

    asyncio.run(go())


def test_a_second_reply_never_answers_the_next_request() -> None:
    async def go() -> None:
        server = Server(plain(b"mine") + plain(b"somebody else's"), plain(b"next"))
        async with served(server.handle) as client:
            assert await fetch(client) == (200, b"mine")
            assert await fetch(client) == (200, b"next")
        assert server.connections == 2

    asyncio.run(go())


def test_what_was_not_read_of_a_reply_is_no_part_of_the_next() -> None:
    async def go() -> None:
        server = Server(plain(b"somebody's answer, unread"), plain(b"mine"))
        async with served(server.handle) as client:
            first = await client.request("POST", "/x")
            await asyncio.sleep(0.1)
            client.release(first)
            assert await fetch(client) == (200, b"mine")

    asyncio.run(go())


def test_bytes_on_an_idle_connection_end_it() -> None:
    async def go() -> None:
        sent = asyncio.Event()
        count = 0

        async def chatty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            count += 1
            await read_request(reader)
            writer.write(plain(b"one"))
            await asyncio.sleep(0.05)
            writer.write(plain(b"unasked"))
            sent.set()
            await reader.read()

        async with served(chatty) as client:
            assert await fetch(client) == (200, b"one")
            await sent.wait()
            await asyncio.sleep(0.05)
            assert await fetch(client) == (200, b"one")
        assert count == 2

    asyncio.run(go())


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], ids=["head", "body"])
def test_silence_ends_the_wait(reply: bytes) -> None:
    async def go() -> None:
        server = Server(reply)
        async with served(server.handle, idle=0.2) as client:
            with pytest.raises(TimeoutError):
                await fetch(client)
            await asyncio.wait_for(server.lost.wait(), 2)

    asyncio.run(go())


def test_a_slow_reply_that_goes_on_is_not_silence() -> None:
    async def go() -> None:
        async with served(Server(CHUNKED, pause=0.1).handle, idle=0.4) as client:
            assert await fetch(client) == (200, b"one two!")

    asyncio.run(go())


def test_a_reader_that_is_slow_is_not_taken_for_a_silent_upstream() -> None:
    async def go() -> None:
        async with served(Server(plain(b"x" * (1 << 20))).handle, idle=0.2) as client:
            reply = await client.request("GET", "/big")
            await asyncio.sleep(0.8)
            assert len(await reply.body(2 << 20)) == 1 << 20
            client.release(reply)

    asyncio.run(go())


def test_what_is_not_read_waits_at_the_other_side() -> None:
    async def go() -> None:
        written = 0

        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal written
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"x" * 65536)
                    written += 65536
                    await writer.drain()

        async with served(endless) as client:
            reply = await client.request("GET", "/endless")
            await asyncio.sleep(0.5)
            stood = written
            await asyncio.sleep(0.3)
            assert written == stood, "reading is paused"
            while written == stood:
                assert await reply.piece()
            client.release(reply)

    asyncio.run(go())


def test_a_body_past_the_limit_is_an_error_and_ends_the_connection() -> None:
    async def go() -> None:
        server = Server(plain(b"x" * 5000))
        async with served(server.handle) as client:
            with pytest.raises(BrokenReplyError, match="over 1000 bytes"):
                await fetch(client, limit=1000)

    asyncio.run(go())


def test_an_answer_past_the_limit_is_told_with_its_limit_and_a_remedy() -> None:
    async def go() -> ApiError:
        server = await asyncio.start_server(Server(plain(b"x" * (3 << 20))).handle, "127.0.0.1", 0)
        upstream = HttpUpstream(Settings(upstream=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        try:
            with pytest.raises(UpstreamError) as told:
                await upstream.ask("/x", {}, 2 << 20)
        finally:
            await upstream.close()
            server.close()
            await asyncio.sleep(0.05)
        return told.value.api

    error = asyncio.run(go())
    assert (error.status, error.code) == (502, "upstream_too_large")
    assert "2 MiB" in error.message
    assert "media_megabytes" in error.message, "what the operator can set"
    assert "again" not in error.message, "another try would end the same way"


def test_a_whole_answer_may_hold_one_file_of_the_largest_size() -> None:
    held = plain(b"{" + b" " * (Settings().media_megabytes * 4 // 3 << 20) + b"}")

    async def go() -> bytes:
        server = await asyncio.start_server(Server(held).handle, "127.0.0.1", 0)
        upstream = HttpUpstream(Settings(upstream=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
        try:
            return await upstream.complete({"model": "m"})
        finally:
            await upstream.close()
            server.close()
            await asyncio.sleep(0.05)

    assert len(asyncio.run(go())) > 40 << 20, "in base64 it is larger than itself"


def test_who_gives_up_cancels_the_call() -> None:
    async def go() -> None:
        server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        async with served(server.handle) as client:
            task = asyncio.create_task(fetch(client))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.lost.wait(), 2)

    asyncio.run(go())


def test_nobody_listening_is_an_error() -> None:
    async def go() -> None:
        client = Client("http://127.0.0.1:9/v1", {}, connect_seconds=1, idle_seconds=1)
        with pytest.raises(OSError, match=r"."):
            await client.request("GET", "/models")

    asyncio.run(go())


@pytest.mark.parametrize("base", ["ftp://x/v1", "http:///v1", "x"])
def test_an_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        Client(base, {}, connect_seconds=1, idle_seconds=1)


def test_a_header_can_not_carry_another_one() -> None:
    with pytest.raises(ValueError, match="control character"):
        Client("http://127.0.0.1/v1", {"Authorization": "Bearer k\r\nX: y"}, connect_seconds=1, idle_seconds=1)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool) -> None:
    cert, key = _certificate(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))

    async def go() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = await asyncio.start_server(Server(plain(b"sealed"), close=True).handle, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        client = Client(f"https://127.0.0.1:{port}", {}, connect_seconds=2, idle_seconds=2)
        if trusted:
            assert await fetch(client) == (200, b"sealed")
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                await fetch(client)
        await client.close()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(go())


@pytest.mark.parametrize(
    "address",
    [
        "http://", "https:///v1", "ftp://h/v1", "h:8000/v1", "http://[::1/v1", "http://h:99999/v1", "http://h:abc/v1",
        "http://h:0/v1", "http://h/v1?api-version=1", "http://h/v1#x", "http://h/a b", "http://" + "x" * 64 + "/v1",
        "http://u:p@h/v1", "http://h/\nv1",
    ],
)  # fmt: skip
def test_an_address_that_can_not_work_is_told_before_anything_starts(address: str) -> None:
    with pytest.raises(SettingsError):
        check_upstream(Settings(upstream=address))


@pytest.mark.parametrize(
    "address", ["demo", "http://127.0.0.1:8000/v1", "https://[::1]:8443", "https://模型.example/v1"]
)
def test_an_address_that_can_work_is_taken(address: str) -> None:
    check_upstream(Settings(upstream=address))


def test_a_key_with_a_line_end_is_told() -> None:
    with pytest.raises(SettingsError, match="control character"):
        check_upstream(Settings(upstream="http://h/v1", upstream_key="sk-1\n"))
