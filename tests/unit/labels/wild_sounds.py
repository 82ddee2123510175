"""Films and sounds as many writers leave them: every place of metadata that was seen to hold a label, and those that hold none."""

from __future__ import annotations

import re
import struct

from hegui.service.labels.containers import ebml
from hegui.service.labels.containers.ogg import crc
from tests.unit.labels import media
from tests.unit.labels.test_film import box, data_box, film, handler, keyed, segment, tag, tags, tunes
from tests.unit.labels.test_sound import AUDIO, chunk, frame, id3, sound, split, texts
from tests.unit.labels.wild import (
    ABSENT,
    CONFLICTING,
    ELSEWHERE,
    JSON,
    LABELLED,
    MALFORMED,
    MULTIPLE,
    NO_KEY,
    OTHERS,
    PRESENT,
    UNREADABLE,
    VALUES,
    WRAPPED,
    Case,
    D,
    case,
    fields,
)  # fmt: skip
from tests.unit.labels.wild_pictures import riff

BARE, WRAP, PACKET = JSON.encode(), WRAPPED.encode(), LABELLED.encode()
_XMP = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), PACKET)


def user(*boxes: bytes) -> bytes:
    return film(box(b"udta", *boxes))


def free(name: bytes, value: bytes) -> bytes:
    return box(b"----", box(b"mean", bytes(4), b"com.apple.iTunes"), box(b"name", bytes(4), name), data_box(value))


def flipped(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) >= 1
    at = data.rindex(old, 0, data.index(b'{"Label"'))
    return data[:at] + new + data[at + len(old) :]


def flv(*properties: bytes, name: bytes = b"onMetaData") -> bytes:
    """Return an FLV with one more script tag before the others."""
    whole = media.samples()["flv"][1]
    value = b"\x08" + struct.pack(">I", len(properties)) + b"".join(properties) + b"\0\0\x09"
    data = b"\x02" + struct.pack(">H", len(name)) + name + value
    return (
        whole[:13]
        + b"\x12"
        + len(data).to_bytes(3, "big")
        + bytes(7)
        + data
        + struct.pack(">I", len(data) + 11)
        + whole[13:]
    )


def amf(name: str, value: bytes, *, long: bool = False) -> bytes:
    head = b"\x0c" + struct.pack(">I", len(value)) if long else b"\x02" + struct.pack(">H", len(value))
    return struct.pack(">H", len(name)) + name.encode() + head + value


def amf_object(name: str, given: dict[str, str]) -> bytes:
    return (
        struct.pack(">H", len(name))
        + name.encode()
        + b"\x03"
        + b"".join(amf(key, value.encode()) for key, value in given.items())
        + b"\0\0\x09"
    )


def comments(*items: bytes) -> bytes:
    return (
        struct.pack("<I", 1)
        + b"v"
        + struct.pack("<I", len(items))
        + b"".join(struct.pack("<I", len(item)) + item for item in items)
    )


def flac(*items: bytes, kind: int = 4, raw: bytes = b"") -> bytes:
    whole, data = media.samples()["flac"][1], raw or comments(*items)
    return whole[:42] + bytes([kind]) + len(data).to_bytes(3, "big") + data + whole[42:]


