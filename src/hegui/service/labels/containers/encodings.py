"""Which encoding a text has, and the beginning of it so that places in the text are places in the file.

A byte-order mark, a page's own word, UTF-8, then GB 18030, as a browser would look (WHATWG Encoding; HTML 13.2.3).
What is put in is encoded alike; all else keeps its bytes. Where decoding is not exact nothing is written.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hegui.service.labels.container import not_writable, unreadable
from hegui.service.labels.edits import Edit, edited

LONGEST_HEAD = 1 << 20
"""Most bytes at the beginning of a text in which its label is looked for."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# Names that stand for more than they say, as browsers take them; a page that can say so in ASCII is no UTF-16.
_TAKEN_AS = {
    "gb2312": "gb18030", "gbk": "gb18030", "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8", "cp1252": "iso8859-1",
    "ascii": "iso8859-1", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950",
}  # fmt: skip
# Bytes below 0x80 mean other things in these, now and then.
_STATEFUL = ("iso2022", "iso-2022", "hz", "utf-7", "utf-32")
_SAID = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,100}encoding\s*=\s*[\"']([\w.:-]{2,40})",
    re.IGNORECASE,
)
_SAID_WITHIN = 4096
_LONGEST_CHARACTER = 4
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")


def is_utf8(head: bytes) -> bool:
    """Say whether a file that begins so is text in UTF-8."""
    return _decodes(head, "utf-8")


def is_text(head: bytes) -> bool:
    """Say whether a file that begins so is text in an encoding that needs no word of its own."""
    return encoding(head) is not None


def _decodes(head: bytes, name: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return False
    return ("\0" not in text) if name == "utf-8" else _CONTROL.search(text) is None


def encoding(head: bytes) -> tuple[str, int] | None:
    """Return the encoding of a text by its mark or its bytes, and the length of its mark; None for what is no text."""
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return (name, len(mark)) if _decodes(head[len(mark) :], name) else None
    return next(((name, 0) for name in ("utf-8", "gb18030") if _decodes(head, name)), None)


def said(head: bytes) -> str:
    """Return the encoding that a page says it has, by the name of the codec; empty where it says none that is known."""
    match = _SAID.search(head[:_SAID_WITHIN])
    if match is None:
        return ""
    try:
        name = codecs.lookup((match[1] or match[2]).decode()).name
    except LookupError:
        return ""
    return _TAKEN_AS.get(name, name)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first mebibyte of a text: `text` of it after a mark of `mark` bytes, and whether it goes back to the same bytes."""

    text: str
    encoding: str
    mark: int
    exact: bool
    whole: bool
    """Whether there is no more of it."""

    @classmethod
    def of(cls, file: BinaryIO, *, page: bool = False) -> Beginning:
        """Return the beginning of a file; `page` says that it may tell its encoding. Raise UnreadableError for no text."""
        file.seek(0)
        head = file.read(LONGEST_HEAD)
        whole = len(head) < LONGEST_HEAD or not file.read(1)
        found = encoding(head)
        if page and not (found and found[1]) and (told := said(head)):
            found = (told, 0) if not found or not _plain(head, told) else found
        if found is None:
            raise unreadable("不是文本，或编码不认识", "is no text, or its encoding is not known")
        name, mark = found
        raw = head[mark:]
        if name.startswith(_STATEFUL):
            return cls(raw.decode("latin-1"), name, mark, exact=False, whole=whole)
        try:
            text = codecs.getincrementaldecoder(name)().decode(raw, whole)
        except UnicodeDecodeError:
            return cls(raw.decode(name, "replace"), name, mark, exact=False, whole=whole)
        back = text.encode(name, "replace")
        return cls(
            text, name, mark, exact=raw.startswith(back) and len(raw) - len(back) < _LONGEST_CHARACTER, whole=whole
        )

    def place(self, at: int) -> int:
        """Return the place in the file of a place in the text; raise NotWritableError where that is not known."""
        if not self.exact:
            raise not_writable(f"{self.encoding} 编码中有不认识的字节", f"there are bytes that are no {self.encoding}")
        return self.mark + len(self.text[:at].encode(self.encoding))

    def edited(self, file: BinaryIO, edits: list[tuple[int, int, str]]) -> Iterator[bytes]:
        """Yield the file with other text in some places; what the encoding does not have becomes a character reference."""
        code = self.encoding
        new = [
            Edit(self.place(start), self.place(end), text.encode(code, "xmlcharrefreplace"))
            for start, end, text in edits
        ]
        yield from edited(file, new)


def _plain(head: bytes, told: str) -> bool:
    """Say whether a beginning reads the same in UTF-8 and in the encoding that it says it has."""
    return told == "utf-8" or (head.isascii() and not told.startswith(_STATEFUL))
