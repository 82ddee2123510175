"""A policy in shadow: what it would have done with an exchange, beside what was done; it does nothing itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.personal import Kind
from hegui.general.content.policy import BLOCKING, NOTED, Action, Lane, Side, severest
from hegui.service.gateway.inbound import RequestCheck
from hegui.service.gateway.protocol import Json
from hegui.service.gateway.records import plain_path
from hegui.service.gateway.service import ServiceSettings
from hegui.service.gateway.texts import decoded

Found = tuple[str, Verdict]

_LOG = logging.getLogger(__name__)
_OLD = "old:"
_WITHHELD = " (withheld)"
_ARGUMENTS = "arguments"
_PASSED = frozenset({Action.PASS})


class Shadow:
    """The policy in shadow over one exchange; whatever fails here is told in the record and harms nothing else."""

    def __init__(self, checker: Checker, settings: ServiceSettings) -> None:
        self._checker = checker
        self._settings = settings
        self._asked: list[Found] | None = None

    def copy(self, body: Json) -> bytes:
        """Return a request as it came, before the live policy changes it."""
        try:
            return orjson.dumps(body)
        except orjson.JSONEncodeError:
            return b""

    def request(self, copy: bytes) -> None:
        """Judge a request as it came."""
        try:
            self._asked = RequestCheck(self._checker, self._settings).run(orjson.loads(copy)).verdicts
        except Exception:  # noqa: BLE001 - the live policy decides alone
            _LOG.exception("the policy in shadow could not judge a request")

    def text(self, text: str, path: str) -> None:
        """Judge one text that stands for a request."""
        try:
            self._asked = [(path, verdict) for verdict in self._checker.check(text, Side.INPUT).verdicts]
        except Exception:  # noqa: BLE001 - the live policy decides alone
            _LOG.exception("the policy in shadow could not judge a text")

    def compared(
        self, inbound: list[Found], outbound: list[Found], texts: Mapping[str, str], *, ended: bool = True
    ) -> dict[str, Any]:
        """Return what the record keeps of both: `inbound` and `outbound` are the live verdicts.

        The action of the output is None where there was no answer that could be judged.
        `texts` are those of the answer by path, as `ChoiceGuard.all_text` has them; `ended` is False
        for an answer that was broken off, in which what is only noted was not looked for.
        """
        live = {Side.INPUT: inbound, Side.OUTPUT: outbound}
        ignored = {Side.INPUT: _PASSED, Side.OUTPUT: _PASSED if ended else NOTED}
        said: dict[str, Any] = {
            "policy": self._checker.policy.version,
            "live": {side.value: _action(found, ignored[side]).value for side, found in live.items()},
        }
        answered = bool(texts or outbound)
        if not answered:
            said["live"][Side.OUTPUT.value] = None
        try:
            would = {Side.INPUT: self._inbound(inbound), Side.OUTPUT: self._outbound(outbound, texts)}
        except Exception:  # noqa: BLE001 - the live policy decides alone
            _LOG.exception("the policy in shadow could not judge an exchange")
            return {**said, "would": {}, "verdicts": [], "same": False, "error": True}
        said["would"] = {
            side.value: _action(found, ignored[side]).value if answered or side is Side.INPUT else None
            for side, found in would.items()
        }
        verdicts = []
        for side in Side:
            # Behind the place where an answer was stopped nobody looked, so the action alone says whether they agree.
            action = said["live"][side.value]
            if side is Side.OUTPUT and action in BLOCKING and action == said["would"][side.value]:
                continue
            verdicts += _differing(side, live[side], would[side], ignored[side])
        same = not verdicts and said["live"] == said["would"]
        return {**said, "verdicts": verdicts, "same": same}

    def _inbound(self, live: list[Found]) -> list[Found]:
        if self._asked is None:
            raise RuntimeError("the request was not judged")
        # Set answers are no policy's; a guard is asked once, and both policies rule what it said.
        return self._asked + [item for item in live if item[1].lane == Lane.QUESTION] + self._ruled(live, Side.INPUT)

    def _outbound(self, live: list[Found], texts: Mapping[str, str]) -> list[Found]:
        found = self._ruled(live, Side.OUTPUT)
        for path, text in _whole(texts).items():
            verdicts = self._checker.check(text, Side.OUTPUT).verdicts
            if path.endswith(_ARGUMENTS):
                verdicts = tuple(_not_starred(item) for item in verdicts)
                if "\\" in text:
                    verdicts += tuple(
                        item for item in self._checker.check(decoded(text), Side.OUTPUT).verdicts
                        if item.action in BLOCKING
                    )  # fmt: skip
            found += [(path, verdict) for verdict in verdicts]
        return found

    def _ruled(self, live: Iterable[Found], side: Side) -> list[Found]:
        """Return what this policy rules of a guard's findings, and of what the live one starred and nobody can read."""
        found = []
        for path, verdict in live:
            starred = side is Side.OUTPUT and verdict.action is Action.MASK
            action = self._action(verdict, side) if starred or verdict.lane == Lane.GUARD else None
            if action is not None:
                found.append((path, replace(verdict, action=action)))
        return found

    def _action(self, verdict: Verdict, side: Side) -> Action | None:
        """Return what this policy does with a verdict of another one over the same library; None where it does not look."""
        rules, lane = self._checker.policy.side(side), Lane(verdict.lane)
        if lane is Lane.PERSONAL:
            return rules.personal[Kind(verdict.rule.partition(":")[2])]
        word = None if lane in {Lane.GUARD, Lane.MODEL} else self._checker.library.word(verdict.rule)
        lanes = word.rules.lanes if word and word.rules.lanes is not None else rules.lanes[verdict.risk]
        least = rules.thresholds.get(lane, {}).get(verdict.risk, 0.0)
        if lane not in lanes or (verdict.score is not None and verdict.score < least):
            return None
        return rules.action(verdict.risk, lane, word.rules.action if word else None)


def _not_starred(verdict: Verdict) -> Verdict:
    """Return a verdict in a tool call's arguments: a number there is noted, not starred."""
    starred = verdict.action is Action.MASK and verdict.lane == Lane.PERSONAL
    return replace(verdict, action=Action.PASS) if starred else verdict


def _whole(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each channel, what was withheld of it too."""
    whole: dict[str, str] = {}
    for path, text in texts.items():
        name = path.removesuffix(_WITHHELD)
        # Of a tool call's arguments all is kept as withheld, of other texts what stands behind the released.
        again = name != path and name.endswith(_ARGUMENTS)
        whole[name] = text if again else whole.get(name, "") + text
    return whole


def _action(found: Iterable[Found], ignored: frozenset[Action]) -> Action:
    return severest([
        item.action for path, item in found if item.action not in ignored and not path.startswith(_OLD)
    ])  # fmt: skip


def _differing(side: Side, live: list[Found], would: list[Found], ignored: frozenset[Action]) -> list[dict[str, Any]]:
    """Return the verdicts that one of two policies has alone."""
    one, other = ([item for item in found if item[1].action not in ignored] for found in (live, would))
    return [
        {"by": by, "side": side.value, "part": plain_path(path), **verdict.as_dict()}
        for by, these, those in (("live", one, set(other)), ("would", other, set(one)))
        for path, verdict in these
        if (path, verdict) not in those
    ]
