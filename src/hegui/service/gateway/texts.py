"""Where text hides in requests: every string of a message or option, but for identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from hegui.service.gateway.protocol import ApiError, Json

_PLAIN = re.compile(r"[A-Za-z0-9_.:/$-]{1,128}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
IDENTIFIERS = frozenset({"role", "type", "id", "tool_call_id", "index", "detail", "object", "finish_reason"})
"""Keys whose values name things of the protocol and are never shown or read as text."""

TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal"})
"""Kinds of content that can be checked; every other kind is refused, see docs/decisions/0005."""

OTHER_MEDIA = ("audio", "images", "image_url", "image", "video", "videos", "file", "files")
"""Fields of a message that carry what is not text."""

SCALARS = frozenset(
    {
        "model", "stream", "stream_options", "n", "temperature", "top_p", "max_tokens", "max_completion_tokens",
        "presence_penalty", "frequency_penalty", "seed", "logprobs", "top_logprobs", "logit_bias", "user",
        "safety_identifier", "parallel_tool_calls", "reasoning_effort", "service_tier", "store", "messages",
        "top_k", "min_p", "repetition_penalty", "verbosity", "prompt_cache_key",
    }
)  # fmt: skip
"""Options that carry no text for the model (or, for `messages`, are walked on their own)."""


def unchecked(kind: str, where: str) -> ApiError:
    """Return the error for content that can not be checked: it is not let through unchecked."""
    return ApiError(
        400,
        "unchecked_content",
        f"本服务尚不能检查 {kind} 类内容，因此不接受；请只发送文本。 / "
        f"This service can not check content of type {kind} and does not accept it; send text only.",
        param=where,
    )


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON value
    """Yield `(path, text)` of every string below a value, and every key that is not a plain name.

    Only values of identifiers that look like identifiers are left out.
    """
    if isinstance(value, str):
        if value:
            yield path, value
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        free = path.endswith(("properties", "metadata", "$defs", "definitions", "patternProperties"))
        for key, item in value.items():
            if free or not _PLAIN.fullmatch(key):
                yield f"{path}.{key}", key
            if not is_identifier(key, item):
                yield from leaves(item, f"{path}.{key}")


def is_identifier(key: str, value: object) -> bool:
    """Say whether a value names a thing of the protocol, by its key and by its look."""
    return key in IDENTIFIERS and isinstance(value, str) and bool(_PLAIN.fullmatch(value))


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield every string and every key below a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)


def decoded(text: str) -> str:
    """Return what JSON text says once its escapes are read; of broken JSON, its escapes read as they stand."""
    try:
        return "\n".join(strings(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)


def check_parts(message: Json, path: str) -> None:
    """Raise ApiError for a message that holds anything but text."""
    content = message.get("content")
    for place, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else "text" if isinstance(part, str) else type(part).__name__
        if not isinstance(kind, str) or kind not in TEXT_PARTS:
            raise unchecked(str(kind)[:40], f"{path}.content[{place}]")
        if isinstance(part, dict) and any(part.get(name) for name in OTHER_MEDIA):
            raise unchecked("media", f"{path}.content[{place}]")
    for name in OTHER_MEDIA:
        if message.get(name):
            raise unchecked(name, f"{path}.{name}")


def joined_parts(message: Json) -> str:
    """Return the text of a multi-part message joined, as a model reads it; empty for other messages."""
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") if isinstance(part, dict) else part for part in content]
    texts = [text for text in parts if isinstance(text, str)]
    return "".join(texts) if len(texts) > 1 else ""


def split_into_parts(message: Json, whole: str) -> None:
    """Put a text of the same length as the joined parts back into them, part by part."""
    at = 0
    content: list[Any] = message["content"]
    for place, part in enumerate(content):
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            continue
        piece, at = whole[at : at + len(text)], at + len(text)
        if isinstance(part, dict):
            part["text"] = piece
        else:
            content[place] = piece


def options(body: Json) -> Iterator[tuple[str, str]]:
    """Yield the strings of every option that can carry text: tools, formats, predictions, unknown keys."""
    for key, value in body.items():
        if key in SCALARS and (key == "messages" or not isinstance(value, str | list | dict)):
            continue
        if not _PLAIN.fullmatch(key):
            yield key, key
        if key in SCALARS and isinstance(value, str) and _PLAIN.fullmatch(value):
            continue
        yield from leaves(value, key)


def turn_start(messages: list[Json]) -> int:
    """Return where the current turn begins: after the last answer of the assistant that ended a turn."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.get("role") == "assistant" and not message.get("tool_calls") and place < len(messages) - 1:
            return place + 1
    return 0


def as_text(messages: object) -> str:
    """Return messages as JSON text; raise ApiError for what is nested too deep to be written."""
    try:
        return orjson.dumps(messages).decode()
    except orjson.JSONEncodeError:
        raise ApiError(
            400,
            "invalid_messages",
            "messages 嵌套过深，请减少层数 / `messages` is nested too deep; use fewer levels",
            param="messages",
        ) from None
