"""One reading of the board for the tests that ask what a room that is not built shows."""

from __future__ import annotations

import pytest

from tests.harness import Server
from tests.law.asking import Json, today


@pytest.fixture(scope="session")
def board(server: Server) -> dict[str, Json]:
    return today(server)
