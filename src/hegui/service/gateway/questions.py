"""Questions that have an approved answer (代答): looked up before the model is asked."""

from __future__ import annotations

from dataclasses import dataclass

from hegui.general.content.book import Answers
from hegui.general.content.checks import Verdict
from hegui.general.content.policy import UNMAPPED, Action, Lane
from hegui.service.gateway import texts
from hegui.service.gateway.protocol import Json


@dataclass(frozen=True)
class Asked:
    """A question that has an approved answer: where it stands, its verdict, and what is answered."""

    path: str
    verdict: Verdict
    answer: str


def asked(answers: Answers, messages: list[Json]) -> Asked | None:
    """Return what the last user message of the current turn asks, where that is a question with an answer."""
    for place in range(len(messages) - 1, texts.turn_start(messages) - 1, -1):
        message = messages[place]
        if message["role"] == "user":
            text = _text(message)
            found = answers.find(text)
            if found is None:
                return None
            verdict = Verdict(
                found.risk or UNMAPPED, f"answer:{found.id}", Lane.QUESTION, 0, len(text), Action.ANSWER
            )  # fmt: skip
            return Asked(f"messages[{place}].content", verdict, found.answer)
    return None


def _text(message: Json) -> str:
    """Return what a message says; of one in parts, all of them as a model reads them."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    found = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "".join(text for text in found if isinstance(text, str))
