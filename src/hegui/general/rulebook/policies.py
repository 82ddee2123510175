"""What people do to versions of the policy; the only writer of them: write, try in shadow, put in force, withdraw."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hegui.evidence import leave
from hegui.evidence.entries import make_salt
from hegui.general.content.policy import Policy, PolicyError, read_policy
from hegui.general.rulebook.acts import changed, hold
from hegui.general.rulebook.events import BUS, PolicyLive, PolicyShadowed, PolicyWithdrawn
from hegui.general.rulebook.models import PolicyState, PolicyVersion
from hegui.general.rulebook.rules import LONGEST_POLICY, commitment, reason
from hegui.general.rulebook.standing import wrong
from hegui.kit import clock
from hegui.kit.text import Bi
from hegui.people.models import Account
from hegui.people.permits import Act, Role, require, require_other

_LIST = Bi("刷新页面，查看它现在的状态", "reload the page and look at its present state")


def read_body(body: str, base: Policy) -> Policy:
    """Return the policy that a body makes over the operator's file; raise PolicyError, also for one that is too long."""
    if len(body) > LONGEST_POLICY:
        raise PolicyError(
            Bi(f"策略超过 {LONGEST_POLICY:,} 字", f"the policy is over {LONGEST_POLICY:,} characters"),
            Bi("只写与策略文件不同之处", "write only what differs from the policy file"),
        )
    return read_policy(body, base, "policy")


def write_policy(session: Session, by: Account, body: str, why: str, base: Policy) -> PolicyVersion:
    """Write a version as a draft; raise InputError for YAML that is no policy, or without a reason."""
    require(Role(by.role), Act.WRITE_RULES)
    body = body.replace("\r\n", "\n")
    policy = read_body(body, base)
    why = reason(why, Bi("新策略", "a new policy"))
    hold(session)
    number = (session.scalar(select(func.max(PolicyVersion.number))) or 0) + 1
    version = PolicyVersion(
        number=number, body=body, digest=policy.version, salt=make_salt(), why=why, state=PolicyState.DRAFT,
        author=by.id, written_at=clock.now(),
    )  # fmt: skip
    session.add(version)
    session.flush()
    _leave(session, "policy.written", version, by, why=why)
    return version


def begin_shadow(session: Session, by: Account, version: PolicyVersion, base: Policy) -> None:
    """Try a draft beside the live policy; raise InputError while another one is tried."""
    require(Role(by.role), Act.WRITE_RULES)
    _again(session, version)
    if version.state != PolicyState.DRAFT:
        raise wrong("只有草稿可以进入影子", "only a draft can go into shadow", _LIST)
    other = session.scalar(select(PolicyVersion.number).where(PolicyVersion.state == PolicyState.SHADOW))
    if other is not None:
        raise wrong(
            f"第 {other} 版正在影子中", f"version {other} is in shadow",
            Bi("先让它生效或撤回它", "put it in force or withdraw it first"),
        )  # fmt: skip
    policy = read_body(version.body, base)
    version.state, version.shadow_by, version.shadow_at = PolicyState.SHADOW, by.id, clock.now()
    version.digest = policy.version
    session.flush()
    _leave(session, "policy.shadow", version, by)
    changed(session)
    BUS.tell(session, PolicyShadowed(version.number, version.digest))


def put_in_force(session: Session, by: Account, version: PolicyVersion, base: Policy, urgent_why: str = "") -> None:
    """Let a version decide from now on, and retire the one that did; its author never does.

    From shadow, or straight from a draft with a reason why it can not wait, which is recorded.
    """
    require(Role(by.role), Act.APPROVE_RULES)
    require_other(version.author, by.id)
    _again(session, version)
    if version.state not in {PolicyState.DRAFT, PolicyState.SHADOW}:
        raise wrong("只有草稿或影子中的版本可以生效", "only a draft or a version in shadow can go live", _LIST)
    policy = read_body(version.body, base)
    if version.state == PolicyState.DRAFT:
        version.urgent_why = reason(urgent_why, Bi("不经影子直接生效", "going live without shadow"))
    before = live(session)
    if before is not None:
        before.state, before.ended_by, before.ended_at = PolicyState.RETIRED, by.id, clock.now()
        session.flush()
        _leave(session, "policy.retired", before, by, after=version.number)
    version.state, version.approver, version.live_at = PolicyState.LIVE, by.id, clock.now()
    version.digest = policy.version
    session.flush()
    number = before.number if before else None
    _leave(
        session,
        "policy.live",
        version,
        by,
        before=number,
        shadowed=version.shadow_at is not None,
        why=version.urgent_why,
    )
    changed(session)
    BUS.tell(session, PolicyLive(version.number, version.digest, number))


def withdraw_policy(session: Session, by: Account, version: PolicyVersion, why: str) -> None:
    """Take a draft, or what is in shadow, back: its author may, and an officer; with a reason."""
    require(Role(by.role), Act.WRITE_RULES)
    if version.author != by.id:
        require(Role(by.role), Act.APPROVE_RULES)
    why = reason(why, Bi("撤回", "withdrawing"))
    _again(session, version)
    if version.state not in {PolicyState.DRAFT, PolicyState.SHADOW}:
        raise wrong(
            "只有草稿或影子中的版本可以撤回", "only a draft or a version in shadow can be withdrawn",
            Bi("生效的版本由新版本代替", "a live version is replaced by a new one"),
        )  # fmt: skip
    was = version.state
    version.state, version.ended_by, version.ended_at = PolicyState.WITHDRAWN, by.id, clock.now()
    version.ended_why = why
    session.flush()
    _leave(session, "policy.withdrawn", version, by, why=why)
    if was == PolicyState.SHADOW:
        changed(session)
    BUS.tell(session, PolicyWithdrawn(version.number, version.digest))


def put_up_again(session: Session, by: Account, version: PolicyVersion, why: str, base: Policy) -> PolicyVersion:
    """Write what an earlier version said as a new draft, which goes the whole way again."""
    return write_policy(session, by, version.body, why, base)


def live(session: Session) -> PolicyVersion | None:
    """Return the version that decides, None while the operator's file decides alone."""
    return session.scalar(select(PolicyVersion).where(PolicyVersion.state == PolicyState.LIVE))


def _again(session: Session, version: PolicyVersion) -> None:
    hold(session)
    session.refresh(version)


def _leave(session: Session, kind: str, version: PolicyVersion, by: Account, **more: object) -> None:
    """Leave evidence; the body is told by a commitment, since set answers stand in it."""
    body = commitment(version.salt, version.body)
    said = {"version": version.number, "policy": version.digest, "body": body, "by": by.id}
    leave(session, kind, {**said, **more})
