"""The sequencer: one at a time, in order, nothing twice, and never over a table that was rolled back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from hegui.evidence import leave, merkle, sequencer, verify
from hegui.evidence.entries import leaf_data
from hegui.evidence.merkle import MemoryTree, leaf_hash
from hegui.evidence.notes import Checkpoint, Signer, tlog_proof
from hegui.evidence.sequencer import RolledBackError
from hegui.kit.errors import StoreError
from hegui.store import unit_of_work
from tests.unit.evidence.conftest import Ledger


def rows(ledger: Ledger) -> list[tuple[int | None, str]]:
    return [(seq, id_) for seq, id_ in ledger.run("SELECT seq, id::text FROM evidence_entry ORDER BY seq, id")]


def expected_root(ledger: Ledger) -> bytes:
    """Compute the root from the entries alone."""
    found = ledger.run("SELECT id::text, kind, commitment FROM evidence_entry WHERE seq IS NOT NULL ORDER BY seq")
    grown = MemoryTree([leaf_hash(leaf_data(*row)) for row in found])
    return merkle.root(grown.node, len(grown))


def test_the_first_round_publishes_an_empty_ledger_and_quiet_seconds_publish_nothing(ledger: Ledger) -> None:
    first = ledger.seal()
    assert first is not None
    assert (first.added, first.size, ledger.checkpoint().root) == (0, 0, merkle.EMPTY)
    assert [ledger.seal() for _ in range(3)] == [None] * 3
    ledger.grow(2)
    assert ledger.seal() is None
    assert ledger.run("SELECT size FROM evidence_checkpoint ORDER BY size") == [(0,), (2,)]


def test_entries_get_their_place_in_the_order_of_time_without_gaps(ledger: Ledger) -> None:
    for count in (3, 1, 260):
        made = ledger.leave(count)
        assert {seq for seq, id_ in rows(ledger) if id_ in made} == {None}
        sealed = ledger.seal()
        assert sealed is not None
        assert sealed.added == count
    assert rows(ledger) == list(enumerate(ledger.ids))
    assert ledger.checkpoint() == Checkpoint("ledger.test/log", 264, expected_root(ledger))


def test_more_than_a_batch_waits_for_the_next_round(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "_BATCH", 10)
    ledger.leave(25)
    assert [sealed.added for _ in range(3) if (sealed := ledger.seal())] == [10, 10, 5]
    with unit_of_work(ledger.store) as session:
        assert sequencer.pending(session) == 0
    assert ledger.checkpoint().root == expected_root(ledger)


def test_of_two_at_once_one_seals_and_the_other_goes_on_at_once(ledger: Ledger) -> None:
    ledger.leave(3)
    signer = ledger.keyring.signer
    with unit_of_work(ledger.store) as session:
        assert sequencer.seal(session, signer, ledger.published) is not None
        seen: list[object] = ["not asked"]
        thread = threading.Thread(target=lambda: seen.append(ledger.seal()))
        thread.start()
        thread.join(20)
        assert seen == ["not asked", None]
    assert rows(ledger) == list(enumerate(ledger.ids))


def test_many_sealers_and_writers_make_one_history(ledger: Ledger) -> None:
    failed: list[BaseException] = []
    writing = threading.Event()

    def go(act: Callable[[], object], times: int) -> None:
        try:
            for _ in range(times):
                act()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=go, args=(lambda: ledger.leave(3), 15)) for _ in range(3)]
    threads += [threading.Thread(target=go, args=(lambda: ledger.seal(publish=False), 25)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    writing.set()
    ledger.seal()
    assert failed == []
    found = rows(ledger)
    assert [seq for seq, _ in found] == list(range(135))
    newest = ledger.run("SELECT note FROM evidence_checkpoint ORDER BY size DESC LIMIT 1")[0][0]
    assert Checkpoint.parse(newest).root == expected_root(ledger)
    sizes = [size for (size,) in ledger.run("SELECT size FROM evidence_checkpoint ORDER BY size")]
    assert sizes[-1] == 135


def test_a_round_that_is_cut_off_leaves_nothing_and_the_next_does_it_whole(ledger: Ledger) -> None:
    ledger.grow(2)
    ledger.leave(300)
    with pytest.raises(KeyboardInterrupt):
        cut_off(ledger)
    assert ledger.run("SELECT count(*) FROM evidence_entry WHERE seq IS NULL") == [(300,)]
    assert ledger.run("SELECT max(size) FROM evidence_checkpoint") == [(2,)]
    assert ledger.run("SELECT sum(length(hashes)) / 32 FROM evidence_tile WHERE level = 0") == [(2,)]
    ledger.seal()
    assert ledger.checkpoint() == Checkpoint("ledger.test/log", 302, expected_root(ledger))


def cut_off(ledger: Ledger) -> None:
    with unit_of_work(ledger.store) as session:
        assert sequencer.seal(session, ledger.keyring.signer, ledger.published) is not None
        raise KeyboardInterrupt


def test_a_stop_between_sealing_and_publishing_is_caught_up(ledger: Ledger) -> None:
    ledger.grow(2)
    ledger.leave(2)
    assert ledger.seal(publish=False) is not None
    assert ledger.checkpoint().size == 2, "published is behind the table: that is allowed"
    ledger.grow(1)
    assert ledger.checkpoint() == Checkpoint("ledger.test/log", 5, expected_root(ledger))


def test_an_entry_of_a_unit_that_ends_late_still_gets_a_place(ledger: Ledger) -> None:
    """Ids go by the time of the event: one that commits after younger ones comes after them, and is not lost."""
    with unit_of_work(ledger.store) as session:
        late = leave(session, "late", {})
        session.flush()
        thread = threading.Thread(target=lambda: ledger.grow(2))
        thread.start()
        thread.join(20)
    ledger.seal()
    assert rows(ledger) == [*enumerate(ledger.ids), (2, late)]


BACK = {
    "the whole table": [
        "DELETE FROM evidence_checkpoint WHERE size > 3",
        "DELETE FROM evidence_entry WHERE seq >= 3",
        "UPDATE evidence_tile SET hashes = substring(hashes FROM 1 FOR 96)",
    ],
    "checkpoints only": ["DELETE FROM evidence_checkpoint WHERE size > 3"],
    "tiles only": ["UPDATE evidence_tile SET hashes = substring(hashes FROM 1 FOR 96)"],
    "tiles gone": ["DELETE FROM evidence_tile"],
    "one hash changed": ["UPDATE evidence_tile SET hashes = overlay(hashes PLACING '\\x00' FROM 40)"],
    "tiles ahead": ["UPDATE evidence_tile SET hashes = hashes || substring(hashes FROM 1 FOR 32)"],
    "everything gone": [
        "DELETE FROM evidence_checkpoint",
        "DELETE FROM evidence_entry WHERE seq IS NOT NULL",
        "DELETE FROM evidence_tile",
    ],
}


@pytest.mark.parametrize("how", BACK)
def test_a_table_that_was_rolled_back_or_rewritten_is_never_sealed_over(ledger: Ledger, how: str) -> None:
    ledger.grow(3, 4)
    kept = ledger.published.read_text("utf-8")
    for statement in BACK[how]:
        ledger.run(statement)
    before = ledger.run("SELECT size FROM evidence_checkpoint ORDER BY size")
    ledger.leave(5)
    for _ in range(2):
        with pytest.raises(RolledBackError) as told:
            ledger.seal()
    assert "7" in told.value.title.zh
    assert str(ledger.published) in told.value.remedy.en
    assert ledger.run("SELECT size FROM evidence_checkpoint ORDER BY size") == before
    assert ledger.published.read_text("utf-8") == kept
    assert ledger.run("SELECT count(*) FROM evidence_entry WHERE seq IS NULL") == [(5,)], "they wait"


def test_without_a_published_file_tiles_and_checkpoint_must_still_agree(ledger: Ledger) -> None:
    ledger.grow(3)
    ledger.published.unlink()
    ledger.run("UPDATE evidence_tile SET hashes = substring(hashes FROM 1 FOR 64)")
    ledger.leave(1)
    with pytest.raises(RolledBackError):
        ledger.seal()


@pytest.mark.parametrize("content", ["", "torn", None, "\udcff"], ids=["empty", "torn", "another key", "not text"])
def test_a_published_file_that_can_not_be_checked_stops_the_sealing(ledger: Ledger, content: str | None) -> None:
    ledger.grow(3)
    note = ledger.published.read_text("utf-8")
    if content is None:
        other = Signer("ledger.test/log", Ed25519PrivateKey.generate())
        content = other.sign(note.rpartition("\n\n")[0] + "\n")
    ledger.published.write_bytes((note[:40] if content == "torn" else content).encode("utf-8", "surrogateescape"))
    ledger.leave(1)
    with pytest.raises(StoreError) as told:
        ledger.seal()
    assert str(ledger.published) in told.value.title.en
    assert "history" in told.value.remedy.zh
    ledger.published.write_text(note)
    assert ledger.seal() is not None


def test_a_proof_of_one_record_travels_alone(ledger: Ledger) -> None:
    ledger.grow(5)
    (waiting,) = ledger.leave(1)
    with unit_of_work(ledger.store) as session:
        assert sequencer.proof_of(session, waiting) is None
        found = sequencer.proof_of(session, ledger.ids[3])
    assert found is not None
    index, proof, checkpoint = found
    lines = tlog_proof(index, proof, checkpoint.note).split("\n")
    assert lines[1] == "index 3"
    ((commitment,),) = ledger.run(f"SELECT commitment FROM evidence_entry WHERE id = '{ledger.ids[3]}'")
    leaf = leaf_hash(leaf_data(ledger.ids[3], "test", commitment))
    _, size, root = verify.open_note("\n".join(lines[lines.index("") + 1 :]), ledger.keyring.signer.vkey)
    assert verify.root_from_inclusion(leaf, 3, size, verify.hashes(lines[2 : lines.index("")])) == root


def test_what_was_not_committed_is_not_sealed(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.store.engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO evidence_entry (id, at, kind, commitment, retention)"
                " VALUES (gen_random_uuid(), now(), 'open', 'x', 'institution')"
            )
        )
        sealed = ledger.seal()
        assert sealed is not None
        assert sealed.added == 0
        connection.rollback()
