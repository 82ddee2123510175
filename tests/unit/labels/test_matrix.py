"""Layouts of documents and sounds that writers in the field make: each is written, read, replaced and passed on, and stays what it is."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject, TextStringObject

from hegui.kit.errors import HeguiError
from hegui.service.labels import files, xmp
from hegui.service.labels.containers import container_of, head_of
from hegui.service.labels.files import Verdict
from hegui.service.labels.items import boxes
from hegui.service.labels.schema import Deviation, Label
from tests.unit.labels import media
from tests.unit.labels.pictures import noise, saved
from tests.unit.labels.test_documents import document
from tests.unit.labels.test_files import CODE, LABEL, OTHER
from tests.unit.labels.test_sound import AUDIO, TITLE, frame, id3

JSON = LABEL.as_json().encode()
OLD = Label.first(CODE, "number-old").as_json().encode()
NEWER = Label.first(CODE, "a-number-that-is-longer-than-the-one-before-it")
ELSEWHERE = Deviation.OTHER_PLACE


# --- PDF -----------------------------------------------------------------------------------------------


def added(writer: PdfWriter, item: Any) -> Any:
    return writer._add_object(item)  # noqa: SLF001 - the library has no other way


def pdf(
    *, info: bool = True, objects: bool = False, password: str = "", owner: str = "", direct: bool = False
) -> bytes:
    """Return a PDF of two pages, with a table of references or (`objects`) a stream of them, byte by byte by pypdf."""
    writer = PdfWriter()
    for number in range(2):
        page = writer.add_blank_page(200, 100)
        content = StreamObject()
        content.set_data(b"BT (page %d) Tj ET" % number)
        page[NameObject("/Contents")] = added(writer, content)
    if info:
        writer.add_metadata({"/Title": "标题"})
    else:
        writer.metadata = None
    if password or owner:
        writer.encrypt(password, owner or None, algorithm="AES-128")
    out = io.BytesIO()
    writer.write(out)
    data = out.getvalue()
    if direct:
        at = data.index(b"/Info ")
        end = data.index(b" R", at) + 2
        data = data[:at] + b"/Info <</Title (direct)>>" + data[end:]
    return with_objects(data) if objects else data


def with_objects(data: bytes) -> bytes:
    """Return a PDF with its references in a stream, and its information and catalogue in a stream of objects."""
    reader = PdfReader(io.BytesIO(data))
    size = int(str(reader.trailer["/Size"]))
    root, info = (reader.trailer.raw_get(name).idnum for name in ("/Root", "/Info"))
    parts, rows, body = [], {}, b"%PDF-1.5\n"
    for number in range(1, size):
        item = reader.get_object(number)
        out = io.BytesIO()
        assert item is not None
        item.write_to_stream(out)
        if number in {root, info}:
            parts.append((number, out.getvalue()))
            continue
        rows[number] = (1, len(body), 0)
        body += b"%d 0 obj\n" % number + out.getvalue() + b"\nendobj\n"
    places = [sum(len(text) + 1 for _, text in parts[:at]) for at in range(len(parts))]
    head = b" ".join(b"%d %d" % (number, at) for (number, _), at in zip(parts, places, strict=True)) + b"\n"
    held = head + b" ".join(text for _, text in parts)
    rows |= {number: (2, size, at) for at, (number, _) in enumerate(parts)} | {
        size: (1, len(body), 0),
        0: (0, 0, 65535),
    }
    body += (
        b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Length %d>>stream\n" % (size, len(parts), len(head), len(held)) + held
    )
    body += b"\nendstream\nendobj\n"
    rows[size + 1] = (1, len(body), 0)
    table = b"".join(struct.pack(">BIH", *rows[number]) for number in range(size + 2))
    start = b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Info %d 0 R/Length %d>>stream\n"
    start %= (size + 1, size + 2, root, info, len(table))
    return body + start + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(body)


def linearised() -> bytes:
    """Return a PDF of two pages for the web: the first page with its table first, then the rest with the other table."""
    text = b"BT (page %d) Tj ET"
    page = b"<</Type/Page/Parent 1 0 R/MediaBox[0 0 200 100]/Contents %d 0 R>>"
    stream = b"<</Length %d>>stream\n%b\nendstream"
    rest = {
        1: b"<</Type/Pages/Count 2/Kids[7 0 R 2 0 R]>>",
        2: page % 3,
        3: stream % (len(text % 1) , text % 1),
        4: b"<</Title(a title)>>",
    }  # fmt: skip
    first = {
        6: b"<</Type/Catalog/Pages 1 0 R>>",
        7: page % 8,
        8: stream % (len(text % 0), text % 0),
        9: b"<</Length 36/S 36>>stream\n" + bytes(36) + b"\nendstream",
    }
    places = dict.fromkeys(range(10), 0)
    tables = [0, 0, 0, 0]  # the first table, the end of the first page, the other table, the length
    for _ in range(2):  # the places are as wide before they are known as after
        body = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
        told = (places[9], len(first[9]), tables[1], tables[2], tables[3])
        places[5] = len(body)
        body += b"5 0 obj\n<</Linearized 1/H[%010d %010d]/O 7/E %010d/N 2/T %010d/L %010d>>\nendobj\n" % told
        tables[0] = len(body)
        body += b"xref\n5 5\n" + b"".join(b"%010d 00000 n \n" % places[number] for number in range(5, 10))
        body += b"trailer\n<</Size 10/Root 6 0 R/Info 4 0 R/Prev %010d>>\nstartxref\n0\n%%%%EOF\n" % tables[2]
        for number, item in (first | rest).items():
            tables[1] = len(body) if number == 1 else tables[1]
            places[number] = len(body)
            body += b"%d 0 obj\n%b\nendobj\n" % (number, item)
        tables[2] = len(body)
        body += b"xref\n0 5\n0000000000 65535 f \n"
        body += b"".join(b"%010d 00000 n \n" % places[number] for number in range(1, 5))
        body += b"trailer\n<</Size 5>>\nstartxref\n%d\n%%%%EOF\n" % tables[0]
        tables[3] = len(body)
    return body


def signed() -> bytes:
    """Return a PDF with a signature over its bytes, which is none but stands where one would."""
    writer = PdfWriter(io.BytesIO(pdf()))
    value = DictionaryObject(
        {NameObject("/Type"): NameObject("/Sig"), NameObject("/Filter"): NameObject("/Adobe.PPKLite")}
    )
    value[NameObject("/ByteRange")] = ArrayObject(NumberObject(item) for item in (0, 100, 200, 300))
    value[NameObject("/Contents")] = TextStringObject("signature")
    form = DictionaryObject({NameObject("/SigFlags"): NumberObject(3)})
    field = DictionaryObject({NameObject("/FT"): NameObject("/Sig"), NameObject("/V"): added(writer, value)})
    form[NameObject("/Fields")] = ArrayObject([added(writer, field)])
    writer.root_object[NameObject("/AcroForm")] = added(writer, form)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# --- office --------------------------------------------------------------------------------------------

CUSTOM = (
    '<?xml version="1.0"?>\n<c:Properties xmlns:c="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
    'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
    '<!-- <property name="AIGC">a remark</property> --><c:property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="7" name="a>b">'
    "<vt:i4>3</vt:i4></c:property>%s</c:Properties>"
)


def office(kind: str, custom: str = "") -> bytes:
    """Return an office file with macros and custom properties, its contents announced as of a kind."""
    out = io.BytesIO()
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    with zipfile.ZipFile(io.BytesIO(document())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename == "[Content_Types].xml":
                data = f'<Types xmlns="{types}"><Default Extension="bin" ContentType="{kind}"/></Types>'.encode()
            new.writestr(item, data)
        new.writestr("word/vbaProject.bin", b"\xd0\xcf\x11\xe0macros")
        if custom:
            new.writestr("docProps/custom.xml", custom)
    return out.getvalue()


OWN = (
    '<c:property name="AIGC" pid="9" fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"><vt:lpwstr>'
    + OLD.decode().replace('"', "&quot;")
    + "</vt:lpwstr></c:property>"
)


# --- tags behind MP3 -----------------------------------------------------------------------------------


def ape(*items: tuple[bytes, bytes], header: bool = True) -> bytes:
    body = b"".join(struct.pack("<II", len(value), 0) + name + b"\0" + value for name, value in items)
    size, flags = len(body) + 32, 1 << 31 if header else 0
    head = struct.pack("<8s4I8x", b"APETAGEX", 2000, size, len(items), flags | 1 << 29) if header else b""
    return head + body + struct.pack("<8s4I8x", b"APETAGEX", 2000, size, len(items), flags)


def appended(*frames: bytes) -> bytes:
    tag = id3(4, *frames, flags=0x10)
    return tag + b"3DI" + tag[3:10]


OLD_TAG = b"TAG" + b"the title of ID3v1".ljust(125, b"\0")
LYRICS = b"LYRICSBEGINwords"
LYRICS += b"%06dLYRICS200" % len(LYRICS)
TXXX = frame(b"TXXX", b"\3AIGC\0" + OLD)

COVER = frame(b"APIC", b"\0image/png\0\3\0" + saved("PNG", noise(size=(60, 60))))


def wide(data: bytes) -> bytes:
    """Return a film whose every box of boxes, and whose coded part before them, tells its size in 64 bits, and its chunks' places too."""
    out = b""
    for part in boxes(data, 0, len(data)):
        inside = data[part.body : part.end]
        if part.kind in {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta"}:
            out += struct.pack(">I4sQ", 1, part.kind, 16 + len(wide(inside))) + wide(inside)
        elif part.kind == b"stco":
            places = struct.unpack(f">{len(inside) // 4 - 2}I", inside[8:])
            out += struct.pack(f">I4s8s{len(places)}Q", 16 + 8 * len(places), b"co64", inside[:8], *places)
        elif part.kind == b"mdat":  # in the room of the empty box before it
            assert out.endswith(b"\0\0\0\x08free")
            out = out[:-8] + struct.pack(">I4sQ", 1, b"mdat", 16 + len(inside)) + inside
        else:
            out += data[part.start : part.end]
    return out


LAYOUTS: dict[str, tuple[str, Callable[[], bytes], tuple[Deviation, ...] | None, tuple[bytes, ...]]] = {
    # name: suffix, file, deviations of the label that is there (None: there is none), bytes that stay
    "pdf with a table": (".pdf", pdf, None, (b"page 1",)),
    "pdf without information": (".pdf", lambda: pdf(info=False), None, (b"page 1",)),
    "pdf with its information in the trailer": (".pdf", lambda: pdf(direct=True), None, (b"page 1",)),
    "pdf with streams of objects and references": (".pdf", lambda: pdf(objects=True), None, (b"page 1",)),
    "pdf that is linearised": (".pdf", linearised, None, (b"page 1", b"/Linearized 1")),
    "pdf that is signed": (".pdf", signed, None, (b"/ByteRange [ 0 100 200 300 ]",)),
    "docm with properties": (".docm", lambda: office("macro", CUSTOM % ""), None, ()),
    "xlsm with a label": (".xlsm", lambda: office("macro", CUSTOM % OWN), (), ()),
    "pptm without properties": (".pptm", lambda: office("macro"), None, ()),
    "mp3 with ID3v1": (".mp3", lambda: AUDIO + OLD_TAG, None, (OLD_TAG,)),
    "mp3 with APE": (".mp3", lambda: AUDIO + ape((b"Title", b"kept")), None, (ape((b"Title", b"kept")),)),
    "mp3 with a label in APE": (".mp3", lambda: AUDIO + ape((b"Title", b"kept"), (b"AIGC", OLD)) + OLD_TAG, (ELSEWHERE,), (ape((b"Title", b"kept")) + OLD_TAG,)),
    "mp3 with APE of a label alone": (".mp3", lambda: AUDIO + ape((b"aigc", OLD), header=False), (ELSEWHERE,), ()),
    "mp3 with a tag behind": (".mp3", lambda: AUDIO + appended(TITLE[4]), None, (appended(TITLE[4]),)),
    "mp3 with a label in a tag behind": (".mp3", lambda: AUDIO + appended(TITLE[4], TXXX), (ELSEWHERE,), (appended(TITLE[4]),)),
    "mp3 with all of them": (".mp3", lambda: id3(3, TITLE[3]) + AUDIO + appended(TXXX) + ape((b"Title", b"kept")) + LYRICS + OLD_TAG, (ELSEWHERE,), (TITLE[3], ape((b"Title", b"kept")) + LYRICS + OLD_TAG)),
    "mp3 behind a tag with a cover": (".mp3", lambda: id3(4, TITLE[4], COVER) + AUDIO, None, (COVER,)),
    "flac behind a tag with a cover": (".flac", lambda: id3(4, TITLE[4], COVER) + media.samples()["flac"][1], None, (COVER,)),
    "flac behind a tag with a cover and a label": (".flac", lambda: id3(4, COVER, TXXX) + media.samples()["flac"][1], (ELSEWHERE,), (COVER,)),
    "mp4 with boxes of 64 bits, the film last": (".mp4", lambda: wide(media.samples()["mp4"][1]), None, (b"co64",)),
    "bw64": (".wav", lambda: media.samples()["rf64"][1].replace(b"RF64", b"BW64", 1), None, ()),
}  # fmt: skip


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def payload(path: Path) -> bytes:
    with path.open("rb") as file:
        return b"".join(container_of(head_of(file), path.name).payload(file))


def test_a_layout_is_written_read_replaced_and_passed_on(layout: str, tmp_path: Path) -> None:
    suffix, make, deviations, kept = LAYOUTS[layout]
    path, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    path.write_bytes(make())
    there = files.inspect(path)
    assert there.verdict is (Verdict.ABSENT if deviations is None else Verdict.PRESENT), there.problem
    assert there.deviations == (deviations or ())
    before = payload(path)
    steps: list[tuple[Label, Callable[[], files.Inspection]]] = [
        (LABEL, lambda: files.write(path, target, LABEL)),
        (NEWER, lambda: files.write(target, target, NEWER)),
        (NEWER.propagated(OTHER, "theirs"), lambda: files.propagate(target, target, OTHER, "theirs")),
    ]
    for label, act in steps:
        found = act()
        assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, label, ())
        assert payload(target) == before
        data = target.read_bytes()
        assert all(part in data for part in kept)
        read_by_others(target, label)
    if suffix == ".pdf":
        assert target.read_bytes().startswith(path.read_bytes()), "what was signed stays as it was"
        more = target.read_bytes().removeprefix(path.read_bytes())
        assert more.count(b"/XRef") == (3 if "streams" in layout else 0), "a table for a table, a stream for a stream"
    elif suffix in {".mp3", ".flac", ".mp4"}:
        assert b"number-old" not in target.read_bytes()
        if "tag behind" not in layout:  # ffmpeg takes such a tag for sound
            assert media.packets(target.read_bytes()) == media.packets(
                make() if "cover" in layout or suffix != ".mp3" else AUDIO
            )


