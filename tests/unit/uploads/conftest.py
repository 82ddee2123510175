"""One worker that a platform hands its uploads to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application import House, open_house
from tests.upstream import ScriptedUpstream


@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with open_house(request, folder, upstream, upload_megabytes=1, uploads_megabytes=8) as opened:
        yield opened
