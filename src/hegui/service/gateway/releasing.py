"""Answers without the explicit label, on a grant (Labelling Measures 9): checked first, logged before the last byte.

The header `x-hegui-unlabelled` names the grant. Without one, or without a user, nothing here is asked. Modules that
make other kinds of content ask in the same way: `Leaves.asked`, then `begin`, `log`, `withhold` of what it returns. The
explicit label is not put in; the implicit one goes along, for text in `hegui.label` and `x-hegui-aigc`, for files in
the files. Nothing takes a label off what has one.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

import orjson

from hegui.kit.calls import CallError
from hegui.kit.canonical import canonical
from hegui.kit.text import Bi
from hegui.service.gateway.access import Grant
from hegui.service.gateway.protocol import DONE, EventReader, Json, event
from hegui.service.gateway.service import RELEASED
from hegui.service.gateway.texts import TEXT_PARTS
from hegui.service.labels import Labeller
from hegui.service.labels.schema import KEYWORD, Label

HEADER = b"x-hegui-unlabelled"
TEXT = "text"
GIVEN = frozenset({"answered", "ended_output", "refused_output", "client_gone", "upstream_incomplete", "undetermined"})
"""Outcomes of which something of the model's own may have left."""


class Release(Protocol):
    """A leave that was checked, for one content after the other; see `service/releases/giving.py` for what each raises."""

    async def begin(self, content_id: str) -> None:
        """Note that a content is about to be given."""
        ...

    async def log(self, content_id: str, digest: str) -> None:
        """Log a content, with the SHA-256 of what leaves in hex, before its last byte does."""
        ...

    async def withhold(self, content_id: str) -> None:
        """Log that nothing left."""
        ...


class Releases(Protocol):
    """Who knows the grants."""

    async def allowed(self, grant: str, service: str, person: str | None, kind: str) -> Release:
        """Return the leave; raise CallError 403 that says why not."""
        ...


class NoReleases:
    """Nobody has a leave."""

    async def allowed(self, grant: str, service: str, person: str | None, kind: str) -> Release:  # noqa: ARG002 - the port's
        """Raise CallError 403."""
        raise CallError(
            403, "unlabelled_unknown", Bi("此处不提供无显式标识的内容", "nothing is given without its explicit label here"),
            Bi(f"去掉请求头 {HEADER.decode()}", f"leave out the header {HEADER.decode()}"), cite="LAB-9",
        )  # fmt: skip


@dataclass(frozen=True)
class Leaves:
    """Who knows the grants, and the provider's code that stands in the implicit label; empty for none."""

    releases: Releases = field(default_factory=NoReleases)
    code: str = ""

    @staticmethod
    def named(headers: list[tuple[bytes, bytes]]) -> bool:
        """Say whether a request names a leave."""
        return any(name == HEADER for name, _ in headers)

    async def asked(
        self, headers: list[tuple[bytes, bytes]], grant: Grant, person: str | None, kind: str
    ) -> Release | None:
        """Return the leave that a request names, None where it names none; raise CallError for one that is not to be had.

        `person` is the pseudonym of the request's user.
        """
        named = [value.decode("latin-1").strip() for name, value in headers if name == HEADER]
        if not named:
            return None
        if len(named) > 1 or person is None:
            raise CallError(
                403, "unlabelled_user_missing",
                Bi("须在请求体给出申请时的 user，且只给一个许可", "the body must name the `user` who asked, and the header one leave"),
                Bi("补上 user 后重试", "add `user` and try again"), cite="LAB-9",
            )  # fmt: skip
        if not self.code:
            raise CallError(
                403, "no_provider_code",
                Bi("运营者未设提供者编码，隐式标识无从写入", "the operator has set no provider's code for the implicit label"),
                Bi("请运营者设定 provider_code", "ask the operator to set `provider_code`"), cite="GB45438-6.1",
            )  # fmt: skip
        return await self.releases.allowed(named[0], grant.service, person, kind)


class ReleasedLabeller(Labeller):
    """Puts in no explicit label, and says so."""

    __slots__ = ()

    def before(self, first: str) -> str:  # noqa: ARG002 - as the labeller has it
        """Return nothing."""
        return ""

    def after(self, whole: str) -> str:
        """Return nothing; the record says why."""
        if whole:
            self.reason = RELEASED
        return ""


