"""`hegui serve` with two workers: a leave from request to revocation, uploads, the commands beside it, retention, proof."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from hegui.cli import main
from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from tests.application import Application
from tests.harness import Server, hegui, wait_for
from tests.reviewers import people
from tests.unit.labels.pictures import CODE, OTHER, saved
from tests.unit.people.desk import Browser
from tests.upstream import Json, ScriptedUpstream

CLAUSE = "version: agreement-2026-11\nzh: 用户对所取得的内容负有标识义务并承担使用责任。\nen: The user labels the content and is liable for its use.\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("labelling")
    (folder / "clause.yaml").write_text(CLAUSE)
    server = Server(
        folder / "data", "--workers", "2", upstream=upstream.url, HEGUI_PROVIDER_CODE=CODE, HEGUI_PROPAGATOR_CODE=OTHER,
        HEGUI_UNLABELLED_CLAUSE=str(folder / "clause.yaml"),
    ).start()  # fmt: skip
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def officer(running: Server) -> Browser:
    return people(running, {"officer": "compliance_officer"})["officer"]


@pytest.fixture(scope="module")
def application(running: Server) -> Application:
    return Application(running.gateway, running.key)


def command(running: Server, *words: str | Path, as_json: bool = True) -> Any:
    done = CliRunner().invoke(
        main, [*map(str, words), "--data", str(running.data), *(("--json",) if as_json else ())],
        env={"HEGUI_PROPAGATOR_CODE": OTHER, "HEGUI_UNLABELLED_CLAUSE": str(running.data.parent / "clause.yaml")},
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr + done.stdout
    if not as_json:
        return done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()] if words[1] == "inspect" else json.loads(done.stdout)


def approved(application: Application, officer: Browser, user: str) -> str:
    grant = application.request(user)
    assert application.accept(grant, user).status_code == 200
    officer.get(f"/releases/{grant['id']}")
    assert officer.post(f"/releases/{grant['id']}/approve").status_code == 303
    return str(grant["id"])


def test_every_worker_knows_a_leave_at_once_and_its_end_at_once(
    running: Server, application: Application, officer: Browser
) -> None:
    assert len(running.processes("hegui-gateway")) == 2
    grant = approved(application, officer, "u1")
    for _ in range(12):
        assert application.ask(grant).choices[0].message.content == "写一句口号"
    officer.get(f"/releases/{grant}")
    assert officer.post(f"/releases/{grant}/revoke", {"reason": "到此为止"}).status_code == 303
    for _ in range(12):
        with pytest.raises(openai.PermissionDeniedError, match="到此为止"):
            application.ask(grant)


def test_the_operators_own_clause_proves_the_duty(running: Server, application: Application, officer: Browser) -> None:
    shown = command(running, "releases", "clause")
    assert shown == {key: value for key, value in application.get("/clause").json().items() if key != "object"}
    application.ask(approved(application, officer, "proof"), "proof")
    status = {one["id"]: one for one in command(running, "law", "show", "LAB-9")["today"]}
    assert status["LAB-9"]["result"] == "met", status


def test_commands_find_a_user_decide_as_an_account_and_write_the_log(
    running: Server, application: Application, officer: Browser, tmp_path: Path
) -> None:
    grant = application.request("王五")
    application.accept(grant, "王五")
    (listed,) = command(running, "releases", "list", "--service", "test", "--user", "王五")
    assert (listed["id"], listed["state"]) == (grant["id"], "accepted")
    assert "王五" not in json.dumps(listed, ensure_ascii=False)
    assert command(running, "releases", "approve", "--as", "officer", grant["id"])["state"] == "granted"
    application.ask(grant["id"], "王五")
    made = command(running, "releases", "log", "--out", tmp_path / "log.xlsx")
    rows = [
        [cell.value for cell in row]
        for row in load_workbook(io.BytesIO((tmp_path / "log.xlsx").read_bytes())).worksheets[0]
    ]
    assert made["count"] == len(rows) - 1
    assert next(row for row in rows if row[8] == grant["id"])[12] == "officer"
    assert (
        command(running, "releases", "revoke", "--as", "officer", grant["id"], "--why", "不再需要")["reason"]
        == "不再需要"
    )
    other = application.request("赵六")
    assert (
        command(running, "releases", "refuse", "--as", "officer", other["id"], "--why", "用途不明")["state"]
        == "refused"
    )
    assert "refused" in command(running, "releases", "list", as_json=False)
    for words, told in (
        (("releases", "approve", "--as", "nobody", grant["id"]), "nobody"), (("releases", "approve", "--as", "admin", grant["id"]), "合规负责人"),
        (("releases", "approve", "--as", "officer", "nope"), "没有这个许可"), (("releases", "list", "--user", "u"), "--service"),
        (("releases", "log", "--out", tmp_path / "log.pdf"), "pdf"), (("releases", "log", "--out", tmp_path), "不能写"),
        (("releases", "log", "--out", tmp_path / "l.csv", "--first", "x"), "x"), (("releases", "refuse", "--as", "officer", grant["id"]), "理由"),
    ):  # fmt: skip
        wrong = CliRunner().invoke(main, [*map(str, words), "--data", str(running.data)])
        assert wrong.exit_code in {1, 2, 3}, words
        assert told in wrong.stderr, words


def test_a_platform_hands_uploads_over_and_folders_are_checked_once(
    running: Server, application: Application, tmp_path: Path
) -> None:
    plain = saved("PNG")
    told: Json = application.post("/uploads", content=plain, params={"name": "a.png", "declared": "true"}).json()
    assert told["judgement"] == "possibly"
    # A piece may come to either worker, and so may the question what became of it.
    begun = application.post("/uploads", params={"size": str(len(plain)), "name": "b.png"}).json()["id"]
    for at in range(0, len(plain), 300):
        last = application.http.patch(
            f"/labelling/uploads/{begun}", content=plain[at : at + 300], headers={"upload-offset": str(at)}
        )
    assert last.json()["judgement"] == "nothing"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "made.png").write_bytes(plain)
    (tmp_path / "in" / "broken.png").write_bytes(plain[:-40])
    words = (
        "uploads",
        "inspect",
        "--service",
        "forum",
        "--declared",
        "--user",
        "u1",
        "--out",
        tmp_path / "out",
        tmp_path / "in",
    )
    lines = command(running, *words)
    assert [one["judgement"] for one in lines] == ["possibly", "possibly"]
    assert [one["propagated"]["form"] for one in lines] == ["none", "file"]
    assert files.inspect(tmp_path / "out" / "made.png").verdict is Verdict.PRESENT
    assert [one["id"] for one in command(running, *words)] == [one["id"] for one in lines]
    listed = command(running, "uploads", "list", "--judgement", "possibly", "--service", "forum")
    assert {one["id"] for one in listed} == {one["id"] for one in lines}
    missing = ["uploads", "inspect", "--service", "forum", "--data", str(running.data), str(tmp_path / "no.png")]
    assert CliRunner().invoke(main, missing).exit_code == 2


def test_what_was_kept_is_in_the_ledger_that_a_stranger_verifies(
    running: Server, application: Application, officer: Browser, out: Path
) -> None:
    application.ask(approved(application, officer, "李四"), "李四")
    records = running.export(out)
    kinds = {record["kind"] for record in records}
    assert {"release.requested", "release.accepted", "release.granted", "release.given", "upload.judged"} <= kinds
    ours = [record for record in records if record["kind"].startswith(("release.", "upload."))]
    assert "李四" not in json.dumps(ours, ensure_ascii=False)
    assert hegui("evidence", "verify", out, check=False).returncode == 0


def test_the_keeper_takes_what_is_due(running: Server, application: Application) -> None:
    from hegui.keeper import run_retention
    from hegui.store import Store

    number = application.request("due")["id"]
    with running.database() as connection:
        connection.execute("UPDATE release_grant SET due = now() - interval '1 s' WHERE id = %s", (number,))
        store = Store.open(f"postgresql://postgres@/postgres?host={connection.info.host}&port={connection.info.port}")
        try:
            erased = {item.kind: item.count for item in run_retention(store)}
        finally:
            store.close()
        assert erased["release"] == 1
        assert wait_for(lambda: application.get(f"/grants/{number}").status_code == 404)
