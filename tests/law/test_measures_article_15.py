"""第十五条 Article 15: an easy way to complain, a published process and time limit, prompt handling and an answer.

The room `service.complaints` is not built. Shown: who is refused is told how to appeal, with the number of the content, at the
address that the provider set; the law fixes no number of days, the provider does and publishes it.
"""

from __future__ import annotations

import pytest

from tests.harness import MARKER, Server, hegui, wait_for
from tests.law.asking import Json, block, clock, duty, is_not_built, said
from tests.upstream import ScriptedUpstream

DESK = "https://example.cn/shensu"


def refused(server: Server) -> tuple[str, str]:
    answer = server.client().chat.completions.create(model="echo", messages=[{"role": "user", "content": MARKER}])
    return str(answer.choices[0].message.content), str((answer.model_extra or {})["hegui"]["content_id"])


def test_who_is_refused_is_told_where_to_appeal(server: Server, upstream: ScriptedUpstream) -> None:
    text, number = refused(server)
    assert number in text
    assert "申诉" in text
    assert "appeal" in text
    hegui("services", "set", "test", "--data", server.data, f"appeal_url={DESK}")
    assert wait_for(lambda: DESK in refused(server)[0])
    hegui("services", "set", "test", "--data", server.data, "appeal_url=")
    assert wait_for(lambda: DESK not in refused(server)[0])


def test_the_time_limit_is_the_providers_own() -> None:
    found = duty("IM-15")
    assert found.deadline is not None
    assert (found.deadline.kind, found.deadline.count, found.deadline.mark) == ("own", None, "Q")
    run = clock("IM-15", "2026-09-25")["IM-15"]
    assert (run["due"], run["confirmed"]) == (None, True)
    assert run["term_zh"] == "由提供者自定并公布"
    assert run["because"] == "there is no number to count with"


@pytest.mark.parametrize("citation", ["ARP-22", "DSP-12", "ANT-21", "GBT45654-6.4b"])
def test_the_sister_rules_leave_it_to_the_provider_too(citation: str) -> None:
    found = duty(citation).deadline
    assert found is not None
    assert (found.kind, found.count) == ("own", None)


@pytest.mark.parametrize("citation", ["NDS-20", "CSL-51", "MIN-7"])
def test_others_say_promptly(citation: str) -> None:
    found = duty(citation).deadline
    assert found is not None
    assert (found.kind, found.count) == ("promptly", None)


def test_the_parts_of_the_duty(board: dict[str, Json]) -> None:
    assert all(word in duty("IM-15").duty.zh for word in ("便捷入口", "处理流程", "反馈时限", "反馈结果"))
    assert {"ARP-22", "DSP-12", "CSL-51"} == set(duty("IM-15").see)
    assert is_not_built(board["IM-15"], "service.complaints")
    assert board["IM-15"]["term"] == "fixed and published by the provider"
    assert "时限 term: 由提供者自定并公布 / fixed and published by the provider" in block(said("IM-15"), "IM-15")
