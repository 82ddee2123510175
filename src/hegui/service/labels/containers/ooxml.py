"""DOCX, XLSX and PPTX: the custom document property `AIGC`, with its relationship and content type.

TC260-PG-20258A clause 6.1: `docProps/custom.xml`, `vt:lpwstr`, fmtid {D5CDD505-2E9C-101B-9397-08002B2CF9AE},
pid 2 or more. Parts that do not change keep their compressed bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import BinaryIO
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from hegui.service.labels.containers.archive import open_archive, part, replace
from hegui.service.labels.containers.container import Slot, not_writable, unreadable
from hegui.service.labels.schema import KEYWORD

_CUSTOM, _RELS, _TYPES = "docProps/custom.xml", "_rels/.rels", "[Content_Types].xml"
_PROPERTIES = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VT = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_FMTID = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_FIRST_PID = 2
_QUOTED = rb"(?:[^>\"']|\"[^\"]*\"|'[^']*')*?"
_PREFIX = rb"(?:[A-Za-z_][\w.-]*:)?"
_PROPERTY = re.compile(
    rb"<"
    + _PREFIX
    + rb"property\b"
    + _QUOTED
    + rb"\bname\s*=\s*(?P<q>[\"'])AIGC(?P=q)"
    + _QUOTED
    + rb">.*?</"
    + _PREFIX
    + rb"property\s*>",
    re.DOTALL,
)
_EMPTY = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="{_PROPERTIES}" xmlns:vt="{_VT}"></Properties>'
).encode()


def _parsed(data: bytes, name: str) -> ET.Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise unreadable(f"{name} 含有 DTD 或实体", f"{name} has a DTD or entities")
    try:
        return ET.fromstring(data)  # noqa: S314 - no DTD, no entities, bounded size
    except (ET.ParseError, ValueError, LookupError) as error:
        raise unreadable(f"{name} 有误（{error}）", f"{name} is wrong ({error})") from None


class Ooxml:
    """Office documents in Open XML."""

    name = "ooxml"
    suffixes = frozenset({".docx", ".xlsx", ".pptx", ".dotx", ".xltx", ".potx", ".docm", ".xlsm", ".pptm"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a ZIP."""
        return head.startswith(b"PK\3\4")

    def _custom(self, file: BinaryIO) -> tuple[bytes | None, list[tuple[str, str]]]:
        """Return the part of custom properties and their names and values; raise UnreadableError for no office document."""
        with open_archive(file) as archive:
            if part(archive, _TYPES) is None:
                raise unreadable("ZIP 里没有 Office 文档", "the ZIP is no office document")
            data = part(archive, _CUSTOM)
        if data is None:
            return None, []
        root = _parsed(data, _CUSTOM)
        return data, [
            (item.get("name", ""), "".join(item.itertext()))
            for item in root
            if item.tag == f"{{{_PROPERTIES}}}property"
        ]

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels among the custom properties."""
        for name, value in self._custom(file)[1]:
            if KEYWORD in name.upper():
                yield Slot(f"{_CUSTOM} {name}", value)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the property, and what announces its part where that is new."""
        data, given = self._custom(source)
        if any(KEYWORD in name.upper() and name != KEYWORD for name, _ in given):
            raise not_writable("有相近名称的标识属性", "there is a property of a name like the label's")
        with open_archive(source) as archive:
            rels, types = part(archive, _RELS), part(archive, _TYPES)
        if rels is None or types is None:
            raise unreadable("缺少 _rels/.rels", "_rels/.rels is missing")
        source.seek(0)
        replace(source, target, {
            _CUSTOM: _with_property(data or _EMPTY, value),
            _RELS: _with_relation(rels),
            _TYPES: _with_type(types),
        })  # fmt: skip

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of every other part (by name, size and CRC) and of the other properties."""
        others = sorted(item for item in self._custom(file)[1] if KEYWORD not in item[0].upper())
        with open_archive(file) as archive:
            parts = sorted(
                (item.filename, item.file_size, item.CRC)
                for item in archive.infolist()
                if item.filename not in {_CUSTOM, _RELS, _TYPES}
            )
        return sha256(repr((parts, others)).encode()).hexdigest()


def _end_tag(data: bytes, name: bytes) -> tuple[int, bytes]:
    """Return where the last end tag of an element begins, and the prefix of its namespace."""
    found = list(re.finditer(rb"</((?:[A-Za-z_][\w.-]*:)?)" + name + rb"\s*>", data))
    if not found:
        raise unreadable(f"{name.decode()} 没有结束标签", f"{name.decode()} has no end tag")
    return found[-1].start(), found[-1][1]


def _opened(data: bytes, name: bytes) -> bytes:
    """Return the part with an empty root element written as two tags."""
    pattern = rb"<((?:[A-Za-z_][\w.-]*:)?" + name + rb")((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)/>\s*\Z"
    return re.sub(pattern, rb"<\1\2></\1>", data)


def _with_property(data: bytes, value: str) -> bytes:
    pids = {int(found) for found in re.findall(rb"\bpid\s*=\s*[\"'](\d{1,9})[\"']", data)}
    old = _PROPERTY.search(data)
    kept = int(found[1]) if old and (found := re.search(rb"\bpid\s*=\s*[\"'](\d{1,9})[\"']", old[0])) else 0
    data = _opened(_PROPERTY.sub(b"", data), b"Properties")
    at, prefix = _end_tag(data, b"Properties")
    pid = kept if kept >= _FIRST_PID else max(pids | {_FIRST_PID - 1}) + 1
    p = prefix.decode()
    new = (
        f'<{p}property fmtid="{_FMTID}" pid="{pid}" name="{KEYWORD}">'
        f'<vt:lpwstr xmlns:vt="{_VT}">{escape(value)}</vt:lpwstr></{p}property>'
    )
    return data[:at] + new.encode() + data[at:]


def _with_relation(data: bytes) -> bytes:
    if _RELATION in {item.get("Type") for item in _parsed(data, _RELS)}:
        return data
    taken = {item.get("Id") for item in _parsed(data, _RELS)}
    number = next(f"rIdAigc{count}" for count in range(1, len(taken) + 2) if f"rIdAigc{count}" not in taken)
    data = _opened(data, b"Relationships")
    at, prefix = _end_tag(data, b"Relationships")
    new = f'<{prefix.decode()}Relationship Id="{number}" Type="{_RELATION}" Target="{_CUSTOM}"/>'
    return data[:at] + new.encode() + data[at:]


def _with_type(data: bytes) -> bytes:
    if f"/{_CUSTOM}" in {item.get("PartName") for item in _parsed(data, _TYPES)}:
        return data
    data = _opened(data, b"Types")
    at, prefix = _end_tag(data, b"Types")
    new = f'<{prefix.decode()}Override PartName="/{_CUSTOM}" ContentType="{_CONTENT_TYPE}"/>'
    return data[:at] + new.encode() + data[at:]
