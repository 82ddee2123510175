"""Where hits lie: in a record, and in what the shadow says, in the text that is kept; in an answer to a client in what it sent."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.evidence.keyring import Keyring, open_keyring
from hegui.general.content.book import Book
from hegui.general.content.checks import Checked, Checker, Verdict
from hegui.general.content.guards import Finding, Guard, GuardResult, Severity, State
from hegui.general.content.inforce import InForce
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Action, Audience, Lane, Side, load_policy, parse_policy
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.exchange import Exchange
from hegui.service.gateway.inbound import RequestCheck
from hegui.service.gateway.moderation import moderate
from hegui.service.gateway.recorder import Recorder
from hegui.service.gateway.records import Exchanged
from hegui.service.gateway.service import ServiceSettings, service_settings
from hegui.service.gateway.texts import joined_parts, leaves, unescaped
from hegui.service.gateway.upstream import Upstream
from tests.unit.gateway.test_hiding import Kept, Said, serve

Json = dict[str, Any]
PHONE, WORD, WAITS = "13812345678", "标记甲", 10.0
LIBRARY = compile_library(iter([(2, WORD, "A.1.a")]), "test")
POLICY = parse_policy({"input": {"default": "flag", "personal": {"mobile": "replace"}}}, load_policy(None))
SHADOW = "input: {default: pass, personal: {mobile: flag}}"
IN_FORCE = InForce(LIBRARY, POLICY)
IN_FORCE.take(Book(shadow=SHADOW))


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("keys"), "test")


def engine(keyring: Keyring, kept: Kept, guard: object = None) -> Engine:
    return Engine(IN_FORCE, cast("Upstream", Said()), cast("Recorder", kept), keyring, cast("Guard | None", guard))


def asked(keyring: Keyring, *messages: Json) -> Exchanged:
    """Return the record of a request."""
    kept = Kept()
    body = {"model": "m", "messages": list(messages)}
    used = Exchange(engine(keyring, kept), Grant("key", "service", ServiceSettings()), body, 100, Audience.GENERAL)
    asyncio.run(cast("Any", serve(used, [])))
    [record] = kept.records
    return record


def spoken(record: Exchanged) -> list[tuple[str, str]]:
    """Return the rule of each hit, the shadow's too, with what stands at its place in the text that is kept."""
    messages = orjson.loads(record.question)
    texts = {path: text for place, one in enumerate(messages) for path, text in leaves(one, f"messages[{place}]")}
    texts |= {
        f"messages[{place}].content": joined_parts(one) for place, one in enumerate(messages) if joined_parts(one)
    }
    assert record.shadow is not None
    assert record.shadow["live"]["input"] == "replace"
    shadowed = [(item["part"], item["rule"], item["start"], item["end"]) for item in record.shadow["verdicts"]]
    assert {by["by"] for by in record.shadow["verdicts"]} == {"live", "would"}
    hits = [(path.removeprefix("old:"), item.rule, item.start, item.end) for path, item in record.inbound]
    return [(rule, texts[path][start:end]) for path, rule, start, end in [*hits, *shadowed]]


def check_each(record: Exchanged, *, phones: int, words: int) -> None:
    found = spoken(record)
    assert PHONE not in json.dumps(record.question)
    for rule, said in found:
        assert unescaped(said).text == ("⟦手机1⟧" if rule == "personal:mobile" else WORD)
    assert [
        sum(rule == name for rule, _ in found) >= count
        for name, count in (("personal:mobile", phones), ("keyword:2", words))
    ]


