"""Files that stand in a text as data URLs: where one begins, where it ends, and which words only speak of one.

Read as browsers read them: names in any case, the type left out, spaces, line breaks and percent signs in the base64;
and as JSON text writes them, with escapes.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

from hegui.service.gateway.media.labelling import AUDIO, IMAGE, VIDEO, WithheldError, form_of
from hegui.service.gateway.texts import unescaped

LONGEST = 340
"""Characters of what begins a data URL, at most."""
LEAST = 64
"""Bytes below which what looks like a file shows nothing: an example in words, checked as words."""
_WORD = 40
"""Letters in a row that are no word of a sentence any more."""
_LINE = 256
"""Characters of a line of base64 that is broken into lines, at most: above it the file is one line, and words may follow."""
_HEAD = 5464
_SCHEME = r"[dD][\t\r\n]*[aA][\t\r\n]*[tT][\t\r\n]*[aA][\t\r\n]*:"
_DATA = re.compile(_SCHEME)
_BEGIN = re.compile(_SCHEME + "[^,]{0,300},")
_BASE64_SAID = re.compile(r";[ \t\r\n]*b\s*a\s*s\s*e\s*6\s*4[ \t\r\n]*,\Z", re.IGNORECASE)
_LONG = re.compile(_SCHEME + r"[ \t\r\n]*(?:image|audio|video)\\?/[^,\s]{300}", re.IGNORECASE)
_RUN = re.compile(r"[A-Za-z0-9+/%\\ \t\r\n\f]*={0,2}")
_ESCAPED_RUN = re.compile(r"(?:[A-Za-z0-9+/% \t\r\n\f]+|\\[/nrtf]|\\u00[0-7][0-9a-fA-F])*={0,2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]")
_GAP = re.compile(r"(?:[ \t\r\n\f]|\\[nrtf])+")
_BREAKS = " \t\r\n\f\\"
_ESCAPE = "\\u00"
_FILMS = frozenset({"mp4", "avi", "flv"})


def begin(text: str, at: int = 0) -> re.Match[str] | None:
    """Return what begins the next data URL, whatever its type, up to its comma."""
    return _BEGIN.search(text, at)


def in_base64(prefix: str) -> bool:
    """Say whether what begins a data URL says that base64 follows; without it percent signs and letters do."""
    return bool(_BASE64_SAID.search(prefix))


def hidden(text: str) -> bool:
    r"""Say whether what begins the data URL of a picture, a sound or a film is spelt so that it is not found as it stands.

    With escapes such as `\u0064`, or with more options than are read.
    """
    if _LONG.search(text):
        return True
    if _ESCAPE not in text:
        return False
    read = unescaped(text)
    for match in _BEGIN.finditer(read.text):
        if kind_of(match[0]):
            start = match.start() + [found.start() for found in _DATA.finditer(match[0])][-1]
            if _ESCAPE in text[read.places[start] : read.places[match.end()]]:
                return True
    return False


def payload(url: str) -> str:
    """Return the base64 of a data URL, and of base64 alone all of it, without what browsers read past."""
    match = _BEGIN.match(url)
    return _bare(url[match.end() :] if match else url)


def kind_of(prefix: str) -> str:
    """Return what a data URL says it is by what begins it: `image`, `audio`, `video`, or nothing of the kind."""
    said = "".join(_DATA.split(prefix)[-1].split()).lower()
    return next((kind for kind in (IMAGE, AUDIO, VIDEO) if said.startswith(kind)), "")


def run_of(text: str, at: int = 0, *, padded: bool = False) -> int:
    """Return where a run of what can be base64 ends; `padded` says that its end was there already, but for a second sign."""
    if padded:
        return at + (text[at : at + 1] == "=")
    match = _RUN.match(text, at)
    return match.end() if match else at


def file_in(prefix: str, run: str) -> tuple[str, int]:
    """Return the kind of the file in a run of what can be base64, and where it ends there; an end of 0 for words.

    A file of one line ends with it; one that is broken into lines ends with the first line that is shorter.
    """
    if "\\" in run:
        match = _ESCAPED_RUN.match(run)
        run = match[0] if match else ""
    if len(run) * 3 // 4 < LEAST:
        return "", 0
    end, first = _end(run)
    said, found = kind_of(prefix), known(decoded(_bare(run[:_HEAD])))
    if said:
        return (said, end) if found or first >= _WORD else ("", 0)
    return (found, end) if found else ("", 0)


def _end(run: str) -> tuple[int, int]:
    """Return where the file in a run ends, and the length of its first line."""
    if not any(sign in run for sign in _BREAKS):
        return len(run), len(run)
    lead = _GAP.match(run)
    at = lead.end() if lead else 0
    first = end = 0
    while at < len(run):
        gap = _GAP.search(run, at)
        stop = gap.start() if gap else len(run)
        size = stop - at
        if first and size > first:
            break
        end = stop
        if size < first or size > _LINE:
            return end, first or size
        first = size
        at = gap.end() if gap else stop
    return end, first


def known(head: bytes | None) -> str:
    """Return the kind of a file by its first bytes; nothing for what is neither a picture nor a sound nor a film."""
    try:
        return form_of(head)[1].kind if head else ""
    except WithheldError as error:
        return VIDEO if error.container in _FILMS else ""


def _bare(text: str) -> str:
    if "\\" in text:
        text = unescaped(text).text
    if "%" in text:
        text = unquote(text, errors="replace")
    return "".join(text.split())


def decoded(text: str) -> bytes | None:
    """Return what base64 says, as browsers read it: its end may lack; None for what is no base64."""
    bare = text.strip().rstrip("=")
    if len(bare) % 4 == 1:
        bare, last = bare[:-1], bare[-1]
        if not _BASE64.fullmatch(last):
            return None
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
