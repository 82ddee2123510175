"""Signing in: what a guesser gets, what an owner keeps, and what is counted when many try at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters

from hegui.keeper import run_retention
from hegui.kit import clock
from hegui.kit.errors import InputError, NotAllowedError
from hegui.people import accounts, sessions, throttle
from hegui.people.permits import Role
from hegui.people.sign_in import sign_in
from hegui.people.throttle import ACCOUNT, ADDRESS, FORGET, KNOWN, PAIR, Origin, Rule, TooManyError, network
from hegui.store import unit_of_work
from tests.unit.people.desk import PASSWORD, Desk

REAL_UNKNOWN = accounts.UNKNOWN
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
Move = Callable[[timedelta], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Move:
    """Stop the clock, and let a test move it."""
    moment = [datetime(2026, 3, 2, 9, 0, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: moment[0])

    def move(by: timedelta) -> None:
        moment[0] += by

    return move


@pytest.fixture
def person(desk: Desk) -> Iterator[str]:
    """Return the name of a new account, with counts that begin anew."""
    desk.sql("DELETE FROM people_attempts")
    count = desk.sql("SELECT count(*) FROM people_account")[0][0]
    name = f"person-{count}"
    desk.add(name, Role.REVIEWER)
    yield name
    desk.sql("DELETE FROM people_session")


def tries(desk: Desk, name: str, password: str, address: str = HOME, old: str = "") -> str:
    """Try once and say what came of it: `in`, `wrong` or `wait`."""
    try:
        assert sign_in(desk.store, Origin.of(b"k" * 32, name, address), name, password, old)
    except TooManyError:
        return "wait"
    except accounts.SignInError:
        return "wrong"
    return "in"


def failures(desk: Desk, origin: bytes) -> int:
    found = desk.sql("SELECT failures FROM people_attempts WHERE key = %s", origin)
    return int(found[0][0]) if found else 0


# --- the rules alone -------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [PAIR, ADDRESS, ACCOUNT], ids=["pair", "address", "account"])
def test_a_delay_begins_after_the_free_failures_doubles_and_has_an_end(rule: Rule) -> None:
    waits = [rule.wait(count) for count in range(rule.free + 40)]
    assert waits[: rule.free] == [timedelta()] * rule.free
    assert waits[rule.free] == rule.first
    assert waits[rule.free + 1] == min(2 * rule.first, rule.longest)
    assert waits == sorted(waits)
    assert waits[-1] == rule.wait(10**9) == rule.longest


def test_what_everybody_can_bring_on_an_account_is_seconds_and_what_one_address_brings_on_itself_is_not() -> None:
    assert ACCOUNT.longest <= timedelta(seconds=10)
    assert PAIR.longest >= timedelta(minutes=10)
    assert ADDRESS.free > PAIR.free  # an office behind one address is slowed down later than one person


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("not an address", "not an address"),
        ("", ""),
    ],
)
def test_one_customer_is_one_address(address: str, counts_as: str) -> None:
    assert network(address) == counts_as


def test_what_is_kept_of_an_attempt_names_nobody_and_differs_by_each_part() -> None:
    one = Origin.of(b"a" * 32, "li\nna", HOME)
    same = {one, Origin.of(b"a" * 32, "li\nna", HOME)}
    others = {
        Origin.of(b"b" * 32, "li\nna", HOME).pair,
        Origin.of(b"a" * 32, "lina", HOME).pair,
        Origin.of(b"a" * 32, "li\nna", ELSEWHERE).pair,
        Origin.of(b"a" * 32, "li", f"na\n{HOME}").pair,
        one.pair,
        one.address,
        one.account,
    }
    assert len(same) == 1
    assert len(others) == 7
    assert all(len(item) == 32 for item in others)


# --- a guesser and the owner -----------------------------------------------------------------------


def test_a_right_password_opens_and_its_attempt_is_not_counted(desk: Desk, person: str) -> None:
    for _ in range(PAIR.free + ADDRESS.free):
        with unit_of_work(desk.store) as session:
            throttle.refund(session, throttle.charge(session, Origin.of(b"k" * 32, person, HOME)))
    assert tries(desk, person, PASSWORD) == "in"
    assert desk.sql("SELECT max(failures) FROM people_attempts") == [(0,)]


def test_five_wrong_passwords_make_the_sixth_wait_even_if_it_is_right(desk: Desk, person: str, later: Move) -> None:
    assert [tries(desk, person, "wrong") for _ in range(PAIR.free)] == ["wrong"] * PAIR.free
    assert tries(desk, person, PASSWORD) == "wait"
    later(PAIR.first - timedelta(seconds=1))
    assert tries(desk, person, PASSWORD) == "wait"
    later(timedelta(seconds=1))
    assert tries(desk, person, PASSWORD) == "in"


def test_the_wait_doubles_while_wrong_passwords_go_on(desk: Desk, person: str, later: Move) -> None:
    for _ in range(PAIR.free):
        tries(desk, person, "wrong")
    later(PAIR.first)
    assert tries(desk, person, "wrong") == "wrong"
    later(PAIR.first)
    assert tries(desk, person, "wrong") == "wait"
    later(PAIR.first)
    assert tries(desk, person, "wrong") == "wrong"


def test_attempts_that_must_wait_do_not_make_the_wait_longer(desk: Desk, person: str, later: Move) -> None:
    for _ in range(PAIR.free):
        tries(desk, person, "wrong")
    assert {tries(desk, person, "wrong") for _ in range(40)} == {"wait"}
    later(PAIR.first)
    assert tries(desk, person, PASSWORD) == "in"


def test_a_success_from_that_address_clears_the_failures_there(desk: Desk, person: str) -> None:
    for _ in range(3):
        assert [tries(desk, person, "wrong") for _ in range(PAIR.free - 1)] == ["wrong"] * (PAIR.free - 1)
        assert tries(desk, person, PASSWORD) == "in"


def test_failures_are_forgotten_after_an_hour_of_quiet(desk: Desk, person: str, later: Move) -> None:
    for _ in range(PAIR.free + 3):
        tries(desk, person, "wrong")
        later(PAIR.longest)
    later(FORGET)
    assert [tries(desk, person, "wrong") for _ in range(PAIR.free)] == ["wrong"] * PAIR.free


def test_a_guesser_elsewhere_does_not_keep_the_owner_out(desk: Desk, person: str) -> None:
    while tries(desk, person, "wrong", ELSEWHERE) != "wait":
        pass
    assert tries(desk, person, PASSWORD, ELSEWHERE) == "wait"
    assert tries(desk, person, PASSWORD, HOME) == "in"


def test_guessing_from_many_addresses_is_slowed_down_but_never_for_more_than_seconds(
    desk: Desk, person: str, later: Move
) -> None:
    looked_at = sum(tries(desk, person, "wrong", f"203.0.113.{n}") == "wrong" for n in range(60))
    assert looked_at == ACCOUNT.free
    for step in range(8):
        later(ACCOUNT.longest)
        found = [tries(desk, person, "wrong", f"198.18.{step}.{n}") for n in range(3)]
        assert found == ["wrong", "wait", "wait"]
    later(ACCOUNT.longest)
    assert tries(desk, person, PASSWORD, "192.0.2.77") == "in"


def test_an_address_that_the_owner_used_before_is_not_slowed_down_by_others(
    desk: Desk, person: str, later: Move
) -> None:
    assert tries(desk, person, PASSWORD, HOME) == "in"
    for number in range(ACCOUNT.free + 5):
        tries(desk, person, "wrong", f"203.0.113.{number}")
    assert tries(desk, person, PASSWORD, "192.0.2.88") == "wait"
    assert tries(desk, person, PASSWORD, HOME) == "in"
    later(KNOWN + timedelta(days=1))
    for number in range(ACCOUNT.free + 5):
        tries(desk, person, "wrong", f"203.0.113.{number}")
    assert tries(desk, person, PASSWORD, HOME) == "wait"


def test_an_address_the_owner_used_still_gets_few_guesses(desk: Desk, person: str) -> None:
    assert tries(desk, person, PASSWORD) == "in"
    found = [tries(desk, person, "wrong") for _ in range(PAIR.free + 10)]
    assert found == ["wrong"] * PAIR.free + ["wait"] * 10


def test_one_address_that_tries_many_names_is_slowed_down_whether_they_exist_or_not(desk: Desk, person: str) -> None:
    found = [tries(desk, f"{person}-{n}", "wrong") for n in range(ADDRESS.free)]
    assert found == ["wrong"] * ADDRESS.free
    rows = desk.sql("SELECT count(*) FROM people_attempts")
    assert tries(desk, person, PASSWORD) == tries(desk, "nobody-at-all", PASSWORD) == "wait"
    assert desk.sql("SELECT count(*) FROM people_attempts") == rows  # refused names fill no table
    assert tries(desk, person, PASSWORD, ELSEWHERE) == "in"


def test_names_that_do_not_exist_and_closed_accounts_are_answered_alike(desk: Desk, person: str) -> None:
    with unit_of_work(desk.store) as session:
        accounts.close_account(session, desk.account(session, "admin"), desk.account(session, person))
    for name in (person, "nobody", ""):
        found = [tries(desk, name, PASSWORD, f"203.0.113.{len(name)}") for _ in range(PAIR.free + 1)]
        assert found == ["wrong"] * PAIR.free + ["wait"], name


def test_an_unknown_name_costs_a_hash_too(desk: Desk, person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    real = accounts.matches

    def noted(hashed: str, password: str) -> bool:
        compared.append(hashed)
        return real(hashed, password)

    monkeypatch.setattr(accounts, "matches", noted)
    assert tries(desk, person, "wrong") == tries(desk, "nobody", "wrong") == "wrong"
    assert [extract_parameters(item) for item in compared] == [extract_parameters(accounts.UNKNOWN)] * 2


def test_the_hash_of_an_unknown_name_costs_what_the_hash_of_an_account_costs() -> None:
    assert extract_parameters(REAL_UNKNOWN) == extract_parameters(PasswordHasher().hash("any"))
    assert extract_parameters(REAL_UNKNOWN).memory_cost >= 19 * 1024  # KiB


def test_names_are_taken_without_blanks_around_them(desk: Desk, person: str) -> None:
    assert tries(desk, f"  {person} ", PASSWORD) == "in"
    assert tries(desk, person.upper(), PASSWORD) == "wrong"


# --- many at once ----------------------------------------------------------------------------------


def test_of_many_wrong_passwords_at_once_only_the_free_ones_are_looked_at(desk: Desk, person: str) -> None:
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda n: tries(desk, person, f"wrong {n}"), range(24)))
    assert found.count("wrong") == PAIR.free
    assert found.count("wait") == 24 - PAIR.free
    assert failures(desk, Origin.of(b"k" * 32, person, HOME).pair) == PAIR.free


def test_right_passwords_at_once_all_open_and_leave_no_failure(desk: Desk, person: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: tries(desk, person, PASSWORD), range(4)))
    assert found == ["in"] * 4
    origin = Origin.of(b"k" * 32, person, HOME)
    assert [failures(desk, key) for key in (origin.pair, origin.address, origin.account)] == [0, 0, 0]


def test_the_slow_hash_holds_no_connection_and_no_lock(
    desk: Desk, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def slow(_hashed: str, _password: str) -> bool:
        seen.append(desk.store.engine.pool.checkedout())  # type: ignore[attr-defined]
        hashing.set()
        return go_on.wait(20)

    monkeypatch.setattr(accounts, "matches", slow)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(tries, desk, person, PASSWORD)
        assert hashing.wait(20)
        with desk.store.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            connection.exec_driver_sql("SELECT 1 FROM people_account FOR UPDATE")
            connection.exec_driver_sql("SELECT 1 FROM people_attempts FOR UPDATE")
        go_on.set()
        assert waiting.result(20) == "in"
    assert seen == [0]


def test_only_a_few_hashes_take_their_memory_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, guard = [0], [0], threading.Lock()

    class Slow(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its parent's name
            with guard:
                running[0] += 1
                most[0] = max(most[0], running[0])
            threading.Event().wait(0.02)
            with guard:
                running[0] -= 1
            return super().verify(hash, password)

    monkeypatch.setattr(accounts, "_HASHER", Slow(time_cost=1, memory_cost=8, parallelism=1))
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: accounts.matches("$no hash", "x"), range(32)))
    assert found == [False] * 32
    assert 1 <= most[0] <= 4


@pytest.mark.parametrize("what", ["closed", "password changed"])
def test_what_changes_while_the_hash_is_worked_out_counts(
    desk: Desk, person: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    real = accounts.matches

    def meanwhile(hashed: str, password: str) -> bool:
        good = real(hashed, password)
        monkeypatch.setattr(accounts, "matches", real)
        with unit_of_work(desk.store) as session:
            account = desk.account(session, person)
            if what == "closed":
                accounts.close_account(session, desk.account(session, "admin"), account)
            else:
                accounts.change_password(session, account, PASSWORD, "another long password")
        return good

    monkeypatch.setattr(accounts, "matches", meanwhile)
    assert tries(desk, person, PASSWORD) == "wrong"
    assert failures(desk, Origin.of(b"k" * 32, person, HOME).pair) == 1
    assert desk.sql("SELECT count(*) FROM people_session s JOIN people_account a ON a.id = s.account_id WHERE a.name = %s", person) == [(0,)]  # fmt: skip


# --- evidence, sessions, housekeeping --------------------------------------------------------------


def test_reaching_a_limit_leaves_evidence_once_and_names_neither_name_nor_address(desk: Desk, person: str) -> None:
    before = len(desk.entries("sign_in.slowed"))
    for _ in range(PAIR.free + 5):
        tries(desk, person, "wrong")
    found = desk.entries("sign_in.slowed")[before:]
    with unit_of_work(desk.store) as session:
        number = desk.account(session, person).id
    assert len(found) == 1
    assert f'"account":"{number}"' in found[0]
    assert '"limit":"pair"' in found[0]
    assert person not in found[0]
    assert HOME not in found[0]


def test_a_new_session_ends_the_one_the_browser_had(desk: Desk, person: str) -> None:
    origin = Origin.of(b"k" * 32, person, HOME)
    first = sign_in(desk.store, origin, person, PASSWORD)
    other = sign_in(desk.store, origin, person, PASSWORD)
    second = sign_in(desk.store, origin, person, PASSWORD, first)
    with unit_of_work(desk.store) as session:
        assert sessions.resume(session, first) is None
        assert sessions.resume(session, second) is not None
        assert sessions.resume(session, other) is not None  # another browser goes on


def test_a_failed_attempt_ends_no_session(desk: Desk, person: str) -> None:
    token = sign_in(desk.store, Origin.of(b"k" * 32, person, HOME), person, PASSWORD)
    assert tries(desk, person, "wrong", old=token) == "wrong"
    with unit_of_work(desk.store) as session:
        assert sessions.resume(session, token) is not None


@pytest.mark.parametrize(
    ("column", "age", "stays"),
    [
        ("seen_at", sessions.IDLE - timedelta(minutes=5), True),
        ("seen_at", sessions.IDLE + timedelta(minutes=5), False),
        ("created_at", sessions.LONGEST - timedelta(minutes=5), True),
        ("created_at", sessions.LONGEST + timedelta(minutes=5), False),
    ],
)
def test_sessions_end_idle_or_old_and_the_keeper_deletes_the_abandoned_ones(
    desk: Desk, person: str, column: str, age: timedelta, stays: bool
) -> None:
    token = sign_in(desk.store, Origin.of(b"k" * 32, person, HOME), person, PASSWORD)
    desk.sql(f"UPDATE people_session SET {column} = {column} - %s", age)
    run_retention(desk.store)
    assert desk.sql("SELECT count(*) FROM people_session") == [(int(stays),)]
    with unit_of_work(desk.store) as session:
        assert (sessions.resume(session, token) is not None) is stays


def test_being_looked_at_keeps_a_session_from_idling_but_not_from_ageing(desk: Desk, person: str) -> None:
    token = sign_in(desk.store, Origin.of(b"k" * 32, person, HOME), person, PASSWORD)
    for _ in range(6):
        desk.sql(
            "UPDATE people_session SET seen_at = seen_at - %s, created_at = created_at - %s",
            timedelta(minutes=110), timedelta(minutes=110),
        )  # fmt: skip
        with unit_of_work(desk.store) as session:
            assert sessions.resume(session, token) is not None
    desk.sql("UPDATE people_session SET created_at = created_at - %s", timedelta(minutes=110))
    with unit_of_work(desk.store) as session:
        assert sessions.resume(session, token) is None
    assert desk.sql("SELECT count(*) FROM people_session") == [(0,)]


def test_the_database_holds_no_token_that_opens_a_session(desk: Desk, person: str) -> None:
    token = sign_in(desk.store, Origin.of(b"k" * 32, person, HOME), person, PASSWORD)
    (stored, csrf) = desk.sql("SELECT token_hash, csrf FROM people_session")[0]
    assert token.encode() not in bytes(stored)
    assert csrf != token
    with unit_of_work(desk.store) as session:
        assert sessions.resume(session, bytes(stored).hex()) is None
        assert sessions.resume(session, "") is None


def test_the_keeper_deletes_counts_that_slow_nobody_down_and_keeps_the_owners_addresses(
    desk: Desk, person: str
) -> None:
    tries(desk, person, PASSWORD, HOME)
    tries(desk, person, "wrong", ELSEWHERE)
    run_retention(desk.store)
    assert failures(desk, Origin.of(b"k" * 32, person, ELSEWHERE).pair) == 1
    desk.sql("UPDATE people_attempts SET failed_at = failed_at - %s", FORGET + timedelta(minutes=1))
    run_retention(desk.store)
    assert desk.sql("SELECT key FROM people_attempts") == [(Origin.of(b"k" * 32, person, HOME).pair,)]
    desk.sql("UPDATE people_attempts SET known_at = known_at - %s", KNOWN + timedelta(minutes=1))
    run_retention(desk.store)
    assert desk.sql("SELECT count(*) FROM people_attempts") == [(0,)]


# --- passwords -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "good"),
    [
        ("", False),
        ("short pass", False),
        ("123456789012345", False),
        ("aaaaaaaaaaaaaaa", False),
        ("abababababababab", False),
        (PASSWORD, False),
        ("十二个字符的密码就够长了呀", True),
        ("another long password", True),
        ("with ' \" ; -- and \u00e9 \U0001f600", True),
    ],
    ids=["empty", "short", "digits", "one letter", "two letters", "the old one", "chinese", "words", "signs"],
)
def test_a_new_password_is_long_and_not_guessed_at_once(desk: Desk, person: str, new: str, good: bool) -> None:
    if good:
        with unit_of_work(desk.store) as session:
            accounts.change_password(session, desk.account(session, person), PASSWORD, new)
        assert tries(desk, person, new) == "in"
        assert tries(desk, person, PASSWORD) == "wrong"
    else:
        with pytest.raises(InputError) as raised, unit_of_work(desk.store) as session:
            accounts.change_password(session, desk.account(session, person), PASSWORD, new)
        assert raised.value.title.zh
        assert raised.value.remedy.en
        assert tries(desk, person, PASSWORD) == "in"


def test_only_who_knows_the_old_password_sets_a_new_one(desk: Desk, person: str) -> None:
    with pytest.raises(accounts.WrongPasswordError), unit_of_work(desk.store) as session:
        accounts.change_password(session, desk.account(session, person), "wrong", "another long password")
    assert tries(desk, person, PASSWORD) == "in"


def test_a_new_password_ends_every_other_session(desk: Desk, person: str) -> None:
    origin = Origin.of(b"k" * 32, person, HOME)
    mine, other = (sign_in(desk.store, origin, person, PASSWORD) for _ in range(2))
    with unit_of_work(desk.store) as session:
        visitor = sessions.resume(session, mine)
        assert visitor is not None
        account = desk.account(session, person)
        accounts.change_password(session, account, PASSWORD, "another long password", visitor.csrf)
    with unit_of_work(desk.store) as session:
        assert sessions.resume(session, mine) is not None
        assert sessions.resume(session, other) is None


def test_passwords_are_kept_as_argon2id_with_a_salt_each(desk: Desk) -> None:
    kept = [row[0] for row in desk.sql("SELECT password FROM people_account")]
    assert all(item.startswith("$argon2id$") for item in kept)
    assert len(set(kept)) == len(kept)
    assert not any(PASSWORD in item for item in kept)


# --- opening and closing ---------------------------------------------------------------------------


def test_the_first_administrator_is_made_once(desk: Desk) -> None:
    with unit_of_work(desk.store) as session:
        assert accounts.bootstrap(session) is None
    assert sum('"by":"bootstrap"' in item for item in desk.entries("account.opened")) == 1


def test_the_first_passwords_are_random_long_and_have_to_be_changed(desk: Desk, person: str) -> None:
    with unit_of_work(desk.store) as session:
        opened = [accounts.open_account(session, desk.account(session, "admin"), f"{person}{n}", Role.AUDITOR) for n in "ab"]  # fmt: skip
    assert len({item.password for item in opened}) == 2
    assert all(len(item.password) >= 20 and item.account.must_change for item in opened)
    assert not any(opened[0].password in item for item in desk.entries("account.opened"))


@pytest.mark.parametrize("name", ["", "   ", "admin", " admin ", "x" * 65, "a\tb", "a\u202eb", "a\nb"])
def test_a_name_that_is_taken_or_can_not_be_read_is_refused(desk: Desk, name: str) -> None:
    before = desk.sql("SELECT count(*) FROM people_account")
    with pytest.raises(InputError), unit_of_work(desk.store) as session:
        accounts.open_account(session, desk.account(session, "admin"), name, Role.AUDITOR)
    assert desk.sql("SELECT count(*) FROM people_account") == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_opens_and_closes_accounts(desk: Desk, person: str, role: Role) -> None:
    with pytest.raises(NotAllowedError), unit_of_work(desk.store) as session:
        accounts.open_account(session, desk.account(session, desk.name(role)), "new", Role.AUDITOR)
    with pytest.raises(NotAllowedError), unit_of_work(desk.store) as session:
        accounts.close_account(session, desk.account(session, desk.name(role)), desk.account(session, person))
    assert tries(desk, person, PASSWORD) == "in"


def test_closing_ends_the_sessions_leaves_evidence_once_and_keeps_the_first_date(desk: Desk, person: str) -> None:
    token = sign_in(desk.store, Origin.of(b"k" * 32, person, HOME), person, PASSWORD)
    for _ in range(2):
        with unit_of_work(desk.store) as session:
            account = desk.account(session, person)
            accounts.close_account(session, desk.account(session, "admin"), account)
            closed = account.closed_at
    assert desk.sql("SELECT closed_at FROM people_account WHERE name = %s", person) == [(closed,)]
    assert sum(account.id in item for item in desk.entries("account.closed")) == 1
    with unit_of_work(desk.store) as session:
        assert sessions.resume(session, token) is None


def test_nobody_closes_their_own_account_so_the_last_administrator_stays(desk: Desk) -> None:
    with unit_of_work(desk.store) as session:
        admin = desk.account(session, "admin")
        with pytest.raises(NotAllowedError):
            accounts.close_account(session, admin, admin)
    assert tries(desk, "admin", PASSWORD) == "in"


def test_two_administrators_who_close_each_other_at_once_do_not_both_succeed(desk: Desk) -> None:
    names = ("first-of-two", "second-of-two")
    for name in names:
        desk.add(name, Role.ADMINISTRATOR)
    both = threading.Barrier(2, timeout=20)

    def close(by: str, other: str) -> bool:
        try:
            with unit_of_work(desk.store) as session:
                closer, closed = desk.account(session, by), desk.account(session, other)
                both.wait()
                accounts.close_account(session, closer, closed)
        except NotAllowedError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(close, names, reversed(names)))
    assert sorted(done) == [False, True]
    assert len(desk.sql("SELECT 1 FROM people_account WHERE name LIKE '%%-of-two' AND closed_at IS NULL")) == 1
