"""A policy in shadow: what it would have done with an exchange, beside what was done; it does nothing itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.judging import judging_lanes
from hegui.general.content.personal import Kind
from hegui.general.content.policy import BLOCKING, NOTED, Action, Lane, Side, severest
from hegui.general.content.window import Window
from hegui.service.gateway import refusals
from hegui.service.gateway.hiding import Moves
from hegui.service.gateway.hold import Hold
from hegui.service.gateway.inbound import RequestCheck
from hegui.service.gateway.judge import Heard, Judged, Notes, ruled, scored
from hegui.service.gateway.outbound import ARGUMENTS, CONTENT, JsonWindow, nest
from hegui.service.gateway.protocol import Json
from hegui.service.gateway.records import plain_path
from hegui.service.gateway.service import ServiceSettings
from hegui.service.gateway.texts import WITHHELD, unescaped

Found = tuple[str, Verdict]

_LOG = logging.getLogger(__name__)
_OLD = "old:"
_JUDGED = frozenset({Lane.MODEL, Lane.GUARD, Lane.QUESTION})
"""Lanes that are ruled by what was heard once, or are no policy's."""
_PASSED = frozenset({Action.PASS})


@dataclass(frozen=True)
class Live:
    """What was done with an exchange under the live policy, and what was seen of it.

    `texts` are those of the answer by path, as `WholeAnswer.texts` has them; `heard` is what the guard
    said, and `asked` the sides on which it was asked; `ended` is False for an answer that was broken
    off, in which what is only noted was not looked for. `look` is how far a judgement of a stream
    looks back, 0 for an answer in one piece; `machine` says that its content was asked for as JSON.
    """

    inbound: Sequence[Found] = ()
    outbound: Sequence[Found] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    heard: Mapping[Side, Sequence[Heard]] = field(default_factory=dict)
    asked: frozenset[Side] = frozenset()
    not_scanned: Sequence[str] = ()
    undetermined: bool = False
    ended: bool = True
    look: int = 0
    machine: bool = False

    @property
    def answered(self) -> bool:
        """Say whether there was an answer that could be judged."""
        return bool(self.texts or self.outbound)

    def found(self, side: Side) -> list[Found]:
        """Return the verdicts of a side."""
        return list(self.inbound if side is Side.INPUT else self.outbound)

    def action(self, side: Side) -> str:
        """Return what was done on a side."""
        missing = [name for name in self.not_scanned if name.partition(":")[0] == side.value]
        later = side is Side.INPUT and any(name.startswith(Side.OUTPUT.value) for name in self.not_scanned)
        return _did(
            self.found(side), self.ignored(side), missing=bool(missing), withheld=self.undetermined and not later
        )

    def ignored(self, side: Side) -> frozenset[Action]:
        """Return the actions that are not compared on a side."""
        return _PASSED if self.ended or side is Side.INPUT else NOTED


@dataclass
class _Would:
    """What the policy in shadow would have found on a side; what it could not know, and whether it would withhold for that."""

    found: list[Found]
    missing: bool = False
    withheld: bool = False


