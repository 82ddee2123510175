"""Files made to take memory or time without end: each is told in a process of 192 MiB and some seconds of its own.

What is asked is an answer, whatever the verdict: no file of any format may exhaust the process that looks at it.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from hegui.service.labels.containers import ogg
from tests.unit.labels import media
from tests.unit.labels.pictures import box, heic, jpeg, saved, segment
from tests.unit.labels.test_documents import paper
from tests.unit.labels.test_files import chunk, png
from tests.unit.labels.test_sound import AUDIO, frame, id3, sound
from tests.unit.labels.test_sound import chunk as riff_chunk

MEBIBYTES, SECONDS = 192, 60
CHILD = Path(__file__).with_name("bombs_child.py")
RDF = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="adobe:ns:meta/">%s</rdf:RDF>'
MIB = 1 << 20


def packet(inside: bytes) -> bytes:
    return RDF % inside


def xmp_chunk(text: bytes) -> bytes:
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)


TAGS = packet(b"<a/>" * (3 * MIB))
ATTRIBUTES = packet(b"<a " + b" ".join(b"a%d=''" % number for number in range(600_000)) + b"/>")
SPACE = packet(b'<a xmlns:n="' + b"n" * MIB + b'">' + b'<b n:c="1"/>' * 200_000 + b"</a>")
LINES = packet(b"<x:a>" + b"\n&#10;" * 800_000 + b"</x:a>")
BLANK = packet(b"<x:a>" + b" " * 12 * MIB + b"</x:a>")
DEEP = b"<a>" * 100_000 + b"</a>" * 100_000
ENTITY = (
    b'<!DOCTYPE a [<!ENTITY b "'
    + b"c" * 1000
    + b'"><!ENTITY d "'
    + b"&b;" * 1000
    + b'">]><a>'
    + b"&d;" * 1000
    + b"</a>"
)


def flv(data: bytes) -> bytes:
    return b"FLV\1\5\0\0\0\x09\0\0\0\0" + b"\x12" + len(data).to_bytes(3, "big") + bytes(7) + data + bytes(4)


def ebml(kind: str, data: bytes) -> bytes:
    return bytes.fromhex(kind) + (len(data) | 1 << 56).to_bytes(8, "big") + data


MKV = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7


def exif_texts(count: int) -> bytes:
    """Return EXIF whose directory says the same long text again and again."""
    text = b"AIGC" + b" " * 200_000
    rows = b"".join(struct.pack("<HHII", 0x9286, 7, len(text), 10 + 12 * count + 4) for _ in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + rows + bytes(4) + text


def tiff(entries: list[tuple[int, int, int, int]], after: bytes = b"") -> bytes:
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + rows + bytes(4) + after


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("[Content_Types].xml", "<Types/>")
        new.writestr("_rels/.rels", "<Relationships/>")
        for name, data in parts.items():
            new.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return out.getvalue()


def directory(count: int) -> bytes:
    """Return an archive with a long list of parts and none of them."""
    row = struct.pack("<4s6H3I5H2I", b"PK\1\2", 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0, 0, len(row) * count, 4, 0)
    return b"PK\3\4" + row * count + end


def pages(count: int, data: bytes = b"") -> bytes:
    """Return Ogg pages of a comment header that never ends."""
    first = struct.pack("<4sBBqIIIB", b"OggS", 0, 2, 0, 1, 0, 0, 1) + b"\x08OpusHead"
    first = first[:22] + struct.pack("<I", ogg.crc(first)) + first[26:]
    lacing = b"\xff" * (len(data) // 255)
    page = struct.pack("<4sBBqIIIB", b"OggS", 0, 1, -1, 1, 1, 0, len(lacing)) + lacing + data
    return first + (page[:22] + struct.pack("<I", ogg.crc(page)) + page[26:]) * count


def many_items(count: int) -> bytes:
    """Return a HEIC whose items are all the same large packet."""
    infe = [
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), b"mime\0application/rdf+xml\0")
        for number in range(1, count)
    ]
    rows = b"".join(struct.pack(">HHHII", number, 0, 1, 0, 4 * MIB) for number in range(1, count))
    iloc = box(b"iloc", bytes(4), b"\x44\x00", struct.pack(">H", count - 1), rows)
    meta = box(b"meta", bytes(4), iloc, box(b"iinf", bytes(4), struct.pack(">H", count - 1), *infe))
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta + box(b"mdat", bytes(5 * MIB))


def object_stream(data: bytes, kids: bytes = b"3 0 R") -> bytes:
    """Return a PDF whose information stands in a stream of objects that unpacks to a great deal."""
    packed = zlib.compress(data, 9)
    held = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n" % len(packed) + packed + b"\nendstream"
    body = (
        b"%%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Kids[%s]/Count 2/Type/Pages>>\nendobj\n"
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>\nendobj\n4 0 obj\n%s\nendobj\n"
        % (kids, held)
    )
    at = len(body)
    rows = b"".join(
        struct.pack(">BIH", 1, body.index(b"%d 0 obj" % number), 0) for number in (1, 2, 3, 4)
    ) + struct.pack(">BIH", 2, 4, 0)
    table = b"5 0 obj\n<</Type/XRef/Size 7/Index[1 4 6 1]/W[1 4 2]/Root 1 0 R/Info 6 0 R/Length %d>>stream\n" % len(
        rows
    )
    return body + table + rows + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % at


def long_table() -> bytes:
    body = b"%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    table = b"5 0 obj\n<</Type/XRef/Size 2000000000/W[0 0 0]/Root 1 0 R/Length 0>>stream\n\nendstream\nendobj\n"
    return body + table + b"startxref\n%d\n%%%%EOF\n" % len(body)


FILM = media.samples()["mp4"][1]
MOOV = FILM.index(b"moov") - 4
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "mp3: eight large tags": (".mp3", lambda: id3(4, frame(b"TXXX", b"\3a\0" + bytes(12 * MIB))) * 8 + AUDIO),
    "mp3: a tag that says it is large": (".mp3", lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + AUDIO),
    "mp3: one tag, unsynchronised, of 48 MiB": (".mp3", lambda: id3(3, frame(b"PRIV", b"\xff\0" * 24 * MIB, version=3), flags=0x80) + AUDIO),
    "mp3: many frames": (".mp3", lambda: id3(4, b"TXXX\0\0\0\1\0\0\1" * 90_000) + AUDIO),
    "mp3: wide text without an end": (".mp3", lambda: id3(3, *[frame(b"TXXX", b"\1\0a" + b"\0a" * 250_000, version=3)] * 60) + AUDIO),
    "mp3: packed frames": (".mp3", lambda: id3(3, *[frame(b"TXXX", bytes(4) + zlib.compress(bytes(64 * MIB), 9), version=3, flags=b"\0\x80")] * 99) + AUDIO),
    "mp3: packets of many tags": (".mp3", lambda: id3(4, *[frame(b"PRIV", b"XMP\0" + TAGS)] * 4) + AUDIO),
    "mp3: an APE tag of very many items": (".mp3", lambda: AUDIO + b"\0\0\0\0\0\0\0\0a\0" * 2 * MIB + struct.pack("<8s4I8x", b"APETAGEX", 2000, 20 * MIB + 32, 2 * MIB, 0)),
    "mp3: an APE tag that says it is large": (".mp3", lambda: AUDIO + struct.pack("<8s4I8x", b"APETAGEX", 2000, 0xFFFFFFFF, 1, 0)),
    "png: a packet of many tags": (".png", lambda: png(xmp_chunk(TAGS))),
    "png: a packet of many attributes": (".png", lambda: png(xmp_chunk(ATTRIBUTES))),
    "png: a long namespace, used often": (".png", lambda: png(xmp_chunk(SPACE))),
    "png: a packet of line ends": (".png", lambda: png(xmp_chunk(LINES))),
    "png: a packet of nothing": (".png", lambda: png(xmp_chunk(BLANK))),
    "png: a packet that is nested": (".png", lambda: png(xmp_chunk(DEEP))),
    "png: a packet of entities": (".png", lambda: png(xmp_chunk(ENTITY))),
    "png: many packets": (".png", lambda: png(*[xmp_chunk(packet(b"<x:a>" + b"a" * MIB + b"</x:a>"))] * 60)),
    "png: packed text": (".png", lambda: png(*[chunk(b"zTXt", b"AIGC\0\0" + zlib.compress(bytes(15 * MIB), 9))] * 60)),
    "png: packed text that goes on": (".png", lambda: png(chunk(b"zTXt", b"AIGC\0\0" + zlib.compress(bytes(200 * MIB), 9)))),
    "png: very many chunks": (".png", lambda: png(chunk(b"nOTE", b"") * 3 * MIB)),
    "png: EXIF that says one text often": (".png", lambda: png(chunk(b"eXIf", exif_texts(60_000)))),
    "jpeg: many packets": (".jpg", lambda: jpeg(*[segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b" " * 65_000)] * 900)),
    "jpeg: many long packets": (".jpg", lambda: jpeg(*[segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0%032d" % number + bytes(60_000)) for number in range(900)])),
    "jpeg: fill bytes": (".jpg", lambda: jpeg(b"\xff" * 24 * MIB)),
    "jpeg: very many segments": (".jpg", lambda: jpeg(b"\xff\xe5\0\2" * 6 * MIB)),
    "webp: very many chunks": (".webp", lambda: b"RIFF" + struct.pack("<I", 4 + 32 * MIB) + b"WEBP" + b"VP8 \0\0\0\0" * 4 * MIB),
    "webp: many packets": (".webp", lambda: b"RIFF" + struct.pack("<I", 4 + 48 * (MIB + 8)) + b"WEBP" + riff_chunk(b"XMP ", b" " * MIB) * 48),
    "gif: a comment of tiny blocks": (".gif", lambda: saved("GIF")[:-1] + b"\x21\xfe" + b"\1a" * 2 * MIB + b"\0;"),
    "gif: very many extensions": (".gif", lambda: saved("GIF")[:-1] + b"\x21\xf9\0" * 2 * MIB + b";"),
    "gif: many packets": (".gif", lambda: saved("GIF")[:-1] + (b"\x21\xff\x0bXMP DataXMP" + (b"\xff" + b" " * 255) * 4096 + b"\0") * 48 + b";"),
    "tiff: a long table of strips": (".tif", lambda: tiff([(273, 4, 8 * MIB, 38), (279, 4, 8 * MIB, 38)], bytes(32 * MIB))),
    "tiff: one packet on many pages": (".tif", lambda: tiff_pages(4000, 4 * MIB)),
    "tiff: strips that are the file again and again": (".tif", lambda: tiff([(273, 4, MIB // 2, 38), (279, 4, MIB // 2, 38 + 2 * MIB)], bytes(2 * MIB) + struct.pack("<I", 3 * MIB) * (MIB // 2))),
    "tiff: one text often": (".tif", lambda: exif_texts(60_000)),
    "heif: items that are one packet": (".heic", lambda: many_items(30_000)),
    "heif: very many boxes": (".heic", lambda: heic() + b"\0\0\0\x08free" * 4 * MIB),
    "heif: a table of many chunks": (".heic", lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + heic()[24:] + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stco", bytes(4), struct.pack(">I", 7 * MIB), bytes(28 * MIB)))))))),
    "mp4: very many boxes": (".mp4", lambda: FILM + b"\0\0\0\x08free" * 4 * MIB),
    "mp4: very many boxes in the film": (".mp4", lambda: FILM[:MOOV] + box(b"moov", b"\0\0\0\x08free" * 4 * MIB, FILM[MOOV + 8 :])),
    "mp4: large metadata": (".mp4", lambda: FILM[:MOOV] + box(b"moov", FILM[MOOV + 8 :], *[box(b"udta", box(b"AIGC", bytes(12 * MIB)))] * 6)),
    "mkv: tags of very many parts": (".mkv", lambda: MKV + ebml("1549a966", b"") + ebml("1254c367", b"\xec\x80" * 45_000 + b"\xae\x80" * 45_000) * 200),
    "mkv: a great deal of nothing behind tags": (".mkv", lambda: MKV + ebml("1549a966", b"") + ebml("1254c367", b"") + ebml("ec", bytes(MIB - 16)) * 60),
    "mkv: nested tags": (".mkv", lambda: MKV + ebml("1549a966", b"") + ebml("1254c367", ebml("7373", nested(MIB)))),
    "flv: a list of nothing": (".flv", lambda: flv(b"\2\0\x0aonMetaData\x08\0\0\0\1\0\1a\x0a\0\xff\xff\0" + b"\5" * 0xFFFF00 + b"\0\0\x09")),
    "flv: very many properties": (".flv", lambda: flv(b"\2\0\x0aonMetaData\x08\0\0\0\1" + b"\0\1a\5" * 3 * MIB + b"\0\0\x09") * 3),
    "avi: very many chunks": (".avi", lambda: b"".join(b"RIFF" + struct.pack("<I", 4 + 8 * 90_000) + (b"AVIX" if number else b"AVI ") + b"JUNK\0\0\0\0" * 90_000 for number in range(40))),
    "wav: tags in many chunks": (".wav", lambda: sound(*[riff_chunk(b"id3 ", id3(4, frame(b"TXXX", b"\3AIGC\0" + b"{" * MIB)))] * 40)),
    "flac: many blocks of comments": (".flac", lambda: b"fLaC\0\0\0\x22" + bytes(34) + (b"\4\x7f\xff\xf8" + bytes(4) + struct.pack("<I", 90_000) + bytes(0x7FFFF0)) * 12 + b"\x81\0\0\0\xff\xf8"),
    "ogg: pages without end": (".ogg", lambda: pages(400_000)),
    "ogg: a header of 90 MiB": (".ogg", lambda: pages(1500, bytes(255 * 240))),
    "docx: a long directory": (".docx", lambda: directory(800_000)),
    "docx: properties that unpack": (".docx", lambda: archive(docProps__custom_xml=b"<a>" + b"<b/>" * 4_000_000 + b"</a>")),
    "docx: properties in a remark": (".docx", lambda: archive(docProps__custom_xml=b"<Properties><!--" + b'<property name="AIGC">' * 700_000 + b"--></Properties>")),
    "docx: entities": (".docx", lambda: archive(docProps__custom_xml=ENTITY)),
    "pdf: a stream of objects that unpacks": (".pdf", lambda: object_stream(b"6 0 <</A(" + b"a" * (70 * MIB) + b")>>")),
    "pdf: pages that hold themselves": (".pdf", lambda: object_stream(b"6 0 <<>>", b"3 0 R 2 0 R")),
    "pdf: a list without end": (".pdf", long_table),
    "pdf: nested": (".pdf", lambda: paper().replace(b"/Title", b"/A" + b"[" * 500_000 + b"/Title")),
    "html: an attribute of a mebibyte": (".html", lambda: b"<html><head><meta " + b"a" * (MIB - 100) + b" name=x>"),
    "html: very many labels that are none": (".html", lambda: b"<head>" + b"<meta name=AIGC content=1>" * 40_000),
    "markdown: very many blocks": (".md", lambda: b"---\n" + b"AIGC: 1\n" * 130_000 + b"---\n"),
    "markdown: aliases": (".md", lambda: b"---\nAIGC:\n" + b"".join(b"  a%d: &a%d [%s]\n" % (number, number, b",".join([b"*a%d" % (number - 1) if number else b"x"] * 9)) for number in range(30)) + b"---\n"),
    "markdown: lists in lists": (".md", lambda: b"---\n" + (b"AIGC: " + b"[" * 1800 + b"\n") * 400 + b"---\n"),
    "html: remarks in another encoding": (".html", lambda: b"<!---->" * 500 + b"\xff"),
    "json: very many objects": (".json", lambda: b"[" + b"{}," * 20 * MIB + b"{}]"),
    "json: nested": (".json", lambda: b"[" * 3 * MIB),
    "stray: packed packets of other names": (".png", lambda: png(*[chunk(b"zTXt", b"a\0\0" + zlib.compress(b"<?xml AIGC" + bytes(15 * MIB), 9))] * 60)),
    "stray: a profile of blanks": (".png", lambda: png(chunk(b"zTXt", b"Raw profile type xmp\0\0" + zlib.compress(b"\nxmp\n 5\n" + b" " * 15 * MIB + b"z")))),
    "stray: a comment of blanks": (".png", lambda: png(chunk(b"tEXt", b"Comment\0" + b" " * 15 * MIB + b"{"))),
    "stray: remarks without an end": (".md", lambda: b"AIGC ContentProducer\n" + b"<!--{" * 200_000),
    "stray: fences": (".md", lambda: b"AIGC ContentProducer\n" + b"```\n~~~\n" * 130_000),
    "stray: a heading of blanks": (".md", lambda: b"# " * 2000 + b"AIGC:" + b"\n" * 500_000),
    "stray: scripts of data": (".html", lambda: b"<body>" + b'<script type=application/json>{"AIGC":{}}</script>' * 18_000),
    "stray: tags behind the head": (".html", lambda: b"<body>" + b"<a>" * 300_000 + b"aigc" + b"<meta " * 8 * MIB),
    "stray: braces in a chunk": (".wav", lambda: sound(*[riff_chunk(b"odd ", b'{"a":' * 200_000)] * 40)),
    "stray: braces in a box": (".mp4", lambda: FILM[:MOOV] + box(b"moov", FILM[MOOV + 8 :], box(b"odd ", (b'{"a":' + b"b" * 390) * 78_000))),
    "stray: many labels in an element": (".mkv", lambda: MKV + ebml("1549a966", b"") + ebml("1549a967", b'{"a":"","ProduceID":""}' * 180_000) * 12),
    "stray: data of a document": (".docx", lambda: archive(**{f"customXml__item{number}_xml": b"<a>AIGC" + b" " * 15 * MIB + b"</a>" for number in range(30)})),
    "stray: lines": (".jsonl", lambda: b"{}\n" * 2 * MIB + b"{"),
    "stray: a list in a list": (".json", lambda: b'{"AIGC":' * 400_000),
    "xmp: nothing": (".xmp", lambda: b'<?xpacket begin=""?>' + BLANK),
}  # fmt: skip


def tiff_pages(count: int, length: int) -> bytes:
    """Return a TIFF of very many pages that have one packet."""
    out, at = b"II*\0\x08\0\0\0", 8
    place = 8 + 18 * count
    for number in range(count):
        at += 18
        out += struct.pack("<HHHIII", 1, 0x2BC, 1, length, place, at if number < count - 1 else 0)
    return out + b"<a/>".ljust(length)


def nested(length: int) -> bytes:
    data = b"\x45\xa3\x81a" * (length // 4)
    for _ in range(7):
        data = ebml("67c8", data)
    return data


@cache
def told(folder: Path, kind: str) -> dict[str, str]:
    """Return what came of every bomb of a kind."""
    paths = {}
    for number, (name, (suffix, make)) in enumerate(BOMBS.items()):
        if name.startswith(f"{kind}:"):
            paths[str(folder / f"{number}{suffix}")] = name
            (folder / f"{number}{suffix}").write_bytes(make())
    asked = [sys.executable, str(CHILD), str(MEBIBYTES), str(SECONDS), *paths]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    for path in paths:
        Path(path).unlink()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {paths[path]: text for path, text, _ in rows}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bombs")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are those of Linux")
@pytest.mark.parametrize("name", BOMBS)
def test_no_file_takes_memory_or_time_without_end(folder: Path, name: str) -> None:
    found = told(folder, name.partition(":")[0])[name]
    assert found.split()[0] in {"unreadable", "absent", "malformed", "multiple", "conflicting"}, found
