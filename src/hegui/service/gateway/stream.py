"""The state of one answer on its way out: a stream of events, or a whole completion.

Events whose text was neither held nor changed leave as the bytes that came. What a choice says
from its `finish_reason` on is kept in the tail, which leaves only after the record is durable.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import orjson

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.policy import Side
from hegui.general.content.window import Window
from hegui.service.gateway import refusals
from hegui.service.gateway.frame import MOST_FRAMES, Frame, learn
from hegui.service.gateway.outbound import CONTENT, ChoiceGuard, merge
from hegui.service.gateway.protocol import DONE, Json, ProtocolError, chunk, event, loads_object, no_usage, raw_event
from hegui.service.gateway.texts import leaves
from hegui.service.labels import Labeller, LabelStyle

_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"})
"""Fields of a chunk or completion that are passed on; all others are taken out, since nobody looked at them."""
_NAMES = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,199}")
_KNOWN_CHOICE = {
    "chunk": frozenset({"index", "delta", "finish_reason", "logprobs"}),
    "whole": frozenset({"index", "message", "finish_reason", "logprobs"}),
}
_REASON = re.compile(r"[a-z_]{1,40}")
_NO_TEXT = frozenset({"role", "content"})
_ONLY_CONTENT = {"content"}


@dataclass(frozen=True)
class AnswerContext:
    """What an answer needs to know of its request."""

    content_id: str
    checker: Checker
    tools: Checker
    label: LabelStyle
    machine: bool
    include_usage: bool
    appeal_url: str


class Answer:
    """Guards every choice of one answer."""

    def __init__(self, context: AnswerContext) -> None:
        self.context = context
        self.choices: dict[int, ChoiceGuard] = {}
        self.usage: Json | None = None
        self.outcome = ""
        self.other: list[tuple[str, Verdict]] = []
        self._base: Json = {}
        self._tail: list[bytes] = []
        self._first = True
        self._whole = False
        self._frame: Frame | None = None
        self._learnt = 0

    def verdicts(self) -> list[tuple[str, Verdict]]:
        """Return every verdict with its path."""
        return [*self.other, *(item for choice in self.choices.values() for item in choice.verdicts())]

    @property
    def blocked(self) -> bool:
        """Say whether the answer was stopped."""
        return bool(self.outcome)

    def label_placed(self) -> str:
        """Return where labels were put, or why not."""
        states = {choice.labeller.placed or choice.labeller.reason for choice in self.choices.values()} - {""}
        return ",".join(sorted(states))

    def _choice(self, index: int) -> ChoiceGuard:
        if not isinstance(index, int):
            message = "an `index` of the upstream is not a number"
            raise ProtocolError(message)
        found = self.choices.get(index)
        if found is None:
            context = self.context
            labeller = Labeller(context.label, machine=context.machine)
            found = self.choices[index] = ChoiceGuard(
                index, context.checker, context.tools, labeller, whole=self._whole
            )
        return found

    def _strip(self, data: Json, form: str) -> bool:
        """Take out of an event or completion what the protocol does not name; return whether there was any."""
        changed = _keep(data, _KNOWN)
        items = data.get("choices")
        if items is not None and not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
            message = "`choices` of the upstream is not a list of objects"
            raise ProtocolError(message)
        for item in items or ():
            changed = _keep(item, _KNOWN_CHOICE[form]) or changed
            reason = item.get("finish_reason")
            if reason == "":
                item["finish_reason"] = None  # as some upstreams write "not yet"
                changed = True
            elif reason is not None and not (isinstance(reason, str) and _REASON.fullmatch(reason)):
                item["finish_reason"] = "stop"
                changed = True
        usage = data.get("usage")
        if usage is not None and not _is_counts(usage):
            del data["usage"]
            changed = True
        for name in _NAMES:
            value = data.get(name)
            if value is not None and type(value) is not int and not (isinstance(value, str) and _NAME.fullmatch(value)):
                del data[name]
                changed = True
        return changed

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
        return self._parsed(data, raw)

    def _parsed(self, data: Json, raw: bytes) -> bytes:
        stripped = self._strip(data, "chunk")
        if not self._base:
            self._base = {key: data.get(key) for key in ("id", "created", "model")}
        changed, finishing, empty = self._choices(data)
        foreign = stripped or not _once(raw)
        changed = changed or foreign
        if self.blocked:
            # What stood before the hit may leave; the rest of the event may not.
            return b"" if empty or finishing else self._out(data, raw, changed=True)
        if data.get("usage"):
            self.usage = data["usage"]
        if finishing or (self._tail and not data.get("choices")):
            self._tail.append(event(data) if changed else raw_event(raw))
            return b""
        if not foreign and self._learnt < MOST_FRAMES and not self._tail:
            self._learn(raw)
        if empty and changed:
            return b""
        return self._out(data, raw, changed=changed)

    def _framed(self, frame: Frame, text: str, raw: bytes) -> bytes:
        """Take an event that differs from one that was checked in its text alone."""
        window = frame.window
        out = window.feed(text)
        if window.blocked:
            self.outcome = refusals.REFUSED_OUTPUT
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
            if choice.finished and not _hollow({**delta, "role": None}):
                message = "the upstream went on after it had finished"
                raise ProtocolError(message)
            changed = self._check_delta(choice, item, delta) or changed
            if item.get("finish_reason"):
                finishing = True
                changed = self._finish_choice(choice, item, delta) or changed
            elif delta.get("content") or delta.get("role") or not delta.keys() <= _NO_TEXT:
                empty = empty and _hollow(delta)
            if choice.blocked:
                self.outcome = refusals.REFUSED_OUTPUT
        return changed, finishing, empty

    def _check_delta(self, choice: ChoiceGuard, item: Json, delta: Json) -> bool:
        """Check a delta or message in place; return whether its event was changed.

        Log probabilities spell out the tokens that were held or masked, and others beside them.
        """
        changed = choice.pass_through(delta)
        spelt = item.get("logprobs")
        if spelt and (changed or self._blocks("\n".join(text for _, text in leaves(spelt, "logprobs")))):
            item["logprobs"] = None
            changed = True
        return changed

    def _blocks(self, text: str) -> bool:
        return self.context.checker.check(text, Side.OUTPUT).blocked

    def _finish_choice(self, choice: ChoiceGuard, item: Json, delta: Json) -> bool:
        """Put into the tail what the choice still holds; return whether the finishing event was changed.

        Text that came with the finish reason goes first, then the rest and the label, then the reason.
        """
        if choice.finished:
            return False
        rests = choice.finish()
        moved = bool(rests) and not _hollow(delta)
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

    def end(self, *, complete: bool) -> bytes:
        """Return the last bytes of the stream, which leave after the record is durable."""
        mine = {"hegui": {"content_id": self.context.content_id}}
        if self.blocked:
            return self._refusal_events(mine)
        for choice in self.choices.values():
            if not choice.finished:
                complete = False
                self._finish_choice(choice, {}, {})
                if choice.blocked:
                    self.outcome = refusals.REFUSED_OUTPUT
                    return self._refusal_events(mine)
        if not complete:
            problem = {"message": "上游中断，回答不完整，请重试 / the upstream broke off; try again", "type": "server_error", "param": None,
                       "code": "upstream_incomplete"}  # fmt: skip
            return b"".join(self._tail) + event({"error": problem, **mine}) + DONE
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
            pieces = [item for item in data["choices"] if not _hollow(item.get("delta") or {})]
            if pieces:
                events.append(event({**data, "choices": [{**item, "finish_reason": None} for item in pieces]}))
        return events

    def withhold(self) -> None:
        """Stop the answer because a check could not run."""
        self.outcome = refusals.UNDETERMINED

    # --- whole --------------------------------------------------------------------------------

    def whole(self, body: Json) -> Json:
        """Take a whole completion and return the one that may leave."""
        self._strip(body, "whole")
        self._whole = True
        self.usage = body.get("usage")
        items = body.get("choices")
        if not isinstance(items, list) or not items:
            message = "the upstream's answer has no choices"
            raise ProtocolError(message)
        for item in items:
            choice = self._choice(item.get("index") or 0)
            said = item.get("message")
            if not isinstance(said, dict):
                message = "a choice of the upstream has no message"
                raise ProtocolError(message)
            self._check_delta(choice, item, said)
            for rest in choice.finish():
                merge(said, rest)
            if choice.blocked:
                self.outcome = refusals.REFUSED_OUTPUT
        body["hegui"] = {"content_id": self.context.content_id}
        return self.refused(body) if self.blocked else body

    def refused(self, body: Json) -> Json:
        """Return the completion with the refusal in place of every choice."""
        text = refusals.refusal(self.outcome, self.context.content_id, self.context.appeal_url)
        body["choices"] = [
            {
                "index": index,
                "message": {"role": "assistant", "content": text},
                "logprobs": None,
                "finish_reason": "content_filter",
            }
            for index in sorted(self.choices) or [0]
        ]
        _keep(body, _KNOWN)
        body["hegui"] = {"content_id": self.context.content_id}
        return body


def _keep(data: Json, names: frozenset[str]) -> bool:
    """Delete every other key; return whether there was one."""
    others = data.keys() - names
    for key in others:
        del data[key]
    return bool(others)


def _once(raw: bytes) -> bool:
    """Say whether an event is surely the same to every reader: no key twice, no line break."""
    try:
        json.loads(raw, object_pairs_hook=_no_twice)
    except ValueError:
        return False
    return b"\n" not in raw


def _no_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(pairs)
    return found


def _is_counts(usage: object) -> bool:
    """Say whether a value holds numbers under plain names and nothing else, as `usage` does."""
    if not isinstance(usage, dict):
        return False
    return all(
        _REASON.fullmatch(key) and (value is None or isinstance(value, int | float) or _is_counts(value))
        for key, value in usage.items()
    )


def _hollow(delta: Json) -> bool:
    """Say whether a delta says nothing any more after its text was held."""
    return all(value in ("", None) or (isinstance(value, list | dict) and not value) for value in delta.values())
