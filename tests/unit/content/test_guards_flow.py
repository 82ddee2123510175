"""A guard that is late, broken, hostile or busy leaves texts undetermined; the rest is asked once, in order, in bounds."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from hegui.general.content.guards import Guard, GuardResult, GuardSettings, Reason, Severity, State
from hegui.general.content.guards.families import Call
from hegui.general.content.guards.results import Judgement
from hegui.general.content.policy import Side
from hegui.kit.errors import InputError
from tests.unit.content.guards.server import (
    SAFE,
    UNSAFE,
    GuardService,
    Script,
    Seen,
    completion,
    guarding,
    serving,
    settings,
)

BAD = "合规样例词甲子"


def judge(seen: Seen) -> str:
    return UNSAFE if BAD in seen.text else SAFE


async def late(_: Seen) -> str:
    await asyncio.sleep(60)
    return SAFE


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def once(script: Script, *texts: str, **more: Any) -> tuple[list[GuardResult], GuardService, dict[str, Any]]:
    """Return the results of one check, the service that was asked, and the guard's counts."""

    async def run() -> tuple[list[GuardResult], GuardService, dict[str, Any]]:
        async with guarding(script, **more) as (guard, service):
            return await guard.check(texts or ("文本",)), service, guard.state()

    return asyncio.run(run())


# --- failures ----------------------------------------------------------------------------------------


def cut(seen: Seen) -> web.Response:
    assert seen.request.transport is not None
    seen.request.transport.abort()
    return web.Response()


def compressed(_: Seen) -> web.Response:
    return web.Response(body=gzip.compress(json.dumps(completion(SAFE)).encode()), headers={"Content-Encoding": "gzip"})


async def half(seen: Seen) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(seen.request)
    await response.write(json.dumps(completion(SAFE)).encode())
    assert seen.request.transport is not None
    seen.request.transport.abort()
    return response


async def endless(seen: Seen) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(seen.request)
    with_room = 0
    while with_room < 64 << 20:
        await response.write(b" " * 65536)
        with_room += 65536
    return response


def status(code: int, body: dict[str, Any] | None = None, **headers: str) -> Script:
    return lambda _: web.json_response(body or completion(SAFE), status=code, headers=headers)


@pytest.mark.parametrize(("script", "more", "reason"), [
    pytest.param(late, {"call_seconds": 0.05}, Reason.TIMEOUT, id="late"),
    pytest.param(late, {"total_seconds": 0.05}, Reason.DEADLINE, id="past the deadline"),
    pytest.param(cut, {}, Reason.TRANSPORT, id="cut"),
    pytest.param(half, {}, Reason.TRANSPORT, id="cut in the middle"),
    pytest.param(endless, {"reply_bytes": 100_000}, Reason.TRANSPORT, id="endless"),
    pytest.param(compressed, {}, Reason.TRANSPORT, id="compressed"),
    *(pytest.param(status(code), {}, Reason.STATUS, id=f"status {code}, safe in its body") for code in (201, 204, 400, 401, 403, 404, 413, 422, 429, 500, 503)),
    pytest.param(status(302, Location="/v1/elsewhere"), {}, Reason.STATUS, id="redirect"),
    pytest.param(lambda _: {"error": {"message": "no such model"}}, {}, Reason.NOT_UNDERSTOOD, id="an error with status 200"),
    pytest.param(lambda _: web.Response(body=b"\xff\xfe<html>"), {}, Reason.NOT_UNDERSTOOD, id="not JSON"),
    pytest.param(lambda _: completion(SAFE, "length"), {}, Reason.NOT_UNDERSTOOD, id="cut short by the model"),
    pytest.param(lambda _: "这段文本是安全的。", {}, Reason.NOT_UNDERSTOOD, id="prose"),
])  # fmt: skip
def test_a_failing_guard_leaves_the_text_undetermined(script: Script, more: dict[str, Any], reason: Reason) -> None:
    [result], service, counts = once(script, **more)
    assert (result.state, result.reason, result.severity, result.safe) == (State.UNDETERMINED, reason, None, False)
    assert (result.findings, result.calls, result.failed) == ((), 1, 1)
    assert len(service.seen) == 1
    assert counts[reason] == 1
    assert counts["cache_entries"] == 0


def test_a_service_that_is_not_there_leaves_the_text_undetermined() -> None:
    async def run() -> list[GuardResult]:
        async with serving(judge) as service:
            url = service.url
        async with Guard(settings(url)) as guard:
            return await guard.check(["文本"])

    [result] = asyncio.run(run())
    assert result.reason == Reason.TRANSPORT


