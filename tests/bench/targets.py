"""The gateways under test: how each is started, found ready, and stopped.

Each runs on the loopback address with one worker, and is given nothing to reach but the dummy upstream.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from load import QUESTION, SYSTEM
from processes import GATEWAY, Family, Process, hegui_group, one_group
from upstream import ANSWER

HERE: Final = Path(__file__).resolve().parent
LITELLM: Final = "1.106.2"
RISKS: Final = tuple(f"A.1.{letter}" for letter in "abcdefgh") + tuple(f"A.2.{letter}" for letter in "abcdefghi")
READY_SECONDS: Final = 180.0
SEED: Final = 20_230_815

# Nothing is fetched at start: price map, headers, posts and templates come from the package itself.
LITELLM_ENVIRONMENT: Final = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_DONT_SHOW_FEEDBACK_BOX": "True",
    "DISABLE_ADMIN_UI": "True",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


class Unavailable(Exception):
    """This target cannot be run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is asked of a target in one round; slow ones get less."""

    plain: int
    single: int
    bursts: int
    streams: int = 50
    warm_up: int = 200


@dataclass(slots=True)
class Target:
    """A running gateway."""

    name: str
    port: int
    process: subprocess.Popen[bytes] | None = None
    family: Family | None = None
    key: str = "sk-bench"
    start_seconds: float = 0.0
    log: Path | None = None
    notes: list[str] = field(default_factory=list)

    def pin(self, gateway: int, rest: int) -> None:
        if self.family is not None:
            self.family.pin({GATEWAY: gateway}, rest)

    def stop(self) -> None:
        """End the process, and what it left behind in its data directory."""
        if self.process is None or self.family is None:
            return
        members = {process.pid for process in self.family.members()}
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.notes.append("did not stop within 30 s of SIGTERM")
            self.process.kill()
            self.process.wait()
        # PostgreSQL takes SIGINT as a request to shut down fast.
        for number, patience in ((0, 2.0), (signal.SIGINT, 5.0), (signal.SIGKILL, 1.0)):
            left = {process.pid for process in self.family.members()} & members
            if number == signal.SIGINT and left:
                self.notes.append(f"left {len(left)} processes behind")
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            self._await_end(members, patience)

    def _await_end(self, members: set[int], patience: float) -> None:
        assert self.family is not None
        until = time.perf_counter() + patience
        while {process.pid for process in self.family.members()} & members and time.perf_counter() < until:
            time.sleep(0.05)


def free_port() -> int:
    """A port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def words(count: int) -> list[str]:
    """Synthetic keywords: random strings of 3 to 6 common Chinese characters, none in the texts used.

    The characters are the 3,755 of the first level of GB 2312, so that the first characters of words do
    occur in the texts, as they do with a real list. Marks and spaces in the texts are passed over when
    a word is looked for.
    """
    common = [bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF)][:3755]
    characters = [pair.decode("gb2312") for pair in common]
    texts = "\n".join("".join(filter(str.isalnum, text)) for text in (ANSWER, SYSTEM, QUESTION))
    draw = random.Random(SEED)
    found: dict[str, None] = {}
    while len(found) < count:
        word = "".join(draw.choices(characters, k=draw.randint(3, 6)))
        if word not in texts:
            found[word] = None
    return list(found)


def launch(
    name: str,
    command: Sequence[str],
    port: int,
    log: Path,
    ready: Callable[[], bool],
    *,
    core: int | None,
    environment: dict[str, str] | None = None,
    group: Callable[[Process], str] = one_group,
    data: Path | None = None,
) -> Target:
    """Start a process and wait until it is ready."""
    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
            start_new_session=True,
        )
    target = Target(name, port, process, Family(process.pid, group, data), log=log)
    try:
        while not ready():
            if process.poll() is not None or time.perf_counter() - started > READY_SECONDS:
                tail = log.read_text(errors="replace")[-2000:]
                raise Unavailable(f"{name} did not become ready; its last words:\n{tail}")
            time.sleep(0.05)
    except BaseException:
        target.stop()
        raise
    target.start_seconds = time.perf_counter() - started
    return target


