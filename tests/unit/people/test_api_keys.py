"""API keys: shown once, kept as a hash, of one service, over for good once revoked."""

from __future__ import annotations

from hashlib import sha256

import pytest

from hegui.kit import ids
from hegui.kit.errors import InputError
from hegui.people import api_keys
from hegui.people.api_keys import IssuedKey
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk


def issue(desk: Desk, service: str = "chat") -> IssuedKey:
    with unit_of_work(desk.store) as session:
        return api_keys.create_key(session, service, "tester")


def revision(desk: Desk) -> int:
    found = desk.sql("SELECT value FROM store_revision")
    return int(found[0][0]) if found else 0


def test_a_key_is_long_random_and_each_its_own(desk: Desk) -> None:
    made = [issue(desk).secret for _ in range(20)]
    assert len(set(made)) == 20
    assert all(item.startswith("hg-") and len(item) >= 3 + 43 for item in made)  # 256 bits in base64


def test_only_the_hash_and_the_last_four_letters_are_kept_anywhere(desk: Desk) -> None:
    issued = issue(desk)
    kept = desk.sql("SELECT key_hash, hint FROM people_api_key WHERE id = %s", issued.id)
    assert [(bytes(kept[0][0]), kept[0][1])] == [(sha256(issued.secret.encode()).digest(), issued.secret[-4:])]
    everything = "".join(
        str(desk.sql(f"SELECT string_agg(t::text, ' ') FROM {name} t"))
        for (name,) in desk.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    )
    assert issued.id in everything
    assert issued.secret not in everything
    assert issued.secret.removeprefix("hg-")[:12] not in everything


def test_creating_and_revoking_tell_the_workers_and_leave_evidence(desk: Desk) -> None:
    before = revision(desk)
    issued = issue(desk)
    assert revision(desk) == before + 1
    with unit_of_work(desk.store) as session:
        api_keys.revoke_key(session, issued.id, "another")
    assert revision(desk) == before + 2
    (created,) = [item for item in desk.entries("key.created") if issued.id in item]
    (revoked,) = [item for item in desk.entries("key.revoked") if issued.id in item]
    assert '"by":"tester"' in created
    assert '"by":"another"' in revoked
    assert issued.secret not in created + revoked


def test_revoking_twice_changes_nothing_more(desk: Desk) -> None:
    issued = issue(desk)
    for _ in range(2):
        with unit_of_work(desk.store) as session:
            api_keys.revoke_key(session, issued.id, "tester")
        found = desk.sql("SELECT revoked_at FROM people_api_key WHERE id = %s", issued.id)
    assert found[0][0] is not None
    assert sum(issued.id in item for item in desk.entries("key.revoked")) == 1


@pytest.mark.parametrize("number", ["", "x", "-" * 36, ids.uuid7(), ids.uuid7().upper(), "' OR 1=1 --", "\0" * 36])
def test_a_key_that_is_not_there_is_said_so(desk: Desk, number: str) -> None:
    issue(desk)
    before = desk.sql("SELECT count(*) FROM people_api_key WHERE revoked_at IS NULL")
    with pytest.raises(InputError) as raised, unit_of_work(desk.store) as session:
        api_keys.revoke_key(session, number, "tester")
    assert "hegui keys list" in raised.value.remedy.en
    assert desk.sql("SELECT count(*) FROM people_api_key WHERE revoked_at IS NULL") == before


@pytest.mark.parametrize(
    "name", ["", " ", "Chat", "-chat", ".chat", "a b", "聊天", "a/b", "a" * 64, "a\n", "a\0", "<b>"]
)
def test_a_service_has_a_plain_name(desk: Desk, name: str) -> None:
    before = desk.sql("SELECT count(*) FROM people_service")
    with pytest.raises(InputError):
        issue(desk, name)
    assert desk.sql("SELECT count(*) FROM people_service") == before


@pytest.mark.parametrize("name", ["a", "0", "chat-2.v_1", "a" * 63])
def test_a_service_is_opened_once_and_keys_are_of_their_service(desk: Desk, name: str) -> None:
    first, second = issue(desk, name), issue(desk, name)
    assert first.service == second.service == name
    assert desk.sql("SELECT count(*) FROM people_service WHERE name = %s", name) == [(1,)]
    assert sum(f'"service":"{name}"' in item for item in desk.entries("service.opened")) == 1
    assert desk.sql("SELECT count(*) FROM people_api_key WHERE service = %s", name) == [(2,)]


def test_the_list_is_newest_first_and_holds_the_revoked_ones(desk: Desk) -> None:
    first, second = issue(desk), issue(desk)
    with unit_of_work(desk.store) as session:
        api_keys.revoke_key(session, first.id, "tester")
    with unit_of_work(desk.store) as session:
        rows = api_keys.list_keys(session)
    assert [row.id for row in rows[:2]] == [second.id, first.id]
    assert rows[1].revoked_at is not None
