"""Where text hides in requests: every string of a message or option, but for identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hegui.service.gateway.protocol import ApiError, Json

IDENTIFIERS = frozenset({"role", "type", "id", "tool_call_id", "index", "detail", "object", "finish_reason"})
"""Keys whose values name things of the protocol and are never shown or read as text."""

UNCHECKED_PARTS = frozenset({"image_url", "input_audio", "file", "input_image", "input_file", "video_url", "audio_url"})
"""Kinds of content that this version can not check; see docs/gateway.md."""

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
    """Yield `(path, text)` of every string below a value, keys of free objects too."""
    if isinstance(value, str):
        if value:
            yield path, value
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, f"{path}[{place}]")
    elif isinstance(value, dict):
        kind = value.get("type")
        if isinstance(kind, str) and kind in UNCHECKED_PARTS:
            raise unchecked(kind, path)
        for key, item in value.items():
            if key not in IDENTIFIERS or not isinstance(item, (str, int)):
                yield from leaves(item, f"{path}.{key}")
            if path.endswith(("properties", "metadata")):
                yield f"{path}.{key}", key


def joined_parts(message: Json) -> str:
    """Return the text of a multi-part message joined, as a model reads it; empty for other messages."""
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    texts = [text for text in parts if isinstance(text, str)]
    return "".join(texts) if len(texts) > 1 else ""


def options(body: Json) -> Iterator[tuple[str, str]]:
    """Yield the strings of every option that can carry text: tools, formats, predictions, unknown keys."""
    for key, value in body.items():
        if key not in SCALARS:
            yield from leaves(value, key)


def turn_start(messages: list[Json]) -> int:
    """Return where the current turn begins: after the last answer of the assistant that ended a turn."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.get("role") == "assistant" and not message.get("tool_calls") and place < len(messages) - 1:
            return place + 1
    return 0
