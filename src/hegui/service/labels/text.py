"""Explicit labels of text: the wording rule, where the label stands, and where it must not stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import orjson

from hegui.kit.errors import InputError
from hegui.kit.text import Bi

# GB45438-5.1: an AI element and a generation element, both.
_AI = re.compile(r"人工智能|(?<![A-Za-z])AI(?![a-z])", re.IGNORECASE)
_GENERATION = re.compile(r"生成|合成|generated|synthe", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)", re.MULTILINE)
DEFAULT_WORDING = "（本内容由人工智能生成 / AI-generated）"


class WordingError(InputError):
    """A label lacks one of the two elements."""


class LabelPosition(StrEnum):
    """Where the label of a text stands."""

    START = "start"  # 文本起始
    END = "end"  # 文本末尾
    INTERFACE = "interface"  # 交互界面持续提示


def check_wording(text: str) -> str:
    """Return the wording, or raise WordingError when an element is missing: a bare "AI" is no label."""
    missing = []
    if not _AI.search(text):
        missing.append(("人工智能要素（人工智能 / AI）", "the AI element (人工智能 / AI)"))
    if not _GENERATION.search(text):
        missing.append(("生成合成要素（生成 / 合成）", "the generation element (生成 / 合成 / generated)"))
    if missing or len(text.splitlines()) > 1:
        zh = "、".join(item[0] for item in missing) or "单行文字"
        en = " and ".join(item[1] for item in missing) or "a single line"
        raise WordingError(
            Bi(f"标识文字“{text}”缺少：{zh}", f"the label {text!r} lacks {en}"),
            Bi(f"例如：{DEFAULT_WORDING}", f"for example: {DEFAULT_WORDING}"),
            cite="GB45438-5.1",
        )
    return text


def is_machine_text(text: str) -> bool:
    """Say whether a whole answer is JSON, or lines of JSON objects, in which a label must not be put."""
    stripped = text.strip()
    if stripped[:1] not in {"{", "["}:
        return False
    lines = [line for line in stripped.splitlines() if line.strip()]
    return _is_json(stripped) or all(line.lstrip()[:1] == "{" and _is_json(line) for line in lines)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _open_fence(text: str) -> bool:
    """Say whether a text ends inside a fenced code block."""
    fence = ""
    if "```" not in text and "~~~" not in text:
        return False
    for match in _FENCE.finditer(text):
        mark = match.group(1)
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence):
            fence = ""
    return bool(fence)


@dataclass(frozen=True)
class LabelStyle:
    """The operator's choice for a service."""

    position: LabelPosition = LabelPosition.END
    wording: str = DEFAULT_WORDING


class Labeller:
    """Labels one answer, whole or streamed: `before` the first text, `after` the last.

    A label for the start that the first text left open (it may become JSON) stands at the end, once
    it is known that the answer is a text after all.
    """

    __slots__ = ("_machine", "_style", "placed", "reason")

    def __init__(self, style: LabelStyle, *, machine: bool) -> None:
        self._style = style
        self._machine = machine
        self.placed = ""
        self.reason = ""

    def before(self, first: str) -> str:
        """Return what goes before the first text of an answer."""
        if self._style.position is not LabelPosition.START:
            return ""
        if self._machine or first.lstrip()[:1] in {"", "{", "["}:
            return ""
        self.placed = LabelPosition.START.value
        return f"{self._style.wording}\n\n"

    def after(self, whole: str) -> str:
        """Return what goes after an answer whose text was `whole`."""
        if self._style.position is LabelPosition.INTERFACE and whole:
            self.reason = LabelPosition.INTERFACE.value
        if self._style.position is LabelPosition.INTERFACE or self.placed or not whole:
            return ""
        if self._machine or is_machine_text(whole):
            self.reason = "machine_text"
            return ""
        if _open_fence(whole):
            self.reason = "open_code_fence"
            return ""
        self.placed = LabelPosition.END.value
        return f"\n\n{self._style.wording}"
