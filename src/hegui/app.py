"""The composition root: the only module that knows every room."""

from __future__ import annotations

from starlette.applications import Starlette

from hegui.console import pages as console_pages
from hegui.console.board import FactSource
from hegui.console.frame import Frame, Shared
from hegui.evidence import pages as evidence_pages
from hegui.evidence.keyring import open_keyring
from hegui.general.review import facts as review_facts
from hegui.general.review import pages as review_pages
from hegui.kit.events import Bus
from hegui.kit.pages import Route
from hegui.kit.settings import Settings
from hegui.people import pages as people_pages
from hegui.service.gateway import facts as gateway_facts
from hegui.service.gateway import pages as gateway_pages
from hegui.service.gateway.reading import content_of
from hegui.store import Store

FACTS: tuple[FactSource, ...] = (gateway_facts.facts, review_facts.facts)
"""What each built room can prove on a day."""

BUS = Bus()
"""Which room hears what another tells."""

ROUTES: tuple[Route, ...] = (
    *console_pages.ROUTES,
    *gateway_pages.ROUTES,
    *review_pages.routes(content_of, BUS),
    *evidence_pages.ROUTES,
    *people_pages.ROUTES,
)
"""The pages of each room, in the order of the menu."""

TABLES = (
    "hegui.evidence.models",
    "hegui.people.models",
    "hegui.general.review.models",
    "hegui.service.gateway.models",
    "hegui.store.revision",
)
"""The modules whose tables make the schema."""


def console(settings: Settings, url: str) -> Starlette:
    """Return the console's web application."""
    return Frame(Shared(settings, Store.open(url), open_keyring(settings.data), FACTS, ROUTES)).app()
