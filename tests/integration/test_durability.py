"""Nothing that a client received whole is lost: kills, a database that goes away, two starts on one directory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.harness import Server, exchanges, hegui, wait_for
from tests.upstream import ScriptedUpstream, says

ANSWER = "番茄喜光，夏天要早晚浇水。" * 4


class Load:
    """Clients that ask without pause and remember the number of each answer that they received whole."""

    def __init__(self, server: Server, clients: int = 6) -> None:
        self.whole: set[str] = set()
        self.refused: list[int] = []
        self._server = server
        self._key = server.key
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        url, headers = f"{self._server.gateway}/chat/completions", {"Authorization": f"Bearer {self._key}"}
        body = {"model": "safe", "stream": number % 2 == 0, "messages": [{"role": "user", "content": "番茄"}]}
        while not self._stop.is_set():
            with contextlib.suppress(httpx2.HTTPError), httpx2.Client(timeout=20) as client:
                reply = client.post(url, json=body, headers=headers)
                if reply.status_code != 200:
                    self.refused.append(reply.status_code)
                    time.sleep(0.05)
                elif not body["stream"] or reply.text.endswith("data: [DONE]\n\n"):
                    self.whole.add(reply.headers["x-hegui-content-id"])

    def stop(self) -> set[str]:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        return self.whole


def recorded(server: Server, out: Path) -> set[str]:
    return {payload["content_id"] for payload in exchanges(server.export(out))}


def wait_whole(load: Load, more: int) -> None:
    target = len(load.whole) + more
    assert wait_for(lambda: len(load.whole) >= target, 60)


def test_killing_workers_and_everything_under_load_loses_no_record(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(ANSWER, piece=8)
    server = Server(tmp_path / "data", "--workers", "2", upstream=upstream.url).start()
    received: set[str] = set()
    load = Load(server)
    for _ in range(6):
        wait_whole(load, 25)
        for pid in server.processes("hegui-gateway"):
            os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: len(server.processes("hegui-gateway")) == 2)
    for pid in server.processes("hegui-keeper"):
        os.kill(pid, signal.SIGKILL)
    wait_whole(load, 25)
    received |= load.stop()
    for _ in range(3):
        load = Load(server)
        wait_whole(load, 40)
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.postgres(), signal.SIGKILL)
        for pid in (*server.processes("hegui-gateway"), *server.processes("hegui-keeper")):
            os.kill(pid, signal.SIGKILL)
        server.kill()
        received |= load.stop()
        assert wait_for(lambda: not _listening(server))
        server.start()
    assert len(received) > 250
    missing = received - recorded(server, tmp_path / "out")
    assert missing == set()
    assert server.stop() == 0
    assert hegui("evidence", "verify", tmp_path / "out").returncode == 0


def _listening(server: Server) -> bool:
    try:
        httpx2.get(server.gateway.removesuffix("/v1") + "/healthz", timeout=1)
    except httpx2.HTTPError:
        return False
    return True


def test_a_database_that_goes_away_is_spooled_and_comes_back(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(ANSWER)
    server = Server(tmp_path / "data", upstream=upstream.url).start()
    client = server.client()

    def ask() -> str:
        answer = client.chat.completions.create(model="safe", messages=[{"role": "user", "content": "番茄"}])
        return str((answer.model_extra or {})["hegui"]["content_id"])

    served = {ask()}
    children = [
        int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _parent(int(p.name)) == server.postgres()
    ]
    for pid in (server.postgres(), *children):
        os.kill(pid, signal.SIGSTOP)
    try:
        served |= {ask() for _ in range(5)}
        base = server.gateway.removesuffix("/v1")
        assert httpx2.get(f"{base}/readyz").json()["status"] == "spooling"
        lines = [line for path in (server.data / "spool").glob("*.jsonl") for line in path.read_bytes().splitlines()]
        assert len(lines) == 5
        assert "番茄" not in b"".join(lines).decode()
    finally:
        for pid in (server.postgres(), *children):
            os.kill(pid, signal.SIGCONT)
    assert wait_for(lambda: httpx2.get(f"{base}/readyz").json()["status"] == "ok")
    served.add(ask())
    assert served <= recorded(server, tmp_path / "out")
    assert len([p for p in exchanges(server.export(tmp_path / "again")) if p["content_id"] in served]) == len(served)
    assert server.stop() == 0


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return -1


def test_service_is_refused_when_the_spool_may_take_no_more(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(ANSWER)
    server = Server(tmp_path / "data", upstream=upstream.url, HEGUI_SPOOL_SECONDS="1").start()
    key, before = server.key, len(upstream.requests)
    url, body = (
        f"{server.gateway}/chat/completions",
        {"model": "safe", "messages": [{"role": "user", "content": "番茄"}]},
    )
    assert httpx2.post(url, json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    os.kill(server.postgres(), signal.SIGKILL)
    codes: list[int] = []

    def refused() -> bool:
        reply = httpx2.post(url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=20)
        codes.append(reply.status_code)
        return reply.status_code == 503 and reply.json()["error"]["code"] == "not_recorded"

    assert wait_for(refused, 20)
    asked = len(upstream.requests)
    assert refused()
    assert len(upstream.requests) == asked > before, "the model is not asked when nothing can be recorded"
    assert set(codes) == {200, 503}
    assert httpx2.get(f"{server.gateway.removesuffix('/v1')}/readyz").status_code == 503
    server.stop()
    spooled = [line for path in (server.data / "spool").glob("*.jsonl") for line in path.read_bytes().splitlines()]
    assert len(spooled) == codes.count(200), "what was served is on disk"
    again = Server(tmp_path / "data", upstream=upstream.url).start()
    assert wait_for(lambda: not list((server.data / "spool").glob("*.jsonl")) or _spool_empty(server.data))
    ids = recorded(again, tmp_path / "out")
    assert {json.loads(line)["id"] for line in spooled} <= ids
    assert again.stop() == 0


def _spool_empty(data: Path) -> bool:
    return all(path.stat().st_size == 0 for path in (data / "spool").glob("*.jsonl"))


def test_starting_twice_on_one_directory_says_who_has_it(server: Server, tmp_path: Path) -> None:
    second = hegui("serve", "--data", server.data, "--port", "0", check=False)
    assert second.returncode == 5
    assert "另一个 hegui" in second.stderr
    assert "--data" in second.stderr
    port = server.gateway.rsplit(":", 1)[1].removesuffix("/v1")
    third = hegui("serve", "--data", tmp_path / "other", "--port", port, check=False)
    assert third.returncode == 5
    assert port in third.stderr
    assert httpx2.get(server.gateway.removesuffix("/v1") + "/healthz").status_code == 200


def test_sigterm_seals_everything_and_a_restart_continues(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(ANSWER)
    data = tmp_path / "data"
    server = Server(data, upstream=upstream.url).start()
    vkey = httpx2.get(server.console + "/checkpoint/vkey").text
    server.client().chat.completions.create(model="safe", messages=[{"role": "user", "content": "番茄"}])
    assert server.stop() == 0
    size = int((data / "ledger" / "checkpoint").read_text().split("\n")[1])
    again = Server(data, upstream=upstream.url).start()
    assert httpx2.get(again.console + "/checkpoint/vkey").text == vkey
    assert again.log.read_text().count("password") == 1, "the password is printed once"
    assert wait_for(lambda: int((data / "ledger" / "checkpoint").read_text().split("\n")[1]) > size)
    assert again.stop() == 0
    assert (data / "keys").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (data / "keys").glob("*.key"))


def test_your_own_postgresql_is_used_when_it_is_named(
    server: Server, tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with server.database() as connection:
        connection.execute("CREATE DATABASE yours")
        url = f"postgresql://postgres@/yours?host={connection.info.host}&port={connection.info.port}"
    own = Server(tmp_path / "data", upstream=upstream.url, HEGUI_DATABASE_URL=url).start()
    try:
        assert not (tmp_path / "data" / "postgres").exists()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM people_account").fetchone() == (1,)
    finally:
        assert own.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "env", "code", "told"),
    [
        (["--upstream", "gopher://x"], {}, 2, "gopher"),
        (["--library", "/nonexistent.csv"], {}, 2, "/nonexistent.csv"),
        ([], {"HEGUI_PROT": "1"}, 2, "port"),
        ([], {"HEGUI_WORKERS": "eight"}, 2, "workers"),
        ([], {"HEGUI_DATABASE_URL": "mysql://x"}, 4, "PostgreSQL"),
        ([], {"HEGUI_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, 4, "PostgreSQL"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(
    tmp_path: Path, arguments: list[str], env: dict[str, str], code: int, told: str
) -> None:
    done = hegui("serve", "--data", tmp_path / "d", "--port", "0", *arguments, check=False, **env)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
