"""What an operator chooses for one service; read from the database, strict about its keys."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from hegui.general.content.policy import Audience
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels import LabelPosition, LabelStyle, check_wording
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.text import DEFAULT_WORDING

MARK, INTERFACE = "mark", LabelPosition.INTERFACE.value
RELEASED = "released"
"""What the record says in place of where the explicit label stands: none was put in, on a grant (Labelling Measures 9)."""
_NOT_IN = frozenset({INTERFACE, RELEASED})
_CHOICES = {
    "refusal": ("answer", "error"),
    "system_messages": ("check", "record"),
    "audience": tuple(item.value for item in Audience),
    "label_position": tuple(item.value for item in LabelPosition),
    "image_label": (MARK, INTERFACE),
    "image_corner": tuple(item.value for item in Corner),
    "sound_label": ("start", "end", "both", INTERFACE),
    "sound_kind": ("rhythm", "speech"),
}


@dataclass(frozen=True)
class MediaStyle:
    """How a service labels pictures and sound for people; `interface` declares that its interface shows the label."""

    picture: str = MARK
    corner: Corner = Corner.BOTTOM_RIGHT
    sound: str = "start"
    speech: bool = False

    @property
    def drawn(self) -> bool:
        """Say whether pictures get a mark."""
        return self.picture not in _NOT_IN

    @property
    def heard(self) -> bool:
        """Say whether sound gets a label that is heard."""
        return self.sound not in _NOT_IN

    @property
    def released(self) -> MediaStyle:
        """Return how files are labelled on a grant: in their metadata alone."""
        return MediaStyle(RELEASED, self.corner, RELEASED)


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of a service; every value is text so that one table holds them."""

    refusal: str = "answer"
    system_messages: str = "check"
    label_position: str = "end"
    label_wording: str = DEFAULT_WORDING
    appeal_url: str = ""
    audience: str = Audience.GENERAL.value
    image_label: str = MARK
    image_corner: str = Corner.BOTTOM_RIGHT.value
    sound_label: str = "start"
    sound_kind: str = "rhythm"

    @cached_property
    def media(self) -> MediaStyle:
        """Return how pictures and sound are labelled."""
        return MediaStyle(
            self.image_label, Corner(self.image_corner), self.sound_label, self.sound_kind == "speech"
        )  # fmt: skip

    @cached_property
    def label(self) -> LabelStyle:
        """Return the label style."""
        return LabelStyle(LabelPosition(self.label_position), self.label_wording)


def service_settings(data: dict[str, Any]) -> ServiceSettings:
    """Return settings from their stored form; raise InputError for an unknown key or value."""
    known = {item.name for item in fields(ServiceSettings)}
    for key, value in data.items():
        if key not in known:
            raise InputError(
                Bi(f"未知的服务设置 {key}", f"unknown service setting {key}"),
                Bi(f"可用：{'、'.join(sorted(known))}", f"known: {', '.join(sorted(known))}"),
            )
        if key in _CHOICES and value not in _CHOICES[key]:
            raise InputError(
                Bi(f"{key} 不能是 {value}", f"{key} can not be {value}"),
                Bi(f"可用：{'、'.join(_CHOICES[key])}", f"one of: {', '.join(_CHOICES[key])}"),
            )
    settings = ServiceSettings(**{key: str(value) for key, value in data.items()})
    check_wording(settings.label_wording)
    return settings
