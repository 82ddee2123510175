"""Bringing a database to the newest schema, by Alembic, under a lock."""

from __future__ import annotations

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from hegui.store.unit import Store, store_error

_LOCK = 0x68656775


def config(connection: Connection, scripts: str) -> Config:
    """Return Alembic's configuration for one open connection."""
    settings = Config()
    settings.set_main_option("script_location", scripts)
    settings.attributes["connection"] = connection
    return settings


def migrate(store: Store) -> None:
    """Apply the migrations that are missing; safe to call from several processes at once."""
    try:
        with as_file(files("hegui.store") / "migrations") as scripts, store.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            command.upgrade(config(connection, str(scripts)), "head")
    except OperationalError as error:
        raise store_error(error) from error
