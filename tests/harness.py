"""Running hegui as a user runs it: the real command in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openai
import psycopg

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
MARKER = "合规样例词甲子"
OFFLINE = str(Path(__file__).parent / "offline")


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HEGUI_")}
    return {**clean, "PYTHONPATH": OFFLINE, **more}


def hegui(*arguments: str | Path, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [BIN / "hegui", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=check, env=environment(**more),
    )  # fmt: skip


class Server:
    """`hegui serve` on free ports."""

    def __init__(self, data: Path, *arguments: str, upstream: str = "demo", **env: str) -> None:
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self._arguments = ["--data", str(data), "--port", "0", "--upstream", upstream, *arguments]
        self._env = env
        self.process: subprocess.Popen[str] | None = None
        self.gateway = self.console = ""
        self._key = ""

    def start(self) -> Server:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [BIN / "hegui", "serve", *self._arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env=environment(**self._env),
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.match(r"hegui ready gateway=(\S+) console=(\S+)", line)
        assert found, f"not ready: {line!r}\n{self.log.read_text()}"
        self.gateway, self.console = found.groups()
        return self

    @property
    def password(self) -> str:
        found = re.search(r"account admin, password (\S+)", self.log.read_text())
        assert found
        return found.group(1)

    @property
    def key(self) -> str:
        if not self._key:
            self._key = hegui("keys", "create", "--data", self.data, "--service", "test").stdout.strip()
        return self._key

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.gateway, api_key=self.key, max_retries=0, timeout=60)

    def processes(self, title: str) -> list[int]:
        """Return the ids of our processes with a title, such as `hegui-gateway`."""
        assert self.process is not None
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = (folder / "stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
                if parent == self.process.pid and title in (folder / "cmdline").read_text():
                    found.append(int(folder.name))
        return found

    def database(self) -> psycopg.Connection[Any]:
        """Connect to the embedded database while the server runs."""
        lines = (self.data / "postgres" / "postmaster.pid").read_text().splitlines()
        return psycopg.connect(
            host=lines[4].strip(), port=lines[3].strip(), user="postgres", dbname="postgres", autocommit=True
        )

    def postgres(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def stop(self) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(40)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()
        self.process = None
        return code

    def kill(self) -> None:
        """Kill the supervisor as a power cut would; its processes end with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def export(self, out: Path, *more: str) -> list[dict[str, Any]]:
        hegui("evidence", "export", "--data", self.data, "--out", out, *more)
        return [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]


def exchanges(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record["payload"] for record in records if record["kind"] == "exchange" and "payload" in record]


def wait_for(condition: Any, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
