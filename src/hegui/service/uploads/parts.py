"""A form in parts (RFC 7578) read as it arrives: fields whole, files piece by piece, never a file in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from hegui.kit.calls import CallError
from hegui.kit.text import Bi

_NAME = re.compile(r'(?i)^content-disposition:[^\r\n]*?;\s*name="([^"\r\n]*)"', re.MULTILINE)
_FILE = re.compile(r'(?i)^content-disposition:[^\r\n]*?;\s*filename="([^"\r\n]*)"', re.MULTILINE)
_FILE_STAR = re.compile(r"(?i)^content-disposition:[^\r\n]*?;\s*filename\*=utf-8''([^;\r\n]*)", re.MULTILINE)
_LONGEST_HEAD = 8192
LONGEST_FIELD = 4096


@dataclass(frozen=True)
class Begin:
    """A part begins; `file` is the name that a file goes by, None for a field."""

    name: str
    file: str | None


Event = Begin | bytes | None
"""A part begins, a piece of it, its end (None)."""


def _malformed(why: str) -> CallError:
    return CallError(
        400, "invalid_form", Bi("表单不完整或格式有误", f"the form is incomplete or malformed ({why})"),
        Bi("按 multipart/form-data 重新发送", "send it again as multipart/form-data"),
    )  # fmt: skip


class _Reader:
    """Cuts a form into its events, in whatever pieces it comes."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"\r\n--" + boundary
        self._rest = b"\r\n"  # the first boundary has no line before it
        self._head = self._inside = False
        self.ended = False

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield what a piece completes."""
        self._rest += piece
        while not self.ended and (self._take_head() if self._head else self._has_mark()):
            if self._head:
                text, _, self._rest = self._rest.partition(b"\r\n\r\n")
                self._head, self._inside = False, True
                yield _begin(text.decode("utf-8", "replace"))
                continue
            before, _, self._rest = self._rest.partition(self._mark)
            if self._inside:
                if before:
                    yield before
                yield None
            self._inside, self._head = False, True
        if not (self._head or self.ended):
            # The boundary may have begun at the end of what is there.
            keep = len(self._mark) - 1
            if self._inside and len(self._rest) > keep:
                yield self._rest[:-keep]
            self._rest = self._rest[-keep:]

    def _has_mark(self) -> bool:
        return self._mark in self._rest

    def _take_head(self) -> bool:
        """Say whether the head of a part is whole; two dashes in its place end the form."""
        if self._rest[:2] == b"--":
            self.ended = True
            return False
        whole = b"\r\n\r\n" in self._rest
        if not whole and len(self._rest) > _LONGEST_HEAD:
            raise _malformed("head")
        return whole


async def parts(pieces: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[Event]:
    """Yield what a form holds; raise CallError 400 for one that ends too soon or is none."""
    reader = _Reader(boundary)
    async for piece in pieces:
        for event in reader.feed(piece):
            yield event
    if not reader.ended:
        raise _malformed("end")


def _begin(text: str) -> Begin:
    name, file, star = _NAME.search(text), _FILE.search(text), _FILE_STAR.search(text)
    if name is None:
        raise _malformed("name")
    return Begin(name.group(1), unquote(star.group(1)) if star else file.group(1) if file else None)
