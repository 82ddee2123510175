"""What a worker labels files with: the provider's code, threads of their own, the shelf, and what may be fetched."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hegui.evidence.keyring import Keyring
from hegui.kit.settings import Settings
from hegui.service.gateway.media.fetching import Fetcher
from hegui.service.gateway.media.labelling import (
    AUDIO,
    IMAGE,
    MANIFEST,
    NAMES,
    Labelled,
    Producer,
    Way,
    WithheldError,
    form_of,
    labelled,
    producer,
    spoken,
)
from hegui.service.gateway.media.percent import file_bytes
from hegui.service.gateway.media.shelf import Shelf, shelf_folder, work_folder
from hegui.service.gateway.media.soundtrack import Soundtrack, whole
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.service import MediaStyle
from hegui.service.labels.sealing import sealing

T = TypeVar("T")
_SIGNS_A_BYTE = 6
"""Characters that a byte takes at most: in percent signs, these as escapes of JSON in part."""
_LOG = logging.getLogger(__name__)


class Desk:
    """Labels the files of one worker; at most so many at once as the setting `media_workers` says."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._producer = producer(settings)
        self._spoken = spoken(settings)
        self._sealing = sealing(settings.c2pa_chain, settings.c2pa_key, breaking=settings.c2pa_break)
        self._fetcher = Fetcher(settings)
        self._pool = ThreadPoolExecutor(settings.media_workers, "label")
        self._work = work_folder(settings.data)
        self._work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.most = settings.media_megabytes << 20
        self.seconds = settings.media_seconds
        self.public_url = settings.public_url.rstrip("/")
        self.shelf = Shelf(
            shelf_folder(settings.data), keyring,
            minutes=settings.media_minutes, most_bytes=settings.media_shelf_megabytes << 20,
        )  # fmt: skip

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def able(self) -> bool:
        """Say whether there is a provider's code to label with."""
        return self._producer is not None

    @property
    def by(self) -> Producer:
        """Return whose labels are written; raise ApiError where nobody's can be."""
        if self._producer is None:
            raise ApiError(
                503, "no_provider_code",
                "本网关未设提供者编码，无法加隐式标识，因此不提供图片和声音；请运营方设置 provider_code / the gateway has no "
                "provider's code to label with, so it gives no pictures and no sound; the operator sets provider_code",
            )  # fmt: skip
        return self._producer

    def check_sound(self, style: MediaStyle) -> None:
        """Raise ApiError where the service chose a spoken label and there is none."""
        if style.speech and style.heard and self._spoken is None:
            raise ApiError(
                503, "no_spoken_label",
                "本服务选用语音标识，但运营方未设 label_speech / the service chose a spoken label, but label_speech is not set",
            )  # fmt: skip

    def _way(self, style: MediaStyle) -> Way:
        return Way(style, self.by, self._work, self._spoken, self._sealing)

    async def run(self, work: Callable[[], T]) -> T:
        """Do work that takes a processor's time in a thread of the desk."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def track(self, number: str, style: MediaStyle) -> Soundtrack:
        """Return what labels a sound while it passes."""
        return Soundtrack(number, self._way(style), most=self.most)

    async def label(self, data: bytes, number: str, style: MediaStyle, kind: str = "") -> Labelled:
        """Return a whole file with its labels; raise WithheldError, also for a file that is not of the kind."""
        if len(data) > self.most:
            raise WithheldError("too_large", kind)
        container, form = form_of(data)
        if kind and form.kind != kind:
            raise WithheldError("format", kind, container)
        if form.kind == AUDIO:
            return await self.run(lambda: whole(self.track(number, style), data))
        way = self._way(style)
        return await self.run(lambda: labelled(data, number, way))

    async def taken(self, source: str, kind: str) -> bytes:
        """Return a file that the upstream gave as base64, as a data URL, or by a URL that may be fetched; raise WithheldError."""
        if source.startswith(("http://", "https://")):
            try:
                return await self._fetcher.fetch(source)
            except OSError as error:
                _LOG.error("a file that the upstream gave by URL was not fetched: %s", error)
                raise WithheldError("not_fetched", kind) from error
        return await self.run(lambda: self._read(source, kind))

    def _read(self, source: str, kind: str) -> bytes:
        """Return what base64, or a data URL, holds; it takes a processor's time."""
        if len(source) > _SIGNS_A_BYTE * self.most:
            raise WithheldError("too_large", kind)
        data = file_bytes(source)
        if data is None:
            raise WithheldError("not_base64", kind)
        return data


def not_labelled(error: WithheldError) -> ApiError:
    """Return what the client is told of a file that is withheld."""
    name = NAMES[error.kind or IMAGE]
    if error.reason == MANIFEST:
        return ApiError(
            502, "unlabelled",
            f"{name.zh}带有 C2PA 清单，写入法定标识会使其失效，已扣留（{MANIFEST}）；请运营者设 c2pa_chain 与 c2pa_key（需 hegui[c2pa]）重新签名，或设 c2pa_break "
            f"放弃原清单 / the {name.en} has a C2PA manifest, which the label that the law asks for would break, and is withheld ({MANIFEST}); "
            "the operator sets c2pa_chain and c2pa_key (with hegui[c2pa]) to have it signed again, or c2pa_break to give the manifest up",
        )  # fmt: skip
    return ApiError(
        502, "unlabelled",
        f"{name.zh}未能加上法定标识，已扣留（{error.reason}）；请换一种格式，或联系运营方 / the {name.en} could not be labelled as "
        f"the law asks and is withheld ({error.reason}); take another format or tell the operator",
    )  # fmt: skip


def numbers(content_id: str, count: int) -> list[str]:
    """Return the numbers of an exchange's files: its own for one, with 1, 2 … behind it for several."""
    return [content_id] if count == 1 else [f"{content_id}-{place}" for place in range(1, count + 1)]


def data_url(file: Labelled) -> str:
    """Return a file as a data URL."""
    return f"data:{file.form.mime};base64,{encoded(file.data)}"


def encoded(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode()
