"""`hegui serve`: database, schema, first administrator, then gateway workers, keeper and console as processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson

from hegui.evidence import leave
from hegui.evidence.keyring import open_keyring
from hegui.evidence.retention import log_months
from hegui.general.content import Checker, load_checker
from hegui.general.content.guards import load_guard
from hegui.kit.errors import BusyError, SettingsError
from hegui.kit.process import give_back
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people import accounts
from hegui.service.gateway.media.fetching import allowed_places
from hegui.service.gateway.media.labelling import check_media
from hegui.service.gateway.upstream import check_upstream
from hegui.service.labels.schema import set_code
from hegui.service.releases.clauses import clause_of
from hegui.store import Store, unit_of_work
from hegui.store.embedded import database
from hegui.store.migrate import migrate

_START_SECONDS = 60.0
_STOP_SECONDS = 25.0
_QUICK_SECONDS = 5.0
_MOST_QUICK_DEATHS = 5


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise BusyError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise BusyError(
            Bi(f"无法监听 {host}:{port}：{error.strerror}", f"can not listen on {host}:{port}: {error.strerror}"),
            Bi(
                "换一个地址或端口（--host、--port、--console-port），或停止占用它的程序",
                "choose another address or port (--host, --port, --console-port), or stop what uses it",
            ),
        ) from None
    opened.listen(2048)
    opened.set_inheritable(True)
    return opened


@dataclass
class Child:
    """One process that the supervisor keeps running."""

    module: str
    title: str
    message: dict[str, object]
    fds: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    _ready: int = field(default=-1)

    def start(self) -> None:
        """Start the process and hand it its message."""
        reader, writer = os.pipe()
        self._ready = reader
        self.started = time.monotonic()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HEGUI_")}
        self.process = subprocess.Popen(  # noqa: S603 - our own module with our own interpreter
            [sys.executable, "-m", self.module, self.title],
            stdin=subprocess.PIPE,
            pass_fds=(*self.fds, writer),
            env=environment,
            start_new_session=True,
        )
        os.close(writer)
        if self.process.stdin is not None:
            self.process.stdin.write(orjson.dumps({**self.message, "ready": writer}) + b"\n")
            self.process.stdin.close()

    def wait_ready(self) -> bool:
        """Wait until the process says that it is ready; return whether it did."""
        readable, _, _ = select.select([self._ready], [], [], _START_SECONDS)
        good = bool(readable) and os.read(self._ready, 1) == b"1"
        os.close(self._ready)
        return good

    def alive(self) -> bool:
        """Say whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Send a signal."""
        if self.process is not None and self.alive():
            self.process.send_signal(how)

    def join(self, deadline: float) -> None:
        """Wait for the end; kill after the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _settings_message(settings: Settings) -> dict[str, object]:
    return {**asdict(settings), "data": str(settings.data)}


def check(settings: Settings) -> Checker:
    """Return the checker of the operator's files; raise for anything wrong that can be told before a database runs."""
    check_upstream(settings)
    check_media(settings)
    allowed_places(settings)
    log_months(settings.log_months)
    clause_of(settings.unlabelled_clause)
    set_code("provider_code", settings.provider_code)
    set_code("propagator_code", settings.propagator_code)
    guard = load_guard(Path(settings.guard)).name if settings.guard else ""
    return load_checker(*settings.content_files, guard)


def prepare(settings: Settings, url: str, checker: Checker) -> tuple[Store, str]:
    """Bring the schema up, make the first administrator, note what is in force; return the password once."""
    store = Store.open(url)
    migrate(store)
    keyring = open_keyring(settings.data, settings.origin)
    keep_library(settings.data, checker)
    with unit_of_work(store) as session:
        opened = accounts.bootstrap(session)
        leave(
            session,
            "service.started",
            {
                "versions": checker.versions.as_dict(),
                "library": {"source": checker.library.source, "words": dict(sorted(checker.library.counts().items()))},
                "origin": keyring.signer.name,
                "upstream": settings.upstream,
            },
        )
    return store, opened.password if opened else ""


