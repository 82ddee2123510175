"""The tree in PostgreSQL: tiles of 256 hashes, as in C2SP tlog-tiles, read and extended."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hegui.evidence import merkle
from hegui.evidence.models import TileRow

_BITS = 8
_WIDTH = 1 << _BITS
_HASH = 32


def _fold(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [merkle.node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


class StoredTree:
    """A tree of tiles seen through one session; reads each tile at most once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tiles: dict[tuple[int, int], bytes] = {}

    def _tile(self, level: int, index: int) -> bytes:
        key = (level, index)
        if key not in self._tiles:
            row = self._session.get(TileRow, key)
            self._tiles[key] = row.hashes if row else b""
        return self._tiles[key]

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree; raise LookupError when tiles are missing."""
        tile_level, height = divmod(level, _BITS)
        first = index << height
        tile = self._tile(tile_level, first >> _BITS)
        start = (first % _WIDTH) * _HASH
        hashes = [tile[at : at + _HASH] for at in range(start, start + (_HASH << height), _HASH)]
        if len(hashes[-1]) != _HASH:
            raise LookupError(level, index)
        return _fold(hashes)

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves."""
        return merkle.root(self.node, size)

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the inclusion proof of one leaf."""
        return merkle.inclusion_proof(self.node, index, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the consistency proof between two sizes."""
        return merkle.consistency_proof(self.node, old, new)

    def extend(self, size: int, leaves: Sequence[bytes]) -> None:
        """Append leaf hashes to a tree of `size` leaves, tile level by tile level."""
        level, position, fresh = 0, size, list(leaves)
        while fresh:
            touched: set[int] = set()
            for offset, value in enumerate(fresh):
                index = (position + offset) >> _BITS
                self._tiles[level, index] = self._tile(level, index) + value
                touched.add(index)
            full_before = position >> _BITS
            full_after = (position + len(fresh)) >> _BITS
            self._save(level, sorted(touched))
            level, position = level + 1, full_before
            fresh = [self._tile_root(level - 1, index) for index in range(full_before, full_after)]

    def _tile_root(self, level: int, index: int) -> bytes:
        tile = self._tile(level, index)
        hashes = [tile[at : at + _HASH] for at in range(0, _WIDTH * _HASH, _HASH)]
        return _fold(hashes)

    def _save(self, level: int, indexes: Sequence[int]) -> None:
        statement = insert(TileRow)
        statement = statement.on_conflict_do_update(
            index_elements=[TileRow.level, TileRow.index], set_={"hashes": statement.excluded.hashes}
        )
        rows = [{"level": level, "index": index, "hashes": self._tiles[level, index]} for index in indexes]
        self._session.execute(statement, rows)

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaf hashes from `start` to `end` (end excluded)."""
        return [self.node(0, index) for index in range(start, end)]

    def last_tiles(self) -> int:
        """Return the number of leaves that the tiles hold."""
        last = self._session.scalar(
            select(TileRow.index).where(TileRow.level == 0).order_by(TileRow.index.desc()).limit(1)
        )
        return 0 if last is None else last * _WIDTH + len(self._tile(0, last)) // _HASH
