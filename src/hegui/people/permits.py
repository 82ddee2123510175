"""Who may do what: one table. The law's common practice keeps these roles apart (三员分立)."""

from __future__ import annotations

from enum import StrEnum

from hegui.kit.errors import NotAllowedError
from hegui.kit.text import Bi


class Role(StrEnum):
    """The roles; an account has exactly one."""

    ADMINISTRATOR = "administrator"  # 系统管理员
    COMPLIANCE_OFFICER = "compliance_officer"  # 合规负责人
    REVIEWER = "reviewer"  # 审核员
    AUDITOR = "auditor"  # 安全审计员


ROLE_NAMES: dict[Role, Bi] = {
    Role.ADMINISTRATOR: Bi("系统管理员", "administrator"),
    Role.COMPLIANCE_OFFICER: Bi("合规负责人", "compliance officer"),
    Role.REVIEWER: Bi("审核员", "reviewer"),
    Role.AUDITOR: Bi("安全审计员", "auditor"),
}


class Act(StrEnum):
    """Acts that a role is needed for."""

    READ_BOARD = "read_board"  # 查看合规总览
    READ_EXCHANGES = "read_exchanges"  # 查看交互记录
    READ_CONTENT = "read_content"  # 查看正文
    MANAGE_ACCOUNTS = "manage_accounts"  # 管理账号
    MANAGE_KEYS = "manage_keys"  # 管理应用密钥
    WRITE_WAIVER = "write_waiver"  # 申请豁免
    APPROVE_WAIVER = "approve_waiver"  # 批准豁免
    EXPORT_EVIDENCE = "export_evidence"  # 导出证据
    REVIEW = "review"  # 人工审核
    SETTLE_REVIEW = "settle_review"  # 裁定复审分歧
    EXPORT_LABELS = "export_labels"  # 导出标注与用例
    WRITE_RULES = "write_rules"  # 提议词、代答与策略
    APPROVE_RULES = "approve_rules"  # 批准词、代答与策略
    READ_RELEASES = "read_releases"  # 查看无显式标识的提供
    DECIDE_RELEASES = "decide_releases"  # 批准、拒绝、撤销无显式标识的提供
    EXPORT_RELEASES = "export_releases"  # 导出提供日志
    READ_UPLOADS = "read_uploads"  # 查看上传内容的核验


_EVERYONE = frozenset(Role)

PERMITS: dict[Act, frozenset[Role]] = {
    Act.READ_BOARD: _EVERYONE,
    Act.READ_EXCHANGES: frozenset({Role.COMPLIANCE_OFFICER, Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR}),
    Act.READ_CONTENT: frozenset({Role.COMPLIANCE_OFFICER, Role.REVIEWER}),
    Act.MANAGE_ACCOUNTS: frozenset({Role.ADMINISTRATOR}),
    Act.MANAGE_KEYS: frozenset({Role.ADMINISTRATOR}),
    Act.WRITE_WAIVER: frozenset({Role.COMPLIANCE_OFFICER, Role.REVIEWER}),
    Act.APPROVE_WAIVER: frozenset({Role.COMPLIANCE_OFFICER}),
    Act.EXPORT_EVIDENCE: frozenset({Role.COMPLIANCE_OFFICER, Role.AUDITOR}),
    Act.REVIEW: frozenset({Role.COMPLIANCE_OFFICER, Role.REVIEWER}),
    Act.SETTLE_REVIEW: frozenset({Role.COMPLIANCE_OFFICER}),
    Act.EXPORT_LABELS: frozenset({Role.COMPLIANCE_OFFICER}),
    Act.WRITE_RULES: frozenset({Role.COMPLIANCE_OFFICER, Role.REVIEWER}),
    Act.APPROVE_RULES: frozenset({Role.COMPLIANCE_OFFICER}),
    Act.READ_RELEASES: frozenset({Role.COMPLIANCE_OFFICER, Role.AUDITOR}),
    Act.DECIDE_RELEASES: frozenset({Role.COMPLIANCE_OFFICER}),
    Act.EXPORT_RELEASES: frozenset({Role.COMPLIANCE_OFFICER, Role.AUDITOR}),
    Act.READ_UPLOADS: frozenset({Role.COMPLIANCE_OFFICER, Role.REVIEWER, Role.AUDITOR}),
}


def permits(role: Role, act: Act) -> bool:
    """Say whether a role may do an act."""
    return role in PERMITS[act]


def require(role: Role, act: Act) -> None:
    """Raise NotAllowedError unless the role may do the act."""
    if not permits(role, act):
        allowed = sorted(PERMITS[act])
        raise NotAllowedError(
            Bi(f"{ROLE_NAMES[role].zh}无权进行此操作", f"the role {ROLE_NAMES[role].en} may not do this"),
            Bi(
                "请由" + "、".join(ROLE_NAMES[item].zh for item in allowed) + "操作",
                "ask one of: " + ", ".join(ROLE_NAMES[item].en for item in allowed),
            ),
        )


def require_other(author: str, approver: str) -> None:
    """Raise NotAllowedError when author and approver are one person."""
    if author == approver:
        raise NotAllowedError(
            Bi("提出人不能批准自己的申请", "the author can not approve their own request"),
            Bi("请由另一人批准", "ask another person to approve it"),
        )
