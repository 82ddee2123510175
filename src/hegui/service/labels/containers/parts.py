"""XML parts of an office document: the elements below the root, where they stand, and the part again with others.

Found by a parser, edited as bytes: whatever is not touched keeps its bytes. No DTD and no entities are accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from hegui.service.labels.container import not_writable, unreadable

_MOST_TAGS = 200_000
"""Most tags of a part that is read; the largest known lists of contents have some ten thousand."""
_DEEPEST = 32


@dataclass(slots=True)
class Element:
    """An element below the root: namespace and name, attributes, all text in it, and where its bytes stand."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    text: list[str] = field(default_factory=list)
    parts: int = 0


class Part:
    """A part; raise UnreadableError for one that is no sound XML."""

    def __init__(self, name: str, data: bytes) -> None:
        self.data = data
        self.name = name
        self.elements: list[Element] = []
        self._root = self._close = 0
        self._empty = False
        self._depth = 0
        if data.count(b"<") > _MOST_TAGS or data.count(b"=") > _MOST_TAGS:
            raise unreadable(f"{name} 标签过多", f"{name} has too many tags")
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._refuse
        try:
            parser.Parse(data, True)  # noqa: FBT003 - its signature
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise unreadable(f"{name} 有误（{error}）", f"{name} is wrong ({error})") from None
        del self._parser

    def _refuse(self, *_: object) -> None:
        raise unreadable(f"{self.name} 含有 DTD 或实体", f"{self.name} has a DTD or entities")

    def _start(self, name: str, attributes: dict[str, Any]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise unreadable(f"{self.name} 嵌套过深", f"{self.name} is nested too deep")
        if self._depth == 1:
            self._root = self._parser.CurrentByteIndex
        elif self._depth == 2:  # noqa: PLR2004 - below the root
            self.elements.append(Element(name, attributes, self._parser.CurrentByteIndex))
        else:
            self.elements[-1].parts += 1

    def _text(self, text: str) -> None:
        if self._depth > 1:
            self.elements[-1].text.append(text)

    def _end(self, _: str) -> None:
        at = self._parser.CurrentByteIndex
        if self._depth == 2:  # noqa: PLR2004 - below the root
            last = self.elements[-1]
            last.end = at if self._is_empty(at, last.parts + len(last.text)) else self.data.find(b">", at) + 1
        elif self._depth == 1:
            self._close, self._empty = at, self._is_empty(at, len(self.elements))
        self._depth -= 1

    def _is_empty(self, at: int, parts: int) -> bool:
        """Say whether an element is written as one tag: its end is told behind it, not at an end tag."""
        return not parts and self.data[at - 2 : at] == b"/>"

    def with_element(self, new: str, *, without: Element | None = None) -> bytes:
        """Return the part with an element at the end of its root; raise NotWritableError where it is not in UTF-8.

        `{p}` in the new one is the prefix of the root's own namespace.
        """
        data = self.data if without is None else self.data[: without.start] + self.data[without.end :]
        at = self._close - (len(self.data) - len(data))
        tag = self.data[self._root + 1 if self._empty else self._close + 2 :].split(b">", 1)[0]
        name = tag.split()[0].rstrip(b"/") if tag.strip() else b""
        if not name or b"\0" in name:
            raise not_writable(f"{self.name} 不是 UTF-8", f"{self.name} is not in UTF-8")
        prefix = name.rpartition(b":")[0]
        more = new.replace("{p}", prefix.decode() + ":" if prefix else "").encode("ascii", "xmlcharrefreplace")
        if self._empty:
            return data[: at - 2] + b">" + more + b"</" + name + b">" + data[at:]
        return data[:at] + more + data[at:]
