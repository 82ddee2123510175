"""The state of one answer on its way out: a stream of events, or a whole completion.

Events whose text was neither held nor changed leave as the bytes that came. What a choice says
from its `finish_reason` on is kept in the tail, which leaves only after the record is durable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from hegui.general.content.window import Window
from hegui.service.gateway import refusals
from hegui.service.gateway.answer import AnswerContext, WholeAnswer
from hegui.service.gateway.fields import hollow, once, strip
from hegui.service.gateway.frame import MOST_FRAMES, Frame, learn
from hegui.service.gateway.hold import Due
from hegui.service.gateway.judge import Judged
from hegui.service.gateway.outbound import CONTENT, ChoiceGuard, nest
from hegui.service.gateway.protocol import (
    DONE,
    ApiError,
    Json,
    ProtocolError,
    chunk,
    event,
    loads_object,
    no_usage,
    raw_event,
)

__all__ = ["Answer", "AnswerContext"]

_NO_TEXT = frozenset({"role", "content"})
_ONLY_CONTENT = {"content"}


class Answer(WholeAnswer):
    """Guards every choice of one answer, streamed or whole."""

    def __init__(self, context: AnswerContext) -> None:
        super().__init__(context)
        self._base: Json = {}
        self._tail: list[bytes] = []
        self._first = True
        self._frame: Frame | None = None
        self._learnt = 0
        self.broken: ApiError | None = None
        """Why the upstream's events could not be read to their end, where that is known."""

    # --- streamed -----------------------------------------------------------------------------

    def event(self, raw: bytes) -> bytes:
        """Take the data of one upstream event and return the bytes that may leave now."""
        if self.outcome:
            return b""
        frame = self._frame
        if frame is not None and not self._tail:
            text = frame.text(raw)
            if text is not None:
                return self._framed(frame, text, raw)
        data = loads_object(raw, "an event of the upstream")
        if "error" in data and not data.get("choices"):
            message = "the upstream reported an error inside the stream"
            raise ProtocolError(message)
        for choice in self.choices.values():
            choice.begin_event()
        try:
            return self._parsed(data, raw)
        except Exception:
            for choice in self.choices.values():
                choice.undo_event()
            raise

    def _parsed(self, data: Json, raw: bytes) -> bytes:
        stripped = strip(data, "chunk")
        if not self._base:
            self._base = {key: data.get(key) for key in ("id", "created", "model")}
        changed, finishing, empty = self._choices(data)
        foreign = stripped or not once(raw)
        changed = changed or foreign
        if data.get("usage"):
            self.usage = data["usage"]
        if self.context.look and data.get("choices"):
            return self._hold(data, raw, changed=changed)
        if self.blocked:
            # What stood before the hit may leave; the rest of the event may not.
            return self._before_the_hit(data)
        if finishing or (self._tail and not data.get("choices")):
            self._tail.append(event(data) if changed else raw_event(raw))
            return b""
        # What has to wait, or to be put back, is not recognised by its bytes.
        if not (foreign or self._tail or self.vault or self.context.look) and self._learnt < MOST_FRAMES:
            self._learn(raw)
        if empty and changed:
            return b""
        return self._out(data, raw, changed=changed)

    def _before_the_hit(self, data: Json) -> bytes:
        """Return what an event in which the answer was stopped still says."""
        data["choices"] = [item for item in data["choices"] if not hollow(item.get("delta") or {})]
        for item in data["choices"]:
            item["finish_reason"] = None
        return self._out(data, b"", changed=True) if data["choices"] else b""

    def _framed(self, frame: Frame, text: str, raw: bytes) -> bytes:
        """Take an event that differs from one that was checked in its text alone."""
        window = frame.window
        out = window.feed(text)
        if window.blocked:
            self._stop()
        if out == text:
            return raw_event(raw)
        return frame.event(out) if out else b""

    def _learn(self, raw: bytes) -> None:
        """Remember the frame of an event that holds one piece of content and nothing else."""
        data: Json = orjson.loads(raw)
        items: list[Json] = data.get("choices") or []
        if len(items) != 1 or (items[0].get("delta") or {}).keys() != _ONLY_CONTENT or items[0].get("logprobs"):
            return
        choice, content = self.choices[items[0].get("index") or 0], items[0]["delta"]["content"]
        window = choice.channels.get(CONTENT)
        if isinstance(content, str) and content and choice.begun and not choice.finished and isinstance(window, Window):
            self._learnt += 1
            self._frame = learn(raw, data, content, window)

    def _choices(self, data: Json) -> tuple[bool, bool, bool]:
        changed = finishing = False
        empty = True
        for item in data.get("choices") or ():
            choice = self._choice(item.get("index") or 0)
            delta = item.get("delta") or {}
            if choice.finished and not hollow({**delta, "role": None}):
                message = "the upstream went on after it had finished"
                raise ProtocolError(message)
            changed = self._check_delta(choice, item, delta) or changed
            if item.get("finish_reason"):
                finishing = True
                changed = self._finish_choice(choice, item, delta) or changed
            elif delta.get("content") or delta.get("role") or not delta.keys() <= _NO_TEXT:
                empty = empty and hollow(delta)
            if choice.blocked:
                self._stop()
        return changed, finishing, empty

    def _finish_choice(self, choice: ChoiceGuard, item: Json, delta: Json) -> bool:
        """Put into the tail what the choice still holds; return whether the finishing event was changed.

        Text that came with the finish reason goes first, then the rest and the label, then the reason.
        """
        if choice.finished:
            return False
        rests = choice.finish()
        if choice.hold is not None:
            for rest in [delta, *rests]:
                self._wait(choice, chunk(self._base, [{"index": choice.index, "delta": rest, "finish_reason": None}]))
            choice.hold.finish()
            item["delta"], item["logprobs"] = {}, None
            return True
        moved = bool(rests) and not hollow(delta)
        for rest in [delta, *rests] if moved else rests:
            piece = {"index": choice.index, "delta": rest, "finish_reason": None}
            self._tail.append(event(chunk(self._base, [piece])))
        if moved:
            item["delta"] = {}
        return moved

    @property
    def finished(self) -> bool:
        """Say whether the upstream finished every choice."""
        return bool(self.choices) and all(choice.finished for choice in self.choices.values())

    def _out(self, data: Json, raw: bytes, *, changed: bool) -> bytes:
        if self._first:
            self._first = False
            data["hegui"] = {"content_id": self.context.content_id}
            return event(data)
        return event(data) if changed else raw_event(raw)

    # --- held until judged ----------------------------------------------------------------------

    def _hold(self, data: Json, raw: bytes, *, changed: bool) -> bytes:
        """Keep what the choices of an event say until it was judged; return what need not wait."""
        items: list[Json] = data["choices"]
        alone = len(items) == 1
        for item in items:
            if not item.get("finish_reason") and not hollow(item.get("delta") or {}):
                choice = self._choice(item.get("index") or 0)
                self._wait(choice, {**data, "choices": [item]}, raw if alone and not changed else None)
        ends = [item for item in items if item.get("finish_reason")]
        if ends and not self.blocked:
            self._tail.append(event({**data, "choices": ends}))
        return b"".join(self._leave(choice, *kept) for choice in self.choices.values() for kept in _free(choice))

    def _wait(self, choice: ChoiceGuard, data: Json, raw: bytes | None = None) -> None:
        if choice.hold is not None and not hollow(data["choices"][0]["delta"]):
            choice.hold.add(data, raw)

    def _leave(self, choice: ChoiceGuard, data: Json, raw: bytes | None) -> bytes:
        """Return an event that was judged as it leaves: with the label before it, and values put back."""
        item = data["choices"][0]
        delta: Json = item["delta"]
        changed = raw is None
        if delta.get("content") and not choice.begun:
            choice.begun = True
            label = choice.labeller.before(delta["content"])
            delta["content"] = label + delta["content"]
            changed = changed or bool(label)
        if choice.restoring is not None and choice.restoring.deltas(delta):
            changed, item["logprobs"] = True, None
            if hollow(delta):
                return b""
        return self._out(data, raw or b"", changed=changed)

    def due(self, most: int) -> list[tuple[ChoiceGuard, Due]]:
        """Return the judgements that are due, up to so many; each choice's in order."""
        found = [
            (choice, item) for choice in self.choices.values() if choice.hold is not None for item in choice.hold.due
        ]
        return found[:most]

    def _shut_down(self, *, refused: bool) -> None:
        """Stop the answer so that nothing that waits leaves any more."""
        self._shut = True
        for choice in self.choices.values():
            if choice.hold is not None:
                choice.hold.due.clear()
        if refused:
            self._stop()
        elif not self.blocked:
            self.withhold()

    def rest_due(self) -> None:
        """Say that no more comes: what still waits is due, unless nothing may leave any more."""
        if self._shut or self.outcome == refusals.UNDETERMINED:
            return
        for choice in self.choices.values():
            if choice.hold is None or choice.finished:
                continue
            if self.blocked:
                choice.finished = True
                choice.hold.finish()
            else:
                self._finish_choice(choice, {}, {})
                if choice.blocked:
                    self._stop()

    def judged(self, choice: ChoiceGuard, due: Due, found: Sequence[Judged]) -> bytes:
        """Take what was said of a stretch that was due; return what leaves for it, or stop the answer."""
        if choice.hold is None or due not in choice.hold.due:
            return b""
        for (path, start, _), item in zip(due.texts, found, strict=True):
            self.note(f"choices[{choice.index}]." + ".".join(map(str, path)), item, start)
        if any(item.blocked or item.missing for item in found):
            self._shut_down(refused=any(item.blocked for item in found))
            return b""
        choice.hold.due.popleft()
        out = [self._leave(choice, *kept) for kept in choice.hold.let_out(due.at)]
        if due.last:
            rests = choice.restoring.finish() if choice.restoring is not None else []
            deltas = [nest(path, rest) for path, rest in rests]
            label = "" if self.blocked else choice.labeller.after(choice.text())
            for delta in [*deltas, *([{"content": label}] if label else [])]:
                data = chunk(self._base, [{"index": choice.index, "delta": delta, "finish_reason": None}])
                out.append(self._out(data, b"", changed=True))
        return b"".join(out)

    def settle(self) -> None:
        """Say that no more comes: let out what may still leave, or look at what left of an answer that was stopped.

        A second call does nothing.
        """
        for choice in self.choices.values():
            if not (self.blocked or choice.finished):
                self._finish_choice(choice, {}, {})
                if choice.blocked:
                    self._stop()
        if self.blocked:
            self.close()

    def end(self, *, complete: bool) -> bytes:
        """Return the last bytes of the stream, which leave after the record is durable."""
        mine = {"hegui": {"content_id": self.context.content_id}}
        complete = complete and self.finished
        self.settle()
        if self.blocked:
            return self._refusal_events(mine)
        if not complete:
            problem = {"message": "上游中断，回答不完整，请重试 / the upstream broke off; try again", "type": "server_error", "param": None,
                       "code": "upstream_incomplete"}  # fmt: skip
            told = {"error": problem} if self.broken is None else self.broken.body()
            return b"".join(self._tail) + event({**told, **mine}) + DONE
        if not self._tail:
            return DONE
        last = orjson.loads(self._tail[-1][6:])
        if self._first:
            first = orjson.loads(self._tail[0][6:])
            self._tail[0] = event({**first, **mine})
        self._tail[-1] = event({**last, **mine})
        return b"".join(self._tail) + DONE

    def _refusal_events(self, mine: Json) -> bytes:
        text = refusals.refusal(self.outcome, self.context.content_id, self.context.appeal_url)
        events = self._checked_tail()
        for choice in self.choices.values() or [self._choice(0)]:
            said = choice.text()
            label = choice.labeller.after(said) if said and not choice.labeller.placed else ""
            delta = {"role": "assistant", "content": f"{label}\n\n{text}" if said else text}
            piece = {"index": choice.index, "delta": delta, "finish_reason": None}
            events.append(event(chunk(self._base, [piece], **mine)))
            stop = {"index": choice.index, "delta": {}, "finish_reason": "content_filter"}
            events.append(event(chunk(self._base, [stop], **mine)))
        if self.context.include_usage:
            events.append(event(chunk(self._base, [], usage=self.usage or no_usage(), **mine)))
        return b"".join(events) + DONE

    def _checked_tail(self) -> list[bytes]:
        """Return what the tail still has to say, checked text and labels, without its finish reasons."""
        events = []
        for raw in self._tail:
            data = orjson.loads(raw[6:])
            pieces = [item for item in data["choices"] if not hollow(item.get("delta") or {})]
            if pieces:
                events.append(event({**data, "choices": [{**item, "finish_reason": None} for item in pieces]}))
        return events


def _free(choice: ChoiceGuard) -> Iterator[tuple[Json, bytes | None]]:
    return choice.hold.free() if choice.hold is not None else iter(())
