"""Pictures as many writers leave them: every place of metadata that was seen to hold a label, and those that hold none."""

from __future__ import annotations

import struct
import zlib
from xml.sax.saxutils import escape

from tests.unit.labels.pictures import box, comment, heic, jpeg, noise, saved, segment, tiff
from tests.unit.labels.test_files import CODE, LABEL, chunk, png, text_chunk, xmp_chunk
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
    element,
    fields,
    packet,
)  # fmt: skip

_APP1 = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_ADOBE = "http://ns.adobe.com/xap/1.0/"
_QUOTED = JSON.replace('"', "&quot;")
_SD = "a cat, masterpiece\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
_COMFY = '{"3": {"class_type": "KSampler", "inputs": {"seed": 1}}, "9": {"class_type": "SaveImage", "_meta": {"title": "AIGC"}}}'
_SOURCE = (
    "<Iptc4xmpExt:DigitalSourceType xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'>"
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>"
)


def exif(*entries: tuple[int, int, bytes], order: str = "<") -> bytes:
    """Return EXIF with these tags (tag, type, value) in its first directory."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    at = 8 + 2 + 12 * len(entries) + 4
    rows, values = b"", b""
    for tag, kind, value in entries:
        rows += struct.pack(f"{order}HHI", tag, kind, len(value)) + (
            value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", at + len(values))
        )
        values += value if len(value) > 4 else b""
    return b"Exif\0\0" + head + struct.pack(f"{order}H", len(entries)) + rows + bytes(4) + values


def profile(kind: bytes, data: bytes) -> bytes:
    """Return a raw profile as ImageMagick writes it: its name, its length and its bytes in hexadecimal lines."""
    lines = data.hex().encode()
    rows = b"\n".join(lines[at : at + 72] for at in range(0, len(lines), 72))
    return b"\n" + kind + b"\n" + str(len(data)).encode().rjust(8) + b"\n" + rows + b"\n"


def itxt(keyword: bytes, text: str, *, packed: bool = False) -> bytes:
    data = zlib.compress(text.encode()) if packed else text.encode()
    return chunk(b"iTXt", keyword + b"\0" + (b"\1\0" if packed else b"\0\0") + b"\0\0" + data)


def ztxt(keyword: bytes, text: bytes) -> bytes:
    return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(text))


def in_app1(text: str | bytes) -> bytes:
    return jpeg(segment(0xE1, _APP1 + (text.encode() if isinstance(text, str) else text)))


def extended(text: str, *, named: bool = True) -> bytes:
    """Return a JPEG whose label stands in extended XMP, over three segments that come in another order."""
    data, name = text.encode(), b"0123456789ABCDEF0123456789ABCDEF"
    main = packet(
        "", f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{name.decode()}"' if named else ""
    )
    step = len(data) // 3 + 1
    parts = [
        segment(0xE1, _EXTENDED + name + struct.pack(">II", len(data), at) + data[at : at + step])
        for at in range(0, len(data), step)
    ]
    return jpeg(segment(0xE1, _APP1 + main.encode()), *reversed(parts))


def gif(*blocks: bytes) -> bytes:
    whole = saved("GIF", noise("P"))
    at = 13 + (3 << ((whole[10] & 7) + 1))
    return b"GIF89a" + whole[6:at] + b"".join(blocks) + whole[at:]


def extension(label: int, data: bytes, head: bytes = b"") -> bytes:
    parts = b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255))
    return b"\x21" + bytes([label]) + (bytes([len(head)]) + head if head else b"") + parts + b"\0"


def riff(data: bytes, kind: bytes, value: bytes) -> bytes:
    """Return a RIFF with one more chunk at its end."""
    new = data + kind + struct.pack("<I", len(value)) + value + bytes(len(value) % 2)
    return new[:4] + struct.pack("<I", len(new) - 8) + new[8:]


_SAFE = [value for value in VALUES if "\0" not in value[1]]
IN_PNG = tuple(
    case(f"PNG tEXt: {what}", "a.png", png(text_chunk(b"AIGC", value)), verdict, *notes)
    for what, value, verdict, notes in VALUES
)
IN_XMP = tuple(
    case(f"XMP: {what}", "a.png", png(xmp_chunk(packet(element(value)))), verdict, *notes)
    for what, value, verdict, notes in _SAFE
)

PNGS: tuple[Case, ...] = (
    case("Qwen: alphabetical, no reserved codes", "a.png", png(text_chunk(b"AIGC", '{"ContentPropagator":"' + CODE + '","Label":"1","ProduceID":"u:1/task:2"}')),
         PRESENT, D.MISSING_FIELD, D.PRODUCER_CODE),
    case("Doubao: a name for a code, XMP beside the EXIF", "a.png", png(xmp_chunk(packet(element(JSON.replace(CODE, "doubao")))), chunk(b"eXIf", exif((0x131, 2, b"app\0")))),
         PRESENT, D.PRODUCER_CODE, D.PROPAGATOR_CODE),
    case("zTXt", "a.png", png(ztxt(b"AIGC", WRAPPED.encode())), PRESENT, ELSEWHERE),
    case("iTXt, compressed", "a.png", png(itxt(b"AIGC", JSON, packed=True)), PRESENT, ELSEWHERE),
    case("iTXt, not compressed", "a.png", png(itxt(b"AIGC", JSON)), PRESENT, ELSEWHERE),
    case("keyword in lower case", "a.png", png(text_chunk(b"aigc", JSON)), PRESENT, ELSEWHERE),
    case("keyword with a prefix", "a.png", png(text_chunk(b"XMP:AIGC", JSON)), PRESENT, ELSEWHERE),
    case("wrapped in Comment", "a.png", png(text_chunk(b"Comment", WRAPPED)), PRESENT, ELSEWHERE),
    case("bare in Description", "a.png", png(itxt(b"Description", JSON)), PRESENT, ELSEWHERE, NO_KEY),
    case("XMP in tEXt, as Pillow writes it", "a.png", png(text_chunk(b"XML:com.adobe.xmp", LABELLED)), PRESENT, ELSEWHERE),
    case("XMP compressed", "a.png", png(itxt(b"XML:com.adobe.xmp", LABELLED, packed=True)), PRESENT),
    case("XMP as a raw profile of ImageMagick", "a.png", png(ztxt(b"Raw profile type xmp", profile(b"xmp", LABELLED.encode()))), PRESENT, ELSEWHERE),
    case("XMP as an APP1 profile", "a.png", png(ztxt(b"Raw profile type APP1", profile(b"generic", _APP1 + LABELLED.encode()))), PRESENT, ELSEWHERE),
    case("EXIF as a raw profile", "a.png", png(ztxt(b"Raw profile type exif", profile(b"exif", comment(WRAPPED)))), PRESENT, ELSEWHERE),
    case("a raw profile that is damaged", "a.png", png(ztxt(b"Raw profile type xmp", b"\nxmp\n  900\nzz")), UNREADABLE),
    case("EXIF of annex B", "a.png", png(chunk(b"eXIf", comment(WRAPPED)[6:])), PRESENT),
    case("Stable Diffusion's parameters alone", "a.png", png(text_chunk(b"parameters", _SD)), ABSENT),
    case("ComfyUI's workflow alone, a node called AIGC", "a.png", png(text_chunk(b"prompt", _COMFY), text_chunk(b"workflow", _COMFY)), ABSENT),
    case("a label beside the parameters", "a.png", png(text_chunk(b"parameters", _SD), text_chunk(b"AIGC", WRAPPED)), PRESENT),
    case("a manifest of C2PA alone", "a.png", png(chunk(b"caBX", b"\0\0\0\x08jumb")), ABSENT),
    case("IPTC's digital source type alone", "a.png", png(xmp_chunk(packet(_SOURCE))), ABSENT),
    case("a private keyword", "a.png", png(text_chunk(b"aigc_label_type", "1")), ABSENT),
    case("a private keyword with a word", "a.png", png(text_chunk(b"AIGC_SOURCE", "ai_generated")), ABSENT),
    case("talk of AIGC in a comment", "a.png", png(text_chunk(b"Comment", "AIGC 内容须有 ContentProducer 与 ProduceID")), ABSENT),
    case("equal in tEXt and XMP", "a.png", png(text_chunk(b"AIGC", JSON), xmp_chunk(LABELLED)), MULTIPLE),
    case("different in tEXt and XMP", "a.png", png(text_chunk(b"AIGC", OTHERS), xmp_chunk(LABELLED)), CONFLICTING),
    case("NULs behind the value", "a.png", png(chunk(b"tEXt", b"AIGC\0" + JSON.encode() + bytes(8))), PRESENT),
    case("a byte-order mark before the value", "a.png", png(chunk(b"tEXt", b"AIGC\0\xef\xbb\xbf" + JSON.encode())), PRESENT, D.BYTE_ORDER_MARK),
    case("in GB 18030", "a.png", png(chunk(b"tEXt", b"AIGC\0" + fields(ProduceID="内容").encode().decode("unicode_escape").encode("gb18030"))),
         PRESENT, D.ENCODING, D.CHARACTERS),
    case("text compressed, damaged", "a.png", png(chunk(b"zTXt", b"AIGC\0\0" + zlib.compress(JSON.encode())[:-9])), UNREADABLE),
)  # fmt: skip

XMPS: tuple[Case, ...] = (
    case("attribute, as PicWish writes it", "a.jpg", in_app1(packet("", f'TC260:AIGC="{_QUOTED}"')), PRESENT, D.XMP_ATTRIBUTE),
    case("another prefix", "a.jpg", in_app1(packet(f"<ns1:AIGC>{escape(JSON)}</ns1:AIGC>", prefix="ns1")), PRESENT),
    case("a prefix that is not the one declared", "a.jpg", in_app1(packet("", f'TC260:AIGC="{_QUOTED}"', prefix="C260")), PRESENT, D.XMP_ATTRIBUTE, ELSEWHERE),
    case("CDATA", "a.jpg", in_app1(packet(f"<TC260:AIGC><![CDATA[{JSON}]]></TC260:AIGC>")), PRESENT),
    case("entities escaped twice", "a.jpg", in_app1(packet(f"<TC260:AIGC>{escape(_QUOTED)}</TC260:AIGC>")), PRESENT, D.ESCAPED),
    case("a language alternative", "a.jpg", in_app1(packet(f'<TC260:AIGC><rdf:Alt><rdf:li xml:lang="x-default">{escape(JSON)}</rdf:li></rdf:Alt></TC260:AIGC>')), PRESENT),
    case("a list of one", "a.jpg", in_app1(packet(f"<TC260:AIGC><rdf:Seq><rdf:li>{escape(JSON)}</rdf:li></rdf:Seq></TC260:AIGC>")), PRESENT),
    case("a list of two", "a.jpg", in_app1(packet(f"<TC260:AIGC><rdf:Bag><rdf:li>{escape(JSON)}</rdf:li><rdf:li>{escape(OTHERS)}</rdf:li></rdf:Bag></TC260:AIGC>")), CONFLICTING),
    case("a structure", "a.jpg", in_app1(packet('<TC260:AIGC rdf:parseType="Resource">' + "".join(f"<TC260:{key}>{value}</TC260:{key}>" for key, value in LABEL.as_dict().items()) + "</TC260:AIGC>")),
         PRESENT, NOT_JSON),
    case("a structure in attributes", "a.jpg", in_app1(packet("<TC260:AIGC " + " ".join(f'TC260:{key}="{value}"' for key, value in LABEL.as_dict().items()) + "/>")), PRESENT, NOT_JSON),
    case("fields without their object", "a.jpg", in_app1(packet("", " ".join(f'TC260:{key}="{value}"' for key, value in LABEL.as_dict().items()))), PRESENT, NOT_JSON, NO_KEY),
    case("fields without their object, as elements", "a.jpg", in_app1(packet("".join(f"<TC260:{key}>{value}</TC260:{key}>" for key, value in LABEL.as_dict().items()))), PRESENT, NOT_JSON, NO_KEY),
    case("in dc:description", "a.jpg", in_app1(packet(f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(WRAPPED)}</rdf:li></rdf:Alt></dc:description>')), PRESENT, ELSEWHERE),
    case("in dc:description as an attribute", "a.jpg", in_app1(packet("", f"dc:description='{WRAPPED}'")), PRESENT, ELSEWHERE, D.XMP_ATTRIBUTE),
    case("a namespace of its own", "a.jpg", in_app1(packet(f"<m:AIGC>{escape(WRAPPED)}</m:AIGC>", prefix="m", space="https://example.com/ns/")), PRESENT, ELSEWHERE),
    case("talk of labels in dc:description", "a.jpg", in_app1(packet("<dc:description>AIGC: ContentProducer, ProduceID</dc:description>")), ABSENT),
    case("the namespace alone", "a.jpg", in_app1(packet("<dc:format>image/jpeg</dc:format>")), ABSENT),
    case("UTF-16, big end first", "a.jpg", in_app1(b"\xfe\xff" + LABELLED.encode("utf-16-be")), PRESENT),
    case("UTF-16, little end first, no mark", "a.jpg", in_app1(LABELLED.encode("utf-16-le")), PRESENT),
    case("two properties", "a.jpg", in_app1(packet(element(JSON) + element(JSON))), MULTIPLE),
    case("two packets that differ", "a.jpg", jpeg(segment(0xE1, _APP1 + LABELLED.encode()), segment(0xE1, _APP1 + packet(element(OTHERS)).encode())), CONFLICTING),
    case("white space before the XML", "a.jpg", in_app1("\n  <?xml version='1.0'?>" + LABELLED.split("?>", 1)[1].rsplit("<?", 1)[0]), PRESENT),
    case("no zero behind the head", "a.jpg", jpeg(segment(0xE1, _APP1[:-1] + LABELLED.encode())), PRESENT, ELSEWHERE),
    case("not well-formed", "a.jpg", in_app1(LABELLED.replace("</rdf:RDF>", "")), UNREADABLE),
    case("with a DTD", "a.jpg", in_app1('<!DOCTYPE a [<!ENTITY b "c">]>' + LABELLED), UNREADABLE),
    case("extended, over three segments", "a.jpg", extended(LABELLED), PRESENT, ELSEWHERE),
    case("extended, not named by the packet", "a.jpg", extended(LABELLED, named=False), PRESENT, ELSEWHERE),
    case("in an SVG", "a.svg", f'<svg xmlns="http://www.w3.org/2000/svg"><metadata>{LABELLED.split("?>", 1)[1].rsplit("<?", 1)[0]}</metadata><rect/></svg>', PRESENT),
    case("an SVG without one", "a.svg", '<svg xmlns="http://www.w3.org/2000/svg"><title>AIGC</title><rect/></svg>', ABSENT),
)  # fmt: skip

JPEGS: tuple[Case, ...] = (
    case("UserComment, ASCII", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED))), PRESENT),
    case("UserComment, ASCII, big end first", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED, ">"))), PRESENT),
    case("UserComment, UNICODE", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED, "<", b"UNICODE\0"))), PRESENT),
    case("UserComment, UNICODE, big end first", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED, ">", b"UNICODE\0"))), PRESENT),
    case("UserComment, UNICODE with a mark", "a.jpg", jpeg(segment(0xE1, comment("\ufeff" + WRAPPED, "<", b"UNICODE\0"))), PRESENT),
    case("UserComment, JIS", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED, "<", b"JIS\0\0\0\0\0"))), PRESENT),
    case("UserComment, no charset", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED, "<", b""))), PRESENT),
    case("UserComment, bare, with its key before it", "a.jpg", jpeg(segment(0xE1, comment("AIGC" + JSON))), PRESENT),
    case("UserComment, NULs behind", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED + "\0" * 40))), PRESENT),
    case("UserComment of other people", "a.jpg", jpeg(segment(0xE1, comment("AIGC is not a label"))), ABSENT),
    case("ImageDescription", "a.jpg", jpeg(segment(0xE1, exif((0x10E, 2, WRAPPED.encode() + b"\0")))), PRESENT, ELSEWHERE),
    case("ImageDescription, an older schema", "a.jpg", jpeg(segment(0xE1, exif((0x10E, 2, b'{"AIGC":{"Label":"1","ServiceProvider":"x","Time":"1","ContentId":"y"}}\0')))),
         PRESENT, ELSEWHERE, D.OLD_SCHEMA, D.MISSING_FIELD, D.PRODUCER_CODE),
    case("XPComment", "a.jpg", jpeg(segment(0xE1, exif((0x9C9C, 1, WRAPPED.encode("utf-16-le") + b"\0\0")))), PRESENT, ELSEWHERE),
    case("Software and Artist", "a.jpg", jpeg(segment(0xE1, exif((0x131, 2, WRAPPED.encode() + b"\0"), (0x13B, 2, b"somebody\0")))), PRESENT, ELSEWHERE),
    case("MakerNote", "a.jpg", jpeg(segment(0xE1, exif((0x927C, 7, WRAPPED.encode())))), PRESENT, ELSEWHERE),
    case("a comment of JPEG, wrapped", "a.jpg", jpeg(segment(0xFE, WRAPPED.encode())), PRESENT, ELSEWHERE),
    case("a comment of JPEG, bare", "a.jpg", jpeg(segment(0xFE, JSON.encode())), PRESENT, ELSEWHERE, NO_KEY),
    case("glued into APP11", "a.jpg", jpeg(segment(0xEB, b"AIGC" + JSON.encode())), PRESENT, ELSEWHERE),
    case("the caption of Photoshop", "a.jpg", jpeg(segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0" + WRAPPED.encode())), PRESENT, ELSEWHERE),
    case("a packet under a head that nobody knows", "a.jpg", jpeg(segment(0xE1, b"XMP\0XMP\0" + LABELLED.encode())), PRESENT, ELSEWHERE),
    case("damaged EXIF", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED)[:40])), UNREADABLE),
    case("equal in EXIF and XMP", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED)), segment(0xE1, _APP1 + LABELLED.encode())), MULTIPLE),
    case("called PNG, is JPEG", "a.png", jpeg(segment(0xE1, comment(WRAPPED))), PRESENT),
    case("cut off", "a.jpg", jpeg(segment(0xE1, comment(WRAPPED)))[:-20], UNREADABLE),
)  # fmt: skip

REST: tuple[Case, ...] = (
    case("WebP: EXIF", "a.webp", saved("WEBP", exif=comment(WRAPPED)), PRESENT),
    case("WebP: XMP, no flag", "a.webp", riff(saved("WEBP"), b"XMP ", LABELLED.encode()), PRESENT),
    case("WebP: a chunk of its own", "a.webp", riff(saved("WEBP"), b"AIGC", JSON.encode()), PRESENT, ELSEWHERE),
    case("GIF: comment", "a.gif", gif(extension(0xFE, WRAPPED.encode())), PRESENT, ELSEWHERE),
    case("GIF: comment, bare", "a.gif", gif(extension(0xFE, JSON.encode())), PRESENT, ELSEWHERE, NO_KEY),
    case("GIF: XMP in data blocks", "a.gif", gif(extension(0xFF, LABELLED.encode(), b"XMP DataXMP")), PRESENT),
    case("GIF: an application of its own", "a.gif", gif(extension(0xFF, JSON.encode(), b"AIGC    1.0")), PRESENT, ELSEWHERE),
    case("GIF: talk in a comment", "a.gif", gif(extension(0xFE, b"made with AIGC")), ABSENT),
    case("TIFF: bytes", "a.tif", tiff(packet=LABELLED.encode(), kind=1), PRESENT),
    case("TIFF: undefined, big end first, 64 bits", "a.tif", tiff(">", big=True, packet=LABELLED.encode()), PRESENT),
    case("TIFF: ImageDescription", "a.tif", saved("TIFF", tiffinfo={270: WRAPPED}), PRESENT, ELSEWHERE),
    case("HEIC: XMP", "a.heic", heic(packet=LABELLED.encode()), PRESENT),
    case("HEIC: EXIF", "a.heic", heic(comment=comment(WRAPPED)), PRESENT),
    case("HEIC: a box of XMP", "a.heic", heic(more=box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), LABELLED.encode())), PRESENT, ELSEWHERE),
    case("AVIF: XMP", "a.avif", saved("AVIF", xmp=LABELLED.encode()), PRESENT),
    case("AVIF: nothing", "a.avif", saved("AVIF"), ABSENT),
    case("AVIF: cut off", "a.avif", saved("AVIF", xmp=LABELLED.encode())[:-9], UNREADABLE),
    case("XMP beside a file, lists", "a.xmp", packet(f"<TC260:AIGC><rdf:Alt><rdf:li>{escape(JSON)}</rdf:li></rdf:Alt></TC260:AIGC>"), PRESENT),
    case("JPEG XL", "a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), UNREADABLE),
    case("BMP", "a.bmp", saved("BMP"), UNREADABLE),
    case("a picture of Photoshop", "a.psd", b"8BPS\0\1" + bytes(40), UNREADABLE),
    case("Label 4 in EXIF", "a.jpg", jpeg(segment(0xE1, comment(fields(Label="4")))), MALFORMED, D.LABEL_VALUE),
)  # fmt: skip

CASES = (*IN_PNG, *IN_XMP, *PNGS, *XMPS, *JPEGS, *REST)
