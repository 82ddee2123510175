"""The label on documents: the first line of a text, the header of a document or of printed sheets, a line on the first slide.

Office documents are edited in place, part by part; a document that has the line already keeps the one it has.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels.containers.archive import open_archive, part, replace
from hegui.service.labels.text import check_wording

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEADER_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"
_HEADER = "word/headerAigc.xml"
_LONGEST = 64 << 20
_FRONT = re.compile(r"\A(---[ \t]*\r?\n.*?^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z))", re.DOTALL | re.MULTILINE)
_BODY = re.compile(r"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_SECTION = re.compile(rb"<w:sectPr\b([^>]*?)(/>|>(.*?)</w:sectPr>)", re.DOTALL)
_AFTER_HEADER = re.compile(
    rb"<(?:rowBreaks|colBreaks|customProperties|cellWatches|ignoredErrors|smartTags|drawing|drawingHF|legacyDrawing|legacyDrawingHF"
    rb"|picture|oleObjects|controls|webPublishItems|tableParts|extLst)\b|</worksheet>"
)


def mark_document(source: Path, target: Path, wording: str) -> dict[str, Any]:
    """Write a document with the label in its first line or header; raise InputError."""
    check_wording(wording)
    where, added = SUFFIXES[source.suffix.lower()](source, target, wording)
    return {"place": where, "added": added, "wording": wording}


def _wrong(path: Path, zh: str, en: str) -> InputError:
    return InputError(
        Bi(f"无法给 {path} 加标识：{zh}", f"can not mark {path}: {en}"),
        Bi("检查文件是否完好，或另存后再试", "check that the file is sound, or save it again"),
    )


# --- text ----------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[str, str]:
    """Return a text and its encoding; UTF-8 with or without its mark, or GB 18030."""
    data = path.read_bytes()
    if len(data) > _LONGEST:
        raise _wrong(path, "文件过大", "it is too large")
    for encoding in ("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8", "gb18030"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise _wrong(path, "不是 UTF-8 或 GB 18030 文本", "it is no text in UTF-8 or GB 18030")


def _end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _text(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    text, encoding = _read(source)
    return _put(target, text, encoding, "", f"{wording}{_end(text) * 2}", wording)


def _put(target: Path, text: str, encoding: str, head: str, line: str, wording: str) -> tuple[str, bool]:  # noqa: PLR0913, PLR0917 - one place
    """Write the line after `head`, unless the wording stands there already."""
    rest = text[len(head) :]
    there = rest.lstrip().startswith((wording, line.strip()))
    target.write_bytes((text if there else head + line + rest).encode(encoding))
    return "first line", not there


def _markdown(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    text, encoding = _read(source)
    front = _FRONT.match(text)
    head = front[1] if front else ""
    return _put(target, text, encoding, head, f"> {wording}{_end(text) * 2}", f"> {wording}")


def _html(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    text, encoding = _read(source)
    body = _BODY.search(text)
    if body is None:
        raise _wrong(source, "没有 <body>", "there is no <body>")
    line = (
        '<p role="note" class="aigc-label" style="margin:0;padding:.4em .8em;background:#121316;color:#fff;'
        f'font:600 1rem sans-serif">{html.escape(wording)}</p>{_end(text)}'
    )
    return _put(target, text, encoding, text[: body.end()], line, line)


# --- office --------------------------------------------------------------------------------------------


def _parts(source: Path, *names: str) -> list[bytes]:
    with source.open("rb") as file, open_archive(file) as archive:
        found = [part(archive, name) for name in names]
    if None in found:
        raise _wrong(source, "缺少必要的部分", "parts are missing")
    return [item for item in found if item is not None]


def _rewrite(source: Path, target: Path, parts: dict[str, bytes]) -> None:
    with source.open("rb") as file, target.open("wb") as out:
        replace(file, out, parts)


def _paragraph(wording: str) -> bytes:
    return (
        '<w:p><w:pPr><w:jc w:val="center"/></w:pPr><w:r><w:rPr><w:b/><w:sz w:val="24"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(wording)}</w:t></w:r></w:p>'
    ).encode()


def _docx(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    """Put the line into every header that a page of the document can show, and a header where there is none."""
    names = ("word/document.xml", "word/_rels/document.xml.rels", "[Content_Types].xml")
    document, rels, types = _parts(source, *names)
    if b"<w:body" not in document:
        raise _wrong(source, "正文结构不认识", "its body is not understood")
    if not _SECTION.search(document):
        document = document.replace(b"</w:body>", b"<w:sectPr/></w:body>")
    changed = {name: data for name, data in _old_headers(source, rels, wording).items() if data}
    number = "rIdAigcHeader"
    while number.encode() in rels:
        number += "1"
    reference = f'<w:headerReference xmlns:r="{_R}" w:type="%s" r:id="{number}"/>'
    new = _SECTION.sub(lambda match: _section(match, reference), document)
    if new != document:
        head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:hdr xmlns:w="{_W}">'.encode()
        changed[_HEADER] = head + _paragraph(wording) + b"</w:hdr>"
        changed["word/document.xml"] = new
        relation = f'<Relationship Id="{number}" Type="{_R}/header" Target="headerAigc.xml"/></Relationships>'
        changed["word/_rels/document.xml.rels"] = rels.replace(b"</Relationships>", relation.encode())
        override = f'<Override PartName="/{_HEADER}" ContentType="{_HEADER_TYPE}"/></Types>'
        changed["[Content_Types].xml"] = types.replace(b"</Types>", override.encode())
    _rewrite(source, target, changed)
    return "header", bool(changed)


def _old_headers(source: Path, rels: bytes, wording: str) -> dict[str, bytes]:
    """Return the headers that are there, each with the line before what it has; empty for one that has it."""
    found = {}
    for tag in re.findall(rb"<Relationship\b[^>]*/relationships/header\"[^>]*>", rels):
        match = re.search(rb'Target="/?(?:word/)?([^"]+)"', tag)
        if match:
            name = f"word/{match[1].decode()}"
            data = _parts(source, name)[0]
            has = escape(wording).encode() in data
            found[name] = (
                b"" if has else re.sub(rb"(<w:hdr\b[^>]*>)", lambda at: at[1] + _paragraph(wording), data, count=1)
            )
    return found


def _section(match: re.Match[bytes], reference: str) -> bytes:
    """Return a section with a header for each kind of page that it has none for: usual, first, even."""
    inside = match[3] or b""
    kinds = ["default", "even", *(["first"] if b"<w:titlePg" in inside else [])]
    missing = [
        kind for kind in kinds if not re.search(rb"<w:headerReference\b[^>]*w:type=\"" + kind.encode() + rb"\"", inside)
    ]
    added = "".join(reference % kind for kind in missing).encode()
    return b"<w:sectPr" + match[1] + b">" + added + inside + b"</w:sectPr>" if missing else match[0]


def _xlsx(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    """Put the line into the printed header of every sheet."""
    with source.open("rb") as file, open_archive(file) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
    text = escape(wording.replace("&", "&&")).encode()
    changed = {}
    for name, data in zip(names, _parts(source, *names), strict=True):
        if text not in data:
            changed[name] = _sheet(source, data, text)
    if not names:
        raise _wrong(source, "没有工作表", "there is no sheet")
    _rewrite(source, target, changed)
    return "header of printed sheets", bool(changed)


def _sheet(source: Path, data: bytes, text: bytes) -> bytes:
    for header in (rb"oddHeader", rb"evenHeader", rb"firstHeader"):
        data = re.sub(rb"(<" + header + rb"\b[^>]*>)(?:&amp;C)?", lambda at: at[1] + b"&amp;C" + text + b" ", data)
    if text in data:
        return data
    line = b"<oddHeader>&amp;C" + text + b"</oddHeader>"
    if re.search(rb"<headerFooter\b[^>]*?/>", data):
        return re.sub(
            rb"<headerFooter\b([^>]*?)/>", lambda at: b"<headerFooter" + at[1] + b">" + line + b"</headerFooter>", data
        )
    if b"<headerFooter" in data:
        return re.sub(rb"(<headerFooter\b[^>]*>)", lambda at: at[1] + line, data, count=1)
    at = _AFTER_HEADER.search(data, data.find(b"</sheetData>") if b"</sheetData>" in data else 0)
    if at is None:
        raise _wrong(source, "工作表结构不认识", "a sheet is not understood")
    return data[: at.start()] + b"<headerFooter>" + line + b"</headerFooter>" + data[at.start() :]


def _pptx(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    """Put a line of text on the top edge of the first slide."""
    show, rels = _parts(source, "ppt/presentation.xml", "ppt/_rels/presentation.xml.rels")
    first = re.search(rb"<p:sldId\b[^>]*r:id=\"([^\"]+)\"", show)
    tag = first and re.search(rb"<Relationship\b[^>]*\bId=\"" + re.escape(first[1]) + rb"\"[^>]*>", rels)
    place = tag and re.search(rb'Target="/?(?:ppt/)?([^"]+)"', tag[0])
    if not place:
        raise _wrong(source, "没有幻灯片", "there is no slide")
    size = re.search(rb"<p:sldSz\b[^>]*cx=\"(\d+)\"", show)
    name = f"ppt/{place[1].decode()}"
    slide = _parts(source, name)[0]
    if escape(wording).encode() in slide:
        _rewrite(source, target, {})
        return "first slide", False
    if b"</p:spTree>" not in slide:
        raise _wrong(source, "幻灯片结构不认识", "the slide is not understood")
    ids = [int(found) for found in re.findall(rb"<p:cNvPr\b[^>]*\bid=\"(\d{1,9})\"", slide)]
    box = _text_box(wording, max([*ids, 1]) + 1, int(size[1]) if size else 9_144_000)
    _rewrite(source, target, {name: slide.replace(b"</p:spTree>", box + b"</p:spTree>")})
    return "first slide", True


def _text_box(wording: str, number: int, width: int) -> bytes:
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="AIGC"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>'
        f'<a:off x="0" y="0"/><a:ext cx="{width}" cy="420000"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
        '<a:solidFill><a:srgbClr val="121316"/></a:solidFill></p:spPr><p:txBody><a:bodyPr wrap="square" anchor="ctr"/><a:lstStyle/>'
        '<a:p><a:pPr algn="ctr"/><a:r><a:rPr lang="zh-CN" sz="1800" b="1"><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:rPr>'
        f"<a:t>{escape(wording)}</a:t></a:r></a:p></p:txBody></p:sp>"
    ).encode().replace(b"<p:sp>", b'<p:sp xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">')  # fmt: skip


def _pdf(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    from hegui.service.labels.marks.pages import pdf  # noqa: PLC0415 - Pillow and pypdf are loaded only where they are needed

    return pdf(source, target, wording)


SUFFIXES: dict[str, Callable[[Path, Path, str], tuple[str, bool]]] = {
    ".txt": _text, ".md": _markdown, ".markdown": _markdown, ".html": _html, ".htm": _html,
    ".docx": _docx, ".xlsx": _xlsx, ".pptx": _pptx, ".pdf": _pdf,
}  # fmt: skip
"""What marks a document, by its suffix."""
