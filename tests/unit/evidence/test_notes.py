"""Notes, checkpoints and keys in the C2SP formats, against the specification's own example."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hegui.evidence import verify
from hegui.evidence.entries import commit_to, leaf_data, make_entry
from hegui.evidence.merkle import leaf_hash
from hegui.evidence.notes import Checkpoint, NoteError, Signer, Verifier, tlog_proof
from hegui.kit.canonical import canonical

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


@pytest.fixture
def signer() -> Signer:
    return Signer("hegui.test/log", Ed25519PrivateKey.generate())


def test_the_example_of_the_specification_verifies() -> None:
    assert Verifier.parse(VKEY).open(NOTE) == "This is an example message.\n"


def test_our_own_notes_verify_and_changed_ones_do_not(signer: Signer) -> None:
    checkpoint = Checkpoint(signer.name, 7, b"r" * 32)
    note = signer.sign(checkpoint.text())
    assert Checkpoint.parse(Verifier.parse(signer.vkey).open(note)) == checkpoint
    assert verify.open_note(note, signer.vkey) == (signer.name, 7, b"r" * 32)
    for wrong in (
        note.replace("\n7\n", "\n8\n"),
        note.replace("hegui.test/log ", "hegui.test/other "),
        note[:-8] + "AAAAAAA\n",
    ):
        with pytest.raises(NoteError):
            Verifier.parse(signer.vkey).open(wrong)
        with pytest.raises(verify.Invalid):
            verify.open_note(wrong, signer.vkey)


def test_unknown_signatures_are_ignored(signer: Signer) -> None:
    other = Signer("witness.example", Ed25519PrivateKey.generate())
    text = Checkpoint(signer.name, 1, b"r" * 32).text()
    both = signer.sign(text) + other.sign(text).rpartition("\n\n")[2]
    assert Verifier.parse(signer.vkey).open(both) == text
    assert Verifier.parse(other.vkey).open(both) == text


@pytest.mark.parametrize("wrong", ["", "a", "a+b+c", VKEY[:-4], VKEY.replace("530d903a", "530d903b")])
def test_malformed_keys_are_refused(wrong: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(wrong)


@pytest.mark.parametrize("wrong", ["", "a\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nnot base64\n"])
def test_malformed_checkpoints_are_refused(wrong: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(wrong)


def test_a_proof_travels_in_the_published_format(signer: Signer) -> None:
    note = signer.sign(Checkpoint(signer.name, 2, b"r" * 32).text())
    lines = tlog_proof(1, [b"p" * 32], note, extra=b"x").split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra eA==", "index 1"]
    assert lines[4] == ""
    assert "\n".join(lines[5:]) == note


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_canonical_form_is_that_of_the_verifier(value: object) -> None:
    assert canonical(value) == verify.canonical(value)
    assert json.loads(canonical(value)) == value


def test_leaves_are_salted_commitments() -> None:
    one, two = make_entry("test", {"a": 1}), make_entry("test", {"a": 1})
    assert one.commitment != two.commitment
    assert one.commitment == commit_to(one.salt, b'{"a":1}')
    record = {"id": one.id, "kind": "test", "salt": one.salt, "payload": {"a": 1}, "commitment": one.commitment}
    assert verify.leaf_of(record) == leaf_hash(leaf_data(one.id, "test", one.commitment))
    with pytest.raises(verify.Invalid):
        verify.leaf_of({**record, "payload": {"a": 2}})


# --- the formats, case by case -------------------------------------------------------------------

DASH = "\u2014"
SIGNATURE = NOTE.splitlines()[2]

# What C2SP signed-note asks a verifier to refuse, on the specification's own example.
NOT_A_NOTE = {
    "nothing": "",
    "no signature": "This is an example message.\n\n",
    "no empty line": f"This is an example message.\n{SIGNATURE}\n",
    "text changed": NOTE.replace("message", "massage"),
    "a line added": NOTE.replace("message.\n", "message.\nmore\n"),
    "the last newline of the text gone": NOTE.replace("message.\n\n", "message.\n"),
    "a hyphen for the dash": NOTE.replace(DASH, "-"),
    "another name": NOTE.replace("example.com/foo", "example.com/bar"),
    "base64 torn": NOTE.rstrip()[:-3] + "\n",
    "base64 with rubbish": NOTE.replace("Uw2QOkn8", "Uw2Q Okn8"),
    "key id changed": NOTE.replace("Uw2QOkn8", "Vw2QOkn8"),
    "signature changed": NOTE.replace("srV1yJGh", "srV1yJGg"),
    "signature cut": f"This is an example message.\n\n{DASH} example.com/foo Uw2QOg==\n",
}


@pytest.mark.parametrize("kind", NOT_A_NOTE)
def test_a_note_that_the_specification_does_not_allow_is_refused(kind: str) -> None:
    with pytest.raises(NoteError) as told:
        Verifier.parse(VKEY).open(NOT_A_NOTE[kind])
    assert told.value.exit_code == 2
    assert told.value.remedy.zh
    with pytest.raises(verify.Invalid):
        verify.read_note(NOT_A_NOTE[kind], VKEY)


def test_the_first_signature_that_is_ours_decides_whatever_stands_around_it() -> None:
    other = Signer("example.com/foo", Ed25519PrivateKey.generate()).sign("This is an example message.\n")
    line = other.rpartition("\n\n")[2].strip()
    for signatures in (f"{line}\n{SIGNATURE}\n", f"{SIGNATURE}\n{line}\n", f"rubbish\n{SIGNATURE}\n", f"{SIGNATURE}"):
        assert Verifier.parse(VKEY).open(f"This is an example message.\n\n{signatures}") == (
            "This is an example message.\n"
        )


def test_a_text_may_hold_empty_lines_and_lines_that_look_like_signatures(signer: Signer) -> None:
    text = f"one\n\n{DASH} {signer.name} AAAA\n\ntwo\n"
    assert Verifier.parse(signer.vkey).open(signer.sign(text)) == text


@pytest.mark.parametrize(
    "wrong",
    [
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k+x",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "例+530d903a+番茄",
    ],
    ids=["no name", "no key", "a part too many", "upper-case id", "another type of key", "another name", "not ASCII"],
)
def test_keys_that_only_look_like_keys_are_refused_by_both_readers(wrong: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(wrong)
    with pytest.raises(ValueError):  # noqa: PT011 - any of them, the caller turns it into words
        verify.read_key(wrong)


def test_a_key_is_read_with_the_newline_of_its_file() -> None:
    assert Verifier.parse(VKEY + "\n") == Verifier.parse(VKEY)
    assert verify.read_key(VKEY + "\n")[:2] == ("example.com/foo", "530d903a")


ROOT = "Z" * 42 + "w="


@pytest.mark.parametrize(
    "wrong",
    [
        f"\n7\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n+7\n{ROOT}\n",
        f"o\n 7\n{ROOT}\n",
        f"o\n7.0\n{ROOT}\n",
        f"o\n0x7\n{ROOT}\n",
        f"o\n１\n{ROOT}\n",
        f"o\n7_0\n{ROOT}\n",
        f"o\n{'9' * 5000}\n{ROOT}\n",
        f"o\n7\n{ROOT[:-4]}\n",
        f"o\n7\n{ROOT} \n",
        "o\n7",
    ],
)
def test_a_size_or_root_in_any_other_form_is_refused(wrong: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(wrong)


def test_extension_lines_of_a_checkpoint_are_kept_out_of_its_state(signer: Signer) -> None:
    text = Checkpoint(signer.name, 7, b"r" * 32).text() + "extension\nanother\n"
    note = signer.sign(text)
    assert Checkpoint.parse(Verifier.parse(signer.vkey).open(note)) == Checkpoint(signer.name, 7, b"r" * 32)
    assert verify.open_note(note, signer.vkey) == (signer.name, 7, b"r" * 32)


def test_a_checkpoint_under_another_origin_than_the_keys_is_refused(signer: Signer) -> None:
    note = signer.sign(Checkpoint("elsewhere.test/log", 7, b"r" * 32).text())
    with pytest.raises(verify.Invalid, match="origin and key name differ"):
        verify.open_note(note, signer.vkey)


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_every_state_survives_being_written_and_read(size: int, root: bytes) -> None:
    state = Checkpoint("ledger.test/log", size, root)
    assert Checkpoint.parse(state.text()) == state


@given(st.binary(max_size=80) | TEXT.map(str.encode))
def test_no_input_breaks_the_readers(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (Verifier.parse, Checkpoint.parse, Verifier.parse(VKEY).open):
        with pytest.raises(NoteError):
            read(text)
    with pytest.raises(verify.Invalid):
        verify.open_note(text, VKEY)
