"""`hegui serve` from its one line to its last: what a script, a supervisor and an operator rely on."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness import BIN, Server, environment, exchanges, hegui, wait_for
from tests.upstream import ScriptedUpstream, says

ANSWER = "番茄喜光，夏天要早晚浇水。" * 20


def test_one_line_on_standard_output_when_everything_answers(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    process = subprocess.Popen(
        [BIN / "hegui", "serve", "--data", tmp_path / "data", "--port", "0", "--upstream", upstream.url, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"ready", "gateway", "console"}
    assert httpx2.get(ready["gateway"].removesuffix("/v1") + "/readyz").status_code == 200
    assert httpx2.get(ready["console"] + "/sign-in", follow_redirects=True).status_code == 200
    process.send_signal(signal.SIGTERM)
    rest, log = process.communicate(timeout=40)
    assert (process.returncode, rest) == (0, "")
    assert log.count("admin") == 2, "the first password, in two languages"
    assert "Traceback" not in log


class Streams:
    """Clients that read slow answers to their end, whatever that is."""

    def __init__(self, server: Server, count: int) -> None:
        self.ends: list[str] = []
        self.numbers: list[str] = []
        self.begun = threading.Semaphore(0)
        self._url, self._key = f"{server.gateway}/chat/completions", server.key
        self.threads = [threading.Thread(target=self._read) for _ in range(count)]
        for thread in self.threads:
            thread.start()
        for _ in range(count):
            assert self.begun.acquire(timeout=20)

    def _read(self) -> None:
        body = {"model": "slow", "stream": True, "messages": [{"role": "user", "content": "好"}]}
        with httpx2.stream(
            "POST", self._url, json=body, headers={"Authorization": f"Bearer {self._key}"}, timeout=40
        ) as reply:
            self.numbers.append(reply.headers["x-hegui-content-id"])
            self.begun.release()
            text = ""
            try:
                for piece in reply.iter_text():
                    text += piece
            except httpx2.HTTPError:
                text += "(broken off)"
            self.ends.append(text)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(40)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_streams_under_way_are_finished_and_recorded_before_the_end(
    tmp_path: Path, upstream: ScriptedUpstream, how: int
) -> None:
    upstream.scripts["slow"] = says(ANSWER, piece=8, pause=0.05)
    server = Server(tmp_path / "data", "--workers", "2", upstream=upstream.url).start()
    streams = Streams(server, 6)
    assert server.process is not None
    server.process.send_signal(how)
    streams.join()
    assert server.process.wait(40) == 0
    assert all(text.endswith("data: [DONE]\n\n") for text in streams.ends)
    assert server.stop() == 0
    records = {payload["content_id"]: payload["outcome"] for payload in exchanges(server.export(tmp_path / "out"))}
    assert {records[number] for number in streams.numbers} == {"answered"}
    assert hegui("evidence", "verify", tmp_path / "out").returncode == 0
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(server.gateway.removesuffix("/v1") + "/healthz")


def test_several_workers_answer_share_keys_and_are_started_again(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(ANSWER)
    server = Server(tmp_path / "data", "--workers", "3", upstream=upstream.url).start()
    first = set(server.processes("hegui-gateway"))
    assert len(first) == 3

    def ask() -> int:
        body = {"model": "safe", "messages": [{"role": "user", "content": "好"}]}
        return httpx2.post(
            f"{server.gateway}/chat/completions",
            json=body,
            headers={"Authorization": f"Bearer {server.key}"},
            timeout=20,
        ).status_code

    assert {ask() for _ in range(24)} == {200}
    dead = min(first)
    os.kill(dead, signal.SIGKILL)
    assert wait_for(lambda: len(set(server.processes("hegui-gateway")) - {dead}) == 3)
    assert {ask() for _ in range(12)} == {200}
    for title in ("hegui-keeper", "hegui-console"):
        (old,) = server.processes(title)
        os.kill(old, signal.SIGKILL)
        assert wait_for(lambda t=title, o=old: server.processes(t) and o not in server.processes(t))
    assert wait_for(lambda: _answers(server.console))
    assert server.stop() == 0
    assert server.log.read_text().count("starting it again") == 3
    assert list((server.data / "spool").glob("*.jsonl")) == []


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, follow_redirects=True, timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def test_a_start_that_fails_does_not_take_the_first_password_with_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = hegui("serve", "--data", tmp_path / "data", "--port", "0", "--console-port", port, check=False)
    assert done.returncode == 5
    assert port in done.stderr
    assert "--console-port" in done.stderr
    found = re.search(r"account admin, password (\S+)", done.stderr)
    assert found, "the account was made, so its password is told"
    server = Server(tmp_path / "data").start()
    with httpx2.Client(follow_redirects=True) as client:
        page = client.get(f"{server.console}/sign-in")
        token = re.search(r'name="(\w*csrf\w*|token)" value="([^"]+)"', page.text)
        fields = {"name": "admin", "password": found.group(1), **({token.group(1): token.group(2)} if token else {})}
        inside = client.post(f"{server.console}/sign-in", data=fields, headers={"Origin": server.console})
    assert inside.status_code == 200
    assert not str(inside.url).endswith("/sign-in"), inside.text[:500]
    assert server.stop() == 0
    assert "password" not in server.log.read_text()


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


WRONG: dict[str, tuple[Any, int, str]] = {
    "an unknown risk": (lambda p: ["--library", _file(p, "w.csv", "word,risk\n标记,A.9.z\n".encode())], 2, "w.csv:2"),
    "no words": (lambda p: ["--library", _file(p, "w.csv", b"word,risk\n")], 2, "w.csv"),
    "a broken workbook": (lambda p: ["--library", _file(p, "w.xlsx", b"PK")], 2, "w.xlsx"),
    "a folder as library": (lambda p: ["--library", p], 2, "directory"),
    "a broken policy": (lambda p: ["--policy", _file(p, "p.yaml", b"input: [")], 2, "p.yaml"),
    "an unknown action": (lambda p: ["--policy", _file(p, "p.yaml", b"input: {default: explode}")], 2, "explode"),
    "no scheme": (lambda _: ["--upstream", "127.0.0.1:9000/v1"], 2, "http(s)://"),
    "a file as upstream": (lambda _: ["--upstream", "file:///etc/passwd"], 2, "http(s)://"),
    "an empty upstream": (lambda _: ["--upstream", ""], 2, "http(s)://"),
    "a host that is none": (lambda _: ["--host", "nowhere.invalid"], 5, "--host"),
    "no workers": (lambda _: ["--workers", "0"], 2, "workers"),
    "logs kept too short": (lambda _: [], 2, "log_months"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_setting_or_file_stops_the_start_and_says_what_to_do(tmp_path: Path, what: str) -> None:
    arguments, code, told = WRONG[what]
    env = {"HEGUI_LOG_MONTHS": "1"} if what == "logs kept too short" else {}
    done = hegui("serve", "--data", tmp_path / "data", "--port", "0", *arguments(tmp_path), check=False, **env)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert told in done.stderr or told in done.stderr.lower(), done.stderr
    assert "Traceback" not in done.stderr
    assert "请：" in done.stderr
    assert "do:" in done.stderr
    assert code != 2 or not (tmp_path / "data").exists(), "told before a database is made"


def test_a_second_start_on_the_same_data_harms_nothing(server: Server, upstream: ScriptedUpstream) -> None:
    upstream.scripts["safe"] = says(ANSWER)
    before = server.processes("hegui-")
    done = hegui("serve", "--data", server.data, "--port", "0", "--json", check=False)
    assert done.returncode == 5
    assert json.loads(done.stdout)["remedy_zh"]
    assert str(server.process.pid if server.process else "?") in done.stderr
    assert server.processes("hegui-") == before
    answer = server.client().chat.completions.create(model="safe", messages=[{"role": "user", "content": "好"}])
    assert answer.choices[0].finish_reason == "stop"


def test_what_is_in_force_at_each_start_is_in_the_ledger(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    words = _file(
        tmp_path,
        "w.csv",
        "关键词,一级分类,二级分类\n标记甲,A.1,A.1.a\n标记Ａ,A.1,A.1.b\n标记a,A.1,A.1.b\n".encode("gb18030"),
    )
    server = Server(tmp_path / "data", "--library", str(words), upstream=upstream.url).start()
    answer = server.client().chat.completions.create(model="echo", messages=[{"role": "user", "content": "标记甲"}])
    assert answer.choices[0].finish_reason == "content_filter"
    assert server.stop() == 0
    (started,) = [r["payload"] for r in server.export(tmp_path / "out") if r["kind"] == "service.started"]
    assert started["library"] == {"source": "w.csv", "words": {"A.1.a": 1, "A.1.b": 1}}
    assert started["upstream"] == upstream.url
    (kept,) = (server.data / "libraries").iterdir()
    assert kept.stem == started["versions"]["library"]
    assert kept.stat().st_mode & 0o077 == 0
    assert json.loads(kept.read_text("utf-8"))["rows"][0] == [2, "标记甲", "A.1.a"]
