"""`hegui releases`: grants and the log from a terminal; what is decided is decided as an account that is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.box import Box
from hegui.evidence.keyring import open_keyring
from hegui.kit import clock
from hegui.kit.commands import data_option, guarded, json_option, say, settings_of, unicode_only
from hegui.kit.errors import InputError
from hegui.kit.files import write_atomic
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people.accounts import account_named
from hegui.people.models import Account
from hegui.service.releases import acts, clauses, handing, queries
from hegui.service.releases.models import GRANT_STATES, Grant
from hegui.store import unit_of_work
from hegui.store.opened import opened

_OPERATOR = "command-line"


@click.group()
def releases() -> None:
    """无显式标识内容的提供：许可与日志。 / Content given without the explicit label: grants and their log."""


@contextmanager
def _session(data: Path | None) -> Iterator[tuple[Session, Settings]]:
    settings = settings_of(data=data)
    with opened(settings) as store, unit_of_work(store) as session:
        yield session, settings


def _data(row: Grant) -> dict[str, Any]:
    return {
        "id": row.id, "service": row.service, "person": row.person, "kinds": row.kinds, "days": row.days,
        "most": row.most, "used": row.used, "state": row.state_at(clock.now()).value, "clause": row.clause,
        "requested": row.requested_at, "accepted": row.accepted_at, "lapses": row.lapses_at, "reason": row.reason,
    }  # fmt: skip


def _line(row: Grant) -> str:
    state = GRANT_STATES[row.state_at(clock.now())].both
    return f"{row.id}  {row.service}  {row.person[:8]}  {','.join(row.kinds)}  {row.used}  {state}"


@releases.command("clause", epilog="例 / example: hegui releases clause --data data")
@data_option
@json_option
@guarded
def clause_command(data: Path | None, *, as_json: bool) -> None:
    """显示现行条款及其摘要。 / Show the clause in force and its digest."""
    found = clauses.clause_of(settings_of(data=data).unlabelled_clause)
    say(found.as_dict(), [f"{found.version}  {found.digest}", "", found.text.zh, "", found.text.en], as_json=as_json)


@releases.command("list", epilog="例 / example: hegui releases list --data data --service chat")
@data_option
@click.option("--service", default="", help="服务名。 / Name of the service.")
@click.option(
    "--user",
    default="",
    help="应用中的用户名，只用于换成假名查找。 / The application's user, to find by its pseudonym.",
)
@json_option
@guarded
@unicode_only
def list_command(data: Path | None, service: str, user: str, *, as_json: bool) -> None:
    """列出申请与许可。 / List requests and grants."""
    if user and not service:
        raise InputError(Bi("查找用户须给出服务", "a user is one of a service"), Bi("加上 --service", "add --service"))
    with _session(data) as (session, settings):
        person = open_keyring(settings.data).person(service, user) if user else ""
        found = list(queries.grants(session, queries.Filter(service=service, person=person), clock.now()))
        rows = found[: queries.PAGE]
        if len(found) > len(rows):
            click.echo(
                f"只列最新 {len(rows)} 份，其余见控制台 / the newest {len(rows)}; the console has the rest", err=True
            )
        say([_data(row) for row in rows], [_line(row) for row in rows], as_json=as_json)


def _acting(
    name: str, zh: str, en: str, act: Callable[[Session, Settings, str, Account, str], Grant], *, why: bool
) -> None:
    """Add a command by which a named account decides about a grant."""

    @releases.command(
        name,
        help=f"{zh} / {en}",
        epilog=f"例 / example: hegui releases {name} --data data --as officer 0199…" + (" --why 理由" if why else ""),
    )
    @data_option
    @click.option("--as", "account", required=True, help="以哪个账号行事。 / The account that acts.")
    @click.option("--why", default="", help="理由，会告知用户。 / The reason, which the user is told.")
    @click.argument("number")
    @json_option
    @guarded
    @unicode_only
    def command(data: Path | None, account: str, why: str, number: str, *, as_json: bool) -> None:
        with _session(data) as (session, settings):
            person = account_named(session, account)
            row = act(session, settings, number, person, why)
            leave(session, "release.command", {"as": person.id, "command": f"releases {name}", "grant": row.id})
            say(_data(row), [_line(row)], as_json=as_json)


_acting("approve", "批准已承诺的申请。", "Approve a request that was accepted.",
        lambda session, settings, number, by, _why: acts.approve(session, number, by, settings), why=False)  # fmt: skip
_acting("refuse", "拒绝申请，理由告知用户。", "Refuse a request; the user is told why.",
        lambda session, _settings, number, by, why: acts.refuse(session, number, by, why), why=True)  # fmt: skip
_acting("revoke", "撤销许可，立即生效。", "Revoke a grant, at once.",
        lambda session, _settings, number, by, why: acts.revoke(session, number, by, why), why=True)  # fmt: skip


@releases.command("log", epilog="例 / example: hegui releases log --data data --out log.xlsx --first 2026-06-01")
@data_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help=".csv 或 .xlsx 文件。 / A .csv or .xlsx file."
)
@click.option("--first", default="", help="起始日。 / The first day.")
@click.option("--last", default="", help="终止日。 / The last day.")
@json_option
@guarded
@unicode_only
def log_command(data: Path | None, out: Path, first: str, last: str, *, as_json: bool) -> None:
    """导出提供日志，供检查。 / Export the log for an inspector."""
    if not out.absolute().parent.is_dir() or out.is_dir():
        raise InputError(
            Bi(f"不能写 {out}", f"can not write {out}"),
            Bi("给出已有目录中的文件名", "name a file in a folder that exists"),
        )
    with _session(data) as (session, settings):
        span = (handing.day(first, handing.first_day(settings)), handing.day(last, clock.today()))
        box = Box(open_keyring(settings.data))
        made, _, count = handing.hand_over(session, box, out.suffix.lower().lstrip("."), span, _OPERATOR)
        try:
            write_atomic(out, made, mode=0o600)
        except OSError as error:
            raise InputError(
                Bi(f"不能写 {out}：{error.strerror}", f"can not write {out}: {error.strerror}"),
                Bi("检查路径、权限与空间", "check the path, its permissions and the space left"),
            ) from None
    say({"out": str(out), "count": count}, [f"已导出 exported {count} 条 → {out}"], as_json=as_json)
