"""What the processes of a target use: CPU time and memory from ``/proc``, and their pinning to cores.

A target is the process tree under one process, and whatever else works inside its data directory
(an embedded database server often detaches itself from the tree). Linux only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")

GATEWAY: Final = "gateway worker"
POSTGRES: Final = "PostgreSQL"
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table."""

    pid: int
    parent: int
    name: str
    cpu: float
    """Seconds of user and system time, with those of children that ended and were waited for."""


def _process(pid: int) -> Process | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets too.
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    return Process(pid, int(fields[1]), name, sum(map(int, fields[11:15])) * TICK)


def _all() -> Iterator[Process]:
    for entry in os.listdir(PROC):
        if entry.isdigit() and (process := _process(int(entry))) is not None:
            yield process


def _arguments(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _works_in(pid: int, directory: Path) -> bool:
    try:
        return Path(os.readlink(PROC / str(pid) / "cwd")).is_relative_to(directory)
    except OSError:
        return False


def one_group(process: Process) -> str:
    """For targets whose processes need not be told apart."""
    return GATEWAY


def hegui_group(process: Process) -> str:
    """Tell the gateway worker and PostgreSQL from the rest of hegui.

    The worker has ``hegui-gateway`` in its name or its title; a directory of that name in the path
    of a program does not count.
    """
    if process.name.startswith("postgres"):
        return POSTGRES
    titles = (process.name, *(word.rpartition("/")[2] for word in _arguments(process.pid)))
    return GATEWAY if any("hegui-gateway" in title for title in titles) else OTHER


@dataclass(frozen=True, slots=True)
class Family:
    """The processes of one target."""

    root: int
    group: Callable[[Process], str] = one_group
    data: Path | None = None

    def members(self) -> list[Process]:
        """The tree under the root, with the trees of processes that work in the data directory."""
        table = list(_all())
        known = {self.root}
        if self.data is not None:
            known |= {process.pid for process in table if _works_in(process.pid, self.data)}
        found = 0
        while found != len(known):
            found = len(known)
            known |= {process.pid for process in table if process.parent in known}
        return [process for process in table if process.pid in known]

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by group."""
        used: dict[str, float] = {}
        for process in self.members():
            group = self.group(process)
            used[group] = used.get(group, 0.0) + process.cpu
        return used

    def memory(self) -> float:
        """Proportional set size of all processes in MB (shared pages are counted once)."""
        total = 0
        for process in self.members():
            with contextlib.suppress(OSError):
                lines = (PROC / str(process.pid) / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def pin(self, cores: dict[str, int], default: int) -> None:
        """Pin every thread of every process to the core of its group."""
        for process in self.members():
            pin(process.pid, cores.get(self.group(process), default))


def pin(pid: int, core: int) -> None:
    """Pin every thread of a process to one core."""
    with contextlib.suppress(OSError):
        for thread in os.listdir(PROC / str(pid) / "task"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(thread), {core})


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """The CPU seconds between two readings, by group."""
    return {group: max(0.0, used - before.get(group, 0.0)) for group, used in after.items()}
