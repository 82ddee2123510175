"""Labels of documents: office files, PDF, Markdown, HTML; plain text and JSON have theirs beside them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from hegui.kit.errors import HeguiError
from hegui.service.labels import files, sidecar
from hegui.service.labels.containers import NotWritableError
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label, LabelError
from tests.unit.labels.test_files import CODE, LABEL, OTHER

SAMPLES = Path(__file__).parents[4] / "shared" / "labelling-samples"


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["标题", 1])  # type: ignore[union-attr]
    book.custom_doc_props.append(openpyxl.packaging.custom.StringProperty(name="Client", value="a<b"))  # type: ignore[attr-defined]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def document(**more: str) -> bytes:
    """Return a minimal DOCX, its parts in the order given, one of them stored and one with a data descriptor."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        )
        archive.writestr(
            "_rels/.rels",
            '<r:Relationships xmlns:r="http://schemas.openxmlformats.org/package/2006/relationships"></r:Relationships>',
        )
        archive.writestr(zipfile.ZipInfo("word/document.xml"), "<w/>", compress_type=zipfile.ZIP_STORED)
        with archive.open("word/media/图.png", "w") as part:
            part.write(b"\x89PNG" * 500)
        for name, text in more.items():
            archive.writestr(name, text)
        archive.comment = b"kept"
    return out.getvalue()


def paper(**info: str) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 100)
    writer.add_metadata({"/Title": "标题", **{f"/{key}": value for key, value in info.items()}})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


