"""第十四条 Article 14: on finding illegal content the provider stops generating and transmitting it, and keeps records.

Proved end to end: the stream stops, the model's call is cancelled, the record exists with verdict and versions. What is not
built (rectifying, reporting, sanctions against users) shows as undetermined and never as met.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness import MARKER, Server, exchanges, hegui
from tests.law.asking import block, clock, duty, said
from tests.upstream import ScriptedUpstream, says


def test_generation_and_transmission_stop_and_the_record_stays(
    server: Server, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.scripts["art14"] = says(f"好。{MARKER}" + "后" * 500, piece=1, pause=0.01)
    before = upstream.cancelled
    chunks = list(
        server.client().chat.completions.create(
            model="art14", messages=[{"role": "user", "content": "你好"}], stream=True
        )
    )
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert MARKER[0] not in said
    assert upstream.wait_cancelled(before + 1)
    number = (chunks[-1].model_extra or {})["hegui"]["content_id"]
    records = exchanges(server.export(tmp_path / "out"))
    (record,) = [item for item in records if item["content_id"] == number]
    assert record["outcome"] == "refused_output"
    assert set(record["versions"]) == {"policy", "library", "law", "model", "guard"}


def test_what_is_not_built_is_not_met(server: Server) -> None:
    rows = {row["id"]: row for row in json.loads(hegui("law", "status", "--data", server.data, "--json").stdout)}
    assert rows["IM-14.1"]["result"] in {"undetermined", "not_met"}
    assert rows["IM-14.2"]["result"] == "undetermined"
    assert "not built: service.sanctions" in rows["IM-14.2"]["reason"]


def test_three_steps_and_no_number_of_days() -> None:
    for zh, en in (("停止生成", "stop generation"), ("停止传输", "transmission"), ("消除", "remove it"),
                   ("模型优化训练", "model optimisation training"), ("报告", "report to the authority")):  # fmt: skip
        assert zh in duty("IM-14.1").duty.zh
        assert en in duty("IM-14.1").duty.en
    run = clock("IM-14", "2026-09-25")["IM-14.1"]
    assert (run["due"], run["confirmed"]) == (None, True), "the draft's three months for retraining were dropped"
    assert "及时" in run["term_zh"]
    assert clock("ARP-9.2", "2026-09-25")["ARP-9.2"]["term"] == "at once"
    assert {"ARP-9.2", "DSP-10", "CSL-49"} == set(duty("IM-14.1").see)


def test_measures_against_users_are_graduated_and_recorded() -> None:
    for zh, en in (("警示", "warn"), ("限制功能", "limit functions"), ("暂停或终止", "suspend or end"), ("保存记录", "keep records"),
                   ("报告", "report")):  # fmt: skip
        assert zh in duty("IM-14.2").duty.zh
        assert en in duty("IM-14.2").duty.en
    assert "依法并按约定" in duty("IM-14.2").duty.zh, "by law and by contract"
    assert "处置台账" in block(said("IM-14"), "IM-14.2")