PIECES = st.lists(st.sampled_from([PHONE, WORD, "，好", "打给", "。", " ", "𠮷"]), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(pieces=PIECES)
def test_hits_beside_placeholders_lie_where_the_kept_text_has_them(keyring: Keyring, pieces: list[str]) -> None:
    text = f"打{PHONE}，说{WORD}。" + "，".join(pieces)
    check_each(asked(keyring, {"role": "user", "content": text}), phones=1, words=1)


@settings(max_examples=60, deadline=None)
@given(pieces=PIECES, ascii_only=st.booleans(), number=st.booleans())
def test_hits_in_the_arguments_of_a_call_lie_where_the_kept_json_has_them(
    keyring: Keyring, pieces: list[str], ascii_only: bool, number: bool
) -> None:
    said = {"to": int(PHONE) if number else PHONE, WORD: "，".join(pieces), "again": [PHONE, WORD]}
    arguments = json.dumps(said, ensure_ascii=ascii_only, indent=1)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    record = asked(
        keyring, {"role": "user", "content": f"{PHONE}"}, {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": f"{PHONE}：{WORD}"},
    )  # fmt: skip
    check_each(record, phones=1, words=1)
    kept = orjson.loads(record.question)[1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(kept)["again"] == ["⟦手机1⟧", WORD]


@pytest.mark.parametrize("at", [3, 8, 11, 12])
def test_hits_in_parts_that_became_one_lie_in_that_one(keyring: Keyring, at: int) -> None:
    text = f"{PHONE}{WORD}，{PHONE}，好{WORD}"
    parts = [{"type": "text", "text": text[:at]}, {"type": "text", "text": text[at:]}]
    check_each(asked(keyring, {"role": "user", "content": parts}), phones=2, words=2)


def test_numbers_that_a_parser_would_drop_are_hidden() -> None:
    hidden = "".join(f"\\u{ord(sign):04x}" for sign in PHONE)
    text = f'{{"a": "{hidden}", "a": 1}}'
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": text}}],
    }
    found = RequestCheck(Checker(LIBRARY, POLICY), service_settings({})).run({"messages": [message]})
    assert found.replaces


def test_stars_go_where_the_text_is_and_leave_json_sound() -> None:
    policy = parse_policy({"input": {"personal": {"mobile": "mask"}}}, load_policy(None))
    hidden = "".join(f"\\u{ord(sign):04x}" for sign in PHONE)
    arguments = f'{{"to": {PHONE}, "and": "{hidden}", "n": 5}}'
    message = {
        "role": "user", "content": "好", "meta": {"a.b[0]": PHONE, PHONE: "值"},
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}],
    }  # fmt: skip
    RequestCheck(Checker(LIBRARY, policy), service_settings({})).run({"model": "m", "messages": [message]})
    stars = "138******78"
    assert message["meta"] == {"a.b[0]": stars, stars: "值"}
    calls = cast("list[Json]", message["tool_calls"])
    assert json.loads(calls[0]["function"]["arguments"]) == {"to": stars, "and": stars, "n": 5}


def test_a_word_that_is_only_flagged_is_seen_across_two_parts() -> None:
    parts = [{"type": "text", "text": "说标"}, {"type": "text", "text": "记甲"}]
    found = RequestCheck(Checker(LIBRARY, POLICY), service_settings({})).run(
        {"messages": [{"role": "user", "content": parts}]}
    )
    assert [(path, item.action) for path, item in found.verdicts] == [("messages[0].content", Action.FLAG)]


def test_a_withheld_turn_keeps_no_name_that_could_be_a_text() -> None:
    turns = [
        {"role": "user", "content": "问"}, {"role": "tool", "tool_call_id": WORD, "content": "果"},
        {"role": "assistant", "content": "答"}, {"role": "user", "content": "再问"},
    ]  # fmt: skip
    found = RequestCheck(Checker(LIBRARY, load_policy(None)), service_settings({})).run({"messages": turns})
    assert found.withheld_turns == 1
    assert WORD not in str(turns)


# --- moderations ---------------------------------------------------------------------------------------


class SaysUnsafe:
    """A guard that finds every text unsafe."""

    name = "g"
    settings = type("Settings", (), {"window_characters": 1000})

    async def check(self, texts: list[str], _side: Side, **_: object) -> list[GuardResult]:
        finding = Finding("A.1.f", "g", Severity.UNSAFE)
        return [GuardResult(State.JUDGED, (finding,), "g") for _ in texts]


