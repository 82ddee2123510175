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
from typing import Any, BinaryIO

from hegui.kit.yaml import YAMLError, read_yaml
from hegui.service.labels.containers.container import MOST_SLOTS, NotWritableError, Slot, not_writable, unreadable
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
_LONGEST_HEAD = 1 << 20
"""Most characters of a page in which its head is looked for."""
_NAME = re.compile(r"<(/?[a-z][^\s/>]*|!doctype)")
_NEXT = re.compile("[>\"']")
_ATTRIBUTE = re.compile(r"([^\s=/>\"'<]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']+)")
_RAW = frozenset(
    {"title", "textarea", "xmp", "noscript", "template", "script", "style", "iframe", "noembed", "noframes"}
)


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


class _Metas:
    """Where the label's meta elements stand, and where a new one can: in the head, and nowhere inside other text.

    The head is walked once, tag by tag; what a browser takes for text (a title, a script, a comment) is passed over.
    """

    def __init__(self, text: str) -> None:
        self.found: list[tuple[int, int, str]] = []
        self.place = 0
        self._text = text
        low = text[:_LONGEST_HEAD].lower()
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
                return
            if name[1] in {"/head", "body"}:
                return
            self._tag(name[1], at, end)
            at = _after(low, f"</{name[1]}", end, size) if name[1] in _RAW else end

    def _tag(self, name: str, start: int, end: int) -> None:
        if name in {"html", "head", "!doctype"}:
            self.place = end
        elif name == "meta":
            given = {
                key.lower(): html.unescape(value.strip("\"'"))
                for key, value in _ATTRIBUTE.findall(self._text[start:end])
            }
            if given.get("name", "").upper() == KEYWORD:
                self.found.append((start, end, given.get("content", "")))
                if len(self.found) > MOST_SLOTS:
                    raise unreadable("标识过多", "there are too many labels")


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
