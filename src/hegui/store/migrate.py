"""Bringing a database to the newest schema, by Alembic, under a lock."""

from __future__ import annotations

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from hegui.kit.errors import StoreError
from hegui.kit.text import Bi
from hegui.store.unit import Store, store_error

_LOCK = 0x68656775


def config(connection: Connection, scripts: str) -> Config:
    """Return Alembic's configuration for one open connection."""
    settings = Config()
    settings.set_main_option("script_location", scripts)
    settings.attributes["connection"] = connection
    return settings


def migrate(store: Store) -> None:
    """Apply the migrations that are missing; safe to call from several processes at once.

    Raises StoreError when the database is away, may not be changed, or was made by a newer hegui.
    """
    try:
        with as_file(files("hegui.store") / "migrations") as scripts, store.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            settings = config(connection, str(scripts))
            _refuse_newer(settings, MigrationContext.configure(connection).get_current_heads())
            command.upgrade(settings, "head")
    except ProgrammingError as error:
        raise StoreError(
            Bi(f"数据库结构无法升级：{error.orig}".strip(), f"the schema can not be brought up: {error.orig}".strip()),
            Bi(
                "用一个空库，并授予该用户建表权限",
                "give an empty database, and a user who may create tables in it",
            ),
        ) from error
    except DBAPIError as error:
        raise store_error(error) from error


def _refuse_newer(settings: Config, found: tuple[str, ...]) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if unknown := set(found) - known:
        raise StoreError(
            Bi(
                f"数据库由更新版本的 hegui 建立（结构版本 {min(unknown)}）",
                f"a newer hegui made this database (schema {min(unknown)})",
            ),
            Bi("升级 hegui，或从备份恢复旧库", "upgrade hegui, or restore the older database from a backup"),
        )
