"""OpenAI's shapes as bytes and dictionaries: errors, chunks, completions, server-sent events."""

from __future__ import annotations

import time
from typing import Any

import orjson

Json = dict[str, Any]

DONE = b"data: [DONE]\n\n"
MARK = b"[DONE]"
LONGEST_EVENT = 4 * 1024 * 1024


class ProtocolError(Exception):
    """The other side did not speak the protocol; the text is for the operator."""


class ApiError(Exception):
    """An error for the client, in OpenAI's shape; `status` is the HTTP status."""

    def __init__(self, status: int, code: str, message: str, *, kind: str = "", param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind or ("invalid_request_error" if status < 500 else "server_error")  # noqa: PLR2004

    def body(self) -> Json:
        """Return the JSON body."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def event(data: Json) -> bytes:
    """Return one server-sent event."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def raw_event(data: bytes) -> bytes:
    """Return one server-sent event around bytes that are forwarded as they came."""
    return b"data: " + data + b"\n\n"


def chunk(base: Json, choices: list[Json], **more: object) -> Json:
    """Return a chunk with the identity of another one."""
    return {
        "id": base.get("id", ""),
        "object": "chat.completion.chunk",
        "created": base.get("created") or int(time.time()),
        "model": base.get("model", ""),
        "choices": choices,
        **more,
    }


def completion(base: Json, choices: list[Json], usage: Json | None) -> Json:
    """Return a whole completion with the identity of another one."""
    return {
        "id": base.get("id", ""),
        "object": "chat.completion",
        "created": base.get("created") or int(time.time()),
        "model": base.get("model", ""),
        "choices": choices,
        "usage": usage or no_usage(),
    }


def no_usage() -> Json:
    """Return the usage of an answer that no model wrote."""
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def refusal_events(body: Json, *, include_usage: bool) -> bytes:
    """Return a refused completion as a stream: text as a delta, finish reason, usage, `[DONE]`."""
    base = {**body, "object": "chat.completion.chunk"}
    usage: Any = base.pop("usage", None)
    parts = []
    for choice in body["choices"]:
        delta = {"index": choice["index"], "delta": choice["message"], "finish_reason": None}
        stop = {"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}
        parts += [event({**base, "choices": [delta]}), event({**base, "choices": [stop]})]
    if include_usage:
        parts.append(event({**base, "choices": [], "usage": usage}))
    return b"".join(parts) + DONE


class EventReader:
    """Cuts a byte stream into the data of server-sent events, whatever the pieces it comes in."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of each event that is now whole; comments, other fields and empty data are left out."""
        if _is_one_event(piece) and not self._rest:
            only = piece[6:-2].lstrip(b" ")
            return [only] if only else []
        if b"\r" in piece or b"\r" in self._rest:
            # A line ends in CR, LF or CRLF; a CR at the very end may be half of a CRLF.
            data = self._rest + piece
            held = b"\r" if data.endswith(b"\r") else b""
            data = data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            data, held = self._rest + piece, b""
        *blocks, rest = data.split(b"\n\n")
        self._rest = rest + held
        if len(self._rest) > LONGEST_EVENT:
            message = "an event of the upstream is longer than 4 MiB"
            raise ProtocolError(message)
        return [found for block in blocks if (found := _data(block))]

    def rest(self) -> bytes | None:
        """Return the data of a last event that no blank line ended."""
        block, self._rest = self._rest.replace(b"\r", b"\n").strip(b"\n"), b""
        return (_data(block) or None) if block else None


def _is_one_event(piece: bytes) -> bool:
    """Say whether a piece is one whole event of one line, as most pieces of a stream are."""
    return (
        piece.endswith(b"\n\n")
        and piece.startswith(b"data: ")
        and piece.find(b"\n") == len(piece) - 2
        and b"\r" not in piece
    )


def _data(block: bytes) -> bytes | None:
    if block.startswith(b"data:") and b"\n" not in block:
        return block[5:].lstrip(b" ")
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None


def loads_object(data: bytes, what: str) -> Json:
    """Return a JSON object; raise ProtocolError for anything else."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        message = f"{what} is not JSON: {error}"
        raise ProtocolError(message) from None
    if not isinstance(value, dict):
        message = f"{what} is not a JSON object"
        raise ProtocolError(message)
    return value
