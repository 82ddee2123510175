"""The stand-alone verifier on every kind of damage: it says no, and where; and what is no damage, it lets pass."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hegui.evidence import merkle, verify
from hegui.evidence.entries import commit_to, leaf_data, make_entry
from hegui.evidence.merkle import MemoryTree, leaf_hash
from hegui.evidence.notes import Checkpoint, Signer
from hegui.kit.canonical import canonical

SIGNER = Signer("ledger.test/log", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER = Signer("ledger.test/log", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
SIZES = (3, 9, 20)
BODY = {"question": "番茄？", "answer": "喜光。"}

Record = dict[str, Any]


def made(count: int) -> list[Record]:
    """Return records with place and commitment; the third is erased, the fifth has content."""
    found = []
    for index in range(count):
        payload: Record = {"n": index, "text": "番茄"}
        if index == 4:
            payload["content_digest"] = commit_to("s", canonical(BODY))
        entry = make_entry("test", payload)
        record = {"index": index, "id": entry.id, "kind": "test", "commitment": entry.commitment}
        record |= {"erased": True} if index == 2 else {"salt": entry.salt, "payload": payload}
        if index == 4:
            record["content"] = {"salt": "s", "body": BODY}
        found.append(record)
    return found


def tree_of(records: list[Record]) -> MemoryTree:
    return MemoryTree([leaf_hash(leaf_data(r["id"], r["kind"], r["commitment"])) for r in records])


def encoded(proof: list[bytes]) -> list[str]:
    return [b64encode(item).decode() for item in proof]


def note_of(grown: MemoryTree, size: int, signer: Signer = SIGNER) -> str:
    return signer.sign(Checkpoint(signer.name, size, merkle.root(grown.node, size)).text())


def lines(path: Path, rows: list[Record]) -> None:
    path.write_bytes(b"".join(canonical(row) + b"\n" for row in rows))


def build(out: Path, records: list[Record]) -> Path:
    """Write an honest export by hand, as the format says, with nothing of the exporter."""
    grown, size = tree_of(records), len(records)
    (out / "checkpoints").mkdir(parents=True)
    sizes = [*(number for number in SIZES if number < size), size]
    for number in sizes:
        (out / "checkpoints" / f"{number:020d}.txt").write_text(note_of(grown, number), "utf-8")
    pairs = itertools.pairwise(sizes)
    proofs = [{"old": a, "new": b, "proof": encoded(merkle.consistency_proof(grown.node, a, b))} for a, b in pairs]
    lines(out / "consistency.jsonl", proofs)
    for index, record in enumerate(records):
        record["proof"] = encoded(merkle.inclusion_proof(grown.node, index, size))
    lines(out / "records.jsonl", records)
    manifest = {"format": "hegui-evidence-1", "first": 0, "end": size, "size": size}
    (out / "manifest.json").write_text(json.dumps(manifest))
    (out / "ledger.vkey").write_text(SIGNER.vkey + "\n")
    return out


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("honest") / "out", made(20))


@pytest.fixture
def out(honest: Path, tmp_path: Path) -> Path:
    shutil.copytree(honest, tmp_path / "out")
    return tmp_path / "out"


def said(out: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = verify.main([str(out), *more])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def change(name: str, old: str | bytes, new: str | bytes) -> Callable[[Path], None]:
    def act(out: Path) -> None:
        path = out / name
        data = path.read_bytes()
        was, now = (item.encode() if isinstance(item, str) else item for item in (old, new))
        assert was in data
        path.write_bytes(data.replace(was, now, 1))

    return act


def edit(*acts: Callable[[list[Record]], Any], name: str = "records.jsonl") -> Callable[[Path], None]:
    def act(out: Path) -> None:
        rows = [json.loads(line) for line in (out / name).read_text("utf-8").splitlines()]
        for each in acts:
            each(rows)
        lines(out / name, rows)

    return act


def field(index: int, name: str, value: Any) -> Callable[[Path], None]:
    return edit(lambda rows: rows[index].update({name: value}))


def manifest(**values: Any) -> Callable[[Path], None]:
    def act(out: Path) -> None:
        path = out / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return act


def remove(name: str) -> Callable[[Path], None]:
    return lambda out: (out / name).unlink()


def swap_proofs(rows: list[Record]) -> None:
    rows[6]["proof"], rows[7]["proof"] = rows[7]["proof"], rows[6]["proof"]


def swap_payloads(rows: list[Record]) -> None:
    for name in ("payload", "salt", "commitment"):
        rows[6][name], rows[7][name] = rows[7][name], rows[6][name]


def inconsistent(out: Path) -> None:
    """Sign a second history with the true key: what a rewritten ledger looks like."""
    (out / "checkpoints" / f"{9:020d}.txt").write_text(note_of(tree_of(made(9)), 9), "utf-8")


def fork(out: Path) -> None:
    """Two checkpoints of one size with different roots."""
    (out / "checkpoints" / f"{9:020d}.txt.z").write_text(note_of(tree_of(made(9)), 9), "utf-8")


def re_signed(out: Path) -> None:
    path = out / "checkpoints" / f"{20:020d}.txt"
    path.write_text(OTHER.sign(path.read_text("utf-8").rpartition("\n\n")[0] + "\n"), "utf-8")


def shuffle(out: Path) -> None:
    (out / "checkpoints" / f"{3:020d}.txt").rename(out / "checkpoints" / f"{10:020d}.txt")


def cut(name: str, share: float) -> Callable[[Path], None]:
    def act(out: Path) -> None:
        data = (out / name).read_bytes()
        (out / name).write_bytes(data[: int(len(data) * share)])

    return act


HASH = b64encode(b"h" * 32).decode()
CHECKPOINT = f"checkpoints/{9:020d}.txt"
NEWEST = f"checkpoints/{20:020d}.txt"

DAMAGE: dict[str, tuple[Callable[[Path], Any], list[str]]] = {
    # files
    "no records": (remove("records.jsonl"), ["records.jsonl", "missing"]),
    "no proofs between checkpoints": (remove("consistency.jsonl"), ["consistency.jsonl", "missing"]),
    "no manifest": (remove("manifest.json"), ["manifest.json", "missing"]),
    "no key": (remove("ledger.vkey"), ["ledger.vkey", "missing"]),
    "no checkpoints": (lambda out: shutil.rmtree(out / "checkpoints"), ["no checkpoint"]),
    "newest checkpoint gone": (remove(NEWEST), ["manifest.json", "9 signed entries"]),
    "middle checkpoint gone": (remove(CHECKPOINT), ["checkpoints of 3 and 20", "proof is missing"]),
    # jsonl
    "records cut in a line": (cut("records.jsonl", 0.5), ["records.jsonl line", "not readable"]),
    "records cut at a line": (edit(lambda rows: rows.pop()), ["record 19 is missing"]),
    "records empty": (cut("records.jsonl", 0), ["record 0 is missing"]),
    "an empty line": (change("records.jsonl", b"\n", b"\n\n"), ["records.jsonl line 2"]),
    "a line that is no object": (change("records.jsonl", b"\n", b"\n5\n"), ["line 2", "not an object"]),
    "a line that is not UTF-8": (change("records.jsonl", "番".encode(), b"\xff\xfe\xfd"), ["line 1", "not readable"]),
    "a surrogate": (change("records.jsonl", "番", "\\ud800"), ["line 1", "not readable"]),
    "a key twice": (change("records.jsonl", '{"n":0', '{"n":1,"n":0'), ["line 1", "stands twice"]),
    "other spacing": (change("records.jsonl", '"index":5', '"index": 5'), ["line 6", "record 5", "canonical"]),
    "CRLF": (change("records.jsonl", b"\n", b"\r\n"), ["line 1", "canonical"]),
    "nested without end": (change("records.jsonl", "{", '{"a":' + "[" * 200_000), ["line 1", "not readable"]),
    "a number without end": (change("records.jsonl", '"n":0', '"n":' + "9" * 9000), ["line 1", "not readable"]),
    # records
    "a record twice": (edit(lambda rows: rows.insert(5, rows[5])), ["record 6", "out of order"]),
    "the last record twice": (edit(lambda rows: rows.append(rows[19])), ["line 21", "more records"]),
    "a record left out": (edit(lambda rows: rows.pop(5)), ["record 5 is missing"]),
    "two proofs swapped": (edit(swap_proofs), ["record 6", "signed root"]),
    "two payloads swapped": (edit(swap_payloads), ["record 6", "signed root"]),
    "a payload changed": (change("records.jsonl", '"n":7', '"n":8'), ["record 7", "payload was changed"]),
    "a salt changed": (field(7, "salt", "AAAA"), ["record 7", "payload was changed"]),
    "an id changed": (field(7, "id", "x"), ["record 7 (x)", "signed root"]),
    "a kind changed": (field(7, "kind", "other"), ["record 7", "signed root"]),
    "erased but not": (field(7, "erased", True), ["record 7", "holds data"]),
    "erased is no truth": (field(2, "erased", 1), ["record 2", "holds data"]),
    "an erased commitment": (field(2, "commitment", HASH), ["record 2", "signed root"]),
    "no commitment": (edit(lambda rows: rows[7].pop("commitment")), ["record 7", "no 'commitment'"]),
    "no proof": (edit(lambda rows: rows[7].pop("proof")), ["record 7", "no 'proof'"]),
    "no payload": (edit(lambda rows: rows[7].pop("payload")), ["record 7", "no 'payload'"]),
    "a salt that is no text": (field(7, "salt", 5), ["record 7"]),
    "a proof that is no list": (field(7, "proof", HASH), ["record 7", "not a list"]),
    "bad base64": (field(7, "proof", ["!" * 44]), ["record 7", "base64"]),
    "base64 with rubbish": (field(7, "proof", [HASH[:20] + " " + HASH[20:]]), ["record 7", "base64"]),
    "a proof of numbers": (field(7, "proof", [1, 2]), ["record 7", "base64"]),
    "a short hash": (field(7, "proof", ["AAAA"]), ["record 7", "wrong length"]),
    "a proof too long": (edit(lambda rows: rows[7]["proof"].append(HASH)), ["record 7", "too long"]),
    "a proof too short": (edit(lambda rows: rows[7]["proof"].pop()), ["record 7", "too short"]),
    "a field that no proof covers": (field(7, "note", "x"), ["record 7", "note"]),
    "content changed": (change("records.jsonl", "喜光", "喜阴"), ["record 4", "content was changed"]),
    "content moved": (field(7, "content", {"salt": "s", "body": BODY}), ["record 7", "content was changed"]),
    "content without salt": (field(4, "content", {"body": BODY}), ["record 4", "no 'salt'"]),
    "content that is no object": (field(4, "content", "x"), ["record 4"]),
    # checkpoints
    "another history under the same key": (inconsistent, ["checkpoints of 3 and 9", "history was rewritten"]),
    "two roots of one size": (fork, ["checkpoints of 9 and 9", "different roots"]),
    "signed by another key": (re_signed, [NEWEST, "not signed by this key"]),
    "a size changed": (change(CHECKPOINT, "\n9\n", "\n8\n"), [CHECKPOINT, "signature"]),
    "a checkpoint out of order": (shuffle, ["checkpoints of 9 and 3"]),
    "a checkpoint torn": (cut(CHECKPOINT, 0.2), [CHECKPOINT, "malformed"]),
    "a checkpoint empty": (cut(CHECKPOINT, 0), [CHECKPOINT, "malformed"]),
    "a checkpoint of bytes": (change(CHECKPOINT, "ledger", b"\xff\xfe"), [f"{9:020d}.txt", "UTF-8"]),
    "a strange file": (lambda out: (out / "checkpoints" / "z").write_text("x"), ["checkpoints/z", "malformed"]),
    "a consistency proof changed": (
        edit(lambda rows: rows[1]["proof"].__setitem__(0, HASH), name="consistency.jsonl"),
        ["checkpoints of 9 and 20", "rewritten"],
    ),
    "a consistency proof too long": (
        edit(lambda rows: rows[1]["proof"].append(HASH), name="consistency.jsonl"),
        ["checkpoints of 9 and 20", "too long"],
    ),
    "a consistency proof without sizes": (
        edit(lambda rows: rows[1].pop("old"), name="consistency.jsonl"),
        ["consistency.jsonl line 2", "'old'"],
    ),
    "a consistency proof of rubbish": (
        edit(lambda rows: rows[0].update(proof=["?"]), name="consistency.jsonl"),
        ["consistency.jsonl line 1", "base64"],
    ),
    # manifest and key
    "a newer format": (manifest(format="hegui-evidence-2"), ["manifest.json", "hegui-evidence-2", "unknown"]),
    "no format": (manifest(format=None), ["manifest.json", "None", "unknown"]),
    "a range that is text": (manifest(first="0"), ["manifest.json", "range"]),
    "a range without end": (manifest(end=None), ["manifest.json", "range"]),
    "a range beyond the ledger": (manifest(end=21), ["manifest.json", "range"]),
    "a range turned round": (manifest(first=5, end=4), ["manifest.json", "range"]),
    "another size": (manifest(size=19), ["manifest.json", "20 signed entries"]),
    "a shifted range": (manifest(first=1), ["record 1", "out of order"]),
    "a manifest that is a list": (lambda out: (out / "manifest.json").write_text("[]"), ["manifest.json", "object"]),
    "a manifest torn": (cut("manifest.json", 0.5), ["manifest.json", "object"]),
    "a key torn": (cut("ledger.vkey", 0.5), ["malformed"]),
    "the wrong key": (lambda out: (out / "ledger.vkey").write_text(OTHER.vkey), ["not signed by this key"]),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(out: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    act, told = DAMAGE[kind]
    act(out)
    code, text = said(out, capsys)
    assert code == 1, text
    assert text.startswith("INVALID 无效: ")
    assert [word for word in told if word not in text] == [], text
    assert "not whole" not in text, "every damage has words of its own"


def test_the_undamaged_export_is_valid(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(out, capsys, "--key", SIGNER.vkey)
    assert code == 0, text
    for word in ("ledger.test/log", "记录: 20 (index 0 to 19 of 20", "已删: 1", "检查点: 3", "pinned by you"):
        assert word in text


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_a_small_ledger_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int) -> None:
    assert said(build(tmp_path / "out", made(size)), capsys)[0] == 0


def test_a_witness_that_signed_too_does_no_harm(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = out / NEWEST
    witness = Signer("witness.test", Ed25519PrivateKey.generate())
    text = path.read_text("utf-8").rpartition("\n\n")[0] + "\n"
    path.write_text(path.read_text("utf-8") + witness.sign(text).rpartition("\n\n")[2], "utf-8")
    assert said(out, capsys)[0] == 0


USAGE: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "no such folder": (lambda out: [str(out / "none")], "not a folder"),
    "a file for a folder": (lambda out: [str(out / "records.jsonl")], "not a folder"),
    "a key that is none": (lambda out: [str(out), "--key", "nonsense"], "--key"),
    "a key with a wrong id": (lambda out: [str(out), "--key", SIGNER.vkey.replace("+", "+0", 1)], "--key"),
    "no such checkpoint": (lambda out: [str(out), "--earlier", str(out / "none")], "--earlier none"),
    "a checkpoint of bytes": (lambda out: [str(out), "--earlier", str(out / "bytes")], "--earlier bytes"),
    "a checkpoint without end": (lambda out: [str(out), "--earlier", str(out / "huge")], "--earlier huge"),
}


@pytest.mark.parametrize("kind", USAGE)
def test_what_was_called_wrongly_is_not_called_invalid(
    out: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    (out / "bytes").write_bytes(b"\xff\xfe")
    (out / "huge").write_bytes(b"x" * (verify.LONGEST_FILE + 1))
    arguments, told = USAGE[kind]
    assert verify.main(arguments(out)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err


def test_arguments_that_do_not_exist_are_usage(out: Path) -> None:
    for arguments in ([], [out, "--none"], [out, out]):
        done = subprocess.run(
            [sys.executable, "-I", verify.__file__, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, "usage:" in done.stderr) == (2, True)


EARLIER: dict[str, tuple[Callable[[MemoryTree], str], int, str]] = {
    "of an exported size": (lambda grown: note_of(grown, 9), 0, "9 entries, consistent"),
    "of no exported size": (lambda grown: note_of(grown, 7), 0, "7 entries, consistent"),
    "the newest": (lambda grown: note_of(grown, 20), 0, "20 entries, consistent"),
    "of the empty ledger": (lambda grown: note_of(grown, 0), 0, "0 entries, consistent"),
    "of another history": (lambda _: note_of(tree_of(made(7)), 7), 1, "history was rewritten"),
    "of another history, as large": (lambda _: note_of(tree_of(made(20)), 20), 1, "different roots"),
    "of a longer ledger": (lambda _: note_of(tree_of(made(21)), 21), 1, "rolled back"),
    "of another key": (lambda grown: note_of(grown, 7, OTHER), 1, "--earlier: not signed by this key"),
    "that is none": (lambda _: "a note", 1, "--earlier: checkpoint or key is malformed"),
}


@pytest.mark.parametrize("kind", EARLIER)
def test_a_kept_checkpoint_is_compared(out: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    grown = tree_of([json.loads(line) for line in (out / "records.jsonl").read_text("utf-8").splitlines()])
    note, code, told = EARLIER[kind]
    kept = out.parent / "kept"
    kept.write_text(note(grown), "utf-8")
    found, text = said(out, capsys, "--earlier", str(kept))
    assert (found, told in text) == (code, True), text


def test_a_huge_line_is_refused_before_it_is_read_whole(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "LONGEST_LINE", 100_000)
    with (out / "records.jsonl").open("ab") as file:
        file.truncate((out / "records.jsonl").stat().st_size + 50_000_000)
    edit_end = (out / "manifest.json").read_text()
    tracemalloc.start()
    code, text = said(out, capsys)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (code, "records.jsonl line 21: longer than 100000 bytes" in text) == (1, True), text
    assert peak < 5_000_000
    assert json.loads(edit_end)["end"] == 20


@pytest.mark.parametrize("name", ["manifest.json", "ledger.vkey", CHECKPOINT])
def test_a_small_file_that_is_huge_is_refused(out: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    with (out / name).open("ab") as file:
        file.truncate(verify.LONGEST_FILE + 1)
    code, text = said(out, capsys)
    assert (code, Path(name).name in text, "longer than" in text) == (1, True, True), text


def test_memory_does_not_grow_with_the_number_of_records(tmp_path: Path) -> None:
    peaks = []
    for size in (500, 4000):
        out = build(tmp_path / str(size), made(size))
        kept = note_of(tree_of(made(0)), 0)
        tracemalloc.start()
        verify.verify(out, None, kept)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000