PAGE = "<!DOCTYPE html>\n<html lang=zh>\n<head><title>题</title></head><body>文<meta name=x content='>'></body></html>"
FRONT = (
    "---\r\ntitle: 题\r\nAIGC:\r\n  Label: '1'\r\n  ContentProducer: "
    + CODE
    + "\r\ntags: [a]\r\n---\r\n正文\r\n---\r\n"
)
MADE: dict[str, bytes] = {
    "a.xlsx": workbook(), "a.docx": document(), "a.pdf": paper(), "plain.md": "# 题\n\n正文 ---\n".encode(), "front.md": FRONT.encode(),
    "rule.md": b"---\nno front matter\n", "mark.md": "\ufeff正文".encode(), "a.html": PAGE.encode(), "part.html": "<p>文".encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_label_is_written_once_replaced_passed_on_and_leaves_the_rest_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(MADE[name])
    first = files.write(path, tmp_path / f"out-{name}", LABEL)
    assert (first.verdict, first.label, first.deviations) == (Verdict.PRESENT, LABEL, ())
    assert path.read_bytes() == MADE[name]
    again = tmp_path / f"out-{name}"
    newer = Label.first(CODE, "number-2")
    assert files.write(again, again, newer).label == newer
    assert files.propagate(again, again, OTHER, "theirs").label == newer.propagated(OTHER, "theirs")
    assert len(files.inspect(again).readings) == 1


def test_an_office_file_keeps_its_parts_as_they_are_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(document())
    files.write(path, tmp_path / "b.docx", LABEL)
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(tmp_path / "b.docx") as after:
        assert after.testzip() is None
        assert after.comment == b"kept"
        assert set(after.namelist()) == {*before.namelist(), "docProps/custom.xml"}
        for item in ("word/document.xml", "word/media/图.png"):
            assert after.getinfo(item).compress_size == before.getinfo(item).compress_size
            assert after.read(item) == before.read(item)


def test_other_readers_read_the_label_and_other_properties_stay(tmp_path: Path) -> None:
    for name in ("a.xlsx", "a.pdf"):
        path = tmp_path / name
        path.write_bytes(MADE[name])
        files.write(path, path, LABEL)
    book: Any = openpyxl.load_workbook(tmp_path / "a.xlsx")
    properties = book.custom_doc_props
    assert {item.name: item.value for item in properties.props} == {"Client": "a<b", "AIGC": LABEL.as_json()}
    assert (tmp_path / "a.pdf").read_bytes().startswith(MADE["a.pdf"]), "what was signed stays as it was"
    info: Any = PdfReader(tmp_path / "a.pdf").metadata
    assert (info["/Title"], json.loads(info["/AIGC"])) == ("标题", LABEL.as_dict())


@pytest.mark.parametrize("name", ["a.txt", "a.srt", "a.json"])
def test_what_has_no_place_gets_its_label_beside_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("{}", "utf-8")
    with pytest.raises(NotWritableError):
        files.write(path, path, LABEL)
    assert sidecar.write(path, LABEL).label == LABEL
    path.write_text("{ }", "utf-8")
    changed = sidecar.read(path)
    assert changed is not None
    assert changed.verdict is Verdict.MALFORMED, "a label of other bytes is not this file's"


@pytest.mark.parametrize(
    ("name", "data", "verdict"),
    [
        ("a.md", b"AIGC: nothing\n", Verdict.ABSENT), ("a.md", b"---\nAIGC: [\n---\n", Verdict.MALFORMED),
        ("a.md", b"---\nAIGC:\n  Label: AIGC\n---\n", Verdict.MALFORMED), ("a.md", b"\xff\xff\0", Verdict.UNREADABLE),
        ("a.md", b"---\nAIGC:\n  Label: '1'\nb: 1\nAIGC:\n  Label: '2'\n---\n", Verdict.CONFLICTING),
        ("a.docx", document()[:-30], Verdict.UNREADABLE), ("a.docx", b"PK\x03\x04", Verdict.UNREADABLE), ("a.pdf", paper()[:-60], Verdict.UNREADABLE),
        ("a.docx", document(**{"docProps/custom.xml": "<!DOCTYPE a><a/>"}), Verdict.UNREADABLE),
        ("a.pdf", b"%PDF-1.7\nnothing\n%%EOF", Verdict.UNREADABLE), ("a.pdf", b"hello", Verdict.UNREADABLE), ("a.png", b"hello", Verdict.UNREADABLE),
        ("a.html", b"<meta name=aigc content='{\"Label\":\"3\"}'>", Verdict.PRESENT), ("a.json", b"{", Verdict.UNREADABLE),
    ],
)  # fmt: skip
def test_verdicts_of_odd_documents(name: str, data: bytes, verdict: Verdict) -> None:
    assert files.inspect_bytes(data, name).verdict is verdict


WANTED = {
    "bytedance_91110102MACQD9K640_md.md": (Verdict.PRESENT, {Deviation.CHARACTERS}),
    "bytedance_escaped_broken_md.md": (Verdict.MALFORMED, {Deviation.DAMAGED_FRONT_MATTER, Deviation.NOT_JSON}),
    "stepfun_md_1.md": (Verdict.PRESENT, set()), "tencent_91440300708461136T_md.md": (Verdict.PRESENT, set()),
    "jimeng_like_mp4_ilst.json": (Verdict.PRESENT, {Deviation.FIRST_WRITE_EQUALITY}),
    "tencent_ci_api_response.json": (Verdict.PRESENT, {Deviation.PRODUCER_CODE, Deviation.PROPAGATOR_CODE}),
    "douyin_private_aigc_info_not_TC260.json": (Verdict.ABSENT, set()),
}  # fmt: skip


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of real labels are not beside the repository")
@pytest.mark.parametrize("name", WANTED)
def test_labels_as_real_writers_write_them(name: str) -> None:
    found = files.inspect(SAMPLES / name)
    assert (found.verdict, set(found.deviations)) == WANTED[name]
    if found.verdict is Verdict.PRESENT:
        assert found.label is not None
        assert found.label.label == "1"


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(MADE)), cut=st.tuples(st.integers(0, 1 << 16), st.integers(0, 40)), put=st.binary(max_size=40),
    labelled=st.booleans(),
)  # fmt: skip
def test_damaged_documents_never_crash_and_never_say_what_was_not_written(
    tmp_path_factory: pytest.TempPathFactory, name: str, cut: tuple[int, int], put: bytes, *, labelled: bool
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    path.write_bytes(MADE[name])
    if labelled:
        files.write(path, path, LABEL)
    data = path.read_bytes()
    at, size = cut[0] % len(data), cut[1]
    data = data[:at] + put + data[at + size :]
    found = files.inspect_bytes(data, name)
    if found.verdict is Verdict.PRESENT and found.label is not None and b"AIGC" not in put:
        assert labelled or name == "front.md"
    path.write_bytes(data)
    try:
        written = files.write(path, path, LABEL)
    except HeguiError:
        assert path.read_bytes() == data
    else:
        assert written.label == LABEL


RELATION = (
    '<r:Relationships xmlns:r="http://schemas.openxmlformats.org/package/2006/relationships"><r:Relationship Id="r1" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties" Target="{}"/></r:Relationships>'
)


def moved(tmp_path: Path, name: str, target: str, *, again: bool = False) -> Path:
    """Return a labelled DOCX whose custom properties stand under another name, or under the usual one as well."""
    path, out = tmp_path / "a.docx", tmp_path / "moved.docx"
    path.write_bytes(document())
    files.write(path, path, LABEL)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.namelist():
            data = RELATION.format(target).encode() if item == "_rels/.rels" else old.read(item)
            new.writestr(name if item == "docProps/custom.xml" else item, data)
            if again and item == "docProps/custom.xml":
                new.writestr(item, data)
    return out


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("docProps/custom2.xml", "/docProps/custom2.xml"),
        ("docProps/Custom.xml", "docProps/custom.xml"),
        ("自.xml", "./%E8%87%AA.xml"),
    ],
)
def test_the_label_of_an_office_file_is_found_where_its_relationships_lead(
    tmp_path: Path, name: str, target: str
) -> None:
    path = moved(tmp_path, name, target)
    found = files.inspect(path)
    assert (found.verdict, found.label) == (Verdict.PRESENT, LABEL)
    with pytest.raises(LabelError, match="不能覆盖"):
        files.write(path, path, Label.first(OTHER, "theirs"))
    assert files.propagate(path, path, OTHER, "theirs").label == LABEL.propagated(OTHER, "theirs")
    with zipfile.ZipFile(path) as archive:
        assert "docProps/custom.xml" not in set(archive.namelist()) - {name}


