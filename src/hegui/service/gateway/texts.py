"""Where text hides in requests: every string of a message or option, but for identifiers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from hegui.general.content.checks import Verdict, masked
from hegui.service.gateway.protocol import ApiError, Json

_PLAIN = re.compile(r"[A-Za-z0-9_.:/$-]{1,128}")
_ESCAPES = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[^u]", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
IDENTIFIERS = frozenset({"role", "type", "id", "tool_call_id", "index", "detail", "object", "finish_reason"})
"""Keys whose values name things of the protocol and are never shown or read as text."""

_NAMES = IDENTIFIERS | {
    "messages", "content", "text", "refusal", "name", "tool_calls", "function", "function_call", "arguments", "parameters",
    "description", "strict", "tools", "properties", "required", "additionalProperties", "items", "enum", "json_schema",
    "schema", "$defs", "definitions", "$ref", "anyOf", "allOf", "oneOf", "default", "title", "format", "pattern",
    "reasoning_content", "reasoning", "cache_control",
}  # fmt: skip
"""Keys of the protocol and of schemas, which say nothing of their own; every other key is a text."""

TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal"})
"""Kinds of content that can be checked; every other kind is refused, see docs/decisions/0005."""

WITHHELD = " (withheld)"
"""Behind the path of an answer's text in a record: what of it did not leave."""

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


@dataclass(frozen=True, slots=True)
class Slot:
    """One text of a message, with where it stands: a value, or with `named` a key."""

    path: str
    text: str
    holder: Any
    key: Any
    named: bool = False

    def put(self, text: str) -> None:
        """Put another text there; of the slots of one message the later ones first, as a key takes its value along."""
        if not self.named:
            self.holder[self.key] = text
            return
        items = [(text if name == self.key else name, value) for name, value in self.holder.items()]
        self.holder.clear()
        self.holder.update(items)


def slots(value: Any, path: str) -> Iterator[Slot]:  # noqa: ANN401 - any JSON value
    """Yield every text below a list or an object: strings, and keys that the protocol does not name.

    Only values of identifiers that look like identifiers are left out.
    """
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _slot(value, place, item, f"{path}[{place}]")
    elif isinstance(value, dict):
        free = path.endswith(("properties", "metadata", "$defs", "definitions", "patternProperties"))
        for key, item in value.items():
            if free or key not in _NAMES:
                yield Slot(f"{path}.{key}", key, value, key, named=True)
            if not is_identifier(key, item):
                yield from _slot(value, key, item, f"{path}.{key}")


def _slot(holder: Any, key: Any, item: Any, path: str) -> Iterator[Slot]:  # noqa: ANN401 - any JSON value
    if not isinstance(item, str):
        yield from slots(item, path)
    elif item:
        yield Slot(path, item, holder, key)


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON value
    """Yield `(path, text)` of every text of a value, as `slots` has them."""
    for slot in _slot(None, None, value, path):
        yield slot.path, slot.text


def is_identifier(key: str, value: object) -> bool:
    """Say whether a value names a thing of the protocol, by its key and by its look."""
    return key in IDENTIFIERS and isinstance(value, str) and bool(_PLAIN.fullmatch(value))


@dataclass(frozen=True)
class Unescaped:
    """JSON text with its escapes read; `places` say where each of its characters begins in the text as written, and its end."""

    text: str
    places: Sequence[int]

    def as_written(self, verdict: Verdict) -> Verdict:
        """Return a verdict on this text with its span in the text as it was written."""
        return replace(verdict, start=self.places[verdict.start], end=self.places[verdict.end])


