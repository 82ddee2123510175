"""`/v1/images/generations`: prompt checked, pictures fetched whole, labelled, read back, recorded, then sent."""

from __future__ import annotations

import asyncio
import logging
import re

from hegui.general.content.policy import Audience
from hegui.kit.errors import StoreError
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.making.asking import check_options, check_text
from hegui.service.gateway.making.request import Making, usage_of
from hegui.service.gateway.media.desk import encoded, numbers
from hegui.service.gateway.media.formats import one_of
from hegui.service.gateway.media.labelling import IMAGE, Labelled, WithheldError
from hegui.service.gateway.media.shelf import PREFIX
from hegui.service.gateway.protocol import ApiError, Json, ProtocolError, loads_object
from hegui.service.gateway.releasing import Release

_LOG = logging.getLogger(__name__)
_PATH = "/images/generations"
_TEXTS = ("negative_prompt", "prompt")
_MOST = 10
_URL, _BASE64 = "url", "b64_json"
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")
NOT_KEPT = "not_kept"
"""The outcome of pictures that there was no room for."""
_KEPT = ("background", "output_format", "quality", "size")
"""What an answer says of its pictures; all else is taken out, since nobody looked at it."""


def validate(body: Json) -> None:
    """Raise ApiError for a request that can not be answered with labelled pictures."""
    check_text(body, "prompt", needed=True)
    check_text(body, "negative_prompt", needed=False)
    count = body.get("n")
    if count is not None and (type(count) is not int or not 1 <= count <= _MOST):
        raise ApiError(400, "invalid_n", f"n 应为 1 至 {_MOST} / `n` must be 1 to {_MOST}", param="n")
    one_of(body, "response_format", (_URL, _BASE64))
    one_of(body, "output_format", ("png", "jpeg", "webp"))
    for name in ("stream", "partial_images"):
        if body.get(name):
            raise ApiError(
                400, f"unsupported_{name}",
                "未完成的图片不流式给出：每张图片都要先加标识并核验；请去掉该参数 / unfinished pictures are not streamed: each is "
                "labelled and read back first; leave it out",
                param=name,
            )  # fmt: skip
    check_options(body, _TEXTS)


class Pictures(Making):
    """One request for pictures."""

    endpoint = "images.generations"
    kind = IMAGE

    texts = _TEXTS

    def __init__(  # noqa: PLR0913 - one request and what it may
        self, engine: Engine, grant: Grant, body: Json, size: int, audience: Audience, *, release: Release | None = None
    ) -> None:
        super().__init__(engine, grant, body, size, audience, release=release)
        self._form = body.get("response_format")
        self._base = ""
        self._parts: list[str] = []

    async def pictures(self, base: str) -> Json:
        """Ask the model and return the answer with its pictures, recorded; raise ApiError. `base` begins their URLs."""
        self._base = base
        body, given = await self._made()
        revised = [str(item.get("revised_prompt") or "") for item in given]
        if any(revised):
            revised = await self.check_out(revised)
        files = await self._labelled(given)
        forms = [self._form or (_URL if item.get(_URL) else _BASE64) for item in given]
        told, self.usage = usage_of(body)
        try:
            data = [
                await self._item(file, form, text) for file, form, text in zip(files, forms, revised, strict=True)
            ]  # fmt: skip
            sent = [(file, _URL if form == _URL else "body") for file, form in zip(files, forms, strict=True)]
            self.record.media = await self.desk.run(lambda: [file.entry(how) for file, how in sent])
            self._note_answer()
            await self.commit()
        except BaseException as error:
            self._unshelve()
            if isinstance(error, Exception) and not self._committing:
                _LOG.exception("pictures could not be given")
                raise await self.withheld(WithheldError("failed", IMAGE)) from error
            raise
        kept = {name: body[name] for name in _KEPT if _is_word(body.get(name))}
        created = body.get("created")
        return {
            "created": created if type(created) is int else int(self.record.started.timestamp()),
            "data": data, **kept, **({"usage": told} if told else {}), "hegui": {"content_id": self.content_id},
        }  # fmt: skip

    async def _made(self) -> tuple[Json, list[Json]]:
        """Return the upstream's answer and its pictures as they came; raise ApiError."""
        asked = self.asked()
        most = (self.desk.most * 4 // 3 + 4096) * int(asked.get("n") or 1) + 65536
        raw = await self.given(self.engine.upstream.ask(_PATH, asked, most), self.desk)
        try:
            body = loads_object(raw, "the upstream's answer")
            items = body.get("data")
            if not isinstance(items, list) or not items or len(items) > _MOST or not all(map(_is_picture, items)):
                raise ProtocolError("the upstream's answer has no pictures")
        except ProtocolError as error:
            raise await self._not_asked(error) from error
        return body, items

    async def _labelled(self, given: list[Json]) -> list[Labelled]:
        """Return the pictures with their labels; raise ApiError when one of them can not be labelled."""
        try:
            sources = await asyncio.gather(*(self._taken(item) for item in given))
            return await asyncio.gather(
                *(
                    self.desk.label(data, number, self.style, IMAGE)
                    for data, number in zip(sources, numbers(self.content_id, len(sources)), strict=True)
                )
            )
        except WithheldError as error:
            raise await self.withheld(error) from error
        except Exception as error:
            _LOG.exception("pictures could not be labelled")
            raise await self.withheld(WithheldError("failed", IMAGE)) from error

    async def _taken(self, item: Json) -> bytes:
        return await self.desk.taken(str(item.get(_BASE64) or item[_URL]), IMAGE)

    async def _item(self, file: Labelled, form: str, revised: str) -> Json:
        said = {"revised_prompt": revised} if revised else {}
        if form == _BASE64:
            return {_BASE64: await self.desk.run(lambda: encoded(file.data)), **said}
        try:
            part = await asyncio.to_thread(self.desk.shelf.put, file)
        except StoreError as error:
            _LOG.error("a picture could not be kept to be fetched: %s", error.title.both)
            self.record.outcome = NOT_KEPT
            await self.commit()
            raise ApiError(503, NOT_KEPT, f"{error.title.both}；{error.remedy.both}") from error
        self._parts.append(part)
        return {_URL: f"{self._base}{PREFIX}{part}", **said}

    def _unshelve(self) -> None:
        for part in self._parts:
            self.desk.shelf.remove(part)


def _is_picture(item: object) -> bool:
    return isinstance(item, dict) and any(isinstance(item.get(name), str) and item[name] for name in (_URL, _BASE64))


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(_WORD.fullmatch(value))
