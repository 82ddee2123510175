"""Keys as a worker sees them, over the real tables: who may in, how soon that changes, what an outage does."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
import pytest

from hegui.people import api_keys
from hegui.people.api_keys import IssuedKey
from hegui.service.gateway.access import Access, Grant
from hegui.service.gateway.protocol import ApiError
from hegui.store import Store, unit_of_work
from hegui.store.revision import bump
from tests.harness import Server

Look = Callable[[Access], Coroutine[Any, Any, Any]]


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    with server.database() as connection:
        return f"postgresql://postgres@/postgres?host={connection.info.host}&port={connection.info.port}"


@pytest.fixture(scope="module")
def store(url: str) -> Any:
    opened = Store.open(url)
    yield opened
    opened.close()


def issued(store: Store, service: str, **settings: Any) -> IssuedKey:
    with unit_of_work(store) as session:
        key = api_keys.create_key(session, service, "test")
        if settings:
            api_keys.open_service(session, service).settings = settings
            bump(session)
        return key


def revoke(store: Store, key: IssuedKey) -> None:
    with unit_of_work(store) as session:
        api_keys.revoke_key(session, key.id, "test")


def looking(url: str, look: Look, appeal: str = "") -> Any:
    async def run() -> Any:
        access = Access(url, appeal)
        await access.refresh()
        try:
            return await look(access)
        finally:
            await access.close()

    return asyncio.run(run())


async def refused(access: Access, authorization: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await access.grant(authorization)
    return caught.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_opens_its_own_service_with_its_own_settings(url: str, store: Store, scheme: str) -> None:
    one, two = issued(store, "access-one", refusal="error"), issued(store, "access-two", label_position="start")

    async def look(access: Access) -> list[Grant]:
        return [await access.grant(f"{scheme} {key.secret}") for key in (one, two)]

    first, second = looking(url, look)
    assert (first.key, first.service, first.settings.refusal, first.settings.label_position) == (
        one.id,
        "access-one",
        "error",
        "end",
    )
    assert (second.key, second.service, second.settings.refusal, second.settings.label_position) == (
        two.id,
        "access-two",
        "answer",
        "start",
    )


def test_what_is_no_key_of_ours_is_refused_and_told_what_to_do(url: str, store: Store) -> None:
    key = issued(store, "access-one").secret
    wrong = [
        "", "Bearer", "Bearer ", key, f"Basic {key}", f"Bearer  {key}", f"Bearer {key} ", f"Bearer {key}x", f"Bearer {key[:-1]}",
        f"Bearer {key.upper()}", "Bearer hg-", "Bearer sk-123", f"Bearer hg-{'x' * 5000}", "Bearer hg-é\x00", f"Bearer\t{key}", f"Bearer {key},{key}",
    ]  # fmt: skip

    async def look(access: Access) -> list[ApiError]:
        return [await refused(access, text) for text in wrong]

    for error in looking(url, look):
        body = error.body()["error"]
        assert (error.status, body["code"], body["type"]) == (401, "invalid_api_key", "authentication_error")
        assert "密钥" in body["message"]
        assert "hegui keys create" in body["message"]
        assert key not in body["message"]


def test_a_new_key_works_at_once_and_a_revoked_one_stops_at_the_next_refresh(url: str, store: Store) -> None:
    async def look(access: Access) -> None:
        key = issued(store, "access-new")
        assert (await access.grant(f"Bearer {key.secret}")).service == "access-new"
        other = issued(store, "access-new")
        revoke(store, key)
        await access.refresh()
        assert (await refused(access, f"Bearer {key.secret}")).status == 401
        assert (await access.grant(f"Bearer {other.secret}")).key == other.id

    looking(url, look)


def test_changed_settings_are_there_after_a_refresh(url: str, store: Store) -> None:
    async def look(access: Access) -> list[str]:
        key = issued(store, "access-changed", refusal="answer")
        seen = [(await access.grant(f"Bearer {key.secret}")).settings.refusal]
        with unit_of_work(store) as session:
            api_keys.open_service(session, "access-changed").settings = {"refusal": "error"}
            bump(session)
        await access.refresh()
        return [*seen, (await access.grant(f"Bearer {key.secret}")).settings.refusal]

    assert looking(url, look) == ["answer", "error"]


def test_a_service_with_broken_settings_is_closed_and_harms_no_other(
    url: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    broken, fine = issued(store, "access-broken", refusal="shout"), issued(store, "access-fine")

    async def look(access: Access) -> Grant:
        assert (await refused(access, f"Bearer {broken.secret}")).status == 401
        return await access.grant(f"Bearer {fine.secret}")

    assert looking(url, look).service == "access-fine"
    assert "access-broken is closed" in caplog.text
    with unit_of_work(store) as session:
        api_keys.open_service(session, "access-broken").settings = {}
        bump(session)


def test_the_operators_appeal_address_holds_unless_the_service_has_its_own(url: str, store: Store) -> None:
    one, two = issued(store, "access-appeal"), issued(store, "access-appeal-own", appeal_url="https://own.example")

    async def look(access: Access) -> list[str]:
        return [(await access.grant(f"Bearer {key.secret}")).settings.appeal_url for key in (one, two)]

    assert looking(url, look, "https://all.example") == ["https://all.example", "https://own.example"]


def test_many_unknown_keys_at_once_cost_one_look(url: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(access: Access) -> int:
        looks = 0
        real = access.refresh

        async def counted() -> None:
            nonlocal looks
            looks += 1
            await real()

        monkeypatch.setattr(access, "refresh", counted)
        await asyncio.gather(*(refused(access, f"Bearer hg-unknown{number}") for number in range(200)))
        return looks

    assert looking(url, look) <= 2


def test_a_lost_connection_keeps_the_keys_and_is_made_again(url: str, store: Store) -> None:
    key = issued(store, "access-lost")

    async def look(access: Access) -> None:
        assert access._connection is not None  # noqa: SLF001 - the connection that is cut
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (access._connection.info.backend_pid,))  # noqa: SLF001
        await access.refresh()
        assert (await access.grant(f"Bearer {key.secret}")).service == "access-lost"
        later = issued(store, "access-lost")
        assert (await access.grant(f"Bearer {later.secret}")).key == later.id

    looking(url, look)


def test_a_database_that_can_not_be_reached_refuses_and_does_not_fail() -> None:
    async def look(access: Access) -> ApiError:
        return await refused(access, "Bearer hg-some")

    assert looking("postgresql://nobody@127.0.0.1:1/none", look).status == 401


def test_keys_are_kept_fresh_without_anybody_asking(url: str, store: Store) -> None:
    key = issued(store, "access-task")

    async def run() -> None:
        access = Access(url, "")
        await access.start()
        assert (await access.grant(f"Bearer {key.secret}")).key == key.id
        revoke(store, key)
        async with asyncio.timeout(10):
            while True:
                try:
                    await access.grant(f"Bearer {key.secret}")
                except ApiError:
                    break
                await asyncio.sleep(0.1)
        await access.close()
        await access.close()

    asyncio.run(run())


def test_a_frozen_database_keeps_the_known_keys_open(url: str, store: Store, server: Server) -> None:
    key = issued(store, "access-frozen")

    async def look(access: Access) -> str:
        assert access._connection is not None  # noqa: SLF001 - the connection that hangs
        backend = access._connection.info.backend_pid  # noqa: SLF001
        os.kill(backend, signal.SIGSTOP)
        try:
            async with asyncio.timeout(30):
                await access.refresh()
            return (await access.grant(f"Bearer {key.secret}")).service
        finally:
            os.kill(backend, signal.SIGCONT)

    assert looking(url, look) == "access-frozen"
