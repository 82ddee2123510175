"""The built-in demo model: a script, plain and streaming, so that the first run needs nothing else."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator

import orjson

from hegui.general.content.library import load_library
from hegui.kit import ids
from hegui.service.gateway.demo_media import picture, tones
from hegui.service.gateway.protocol import MARK, ApiError, Json
from hegui.service.gateway.upstream import UpstreamError

MODEL = "hegui-demo"
_PIECE = 2
_PAUSE = 0.01
_SOUND_PIECE = 16_384

_SCRIPT = (
    "你好！我是合规网关自带的演示模型，按脚本作答，不做推理。你刚才说的是：“{said}”。"
    "把 --upstream 换成任何 OpenAI 兼容的地址，就能接入真实的模型；"
    "输入和输出都会先检查、再标识、并留下可以核验的记录。"
)
_VIOLATION = "这是演示用的违规回答：下面会出现样例库里的词 {word}，它一个字也不会到达用户。"
ASK_VIOLATION = "演示违规"
"""Say this to the demo model and it answers with a word of the sample library."""


def _said(body: Json) -> str:
    for message in reversed(body.get("messages") or []):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
            return str(content or "")
    return ""


class DemoEvents:
    """The events of one answer, at the pace of somebody who types fast."""

    def __init__(self, batches: Iterator[list[bytes]]) -> None:
        self._batches = batches

    async def next(self) -> list[bytes]:
        """Return the next events, empty at the end."""
        await asyncio.sleep(_PAUSE)
        return next(self._batches, [])

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


class DemoPieces:
    """A sound in pieces, at the pace of a network."""

    def __init__(self, data: bytes) -> None:
        self._pieces = iter([data[at : at + _SOUND_PIECE] for at in range(0, len(data), _SOUND_PIECE)])

    async def next(self) -> bytes:
        """Return the next piece, empty at the end."""
        await asyncio.sleep(_PAUSE)
        return next(self._pieces, b"")

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _no_films() -> UpstreamError:
    message = (
        "演示模型不生成视频，请接入能生成视频的上游 / the demo model makes no films; point `upstream` at one that does"
    )
    return UpstreamError(ApiError(400, "upstream_refused", message), message)


class DemoUpstream:
    """Answers from the script; asked for JSON it answers JSON, with tools it can call one."""

    name = "demo"

    def __init__(self) -> None:
        self._word = load_library(None).words[0].text

    def _answer(self, body: Json) -> str:
        said = _said(body)
        if ASK_VIOLATION in said:
            return _VIOLATION.format(word=self._word)
        if (body.get("response_format") or {}).get("type") in {"json_object", "json_schema"}:
            return orjson.dumps({"answer": "演示", "said": said[:200]}).decode()
        return _SCRIPT.format(said=said[:200])

    def _usage(self, body: Json, answer: str) -> Json:
        asked, said = len(_said(body)), len(answer)
        return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}

    async def complete(self, body: Json) -> bytes:
        """Return a whole completion."""
        answer = self._answer(body)
        count = body.get("n") or 1
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": answer},
                "logprobs": None,
                "finish_reason": "stop",
            }
            for index in range(count)
        ]
        return orjson.dumps(
            {
                "id": f"chatcmpl-{ids.uuid7()}", "object": "chat.completion", "created": int(time.time()),
                "model": body.get("model", MODEL), "choices": choices, "usage": self._usage(body, answer),
            }
        )  # fmt: skip

    async def stream(self, body: Json) -> DemoEvents:
        """Return the answer two characters at a time."""
        return DemoEvents(self._batches(body))

    def _batches(self, body: Json) -> Iterator[list[bytes]]:
        answer, count = self._answer(body), body.get("n") or 1
        base: Json = {
            "id": f"chatcmpl-{ids.uuid7()}", "object": "chat.completion.chunk", "created": int(time.time()),
            "model": body.get("model", MODEL),
        }  # fmt: skip

        def made(delta: Json, finish: str | None = None) -> list[bytes]:
            return [
                orjson.dumps({**base, "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})
                for index in range(count)
            ]

        yield made({"role": "assistant", "content": ""})
        for start in range(0, len(answer), _PIECE):
            yield made({"content": answer[start : start + _PIECE]})
        yield made({}, "stop")
        if (body.get("stream_options") or {}).get("include_usage"):
            yield [orjson.dumps({**base, "choices": [], "usage": self._usage(body, answer)})]
        yield [MARK]

    async def ask(self, _path: str, body: Json, _most: int) -> bytes:
        """Return pictures that are painted by code."""
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(None, picture, str(body.get("prompt")), str(body.get("size") or ""))
        items = [{"b64_json": base64.b64encode(made).decode()} for _ in range(body.get("n") or 1)]
        return orjson.dumps({"created": int(time.time()), "data": items})

    async def open(self, _path: str, body: Json) -> DemoPieces:
        """Return tones instead of speech, one for each character; raise UpstreamError for a format other than WAV."""
        if body.get("response_format") != "wav" or body.get("stream_format") == "sse":
            message = (
                "演示模型只会 WAV，请用 response_format=wav / the demo model speaks WAV only; use response_format=wav"
            )
            raise UpstreamError(ApiError(400, "upstream_refused", message, param="response_format"), message)
        return DemoPieces(tones(str(body.get("input"))))

    async def send(self, _path: str, _fields: dict[str, str]) -> bytes:
        """Raise UpstreamError: there are no films in the script."""
        raise _no_films()

    async def get(self, _path: str, _most: int) -> bytes:
        """Raise UpstreamError: there are no films in the script."""
        raise _no_films()

    async def models(self) -> Json:
        """Return the one model."""
        return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "hegui"}]}

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""
