"""Pages and texts that are not in UTF-8: the label goes in, and every other byte, the mark and the line ends stay."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from hegui.service.labels import files
from hegui.service.labels.containers import NotWritableError
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Label
from tests.unit.labels.test_files import CODE, LABEL, OTHER

PAGE = '<!DOCTYPE html>\r\n<html><head><meta charset="{}"><title>中文</title></head><body>正文 <p title="a>b">。</body></html>'
HTTP = PAGE.replace('charset="{}"', 'http-equiv="Content-Type" content="text/html; charset={}"')
XHTML = '<?xml version="1.0" encoding="{}"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>中</title></head><body/></html>'
LABEL_META = b'<meta name="AIGC" content="'
PAGES: dict[str, tuple[bytes, str]] = {
    "gbk": (PAGE.format("gbk").encode("gbk"), "gbk"),
    "gb2312": (PAGE.format("gb2312").encode("gb18030"), "gb18030"),
    "gb18030": (PAGE.format("GB18030").replace("正文", "正文㐂𠀀").encode("gb18030"), "gb18030"),
    "by another word": (HTTP.format("gb2312").encode("gbk"), "gbk"),
    "without a word": (PAGE.replace(' charset="{}"', "").encode("gbk"), "gbk"),
    "big5": (PAGE.format("big5").encode("big5"), "big5"),
    "shift_jis": (PAGE.format("Shift_JIS").encode("cp932"), "cp932"),
    "latin-1": (PAGE.format("iso-8859-1").encode("latin-1", "ignore") + b"\x81\xe9", "latin-1"),
    "utf-8 with a mark": (codecs.BOM_UTF8 + PAGE.format("utf-8").encode(), "utf-8"),
    "utf-16, little": (codecs.BOM_UTF16_LE + PAGE.format("utf-16").encode("utf-16-le"), "utf-16-le"),
    "utf-16, big": (codecs.BOM_UTF16_BE + PAGE.format("utf-16").encode("utf-16-be"), "utf-16-be"),
    "xhtml": (XHTML.format("gbk").encode("gbk"), "gbk"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_its_encoding_and_its_bytes(tmp_path: Path, name: str) -> None:
    before, encoding = PAGES[name]
    path = tmp_path / "a.html"
    path.write_bytes(before)
    assert files.inspect(path).verdict is Verdict.ABSENT
    acts: list[Callable[[], files.Inspection]] = [
        lambda: files.write(path, path, LABEL),
        lambda: files.write(path, path, Label.first(CODE, "number-2")),
        lambda: files.propagate(path, path, OTHER, "theirs"),
    ]
    for act in acts:
        assert act().verdict is Verdict.PRESENT
        data = path.read_bytes()
        meta = LABEL_META.decode().encode(encoding)
        start = data.index(meta)
        end = data.index("/>".encode(encoding), start) + len("/>".encode(encoding))
        assert data[:start] + data[end:] == before
        if b"charset" in before:
            assert start > data.index(b"charset"), "a browser looks for the encoding in the first kilobyte"


@pytest.mark.parametrize(
    "data",
    [
        PAGES["gbk"][0] + b"\xff\xff",
        PAGE.format("iso-2022-jp").encode("iso2022_jp", "ignore"),
        PAGE.format("utf-8").encode("gbk")[:-1] + b"\xff",
    ],
)
def test_a_page_that_can_not_be_given_back_as_it_was_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(data)
    with pytest.raises(NotWritableError):
        files.write(path, path, LABEL)
    assert path.read_bytes() == data


def test_a_page_whose_head_goes_on_is_unreadable_and_one_with_a_long_body_is_not() -> None:
    head = b"<html><head><title>x</title>" + b"<link href=x>" * 90_000
    assert files.inspect_bytes(head + b"</head></html>", "a.html").verdict is Verdict.UNREADABLE
    body = b"<html><head></head><body>" + b"<p>text" * 200_000
    assert files.inspect_bytes(body, "a.html").verdict is Verdict.ABSENT


TEXTS = {
    "mark": codecs.BOM_UTF8 + "---\ntitle: 题\n---\n正文".encode(),
    "crlf": "---\r\ntitle: 题\r\n---\r\n正文\r\n".encode(),
    "crlf without front matter": "# 题\r\n正文\r\n".encode(),
    "gbk": "---\ntitle: 题\n---\n正文".encode("gbk"),
    "utf-16": "---\ntitle: 题\n---\n正文".encode("utf-16"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_keeps_its_mark_its_line_ends_and_its_encoding(tmp_path: Path, name: str) -> None:
    before = TEXTS[name]
    path = tmp_path / "a.md"
    path.write_bytes(before)
    assert files.write(path, path, LABEL).label == LABEL
    assert files.propagate(path, path, OTHER, "theirs").label == LABEL.propagated(OTHER, "theirs")
    data = path.read_bytes()
    assert data.endswith(before[-12:])
    assert data[:2] == before[:2] or name == "crlf without front matter"
    if b"\r\n" in before:
        assert data.count(b"\n") == data.count(b"\r\n")


def test_plain_text_in_another_encoding_is_text() -> None:
    for encoding in ("gbk", "utf-16"):
        found = files.inspect_bytes("合规样例词甲子".encode(encoding), "a.txt")
        assert (found.container, found.verdict) == ("text", Verdict.ABSENT)
    assert files.inspect_bytes(b"\x89\0\1\2\3", "a.txt").verdict is Verdict.UNREADABLE
