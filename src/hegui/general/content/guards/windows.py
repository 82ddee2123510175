"""Long texts in windows of whole sentences, since a guard overlooks a sentence in much harmless text.

QwenLM/Qwen3Guard issue 17: the same passage was `Controversial` alone and `Safe` with more text
after it. So each window is judged, and the worst of them counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[。！？!?；;…\n.](?:(?<!\.)|(?=\s|\Z))[。！？!?；;…\n]*[”’」』）)\"'\]]*")
"""A point ends a sentence only before a blank, so that numbers and addresses stay whole."""
_OVERLAP = 8
"""A sentence that is cut repeats the eighth part of a window at each cut."""


class TooLongError(ValueError):
    """A text would need more windows than are allowed."""


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text; joined they are the text."""
    start = 0
    for match in _END.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]


def windows(text: str, *, size: int, most: int, whole: int = 0) -> list[str]:
    """Return the parts of a text to judge; raise TooLongError when they would be more than `most`.

    A text of up to `size` characters is one part. A longer one is cut between sentences; each window
    begins with the last sentence of the one before where both have room, so that neighbours are seen
    together. A sentence longer than a window is cut, with an overlap. A text of up to `whole`
    characters is judged as a whole besides. Up to a third of `size` × `most` characters always fit.
    """
    if len(text) <= size:
        return [text]
    if len(text) > size * most:
        raise TooLongError
    parts: list[str] = []
    window, last = "", ""
    for sentence in _pieces(text, size):
        if window and len(window) + len(sentence) > size:
            parts.append(window)
            window = last if len(last) + len(sentence) <= size else ""
        window += sentence
        last = sentence
    parts.append(window)
    if len(text) <= whole:
        parts.append(text)
    if len(parts) > most:
        raise TooLongError
    return parts


def _pieces(text: str, size: int) -> Iterator[str]:
    """Yield sentences, those longer than a window cut into overlapping pieces."""
    step = size - size // _OVERLAP
    for sentence in sentences(text):
        if len(sentence) <= size:
            yield sentence
        else:
            yield from (sentence[at : at + size] for at in range(0, len(sentence) - size // _OVERLAP, step))
