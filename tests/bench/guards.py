"""What a guard's adapter costs above a bare POST of the same bytes, in one run; prints Markdown tables.

``python tests/bench/guards.py [--calls 400] [--rounds 7]``

The service is a child process that answers at once, so that only our side is measured: CPU time of
this process for each call, `aiohttp` alone beside `Guard.check`. Rounds alternate between the ways;
the middle one of the rounds is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from hegui.general.content.guards import Guard, GuardSettings
from hegui.general.content.guards.families import Asked, Mode, Qwen3Guard
from hegui.general.content.guards.mapping import load_mapping
from hegui.general.content.guards.tidy import defused, tidy
from hegui.general.content.guards.windows import windows
from hegui.general.content.policy import Side

TEXT = "请用三句话介绍一下秋天的苹果，再说说怎样挑选和保存，语气轻松一些。" * 15
"""500 characters: a prompt of the size that the whole check is measured with."""

Way = Callable[[int], Awaitable[Any]]


def _alternatives() -> list[dict[str, Any]]:
    labels = [(" Safe", -0.01), (" Unsafe", -5.0), (" Controversial", -5.5)]
    labels += [(f" other{number}", -12.0 - number) for number in range(17)]
    return [{"token": text, "logprob": logprob, "bytes": list(text.encode())} for text, logprob in labels]


def _reply(*, odds: bool) -> bytes:
    choice: dict[str, Any] = {
        "index": 0, "message": {"role": "assistant", "content": "Safety: Safe\nCategories: None", "refusal": None},
        "finish_reason": "stop", "logprobs": None,
    }  # fmt: skip
    if odds:
        tops = _alternatives()
        tokens = ["Safety", ":", " Safe", "\n", "Categories", ":", " None"]
        choice["logprobs"] = {
            "content": [{"token": t, "logprob": -0.01, "bytes": list(t.encode()), "top_logprobs": tops} for t in tokens]
        }
    body = orjson.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "guard", "choices": [choice]})
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Service(asyncio.Protocol):
    """Answers each request with a canned reply, with log-probabilities when they are asked for."""

    PLAIN, ODDS = _reply(odds=False), _reply(odds=True)

    def __init__(self) -> None:
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            length = int(self.buffer[:end].lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            self.transport.write(self.ODDS if b'"logprobs":true' in body else self.PLAIN)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def measured(way: Way, calls: int, together: int) -> float:
    """Return CPU microseconds a call."""

    async def lane(first: int) -> None:
        for number in range(first, calls, together):
            await way(number)

    begun = time.process_time()
    await asyncio.gather(*(lane(first) for first in range(together)))
    return (time.process_time() - begun) / calls * 1e6


async def compare(port: int, calls: int, rounds: int) -> None:
    base = f"http://127.0.0.1:{port}/v1"
    common: dict[str, Any] = {"family": "qwen3guard", "url": base, "model": "guard", "concurrency": 64, "queue": 10_000}
    plain = Guard(GuardSettings(**common, cache_entries=0))
    scores = Guard(GuardSettings(**common, mode=Mode.SCORES, cache_entries=0))
    cached = Guard(GuardSettings(**common))
    bodies = {
        mode: Qwen3Guard(Asked(model="guard", mapping=load_mapping("qwen3guard"), mode=mode)).calls(TEXT, Side.INPUT, "")[0].body
        for mode in (Mode.TEXT, Mode.SCORES)
    }  # fmt: skip
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as session:
        url, headers = base + "/chat/completions", {"Content-Type": "application/json"}

        def bare(body: bytes) -> Way:
            async def way(_: int) -> None:
                async with session.post(url, data=body, headers=headers) as reply:
                    await reply.read()

            return way

        ways: dict[str, tuple[Way, str]] = {
            "bare aiohttp POST, text": (bare(bodies[Mode.TEXT]), ""),
            "Guard.check, text": (checked(plain), "bare aiohttp POST, text"),
            "bare aiohttp POST, log-probabilities": (bare(bodies[Mode.SCORES]), ""),
            "Guard.check, scores": (checked(scores), "bare aiohttp POST, log-probabilities"),
            "Guard.check, at hand": (checked(cached, same=True), "bare aiohttp POST, text"),
        }
        for together in (1, 64):
            show(await times(ways, calls, rounds, together), ways, together)
    for guard in (plain, scores, cached):
        await guard.close()


def checked(guard: Guard, *, same: bool = False) -> Way:
    async def way(number: int) -> None:
        [result] = await guard.check([TEXT if same else f"{number}{TEXT}"])
        assert result.safe

    return way


async def times(ways: dict[str, tuple[Way, str]], calls: int, rounds: int, together: int) -> dict[str, float]:
    """Return the middle of some rounds for each way, in CPU microseconds a call."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (way, _) in ways.items():
            spent = await measured(way, calls, together)
            if number:  # the first round warms up
                taken[name].append(spent)
    return {name: statistics.median(spent) for name, spent in taken.items()}


def show(middle: dict[str, float], ways: dict[str, tuple[Way, str]], together: int) -> None:
    print(f"\n#### {together} at once, a prompt of {len(TEXT)} characters\n")
    print("| way | CPU µs a call | × bare | above bare µs |\n| --- | --- | --- | --- |")
    for name, (_, floor) in ways.items():
        ratio = f"{middle[name] / middle[floor]:.2f}" if floor else "-"
        above = f"{middle[name] - middle[floor]:.0f}" if floor else "-"
        print(f"| {name} | {middle[name]:.0f} | {ratio} | {above} |")


def preparing(rounds: int) -> None:
    """Print what is done to a text before it is sent, µs per 1,000 characters."""
    long = (TEXT * 20)[:10_000]
    steps: dict[str, Callable[[], object]] = {
        "tidy": lambda: tidy(long),
        "control tokens": lambda: defused(long),
        "windows of 1,000": lambda: windows(long, size=1000, most=40),
    }
    print("\n#### A text of 10,000 characters, prepared\n\n| step | µs per 1,000 characters |\n| --- | --- |")
    for name, step in steps.items():
        times = []
        for _ in range(max(rounds, 5)):
            begun = time.process_time()
            for _ in range(20):
                step()
            times.append((time.process_time() - begun) / 20 / 10 * 1e6)
        print(f"| {name} | {statistics.median(times):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    child = subprocess.Popen([sys.executable, str(Path(__file__)), "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        asyncio.run(compare(int(child.stdout.readline()), options.calls, options.rounds))
    finally:
        child.terminate()
        child.wait()
    preparing(options.rounds)


if __name__ == "__main__":
    main()
