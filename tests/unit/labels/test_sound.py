"""What WAV, MP3, FLAC and Ogg are made of: sizes, padding, pages and check sums are right, and other tags stay."""

from __future__ import annotations

import re
import struct
import wave
import zlib
from pathlib import Path

import pytest

from hegui.service.labels import files, xmp
from hegui.service.labels.containers.mp3 import frame_length
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label
from tests.unit.labels import media
from tests.unit.labels.media import put
from tests.unit.labels.test_files import CODE, LABEL

JSON = LABEL.as_json().encode()
OLD = Label.first(CODE, "number-old").as_json().encode()
OTHER = Deviation.OTHER_PLACE
AUDIO = media.samples()["mp3 without a tag"][1]


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def sound(*more: bytes, size: int | None = None, data: bytes = b"\0\1" * 10, length: int | None = None) -> bytes:
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    held = chunk(b"data", data)
    if length is not None:
        held = b"data" + struct.pack("<I", length) + data
    body = b"WAVE" + fmt + held + b"".join(more)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a WAV, read strictly: sizes and padding must lead exactly to the end."""
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    found, at = [], 12
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    assert at == len(data)
    return found


def texts(*parts: bytes) -> bytes:
    return chunk(b"LIST", b"INFO" + b"".join(parts))


def id3(version: int, *frames: bytes, flags: int = 0, padding: int = 0) -> bytes:
    body = b"".join(frames) + bytes(padding)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + size + body


def frame(name: bytes, text: bytes, *, version: int = 4, flags: bytes = b"\0\0") -> bytes:
    if version == 2:
        return name + len(text).to_bytes(3, "big") + text
    size = len(text).to_bytes(4, "big")
    if version == 4:
        size = bytes(len(text) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return name + size + flags + text


TITLE = {version: frame(b"TT2" if version == 2 else b"TIT2", b"\0kept", version=version) for version in (2, 3, 4)}
PRIV = frame(b"PRIV", b"XMP\0" + xmp.put(None, OLD.decode()))


@pytest.mark.parametrize(
    ("data", "verdict", "deviations"),
    [
        (sound(chunk(b"AIGC", OLD)), Verdict.PRESENT, ()),
        (sound(texts(chunk(b"INAM", b"kept\0"), chunk(b"AIGC", OLD))), Verdict.PRESENT, (OTHER,)),
        (sound(chunk(b"AIGC", OLD), texts(chunk(b"AIGC", OLD))), Verdict.MULTIPLE, (OTHER,)),
        (sound(chunk(b"id3 ", id3(4, TITLE[4], frame(b"TXXX", b"\3AIGC\0" + OLD)))), Verdict.PRESENT, (OTHER,)),
        (sound(chunk(b"_PMX", xmp.put(None, OLD.decode()))), Verdict.PRESENT, (OTHER,)),
        (sound(chunk(b"odd ", b"abc")), Verdict.ABSENT, ()),
        (sound(chunk(b"odd ", b"abc"))[:-1], Verdict.ABSENT, ()),
        (sound(size=0xFFFFFFFF, length=0xFFFFFFFF), Verdict.ABSENT, ()),
        (sound(size=0, length=0), Verdict.ABSENT, ()),
        (sound(size=0x7FFFFFFF, length=0x7FFFFFDB, data=b"\0\1" * 11 + b"\0"), Verdict.ABSENT, ()),
        (sound() + b"behind the end", Verdict.ABSENT, ()),
    ],
)  # fmt: skip
def test_wav_ends_with_one_chunk_and_exact_sizes(
    tmp_path: Path, data: bytes, verdict: Verdict, deviations: tuple[Deviation, ...]
) -> None:
    found = files.inspect_bytes(data, "a.wav")
    assert (found.verdict, found.deviations) == (verdict, deviations)
    path = put(tmp_path, "a.wav", data)
    assert files.write(path, path, LABEL).deviations == ()
    new = path.read_bytes()
    assert b"number-old" not in new
    assert new.count(b"kept") == data.count(b"kept")
    behind = b"behind the end" if data.endswith(b"behind the end") else b""
    assert new.endswith(behind)
    parts = chunks(new.removesuffix(behind))
    assert parts[-1] == (b"AIGC", JSON)
    samples = dict(parts)[b"data"]
    assert samples == data[data.index(b"data") + 8 :][: len(samples)]
    with wave.open(str(path)) as opened:
        assert opened.readframes(opened.getnframes()) == samples[: len(samples) // 2 * 2]


def test_rf64_keeps_its_size_in_ds64(tmp_path: Path) -> None:
    path = put(tmp_path, "a.wav", media.samples()["rf64"][1])
    files.write(path, path, LABEL)
    data = path.read_bytes()
    assert data[:8] == b"RF64\xff\xff\xff\xff"
    assert int.from_bytes(data[20:28], "little") == len(data) - 8


def test_wav_whose_parts_do_not_fit_is_unreadable() -> None:
    for bad in (sound(length=900), sound(size=4000), sound()[:50], sound().replace(b"data", b"d\0ta"), sound(chunk(b"id3 ", b"ID3\x04\0\0\0\0\x7f\x7f"))):  # fmt: skip
        assert files.inspect_bytes(bad, "a.wav").verdict is Verdict.UNREADABLE


# --- MP3 -----------------------------------------------------------------------------------------------

UTF16 = b"\1" + "AIGC".encode("utf-16") + b"\0\0" + OLD.decode().encode("utf-16")
CUT = re.sub(rb"\xff(?=[\xe0-\xff\0])", b"\xff\0", frame(b"TXXX", UTF16, version=3))
PACKED = len(b"\3AIGC\0" + OLD).to_bytes(4, "big") + zlib.compress(b"\3AIGC\0" + OLD)


@pytest.mark.parametrize(
    ("tag", "deviations"),
    [
        (id3(2, TITLE[2], frame(b"TXX", b"\0AIGC\0" + OLD, version=2)), ()),
        (id3(3, TITLE[3], frame(b"TXXX", b"\0AIGC\0" + OLD, version=3), padding=50), ()),
        (id3(3, TITLE[3], frame(b"TXXX", UTF16, version=3)), ()),
        (id3(3, TITLE[3], CUT, flags=0x80), ()),
        (id3(3, TITLE[3], frame(b"TXXX", PACKED, version=3, flags=b"\0\x80")), ()),
        (id3(4, TITLE[4], frame(b"TXXX", b"\3AIGC\0" + OLD)), ()),
        (id3(4, TITLE[4], frame(b"TXXX", b"\3AIGC\0" + OLD, version=3)), ()),
        (id3(4, b"\0\0\0\6\1\0", TITLE[4], frame(b"TXXX", b"\3AIGC\0" + OLD), flags=0x40), ()),
        (id3(4, TITLE[4], frame(b"TXXX", b"\3my-AIGC\0" + OLD)), (OTHER,)),
        (id3(4, TITLE[4], PRIV), (OTHER,)),
        (id3(4, TITLE[4]) + id3(4, frame(b"TXXX", b"\3AIGC\0" + OLD)), ()),
    ],
)  # fmt: skip
def test_id3_of_every_version_is_read_and_written_in_its_own(
    tmp_path: Path, tag: bytes, deviations: tuple[Deviation, ...]
) -> None:
    found = files.inspect_bytes(tag + AUDIO, "a.mp3")
    assert (found.verdict, found.deviations) == (Verdict.PRESENT, deviations)
    path = put(tmp_path, "a.mp3", tag + AUDIO)
    assert files.write(path, path, LABEL).deviations == ()
    new = path.read_bytes()
    assert b"number-old" not in new.replace(b"\0", b"")
    assert new[3] == tag[3]
    assert TITLE[tag[3]] in new
    assert new.endswith(AUDIO)
    assert media.tags(new)["AIGC"] == LABEL.as_json()
    assert media.packets(new) == media.packets(AUDIO)


def test_padding_of_a_tag_is_used_before_the_file_grows(tmp_path: Path) -> None:
    path = put(tmp_path, "a.mp3", id3(3, TITLE[3], padding=600) + AUDIO)
    size = path.stat().st_size
    files.write(path, path, LABEL)
    assert path.stat().st_size == size
    flac = put(tmp_path, "a.flac", media.samples()["flac"][1])
    size = flac.stat().st_size
    files.write(flac, flac, LABEL)
    assert flac.stat().st_size == size


def test_mp3_that_is_none_or_whose_tag_is_damaged_is_unreadable() -> None:
    whole = id3(4, TITLE[4])
    for bad in (
        whole, whole + b"no audio at all", whole[:12], id3(4, TITLE[4][:-2]) + AUDIO, id3(7, TITLE[4]) + AUDIO,
        id3(3, b"\1bad" + bytes(20)) + AUDIO, id3(4, frame(b"TXXX", PACKED[:-9], flags=b"\0\x09")) + AUDIO,
    ):  # fmt: skip
        assert files.inspect_bytes(bad, "a.mp3").verdict is Verdict.UNREADABLE


def test_lengths_of_mpeg_frames_lead_from_one_to_the_next() -> None:
    at, count = 0, 0
    while at < len(AUDIO):
        length = frame_length(AUDIO[at : at + 4])
        assert length
        at, count = at + length, count + 1
    assert (at, count) == (len(AUDIO), media.packets(AUDIO)[0][0] + 1), "the first frame holds the Xing head"


# --- FLAC and Ogg --------------------------------------------------------------------------------------


def test_flac_behind_a_tag_and_without_comments(tmp_path: Path) -> None:
    whole = media.samples()["flac"][1]
    head, audio = whole[:42], whole[8 + 34 :]
    at = 0
    while True:
        last, length = audio[at] & 0x80, int.from_bytes(audio[at + 1 : at + 4], "big")
        at += 4 + length
        if last:
            break
    alone = head[:4] + bytes([0x80]) + head[5:] + audio[at:]
    tag = id3(4, TITLE[4], frame(b"TXXX", b"\3AIGC\0" + OLD))
    for data, deviations in ((alone, None), (tag + whole, (OTHER,)), (tag + alone, (OTHER,))):
        found = files.inspect_bytes(data, "a.flac")
        assert found.deviations == (deviations or ())
        assert found.container == "flac"
        path = put(tmp_path, "a.flac", data)
        assert files.write(path, path, LABEL).deviations == ()
        assert media.packets(path.read_bytes()) == media.packets(whole)
        assert media.tags(path.read_bytes())["AIGC"] == LABEL.as_json()
        assert b"number-old" not in path.read_bytes()
    for bad in (whole[:3000].replace(b"\xff\xf8", b"\0\0"), whole[:100], alone[:42]):
        assert files.inspect_bytes(bad, "a.flac").verdict is Verdict.UNREADABLE


def slow_crc(data: bytes) -> int:
    """Return the check sum of RFC 3533, bit by bit."""
    found = 0
    for one in data:
        found ^= one << 24
        for _ in range(8):
            found = (found << 1 ^ (0x04C11DB7 if found & 1 << 31 else 0)) & 0xFFFFFFFF
    return found


def ogg_pages(data: bytes) -> list[tuple[int, int, bool]]:
    """Return stream and number of each page, and whether its check sum is right."""
    found, at = [], 0
    while at < len(data):
        assert data[at : at + 4] == b"OggS"
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        end = at + 27 + len(lacing) + sum(lacing)
        serial, number, check = struct.unpack_from("<III", data, at + 14)
        found.append((serial, number, slow_crc(data[at : at + 22] + bytes(4) + data[at + 26 : end]) == check))
        at = end
    return found


def test_ogg_pages_are_numbered_and_summed_again_when_the_comments_need_more_of_them(tmp_path: Path) -> None:
    for name in ("ogg", "opus", "ogv", "flac in ogg"):
        suffix, before = media.samples()[name]
        path = put(tmp_path, "a" + suffix, before)
        # A reserved code as long as the schema lets one be, then back to none: pages come and go.
        long = Label.first(CODE, "n" * 4096, reserved="r" * 4096)
        files.write(path, path, long)
        grown = path.read_bytes()
        assert media.tags(grown)["AIGC"] == long.as_json()
        files.write(path, path, LABEL)
        for data in (grown, path.read_bytes()):
            pages = ogg_pages(data)
            assert all(right for _, _, right in pages)
            for serial in {serial for serial, _, _ in pages}:
                numbers = [number for one, number, _ in pages if one == serial]
                assert numbers == list(range(len(numbers)))
            assert media.packets(data) == media.packets(before)


def test_opus_with_comments_over_several_pages_and_a_chain_of_streams(tmp_path: Path) -> None:
    whole = media.samples()["opus"][1]
    first = 28 + whole[27]
    lacing = whole[first + 27 : first + 27 + whole[first + 26]]
    start = first + 27 + len(lacing)
    packet, rest = whole[start : start + sum(lacing)], whole[start + sum(lacing) :]
    picture = b"PICTURE=" + b"p" * 150_000
    at = 12 + int.from_bytes(packet[8:12], "little")
    count = int.from_bytes(packet[at : at + 4], "little")
    packet = packet[:at] + struct.pack("<I", count + 1) + struct.pack("<I", len(picture)) + picture + packet[at + 4 :]
    serial = struct.unpack_from("<I", whole, 14)[0]
    pages = b""
    laces = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    for number in range(0, len(laces), 255):
        part = laces[number : number + 255]
        body = packet[number * 255 :][: sum(part)]
        pages += page(1 if number else 0, (serial, 1 + number // 255), part, body)
    for number, one in enumerate(split(rest), 1 + (len(laces) + 254) // 255):
        pages += page(one[5], (serial, number), one[27 : 27 + one[26]], one[27 + one[26] :], one[6:14])
    chained = b"".join(
        page(
            one[5],
            (serial + 1, struct.unpack_from("<I", one, 18)[0]),
            one[27 : 27 + one[26]],
            one[27 + one[26] :],
            one[6:14],
        )
        for one in split(whole)
    )
    path = put(tmp_path, "a.opus", whole[:first] + pages + chained)
    files.write(path, path, LABEL)
    data = path.read_bytes()
    assert picture in b"".join(one[27 + one[26] :] for one in split(data))
    assert all(right for _, _, right in ogg_pages(data))
    assert data.endswith(chained), "the second stream of the chain is left alone"
    assert media.tags(data)["AIGC"] == LABEL.as_json()


def split(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        end = at + 27 + data[at + 26] + sum(data[at + 27 : at + 27 + data[at + 26]])
        found.append(data[at:end])
        at = end
    return found


def page(flags: int, stream: tuple[int, int], lacing: bytes, body: bytes, granule: bytes = bytes(8)) -> bytes:
    head = b"OggS\0" + bytes([flags]) + granule + struct.pack("<III", *stream, 0) + bytes([len(lacing)]) + lacing
    return head[:22] + struct.pack("<I", slow_crc(head + body)) + head[26:] + body


def test_ogg_with_a_wrong_check_sum_is_unreadable() -> None:
    data = bytearray(media.samples()["ogg"][1])
    data[-30] ^= 1
    assert files.inspect_bytes(bytes(data), "a.ogg").verdict is Verdict.UNREADABLE
