"""Plain text, Markdown, HTML and JSON: which file is text at all, and labels in front matter and meta elements.

Markdown: YAML front matter, `AIGC:` with the seven keys (TC260-PG-20258A clause 6.5). HTML: no guide names a
place; practice is `<meta name="AIGC" content='{…}'>`. Plain text and JSON have no place: their label
stands in a file beside them (`sidecar`), and the explicit label in the text.
"""

from __future__ import annotations

import codecs
import html
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from hegui.kit.yaml import YAMLError, read_yaml
from hegui.service.labels.container import (
    MOST_SLOTS,
    NotWritableError,
    Slot,
    not_writable,
    pieces,
    unreadable,
)
from hegui.service.labels.containers.encodings import Beginning, is_utf8
from hegui.service.labels.schema import FIELDS, KEYWORD, LONGEST_VALUE, NEEDED, Deviation

__all__ = ["Html", "Json", "Markdown", "NotWritableError", "PlainText"]

_LONGEST_JSON = 4 << 20
"""Most bytes of a JSON: parsed it is many times as large."""
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(rf"^(['\"]?){KEYWORD}\1[ \t]*:.*(?:\r?\n(?:[ \t]+.*|[ \t]*(?=\r?\n)))*(?:\r?\n|\Z)", re.MULTILINE)
# An editor that takes the dashes for a rule escapes them, and the marks inside.
_DAMAGED = re.compile(
    rf"\A\s*\\?-{{3}}.{{0,200}}?^\s*{KEYWORD}\s*:.*?^\s*ContentProducer\s*:", re.DOTALL | re.MULTILINE
)
_DAMAGED_WITHIN = 4096
_LONGEST_META = 4 * LONGEST_VALUE
_LOWER = {one: one + 32 for one in range(ord("A"), ord("Z") + 1)}
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|meta|title|body)[\s>]",
    re.IGNORECASE,
)
_IN_HEAD = frozenset(
    {"html", "head", "!doctype", "meta", "link", "base", "title", "script", "style", "noscript", "template"}
)
_NAME = re.compile(r"<(/?[a-z][^\s/>]*|!doctype)")
_NEXT = re.compile("[>\"']")
_ATTRIBUTE = re.compile(r"(?<![^\s/\"'])([^\s=/>\"'<]++)\s*+=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']+)")
_RAW = frozenset(
    {"title", "textarea", "xmp", "noscript", "template", "script", "style", "iframe", "noembed", "noframes"}
)