def read_by_others(path: Path, label: Label) -> None:
    """Assert that a reader which shares no code with ours finds this label, and no other."""
    data = path.read_bytes()
    if path.suffix == ".pdf":
        info = PdfReader(io.BytesIO(data), strict=True).metadata
        assert info is not None
        assert str(info["/AIGC"]) == label.as_json()
    elif path.suffix in {".mp3", ".flac", ".mp4"}:
        assert media.tags(data)["AIGC"] == label.as_json()
    if path.suffix in {".wav", ".docm", ".xlsm", ".pptm"} or shutil.which("exiftool") is None:
        return
    done = subprocess.run(["exiftool", "-a", "-u", "-j", "-struct", str(path)], capture_output=True, check=True)
    (told,) = json.loads(done.stdout)
    assert "Error" not in told
    texts = [
        json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else str(value) for value in told.values()
    ]
    assert sum(label.as_json() in text for text in texts) == 1, told


def test_properties_of_an_office_file_keep_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.docm"
    path.write_bytes(office("macro", CUSTOM % OWN))
    files.write(path, path, LABEL)
    with zipfile.ZipFile(path) as archive:
        text = archive.read("docProps/custom.xml").decode()
    before, _, after = (CUSTOM % "\0").partition("\0")
    assert text.startswith(before)
    assert text.endswith(after)
    assert 'pid="9"' in text, "the property keeps its number"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", pdf(password="secret")),
        ("a.pdf", pdf().replace(b"startxref", b"startxxxx")),
        ("a.mp3", AUDIO + ape((b"Title", b"kept"))[:-40] + ape()[-32:].replace(b"\x20\0\0\0", b"\xff\0\0\0")),
        ("a.mp3", AUDIO + b"3DI\x04\0\x10\0\0\x7f\x7f"),
        ("a.docx", office("x", "<Properties><property></Properties>")),
        ("a.docx", office("x", (CUSTOM % OWN)[:-20])),
    ],
)  # fmt: skip
def test_what_can_not_be_parsed_is_unreadable_and_left_alone(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert files.inspect(path).verdict is Verdict.UNREADABLE
    with pytest.raises(HeguiError):
        files.write(path, path, LABEL)
    assert path.read_bytes() == data


def test_a_pdf_that_can_be_read_and_not_updated_is_refused(tmp_path: Path) -> None:
    packet = xmp.put(None, OLD.decode())
    writer = PdfWriter(io.BytesIO(pdf()))
    metadata = StreamObject()
    metadata.set_data(packet)
    writer.root_object[NameObject("/Metadata")] = added(writer, metadata)
    out = io.BytesIO()
    writer.write(out)
    for data, verdict in (
        (pdf(owner="owner"), Verdict.ABSENT),
        (b"before\n" + pdf(), Verdict.ABSENT),
        (out.getvalue(), Verdict.PRESENT),
    ):
        path = tmp_path / "a.pdf"
        path.write_bytes(data)
        assert files.inspect(path).verdict is verdict
        with pytest.raises(HeguiError):
            files.write(path, path, LABEL)
        assert path.read_bytes() == data
