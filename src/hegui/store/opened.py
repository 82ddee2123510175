"""The database of a data directory for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hegui.kit.settings import Settings
from hegui.store.embedded import database
from hegui.store.migrate import migrate
from hegui.store.unit import Store


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Open the database of a data directory for one command, starting it when nobody runs it."""
    with database(settings, "command") as url:
        store = Store.open(url)
        try:
            migrate(store)
            yield store
        finally:
            store.close()
