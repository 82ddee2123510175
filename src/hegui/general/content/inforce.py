"""What is in force at this moment: checkers for each service and audience, changed all at once while they serve."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hegui.general.content.book import Answers, Book
from hegui.general.content.checks import Checker
from hegui.general.content.classify import Model
from hegui.general.content.library import Library
from hegui.general.content.personal import Kind
from hegui.general.content.policy import Action, Audience, Policy, read_policy


@dataclass(frozen=True)
class Checkers:
    """The checkers of one service and one audience; whoever begins with them goes on with them.

    `tools` is for the arguments of tool calls; `shadow` is the policy that is being tried, None where there is none.
    """

    chat: Checker
    tools: Checker
    shadow: Checker | None
    answers: Answers


def tools_policy(policy: Policy) -> Policy:
    """Return the policy for tool calls: a number in an argument is recorded, not starred, or tools would break."""
    personal: dict[Kind, Action] = {
        kind: Action.PASS if action is Action.MASK else action for kind, action in policy.output.personal.items()
    }
    return replace(policy, output=replace(policy.output, personal=personal))


@dataclass(frozen=True)
class _Moment:
    """All of one moment, so that it changes at once."""

    library: Library
    policy: Policy
    shadow: Policy | None
    answers: Answers
    made: dict[tuple[str, Audience], Checkers]


class InForce:
    """The operator's files with what people put over them."""

    def __init__(self, library: Library, policy: Policy, model: Model | None = None, guard: str = "") -> None:
        self._library, self._policy, self._model, self._guard = library, policy, model, guard
        self._moment = _Moment(library, policy, None, Answers(()), {})

    def take(self, book: Book) -> None:
        """Put a book in force; raise InputError, and leave all as it was, where it can not be.

        Safe to call from another thread than those that check: what is new is made aside first.
        """
        policy = read_policy(book.policy, self._policy, "live policy")
        shadow = None if book.shadow is None else read_policy(book.shadow, self._policy, "shadow policy")
        library = self._library.edited(book.words, book.gone)
        moment = _Moment(library, policy, shadow, Answers(book.answers), {})
        for service, audience in tuple(self._moment.made):  # one that is made meanwhile must not end the loop
            self._made(moment, service, audience)
        self._moment = moment

    def checkers(self, service: str = "", audience: Audience = Audience.GENERAL) -> Checkers:
        """Return the checkers of a service and an audience, made at their first use."""
        moment = self._moment
        return moment.made.get((service, audience)) or self._made(moment, service, audience)

    def _made(self, moment: _Moment, service: str, audience: Audience) -> Checkers:
        policy = moment.policy.resolved(service, audience)
        shadow = moment.shadow.resolved(service, audience) if moment.shadow else None
        made = Checkers(
            chat=Checker(moment.library, policy, self._model, self._guard),
            tools=Checker(moment.library, tools_policy(policy), self._model, self._guard),
            shadow=Checker(moment.library, shadow, self._model, self._guard) if shadow else None,
            answers=moment.answers,
        )
        moment.made[service, audience] = made
        return made
