"""What may be asked of requests that make files: refused before the upstream is asked, with what is possible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hegui.service.gateway.desk import possible
from hegui.service.gateway.inbound import LONGEST_TEXT, check_model
from hegui.service.gateway.protocol import ApiError, Json
from hegui.service.gateway.service import MediaStyle
from hegui.service.gateway.texts import OTHER_MEDIA, leaves, unchecked

_IN_NAMES = frozenset({*OTHER_MEDIA, "mask", "init_image", "image_urls", "reference_images", "ref_images"})
_IN_LOOKS = ("data:", "http://", "https://")
_LONGEST_OPTION = 4000
_USUAL = "mp3"
CONTAINERS = {"mp3": "mp3", "opus": "ogg", "flac": "flac", "wav": "wav"}
"""The formats that can hold a label, with their containers. AAC as it is asked for (ADTS) and raw PCM have no place for one."""


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
    return text.startswith(_IN_LOOKS) or len(text) > _LONGEST_OPTION


def one_of(body: Json, name: str, values: list[str] | tuple[str, ...], why: str = "") -> None:
    """Raise ApiError 400 for a value that is not possible, with those that are."""
    value = body.get(name)
    if value is None or value in values:
        return
    said = f"；{why}" if why else ""
    raise ApiError(
        400, f"unsupported_{name}",
        f"{name} 不能是 {str(value)[:40]}，可用：{'、'.join(values)}{said} / "
        f"`{name}` can not be {str(value)[:40]}; possible: {', '.join(values)}",
        param=name,
    )  # fmt: skip


def check_format(body: Json, name: str, style: MediaStyle) -> None:
    """Raise ApiError 400 for a format of sound that can not be labelled, with those that can."""
    given = body.get(name) or _USUAL
    able = set(possible(CONTAINERS.values(), style))
    formats = [item for item, container in CONTAINERS.items() if container in able]
    why = "aac 与 pcm 没有写隐式标识的位置 / aac and pcm have no place for an implicit label"
    if CONTAINERS.get(str(given)) not in able and str(given) in CONTAINERS:
        why = (
            "在此格式中加节奏或语音标识需要可选组件（pip install 'hegui[media]'），或由服务声明在界面提示（sound_label=interface） / a label "
            "that is heard needs the optional package here, or the service declares that its interface shows it"
        )
    one_of({name: given}, name, formats, why)
