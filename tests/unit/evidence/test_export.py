"""The export: any range, with or without content, while sealing and erasing go on, into a folder that can be bad."""

from __future__ import annotations

import json
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hegui.evidence import export as module
from hegui.evidence import retention, sequencer, verify
from hegui.evidence.notes import NoteError, Signer
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError, StoreError
from hegui.store import unit_of_work
from tests.unit.evidence.conftest import Ledger, records
from tests.unit.store.disks import fill, small_disk

FILES = {"README.md", "checkpoints", "consistency.jsonl", "ledger.vkey", "manifest.json", "records.jsonl", "verify.py"}


def valid(out: Path, earlier: str | None = None) -> list[str]:
    """Verify as an inspector does who has the key."""
    return verify.verify(out, (out / "ledger.vkey").read_text("utf-8").strip(), earlier)


def sizes(out: Path) -> list[int]:
    return [int(path.stem) for path in sorted((out / "checkpoints").iterdir())]


def test_an_export_holds_everything_that_an_inspector_needs(ledger: Ledger, out: Path) -> None:
    ledger.grow(3, 4)
    made = ledger.export(out)
    assert (made.folder, made.first, made.end, made.size) == (out, 0, 7, 7)
    assert {path.name for path in out.iterdir()} == FILES
    assert [record["id"] for record in records(out)] == ledger.ids
    assert "records 记录: 7 (index 0 to 6 of 7 条中的序号)" in valid(out)
    assert (out / "verify.py").read_text("utf-8") == Path(verify.__file__).read_text("utf-8")
    assert (out / "ledger.vkey").read_text("utf-8").strip() == ledger.keyring.signer.vkey
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert datetime.fromisoformat(manifest["made"]).tzinfo == UTC


@pytest.mark.parametrize(("first", "end"), [(0, 0), (0, 1), (3, 4), (4, 9), (9, 10), (10, 10), (0, 10), (2, None)])
def test_any_range_verifies_by_itself(ledger: Ledger, out: Path, first: int, end: int | None) -> None:
    ledger.grow(4, 6)
    made = ledger.export(out, first=first, end=end)
    last = 10 if end is None else end
    assert (made.first, made.end, made.size) == (first, last, 10)
    assert [record["index"] for record in records(out)] == list(range(first, last))
    assert valid(out)


@pytest.mark.parametrize(("first", "end"), [(-1, 3), (0, 11), (5, 4), (11, 11), (11, None)])
def test_a_range_outside_the_ledger_is_refused_with_its_size(
    ledger: Ledger, out: Path, first: int, end: int | None
) -> None:
    ledger.grow(10)
    with pytest.raises(InputError) as told:
        ledger.export(out, first=first, end=end)
    assert "10" in told.value.title.zh
    assert told.value.exit_code == 2
    assert not out.exists(), "nothing is written before the range is known to be right"


def test_a_ledger_without_a_checkpoint_can_not_be_exported_and_an_empty_one_can(ledger: Ledger, out: Path) -> None:
    with pytest.raises(InputError, match="nothing is sealed"):
        ledger.export(out)
    ledger.seal()
    ledger.export(out)
    assert records(out) == []
    assert valid(out)


def test_what_waits_to_be_sealed_is_left_out(ledger: Ledger, out: Path) -> None:
    ledger.grow(3)
    ledger.leave(2)
    assert ledger.export(out).size == 3
    assert valid(out)


def test_content_is_there_only_when_asked_and_only_where_there_is_any(ledger: Ledger, tmp_path: Path) -> None:
    body = {"question": "番茄？", "answer": "喜光。"}
    digest = b64encode(sha256(b"s" + canonical(body)).digest()).decode()
    ledger.leave(1)
    (with_content,) = ledger.leave(1, content_digest=digest)
    ledger.seal()
    asked: list[str] = []

    def read(entry: str) -> dict[str, Any] | None:
        asked.append(entry)
        return {"salt": "s", "body": body} if entry == with_content else None

    ledger.export(tmp_path / "bare")
    ledger.export(tmp_path / "full", content=read)
    assert asked == ledger.ids
    assert ["content" in record for record in records(tmp_path / "bare")] == [False, False]
    assert [record.get("content", {}).get("body") for record in records(tmp_path / "full")] == [None, body]
    assert valid(tmp_path / "full")
    ledger.export(tmp_path / "wrong", content=lambda _: {"salt": "s", "body": {"question": "别的"}})
    with pytest.raises(verify.Invalid, match="content was changed"):
        valid(tmp_path / "wrong")


def test_one_checkpoint_a_day_in_china_is_chosen_with_the_first_and_the_newest(ledger: Ledger, out: Path) -> None:
    ledger.grow(1, 1, 1, 1, 1, 1, 1)
    at = ["05-01T15:58", "05-01T15:59", "05-01T16:00", "05-02T10:00", "05-02T15:59", "05-05T01:00", "05-05T02:00"]
    for size, moment in enumerate(at, 1):
        ledger.run(f"UPDATE evidence_checkpoint SET at = '2026-{moment}Z' WHERE size = {size}")
    ledger.run("SET TimeZone = 'America/New_York'")
    ledger.export(out)
    assert sizes(out) == [1, 2, 5, 7], "a day begins at 16:00 UTC, wherever the database is"
    assert valid(out)


