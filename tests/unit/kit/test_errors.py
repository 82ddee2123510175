"""What a person reads: texts in two languages, errors that say what to do, events, time, files written whole."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hegui.kit import clock
from hegui.kit.commands import guarded, json_option, say
from hegui.kit.errors import BusyError, HeguiError, InputError, NotAllowedError, SettingsError, StoreError
from hegui.kit.events import Bus
from hegui.kit.files import write_atomic
from hegui.kit.text import Bi

CODES = {HeguiError: 1, SettingsError: 2, InputError: 2, NotAllowedError: 3, StoreError: 4, BusyError: 5}


@pytest.mark.parametrize(
    ("lang", "wanted"),
    [("zh", "甲"), ("zh-CN", "甲"), ("", "甲"), ("fr", "甲"), ("en", "A"), ("EN-gb", "A"), ("zh,en", "甲")],
)
def test_chinese_unless_english_is_asked_for(lang: str, wanted: str) -> None:
    assert Bi("甲", "A").pick(lang) == wanted


def test_both_languages_in_one_line_chinese_first() -> None:
    assert Bi("甲", "A").both == "甲 / A"
    assert Bi("hegui", "hegui").both == "hegui"


@pytest.mark.parametrize("kind", CODES)
def test_an_error_says_what_and_what_to_do_in_both_languages(kind: type[HeguiError]) -> None:
    error = kind(Bi("出了事", "it failed"), Bi("重试", "try again"), cite="IM-14.1")
    assert error.lines() == [
        "错误：出了事", "error: it failed", "依据 / clause: IM-14.1", "请：重试", "do:   try again",
    ]  # fmt: skip
    assert str(error) == "出了事 / it failed"
    assert error.as_dict() == {
        "error": "it failed", "error_zh": "出了事", "remedy": "try again", "remedy_zh": "重试", "cite": "IM-14.1",
    }  # fmt: skip
    assert len(kind(Bi("出了事", "it failed"), Bi("重试", "try again")).lines()) == 4
    assert kind.exit_code == CODES[kind]


@click.command()
@click.argument("how")
@json_option
@guarded
def command(how: str, *, as_json: bool) -> int | None:
    """Fail in the way that is asked for."""
    for kind in CODES:
        if kind.__name__ == how:
            raise kind(Bi("出了事", "it failed"), Bi("重试", "try again"))
    say({"甲": clock.CHINA}, ["甲", "乙"], as_json=as_json)
    return int(how) if how.isdigit() else None


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_command_that_fails_tells_people_and_machines(kind: type[HeguiError], as_json: bool) -> None:
    done = CliRunner().invoke(command, [kind.__name__, *(["--json"] if as_json else [])])
    assert done.exit_code == CODES[kind]
    assert "请：重试" in done.stderr
    if as_json:
        assert json.loads(done.stdout)["remedy"] == "try again"
    else:
        assert done.stdout == ""


def test_a_command_that_works_says_lines_or_json_and_may_set_its_code() -> None:
    assert CliRunner().invoke(command, ["fine"]).stdout == "甲\n乙\n"
    assert json.loads(CliRunner().invoke(command, ["fine", "--json"]).stdout) == {"甲": "Asia/Shanghai"}
    assert CliRunner().invoke(command, ["1"]).exit_code == 1
    assert CliRunner().invoke(command, ["0"]).exit_code == 0


# --- events ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Happened:
    what: str


@dataclass(frozen=True)
class HappenedMore(Happened):
    pass


def test_listeners_hear_their_event_in_order_in_the_speakers_session() -> None:
    bus, heard = Bus(), []
    bus.on(Happened, lambda session, event: heard.append((1, session, event.what)))
    bus.on(Happened, lambda session, event: heard.append((2, session, event.what)))
    bus.on(HappenedMore, lambda session, event: heard.append((3, session, event.what)))
    bus.tell("session", Happened("甲"))
    assert heard == [(1, "session", "甲"), (2, "session", "甲")]
    bus.tell("session", object())
    bus.tell("other", HappenedMore("乙"))
    assert heard[2:] == [(3, "other", "乙")]


def test_a_listener_that_fails_fails_the_speaker() -> None:
    bus = Bus()

    def fail(session: object, event: Happened) -> None:
        raise RuntimeError(event.what)

    bus.on(Happened, fail)
    with pytest.raises(RuntimeError, match="甲"):
        bus.tell(None, Happened("甲"))


# --- time --------------------------------------------------------------------------------------------


def test_instants_are_written_in_utc_whatever_their_zone() -> None:
    moment = datetime(2026, 1, 1, 7, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert clock.iso(moment) == "2025-12-31T23:30:00.999Z"
    assert clock.iso(moment.astimezone(UTC)) == "2025-12-31T23:30:00.999Z"
    assert clock.iso(datetime(2026, 1, 1, tzinfo=clock.CHINA)) == "2025-12-31T16:00:00.000Z"
    assert datetime.fromisoformat(clock.iso(clock.now())) <= clock.now()
    assert clock.now().utcoffset() == timedelta(0)


def test_the_day_is_that_of_china(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 6, 30, 16, 30, tzinfo=UTC).astimezone(tz)  # type: ignore[arg-type]

    monkeypatch.setattr(clock, "datetime", Late)
    assert clock.today().isoformat() == "2026-07-01"


# --- files -------------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_with_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_atomic(path, b"one", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    write_atomic(path, b"two", mode=0o600)
    assert (path.read_bytes(), path.stat().st_ino != before) == (b"two", True)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "checkpoint"
    write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(OSError, match="No space"):
            write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_write_one_file_never_mix_their_bytes(tmp_path: Path) -> None:
    path, bodies = tmp_path / "checkpoint", [bytes([65 + number]) * 60_000 for number in range(8)]

    def write(body: bytes) -> None:
        for _ in range(5):
            write_atomic(path, body)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, bodies))
    assert path.read_bytes() in bodies
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "none" / "x", b"")
    assert os.listdir(tmp_path) == []