def test_a_moderation_tells_places_in_what_was_sent_and_records_those_in_what_is_kept(keyring: Keyring) -> None:
    kept = Kept()
    text = f"打{PHONE}，说{WORD}"
    grant = Grant("key", "service", ServiceSettings())
    told = asyncio.run(moderate(engine(keyring, kept, SaysUnsafe()), grant, text, Audience.GENERAL))["hegui"]
    assert {(item["lane"], text[item["start"] : item["end"]]) for item in told["hits"]} == {
        (Lane.EXACT, WORD), (Lane.GUARD, text),
    }  # fmt: skip
    assert [text[item["start"] : item["end"]] for item in told["personal"]] == [PHONE]
    [record] = kept.records
    said = record.question
    assert said == f"打⟦手机1⟧，说{WORD}"
    assert {(item.lane, said[item.start : item.end]) for _, item in record.inbound} == {
        (Lane.EXACT, WORD), (Lane.PERSONAL, "⟦手机1⟧"), (Lane.GUARD, said),
    }  # fmt: skip
    assert record.shadow is not None
    places = {(item["lane"], said[item["start"] : item["end"]]) for item in record.shadow["verdicts"]}
    assert (Lane.PERSONAL, "⟦手机1⟧") in places


# --- big texts -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting(Checker):
    """A checker that goes on only when the event loop has gone on, and tells when it never does."""

    went_on: threading.Event = field(default_factory=threading.Event)

    def check(self, text: str, side: Side) -> Checked:
        if not self.went_on.wait(WAITS):
            raise RuntimeError("the loop stood still")
        return Checker.check(self, text, side)

    def words(self, *args: Any, **more: Any) -> tuple[list[Verdict], int]:
        if not self.went_on.wait(WAITS):
            raise RuntimeError("the loop stood still")
        return Checker.words(self, *args, **more)


async def beside(went_on: threading.Event, work: Any) -> Any:
    """Run some work, and let it go on once the loop has turned a few times beside it."""

    async def turn() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        went_on.set()

    found, _ = await asyncio.gather(work, turn())
    return found


class Keeps(InForce):
    """Has one checker in force."""

    def __init__(self, checker: Checker) -> None:
        super().__init__(LIBRARY, POLICY)
        made = super().checkers()
        object.__setattr__(made, "chat", checker)
        object.__setattr__(made, "tools", checker)


BIG = "好" * 30_000


def waiting(keyring: Keyring, upstream: Said) -> tuple[Engine, Kept, threading.Event]:
    checker, kept = Waiting(LIBRARY, POLICY), Kept()
    made = Engine(Keeps(checker), cast("Upstream", upstream), cast("Recorder", kept), keyring)
    return made, kept, checker.went_on


def test_a_big_moderation_lets_the_others_go_on(keyring: Keyring) -> None:
    made, kept, went_on = waiting(keyring, Said())
    grant = Grant("key", "", ServiceSettings())
    result = asyncio.run(beside(went_on, moderate(made, grant, f"{BIG}{WORD}", Audience.GENERAL)))
    assert result["flagged"]
    assert kept.records[0].outcome == "checked"


@pytest.mark.parametrize("big", ["question", "answer"])
def test_a_big_question_and_a_big_answer_let_the_others_go_on(keyring: Keyring, big: str) -> None:
    class Long(Said):
        async def complete(self, _body: Json) -> bytes:
            said = f"{BIG}，{WORD}" if big == "answer" else f"好，{WORD}"
            return orjson.dumps({"choices": [{"index": 0, "message": {"content": said}, "finish_reason": "stop"}]})

    made, kept, went_on = waiting(keyring, Long())
    if big == "answer":
        went_on.set()
    body = {"model": "m", "messages": [{"role": "user", "content": BIG if big == "question" else "好"}]}
    used = Exchange(made, Grant("key", "", ServiceSettings()), body, len(orjson.dumps(body)), Audience.GENERAL)

    async def both() -> None:
        assert await beside(went_on, used.check_in()) is None
        went_on.clear()
        if big == "question":
            went_on.set()
        await beside(went_on, used.whole())

    asyncio.run(both())
    assert kept.records[0].outcome == "refused_output"
