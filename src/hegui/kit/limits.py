"""How much a small file becomes when it is read: known before it is unpacked or written out."""

from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

MOST_VALUES = 100_000
"""Most values of a file of settings; aliases of YAML count each time that they are used."""
_ENDLESS = 1 << 62


def unpacked(data: bytes) -> int:
    """Return the bytes that a ZIP (a workbook, say) holds unpacked; raise BadZipFile.

    The sizes that the ZIP states are a bound: no member is read beyond its own.
    """
    with ZipFile(io.BytesIO(data)) as archive:
        return sum(member.file_size for member in archive.infolist())


def written_out(data: Any) -> int:  # noqa: ANN401 - plain data of any shape
    """Return how many values plain data has where each alias is written out; found without doing so.

    Data that holds itself counts as endless (more than any limit).
    """
    counts: dict[int, int] = {}
    waiting: list[tuple[Any, bool]] = [(data, False)]
    while waiting:
        part, seen = waiting.pop()
        inside = [*part, *part.values()] if isinstance(part, dict) else part if isinstance(part, list) else []
        if seen:
            counts[id(part)] = 1 + sum(counts.get(id(one), 0) or _ENDLESS for one in inside)
        elif id(part) not in counts:
            counts[id(part)] = 0  # open: met again before it is counted, it holds itself
            waiting.append((part, True))
            waiting.extend((one, False) for one in inside if id(one) not in counts)
    return counts[id(data)]


def bounded(data: Any) -> Any:  # noqa: ANN401 - plain data of any shape
    """Return data of `MOST_VALUES` values at most as it is; raise ValueError for more, which a few lines of aliases can be."""
    if written_out(data) > MOST_VALUES:
        raise ValueError(f"别名展开后超过 {MOST_VALUES:,} 个值 / over {MOST_VALUES:,} values with aliases written out")
    return data
