"""Those who judge a whole text rather than look for words in it: the guard model, and in answers the classifier.

They are asked where policy gives their lanes something to do. What could not be judged is told, by
its lane, and is never fine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.guards import Guard, GuardResult, State
from hegui.general.content.judging import judging_lanes, verdicts, whole_text
from hegui.general.content.policy import BLOCKING, Lane, Rules, Side
from hegui.service.gateway import texts
from hegui.service.gateway.aside import aside
from hegui.service.gateway.protocol import Json

_LOG = logging.getLogger(__name__)
_LOOK = 1000
OPERATOR_ROLES = frozenset({"system", "developer"})


@dataclass(frozen=True)
class Heard:
    """What the guard said of one text, before any policy ruled it; None where it could not be asked.

    `length` is that of the text, which begins at `start` of the part that `path` names.
    """

    result: GuardResult | None
    length: int
    path: str = ""
    start: int = 0


@dataclass(frozen=True)
class Judged:
    """What was said of one text, and the lanes that could not say it."""

    verdicts: tuple[Verdict, ...] = ()
    missing: tuple[Lane, ...] = ()
    heard: tuple[Heard, ...] = ()

    def as_written(self, read: texts.Unescaped, length: int) -> Judged:
        """Return the same of the text as it was written, with its escapes."""
        heard = tuple(replace(item, length=length) for item in self.heard)
        return replace(self, verdicts=tuple(map(read.as_written, self.verdicts)), heard=heard)

    @property
    def blocked(self) -> bool:
        """Say whether the text may not pass for what was found."""
        return any(verdict.action in BLOCKING for verdict in self.verdicts)


class Notes:
    """What was said of the texts of an answer, stretch by stretch; the same again only if surer."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str], Verdict] = {}

    def add(self, path: str, verdicts: Iterable[Verdict], start: int = 0) -> None:
        """Note the verdicts on a text that begins at a place of its channel."""
        for verdict in verdicts:
            key = (path, verdict.rule, verdict.risk, verdict.action.value)
            known = self._found.get(key)
            if known is None or (known.score or 0) < (verdict.score or 0):
                self._found[key] = verdict.moved(start)

    def found(self) -> list[tuple[str, Verdict]]:
        """Return every verdict with its path."""
        return [(key[0], verdict) for key, verdict in self._found.items()]


def scored(checker: Checker, text: str, side: Side) -> Judged:
    """Return what the classifier says of a whole text; raises nothing."""
    try:
        return Judged(tuple(whole_text(verdict) for verdict in checker.scored(text, side)))
    except Exception:  # noqa: BLE001 - what could not be judged is told as that
        _LOG.exception("the classifier could not judge a text")
        return Judged(missing=(Lane.MODEL,))


