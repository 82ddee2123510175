"""XMP packets: find the property `TC260:AIGC` in element or attribute form, and put it without touching the rest.

The namespace is that of TC260-PG-20259A clause 6; a label under another one, or in a property of another name, is
read too, and said to stand in another place; so are fields that stand without their object. A packet is edited as bytes at the places that the parser tells, so that every other property
keeps its bytes; padding gives way to what is added. No DTD and no entities are accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from xml.parsers import expat
from xml.sax.saxutils import escape

from hegui.service.labels import loose
from hegui.service.labels.container import MOST_SLOTS, Slot, unreadable
from hegui.service.labels.schema import FIELDS, KEYWORD, Deviation

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DEEPEST = 64
_MOST_NAMESPACES = 256
_MOST_TAGS, _MOST_ATTRIBUTES = 1_000_000, 250_000
_SMALL = 64 << 10
LONGEST = 16 << 20
"""Most bytes of a packet that is parsed."""
_END = re.compile(rb"<\?xpacket\s+end")
_FIELDS = re.compile(r"ContentProducer|ProduceID|ContentPropagator|PropagateID")
_TAG = re.compile(rb"(?:[^\"'>]|\"[^\"]*\"|'[^']*')*+>")
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f'<rdf:RDF xmlns:rdf="{_RDF}">\n'
    "</rdf:RDF>\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a property stands: the bytes from `start` to `end`; an attribute's are those of its tag."""

    start: int
    end: int
    value: str
    attribute: str = ""
    own: bool = True
    """Whether it is under the namespace of the guide."""
    name: str = KEYWORD
    notes: tuple[Deviation, ...] = ()
    part: bool = False
    """Whether it is only one of the fields of a label that another place tells."""


