"""Placeholders: no value goes to the model or stays after the exchange, and every one comes back whatever the pieces."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.evidence.keyring import open_keyring
from hegui.general.content.inforce import InForce
from hegui.general.content.library import compile_library
from hegui.general.content.personal import Kind
from hegui.general.content.placeholders import Vault
from hegui.general.content.policy import Audience, load_policy, parse_policy
from hegui.kit.errors import StoreError
from hegui.kit.text import Bi
from hegui.service.gateway.access import Grant
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.exchange import Exchange
from hegui.service.gateway.hiding import Restoring, hide_messages
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.recorder import Recorder
from hegui.service.gateway.records import Exchanged
from hegui.service.gateway.service import ServiceSettings
from hegui.service.gateway.upstream import Upstream, UpstreamError
from tests.unit.gateway.test_hold import answer, cut, event, run, told

Json = dict[str, Any]
PHONE, OTHER, WRITTEN = "13812345678", "13987654321", '⟦手机"1⟧'
KINDS = frozenset({Kind.MOBILE, Kind.RESIDENT_ID})


def vault() -> Vault:
    made = Vault(hidden=KINDS)
    made.hide(f"{PHONE}，{OTHER}，⟦ 手机1⟧")
    return made


def escaped(text: str) -> str:
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\u{ord(match[0]):04x}", text)


PIECES = st.lists(st.integers(0, 400), max_size=15)
SAID = st.lists(
    st.sampled_from(["⟦手机1⟧", "⟦手机2⟧", "⟦手机3⟧", "⟦原文1⟧", "⟦身份证号⟧", "⟦手", "⟦", "⟧", "好", "。", "早" * 50]), max_size=15
).map("".join)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(SAID, PIECES, st.booleans(), st.booleans())
def test_values_come_back_whatever_the_pieces_held_or_not(text: str, at: list[int], held: bool, last: bool) -> None:
    pieces = cut(text, at)
    events = [event({"role": "assistant", "content": ""}), *(event({"content": piece}) for piece in pieces)]
    if last and pieces:
        events[-1] = event({"content": pieces[-1]}, "stop")
    else:
        events.append(event({}, "stop"))
    used = answer(look=500 if held else 0)
    used.vault = vault()
    assert told(run(used, *events)) == vault().restore(text)
    assert used.texts().get("choices[0].content", "") == text if pieces else True, "the record has the placeholders"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(["⟦手机1⟧", "⟦原文1⟧", "好", "\\", '"', "⟦手", "x"]), max_size=8).map("".join), PIECES, st.booleans())  # fmt: skip
def test_json_stays_json_and_escapes_hide_no_placeholder(text: str, at: list[int], ascii_only: bool) -> None:
    known = vault()
    body = json.dumps({"a": text, "b": [text]}, ensure_ascii=ascii_only)
    restoring = Restoring(known, machine=True)
    out = ""
    for piece in cut(body, at):
        delta = {"content": piece}
        restoring.deltas(delta)
        out += delta["content"]
    out += "".join(rest for _, rest in restoring.finish())
    assert json.loads(out) == {"a": known.restore(text), "b": [known.restore(text)]}


def test_every_text_of_a_message_is_hidden_and_the_shape_stays() -> None:
    hidden: list[Json] = [
        {"role": "user", "content": f"我是{PHONE}", "name": "x"},
        {"role": "user", "content": [{"type": "text", "text": PHONE}, {"type": "text", "text": "好"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": f'{{"{PHONE}": {PHONE}, "n": 5}}'}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c2", "type": "function", "function": {"name": "f", "arguments": escaped(f'{{"a": "{PHONE}')}}]},
    ]  # fmt: skip
    hide_messages(hidden, Vault(hidden=KINDS))
    assert PHONE not in json.dumps(hidden)
    assert hidden[0] == {"role": "user", "content": "我是⟦手机1⟧", "name": "x"}
    assert hidden[1]["content"] == [{"type": "text", "text": "⟦手机1⟧"}, {"type": "text", "text": "好"}]
    arguments = hidden[2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"⟦手机1⟧": "⟦手机1⟧", "n": 5}


# --- the vault is closed, however an exchange ends ---------------------------------------------------


class Kept:
    """Keeps the records, or fails to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.records: list[Exchanged] = []

    async def record(self, exchanged: Exchanged, _versions: object) -> None:
        self.records.append(exchanged)
        if self.fails:
            raise StoreError(Bi("无法保存", "can not be kept"), Bi("重试", "try again"))


