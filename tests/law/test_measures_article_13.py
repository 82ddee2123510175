"""第十三条 Article 13: the service is safe, stable and continuous.

The room `service.continuity` is not built. Shown: when the model behind fails, users are told and the service goes on; the clocks
of incidents are law. The article's number was not seen in a source and shows as unconfirmed.
"""

from __future__ import annotations

import openai
import pytest

from tests.harness import Server
from tests.law.asking import Json, block, clock, duty, is_not_built, said, value
from tests.upstream import Reply, ScriptedUpstream, says


def test_a_failing_model_does_not_end_the_service(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["art13"] = lambda _: Reply({"error": {"message": "model is on fire"}}, status=500)
    upstream.scripts["art13b"] = says("番茄喜光。")
    client = server.client()
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="art13", messages=[{"role": "user", "content": "你好"}])
    assert "on fire" not in str(caught.value), "the model's own words stay in the log"
    answer = client.chat.completions.create(model="art13b", messages=[{"role": "user", "content": "你好"}])
    assert str(answer.choices[0].message.content).startswith("番茄喜光。")


def test_the_duty_its_proof_and_its_mark(board: dict[str, Json]) -> None:
    found = duty("IM-13")
    assert (found.who, found.phase, found.deadline, found.numbers) == (("provider",), ("application",), None, ())
    assert all(word in found.duty.en for word in ("safe", "stable", "continuous", "normal use"))
    assert found.evidence is not None
    assert "uptime" in found.evidence.en
    assert is_not_built(board["IM-13"], "service.continuity")
    assert board["IM-13"]["confirmed"] is False
    assert "未经证实 / unconfirmed" in block(said("IM-13"), "IM-13").splitlines()[0]


@pytest.mark.parametrize(
    ("citation", "start", "due", "term"),
    [
        ("INC-4", "2026-11-22", "2026-11-22T04:00:00", "4 hours"),
        ("INC-4.2", "2026-11-22", "2026-11-22T01:00:00", "1 hours"),
        ("INC-4.3", "2026-11-22", "2026-11-22T02:00:00", "2 hours"),
        ("NDS-10", "2026-12-31", "2027-01-01T00:00:00", "24 hours"),
        ("INC-8", "2026-12-15", "2027-01-14", "30 days"),
    ],
)
def test_the_clocks_of_incidents(citation: str, start: str, due: str, term: str) -> None:
    run = clock(citation, start)[citation]
    assert (run["due"], run["term"], run["provisional"]) == (due, term, False), "hours and days are not working days"
    assert run["because_zh"]


def test_hours_count_from_the_event_and_the_clock_says_so() -> None:
    assert "实际从事件发生时刻起算" in clock("INC-4", "2026-11-22")["INC-4"]["because_zh"]
    assert "in fact from the hour of the event" in clock("INC-4", "2026-11-22")["INC-4"]["because"]


@pytest.mark.parametrize("citation", ["CSL-27", "DSL-29", "NDS-11", "PIPL-57", "MIN-35"])
def test_duties_to_report_lean_on_the_incident_clock(citation: str) -> None:
    runs = clock(citation, "2026-11-22")
    assert runs["INC-4"]["term"] == "4 hours"
    assert runs[citation]["due"] is None
    assert runs[citation]["term"] == "at once"


def test_the_hours_are_numbers_too() -> None:
    assert [value(item, "report_hours") for item in ("INC-4", "INC-4.2", "INC-4.3")] == [4, 1, 2]
    assert value("INC-8", "final_report_days") == 30
    assert duty("INC-8").mark == "S", "thirty days is known from a secondary source"
