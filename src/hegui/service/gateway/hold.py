"""What a choice of a streamed answer has said and nobody has judged yet, kept in order.

A judgement is due where 200 characters were said since the last, or a sentence ended after 80, and
at the end. The places depend on the text alone: an event in which one lies is cut there.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hegui.service.gateway.protocol import Json

LEAST = 80
STRETCH = 200
_SENTENCE_END = re.compile("[。！？!?；;…\n]")
TEXT = frozenset({"content", "reasoning_content", "reasoning", "refusal", "name", "arguments", "transcript"})

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Due:
    """A place up to which a choice is to be judged, and the end of each channel that said something since the last."""

    at: int
    texts: tuple[tuple[Path, int, str], ...]
    """Of each channel its path, where the text begins in it, and the text."""
    last: bool = False


@dataclass
class _Item:
    """An event of one choice; `raw` are the bytes that came, where they may leave as they are."""

    data: Json
    raw: bytes | None
    start: int
    end: int


class Hold:
    """Keeps the events of one choice until what they say was judged."""

    def __init__(self, look: int) -> None:
        self._look = look
        self._items: deque[_Item] = deque()
        self._said = self._marked = self._passed = 0
        self._seen: dict[Path, tuple[int, str]] = {}
        self._new: dict[Path, list[str]] = {}
        self.due: deque[Due] = deque()
        self.left: dict[Path, list[str]] = {}

    def add(self, data: Json, raw: bytes | None) -> None:
        """Keep an event that holds one choice; a judgement that becomes due is noted."""
        start = self._said
        for path, text in said_in(data["choices"][0].get("delta") or {}):
            self._take(path, text)
        self._items.append(_Item(data, raw, start, self._said))

    def finish(self) -> None:
        """Say that the choice says no more: what it said since the last place is due."""
        self._mark(last=True)

    def _take(self, path: Path, text: str) -> None:
        while text:
            size = self._to_mark(text)
            self._new.setdefault(path, []).append(text[:size])
            self._said += len(text[:size])
            if size <= len(text) and self._is_mark(text[size - 1]):
                self._mark(last=False)
            text = text[size:]

    def _to_mark(self, text: str) -> int:
        """Return how many characters there are up to the next place of judgement, or all."""
        since = self._said - self._marked
        most = STRETCH - since
        end = _SENTENCE_END.search(text, max(LEAST - since - 1, 0), most)
        return end.end() if end else min(most, len(text))

    def _is_mark(self, last: str) -> bool:
        since = self._said - self._marked
        return since >= STRETCH or (since >= LEAST and bool(_SENTENCE_END.match(last)))

    def _mark(self, *, last: bool) -> None:
        found = []
        for path, pieces in self._new.items():
            size, seen = self._seen.get(path, (0, ""))
            new = "".join(pieces)
            size, seen = size + len(new), (seen + new)[-self._look :]
            self._seen[path] = size, seen
            found.append((path, size - len(seen), seen))
        self._new.clear()
        self._marked = self._said
        self.due.append(Due(self._said, tuple(found), last))

    def let_out(self, upto: int) -> Iterator[tuple[Json, bytes | None]]:
        """Yield the events up to a place that was judged, the one in which it lies cut; then what says nothing after it."""
        self._passed = max(self._passed, upto)
        while self._items and self._items[0].start <= self._passed:
            item = self._items[0]
            if item.end <= self._passed:
                self._items.popleft()
                data, raw = item.data, item.raw
            elif item.start == self._passed:
                return
            else:
                data, raw = self._cut(item), None
            for path, text in said_in(data["choices"][0].get("delta") or {}):
                self.left.setdefault(path, []).append(text)
            yield data, raw

    def free(self) -> Iterator[tuple[Json, bytes | None]]:
        """Yield the events that need not wait, since nothing before them does and they say nothing."""
        return self.let_out(self._passed)

    def _cut(self, item: _Item) -> Json:
        """Take the part of an event before the place that was judged; the rest stays."""
        choice = item.data["choices"][0]
        head, rest, _ = _split(choice["delta"], self._passed - item.start)
        base = {key: value for key, value in item.data.items() if key not in {"choices", "usage", "hegui"}}
        first = {**item.data, "choices": [{**choice, "delta": head, "logprobs": None}]}
        item.data = {**base, "choices": [{"index": choice.get("index") or 0, "delta": rest, "finish_reason": None}]}
        item.raw, item.start = None, self._passed
        return first


def said_in(node: Json, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield path and text of every channel in a delta or message that was checked, in its order."""
    for key, value in node.items():
        if isinstance(value, str):
            if value and key in TEXT:
                yield (*path, key), value
        elif isinstance(value, dict):
            yield from said_in(value, (*path, key))
        elif isinstance(value, list):
            for place, item in enumerate(value):
                yield from said_in(item, (*path, key, item.get("index", place)))


def _split(node: Json, count: int) -> tuple[Json, Json, int]:
    """Return a delta with so many characters of its text, one with the rest of it, and how many were wanting."""
    head: Json = {}
    rest: Json = {}
    for key, value in node.items():
        head[key] = value
        if isinstance(value, str) and key in TEXT:
            head[key], after = value[:count], value[count:]
            count -= min(count, len(value))
            if after:
                rest[key] = after
        elif isinstance(value, dict):
            head[key], after_it, count = _split(value, count)
            if after_it:
                rest[key] = after_it
        elif isinstance(value, list):
            parts: list[Any] = []
            head[key] = []
            for place, item in enumerate(value):
                first, after_it, count = _split(item, count)
                head[key].append(first)
                if after_it:
                    parts.append({"index": item.get("index", place), **after_it})
            if parts:
                rest[key] = parts
    return head, rest, count
