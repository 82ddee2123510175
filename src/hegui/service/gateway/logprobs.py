"""Log probabilities: they spell out what an answer says, token by token, and at each place what it could have said.

They pass only where the tokens leave as they came and no alternative completes a word, or a number that policy does
not let pass, after what was said before it. Whatever is not in the form that the protocol names does not pass.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from itertools import accumulate
from typing import Any

from hegui.general.content import folding
from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.policy import NOTED, Side
from hegui.general.content.window import Window

_LISTS = frozenset({"content", "refusal"})
_ENTRY = frozenset({"token", "logprob", "bytes"})
_PLACE = _ENTRY | {"top_logprobs"}
_BETWEEN = "\n"
"""Part of no number or address, and no Latin letter; a word can still lie across it, so hits are looked at again."""


class Spelt:
    """The log probabilities of one choice, event by event."""

    __slots__ = ("_checker", "_decoder", "_window")

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._window = Window(checker)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def fine(self, logprobs: Any, *, final: bool) -> bool:  # noqa: ANN401 - any JSON value
        """Take those of one event, or with `final` of a whole answer, and say whether they may leave."""
        if not isinstance(logprobs, dict) or not logprobs.keys() <= _LISTS:
            return False
        places = [place for name in sorted(_LISTS) for place in _list(logprobs.get(name))]
        if not all(_is_place(place) for place in places):
            return False
        said, left, others = "", "", set[str]()
        for place in places:
            before = self._window.held
            others.update(before + text for text in _others(place))
            token = self._decoder.decode(bytes(place["bytes"])) if place.get("bytes") else place["token"]
            said += token
            left += self._window.feed(token)
        if final:
            left += self._window.finish()
        return said == left and not self._window.blocked and not self._any_hits(sorted(others))

    def _any_hits(self, texts: list[str]) -> bool:
        """Say whether any of these texts hits; all are looked at in one go, then alone where something does."""
        if not texts:
            return False
        ends = list(accumulate(len(text) + len(_BETWEEN) for text in texts))
        near = {
            place
            for verdict in self._hits(_BETWEEN.join(texts))
            for place in range(bisect_right(ends, verdict.start), bisect_right(ends, verdict.end - 1) + 1)
        }  # fmt: skip
        return any(self._hits(texts[place]) for place in near)

    def _hits(self, text: str) -> list[Verdict]:
        """Return what policy does more with than note it; the classifier is not asked about tokens."""
        found = self._checker.words(text, Side.OUTPUT)[0]
        found += self._checker.personal(folding.fold(text), Side.OUTPUT)
        return [verdict for verdict in found if verdict.action not in NOTED]


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Return the entries of a list that may be missing; what is no list is one entry, which is of no form."""
    if value is None:
        return []
    return value if isinstance(value, list) else [None]


def _is_entry(value: Any, names: frozenset[str]) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict) or not value.keys() <= names or not isinstance(value.get("token"), str):
        return False
    units = value.get("bytes")
    return isinstance(value.get("logprob"), int | float | None) and (
        units is None or (isinstance(units, list) and all(type(unit) is int and 0 <= unit < 256 for unit in units))  # noqa: PLR2004 - a byte
    )


def _is_place(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return _is_entry(value, _PLACE) and all(_is_entry(other, _ENTRY) for other in _list(value.get("top_logprobs")))


def _others(place: dict[str, Any]) -> list[str]:
    """Return what else a place says: every alternative, and each token as text where its bytes say another."""
    found = []
    for entry in (place, *_list(place.get("top_logprobs"))):
        token, units = entry["token"], entry.get("bytes")
        said = bytes(units).decode("utf-8", "replace") if units else token
        if entry is not place:
            found.append(said)
        if said != token:
            found.append(token)
    return found
