"""DOCX, XLSX and PPTX: the custom document property `AIGC`, with its relationship and content type.

TC260-PG-20258A clause 6.1: `docProps/custom.xml`, `vt:lpwstr`, fmtid {D5CDD505-2E9C-101B-9397-08002B2CF9AE},
pid 2 or more. Parts that do not change keep their compressed bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath
from typing import BinaryIO
from urllib.parse import unquote
from xml.sax.saxutils import escape
from zipfile import ZipFile

from hegui.service.labels import loose
from hegui.service.labels.container import Held, Slot, not_writable, unreadable
from hegui.service.labels.containers.archive import open_archive, part, replace
from hegui.service.labels.containers.parts import Element, Part
from hegui.service.labels.schema import KEYWORD, Deviation

_CUSTOM, _RELS, _TYPES = "docProps/custom.xml", "_rels/.rels", "[Content_Types].xml"
_PROPERTIES = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VT = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_FMTID = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/"
_RELATIONS = {_RELATION, f"{_STRICT}relationships/customProperties"}
_PROPERTY = {f"{_PROPERTIES} property", f"{_STRICT}customProperties property"}
_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_FIRST_PID, _LONGEST_PID = 2, 10
_OTHERS = re.compile(r"docprops/(?:core|app)\.xml|customxml/item\d{1,4}\.xml")
_MOST_OTHERS = 32
_EMPTY = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="{_PROPERTIES}" xmlns:vt="{_VT}"></Properties>'
).encode()


class Ooxml:
    """Office documents in Open XML."""

    name = "ooxml"
    suffixes = frozenset({".docx", ".xlsx", ".pptx", ".dotx", ".xltx", ".potx", ".docm", ".xlsm", ".pptm"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a ZIP."""
        return head.startswith(b"PK\3\4")

    def _customs(self, file: BinaryIO) -> list[tuple[Part, list[Element]]]:
        """Return the parts of custom properties with these, one new part for none; raise UnreadableError for no office document."""
        with open_archive(file) as archive:
            if part(archive, _TYPES) is None:
                raise unreadable("ZIP 里没有 Office 文档", "the ZIP is no office document")
            found = [Part(name, part(archive, name) or _EMPTY) for name in _names(archive) or (_CUSTOM,)]
        return [(one, [item for item in one.elements if item.name in _PROPERTY]) for one in found]

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels among the custom properties, and elsewhere."""
        for custom, given in self._customs(file):
            for item in given:
                name = item.attributes.get("name", "")
                if KEYWORD in name.upper():
                    notes = () if name == KEYWORD else (Deviation.OTHER_PLACE,)
                    yield Slot(f"{custom.name} {name}", "".join(item.text), notes)
        yield from self._elsewhere(file)

    def _elsewhere(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the usual properties, and of data of its own that a document carries."""
        held = Held()
        with open_archive(file) as archive:
            wanted = [name for name in archive.namelist() if _OTHERS.fullmatch(name.lower())]
            for name in wanted[:_MOST_OTHERS]:
                data = part(archive, name) or b""
                held.take(len(data))
                if KEYWORD.encode() in data.upper() or b"ContentProducer" in data:
                    yield from _in_part(Part(name, data))

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the property, and what announces its part where that is new."""
        if any(self._elsewhere(source)):
            raise not_writable("标识在其他属性或自带数据里", "its label is in another property, or in data of its own")
        customs = self._customs(source)
        custom, given = customs[0]
        labels = [item for item in given if KEYWORD in item.attributes.get("name", "").upper()]
        if len(customs) > 1:
            raise not_writable("自定义属性不止一处", "there are several parts of custom properties")
        if len(labels) > 1 or any(item.attributes["name"] != KEYWORD for item in labels):
            raise not_writable(
                "标识属性不止一个，或名称相近", "there are several properties of the label's name, or of one like it"
            )
        with open_archive(source) as archive:
            rels, types = part(archive, _RELS), part(archive, _TYPES)
        if rels is None or types is None:
            raise unreadable("缺少 _rels/.rels", "_rels/.rels is missing")
        source.seek(0)
        replace(source, target, {
            custom.name: _with_property(custom, given, labels, value),
            _RELS: _with_relation(rels, custom.name),
            _TYPES: _with_type(types, custom.name),
        })  # fmt: skip

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every other part (by name, size and CRC) and the other properties."""
        customs = self._customs(file)
        left_out = {_RELS, _TYPES, *(custom.name for custom, _ in customs)}
        others = sorted(
            (item.attributes.get("name", ""), "".join(item.text))
            for _, given in customs
            for item in given
            if KEYWORD not in item.attributes.get("name", "").upper()
        )
        with open_archive(file) as archive:
            parts = sorted(
                (item.filename, item.file_size, item.CRC)
                for item in archive.infolist()
                if item.filename not in left_out
            )
        yield repr((parts, others)).encode()


def _in_part(found: Part) -> Iterator[Slot]:
    """Yield the labels of a part: elements of the keyword's name, and texts that are labels."""
    for item in found.elements:
        local, text = item.name.rpartition(" ")[2], "".join(item.text)
        if KEYWORD in local.upper():
            yield Slot(f"{found.name} {local}", text, (Deviation.OTHER_PLACE,))
        else:
            yield from loose.elsewhere(f"{found.name} {local}", text)


def _with_property(custom: Part, given: list[Element], labels: list[Element], value: str) -> bytes:
    def number(item: Element) -> int:
        text = item.attributes.get("pid", "")
        return int(text) if text.isdecimal() and len(text) < _LONGEST_PID else 0

    old = next(iter(labels), None)
    kept = number(old) if old else 0
    pid = kept if kept >= _FIRST_PID else max([_FIRST_PID - 1, *map(number, given)]) + 1
    new = (
        f'<{{p}}property fmtid="{_FMTID}" pid="{pid}" name="{KEYWORD}">'
        f'<vt:lpwstr xmlns:vt="{_VT}">{escape(value)}</vt:lpwstr></{{p}}property>'
    )
    return custom.with_element(new, without=old)


def _names(archive: ZipFile) -> tuple[str, ...]:
    """Return the parts of custom properties: what the relationships name, and the usual one; names ignore case (OPC 6.2.2)."""
    wanted = {_CUSTOM.lower()}
    rels = part(archive, _RELS)
    for item in Part(_RELS, rels).elements if rels is not None else ():
        if item.attributes.get("Type") in _RELATIONS:
            wanted.add(normpath(unquote(item.attributes.get("Target", "")).lstrip("/")).lower())
    return tuple(sorted(name for name in archive.namelist() if name.lower() in wanted))


def _with_relation(data: bytes, custom: str) -> bytes:
    rels = Part(_RELS, data)
    if any(item.attributes.get("Type") in _RELATIONS for item in rels.elements):
        return data
    taken = {item.attributes.get("Id") for item in rels.elements}
    number = next(f"rIdAigc{count}" for count in range(1, len(taken) + 2) if f"rIdAigc{count}" not in taken)
    return rels.with_element(f'<{{p}}Relationship Id="{number}" Type="{_RELATION}" Target="{escape(custom)}"/>')


def _with_type(data: bytes, custom: str) -> bytes:
    types = Part(_TYPES, data)
    if f"/{custom}".lower() in {item.attributes.get("PartName", "").lower() for item in types.elements}:
        return data
    return types.with_element(f'<{{p}}Override PartName="/{escape(custom)}" ContentType="{_CONTENT_TYPE}"/>')