class ReleasedText:
    """One text answer on its way out under a grant: what left of it, and the implicit label that goes along."""

    def __init__(self, release: Release, content_id: str, code: str) -> None:
        self.release = release
        self._content_id = content_id
        self._label = Label.first(code, content_id).as_dict()
        self._choices: dict[int, Any] = {}
        self._reader = EventReader()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that carry the implicit label."""
        told = json.dumps({KEYWORD: self._label}, separators=(",", ":"))
        return [(b"x-hegui-label", RELEASED.encode()), (b"x-hegui-aigc", told.encode())]

    def whole(self, body: Json) -> None:
        """Note a completion as it leaves, and put the implicit label beside it."""
        for item in body["choices"]:
            self._note(item["index"], item["message"].get("content"))
        body["hegui"] = {**body.get("hegui", {}), "label": self._beside()}

    def piece(self, data: bytes) -> None:
        """Note a piece of a stream as it leaves."""
        for raw in self._reader.feed(data):
            if raw.startswith(b"{"):
                for item in orjson.loads(raw).get("choices") or ():
                    self._note(item["index"], item["delta"].get("content"))

    def last(self, data: bytes) -> bytes:
        """Return the last bytes of a stream with the implicit label beside what left."""
        self.piece(data)
        events = data.removesuffix(DONE).removesuffix(b"\n\n").split(b"\n\n")
        ending = orjson.loads(events[-1][6:]) if events[-1] else {"object": "chat.completion.chunk", "choices": []}
        ending["hegui"] = {"content_id": self._content_id, "label": self._beside()}
        return b"".join([one + b"\n\n" for one in events[:-1]]) + event(ending) + DONE

    def _note(self, index: int, content: object) -> None:
        if text := _text_of(content):
            self._choices.setdefault(index, sha256()).update(text.encode("utf-8", "replace"))

    def _digests(self) -> dict[str, str]:
        return {str(index): found.hexdigest() for index, found in sorted(self._choices.items())}

    def _beside(self) -> Json:
        return {KEYWORD: self._label, "sha256": self._digests()}

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the text that left; of several, that of their digests, a line each. Empty for none."""
        return together(self._digests())

    async def end(self, outcome: str, said: dict[str, str]) -> None:
        """Log what left; raise StoreError, then the last byte must not leave.

        `said` is every text that left by its path: its digest stands for an answer that said nothing but calls of tools.
        """
        digest = self.digest or (sha256(canonical(said)).hexdigest() if said else "")
        if digest and outcome in GIVEN:
            await self.release.log(self._content_id, digest)
        else:
            await self.release.withhold(self._content_id)


def _text_of(content: object) -> str:
    """Return the text of a message's content: a text, or those of its parts, joined."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type", "text") in TEXT_PARTS]
        content = "".join(
            text for part in parts for name in ("text", "refusal") if isinstance(text := part.get(name), str)
        )
    return content if isinstance(content, str) else ""


class ReleasedFiles:
    """The files of one answer on their way out under a grant; their implicit labels are in them."""

    def __init__(self, release: Release, content_id: str) -> None:
        self._release = release
        self._content_id = content_id

    async def end(self, media: list[Json]) -> None:
        """Log what left, as the record has it; raise StoreError, then the last byte must not leave."""
        left = {str(place): str(item["sha256"]) for place, item in enumerate(media) if "sent" in item}
        if left:
            await self._release.log(self._content_id, together(left))
        else:
            await self._release.withhold(self._content_id)


def together(digests: dict[str, str]) -> str:
    """Return the digest of one thing; of several, that of their digests, each on a line with its name. Empty for none."""
    if len(digests) < 2:  # noqa: PLR2004 - one is its own digest
        return next(iter(digests.values()), "")
    return sha256("".join(f"{name}:{value}\n" for name, value in digests.items()).encode()).hexdigest()


def noting(
    released: ReleasedText | None, send: Callable[[bytes], Awaitable[None]]
) -> Callable[[bytes], Awaitable[None]]:
    """Return what sends a piece of a stream and, under a grant, notes that it left."""
    if released is None:
        return send

    async def noted(piece: bytes) -> None:
        released.piece(piece)
        await send(piece)

    return noted
