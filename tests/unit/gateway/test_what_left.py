"""What the record says left and what it says was withheld, in answers that are stopped, odd or broken."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar, cast

import orjson
import pytest

from hegui.evidence.keyring import open_keyring
from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.guards import Finding, Guard, GuardResult, Severity, State
from hegui.general.content.inforce import InForce
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Audience, Side, load_policy, parse_policy
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.exchange import Exchange
from hegui.service.gateway.hold import LEAST
from hegui.service.gateway.recorder import Recorder
from hegui.service.gateway.records import plain_path
from hegui.service.gateway.service import ServiceSettings
from hegui.service.gateway.stream import Answer, AnswerContext
from hegui.service.gateway.upstream import Upstream
from hegui.service.labels import LabelPosition, LabelStyle
from tests.unit.gateway.test_hiding import Kept, Said, serve
from tests.unit.gateway.test_hold import BAD, answer, choices_in, event, of_model, run, told

Json = dict[str, Any]
LIBRARY = compile_library(iter([(2, "标记甲", "A.1.a")]), "test")
ARGUMENTS = "choices[0].tool_calls.{}.function.arguments"
SOUND = "biaoji甲"
"""The word of the tests by its sound, which is only flagged."""


def call(arguments: str, **more: Any) -> Json:
    return {**more, "function": {"arguments": arguments}}


def calls_in(out: bytes) -> dict[int, str]:
    """Join the calls of tools as a client does, by their index."""
    found: dict[int, str] = {}
    for item in choices_in(out):
        for one in item["delta"].get("tool_calls") or []:
            found[one["index"]] = found.get(one["index"], "") + (one["function"].get("arguments") or "")
    return found


# --- the numbers of calls ------------------------------------------------------------------------------

ODD: dict[str, tuple[list[list[Json]], dict[int, str]]] = {
    "missing, by id": (
        [[call('{"a"', id="x")], [call('{"b"', id="y")], [call(":1}", id="x")], [call(":2}", id="y")]],
        {0: '{"a":1}', 1: '{"b":2}'},
    ),
    "missing, by turn": ([[call('{"a"', id="x")], [call(":1}")], [call('{"b"', id="y")], [call(":2}")]], {0: '{"a":1}', 1: '{"b":2}'}),
    "missing, no id": ([[call('{"a"')], [call(":1}")]], {0: '{"a":1}'}),
    "null": ([[call('{"a"', index=None, id="x")], [call(":1}", index=None)]], {0: '{"a":1}'}),
    "no number": ([[call('{"a"', index="0", id="x")], [call(":1}", index="0")]], {0: '{"a":1}'}),
    "negative": ([[call('{"a"', index=-1, id="x")], [call(":1}", index=-1)]], {0: '{"a":1}'}),
    "far off": ([[call('{"a"', index=13800138000, id="x")], [call(":1}", index=13800138000)]], {0: '{"a":1}'}),
    "with gaps": ([[call('{"a"', index=7)], [call('{"b"', index=3)], [call(":1}", index=7)], [call(":2}", index=3)]], {7: '{"a":1}', 3: '{"b":2}'}),
    "repeated in one event": ([[call('{"a"', index=1), call(":1}", index=1)]], {1: '{"a":1}'}),
}  # fmt: skip


@pytest.mark.parametrize("look", [0, 1000], ids=["at once", "held"])
@pytest.mark.parametrize("name", ODD)
def test_calls_with_odd_numbers_arrive_and_are_recorded_as_they_left(name: str, look: int) -> None:
    events, whole = ODD[name]
    used = answer(look=look)
    out = run(used, *(event({"tool_calls": calls}) for calls in events), event({}, "tool_calls"))
    assert calls_in(out) == whole
    assert used.texts() == {ARGUMENTS.format(number): text for number, text in whole.items()}


@pytest.mark.parametrize("name", ["missing, by id", "null", "negative", "with gaps", "far off"])
def test_a_call_with_an_odd_number_that_is_judged_bad_is_recorded_as_withheld(name: str) -> None:
    events, whole = ODD[name]
    used = answer(look=1000)
    out = run(used, *(event({"tool_calls": calls}) for calls in events), event({"content": BAD}), event({}, "stop"))
    assert calls_in(out) == {}
    kept = {ARGUMENTS.format(number) + " (withheld)": text for number, text in whole.items()}
    assert used.texts() == kept | {"choices[0].content (withheld)": BAD}


@pytest.mark.parametrize("look", [0, 1000], ids=["at once", "held"])
@pytest.mark.parametrize("word", ["标记甲", "\\u6807记甲"])
def test_a_blocked_argument_is_recorded_once(look: int, word: str) -> None:
    used = answer(look=look)
    text = f'{{"a": "好", "b": "{word}"}}'
    out = run(used, event({"tool_calls": [call(text, index=0, id="x")]}), event({}, "tool_calls"))
    assert used.blocked
    kept = used.texts()
    left = calls_in(out).get(0, "")
    assert text == left + kept[ARGUMENTS.format(0) + " (withheld)"]
    assert kept.get(ARGUMENTS.format(0), "") == left


def test_a_value_whose_key_comes_twice_hides_no_word() -> None:
    used = answer(look=0)
    text = '{"a": "\\u6807\\u8bb0甲", "a": "好"}'
    run(used, event({"tool_calls": [call(text, index=0)]}), event({}, "tool_calls"))
    assert used.blocked


@pytest.mark.parametrize("whole", [False, True])
def test_escapes_in_content_that_was_asked_for_as_json_hide_no_word(*, whole: bool) -> None:
    checker = Checker(LIBRARY, load_policy(None))
    used = Answer(
        AnswerContext("cid", checker, checker, LabelStyle(), machine=True, include_usage=False, appeal_url="")
    )
    text = '{"a": "\\u6807\\u8bb0甲"}'
    if whole:
        used.whole({"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]})
    else:
        run(used, event({"content": text}), event({}, "stop"))
    assert used.blocked
    [(_, verdict)] = used.verdicts()
    assert text[verdict.start : verdict.end] == "\\u6807\\u8bb0甲"


def test_what_is_starred_is_starred_behind_escapes_too() -> None:
    policy = parse_policy({"output": {"risks": {"A.1.a": "mask"}, "personal": {"mobile": "mask"}}}, load_policy(None))
    checker = Checker(LIBRARY, policy)
    context = AnswerContext("cid", checker, checker, LabelStyle(), machine=True, include_usage=False, appeal_url="")
    phone = "138123" + "".join(f"\\u{ord(sign):04x}" for sign in "45678")
    used = Answer(context)
    out = run(
        used, event({"content": f'{{"a": "好标\\u8bb0甲", "b": "{phone}", "c": "x'}), event({"content": 'y"}'}, "stop")
    )
    assert orjson.loads(told(out)) == {"a": "好***", "b": "138******78", "c": "xy"}
    assert used.texts()["choices[0].content"] == told(out)
    assert {verdict.action.value for _, verdict in used.verdicts()} == {"mask"}


@pytest.mark.parametrize("look", [0, 1000], ids=["at once", "held"])
def test_a_word_that_is_only_flagged_is_flagged_behind_escapes(look: int) -> None:
    checker = Checker(LIBRARY, parse_policy({"output": {"default": "flag"}}, load_policy(None)))
    used = Answer(
        AnswerContext(
            "cid", checker, checker, LabelStyle(), machine=False, include_usage=False, appeal_url="", look=look
        )
    )
    text = '{"a": "\\u6807记甲", "b": "标记甲"}'
    out = run(used, event({"tool_calls": [call(text, index=0)]}), event({}, "stop"))
    assert calls_in(out) == {0: text}
    assert [text[item.start : item.end] for _, item in used.verdicts()] == ["标记甲", "\\u6807记甲"]


def test_choices_without_numbers_are_told_apart_in_a_whole_answer() -> None:
    used = answer(LabelPosition.START, look=0)
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"} for text in ("早", "晚")]}
    out = used.whole(body)
    assert [item["index"] for item in out["choices"]] == [0, 1]
    assert all("AI-generated" in item["message"]["content"] for item in out["choices"]), "each has its label"
    assert used.texts() == {"choices[0].content": "早", "choices[1].content": "晚"}


class Counting(Checker):
    """A checker that counts how often words are looked for."""

    looks: ClassVar[list[str]] = []

    def words(self, text: str, *args: Any, **more: Any) -> tuple[list[Verdict], int]:
        self.looks.append(text)
        return super().words(text, *args, **more)


@pytest.mark.parametrize("whole", [False, True])
def test_a_hit_in_a_long_answer_is_found_without_reading_it_sign_by_sign(*, whole: bool) -> None:
    Counting.looks.clear()
    checker = Counting(LIBRARY, load_policy(None))
    used = Answer(
        AnswerContext("cid", checker, checker, LabelStyle(), machine=False, include_usage=False, appeal_url="")
    )
    text = "早" * 20_000 + "标记甲。"
    if whole:
        used.whole({"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]})
    else:
        used.event(event({"content": text}))
    assert used.blocked
    assert len(Counting.looks) < 1000


# --- what did not leave --------------------------------------------------------------------------------


def test_what_stood_before_a_word_in_the_last_event_leaves() -> None:
    used = answer(look=0)
    out = run(used, event({"content": "早上，标记甲。"}, "stop"))
    assert of_model(out) == "早上，"
    assert used.texts()["choices[0].content"] == "早上，"


def test_what_waited_when_another_channel_was_stopped_is_no_longer_said_to_have_left() -> None:
    used = answer(look=0)
    arguments = '{"a": "\\u6807\\u8bb0甲"}'
    out = run(
        used, event({"content": "早上标"}), event({"tool_calls": [call(arguments, index=0)]}), event({}, "tool_calls")
    )  # fmt: skip
    assert of_model(out) == "早上"
    assert used.texts() == {
        "choices[0].content": "早上", "choices[0].content (withheld)": "标",
        ARGUMENTS.format(0) + " (withheld)": arguments,
    }  # fmt: skip


def test_what_an_event_said_that_could_not_be_checked_to_its_end_is_withheld() -> None:
    used = answer(look=0)
    used.event(event({"content": "早"}))
    with pytest.raises(Exception, match="image"):
        used.event(event({"content": "午", "images": [{}]}))
    used.withhold()
    assert "午" not in told(used.end(complete=False))
    assert used.texts() == {"choices[0].content": "早", "choices[0].content (withheld)": "午"}


@pytest.mark.parametrize("action", ["refuse", "end"])
def test_of_a_whole_answer_that_was_stopped_the_record_has_as_left_what_left(action: str) -> None:
    checker = Checker(
        LIBRARY, parse_policy({"output": {"default": action}}, load_policy(None))
    )  # fmt: skip
    used = Answer(
        AnswerContext("cid", checker, checker, LabelStyle(), machine=False, include_usage=False, appeal_url="")
    )
    message = {"content": "早上，标记甲", "tool_calls": [call("{}", id="x", type="function")]}
    out = used.whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    ended = action == "end"
    assert ("早上" in out["choices"][0]["message"]["content"]) is ended
    kept = used.texts()
    assert kept.get("choices[0].content", "") == ("早上，" if ended else "")
    assert kept["choices[0].content (withheld)"] == ("标记甲" if ended else "早上，标记甲")
    assert kept[ARGUMENTS.format(0) + " (withheld)"] == "{}", "a call that broke off is taken out"


def test_a_broken_answer_brings_nothing_of_itself(tmp_path: Path) -> None:
    class Broken(Said):
        async def complete(self, _body: Json) -> bytes:
            return orjson.dumps({"id": "标记甲", "model": "标记甲", "choices": "标记甲"})

    used, kept = made(tmp_path, Broken(), {}, stream=False)
    sent: list[bytes] = []
    asyncio.run(cast("Any", serve(used, sent)))
    assert "标记甲" not in b"".join(sent).decode()
    assert kept.records[0].outcome == "undetermined"


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("old:messages[12].content[0].text", "old:messages[12].content[0].text"),
        ("choices[1].tool_calls.3.function.arguments", "choices[1].tool_calls.3.function.arguments"),
        ("messages[0].metadata.13800138000", "messages[0].?.?"), ("messages[0].zhangsan.text", "messages[0].?.text"),
    ],
)  # fmt: skip
def test_the_ledger_names_no_key_that_somebody_made_up(path: str, plain: str) -> None:
    assert plain_path(path) == plain


# --- those who only note -------------------------------------------------------------------------------


def made(folder: Path, upstream: Said, policy: Json, *, stream: bool, guard: object = None) -> tuple[Exchange, Kept]:
    kept = Kept()
    engine = Engine(
        InForce(LIBRARY, parse_policy(policy, load_policy(None))), cast("Upstream", upstream), cast("Recorder", kept),
        open_keyring(folder, "test"), cast("Guard | None", guard),
    )  # fmt: skip
    body = {"model": "m", "messages": [{"role": "user", "content": "你好"}], "stream": stream}
    return Exchange(engine, Grant("key", "service", ServiceSettings()), body, 100, Audience.GENERAL), kept


STOPS: dict[str, Said] = {
    "by a word": Said(event({"content": f"{SOUND}。" + "早" * LEAST}), event({"content": "标记甲"})),
    "by the last event": Said(event({"content": f"{SOUND}。"}), event({"content": "标记甲"}, "stop")),
    "by a fault": Said(event({"content": f"{SOUND}。"}), b"{"),
    "by the upstream": Said(event({"content": f"{SOUND}。"})),
    "by the client": Said(event({"content": f"{SOUND}。"}), silent=True),
}


@pytest.mark.parametrize("name", STOPS)
def test_what_left_before_a_stop_is_seen_by_the_lanes_that_only_flag(tmp_path: Path, name: str) -> None:
    upstream = STOPS[name]
    upstream.events = list(upstream.events)
    used, kept = made(tmp_path, upstream, {}, stream=True)
    asyncio.run(cast("Any", serve(used, [])))
    [record] = kept.records
    assert ("pinyin", "flag", 0) in [(item.lane, item.action.value, item.start) for _, item in record.outbound]
    assert record.urgency is not None, "a person looks at it"


class SaysBad:
    """A guard that finds one sign unsafe, and remembers what it was asked."""

    name = "g"
    settings = type("Settings", (), {"window_characters": 1000})

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def check(self, texts: list[str], side: Side, **_: object) -> list[GuardResult]:
        self.asked += texts if side is Side.OUTPUT else []
        finding = Finding("A.1.f", "g", Severity.UNSAFE)
        return [GuardResult(State.JUDGED, (finding,) if BAD in text else (), "g") for text in texts]


@pytest.mark.parametrize("cap", ["refuse", "flag"])
@pytest.mark.parametrize("stream", [False, True])
def test_arguments_are_judged_with_their_escapes_read(tmp_path: Path, cap: str, *, stream: bool) -> None:
    text = f'{{"a": "\\u{ord(BAD):04x}"}}'
    calls = [call(text, index=0, id="x", type="function")]

    class Calls(Said):
        async def complete(self, _body: Json) -> bytes:
            message = {"content": None, "tool_calls": calls}
            return orjson.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})

    upstream, guard = Calls(event({"tool_calls": calls}), event({}, "tool_calls"), b"[DONE]"), SaysBad()
    used, kept = made(tmp_path, upstream, {"output": {"caps": {"guard": cap}}}, stream=stream, guard=guard)
    asyncio.run(cast("Any", serve(used, [])))
    [record] = kept.records
    assert record.outcome == ("refused_output" if cap == "refuse" else "answered")
    assert guard.asked == [f'{{"a": "{BAD}"}}']
    [(path, verdict)] = record.outbound
    assert (path, verdict.start, verdict.end) == (ARGUMENTS.format(0), 0, len(text))


def test_a_question_that_could_not_be_put_before_the_guard_is_withheld_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("hegui.service.gateway.judge.turn_texts", fails)
    used, kept = made(tmp_path, Said(), {}, stream=False, guard=SaysBad())
    asyncio.run(cast("Any", serve(used, [])))
    assert [(record.outcome, record.not_scanned) for record in kept.records] == [("undetermined", ["input:guard"])]
