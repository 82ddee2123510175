"""Those who judge a whole text rather than look for words in it: the guard model, and in answers the classifier.

They are asked where policy gives their lanes something to do. What could not be judged is told, by
its lane, and is never fine.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from hegui.general.content.checks import Checked, Checker, Verdict
from hegui.general.content.guards import Guard, State
from hegui.general.content.judging import judging_lanes, verdicts, whole_text
from hegui.general.content.policy import BLOCKING, Lane, Side, severest
from hegui.service.gateway import texts
from hegui.service.gateway.protocol import Json

_LOG = logging.getLogger(__name__)
_LOOK = 1000
OPERATOR_ROLES = frozenset({"system", "developer"})


@dataclass(frozen=True)
class Judged:
    """What was said of one text, and the lanes that could not say it."""

    verdicts: tuple[Verdict, ...] = ()
    missing: tuple[Lane, ...] = ()

    @property
    def blocked(self) -> bool:
        """Say whether the text may not pass for what was found."""
        return any(verdict.action in BLOCKING for verdict in self.verdicts)


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

    async def judge(self, said: Sequence[str], side: Side, lanes: frozenset[Lane]) -> list[Judged]:
        """Return what some lanes say of each text, in order; raises nothing but cancellation."""
        found: list[list[Verdict]] = [[] for _ in said]
        missing: list[list[Lane]] = [[] for _ in said]
        if not said:
            return []
        if Lane.MODEL in lanes:
            self._score(said, side, found, missing)
        if Lane.GUARD in lanes and self._guard is not None:
            await self._ask(self._guard, said, side, found, missing)
        return [Judged(tuple(items), tuple(gone)) for items, gone in zip(found, missing, strict=True)]

    def _score(self, said: Sequence[str], side: Side, found: list[list[Verdict]], missing: list[list[Lane]]) -> None:
        for at, text in enumerate(said):
            try:
                found[at] += [whole_text(verdict) for verdict in self._checker.scored(text, side)]
            except Exception:  # noqa: BLE001 - what could not be judged is told as that
                _LOG.exception("the classifier could not judge a text")
                missing[at].append(Lane.MODEL)

    async def _ask(
        self, guard: Guard, said: Sequence[str], side: Side, found: list[list[Verdict]], missing: list[list[Lane]]
    ) -> None:
        prompts = [self.prompt] * len(said) if side is Side.OUTPUT and self.prompt else ()
        try:
            results = await guard.check(said, side, prompts=prompts)
        except Exception:  # noqa: BLE001 - what could not be judged is told as that
            _LOG.exception("the guard could not be asked")
            for gone in missing:
                gone.append(Lane.GUARD)
            return
        rules = self._checker.policy.side(side)
        for at, result in enumerate(results):
            found[at] += verdicts(result, rules, len(said[at]))
            if result.state is State.UNDETERMINED:
                _LOG.warning("the guard left a text undetermined: %s", result.reason)
                missing[at].append(Lane.GUARD)

    async def beside(self, checked: Checked, text: str) -> tuple[Checked, list[str]]:
        """Return what was found in an input with what the guard says of it, and what could not be scanned."""
        [judged] = await self.judge([text], Side.INPUT, frozenset({Lane.GUARD}))
        found = (*checked.verdicts, *judged.verdicts)
        return Checked(severest([item.action for item in found]), found), [f"input:{lane}" for lane in judged.missing]

    async def request(self, messages: list[Json], *, system: bool) -> tuple[list[tuple[str, Verdict]], bool]:
        """Judge the current turn, together, and its system messages if told; return verdicts, and whether any is missing."""
        said = turn_texts(messages, system=system)
        judged = await self.judge([text for _, text in said], Side.INPUT, frozenset({Lane.GUARD}))
        pairs = list(zip(said, judged, strict=True))
        found = [(path, verdict) for (path, _), item in pairs for verdict in item.verdicts]
        return found, any(item.missing for item in judged)


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
        texts.decoded(text) if path.endswith(".arguments") else text
        for path, text in texts.leaves(message, "")
        if not (joined and path.startswith(".content"))
    ]
    return "\n".join([joined, *rest] if joined else rest)


def prompt_of(messages: list[Json]) -> str:
    """Return what an answer answers: the last message of a person."""
    return next((message_text(item) for item in reversed(messages) if item["role"] == "user"), "")
