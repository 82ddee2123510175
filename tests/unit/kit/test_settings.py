"""Settings: where they come from, unknown keys refused, each one documented."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from datetime import date
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


WRONG_VALUES = [
    ("port", "eight"), ("port", -1), ("port", 65536), ("console_port", 99999), ("port", True), ("port", 80.5),
    ("port", ""), ("workers", 0), ("workers", "-1"), ("seal_milliseconds", 0), ("body_megabytes", 0),
    ("upstream_idle_seconds", 0), ("secure_cookies", "maybe"), ("secure_cookies", ""), ("host", ["127.0.0.1"]),
    ("host", True), ("provider_name", {"zh": "甲"}), ("origin", 1.5), ("upstream", date(2026, 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_a_value_of_the_wrong_type_or_size_is_refused_with_what_is_wanted(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value}, {})
    assert name in caught.value.title.zh
    assert name in caught.value.title.en
    assert caught.value.remedy.zh != caught.value.remedy.en


@pytest.mark.parametrize(
    "line",
    ["host = ['::1']", "host = 1.5", "origin = 2026-01-01", "port = true", "[upstream]\nurl = 'x'", "workers = 0"],
)
def test_a_file_with_a_value_of_the_wrong_type_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "hegui.toml").write_text(line + "\n")
    with pytest.raises(SettingsError):
        read_settings({"data": tmp_path}, {})


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_what_counts_as_yes(text: str) -> None:
    assert read_settings({}, {"HEGUI_SECURE_COOKIES": text}).secure_cookies
    assert not read_settings({}, {"HEGUI_SECURE_COOKIES": {"1": "0", "true": "False"}.get(text, "no")}).secure_cookies


def test_the_last_port_leaves_none_for_the_console() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"port": 65535}, {})
    assert "console_port" in caught.value.remedy.en
    assert read_settings({"port": 65535, "console_port": 65534}, {}).console == 65534


def test_the_data_folder_may_come_from_the_environment_and_its_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "hegui.toml").write_text("provider_name = '示例公司'\nsecure_cookies = true\n", "utf-8")
    found = read_settings({"data": None}, {"HEGUI_DATA": str(tmp_path), "HOME": "/", "hegui_port": "1"})
    assert (found.data, found.provider_name, found.secure_cookies) == (tmp_path.resolve(), "示例公司", True)
    assert read_settings({"data": tmp_path / "none"}, {}).provider_name == ""


@pytest.mark.parametrize("data", ["甲 = 1\n".encode("gb18030"), b"\xff\xfe", b"port = 1\nport = 2\n", b"port 1\n"])
def test_a_broken_file_is_told_with_its_path(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "hegui.toml").write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        read_settings({"data": tmp_path}, {})
    assert "hegui.toml" in caught.value.title.zh


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hegui.toml").write_text("port = 1\n")

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(SettingsError) as caught:
        read_settings({"data": tmp_path}, {})
    assert "Permission denied" in caught.value.title.en


def test_the_documented_default_of_each_setting_is_the_real_one() -> None:
    shown = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", DOCS.read_text("utf-8"), re.MULTILINE))
    assert shown == {item.name: str(item.default) for item in fields(Settings)}


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        read_settings({}, {}).port = 1  # type: ignore[misc]