@pytest.mark.parametrize("error", [OSError("broken"), TimeoutError("no"), RuntimeError("a bug"), ValueError("x")])
def test_whatever_an_own_transport_raises_the_text_is_undetermined(error: Exception) -> None:
    tries = []

    class Broken:
        async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
            tries.append(path)
            raise error

    async def run() -> list[GuardResult]:
        return await Guard(settings("http://127.0.0.1:9", retries=2), Broken()).check(["文本"])

    [result] = asyncio.run(run())
    assert result.reason == (Reason.TIMEOUT if isinstance(error, TimeoutError) else Reason.TRANSPORT)
    assert len(tries) == (3 if str(error) == "broken" else 1)  # what was slow is not made slower


def test_a_broken_connection_is_tried_again_a_refusal_is_not() -> None:
    asked: list[Seen] = []

    def first_cut(seen: Seen) -> Any:
        asked.append(seen)
        return judge(seen) if len(asked) > 1 else cut(seen)

    [again], broken, _ = once(first_cut, BAD, retries=1)
    assert (again.severity, len(broken.seen)) == (Severity.UNSAFE, 2)
    [refused], refusing, _ = once(status(500), retries=3)
    assert (refused.reason, len(refusing.seen)) == (Reason.STATUS, 1)


def test_found_and_undetermined_together_are_both_told() -> None:
    """Policy may let `controversial` pass; it must see that the rest of the text was not judged."""

    def script(seen: Seen) -> Any:
        if "坏" in seen.text:
            return web.Response(status=500)
        return "Safety: Controversial\nCategories: PII" if BAD in seen.text else SAFE

    text = "好。" * 40 + BAD + "。" + "好。" * 40 + "坏。"
    [result], *_ = once(script, text, window_characters=50, whole_characters=0)
    assert (result.state, result.reason, result.severity) == (State.UNDETERMINED, Reason.STATUS, Severity.CONTROVERSIAL)
    assert [item.risk for item in result.findings] == ["A.4.f"]
    assert 0 < result.failed < result.calls


def test_an_answer_that_breaks_its_reader_is_not_understood_and_frees_the_trial() -> None:
    class Odd:
        def calls(self, piece: str, _side: Side, _before: str) -> list[Call]:
            return [Call("/", piece.encode())]

        def read(self, _call: Call, _reply: bytes) -> Judgement:
            raise ZeroDivisionError

    async def run() -> list[str]:
        clock = Clock()
        async with serving(status(500)) as service, breaking(service, clock, breaker_failures=1) as guard:
            reasons = [result.reason for result in await guard.check(["甲"])]
            service.script, guard.family = status(200), Odd()
            clock.now += 30
            for text in ("乙", "丙"):
                reasons += [result.reason for result in await guard.check([text])]
            return reasons

    assert asyncio.run(run()) == [Reason.STATUS, Reason.NOT_UNDERSTOOD, Reason.NOT_UNDERSTOOD]


# --- the way there -----------------------------------------------------------------------------------


def test_the_key_stands_in_the_authorization_header_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_KEY", "sk-marker-4711")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def run() -> tuple[Seen, str]:
        async with guarding(judge, key_env="GUARD_KEY") as (guard, service):
            await guard.check([BAD])
            return service.seen[0], f"{guard.settings} {guard.state()} {vars(guard.transport)}"

    seen, told = asyncio.run(run())
    assert seen.headers.pop("Authorization") == "Bearer sk-marker-4711"
    assert "4711" not in f"{seen.headers} {seen.path}" + seen.body.decode() + told
    assert set(seen.headers) == {"Host", "Accept", "Accept-Encoding", "Content-Length", "Content-Type"}
    assert seen.headers["Accept-Encoding"] == "identity"


def test_no_cookie_goes_back() -> None:
    async def run() -> list[Seen]:
        async with serving(lambda _: web.json_response(completion(SAFE), headers={"Set-Cookie": "a=b"})) as service:
            # By name: cookie jars take none from bare addresses.
            async with Guard(settings(service.url.replace("127.0.0.1", "localhost"))) as guard:
                for text in ("甲", "乙"):
                    assert (await guard.check([text]))[0].safe
            return service.seen

    assert [seen.headers.get("Cookie") for seen in asyncio.run(run())] == [None, None]


