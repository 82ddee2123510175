"""The Merkle tree of RFC 6962 section 2.1, over complete subtrees that are looked up.

A complete subtree is named by `(level, index)`: it covers the leaves from `index << level`
to `(index + 1) << level`. Comments carry the numbers of the RFC's sections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""Look-up of the 32-byte hash of the complete subtree `(level, index)`."""

EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf's bytes."""
    # 2.1: MTH({d(0)}) = SHA-256(0x00 || d(0))
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    # 2.1: MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return k, the largest power of two smaller than a size of at least 2."""
    return 1 << (size - 1).bit_length() - 1


def range_hash(node: Node, start: int, end: int) -> bytes:
    """Return MTH of the leaves `start` to `end` (end excluded); `start` is aligned as in 2.1."""
    size = end - start
    if size == 0:
        return EMPTY
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + split(size)
    return node_hash(range_hash(node, start, middle), range_hash(node, middle, end))


def root(node: Node, size: int) -> bytes:
    """Return the root hash of a tree of `size` leaves."""
    return range_hash(node, 0, size)


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """Return PATH(index, D[size]), lowest sibling first; raise IndexError outside the tree."""
    if not 0 <= index < size:
        raise IndexError(index)
    proof: list[bytes] = []
    start, end = 0, size
    # 2.1.1: walk down from the root and note the sibling at each split
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            proof.append(range_hash(node, middle, end))
            end = middle
        else:
            proof.append(range_hash(node, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(node: Node, old: int, new: int) -> list[bytes]:
    """Return PROOF(old, D[new]); empty when the sizes are equal or the old tree is empty."""
    if not 0 <= old <= new:
        raise IndexError(old)
    if old in {0, new}:
        return []
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    # 2.1.2: SUBPROOF(m, D[n], b)
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            proof.append(range_hash(node, middle, end))
            end = middle
        else:
            proof.append(range_hash(node, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(range_hash(node, start, end))
    return proof[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that a proof leads to (RFC 9162 2.1.3.2); raise ValueError for a bad length."""
    if not 0 <= index < size:
        raise ValueError(index)
    fn, sn, result = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise ValueError(size)
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ValueError(size)
    return result


class MemoryTree:
    """A tree in memory, for exports and as the oracle of tests."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash and every inner node that it completes."""
        self._levels[0].append(leaf)
        level = 0
        while len(self._levels[level]) % 2 == 0:
            left, right = self._levels[level][-2:]
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node_hash(left, right))

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree."""
        return self._levels[level][index]