def opus(item: bytes, form: str = "opus") -> bytes:
    """Return an Ogg whose comment of the encoder gives way to another, padded in the vendor's name's place."""
    pages = split(media.samples()[form][1])
    sign = {"opus": b"OpusTags", "ogg": b"\x03vorbis"}[form]
    at = next(number for number, one in enumerate(pages) if sign in one)
    old = pages[at]
    rest = old[27 + old[26] :]
    lacing = list(old[27 : 27 + old[26]])
    ends = next(number for number, one in enumerate(lacing) if one != 255) + 1
    length = sum(lacing[:ends])
    packet = sign + comments(item) + (b"\1" if form == "ogg" else b"")
    laces = bytes([255] * (len(packet) // 255) + [len(packet) % 255] + lacing[ends:])
    head = old[:26] + bytes([len(laces)]) + laces
    new = head[:22] + bytes(4) + head[26:] + packet + rest[length:]
    pages[at] = new[:22] + struct.pack("<I", crc(new)) + new[26:]
    return b"".join(pages)


def mp3(*frames: bytes, version: int = 4, flags: int = 0) -> bytes:
    return id3(version, *frames, flags=flags) + AUDIO


def attachment(name: str, data: bytes, kind: str = "application/json") -> bytes:
    parts = (
        ebml.packed(0x466E, name.encode())
        + ebml.packed(0x4660, kind.encode())
        + ebml.packed(0x465C, data)
        + ebml.packed(0x46AE, b"\1")
    )
    return ebml.packed(0x1941A469, ebml.packed(0x61A7, parts))


AVI = media.samples()["avi"][1]
UTF16 = b"\1" + "AIGC".encode("utf-16") + b"\0\0" + WRAPPED.encode("utf-16")
_CUT = re.sub(rb"\xff(?=[\xe0-\xff\0])", b"\xff\0", frame(b"TXXX", UTF16, version=3))
_KLING = fields(ReservedCode1="").replace('""', "null").replace('"ReservedCode2": ""', '"ReservedCode2": null')

IN_MP4 = tuple(
    case(f"MP4 key: {what}", "a.mp4", user(keyed(value.encode())), verdict, *notes)
    for what, value, verdict, notes in VALUES
)

FILMS: tuple[Case, ...] = (
    case("Kling: reserved codes null", "a.mp4", user(keyed(_KLING.encode())), PRESENT, D.NULL_VALUE),
    case("Doubao on iOS: bare moov.meta", "a.mov", film(keyed(BARE)), PRESENT, ELSEWHERE),
    case("Doubao on iOS: a list without keys", "a.mp4", user(tunes(box(b"\0\0\0\1", data_box(BARE)))), PRESENT, ELSEWHERE, NO_KEY),
    case("iTunes free item", "a.m4a", user(tunes(free(b"AIGC", BARE))), PRESENT, ELSEWHERE),
    case("iTunes comment", "a.mp4", user(tunes(box(b"\xa9cmt", data_box(WRAP)))), PRESENT, ELSEWHERE, NO_KEY),
    case("a key with a domain", "a.mp4", user(keyed(BARE, b"com.example.aigc")), PRESENT, ELSEWHERE),
    case("QuickTime's own comment", "a.mov", user(box(b"\xa9cmt", struct.pack(">HH", len(WRAP), 0x55C4) + WRAP)), PRESENT, ELSEWHERE),
    case("a box of its own", "a.mp4", user(box(b"AIGC", WRAP)), PRESENT, ELSEWHERE),
    case("XMP in a box of the file", "a.mp4", film(after=_XMP), PRESENT, ELSEWHERE),
    case("XMP in udta", "a.mov", user(box(b"XMP_", PACKET)), PRESENT, ELSEWHERE),
    case("a key's name spoilt", "a.mp4", flipped(user(keyed(BARE)), b"AIGC", b"AIGD"), PRESENT, ELSEWHERE, NO_KEY),
    case("udta spoilt", "a.mp4", flipped(user(keyed(BARE)), b"udta", b"udtb"), PRESENT, ELSEWHERE, NO_KEY),
    case("meta spoilt", "a.m4a", flipped(user(keyed(BARE)), b"meta", b"mets"), PRESENT, ELSEWHERE, NO_KEY),
    case("the handler spoilt", "a.mov", flipped(user(keyed(BARE)), b"hdlr", b"hdls"), PRESENT, ELSEWHERE, NO_KEY),
    case("the handler's kind spoilt", "a.mov", flipped(user(keyed(BARE)), handler(b"mdta"), handler(b"mdtb")), PRESENT, ELSEWHERE, NO_KEY),
    case("the list spoilt", "a.mp4", flipped(user(keyed(BARE)), b"ilst", b"ilsu"), PRESENT, ELSEWHERE, NO_KEY),
    case("the value's box spoilt", "a.mp4", flipped(user(keyed(BARE)), b"data", b"datb"), MALFORMED, D.NOT_JSON),
    case("Douyin's private keys", "a.mp4", user(keyed(b'{"data":{"aigc_info":"{\\"aigc_type\\":1}"}}', b"comment")), ABSENT),
    case("a private key with a number", "a.mp4", user(keyed(b"1", b"aigc_label_type")), ABSENT),
    case("a private key with a word", "a.mp4", user(keyed(b"ai_generated", b"com.example.aigc_type")), ABSENT),
    case("CapCut's own data", "a.mp4", user(tunes(box(b"\xa9cmt", data_box(b'{"product":"lv","source_type":"edit"}')))), ABSENT),
    case("equal in two places", "a.mp4", film(box(b"udta", keyed(BARE)), keyed(BARE)), MULTIPLE, ELSEWHERE),
    case("different in two places", "a.mp4", film(box(b"udta", keyed(BARE)), keyed(OTHERS.encode())), CONFLICTING, ELSEWHERE),
    case("cut off", "a.mp4", user(keyed(BARE))[:-20], UNREADABLE),
    case("MKV", "a.mkv", segment(tags(tag("AIGC", BARE))), PRESENT),
    case("MKV: in lower case", "a.mkv", segment(tags(tag("aigc", WRAP))), PRESENT),
    case("MKV: of a track", "a.mkv", segment(tags(tag("AIGC", BARE, target=ebml.packed(0x63C5, b"\1")))), PRESENT, ELSEWHERE),
    case("MKV: of a chapter", "a.webm", segment(tags(tag("AIGC", BARE, target=ebml.packed(0x63C4, b"\1")))), PRESENT, ELSEWHERE),
    case("MKV: in COMMENT", "a.mkv", segment(tags(tag("COMMENT", WRAP))), PRESENT, ELSEWHERE),
    case("MKV: attached", "a.mkv", segment(attachment("AIGC.json", BARE)), PRESENT, ELSEWHERE),
    case("MKV: a picture attached", "a.mkv", segment(attachment("cover.jpg", b"\xff\xd8\xff" + bytes(99), "image/jpeg")), ABSENT),
    case("MKV: a private tag", "a.mkv", segment(tags(tag("AIGC_TYPE", b"1"))), ABSENT),
    case("MKV: two that differ", "a.mkv", segment(tags(tag("AIGC", BARE), tag("AIGC", OTHERS.encode()))), CONFLICTING),
    case("MKV: the name spoilt", "a.mkv", flipped(segment(tags(tag("AIGC", BARE))), b"AIGC", b"AIGD"), PRESENT, ELSEWHERE, NO_KEY),
    case("MKV: the tags spoilt", "a.webm", flipped(segment(tags(tag("AIGC", BARE))), bytes.fromhex("1254c367"), bytes.fromhex("1254c366")), PRESENT, ELSEWHERE, NO_KEY),
    case("MKV: the tag spoilt", "a.mkv", flipped(segment(tags(tag("AIGC", BARE))), b"\x73\x73", b"\x73\x72"), PRESENT, ELSEWHERE, NO_KEY),
    case("MKV: the simple tag spoilt", "a.mkv", flipped(segment(tags(tag("AIGC", BARE))), b"\x67\xc8", b"\x67\xc9"), PRESENT, ELSEWHERE, NO_KEY),
    case("FLV", "a.flv", flv(amf("AIGC", BARE)), PRESENT),
    case("FLV: a long text", "a.flv", flv(amf("AIGC", WRAP, long=True)), PRESENT),
    case("FLV: an object", "a.flv", flv(amf_object("AIGC", dict.fromkeys(("Label",), "1") | {"ContentProducer": "x"})), PRESENT, D.NOT_JSON, D.MISSING_FIELD, D.PRODUCER_CODE),
    case("FLV: in comment", "a.flv", flv(amf("comment", WRAP)), PRESENT, ELSEWHERE),
    case("FLV: XMP", "a.flv", flv(amf("liveXML", PACKET, long=True), name=b"onXMPData"), PRESENT, ELSEWHERE),
    case("AVI", "a.avi", riff(AVI, b"LIST", b"INFO" + chunk(b"AIGC", BARE)), PRESENT),
    case("AVI: in the comment", "a.avi", riff(AVI, b"LIST", b"INFO" + chunk(b"ICMT", WRAP)), PRESENT, ELSEWHERE),
    case("AVI: a chunk", "a.avi", riff(AVI, b"AIGC", BARE), PRESENT, ELSEWHERE),
    case("AVI: XMP", "a.avi", riff(AVI, b"_PMX", PACKET), PRESENT, ELSEWHERE),
    case("AVI: the list spoilt", "a.avi", riff(AVI, b"LISU", b"INFO" + chunk(b"AIGC", BARE)), PRESENT, ELSEWHERE, NO_KEY),
    case("AVI: the list's kind spoilt", "a.avi", riff(AVI, b"LIST", b"INFP" + chunk(b"AIGC", BARE)), PRESENT, ELSEWHERE, NO_KEY),
    case("AVI: the name spoilt", "a.avi", riff(AVI, b"LIST", b"INFO" + chunk(b"AIGD", BARE)), PRESENT, ELSEWHERE, NO_KEY),
)  # fmt: skip

SOUNDS: tuple[Case, ...] = (
    case("WAV", "a.wav", sound(chunk(b"AIGC", BARE)), PRESENT),
    case("WAV: twice, as one library writes it", "a.wav", sound(chunk(b"AIGC", BARE), texts(chunk(b"AIGC", BARE))), MULTIPLE, ELSEWHERE),
    case("WAV: in the comment", "a.wav", sound(texts(chunk(b"ICMT", WRAP + b"\0"))), PRESENT, ELSEWHERE),
    case("WAV: iXML", "a.wav", sound(chunk(b"iXML", b"<BWFXML><USER><AIGC>" + BARE + b"</AIGC></USER></BWFXML>")), PRESENT, ELSEWHERE),
    case("WAV: the description of bext", "a.wav", sound(chunk(b"bext", WRAP.ljust(602, b"\0"))), PRESENT, ELSEWHERE),
    case("WAV: ID3", "a.wav", sound(chunk(b"id3 ", id3(3, frame(b"TXXX", b"\0AIGC\0" + BARE, version=3)))), PRESENT, ELSEWHERE),
    case("WAV: XMP", "a.wav", sound(chunk(b"_PMX", PACKET)), PRESENT, ELSEWHERE),
    case("WAV: in lower case", "a.wav", sound(chunk(b"aigc", BARE)), PRESENT),
    case("WAV: NULs behind", "a.wav", sound(chunk(b"AIGC", BARE + bytes(3))), PRESENT),
    case("WAV: the name spoilt", "a.wav", sound(chunk(b"AIGD", BARE)), PRESENT, ELSEWHERE, NO_KEY),
    case("WAV: nothing", "a.wav", sound(texts(chunk(b"ISFT", b"Lavf"))), ABSENT),
    case("MP3: TXXX", "a.mp3", mp3(frame(b"TXXX", b"\3AIGC\0" + BARE)), PRESENT),
    case("MP3: TXXX 2.3, UTF-16, unsynchronised", "a.mp3", mp3(_CUT, version=3, flags=0x80), PRESENT),
    case("MP3: TXX 2.2", "a.mp3", mp3(frame(b"TXX", b"\0AIGC\0" + BARE, version=2), version=2), PRESENT),
    case("MP3: TXXX in lower case", "a.mp3", mp3(frame(b"TXXX", b"\3aigc\0" + BARE)), PRESENT),
    case("MP3: a comment called AIGC", "a.mp3", mp3(frame(b"COMM", b"\3zhoAIGC\0" + BARE)), PRESENT, ELSEWHERE),
    case("MP3: a comment that is a label", "a.mp3", mp3(frame(b"COMM", b"\3eng\0" + WRAP)), PRESENT, ELSEWHERE),
    case("MP3: a comment in UTF-16", "a.mp3", mp3(frame(b"COMM", b"\1eng\xff\xfe\0\0" + WRAPPED.encode("utf-16"))), PRESENT, ELSEWHERE),
    case("MP3: a comment 2.2", "a.mp3", mp3(frame(b"COM", b"\0engAIGC\0" + BARE, version=2), version=2), PRESENT, ELSEWHERE),
    case("MP3: lyrics", "a.mp3", mp3(frame(b"USLT", b"\3zhoAIGC\0" + BARE)), PRESENT, ELSEWHERE),
    case("MP3: PRIV", "a.mp3", mp3(frame(b"PRIV", b"AIGC\0" + BARE)), PRESENT, ELSEWHERE),
    case("MP3: PRIV, XMP", "a.mp3", mp3(frame(b"PRIV", b"XMP\0" + PACKET)), PRESENT, ELSEWHERE),
    case("MP3: GEOB", "a.mp3", mp3(frame(b"GEOB", b"\0application/json\0AIGC.json\0AIGC\0" + BARE)), PRESENT, ELSEWHERE),
    case("MP3: TXXX comment", "a.mp3", mp3(frame(b"TXXX", b"\3comment\0" + WRAP)), PRESENT, ELSEWHERE),
    case("MP3: a private TXXX", "a.mp3", mp3(frame(b"TXXX", b"\3aigc_type\x001")), ABSENT),
    case("MP3: a comment of people", "a.mp3", mp3(frame(b"COMM", b"\3eng\0AIGC demo")), ABSENT),
    case("MP3: two frames that differ", "a.mp3", mp3(frame(b"TXXX", b"\3AIGC\0" + BARE), frame(b"TXXX", b"\3AIGC\0" + OTHERS.encode())), CONFLICTING),
    case("MP3: a frame too long", "a.mp3", mp3(frame(b"TXXX", b"\3AIGC\0" + BARE)[:-9]), UNREADABLE),
    case("MP3: Label 4", "a.mp3", mp3(frame(b"TXXX", b"\3AIGC\0" + fields(Label="4").encode())), MALFORMED, D.LABEL_VALUE),
    case("FLAC", "a.flac", flac(b"AIGC=" + BARE), PRESENT),
    case("FLAC: in lower case", "a.flac", flac(b"aigc=" + WRAP), PRESENT),
    case("FLAC: a comment", "a.flac", flac(b"DESCRIPTION=" + WRAP), PRESENT, ELSEWHERE),
    case("FLAC: behind ID3", "a.flac", id3(4, frame(b"TXXX", b"\3AIGC\0" + BARE)) + flac(), PRESENT, ELSEWHERE),
    case("FLAC: a block of an application", "a.flac", flac(kind=2, raw=b"AIGC" + BARE), PRESENT, ELSEWHERE),
    case("FLAC: a private comment", "a.flac", flac(b"AIGC_MODEL=suno"), ABSENT),
    case("Opus", "a.opus", opus(b"AIGC=" + BARE), PRESENT),
    case("Opus: mixed case", "a.opus", opus(b"Aigc=" + BARE), PRESENT),
    case("Opus: a comment", "a.opus", opus(b"COMMENT=" + WRAP), PRESENT, ELSEWHERE),
    case("Vorbis", "a.ogg", opus(b"aigc=" + BARE, "ogg"), PRESENT),
    case("AAC in ADTS", "a.aac", b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(60), UNREADABLE),
    case("AIFF", "a.aiff", b"FORM\0\0\0\x20AIFFAIGC" + bytes(24), UNREADABLE),
)  # fmt: skip

CASES = (*IN_MP4, *FILMS, *SOUNDS)
