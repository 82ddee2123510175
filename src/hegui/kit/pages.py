"""How a room brings pages without knowing the frame: it returns a template and its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hegui.kit.text import Bi


@dataclass(frozen=True)
class Visit:
    """One request for a page: an open session, who asks, what they gave, and what the process shares."""

    session: Any
    person: Any
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    lang: str
    shared: Any


@dataclass(frozen=True)
class Page:
    """A page to show: the template's name, its title and its values."""

    template: str
    title: Bi
    values: dict[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Redirect:
    """Somewhere else to go after an act."""

    to: str
    cookie: tuple[str, str] | None = None
    forget: str = ""


@dataclass(frozen=True)
class Download:
    """A file to hand over."""

    name: str
    data: bytes
    media: str = "text/plain; charset=utf-8"


View = Callable[[Visit], Page | Redirect | Download]


@dataclass(frozen=True)
class Route:
    """One page of a room: path, the act a role is needed for, the view, its place in the menu.

    `most` is the size of a form that it takes, bytes; a larger one is refused before it is read.
    """

    path: str
    act: str
    view: View
    methods: tuple[str, ...] = ("GET",)
    menu: Bi | None = None
    most: int = 64 * 1024
