"""Write the migration that brings the newest schema to the models: `new-migration.py "what it does"`.

It starts an embedded database in a folder of its own, applies what exists and compares.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from alembic import command

from hegui.app import TABLES
from hegui.kit.settings import Settings
from hegui.store import Base, Store
from hegui.store.embedded import database
from hegui.store.migrate import config, migrate

if __name__ == "__main__":
    for name in TABLES:
        importlib.import_module(name)
    scripts = Path(__file__).parents[1] / "src" / "hegui" / "store" / "migrations"
    with tempfile.TemporaryDirectory() as folder, database(Settings(data=Path(folder)), "command") as url:
        store = Store.open(url)
        migrate(store)
        with store.engine.begin() as connection:
            settings = config(connection, str(scripts))
            settings.attributes["metadata"] = Base.metadata
            count = len(list((scripts / "versions").glob("[0-9]*.py")))
            command.revision(settings, message=sys.argv[1], autogenerate=True, rev_id=f"{count + 1:04d}")
        store.close()
