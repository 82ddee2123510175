"""The composition root: the only module that knows every room."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.applications import Starlette

from hegui.console import pages as console_pages
from hegui.console.board import FactSource
from hegui.console.frame import Frame, Shared
from hegui.evidence import pages as evidence_pages
from hegui.evidence.keyring import open_keyring
from hegui.general.review import facts as review_facts
from hegui.general.review import pages as review_pages
from hegui.general.review.events import ExceptionProposed, WordProposed
from hegui.general.rulebook import acts as rulebook
from hegui.general.rulebook import facts as rulebook_facts
from hegui.general.rulebook import sources
from hegui.general.rulebook.desk import pages as rulebook_pages
from hegui.kit.errors import InputError
from hegui.kit.events import Bus
from hegui.kit.pages import Route
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people import pages as people_pages
from hegui.people.models import Account
from hegui.service.gateway.oversight import facts as gateway_facts
from hegui.service.gateway.oversight import pages as gateway_pages
from hegui.service.gateway.oversight import shadow_pages
from hegui.service.gateway.oversight.reading import content_of
from hegui.service.releases import facts as release_facts
from hegui.service.releases import pages as release_pages
from hegui.service.uploads import facts as upload_facts
from hegui.service.uploads import pages as upload_pages
from hegui.store import Store

FACTS: tuple[FactSource, ...] = (
    gateway_facts.facts, rulebook_facts.facts, review_facts.facts, release_facts.facts, upload_facts.facts,
)  # fmt: skip
"""What each built room can prove on a day."""

BUS = Bus()
"""Which room hears what another tells."""


class _Process:
    """What this process was started with, for listeners that need more than the event says."""

    settings = Settings()


def _word_proposed(session: Session, told: WordProposed) -> None:
    rulebook.propose_word(session, _account(session, told.by), told.text, told.risk, source=f"review:{told.item}")


def _exception_proposed(session: Session, told: ExceptionProposed) -> None:
    rulebook.propose_exception(
        session, _account(session, told.by), told.rule, told.phrase, sources.library(_Process.settings),
        source=f"review:{told.item}",
    )  # fmt: skip


def _account(session: Session, name: str) -> Account:
    found = session.get(Account, name)
    if found is None:
        raise InputError(
            Bi("提议人的账号已不存在", "the account of who proposes it is gone"),
            Bi("请另一人提议", "let another person do it"),
        )
    return found


BUS.on(WordProposed, _word_proposed)
BUS.on(ExceptionProposed, _exception_proposed)

ROUTES: tuple[Route, ...] = (
    *console_pages.ROUTES,
    *gateway_pages.ROUTES,
    *review_pages.routes(content_of, BUS),
    *rulebook_pages.ROUTES,
    *shadow_pages.ROUTES,
    *release_pages.ROUTES,
    *upload_pages.ROUTES,
    *evidence_pages.ROUTES,
    *people_pages.ROUTES,
)
"""The pages of each room, in the order of the menu."""

TABLES = (
    "hegui.evidence.models",
    "hegui.people.models",
    "hegui.general.review.models",
    "hegui.general.rulebook.models",
    "hegui.service.gateway.models",
    "hegui.service.releases.models",
    "hegui.service.uploads.models",
    "hegui.store.revision",
)
"""The modules whose tables make the schema."""


def console(settings: Settings, url: str) -> Starlette:
    """Return the console's web application."""
    _Process.settings = settings
    return Frame(Shared(settings, Store.open(url), open_keyring(settings.data), FACTS, ROUTES)).app()
