"""The state of one answer: its choices, what was found in them, why it was stopped; and a whole completion's way out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.placeholders import Vault
from hegui.service.gateway import refusals
from hegui.service.gateway.fields import KNOWN, keep_only, strip
from hegui.service.gateway.hiding import Restoring
from hegui.service.gateway.hold import Hold, Path
from hegui.service.gateway.judge import Heard, Judged, Notes
from hegui.service.gateway.logprobs import Spelt
from hegui.service.gateway.outbound import ChoiceGuard, is_json, merge, nest
from hegui.service.gateway.protocol import Json, ProtocolError
from hegui.service.gateway.releasing import ReleasedLabeller
from hegui.service.gateway.texts import WITHHELD
from hegui.service.labels import Labeller, LabelStyle

CALLS = ("tool_calls", "function_call")
_MACHINE = "machine_text"


@dataclass(frozen=True)
class AnswerContext:
    """What an answer needs to know of its request.

    `look` is how many characters a judgement looks back, 0 where nothing has to wait for one.
    """

    content_id: str
    checker: Checker
    tools: Checker
    label: LabelStyle
    machine: bool
    include_usage: bool
    appeal_url: str
    look: int = 0
    released: bool = False
    """Whether it is given without the explicit label, on a grant."""


class WholeAnswer:
    """Guards every choice of one answer that comes in one piece."""

    def __init__(self, context: AnswerContext) -> None:
        self.context = context
        self.choices: dict[int, ChoiceGuard] = {}
        self.usage: Json | None = None
        self.outcome = ""
        self.vault: Vault | None = None
        self.heard: list[Heard] = []
        self._noted = Notes()
        self._spelt: dict[int, Spelt] = {}
        self._shut = False
        self._whole = False
        self._left = True

    def verdicts(self) -> list[tuple[str, Verdict]]:
        """Return every verdict with its path."""
        return [*self._noted.found(), *(item for choice in self.choices.values() for item in choice.verdicts())]

    @property
    def blocked(self) -> bool:
        """Say whether the answer was stopped."""
        return bool(self.outcome)

    def label_placed(self) -> str:
        """Return where labels were put, or why not."""
        states = {
            choice.labeller.placed or choice.labeller.reason or _called(choice) for choice in self.choices.values()
        } - {""}
        return ",".join(sorted(states))

    def _choice(self, index: int) -> ChoiceGuard:
        found = self.choices.get(index)
        if found is None:
            context = self.context
            kind = ReleasedLabeller if context.released else Labeller
            labeller = kind(context.label, machine=context.machine)
            found = self.choices[index] = ChoiceGuard(
                index, context.checker, context.tools, labeller, whole=self._whole, machine=context.machine,
                hold=Hold(context.look) if context.look and not self._whole else None,
                restoring=Restoring(self.vault, machine=context.machine) if self.vault else None,
            )  # fmt: skip
        return found

    def _stop(self) -> None:
        """Stop the answer for what was found in it so far."""
        if self.outcome != refusals.UNDETERMINED:
            self.outcome = refusals.of_output(verdict for _, verdict in self.verdicts())

    def _check_delta(self, choice: ChoiceGuard, item: Json, delta: Json) -> bool:
        """Check a delta or message in place; return whether its event was changed.

        Log probabilities spell out the tokens that were held or masked, and others beside them.
        """
        changed = choice.pass_through(delta)
        if item.get("logprobs") is not None:
            spelt = self._spelt.setdefault(choice.index, Spelt(self.context.checker))
            if not spelt.fine(item["logprobs"], final=self._whole) or changed:
                item["logprobs"] = None
                changed = True
        return changed

    def note(self, path: str, found: Judged, start: int = 0) -> None:
        """Note the verdicts on a text that begins at a place of its channel; the same ones again only if surer."""
        self._noted.add(path, found.verdicts, start)
        self.heard += [replace(item, path=path, start=start) for item in found.heard]

    def is_json(self, path: Path) -> bool:
        """Say whether a channel is JSON text, in which escapes are to be read."""
        return is_json(path, machine=self.context.machine)

    def said(self) -> list[tuple[str, str, bool]]:
        """Return path and text of every channel as it was let out, but for what a stop kept from leaving, and if it is JSON."""
        return [
            (f"choices[{choice.index}]." + ".".join(map(str, path)), text, self.is_json(path))
            for choice in self.choices.values()
            for path, text in choice.said().items()
            if text and self._leaves(path)
        ]

    def _leaves(self, path: Path) -> bool:
        """Say whether a channel's text left: of a whole answer that was stopped nothing does, or the text before the hit alone."""
        stopped = self._whole and self.blocked
        return self._left and (not stopped or (self.stays and path[0] not in CALLS))

    def texts(self) -> dict[str, str]:
        """Return what a record keeps: every channel's text by its path, what left and what was withheld."""
        kept = {}
        for choice in self.choices.values():
            for path, (out, rest) in choice.all_text().items():
                name = f"choices[{choice.index}]." + ".".join(map(str, path))
                left, stopped = (out, rest) if self._leaves(path) else ("", out + rest)
                if left or not stopped:
                    kept[name] = left
                if stopped:
                    kept[name + WITHHELD] = stopped
        return kept

    def close(self) -> None:
        """Say that no more comes of an answer that was stopped or broke off; what left of it is looked at to its end."""
        failed: Exception | None = None
        for choice in self.choices.values():
            try:
                choice.close()
            except Exception as error:  # noqa: BLE001 - every choice is closed, then it is told
                failed = error
        if failed is not None:
            raise failed

    def nothing_left(self) -> None:
        """Say that nothing of the answer left."""
        self._left = False

    def withhold(self) -> None:
        """Stop the answer because a check could not run."""
        self.outcome = refusals.UNDETERMINED

    # --- whole --------------------------------------------------------------------------------

    def whole(self, body: Json) -> Json:
        """Take a whole completion that nobody else has to judge and return the one that may leave."""
        self.check_whole(body)
        return self.leave_whole(body)

    def check_whole(self, body: Json) -> None:
        """Check a whole completion in place."""
        strip(body, "whole")
        self._whole = True
        self.usage = body.get("usage")
        items = body.get("choices")
        if not isinstance(items, list) or not items:
            message = "the upstream's answer has no choices"
            raise ProtocolError(message)
        for item in items:
            choice = self._choice(item["index"])
            said = item.get("message")
            if not isinstance(said, dict):
                message = "a choice of the upstream has no message"
                raise ProtocolError(message)
            self._check_delta(choice, item, said)
            for rest in choice.finish():
                merge(said, rest)
            if choice.blocked:
                self._stop()

    def stop_whole(self) -> None:
        """Stop a whole answer for what was judged of all of it: there is nothing before the hit that could stay."""
        self._shut = True
        self._stop()

    @property
    def stays(self) -> bool:
        """Say whether what stood before the hit stays in a whole answer that was stopped."""
        return self.outcome == refusals.ENDED_OUTPUT and not self._shut

    def leave_whole(self, body: Json) -> Json:
        """Return the completion that may leave, once its texts were checked and judged."""
        body["hegui"] = {"content_id": self.context.content_id}
        if self.blocked and not self.stays:
            return self.refused(body)
        for item in body["choices"]:
            choice, said = self._choice(item["index"]), item["message"]
            if choice.restoring is not None and choice.restoring.deltas(said):
                item["logprobs"] = None
            for path, rest in choice.restoring.finish() if choice.restoring is not None else ():
                merge(said, nest(path, rest))
            if self.blocked:
                self._end_whole(item, said)
        return body

    def _end_whole(self, item: Json, said: Json) -> None:
        """Put the notice after what was said; a call that broke off is nobody's to run."""
        text = refusals.refusal(self.outcome, self.context.content_id, self.context.appeal_url)
        for name in CALLS:
            said.pop(name, None)
        before = said.get("content") or ""
        said["content"] = f"{before}\n\n{text}" if before else text
        item["finish_reason"], item["logprobs"] = "content_filter", None

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
        keep_only(body, KNOWN)
        body["hegui"] = {"content_id": self.context.content_id}
        return body


def _called(choice: ChoiceGuard) -> str:
    """Return why a choice that says nothing but calls has no label: a program runs them, nobody reads them."""
    said = {path[0] for path, text in choice.said().items() if text}
    return _MACHINE if said & set(CALLS) and "content" not in said else ""
