"""Labels of pictures: every format and layout, read back by other people's programs, and not a pixel changed."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import tracemalloc
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from hegui.kit.errors import HeguiError
from hegui.service.labels import files, xmp
from hegui.service.labels.container import NotWritableError
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label
from tests.unit.labels.pictures import (
    CODE,
    LABEL,
    OTHER,
    PACKET,
    PICTURE,
    TILE,
    WRAPPED,
    box,
    comment,
    every,
    heic,
    jpeg,
    labelled,
    saved,
    segment,
    tiff,
)

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "labelling-samples"
EVERY = every()
NEWER = Label.first(CODE, "a-number-that-is-longer-than-the-one-before-it-0198f0c2-0000-7000-8000-000000000002")
UNSHOWN = (".heic", ".xmp", ".xml", "big-motorola.tif")
"""What Pillow does not show; exiftool reads them."""
OPEN_ENDED = {"endless.heic", "several.jpg", "several-progressive.jpg", "headed.jpg"}
"""What stands behind the end of the picture is not the format's."""
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


def pixels(path: Path) -> list[str]:
    with Image.open(path) as picture:
        found = []
        for number in range(getattr(picture, "n_frames", 1)):
            picture.seek(number)
            found.append(sha256(picture.convert("RGBA").tobytes()).hexdigest())
        return found


