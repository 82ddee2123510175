"""Versions of the policy: one live, one in shadow, never by their author alone, and what differs told risk by risk."""

from __future__ import annotations

import json

import psycopg
import pytest

from hegui.general.content.policy import Policy, PolicyError, described, load_policy, read_policy
from hegui.general.rulebook import policies
from hegui.general.rulebook.events import PolicyLive, PolicyShadowed, PolicyWithdrawn
from hegui.general.rulebook.models import PolicyState, PolicyVersion
from hegui.general.rulebook.reading import read_book
from hegui.general.rulebook.rules import LONGEST_POLICY, differences
from hegui.kit.errors import InputError, NotAllowedError
from hegui.store.unit import driver_url
from tests.unit.people.desk import Desk
from tests.unit.rulebook.conftest import ADMIN, AUDITOR, ONE, REVIEWER, TWO, acting

BASE: Policy = load_policy(None)
FLAG = "input: {risks: {A.5.a: flag}}\n"
MASK = "input: {risks: {A.5.a: mask}}\n"


def write(desk: Desk, by: str, body: str = FLAG, why: str = "试一试") -> int:
    with acting(desk, by) as (session, person):
        return policies.write_policy(session, person, body, why, BASE).number


def do(desk: Desk, by: str, what: str, number: int, why: str = "") -> None:
    with acting(desk, by) as (session, person):
        version = session.get(PolicyVersion, number)
        assert version is not None
        if what == "shadow":
            policies.begin_shadow(session, person, version, BASE)
        elif what == "live":
            policies.put_in_force(session, person, version, BASE, why)
        elif what == "again":
            policies.put_up_again(session, person, version, why, BASE)
        else:
            policies.withdraw_policy(session, person, version, why)


def states(desk: Desk) -> dict[int, str]:
    return dict(desk.sql("SELECT number, state FROM rulebook_policy"))


def book(desk: Desk) -> tuple[str, str | None]:
    with psycopg.connect(driver_url(desk.store.url), autocommit=True) as connection:
        found = read_book(connection).book
        return found.policy, found.shadow


def test_a_version_goes_from_draft_over_shadow_to_live_and_retires_the_one_before(
    desk: Desk, heard: list[object]
) -> None:
    first = write(desk, REVIEWER)
    assert (states(desk), book(desk)) == ({first: "draft"}, ("", None))
    do(desk, REVIEWER, "shadow", first)
    assert book(desk) == ("", FLAG)
    do(desk, ONE, "live", first)
    assert book(desk) == (FLAG, None)
    second = write(desk, ONE, MASK)
    do(desk, ONE, "shadow", second)
    assert book(desk) == (FLAG, MASK)
    do(desk, TWO, "live", second)
    assert states(desk) == {first: PolicyState.RETIRED, second: PolicyState.LIVE}
    assert book(desk) == (MASK, None)
    digests = [read_policy(body, BASE).version for body in (FLAG, MASK)]
    assert heard == [
        PolicyShadowed(first, digests[0]), PolicyLive(first, digests[0], None),
        PolicyShadowed(second, digests[1]), PolicyLive(second, digests[1], first),
    ]  # fmt: skip


def test_the_author_never_puts_it_in_force_nor_does_who_may_not(desk: Desk) -> None:
    number = write(desk, ONE)
    do(desk, ONE, "shadow", number)
    for who in (ONE, REVIEWER, AUDITOR, ADMIN):
        with pytest.raises(NotAllowedError):
            do(desk, who, "live", number)
    for who in (AUDITOR, ADMIN):
        with pytest.raises(NotAllowedError):
            write(desk, who)
    assert states(desk) == {number: "shadow"}


def test_a_draft_goes_live_at_once_with_a_reason_only_and_the_reason_is_on_record(desk: Desk) -> None:
    number = write(desk, REVIEWER)
    with pytest.raises(InputError, match="不经影子"):
        do(desk, ONE, "live", number)
    assert states(desk) == {number: "draft"}
    do(desk, ONE, "live", number, "有词正在扩散")
    assert book(desk)[0] == FLAG
    kept = json.loads(desk.entries("policy.live")[-1])
    assert (kept["version"], kept["why"], kept["shadowed"], kept["before"]) == (number, "有词正在扩散", False, None)


def test_one_is_in_shadow_at_most(desk: Desk, heard: list[object]) -> None:
    first, second = write(desk, REVIEWER), write(desk, REVIEWER, MASK)
    do(desk, REVIEWER, "shadow", first)
    with pytest.raises(InputError, match=f"第 {first} 版正在影子中"):
        do(desk, REVIEWER, "shadow", second)
    other = write(desk, ONE)
    with pytest.raises(NotAllowedError):
        do(desk, REVIEWER, "withdraw", other, "并非我写")
    do(desk, REVIEWER, "withdraw", first, "不合适")
    assert isinstance(heard[-1], PolicyWithdrawn)
    do(desk, REVIEWER, "shadow", second)
    assert book(desk) == ("", MASK)


