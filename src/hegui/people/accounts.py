"""Accounts: the first administrator, opening and closing, signing in with a slow hash and a lock-out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.kit import clock, ids
from hegui.kit.errors import InputError, NotAllowedError
from hegui.kit.text import Bi
from hegui.people.models import Account, SessionRow
from hegui.people.permits import Act, Role, require

_HASHER = PasswordHasher()
_UNKNOWN = _HASHER.hash(secrets.token_hex(16))
_LEAST = 12
_MOST_FAILURES = 5
_LOCK = timedelta(minutes=15)


class SignInError(NotAllowedError):
    """Name or password is wrong, or the account is locked; the message does not say which."""

    def __init__(self) -> None:
        super().__init__(
            Bi("账号或密码不正确，或账号已被暂时锁定", "name or password is wrong, or the account is locked for now"),
            Bi("核对后重试；连续失败五次会锁定十五分钟", "check and try again; five failures lock for fifteen minutes"),
        )


@dataclass(frozen=True)
class Opened:
    """A new account with the password that is shown once."""

    account: Account
    password: str


def _check_password(password: str) -> None:
    if len(password) < _LEAST or password.isdigit() or len(set(password)) < 5:  # noqa: PLR2004 - a small floor
        raise InputError(
            Bi(
                f"密码过弱：至少 {_LEAST} 个字符，且不能只是数字或重复字符",
                f"weak password: at least {_LEAST} characters, not only digits or repeats",
            ),
            Bi("换一个更长的密码", "choose a longer one"),
        )


def bootstrap(session: Session) -> Opened | None:
    """Make the first administrator when there is no account; the password is random and shown once."""
    if session.scalar(select(func.count()).select_from(Account)):
        return None
    return _open(session, "admin", Role.ADMINISTRATOR, by="bootstrap")


def _open(session: Session, name: str, role: Role, by: str) -> Opened:
    password = secrets.token_urlsafe(15)
    account = Account(
        id=ids.uuid7(), name=name, role=role.value, password=_HASHER.hash(password),
        must_change=True, failures=0, created_at=clock.now(),
    )  # fmt: skip
    session.add(account)
    session.flush()
    leave(session, "account.opened", {"account": account.id, "role": role.value, "by": by})
    return Opened(account, password)


def open_account(session: Session, by: Account, name: str, role: Role) -> Opened:
    """Open an account; only an administrator may; raise InputError for a name that is taken."""
    require(Role(by.role), Act.MANAGE_ACCOUNTS)
    name = name.strip()
    if not name or session.scalar(select(Account).where(Account.name == name)):
        raise InputError(
            Bi(f"账号名 {name!r} 为空或已被使用", f"the account name {name!r} is empty or taken"),
            Bi("换一个名字", "choose another name"),
        )
    return _open(session, name, role, by=by.id)


def close_account(session: Session, by: Account, account: Account) -> None:
    """Close an account and end its sessions; nobody closes their own."""
    require(Role(by.role), Act.MANAGE_ACCOUNTS)
    if by.id == account.id:
        raise NotAllowedError(
            Bi("不能关闭自己的账号", "you can not close your own account"),
            Bi("请另一位系统管理员操作", "ask another administrator"),
        )
    account.closed_at = clock.now()
    for row in session.scalars(select(SessionRow).where(SessionRow.account_id == account.id)):
        session.delete(row)
    leave(session, "account.closed", {"account": account.id, "by": by.id})


def change_password(session: Session, account: Account, old: str, new: str, keep: str = "") -> None:
    """Change one's own password; raise SignInError when the old one is wrong.

    Every other session ends; `keep` is the CSRF token of the one that goes on.
    """
    if not _matches(account.password, old):
        raise SignInError
    _check_password(new)
    if new == old:
        raise InputError(Bi("新密码与旧密码相同", "the new password is the old one"), Bi("换一个", "choose another"))
    for row in session.scalars(select(SessionRow).where(SessionRow.account_id == account.id)):
        if row.csrf != keep:
            session.delete(row)
    account.password, account.must_change = _HASHER.hash(new), False
    leave(session, "account.password_changed", {"account": account.id})


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def check_sign_in(session: Session, name: str, password: str) -> Account | None:
    """Return the account, or None and count the failure; equal work for names that do not exist."""
    account = session.scalar(select(Account).where(Account.name == name.strip()).with_for_update())
    if account is None or account.closed_at is not None:
        _matches(_UNKNOWN, password)
        return None
    good = _matches(account.password, password)
    if account.locked_until is not None and account.locked_until > clock.now():
        return None
    if good:
        account.failures, account.locked_until = 0, None
        return account
    account.failures += 1
    if account.failures >= _MOST_FAILURES:
        account.failures, account.locked_until = 0, clock.now() + _LOCK
        leave(session, "account.locked", {"account": account.id})
    return None
