"""Requests that make files, one worker's side: what the model is asked, what is kept, and how much is labelled at once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import orjson
import pytest

from hegui.evidence.keyring import open_keyring
from hegui.general.content.checks import Versions
from hegui.general.content.inforce import InForce
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Audience, load_policy, parse_policy
from hegui.kit.errors import StoreError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.service.gateway.access import Grant
from hegui.service.gateway.demo import DemoUpstream
from hegui.service.gateway.engine import Engine
from hegui.service.gateway.making.images import Pictures
from hegui.service.gateway.making.speech import BrokenOffError, Speech
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.media.labelling import DEMO_CODE
from hegui.service.gateway.media.shelf import shelf_folder
from hegui.service.gateway.protocol import ApiError, Json
from hegui.service.gateway.recorder import Recorder
from hegui.service.gateway.records import Exchanged
from hegui.service.gateway.service import ServiceSettings
from hegui.service.gateway.stream import Answer
from hegui.service.gateway.upstream import UpstreamError
from hegui.service.labels import files
from hegui.service.labels.files import Verdict

PHONE = "13800138000"


class Kept:
    """A recorder that keeps records here, or can not."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.records: list[Exchanged] = []

    async def record(self, exchanged: Exchanged, _versions: Versions) -> None:
        if self.fails:
            raise StoreError(Bi("记录不了", "can not be kept"), Bi("稍后", "later"))
        self.records.append(exchanged)


class Asked(DemoUpstream):
    """The demo model, which says what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[Json] = []

    async def ask(self, path: str, body: Json, most: int) -> bytes:
        self.bodies.append(body)
        made = orjson.loads(await super().ask(path, body, most))
        made["data"][0]["revised_prompt"] = f"一幅画：{body['prompt']}"
        return orjson.dumps(made)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Settings(data=tmp_path, media_workers=2), open_keyring(tmp_path))
    yield made
    made.close()


def engine(folder: Path, desk: Desk, kept: Kept, upstream: DemoUpstream) -> Engine:
    library = compile_library(iter([(2, "标记甲", "A.1.a")]), "test")
    rules = {"input": {"personal": {"mobile": "replace"}}, "output": {"personal": {"email": "mask"}}}
    policy = parse_policy(rules, load_policy(None))
    return Engine(
        InForce(library, policy), upstream, cast("Recorder", kept), open_keyring(folder), None, desk
    )  # fmt: skip


def grant(**more: str) -> Grant:
    return Grant("key", "service", ServiceSettings(**more))


def test_a_prompts_personal_information_is_hidden_from_the_model_and_from_the_record(
    tmp_path: Path, desk: Desk
) -> None:
    kept, upstream = Kept(), Asked()
    body: Json = {
        "model": "m",
        "prompt": f"写着{PHONE}的招牌",
        "negative_prompt": "雨",
        "size": "64x64",
        "user": "张三",
    }
    used = Pictures(engine(tmp_path, desk, kept, upstream), grant(), body, 100, Audience.GENERAL)

    async def run() -> Json:
        await used.check_in()
        return await used.pictures("http://h")

    answer = asyncio.run(run())
    [asked] = upstream.bodies
    assert asked["prompt"] == "写着⟦手机1⟧的招牌"
    assert (asked["negative_prompt"], asked["size"], "messages" in asked) == ("雨", "64x64", False)
    assert "张三" not in str(asked)
    [record] = kept.records
    assert PHONE not in str(record.question)
    assert str(answer["data"][0]["revised_prompt"]).startswith(f"一幅画：写着{PHONE}的招牌"), "put back in what is read"
    data = base64.b64decode(answer["data"][0]["b64_json"])
    found = files.inspect_bytes(data, "x.png")
    assert (found.verdict, found.label and found.label.content_producer) == (Verdict.PRESENT, DEMO_CODE)


def test_nothing_leaves_that_is_not_recorded(tmp_path: Path, desk: Desk) -> None:
    body: Json = {"model": "m", "prompt": "湖", "size": "64x64", "response_format": "url"}
    used = Pictures(engine(tmp_path, desk, Kept(fails=True), Asked()), grant(), body, 100, Audience.GENERAL)

    async def run() -> None:
        await used.check_in()
        await used.pictures("http://h")

    with pytest.raises(ApiError) as told:
        asyncio.run(run())
    assert (told.value.status, told.value.code) == (503, "not_recorded")
    assert not list(shelf_folder(tmp_path).iterdir()), "nobody can fetch it either"


class Leave:
    """A leave that was checked, and what was logged of it."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, ...]] = []

    async def begin(self, content_id: str) -> None:
        self.logged.append(("begin", content_id))

    async def log(self, content_id: str, digest: str) -> None:
        self.logged.append(("log", content_id, digest))

    async def withhold(self, content_id: str) -> None:
        self.logged.append(("withhold", content_id))


def test_a_picture_whose_client_leaves_while_it_is_recorded_is_logged_as_the_record_has_it(
    tmp_path: Path, desk: Desk
) -> None:
    class Slow(Kept):
        recording = asyncio.Event()

        async def record(self, exchanged: Exchanged, _versions: Versions) -> None:
            self.records.append(exchanged)
            self.recording.set()
            await asyncio.sleep(0.3)

    kept, leave = Slow(), Leave()
    body: Json = {"model": "m", "prompt": "湖", "size": "64x64"}
    used = Pictures(engine(tmp_path, desk, kept, Asked()), grant(), body, 100, Audience.GENERAL, release=leave)

    async def run() -> None:
        await used.check_in()
        work = asyncio.ensure_future(used.pictures("http://h"))
        await kept.recording.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await used.client_gone()
        await used.settle()
        await used.settle()

    asyncio.run(run())
    assert len(kept.records) == 1
    assert [one[:2] for one in leave.logged] == [("log", used.content_id)], "once"


