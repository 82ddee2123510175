"""HTML: the label is a meta element in the head (practice: no guide names a place); those elsewhere are read too.

In the body, under `property` for `name`, in a comment, or in a script of data (JSON-LD). WHATWG HTML 4.2.5, 13.2.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from hegui.service.labels import loose
from hegui.service.labels.container import MOST_SLOTS, Slot, not_writable, pieces, unreadable
from hegui.service.labels.containers import objects
from hegui.service.labels.containers.encodings import LONGEST_HEAD, Beginning, is_utf8
from hegui.service.labels.containers.splice import elsewhere
from hegui.service.labels.containers.texts import PlainText
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_LONGEST_META = 4 * LONGEST_VALUE
_LOWER = {one: one + 32 for one in range(ord("A"), ord("Z") + 1)}
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*(?:<\?xml[^>]*>\s*)?(?><!--[\s\S]{0,2000}?-->\s*)*+<(?:!doctype\s+html|html|head|meta|title|body)[\s>]",
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
_NAMING = ("name", "property", "itemprop", "http-equiv")
_KEYWORD = re.compile(rb"\baigc\b", re.IGNORECASE)
_OBJECT = re.compile(rb"\"\s{0,9}:\s{0,9}[{\"]")
_OVERLAP = 512


class _Page:
    """What a page says of its label: meta elements, where a new one can stand, and labels in comments and scripts of data.

    It is walked once, tag by tag; what a browser takes for text (a title, a program) is passed over. Behind the
    head only where the keyword stands there at all.
    """

    def __init__(self, start: Beginning) -> None:
        self.found: list[tuple[int, int, Slot]] = []
        self.others: list[Slot] = []
        self.place = 0
        self._text = text = start.text
        self._body = start.whole
        self._left_head = False
        # Letters beyond ASCII may change their number in lower case.
        low = text.translate(_LOWER)
        last = low.rfind(KEYWORD.lower())
        at, size = 0, len(low)
        while (at := low.find("<", at)) >= 0 and not (self._left_head and at > last):
            if low.startswith("<!--", at):
                end = _after(low, "-->", at, size)
                self._comment(text[at + 4 : end - 3])
                at = end
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
            self._tag(name[1], at, end)
            at = end
            if name[1] in _RAW:
                at = _after(low, f"</{name[1]}", end, size)
                if name[1] == "script":
                    self._script(text[name.end() : end], text[end : at - len("</script")])
        if not self._body:
            raise unreadable("网页头部过长", "the head of the page is too long")

    def _tag(self, name: str, start: int, end: int) -> None:
        if name in {"/head", "body"} or name.lstrip("/") not in _IN_HEAD:
            self._body = self._left_head = True
        if name in {"html", "head", "!doctype"}:
            self.place = end
        elif name == "meta" and end - start <= _LONGEST_META:
            given = _given(self._text[start:end])
            charset = "charset" in given or given.get("http-equiv", "").lower() == "content-type"
            if charset and not self._left_head:
                # A browser looks for it in the first kilobyte only: the label goes behind it.
                self.place = end
            elif not charset:
                self._meta(given, start, end)
        elif name == "meta" and KEYWORD in self._text[start:end].upper():
            raise unreadable("标签过长", "a tag is too long")

    def _meta(self, given: dict[str, str], start: int, end: int) -> None:
        key = next((key for key in _NAMING if KEYWORD in given.get(key, "").upper()), "")
        if not key:
            return
        guides = key == "name" and given[key].upper() == KEYWORD and not self._left_head
        notes = () if guides else (Deviation.OTHER_PLACE,)
        self.found.append((start, end, Slot(f"meta {given[key]}", given.get("content", ""), notes)))
        if len(self.found) > MOST_SLOTS:
            raise unreadable("标识过多", "there are too many labels")

    def _comment(self, text: str) -> None:
        if "{" in text and len(self.others) < MOST_SLOTS:
            self.others += loose.elsewhere("comment", text)

    def _script(self, attributes: str, text: str) -> None:
        """Take the labels of a script that is data; a program that speaks of labels has none."""
        kind = _given(f"<script {attributes}").get("type", "").lower()
        if "json" not in kind or len(text) > _LONGEST_META or KEYWORD not in f"{attributes}{text}".upper():
            return
        try:
            self.others += elsewhere(objects.labels(json.loads(text)))
        except (ValueError, RecursionError):
            self.others += loose.elsewhere("script", text)


def _given(tag: str) -> dict[str, str]:
    return {key.lower(): html.unescape(value.strip("\"'")) for key, value in _ATTRIBUTE.findall(tag)}


def _far(file: BinaryIO) -> None:
    """Raise UnreadableError where a label stands so far behind the beginning of a page that it is not read."""
    kept, size = b"", file.seek(0, 2)
    for piece in pieces(file, LONGEST_HEAD, size - LONGEST_HEAD):
        window = kept + piece.replace(b"\0", b"")
        for match in _KEYWORD.finditer(window):
            before = window[max(match.start() - _OVERLAP // 2, 0) : match.start()].lower()
            if before.rfind(b"<meta") > before.rfind(b">") or _OBJECT.match(window, match.end()):
                raise unreadable("标识在网页第一个 MiB 之后", "its label stands behind the first MiB of the page")
        kept = window[-_OVERLAP:]


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
        """Yield the labels of meta elements, comments and scripts of data."""
        start = Beginning.of(file, page=True)
        page = _Page(start)
        if not start.whole:
            _far(file)
        yield from (slot for _, _, slot in page.found)
        yield from page.others

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Put the label into the head, or where a head would begin; other meta elements of it go."""
        start = Beginning.of(source, page=True)
        page = _Page(start)
        if page.others:
            raise not_writable("标识在注释或脚本里", "its label is in a comment or a script")
        new = f'<meta name="{KEYWORD}" content="{html.escape(value)}"/>'
        edits = [(at, end, "") for at, end, _ in page.found]
        if page.found and Deviation.OTHER_PLACE not in page.found[0][2].notes:
            edits[0] = (*edits[0][:2], new)
        else:
            edits.append((page.place, page.place, new))
        target.writelines(start.edited(source, sorted(edits)))

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield all but the labels."""
        start = Beginning.of(file, page=True)
        yield from start.edited(file, [(at, end, "") for at, end, _ in _Page(start).found])
