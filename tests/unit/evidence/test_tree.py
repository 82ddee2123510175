"""The tree of tiles: however it grew, it is the tree of RFC 6962, and only true proofs hold."""

from __future__ import annotations

import itertools
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from hegui.evidence import merkle, tree, verify
from hegui.evidence.merkle import MemoryTree
from hegui.evidence.models import TileRow
from hegui.evidence.tree import StoredTree
from hegui.store import Store
from tests.unit.evidence.conftest import leaf

SMALL = 48
FORGED = sha256(b"forged").digest()


def refused(index: int, size: int, leaf_: bytes, proof: list[bytes], root: bytes) -> bool:
    """Say whether the stand-alone verifier and our own both refuse a proof."""
    try:
        theirs = verify.root_from_inclusion(leaf_, index, size, proof) != root
    except verify.Invalid:
        theirs = True
    try:
        ours = merkle.root_from_inclusion(leaf_, index, size, proof) != root
    except ValueError:
        ours = True
    assert ours == theirs
    return theirs


def inconsistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    try:
        verify.check_consistency(old, new, old_root, new_root, proof)
    except verify.Invalid:
        return True
    return False


@settings(max_examples=12, deadline=None)
@given(st.lists(st.binary(max_size=3), min_size=1, max_size=SMALL))
def test_every_index_has_a_proof_that_holds_for_nothing_else(data: list[bytes]) -> None:
    leaves = [merkle.leaf_hash(bytes([place]) + item) for place, item in enumerate(data)]
    grown = MemoryTree(leaves)
    size, root = len(leaves), merkle.root(grown.node, len(leaves))
    for index, value in enumerate(leaves):
        proof = merkle.inclusion_proof(grown.node, index, size)
        assert not refused(index, size, value, proof, root)
        assert refused(index, size, FORGED, proof, root)
        assert refused(index, size, value, [*proof, FORGED], root)
        assert all(refused(index, size, value, proof[:at] + proof[at + 1 :], root) for at in range(len(proof)))
        assert all(refused(other, size, value, proof, root) for other in range(size + 1) if other != index)


@settings(max_examples=4, deadline=None)
@given(st.integers(2, 40))
def test_every_pair_of_sizes_has_a_proof_that_holds_for_no_other_history(size: int) -> None:
    grown = MemoryTree([leaf(number) for number in range(size)])
    roots = [merkle.root(grown.node, number) for number in range(size + 1)]
    for old, new in itertools.combinations_with_replacement(range(size + 1), 2):
        proof = merkle.consistency_proof(grown.node, old, new)
        assert not inconsistent(old, new, roots[old], roots[new], proof)
        assert inconsistent(old, new, roots[old], roots[new], [*proof, FORGED])
        if 0 < old < new:
            assert inconsistent(old, new, FORGED, roots[new], proof)
            assert inconsistent(old, new, roots[old], FORGED, proof)
            assert inconsistent(old, new, roots[old], roots[new], [])
            assert inconsistent(new, old, roots[new], roots[old], proof), "a tree does not shrink"
            for at in range(len(proof)):
                assert inconsistent(old, new, roots[old], roots[new], proof[:at] + proof[at + 1 :])
                assert inconsistent(old, new, roots[old], roots[new], [*proof[:at], FORGED, *proof[at + 1 :]])
        if old == new > 0:
            assert inconsistent(old, new, FORGED, roots[new], [])


STEPS = st.lists(
    st.integers(0, 3) | st.sampled_from([255, 256, 257, 511]) | st.integers(0, 700), min_size=1, max_size=5
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.data())
def test_any_sequence_of_appends_stores_the_tree_of_the_rfc(
    store: Store, steps: list[int], data: st.DataObject
) -> None:
    oracle = MemoryTree()
    with Session(store.engine) as session:
        for step in steps:
            size = len(oracle)
            fresh = [leaf(number) for number in range(size, size + step)]
            StoredTree(session).extend(size, fresh)
            for value in fresh:
                oracle.append(value)
        size, stored = len(oracle), StoredTree(session)
        assert stored.last_tiles() == size
        for old in {0, size, *itertools.accumulate(steps)} | {data.draw(st.integers(0, size)) for _ in range(5)}:
            assert stored.root(old) == merkle.root(oracle.node, old)
            assert stored.consistency(old, size) == merkle.consistency_proof(oracle.node, old, size)
        for index in {data.draw(st.integers(0, size - 1)) for _ in range(20)} if size else ():
            assert stored.inclusion(index, size) == merkle.inclusion_proof(oracle.node, index, size)
        session.rollback()


def test_three_levels_of_tiles(store: Store) -> None:
    size = 256 * 256 + 300
    oracle = MemoryTree([leaf(number) for number in range(size)])
    with Session(store.engine) as session:
        for start in range(0, size, 20_000):
            StoredTree(session).extend(start, [leaf(number) for number in range(start, min(size, start + 20_000))])
        levels = session.execute(select(TileRow.level, func.count()).group_by(TileRow.level).order_by(TileRow.level))
        assert [tuple(row) for row in levels] == [(0, 258), (1, 2), (2, 1)]
        stored = StoredTree(session)
        assert stored.root(size) == merkle.root(oracle.node, size)
        for index in (0, 255, 256, 65_535, 65_536, size - 1):
            assert stored.inclusion(index, size) == merkle.inclusion_proof(oracle.node, index, size)
            assert stored.consistency(index, size) == merkle.consistency_proof(oracle.node, index, size)


def test_proofs_of_a_long_range_read_each_tile_once_and_keep_few(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *seen: read.append(seen[2]))
    size = 256 * 40 + 17
    with Session(store.engine) as session:
        StoredTree(session).extend(0, [leaf(number) for number in range(size)])
        monkeypatch.setattr(tree, "_KEPT", 4)
        stored = StoredTree(session)
        read.clear()
        root = stored.root(size)
        for index in range(0, size, 61):
            assert verify.root_from_inclusion(leaf(index), index, size, stored.inclusion(index, size)) == root
        assert len(stored._kept) <= 4  # noqa: SLF001 - it is what bounds the memory
        assert len(read) <= 2 * 41 + 4


def test_a_tree_that_grows_meanwhile_gives_the_proofs_of_the_size_that_was_asked(store: Store) -> None:
    with Session(store.engine) as session, Session(store.engine) as other:
        StoredTree(session).extend(0, [leaf(number) for number in range(300)])
        session.commit()
        reading = StoredTree(session)
        before = [reading.inclusion(index, 300) for index in (0, 299)]
        StoredTree(other).extend(300, [leaf(number) for number in range(300, 900)])
        other.commit()
        for seen in (reading, StoredTree(session)):
            assert [seen.inclusion(index, 300) for index in (0, 299)] == before


@pytest.mark.parametrize(("held", "told"), [(0, 300), (10, 9), (10, 11), (10, 266), (300, 556)])
def test_tiles_that_do_not_hold_what_the_checkpoint_says_are_not_appended_to(
    store: Store, held: int, told: int
) -> None:
    with Session(store.engine) as session:
        StoredTree(session).extend(0, [leaf(number) for number in range(held)])
        with pytest.raises(LookupError):
            StoredTree(session).extend(told, [leaf(0)])
        assert StoredTree(session).last_tiles() == held
        with pytest.raises(LookupError):
            StoredTree(session).root(held + 1)
