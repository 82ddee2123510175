"""How a room brings endpoints for applications without knowing the gateway: a call comes in, a reply goes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from hegui.kit.errors import HeguiError
from hegui.kit.text import Bi

MOST_JSON = 64 * 1024
"""Largest JSON body of a call, bytes."""


class CallError(HeguiError):
    """A call that is not answered as asked; `status` is the HTTP status, `code` a word for programs."""

    def __init__(self, status: int, code: str, title: Bi, remedy: Bi, *, cite: str = "") -> None:
        super().__init__(title, remedy, cite=cite)
        self.status = status
        self.code = code

    @property
    def told(self) -> str:
        """Return what a client reads: what happened and what to do, Chinese first."""
        return f"{self.title.zh}；{self.remedy.zh} / {self.title.en}; {self.remedy.en}"


@dataclass(frozen=True)
class Call:
    """One call of an application: who (its service, by the key that it brought), what, and the body as it arrives.

    `rest` is the path behind the room's prefix, in parts. `pseudonym` turns the application's name for a
    user into what stands for them; the name itself is kept nowhere.
    """

    method: str
    rest: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    service: str
    key: str
    pseudonym: Callable[[str], str]
    pieces: AsyncIterator[bytes]

    async def json(self) -> dict[str, Any]:
        """Return the body as a JSON object, `{}` for none; raise CallError 400 or 413."""
        raw = bytearray()
        async for piece in self.pieces:
            raw += piece
            if len(raw) > MOST_JSON:
                raise CallError(
                    413, "request_too_large", Bi(f"请求体超过 {MOST_JSON} 字节", f"the body is over {MOST_JSON} bytes"),
                    Bi("缩短后重试", "shorten it and try again"),
                )  # fmt: skip
        try:
            data = orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError as error:
            raise _not_json(str(error)) from None
        if not isinstance(data, dict):
            raise _not_json("not an object")
        return data


def _not_json(why: str) -> CallError:
    return CallError(
        400, "invalid_json", Bi(f"请求体不是 JSON 对象（{why}）", f"the body is not a JSON object ({why})"),
        Bi("发送 JSON 对象", "send a JSON object"),
    )  # fmt: skip


def no_such(what: Bi) -> CallError:
    """Return the error for something that is not there, or is another application's."""
    return CallError(
        404, "not_found", Bi(f"没有这个{what.zh}", f"there is no such {what.en}"), Bi("检查编号", "check its number")
    )


@dataclass(frozen=True)
class Reply:
    """What goes back: JSON, or a file from the disk."""

    body: Any = None
    status: int = 200
    file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Endpoints(Protocol):
    """What a room answers under its prefixes, such as `/v1/labelling/grants`."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return the paths under which this room answers."""
        ...

    async def __call__(self, prefix: str, call: Call) -> Reply:
        """Answer a call; raise HeguiError, of which a CallError says its status."""
        ...

    async def close(self) -> None:
        """Give back what the room holds open."""
        ...
