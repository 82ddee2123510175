"""The frame of a stream's common event: the bytes before and after its text, learnt once and then recognised.

Nearly all events of a stream differ in their text alone. Once one of them has been read and
checked field by field, the next that has the same bytes around a plain JSON string needs no
parsing: whatever stands in that string, the rest says what was checked before.
"""

from __future__ import annotations

import orjson

from hegui.general.content.window import Window
from hegui.service.gateway.protocol import Json

MOST_FRAMES = 16
"""Frames learnt in one stream at most: an upstream whose events all differ would make learning dear."""
_PROBE = "□"


class Frame:
    """One such frame, and the window that its texts go through."""

    __slots__ = ("_after", "_before", "_least", "window")

    def __init__(self, before: bytes, after: bytes, window: Window) -> None:
        self._before = before
        self._after = after
        self._least = len(before) + len(after)
        self.window = window

    def text(self, raw: bytes) -> str | None:
        """Return the text of an event in this frame, or None when the event has to be parsed.

        A string with an escape, a quote or anything that is not printable has to be.
        """
        if not (raw.startswith(self._before) and raw.endswith(self._after) and len(raw) > self._least):
            return None
        inside = raw[len(self._before) : -len(self._after)]
        if b'"' in inside or b"\\" in inside:
            return None
        try:
            text = inside.decode()
        except UnicodeDecodeError:
            return None
        return text if text.isprintable() else None

    def event(self, text: str) -> bytes:
        """Return the event of this frame with another text."""
        return b"data: " + self._before + orjson.dumps(text)[1:-1] + self._after + b"\n\n"


def learn(raw: bytes, data: Json, content: str, window: Window) -> Frame | None:
    """Return the frame of an event that was parsed to `data` with one piece of content, or None if it shows none.

    Raises nothing: what does not come out the same when read back is no frame.
    """
    inside = orjson.dumps(content)
    for mark in (b'"content":', b'"content": '):
        if raw.count(mark + inside) == 1:
            at = raw.index(mark + inside) + len(mark) + 1
            break
    else:
        return None
    before, after = raw[:at], raw[at + len(inside) - 2 :]
    probe = orjson.loads(before + _PROBE.encode() + after)
    delta = probe["choices"][0]["delta"]
    if delta.get("content") != _PROBE:
        return None
    delta["content"] = content
    return Frame(before, after, window) if probe == data else None
