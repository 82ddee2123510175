"""Checking an answer: one path for plain and streamed, every choice, every channel that carries text."""

from __future__ import annotations

import re
from typing import Any

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.policy import BLOCKING, Action, Lane, Side
from hegui.general.content.window import Window
from hegui.service.gateway.hiding import Restoring
from hegui.service.gateway.hold import Hold
from hegui.service.gateway.protocol import Json, ProtocolError
from hegui.service.gateway.texts import TEXT_PARTS, starred, unescaped
from hegui.service.labels import Labeller

Path = tuple[str | int, ...]

CONTENT: Path = ("content",)
ARGUMENTS = "arguments"
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_TEXT, _OBJECT, _CALLS, _NAME = "text", "object", "calls", "name"
_FUNCTION = {"name": _TEXT, "arguments": _TEXT}
_FIELDS: dict[str, dict[str, str]] = {
    "": {
        "role": _NAME, "content": _TEXT, "reasoning_content": _TEXT, "reasoning": _TEXT, "refusal": _TEXT,
        "tool_calls": _CALLS, "function_call": _OBJECT, "audio": _OBJECT,
    },
    "audio": {"id": _NAME, "expires_at": _NAME, "transcript": _TEXT},
    "call": {"index": _NAME, "id": _NAME, "type": _NAME, "function": _OBJECT},
    "function": _FUNCTION,
    "function_call": _FUNCTION,
}  # fmt: skip
"""The fields of a delta or message that are checked and passed on; all others are taken out."""
_MEDIA = frozenset({"images", "image", "video"})
_SOUND = (("audio",), "data")
"""A sound that is still there: those that can be labelled were taken out before."""
_MOST_CALLS = 9999
"""The greatest number that a tool call of an answer can have."""


class JsonWindow:
    r"""The channel of JSON text, such as a tool call's arguments: its escapes must not hide a word.

    Once an escape such as `\u` is seen, the rest is held to the end and then read with its escapes read as well.
    """

    __slots__ = ("_checker", "_kept", "_raw", "blocked", "released", "verdicts", "window")

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self.window = Window(checker)
        self.verdicts = self.window.verdicts
        self.released = self.window.released
        self.blocked = False
        self._raw: list[str] = []
        self._kept: list[str] | None = None

    @property
    def stopped(self) -> str:
        """Return the text that was withheld when the channel was blocked: what stands behind the released."""
        return "".join(self._raw)[sum(map(len, self.released)) :] if self.blocked else ""

    def whole(self, text: str) -> str:
        """Take text that is whole and return what may leave."""
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
        """Return the rest, starred where policy says so, unless it may not leave."""
        whole, found, rest = "".join(self._raw), list[Verdict](), "".join(self._kept or ())
        if self._kept is not None and not self.blocked:
            read = unescaped(whole)
            checked = self._checker.check(read.text, Side.OUTPUT)
            # The classifier judges the text apart.
            found = [read.as_written(item) for item in checked.verdicts if item.lane != Lane.MODEL]
            self.blocked = any(verdict.action in BLOCKING for verdict in found)
            if checked.action is Action.MASK:
                return self._starred(starred(whole, read, checked.verdicts), found)
        if self.blocked:
            _take_back(self.released, self.window.finish())
            self._note(found)
            return ""
        out = self.window.feed(rest) + self.window.finish()
        self.blocked = self.window.blocked
        self._note(found)
        return out

    def _starred(self, whole: str, found: list[Verdict]) -> str:
        """Return the rest of the text with its stars; what was held begins no later than the first of them."""
        at = sum(map(len, self.released))
        window = Window(self._checker)
        out = window.whole(whole[at:])
        self.blocked = window.blocked
        self._note([*found, *(verdict.moved(at) for verdict in window.verdicts if verdict.action in BLOCKING)])
        if out:
            self.released.append(out)
        return out

    def _note(self, found: list[Verdict]) -> None:
        known = set(self.verdicts)
        self.verdicts += [verdict for verdict in found if verdict not in known]


Channel = Window | JsonWindow


