"""The unit of work: one transaction a request or command; the only place that commits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from hegui.kit.errors import StoreError
from hegui.kit.text import Bi

_FULL = ("53100", "53200", "53300")


def sqlalchemy_url(url: str) -> str:
    """Return a PostgreSQL URL with the driver that hegui uses."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise StoreError(
        Bi("数据库地址不是 PostgreSQL", "the database URL is not a PostgreSQL one"),
        Bi("写成 postgresql://用户:密码@主机/库", "write postgresql://user:password@host/database"),
    )


def masked(url: str) -> str:
    """Return a database URL fit to be shown: without its password."""
    return re.sub(r"(://[^:@/]*:)[^@]*@", r"\1***@", url)


def driver_url(url: str) -> str:
    """Return a PostgreSQL URL as the driver alone reads it."""
    return "postgresql://" + sqlalchemy_url(url).partition("://")[2]


def store_error(error: Exception) -> StoreError:
    """Return what a database failure means to a person and what to do next."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if state in _FULL:
        return StoreError(
            Bi("数据库无法写入：磁盘已满或资源不足", "the database can not write: disk full or out of resources"),
            Bi("腾出磁盘空间后重试；已提交的记录未受影响", "free disk space and try again; committed records are safe"),
        )
    return StoreError(
        Bi(f"数据库不可用：{error}".strip(), f"the database is not available: {error}".strip()),
        Bi(
            "检查 PostgreSQL 是否运行、地址是否正确，然后重试",
            "check that PostgreSQL runs at that address, then try again",
        ),
    )


@dataclass(frozen=True)
class Store:
    """A handle on the database; cheap to pass around, opened once a process."""

    url: str
    engine: Engine

    @classmethod
    def open(cls, url: str) -> Store:
        """Open an engine that survives a database that goes away and comes back; raise StoreError for a bad URL."""
        try:
            engine = create_engine(sqlalchemy_url(url), pool_pre_ping=True, pool_size=5, max_overflow=10)
        except (ValueError, ArgumentError):
            raise StoreError(
                Bi(f"数据库地址无法理解：{masked(url)}", f"the database URL can not be read: {masked(url)}"),
                Bi("写成 postgresql://用户:密码@主机:端口/库", "write postgresql://user:password@host:port/database"),
            ) from None
        return cls(url, engine)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    def alive(self) -> bool:
        """Say whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True


class _Unit(Session):
    """A session whose transaction only its unit of work ends."""

    def commit(self) -> None:
        """Refuse: what the rest of the unit does would no longer stand or fall with it."""
        raise RuntimeError("only the unit of work commits; raise an error to roll back")


_open: ContextVar[frozenset[Engine]] = ContextVar("open units of work", default=frozenset())


@contextmanager
def unit_of_work(store: Store) -> Iterator[Session]:
    """Open a session, commit at the end, roll back on any error.

    Raises StoreError when the database is away or full; nothing is half done then. Nobody else
    commits: the session refuses, and so does a unit of work inside another on the same store.
    """
    if store.engine in _open.get():
        raise RuntimeError("a unit of work inside another: half of it could be kept without the other half")
    token = _open.set(_open.get() | {store.engine})
    session = _Unit(store.engine, expire_on_commit=False)
    try:
        yield session
        Session.commit(session)
    except OperationalError as error:
        session.rollback()
        raise store_error(error) from error
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
        _open.reset(token)


@contextmanager
def attempt(session: Session) -> Iterator[None]:
    """Do a part of a unit that may fail without the rest: on an error what it did is undone, and the error goes on."""
    with session.begin_nested():
        yield
