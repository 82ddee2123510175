"""Checking an answer: one path for plain and streamed, every choice, every channel that carries text."""

from __future__ import annotations

import re
from typing import Any

import orjson

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.policy import BLOCKING, Side
from hegui.general.content.window import Window
from hegui.service.gateway.protocol import Json, ProtocolError
from hegui.service.gateway.texts import IDENTIFIERS, UNCHECKED_PARTS, leaves
from hegui.service.labels import Labeller

Path = tuple[str | int, ...]

_CONTENT: Path = ("content",)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_UNCHECKED_FIELDS = frozenset({"audio", "images", "image", "video"})


class Arguments:
    r"""The channel of a tool call's arguments: JSON text, whose escapes must not hide a word.

    Once an escape such as `\u` is seen, the rest is held to the end and then read decoded as well.
    """

    __slots__ = ("_checker", "_kept", "_raw", "blocked", "verdicts", "window")

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self.window = Window(checker)
        self.verdicts = self.window.verdicts
        self.blocked = False
        self._raw: list[str] = []
        self._kept: list[str] | None = None

    @property
    def stopped(self) -> str:
        """Return the text that was withheld when the channel was blocked."""
        return "".join(self._raw) if self.blocked else ""

    @property
    def released(self) -> list[str]:
        """Return what was let out."""
        return self.window.released

    def whole(self, text: str) -> str:
        """Take arguments that are whole and return what may leave."""
        return self.feed(text) + self.finish()

    def feed(self, piece: str) -> str:
        """Take a piece and return what may leave."""
        self._raw.append(piece)
        if self._kept is None and "\\" in piece:
            self._kept = []
        if self._kept is not None:
            self._kept.append(piece)
            return ""
        out = self.window.feed(piece)
        self.blocked = self.window.blocked
        return out

    def finish(self) -> str:
        """Return the rest, unless the decoded text says no."""
        whole = "".join(self._raw)
        if self._kept is not None:
            for verdict in self._decoded(whole):
                self.verdicts.append(verdict)
                self.blocked = self.blocked or verdict.action in BLOCKING
            if self.blocked:
                return ""
        out = self.window.feed("".join(self._kept or ())) + self.window.finish()
        self.blocked = self.window.blocked
        return out

    def _decoded(self, whole: str) -> list[Verdict]:
        try:
            value = orjson.loads(whole)
        except orjson.JSONDecodeError:
            value = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), whole)
        text = "\n".join(found for _, found in leaves(value, "arguments"))
        return [item for item in self._checker.check(text, Side.OUTPUT).verdicts if item.action in BLOCKING]


Channel = Window | Arguments


class ChoiceGuard:
    """One choice of an answer: its channels, its label, whether it is blocked or finished."""

    __slots__ = ("_checker", "_tools", "blocked", "channels", "finished", "index", "labeller", "whole")

    def __init__(self, index: int, checker: Checker, tools: Checker, labeller: Labeller, *, whole: bool) -> None:
        self.whole = whole
        self.index = index
        self._checker = checker
        self._tools = tools
        self.labeller = labeller
        self.channels: dict[Path, Channel] = {}
        self.blocked = False
        self.finished = False

    def text(self) -> str:
        """Return the answer's text as it was let out."""
        content = self.channels.get(("content",))
        return "".join(content.released) if content else ""

    def all_text(self) -> dict[str, str]:
        """Return every channel's released text by its path."""
        texts = {".".join(map(str, path)): "".join(found.released) for path, found in self.channels.items()}
        stopped = {".".join(map(str, path)): found.stopped for path, found in self.channels.items() if found.stopped}
        return texts | {f"{path} (withheld)": text for path, text in stopped.items()}

    def verdicts(self) -> list[tuple[str, Verdict]]:
        """Return the verdicts of every channel with their paths."""
        return [
            (f"choices[{self.index}]." + ".".join(map(str, path)), verdict)
            for path, channel in self.channels.items()
            for verdict in channel.verdicts
        ]

    def pass_through(self, delta: Json) -> bool:
        """Check a delta or message in place; return whether it was changed."""
        return self._walk(delta, ())

    def content(self, text: str) -> str:
        """Check a piece of the answer's text and return what may leave."""
        return self._feed(_CONTENT, text)

    def _walk(self, node: Json, path: Path) -> bool:
        changed = False
        for key, value in node.items():
            if value is None or key in IDENTIFIERS:
                continue
            if isinstance(value, str):
                if value:
                    out = self._feed((*path, key), value)
                    if out != value:
                        node[key] = out
                        changed = True
            elif isinstance(value, dict):
                _refuse_unchecked(key, value)
                changed = self._walk(value, (*path, key)) or changed
            elif isinstance(value, list):
                changed = self._walk_list(key, value, path) or changed
        return changed

    def _walk_list(self, key: str, items: list[Any], path: Path) -> bool:
        changed = False
        for place, item in enumerate(items):
            if isinstance(item, dict):
                _refuse_unchecked(key, item)
                number = item.get("index", place)
                changed = self._walk(item, (*path, key, number if isinstance(number, int) else place)) or changed
            elif isinstance(item, str) and item:
                self._feed((*path, key, place, "name"), item)
        return changed

    def _feed(self, path: Path, text: str) -> str:
        channel = self.channels.get(path)
        if channel is None:
            channel = Arguments(self._tools) if path[-1] == "arguments" else Window(self._checker)
            self.channels[path] = channel
        # A name comes whole and is read at once, so it is checked whole and never held.
        out = channel.whole(text) if self.whole or path[-1] == "name" else channel.feed(text)
        if channel.blocked:
            self.blocked = True
        if path == _CONTENT and out and len(channel.released) == 1:
            out = self.labeller.before(out) + out
        return out

    def finish(self) -> list[Json]:
        """Return deltas with what the channels still held, and the label; sets `blocked` if a rest blocks."""
        self.finished = True
        rests: list[Json] = []
        for path, channel in self.channels.items() if not self.whole else ():
            first = not channel.released
            rest = channel.finish()
            if channel.blocked:
                self.blocked = True
                if rest:
                    channel.released.pop()
                return []
            if rest:
                if path == ("content",) and first:
                    rest = self.labeller.before(rest) + rest
                rests.append(_nest(path, rest))
        label = self.labeller.after(self.text())
        if label:
            rests.append({"content": label})
        return rests


def _refuse_unchecked(key: str, value: Json) -> None:
    if key in _UNCHECKED_FIELDS or value.get("type") in UNCHECKED_PARTS:
        message = f"the answer holds {key}, which this version can not check"
        raise ProtocolError(message)


def _nest(path: Path, text: str) -> Json:
    """Return a delta that carries one text at a path."""
    value: Any = text
    for step in reversed(path):
        if isinstance(step, int):
            value = [{"index": step, **value}] if isinstance(value, dict) else [value]
        else:
            value = {step: value}
    return value  # type: ignore[no-any-return]


def merge(message: Json, rest: Json) -> None:
    """Append the texts of a delta to a whole message."""
    for key, value in rest.items():
        if isinstance(value, str):
            message[key] = (message.get(key) or "") + value
        elif isinstance(value, dict):
            merge(message.setdefault(key, {}), value)
        else:
            _merge_list(message[key], value)


def _merge_list(items: list[Json], rest: list[Json]) -> None:
    for part in rest:
        number = part.pop("index")
        target = next((item for place, item in enumerate(items) if item.get("index", place) == number), None)
        if target is None:
            message = "a rest belongs to no part of the answer"
            raise ProtocolError(message)
        merge(target, part)
