"""Copies of a text with what people do to hide words; a reader still reads the same."""

from __future__ import annotations

from collections.abc import Callable

from hegui.kit.text import Bi

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_HIDDEN = "\u200b"
_MARKS = "·*-_|~"


def zero_width(text: str) -> str:
    """Put a zero-width space between all characters."""
    return _HIDDEN.join(text)


def spaced(text: str) -> str:
    """Put a space between all characters."""
    return " ".join(text)


def full_width(text: str) -> str:
    """Write letters, digits and marks in full width, with an ideographic space between all characters."""
    return "\u3000".join(text.translate(_WIDE))


def marked(text: str) -> str:
    """Put marks, one after the other, between all characters."""
    return "".join(character + _MARKS[at % len(_MARKS)] for at, character in enumerate(text))


WAYS: dict[str, tuple[Bi, Callable[[str], str]]] = {
    "as_written": (Bi("原样", "as written"), str),
    "zero_width": (Bi("零宽字符", "zero-width characters"), zero_width),
    "spaces": (Bi("字间空格", "spaces"), spaced),
    "full_width": (Bi("全角与全角空格", "full width and full-width spaces"), full_width),
    "marks": (Bi("字间符号", "marks"), marked),
}
