"""`hegui label mark`: the implicit label of a file outlives its mark, documents get their line, folders go through."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from hegui.service.labels import files, sidecar
from hegui.service.labels.commands import label
from hegui.service.labels.containers import CONTAINERS, UnreadableError
from hegui.service.labels.files import Verdict
from hegui.service.labels.marks.mark import Options, mark
from hegui.service.labels.schema import Label, LabelError
from hegui.service.labels.text import DEFAULT_WORDING

CODE = "0011" + "91350100M000100Y43" + "10001"
OTHER = "0011" + "91110102MACQD9K640" + "20000"
LABEL = Label.first(CODE, "0198f0c2-0000-7000-8000-000000000001")
PASSED_ON = LABEL.propagated(OTHER, "theirs-7")
KNOWN = {suffix for item in CONTAINERS for suffix in item.suffixes}


def image(path: Path) -> Path:
    options: dict[str, Any] = (
        {"save_all": True, "append_images": [Image.new("RGB", (240, 160), "navy")]} if path.suffix == ".gif" else {}
    )
    Image.new("RGB", (240, 160), (120, 160, 90)).save(path, **options)
    return path


def run(*given: object) -> Result:
    return CliRunner().invoke(label, [str(item) for item in given])


# --- the implicit label --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.tif", "a.avif"])
def test_the_implicit_label_of_a_picture_is_handed_on_field_by_field(tmp_path: Path, name: str) -> None:
    if Path(name).suffix not in KNOWN:
        pytest.skip(f"labels of {name} are not written yet")
    source = image(tmp_path / name)
    files.write(source, source, LABEL)
    files.propagate(source, source, OTHER, "theirs-7")
    done = mark(source, tmp_path / f"b{name}")
    found = files.inspect(tmp_path / f"b{name}")
    assert (found.verdict, found.label) == (Verdict.PRESENT, PASSED_ON)
    assert done.implicit.label == PASSED_ON
    assert done.details["good"]
    assert files.inspect(source).label == PASSED_ON, "the original is as it was"


def test_notes_of_a_png_and_foreign_xmp_stay(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Title", "a title")
    info.add_itxt("Comment", "一段说明", "zh")
    info.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
                  '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/png"/></rdf:RDF></x:xmpmeta>')  # fmt: skip
    source = tmp_path / "a.png"
    Image.new("RGB", (240, 160)).save(source, pnginfo=info)
    files.write(source, source, LABEL)
    mark(source, source)
    with Image.open(source) as shown:
        assert (shown.text["Title"], shown.text["Comment"]) == ("a title", "一段说明")  # type: ignore[attr-defined]
        assert "dc:format" in str(shown.info["xmp"])
    assert files.inspect(source).label == LABEL


def test_a_file_without_one_gets_none_unless_a_producer_is_given(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    assert mark(source, tmp_path / "b.png").implicit.verdict is Verdict.ABSENT
    assert mark(source, tmp_path / "c.png", Options(first=LABEL)).implicit.label == LABEL
    files.write(source, source, LABEL)
    other = Label.first(OTHER, "42")
    assert mark(source, tmp_path / "d.png", Options(first=other)).implicit.label == LABEL, (
        "never instead of one that is there"
    )


def test_labels_that_contradict_each_other_stop_the_mark(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for number in ("1", "2"):
        info.add_text("AIGC", json.dumps({"AIGC": Label.first(CODE, number).as_dict()}))
    Image.open(source).save(source, pnginfo=info)
    with pytest.raises(LabelError, match="不能原样保留"):
        mark(source, tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_damaged_file_stops_the_mark_and_leaves_all_as_it_was(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    source.write_bytes(source.read_bytes()[:-30])
    before = source.read_bytes()
    with pytest.raises(UnreadableError):
        mark(source, source)
    assert source.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_in_place(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    files.write(source, source, LABEL)
    before = source.read_bytes()
    mark(source, source)
    assert source.read_bytes() != before
    assert files.inspect(source).label == LABEL


# --- documents -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_markdown_has_the_line_after_its_front_matter_once(tmp_path: Path, end: str) -> None:
    source = tmp_path / "a.md"
    source.write_bytes(f"---{end}title: 茶{end}---{end}# 茶{end}".encode())
    files.write(source, source, LABEL)
    done = mark(source, tmp_path / "b.md")
    text = (tmp_path / "b.md").read_bytes().decode()
    body = text.split(f"---{end}", 2)[2]
    assert body == f"> {DEFAULT_WORDING}{end}{end}# 茶{end}"
    assert "title: 茶" in text
    assert done.implicit.label == LABEL
    assert mark(tmp_path / "b.md", tmp_path / "c.md").details["added"] is False
    assert (tmp_path / "c.md").read_bytes().decode().count(DEFAULT_WORDING) == 1


def test_plain_text_has_the_line_first_and_its_label_beside_it_follows(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("茶按制法分类。\n", "utf-8")
    sidecar.write(source, LABEL)
    done = mark(source, tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_text("utf-8") == f"{DEFAULT_WORDING}\n\n茶按制法分类。\n"
    beside = sidecar.read(tmp_path / "b.txt")
    assert beside is not None
    assert (beside.verdict, beside.label) == (Verdict.PRESENT, LABEL)
    assert done.implicit.label == LABEL


def test_html_has_the_line_at_the_top_of_its_body(tmp_path: Path) -> None:
    source = tmp_path / "a.html"
    source.write_text(
        '<!doctype html><html><head><title>茶</title></head><body class="a>b"><h1>茶</h1></body></html>', "utf-8"
    )
    mark(source, tmp_path / "b.html", Options(wording="AI生成 <b>"))
    text = (tmp_path / "b.html").read_text("utf-8")
    assert re.search(r'<body class="a>b"><p role="note"[^>]*>AI生成 &lt;b&gt;</p>', text)
    (tmp_path / "c.html").write_text("<html></html>")
    with pytest.raises(Exception, match="body"):
        mark(tmp_path / "c.html", tmp_path / "d.html")


TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def archive(path: Path, parts: dict[str, str]) -> Path:
    root = f'<Relationships xmlns="{RELS}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
    types = f'<Types xmlns="{TYPES}"><Default Extension="xml" ContentType="application/xml"/></Types>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in {"[Content_Types].xml": types, "_rels/.rels": root, **parts}.items():
            out.writestr(name, data)
    return path


def docx(path: Path, section: str, *, headers: bool = False) -> Path:
    relation = f'<Relationship Id="rId9" Type="{OFFICE}/header" Target="header1.xml"/>' if headers else ""
    return archive(path, {
        "word/document.xml": f'<w:document xmlns:w="{W}" xmlns:r="{OFFICE}"><w:body><w:p/>{section}</w:body></w:document>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{RELS}">{relation}</Relationships>',
        **({"word/header1.xml": f'<w:hdr xmlns:w="{W}"><w:p><w:r><w:t>旧页眉</w:t></w:r></w:p></w:hdr>'} if headers else {}),
    })  # fmt: skip


def part(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        return found.read(name).decode()


@pytest.mark.parametrize("section", ["", "<w:sectPr/>", "<w:sectPr><w:titlePg/></w:sectPr>"])
def test_a_document_without_headers_gets_one_for_each_kind_of_page(tmp_path: Path, section: str) -> None:
    source = docx(tmp_path / "a.docx", section)
    files.write(source, source, LABEL)
    done = mark(source, tmp_path / "b.docx")
    body = part(tmp_path / "b.docx", "word/document.xml")
    kinds = re.findall(r'<w:headerReference [^>]*w:type="(\w+)"[^>]*r:id="(\w+)"', body)
    assert {kind for kind, _ in kinds} >= ({"default", "first"} if "titlePg" in section else {"default"})
    relations = part(tmp_path / "b.docx", "word/_rels/document.xml.rels")
    assert all(f'Id="{number}"' in relations for _, number in kinds)
    target = re.findall(r'Target="(header\w+\.xml)"', relations)[0]
    assert DEFAULT_WORDING in part(tmp_path / "b.docx", f"word/{target}")
    assert f"/word/{target}" in part(tmp_path / "b.docx", "[Content_Types].xml")
    assert done.implicit.label == LABEL
    again = mark(tmp_path / "b.docx", tmp_path / "c.docx")
    assert again.details["added"] is False


def test_a_header_that_is_there_keeps_what_it_says_and_shows_the_line_first(tmp_path: Path) -> None:
    section = '<w:sectPr><w:headerReference w:type="default" r:id="rId9"/></w:sectPr>'
    mark(docx(tmp_path / "a.docx", section, headers=True), tmp_path / "b.docx")
    header = part(tmp_path / "b.docx", "word/header1.xml")
    assert header.index(DEFAULT_WORDING) < header.index("旧页眉")
    body = part(tmp_path / "b.docx", "word/document.xml")
    assert 'w:type="default" r:id="rId9"' in body
    assert body.count('w:type="default"') == 1


@pytest.mark.parametrize("old", [None, "旧页眉"])
def test_every_sheet_prints_the_line(tmp_path: Path, old: str | None) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("二")
    sheets: list[Any] = book.worksheets
    for sheet in sheets:
        sheet["A1"] = "茶"
        if old:
            sheet.oddHeader.center.text = old
    book.save(tmp_path / "a.xlsx")
    mark(tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    again: Any = openpyxl.load_workbook(tmp_path / "b.xlsx")
    sheets = again.worksheets
    for sheet in sheets:
        assert DEFAULT_WORDING in sheet.oddHeader.center.text
        assert (old or "") in sheet.oddHeader.center.text
        assert sheet["A1"].value == "茶"


def test_the_first_slide_shows_the_line(tmp_path: Path) -> None:
    p = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    source = archive(tmp_path / "a.pptx", {
        "ppt/presentation.xml": f'<p:presentation {p} xmlns:r="{OFFICE}"><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" '
                                'r:id="rId3"/></p:sldIdLst><p:sldSz cx="12192000" cy="6858000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{RELS}"><Relationship Id="rId3" Type="{OFFICE}/slide" Target="slides/slide1.xml"/>'
                                           f'<Relationship Id="rId2" Type="{OFFICE}/slide" Target="slides/slide2.xml"/></Relationships>',
        **{f"ppt/slides/slide{n}.xml": f'<p:sld {p}><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/></p:nvGrpSpPr></p:spTree>'
                                       '</p:cSld></p:sld>' for n in (1, 2)},
    })  # fmt: skip
    mark(source, tmp_path / "b.pptx")
    assert DEFAULT_WORDING in part(tmp_path / "b.pptx", "ppt/slides/slide2.xml"), "the one that is shown first"
    assert DEFAULT_WORDING not in part(tmp_path / "b.pptx", "ppt/slides/slide1.xml")
    import xml.etree.ElementTree as ET

    ET.fromstring(part(tmp_path / "b.pptx", "ppt/slides/slide2.xml"))


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_each_page_of_a_pdf_has_the_line_at_its_top_as_it_is_seen(tmp_path: Path, turn: int) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    for _ in range(2):
        writer.add_blank_page(400, 600).rotate(turn)
    writer.write(tmp_path / "a.pdf")
    files.write(tmp_path / "a.pdf", tmp_path / "a.pdf", LABEL)
    before = (tmp_path / "a.pdf").read_bytes()
    done = mark(tmp_path / "a.pdf", tmp_path / "b.pdf")
    assert done.implicit.label == LABEL
    assert (tmp_path / "b.pdf").read_bytes().startswith(before), "what was there stays"
    pages: Any = PdfReader(tmp_path / "b.pdf").pages
    assert len(pages) == 2
    for page in pages:
        drawn = page["/Resources"]["/XObject"]["/image"]
        data = page.get_contents().get_data().decode()
        assert "/image Do" in data
        numbers = re.search(r"^([-\d. ]+) cm$", data, re.MULTILINE)
        assert numbers is not None
        a, b, c, d, e, f = map(float, numbers[1].split())
        assert a * d - b * c > 0, "not mirrored"
        wide, high = int(drawn["/Width"]), int(drawn["/Height"])
        x, y = a * wide / 2 + c * high / 2 + e, b * wide / 2 + d * high / 2 + f
        seen = {0: (x, y), 90: (y, 400 - x), 180: (400 - x, 600 - y), 270: (600 - y, x)}[turn]
        size = (600, 400) if turn in {90, 270} else (400, 600)
        assert seen[0] == pytest.approx(size[0] / 2, abs=2)
        assert size[1] - 40 < seen[1] < size[1] - 10
    assert mark(tmp_path / "b.pdf", tmp_path / "c.pdf").details["added"] is False


# --- the command ---------------------------------------------------------------------------------------


def test_the_command_tells_place_height_and_contrast(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    done = run(
        "mark", source, "-o", tmp_path / "b.png", "--corner", "top-left", "--wording", "本图片由AI生成", "--json"
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["kind"] == "image"
    assert found["good"] is True
    assert found["text_height_ratio"] >= 0.05
    assert found["corner"] == "top-left"
    assert found["implicit"]["verdict"] == "absent"
    done = run("mark", source, "-o", tmp_path / "c.png", "--producer", CODE, "--id", "n-1")
    assert done.exit_code == 0
    assert "n-1" in done.output
    assert files.inspect(tmp_path / "c.png").label == Label.first(CODE, "n-1")


def test_a_folder_goes_through_with_an_answer_for_each_and_a_fault_stops_none(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    image(folder / "a.png")
    image(folder / "deep" / "b.png")
    (folder / "c.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (folder / "d.txt").write_text("文\n", "utf-8")
    done = run("mark", folder, "-o", tmp_path / "out", "--json")
    assert done.exit_code == 2
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == 4
    assert [("error" in line) for line in lines] == [False, True, False, False]
    made = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert made == ["a.png", "d.txt", "deep/b.png"]


@pytest.mark.parametrize(("flags", "said"), [
    (["--wording", "AI"], "GB45438-5.1"), (["--wording", "鹦鹉AI生成"], "鹦鹉"), (["--producer", "bad"], "27"),
    (["--speech", "x.wav"], "--speech-text"), (["--font", "/nowhere.otf"], "字体"),
])  # fmt: skip
def test_wrong_flags_are_told_with_a_remedy_and_nothing_is_written(tmp_path: Path, flags: list[str], said: str) -> None:
    source = image(tmp_path / "a.png")
    done = run("mark", source, "-o", tmp_path / "b.png", *flags)
    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / "b.png").exists()


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"\0\1\2" * 40)
    assert run("mark", tmp_path / "a.xyz", "-o", tmp_path / "b.xyz").exit_code == 2


def test_a_picture_of_another_kind_than_its_name_says_keeps_its_label(tmp_path: Path) -> None:
    source = image(tmp_path / "a.png")
    files.write(source, source, LABEL)
    wrong = tmp_path / "a.jpg"
    wrong.write_bytes(source.read_bytes())
    done = mark(wrong, tmp_path / "b.jpg")
    assert done.implicit.label == LABEL
    assert Image.open(io.BytesIO((tmp_path / "b.jpg").read_bytes())).format == "PNG"
