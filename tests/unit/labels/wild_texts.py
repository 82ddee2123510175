"""Documents and texts as many writers leave them: every place that was seen to hold a label, and those that hold none."""

from __future__ import annotations

import html
import io
import json
from typing import Any

from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject, TextStringObject

from tests.unit.labels.test_documents import document, paper
from tests.unit.labels.test_files import CODE, LABEL
from tests.unit.labels.wild import (
    ABSENT,
    CONFLICTING,
    ELSEWHERE,
    JSON,
    LABELLED,
    MALFORMED,
    MULTIPLE,
    NO_KEY,
    NOT_JSON,
    OTHERS,
    PRESENT,
    UNREADABLE,
    VALUES,
    WRAPPED,
    Case,
    D,
    case,
)  # fmt: skip

QUOTED = html.escape(JSON)
META = f'<meta name="AIGC" content="{QUOTED}">'
YAML = "AIGC:\n" + "".join(f'  {name}: "{value}"\n' for name, value in LABEL.as_dict().items())
TOML = "[AIGC]\n" + "".join(f'{name} = "{value}"\n' for name, value in LABEL.as_dict().items())
_CUSTOM = (
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
    'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">{}</Properties>'
)
_CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description>{}</dc:description></cp:coreProperties>'
)
_ITEM = '<root xmlns="urn:x"><AIGC>{}</AIGC></root>'


def page(head: str = "", body: str = "") -> str:
    return f'<!DOCTYPE html><html><head><meta charset="utf-8">{head}</head><body><p>文</p>{body}</body></html>'


def office(name: str, value: str, kind: str = "lpwstr", *, around: str = "") -> bytes:
    held = f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="{name}">{around}<vt:{kind}>{html.escape(value)}</vt:{kind}></property>'
    return document(**{"docProps/custom.xml": _CUSTOM.format(held)})


