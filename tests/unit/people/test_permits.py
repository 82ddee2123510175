"""Who may do what, as a table that a person wrote down; the code's table is compared with it, cell by cell."""

from __future__ import annotations

import pytest

from hegui.kit.errors import NotAllowedError
from hegui.people.permits import PERMITS, ROLE_NAMES, Act, Role, permits, require, require_other

#                          administrator, compliance officer, reviewer, auditor
TABLE = {
    Act.READ_BOARD:       (True, True, True, True),
    Act.READ_EXCHANGES:   (True, True, True, True),
    Act.READ_CONTENT:     (False, True, True, False),
    Act.MANAGE_ACCOUNTS:  (True, False, False, False),
    Act.MANAGE_KEYS:      (True, False, False, False),
    Act.WRITE_WAIVER:     (False, True, True, False),
    Act.APPROVE_WAIVER:   (False, True, False, False),
    Act.EXPORT_EVIDENCE:  (False, True, False, True),
    Act.REVIEW:           (False, True, True, False),
    Act.SETTLE_REVIEW:    (False, True, False, False),
    Act.EXPORT_LABELS:    (False, True, False, False),
    Act.WRITE_RULES:      (False, True, True, False),
    Act.APPROVE_RULES:    (False, True, False, False),
    Act.READ_RELEASES:    (False, True, False, True),
    Act.DECIDE_RELEASES:  (False, True, False, False),
    Act.EXPORT_RELEASES:  (False, True, False, True),
    Act.READ_UPLOADS:     (False, True, True, True),
}  # fmt: skip
ROLES = (Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER, Role.REVIEWER, Role.AUDITOR)
CELLS = [(role, act, allowed) for act, row in TABLE.items() for role, allowed in zip(ROLES, row, strict=True)]


def test_the_table_names_every_role_and_act() -> None:
    assert set(TABLE) == set(Act) == set(PERMITS)
    assert set(ROLES) == set(Role) == set(ROLE_NAMES)


@pytest.mark.parametrize(("role", "act", "allowed"), CELLS, ids=str)
def test_a_role_may_do_what_the_table_says_and_is_told_who_may_otherwise(role: Role, act: Act, allowed: bool) -> None:
    assert permits(role, act) is allowed
    if allowed:
        require(role, act)
        return
    with pytest.raises(NotAllowedError) as raised:
        require(role, act)
    assert ROLE_NAMES[role].zh in raised.value.title.zh
    assert ROLE_NAMES[role].en in raised.value.title.en
    for may in ROLES:
        assert (ROLE_NAMES[may].en in raised.value.remedy.en) is permits(may, act)
        assert (ROLE_NAMES[may].zh in raised.value.remedy.zh) is permits(may, act)


def test_nobody_who_manages_accounts_reads_content_or_sets_duties_aside() -> None:
    for role in PERMITS[Act.MANAGE_ACCOUNTS]:
        assert not any(permits(role, act) for act in (Act.READ_CONTENT, Act.WRITE_WAIVER, Act.APPROVE_WAIVER))


def test_an_author_is_never_the_approver() -> None:
    require_other("one", "two")
    with pytest.raises(NotAllowedError) as raised:
        require_other("one", "one")
    assert "另一人" in raised.value.remedy.zh
