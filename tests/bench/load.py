"""A cheap load generator for chat completions: raw sockets, and every reply checked.

While a run is on, the generator only stamps and keeps the bytes that arrive; it reads and checks them
when the run is over, so that its own work does not bend the timings. A reply counts as good when its
status is 2xx and the whole canned answer is in it (a label before or after the answer is allowed),
and, for a stream, when it ends in ``[DONE]``.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, cast

from upstream import ANSWER, EVENTS

SYSTEM: Final = (
    "你是一位耐心的家庭园艺顾问，用简体中文回答。回答要分步骤，语气平和，先讲原因再讲做法，"
    "不要使用专业术语；如果问题里缺少必要的条件，就按照最常见的情形来回答，并在最后说明你的假设。"
)
QUESTION: Final = (
    "我住在南方一座小城的六楼，阳台朝南，夏天很热，下午有西晒。我想在阳台上种几盆番茄，以前只养过绿萝。"
    "请告诉我从选盆、育苗、移栽到浇水、施肥、搭架的做法，每一步大概要多少时间，新手最容易犯哪些错误，"
    "以及怎样判断什么时候可以采摘。家里有小孩和一只猫，请尽量不用农药。记录编号："
)
DIGITS: Final = "甲乙丙丁戊己庚辛壬癸"
ANSWER_BYTES: Final = ANSWER.encode()
LAST_CHUNK: Final = b"0\r\n\r\n"


class Requests:
    """Requests of about 0.9 KB that differ in a number, so that no verdict can be taken from a cache."""

    def __init__(self, host: str, port: int, key: str, question: str) -> None:
        self.question = question
        self.head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {key}\r\n"
            "content-type: application/json\r\naccept: */*\r\nuser-agent: hegui-bench\r\n"
        )
        self.number = 0

    def build(self, model: str, stream: bool) -> bytes:
        """The bytes of the next request."""
        self.number += 1
        number = "".join(DIGITS[int(digit)] for digit in f"{self.number:08d}")
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": self.question + number}]
        request = {"model": model, "messages": messages, "temperature": 0.7, "stream": stream}
        body = json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()
        return f"{self.head}content-length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Reply:
    """One reply as it arrived: pieces of bytes and the time of each."""

    started: float
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    ended: float = 0.0
    complete: bool = False

    @property
    def total(self) -> float:
        return self.ended - self.started


class Connection(asyncio.Protocol):
    """One keep-alive connection that carries one exchange at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.reply: Reply | None = None
        self.done: asyncio.Future[Reply] | None = None
        self.head = b""
        self.in_body = False
        self.left: int | None = None
        """Bytes still to come, when the reply has a length."""
        self.tail = b""
        """The last bytes, when the reply comes in chunks."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface without the base class.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        # Without a length and without chunks, the end of the connection is the end of the reply.
        self._finish(complete=self.in_body and self.left is None and not self.tail and exc is None)

    def abort(self) -> None:
        """Close at once; an exchange that is on ends as cut off."""
        if self.transport is not None:
            self._finish(complete=False)
            self.transport.abort()
            self.transport = None

    async def exchange(self, request: bytes) -> Reply:
        """Send one request and wait for the end of its reply."""
        if self.transport is None:
            raise ConnectionError("the connection is closed")
        self.head, self.in_body, self.left, self.tail = b"", False, None, b""
        self.done = asyncio.get_running_loop().create_future()
        self.reply = Reply(perf_counter())
        self.transport.write(request)
        return await self.done

    def data_received(self, data: bytes) -> None:
        if self.reply is None:
            return
        self.reply.pieces.append((perf_counter(), data))
        if not self.in_body:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self.head[:end].lower(), self.head[end + 4 :]
            self.in_body = True
            if b"\r\ntransfer-encoding: chunked" in head:
                self.tail = b"\r\n"
            elif b"\r\ncontent-length:" in head:
                self.left = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        if self.left is not None:
            self.left -= len(data)
            if self.left <= 0:
                self._finish(complete=True)
        elif self.tail:
            self.tail = (self.tail + data[-7:])[-7:]
            if self.tail.endswith(b"\r\n" + LAST_CHUNK):
                self._finish(complete=True)

    def _finish(self, complete: bool) -> None:
        if self.reply is None or self.done is None:
            return
        self.reply.ended = perf_counter()
        self.reply.complete = complete
        if not self.done.done():
            self.done.set_result(self.reply)
        self.reply = None


@dataclass(frozen=True, slots=True)
class Body:
    """A reply's status and its body, with the way back from a place in the body to a time."""

    status: int
    data: bytes
    frames: tuple[tuple[int, int], ...]
    """For each HTTP chunk: where it ends in the body, and in the bytes received."""

    def arrival(self, reply: Reply, end: int) -> float:
        """When the byte before ``end`` of the body had arrived."""
        body_end, raw_end = next(frame for frame in self.frames if frame[0] >= end)
        place = raw_end - (body_end - end)
        for stamp, piece in reply.pieces:
            place -= len(piece)
            if place <= 0:
                return stamp
        return reply.ended


