"""The tree: every proof holds, none holds for another leaf, and the stand-alone verifier agrees."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.evidence import merkle, verify
from hegui.evidence.merkle import MemoryTree, leaf_hash


def tree(size: int) -> MemoryTree:
    return MemoryTree([leaf_hash(str(number).encode()) for number in range(size)])


def test_known_roots_of_rfc_6962() -> None:
    # The test vectors of the RFC's reference implementation.
    inputs = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        bytes(range(0x50, 0x58)),
        bytes(range(0x60, 0x70)),
    ]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    for size, root in enumerate(roots, 1):
        grown = MemoryTree([leaf_hash(data) for data in inputs[:size]])
        assert merkle.root(grown.node, size).hex() == root
    assert merkle.root(tree(0).node, 0) == sha256(b"").digest() == merkle.EMPTY


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.data())
def test_inclusion_proofs_hold_for_their_leaf_only(size: int, data: st.DataObject) -> None:
    grown = tree(size)
    root = merkle.root(grown.node, size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(grown.node, index, size)
    assert merkle.root_from_inclusion(grown.node(0, index), index, size, proof) == root
    assert verify.root_from_inclusion(grown.node(0, index), index, size, proof) == root
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        assert verify.root_from_inclusion(grown.node(0, other), index, size, proof) != root


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 300), st.data())
def test_consistency_proofs_hold_and_a_rewritten_history_fails(size: int, data: st.DataObject) -> None:
    grown = tree(size)
    old = data.draw(st.integers(1, size))
    roots = merkle.root(grown.node, old), merkle.root(grown.node, size)
    proof = merkle.consistency_proof(grown.node, old, size)
    verify.check_consistency(old, size, *roots, proof)
    if old < size:
        with pytest.raises(verify.Invalid):
            verify.check_consistency(old, size, sha256(b"other").digest(), roots[1], proof)
        with pytest.raises(verify.Invalid):
            verify.check_consistency(old, size, *roots, proof[:-1] if len(proof) > 1 else [])


@given(st.integers(2, 200), st.integers(0, 199), st.integers(0, 7))
def test_a_changed_proof_fails(size: int, index: int, place: int) -> None:
    index %= size
    grown = tree(size)
    proof = merkle.inclusion_proof(grown.node, index, size)
    place %= len(proof)
    proof[place] = sha256(proof[place]).digest()
    assert verify.root_from_inclusion(grown.node(0, index), index, size, proof) != merkle.root(grown.node, size)


def test_proofs_outside_the_tree_are_refused() -> None:
    grown = tree(5)
    with pytest.raises(IndexError):
        merkle.inclusion_proof(grown.node, 5, 5)
    with pytest.raises(IndexError):
        merkle.consistency_proof(grown.node, 6, 5)
    with pytest.raises(ValueError, match="5"):
        merkle.root_from_inclusion(grown.node(0, 0), 0, 5, [])


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70))
def test_the_verifier_builds_the_same_root(data: list[bytes]) -> None:
    leaves = [leaf_hash(item) for item in data]
    peaks: list[tuple[int, bytes]] = []
    for leaf in leaves:
        verify.grow(peaks, leaf)
    assert verify.root_of_peaks(peaks) == merkle.root(MemoryTree(leaves).node, len(leaves))
