"""The events of a streamed chat on their way to the check, with the files taken out of them.

Text with a data URL may come in any pieces. From the first semicolon on (a data URL has one) each event
is read; what came shortly before is read then, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from hegui.service.gateway.attachments import BASE64, INLINE, Attachments, kind_of, shows
from hegui.service.gateway.desk import encoded
from hegui.service.gateway.media import WithheldError
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.gateway.upstream import Events

_BEFORE = 64
_TAIL = 200
_LONGEST = 64 * 1024 * 1024


@dataclass
class _State:
    """The text of one choice: its last characters, or the base64 that is coming."""

    tail: str = ""
    prefix: str = ""
    held: list[str] | None = None
    size: int = 0


@dataclass
class FileEvents:
    """Events without files; raises WithheldError from `next` for a file that can not be labelled."""

    events: Events
    files: Attachments
    base: Json = field(default_factory=dict)
    _states: dict[int, _State] = field(default_factory=dict)
    _before: deque[bytes] = field(default_factory=lambda: deque(maxlen=_BEFORE))
    _watching: bool = False

    async def next(self) -> list[bytes]:
        """Return the data of the events that came together, empty at the end; raise UpstreamError, WithheldError."""
        batch = await self.events.next()
        if not self._watching and len(batch) == 1 and not _hints(batch[0]):
            self._before.append(batch[0])  # as nearly all are
            return batch
        out: list[bytes] = []
        for raw in batch:
            if not self._watching and (b";" in raw or b"\\u" in raw):
                self._watch()
            out += await self._read(raw) if self._watching or _hints(raw) else [raw]
            if not self._watching:
                self._before.append(raw)
        return out

    def close(self) -> None:
        """Give back what is held."""
        self.events.close()

    def _watch(self) -> None:
        self._watching = True
        for raw in self._before:
            for index, delta, _ in _deltas(_loaded(raw)):
                if isinstance(delta.get("content"), str):
                    state = self._states.setdefault(index, _State())
                    state.tail = (state.tail + delta["content"])[-_TAIL:]
        self._before.clear()

    async def _read(self, raw: bytes) -> list[bytes]:
        data = _loaded(raw)
        changed = False
        if raw == MARK or data is None:
            return [*await self._rests(), raw] if raw == MARK else [raw]
        for index, delta, ended in _deltas(data):
            self.base = self.base or {key: data.get(key) for key in ("id", "created", "model")}
            for source in self.files.pictures(delta):
                self.files.later(index, source)
                changed = True
            content = delta.get("content")
            if self._watching and isinstance(content, str):
                delta["content"] = await self._text(index, content)
                changed = changed or delta["content"] != content
            state = self._states.get(index)
            if ended and state is not None and state.held is not None:
                delta["content"] = str(delta.get("content") or "") + await self._closed(state)
                changed = True
        return [orjson.dumps(data) if changed else raw]

    async def _rests(self) -> list[bytes]:
        """Return an event for each choice whose file ended with the stream."""
        out = []
        for index, state in self._states.items():
            if state.held is not None:
                delta = {"content": await self._closed(state)}
                out.append(orjson.dumps({**self.base, "choices": [{"index": index, "delta": delta}]}))
        return out

    async def _text(self, index: int, piece: str) -> str:
        """Return a piece of a choice's text with a character in place of a file's base64, once that is whole."""
        state = self._states.setdefault(index, _State())
        out: list[str] = []
        while piece:
            if state.held is not None:
                match = BASE64.match(piece)
                size = match.end() if match else 0
                state.held.append(piece[:size])
                state.size += size
                if state.size > _LONGEST:
                    raise WithheldError("too_large", kind_of(state.prefix))
                piece = piece[size:]
                if piece:
                    out.append(await self._closed(state))
                continue
            text, known = state.tail + piece, len(state.tail)
            found = next((one for one in INLINE.finditer(text) if one.end() > known), None)
            if found is None:
                out.append(piece)
                state.tail = text[-_TAIL:]
                break
            cut = found.end() - known
            out.append(piece[:cut])
            state.prefix, state.held, state.size, state.tail, piece = found[0], [], 0, "", piece[cut:]
        return "".join(out)

    async def _closed(self, state: _State) -> str:
        """Return the character for a file that is whole, or what only looked like one."""
        payload, state.held = "".join(state.held or ()), None
        if not shows(payload):
            state.tail = payload[-_TAIL:]
            return payload
        file = await self.files.label(payload, kind_of(state.prefix))
        self.files.entries.append(file.entry("body"))
        return self.files.token(encoded(file.data).encode())


def _hints(raw: bytes) -> bool:
    """Say whether an event can hold a file: a data URL has a semicolon, every other file its name, unless it is escaped."""
    return b";" in raw or b"image" in raw or b"audio" in raw or b"\\u" in raw


def _loaded(raw: bytes) -> Json | None:
    try:
        data: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def _deltas(data: Json | None) -> list[tuple[int, Json, bool]]:
    """Return index and delta of each choice of an event, and whether it ends there."""
    items = (data or {}).get("choices")
    return [
        (item["index"] if type(item.get("index")) is int else 0, item["delta"], bool(item.get("finish_reason")))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict) and isinstance(item.get("delta"), dict)
    ]
