"""The events of a streamed chat on their way to the check, with the files taken out of them.

Text with a data URL may come in any pieces. From the first semicolon on (a data URL has one) each event
is read; what came shortly before is read then, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from hegui.service.gateway.attachments.files import PICTURES, Attachments, channels, source_of, text_of
from hegui.service.gateway.hold import Path
from hegui.service.gateway.media.desk import encoded
from hegui.service.gateway.media.inline import LONGEST, begin, file_in, hidden, kind_of, payload, run_of
from hegui.service.gateway.media.labelling import IMAGE, WithheldError
from hegui.service.gateway.outbound import nest
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.gateway.upstream import Events

_BEFORE = 512
_TAIL = LONGEST
_LONGEST = 64 * 1024 * 1024


@dataclass
class _State:
    """One text of a choice: its last characters, or the base64 that is coming."""

    tail: str = ""
    prefix: str = ""
    held: list[str] | None = None
    size: int = 0
    padded: bool = False


@dataclass
class FileEvents:
    """Events without files; raises WithheldError from `next` for a file that can not be labelled."""

    events: Events
    files: Attachments
    base: Json = field(default_factory=dict)
    _states: dict[tuple[int, Path], _State] = field(default_factory=dict)
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
            for item in _items(_loaded(raw)):
                for holder, key, path in channels(_delta(item)):
                    state = self._states.setdefault((_index(item), path), _State())
                    state.tail = (state.tail + _joined(holder[key]))[-_TAIL:]
        self._before.clear()

    async def _read(self, raw: bytes) -> list[bytes]:
        data = _loaded(raw)
        if raw == MARK:
            return [*await self._rests(None), raw]
        if data is None:
            return [raw]
        changed, rests = False, list[bytes]()
        for item in _items(data):
            self.base = self.base or {key: data.get(key) for key in ("id", "created", "model")}
            taken = await self._take(_index(item), _delta(item))
            if item.get("finish_reason"):
                rests += await self._rests(_index(item))
            if taken and item.get("logprobs") is not None:
                item["logprobs"] = None  # they spell out what was taken
            changed = changed or taken
        return [*rests, orjson.dumps(data) if changed else raw]

    async def _take(self, index: int, delta: Json) -> bool:
        """Take the files out of a delta, in place; return whether it was changed, or a file is coming."""
        pictures = self.files.pictures(delta)
        changed = bool(pictures)
        for holder, key, path in channels(delta):
            value = holder[key]
            if isinstance(value, list):
                pictures += [source_of(part) for part in value if _is_picture(part)]
                value = [part for part in value if not _is_picture(part)]
                if any(text_of(part) is None for part in value):
                    continue  # it is no answer
                value = _joined(value)
            if self._watching:
                value = await self._text((index, path), value)
            changed = changed or value != holder[key]
            holder[key] = value
        for source in pictures:
            self.files.later(index, source)
        return changed or any(state.held is not None for key, state in self._states.items() if key[0] == index)

    async def _rests(self, index: int | None) -> list[bytes]:
        """Return an event for each text that ended within a file: of a choice, or of all when the stream ends."""
        out = []
        for (of, path), state in self._states.items():
            if state.held is not None and index in {None, of}:
                delta = nest(path, await self._closed(state))
                choice = {"index": of, "delta": delta, "finish_reason": None}
                out.append(orjson.dumps({**self.base, "choices": [choice]}))
        return out

    async def _text(self, of: tuple[int, Path], piece: str) -> str:
        """Return a piece of a text with a character in place of a file's base64, once that is whole."""
        state = self._states.setdefault(of, _State())
        out: list[str] = []
        while piece:
            if state.held is not None:
                size = run_of(piece, padded=state.padded)
                state.held.append(piece[:size])
                state.size += size
                state.padded = state.padded or piece[:size].endswith("=")
                if state.size > _LONGEST:
                    raise WithheldError("too_large", kind_of(state.prefix))
                piece = piece[size:]
                if piece:
                    out.append(await self._closed(state))
                continue
            text, known = state.tail + piece, len(state.tail)
            found = begin(text)
            if found is None:
                if hidden(text):
                    raise WithheldError("escaped", IMAGE)
                out.append(piece)
                state.tail = text[-_TAIL:]
                break
            cut = found.end() - known
            out.append(piece[:cut])
            state.prefix, state.held, state.size, state.padded = found[0], [], 0, False
            state.tail, piece = "", piece[cut:]
        return "".join(out)

    async def _closed(self, state: _State) -> str:
        """Return the character for a file that is whole, with the words behind it, or what only looked like one."""
        run, state.held = "".join(state.held or ()), None
        kind, end = file_in(state.prefix, run)
        state.tail = run[end:][-_TAIL:]
        if not end:
            return run
        file = await self.files.label(payload(run[:end]), kind)
        return self.files.token(encoded(file.data).encode(), file.entry("body")) + run[end:]


def _hints(raw: bytes) -> bool:
    """Say whether an event can hold a file: a data URL has a semicolon, every other file its name, unless it is escaped."""
    return b";" in raw or b"image" in raw or b"audio" in raw or b"\\u" in raw


def _loaded(raw: bytes) -> Json | None:
    try:
        data: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def _items(data: Json | None) -> list[Json]:
    """Return the choices of an event."""
    items = (data or {}).get("choices")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _index(item: Json) -> int:
    return item["index"] if type(item.get("index")) is int else 0


def _delta(item: Json) -> Json:
    delta = item.get("delta")
    return delta if isinstance(delta, dict) else {}


def _joined(value: str | list[object]) -> str:
    """Return a text that may come in parts."""
    return value if isinstance(value, str) else "".join(text_of(part) or "" for part in value)


def _is_picture(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in PICTURES