class Shadow:
    """The policy in shadow over one exchange; whatever fails here is told in the record and harms nothing else.

    `guard` says whether there is a guard model that a policy can ask.
    """

    def __init__(self, checker: Checker, settings: ServiceSettings, *, guard: bool = False) -> None:
        self._checker = checker
        self._settings = settings
        self._guard = guard
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

    def move(self, moves: Moves) -> None:
        """Say where the texts of the request stand in what the record keeps: spans are those in it from now on."""
        if self._asked is not None:
            self._asked = moves.verdicts(self._asked)

    def compared(self, live: Live) -> dict[str, Any]:
        """Return what the record keeps of both; the action of the output is None where there was no answer."""
        said: dict[str, Any] = {
            "policy": self._checker.policy.version,
            "live": {side.value: _where(live, side, live.action(side)) for side in Side},
        }
        try:
            would = {Side.INPUT: self._inbound(live), Side.OUTPUT: self._outbound(live)}
        except Exception:  # noqa: BLE001 - the live policy decides alone
            _LOG.exception("the policy in shadow could not judge an exchange")
            return {**said, "would": {}, "verdicts": [], "same": False, "error": True}
        said["would"] = {
            side.value: _where(
                live, side, _did(one.found, live.ignored(side), missing=one.missing, withheld=one.withheld)
            )
            for side, one in would.items()
        }  # fmt: skip
        verdicts = []
        for side, one in would.items():
            # Behind the place where an answer was stopped nobody looked, so the action alone says whether they agree.
            action = said["live"][side.value]
            if side is Side.OUTPUT and action in BLOCKING and action == said["would"][side.value]:
                continue
            verdicts += _differing(side, live.found(side), one.found, live.ignored(side))
        same = not verdicts and said["live"] == said["would"]
        return {**said, "verdicts": verdicts, "same": same}

    def _inbound(self, live: Live) -> _Would:
        if self._asked is None:
            raise RuntimeError("the request was not judged")
        # Set answers are no policy's.
        found = self._asked + [item for item in live.inbound if item[1].lane == Lane.QUESTION]
        if _did(found, _PASSED) in BLOCKING:
            return _Would(found)  # and nobody asks a guard
        judges = judging_lanes(self._checker, Side.INPUT, guard=self._guard)
        return self._with_guard(_Would(found), live, Side.INPUT, *judges)

    def _with_guard(
        self, would: _Would, live: Live, side: Side, holding: frozenset[Lane], noting: frozenset[Lane]
    ) -> _Would:
        """Rule what the guard said once, as the live policy does; where it was not asked nobody knows what it would have said."""
        if Lane.GUARD not in holding | noting:
            return would
        notes, missing = Notes(), side not in live.asked
        for heard in live.heard.get(side, ()):
            judged = ruled(heard, self._checker.policy.side(side))
            notes.add(heard.path, judged.verdicts, heard.start)
            missing = missing or bool(judged.missing)
        would.found += notes.found()
        would.missing = would.missing or missing
        would.withheld = would.withheld or (missing and Lane.GUARD in holding)
        return would

    def _outbound(self, live: Live) -> _Would:
        starred = self._starred(live.outbound)
        would = _Would([*starred])
        if not any(live.texts.values()):
            return would
        holding, noting = judging_lanes(self._checker, Side.OUTPUT, guard=self._guard)
        notes = Notes()
        for path, text in _whole(live.texts).items():
            arguments = path.endswith(ARGUMENTS)
            json = arguments or (live.machine and path.endswith("].content"))
            window = JsonWindow(self._checker) if json else Window(self._checker)
            out = window.whole(text)
            would.found += [
                (path, _not_starred(item) if arguments else item)
                for item in window.verdicts
                if not any(path == other and _within(item, star) for other, star in starred)
            ]
            for start, stretch in _stretches(out, live.look) if Lane.MODEL in holding else [(0, out)]:
                judged = self._scored(stretch, json=json) if Lane.MODEL in holding | noting else Judged()
                notes.add(path, judged.verdicts, start)
                would.missing = would.missing or bool(judged.missing)
                would.withheld = would.withheld or (bool(judged.missing) and Lane.MODEL in holding)
        would.found += notes.found()
        return self._with_guard(would, live, Side.OUTPUT, holding, noting)

    def _scored(self, text: str, *, json: bool) -> Judged:
        read = unescaped(text) if json and "\\" in text else None
        judged = scored(self._checker, read.text if read else text, Side.OUTPUT)
        return judged.as_written(read, len(text)) if read else judged

    def _starred(self, live: Iterable[Found]) -> list[Found]:
        """Return what this policy rules of what nobody can read any more: the live one starred it, or some of it."""
        live = [item for item in live if item[1].lane not in _JUDGED]
        stars = [item for item in live if item[1].action is Action.MASK]
        found = []
        for path, verdict in live:
            is_starred = any(path == other and _overlap(verdict, star) for other, star in stars)
            action = self._action(verdict) if is_starred else None
            if action is not None:
                found.append((path, replace(verdict, action=action)))
        return found

    def _action(self, verdict: Verdict) -> Action | None:
        """Return what this policy does with a verdict of another one over the same library; None where it does not look."""
        rules, lane = self._checker.policy.side(Side.OUTPUT), Lane(verdict.lane)
        if lane is Lane.PERSONAL:
            return rules.personal[Kind(verdict.rule.partition(":")[2])]
        word = self._checker.library.word(verdict.rule)
        lanes = word.rules.lanes if word and word.rules.lanes is not None else rules.lanes[verdict.risk]
        folds = word.rules.folds if word and word.rules.folds is not None else rules.folds[verdict.risk]
        if not verdict.undone <= folds:
            return None
        return rules.action(verdict.risk, lane, word.rules.action if word else None) if lane in lanes else None


def _overlap(one: Verdict, other: Verdict) -> bool:
    return one.start < other.end and other.start < one.end


def _within(found: Verdict, starred: Verdict) -> bool:
    """Say whether a hit in a text with stars is what is left of one that was there before."""
    return found.rule == starred.rule and starred.start <= found.start and found.end <= starred.end


def _where(live: Live, side: Side, action: str) -> str | None:
    return action if side is Side.INPUT or live.answered else None


def _did(found: Iterable[Found], ignored: frozenset[Action], *, missing: bool = False, withheld: bool = False) -> str:
    """Return what is done for some verdicts; where a check could not run a person looks, or the text is withheld."""
    action = severest([
        item.action for path, item in found if item.action not in ignored and not path.startswith(_OLD)
    ])  # fmt: skip
    if action in BLOCKING or not missing:
        return action.value
    if withheld:
        return refusals.UNDETERMINED
    return action.value if Action.FLAG in ignored else severest([action, Action.FLAG]).value


def _stretches(text: str, look: int) -> list[tuple[int, str]]:
    """Return where each stretch begins that is judged of a text before it leaves, and the stretch, as a stream has them."""
    if not look or not text:
        return [(0, text)]
    hold = Hold(look)
    hold.add({"choices": [{"delta": nest(CONTENT, text)}]}, None)
    hold.finish()
    return [(start, stretch) for due in hold.due for _, start, stretch in due.texts]


def _not_starred(verdict: Verdict) -> Verdict:
    """Return a verdict in a tool call's arguments: a number there is noted, not starred."""
    starred = verdict.action is Action.MASK and verdict.lane == Lane.PERSONAL
    return replace(verdict, action=Action.PASS) if starred else verdict


def _whole(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each channel, what was withheld of it too."""
    whole: dict[str, str] = {}
    for path, text in texts.items():
        name = path.removesuffix(WITHHELD)
        whole[name] = whole.get(name, "") + text
    return whole


def _differing(side: Side, live: list[Found], would: list[Found], ignored: frozenset[Action]) -> list[dict[str, Any]]:
    """Return the verdicts that one of two policies has alone."""
    one, other = ([item for item in found if item[1].action not in ignored] for found in (live, would))
    return [
        {"by": by, "side": side.value, "part": plain_path(path), **verdict.as_dict()}
        for by, these, those in (("live", one, set(other)), ("would", other, set(one)))
        for path, verdict in these
        if (path, verdict) not in those
    ]