class PlainText:
    """Text without a place for metadata."""

    name = "text"
    suffixes = frozenset({".txt", ".text", ".srt", ".vtt", ".csv", ".log"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as text in UTF-8; other encodings count under the suffixes of text alone."""
        return is_utf8(head)

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield nothing: what a text says of itself is its explicit label, not metadata."""
        name = Beginning.of(file).encoding
        decoder = codecs.getincrementaldecoder(name)()
        try:
            for piece in pieces(file, 0, file.seek(0, 2)):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise unreadable(f"不是 {name} 文本（{error.reason}）", f"is no text in {name} ({error.reason})") from None
        yield from ()

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Raise NotWritableError: the label goes into a file beside it."""
        del source, target, value
        raise not_writable("纯文本没有元数据的位置", "plain text has no place for metadata")

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the text."""
        yield from pieces(file, 0, file.seek(0, 2))


class Json(PlainText):
    """JSON: a sidecar, an answer of an API, or data that names itself; read alone."""

    name = "json"
    suffixes = frozenset({".json"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the label of an object that is one, or that holds one under `AIGC`."""
        file.seek(0)
        raw = file.read(_LONGEST_JSON + 1)
        if len(raw) > _LONGEST_JSON:
            raise unreadable("JSON 过大", "the JSON is too large")
        try:
            text = raw.decode(json.detect_encoding(raw))
            data = json.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            raise unreadable("不是 JSON", "is no JSON") from None
        if isinstance(data, dict):
            if (NEEDED - {"Label"}) & set(data):
                yield Slot("object", text)
            elif KEYWORD in data:
                yield Slot(KEYWORD, json.dumps({KEYWORD: data[KEYWORD]}, ensure_ascii=False))


class Markdown(PlainText):
    """Markdown with YAML front matter."""

    name = "markdown"
    suffixes = frozenset({".md", ".markdown", ".mdown"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the label of the front matter, a destroyed one too."""
        text = Beginning.of(file).text
        match = _FRONT.match(text)
        if match is None:
            damaged = _DAMAGED.match(text[:_DAMAGED_WITHIN])
            if damaged:
                yield Slot("front matter", damaged[0], (Deviation.DAMAGED_FRONT_MATTER,))
            return
        blocks = list(_BLOCK.finditer(match[1]))
        for block in blocks:
            yield self._slot(block[0])
        if not blocks and re.search(rf"^[ \t]*\W?{KEYWORD}\W?[ \t]*:", match[1], re.MULTILINE):
            yield self._slot(match[1])

    @staticmethod
    def _slot(block: str) -> Slot:
        if len(block) > LONGEST_VALUE:
            return Slot("front matter", block, (Deviation.FIELD_TOO_LONG,))
        try:
            data: Any = read_yaml(block)
        except YAMLError:
            return Slot("front matter", block, (Deviation.DAMAGED_FRONT_MATTER,))
        value = data.get(KEYWORD) if isinstance(data, dict) else None
        if value is None:
            return Slot("front matter", block, (Deviation.DAMAGED_FRONT_MATTER,))
        return Slot(
            "front matter", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        )

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the front matter, or begin the file with one; line ends stay as they are."""
        start = Beginning.of(source)
        text = start.text
        if next((slot for slot in self.read(source) if Deviation.DAMAGED_FRONT_MATTER in slot.notes), None):
            raise unreadable("文件头已被编辑器破坏", "the front matter was destroyed by an editor")
        end = "\r\n" if "\r\n" in text[:_DAMAGED_WITHIN] else "\n"
        fields = json.loads(value)
        plain = not start.encoding.startswith("utf")
        lines = [f"{KEYWORD}:", *(f"  {name}: {json.dumps(fields[name], ensure_ascii=plain)}" for name in FIELDS), ""]
        block = end.join(lines)
        match = _FRONT.match(text)
        if match is None:
            edits = [(0, 0, f"---{end}{block}---{end}")]
        else:
            at = match.start(1)
            edits = [(at + old.start(), at + old.end(), "") for old in _BLOCK.finditer(match[1])]
            edits.append((at, at, block))
        target.writelines(start.edited(source, edits))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the body and the rest of the front matter."""
        start = Beginning.of(file)
        match = _FRONT.match(start.text)
        at = start.place(match.end() if match else 0)
        yield _BLOCK.sub("", match[1]).encode() if match else b""
        yield b"\0"
        yield from pieces(file, at, file.seek(0, 2) - at)


class _Metas:
    """Where the label's meta elements stand, and where a new one can: in the head, and nowhere inside other text.

    The head is walked once, tag by tag; what a browser takes for text (a title, a script, a comment) is passed over.
    """

    def __init__(self, start: Beginning) -> None:
        self.found: list[tuple[int, int, str]] = []
        self.place = 0
        self._text = text = start.text
        self._body = start.whole
        # Letters beyond ASCII may change their number in lower case.
        low = text.translate(_LOWER)
        at, size = 0, len(low)
        while (at := low.find("<", at)) >= 0:
            if low.startswith("<!--", at):
                at = _after(low, "-->", at, size)
                continue
            name = _NAME.match(low, at)
            if name is None:
                at += 1
                continue
            end = _tag_end(low, name.end())
            if end < 0:
                if KEYWORD.lower() in low[at:] and name[1] == "meta":
                    raise unreadable("标签没有结束", "a tag does not end")
                break
            if name[1] in {"/head", "body"}:
                return
            self._tag(name[1], at, end)
            at = _after(low, f"</{name[1]}", end, size) if name[1] in _RAW else end
        if not self._body:
            raise unreadable("网页头部过长", "the head of the page is too long")

    def _tag(self, name: str, start: int, end: int) -> None:
        self._body = self._body or (name.lstrip("/") not in _IN_HEAD)
        if name in {"html", "head", "!doctype"}:
            self.place = end
        elif name == "meta" and end - start <= _LONGEST_META:
            given = {
                key.lower(): html.unescape(value.strip("\"'"))
                for key, value in _ATTRIBUTE.findall(self._text, start, end)
            }
            if "charset" in given or given.get("http-equiv", "").lower() == "content-type":
                # A browser looks for it in the first kilobyte only: the label goes behind it.
                self.place = end
            elif given.get("name", "").upper() == KEYWORD:
                self.found.append((start, end, given.get("content", "")))
                if len(self.found) > MOST_SLOTS:
                    raise unreadable("标识过多", "there are too many labels")
        elif name == "meta" and KEYWORD in self._text[start:end].upper():
            raise unreadable("标签过长", "a tag is too long")


def _after(text: str, mark: str, at: int, size: int) -> int:
    found = text.find(mark, at)
    return size if found < 0 else found + len(mark)


def _tag_end(text: str, at: int) -> int:
    """Return the place after the tag, quoted values passed over; -1 where it does not end."""
    while True:
        match = _NEXT.search(text, at)
        if match is None:
            return -1
        if match[0] == ">":
            return match.end()
        at = text.find(match[0], match.end()) + 1
        if not at:
            return -1


class Html(PlainText):
    """HTML pages, in the encoding that they say they have."""

    name = "html"
    suffixes = frozenset({".html", ".htm", ".xhtml"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as text, or as a page in another encoding."""
        return is_utf8(head) or _PAGE.match(head.replace(b"\0", b"")) is not None

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of meta elements."""
        for _, _, value in _Metas(Beginning.of(file, page=True)).found:
            yield Slot(f"meta {KEYWORD}", value)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the head, or where a head would begin; other labels go."""
        start = Beginning.of(source, page=True)
        metas = _Metas(start)
        new = f'<meta name="{KEYWORD}" content="{html.escape(value)}"/>'
        edits = [(at, end, "") for at, end, _ in metas.found]
        if metas.found:
            edits[0] = (*edits[0][:2], new)
        else:
            edits.append((metas.place, metas.place, new))
        target.writelines(start.edited(source, edits))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all but the labels."""
        start = Beginning.of(file, page=True)
        yield from start.edited(file, [(at, end, "") for at, end, _ in _Metas(start).found])
