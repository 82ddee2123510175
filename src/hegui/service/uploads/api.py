"""Endpoints for platforms: send uploads (one, many, or in pieces), learn the judgement, fetch what goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from typing import Any

from hegui.kit import clock
from hegui.kit.calls import Call, CallError, Reply, no_such
from hegui.kit.errors import HeguiError
from hegui.kit.multipart import boundary_of
from hegui.kit.text import Bi
from hegui.kit.threads import Own
from hegui.service.uploads import acts, judging
from hegui.service.uploads.desk import Desk, key_taken
from hegui.service.uploads.models import Form, Upload
from hegui.service.uploads.parts import LONGEST_FIELD, Begin, parts
from hegui.service.uploads.shelf import Slip, suffix_of

UPLOADS = "/v1/labelling/uploads"
_TOGETHER = 1 << 20
_MOST_FILES = 1000
_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no"}
_LONGEST_KEY = 200


def upload_data(row: Upload) -> dict[str, Any]:
    """Return an upload as the platform's application sees it."""
    reminder = judging.REMINDER
    fetched = f"{UPLOADS}/{row.id}/file" if row.form == Form.FILE else None
    return {
        "id": row.id, "object": "labelling.upload", "state": "judged", "key": row.key, "size": row.size,
        "sha256": row.digest, "container": row.container, "verdict": row.verdict, "found": row.found,
        "judgement": row.judgement, "notice": row.notice, "clause": row.clause,
        "declared": row.declared, "reminder": {"zh": reminder.zh, "en": reminder.en} if row.reminded and row.declared is None else None,
        "propagated": {
            "form": row.form, "label": row.added, "sha256": row.out_digest, "file": fetched,
            "sidecar": acts.sidecar_body(row), "problem": row.problem,
        },
        "shown_at": row.shown_at and clock.iso(row.shown_at), "at": clock.iso(row.at),
    }  # fmt: skip


def _flag(given: Mapping[str, str], name: str) -> bool | None:
    text = given.get(name, "").strip().lower()
    if text and text not in _YES | _NO:
        raise CallError(
            400,
            "invalid_field",
            Bi(f"{name} 应为 true 或 false", f"`{name}` must be true or false"),
            Bi("改正后重试", "correct it"),
        )
    return None if not text else text in _YES