class _Walk:
    """One pass over a packet, noting where the labels and the end of the RDF stand, and what else it says."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.found: list[_Place] = []
        self._rest = sha256()
        self._spaces: dict[str, bytes] = {}
        self.rdf_end = -1
        self.rdf_name = ""
        self._names: list[dict[str, str]] = [{}]
        self._inside: tuple[int, int, bool] | None = None
        self._text: list[str] = []
        self._marks: list[int] = []
        self._items: list[str] = []
        self._fields: dict[str, str] = {}
        self._loose: dict[str, str] = {}
        self._leaf = -1
        self._depth = 0
        # Tags and attributes cost a hundred times their bytes; the parser can not be told to stop before it has made them.
        if packet.count(b"<") > _MOST_TAGS or packet.count(b"=") > _MOST_ATTRIBUTES:
            raise unreadable("XMP 标签过多", "the XMP has too many tags")
        self._parser = parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        try:
            parser.Parse(packet, True)  # noqa: FBT003 - its signature
        except expat.ExpatError as error:
            raise unreadable(f"XMP 有误（{error}）", f"the XMP is wrong ({error})") from None
        if any(loose.is_field(name) and value.strip() for name, value in self._loose.items()):
            text = json.dumps(self._loose, ensure_ascii=False)
            self.found.append(_Place(0, 0, text, own=False, notes=(Deviation.NOT_JSON, Deviation.NO_KEY)))
        else:
            self.found = [item for item in self.found if not item.part]
        # The parser knows its handlers, which know it: so nothing waits for the garbage collector.
        del self._parser

    def _refuse(self, *_: object) -> None:
        raise unreadable("XMP 含有 DTD 或实体", "the XMP has a DTD or entities")

    def _full(self, name: str) -> tuple[str, str]:
        prefix, _, local = name.rpartition(":")
        return self._names[-1].get(prefix, ""), local

    def _declare(self, attributes: dict[str, str]) -> None:
        declared = {key.partition(":")[2]: value for key, value in attributes.items() if key.split(":")[0] == "xmlns"}
        names = {**self._names[-1], **declared} if declared else self._names[-1]
        if len(names) > _MOST_NAMESPACES:
            raise unreadable("XMP 命名空间过多", "the XMP has too many namespaces")
        self._names.append(names)

    def _said(self, name: str) -> None:
        """Note the text before a tag, where it says anything."""
        text = "".join(self._text).strip()
        self._text.clear()
        if text:
            self._note(f"{self._depth} {name} {text}")

    def _note(self, text: str, space: str = "") -> None:
        """Take what is no label into the digest; a namespace can be long, and is used often."""
        if space not in self._spaces:
            self._spaces[space] = sha256(space.encode()).digest()
        self._rest.update(self._spaces[space] + text.encode() + b"\n")

    @property
    def rest(self) -> bytes:
        """Return the digest of what else the packet says; empty where it says nothing."""
        return self._rest.digest() if self._spaces else b""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._inside is None:
            self._said("")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise unreadable("XMP 嵌套过深", "the XMP is nested too deep")
        self._declare(attributes)
        at = self._leaf = self._parser.CurrentByteIndex
        full = self._full(name)
        if KEYWORD in full[1] and self._inside is None:
            self._inside = (self._depth, at, full[0] == NAMESPACE)
        elif self._inside is not None:
            self._marks.append(len(self._text))
        end = 0
        for key, value in attributes.items():
            place = None if key.startswith("xmlns") else self._attribute(key, value, at)
            if place is not None:
                end = end or _tag_end(self.packet, at)
                self.found.append(replace(place, end=end))
                if len(self.found) > MOST_SLOTS:
                    raise unreadable("XMP 中的标识过多", "the XMP has too many labels")
        if full == (_RDF, "RDF"):
            self.rdf_name = name

    def _attribute(self, key: str, value: str, at: int) -> _Place | None:
        """Return the label, or the field of one, that an attribute is; note any other."""
        space, local = self._full(key)
        if ":" in key and KEYWORD in local and _is_label(space, value):
            return _Place(at, 0, value, key, space == NAMESPACE)
        if local in FIELDS and (space == NAMESPACE or ":" not in key):
            if self._inside is not None:
                self._fields.setdefault(local, value)
                return None
            self._loose.setdefault(local, value)
            return _Place(at, 0, value, key, own=False, part=True)
        if self._inside is None:
            slot = loose.slot("", value) if "{" in value else None
            if slot is not None:
                return _Place(at, 0, str(slot.value), key, own=False, name=key, notes=slot.notes)
            if value or local != "about":
                self._note(f"{self._depth} {local} {value}", space)
        return None

    def _closes(self, at: int, name: str) -> bool:
        tag = self.packet[at + 2 : _tag_end(self.packet, at) - 1]
        return tag.strip() == name.encode()

    def _end(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        if self._inside is None:
            if not self._free(name, at):
                self._said(name)
        elif self._depth == self._inside[0]:
            self._labelled(name, at)
        else:
            self._inner(name)
        if name == self.rdf_name and self._full(name) == (_RDF, "RDF"):
            self.rdf_end = at
        self._leaf = -1
        self._names.pop()
        self._depth -= 1

    def _labelled(self, name: str, at: int) -> None:
        """Note the labels of the element that ends here: its text, the texts of its list, or its fields."""
        _, start, own = self._inside or (0, 0, False)
        self._inside = None
        items = self._items if len(self._items) > 1 else ["".join(self._text)]
        notes: tuple[Deviation, ...] = ()
        if any(loose.is_field(one) for one in self._fields):
            items, notes = [json.dumps(self._fields, ensure_ascii=False)], (Deviation.NOT_JSON,)
        self._items, self._fields = [], {}
        if own or _is_label("", items[0]):
            # An empty element (`<a/>`) has no end tag.
            last = at if at > start and self.packet.startswith(b"</", at) and self._closes(at, name) else start
            end = _tag_end(self.packet, last)
            self.found.append(_Place(start, end, items[0], own=own, notes=notes))
            self.found += [_Place(end, end, one, own=own) for one in items[1 : MOST_SLOTS + 1]]
            self._text.clear()
        self._said(name)

    def _inner(self, name: str) -> None:
        """Note what an element inside a label's says: one of a list, or a field."""
        text = "".join(self._text[self._marks.pop() :])
        local = self._full(name)[1]
        if local in FIELDS:
            self._fields.setdefault(local, text)
        elif local == "li" and text.strip() and len(self._items) <= MOST_SLOTS:
            self._items.append(text)

    def _free(self, name: str, at: int) -> bool:
        """Say whether the element that ends here is a label in a property of another name, or a field of one."""
        if self._leaf < 0 or not self.packet.startswith(b"</", at):
            return False
        text = "".join(self._text)
        space, local = self._full(name)
        slot = loose.slot("", text) if "{" in text else None
        field = space == NAMESPACE and local in FIELDS
        if field and not text.strip():
            self._loose.setdefault(local, "")
        if slot is None and not (field and text.strip()):
            return False
        start = _tag_end(self.packet, self._leaf)
        if slot is not None:
            self.found.append(_Place(start, at, str(slot.value), own=False, name=name, notes=slot.notes))
        else:
            self._loose.setdefault(local, text)
            self.found.append(_Place(start, at, text, own=False, part=True))
        self._text.clear()
        return True


