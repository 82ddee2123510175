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