def keep_library(data: Path, checker: Checker) -> None:
    """Keep each library version in the data directory, so that an old verdict can still name its word.

    That is the version of the file; what was edited while serving is kept where it was edited.
    """
    folder = data / "libraries"
    folder.mkdir(exist_ok=True)
    path = folder / f"{checker.library.base_version}.json"
    if not path.exists():
        rows = [[word.row, word.text, word.risk] for word in checker.library.listed if not word.edit]
        path.write_bytes(orjson.dumps({"source": checker.library.source, "rows": rows}))
        path.chmod(0o600)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT instead of dying of them."""
    seen: list[int] = []
    old = {number: signal.signal(number, lambda got, _: seen.append(got)) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield seen
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


class Supervisor:
    """Starts the processes, starts again those that die, stops them in order."""

    def __init__(self, settings: Settings, url: str) -> None:
        # Port 0 asks for any free port, for the console too.
        console_port = settings.console if settings.console_port or settings.port else 0
        self.gateway = listen(settings.host, settings.port)
        self.console = listen(settings.host, console_port)
        settings = replace(settings, port=self.gateway.getsockname()[1])
        self.settings = replace(settings, console_port=self.console.getsockname()[1])
        self._alive_reader, self._alive_writer = os.pipe()
        os.set_inheritable(self._alive_reader, True)  # noqa: FBT003 - its signature
        message: dict[str, object] = {
            "settings": _settings_message(self.settings), "url": url, "alive": self._alive_reader,
        }  # fmt: skip
        alive = self._alive_reader
        gateway, console = self.gateway.fileno(), self.console.fileno()
        self.children = [
            Child(
                "hegui.service.gateway.worker",
                f"hegui-gateway-{number}",
                {**message, "socket": gateway},
                (alive, gateway),
            )
            for number in range(max(1, settings.workers))
        ]
        self.children.append(Child("hegui.keeper", "hegui-keeper", message, (alive,)))
        self.children.append(
            Child("hegui.console_process", "hegui-console", {**message, "socket": console}, (alive, console))
        )

    def start(self) -> None:
        """Start every process and wait until all are ready; raise SettingsError when one is not."""
        for child in self.children:
            child.start()
        for child in self.children:
            if not child.wait_ready():
                self.stop()
                raise SettingsError(
                    Bi(f"进程 {child.title} 未能启动", f"the process {child.title} did not start"),
                    Bi("查看上面的日志，改正后重试", "read the log above, correct the cause and try again"),
                )

    def watch(self, seen: list[int]) -> None:
        """Run until a signal comes; a process that dies is started again."""
        while not seen:
            time.sleep(0.1)
            for child in self.children:
                if not child.alive() and not seen:
                    self._revive(child)

    def _revive(self, child: Child) -> None:
        quick = time.monotonic() - child.started < _QUICK_SECONDS
        child.deaths = child.deaths + 1 if quick else 0
        code = child.process.returncode if child.process else None
        sys.stderr.write(f"hegui: {child.title} ended ({code}), starting it again\n")
        if child.deaths > _MOST_QUICK_DEATHS:
            time.sleep(_QUICK_SECONDS)
        child.start()
        child.wait_ready()

    def stop(self) -> None:
        """Stop gateway and console first, then the keeper, which seals what they left."""
        deadline = time.monotonic() + _STOP_SECONDS
        keeper = [child for child in self.children if child.module == "hegui.keeper"]
        others = [child for child in self.children if child not in keeper]
        for group in (others, keeper):
            for child in group:
                child.stop()
            for child in group:
                child.join(deadline)
        os.close(self._alive_writer)
        self.gateway.close()
        self.console.close()


def serve(settings: Settings, *, as_json: bool = False) -> None:
    """Run hegui until a signal; print one line when everything is ready."""
    checker = check(settings)
    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(_signals())
        url = stack.enter_context(database(settings, "serve"))
        store, password = prepare(settings, url, checker)
        store.close()
        # The workers have their own; this process only watches over them.
        del checker
        give_back()
        if password:
            # Told before anything else can fail: the account is kept now and the password nowhere.
            sys.stderr.write(
                f"首次启动：控制台账号 admin，密码 {password}（只显示这一次，登录后须修改）\n"
                f"first start: console account admin, password {password} (shown this once; change it after signing in)\n"
            )
            sys.stderr.flush()
        supervisor = Supervisor(settings, url)
        supervisor.start()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        gateway = f"http://{host}:{supervisor.settings.port}/v1"
        console = f"http://{host}:{supervisor.settings.console_port}"
        line = f"hegui ready gateway={gateway} console={console}"
        if as_json:
            line = orjson.dumps({"ready": True, "gateway": gateway, "console": console}).decode()
        print(line, flush=True)  # noqa: T201 - the one line that a script waits for
        try:
            supervisor.watch(seen)
        finally:
            supervisor.stop()
