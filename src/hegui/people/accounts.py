"""Accounts: the first administrator, opening and closing, passwords behind a slow hash."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

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
UNKNOWN = _HASHER.hash(secrets.token_hex(16))
"""What the password of a name that does not exist is compared with, so that it takes the same work."""
_AT_ONCE = threading.BoundedSemaphore(4)
_LEAST = 12
_LONGEST_NAME = 64


class SignInError(NotAllowedError):
    """Name or password is wrong; the message does not say which."""

    def __init__(self) -> None:
        super().__init__(
            Bi("账号或密码不正确", "name or password is wrong"),
            Bi("核对后重试；连续失败后须等待", "check and try again; after several failures you have to wait"),
        )


class WrongPasswordError(InputError):
    """The present password that somebody gives to change it is not theirs."""

    def __init__(self) -> None:
        super().__init__(
            Bi("现在的密码不正确，密码未修改", "the present password is wrong; nothing was changed"),
            Bi("核对后重试", "check and try again"),
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
        must_change=True, created_at=clock.now(),
    )  # fmt: skip
    session.add(account)
    session.flush()
    leave(session, "account.opened", {"account": account.id, "role": role.value, "by": by})
    return Opened(account, password)


def open_account(session: Session, by: Account, name: str, role: Role) -> Opened:
    """Open an account; only an administrator may; raise InputError for a name that is taken or unfit."""
    require(Role(by.role), Act.MANAGE_ACCOUNTS)
    name = name.strip()
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(
            Bi(
                f"账号名过长（至多 {_LONGEST_NAME} 个字符）或含有不可见字符",
                f"the account name is too long (at most {_LONGEST_NAME} characters) or has invisible characters",
            ),
            Bi("换一个名字", "choose another name"),
        )
    if not name or session.scalar(select(Account).where(Account.name == name)):
        raise InputError(
            Bi(f"账号名 {name!r} 为空或已被使用", f"the account name {name!r} is empty or taken"),
            Bi("换一个名字", "choose another name"),
        )
    return _open(session, name, role, by=by.id)


def open_named(session: Session, name: str) -> Account | None:
    """Return the account of a name, None for one that does not exist or is closed."""
    return session.scalar(select(Account).where(Account.name == name, Account.closed_at.is_(None)))


def account_named(session: Session, name: str) -> Account:
    """Return the account of a name that a command was given; raise InputError for none."""
    found = open_named(session, name)
    if found is None:
        raise InputError(
            Bi(f"没有名为 {name} 的账号", f"there is no account named {name}"),
            Bi("在控制台查看账号", "look at the accounts in the console"),
        )
    return found


def close_account(session: Session, by: Account, account: Account) -> None:
    """Close an account and end its sessions; nobody closes their own, and one administrator always stays."""
    require(Role(by.role), Act.MANAGE_ACCOUNTS)
    if by.id == account.id:
        raise NotAllowedError(
            Bi("不能关闭自己的账号", "you can not close your own account"),
            Bi("请另一位系统管理员操作", "ask another administrator"),
        )
    # Locked in one order, so that two administrators who close each other do not both succeed.
    open_administrators = session.scalars(
        select(Account.id)
        .where(Account.role == Role.ADMINISTRATOR.value, Account.closed_at.is_(None))
        .order_by(Account.id)
        .with_for_update()
    ).all()
    if by.id not in open_administrators:
        raise NotAllowedError(
            Bi("您的账号刚刚被关闭", "your own account has just been closed"),
            Bi("请另一位系统管理员操作", "ask another administrator"),
        )
    if account.closed_at is not None:
        return
    account.closed_at = clock.now()
    for row in session.scalars(select(SessionRow).where(SessionRow.account_id == account.id)):
        session.delete(row)
    leave(session, "account.closed", {"account": account.id, "by": by.id})


def change_password(session: Session, account: Account, old: str, new: str, keep: str = "") -> None:
    """Change one's own password; raise WrongPasswordError when the old one is wrong.

    Every other session ends; `keep` is the CSRF token of the one that goes on.
    """
    present = account.password
    if not matches(present, old):
        raise WrongPasswordError
    _check_password(new)
    if new == old:
        raise InputError(Bi("新密码与旧密码相同", "the new password is the old one"), Bi("换一个", "choose another"))
    hashed = _HASHER.hash(new)
    # Locked, so that nobody signs in with the old password meanwhile and stays.
    session.refresh(account, with_for_update=True)
    if account.password != present:
        raise WrongPasswordError
    for row in session.scalars(select(SessionRow).where(SessionRow.account_id == account.id)):
        if row.csrf != keep:
            session.delete(row)
    account.password, account.must_change = hashed, False
    leave(session, "account.password_changed", {"account": account.id})


def matches(hashed: str, password: str) -> bool:
    """Say whether a password is the one behind an argon2id hash; some 50 ms of work, whatever the answer.

    A hash takes 64 MiB, so only a few are worked out at once; the others wait for their turn.
    """
    with _AT_ONCE:
        try:
            return _HASHER.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False