def test_an_aliyun_request_is_signed_and_the_secret_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ID", "LTAI-marker")
    monkeypatch.setenv("SECRET", "never-sent-4711")

    async def run() -> tuple[list[GuardResult], Seen]:
        async with serving(lambda _: {"Code": 200, "Data": {"RiskLevel": "none"}}) as service:
            given = GuardSettings(
                family="aliyun", url=service.url.removesuffix("/v1"), key_env="SECRET", key_id_env="ID"
            )
            async with Guard(given) as guard:
                return await guard.check(["文本"], Side.OUTPUT), service.seen[0]

    [result], seen = asyncio.run(run())
    assert result.safe
    assert seen.json["Service"] == "llm_response_moderation"
    assert seen.headers["Authorization"].startswith(
        "ACS3-HMAC-SHA256 Credential=LTAI-marker,SignedHeaders=host;x-acs-action;"
    )
    assert seen.headers["x-acs-action"] == "TextModerationPlus"
    assert "4711" not in str(seen.headers) + seen.body.decode()


def test_an_aliyun_request_holds_no_more_than_the_vendor_checks() -> None:
    text = "".join(f"这是第{number}段普通的话。" for number in range(300))

    async def run() -> tuple[list[GuardResult], list[str]]:
        async with serving(lambda _: {"Code": 200, "Data": {"RiskLevel": "none"}}) as service:
            async with Guard(GuardSettings(family="aliyun", url=service.url.removesuffix("/v1"))) as guard:
                results = await guard.check([text])
            return results, [json.loads(seen.json["ServiceParameters"])["content"] for seen in service.seen]

    [result], sent = asyncio.run(run())
    assert result.safe
    assert max(map(len, sent)) <= 2000
    assert all(any(f"第{number}段" in part for part in sent) for number in range(300))


# --- order, bounds, joining --------------------------------------------------------------------------


def test_results_stand_in_the_order_of_the_texts_however_the_answers_come() -> None:
    async def script(seen: Seen) -> str:
        await asyncio.sleep(0.05 if seen.text.endswith(("0", "1")) else 0)
        return judge(seen)

    texts = [f"{BAD if number % 3 == 0 else '文本'}{number}" for number in range(12)]
    results, service, _ = once(script, *texts)
    assert [result.severity is Severity.UNSAFE for result in results] == [number % 3 == 0 for number in range(12)]
    assert len(service.seen) == 12


def test_calls_go_out_in_order_and_no_more_at_once_than_allowed() -> None:
    async def script(_: Seen) -> str:
        await asyncio.sleep(0.005)
        return SAFE

    results, service, _ = once(script, *(f"文本{number}" for number in range(20)), concurrency=3)
    assert all(result.safe for result in results)
    assert service.most == 3
    assert sorted(seen.text for seen in service.seen[:3]) == ["文本0", "文本1", "文本2"]
    one_by_one = once(script, *(f"文本{number}" for number in range(8)), concurrency=1)[1]
    assert [seen.text for seen in one_by_one.seen] == [f"文本{number}" for number in range(8)]


def test_more_than_may_wait_is_told_not_dropped_or_passed() -> None:
    results, service, counts = once(judge, *(f"文本{number}" for number in range(10)), concurrency=2, queue=3)
    assert [result.reason for result in results] == [""] * 5 + [Reason.BUSY] * 5
    assert all(result.state is State.UNDETERMINED for result in results[5:])
    assert (len(service.seen), counts["busy"]) == (5, 5)


def test_the_same_question_under_way_is_asked_once() -> None:
    async def run() -> tuple[list[GuardResult], int, dict[str, Any]]:
        async with guarding(judge) as (guard, service):
            several = await asyncio.gather(*(guard.check([BAD, BAD]) for _ in range(5)))
            return [result for results in several for result in results], len(service.seen), guard.state()

    results, asked, counts = asyncio.run(run())
    assert all(result.severity is Severity.UNSAFE for result in results)
    assert (len(results), asked, counts["joined"]) == (10, 1, 9)


def test_a_check_that_is_cancelled_gives_up_its_calls_but_not_those_of_others() -> None:
    async def run() -> tuple[int, list[GuardResult], list[GuardResult]]:
        go = asyncio.Event()

        async def script(seen: Seen) -> str:
            await go.wait()
            return judge(seen)

        async with guarding(script, concurrency=2) as (guard, service):
            first = asyncio.create_task(guard.check([BAD, "只有一个人问"]))
            second = asyncio.create_task(guard.check([BAD]))
            await service.reached(seen=2)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            await service.reached(cancelled=1)
            go.set()
            shared = await second
            # Both places are free again.
            return service.cancelled, shared, await guard.check(["甲", "乙", "只有一个人问"])

    cancelled, [shared], after = asyncio.run(run())
    assert (cancelled, shared.severity) == (1, Severity.UNSAFE)
    assert all(result.safe for result in after)