class UploadEndpoints:
    """Answers under `/v1/labelling/uploads`."""

    prefixes = (UPLOADS,)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._aside = Own("uploads")

    async def close(self) -> None:
        """Give back every connection."""
        self._aside.close()
        self._desk.store.close()

    async def __call__(self, prefix: str, call: Call) -> Reply:  # noqa: ARG002 - there is one prefix
        """Answer a call; raise HeguiError."""
        match (call.method, call.rest):
            case ("POST", ()):
                return await self._post(call)
            case ("PATCH", (str(number),)):
                return await self._patch(call, number)
            case ("GET", (str(number),)):
                return await self._one(call, number)
            case ("GET", (str(number), "file")):
                return Reply(file=await self._aside(self._desk.file, number, call.service))
            case ("POST", (str(number), "declare")):
                return await self._declare(call, number)
            case ("POST", (str(number), "shown")):
                return Reply(upload_data(await self._aside(self._desk.shown, number, call.service)))
        raise no_such(Bi("接口", "endpoint"))

    def _slip(self, call: Call, given: Mapping[str, str], name: str, size: int | None = None) -> Slip:
        user, key = given.get("user", ""), given.get("key", "")
        if len(key) > _LONGEST_KEY or "\0" in key or not key.isprintable():
            raise CallError(
                400,
                "invalid_field",
                Bi("key 过长或含控制字符", "`key` is too long or has control characters"),
                Bi("改正后重试", "correct it"),
            )
        return Slip(
            call.service, suffix_of(name), size, call.pseudonym(user) if user else None,
            _flag(given, "declared"), bool(_flag(given, "traces")), key or None,
        )  # fmt: skip

    # --- sending ----------------------------------------------------------------------------------

    async def _post(self, call: Call) -> Reply:
        boundary = boundary_of(call.headers.get("content-type", ""))
        if boundary is not None:
            data = [item async for item in self._several(call, boundary)]
            return Reply({"object": "list", "data": data})
        if "size" in call.query:
            return await self._begin(call)
        slip = self._slip(call, call.query, call.query.get("name", ""))
        return Reply(upload_data(await self._whole(slip, call.pieces)))

    async def _whole(self, slip: Slip, pieces: AsyncIterator[bytes]) -> Upload:
        """Take a file in, judge it, keep it; one that was sent before is read past."""
        known = await self._aside(self._desk.known, slip)
        if known is not None:
            digest = sha256()
            async for piece in pieces:
                digest.update(piece)
            return self._desk.same(known, digest.hexdigest())
        number = await self._aside(self._desk.open, slip)
        try:
            await self._receive(number, slip, 0, pieces)
            row = await self._aside(self._desk.finish, number, slip)
        except BaseException:
            await self._aside(self._desk.shelf.remove, number)
            raise
        if row.id != number:  # another sending of the same key was quicker
            await self._aside(self._desk.shelf.remove, number)
        return row

    async def _receive(self, number: str, slip: Slip, offset: int, pieces: AsyncIterator[bytes]) -> int:
        """Put pieces on the disk and return how many bytes are there; what came stays there when the client goes away."""
        kept = bytearray()
        try:
            async for piece in pieces:
                kept += piece
                if len(kept) >= _TOGETHER:
                    whole, kept = bytes(kept), bytearray()
                    offset = await self._aside(self._desk.shelf.append, number, slip, offset, whole)
        finally:
            offset = await self._aside(self._desk.shelf.append, number, slip, offset, bytes(kept))
        return offset

    async def _several(self, call: Call, boundary: bytes) -> AsyncIterator[dict[str, Any]]:
        """Take the files of a form in, one after the other; fields stand for the files that follow them.

        A file that can not be taken is told in its place, and the next one is taken all the same.
        """
        given, count = dict(call.query), 0
        events = parts(call.pieces, boundary)
        async for event in events:
            if not isinstance(event, Begin):
                continue
            body = _body(events)
            if event.file is None:
                given[event.name] = await _text(body)
                continue
            count += 1
            if count > _MOST_FILES:
                raise CallError(
                    400, "too_many_files", Bi(f"一次最多 {_MOST_FILES} 个文件", f"at most {_MOST_FILES} files at a time"), Bi("分批发送", "send them in parts")
                )  # fmt: skip
            try:
                yield upload_data(await self._whole(self._slip(call, given, event.file), body))
            except HeguiError as error:
                async for _ in body:
                    pass
                yield {
                    "object": "error",
                    "key": given.get("key"),
                    **error.as_dict(),
                    "code": getattr(error, "code", "failed"),
                }
            given.pop("key", None)  # it was of one file

    async def _begin(self, call: Call) -> Reply:
        """Make room for a file that comes in pieces; under a key that was judged before, tell what was found."""
        text = call.query["size"]
        if not text.isdecimal() or len(text) > 15:  # noqa: PLR2004 - digits of a number that a disk could hold
            raise CallError(
                400,
                "invalid_field",
                Bi("size 应为字节数", "`size` must be a number of bytes"),
                Bi("改正后重试", "correct it"),
            )
        slip = self._slip(call, call.query, call.query.get("name", ""), int(text))
        known = await self._aside(self._desk.known, slip)
        if known is not None and known.size != slip.size:
            raise key_taken()
        if known is not None:
            return Reply(upload_data(known))
        number = await self._aside(self._desk.open, slip)
        return Reply(_receiving(number, slip, 0), 201)

    async def _patch(self, call: Call, number: str) -> Reply:
        slip = await self._aside(self._desk.shelf.slip, number, call.service)
        offset = call.headers.get("upload-offset", "")
        if not offset.isdecimal() or len(offset) > 15:  # noqa: PLR2004 - as above
            raise CallError(
                400, "invalid_offset", Bi("请求头 upload-offset 应为已收到的字节数", "the header upload-offset must say how many bytes are there"), Bi("先用 GET 查询", "ask with GET first")
            )  # fmt: skip
        await self._aside(self._desk.check_pieces, number, slip)
        at = await self._receive(number, slip, int(offset), call.pieces)
        if at == slip.size:
            return Reply(upload_data(await self._aside(self._desk.finish, number, slip)))
        return Reply(_receiving(number, slip, at), 202)

    async def _one(self, call: Call, number: str) -> Reply:
        try:
            return Reply(upload_data(await self._aside(self._desk.one, number, call.service)))
        except CallError:
            slip = await self._aside(self._desk.shelf.slip, number, call.service)
            return Reply(_receiving(number, slip, await self._aside(self._desk.shelf.received, number, slip)))

    async def _declare(self, call: Call, number: str) -> Reply:
        data = await call.json()
        declared, user = data.get("declared"), data.get("user")
        if not isinstance(declared, bool):
            raise CallError(
                400,
                "invalid_field",
                Bi("declared 应为 true 或 false", "`declared` must be true or false"),
                Bi("改正后重试", "correct it"),
            )
        person = call.pseudonym(user) if isinstance(user, str) and user else None

        def work() -> Upload:
            return self._desk.declare(number, call.service, person, declared=declared)

        return Reply(upload_data(await self._aside(work)))


def _receiving(number: str, slip: Slip, at: int) -> dict[str, Any]:
    return {
        "id": number, "object": "labelling.upload", "state": "receiving", "received": at, "size": slip.size, "key": slip.key,
    }  # fmt: skip


async def _body(events: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Yield the pieces of one part, up to its end."""
    async for event in events:
        if event is None:
            return
        yield event


async def _text(body: AsyncIterator[bytes]) -> str:
    raw = b""
    async for piece in body:
        raw = (raw + piece)[: LONGEST_FIELD + 1]
    if len(raw) > LONGEST_FIELD:
        raise CallError(
            400, "invalid_field", Bi("表单字段过长", "a field of the form is too long"), Bi("缩短后重试", "shorten it")
        )
    return raw.decode("utf-8", "replace")
