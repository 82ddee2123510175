"""What the commands of the rulebook share: a unit of work as somebody, and the flags of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.kit.commands import data_option, guarded, json_option, settings_of, unicode_only
from hegui.kit.errors import InputError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people.accounts import account_named
from hegui.people.models import Account
from hegui.store import unit_of_work
from hegui.store.opened import opened

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Desk:
    """What a command works with: a session, the operator's files, who acts."""

    session: Session
    settings: Settings
    person: Account | None = None

    @property
    def by(self) -> Account:
        """Return who acts."""
        if self.person is None:
            raise InputError(Bi("没有给出 --as", "--as is missing"), Bi("给出账号名", "name an account"))
        return self.person


@contextmanager
def desk(data: Path | None, account: str | None = None) -> Iterator[Desk]:
    """Open a unit of work, as an account where one is named; that it was done here is on record."""
    settings = settings_of(data=data)
    with opened(settings) as store, unit_of_work(store) as session:
        if account is None:
            yield Desk(session, settings)
            return
        person = account_named(session, account)
        leave(
            session,
            "rules.command",
            {"as": person.id, "command": " ".join(click.get_current_context().command_path.split()[1:])},
        )
        yield Desk(session, settings, person)


def why_option(command: F) -> F:
    """Give a command a reason."""
    return click.option("--why", default="", help="理由。 / The reason.")(command)


def reading(command: Callable[..., int | None]) -> Callable[..., None]:
    """Give a command what all that ask something have."""
    return data_option(json_option(guarded(unicode_only(command))))


def acting(command: Callable[..., int | None]) -> Callable[..., None]:
    """Give a command what all that do something have: an account that acts."""
    return click.option("--as", "account", required=True, help="以哪个账号行事。 / The account that acts.")(
        reading(command)
    )


def listed(lines: list[str]) -> list[str]:
    """Return the lines of a list for a person, or that there are none."""
    return lines or [Bi("没有", "none").both]
