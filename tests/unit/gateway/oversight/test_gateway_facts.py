"""What the board may say of the gateway: a check that did not run is never counted among those that did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hegui.kit import clock
from hegui.people.facts import Result
from hegui.service.gateway.oversight.facts import facts
from hegui.store import unit_of_work
from tests.unit.people.desk import Desk, open_desk


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("facts") / "data") as opened:
        yield opened


def test_checks_that_did_not_run_keep_the_board_from_saying_that_all_was_checked(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("word,risk\n标记词甲,A.1.a\n", encoding="utf-8")
    settings = replace(desk.settings, library=str(tmp_path / "words.csv"))

    def checked() -> tuple[Result, str]:
        with unit_of_work(desk.store) as session:
            found = {fact.obligation: fact for fact in facts(session, clock.now().date(), settings)}
        return found["DSP-10"].result, found["DSP-10"].reason.zh

    desk.exchange(outcome="answered")
    assert checked()[0] is Result.MET
    desk.exchange(outcome="answered", not_scanned=["output:guard"])
    result, reason = checked()
    assert result is Result.UNDETERMINED
    assert "2 次交互中，1 次有检查未能运行" in reason
