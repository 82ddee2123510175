"""What MP4, Matroska, FLV and AVI are made of: places in the file stay right, and labels of real writers are found."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import av
import pytest

from hegui.service.labels import files, xmp
from hegui.service.labels.containers import UnreadableError, ebml
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label
from tests.unit.labels import media
from tests.unit.labels.media import put
from tests.unit.labels.test_files import CODE, LABEL

JSON = LABEL.as_json().encode()
OLD = Label.first(CODE, "number-old").as_json().encode()
OTHER, NO_KEY = Deviation.OTHER_PLACE, Deviation.NO_KEY


def box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", len(data) + 8) + kind + data


def data_box(text: bytes) -> bytes:
    return box(b"data", struct.pack(">II", 1, 0), text)


def handler(kind: bytes) -> bytes:
    return box(b"hdlr", bytes(8) + kind + bytes(13))


def keyed(text: bytes, key: bytes = b"AIGC", *, version: bytes = bytes(4)) -> bytes:
    keys = box(b"keys", struct.pack(">II", 0, 2), box(b"mdta", b"title"), box(b"mdta", key))
    return box(
        b"meta", version, handler(b"mdta"), keys,
        box(b"ilst", box(b"\0\0\0\1", data_box(b"kept")), box(b"\0\0\0\2", data_box(text))),
    )  # fmt: skip


def tunes(*items: bytes) -> bytes:
    return box(b"meta", bytes(4), handler(b"mdir"), box(b"ilst", box(b"\xa9nam", data_box(b"kept")), *items))


def film(*in_film: bytes, before: bytes = b"", after: bytes = b"", offsets: bytes = b"co64", at: int = 0) -> bytes:
    """Return a file with one table of chunks; `at` is added to where the chunk stands."""
    size = 8 if offsets == b"co64" else 4
    head = box(b"ftyp", b"isom\0\0\2\0isom")

    def whole(place: int) -> bytes:
        table = box(offsets, struct.pack(">II", 0, 1), place.to_bytes(size, "big"))
        inside = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))
        return head + before + box(b"moov", inside, *in_film)

    place = len(whole(0)) + 8 + at
    return whole(place) + box(b"mdat", b"the media data") + after


def chunk_of(data: bytes) -> bytes:
    kind = b"co64" if b"co64" in data else b"stco"
    at = data.index(kind) + 12
    place = int.from_bytes(data[at : at + (8 if kind == b"co64" else 4)], "big")
    return data[place : place + 14]


FREE = box(b"----", box(b"mean", bytes(4), b"com.apple.iTunes"), box(b"name", bytes(4), b"AIGC"), data_box(OLD))
XMP = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), xmp.put(None, OLD.decode()))


@pytest.mark.parametrize(
    ("data", "deviations"),
    [
        (film(box(b"udta", keyed(OLD))), ()),
        (film(box(b"udta", keyed(OLD, version=b""))), ()),
        (film(keyed(OLD)), (OTHER,)),
        (film(box(b"trak", box(b"udta", keyed(OLD)))), (OTHER,)),
        (film(box(b"udta", tunes(box(b"\xa9cmt", data_box(b'{"AIGC":' + OLD + b"}"))))), (NO_KEY, OTHER)),
        (film(box(b"udta", tunes(box(b"\0\0\0\1", data_box(OLD))))), (NO_KEY, OTHER)),
        (film(box(b"udta", tunes(FREE))), (OTHER,)),
        (film(box(b"udta", keyed(OLD, b"com.example.AIGC"))), (OTHER,)),
        (film(box(b"udta", box(b"AIGC", b"\0\x20\x15\xc7" + OLD))), (OTHER,)),
        (film(box(b"udta", box(b"XMP_", XMP[24:]))), (OTHER,)),
        (film(after=XMP), (OTHER,)), (film(before=XMP), (OTHER,)),
    ],
)  # fmt: skip
def test_mp4_labels_of_other_writers_are_found_and_move_to_the_guides_place(
    tmp_path: Path, data: bytes, deviations: tuple[Deviation, ...]
) -> None:
    found = files.inspect_bytes(data, "a.mp4")
    assert (found.verdict, found.deviations) == (Verdict.PRESENT, deviations)
    path = put(tmp_path, "a.mp4", data)
    assert files.write(path, path, LABEL).deviations == ()
    new = path.read_bytes()
    assert b"number-old" not in new
    assert chunk_of(new) == b"the media data"
    assert new.count(b"kept") == data.count(b"kept")
    assert [one.place for one in files.inspect(path).readings] == ["moov.udta.meta AIGC"]


def test_mp4_tags_of_itunes_stay_byte_for_byte_beside_the_label(tmp_path: Path) -> None:
    tags = tunes(box(b"covr", data_box(b"\xff\xd8picture")))
    path = put(tmp_path, "a.m4a", film(box(b"udta", box(b"\xa9day", b"2026"), tags, bytes(4))))
    files.write(path, path, LABEL)
    data = path.read_bytes()
    assert box(b"\xa9day", b"2026") + tags in data
    assert data[data.index(JSON) + len(JSON) :][:4] == bytes(4), "the zeros that end a list of QuickTime stay last"


def test_mp4_two_places_are_multiple_or_conflicting_until_one_is_written(tmp_path: Path) -> None:
    twice = film(box(b"udta", keyed(OLD)), keyed(OLD))
    assert files.inspect_bytes(twice, "a.mp4").verdict is Verdict.MULTIPLE
    assert files.inspect_bytes(film(box(b"udta", keyed(OLD)), keyed(JSON)), "a.mp4").verdict is Verdict.CONFLICTING
    path = put(tmp_path, "a.mp4", twice)
    assert files.write(path, path, LABEL).verdict is Verdict.PRESENT


def test_mp4_sizes_of_64_bits_and_to_the_end(tmp_path: Path) -> None:
    data = film()
    wide = struct.pack(">I4sQ", 1, b"mdat", 16 + 14) + b"the media data"
    for tail in (wide, bytes(4) + b"mdat" + b"the media data"):
        given = film(at=len(tail) - 22)[: -len(box(b"mdat", b"the media data"))] + tail
        path = put(tmp_path, "a.mp4", given)
        files.write(path, path, LABEL)
        assert path.read_bytes().endswith(tail)
        assert chunk_of(path.read_bytes()) == b"the media data"
    moov = data[data.index(b"moov") - 4 : data.index(b"mdat") - 4]
    last = data[:20] + box(b"mdat", b"the media data") + struct.pack(">I4sQ", 1, b"moov", len(moov) + 8) + moov[8:]
    path = put(tmp_path, "a.mov", last)
    assert files.write(path, path, LABEL).verdict is Verdict.PRESENT
    path = put(tmp_path, "b.mov", data[:20] + box(b"mdat", b"the media data") + bytes(4) + moov[4:])
    assert files.write(path, path, LABEL).verdict is Verdict.PRESENT


def test_mp4_an_offset_that_no_longer_fits_is_said_so_and_nothing_is_written(tmp_path: Path) -> None:
    path = put(tmp_path, "a.mp4", film(offsets=b"stco", at=(1 << 32) - 400))
    with pytest.raises(UnreadableError, match="co64"):
        files.write(path, tmp_path / "b.mp4", LABEL)
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]
    fits = put(tmp_path, "a.mp4", film(offsets=b"stco"))
    files.write(fits, fits, LABEL)
    assert chunk_of(fits.read_bytes()) == b"the media data"


def test_mp4_indexes_of_fragments_still_mean_the_same_boxes(tmp_path: Path) -> None:
    for name in ("mp4 in fragments", "mp4 in fragments after the film"):
        before = media.samples()[name][1]
        path = put(tmp_path, "a.mp4", before)
        files.write(path, path, LABEL)
        after = path.read_bytes()
        grown = len(after) - len(before)
        tables = [(data, data.index(b"tfra")) for data in (before, after)]
        assert before.count(b"tfra") == after.count(b"tfra") > 0
        old, new = (
            [struct.unpack_from(">Q", data, at + 28 + 19 * number)[0] for number in range(2)] for data, at in tables
        )
        assert [data[place + 4 : place + 8] for data, places in ((before, old), (after, new)) for place in places] == [
            b"moof"
        ] * 4
        assert [b - a for a, b in zip(old, new, strict=True)] == [grown, grown]


def test_mp4_that_can_not_be_understood_is_unreadable() -> None:
    data = film()
    whole = box(b"moov", b"")
    deep = b""
    for _ in range(2000):
        deep = box(b"trak", deep)
    for bad in (
        data[:-20],
        data[:24],
        data + b"junk",
        data + whole,
        film(box(b"cmov", b"packed")),
        film(keyed(JSON)[:-3]),
    ):
        assert files.inspect_bytes(bad, "a.mp4").verdict is Verdict.UNREADABLE
    assert files.inspect_bytes(film(deep), "a.mp4").verdict in {Verdict.UNREADABLE, Verdict.ABSENT}
    heic = box(b"ftyp", b"heic\0\0\0\0mif1heic") + data
    assert files.inspect_bytes(heic, "a.mp4").container != "mp4", "a picture is no film"


# --- Matroska ------------------------------------------------------------------------------------------


def segment(*parts: bytes, known: bool = True) -> bytes:
    head = ebml.packed(0x1A45DFA3, ebml.packed(0x4282, b"matroska"))
    body = b"".join((*parts, ebml.packed(0x1549A966, ebml.packed(0x4D80, b"test")), CLUSTER))
    size = ebml.size_bytes(len(body), 8) if known else b"\x01" + b"\xff" * 7
    return head + bytes.fromhex("18538067") + size + body


CLUSTER = ebml.packed(0x1F43B675, ebml.packed(0xE7, b"\0") + ebml.packed(0xA3, b"\x81\0\0\x80picture"))


def tag(name: str, value: bytes, *, target: bytes = b"", inside: bytes = b"") -> bytes:
    simple = ebml.packed(0x67C8, ebml.packed(0x45A3, name.encode()) + ebml.packed(0x4487, value) + inside)
    return ebml.packed(0x7373, ebml.packed(0x63C0, target) + simple)


def tags(*parts: bytes) -> bytes:
    return ebml.packed(0x1254C367, ebml.checked(b"".join(parts), crc=True))


def seek(kind: int, at: int) -> bytes:
    return ebml.packed(
        0x4DBB, ebml.packed(0x53AB, kind.to_bytes(4, "big")) + ebml.packed(0x53AC, at.to_bytes(2, "big"))
    )


INNER = ebml.packed(0x67C8, ebml.packed(0x45A3, b"AIGC") + ebml.packed(0x4487, OLD))


@pytest.mark.parametrize(
    ("data", "deviations"),
    [
        (segment(tags(tag("TITLE", b"kept"), tag("AIGC", OLD))), ()),
        (segment(tags(tag("AIGC", OLD)), known=False), ()),
        (segment(tags(tag("AIGC", OLD, target=ebml.packed(0x63C5, b"\1")))), (OTHER,)),
        (segment(tags(tag("TITLE", b"kept", inside=INNER))), (OTHER,)),
        (segment(tags(tag("TITLE", b"kept")), tags(tag("AIGC", OLD)), b"\xec\x89" + bytes(9)), ()),
    ],
)  # fmt: skip
def test_matroska_labels_of_other_writers_are_found_and_replaced(
    tmp_path: Path, data: bytes, deviations: tuple[Deviation, ...]
) -> None:
    found = files.inspect_bytes(data, "a.mkv")
    assert (found.verdict, found.deviations) == (Verdict.PRESENT, deviations)
    path = put(tmp_path, "a.mkv", data)
    assert files.write(path, path, LABEL).deviations == ()
    new = path.read_bytes()
    assert b"number-old" not in new
    assert new.count(b"kept") == data.count(b"kept")
    assert new.count(CLUSTER) == 1


def test_matroska_seek_head_points_to_the_tags_and_without_room_to_a_second_one(tmp_path: Path) -> None:
    seek_head = ebml.packed(0x114D9B74, seek(0x1549A966, 60) + seek(0x1549A966, 60))
    for room in (b"", b"\xec\xa0" + bytes(32)):
        path = put(tmp_path, "a.mkv", segment(seek_head, room))
        start = path.read_bytes().index(bytes.fromhex("18538067")) + 12
        before = path.read_bytes()
        files.write(path, path, LABEL)
        data = path.read_bytes()
        assert data.index(CLUSTER) == before.index(CLUSTER), "nothing that a cue may point to has moved"
        entries = data.split(bytes.fromhex("53ac88"))
        places = {int.from_bytes(part[:8], "big") + start for part in entries[1:]}
        ids = {data[place : place + 4].hex() for place in places}
        assert "1254c367" in ids
        assert ids == ({"1254c367"} if room else {"1254c367", "114d9b74"})
        assert int.from_bytes(data[start - 7 : start], "big") == len(data) - start


def test_matroska_cues_do_not_move(tmp_path: Path) -> None:
    for name in ("mkv", "mkv with cues first", "webm"):
        suffix, before = media.samples()[name]
        path = put(tmp_path, "a" + suffix, before)
        files.write(path, path, LABEL)
        after = path.read_bytes()
        at = before.rindex(bytes.fromhex("1c53bb6b"))
        length = 40
        assert after[at : at + length] == before[at : at + length]
        first = before.index(bytes.fromhex("1f43b675"))
        assert after[first : len(before)] == before[first:]


# --- FLV and AVI ---------------------------------------------------------------------------------------


def test_flv_lists_of_key_frames_still_point_to_key_frames(tmp_path: Path) -> None:
    before = media.samples()["flv with key frames"][1]
    path = put(tmp_path, "a.flv", before)
    files.write(path, path, LABEL)
    after = path.read_bytes()
    at = after.index(b"filepositions") + 13
    count = int.from_bytes(after[at + 1 : at + 5], "big")
    places = [int(struct.unpack_from(">d", after, at + 6 + 9 * number)[0]) for number in range(count)]
    old = before.index(b"filepositions") + 13
    assert places[-1] == int(struct.unpack_from(">d", before, old + 6 + 9 * (count - 1))[0]) + len(after) - len(before)
    assert all(after[place] == 9 and after[place + 11] >> 4 == 1 for place in places[1:]), (
        "each begins a key frame's tag"
    )
    assert struct.unpack_from(">d", after, after.index(b"filesize") + 9)[0] == len(after)
    first = int.from_bytes(after[14:17], "big")
    assert int.from_bytes(after[13 + 11 + first :][:4], "big") == first + 11, "PreviousTagSize"


def test_flv_without_metadata_gets_a_script_tag(tmp_path: Path) -> None:
    whole = media.samples()["flv"][1]
    first = int.from_bytes(whole[14:17], "big")
    bare = whole[:13] + whole[13 + 11 + first + 4 :]
    path = put(tmp_path, "a.flv", bare)
    files.write(path, path, LABEL)
    assert media.tags(path.read_bytes())["AIGC"] == LABEL.as_json()
    assert path.read_bytes().endswith(bare[13:])


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def test_avi_pictures_stay_where_they_are(tmp_path: Path) -> None:
    before = media.samples()["avi"][1]
    path = put(tmp_path, "a.avi", before)
    files.write(path, path, LABEL)
    after = path.read_bytes()
    movi = before.index(b"movi")
    assert after[movi:] == before[movi:]
    assert len(after) == len(before), "the junk before the pictures gave way"


def test_avi_without_room_gets_a_list_at_the_end_and_open_dml_keeps_its_indexes(tmp_path: Path) -> None:
    whole = media.samples()["avi"][1]
    junk = whole.rindex(b"JUNK", 0, whole.index(b"movi"))
    length = int.from_bytes(whole[junk + 4 : junk + 8], "little")
    tight = bytearray(whole[:junk] + whole[junk + 8 + length :])
    tight[4:8] = struct.pack("<I", len(tight) - 8)
    more = b"RIFF" + struct.pack("<I", 20) + b"AVIX" + chunk(b"LIST", b"moviabcd")
    for tail in (b"", more):
        path = put(tmp_path, "a.avi", bytes(tight) + tail)
        files.write(path, path, LABEL)
        data = path.read_bytes()
        assert data[8 : len(tight)] == tight[8:]
        sizes = int.from_bytes(data[4:8], "little"), int.from_bytes(data[len(tight) + 4 : len(tight) + 8], "little")
        assert (sizes[0] + 8 if not tail else len(tight) + 8 + sizes[1]) == len(data)
        files.write(path, path, Label.first(CODE, "number-2"))
        assert len(files.inspect(path).readings) == 1
        assert media.packets(path.read_bytes()) == media.packets(bytes(tight))


def test_a_label_that_ffmpeg_wrote_with_its_flag_is_read() -> None:
    target = io.BytesIO()
    source = media.samples()["mp4"][1]
    with (
        av.open(io.BytesIO(source), "r") as given,
        av.open(target, "w", format="mp4", options={"movflags": "use_metadata_tags"}) as out,
    ):
        stream = out.add_stream_from_template(given.streams.video[0])
        out.metadata["AIGC"] = json.dumps({"AIGC": LABEL.as_dict()})
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    found = files.inspect_bytes(target.getvalue(), "a.mp4")
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, LABEL, ())
