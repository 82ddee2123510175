"""Pages of people: accounts, keys of applications, waivers, one's own password."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.pages import Page, Redirect, Route, Visit
from hegui.kit.text import Bi
from hegui.people import accounts, api_keys, waivers
from hegui.people.models import Account, Waiver
from hegui.people.permits import PERMITS, ROLE_NAMES, Act, Role


def _missing(what: Bi, where: Bi) -> InputError:
    return InputError(Bi(f"没有这个{what.zh}", f"there is no such {what.en}"), where)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(
            Bi(f"日期 {text!r} 无法理解", f"the date {text!r} can not be read"),
            Bi("写成 2026-12-31", "write it as 2026-12-31"),
        ) from None


def list_accounts(visit: Visit, opened: accounts.Opened | None = None) -> Page:
    """Show the accounts and who may do what."""
    rows = visit.session.scalars(select(Account).order_by(Account.created_at)).all()
    values = {"rows": rows, "roles": ROLE_NAMES, "permits": PERMITS, "opened": opened}
    return Page("people/accounts.html", Bi("账号与权限", "Accounts"), values)


def open_account(visit: Visit) -> Page:
    """Open an account and show its first password once."""
    try:
        role = Role(visit.form.get("role", ""))
    except ValueError:
        raise InputError(Bi("未知角色", "unknown role"), Bi("从列表中选择", "choose from the list")) from None
    return list_accounts(visit, accounts.open_account(visit.session, visit.person, visit.form.get("name", ""), role))


def close_account(visit: Visit) -> Redirect:
    """Close an account."""
    account = visit.session.get(Account, visit.path["id"])
    if account is None:
        raise _missing(Bi("账号", "account"), Bi("回到账号列表", "go back to the accounts"))
    accounts.close_account(visit.session, visit.person, account)
    return Redirect("/accounts")


def list_keys(visit: Visit, issued: api_keys.IssuedKey | None = None) -> Page:
    """Show the keys of applications."""
    values = {"rows": api_keys.list_keys(visit.session), "issued": issued}
    return Page("people/keys.html", Bi("应用密钥", "API keys"), values)


def create_key(visit: Visit) -> Page:
    """Create a key and show it once."""
    return list_keys(visit, api_keys.create_key(visit.session, visit.form.get("service", ""), visit.person.id))


def revoke_key(visit: Visit) -> Redirect:
    """Revoke a key."""
    api_keys.revoke_key(visit.session, visit.path["id"], visit.person.id)
    return Redirect("/keys")


def list_waivers(visit: Visit, error: InputError | None = None) -> Page:
    """Show the waivers, the expired ones too; after a mistake with what was typed, so that nothing is lost."""
    rows = visit.session.scalars(select(Waiver).order_by(Waiver.written_at.desc())).all()
    names = {row.id: row.name for row in visit.session.scalars(select(Account))}
    typed = {key: visit.form.get(key, "") for key in ("obligation", "reason", "expires")}
    typed["obligation"] = typed["obligation"] or visit.query.get("obligation", "")
    values = {"rows": rows, "names": names, "typed": typed, "error": error, "today": clock.today()}
    return Page("people/waivers.html", Bi("豁免", "Waivers"), values, 400 if error else 200)


def write_waiver(visit: Visit) -> Page | Redirect:
    """Ask for a waiver."""
    form = visit.form
    try:
        expires = _day(form.get("expires", ""))
        waivers.write_waiver(
            visit.session, visit.person, form.get("obligation", "").strip(), form.get("reason", ""), expires
        )
    except InputError as error:
        return list_waivers(visit, error)
    return Redirect("/waivers")


def approve_waiver(visit: Visit) -> Redirect:
    """Approve a waiver that another person wrote."""
    waiver = visit.session.get(Waiver, visit.path["id"], with_for_update=True)
    if waiver is None:
        raise _missing(Bi("豁免", "waiver"), Bi("回到豁免列表", "go back to the waivers"))
    waivers.approve_waiver(visit.session, visit.person, waiver)
    return Redirect("/waivers")


def password(_visit: Visit) -> Page:
    """Show the form to change one's own password."""
    return Page("people/password.html", Bi("修改密码", "Change password"))


def change_password(visit: Visit) -> Redirect:
    """Change one's own password."""
    form = visit.form
    if form.get("new") != form.get("again"):
        raise InputError(Bi("两次输入的新密码不同", "the two new passwords differ"), Bi("重新输入", "type them again"))
    account = visit.session.get(Account, visit.person.id)
    accounts.change_password(visit.session, account, form.get("old", ""), form.get("new", ""), form.get("csrf", ""))
    return Redirect("/")


ROUTES = (
    Route("/accounts", Act.MANAGE_ACCOUNTS, list_accounts, menu=Bi("账号", "Accounts")),
    Route("/accounts", Act.MANAGE_ACCOUNTS, open_account, methods=("POST",)),
    Route("/accounts/{id}/close", Act.MANAGE_ACCOUNTS, close_account, methods=("POST",)),
    Route("/keys", Act.MANAGE_KEYS, list_keys, menu=Bi("密钥", "Keys")),
    Route("/keys", Act.MANAGE_KEYS, create_key, methods=("POST",)),
    Route("/keys/{id}/revoke", Act.MANAGE_KEYS, revoke_key, methods=("POST",)),
    Route("/waivers", Act.READ_BOARD, list_waivers, menu=Bi("豁免", "Waivers")),
    Route("/waivers", Act.WRITE_WAIVER, write_waiver, methods=("POST",)),
    Route("/waivers/{id}/approve", Act.APPROVE_WAIVER, approve_waiver, methods=("POST",)),
    Route("/password", Act.READ_BOARD, password),
    Route("/password", Act.READ_BOARD, change_password, methods=("POST",)),
)
