"""A request that makes files, from its texts to its record: checked in as a chat's, refused with an error, never unlabelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import ClassVar

from hegui.general.content.policy import Audience
from hegui.service.gateway import refusals
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.exchange import Exchange
from hegui.service.gateway.fields import is_counts
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.media.labelling import AUDIO, labels_of
from hegui.service.gateway.protocol import ApiError, Json, completion
from hegui.service.gateway.releasing import Release, ReleasedFiles
from hegui.service.gateway.upstream import UpstreamError, unreachable

_LOG = logging.getLogger(__name__)


class FileExchange(Exchange):
    """An exchange whose answer is a file."""

    async def given(self, asking: Awaitable[bytes], desk: Desk) -> bytes:
        """Return what the upstream gives within its time; raise ApiError, recorded."""
        try:
            async with asyncio.timeout(desk.seconds):
                return await asking
        except UpstreamError as error:
            raise await self._upstream_failed(error) from error
        except TimeoutError as error:
            raise await self._upstream_failed(unreachable(error)) from error
        except Exception as error:
            raise await self._not_asked(error) from error

    def _note_answer(self) -> None:
        super()._note_answer()
        self.record.label = labels_of(self.record.media)


class Making(FileExchange):
    """One request whose answer is a file; `texts` are the fields in which people wrote, the one that has to be there last."""

    endpoint: ClassVar[str]
    kind: ClassVar[str]
    texts: ClassVar[tuple[str, ...]]

    def __init__(  # noqa: PLR0913 - one request and what it may
        self,
        engine: Engine,
        grant: Grant,
        given: Json,
        size: int,
        audience: Audience,
        *,
        release: Release | None = None,
    ) -> None:
        if engine.desk is None:
            raise RuntimeError("the worker has no desk")
        self.desk: Desk = engine.desk
        self.names = [name for name in self.texts if given.get(name)]
        said = [{"role": "user", "content": given[name]} for name in self.names]
        rest = {key: value for key, value in given.items() if key not in self.texts}
        super().__init__(engine, grant, {**rest, "messages": said}, size, audience)
        self.param = self.names[-1]
        self.record.endpoint = self.endpoint
        self.record.model = str(given.get("model") or "")
        self.usage: Json | None = None
        media = grant.settings.media
        self.style = media.released if release is not None else media
        # A leave for files is none for the words beside them: those keep their labels.
        self._files_released = ReleasedFiles(release, self.content_id) if release is not None else None
        self.owes_log = release is not None

    @property
    def label_header(self) -> tuple[bytes, bytes]:
        """Return the header that declares how the answer is labelled."""
        return b"x-hegui-label", (self.style.sound if self.kind == AUDIO else self.style.picture).encode()

    def asked(self) -> Json:
        """Return what the upstream is asked, after the check: texts may be masked, the user is a pseudonym."""
        body = {key: value for key, value in self.body.items() if key != "messages"}
        said = (message["content"] for message in self.body["messages"])
        return {**body, **dict(zip(self.names, said, strict=True))}

    # --- check in -----------------------------------------------------------------------------

    async def _refused(self, outcome: str, set_answer: str | None) -> Json:  # noqa: ARG002 - a file is no answer in words
        """Record a refusal and raise it: there is no text in whose place it could stand."""
        if outcome == refusals.ENDED_INPUT:
            outcome = refusals.REFUSED_INPUT
        raise await self.stopped(outcome)

    async def stopped(self, outcome: str) -> ApiError:
        """Record that nothing leaves, and return what the client is told: the reason, how to appeal, the number."""
        self._note_answer()
        self.answer.outcome = self.record.outcome = outcome
        text = refusals.refusal(outcome, self.content_id, self.grant.settings.appeal_url)
        self.record.answer = {**(self.record.answer or {}), "choices[0].content": text}
        await self.commit()
        if outcome == refusals.UNDETERMINED:
            return ApiError(503, refusals.UNDETERMINED, text)
        return ApiError(400, "content_filter", text, param=self.param)

    # --- check out ----------------------------------------------------------------------------

    async def check_out(self, texts: list[str]) -> list[str]:
        """Check texts that leave, or that are heard in what leaves, as an answer's; raise ApiError where they may not."""
        base = {"id": f"chatcmpl-{self.content_id}", "model": self.record.model}
        choices = [
            {"index": place, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            for place, text in enumerate(texts)
        ]
        self._checking = "output"
        try:
            body = await self._passing.whole(completion(base, choices, None), sum(len(text.encode()) for text in texts))
        except Exception:  # noqa: BLE001 - whatever fails in a check, nothing leaves
            _LOG.exception("the texts of an answer could not be checked")
            self.record.not_scanned.append("output")
            raise await self.stopped(refusals.UNDETERMINED) from None
        self._checking, self.answer.usage = "", None
        if self.answer.blocked:
            outcome = self.answer.outcome
            raise await self.stopped(refusals.REFUSED_OUTPUT if outcome == refusals.ENDED_OUTPUT else outcome)
        return [choice["message"]["content"] for choice in body["choices"]]

    def _note_answer(self) -> None:
        super()._note_answer()
        if self.usage is not None:
            self.record.usage = self.usage

    async def _log_leave(self, *, left: bool) -> None:
        if self._files_released is not None:
            await self._files_released.end(self.record.media if left else [])
        self.owes_log = False


def usage_of(body: Json) -> tuple[Json | None, Json | None]:
    """Return the usage of an answer as it leaves, and in the names that records have."""
    usage = body.get("usage")
    if not isinstance(usage, dict) or not is_counts(usage):
        return None, None
    kept: Json = usage
    names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
    return kept, {name: kept.get(name, kept.get(other)) for name, other in names.items()}