def test_calls_given_up_before_they_began_leave_their_place_in_the_queue() -> None:
    async def run() -> list[GuardResult]:
        async with guarding(late, concurrency=1, queue=4, total_seconds=0.05) as (guard, service):
            for _ in range(3):
                await guard.check([f"文本{number}" for number in range(5)])
            service.script = judge
            return await guard.check([f"新文本{number}" for number in range(5)])

    assert [result.reason for result in asyncio.run(run())] == [""] * 5


def test_what_came_before_the_deadline_counts() -> None:
    async def script(seen: Seen) -> str:
        return await late(seen) if "慢" in seen.text else judge(seen)

    results, _, counts = once(script, BAD, "慢", "文本", total_seconds=0.5)
    assert [(result.severity, result.reason) for result in results] == [
        (Severity.UNSAFE, ""), (None, Reason.DEADLINE), (Severity.SAFE, ""),
    ]  # fmt: skip
    assert counts["deadline"] == 1


# --- the cache ---------------------------------------------------------------------------------------


def test_a_verdict_at_hand_is_used_and_shown_until_it_is_too_old() -> None:
    async def run() -> tuple[list[GuardResult], int]:
        clock = Clock()
        async with serving(judge) as service:
            async with Guard(settings(service.url, cache_seconds=60), clock=clock) as guard:
                results = [*await guard.check([BAD]), *await guard.check([BAD])]
                clock.now += 61
                results += await guard.check([BAD])
                assert guard.state()["cache_hits"] == 1
            return results, len(service.seen)

    results, asked = asyncio.run(run())
    assert [(result.cached, result.severity) for result in results] == [(0, "unsafe"), (1, "unsafe"), (0, "unsafe")]
    assert asked == 2


@pytest.mark.parametrize(("other", "same"), [
    ({"text": "好\u200b文本"}, True),  # what can not be seen is not sent, so it is the same question
    ({"text": "好文本 "}, True),
    ({"text": "好文本。"}, False),
    ({"text": "ＧＯＯＤ好文本"}, False),
    ({"side": Side.OUTPUT}, False),
    ({"model": "other"}, False),
    ({"mapping": "own"}, False),
    ({"unsafe_from": 0.7}, False),
])  # fmt: skip
def test_a_verdict_is_shared_only_by_the_same_question(other: dict[str, Any], same: bool) -> None:
    """A disguised text that passed must not leave its verdict to another: what is hashed is what is sent."""

    async def run() -> tuple[bool, set[bytes]]:
        async with serving(judge) as service:
            base = settings(service.url)
            one = Guard(base)
            more = {key: value for key, value in other.items() if key in {"model", "unsafe_from"}}
            two = Guard(settings(service.url, **more))
            if "mapping" in other:
                two.identity = two.identity.replace(two.mapping.version.encode(), b"0" * 16)
            two.cache = one.cache
            await one.check(["好文本"])
            [result] = await two.check([other.get("text", "好文本")], other.get("side", Side.INPUT))
            await one.close()
            await two.close()
            return result.cached == 1, {seen.body for seen in service.seen}

    shared, bodies = asyncio.run(run())
    assert shared is same
    assert len(bodies) == (1 if same or "mapping" in other or "unsafe_from" in other else 2)


def test_no_word_of_a_text_is_kept() -> None:
    async def run() -> str:
        async with guarding(judge) as (guard, _):
            await guard.check([BAD])
            assert len(guard.cache) == 1
            return repr(vars(guard.cache)) + repr(guard.state()) + repr(vars(guard))

    assert BAD not in asyncio.run(run())


# --- the circuit -------------------------------------------------------------------------------------


def test_the_circuit_opens_tries_once_and_closes() -> None:
    async def run() -> None:
        clock = Clock()
        async with serving(status(500)) as service, breaking(service, clock, breaker_failures=3) as guard:

            async def reasons(*texts: str) -> list[str]:
                return [result.reason for result in await guard.check(texts)]

            for number in range(3):
                assert await reasons(f"甲{number}") == ["status"]
            assert guard.state()["circuit"] == "open"
            assert await reasons("乙", "丙") == ["circuit_open", "circuit_open"]
            assert len(service.seen) == 3
            clock.now += 30
            assert guard.state()["circuit"] == "half_open"
            assert sorted(await reasons("丁", "戊")) == ["circuit_open", "status"]
            assert (guard.state()["circuit"], len(service.seen)) == ("open", 4)
            clock.now += 30
            service.script = judge
            assert await reasons("己") == [""]
            assert (guard.state()["circuit"], guard.state()["circuit_failures"]) == ("closed", 0)
            assert await reasons("庚", "辛") == ["", ""]
            assert guard.state()["circuit_opened"] == 2

    asyncio.run(run())


