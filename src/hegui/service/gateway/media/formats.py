"""Formats of files that can be asked for: what is possible is said before the upstream is asked."""

from __future__ import annotations

from collections.abc import Iterable

from hegui.service.gateway.media.labelling import can_mark
from hegui.service.gateway.protocol import ApiError, Json
from hegui.service.gateway.service import MediaStyle

_USUAL = "mp3"
CONTAINERS = {"mp3": "mp3", "opus": "ogg", "flac": "flac", "wav": "wav"}
"""The formats that can hold a label, with their containers. AAC as it is asked for (ADTS) and raw PCM have no place for one."""


def possible(containers: Iterable[str], style: MediaStyle) -> list[str]:
    """Return those containers into which a service's explicit label can be put here."""
    return [name for name in containers if can_mark(name, style)]


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
