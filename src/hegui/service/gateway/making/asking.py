"""What may be asked of requests that make files: refused before the upstream is asked, with what is possible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hegui.service.gateway.inbound import LONGEST_TEXT, check_model
from hegui.service.gateway.protocol import ApiError, Json
from hegui.service.gateway.texts import OTHER_MEDIA, leaves, unchecked

_IN_NAMES = frozenset(
    {*OTHER_MEDIA, "mask", "init_image", "image_urls", "reference_images", "ref_images", "input_reference"}
)
_IN_LOOKS = ("data:", "http://", "https://")
_LONGEST_OPTION = 4000


def check_text(body: Json, name: str, *, needed: bool) -> None:
    """Raise ApiError unless a field is a text of a length that can be checked."""
    text = body.get(name)
    if text is None and not needed:
        return
    if not isinstance(text, str) or not text.strip():
        raise ApiError(
            400, f"invalid_{name}", f"{name} 应为非空文本 / `{name}` must be a text that is not empty", param=name
        )
    if len(text) > LONGEST_TEXT:
        raise ApiError(
            400, "text_too_long", f"{name} 超过 {LONGEST_TEXT} 字 / `{name}` is over {LONGEST_TEXT} characters", param=name
        )  # fmt: skip


def check_options(body: Json, texts: tuple[str, ...]) -> None:
    """Raise ApiError for a model that is none, and for a picture or sound that comes in: it can not be checked."""
    if body.get("model") is not None:
        check_model(body["model"])
    for key, value in body.items():
        if key in texts or value is None:
            continue
        if key in _IN_NAMES or any(_is_file(text) for text in _strings(value, key)):
            raise unchecked(key[:40], key[:40])


def _strings(value: Any, key: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    return (text for _, text in leaves(value, key))


def _is_file(text: str) -> bool:
    return text.lstrip().lower().startswith(_IN_LOOKS) or len(text) > _LONGEST_OPTION
