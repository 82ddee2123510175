"""Fixtures: one real server with a scripted model for the tests that only ask it things."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.harness import OFFLINE, Server
from tests.upstream import ScriptedUpstream

sys.path.insert(0, OFFLINE)
importlib.import_module("sitecustomize")  # refuses outside sockets in this process too
importlib.reload(sys.modules["sitecustomize"])

# The gate runs the same examples each time; every other run looks for new ones.
settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    server = ScriptedUpstream().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("hegui") / "data", upstream=upstream.url).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
