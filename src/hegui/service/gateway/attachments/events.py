"""The events of a streamed chat on their way to the check, with the files taken out of them.

Text with a data URL may come in any pieces. From the first sign of one on (a data URL has a semicolon, a
percent sign or markup) each event is read; what came shortly before is read then, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

from hegui.service.gateway.attachments.files import PICTURES, Attachments, channels, source_of, stands_in, text_of
from hegui.service.gateway.hold import Path
from hegui.service.gateway.media.inline import LONGEST, begin, file_in, hidden, in_base64, kind_of, payload, run_of
from hegui.service.gateway.media.labelling import IMAGE, WithheldError
from hegui.service.gateway.media.percent import NO_PLACE, Look, look, taken
from hegui.service.gateway.media.percent import run_of as percent_run
from hegui.service.gateway.outbound import nest
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.gateway.upstream import Events

_BEFORE = 512
_TAIL = LONGEST
_LONGEST = 64 * 1024 * 1024
_OTHERS = bytes(set(range(256)) - set(b";%<\\"))
"""All but the signs of which a file in a data URL has one."""


@dataclass
class _State:
    """One text of a choice: its last characters, or the file that is coming."""

    tail: str = ""
    prefix: str = ""
    held: list[str] | None = None
    size: int = 0
    padded: bool = False
    unsure: bool = False
    """Whether it is not known yet that it is a file: without base64 it may be words."""
    left: int = 0
    """How many characters of what is held have left: those that came before any text was read."""

    def hold(self, prefix: str, left: str) -> None:
        """Hold what comes."""
        self.prefix, self.held, self.size, self.padded, self.tail = prefix, [], 0, False, ""
        self.unsure, self.left = not in_base64(prefix), len(left)
        if left:
            self.held.append(left)

    def released(self) -> str:
        """Return what is held and has not left, to be read again as words."""
        run, self.held = "".join(self.held or ()), None
        self.tail = run[: self.left]
        return run[self.left :]


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
        if not self._watching and not any(map(_hints, batch)):
            self._before.extend(batch)  # as nearly all are
            return batch
        out: list[bytes] = []
        for raw in batch:
            if not self._watching and _begins(raw):
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
        out: list[bytes] = []
        for (of, path), state in self._states.items():
            if state.held is None or index not in {None, of}:
                continue
            text = ""
            while state.held is not None:
                done, rest = await self._closed(state)
                text += done + await self._text((of, path), rest)
            choice = {"index": of, "delta": nest(path, text), "finish_reason": None}
            out.append(orjson.dumps({**self.base, "choices": [choice]}))
        return out

    async def _text(self, of: tuple[int, Path], piece: str) -> str:
        """Return a piece of a text with a character in place of what a data URL holds, once that is whole."""
        state = self._states.setdefault(of, _State())
        out: list[str] = []
        while piece:
            if state.held is None:
                text, piece = self._begun(state, piece)
            elif state.unsure:
                text, piece = "", self._surer(state, piece)
            else:
                text, piece = await self._more(state, piece)
            out.append(text)
        return "".join(out)

    def _begun(self, state: _State, piece: str) -> tuple[str, str]:
        """Return what of a piece leaves, up to where the next file may begin, and the rest."""
        text, before = state.tail + piece, len(state.tail)
        found = begin(text)
        while found and found.end() < before and _words(found[0], text[found.end() :]):
            found = begin(text, found.end())
        if found is None:
            if hidden(text):
                raise WithheldError("escaped", IMAGE)
            state.tail = text[-_TAIL:]
            return piece, ""
        cut = max(found.end() - before, 0)
        state.hold(found[0], text[found.end() : before])
        return piece[:cut], piece[cut:]

    def _surer(self, state: _State, piece: str) -> str:
        """Hold a piece of what may be a file without base64; return what is to be read on, nothing until that is known."""
        run = "".join(state.held or ()) + piece
        state.held = [run]
        found = look(kind_of(state.prefix), run, last=False)
        if found is Look.MARKUP:
            raise WithheldError(*NO_PLACE)
        if found is Look.WORDS:
            return state.released()
        if found is Look.BYTES:
            state.held, state.unsure = [], False
            return run
        return ""

    async def _more(self, state: _State, piece: str) -> tuple[str, str]:
        """Hold more of a file; return the character for it once it is whole, and the rest."""
        percent = not in_base64(state.prefix)
        size = percent_run(piece) if percent else run_of(piece, padded=state.padded)
        state.held = state.held if state.held is not None else []
        state.held.append(piece[:size])
        state.size += size
        state.padded = state.padded or piece[:size].endswith("=")
        if state.size > _LONGEST:
            raise WithheldError("too_large", kind_of(state.prefix))
        if size == len(piece):
            return "", ""
        done, rest = await self._closed(state)
        return done, rest + piece[size:]

    async def _closed(self, state: _State) -> tuple[str, str]:
        """Return the character for a file that is whole, and the words behind it, or what only looked like one."""
        run, prefix, left = "".join(state.held or ()), state.prefix, state.left
        if state.unsure:
            found = look(kind_of(prefix), run, last=True)
            if found is Look.MARKUP:
                raise WithheldError(*NO_PLACE)
            if found is Look.WORDS:
                return "", state.released()
        state.held, state.tail = None, ""
        if in_base64(prefix):
            kind, end = file_in(prefix, run)
            source = payload(run[:end])
        else:
            kind, source, end = taken(kind_of(prefix), run)
        if not end:
            return "", run[left:]
        file = await self.files.label(source, kind)
        text = stands_in(prefix)(file)
        if text[:left] != run[:left]:
            raise WithheldError("late", kind)
        return self.files.token(text[left:].encode(), file.entry("body")), run[end:]


def _words(prefix: str, run: str) -> bool:
    """Say whether what follows the beginning of a data URL in a text that has left is no file."""
    return look(kind_of(prefix), run, last=False) is Look.WORDS


def _hints(raw: bytes) -> bool:
    """Say whether an event can hold a file: data URLs have their signs, every other file its name."""
    return _begins(raw) or b"image" in raw or b"audio" in raw


def _begins(raw: bytes) -> bool:
    """Say whether a file in a data URL may begin in an event: with a semicolon, a percent sign or markup, or escapes for them."""
    signs = raw.translate(None, _OTHERS)
    return bool(signs) and (bool(signs.strip(b"\\")) or b"\\u" in raw or b"\\\\" in raw)


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
