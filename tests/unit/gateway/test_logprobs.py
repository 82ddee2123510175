"""Log probabilities of an answer: what they spell besides it never leaves, and what is fine does."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from hegui.general.content.checks import Checked, Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Side, load_policy, parse_policy
from hegui.service.gateway.protocol import EventReader
from hegui.service.gateway.stream import Answer, AnswerContext
from hegui.service.labels import LabelPosition, LabelStyle

Json = dict[str, Any]
POLICY = parse_policy({"output": {"personal": {"mobile": "mask"}}}, load_policy(None))
LIBRARY = compile_library(iter([(2, "标记甲", "A.1.a"), (3, "av", "A.1.f"), (4, "中午晚", "A.1.a")]), "test")


class NotAsked(Checker):
    """A checker whose whole check is not to be run for an event."""

    def check(self, text: str, side: Side) -> Checked:
        raise AssertionError(text, side)


def answer() -> Answer:
    checker = NotAsked(LIBRARY, POLICY)
    style = LabelStyle(LabelPosition.INTERFACE)
    return Answer(AnswerContext("cid", checker, checker, style, machine=False, include_usage=False, appeal_url=""))


def token(text: str, /, *others: str, **more: Any) -> Json:
    return {
        "token": text, "logprob": -0.1, "bytes": list(text.encode()),
        "top_logprobs": [{"token": other, "logprob": -2, "bytes": list(other.encode())} for other in others], **more,
    }  # fmt: skip


def streamed(*events: tuple[str, list[Json] | Json]) -> list[Any]:
    """Return the log probabilities that left with each event, None where there were none."""
    used, found = answer(), []
    for text, given in events:
        logprobs = {"content": given} if isinstance(given, list) else given
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, "logprobs": logprobs}
        out = EventReader().feed(used.event(orjson.dumps({"id": "x", "created": 1, "model": "m", "choices": [choice]})))
        left = [item.get("logprobs") for raw in out for item in orjson.loads(raw)["choices"]]
        found.append(left[0] if left else None)
    return found


def whole(text: str, given: Json) -> Any:
    body = {"choices": [{"index": 0, "message": {"content": text}, "logprobs": given, "finish_reason": "stop"}]}
    return answer().whole(body)["choices"][0]["logprobs"]


FINE = [token("早", "晚", "午"), token("上", "安")]


def test_what_spells_the_answer_and_nothing_bad_leaves_as_it_came() -> None:
    assert streamed(("早上", FINE), ("好", [token("好", "坏")])) == [
        {"content": FINE},
        {"content": [token("好", "坏")]},
    ]
    given = {"content": [*FINE, token("标", "好")], "refusal": None}
    assert whole("早上标", given) == given


def test_alternatives_that_only_make_a_word_together_leave() -> None:
    given = {"content": [token("早", "中", "午", "晚")]}
    assert streamed(("早", given)) == [given]


EMOJI = [token("\\xf0\\x9f", bytes=[240, 159]), token("\\x8d\\x85", bytes=[141, 133])]


def test_characters_in_pieces_of_bytes_are_read_together() -> None:
    assert streamed(("", EMOJI[:1]), ("🍅", EMOJI[1:]))[1] is not None
    assert whole("🍅", {"content": EMOJI}) == {"content": EMOJI}


BAD: dict[str, tuple[str, Json]] = {
    "an alternative is a word": ("早", {"content": [token("早", "标记甲")]}),
    "an alternative ends a word that was begun": ("标记好", {"content": [token("标记"), token("好", "甲")]}),
    "an alternative ends a word after two places": ("标记好", {"content": [token("标"), token("记"), token("好", "甲。")]}),
    "an alternative is a number": ("早", {"content": [token("早", "13812345678")]}),
    "an alternative ends a number": ("打138123456好", {"content": [token("打138123456"), token("好", "78。")]}),
    "the tokens are others than the text": ("早", {"content": [token("标记甲")]}),
    "the bytes are others than the token": ("早", {"content": [token("早", bytes=list("标记甲".encode()))]}),
    "the token is another than its bytes": ("早", {"content": [token("标记甲", bytes=list("早".encode()))]}),
    "bytes of an alternative": ("早", {"content": [token("早", top_logprobs=[{"token": "x", "bytes": list("标记甲".encode())}])]}),
    "fields that nobody knows": ("早", {"content": [token("早", text="标记甲")]}),
    "lists that nobody knows": ("早", {"content": [], "text": ["标记甲"]}),
    "another form": ("早", {"content": "标记甲"}),
    "a form of alternatives": ("早", {"content": [token("早", top_logprobs={"标记甲": -1})]}),
    "no list at all": ("早", {"tokens": ["标记甲"]}),
    "a text": ("早", {"content": ["标记甲"]}),
    "no number": ("早", {"content": [token("早", logprob="标记甲")]}),
    "no bytes": ("早", {"content": [token("早", bytes=[1000])]}),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_would_spell_something_else_does_not_leave(name: str) -> None:
    text, given = BAD[name]
    assert streamed((text, given)) == [None]
    assert whole(text, given) is None


def test_tokens_that_spell_a_word_over_several_events_stop_with_it() -> None:
    events = [("早", [token("标")]), ("上", [token("记")]), ("好", [token("甲")]), ("啊", [token("啊")])]
    assert streamed(*events) == [None] * 4


def test_the_place_where_text_was_held_keeps_its_probabilities() -> None:
    assert streamed(("标", [token("标", "早")]), ("准", [token("准", "记甲")]), ("好", [token("好")])) == [
        None, None, {"content": [token("好")]},
    ]  # fmt: skip
