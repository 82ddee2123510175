"""Files that stand in a text as data URLs without base64: bytes as percent signs, or the markup of a picture as it is.

Read as browsers read them, with the escapes of JSON and of HTML. Markup (SVG) has no place for a label in any guide, so it is
withheld as every file of such a kind; it shows nothing without its name space, so markup without one is words.
"""

from __future__ import annotations

import html
import re
from enum import Enum, auto
from urllib.parse import quote, unquote, unquote_to_bytes

from hegui.service.gateway.media.inline import LEAST, begin, decoded, file_in, in_base64, kind_of, known, payload
from hegui.service.gateway.media.inline import run_of as base64_run
from hegui.service.gateway.media.labelling import IMAGE, WithheldError
from hegui.service.gateway.texts import unescaped

UNSURE = 4096
"""Characters of markup without a name space after which it is words."""
NO_PLACE = ("format", IMAGE, "svg")
"""Why markup is withheld, for `WithheldError`."""
_SIGNS = r"!#-;=?-\[\]-_a-~"
_LOOSE = re.compile(rf"[{_SIGNS}\\]*")
_EXACT = re.compile(rf"(?:[{_SIGNS}]|\\/|\\u00[2-7][0-9a-fA-F])*")
_HALF = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_AFTER = re.compile(r"[)'\]};.,!|*]*\Z")
_BLANK = "\ufeff \t\r\n"
_SVG = re.compile(r"\bsvg\b[^>]*\bxmlns\b")
_CLOSED = re.compile(r"</(?:[\w.-]+:)?svg\b|`")


class Look(Enum):
    """What stands behind the comma of a data URL without base64."""

    WORDS = auto()
    MORE = auto()
    """It is not known before more of it came."""
    BYTES = auto()
    MARKUP = auto()


def look(said: str, run: str, *, last: bool) -> Look:
    """Return what a run is that begins behind the comma.

    Args:
        said: the kind that the URL says, empty for none: then only the first bytes of a known file make a file of it.
        run: what stands there; of a stream what came of it.
        last: whether nothing follows it.

    """
    if said and _marked_up(run):
        return _markup(run, last=last)
    if said and not last and not run.strip(_BLANK):
        return Look.MORE
    half = None if last else _HALF.search(run)
    there = run[: half.start()] if half else run
    match = _EXACT.match(there)
    found = match[0].partition("#")[0] if match else ""
    body, end = read(found), len(found)
    if len(body) >= LEAST:
        return Look.BYTES if said or known(body) else Look.WORDS
    return Look.WORDS if last or end < len(there) else Look.MORE


def _marked_up(run: str) -> bool:
    return _plain(run[:64]).lstrip(_BLANK).startswith("<")


def _markup(run: str, *, last: bool) -> Look:
    text = _plain(run[:UNSURE])
    closed = _CLOSED.search(text)
    text = text[: closed.start()] if closed else text
    if _SVG.search(text) and (closed or len(text) >= LEAST):
        return Look.MARKUP
    return Look.WORDS if last or closed or len(run) >= UNSURE else Look.MORE


def _plain(run: str) -> str:
    """Return markup as a browser reads it out of a data URL."""
    text = unescaped(run).text if "\\" in run else run
    return unquote(html.unescape(text), errors="replace")


def run_of(text: str, at: int = 0) -> int:
    """Return where a run of what can be bytes in percent signs ends."""
    match = _LOOSE.match(text, at)
    return match.end() if match else at


def end_of(run: str) -> int:
    """Return where the file in a run ends: what closes a link, or a sentence, is no part of it, nor is a fragment."""
    match = _EXACT.match(run)
    found = match[0] if match else ""
    found = found.partition("#")[0]
    after = _AFTER.search(found)
    return after.start() if after else len(found)


def read(run: str) -> bytes:
    """Return the bytes that percent signs say."""
    return unquote_to_bytes(unescaped(run).text if "\\" in run else run)


def written(data: bytes) -> str:
    """Return bytes as percent signs, as they may stand in every text."""
    return quote(data, safe="")


# --- either form ---------------------------------------------------------------------------------------


def behind(prefix: str, text: str, at: int) -> tuple[str, int, str]:
    """Return kind, end in the text, and source of the file that stands behind the comma of a data URL; no source for words.

    Raise WithheldError for markup.
    """
    said = kind_of(prefix)
    if in_base64(prefix):
        run = text[at : base64_run(text, at)]
        kind, end = file_in(prefix, run)
        return kind, at + end, payload(run[:end]) if end else ""
    found = look(said, text[at : at + UNSURE], last=True)
    if found is Look.MARKUP:
        raise WithheldError(*NO_PLACE)
    if found is Look.WORDS:
        return "", at, ""
    run = text[at : run_of(text, at)]
    kind, source, end = taken(said, run)
    return kind, at + end, source


def taken(said: str, run: str) -> tuple[str, str, int]:
    """Return kind and source of the file in a run without base64, and where it ends there."""
    end = end_of(run)
    return said or known(read(run[:UNSURE])), f"data:,{run[:end]}", end


def file_bytes(source: str) -> bytes | None:
    """Return the bytes of a data URL in either form, or of base64 alone; None for what is no base64. It takes a processor's time."""
    source = source.strip()
    match = begin(source)
    if match is None or match.start() or in_base64(match[0]):
        return decoded(payload(source))
    return read(source[match.end() :].partition("#")[0])
