"""Forms in parts (RFC 7578): the boundary that a content type names, the fields of a form that is there whole, and a form from its fields."""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r'^multipart/form-data\s*;.*?boundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'(?i)^content-disposition:[^\r\n]*?;\s*name="([^"\r\n]*)"', re.MULTILINE)
_FILE = re.compile(rb'(?i)^content-disposition:[^\r\n]*?;\s*filename="([^"\r\n]*)"', re.MULTILINE)
FILE = ".filename"
"""Behind the name of a field: the field that holds the name of its file."""


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a form in parts, None for another type."""
    found = _BOUNDARY.match(content_type)
    return found.group(1).encode("latin-1", "replace") if found else None


def fields_of(raw: bytes, boundary: bytes) -> dict[str, str]:
    """Return the fields of a form; a file is the field of its name with its text, and its name in `NAME.filename`.

    What is no UTF-8 is replaced; a part without a name is left out.
    """
    found: dict[str, str] = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary)[1:]:
        head, blank, body = part.partition(b"\r\n\r\n")
        name, file = _NAME.search(head), _FILE.search(head)
        if not blank or name is None:
            continue
        field = name.group(1).decode("utf-8", "replace")
        found[field] = body.decode("utf-8", "replace")
        if file is not None:
            found[f"{field}{FILE}"] = file.group(1).decode("utf-8", "replace")
    return found


def form_of(fields: dict[str, str], boundary: bytes) -> bytes:
    """Return a form of texts; raise ValueError for a name or a text that would break it."""
    out = []
    for name, text in fields.items():
        body = text.encode("utf-8", "replace")
        if not name.isprintable() or '"' in name or b"--" + boundary in body:
            message = f"no field of a form: {name[:40]!r}"
            raise ValueError(message)
        head = f'Content-Disposition: form-data; name="{name}"'.encode()
        out.append(b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + body + b"\r\n")
    return b"".join(out) + b"--" + boundary + b"--\r\n"
