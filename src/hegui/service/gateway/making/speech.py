"""`/v1/audio/speech`: the text checked both ways, the sound labelled while it passes, read back and recorded before its end."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial

import orjson

from hegui.general.content.policy import Audience
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.making.asking import check_options, check_text
from hegui.service.gateway.making.request import Making, usage_of
from hegui.service.gateway.media.desk import encoded
from hegui.service.gateway.media.formats import check_format, one_of
from hegui.service.gateway.media.labelling import AUDIO, Form, WithheldError, sound_kind
from hegui.service.gateway.passing import SendPiece
from hegui.service.gateway.protocol import MARK, ApiError, EventReader, Json, ProtocolError, event, loads_object
from hegui.service.gateway.releasing import Release
from hegui.service.gateway.service import INTERFACE, RELEASED, MediaStyle
from hegui.service.gateway.stream import AnswerContext
from hegui.service.gateway.upstream import Pieces, UpstreamError, unreachable
from hegui.service.labels import LabelPosition, LabelStyle, files

Begin = Callable[[str], Awaitable[None]]
_LOG = logging.getLogger(__name__)
_PATH = "/audio/speech"
_TEXTS = ("instructions", "input")
_AUDIO, _SSE = "audio", "sse"
_FIRST = frozenset({"start", "both"})
"""Places of the label that is heard, of which a sound that broke off has the one at its beginning."""
_DELTA, _DONE = "speech.audio.delta", "speech.audio.done"


def validate(body: Json, style: MediaStyle) -> None:
    """Raise ApiError for a request that can not be answered with labelled sound; the upstream is not asked."""
    check_text(body, "input", needed=True)
    check_text(body, "instructions", needed=False)
    one_of(body, "stream_format", (_AUDIO, _SSE))
    check_options(body, _TEXTS)
    check_format(body, "response_format", style)


class Speech(Making):
    """One request for speech."""

    endpoint = "audio.speech"
    kind = AUDIO
    texts = _TEXTS

    def __init__(  # noqa: PLR0913 - one request and what it may
        self, engine: Engine, grant: Grant, body: Json, size: int, audience: Audience, *, release: Release | None = None
    ) -> None:
        super().__init__(engine, grant, body, size, audience, release=release)
        self.record.streamed = True
        self._sse = body.get("stream_format") == _SSE
        self._told: Json | None = None
        self._ended = False
        self._track = self.desk.track(self.content_id, self.style)

    def _context(self) -> AnswerContext:
        """Return the context of the text: what is heard gets its label as sound, and no words behind it."""
        return replace(super()._context(), label=LabelStyle(LabelPosition.INTERFACE))

    async def speak(self, begin: Begin, send: SendPiece) -> None:
        """Ask the model and send its sound; the last piece follows the commit.

        `begin` is called with the media type when the first of it may leave. Raises ApiError before
        that; afterwards what can not end well raises BrokenOffError.
        """
        asked = self.asked()
        if self.answer.vault is not None:
            self.answer.vault.close()  # the text goes to the model now: what was hidden from it is not put back
            self.answer.vault = None
        [asked["input"]] = await self.check_out([str(asked["input"])])
        try:
            pieces = await self.engine.upstream.open(_PATH, asked)
        except UpstreamError as error:
            raise await self._upstream_failed(error) from error
        except Exception as error:
            raise await self._not_asked(error) from error
        sender = _Sender(begin, send, sse=self._sse, content_id=self.content_id)
        try:
            await self._pass(pieces, sender)
        finally:
            pieces.close()

    async def _pass(self, pieces: Pieces, sender: _Sender) -> None:
        track = self._track
        try:
            async with asyncio.timeout(self.desk.seconds):
                async for piece in self._sound(pieces):
                    fed = partial(track.feed, piece)
                    out = fed() if track.passing else await self.desk.run(fed)
                    if out:
                        if self._passing.first is None:
                            self._passing.first = time.perf_counter()
                        self.streamed = True  # what was heard has left, whatever comes
                        await sender.sound(out, track.form)
                last = await self.desk.run(track.finish)
        except WithheldError as error:
            raise sender.broken(await self.withheld(error)) from error
        except (UpstreamError, ProtocolError, TimeoutError) as error:
            failed = error if isinstance(error, UpstreamError) else unreachable(error)
            self._note_part()
            raise sender.broken(await self._upstream_failed(failed)) from error
        except Exception as error:
            _LOG.exception("a sound could not be labelled")
            raise sender.broken(await self.withheld(WithheldError("failed", AUDIO))) from error
        if track.done is None:
            raise RuntimeError("a sound ended without its labels")
        self.record.media = [track.done.entry("body")]
        self._note_answer()
        try:
            await self.commit()
        except ApiError as error:
            raise sender.broken(error) from error
        await sender.end(last, track.form, self._told)

    async def _sound(self, pieces: Pieces) -> AsyncIterator[bytes]:
        """Yield the sound of a reply, out of its events where it comes in events; raise UpstreamError, ProtocolError."""
        if not self._sse:
            while piece := await pieces.next():
                yield piece
            return
        reader = EventReader()
        while piece := await pieces.next():
            for raw in reader.feed(piece):
                if raw == MARK:
                    break
                data = self._delta(raw)
                if data:
                    yield data
        if not self._ended:
            raise ProtocolError("the upstream's events ended before the sound did")

    def _delta(self, raw: bytes) -> bytes:
        data = loads_object(raw, "an event of the upstream")
        kind = data.get("type")
        if kind == _DONE:
            self._told, self.usage = usage_of(data)
            self._ended = True
            return b""
        if kind != _DELTA or not isinstance(data.get("audio"), str):
            raise ProtocolError(f"an event of the upstream is no sound: {str(kind)[:60]}")
        try:
            return base64.b64decode(data["audio"], validate=True)
        except (binascii.Error, ValueError):
            raise ProtocolError("an event of the upstream is not base64") from None

    def _note_part(self) -> None:
        """Note what left of a sound that broke off: its label stood in its head."""
        left, form, style = self._track.left, self._track.form, self.style
        if not left or form is None:
            return
        labels = {}
        if style.sound in {INTERFACE, RELEASED}:
            labels["explicit"] = style.sound
        elif style.sound in _FIRST:
            labels["explicit"] = f"{sound_kind(style)}:{LabelPosition.START.value}"
        read = files.inspect_bytes(left, f"part{form.suffix}").readings
        if read:
            labels["implicit"] = read[0].place
        self.record.media = [
            {"kind": form.kind, "bytes": len(left), "sha256": hashlib.sha256(left).hexdigest(), **labels,
             "number": self.content_id, "sent": "part"}
        ]  # fmt: skip

    def _note_withheld(self, error: WithheldError) -> None:
        """Note also what had left when the labels did not read back."""
        self._note_part()
        left = self.record.media
        super()._note_withheld(error)
        self.record.media += left

    @property
    def _left(self) -> bool:
        return self._passing.first is not None

    async def client_gone(self) -> None:
        """Record a sound whose listener went away before its end."""
        if not self._committing:
            self._note_part()
        await super().client_gone()


class BrokenOffError(Exception):
    """A sound that had begun can not be ended; the connection is cut, so that nobody takes it for whole."""


class _Sender:
    """Sends sound as bytes or as events, its head once."""

    def __init__(self, begin: Begin, send: SendPiece, *, sse: bool, content_id: str) -> None:
        self._begin, self._send, self._sse = begin, send, sse
        self._mine = {"hegui": {"content_id": content_id}}
        self._begun = False

    async def sound(self, data: bytes, form: Form | None) -> None:
        """Send a piece."""
        if not self._begun:
            self._begun = True
            await self._begin("text/event-stream; charset=utf-8" if self._sse or form is None else form.mime)
        await self._send(event({"type": _DELTA, "audio": encoded(data)}) if self._sse else data)

    async def end(self, last: bytes, form: Form | None, usage: Json | None) -> None:
        """Send what waited for the record."""
        await self.sound(last, form)
        if self._sse:
            done: Json = {"type": _DONE, **({"usage": usage} if usage else {}), **self._mine}
            await self._send(b"data: " + orjson.dumps(done) + b"\n\n")

    def broken(self, error: ApiError) -> Exception:
        """Return what to raise: the error while nothing has left, and a cut afterwards."""
        return BrokenOffError(error.code) if self._begun else error
