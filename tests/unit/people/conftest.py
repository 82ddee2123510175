"""One desk for each module: a database of its own, an account of each role, a console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.people.desk import Desk, open_desk


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("desk") / "data") as opened:
        yield opened
