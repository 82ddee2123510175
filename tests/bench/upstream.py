"""A dummy OpenAI-compatible upstream for benchmarks: canned answers at the least possible cost.

``python upstream.py --port N [--delay 0.02]``

``POST /v1/chat/completions`` answers with 432 Chinese characters, as plain JSON or, with
``"stream": true``, as 202 events: one with the role, 200 with two or three characters each, one with
the finish reason; then ``[DONE]``. The pace is chosen by the request's model name: ``paced`` sends
one event each ``--delay`` seconds, any other name (``burst``, ``plain``) sends them back to back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from functools import cache
from typing import Any, Final, cast

import httptools
import uvloop

ANSWER: Final = (
    "在家里的阳台上种番茄并不难，关键是阳光、水分和土壤三件事要同时照顾好。首先选一个朝南的位置，"
    "保证植株每天有六个小时以上的直射光，光照不够时枝叶会徒长，花也容易脱落。其次准备一个深一些的花盆，"
    "盆底铺一层碎石帮助排水，再装入疏松的营养土，拌进少量腐熟的有机肥。播种前可以先用温水把种子浸泡半天，"
    "这样出芽更整齐。幼苗长出四片真叶以后移栽到大盆里，移栽当天浇透水，并放在阴凉处缓苗两三天。"
    "进入生长期后，浇水要见干见湿，不要每天少量地浇，否则根系会浮在表面。植株长到膝盖那么高时，"
    "应当插一根竹竿并用软绳轻轻绑住主茎，同时摘掉叶腋里长出的侧枝，让养分集中到花和果实上。"
    "开花的时候，可以在上午轻轻摇动枝条帮助授粉。果实开始膨大以后，每隔十天左右追一次稀薄的磷钾肥，"
    "并注意观察叶片背面有没有小虫，如果发现蚜虫，用清水冲洗或者用肥皂水喷洒就能控制。"
    "大约两个月后，果实由绿转红，用手轻轻一托便能摘下。吃不完的番茄可以做成酱，密封后放进冰箱冷藏。"
    "只要坚持记录浇水和施肥的日子，收成更好。"
)
PIECES: Final = tuple(ANSWER[i * len(ANSWER) // 200 : (i + 1) * len(ANSWER) // 200] for i in range(200))
EVENTS: Final = len(PIECES) + 2
USAGE: Final = {"prompt_tokens": 240, "completion_tokens": 300, "total_tokens": 540}
CREATED: Final = 1_700_000_000

STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _reply(status: str, value: Any) -> bytes:
    body = _json(value)
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _framed(data: bytes) -> bytes:
    """One event as one HTTP chunk."""
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(event), event)


@cache
def plain_reply(model: str) -> bytes:
    """The whole answer as one HTTP reply."""
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _reply(
        "200 OK",
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": CREATED,
            "model": model,
            "choices": [choice],
            "usage": USAGE,
        },
    )


@cache
def stream_frames(model: str, include_usage: bool) -> tuple[bytes, ...]:
    """The HTTP chunks of one streamed answer; the last one holds ``[DONE]`` and ends the reply."""

    def frame(choices: list[dict[str, Any]], **more: Any) -> bytes:
        head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": CREATED, "model": model}
        return _framed(_json({**head, "choices": choices, **more}))

    def delta(value: dict[str, str], finish: str | None = None) -> bytes:
        return frame([{"index": 0, "delta": value, "logprobs": None, "finish_reason": finish}])

    frames = [delta({"role": "assistant", "content": ""})]
    frames += [delta({"content": piece}) for piece in PIECES]
    frames.append(delta({}, "stop"))
    if include_usage:
        frames.append(frame([], usage=USAGE))
    frames[-1] += _framed(b"[DONE]") + b"0\r\n\r\n"
    return tuple(frames)


@cache
def models_reply() -> bytes:
    """The list of the three model names."""
    names = ("plain", "burst", "paced")
    data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "bench"} for name in names]
    return _reply("200 OK", {"object": "list", "data": data})


class Upstream(asyncio.Protocol):
    """One keep-alive connection; requests on it are answered one after the other."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self.loop = loop
        self.delay = delay
        self.parser = httptools.HttpRequestParser(self)
        self.transport: asyncio.Transport | None = None
        self.url = b""
        self.body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface without the base class.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            if self.transport is not None:
                self.transport.close()

    def on_message_begin(self) -> None:
        self.url = b""
        self.body.clear()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.transport is None:
            return
        path = self.url.partition(b"?")[0]
        if path == b"/v1/models":
            self.transport.write(models_reply())
        elif path == b"/v1/chat/completions":
            self._complete(self.transport)
        else:
            self.transport.write(_reply("404 Not Found", {"error": {"message": "no such path"}}))

    def _complete(self, transport: asyncio.Transport) -> None:
        try:
            request = json.loads(bytes(self.body))
            model = str(request["model"])
        except (ValueError, KeyError, TypeError):
            transport.write(_reply("400 Bad Request", {"error": {"message": "not a chat request"}}))
            return
        if not request.get("stream"):
            transport.write(plain_reply(model))
            return
        options = request.get("stream_options") or {}
        frames = stream_frames(model, bool(options.get("include_usage")))
        if model == "paced":
            self._pace(frames, 0, self.loop.time())
        else:
            transport.writelines([STREAM_HEAD, *frames])

    def _pace(self, frames: tuple[bytes, ...], index: int, start: float) -> None:
        """Send event ``index`` and plan the next; the plan is absolute, so that lateness does not add up."""
        if self.transport is None:
            return
        self.transport.write(frames[index] if index else STREAM_HEAD + frames[0])
        if index + 1 < len(frames):
            self.loop.call_at(start + (index + 1) * self.delay, self._pace, frames, index + 1, start)


async def serve(port: int, delay: float) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(loop, delay), "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds between the events of a paced stream")
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.delay))


if __name__ == "__main__":
    main()
