"""The step from the lock on an account to the counts: accounts stay, in both directions."""

from __future__ import annotations

from importlib.resources import files

from alembic import command

from hegui.people.permits import Role
from hegui.people.sign_in import sign_in
from hegui.people.throttle import Origin
from hegui.store.migrate import config, migrate
from tests.unit.people.desk import PASSWORD, Desk


def test_accounts_outlive_the_step_and_its_undoing(desk: Desk) -> None:
    before = desk.sql("SELECT id, name, role, password FROM people_account ORDER BY id")
    with desk.store.engine.begin() as connection:
        command.downgrade(config(connection, str(files("hegui.store") / "migrations")), "0001")
    assert desk.sql("SELECT DISTINCT failures, locked_until FROM people_account") == [(0, None)]
    desk.sql("UPDATE people_account SET failures = 4, locked_until = now() + interval '1 day'")
    migrate(desk.store)
    assert desk.sql("SELECT id, name, role, password FROM people_account ORDER BY id") == before
    name = desk.name(Role.AUDITOR)
    assert sign_in(desk.store, Origin.of(b"k" * 32, name, "192.0.2.1"), name, PASSWORD)
