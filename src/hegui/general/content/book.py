"""What people put in force while the service runs: a policy, words, set answers; kept elsewhere, applied here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hegui.general.content.rows import Row
from hegui.general.content.skeleton import skeleton


@dataclass(frozen=True, slots=True)
class SetAnswer:
    """An approved answer to one question; `risk` is what the question belongs to, empty for none."""

    id: str
    question: str
    answer: str
    risk: str = ""


@dataclass(frozen=True)
class Book:
    """Everything of one moment; what is empty leaves the operator's files as they are.

    `policy` is YAML over the operator's policy file, `shadow` that of a version that is tried beside
    the live one, None where there is none. `words` are added to the library, each with an `edit` id;
    `gone` are rule ids that were taken back. A changed word is one taken back and one added.
    """

    policy: str = ""
    shadow: str | None = None
    words: tuple[Row, ...] = ()
    gone: frozenset[str] = frozenset()
    answers: tuple[SetAnswer, ...] = ()


class Answers:
    """Set answers by their question, however it is spaced, marked or written."""

    def __init__(self, answers: Iterable[SetAnswer]) -> None:
        self._by_question = {found: item for item in answers if (found := skeleton(item.question).text)}
        # What hides a question does not make it sixteen times as long.
        self._longest = 16 * max((len(item.question) for item in self._by_question.values()), default=0)

    def find(self, question: str) -> SetAnswer | None:
        """Return the answer to a question that is one of those, else None."""
        if not self._by_question or len(question) > self._longest:
            return None
        return self._by_question.get(skeleton(question).text)