def test_what_ended_moves_no_more_but_can_be_put_up_again(desk: Desk) -> None:
    first, second = write(desk, REVIEWER), write(desk, REVIEWER, MASK)
    do(desk, ONE, "live", first, "急")
    do(desk, ONE, "live", second, "急")
    for what, why in (("shadow", ""), ("live", "急"), ("withdraw", "不要")):
        with pytest.raises(InputError):
            do(desk, TWO, what, first, why)
    with pytest.raises(InputError):
        do(desk, TWO, "withdraw", second, "不要")
    do(desk, TWO, "again", first, "退回上一版")
    assert states(desk) == {first: "retired", second: "live", second + 1: "draft"}
    do(desk, ONE, "live", second + 1, "退回")
    assert book(desk)[0] == FLAG


@pytest.mark.parametrize(
    "body",
    [
        "input: {risks: {A.9.z: flag}}",
        "input: [",
        "unknown: 1",
        "input: {default: answer}",
        "a: 1\na: 2",
        "x" * (LONGEST_POLICY + 1),
    ],
    ids=["unknown risk", "no YAML", "unknown key", "answer without one", "a key twice", "too long"],
)
def test_what_is_no_policy_is_refused_and_nothing_is_kept(desk: Desk, body: str) -> None:
    with pytest.raises(PolicyError):
        write(desk, REVIEWER, body)
    with pytest.raises(InputError, match="理由"):
        write(desk, REVIEWER, FLAG, "  ")
    assert states(desk) == {}


def test_a_version_that_the_operators_new_file_breaks_does_not_go_live(desk: Desk) -> None:
    with acting(desk, REVIEWER) as (session, person):
        base = read_policy("answers: {A.1.a: 请以官方发布为准。}", BASE)
        number = policies.write_policy(session, person, "input: {risks: {A.1.a: answer}}", "代答", base).number
    with pytest.raises(PolicyError, match="却没有答案"):
        do(desk, ONE, "live", number, "急")
    assert states(desk) == {number: "draft"}


def test_two_that_go_live_at_the_same_time_leave_one(desk: Desk) -> None:
    first, second = write(desk, REVIEWER), write(desk, REVIEWER, MASK)
    with acting(desk, ONE) as (session, person):
        stale = session.get(PolicyVersion, first)
        assert stale is not None
        with pytest.raises(RuntimeError, match="inside another"):
            do(desk, TWO, "live", second, "急")
        policies.put_in_force(session, person, stale, BASE, "急")
    do(desk, TWO, "live", second, "急")
    assert sorted(states(desk).values()) == ["live", "retired"]


def test_the_database_itself_holds_one_live_and_one_in_shadow(desk: Desk) -> None:
    for state in ("live", "shadow"):
        write(desk, REVIEWER)
        write(desk, REVIEWER)
        with pytest.raises(Exception, match=f"uq_rulebook_policy_{state}"):
            desk.sql("UPDATE rulebook_policy SET state = %s WHERE state = 'draft'", state)


def test_the_ledger_has_every_step_and_no_text_of_a_policy(desk: Desk) -> None:
    number = write(desk, REVIEWER, "answers: {A.1.a: 标记答案}", "换一个答案")
    do(desk, REVIEWER, "shadow", number)
    do(desk, ONE, "live", number)
    kept = [json.loads(desk.entries(f"policy.{kind}")[-1]) for kind in ("written", "shadow", "live")]
    assert [item["version"] for item in kept] == [number] * 3
    assert len({item["policy"] for item in kept}) == len({item["body"] for item in kept}) == 1
    assert "标记答案" not in json.dumps(kept, ensure_ascii=False)


def test_differences_are_told_risk_by_risk_in_the_order_of_the_annex() -> None:
    body = """
input: {risks: {A.1.b: flag, A.1.a: answer}, personal: {mobile: refuse}, lanes: {A.1.b: [exact]}, caps: {pinyin: pass}}
output: {thresholds: {model: {A.2.a: 0.75}}}
answers: {A.1.a: 请以官方发布为准。}
urgency: {A.1.a: high}
services: {chat: {input: {risks: {A.5: pass}}}}
audiences: {minors: {input: {default: refuse}}}
"""
    found = differences(described(BASE), described(read_policy(body, BASE)))
    told = [(item.subject, item.what.en, item.after) for item in found]
    assert told[0][0] == "A.1.a"
    assert ("A.1.a", "action on input", "answer") in told
    assert ("A.1.a", "set answer", "请以官方发布为准。") in told
    assert ("A.1.b", "lanes of input", "exact") in told
    assert ("A.2.a", "threshold of output (model)", "0.75") in told
    assert ("mobile", "action on input", "refuse") in told
    assert ("pinyin", "most on input", "pass") in told
    assert [subject for subject, _, _ in told[-2:]] == ["chat", "minors"]
    subjects = [subject for subject, _, _ in told if subject.startswith("A.")]
    assert subjects == sorted(subjects)
    back = differences(described(read_policy(body, BASE)), described(BASE))
    assert {(item.subject, item.before, item.after) for item in back} == {
        (item.subject, item.after, item.before) for item in found
    }
    assert differences(described(BASE), described(read_policy("", BASE))) == ()
