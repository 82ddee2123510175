"""第十四条 Article 14: on finding illegal content the provider stops generating and transmitting it, and keeps records.

Proved end to end: the stream stops, the model's call is cancelled, the record exists with verdict and versions. What is not
built (rectifying, reporting, sanctions against users) shows as undetermined and never as met.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness import MARKER, Server, exchanges, hegui
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
    assert set(record["versions"]) == {"policy", "library", "law"}


def test_what_is_not_built_is_not_met(server: Server) -> None:
    rows = {row["id"]: row for row in json.loads(hegui("law", "status", "--data", server.data, "--json").stdout)}
    assert rows["IM-14.1"]["result"] in {"undetermined", "not_met"}
    assert rows["IM-14.2"]["result"] == "undetermined"
    assert "not built: service.sanctions" in rows["IM-14.2"]["reason"]
