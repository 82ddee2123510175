"""Forms as browsers send them: URL-encoded, or in parts when a file goes along; never more than is asked for."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from hegui.kit.errors import InputError
from hegui.kit.multipart import boundary_of, fields_of
from hegui.kit.text import Bi


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
    boundary = boundary_of(request.headers.get("content-type", ""))
    if boundary is not None:
        return {key: value.replace("\0", "") for key, value in fields_of(raw, boundary).items()}
    text = raw.decode("utf-8", "replace")
    return {key: value.replace("\0", "") for key, value in parse_qsl(text, keep_blank_values=True)}
