"""Plain text, Markdown and JSON: which file is text at all, and labels in front matter and objects.

Markdown: YAML front matter, `AIGC:` with the seven keys (TC260-PG-20258A clause 6.5). Plain text and JSON have no
place: their label stands in a file beside them (`sidecar`), and the explicit label in the text.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from hegui.service.labels.container import NotWritableError, Slot, not_writable, pieces, unreadable
from hegui.service.labels.containers import front, objects
from hegui.service.labels.containers.encodings import Beginning, is_utf8
from hegui.service.labels.containers.splice import elsewhere
from hegui.service.labels.schema import FIELDS, KEYWORD, Deviation

__all__ = ["Json", "JsonLines", "Markdown", "NotWritableError", "PlainText"]

_LONGEST_JSON = 4 << 20
"""Most bytes of a JSON: parsed it is many times as large."""
_TAIL = 64 << 10
"""Bytes at the end of a long text in which a label is looked for that was moved there."""


class PlainText:
    """Text without a place for metadata."""

    name = "text"
    suffixes = frozenset({".txt", ".text", ".srt", ".vtt", ".csv", ".log"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as text in UTF-8; other encodings count under the suffixes of text alone."""
        return is_utf8(head)

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield nothing but a front matter: what a text says of itself is its explicit label, not metadata."""
        start = Beginning.of(file)
        name = start.encoding
        decoder = codecs.getincrementaldecoder(name)()
        try:
            for piece in pieces(file, 0, file.seek(0, 2)):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise unreadable(f"不是 {name} 文本（{error.reason}）", f"is no text in {name} ({error.reason})") from None
        if start.text.startswith("---"):
            # A Markdown text under the name of a plain one.
            yield from elsewhere(front.labels(start.text))

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
        """Yield the labels of an object that is one, or that holds some, and of lines of such objects."""
        file.seek(0)
        raw = file.read(_LONGEST_JSON + 1)
        if len(raw) > _LONGEST_JSON:
            raise unreadable("JSON 过大", "the JSON is too large")
        data = _loaded(raw)
        if data is None:
            lines = [_loaded(line) for line in raw.splitlines() if line.strip()]
            if len(lines) < 2 or None in lines:  # noqa: PLR2004 - one line alone is no JSON at all
                raise unreadable("不是 JSON", "is no JSON")
            data = lines
        if isinstance(data, dict) and objects.is_label(data):
            # As it stands: a key may be there twice.
            yield Slot("object", raw.decode(json.detect_encoding(raw)))
        else:
            yield from objects.labels(data)


class JsonLines(Json):
    """Lines of JSON: data sets, logs, answers one below the other; read alone, line by line."""

    name = "jsonl"
    suffixes = frozenset({".jsonl", ".ndjson"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of every line; raise UnreadableError for a line that is no JSON."""
        rest = b""
        for piece in pieces(file, 0, file.seek(0, 2)):
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            if len(rest) > _LONGEST_JSON:
                raise unreadable("JSON 过大", "the JSON is too large")
            for line in lines:
                yield from self._line(line)
        yield from self._line(rest)

    @staticmethod
    def _line(line: bytes) -> Iterator[Slot]:
        if line.strip(b"\xef\xbb\xbf \t\r\0"):
            data = _loaded(line)
            if data is None:
                raise unreadable("有一行不是 JSON", "a line is no JSON")
            yield from objects.labels(data)


def _loaded(raw: bytes) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return the data of a JSON; None for what is none, and for null."""
    try:
        return json.loads(raw.decode(json.detect_encoding(raw)).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


class Markdown(PlainText):
    """Markdown with YAML front matter."""

    name = "markdown"
    suffixes = frozenset({".md", ".markdown", ".mdown"})

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the label of the front matter, a destroyed one too, and one that was moved elsewhere."""
        start = Beginning.of(file)
        found = list(front.labels(start.text))
        if not found and not start.whole:
            size = file.seek(0, 2)
            tail = b"".join(pieces(file, max(size - _TAIL, 0), min(size, _TAIL)))
            found = list(front.labels("\n" + tail.decode(start.encoding, "replace")))
        yield from found

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the front matter, or begin the file with one; line ends stay as they are."""
        start = Beginning.of(source)
        text = start.text
        notes = {note for slot in self.read(source) for note in slot.notes}
        if Deviation.DAMAGED_FRONT_MATTER in notes:
            raise unreadable("文件头已被编辑器破坏", "the front matter was destroyed by an editor")
        if notes & {Deviation.OTHER_PLACE, Deviation.NO_KEY}:
            raise not_writable(
                "标识在文件头的 AIGC 键以外", "its label stands elsewhere than under the key AIGC of the front matter"
            )
        end = "\r\n" if "\r\n" in text[: front.WITHIN] else "\n"
        fields = json.loads(value)
        plain = not start.encoding.startswith("utf")
        lines = [f"{KEYWORD}:", *(f"  {name}: {json.dumps(fields[name], ensure_ascii=plain)}" for name in FIELDS), ""]
        block = end.join(lines)
        match = front.FRONT.match(text)
        if match is None:
            edits = [(0, 0, f"---{end}{block}---{end}")]
        else:
            at = match.start(1)
            edits = [(at + old.start(), at + old.end(), "") for old in front.BLOCK.finditer(match[1])]
            edits.append((at, at, block))
        target.writelines(start.edited(source, edits))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the body and the rest of the front matter."""
        start = Beginning.of(file)
        match = front.FRONT.match(start.text)
        at = start.place(match.end() if match else 0)
        yield front.BLOCK.sub("", match[1]).encode() if match else b""
        yield b"\0"
        yield from pieces(file, at, file.seek(0, 2) - at)
