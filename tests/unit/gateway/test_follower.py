"""Following the rulebook, over a real database: every change gets into force, and nothing that is wrong does."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from hegui.general.content.book import Book, SetAnswer
from hegui.general.content.inforce import InForce
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Side, load_policy
from hegui.general.content.rows import Row
from hegui.kit import clock
from hegui.people.permits import Role
from hegui.service.gateway import follower
from hegui.service.gateway.follower import CHANNEL, REFUSED, TAKEN, Connection, Follower, ReadBook, ledger
from hegui.service.gateway.oversight import queries
from hegui.service.gateway.protocol import ApiError
from hegui.store import unit_of_work
from hegui.store.unit import driver_url
from tests.unit.people.desk import Desk, open_desk, see

WORD, OTHER = "标记词甲", "标记词乙"
STRICT, LENIENT = "input: {default: refuse}", "input: {default: pass}"
BROKEN = "input: {default: shout}"


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("follower") / "data") as opened:
        opened.sql("CREATE TABLE test_book (words text[], policy text, until timestamptz)")
        opened.sql("INSERT INTO store_revision VALUES (1, 1) ON CONFLICT DO NOTHING")
        yield opened


@pytest.fixture(autouse=True)
def empty(desk: Desk) -> None:
    desk.sql("DELETE FROM test_book")


async def read(connection: Connection, /) -> tuple[Book, datetime | None]:
    """Read the table that stands for the rulebook: its rows hold until their time is over."""
    cursor = await connection.execute("SELECT words, policy, until FROM test_book WHERE until IS NULL OR until > now()")
    words: list[Row] = []
    policy, until = "", None
    for found, said, end in await cursor.fetchall():
        words += [Row(0, word, "A.1.a", edit=f"e{number}") for number, word in enumerate(found or ())]
        policy, until = said or policy, end
    return Book(policy=policy, words=tuple(words)), until


def publish(
    desk: Desk, *words: str, policy: str = "", until: datetime | None = None, tell: bool = True, bump: bool = False
) -> None:
    """Put a book into the table, in one transaction with what tells of it."""
    with psycopg.connect(driver_url(desk.store.url)) as connection:
        connection.execute("DELETE FROM test_book")
        connection.execute("INSERT INTO test_book VALUES (%s, %s, %s)", (list(words), policy, until))
        if bump:
            connection.execute("UPDATE store_revision SET value = value + 1")
        if tell:
            connection.execute(f"NOTIFY {CHANNEL}")


def rules(kind: type[InForce] = InForce) -> InForce:
    return kind(compile_library([Row(2, "标记词丙", "A.1.a")], "test"), load_policy(None))


def blocks(found: InForce, text: str) -> bool:
    return found.checkers().chat.check(text, Side.INPUT).blocked


@asynccontextmanager
async def following(desk: Desk, *found: InForce, reader: ReadBook = read) -> Any:
    url = driver_url(desk.store.url)
    made = [Follower(url, item, reader, ledger(desk.store.url), name=f"w{n}") for n, item in enumerate(found)]
    for item in made:
        await item.start()
    try:
        yield made
    finally:
        for item in made:
            await item.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the condition is anything
            await asyncio.sleep(0.02)


def told(desk: Desk, kind: str) -> list[dict[str, Any]]:
    return [json.loads(item) for item in desk.entries(kind)]


@pytest.mark.parametrize("how", [{"tell": True}, {"tell": False, "bump": True}], ids=["told", "looked for"])
def test_a_change_comes_into_force_on_every_worker(desk: Desk, how: Any) -> None:
    workers = [rules(), rules()]

    async def run() -> None:
        async with following(desk, *workers):
            assert not any(blocks(item, WORD) for item in workers)
            publish(desk, WORD, **how)
            await until(lambda: all(blocks(item, f"说{WORD}吧") for item in workers))
            assert not any(blocks(item, OTHER) for item in workers)
            publish(desk, OTHER, **how)
            await until(lambda: all(blocks(item, OTHER) and not blocks(item, WORD) for item in workers))
            assert all(blocks(item, "标记词丙") for item in workers), "the words of the file stay"

    asyncio.run(run())
    versions = {item.checkers().chat.versions.library for item in workers}
    assert len(versions) == 1
    assert "+" in versions.pop()
    assert {(item["worker"], item["words"]) for item in told(desk, TAKEN)} >= {("w0", 1), ("w1", 1)}


def test_what_time_alone_changes_is_read_again_at_its_moment(desk: Desk) -> None:
    found = rules()

    async def run() -> None:
        publish(desk, WORD, until=clock.now() + timedelta(seconds=1))
        async with following(desk, found):
            assert blocks(found, WORD)
            await until(lambda: not blocks(found, WORD))

    asyncio.run(run())


def test_a_book_that_can_not_be_applied_leaves_the_old_one_and_is_told(desk: Desk) -> None:
    found, before = rules(), (len(told(desk, TAKEN)), len(told(desk, REFUSED)))

    async def run() -> None:
        async with following(desk, found) as (one,):
            publish(desk, WORD)
            await until(lambda: blocks(found, WORD))
            publish(desk, OTHER, policy=BROKEN)
            await until(lambda: len(told(desk, REFUSED)) > before[1])
            assert one.failure is not None
            assert "shout" in one.failure.en
            assert blocks(found, WORD)
            assert not blocks(found, OTHER)
            one.check_ready()
            with unit_of_work(desk.store) as session:
                problem = queries.rules_problem(session)
            assert problem == one.failure
            publish(desk, OTHER, policy=STRICT)
            await until(lambda: blocks(found, OTHER) and len(told(desk, TAKEN)) > before[0] + 1)
            assert one.failure is None

    asyncio.run(run())
    assert len(told(desk, REFUSED)) == before[1] + 1, "told once, however often it was looked at"
    with unit_of_work(desk.store) as session:
        assert queries.rules_problem(session) is None


def test_the_console_says_that_the_newest_rules_are_not_in_force(desk: Desk) -> None:
    browser = desk.browser(Role.COMPLIANCE_OFFICER)
    tell = ledger(desk.store.url)
    tell(REFUSED, {"zh": "策略文件有误：样例", "en": "the policy file is wrong: sample", "worker": "w"})
    assert "策略文件有误：样例" in see(browser.get("/exchanges?lang=zh")).text
    assert "the policy file is wrong: sample" in see(browser.get("/exchanges?lang=en")).text
    tell(TAKEN, {"worker": "w"})
    assert "样例" not in see(browser.get("/exchanges?lang=zh")).text


def test_what_fails_for_another_reason_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    falls = [2]

    class Clumsy(InForce):
        def take(self, book: Book) -> None:
            if book.words and falls[0]:
                falls[0] -= 1
                raise MemoryError
            super().take(book)

    monkeypatch.setattr(follower, "_AGAIN", timedelta(milliseconds=100))
    found = rules(Clumsy)

    async def run() -> None:
        async with following(desk, found) as (one,):
            publish(desk, WORD)
            await until(lambda: blocks(found, WORD))
            falls[0] = 10**6
            publish(desk, OTHER)
            await until(lambda: one.failure is not None)
            falls[0] = 0
            publish(desk, WORD)
            await until(lambda: one.failure is None)
            assert blocks(found, WORD), "the one that was in force is the newest again"

    asyncio.run(run())


def test_requests_are_served_while_a_big_book_is_made_ready(desk: Desk) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(InForce):
        def take(self, book: Book) -> None:
            if book.words:
                begun.set()
                assert go_on.wait(20)
            super().take(book)

    found = rules(Slow)

    async def run() -> None:
        async with following(desk, found):
            begins_with = found.checkers()
            publish(desk, WORD)
            await until(begun.is_set)
            assert found.checkers("a service that was not there") is not None
            assert not blocks(found, WORD)
            go_on.set()
            await until(lambda: blocks(found, WORD))
            assert not begins_with.chat.check(WORD, Side.INPUT).blocked, "whoever began with the old goes on with it"

    asyncio.run(run())


def test_a_lost_connection_is_made_again_and_misses_nothing(desk: Desk) -> None:
    found = rules()

    async def run() -> None:
        async with following(desk, found) as (one,):
            assert one._connection is not None  # noqa: SLF001 - the connection that is cut
            backend = one._connection.info.backend_pid  # noqa: SLF001
            desk.sql(f"SELECT pg_terminate_backend({backend})")
            publish(desk, WORD)
            await until(lambda: blocks(found, WORD))

    asyncio.run(run())


def test_until_a_first_book_was_read_nothing_may_be_served(desk: Desk) -> None:
    found, away = rules(), [True]

    async def sometimes(connection: Connection, /) -> tuple[Book, datetime | None]:
        if away[0]:
            raise psycopg.OperationalError("away")
        return await read(connection)

    async def run() -> None:
        async with following(desk, found, reader=sometimes) as (one,):
            with pytest.raises(ApiError) as caught:
                one.check_ready()
            assert (caught.value.status, caught.value.code) == (503, "rules_not_in_force")
            away[0] = False
            await until(lambda: one.ready)
            one.check_ready()

    asyncio.run(run())


def test_a_first_book_that_can_not_be_applied_keeps_the_worker_closed_and_says_why(desk: Desk) -> None:
    found = rules()

    async def run() -> None:
        publish(desk, policy=BROKEN)
        async with following(desk, found) as (one,):
            with pytest.raises(ApiError) as caught:
                one.check_ready()
            assert "shout" in caught.value.message
            publish(desk, policy=LENIENT)
            await until(lambda: one.ready)
            assert not blocks(found, "标记词丙")

    asyncio.run(run())


def test_set_answers_and_a_shadow_alone_are_a_change_too(desk: Desk) -> None:
    found, books = rules(), [Book()]

    async def listed(_: Connection, /) -> tuple[Book, datetime | None]:
        return books[-1], None

    async def run() -> None:
        async with following(desk, found, reader=listed):
            books.append(Book(shadow=LENIENT, answers=(SetAnswer("a1", "标记问题", "标记回答"),)))
            publish(desk)
            await until(lambda: found.checkers().shadow is not None)
            assert found.checkers().answers.find("标记 问题") is not None
            books.append(Book())
            publish(desk)
            await until(lambda: found.checkers().shadow is None)

    asyncio.run(run())


def test_a_moment_in_the_past_does_not_keep_the_database_busy(desk: Desk) -> None:
    reads = 0

    async def hasty(_: Connection, /) -> tuple[Book, datetime | None]:
        nonlocal reads
        reads += 1
        return Book(), datetime(2020, 1, 1, tzinfo=UTC)

    async def run() -> None:
        async with following(desk, rules(), reader=hasty):
            await asyncio.sleep(0.5)

    asyncio.run(run())
    assert reads < 10
