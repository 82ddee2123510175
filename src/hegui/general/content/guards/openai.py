"""The OpenAI-compatible chat API as guards use it: the request's body, the answer's text, the odds of its label.

Shapes: https://platform.openai.com/docs/api-reference/chat and vLLM's and SGLang's servers, which
speak it (`logprobs`, at most 20 `top_logprobs`, of which ten are enough for three labels; vLLM writes
-9999 for "never"). The API
takes one conversation a request: servers batch what arrives together, so calls go out side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from hegui.general.content.guards.results import NotUnderstoodError, Severity
from hegui.general.content.policy import Side

PATH = "/chat/completions"
NO_PROMPT = "（未提供提问 / prompt not given）"
"""Stands for the question when only an answer is checked: guards' templates want a user's turn first."""
_TOP = 10
_LEAST_MASS = 0.5
_FINISHED = frozenset({"stop", None})


class _Alternative(msgspec.Struct, frozen=True):
    token: str
    logprob: float


class Token(_Alternative, frozen=True):
    """One token of an answer with what could have stood in its place."""

    top_logprobs: tuple[_Alternative, ...] = ()


class _Logprobs(msgspec.Struct, frozen=True):
    content: tuple[Token, ...] | None = None


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Reply(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]


_REPLY = msgspec.json.Decoder(_Reply)


def messages(piece: str, side: Side, before: str) -> list[dict[str, str]]:
    """Return the conversation to judge, in roles: the text is data in its own turn, never part of an instruction."""
    if side is Side.INPUT:
        return [{"role": "user", "content": piece}]
    return [{"role": "user", "content": before or NO_PROMPT}, {"role": "assistant", "content": piece}]


def request(model: str, turns: list[dict[str, str]], tokens: int, *, odds: bool, **more: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the body that asks for one answer of at most some tokens, the likeliest, with or without log-probabilities."""
    body: dict[str, Any] = {
        "model": model, "messages": turns, "temperature": 0, "max_tokens": tokens, "stream": False, **more,
    }  # fmt: skip
    if odds:
        body |= {"logprobs": True, "top_logprobs": _TOP}
    return orjson.dumps(body)


def answer(reply: bytes, *, cut: bool = False) -> tuple[str, tuple[Token, ...]]:
    """Return the text of the one answer and its tokens; raise NotUnderstoodError.

    An answer that the server cut short is refused, unless only its beginning was asked for (`cut`).
    """
    try:
        choices = _REPLY.decode(reply).choices
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstoodError("the reply is not a chat completion") from error
    if len(choices) != 1 or choices[0].message.content is None:
        raise NotUnderstoodError("the reply has not one answer")
    choice = choices[0]
    if choice.finish_reason not in _FINISHED and not (cut and choice.finish_reason == "length"):
        raise NotUnderstoodError("the answer did not end by itself")
    tokens = choice.logprobs.content if choice.logprobs is not None else None
    return choice.message.content or "", tokens or ()


def odds(tokens: Sequence[Token], lead: str, labels: dict[str, Severity]) -> dict[Severity, float]:
    """Return the probability of each label at the place where the label stands, after `lead`; raise NotUnderstoodError.

    Servers cut words into tokens as they like (` Unsafe`, ` Un` + `safe`), so a token counts for the
    one label that it begins. When less than half of the probability is on labels, the model was about
    to say something else; when no alternative is told, one cannot know.
    """
    seen = ""
    for token in tokens:
        if seen.strip() == lead and token.token.strip():
            return _shares(token, labels)
        seen += token.token
    raise NotUnderstoodError("no label among the first tokens")


def _shares(token: Token, labels: dict[str, Severity]) -> dict[Severity, float]:
    alternatives = {item.token: item.logprob for item in token.top_logprobs}
    if len(alternatives.keys() | {token.token}) < 2:  # noqa: PLR2004 - one label and another
        raise NotUnderstoodError("no alternatives to the label were told")
    alternatives.setdefault(token.token, token.logprob)
    shares = dict.fromkeys(labels.values(), 0.0)
    for text, logprob in alternatives.items():
        begun = text.strip()
        meant = [severity for label, severity in labels.items() if begun and label.startswith(begun)]
        if len(meant) == 1 and not math.isnan(logprob):
            shares[meant[0]] += math.exp(min(logprob, 0.0))
    mass = sum(shares.values())
    if mass < _LEAST_MASS:
        raise NotUnderstoodError("most of the probability is on no label")
    return {severity: share / mass for severity, share in shares.items()}


def weighed(scores: dict[Severity, float], unsafe: float, controversial: float) -> Severity:
    """Return the severity at two thresholds: of `unsafe` alone, and of anything but safe."""
    if scores.get(Severity.UNSAFE, 0.0) >= unsafe:
        return Severity.UNSAFE
    if Severity.CONTROVERSIAL in scores and 1 - scores[Severity.SAFE] >= controversial:
        return Severity.CONTROVERSIAL
    return Severity.SAFE