def unescaped(text: str) -> Unescaped:
    """Return JSON text, whole or broken, with every escape read where it stands.

    All of it is there, a value whose key comes again too; a parser would tell the last alone.
    """
    out: list[str] = []
    places: list[int] = []
    at = 0
    for match in _ESCAPES.finditer(text):
        out.append(text[at : match.start()])
        places += range(at, match.start())
        said = _read(match[0])
        out.append(said)
        places += [match.start()] * len(said)
        at = match.end()
    out.append(text[at:])
    return Unescaped("".join(out), [*places, *range(at, len(text) + 1)])


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?', re.DOTALL)
Edit = tuple[int, int, str]
"""Where a stretch of a text begins and ends, and what stands there instead."""


def tokens(text: str) -> list[tuple[int, int, bool]]:
    """Return where the strings of JSON text, without their quotes, and its numbers begin and end, and whether it is a number."""
    found = [(match.start(), match.end(), match[0][0] != '"') for match in _TOKEN.finditer(text)]
    return [(start, end, True) if number else (start + 1, end - 1, False) for start, end, number in found]


def in_json(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """Return edits of JSON text, apart and in order, with quotes around every number that is no number any more."""
    found = list(edits)
    begins = [edit[0] for edit in edits]
    for start, end, number in tokens(text) if edits else ():
        place = bisect_left(begins, end)
        if number and place and edits[place - 1][1] > start:
            found += [(start, start, '"'), (end, end, '"')]
    return sorted(found, key=lambda edit: edit[:2])


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a text with edits made; they are apart and in order."""
    out, at = [], 0
    for start, end, new in edits:
        out += [text[at:start], new]
        at = end
    return "".join(out) + text[at:]


def _read(escapes: str) -> str:
    """Return what an escape says, or one written as a pair; half a pair is the sign for what can not be shown."""
    if escapes[1] != "u":
        return _SHORT.get(escapes[1], escapes[1])
    units = bytes.fromhex("".join(escapes.split("\\u")))
    return units.decode("utf-16-be", "replace")


def starred(text: str, read: Unescaped, verdicts: tuple[Verdict, ...]) -> str:
    """Return JSON text with what policy masks starred, still JSON; the verdicts are on the text with its escapes read."""
    stars = masked(read.text, verdicts)
    edits = [
        (read.places[at], read.places[at + 1], new)
        for at, (old, new) in enumerate(zip(read.text, stars, strict=True))
        if old != new
    ]
    return edited(text, in_json(text, edits)) if edits else text


def check_parts(message: Json, path: str) -> None:
    """Raise ApiError for a message that holds anything but text."""
    content = message.get("content")
    if not isinstance(content, str | list | None):
        raise unchecked(type(content).__name__, f"{path}.content")
    for place, part in enumerate(content or () if not isinstance(content, str) else ()):
        kind = part.get("type") if isinstance(part, dict) else "text" if isinstance(part, str) else type(part).__name__
        if not isinstance(kind, str) or kind not in TEXT_PARTS:
            raise unchecked(str(kind)[:40], f"{path}.content[{place}]")
        if isinstance(part, dict) and any(part.get(name) for name in OTHER_MEDIA):
            raise unchecked("media", f"{path}.content[{place}]")
        if isinstance(part, dict) and not all(isinstance(part.get(name), str | None) for name in ("text", "refusal")):
            raise unchecked(kind, f"{path}.content[{place}]")
    for name in OTHER_MEDIA:
        if message.get(name):
            raise unchecked(name, f"{path}.{name}")


def part_texts(message: Json) -> list[tuple[str, str]]:
    """Return the path below the message, and the text, of every part of a message in parts that a model reads."""
    content = message.get("content")
    found = [
        (f".content[{place}].text", part.get("text")) if isinstance(part, dict) else (f".content[{place}]", part)
        for place, part in enumerate(content if isinstance(content, list) else ())
    ]
    return [(path, text) for path, text in found if isinstance(text, str)]


def joined_parts(message: Json) -> str:
    """Return the text of a multi-part message joined, as a model reads it; empty for other messages."""
    texts = part_texts(message)
    return "".join(text for _, text in texts) if len(texts) > 1 else ""


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
