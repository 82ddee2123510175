"""Labels where no guide puts them: in the free texts of a file's metadata, and in the bytes of parts that are not known.

A free text is a label only where it is one from its first brace on; other people's comments are none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from hegui.service.labels import lenient
from hegui.service.labels.container import Slot
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, NEEDED, Deviation

_FIELD = (
    r"(?:AIGC|Content_?(?:Producer|Propagator|Id)|Propagate_?ID|Produce_?ID|ServiceProvider)[\"'\u201c\u201d\\]*\s*:"
)
# A label, whole or cut off, in free text.
_LIKE = re.compile(rf"\A[\s\0\ufeff]*+(?:{KEYWORD}[\s\0:=]*+)?(?=[\[\s]*+\{{[\s\S]{{0,400}}?{_FIELD})", re.IGNORECASE)
_NAMED = re.compile(rf"\A[\s\0\ufeff]*+(?:{KEYWORD}|[\[\s]*+\{{\s*+[\"'\\]*+{KEYWORD})", re.IGNORECASE)
_RAW = re.compile(
    rb"\{[\s\\]*\"[A-Za-z_0-9]{1,20}\\?\"\s*:[^{}]{0,400}?(?:ContentProducer|ProduceID|ContentPropagator|PropagateID)"
)
_WRAP = re.compile(rb"\{\s*\"AIGC\"\s*:\s*\Z")
_TELLING = NEEDED - {"Label"}
_WRAPPED = re.compile(rb"\{\s*\"AIGC\"\s*:")
_BEFORE = 32
_PEEK = 2048
"""Bytes by which it is told whether a text is a label."""
MOST = 4 * LONGEST_VALUE
"""Most bytes of a free text that are looked at."""


def is_field(name: str) -> bool:
    """Say whether a name is that of a field which other people's data do not have."""
    return name in _TELLING


def label_in(text: str) -> str:
    """Return the label that a free text is, from its brace on; empty where it is none."""
    match = _LIKE.match(text)
    return text[match.end() :] if match else ""


def slot(place: str, text: str, *notes: Deviation) -> Slot | None:
    """Return the label that a free text is; what does not even name its keyword stands without its key."""
    label = label_in(text)
    if not label:
        return None
    keyless = () if _NAMED.match(text) else (Deviation.NO_KEY,)
    return Slot(place, label, (*notes, *keyless))


def elsewhere(place: str, value: bytes | str) -> Iterator[Slot]:
    """Yield the label that a free text is, in a place that no guide names."""
    head = value[:_PEEK] if isinstance(value, str) else value[:_PEEK].decode("utf-8", "replace")
    if "{" not in head or not label_in(head):
        return
    text = value[:MOST] if isinstance(value, str) else value[:MOST].decode("utf-8", "replace")
    found = slot(place, text, Deviation.OTHER_PLACE)
    if found is not None:
        yield found


def spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where labels stand in bytes of any kind: from brace to brace, or to the end of what is cut off."""
    at = 0
    while match := _RAW.search(data, at):
        start = match.start()
        if wrap := _WRAP.search(data, max(start - _BEFORE, 0), start):
            start = wrap.start()
        end = start + length(data[start:])
        yield start, end
        at = max(end, match.end())


def length(data: bytes) -> int:
    """Return the bytes of the object that begins here; of one that is cut off, those up to a zero."""
    text = data[:LONGEST_VALUE].decode("utf-8", "replace")
    try:
        return len(text[: json.JSONDecoder().raw_decode(text)[1]].encode())
    except (ValueError, RecursionError):
        return len(data[:LONGEST_VALUE].partition(b"\0")[0])


def raw(place: str, data: bytes) -> Iterator[Slot]:
    """Yield the labels that stand in bytes of any kind."""
    for start, end in spans(data):
        keyless = () if _WRAPPED.match(data, start) else (Deviation.NO_KEY,)
        yield Slot(place, data[start:end], (Deviation.OTHER_PLACE, *keyless))


def means(slots: Iterable[Slot]) -> bool:
    """Say whether any of these is a label at all, and not somebody's own."""
    return any(lenient.read(slot.place, slot.value, *slot.notes) is not None for slot in slots)


def packet_in(data: bytes) -> bytes:
    """Return the packet of XMP in bytes of any kind that speaks of a label; nothing where there is none."""
    start, end = data.find(b"<rdf:RDF"), data.rfind(b"</rdf:RDF>")
    if start < 0 or end < start or KEYWORD.encode() not in data[start:end]:
        return b""
    return data[start : end + len(b"</rdf:RDF>")]