def pdf(change: Any, **options: Any) -> bytes:
    """Return a PDF that was changed by the library's writer; `encrypt` and `packed` say how it is stored."""
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(paper())))
    change(writer)
    if "encrypt" in options:
        writer.encrypt(options["encrypt"], "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def in_xmp(text: str) -> Any:
    def change(writer: PdfWriter) -> None:
        stream = DecodedStreamObject()
        stream.set_data(text.encode())
        packed = stream.flate_encode()
        packed.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
        writer.root_object[NameObject("/Metadata")] = writer._add_object(packed)  # noqa: SLF001 - the library has no other way

    return change


def in_catalog(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/AIGC")] = TextStringObject(JSON)


def attached(name: str, data: str) -> Any:
    return lambda writer: writer.add_attachment(name, data.encode())


IN_OFFICE = tuple(
    case(f"DOCX: {what}", "a.docx", office("AIGC", value), verdict, *notes) for what, value, verdict, notes in VALUES
)
IN_PAGE = tuple(
    case(f"HTML: {what}", "a.html", page(f'<meta name="AIGC" content="{html.escape(value)}">'), verdict, *notes)
    for what, value, verdict, notes in VALUES
    if what != "entities not undone"
)

MARKDOWN: tuple[Case, ...] = (
    case("front matter", "a.md", f"---\n{YAML}---\n# 题\n", PRESENT),
    case("front matter among other keys", "a.md", f"---\ntitle: 题\n{YAML}tags: [a]\n---\n", PRESENT),
    case("two front matters", "a.md", f"---\n{YAML}---\n\n---\ntitle: x\n---\n", PRESENT),
    case("Zhipu: JSON in YAML", "a.md", f"---\nAIGC: {JSON}\n---\n", PRESENT),
    case("iFlow: JSON in YAML, misspelt", "a.md", "---\nAIGC: " + JSON.replace("Reserved", "Reserve") + "\n---\n", PRESENT, D.MISSING_FIELD, D.UNKNOWN_FIELD),
    case("JSON as a text in YAML", "a.md", f"---\nAIGC: '{JSON}'\n---\n", PRESENT),
    case("MiniMax Agent: Label AIGC", "a.md", "---\n" + YAML.replace('"1"', "AIGC").replace(CODE, "Minimax Agent AI") + "---\n", MALFORMED,
         D.LABEL_VALUE, D.CHARACTERS, D.PRODUCER_CODE, D.PROPAGATOR_CODE),
    case("numbers without quotes", "a.md", f"---\n{YAML}---\n".replace('"1"', "1"), PRESENT, D.NOT_TEXT),
    case("key in lower case", "a.md", f"---\n{YAML}---\n".replace("AIGC", "aigc"), PRESENT, D.KEY_CASE),
    case("fields without their key", "a.md", "---\n" + YAML.split("\n", 1)[1].replace("  ", "") + "---\n", PRESENT, NO_KEY),
    case("an empty line before", "a.md", f"\n---\n{YAML}---\n", PRESENT, ELSEWHERE),
    case("a mark and Windows line ends", "a.md", ("\ufeff---\n" + YAML + "---\n").replace("\n", "\r\n"), PRESENT),
    case("in UTF-16", "a.md", f"---\n{YAML}---\n".encode("utf-16"), PRESENT),
    case("under another key", "a.md", "---\nmetadata:\n" + "".join(f"  {line}\n" for line in YAML.splitlines()) + "---\n", PRESENT, ELSEWHERE),
    case("behind a comment", "a.md", f"<!-- made by x -->\n---\n{YAML}---\n", PRESENT, ELSEWHERE),
    case("TOML", "a.md", f"+++\ntitle = 'x'\n{TOML}+++\n# 题\n", PRESENT, ELSEWHERE),
    case("TOML, inline", "a.md", "+++\nAIGC = '" + JSON + "'\n+++\n", PRESENT, ELSEWHERE),
    case("TOML without one", "a.md", "+++\ntitle = 'AIGC'\n+++\n", ABSENT),
    case("TOML, damaged", "a.md", "+++\nAIGC = {\n+++\n", MALFORMED, ELSEWHERE, D.DAMAGED_FRONT_MATTER, NOT_JSON),
    case("JSON front matter", "a.md", "{\n" + WRAPPED[1:] + "\n\n# 题\n", PRESENT, ELSEWHERE),
    case("a dash lost", "a.md", f"--\n{YAML}---\n", PRESENT, D.DAMAGED_FRONT_MATTER),
    case("dashes made one", "a.md", f"—-\n{YAML}—-\n", PRESENT, D.DAMAGED_FRONT_MATTER),
    case("dashes made stars, lines made one", "a.md", "* * *\n\n" + " ".join(YAML.split()) + "\n\n* * *\n", MALFORMED, D.DAMAGED_FRONT_MATTER, NOT_JSON),
    case("made a heading", "a.md", '* * *\n\n## AIGC: Label: "1" ContentProducer: ' + CODE + "\n", MALFORMED, D.DAMAGED_FRONT_MATTER, NOT_JSON),
    case("moved to the end", "a.md", f"# 题\n\n正文\n\n{YAML}", PRESENT, ELSEWHERE),
    case("an example in a fence", "a.md", f"# 如何写标识\n\n```yaml\n---\n{YAML}---\n```\n", ABSENT),
    case("a comment", "a.md", f"<!-- AIGC: {JSON} -->\n# 题\n", PRESENT, ELSEWHERE),
    case("talk of labels", "a.md", "# AIGC\n\n字段有 Label、ContentProducer、ProduceID。\n", ABSENT),
    case("a private key", "a.md", "---\naigc_label_type: 1\n---\n", ABSENT),
    case("two blocks that differ", "a.md", f"---\n{YAML}{YAML}---\n".replace("0198", "0199", 1), CONFLICTING),
)  # fmt: skip

PAGES: tuple[Case, ...] = (
    case("single quotes", "a.html", page(f"<meta name='AIGC' content='{JSON}'>"), PRESENT),
    case("in the body", "a.html", page(body=META), PRESENT, ELSEWHERE),
    case("in a page without a head", "a.html", f"<p>文</p>{META}", PRESENT, ELSEWHERE),
    case("property for name", "a.html", page(META.replace("name=", "property=")), PRESENT, ELSEWHERE),
    case("a name with a prefix", "a.html", page(META.replace('"AIGC"', '"TC260:AIGC"')), PRESENT, ELSEWHERE),
    case("a comment", "a.html", page(f"<!-- AIGC: {JSON} -->"), PRESENT, ELSEWHERE),
    case("a comment, wrapped", "a.html", page(body=f"<!--{WRAPPED}-->"), PRESENT, ELSEWHERE),
    case("JSON-LD", "a.html", page(f'<script type="application/ld+json">{{"@context":"https://schema.org","AIGC":{JSON}}}</script>'), PRESENT, ELSEWHERE),
    case("a script of data", "a.html", page(f'<script type="application/json" id="AIGC">{JSON}</script>'), PRESENT, ELSEWHERE),
    case("a program that writes labels", "a.html", page(f"<script>const meta = {json.dumps(META)};</script>"), ABSENT),
    case("a tag as text", "a.html", page(body=f"<pre>{html.escape(META)}</pre>"), ABSENT),
    case("a private name", "a.html", page('<meta name="aigc-type" content="1">'), ABSENT),
    case("head and body equal", "a.html", page(META, META), MULTIPLE, ELSEWHERE),
    case("far behind the first mebibyte", "a.html", page(body="<p>" + "文" * 400_000 + "</p>" + META), UNREADABLE),
    case("far, and none", "a.html", page(body="<p>" + "文" * 400_000 + "</p>"), ABSENT),
)  # fmt: skip

DOCUMENTS: tuple[Case, ...] = (
    case("DOCX: another type of text", "a.docx", office("AIGC", JSON, "bstr"), PRESENT),
    case("DOCX: a name in lower case", "a.docx", office("aigc", WRAPPED), PRESENT, ELSEWHERE),
    case("DOCX: a name with a prefix", "a.docx", office("TC260_AIGC", JSON), PRESENT, ELSEWHERE),
    case("DOCX: the value beside its element", "a.docx", office("AIGC", "", around=html.escape(JSON)), PRESENT),
    case("DOCX: something secret", "a.docx", office("AIGC", "fTAvKTQybl5VAXRHHA8JCygHfFZTWGYCIydUDQcBX0p="), MALFORMED, NOT_JSON),
    case("DOCX: the description", "a.docx", document(**{"docProps/core.xml": _CORE.format(html.escape(WRAPPED))}), PRESENT, ELSEWHERE),
    case("DOCX: a description of people", "a.docx", document(**{"docProps/core.xml": _CORE.format("AIGC")}), ABSENT),
    case("DOCX: data of its own", "a.docx", document(**{"customXml/item1.xml": _ITEM.format(html.escape(JSON))}), PRESENT, ELSEWHERE),
    case("DOCX: two properties", "a.docx", document(**{"docProps/custom.xml": _CUSTOM.format("".join(
        f'<property fmtid="x" pid="{pid}" name="AIGC"><vt:lpwstr>{html.escape(JSON)}</vt:lpwstr></property>' for pid in (2, 3)))}), MULTIPLE),
    case("DOCX: a private property", "a.docx", office("AIGC_TYPE", "1"), ABSENT),
    case("a ZIP", "a.zip", b"PK\3\4" + bytes(60), UNREADABLE),
    case("an old DOC", "a.doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), UNREADABLE),
    case("PDF: the information", "a.pdf", paper(AIGC=JSON), PRESENT),
    case("PDF: the information, wrapped, Chinese in it", "a.pdf", paper(AIGC=WRAPPED.replace("0198f0c2", "内容")), PRESENT, D.CHARACTERS),
    case("PDF: in lower case", "a.pdf", paper(aigc=JSON), PRESENT, ELSEWHERE),
    case("PDF: the subject", "a.pdf", paper(Subject=WRAPPED), PRESENT, ELSEWHERE),
    case("PDF: the keywords, of people", "a.pdf", paper(Keywords="AIGC, ContentProducer"), ABSENT),
    case("PDF: XMP, packed", "a.pdf", pdf(in_xmp(LABELLED)), PRESENT, ELSEWHERE),
    case("PDF: the catalogue", "a.pdf", pdf(in_catalog), PRESENT, ELSEWHERE),
    case("PDF: attached", "a.pdf", pdf(attached("AIGC.json", JSON)), PRESENT, ELSEWHERE),
    case("PDF: something else attached", "a.pdf", pdf(attached("a.txt", "hello")), ABSENT),
    case("PDF: locked, no password needed", "a.pdf", pdf(lambda writer: writer.add_metadata({"/AIGC": JSON}), encrypt=""), PRESENT),
    case("PDF: locked", "a.pdf", pdf(lambda writer: writer.add_metadata({"/AIGC": JSON}), encrypt="secret"), UNREADABLE),
    case("PDF: equal in both", "a.pdf", pdf(lambda writer: (writer.add_metadata({"/AIGC": JSON}), in_xmp(LABELLED)(writer))), MULTIPLE, ELSEWHERE),
)  # fmt: skip

DATA: tuple[Case, ...] = (
    case("JSON: the object", "a.json", JSON, PRESENT),
    case("JSON: keys in lower case", "a.json", JSON.lower().replace(CODE.lower(), CODE), PRESENT, D.KEY_CASE),
    case("JSON: wrapped in lower case", "a.json", WRAPPED.replace("AIGC", "aigc", 1), PRESENT),
    case("JSON: a text of JSON", "a.json", json.dumps({"AIGC": JSON}), PRESENT, D.DOUBLE_ENCODED),
    case("JSON: an answer around it", "a.json", json.dumps({"Response": {"RequestId": "x", "AIGC": json.loads(JSON)}}), PRESENT),
    case("JSON: an answer with a list", "a.json", json.dumps({"data": [{"url": "x", "metadata": json.loads(WRAPPED)}]}), PRESENT),
    case("JSON: a list of one", "a.json", f"[{WRAPPED}]", PRESENT),
    case("JSON: a list of two", "a.json", f"[{JSON},{OTHERS}]", CONFLICTING),
    case("JSON: a mark before it", "a.json", b"\xef\xbb\xbf" + WRAPPED.encode(), PRESENT),
    case("JSON: in UTF-16", "a.json", WRAPPED.encode("utf-16"), PRESENT),
    case("JSON: Douyin's private fields", "a.json", '{"data":{"aigc_info":"{\\"aigc_type\\":1}","aigc_label_type":2}}', ABSENT),
    case("JSON: a private AIGC", "a.json", '{"AIGC":{"type":1}}', ABSENT),
    case("JSON: other people's Label", "a.json", '{"Label":"1"}', ABSENT),
    case("JSON: cut off", "a.json", WRAPPED[:-3], UNREADABLE),
    case("lines of JSON, one labelled", "a.jsonl", f'{{"a":1}}\n{WRAPPED}\n', PRESENT),
    case("lines of JSON, none labelled", "a.jsonl", '{"a":1}\n{"b":2}\n', ABSENT),
    case("lines of JSON, two labelled", "a.ndjson", f"{JSON}\n{OTHERS}\n", CONFLICTING),
    case("lines of JSON, one spoilt", "a.jsonl", '{"a":1}\n{"b"\n', UNREADABLE),
    case("text: an explicit line alone", "a.txt", "（本内容由人工智能生成）\n正文\n", ABSENT),
    case("text: front matter of Markdown", "a.txt", f"---\n{YAML}---\n正文\n", PRESENT, ELSEWHERE),
    case("subtitles", "a.srt", "1\n00:00:00,000 --> 00:00:01,000\nAI生成\n", ABSENT),
)  # fmt: skip

CASES = (*IN_OFFICE, *IN_PAGE, *MARKDOWN, *PAGES, *DOCUMENTS, *DATA)