def answers(port: int, key: str = "sk-bench") -> Callable[[], bool]:
    """A check that a plain request through this port is answered."""
    body = json.dumps({"model": "plain", "messages": [{"role": "user", "content": "你好"}]}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def check() -> bool:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body, headers)
        try:
            with opener.open(request, timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return check


def start_upstream(scratch: Path, core: int | None, delay: float) -> Target:
    """The dummy upstream itself."""
    port = free_port()
    command = [sys.executable, str(HERE / "upstream.py"), "--port", str(port), "--delay", str(delay)]
    return launch("upstream", command, port, scratch / "upstream.log", answers(port), core=core)


def start_bare(scratch: Path, upstream: int, core: int | None) -> Target:
    """The pass-through that looks at nothing."""
    port = free_port()
    command = [sys.executable, str(HERE / "bare.py"), "--port", str(port)]
    command += ["--upstream", f"http://127.0.0.1:{upstream}"]
    return launch("bare", command, port, scratch / "bare.log", answers(port), core=core)


def start_hegui(scratch: Path, upstream: int, core: int | None) -> Target:
    """hegui with its embedded database and a library of 10,000 keywords."""
    program = Path(sys.executable).with_name("hegui")
    if not program.exists():
        raise Unavailable("hegui is not installed beside this Python")
    # A fresh directory each time; its path is short, as the database keeps a socket in it.
    data = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch)).resolve()
    library = scratch / "library.csv"
    rows = [f"{word},{RISKS[i % len(RISKS)]}" for i, word in enumerate(words(10_000))]
    library.write_text("\n".join(["word,risk", *rows, ""]), encoding="utf-8")
    port, log = free_port(), scratch / "hegui.log"
    command = [str(program), "serve", "--data", str(data), "--port", str(port), "--workers", "1"]
    command += ["--console-port", str(free_port())]
    command += ["--upstream", f"http://127.0.0.1:{upstream}/v1", "--library", str(library)]

    def ready() -> bool:
        return any(line.startswith("hegui ready") for line in log.read_text(errors="replace").splitlines())

    target = launch("hegui", command, port, log, ready, core=core, group=hegui_group, data=data)
    created = subprocess.run(
        [str(program), "keys", "create", "--data", str(data), "--service", "bench"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if created.returncode or not created.stdout.strip():
        target.stop()
        raise Unavailable(f"hegui gave no API key: {created.stderr[-2000:]}")
    target.key = created.stdout.split()[-1]
    assert target.family is not None
    if GATEWAY not in target.family.cpu():
        target.stop()
        raise Unavailable("no process of hegui has hegui-gateway in its name or title")
    return target


def litellm_config(upstream: int, keywords: int) -> str:
    """A LiteLLM configuration; JSON is YAML too."""
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": f"openai/{name}",
                "api_base": f"http://127.0.0.1:{upstream}/v1",
                "api_key": "sk-bench",
            },
        }
        for name in ("plain", "burst", "paced")
    ]
    config: dict[str, object] = {"model_list": models, "litellm_settings": {"telemetry": False}}
    if keywords:
        config["guardrails"] = [
            {
                "guardrail_name": "keywords",
                "litellm_params": {
                    "guardrail": "litellm_content_filter",
                    "mode": ["pre_call", "post_call"],
                    "default_on": True,
                    "blocked_words": [{"keyword": word, "action": "BLOCK"} for word in words(keywords)],
                },
            }
        ]
    return json.dumps(config, ensure_ascii=False, indent=1)


def start_litellm(scratch: Path, upstream: int, core: int | None, venv: Path, keywords: int = 0) -> Target:
    """The LiteLLM proxy, plain or with its own content filter; callers show its master key."""
    name = f"litellm-{keywords}" if keywords else "litellm"
    config = scratch / f"{name}.yaml"
    config.write_text(litellm_config(upstream, keywords), encoding="utf-8")
    port = free_port()
    command = [str(venv / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1"]
    key = f"sk-{secrets.token_hex(32)}"
    environment = {**LITELLM_ENVIRONMENT, "LITELLM_MASTER_KEY": key}
    log = scratch / f"{name}.log"
    target = launch(name, command, port, log, answers(port, key), core=core, environment=environment)
    target.key = key
    return target


def prepare_litellm(venv: Path) -> str:
    """Install LiteLLM in a virtual environment of its own, once; give its version."""
    python = venv / "bin" / "python"
    if not (venv / "bin" / "litellm").exists():
        print(f"installing litellm {LITELLM} in {venv} (a few minutes, once)", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        for version in _versions(python):
            done = subprocess.run([str(python), "-m", "pip", "install", "--quiet", f"litellm[proxy]=={version}"])
            if done.returncode == 0:
                break
        else:
            raise Unavailable("litellm could not be installed")
    ask = "import importlib.metadata; print(importlib.metadata.version('litellm'))"
    return subprocess.run([str(python), "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


def _versions(python: Path) -> Iterator[str]:
    """The wanted version, then the nearest that is offered (an older one first)."""
    yield LITELLM
    index = subprocess.run(
        [str(python), "-m", "pip", "index", "versions", "litellm"], capture_output=True, text=True
    ).stdout
    line = next((line for line in index.splitlines() if line.startswith("Available versions:")), "")
    offered = [version.strip() for version in line.partition(":")[2].split(",")]
    numbers = {
        tuple(map(int, version.split("."))): version for version in offered if version.replace(".", "").isdigit()
    }
    wanted = tuple(map(int, LITELLM.split(".")))
    older = [version for version in numbers if version < wanted]
    newer = [version for version in numbers if version > wanted]
    yield from (numbers[version] for version in ([max(older)] if older else []) + ([min(newer)] if newer else []))