def inspected(data: bytes, name: str) -> files.Inspection:
    return files.inspect_bytes(data, name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every picture, and `new-` it with a label written to it."""
    found = tmp_path_factory.mktemp("pictures")
    for name, data in EVERY.items():
        (found / name).write_bytes(data)
        written = files.write(found / name, found / f"new-{name}", LABEL)
        assert (written.verdict, written.label, written.deviations) == (Verdict.PRESENT, LABEL, ()), name
    return found


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, dict[str, str]]:
    """What exiftool says of all of them."""
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("needs exiftool (Debian package libimage-exiftool-perl)")
    done = subprocess.run([program, "-j", "-a", "-G1", "-struct", str(folder)], capture_output=True, check=True)
    return {Path(item["SourceFile"]).name: item for item in json.loads(done.stdout)}


def test_exiftool_reads_the_same_label_and_all_else_that_it_read_before(told: dict[str, dict[str, str]]) -> None:
    told_of_file = ("File:", "System:", "ExifTool:", "SourceFile", "XMP-TC260:", "XMP-x:")
    # What grows with the file: its sizes, and where the second picture of a JPEG is.
    sizes = {
        "XMP",
        "MediaDataSize",
        "MediaDataOffset",
        "MPImageStart",
        "MPImageLength",
        "GIFVersion",
        "StripOffsets",
        "ApplicationNotes",
    }
    for name in [name for name in EVERY if not name.endswith(".xml")]:
        before, after = told[name], told[f"new-{name}"]
        assert after["XMP-TC260:Aigc"] == json.loads(LABEL.as_json()) or after["XMP-TC260:Aigc"] == LABEL.as_json(), (
            name
        )
        assert after.get("ExifTool:Warning") == before.get("ExifTool:Warning"), name
        for key, value in before.items():
            if not key.startswith(told_of_file) and key.split(":")[-1] not in sizes and "WebP_Flags" not in key:
                assert after.get(key) == value, (name, key)


@pytest.mark.parametrize("name", [name for name in EVERY if not name.endswith(UNSHOWN)])
def test_every_pixel_of_every_frame_stays(folder: Path, name: str) -> None:
    assert pixels(folder / f"new-{name}") == pixels(folder / name)


@pytest.mark.parametrize("name", list(EVERY))
def test_a_label_is_replaced_passed_on_and_stands_once(folder: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((folder / f"new-{name}").read_bytes())
    for label in (NEWER, LABEL, NEWER):
        assert files.write(path, path, label).label == label
        assert path.read_bytes().count(b"ContentProducer") == 1
    passed = files.propagate(path, path, OTHER, "theirs").label
    assert passed == NEWER.propagated(OTHER, "theirs")
    with pytest.raises(HeguiError):
        files.write(path, path, Label.first(OTHER, "not-theirs"))
    if not name.endswith(UNSHOWN):
        assert pixels(path) == pixels(folder / name)


def test_the_bytes_around_a_label_are_those_of_before(folder: Path) -> None:
    """JPEG, GIF: one piece more. WebP: VP8X too. TIFF, AVIF, HEIC: what is coded stands there in one piece."""
    names = (
        "plain.jpg",
        "exif.jpg",
        "several.jpg",
        "followed.jpg",
        "moving.gif",
        "plain.png",
        "moving.png",
        "late-text.png",
    )
    for name in (*names, "headed.jpg", "several-progressive.jpg"):
        old, new = EVERY[name], (folder / f"new-{name}").read_bytes()
        same = next((at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), 0)
        assert old[same:] == new[len(new) - len(old) + same :], name
    for name in ("lzw.tif", "big-motorola.tif", "pages.tif"):
        old, new = EVERY[name], (folder / f"new-{name}").read_bytes()
        assert old[16:] == new[16 : len(old)], name


@pytest.mark.parametrize(("order", "big", "kind"), [("<", False, 1), (">", False, 7), ("<", True, 7), (">", True, 1)])
def test_tiff_has_the_field_type_of_the_guide(tmp_path: Path, order: str, big: bool, kind: int) -> None:
    for packet in (b"", PACKET):
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, big=big, packet=packet, kind=kind))
        files.write(path, path, LABEL)
        assert struct.pack(f"{order}HH", 0x2BC, 7) in path.read_bytes()
        if big and order == ">":
            continue
        with Image.open(path) as picture:
            tags = picture.tag_v2  # type: ignore[attr-defined]
            assert tags.tagtype[0x2BC] == 7
            assert LABEL.as_json().encode() in b"".join(tags[0x2BC])
            assert list(tags) == sorted(tags)
            assert picture.tobytes() == b"\x11\x99"


def test_webp_tells_its_readers_that_there_is_a_packet(folder: Path) -> None:
    simple = {name for name in EVERY if name.endswith(".webp") and EVERY[name][12:16] != b"VP8X"}
    assert {"lossy.webp", "lossless.webp"} <= simple, "these have no place for a packet before"
    for name in ("lossy.webp", "lossless.webp", "alpha.webp", "moving.webp", "exif.webp"):
        data = (folder / f"new-{name}").read_bytes()
        assert data[12:16] == b"VP8X", name
        assert data[20] & 0x04, name
        assert bool(data[20] & 0x10) is (name == "alpha.webp")
        assert int.from_bytes(data[4:8], "little") == len(data) - 8
        assert int.from_bytes(data[24:27], "little") + 1 == 24
        assert int.from_bytes(data[27:30], "little") + 1 == 18


def test_gif_that_knew_no_extensions_becomes_one_that_does(folder: Path) -> None:
    old, new = EVERY["plain.gif"], (folder / "new-plain.gif").read_bytes()
    assert old[:6] == b"GIF87a"
    assert new[:6] == b"GIF89a"
    assert new.count(b"\x21\xff\x0bXMP DataXMP") == 1


# --- HEIF -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("based", [False, True])
@pytest.mark.parametrize("version", [0, 1, 2])
def test_places_of_items_move_with_what_they_point_to(tmp_path: Path, version: int, based: bool, late: bool) -> None:
    path = tmp_path / "a.heic"
    for extra in (b"", box(b"free", b"\0" * 5)):
        old = heic(version=version, based=based, late=late, more=extra)
        path.write_bytes(old)
        files.write(path, path, LABEL)
        new = path.read_bytes()
        where = {data.find(PICTURE): data for data in (old, new)}
        for at, data in where.items():
            iloc = data.index(b"iloc")
            assert struct.pack(">I", at) in data[iloc : iloc + 80]
        assert TILE in new or version == 0
        assert new.index(b"cdsc") > 0
        assert new.count(b"application/rdf+xml\0") == 1


@pytest.mark.parametrize(
    "data",
    [
        heic() + box(b"moof", b""),
        box(b"ftyp", b"avis\0\0\0\0") + box(b"moov", b""),
        heic().replace(b"pitm", b"free"),
        heic().replace(b"iloc\0\0\0\0\x44", b"iloc\0\0\0\0\x40")[:-4],
    ],
)
def test_a_layout_that_is_not_known_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(data)
    with pytest.raises(HeguiError):
        files.write(path, path, LABEL)
    assert path.read_bytes() == data


# --- other places ---------------------------------------------------------------------------------------


def in_exif(order: str, text: str, code: bytes) -> dict[str, bytes]:
    block = comment(text, order, code)
    return {
        "a.jpg": saved("JPEG", exif=block), "a.webp": saved("WEBP", exif=block), "a.png": saved("PNG", exif=block),
        "a.avif": saved("AVIF", exif=block), "a.heic": heic(comment=block), "one.heic": heic(version=1, comment=block),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("order", "code"), [("<", b"ASCII\0\0\0"), (">", b"ASCII\0\0\0"), ("<", b"UNICODE\0"), (">", b"UNICODE\0"), (">", b"\0" * 8)]
)  # fmt: skip
def test_a_label_in_exif_is_read_and_gives_way_to_the_one_in_the_packet(
    tmp_path: Path, order: str, code: bytes
) -> None:
    for name, data in in_exif(order, WRAPPED, code).items():
        found = inspected(data, name)
        assert (found.verdict, found.label) == (Verdict.PRESENT, LABEL), name
        assert found.readings[0].place == "EXIF UserComment"
        path = tmp_path / name
        path.write_bytes(data)
        assert files.write(path, path, NEWER).label == NEWER
        written = path.read_bytes()
        assert written.count(b"ContentProducer") == 1, name
        assert b"C\0o\0n\0t\0e\0n\0t\0P" not in written
        assert written.count(b"A description\0") == data.count(b"A description\0") == 1
        if not name.endswith(".heic"):
            with Image.open(path) as picture:
                left = picture.getexif().get_ifd(0x8769)[0x9286]
            assert len(left) == len(comment(WRAPPED, order, code)) - len(comment("", order, code)) + 8
            assert left[:8] == code


def test_comments_of_other_people_stay(tmp_path: Path) -> None:
    for text in ("AIGC is fun", "{not a label}", '{"prompt": "AIGC: a cat"}', "", "parameters: {steps: 4}"):
        for name, data in in_exif("<", text, b"ASCII\0\0\0").items():
            assert inspected(data, name).verdict is Verdict.ABSENT, (name, text)
    path = tmp_path / "a.jpg"
    path.write_bytes(saved("JPEG", exif=comment("a comment of somebody")))
    files.write(path, path, LABEL)
    assert b"a comment of somebody" in path.read_bytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_with_the_label_in_its_user_comment(tmp_path: Path, order: str) -> None:
    data = comment(WRAPPED, order)[6:]
    assert inspected(data, "a.tif").label == LABEL
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert files.write(path, path, NEWER).label == NEWER
    assert path.read_bytes().count(b"ContentProducer") == 1
    assert b"Maker\0A description\0" in path.read_bytes()


def test_an_older_schema_in_the_description(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = '{"ServiceProvider":"' + CODE + '","ServiceUser":"u","Time":"t","ContentId":"n"}'
    found = inspected(saved("JPEG", exif=exif), "a.jpg")
    assert found.verdict is Verdict.MALFORMED, "the old schema has no Label"
    assert Deviation.OLD_SCHEMA in found.deviations
    assert Deviation.OTHER_PLACE in found.deviations


BARE = b"AIGC" + LABEL.as_json().encode()


@pytest.mark.parametrize("data", [
    jpeg(segment(0xE9, BARE)), jpeg(segment(0xEC, b"xy" + BARE + b"z")), jpeg(segment(0xFE, BARE + b"\0")), jpeg(segment(0xE1, BARE)),
])  # fmt: skip
def test_a_bare_label_of_a_segment(tmp_path: Path, data: bytes) -> None:
    found = inspected(data, "a.jpg")
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, LABEL, (Deviation.OTHER_PLACE,))
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert files.write(path, path, NEWER).label == NEWER
    assert path.read_bytes().count(b"ContentProducer") == 1
    assert (b"xyAIGC" in data) is (b"xy    " in path.read_bytes())


def test_a_second_packet_is_merged_not_added(tmp_path: Path) -> None:
    data = jpeg(segment(0xE1, XMP_HEAD + PACKET), segment(0xE1, XMP_HEAD + labelled(PACKET)))
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert inspected(data, "a.jpg").verdict is Verdict.PRESENT
    assert files.propagate(path, path, OTHER, "n").label == LABEL.propagated(OTHER, "n")
    assert path.read_bytes().count(b"ContentProducer") == 1
    files.write(tmp_path / "a.jpg", tmp_path / "b.jpg", LABEL)
    assert (tmp_path / "b.jpg").read_bytes().count(XMP_HEAD) == 2


def extended(packet: bytes, *, cut: int = 0) -> bytes:
    name = b"0123456789ABCDEF0123456789ABCDEF"
    main = PACKET.replace(
        b'dc:format="image/x"', b'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="' + name + b'"'
    )
    half = len(packet) // 2
    parts = [(0, packet[:half]), (half, packet[half : len(packet) - cut])]
    head = b"http://ns.adobe.com/xmp/extension/\0" + name
    more = [segment(0xE1, head + struct.pack(">II", len(packet), at) + part) for at, part in parts]
    return jpeg(segment(0xE1, XMP_HEAD + main), *more)


def test_the_extended_packet_is_told_as_such(tmp_path: Path) -> None:
    plain = PACKET.split(b"?>", 1)[1].split(b"<?", 1)[0]
    found = inspected(extended(labelled(plain)), "a.jpg")
    assert found.readings[0].place == "APP1 extended XMP/TC260:AIGC"
    assert found.deviations == (Deviation.OTHER_PLACE,)
    assert inspected(extended(labelled(plain), cut=3), "a.jpg").verdict is Verdict.UNREADABLE
    path = tmp_path / "a.jpg"
    path.write_bytes(extended(labelled(plain)))
    with pytest.raises(NotWritableError):
        files.write(path, path, LABEL)
    path.write_bytes(extended(plain))
    assert files.write(path, path, LABEL).label == LABEL, "an extended packet without a label stays as it is"
    assert plain[: len(plain) // 2] in path.read_bytes()


def test_a_packet_that_fills_its_segment_gives_up_padding_or_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    room = 65533 - len(XMP_HEAD) - len(PACKET)
    path.write_bytes(jpeg(segment(0xE1, XMP_HEAD + PACKET.replace(b"<?xpacket end", b" " * room + b"<?xpacket end"))))
    assert files.write(path, path, LABEL).label == LABEL
    path.write_bytes(jpeg(segment(0xE1, XMP_HEAD + PACKET.replace(b"image/x", b"x" * (room + 7)))))
    with pytest.raises(NotWritableError):
        files.write(path, path, LABEL)


def test_pages_comments_and_boxes_that_no_guide_names(tmp_path: Path) -> None:
    pages = saved("TIFF", frames=2)
    gif = saved("GIF", comment=WRAPPED.encode())
    beside = heic() + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), labelled(PACKET))
    for name, data in {"a.gif": gif, "a.heic": beside}.items():
        found = inspected(data, name)
        assert (found.verdict, found.label) == (Verdict.PRESENT, LABEL), name
        assert Deviation.OTHER_PLACE in found.deviations
        (tmp_path / name).write_bytes(data)
        assert files.write(tmp_path / name, tmp_path / name, NEWER).label == NEWER
        assert (tmp_path / name).read_bytes().count(b"ContentProducer") == 1
    assert inspected(pages, "a.tif").verdict is Verdict.ABSENT


def test_two_labels_are_never_fine() -> None:
    both = jpeg(segment(0xE1, comment(WRAPPED)), segment(0xE1, XMP_HEAD + labelled(PACKET)))
    assert inspected(both, "a.jpg").verdict is Verdict.MULTIPLE
    other = jpeg(segment(0xE1, comment(WRAPPED)), segment(0xE1, XMP_HEAD + labelled(PACKET, NEWER)))
    assert inspected(other, "a.jpg").verdict is Verdict.CONFLICTING


def test_the_second_picture_of_a_jpeg_is_never_lost(tmp_path: Path) -> None:
    whole = EVERY["several.jpg"]
    index = whole.index(b"MPF\0") - 4
    end = index + 2 + int.from_bytes(whole[index + 2 : index + 4], "big")
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:end] + segment(0xE1, XMP_HEAD + PACKET) + whole[end:])
    with pytest.raises(NotWritableError):
        files.write(path, path, LABEL)


def test_a_label_behind_the_coded_picture_is_not_taken_for_none(tmp_path: Path) -> None:
    whole = EVERY["plain.jpg"]
    for more in (segment(0xE9, BARE), segment(0xE1, XMP_HEAD + labelled(PACKET))):
        path = tmp_path / "a.jpg"
        path.write_bytes(whole[:-2] + more + whole[-2:])
        assert files.inspect(path).verdict is Verdict.UNREADABLE
        with pytest.raises(HeguiError):
            files.write(path, path, LABEL)
    assert inspected(whole[:-2] + segment(0xFE, b"a comment") + whole[-2:], "a.jpg").verdict is Verdict.ABSENT


# --- damage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [name for name in EVERY if not name.endswith((".xml", ".xmp")) and name not in OPEN_ENDED],
)
def test_a_file_that_was_cut_is_unreadable_never_without_a_label(folder: Path, name: str) -> None:
    data = (folder / f"new-{name}").read_bytes()
    data = data.removesuffix(b"what follows")
    step = max(1, len(data) // 60)
    # Some writers of WebP leave out the last byte, which says nothing.
    for end in range(len(data) - 2, 0, -step):
        found = inspected(data[:end], name)
        assert found.verdict is Verdict.UNREADABLE, end
        assert found.problem is not None


def test_many_other_texts_do_not_hide_a_label() -> None:
    decoys = [segment(0xE9, b'AIGC{"other":1}')] * 70
    found = inspected(jpeg(*decoys, segment(0xE1, XMP_HEAD + labelled(PACKET))), "a.jpg")
    assert found.verdict is Verdict.PRESENT


def test_a_label_under_another_namespace_is_read_and_replaced() -> None:
    odd = labelled(PACKET).replace(xmp.NAMESPACE.encode(), b"http://example.com/ns/")
    assert inspected(odd, "a.xmp").deviations == (Deviation.OTHER_PLACE,)
    (slot,) = xmp.read(xmp.put(odd, NEWER.as_json()), "x")
    assert slot.value == NEWER.as_json()
    private = PACKET.replace(b"dc:format=", b'xmlns:d="http://example.com/" d:AIGC_type="1" dc:format=')
    assert inspected(private, "a.xmp").verdict is Verdict.ABSENT
    assert xmp.rest(xmp.put(private, LABEL.as_json())) == xmp.rest(private)


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    size = 48 << 20
    head = tiff()
    big = {
        "a.webp": struct.pack("<4sI4s4sI", b"RIFF", 12 + size, b"WEBP", b"VP8L", size) + b"\x2f\x01\0\0\0",
        "a.heic": heic(endless=True),
        "a.tif": head.replace(struct.pack("<HHII", 279, 4, 1, 2), struct.pack("<HHII", 279, 4, 1, size)),
        "a.jpg": saved("JPEG")[:-2],
    }
    for name, data in big.items():
        path = tmp_path / name
        with path.open("wb") as file:
            file.write(data)
            file.seek(size + 20)
            file.write(b"\xff\xd9" if name == "a.jpg" else b"")
            file.truncate()
        tracemalloc.start()
        files.write(path, path, LABEL)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 12 << 20, name
        path.unlink()


# --- real writers ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="needs ../shared/labelling-samples")
def test_samples_of_real_writers() -> None:
    packet = (SAMPLES / "picwish_xmp_attribute.xml").read_bytes()
    for name, data in {
        "a.xml": packet,
        "a.jpg": jpeg(segment(0xE1, XMP_HEAD + packet)),
        "a.tif": tiff(packet=packet),
    }.items():
        found = inspected(data, name)
        assert found.verdict is Verdict.PRESENT
        assert found.label is not None
        assert (found.label.label, found.label.content_producer) == ("1", "picwish")
        assert Deviation.MISSING_FIELD in found.deviations
    corpus = json.loads((SAMPLES / "aigctotal_corpus_payloads.json").read_text("utf-8"))
    for key in ("validJson", "wrapped"):
        found = inspected(jpeg(segment(0xE1, comment(corpus[key]))), "a.jpg")
        assert (found.verdict, found.label.label if found.label else "") == (Verdict.PRESENT, "1"), key
        assert Deviation.MISSING_FIELD not in found.deviations
    qwen = (SAMPLES / "qwen_png_tEXt_prefix.bin").read_bytes().rstrip(b"\n")
    import zlib

    plain = saved("PNG")
    chunk = struct.pack(">I", len(qwen) - 4) + qwen + struct.pack(">I", zlib.crc32(qwen))
    found = inspected(plain[:33] + chunk + plain[33:], "a.png")
    assert (found.verdict, Deviation.MISSING_FIELD in found.deviations) == (Verdict.PRESENT, True)
    private = (SAMPLES / "douyin_private_aigc_info_not_TC260.json").read_text("utf-8")
    assert inspected(jpeg(segment(0xE1, comment(private))), "a.jpg").verdict is Verdict.ABSENT
