"""The tree in PostgreSQL: tiles of 256 hashes, as in C2SP tlog-tiles, read and extended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hegui.evidence import merkle
from hegui.evidence.models import TileRow

_BITS = 8
_WIDTH = 1 << _BITS
_HASH = 32
_TILE_BYTES = _WIDTH * _HASH
_KEPT = 64

Folded = list[list[bytes]]
"""A tile's hashes and, above them, every complete inner node: row h holds the nodes of height h."""


def _fold(hashes: bytes) -> Folded:
    rows = [[hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH)]]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([merkle.node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return rows


class StoredTree:
    """A tree of tiles seen through one session.

    It keeps the last 64 tiles that it read, folded (about 3 MB): neighbouring proofs share
    them, and memory does not grow with the tree.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: OrderedDict[tuple[int, int], Folded] = OrderedDict()

    def _hashes(self, level: int, index: int) -> bytes:
        found = select(TileRow.hashes).where(TileRow.level == level, TileRow.index == index)
        return self._session.scalar(found) or b""

    def _tile(self, level: int, index: int) -> Folded:
        key = (level, index)
        if key not in self._kept:
            self._kept[key] = _fold(self._hashes(level, index))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree; raise LookupError when tiles are missing."""
        tile_level, height = divmod(level, _BITS)
        above = _BITS - height
        rows = self._tile(tile_level, index >> above)
        place = index & ((1 << above) - 1)
        if height >= len(rows) or place >= len(rows[height]):
            raise LookupError(level, index)
        return rows[height][place]

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
        """Append leaf hashes to a tree of `size` leaves, tile level by tile level.

        Raises LookupError when the tiles do not hold exactly `size` leaves.
        """
        level, position, fresh = 0, size, list(leaves)
        while fresh:
            first = position >> _BITS
            held = self._hashes(level, first)
            if len(held) != (position % _WIDTH) * _HASH:
                raise LookupError(level, first)
            grown = held + b"".join(fresh)
            tiles = [grown[at : at + _TILE_BYTES] for at in range(0, len(grown), _TILE_BYTES)]
            self._save(level, first, tiles)
            level, position = level + 1, first
            fresh = [_fold(tile)[-1][0] for tile in tiles if len(tile) == _TILE_BYTES]

    def _save(self, level: int, first: int, tiles: Sequence[bytes]) -> None:
        statement = insert(TileRow)
        statement = statement.on_conflict_do_update(
            index_elements=[TileRow.level, TileRow.index], set_={"hashes": statement.excluded.hashes}
        )
        rows = [{"level": level, "index": index, "hashes": hashes} for index, hashes in enumerate(tiles, first)]
        self._session.execute(statement, rows)
        for index in range(first, first + len(tiles)):
            self._kept.pop((level, index), None)

    def last_tiles(self) -> int:
        """Return the number of leaves that the tiles hold."""
        last = self._session.execute(
            select(TileRow.index, func.length(TileRow.hashes))
            .where(TileRow.level == 0)
            .order_by(TileRow.index.desc())
            .limit(1)
        ).first()
        return 0 if last is None else last[0] * _WIDTH + last[1] // _HASH
