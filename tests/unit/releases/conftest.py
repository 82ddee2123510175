"""One worker whose provider may give content without the explicit label."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application import House, open_house
from tests.upstream import ScriptedUpstream


@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[House]:
    with open_house(request, tmp_path_factory.mktemp("house"), upstream) as opened:
        yield opened
