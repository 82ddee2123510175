"""One exchange from request to durable record: the order of steps is the duty."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from hegui.general.content.placeholders import Vault
from hegui.general.content.policy import Action, Audience, Side
from hegui.kit import clock, ids
from hegui.kit.errors import HeguiError
from hegui.service.gateway import refusals
from hegui.service.gateway.access import Grant
from hegui.service.gateway.aside import BIG, aside, to_its_end
from hegui.service.gateway.attachments.events import FileEvents
from hegui.service.gateway.attachments.files import Attachments
from hegui.service.gateway.comparison import Live, Shadow
from hegui.service.gateway.engine import Engine, not_recorded
from hegui.service.gateway.hiding import hidden_question, hide_messages, kept_question
from hegui.service.gateway.inbound import Inbound, RequestCheck
from hegui.service.gateway.judge import Judge, prompt_of
from hegui.service.gateway.media.desk import not_labelled
from hegui.service.gateway.media.labelling import WithheldError, labels_of
from hegui.service.gateway.passing import Passing, SendPiece
from hegui.service.gateway.protocol import DONE, ApiError, Json, completion, event, loads_object
from hegui.service.gateway.questions import Asked, asked
from hegui.service.gateway.records import Exchanged, person_of, urgency
from hegui.service.gateway.releasing import Release, ReleasedText, noting
from hegui.service.gateway.stream import Answer, AnswerContext
from hegui.service.gateway.texts import as_text
from hegui.service.gateway.upstream import UpstreamError

Begin = Callable[[], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_FORMATS = frozenset({"json_object", "json_schema"})
_SET_ANSWER = "set_answer"
UNLABELLED = "unlabelled"
"""The outcome of what the upstream made and could not be labelled."""
_NOT_LABELLED = "output:label"


class Exchange:
    """One request being answered."""

    def __init__(  # noqa: PLR0913 - one request and what it may
        self, engine: Engine, grant: Grant, body: Json, size: int, audience: Audience, *, release: Release | None = None
    ) -> None:
        self.engine = engine
        self.grant = grant
        self.body = body
        self.size = size
        self.checkers = engine.inforce.checkers(grant.service, audience)
        guard = engine.guard is not None
        self._shadow = Shadow(self.checkers.shadow, grant.settings, guard=guard) if self.checkers.shadow else None
        self._asked: Asked | None = None
        self._checking = ""
        """What is being checked at this moment."""
        self._committing = False
        self.owes_log = release is not None
        """Whether it is not logged yet what became of an answer on a leave."""
        self.content_id = ids.uuid7()
        self.streamed = body.get("stream") is True
        self._began = time.perf_counter()
        self._judge = Judge(self.checkers.chat, engine.guard)
        self._hides = self.checkers.chat.sides[Side.INPUT].replaced
        self.released = ReleasedText(release, self.content_id, engine.leaves.code) if release is not None else None
        person = person_of(engine.keyring, grant.service, body)
        for key in ("user", "safety_identifier"):
            if key in body:
                body[key] = person or ""
        self.record = Exchanged(
            content_id=self.content_id, service=grant.service, key=grant.key, person=person,
            endpoint="chat.completions", model=str(body.get("model")), upstream=engine.upstream.name,
            streamed=self.streamed, started=clock.now(), question=as_text(body.get("messages")),
            audience=audience.value,
        )  # fmt: skip
        self.answer = Answer(self._context())
        self._passing = Passing(self.answer, self.record, self._judge)
        self.files = Attachments(engine.desk, self.content_id, grant.settings.media, grant.settings.label)

    def _context(self) -> AnswerContext:
        settings, body = self.grant.settings, self.body
        response_format = body.get("response_format")
        return AnswerContext(
            content_id=self.content_id,
            checker=self.checkers.chat,
            tools=self.checkers.tools,
            label=settings.label,
            machine=isinstance(response_format, dict) and response_format.get("type") in _FORMATS,
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            appeal_url=settings.appeal_url,
            look=self._judge.look if self._judge.holding else 0,
            released=self.released is not None,
        )

    # --- check in -------------------------------------------------------------------------------

    async def check_in(self) -> Json | None:
        """Check the request; return the completion to send instead of asking the model, or None to go on.

        Raises ApiError for a malformed request, or for a refusal where the service chose errors.
        """
        self._checking = "input"
        try:
            found = await aside(self.size, self._checked, BIG)
        except ApiError:
            raise
        except Exception:  # noqa: BLE001 - whatever fails in a check, the answer is withheld
            _LOG.exception("the check of a request could not run")
            self.record.not_scanned.append("input")
            return await self._refused(refusals.UNDETERMINED, None)
        self.record.inbound = found.verdicts
        self.record.withheld_turns = found.withheld_turns
        self._checking = ""
        if found.blocking:
            return await self._refused(refusals.of_input(found.blocking), self._set_answer(found))
        return await self._judge_in(found)

    def _checked(self) -> Inbound:
        """Check the request, look its question up, and put placeholders where policy wants them, sent and kept.

        The policy in shadow sees what came.
        """
        copy = self._shadow.copy(self.body) if self._shadow else b""
        self._asked = asked(self.checkers.answers, self.body["messages"])
        found = RequestCheck(self.checkers.chat, self.grant.settings).run(self.body)
        if self._asked is not None:
            found.verdicts.append((self._asked.path, self._asked.verdict))
        if self._shadow:
            self._shadow.request(copy)
        if found.replaces:
            vault = Vault(hidden=self._hides)
            hide_messages(self.body["messages"], vault)
            self._keep_hidden(found, vault)
            self.answer.vault = vault
        elif self._hides and found.blocking:
            # What blocked kept the parts from being read together, in which a value can stand.
            with Vault(hidden=self._hides) as vault:
                self._keep_hidden(found, vault)
        self._hides = frozenset()
        return found

    def _keep_hidden(self, found: Inbound, vault: Vault) -> None:
        """Put placeholders into the question that the record keeps; the spans of all verdicts are those in it from now on."""
        self.record.question, moves = hidden_question(self.record.question, vault)
        found.verdicts = moves.verdicts(found.verdicts)
        if self._shadow:
            self._shadow.move(moves)

    async def _judge_in(self, found: Inbound) -> Json | None:
        """Have the guard judge what passed the check; return the completion to send instead, or None to go on."""
        judge, messages = self._judge, self.body["messages"]
        try:
            judge.prompt = prompt_of(messages) if judge.holding or judge.noting else ""
            if not judge.asks_input:
                return None
            self._checking = "input:guard"
            verdicts, missing = await judge.request(messages, system=self.grant.settings.system_messages == "check")
        except Exception:  # noqa: BLE001 - what could not be asked was not judged
            _LOG.exception("a question could not be put before the guard")
            verdicts, missing = [], True
        self._checking = ""
        found.verdicts += verdicts
        if missing:
            self.record.not_scanned.append("input:guard")
        if found.blocking:
            return await self._refused(refusals.of_input(found.blocking), self._set_answer(found))
        return await self._refused(refusals.UNDETERMINED, None) if missing and judge.input_blocks else None

    def _set_answer(self, found: Inbound) -> str | None:
        """Return what is answered instead of a refusal: to this question, else for the risk; refuse goes before both."""
        if self._asked and all(verdict.action is Action.ANSWER for verdict in found.blocking):
            return self._asked.answer
        return self.checkers.chat.answer_for(found.blocking)

    async def _refused(self, outcome: str, set_answer: str | None) -> Json:
        self.answer.outcome = outcome
        self.record.outcome = _SET_ANSWER if set_answer else outcome
        base = {"id": f"chatcmpl-{self.content_id}", "model": self.record.model}
        body = self.answer.refused(completion(base, [], None))
        if set_answer:
            choice = body["choices"][0]
            choice["message"]["content"], choice["finish_reason"] = set_answer, "stop"
        text = body["choices"][0]["message"]["content"]
        self.record.answer = {"choices[0].content": text}
        await self.commit()
        if self.grant.settings.refusal == "error" and not set_answer and outcome != refusals.UNDETERMINED:
            raise ApiError(400, "content_filter", text, param="messages")
        return body

    # --- check out ------------------------------------------------------------------------------

    async def whole(self) -> Json:
        """Ask the model and return the completion that may leave, recorded; raise ApiError."""
        try:
            raw = await self.engine.upstream.complete(self.body)
        except UpstreamError as error:
            raise await self._upstream_failed(error) from error
        except Exception as error:
            raise await self._not_asked(error) from error
        base: Json = {"id": f"chatcmpl-{self.content_id}", "model": self.record.model}
        try:
            base = loads_object(raw, "the upstream's answer")
            self.files.take_whole(base)
            self._checking = "output"
            body = await self._passing.whole(base, len(raw))
            self._checking = ""
            if not self.answer.blocked:
                await self.files.put_whole(body)
        except WithheldError as error:
            raise await self.withheld(error) from error
        except Exception:  # noqa: BLE001 - whatever fails in a check, the answer is withheld
            _LOG.exception("the check of an answer could not run")
            body = self._withheld(base)
        if self.released is not None and (self.answer.stays or not self.answer.blocked):
            self.released.whole(body)
        self._note_answer()
        await self.commit()
        return body

    def _withheld(self, base: Json) -> Json:
        self.answer.withhold()
        self.record.not_scanned.append("output")
        return self.answer.refused(completion(base, [], None))

    async def stream(self, begin: Begin, send: SendPiece) -> None:
        """Ask the model and send what may leave; the last piece follows the commit.

        `begin` is called when the upstream has answered. Raises ApiError before that.
        """
        try:
            events = FileEvents(await self.engine.upstream.stream(self.body), self.files)
        except UpstreamError as error:
            raise await self._upstream_failed(error) from error
        except Exception as error:
            raise await self._not_asked(error) from error
        complete = False
        try:
            await begin()
            try:
                sent = noting(self.released, send)
                complete = await self._passing.run(events, lambda out: sent(self.files.filled(out)))
            except WithheldError as error:
                self._hold_back(error)
            except UpstreamError as error:
                _LOG.warning("the upstream broke off: %s", error)
            except Exception:  # noqa: BLE001 - the answer ends as incomplete, and is recorded
                _LOG.exception("the stream of the upstream could not be read")
            if not complete:
                events.close()
            await send(await self._end(events.base))
        finally:
            events.close()

    async def _end(self, base: Json) -> bytes:
        pictures = b""
        if self.answer.finished and not self.answer.blocked:
            try:
                pictures = await self.files.last_events(base)
            except WithheldError as error:
                self._hold_back(error)
        last = await self._passing.end()
        last = self.files.filled(last if self.answer.blocked else pictures + last)
        if self.released is not None and self.answer.said():
            last = self.released.last(last)
        self._note_answer()
        try:
            await self.commit()
        except ApiError as error:
            return event(error.body()) + DONE
        return last

    async def withheld(self, error: WithheldError) -> ApiError:
        """Record what could not be labelled, for people to look at; return what the client is told."""
        self._note_answer()
        self._note_withheld(error)
        self.record.outcome, self.record.label = UNLABELLED, ""
        await self.commit()
        return not_labelled(error)

    def _note_withheld(self, error: WithheldError) -> None:
        _LOG.error("a file that the upstream made is withheld: %s %s", error.reason, error.container)
        self.record.media = [error.entry()]
        self.record.not_scanned.append(_NOT_LABELLED)

    def _hold_back(self, error: WithheldError) -> None:
        """End a stream whose file could not be labelled."""
        self._note_withheld(error)
        self.answer.withhold()

    # --- the record -----------------------------------------------------------------------------

    def _note_answer(self) -> None:
        answer, record = self.answer, self.record
        record.outbound = answer.verdicts()
        record.media = [*record.media, *self.files.entries]
        self.files.entries = []
        record.label = ",".join(filter(None, (answer.label_placed(), labels_of(record.media))))
        record.usage = answer.usage
        if answer.outcome:
            record.outcome = answer.outcome
            if not (self.streamed or answer.stays):
                # Nothing of the answer left; what was withheld is kept, encrypted, for review.
                record.label = ""
        record.answer = answer.texts()

    async def _not_asked(self, error: Exception) -> ApiError:
        """Record what went wrong in asking, whatever it was, and return what the client is told."""
        _LOG.error("the upstream could not be asked", exc_info=error)
        api = ApiError(502, "upstream_error", "上游出错，请稍后重试 / the upstream failed; try again later")
        return await self._upstream_failed(UpstreamError(api, str(error)))

    async def _upstream_failed(self, error: UpstreamError) -> ApiError:
        _LOG.warning("upstream: %s", error)
        self.record.outcome = error.api.code
        await self.commit()
        return error.api

    async def client_gone(self) -> None:
        """Record an exchange whose client went away before the end, and what was not checked to its end."""
        if self._committing:
            return  # what is being recorded stands
        if self._checking:
            self.record.not_scanned.append(self._checking)
        if not self.streamed:
            self.answer.nothing_left()
            self.files.entries.clear()  # nothing of the answer left
        self._passing.broke_off()
        self._note_answer()
        if not self.answer.outcome:
            self.record.outcome = "client_gone"
        try:
            await self.commit()
        except ApiError:
            _LOG.exception("an exchange whose client went away could not be recorded")

    async def commit(self) -> None:
        """Make the record durable; raise ApiError 503 when that can not be done."""
        self._committing = True
        self._forget()
        self.record.latency_ms = int((time.perf_counter() - self._began) * 1000)
        if self._passing.first is not None:
            self.record.first_ms = int((self._passing.first - self._began) * 1000)
        self.record.urgency = urgency(self.record, self.checkers.chat.policy)
        try:
            if not self.owes_log and self._shadow is None:
                await self.engine.recorder.record(self.record, self.checkers.chat.versions)
            else:
                await to_its_end(self._keep())
        except HeguiError as error:
            raise not_recorded(error) from error

    async def _keep(self) -> None:
        """Compare, record and log: all of it, or what left would be known to one and not to the other."""
        await self._compare()
        await self.engine.recorder.record(self.record, self.checkers.chat.versions)
        await self._log_leave(left=True)

    async def _log_leave(self, *, left: bool) -> None:
        """Log what leaves on a leave, before its last byte does, or that nothing left; raise HeguiError."""
        if self.released is not None:
            said = {path: text for path, text, _ in self.answer.said()}
            await self.released.end(self.record.outcome if left else "", said)
        self.owes_log = False

    @property
    def _left(self) -> bool:
        return self.streamed  # whether some of the answer may have left before its end

    async def settle(self) -> None:
        """Log what became of an answer on a leave where it ended before its record: malformed, or its client gone."""
        if not self.owes_log:
            return
        try:
            await self._log_leave(left=self._left)
        except HeguiError:
            _LOG.exception("what became of an answer without the explicit label could not be logged")

    async def _compare(self) -> None:
        """Put beside what was done what the policy in shadow would have done."""
        if self._shadow is None:
            return
        answer, record, judge = self.answer, self.record, self._judge
        live = Live(
            record.inbound, record.outbound, answer.texts(), {Side.INPUT: judge.heard, Side.OUTPUT: answer.heard},
            frozenset(judge.asked), record.not_scanned, undetermined=record.outcome == refusals.UNDETERMINED,
            ended=answer.finished or answer.blocked, look=judge.look if self.streamed else 0,
            machine=answer.context.machine,
        )  # fmt: skip
        shadow = self._shadow
        record.shadow = await aside(sum(map(len, live.texts.values())), lambda: shadow.compared(live))

    def _forget(self) -> None:
        """Close the vault: nothing is put back after this, and no record is written before its values are hidden."""
        if self._hides:
            self.record.question = kept_question(self.record.question, self._hides)  # the check broke off before
        if self.answer.vault is not None:
            self.answer.vault.close()
