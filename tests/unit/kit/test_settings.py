"""Settings: where they come from, unknown keys refused, each one documented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from hegui.kit.errors import SettingsError
from hegui.kit.ids import random_bytes, uuid7, uuid7_time
from hegui.kit.settings import Settings, read_settings

DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "hegui.toml").write_text("port = 1\nworkers = 2\nhost = '::1'\n")
    found = read_settings({"data": tmp_path, "port": 3, "workers": None}, {"HEGUI_PORT": "2", "HEGUI_HOST": "0.0.0.0"})
    assert (found.port, found.workers, found.host) == (3, 2, "0.0.0.0")
    assert found.console == 4
    assert found.data == tmp_path.resolve()


@pytest.mark.parametrize("text", ["prot = 1\n", "data = 'x'\n", "port = [1\n", "port = -1\n"])
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "hegui.toml").write_text(text)
    with pytest.raises(SettingsError):
        read_settings({"data": tmp_path}, {})


def test_an_unknown_variable_says_what_was_meant() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({}, {"HEGUI_WORKER": "2"})
    assert "workers" in caught.value.remedy.en
    assert caught.value.exit_code == 2


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", DOCS.read_text("utf-8"), re.MULTILINE))
    assert documented == {item.name for item in fields(Settings)}


def test_ids_sort_by_time_and_are_never_given_twice() -> None:
    made = [uuid7() for _ in range(2000)]
    assert len(set(made)) == 2000
    times = [uuid7_time(value) for value in made]
    assert times == sorted(times)
    assert len({random_bytes(16) for _ in range(2000)}) == 2000
    with pytest.raises(ValueError, match="UUIDv7"):
        uuid7_time("00000000-0000-4000-8000-000000000000")
