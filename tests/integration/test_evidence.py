"""Evidence that a stranger verifies offline, and each way of cheating caught."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hegui.evidence.merkle import MemoryTree, leaf_hash, root
from hegui.evidence.notes import Checkpoint, Signer
from tests.harness import MARKER, Server, exchanges, hegui, wait_for
from tests.upstream import ScriptedUpstream, says

Records = list[dict[str, Any]]


def check(out: Path, *more: str) -> tuple[int, str]:
    """Run the exported verifier with nothing of ours on the path."""
    done = subprocess.run(
        [sys.executable, "-I", out / "verify.py", out, *more], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[tuple[Server, Path, str]]:
    """A server with some history, an early checkpoint that an inspector kept, and a later export."""
    folder = tmp_path_factory.mktemp("ledger")
    upstream.scripts["safe"] = says("番茄喜光。")
    server = Server(folder / "data", "--console-port", "0", upstream=upstream.url).start()
    client = server.client()
    for number in range(5):
        client.chat.completions.create(model="safe", messages=[{"role": "user", "content": f"第{number}问"}])
    published = server.data / "ledger" / "checkpoint"
    wait_for(lambda: published.exists() and int(published.read_text().split("\n")[1]) >= 7)
    kept = published.read_text()
    for number in range(6):
        client.chat.completions.create(model="safe", messages=[{"role": "user", "content": f"{number} {MARKER}"}])
    server.export(folder / "out", "--content")
    yield server, folder / "out", kept
    assert server.stop() == 0


@pytest.fixture
def copy(ledger: tuple[Server, Path, str], tmp_path: Path) -> Path:
    shutil.copytree(ledger[1], tmp_path / "copy")
    return tmp_path / "copy"


def rewrite(out: Path, change: Callable[[Records], Records]) -> None:
    path = out / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    lines = [json.dumps(r, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for r in change(records)]
    path.write_text("".join(line + "\n" for line in lines))


def test_an_honest_export_is_valid_and_says_what_it_does_not_prove(ledger: tuple[Server, Path, str]) -> None:
    code, said = check(ledger[1])
    assert code == 0, said
    assert said.startswith("VALID 有效")
    assert "不能证明" in said
    assert "NOT pinned" in said
    vkey = (ledger[1] / "ledger.vkey").read_text().strip()
    code, said = check(ledger[1], "--key", vkey)
    assert (code, "pinned by you" in said) == (0, True)
    found = json.loads(hegui("evidence", "verify", ledger[1], "--json").stdout)
    assert found["valid"] is True


def test_one_changed_character_of_one_payload_names_the_record(copy: Path) -> None:
    path = copy / "records.jsonl"
    lines = path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if '"outcome":"refused_input"' in line)
    lines[number] = lines[number].replace('"outcome":"refused_input"', '"outcome":"refused_inpux"')
    path.write_text("\n".join(lines) + "\n")
    code, said = check(copy)
    assert code == 1
    assert f"record {number}" in said
    assert json.loads(lines[number])["id"] in said
    assert hegui("evidence", "verify", copy, check=False).returncode == 1


@pytest.mark.parametrize("old", [b"{", b'"', b":", b"0", b"e"])
def test_any_byte_of_the_records_counts(copy: Path, old: bytes) -> None:
    path = copy / "records.jsonl"
    data = path.read_bytes()
    middle = data.index(old, len(data) // 2)
    path.write_bytes(data[:middle] + b"7" + data[middle + 1 :])
    code, said = check(copy)
    assert code == 1
    assert "INVALID" in said


def swap(records: Records) -> Records:
    records[2], records[3] = records[3], records[2]
    return records


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r[:4] + r[5:], "record 4"),
        (lambda r: r[:-1], "missing"),
        (swap, "record 2"),
        (lambda r: [*r[:3], {**r[3], "index": 3, "id": r[4]["id"]}, *r[4:]], "record 3"),
        (
            lambda r: [*r[:3], {**r[3], "kind": "exchange" if r[3]["kind"] != "exchange" else "other"}, *r[4:]],
            "record 3",
        ),
        (lambda r: [*r[:3], {**r[3], "note": "added"}, *r[4:]], "record 3"),
        (lambda r: [*r[:3], {**r[3], "erased": True, "payload": {"forged": 1}}, *r[4:]], "record 3"),
        (lambda r: [*r[:3], {**r[3], "erased": False}, *r[4:]], "record 3"),
        (lambda r: [*r[:3], {**r[3], "proof": r[3]["proof"][:-1]}, *r[4:]], "record 3"),
    ],
)
def test_dropping_reordering_and_editing_are_caught(
    copy: Path, change: Callable[[Records], Records], told: str
) -> None:
    rewrite(copy, change)
    code, said = check(copy)
    assert code == 1
    assert told in said


def test_changed_content_is_caught(copy: Path) -> None:
    def change(records: Records) -> Records:
        for record in records:
            if "content" in record:
                record["content"]["body"]["question"] += "。"
        return records

    rewrite(copy, change)
    code, said = check(copy)
    assert code == 1
    assert "content" in said


def forge(copy: Path, change: Callable[[Records], Records]) -> None:
    """Rewrite history and sign the new tree with another key, as somebody with the database could."""
    signer = Signer((copy / "ledger.vkey").read_text().split("+")[0], Ed25519PrivateKey.generate())

    def rebuild(records: Records) -> Records:
        from hegui.evidence import merkle
        from hegui.evidence.entries import commit_to, leaf_data
        from hegui.evidence.sequencer import encode
        from hegui.kit.canonical import canonical

        records = change(records)
        for record in records:
            record["commitment"] = commit_to(record["salt"], canonical(record["payload"]))
        tree = MemoryTree([leaf_hash(leaf_data(r["id"], r["kind"], r["commitment"])) for r in records])
        for place, record in enumerate(records):
            record["index"], record["proof"] = place, encode(merkle.inclusion_proof(tree.node, place, len(tree)))
        for path in (copy / "checkpoints").iterdir():
            path.unlink()
        note = signer.sign(Checkpoint(signer.name, len(tree), root(tree.node, len(tree))).text())
        (copy / "checkpoints" / "1.txt").write_text(note)
        (copy / "consistency.jsonl").write_text("")
        manifest = json.loads((copy / "manifest.json").read_text())
        (copy / "manifest.json").write_text(json.dumps({**manifest, "end": len(tree), "size": len(tree)}))
        return records

    rewrite(copy, rebuild)
    (copy / "ledger.vkey").write_text(signer.vkey + "\n")


def test_re_signing_with_another_key_is_caught_by_a_pinned_key_and_by_a_kept_checkpoint(
    ledger: tuple[Server, Path, str], copy: Path, tmp_path: Path
) -> None:
    forge(copy, lambda records: records[:3] + records[4:])
    assert check(copy)[0] == 0, "a forgery that is consistent in itself can only be told by what is kept outside"
    vkey = (ledger[1] / "ledger.vkey").read_text().strip()
    assert check(copy, "--key", vkey)[0] == 1
    kept = tmp_path / "kept"
    kept.write_text(ledger[2])
    assert check(copy, "--earlier", str(kept))[0] == 1
    assert check(copy, "--key", vkey, "--earlier", str(kept))[0] == 1


def test_a_kept_checkpoint_is_consistent_with_an_honest_export(
    ledger: tuple[Server, Path, str], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_text(ledger[2])
    code, said = check(ledger[1], "--earlier", str(kept))
    assert (code, "earlier checkpoint" in said) == (0, True), said
    hegui("evidence", "export", "--data", ledger[0].data, "--out", tmp_path / "part", "--first", "8", "--earlier", kept)
    code, said = check(tmp_path / "part", "--earlier", str(kept))
    assert code == 0, said
    (tmp_path / "part" / "consistency.jsonl").write_text("")
    assert check(tmp_path / "part", "--earlier", str(kept))[0] == 1


def test_rolling_the_whole_table_back_is_caught(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says("番茄喜光。")
    server = Server(tmp_path / "data", upstream=upstream.url).start()
    for number in range(6):
        server.client().chat.completions.create(model="safe", messages=[{"role": "user", "content": str(number)}])
    published = server.data / "ledger" / "checkpoint"
    assert wait_for(lambda: int(published.read_text().split("\n")[1]) >= 8)
    kept = tmp_path / "kept"
    kept.write_text(published.read_text())
    (keeper,) = server.processes("hegui-keeper")
    os.kill(keeper, signal.SIGSTOP)
    with server.database() as connection:
        connection.execute("DELETE FROM evidence_checkpoint WHERE size > 4")
        connection.execute("UPDATE evidence_entry SET seq = NULL WHERE seq >= 4")
        connection.execute("DELETE FROM gateway_exchange WHERE id IN (SELECT id FROM evidence_entry WHERE seq IS NULL)")
        connection.execute("DELETE FROM evidence_entry WHERE seq IS NULL")
        connection.execute("UPDATE evidence_tile SET hashes = substring(hashes FROM 1 FOR 128) WHERE level = 0")
        connection.execute(
            "INSERT INTO evidence_checkpoint SELECT 4, now(), note FROM evidence_checkpoint ORDER BY size DESC LIMIT 1 ON CONFLICT DO NOTHING"
        )
    os.kill(keeper, signal.SIGCONT)
    assert wait_for(lambda: "rolled back or rewritten" in server.log.read_text()), "a running keeper sees it too"
    server.kill()
    server.log.write_text("")
    again = Server(tmp_path / "data", upstream=upstream.url).start()
    assert wait_for(lambda: "rolled back or rewritten" in again.log.read_text())
    with again.database() as connection:
        (sealed,) = connection.execute("SELECT max(size) FROM evidence_checkpoint").fetchone() or (0,)
    assert sealed == 4, "nothing is sealed over a rolled-back table"
    assert published.read_text() == kept.read_text()
    again.stop()
    refused = hegui(
        "evidence", "export", "--data", tmp_path / "data", "--out", tmp_path / "out", "--earlier", kept, check=False
    )
    assert refused.returncode != 0
    assert "rolled" in refused.stderr


def test_an_export_does_not_mix_with_another(ledger: tuple[Server, Path, str]) -> None:
    refused = hegui("evidence", "export", "--data", ledger[0].data, "--out", ledger[1], check=False)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr


def test_retention_erases_what_is_due_and_the_ledger_still_verifies(
    ledger: tuple[Server, Path, str], tmp_path: Path
) -> None:
    from hegui.keeper import run_retention
    from hegui.kit.settings import Settings
    from hegui.store import Store

    server = ledger[0]
    with server.database() as connection:
        url = f"postgresql://postgres@/postgres?host={connection.info.host}&port={connection.info.port}"
        rows = connection.execute("SELECT id::text FROM gateway_exchange ORDER BY id LIMIT 2").fetchall()
        first, second = rows[0][0], rows[1][0]
        (due,) = connection.execute("SELECT due - at FROM evidence_entry WHERE id = %s", (first,)).fetchone() or (None,)
        assert due is not None
        assert 181 <= due.days <= 185, "six calendar months"
        connection.execute(
            "UPDATE gateway_exchange SET content_due = now() - interval '1 minute' WHERE id = %s", (first,)
        )
        connection.execute("UPDATE evidence_entry SET due = now() - interval '1 minute' WHERE id = %s", (second,))
    assert Settings().log_months == 6
    store = Store.open(url)
    erased = {item.kind: item.count for item in run_retention(store)}
    store.close()
    assert erased == {"content": 1, "log": 1}
    records = server.export(tmp_path / "out", "--content")
    assert check(tmp_path / "out")[0] == 0
    by_id = {record["id"]: record for record in records}
    assert "payload" in by_id[first]
    assert "content" not in by_id[first]
    assert by_id[second]["erased"] is True
    assert "payload" not in by_id[second]
    kinds = [r["payload"]["class"] for r in records if r["kind"] == "record.erased"]
    assert kinds == ["content", "log"]


def test_logs_can_not_be_kept_shorter_than_the_law_asks(tmp_path: Path) -> None:
    done = hegui("serve", "--data", tmp_path / "d", "--port", "0", check=False, HEGUI_LOG_MONTHS="5")
    assert done.returncode == 2
    assert "CSL-23" in done.stderr


def test_content_is_exported_only_when_asked(ledger: tuple[Server, Path, str], tmp_path: Path) -> None:
    records = ledger[0].export(tmp_path / "bare")
    assert not any("content" in record for record in records)
    with_content = [json.loads(line) for line in (ledger[1] / "records.jsonl").read_text().splitlines()]
    bodies = [record["content"]["body"] for record in with_content if "content" in record]
    assert any(MARKER in body["question"] for body in bodies)
    assert len(exchanges(records)) >= 10


def test_checkpoints_are_published_at_a_url(ledger: tuple[Server, Path, str]) -> None:
    import httpx2

    server = ledger[0]
    base = server.gateway.removesuffix("/v1")
    for place in (base, server.console):
        note = httpx2.get(f"{place}/checkpoint").text
        assert note == (server.data / "ledger" / "checkpoint").read_text()
        assert httpx2.get(f"{place}/checkpoint/vkey").text == (ledger[1] / "ledger.vkey").read_text()