class Judge:
    """Judges the texts of one exchange; asking waits for the guard and stalls nobody else."""

    def __init__(self, checker: Checker, guard: Guard | None) -> None:
        self._checker = checker
        self._guard = guard
        self.holding, self.noting = judging_lanes(checker, Side.OUTPUT, guard=guard is not None)
        blocking, noting = judging_lanes(checker, Side.INPUT, guard=guard is not None)
        self.asks_input = Lane.GUARD in blocking | noting
        self.input_blocks = Lane.GUARD in blocking
        self.look = guard.settings.window_characters if guard else _LOOK
        self.prompt = ""
        self.heard: list[Heard] = []
        """What the guard said of the question."""
        self.asked: set[Side] = set()
        """The sides on which the guard was asked."""

    async def judge(self, said: Sequence[str], side: Side, lanes: frozenset[Lane]) -> list[Judged]:
        """Return what some lanes say of each text, in order; raises nothing but cancellation."""
        if Lane.GUARD in lanes:
            self.asked.add(side)
        if not said:
            return []
        found = [Judged() for _ in said]
        if Lane.MODEL in lanes:
            size = sum(map(len, said))
            found = await aside(size, lambda: [scored(self._checker, text, side) for text in said])
        if Lane.GUARD in lanes and self._guard is not None:
            ruled = await self._ask(self._guard, said, side)
            found = [
                Judged((*one.verdicts, *other.verdicts), (*one.missing, *other.missing), other.heard)
                for one, other in zip(found, ruled, strict=True)
            ]
        return found

    async def _ask(self, guard: Guard, said: Sequence[str], side: Side) -> list[Judged]:
        prompts = [self.prompt] * len(said) if side is Side.OUTPUT and self.prompt else ()
        try:
            pairs = list(zip(said, await guard.check(said, side, prompts=prompts), strict=True))
        except Exception:  # noqa: BLE001 - what could not be judged is told as that
            _LOG.exception("the guard could not be asked")
            return [Judged(missing=(Lane.GUARD,), heard=(Heard(None, len(text)),)) for text in said]
        rules = self._checker.policy.side(side)
        for _, result in pairs:
            if result.state is State.UNDETERMINED:
                _LOG.warning("the guard left a text undetermined: %s", result.reason)
        return [ruled(Heard(result, len(text)), rules) for text, result in pairs]

    async def beside(self, text: str) -> tuple[tuple[Verdict, ...], list[str]]:
        """Return what the guard says of an input, and what could not be scanned."""
        [judged] = await self.judge([text], Side.INPUT, frozenset({Lane.GUARD}))
        self.heard = [replace(heard, path=Side.INPUT.value) for heard in judged.heard]
        return judged.verdicts, [f"input:{lane}" for lane in judged.missing]

    async def request(self, messages: list[Json], *, system: bool) -> tuple[list[tuple[str, Verdict]], bool]:
        """Judge the current turn, together, and its system messages if told; return verdicts, and whether any is missing."""
        said = turn_texts(messages, system=system)
        judged = await self.judge([text for _, text in said], Side.INPUT, frozenset({Lane.GUARD}))
        pairs = list(zip(said, judged, strict=True))
        found = [(path, verdict) for (path, _), item in pairs for verdict in item.verdicts]
        self.heard = [replace(heard, path=path) for (path, _), item in pairs for heard in item.heard]
        return found, any(item.missing for item in judged)


def ruled(heard: Heard, rules: Rules) -> Judged:
    """Return what some rules make of what the guard said of a text."""
    if heard.result is None:
        return Judged(missing=(Lane.GUARD,), heard=(heard,))
    missing = (Lane.GUARD,) if heard.result.state is State.UNDETERMINED else ()
    return Judged(verdicts(heard.result, rules, heard.length), missing, (heard,))


async def judge_read(judge: Judge, said: Sequence[tuple[str, bool]], lanes: frozenset[Lane]) -> list[Judged]:
    """Judge texts of an answer; of those that are JSON, which is said beside each, the escapes are read first."""
    read = [texts.unescaped(text) if json and "\\" in text else None for text, json in said]
    given = [text if one is None else one.text for (text, _), one in zip(said, read, strict=True)]
    found = await judge.judge(given, Side.OUTPUT, lanes)
    return [
        item if one is None else item.as_written(one, len(text))
        for (text, _), one, item in zip(said, read, found, strict=True)
    ]


def turn_texts(messages: list[Json], *, system: bool) -> list[tuple[str, str]]:
    """Return path and text of each message of the current turn, and of every system message where it counts."""
    start = texts.turn_start(messages)
    found = []
    for place, message in enumerate(messages):
        operator = message["role"] in OPERATOR_ROLES
        if (operator and system) or (not operator and place >= start):
            text = message_text(message)
            if text:
                found.append((f"messages[{place}]", text))
    return found


def message_text(message: Json) -> str:
    """Return all that a message says, its parts joined as a model reads them."""
    joined = texts.joined_parts(message)
    rest = [
        texts.unescaped(text).text if path.endswith(".arguments") else text
        for path, text in texts.leaves(message, "")
        if not (joined and path.startswith(".content"))
    ]
    return "\n".join([joined, *rest] if joined else rest)


def prompt_of(messages: list[Json]) -> str:
    """Return what an answer answers: the last message of a person."""
    return next((message_text(item) for item in reversed(messages) if item["role"] == "user"), "")