def test_a_year_of_checkpoints_a_second_is_not_loaded(
    ledger: Ledger, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.grow(2)
    note = ledger.published.read_text("utf-8")
    # One a minute for thirty days stands for one a second; sizes grow, all before the last true one.
    ledger.run(
        "INSERT INTO evidence_checkpoint (size, at, note) SELECT 100 + n, '2026-01-01T00:00Z'::timestamptz"
        f" + make_interval(mins => n), '{note}' FROM generate_series(0, 43199) n"
    )
    with unit_of_work(ledger.store) as session:
        newest = sequencer.latest(session)
        assert newest is not None
        chosen = module._chosen(session, newest)  # noqa: SLF001 - the rest of an export would need a month of records
        assert len(list(session.identity_map.keys())) < 40
    assert (len(chosen), chosen[0].size, chosen[-1].size) == (32, 2, 100 + 43_199), "the first, and 31 days in China"


def test_records_are_read_in_batches(ledger: Ledger, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 7)
    ledger.grow(30)
    seen: list[tuple[int, int]] = []
    held: list[int] = []
    with unit_of_work(ledger.store) as session:
        module.export(
            session, ledger.keyring.signer, out, progress=lambda done, total: seen.append((done, total)),
            content=lambda _: held.append(len(list(session.identity_map.keys()))),
        )  # fmt: skip
    assert seen == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]
    assert max(held) <= 7 + 3
    assert valid(out)


def test_an_export_is_right_while_the_ledger_goes_on(
    ledger: Ledger, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 50)
    ledger.grow(200, 130)

    def meanwhile(done: int, _total: int) -> None:
        if done in {50, 150, 250}:
            thread = threading.Thread(target=lambda: ledger.grow(90))
            thread.start()
            thread.join(30)

    assert ledger.export(out, progress=meanwhile).size == 330
    assert [record["index"] for record in records(out)] == list(range(330))
    assert valid(out)
    assert ledger.checkpoint().size == 600


def test_a_record_that_is_erased_while_the_export_runs_is_whole_or_erased(
    ledger: Ledger, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 10)
    ledger.grow(30)
    past = datetime.now(UTC) - timedelta(days=1)
    ledger.run(f"UPDATE evidence_entry SET due = '{past.isoformat()}'")

    def erase() -> None:
        with unit_of_work(ledger.store) as session:
            retention.erase_due_entries(session, datetime.now(UTC))

    def meanwhile(done: int, _total: int) -> None:
        if done == 10:
            thread = threading.Thread(target=erase)
            thread.start()
            thread.join(30)

    ledger.export(out, progress=meanwhile)
    assert ["erased" in record for record in records(out)] == [False] * 10 + [True] * 20
    assert "erased 已删: 20" in valid(out)


def kept_by(ledger: Ledger, size: int) -> str:
    ((note,),) = ledger.run(f"SELECT note FROM evidence_checkpoint WHERE size = {size}")
    return str(note)


@pytest.mark.parametrize("size", [0, 3, 7, 12])
def test_a_kept_checkpoint_gets_its_proof_even_in_a_part(ledger: Ledger, tmp_path: Path, size: int) -> None:
    ledger.seal()
    ledger.grow(3, 4, 5)
    kept = kept_by(ledger, size)
    ledger.export(tmp_path / "out", first=8, earlier=kept)
    assert f"{size} entries, consistent" in valid(tmp_path / "out", kept)[-1]


def test_a_kept_checkpoint_of_another_ledger_or_of_a_longer_one_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    ledger.grow(3, 4)
    other = Signer("ledger.test/log", Ed25519PrivateKey.generate())
    for wrong in (other.sign("ledger.test/log\n1\nAAAA\n"), "nonsense", "\n\n\n"):
        with pytest.raises(NoteError):
            ledger.export(tmp_path / "out", earlier=wrong)
    kept = kept_by(ledger, 7)
    ledger.run("DELETE FROM evidence_checkpoint WHERE size = 7")
    with pytest.raises(InputError, match="rolled back"):
        ledger.export(tmp_path / "out", earlier=kept)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_exists_and_is_empty_is_used_and_one_with_anything_in_it_is_not(
    ledger: Ledger, out: Path
) -> None:
    ledger.grow(2)
    out.mkdir()
    ledger.export(out)
    assert valid(out)
    with pytest.raises(InputError, match="not empty"):
        ledger.export(out)
    hidden = out.parent / "hidden"
    hidden.mkdir()
    (hidden / ".kept").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        ledger.export(hidden)
    assert [path.name for path in hidden.iterdir()] == [".kept"]


BAD: dict[str, Callable[[Path], Path]] = {
    "a file": lambda folder: folder / "file",
    "below a file": lambda folder: folder / "file" / "out",
    "a name too long": lambda folder: folder / ("x" * 300),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_folder_that_can_not_be_written_is_told(ledger: Ledger, tmp_path: Path, kind: str) -> None:
    ledger.grow(1)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="can not write to") as told:
        ledger.export(BAD[kind](tmp_path))
    assert "可写" in told.value.remedy.zh
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_can_only_be_read_is_told(ledger: Ledger, tmp_path: Path) -> None:
    ledger.grow(1)
    with small_disk(tmp_path / "disk", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(InputError, match="Read-only"):
            ledger.export(disk / "out")


def test_a_disk_that_fills_up_is_told_and_what_is_there_does_not_verify(ledger: Ledger, tmp_path: Path) -> None:
    ledger.grow(60)
    with small_disk(tmp_path / "disk", "200k") as disk:
        out = disk / "out"

        def full(entry: str) -> None:
            if entry == ledger.ids[0]:
                fill(disk)

        with pytest.raises(StoreError, match="not finished") as told:
            ledger.export(out, content=full)
        assert "腾出空间" in told.value.remedy.zh
        with pytest.raises(verify.Invalid, match=r"manifest\.json: missing"):
            verify.verify(out, ledger.keyring.signer.vkey, None)
