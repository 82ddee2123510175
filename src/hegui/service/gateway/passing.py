"""A streamed answer on its way from the upstream to the client: checked, judged where it has to be, ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from hegui.general.content.policy import Lane
from hegui.service.gateway.aside import BIG, aside
from hegui.service.gateway.judge import Judge, Judged, judge_read
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.gateway.records import Exchanged
from hegui.service.gateway.stream import Answer
from hegui.service.gateway.upstream import Events, UpstreamError

SendPiece = Callable[[bytes], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_TOGETHER = 8
"""Stretches judged at once at most: of an upstream that is quicker than the guard."""


class Passing:
    """One answer passing through; what goes wrong in a check is noted in the record."""

    def __init__(self, answer: Answer, record: Exchanged, judge: Judge) -> None:
        self._answer = answer
        self._record = record
        self._judge = judge
        self.first: float | None = None
        self._judged_all = False

    # --- streamed -----------------------------------------------------------------------------

    async def run(self, events: Events, send: SendPiece) -> bool:
        """Send what may leave until the upstream or a check ends the answer; return whether `[DONE]` came."""
        answer = self._answer
        while batch := await self._next(events):
            try:
                if len(batch) == 1 and batch[0] != MARK:
                    out, complete = answer.event(batch[0]), False
                else:
                    out, complete = self._several(batch)
            except Exception:  # noqa: BLE001 - whatever fails in a check, the answer is withheld
                out, complete = self._failed(), False
            if self._judge.holding:
                out += await self._judged()
            if out:
                if self.first is None:
                    self.first = time.perf_counter()
                await send(out)
            if complete or answer.blocked:
                return complete
        return False

    async def _next(self, events: Events) -> list[bytes]:
        """Return the next events; an upstream that says more than is taken is told as that, not as one that broke off."""
        try:
            return await events.next()
        except UpstreamError as error:
            if error.api.code == "upstream_too_large":
                self._answer.broken = error.api
            raise

    def _several(self, batch: list[bytes]) -> tuple[bytes, bool]:
        out: list[bytes] = []
        try:
            for raw in batch:
                if raw == MARK:
                    return b"".join(out), True
                out.append(self._answer.event(raw))
        except Exception:  # noqa: BLE001 - what passed before the fault may leave
            out.append(self._failed())
        return b"".join(out), False

    def _failed(self) -> bytes:
        _LOG.exception("the check of a streamed answer could not run")
        self._record.not_scanned.append("output")
        self._answer.withhold()
        return b""

    async def _judged(self) -> bytes:
        """Judge what is due, in order, and return what leaves for it."""
        answer, judge = self._answer, self._judge
        out: list[bytes] = []
        try:
            while due := answer.due(_TOGETHER):
                said = [(text, answer.is_json(path)) for _, item in due for path, _, text in item.texts]
                found = iter(await judge_read(judge, said, judge.holding))
                for choice, item in due:
                    mine = [next(found) for _ in item.texts]
                    self._note_missing([lane for one in mine for lane in one.missing])
                    out.append(answer.judged(choice, item, mine))
        except Exception:  # noqa: BLE001 - whatever fails in a check, the answer is withheld
            out.append(self._failed())
        return b"".join(out)

    async def end(self) -> bytes:
        """Return the last bytes of the answer, all of it judged; they leave after the record is durable."""
        answer = self._answer
        complete = answer.finished
        rest = b""
        try:
            if self._judge.holding:
                answer.rest_due()
                rest = await self._judged()
            answer.settle()
            await self.note()
            last = rest + answer.end(complete=complete)
        except Exception:  # noqa: BLE001 - whatever fails in a check, the answer is withheld
            _LOG.exception("the end of a streamed answer could not be checked")
            self._record.not_scanned.append("output")
            answer.withhold()
            last = rest + answer.end(complete=complete)
        if not complete and not answer.blocked:
            self._record.outcome = "upstream_incomplete"
        return last

    # --- whole --------------------------------------------------------------------------------

    async def whole(self, body: Json, size: int = 0) -> Json:
        """Check and judge a whole completion of so many bytes and return the one that may leave; raise what a check raises."""
        answer, judge = self._answer, self._judge
        await aside(size, lambda: answer.check_whole(body), BIG)
        if judge.holding and (answer.stays or not answer.blocked):
            found = await self._all(judge.holding)
            missing = [lane for item in found for lane in item.missing]
            if any(item.blocked for item in found):
                answer.stop_whole()
            elif missing:
                answer.withhold()
        await self.note()
        return answer.leave_whole(body)

    async def note(self) -> None:
        """Have what leaves judged by those who can only note, of an answer that was stopped what left before.

        A failure is noted too, and withholds nothing.
        """
        if self._judge.noting and self._answer.said():
            await self._all(self._judge.noting)
            self._judged_all = True

    async def _all(self, lanes: frozenset[Lane]) -> list[Judged]:
        """Have all that an answer says judged, and note what was found and what could not be judged."""
        said = self._answer.said()
        found = await judge_read(self._judge, [(text, json) for _, text, json in said], lanes)
        for (path, _, _), item in zip(said, found, strict=True):
            self._answer.note(path, item)
        self._note_missing([lane for item in found for lane in item.missing])
        return found

    def broke_off(self) -> None:
        """Note that what left was not judged by those who would only have noted, and look at it as far as it can be."""
        try:
            self._answer.close()
        except Exception:  # noqa: BLE001 - what could not be looked at is told
            _LOG.exception("what left of an answer could not be checked to its end")
            self._record.not_scanned.append("output")
        if self._judge.noting and not self._judged_all and self._answer.said():
            self._note_missing(sorted(self._judge.noting))

    def _note_missing(self, lanes: list[Lane]) -> None:
        for name in (f"output:{lane.value}" for lane in lanes):
            if name not in self._record.not_scanned:
                self._record.not_scanned.append(name)