@pytest.mark.parametrize("broken", ["folder", "put"])
def test_pictures_that_can_not_be_given_are_recorded(
    broken: str, tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "folder":
        shelf_folder(tmp_path).parent.mkdir(parents=True, exist_ok=True)
        shelf_folder(tmp_path).write_bytes(b"a file in its place")
    else:
        monkeypatch.setattr(desk.shelf, "put", lambda _: 1 // 0)
    kept = Kept()
    body: Json = {"model": "m", "prompt": "湖", "size": "64x64", "response_format": "url"}
    used = Pictures(engine(tmp_path, desk, kept, Asked()), grant(), body, 100, Audience.GENERAL)

    async def run() -> None:
        await used.check_in()
        await used.pictures("http://h")

    with pytest.raises(ApiError) as told:
        asyncio.run(run())
    expected = (503, "not_kept") if broken == "folder" else (502, "unlabelled")
    assert [(told.value.status, record.outcome) for record in kept.records] == [expected]


def test_a_part_of_a_sound_is_recorded_as_heard_with_its_label(tmp_path: Path, desk: Desk) -> None:
    kept = Kept()
    body: Json = {"model": "m", "input": "你好世界" * 400, "response_format": "wav"}
    used = Speech(engine(tmp_path, desk, kept, DemoUpstream()), grant(), body, 100, Audience.GENERAL)
    sent: list[bytes] = []

    async def begin(_mime: str) -> None: ...

    async def send(piece: bytes) -> None:
        if sent:
            raise asyncio.CancelledError
        sent.append(piece)

    async def run() -> None:
        await used.check_in()
        with contextlib.suppress(asyncio.CancelledError):
            await used.speak(begin, send)
        await used.client_gone()

    asyncio.run(run())
    [record] = kept.records
    assert (record.outcome, record.label) == ("client_gone", "rhythm:start")
    assert record.media[0]["explicit"] == "rhythm:start"
    assert list(record.answer or {}) == ["choices[0].content"], "the words were heard, none was withheld"


@pytest.mark.parametrize("kind", ["speech", "prompt"])
def test_a_long_text_is_checked_beside_the_loop(
    kind: str, tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    check = Answer.check_whole

    def noted(self: Answer, body: Json) -> None:
        threads.add(threading.current_thread().name)
        check(self, body)

    monkeypatch.setattr(Answer, "check_whole", noted)
    long = "你好世界" * 8000
    whole = engine(tmp_path, desk, Kept(), Asked())
    used = (
        Speech(whole, grant(), {"model": "m", "input": long}, len(long) * 3, Audience.GENERAL)
        if kind == "speech"
        else Pictures(whole, grant(), {"model": "m", "prompt": "湖"}, 100, Audience.GENERAL)
    )
    asyncio.run(used.check_out([long]))
    assert threading.main_thread().name not in threads
    assert len(threads) == 1


def spoken(used: Speech, sent: list[bytes]) -> None:
    async def begin(_mime: str) -> None: ...

    async def send(piece: bytes) -> None:
        sent.append(piece)

    async def run() -> None:
        await used.check_in()
        await used.speak(begin, send)

    asyncio.run(run())


def test_the_last_piece_of_a_sound_stays_when_it_can_not_be_recorded(tmp_path: Path, desk: Desk) -> None:
    sent: list[bytes] = []
    body: Json = {"model": "m", "input": "你好世界" * 20, "response_format": "wav"}
    used = Speech(engine(tmp_path, desk, Kept(fails=True), DemoUpstream()), grant(), body, 100, Audience.GENERAL)
    with pytest.raises(BrokenOffError):
        spoken(used, sent)
    assert sent
    assert files.inspect_bytes(b"".join(sent), "x.wav").verdict is Verdict.UNREADABLE, "cut, and known to be cut"


def test_what_policy_hides_or_masks_is_not_spoken(tmp_path: Path, desk: Desk) -> None:
    said: list[Json] = []

    class Speaks(DemoUpstream):
        async def open(self, path: str, body: Json) -> object:  # type: ignore[override]
            said.append(body)
            return await super().open(path, body)

    kept = Kept()
    body: Json = {"model": "m", "input": f"电话{PHONE}，邮箱 a.b@example.com。", "response_format": "wav"}
    spoken(Speech(engine(tmp_path, desk, kept, Speaks()), grant(), body, 100, Audience.GENERAL), [])
    [asked] = said
    assert PHONE not in asked["input"]
    assert "a.b@example.com" not in asked["input"]
    assert kept.records[0].outcome == "answered"


def test_so_many_files_are_labelled_at_once_and_the_loop_goes_on(desk: Desk) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.03)
        with lock:
            running -= 1
        return threading.current_thread().name

    async def run() -> tuple[list[str], int]:
        jobs = asyncio.gather(*(desk.run(work) for _ in range(8)))
        turns = 0
        while not jobs.done():
            await asyncio.sleep(0)
            turns += 1
        return await jobs, turns

    names, turns = asyncio.run(run())
    assert most == 2
    assert all(name.startswith("label") for name in names)
    assert turns > 8, "other requests have their turn meanwhile"


def test_the_demo_speaks_wav_and_says_so(desk: Desk, tmp_path: Path) -> None:
    kept = Kept()
    body: Json = {"model": "m", "input": "你好", "response_format": "mp3"}
    with pytest.raises(ApiError, match="wav") as told:
        spoken(Speech(engine(tmp_path, desk, kept, DemoUpstream()), grant(), body, 100, Audience.GENERAL), [])
    assert isinstance(told.value.__cause__, UpstreamError)
    assert kept.records[0].outcome == "upstream_refused"
