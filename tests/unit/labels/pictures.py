"""Small pictures of every format and layout, made by Pillow or byte by byte."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image

from hegui.service.labels import xmp
from hegui.service.labels.schema import Label

USCC = "91350100M000100Y43"
CODE = f"0011{USCC}10001"
OTHER = "0011" + "91110102MACQD9K640" + "20000"
LABEL = Label.first(CODE, "0198f0c2-0000-7000-8000-000000000001")
PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="t">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/x"><dc:source>the &lt;source&gt;</dc:source>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>" + " " * 40 + '<?xpacket end="w"?>'
).encode()
WRAPPED = '{"AIGC":' + LABEL.as_json() + "}"


def noise(mode: str = "RGB", seed: int = 1, size: tuple[int, int] = (24, 18)) -> Image.Image:
    """Return a picture of noise: every wrong byte shows."""
    data = random.Random(seed).randbytes(size[0] * size[1] * len(Image.new(mode, (1, 1)).getbands()))
    return Image.frombytes(mode, size, data)


def saved(kind: str, picture: Image.Image | None = None, **options: Any) -> bytes:
    """Return a picture as a file; `frames` makes it move."""
    out = io.BytesIO()
    count = options.pop("frames", 1)
    first = picture or noise()
    more = {"save_all": True, "append_images": [noise(seed=item) for item in range(2, count + 1)]} if count > 1 else {}
    first.save(out, kind, **more, **options)
    return out.getvalue()


def comment(text: str, order: str = "<", code: bytes = b"ASCII\0\0\0") -> bytes:
    """Return EXIF with a UserComment, a maker and a description, in a byte order."""
    body = text.encode("utf-16-le" if order == "<" else "utf-16-be") if code.startswith(b"UNI") else text.encode()
    value = code + body
    make, description = b"Maker\0", b"A description\0"
    # Header 8, IFD0 with three entries, values, EXIF directory with one entry, its value.
    at = 8 + 2 + 3 * 12 + 4
    pointer = at + len(make) + len(description)
    raw = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8) + struct.pack(f"{order}H", 3)
    raw += struct.pack(f"{order}HHII", 0x010E, 2, len(description), at + len(make))
    raw += struct.pack(f"{order}HHII", 0x010F, 2, len(make), at)
    raw += struct.pack(f"{order}HHII", 0x8769, 4, 1, pointer) + struct.pack(f"{order}I", 0) + make + description
    raw += struct.pack(f"{order}H", 1) + struct.pack(f"{order}HHII", 0x9286, 7, len(value), pointer + 18)
    return b"Exif\0\0" + raw + struct.pack(f"{order}I", 0) + value


def tiff(order: str = "<", *, big: bool = False, packet: bytes = b"", kind: int = 7) -> bytes:
    """Return a TIFF of two pixels byte by byte: its one strip first, then the directory, then the packet."""
    word, width = ("Q", 8) if big else ("I", 4)
    head = 16 if big else 8
    entries = [
        (256, 3, 2),
        (257, 3, 1),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, head),
        (277, 3, 1),
        (278, 3, 1),
        (279, 4, 2),
    ]
    count = len(entries) + bool(packet)
    at = head + 2
    end = at + (8 if big else 2) + count * (4 + 2 * width) + width
    raw = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}H", 43 if big else 42)
    raw += (struct.pack(f"{order}HH", 8, 0) if big else b"") + struct.pack(f"{order}{word}", at) + b"\x11\x99"
    raw += struct.pack(f"{order}{'Q' if big else 'H'}", count)
    for tag, form, value in entries:
        inline = struct.pack(f"{order}{'H' if form == 3 else 'I'}", value).ljust(width, b"\0")
        raw += struct.pack(f"{order}HH{word}", tag, form, 1) + inline
    if packet:
        raw += struct.pack(f"{order}HH{word}{word}", 0x2BC, kind, len(packet), end)
    return raw + struct.pack(f"{order}{word}", 0) + packet


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


PICTURE = b"the coded picture, which is none"
TILE = b"a tile inside the box idat"


def heic(
    *,
    version: int = 0,
    based: bool = False,
    late: bool = False,
    endless: bool = False,
    packet: bytes = b"",
    comment: bytes = b"",
    more: bytes = b"",
) -> bytes:
    """Return a HEIC byte by byte: one item in `mdat`, one in `idat` where iloc knows that, EXIF and XMP if given."""
    held = [(1, b"hvc1", b"", PICTURE)]
    held += [(2, b"Exif", b"", b"\0\0\0\6" + comment)] if comment else []
    held += [(3, b"mime", b"application/rdf+xml\0", packet)] if packet else []
    wide = "I" if version == 2 else "H"

    def meta(places: dict[int, int]) -> bytes:
        infe = [
            box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), kind, b"\0", extra)
            for number, kind, extra, _ in held
        ]
        infe += [box(b"infe", b"\2\0\0\0", struct.pack(">HH", 9, 0), b"grid\0")] if version else []
        rows = b""
        for number, _, _, data in held:
            rows += struct.pack(f">{wide}", number) + (b"\0\0" if version else b"") + b"\0\0"
            at = places.get(number, 0)
            rows += struct.pack(">IHI", at, 1, len(data)) if based else struct.pack(">HII", 1, at, len(data))
        if version:
            rows += struct.pack(f">{wide}", 9) + b"\0\1\0\0" + (b"\0" * 4 if based else b"") + b"\0\1"
            rows += (b"" if based else b"\0" * 4) + struct.pack(">I", len(TILE))
        sizes = b"\x04\x40" if based else b"\x44\x00"
        iloc = box(b"iloc", bytes((version, 0, 0, 0)), sizes, struct.pack(f">{wide}", len(infe)), rows)
        cdsc = [box(b"cdsc", struct.pack(">HHH", number, 1, 1)) for number, _, _, _ in held if number > 1]
        return box(
            b"meta", b"\0\0\0\0", box(b"hdlr", b"\0" * 8, b"pict", b"\0" * 13), box(b"pitm", b"\0\0\0\0\0\1"), iloc,
            box(b"iinf", b"\0\0\0\0", struct.pack(">H", len(infe)), *infe), *([box(b"iref", b"\0\0\0\0", *cdsc)] if cdsc else []),
            *([box(b"idat", TILE)] if version else []),
        )  # fmt: skip

    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    data = b"".join(item[3] for item in held)
    mdat = (b"\0\0\0\0" if endless else struct.pack(">I", 8 + len(data))) + b"mdat" + data
    at = len(ftyp) + (0 if late else len(meta({}))) + len(more) + 8
    places = {}
    for number, _, _, piece in held:
        places[number] = at
        at += len(piece)
    return ftyp + more + (mdat + meta(places) if late else meta(places) + mdat)


def segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg(*segments: bytes) -> bytes:
    """Return a JPEG with more segments after its first."""
    whole = saved("JPEG")
    end = 4 + int.from_bytes(whole[4:6], "big")
    return whole[:end] + b"".join(segments) + whole[end:]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def behind(*chunks: bytes) -> bytes:
    """Return a PNG with chunks between its picture and its end."""
    whole = saved("PNG")
    return whole[:-12] + b"".join(chunks) + whole[-12:]


def headed(**options: Any) -> bytes:
    """Return a JPEG as cameras and editors make them: JFIF, EXIF, a profile, Photoshop's, Adobe's, Ducky and a comment."""
    whole = saved("JPEG", exif=comment("a comment of somebody"), icc_profile=b"a profile, which is none" * 9, **options)
    end = 4 + int.from_bytes(whole[4:6], "big")
    more = [
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x05\0\3abc"),
        segment(0xEE, b"Adobe\0\x64\0\0\0\0\1"),
        segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x50\0\0"),
        segment(0xFE, b"a remark"),
    ]
    return whole[:end] + b"".join(more) + whole[end:]


def labelled(packet: bytes, label: Label = LABEL) -> bytes:
    """Return a packet with a label."""
    return xmp.put(packet, label.as_json())


def every() -> dict[str, bytes]:
    """Return one file of every format and of every layout that is written in its own way, by its name."""
    with_exif = comment("a comment of somebody")
    return {
        "plain.png": saved("PNG"), "exif.png": saved("PNG", exif=with_exif), "moving.png": saved("PNG", frames=3),
        "late-text.png": behind(png_chunk(b"tEXt", b"Comment\0a remark"), png_chunk(b"zTXt", b"More\0\0" + zlib.compress(b"words"))),
        "late-xmp.png": behind(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET), png_chunk(b"tIME", b"\x07\xea\1\1\0\0\0")),
        "plain.jpg": saved("JPEG"), "progressive.jpg": saved("JPEG", progressive=True), "exif.jpg": saved("JPEG", exif=with_exif),
        "xmp.jpg": saved("JPEG", xmp=PACKET), "grey.jpg": saved("JPEG", noise("L")), "restarts.jpg": saved("JPEG", restart_marker_blocks=1),
        "headed.jpg": headed(progressive=True) + b"\0trailer\xff\xd8\xff\xe1\0\x08AIGC{}", "headed-xmp.jpg": headed(progressive=True, xmp=PACKET),
        "several-progressive.jpg": saved("MPO", frames=3, progressive=True, exif=with_exif) + b"what follows",
        "several.jpg": saved("MPO", frames=2), "followed.jpg": saved("JPEG") + b"what follows",
        "lossy.webp": saved("WEBP"), "lossless.webp": saved("WEBP", lossless=True), "alpha.webp": saved("WEBP", noise("RGBA"), lossless=True),
        "moving.webp": saved("WEBP", frames=3), "exif.webp": saved("WEBP", exif=with_exif), "xmp.webp": saved("WEBP", xmp=PACKET),
        "plain.gif": saved("GIF", noise("P")), "moving.gif": saved("GIF", frames=3, loop=0), "comment.gif": saved("GIF", comment=b"a comment"),
        "plain.tif": saved("TIFF"), "lzw.tif": saved("TIFF", compression="tiff_lzw"), "pages.tif": saved("TIFF", frames=3),
        "big-pages.tif": saved("TIFF", frames=3, big_tiff=True, compression="tiff_lzw"), "big.tif": saved("TIFF", big_tiff=True), "motorola.tif": tiff(">"), "big-motorola.tif": tiff(">", big=True),
        "xmp.tif": tiff(packet=PACKET, kind=1), "xmp-motorola.tif": tiff(">", packet=PACKET), "xmp-big.tif": tiff(big=True, packet=PACKET, kind=1),
        "plain.avif": saved("AVIF"), "exif.avif": saved("AVIF", exif=with_exif), "moving.avif": saved("AVIF", frames=3),
        "xmp.avif": saved("AVIF", xmp=PACKET), "plain.heic": heic(), "one.heic": heic(version=1), "two.heic": heic(version=2),
        "based.heic": heic(based=True), "one-based.heic": heic(version=1, based=True), "late.heic": heic(late=True),
        "endless.heic": heic(endless=True), "xmp.heic": heic(packet=PACKET), "exif.heic": heic(version=1, comment=with_exif),
        "beside.xmp": PACKET, "plain.xml": PACKET.split(b"?>", 1)[1].split(b"<?", 1)[0],
    }  # fmt: skip