def _is_label(space: str, value: str) -> bool:
    """Say whether a property whose name has the keyword is a label; under another namespace its value must look like one."""
    return space == NAMESPACE or ("{" in value and _FIELDS.search(value) is not None)


def _tag_end(packet: bytes, start: int) -> int:
    """Return the place after the tag that begins at a place; quoted values may hold `>`."""
    match = _TAG.match(packet, start)
    if match is None:
        raise unreadable("XMP 标签没有结束", "a tag of the XMP does not end")
    return match.end()


def _as_utf8(packet: bytes) -> tuple[bytes, bytes]:
    """Return the XML in UTF-8 and what stood after it (padding of other encodings is not kept)."""
    for mark, encoding in (
        (b"\xfe\xff", "utf-16"),
        (b"\xff\xfe", "utf-16"),
        (b"<\0", "utf-16-le"),
        (b"\0<", "utf-16-be"),
    ):
        if packet.startswith(mark):
            try:
                return packet.decode(encoding).encode(), b""
            except UnicodeDecodeError:
                raise unreadable("XMP 编码有误", "the XMP's encoding is wrong") from None
    packet = packet.lstrip(b"\xef\xbb\xbf \t\r\n")
    body = packet.rstrip(b"\0")
    return body, packet[len(body) :]


@lru_cache(maxsize=4)
def _walked_before(packet: bytes) -> _Walk:
    """Return a walk; a packet is asked for its labels, for what else it says and for its end, one after the other."""
    return _Walk(_as_utf8(packet)[0])


def _walked(packet: bytes) -> _Walk:
    if len(packet) > LONGEST:
        raise unreadable("XMP 过大", "the XMP is too large")
    return _walked_before(packet) if len(packet) <= _SMALL else _Walk(_as_utf8(packet)[0])


def read(packet: bytes, place: str) -> Iterator[Slot]:
    """Yield the labels of a packet; raise UnreadableError for one that is no well-formed XML."""
    for found in _walked(packet).found:
        notes = (*found.notes, Deviation.XMP_ATTRIBUTE) if found.attribute else found.notes
        if found.own:
            yield Slot(f"{place}/TC260:{KEYWORD}", found.value, notes)
        elif Deviation.NOT_JSON in notes:
            yield Slot(f"{place}/TC260", found.value, notes)
        elif not found.part:
            yield Slot(f"{place}/{found.name}", found.value, (*notes, Deviation.OTHER_PLACE))


def rest(packet: bytes) -> bytes:
    """Return the digest of what a packet says besides its labels, empty where that is nothing: `put` and `blanked` do not change it."""
    return _walked(packet).rest