class Said:
    """An upstream that says one text, or fails, or falls silent."""

    name = "said"

    def __init__(self, *events: bytes, fails: bool = False, silent: bool = False) -> None:
        self.events = list(events)
        self.fails = fails
        self.silent = silent
        self.asked: list[Json] = []

    def _ask(self, body: Json) -> None:
        self.asked.append(body)
        if self.fails:
            raise UpstreamError(ApiError(502, "upstream_error", "failed"), "failed")

    async def complete(self, body: Json) -> bytes:
        self._ask(body)
        return orjson.dumps({"choices": [{"index": 0, "message": {"content": "打⟦手机1⟧"}, "finish_reason": "stop"}]})

    async def stream(self, body: Json) -> Said:
        self._ask(body)
        return self

    async def next(self) -> list[bytes]:
        if self.events:
            return [self.events.pop(0)]
        if self.silent:
            await asyncio.Event().wait()
        return []

    def close(self) -> None:
        self.events.clear()


def exchange(folder: Path, upstream: Said, kept: Kept, text: str, *, stream: bool) -> Exchange:
    library = compile_library(iter([(2, "标记甲", "A.1.a")]), "test")
    policy = parse_policy({"input": {"personal": {"mobile": "replace"}}}, load_policy(None))
    engine = Engine(
        InForce(library, policy), cast("Upstream", upstream), cast("Recorder", kept), open_keyring(folder, "test")
    )  # fmt: skip
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": stream}
    return Exchange(engine, Grant("key", "service", ServiceSettings()), body, 100, Audience.GENERAL)


async def serve(used: Exchange, sent: list[bytes]) -> None:
    async def begin() -> None: ...

    async def send(piece: bytes) -> None:
        sent.append(piece)

    try:
        instead = await used.check_in()
        if instead is not None:
            sent.append(orjson.dumps(instead))
        elif used.streamed:
            await asyncio.wait_for(used.stream(begin, send), 2)
        else:
            sent.append(orjson.dumps(await used.whole()))
    except ApiError:
        pass
    except TimeoutError:
        await used.client_gone()


SPOKEN = (event({"content": "打⟦手"}), event({"content": "机1⟧"}), event({}, "stop"), b"[DONE]")
CASES: dict[str, tuple[str, bool, Callable[[], Said], bool]] = {
    "plain": (f"打{PHONE}", False, Said, False),
    "streamed": (f"打{PHONE}", True, lambda: Said(*SPOKEN), False),
    "refused": (f"打{PHONE}，标记甲", False, Said, False),
    "upstream failed": (f"打{PHONE}", True, lambda: Said(fails=True), False),
    "upstream broke off": (f"打{PHONE}", True, lambda: Said(*SPOKEN[:1]), False),
    "upstream is not understood": (f"打{PHONE}", True, lambda: Said(b"{"), False),
    "client gone": (f"打{PHONE}", True, lambda: Said(*SPOKEN[:1], silent=True), False),
    "not recorded": (f"打{PHONE}", True, lambda: Said(*SPOKEN), True),
    "plain, not recorded": (f"打{PHONE}", False, Said, True),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_a_value_stays_however_the_exchange_ends(tmp_path: Path, name: str) -> None:
    text, stream, make, fails = CASES[name]
    upstream, kept, sent = make(), Kept(fails=fails), list[bytes]()
    used = exchange(tmp_path, upstream, kept, text, stream=stream)
    asyncio.run(cast("Any", serve(used, sent)))
    assert used.answer.vault is not None
    assert not used.answer.vault.values
    assert PHONE not in json.dumps(upstream.asked)
    [record] = kept.records
    assert PHONE not in json.dumps([record.question, record.answer], default=str)
    assert "⟦手机1⟧" in record.question
    if name in {"plain", "streamed"}:
        assert PHONE in b"".join(sent).decode()


def test_a_check_that_fails_keeps_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Awaitable[None]:
        raise RuntimeError

    monkeypatch.setattr("hegui.service.gateway.inbound.RequestCheck.run", fails)
    kept = Kept()
    used = exchange(tmp_path, Said(), kept, f"打{PHONE}", stream=False)
    asyncio.run(cast("Any", serve(used, [])))
    assert [(record.outcome, record.question) for record in kept.records] == [
        ("undetermined", '[{"role":"user","content":"打⟦手机1⟧"}]')
    ]