def breaking(service: GuardService, clock: Clock, **more: Any) -> Guard:
    return Guard(settings(service.url, breaker_seconds=30, **more), clock=clock)


@pytest.mark.parametrize(("script", "opens"), [
    (lambda _: "odd", False), (status(400), False), (status(413), False), (status(422), False),
    (status(401), True), (status(404), True), (status(429), True), (status(503), True), (cut, True), (late, True),
])  # fmt: skip
def test_only_the_services_own_failures_open_the_circuit(script: Script, opens: bool) -> None:
    """Otherwise a few odd texts would switch the guard off for everybody."""
    _, _, counts = once(script, *(f"文本{n}" for n in range(4)), concurrency=1, breaker_failures=3, call_seconds=0.05)
    assert counts["circuit"] == ("open" if opens else "closed")


def test_a_trial_that_is_cancelled_leaves_room_for_another() -> None:
    async def run() -> list[GuardResult]:
        clock = Clock()
        async with serving(status(500)) as service, breaking(service, clock, breaker_failures=1) as guard:
            await guard.check(["甲"])
            clock.now += 30
            service.script = late
            trial = asyncio.create_task(guard.check(["乙"]))
            await service.reached(seen=2)
            trial.cancel()
            await asyncio.gather(trial, return_exceptions=True)
            service.script = judge
            return await guard.check(["丙"])

    [result] = asyncio.run(run())
    assert result.safe


# --- long texts --------------------------------------------------------------------------------------


def test_one_sentence_in_much_harmless_text_is_found() -> None:
    """QwenLM/Qwen3Guard issue 17: with more text around it, the same passage was called safe."""

    def forgetful(seen: Seen) -> str:
        return UNSAFE if BAD in seen.text and len(seen.text) <= 200 else SAFE

    text = "这是一段普通的话。" * 100 + f"其中有{BAD}。" + "后面也很普通。" * 100
    [result], service, _ = once(forgetful, text, window_characters=200)
    assert (result.state, result.severity) == (State.JUDGED, Severity.UNSAFE)
    assert [item.category for item in result.findings] == ["Violent"]
    assert max(len(seen.text) for seen in service.seen) == len(text)  # and as a whole besides


def test_a_text_over_the_limit_is_told_and_not_sent() -> None:
    for text in ("长" * 1000, "\u200b" * 10_000):
        [result], service, counts = once(judge, text, window_characters=50, windows=4)
        assert (result.state, result.reason, service.seen) == (State.UNDETERMINED, Reason.TOO_LONG, [])
        assert (result.calls, result.failed, counts["too_long"]) == (1, 1, 1)
    [padded], *_ = once(judge, "\u200b" * 1000 + BAD, window_characters=50, windows=4)
    assert padded.severity is Severity.UNSAFE


@pytest.mark.parametrize("text", ["", " \n ", "\u200b\ufeff", "\ud800"])
def test_texts_of_nothing_or_of_broken_characters_do_no_harm(text: str) -> None:
    [result], service, _ = once(judge, text)
    assert result.safe
    assert len(service.seen) == (1 if text == "\ud800" else 0)


# --- use ---------------------------------------------------------------------------------------------


def test_without_an_event_loop_the_same_by_check_now() -> None:
    loop = asyncio.new_event_loop()
    service: list[GuardService] = []

    async def serve(stop: asyncio.Event, ready: Callable[[], None]) -> None:
        async with serving(judge) as running:
            service.append(running)
            ready()
            await stop.wait()

    import threading

    ready, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(stop, ready.set),))
    thread.start()
    try:
        assert ready.wait(10)
        with Guard(settings(service[0].url)) as guard:
            first, second = guard.check_now([BAD, "文本"]), guard.check_now([BAD], Side.INPUT)
        assert [result.severity for result in (*first, *second)] == ["unsafe", "safe", "unsafe"]
        assert second[0].cached == 1
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def test_wrong_use_is_told() -> None:
    async def run(act: Callable[[Guard], Awaitable[Any] | Any]) -> None:
        guard = Guard(settings("http://127.0.0.1:9"))
        outcome = act(guard)
        if isinstance(outcome, Awaitable):
            await outcome

    for act in (lambda guard: guard.check_now(["甲"]), lambda guard: guard.check(["甲", "乙"], prompts=["丙"])):
        with pytest.raises(InputError, match="/"):
            asyncio.run(run(act))