class ChoiceGuard:
    """One choice of an answer: its channels, its label, whether it is blocked or finished.

    `hold` is there where what it says waits for a judgement; then labels and values come in once it
    leaves. `restoring` is there where the model was given placeholders.
    """

    __slots__ = (
        "_calls", "_checker", "_closed", "_last", "_machine", "_now", "_tools", "_unsent", "begun", "blocked", "channels", "finished", "hold",
        "index", "labeller", "restoring", "whole",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - what one choice is made of
        self, index: int, checker: Checker, tools: Checker, labeller: Labeller, *,
        whole: bool, machine: bool = False, hold: Hold | None = None, restoring: Restoring | None = None,
    ) -> None:  # fmt: skip
        self.whole = whole
        self._machine = machine
        self.hold = hold
        self.restoring = restoring
        self.begun = False
        self.index = index
        self._checker = checker
        self._tools = tools
        self.labeller = labeller
        self.channels: dict[Path, Channel] = {}
        self.blocked = False
        self.finished = False
        self._closed = False
        self._calls: dict[str, int] = {}
        self._last = 0
        self._now: list[tuple[Path, str]] = []
        self._unsent: dict[Path, str] = {}

    def text(self) -> str:
        """Return the answer's text as it was let out."""
        return self.said().get(CONTENT, "")

    def said(self) -> dict[Path, str]:
        """Return the text of every channel as it was let out, with placeholders where there are any."""
        if self.hold is not None:
            return {path: "".join(self.hold.left.get(path, ())) for path in self.channels}
        return {path: "".join(found.released) for path, found in self.channels.items()}

    def all_text(self) -> dict[Path, tuple[str, str]]:
        """Return of every channel what was let out, and what was withheld behind it."""
        found = {}
        for path, text in self.said().items():
            channel = self.channels[path]
            kept = "".join(channel.released)[len(text) :] if self.hold is not None else self._unsent.get(path, "")
            found[path] = text, kept + channel.stopped
        return found

    def verdicts(self) -> list[tuple[str, Verdict]]:
        """Return the verdicts of every channel with their paths."""
        return [
            (f"choices[{self.index}]." + ".".join(map(str, path)), verdict)
            for path, channel in self.channels.items()
            for verdict in channel.verdicts
        ]

    def pass_through(self, delta: Json) -> bool:
        """Check a delta or message in place; return whether it was changed."""
        changed = self._walk(delta, ())
        if self.restoring is not None and self.hold is None and not self.whole:
            changed = self.restoring.deltas(delta) or changed
        return changed

    def _walk(self, node: Json, path: Path) -> bool:
        """Check the fields that the protocol names; take every other one out, since nobody looked at it."""
        changed = False
        fields = _FIELDS[path[-1] if path and isinstance(path[-1], str) else ""]
        for key in list(node):
            value, kind = node[key], fields.get(key)
            if value is None or value == "":
                continue
            if kind == _TEXT:
                changed = self._text(node, key, (*path, key)) or changed
            elif kind == _OBJECT and isinstance(value, dict):
                changed = self._walk(value, (*path, key)) or changed
            elif kind == _CALLS and isinstance(value, list) and all(isinstance(item, dict) for item in value):
                for place, item in enumerate(value):
                    number, renamed = self._number(item, place)
                    changed = self._walk(item, (*path, key, number, "call")) or renamed or changed
            elif kind != _NAME or not _is_name(value):
                if key in _MEDIA or (path, key) == _SOUND:
                    message = f"the answer holds {key}, which this version can not check"
                    raise ProtocolError(message)
                del node[key]
                changed = True
        return changed

    def _number(self, item: Json, place: int) -> tuple[int, bool]:
        """Return the number of a tool call, which its item has from now on, and whether the item was changed for it.

        In a whole message that is its place. In a stream a call without a sound number of its own is the
        one of its id, a new one where the id is new, and without an id the one that was spoken of last.
        """
        given, id_ = item.get("index"), item.get("id")
        name = id_ if isinstance(id_, str) else ""
        if self.whole:
            number = place
        elif type(given) is int and 0 <= given <= _MOST_CALLS:
            number = given
        elif name:
            number = self._calls.get(name, max(self._calls.values(), default=-1) + 1)
        else:
            number = place or self._last
        if name:
            self._calls.setdefault(name, number)
        self._last = number
        if (self.whole and "index" not in item) or (type(given) is int and given == number):
            return number, False
        item["index"] = number
        return number, True

    def _text(self, node: Json, key: str, path: Path) -> bool:
        value = node[key]
        joined = value if isinstance(value, str) else _joined(value)
        if joined is None:
            message = f"the answer's {key} is not text"
            raise ProtocolError(message)
        out = self._feed(tuple(step for step in path if step != "call"), joined)
        node[key] = out
        return out is not value and out != value

    def _feed(self, path: Path, text: str) -> str:
        channel = self.channels.get(path)
        if channel is None:
            checker = self._tools if path[-1] == ARGUMENTS else self._checker
            channel = JsonWindow(checker) if is_json(path, machine=self._machine) else Window(checker)
            self.channels[path] = channel
        out = channel.whole(text) if self.whole else channel.feed(text)
        if channel.blocked:
            self.blocked = True
        if out:
            self._now.append((path, out))
        return self._begin(out) if path == CONTENT else out

    def begin_event(self) -> None:
        """Say that what is let out from now on is that of a new event."""
        self._now.clear()

    def undo_event(self) -> None:
        """Say that an event did not leave: what it let out is withheld."""
        for path, out in reversed(self._now):
            self._withhold(path, out)
        self._now.clear()

    def _withhold(self, path: Path, out: str) -> None:
        """Take back what a channel let out last, as it does not leave; what waits for a judgement is told apart anyway."""
        if self.hold is None and out:
            _take_back(self.channels[path].released, out)
            self._unsent[path] = out + self._unsent.get(path, "")

    def close(self) -> None:
        """Say that the answer was stopped or broke off: what was let out is looked at by those who only note; the rest stays.

        A second call does nothing.
        """
        if self._closed or self.whole:
            return
        self._closed = True
        for path, channel in self.channels.items():
            self._withhold(path, channel.finish())

    def _begin(self, out: str) -> str:
        """Return the first text with the label before it; what waits for a judgement gets it when it leaves."""
        if out and not self.begun and self.hold is None:
            self.begun = True
            return self.labeller.before(out) + out
        return out

    def finish(self) -> list[Json]:
        """Return deltas with what the channels still held, and the label; sets `blocked` if a rest blocks."""
        self.finished = self._closed = True
        found = [] if self.whole else [(path, channel.finish()) for path, channel in self.channels.items()]
        if not self.whole and any(channel.blocked for channel in self.channels.values()):
            self.blocked = True
            for path, rest in found:
                self._withhold(path, rest)
            return []
        rests = [nest(path, self._begin(rest) if path == CONTENT else rest) for path, rest in found if rest]
        if self.hold is not None:
            return rests
        if self.restoring is not None and not self.whole:
            for delta in rests:
                self.restoring.deltas(delta)
            rests += [nest(path, rest) for path, rest in self.restoring.finish()]
        label = self.labeller.after(self.text())
        if label:
            rests.append({"content": label})
        return rests


def _take_back(released: list[str], out: str) -> None:
    """Take the text that was let out last out of what was let out."""
    if out:
        released[:] = ["".join(released)[: -len(out)]]


def is_json(path: Path, *, machine: bool) -> bool:
    """Say whether a channel is JSON text: arguments, and content where a machine reads it."""
    return path[-1] == ARGUMENTS or (machine and path == CONTENT)


def _is_name(value: object) -> bool:
    """Say whether a value is an identifier or a number of the protocol."""
    return isinstance(value, int) or (isinstance(value, str) and bool(_PLAIN.fullmatch(value)))


def _joined(value: object) -> str | None:
    """Return the text of a list of text parts; None for anything else."""
    if not isinstance(value, list):
        return None
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") in TEXT_PARTS else part for part in value]
    return "".join(map(str, texts)) if all(isinstance(text, str) for text in texts) else None


def nest(path: Path, text: str) -> Json:
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