def read(reply: Reply) -> Body:
    """Take the HTTP framing off a reply."""
    raw = b"".join(piece for _, piece in reply.pieces)
    head, _, _ = raw.partition(b"\r\n\r\n")
    start = len(head) + 4
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if b"\r\ntransfer-encoding: chunked" not in head.lower():
        return Body(status, raw[start:], ((len(raw) - start, len(raw)),))
    body = bytearray()
    frames: list[tuple[int, int]] = []
    while (end := raw.find(b"\r\n", start)) >= 0:
        size = int(raw[start:end].partition(b";")[0] or b"0", 16)
        if size == 0:
            break
        body += raw[end + 2 : end + 2 + size]
        frames.append((len(body), end + 2 + size))
        start = end + 2 + size + 2
    return Body(status, bytes(body), tuple(frames))


def _events(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The data of each event, with the place in the body where its line ends."""
    place = 0
    for line in body.splitlines(keepends=True):
        place += len(line)
        if line.startswith(b"data:"):
            yield place, line[5:].strip()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: seconds, and why it is no good (empty when it is)."""

    total: float
    first: float = 0.0
    fault: str = ""


def judge_plain(reply: Reply) -> Outcome:
    """Check a plain reply."""
    body = read(reply)
    fault = _framing_fault(reply, body)
    if not fault and ANSWER_BYTES not in body.data:
        # Not as raw UTF-8; it may still be there with escapes.
        try:
            content = json.loads(body.data)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            content = ""
        fault = "" if ANSWER in (content or "") else f"answer not whole: {body.data[:200]!r}"
    return Outcome(reply.total, reply.total, fault)


def judge_stream(reply: Reply) -> Outcome:
    """Check a streamed reply and find the time to its first content."""
    body = read(reply)
    if fault := _framing_fault(reply, body):
        return Outcome(reply.total, reply.total, fault)
    text: list[str] = []
    first = reply.ended
    done = False
    for end, data in _events(body.data):
        if data == b"[DONE]":
            done = True
            continue
        try:
            choices = json.loads(data).get("choices") or [{}]
        except ValueError:
            return Outcome(reply.total, reply.total, f"not JSON: {data[:200]!r}")
        if content := (choices[0].get("delta") or {}).get("content"):
            if not text:
                first = body.arrival(reply, end)
            text.append(content)
    fault = "" if done else "no [DONE]"
    if ANSWER not in "".join(text):
        fault = f"answer not whole: {''.join(text)[-40:]!r} after {len(text)} pieces, {body.data[-200:]!r}"
    return Outcome(reply.total, first - reply.started, fault)


def _framing_fault(reply: Reply, body: Body) -> str:
    if not 200 <= body.status < 300:
        return f"status {body.status}: {body.data[:200]!r}"
    return "" if reply.complete else "cut off"


@dataclass(frozen=True, slots=True)
class Run:
    """The outcomes of one stage and the seconds that it took."""

    outcomes: tuple[Outcome, ...]
    wall: float
    plateau: dict[str, float] = field(default_factory=dict)
    """Paced streams only: CPU seconds by group, per second, while all streams were on."""

    @property
    def faults(self) -> list[str]:
        return [outcome.fault for outcome in self.outcomes if outcome.fault]

    @property
    def events(self) -> int:
        """How many events the upstream sent in these streams."""
        return EVENTS * len(self.outcomes)

    def total(self, share: float) -> float:
        """A percentile (0.5, 0.95) of the seconds a reply took."""
        return percentile([outcome.total for outcome in self.outcomes if not outcome.fault], share)

    def first(self, share: float) -> float:
        """A percentile of the seconds to the first content."""
        return percentile([outcome.first for outcome in self.outcomes if not outcome.fault], share)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Load:
    """A client of one target; a stage that takes longer than ``patience`` seconds is cut off."""

    def __init__(
        self,
        port: int,
        key: str = "sk-bench",
        question: str = QUESTION,
        host: str = "127.0.0.1",
        patience: float = 180.0,
    ) -> None:
        self.host, self.port, self.patience = host, port, patience
        self.requests = Requests(host, port, key, question)
        self.lines: list[Connection] = []
        self.expired = False

    async def _open(self, connections: int) -> asyncio.TimerHandle:
        """Connect, and plan the cutting off."""
        self.expired = False
        self.lines = list(await asyncio.gather(*(self._connect() for _ in range(connections))))
        return asyncio.get_running_loop().call_later(self.patience, self._cut_off)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self.host, self.port)
        return connection

    def _cut_off(self) -> None:
        self.expired = True
        for line in self.lines:
            line.abort()

    async def _exchange(self, index: int, request: bytes) -> Reply:
        """One exchange, over a new connection when the old one was closed; a failure is a cut-off reply."""
        now = perf_counter()
        if self.expired:
            return Reply(now, ended=now)
        try:
            if self.lines[index].transport is None:
                self.lines[index] = await self._connect()
            return await self.lines[index].exchange(request)
        except OSError:
            return Reply(now, ended=perf_counter())

    async def _closed_loop(self, connections: int, count: int, model: str, stream: bool) -> tuple[list[Reply], float]:
        requests = [self.requests.build(model, stream) for _ in range(count)]
        timer = await self._open(min(connections, count))
        replies: list[Reply] = []

        async def work(index: int) -> None:
            while requests:
                replies.append(await self._exchange(index, requests.pop()))

        started = perf_counter()
        await asyncio.gather(*map(work, range(len(self.lines))))
        wall = perf_counter() - started
        self._close(timer)
        return replies, wall

    def _close(self, timer: asyncio.TimerHandle) -> None:
        timer.cancel()
        for line in self.lines:
            line.abort()

    async def plain(self, connections: int, count: int) -> Run:
        """``count`` plain requests, each connection sending its next when its last is answered."""
        replies, wall = await self._closed_loop(connections, count, "plain", stream=False)
        return Run(tuple(map(judge_plain, replies)), wall)

    async def burst(self, connections: int, count: int) -> Run:
        """``count`` streams whose events come back to back."""
        replies, wall = await self._closed_loop(connections, count, "burst", stream=True)
        return Run(tuple(map(judge_stream, replies)), wall)

    async def paced(
        self, streams: int, seconds: float, ramp: float, cpu: Callable[[], dict[str, float]] | None = None
    ) -> Run:
        """``streams`` concurrent streams at the speed of a model.

        The starts are spread evenly over ``ramp`` seconds; a stream that ended before ``seconds`` is
        followed by another. All streams are on between ``ramp`` and ``seconds``: there, ``cpu`` is read.
        """
        timer = await self._open(streams)
        replies: list[Reply] = []

        async def work(index: int) -> None:
            await asyncio.sleep(ramp * index / streams)
            while True:
                replies.append(await self._exchange(index, self.requests.build("paced", stream=True)))
                if perf_counter() - started >= seconds:
                    break

        async def watch() -> dict[str, float]:
            if cpu is None or seconds <= ramp:
                return {}
            await asyncio.sleep(ramp)
            before, since = cpu(), perf_counter()
            await asyncio.sleep(seconds - ramp)
            after, until = cpu(), perf_counter()
            return {name: (used - before.get(name, 0.0)) / (until - since) for name, used in after.items()}

        started = perf_counter()
        watcher = asyncio.create_task(watch())
        await asyncio.gather(*map(work, range(streams)))
        wall = perf_counter() - started
        self._close(timer)
        return Run(tuple(map(judge_stream, replies)), wall, await watcher)
