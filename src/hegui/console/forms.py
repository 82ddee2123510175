"""Forms as browsers send them: URL-encoded, or in parts when a file goes along; never more than is asked for."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from starlette.requests import Request

from hegui.kit.errors import InputError
from hegui.kit.text import Bi

_BOUNDARY = re.compile(r'^multipart/form-data\s*;.*?boundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'(?i)^content-disposition:[^\r\n]*?;\s*name="([^"\r\n]*)"', re.MULTILINE)
_FILE = re.compile(rb'(?i)^content-disposition:[^\r\n]*?;\s*filename="([^"\r\n]*)"', re.MULTILINE)


class FormTooLargeError(InputError):
    """A form holds more than any page asks for."""

    def __init__(self) -> None:
        super().__init__(
            Bi("提交的内容过长，未作处理", "the form is too long; nothing was done"),
            Bi("缩短后重新提交", "shorten it and send it again"),
        )


async def read_form(request: Request, most: int) -> dict[str, str]:
    """Return the fields of a form of at most `most` bytes; raise FormTooLargeError.

    A file is the field of its name with its text, as UTF-8, and `NAME.filename`; what is no UTF-8
    in it is replaced.
    """
    if request.method != "POST":
        return {}
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > most:
            raise FormTooLargeError
    boundary = _BOUNDARY.match(request.headers.get("content-type", ""))
    if boundary is not None:
        return {key: value.replace("\0", "") for key, value in _parts(raw, boundary.group(1).encode()).items()}
    text = raw.decode("utf-8", "replace")
    return {key: value.replace("\0", "") for key, value in parse_qsl(text, keep_blank_values=True)}


def _parts(raw: bytes, boundary: bytes) -> dict[str, str]:
    """Return the fields of a form in parts (RFC 7578)."""
    found: dict[str, str] = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary)[1:]:
        head, blank, body = part.partition(b"\r\n\r\n")
        name, file = _NAME.search(head), _FILE.search(head)
        if not blank or name is None:
            continue
        field = name.group(1).decode("utf-8", "replace")
        found[field] = body.decode("utf-8", "replace")
        if file is not None:
            found[f"{field}.filename"] = file.group(1).decode("utf-8", "replace")
    return found
