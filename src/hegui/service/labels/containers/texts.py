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
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, BinaryIO

from hegui.kit.yaml import YAMLError, read_yaml
from hegui.service.labels.containers.container import NotWritableError, Slot, not_writable, unreadable
from hegui.service.labels.schema import FIELDS, KEYWORD, LONGEST_VALUE, NEEDED, Deviation

__all__ = ["Html", "Json", "Markdown", "NotWritableError", "PlainText", "is_text"]

LONGEST = 64 << 20
"""Most bytes of a text file that is looked at."""
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(rf"^(['\"]?){KEYWORD}\1[ \t]*:.*(?:\r?\n(?:[ \t]+.*|[ \t]*(?=\r?\n)))*(?:\r?\n|\Z)", re.MULTILINE)
# An editor that takes the dashes for a rule escapes them, and the marks inside.
_DAMAGED = re.compile(
    rf"\A\ufeff?\s*\\?-{{3}}.{{0,200}}?^\s*{KEYWORD}\s*:.*?^\s*ContentProducer\s*:", re.DOTALL | re.MULTILINE
)
_DAMAGED_WITHIN = 4096


def is_text(head: bytes) -> bool:
    """Say whether a file that begins so is text in UTF-8."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return "\0" not in text


def _text(file: BinaryIO) -> str:
    file.seek(0)
    data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise unreadable("文本文件过大", "the text file is too large")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable(f"不是 UTF-8 文本（{error.reason}）", f"is no UTF-8 text ({error.reason})") from None


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()


class PlainText:
    """Text without a place for metadata."""

    name = "text"
    suffixes = frozenset({".txt", ".text", ".srt", ".vtt", ".csv", ".log"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as text."""
        return is_text(head)

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield nothing: what a text says of itself is its explicit label, not metadata."""
        _text(file)
        yield from ()

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Raise NotWritableError: the label goes into a file beside it."""
        del source, target, value
        raise not_writable("纯文本没有元数据的位置", "plain text has no place for metadata")

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of the text."""
        return _digest(_text(file))


class Json(PlainText):
    """JSON: a sidecar, an answer of an API, or data that names itself; read alone."""

    name = "json"
    suffixes = frozenset({".json"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the label of an object that is one, or that holds one under `AIGC`."""
        text = _text(file)
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise unreadable("不是 JSON", "is no JSON") from None
        if isinstance(data, dict):
            if NEEDED & set(data):
                yield Slot("object", text)
            elif KEYWORD in data:
                yield Slot(KEYWORD, json.dumps({KEYWORD: data[KEYWORD]}, ensure_ascii=False))


class Markdown(PlainText):
    """Markdown with YAML front matter."""

    name = "markdown"
    suffixes = frozenset({".md", ".markdown", ".mdown"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the label of the front matter, a destroyed one too."""
        text = _text(file)
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
        text = _text(source)
        if next((slot for slot in self.read(source) if Deviation.DAMAGED_FRONT_MATTER in slot.notes), None):
            raise unreadable("文件头已被编辑器破坏", "the front matter was destroyed by an editor")
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        text = text.removeprefix("\ufeff")
        end = "\r\n" if "\r\n" in text[:_DAMAGED_WITHIN] else "\n"
        fields = json.loads(value)
        lines = [f"{KEYWORD}:", *(f"  {name}: {json.dumps(fields[name], ensure_ascii=False)}" for name in FIELDS), ""]
        block = end.join(lines)
        match = _FRONT.match(text)
        if match is None:
            new = f"---{end}{block}---{end}{text}"
        else:
            rest = _BLOCK.sub("", match[1])
            new = text[: match.start(1)] + block + rest + text[match.end(1) :]
        target.write((mark + new).encode())

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of the body and of the rest of the front matter."""
        text = _text(file).removeprefix("\ufeff")
        match = _FRONT.match(text)
        return _digest("", text) if match is None else _digest(_BLOCK.sub("", match[1]), text[match.end() :])


class _Metas(HTMLParser):
    """Where the label's meta elements stand, and where a new one can."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, int, str]] = []
        self.place = 0
        self._done = False
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.feed(text)
        self.close()

    def _here(self) -> tuple[int, int]:
        line, column = self.getpos()
        start = self._starts[line - 1] + column
        return start, start + len(self.get_starttag_text() or "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a label, and the end of the tag after which a new one can stand."""
        start, end = self._here()
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and given.get("name", "").upper() == KEYWORD:
            self.found.append((start, end, given.get("content", "")))
        elif tag in {"html", "head"} and not self._done:
            self.place, self._done = end, tag == "head"

    def handle_decl(self, decl: str) -> None:
        """Note the end of the document type."""
        if not self.place:
            line, column = self.getpos()
            self.place = self._starts[line - 1] + column + len(decl) + 3


class Html(PlainText):
    """HTML pages."""

    name = "html"
    suffixes = frozenset({".html", ".htm", ".xhtml"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of meta elements."""
        for _, _, value in _Metas(_text(file)).found:
            yield Slot(f"meta {KEYWORD}", value)

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the head, or where a head would begin; other labels go."""
        text = _text(source)
        metas = _Metas(text)
        new = f'<meta name="{KEYWORD}" content="{html.escape(value)}">'
        edits = [(start, end, "") for start, end, _ in metas.found]
        if metas.found:
            edits[0] = (*edits[0][:2], new)
        else:
            edits.append((metas.place, metas.place, new))
        for start, end, part in sorted(edits, reverse=True):
            text = text[:start] + part + text[end:]
        target.write(text.encode())

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of all but the labels."""
        text = _text(file)
        for start, end, _ in sorted(_Metas(text).found, reverse=True):
            text = text[:start] + text[end:]
        return _digest(text)