def test_an_office_file_with_two_places_for_properties_is_read_in_both_and_not_written(tmp_path: Path) -> None:
    path = moved(tmp_path, "docProps/custom2.xml", "docProps/custom2.xml", again=True)
    assert files.inspect(path).verdict is Verdict.MULTIPLE
    with pytest.raises(NotWritableError):
        files.write(path, path, LABEL)


@pytest.mark.parametrize("name", ["o.jpg", "o.txt", "o.docx"])
def test_a_file_gets_no_name_of_another_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(paper())
    with pytest.raises(NotWritableError, match="另一种格式"):
        files.write(path, tmp_path / name, LABEL)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("beside", ["[]", "{}", '{"AIGC": null}'])
def test_a_file_of_a_label_that_holds_none_is_malformed(tmp_path: Path, beside: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("文", "utf-8")
    sidecar.sidecar_of(path).write_text(beside, "utf-8")
    found = sidecar.read(path)
    assert found is not None
    assert found.verdict is Verdict.MALFORMED


@pytest.mark.parametrize(
    "field",
    [
        "2020-01-01: x",
        "!!binary YWJj: x",
        "Time: 2020-01-01",
        "a: !!set {b}",
        f"a: 0x{'f' * 20_000}",
        "a: {2020-01-01: x}",
    ],
)
@pytest.mark.parametrize(
    "frame",
    [
        "---\nAIGC:\n  {}\n  ProduceID: z\n---\n",
        "---\nq:\n  AIGC:\n    {}\n    ProduceID: z\n---\n",
        "text\n\nAIGC:\n  {}\n  ProduceID: z\n\n",
    ],
)
def test_what_yaml_knows_and_json_does_not_is_told_and_breaks_nothing(field: str, frame: str) -> None:
    found = files.inspect_bytes(frame.format(field).encode(), "a.md")
    assert found.verdict in {Verdict.MALFORMED, Verdict.ABSENT}
    assert found.verdict is Verdict.MALFORMED or frame.startswith("text")


@pytest.mark.parametrize("value", ["9" * 5000, "2020-01-01", f"{{ProduceID = 0x{'9' * 5000}}}"])
def test_what_toml_knows_and_json_does_not_is_told_and_breaks_nothing(value: str) -> None:
    assert files.inspect_bytes(f"+++\nAIGC = {value}\n+++\n".encode(), "a.md").verdict is Verdict.MALFORMED


@pytest.mark.parametrize("value", ["{'a': {1, 2}}", "{(1, 2): 3}", f"0x{'f' * 5000}", "b'x'"])
def test_an_object_as_a_program_prints_it_breaks_nothing(value: str) -> None:
    page = f"<html><head><meta name=AIGC content=\"AIGC={{'ProduceID': {value}}}\">"
    assert files.inspect_bytes(page.encode(), "a.html").verdict is Verdict.MALFORMED