def blanked(packet: bytes) -> bytes:
    """Return a packet with spaces where its labels stood: the same length; raise UnreadableError."""
    walk = _walked(packet)
    body, padding = _as_utf8(packet)
    if not walk.found:
        return packet
    mark = packet[: len(packet) - len(body) - len(padding)]
    if not packet.startswith(mark + body):
        raise unreadable("XMP 不是 UTF-8，无法原位修改", "the XMP is not UTF-8 and can not be edited in place")
    edits = [_without(body, item) for item in walk.found]
    return mark + _edited(body, [(start, end, b" " * (end - start)) for start, end, _ in edits]) + padding


def put(packet: bytes | None, value: str) -> bytes:
    """Return a packet with exactly one label, over the one given, or a new one; raise UnreadableError."""
    source = _EMPTY.encode() if packet is None else packet
    walk = _walked(source)
    body, padding = _as_utf8(source)
    kept = next((item for item in walk.found if item.own and not (item.attribute or item.notes)), None)
    if kept is not None:
        tag = body[kept.start : _tag_end(body, kept.start)]
        name = tag[1:-1].split()[0].rstrip(b"/")
        opened = tag[:-2] + b">" if tag.endswith(b"/>") else tag
        edits = [(kept.start, kept.end, opened + escape(value).encode() + b"</" + name + b">")]
    else:
        edits = [_new(walk, body, value)]
    edits += [_without(body, item) for item in walk.found if item is not kept]
    new = _edited(body, edits)
    end = _END.search(new)
    grown = len(new) - len(body)
    if end is not None and grown > 0:
        spare = end.start() - len(new[: end.start()].rstrip(b" \t\r\n"))
        new = new[: end.start() - max(min(grown, spare - 1), 0)] + new[end.start() :]
    return new + padding


def _edited(body: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Return a text with parts replaced; of parts that overlap the first counts."""
    parts: list[bytes] = []
    done = 0
    for start, end, text in sorted(edits):
        if start >= done:
            parts += [body[done:start], text]
            done = end
    return b"".join(parts) + body[done:]


def taken_out(packet: bytes) -> bytes:
    """Return a packet without its label, for a container that puts it into a place of its own; raise UnreadableError."""
    walk = _walked(packet)
    body, padding = _as_utf8(packet)
    for start, end, text in sorted((_without(body, item) for item in walk.found), reverse=True):
        body = body[:start] + text + body[end:]
    return body + padding


def _new(walk: _Walk, body: bytes, value: str) -> tuple[int, int, bytes]:
    """Return the edit that adds a description with the label at the end of the RDF."""
    if walk.rdf_end < 0 or not body[walk.rdf_end :].startswith(b"</"):
        raise unreadable("XMP 没有可写的 rdf:RDF", "the XMP has no rdf:RDF to write to")
    prefix = walk.rdf_name.rpartition(":")[0]
    rdf = f"{prefix}:" if prefix else ""
    own = "" if prefix == "rdf" else f' xmlns:rdf="{_RDF}"'
    new = (
        f'<{rdf}Description{own} rdf:about="" xmlns:TC260="{NAMESPACE}">'
        f"<TC260:{KEYWORD}>{escape(value)}</TC260:{KEYWORD}></{rdf}Description>\n"
    )
    return walk.rdf_end, walk.rdf_end, new.encode()


def _without(body: bytes, place: _Place) -> tuple[int, int, bytes]:
    """Return the edit that takes one label out; the element that held it as an attribute stays."""
    if not place.attribute:
        return place.start, place.end, b""
    tag = body[place.start : place.end]
    at = _attribute(tag, place.attribute.encode())
    quote = tag.index(b"=", at) + 1
    while tag[quote] not in b"\"'":
        quote += 1
    return place.start + at, place.start + tag.index(tag[quote : quote + 1], quote + 1) + 1, b""


def _attribute(tag: bytes, name: bytes) -> int:
    """Return where an attribute begins in a tag, outside the quoted values."""
    for found in re.finditer(rb"""\s([^\s=<>"'/]+)\s*=\s*(?:"[^"]*"|'[^']*')""", tag):
        if found[1] == name:
            return found.start(1)
    raise unreadable("XMP 属性不见了", "an attribute of the XMP is gone")
