"""The carried PostgreSQL: one user of a data directory at a time, and every start that can go wrong told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from hegui.evidence import leave
from hegui.kit.errors import BusyError, StoreError
from hegui.kit.settings import Settings
from hegui.store import Store, unit_of_work
from hegui.store.embedded import DataLock, EmbeddedServer, database, prepare_data
from hegui.store.migrate import migrate
from tests.unit.store.disks import small_disk

FOREIGN = "postgresql://nobody@127.0.0.1:1/x"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory whose database holds one row and is stopped."""
    folder = tmp_path_factory.mktemp("embedded") / "data"
    with database(Settings(data=folder), "command") as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'committed' AS word")
    return folder


def word(url: str) -> str:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT word FROM kept").fetchone()
    assert found is not None
    return str(found[0])


def own(url: str, folder: Path) -> Settings:
    return Settings(data=folder, database_url=url)


def test_a_command_starts_the_database_and_stops_it_again(data: Path) -> None:
    with database(Settings(data=data), "command") as url:
        assert word(url) == "committed"
        assert DataLock.holder(data) == f"command {os.getpid()}"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_a_command_beside_a_server_uses_its_database_and_leaves_it_running(data: Path) -> None:
    with database(Settings(data=data), "serve") as served:
        with database(Settings(data=data), "command") as url:
            assert word(url) == "committed"
        assert word(served) == "committed", "the command did not stop what it had not started"


def test_a_second_server_on_one_directory_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    settings = own(FOREIGN, tmp_path)
    with database(settings, "serve"):
        with pytest.raises(BusyError) as told, database(settings, "serve"):
            pass
        assert f"serve {os.getpid()}" in told.value.title.zh
        assert "--data" in told.value.remedy.en
        assert told.value.exit_code == 5
    with database(settings, "serve") as url:
        assert url == FOREIGN, "free again when the first has ended"


def test_a_server_waits_for_a_command_that_is_soon_done(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from hegui.store.embedded import DataLock\n"
        "lock = DataLock.take(Path(sys.argv[1]), 'command'); print('has it', flush=True); sys.stdin.read(); lock.release()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "has it\n"
        assert DataLock.take(tmp_path, "serve") is None
        assert DataLock.holder(tmp_path) == f"command {other.pid}"
        other.stdin.close()
        with database(own(FOREIGN, tmp_path), "serve"):
            assert DataLock.holder(tmp_path) == f"serve {os.getpid()}"


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from hegui.store.embedded import DataLock\n"
        "lock = DataLock.take(Path(sys.argv[1]), 'serve'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script, tmp_path], check=False).returncode == -9
    assert DataLock.holder(tmp_path).startswith("serve ")
    lock = DataLock.take(tmp_path, "command")
    assert lock is not None
    lock.release()


@pytest.mark.parametrize(
    "first_line", ["{dead}", "{mine}", "4194304", "not a number", ""], ids=["dead", "reused", "never", "torn", "empty"]
)
def test_the_process_file_of_a_dead_server_does_not_stop_a_start(data: Path, first_line: str) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    line = first_line.format(dead=ended.pid, mine=os.getpid())
    folder = data / "postgres"
    owner = folder.stat()
    stale = folder / "postmaster.pid"
    stale.write_text(f"{line}\n{folder}\n1700000000\n5432\n{folder}\n\n  1 1\nready\n")
    os.chown(stale, owner.st_uid, owner.st_gid)
    with database(Settings(data=data), "command") as url:
        assert word(url) == "committed"


@pytest.fixture
def damaged(data: Path, tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", data, copy], check=True)
    yield copy
    shutil.rmtree(copy)


def test_a_damaged_database_is_told_with_the_place_of_its_log(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hegui.store.embedded._CRASH_SECONDS", 0.1)
    (damaged / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(StoreError) as told, database(Settings(data=damaged), "serve"):
        pass
    assert str(damaged / "postgres" / "log") in told.value.remedy.zh
    lock = DataLock.take(damaged, "serve")
    assert lock is not None, "the lock is free again"
    lock.release()


def test_a_data_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for wrong in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(StoreError) as told:
            prepare_data(wrong)
        assert str(wrong) in told.value.title.zh
        assert "--data" in told.value.remedy.en


def test_a_directory_that_can_only_be_read_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "128m") as disk:
        (disk / "data").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for wrong in (disk / "data", disk / "new"):
            with pytest.raises(StoreError, match="Read-only") as told, database(own(FOREIGN, wrong), "serve"):
                pass
            assert "可写" in told.value.remedy.zh


def test_a_lock_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "hegui.lock").mkdir()
    with pytest.raises(StoreError, match="can not use the data directory"):
        DataLock.take(tmp_path, "serve")


def test_a_disk_that_is_nearly_full_is_told_before_anything_starts(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "32m") as disk:
        with pytest.raises(StoreError, match="is full") as told, database(Settings(data=disk), "serve"):
            pass
        assert "已提交的记录未受影响" in told.value.remedy.zh
        assert list(disk.iterdir()) == []


def fill(store: Store) -> None:
    with unit_of_work(store) as session:
        for number in range(200):
            leave(session, "test", {"number": number, "text": os.urandom(12_000).hex()})


def test_a_disk_that_fills_up_takes_nothing_half_and_goes_on_when_there_is_room(
    postgres: str, store: Store, tmp_path: Path
) -> None:
    with psycopg.connect(postgres) as connection:
        (directory,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    owner = Path(directory).stat()
    os.chmod(tmp_path, 0o755)
    with (
        small_disk(Path(directory) / "small", "2m", f"uid={owner.st_uid}", "mode=700") as disk,
        psycopg.connect(postgres, autocommit=True) as connection,
    ):
        connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        with store.engine.begin() as other:
            other.execute(text("ALTER TABLE evidence_entry SET TABLESPACE small"))
        with unit_of_work(store) as session:
            leave(session, "test", {"text": "committed"})
        with pytest.raises(StoreError, match="disk full"):
            fill(store)
        with unit_of_work(store) as session:
            assert session.scalar(text("SELECT count(*) FROM evidence_entry")) == 1, "committed records are safe"
            leave(session, "test", {"text": "small"})
        with store.engine.begin() as other:
            assert other.scalar(text("SELECT count(*) FROM evidence_entry")) == 2
            other.execute(text("ALTER TABLE evidence_entry SET TABLESPACE pg_default"))
        connection.execute("DROP TABLESPACE small")


def test_the_embedded_server_is_found_running_by_a_second_start(tmp_path: Path) -> None:
    first, second = EmbeddedServer(tmp_path), EmbeddedServer(tmp_path)
    url = first.start()
    assert second.start() == url
    store = Store.open(url)
    migrate(store)
    assert store.alive()
    store.close()
    first.stop()
