"""`/v1/videos`: the prompt checked and the job handed on; the film is labelled, read back and recorded when it is fetched.

An id that a client gets holds the upstream's, sealed for the service whose key asked: nobody else's key opens it, and nothing
is kept for it here. What a job says of itself are states and numbers; every text of the upstream is left out.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote

import orjson

from hegui.evidence.box import Box
from hegui.evidence.keyring import Keyring
from hegui.general.content.policy import Audience
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.making.asking import check_options, check_text
from hegui.service.gateway.making.request import FileExchange, Making
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.media.formats import possible
from hegui.service.gateway.media.labelling import VIDEO, Labelled, WithheldError
from hegui.service.gateway.protocol import ApiError, Json, ProtocolError, loads_object
from hegui.service.gateway.service import MediaStyle
from hegui.service.gateway.upstream import Upstream

_LOG = logging.getLogger(__name__)
_PATH = "/videos"
_TEXTS = ("negative_prompt", "prompt")
_FIELD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9_:.-]{1,200}")
_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
_MINE = "video_"
_STATES = ("queued", "in_progress", "completed", "failed")
_TIMES = ("created_at", "completed_at", "expires_at", "progress")
_WORDS = ("model", "seconds", "size")
_PEOPLE = frozenset({"user", "safety_identifier"})
_LONGEST_JOB = 1 << 20
QUEUED = "queued"
"""The outcome of a request that began a job: nothing that was generated has left yet."""


def validate(body: Json, style: MediaStyle) -> None:
    """Raise ApiError for a request whose film could not be labelled, or that holds what can not be checked."""
    check_text(body, "prompt", needed=True)
    check_text(body, "negative_prompt", needed=False)
    check_options(body, _TEXTS)
    for name, value in body.items():
        if not _FIELD.fullmatch(name) or not isinstance(value, str | int | float | None):
            raise ApiError(
                400, "invalid_field",
                f"{name[:40]} 应为文本或数字 / `{name[:40]}` must be a text or a number", param=name[:40],
            )  # fmt: skip
    if not possible(("mp4",), style):
        raise ApiError(
            503, "no_film_mark",
            "在视频中加标识需要可选组件，请运营方运行 pip install 'hegui[media]'，或由服务声明在界面提示（image_label=interface） / a mark on film needs "
            "the optional package: the operator runs pip install 'hegui[media]', or the service declares that its interface shows the label",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the upstream, with the number of the exchange that began it."""

    upstream: str
    number: str

    def sealed(self, keyring: Keyring, service: str) -> str:
        """Return the id that a client of the service gets."""
        plain = orjson.dumps([self.upstream, self.number])
        return _MINE + base64.urlsafe_b64encode(Box(keyring).seal(_record(service), plain)).decode().rstrip("=")

    @classmethod
    def opened(cls, text: str, keyring: Keyring, service: str) -> Job:
        """Return the job of an id that a client names; raise ApiError 404 for one that its service was not given."""
        try:
            sealed = base64.b64decode(text.removeprefix(_MINE) + "==", altchars=b"-_", validate=False)
        except (binascii.Error, ValueError):
            sealed = b""
        plain = Box(keyring).open(_record(service), sealed) if text.startswith(_MINE) else None
        if plain is None:
            raise ApiError(404, "not_found", "没有此视频 / there is no such video", param="video_id")
        return cls(*orjson.loads(plain))

    @property
    def path(self) -> str:
        """Return where the upstream has it."""
        return f"{_PATH}/{quote(self.upstream, safe='')}"

    async def state(self, upstream: Upstream, mine: str) -> Json:
        """Return what the upstream says of it, under the client's id; raise UpstreamError, ProtocolError."""
        return told(loads_object(await upstream.get(self.path, _LONGEST_JOB), "the upstream's answer"), mine)


def _record(service: str) -> str:
    return f"video:{service}"


def told(body: Json, mine: str) -> Json:
    """Return a job as a client sees it: states, times and words of the protocol; raise ProtocolError for one without a state."""
    status = body.get("status")
    if status not in _STATES:
        raise ProtocolError("the upstream's answer is no video job")
    times = {name: body[name] for name in _TIMES if type(body.get(name)) is int}
    words = {name: str(body[name]) for name in _WORDS if _WORD.fullmatch(str(body.get(name)))}
    error: Json | None = None
    if status == "failed":
        said = body.get("error")
        code = said.get("code") if isinstance(said, dict) else None
        error = {
            "code": code if isinstance(code, str) and _WORD.fullmatch(code) else "failed",
            "message": "上游未能生成视频，请修改后重试 / the upstream could not make the video; change the request and try again",
        }
    return {
        "id": mine, "object": "video", "status": status, "created_at": 0, "progress": 0, **times, **words, "error": error,
    }  # fmt: skip


class Films(Making):
    """One request for a film: it begins a job."""

    endpoint = "videos"
    kind = VIDEO
    texts = _TEXTS

    async def begin(self) -> Json:
        """Hand the job to the upstream and return its state, recorded; raise ApiError."""
        asked = {name: value for name, value in self.asked().items() if value is not None and name not in _PEOPLE}
        fields = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in asked.items()
        }
        raw = await self.given(self.engine.upstream.send(_PATH, fields), self.desk)
        try:
            body = loads_object(raw, "the upstream's answer")
            theirs = body.get("id")
            if not isinstance(theirs, str) or not _ID.fullmatch(theirs) or not theirs.strip("."):
                raise ProtocolError("the upstream's video job has no id")
            mine = Job(theirs, self.content_id).sealed(self.engine.keyring, self.grant.service)
            state = told(body, mine)
        except ProtocolError as error:
            raise await self._not_asked(error) from error
        self._note_answer()
        self.record.outcome, self.record.answer = QUEUED, {"job": theirs}
        await self.commit()
        return state


class Download(FileExchange):
    """One request for the film of a job."""

    endpoint: ClassVar[str] = "videos.content"

    def __init__(self, engine: Engine, grant: Grant, desk: Desk, job: Job, audience: Audience) -> None:
        super().__init__(engine, grant, {"model": "", "messages": []}, 0, audience)
        self._desk, self._job = desk, job
        self._shadow = None  # nobody says anything here
        self.record.endpoint = self.endpoint

    async def film(self) -> Labelled:
        """Return the film with its labels, recorded; raise ApiError. Its number is that of the request that began the job."""
        desk = self._desk
        data = await self.given(self.engine.upstream.get(f"{self._job.path}/content", desk.most), desk)
        try:
            file = await desk.label(data, self._job.number, self.grant.settings.media, VIDEO)
        except WithheldError as error:
            raise await self.withheld(error) from error
        except Exception as error:
            _LOG.exception("a film could not be labelled")
            raise await self.withheld(WithheldError("failed", VIDEO)) from error
        self.record.media = [file.entry("body")]
        self._note_answer()
        await self.commit()
        return file
