"""Implicit labels of files: strict to write, lenient to read, and nothing lost on the way."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import pytest

from hegui.service.labels import files, schema, xmp
from hegui.service.labels.containers import UnreadableError
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Kind, Label, LabelError

USCC = "91350100M000100Y43"
CODE = f"0011{USCC}10001"
OTHER = "0011" + "91110102MACQD9K640" + "20000"
LABEL = Label.first(CODE, "0198f0c2-0000-7000-8000-000000000001")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(b"\0ab\0cd")) + chunk(b"IEND", b"")
    )


def text_chunk(keyword: bytes, text: str) -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + text.encode())


def xmp_chunk(packet: str) -> bytes:
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode())


def put(folder: Path, data: bytes, name: str = "a.png") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ATTRIBUTE = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="a>b" '
    f'xmlns:TC260="{xmp.NAMESPACE}" TC260:AIGC="{{&quot;Label&quot;:&quot;1&quot;}}"/></rdf:RDF></x:xmpmeta>'
)


def test_a_first_label_is_written_read_back_and_changes_nothing_else(tmp_path: Path) -> None:
    source = put(tmp_path, png(text_chunk(b"Title", "a picture")) + b"what follows the end")
    target = tmp_path / "out.png"
    found = files.write(source, target, LABEL)
    assert (found.verdict, found.label, found.deviations) == (Verdict.PRESENT, LABEL, ())
    assert source.read_bytes() == png(text_chunk(b"Title", "a picture")) + b"what follows the end"
    written = target.read_bytes()
    assert written.endswith(b"what follows the end")
    assert text_chunk(b"Title", "a picture") in written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "out.png"], "nothing half done is left"


def test_a_label_of_the_same_provider_is_replaced_and_there_is_never_more_than_one(tmp_path: Path) -> None:
    path = put(tmp_path, png(text_chunk(b"AIGC", json.dumps({"AIGC": LABEL.as_dict()}))))
    newer = Label.first(CODE, "number-2")
    assert files.write(path, path, newer).label == newer
    assert len(files.inspect(path).readings) == 1
    assert b"tEXtAIGC" not in path.read_bytes()


def test_a_label_of_another_provider_is_never_overwritten_but_passed_on(tmp_path: Path) -> None:
    theirs = Label.first(OTHER, "theirs")
    path = put(tmp_path, png())
    files.write(path, path, theirs)
    before = path.read_bytes()
    with pytest.raises(LabelError) as caught:
        files.write(path, path, LABEL)
    assert caught.value.cite == "LAB-10.2"
    assert path.read_bytes() == before
    passed = files.propagate(path, path, CODE, "ours").label
    assert passed == theirs.propagated(CODE, "ours")


def test_other_properties_of_a_packet_keep_their_bytes(tmp_path: Path) -> None:
    path = put(tmp_path, png(xmp_chunk(ATTRIBUTE)))
    first = files.inspect(path)
    assert first.deviations == (Deviation.XMP_ATTRIBUTE, Deviation.MISSING_FIELD, Deviation.PRODUCER_CODE)
    packet = xmp.put(ATTRIBUTE.encode(), LABEL.as_json())
    assert b'dc:format="a>b"' in packet
    assert packet.count(b"AIGC>") == 2
    assert b"TC260:AIGC=" not in packet
    (slot,) = xmp.read(packet, "x")
    assert slot.value == LABEL.as_json()
    assert xmp.put(packet, LABEL.as_json()) == packet, "once more changes nothing"
    own = f'<r:RDF xmlns:r="{RDF}"><r:Description><t:AIGC xmlns:t="{xmp.NAMESPACE}"/></r:Description></r:RDF>'
    (slot,) = xmp.read(xmp.put(own.encode(), LABEL.as_json()), "x")
    assert slot.value == LABEL.as_json()


@pytest.mark.parametrize(
    ("value", "deviations"),
    [
        (LABEL.as_json(), ()),
        (json.dumps({"AIGC": LABEL.as_dict()}), ()),
        (json.dumps({"AIGC": {"AIGC": LABEL.as_dict()}}), (Deviation.WRAPPED,)),
        (json.dumps(LABEL.as_json()), (Deviation.DOUBLE_ENCODED,)),
        (LABEL.as_json().replace('"', "&quot;"), (Deviation.ESCAPED,)),
        ('{"Label":"1","ContentProducer":"' + CODE + '","ProduceID":"a b"}', (Deviation.MISSING_FIELD, Deviation.CHARACTERS)),
        (json.dumps({**LABEL.as_dict(), "ReservedCode1": None}), (Deviation.NULL_VALUE,)),
        (json.dumps({**LABEL.as_dict(), "Label": 1}), (Deviation.NOT_TEXT,)),
        (json.dumps({**LABEL.as_dict(), "More": ""}), (Deviation.UNKNOWN_FIELD,)),
        (LABEL.as_json()[:-1] + ',"Label":"1"}', (Deviation.DUPLICATE_KEY,)),
        (json.dumps({**LABEL.as_dict(), "ContentPropagator": "", "PropagateID": ""}), (Deviation.FIRST_WRITE_EQUALITY,)),
        (LABEL.as_json().replace("Y43", "Y44"), (Deviation.CHECK_CHARACTER,)),
        (LABEL.as_json().replace(CODE, "000123"), (Deviation.PRODUCER_CODE, Deviation.PROPAGATOR_CODE)),
    ],
)  # fmt: skip
def test_what_real_writers_write_is_read_and_each_fault_named(value: str, deviations: tuple[Deviation, ...]) -> None:
    found = files.inspect_bytes(png(text_chunk(b"AIGC", value)), "a.png")
    assert found.verdict is Verdict.PRESENT
    assert found.label is not None
    assert found.label.label == "1"
    assert found.deviations == deviations


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (png(), Verdict.ABSENT),
        (png(text_chunk(b"AIGC", '{"aigc_type":1}')), Verdict.ABSENT),
        (png(text_chunk(b"AIGC", '{"Label":"1"')), Verdict.MALFORMED),
        (png(text_chunk(b"AIGC", json.dumps({**LABEL.as_dict(), "Label": "AIGC"}))), Verdict.MALFORMED),
        (png(text_chunk(b"AIGC", LABEL.as_json()), text_chunk(b"AIGC", LABEL.as_json())), Verdict.MULTIPLE),
        (png(text_chunk(b"AIGC", LABEL.as_json()), xmp_chunk(ATTRIBUTE)), Verdict.CONFLICTING),
        (png()[:-13], Verdict.UNREADABLE), (png()[:40], Verdict.UNREADABLE), (b"\x89PNG\r\n\x1a\n", Verdict.UNREADABLE),
        (png(xmp_chunk('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')), Verdict.UNREADABLE), (b"", Verdict.UNREADABLE),
    ],
)  # fmt: skip
def test_verdicts(data: bytes, verdict: Verdict) -> None:
    found = files.inspect_bytes(data, "a.png")
    assert found.verdict is verdict
    assert (found.problem is not None) is (verdict is Verdict.UNREADABLE)


@pytest.mark.parametrize(
    "label",
    [
        Label.first("000123", "a"), Label.first(CODE.replace("Y43", "Y44"), "a"), Label.first(CODE, ""), Label.first(CODE, "编号"),
        Label.first(CODE, "a b"), Label.first(CODE, 'a"b'), Label.first(CODE, "a\\b"), Label("9", CODE, "a", "", CODE, "a", ""),
        Label(Kind.IS, CODE, "a", "", OTHER, "b", ""),
    ],
)  # fmt: skip
def test_a_wrong_label_is_refused_before_anything_is_touched(tmp_path: Path, label: Label) -> None:
    path = put(tmp_path, png())
    with pytest.raises(LabelError) as caught:
        files.write(path, tmp_path / "out.png", label)
    assert caught.value.cite
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


def test_a_file_that_can_not_be_parsed_is_not_written(tmp_path: Path) -> None:
    path = put(tmp_path, png()[:-13])
    with pytest.raises(UnreadableError):
        files.write(path, path, LABEL)
    assert path.read_bytes() == png()[:-13]


def test_the_code_of_a_provider_holds_its_credit_code() -> None:
    assert schema.credit_code(CODE) == USCC
    assert schema.credit_code("hegui") == ""


def test_a_damaged_chunk_with_a_label_is_unreadable() -> None:
    data = png(text_chunk(b"AIGC", LABEL.as_json()))
    assert files.inspect_bytes(data.replace(b'"Label":"1"', b'"Label":"2"'), "a.png").verdict is Verdict.UNREADABLE


def test_half_a_character_is_read_and_passed_on_without_it(tmp_path: Path) -> None:
    odd = LABEL.as_json().replace("0198f0c2-", r"\ud800-")
    path = put(tmp_path, png(text_chunk(b"AIGC", odd)))
    assert Deviation.CHARACTERS in files.inspect(path).deviations
    passed = files.propagate(path, path, OTHER, "n").label
    assert passed is not None
    assert passed.produce_id.startswith("\ufffd-")


def test_two_packets_of_a_png_become_one_label(tmp_path: Path) -> None:
    path = put(tmp_path, png(xmp_chunk("<a/>"), xmp_chunk(xmp.put(None, LABEL.as_json()).decode())))
    with pytest.raises(UnreadableError):
        files.propagate(path, path, OTHER, "n")
    empty = xmp.blanked(xmp.put(None, LABEL.as_json())).decode()
    path = put(tmp_path, png(xmp_chunk(empty), xmp_chunk(xmp.put(None, LABEL.as_json()).decode())))
    assert files.propagate(path, path, OTHER, "n").label == LABEL.propagated(OTHER, "n")
    assert path.read_bytes().count(b"ContentProducer") == 1
