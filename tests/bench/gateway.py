"""What a request and a streamed event cost in hegui, beside a bare pass-through and LiteLLM.

``python tests/bench/gateway.py [--peers bare,hegui,litellm,litellm-1000] [--rounds 3] [--out FILE.md]``

A dummy upstream is started, then in each round each target by itself, with one worker. With two cores
or more the gateway gets a core of its own; upstream, load and everything else share another. The
measure to trust is CPU time, read from ``/proc``: wall-clock times depend on what else the machine does.
All figures are medians over the rounds. The exit status is 1 when any reply was not whole. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import uvloop
from load import Load, Run
from processes import Family, spent
from targets import (
    Sizes,
    Target,
    Unavailable,
    prepare_litellm,
    start_bare,
    start_hegui,
    start_litellm,
    start_upstream,
    words,
)
from upstream import EVENTS

PEERS: Final = ("bare", "hegui", "litellm", "litellm-1000")
SIZES: Final = {
    "direct": Sizes(plain=4000, single=300, bursts=400),
    "bare": Sizes(plain=6000, single=300, bursts=600),
    "hegui": Sizes(plain=4000, single=300, bursts=200),
    "litellm": Sizes(plain=300, single=30, bursts=12, warm_up=64),
    "litellm-1000": Sizes(plain=96, single=10, bursts=2, streams=3, warm_up=16),
}
CONNECTIONS: Final = 64
BURST_CONNECTIONS: Final = 8
MANY: Final = 200
MANY_TARGETS: Final = frozenset({"direct", "bare", "hegui"})
MODERATED: Final = {"hegui": 10_000, "litellm-1000": 1000}
RAMP: Final = 1.0
SETTLE: Final = 0.5
"""Seconds after a stage in which work that was put off (records, logs) still counts as its cost."""

Figures = dict[str, float]


@dataclass(slots=True)
class Results:
    """Every figure of every round, by target."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, target: str, figure: str) -> float:
        """The median of a figure; NaN when it was not taken."""
        values = [figures[figure] for figures in self.rounds.get(target, []) if figure in figures]
        return median(values) if values else math.nan

    def ratio(self, figure: str, target: str, other: str) -> float:
        """How many times the other's figure this target's is: the median over the rounds of both."""
        pairs = zip(self.rounds.get(target, []), self.rounds.get(other, []), strict=False)
        ratios = [ours[figure] / theirs[figure] for ours, theirs in pairs if ours.get(figure) and theirs.get(figure)]
        return median(ratios) if ratios else math.nan

    def groups(self, target: str) -> list[str]:
        """The groups of processes that a target was split in."""
        names = {name for figures in self.rounds.get(target, []) for name in figures if name.startswith("plain.cpu.")}
        return sorted(name.removeprefix("plain.cpu.") for name in names)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Round:
    """One round of one target."""

    def __init__(self, target: Target, sizes: Sizes, scale: float, seconds: float) -> None:
        self.target = target
        self.sizes = sizes
        self.scale = scale
        self.seconds = seconds
        self.load = Load(target.port, target.key)
        self.figures: Figures = {"start": target.start_seconds}
        self.faults: list[str] = []

    def _count(self, size: int) -> int:
        return max(2, round(size * self.scale))

    async def _stage(self, name: str, coroutine: Coroutine[Any, Any, Run], per_reply: int) -> Run:
        """Run a stage and keep its times, and its CPU time by group per request or event in µs."""
        family = self.target.family
        before = family.cpu() if family else {}
        run = await coroutine
        await asyncio.sleep(SETTLE)
        used = spent(before, family.cpu()) if family else {}
        self.faults += [f"{name}: {fault}" for fault in run.faults]
        self.figures |= {
            f"{name}.p50": run.total(0.5),
            f"{name}.p95": run.total(0.95),
            f"{name}.first50": run.first(0.5),
            f"{name}.first95": run.first(0.95),
            f"{name}.rate": len(run.outcomes) / run.wall,
        }
        units = len(run.outcomes) * per_reply
        if used:
            self.figures[f"{name}.cpu"] = sum(used.values()) / units * 1e6
            self.figures |= {f"{name}.cpu.{group}": value / units * 1e6 for group, value in used.items()}
        if run.plateau:
            self.figures[f"{name}.core"] = sum(run.plateau.values())
            self.figures |= {f"{name}.core.{group}": value for group, value in run.plateau.items()}
        return run

    async def run(self) -> None:
        """Warm up, then the five stages."""
        load, sizes = self.load, self.sizes
        for warm in (load.plain(CONNECTIONS, sizes.warm_up), load.burst(2, 2)):
            self.faults += [f"warm-up: {fault}" for fault in (await warm).faults]
        await self._stage("plain", load.plain(CONNECTIONS, self._count(sizes.plain)), 1)
        await self._stage("single", load.plain(1, self._count(sizes.single)), 1)
        await self._stage("burst", load.burst(BURST_CONNECTIONS, self._count(sizes.bursts)), EVENTS)
        await self._paced("paced", sizes.streams)
        if self.target.name in MANY_TARGETS:
            await self._paced("many", MANY)
        if self.target.family is not None:
            self.figures["memory"] = self.target.family.memory()

    async def _paced(self, name: str, streams: int) -> None:
        family: Family | None = self.target.family
        self.figures[f"{name}.streams"] = streams
        paced = self.load.paced(streams, self.seconds, RAMP, family.cpu if family else None)
        await self._stage(name, paced, EVENTS)

    async def check_moderation(self, keywords: int) -> None:
        """A question with a keyword in it must not get the answer, or the target was measured asleep."""
        planted = Load(self.target.port, self.target.key, question=f"什么是{words(keywords)[-1]}？")
        if not (await planted.plain(1, 1)).faults:
            self.faults.append("moderation: a planted keyword was not stopped")


def measure(results: Results, target: Target, options: argparse.Namespace) -> None:
    """One round of one target, into the results."""
    this = Round(target, SIZES[target.name], options.scale, options.seconds_streams)

    async def stages() -> None:
        await this.run()
        if target.name in MODERATED:
            await this.check_moderation(MODERATED[target.name])

    try:
        uvloop.run(stages())
    except OSError as error:
        this.faults.append(f"the target went away: {error}")
    finally:
        target.stop()
    results.rounds.setdefault(target.name, []).append(this.figures)
    results.faults.setdefault(target.name, []).extend(this.faults)
    results.notes += [f"{target.name}: {note}" for note in target.notes]
    cost = _number(this.figures.get("plain.cpu", math.nan))
    _say(f"  {target.name}: CPU {cost} µs/request, {len(this.faults)} bad replies {this.faults[:2] or ''}")


def run(options: argparse.Namespace, scratch: Path) -> Results:
    """All rounds of all targets."""
    results = Results()
    cores = sorted(os.sched_getaffinity(0))
    rest, own = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    peers = list(options.peers)
    venv = Path(options.litellm_venv).resolve()
    if any(peer.startswith("litellm") for peer in peers):
        try:
            results.notes.append(f"LiteLLM {prepare_litellm(venv)}")
        except Unavailable as error:
            _say(f"skipped: {error}")
            peers = [peer for peer in peers if not peer.startswith("litellm")]
    if rest is not None:
        os.sched_setaffinity(0, {rest})
    upstream = start_upstream(scratch, rest, options.delay)
    port = upstream.port
    starts: dict[str, Callable[[], Target]] = {
        "direct": lambda: Target("direct", port),
        "bare": lambda: start_bare(scratch, port, own),
        "hegui": lambda: start_hegui(scratch, port, rest),
        "litellm": lambda: start_litellm(scratch, port, own, venv),
        "litellm-1000": lambda: start_litellm(scratch, port, own, venv, 1000),
    }
    try:
        for number in range(1, options.rounds + 1):
            _say(f"round {number} of {options.rounds}")
            for peer in ["direct", *peers]:
                try:
                    target = starts[peer]()
                except Unavailable as error:
                    _say(f"  {peer} skipped: {error}")
                    peers.remove(peer)
                    continue
                if own is not None and rest is not None:
                    target.pin(own, rest)
                measure(results, target, options)
    finally:
        upstream.stop()
    return results


def _number(value: float, digits: int = 1) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _ratios(results: Results, target: str, figure: str) -> list[str]:
    """How many times bare's cost this is, and how many times this LiteLLM's cost is."""
    ratios = [results.ratio(figure, target, "bare")]
    ratios += [results.ratio(figure, peer, target) for peer in ("litellm", "litellm-1000")]
    return [_number(ratio, 1 if ratio >= 1 else 3) for ratio in ratios]


RATIO_HEADS: Final = ["× bare", "LiteLLM costs ×", "LiteLLM-1000 costs ×"]


def _plain_table(results: Results) -> str:
    head = ["target", "CPU µs/request", *RATIO_HEADS, "p50 ms", "p95 ms", "requests/s"]
    head += ["1 connection: p50 ms", "p95 ms", "memory MB", "start s"]
    rows = []
    for name in results.rounds:
        figures = [results.of(name, f"plain.{part}") for part in ("p50", "p95")]
        singles = [results.of(name, f"single.{part}") for part in ("p50", "p95")]
        row = [name, _number(results.of(name, "plain.cpu")), *_ratios(results, name, "plain.cpu")]
        row += [_number(value * 1e3) for value in figures] + [_number(results.of(name, "plain.rate"))]
        row += [_number(value * 1e3, 2) for value in singles]
        row += [_number(results.of(name, "memory"), 0), _number(results.of(name, "start"))]
        rows.append(row)
    return _table(head, rows)


def _burst_table(results: Results) -> str:
    head = ["target", "CPU µs/event", *RATIO_HEADS, "first content p50 ms", "whole answer p50 ms"]
    rows = []
    for name in results.rounds:
        row = [name, _number(results.of(name, "burst.cpu")), *_ratios(results, name, "burst.cpu")]
        row += [_number(results.of(name, f"burst.{part}") * 1e3) for part in ("first50", "p50")]
        rows.append(row)
    return _table(head, rows)


def _paced_table(results: Results, stage: str, delay: float) -> str:
    head = ["target", "streams", "CPU µs/event", *RATIO_HEADS, "first content p50 ms", "p95 ms"]
    head += ["later than direct, events: p50", "p95", "whole answer p50 s", "CPU, % of one core"]
    rows = []
    for name in results.rounds:
        if math.isnan(results.of(name, f"{stage}.streams")):
            continue
        row = [name, f"{results.of(name, f'{stage}.streams'):.0f}", _number(results.of(name, f"{stage}.cpu"))]
        row += _ratios(results, name, f"{stage}.cpu")
        firsts = {part: results.of(name, f"{stage}.{part}") for part in ("first50", "first95")}
        row += [_number(first * 1e3) for first in firsts.values()]
        late = [(first - results.of("direct", f"{stage}.{part}")) / delay for part, first in firsts.items()]
        row += [_number(value, 2) for value in late]
        row += [_number(results.of(name, f"{stage}.p50"), 2), _number(results.of(name, f"{stage}.core") * 100, 0)]
        rows.append(row)
    return _table(head, rows)


def _groups_table(results: Results) -> str:
    head = ["target", "processes", "CPU µs/request", "× bare", "burst: CPU µs/event"]
    head += ["paced: CPU µs/event", "% of one core", f"{MANY} streams: CPU µs/event", "% of one core"]
    rows = []
    for name in results.rounds:
        groups = results.groups(name)
        for group in groups if len(groups) > 1 else []:
            request = results.of(name, f"plain.cpu.{group}")
            row = [name, group, _number(request), _number(request / results.of("bare", "plain.cpu"), 2)]
            row.append(_number(results.of(name, f"burst.cpu.{group}")))
            for stage in ("paced", "many"):
                row.append(_number(results.of(name, f"{stage}.cpu.{group}")))
                row.append(_number(results.of(name, f"{stage}.core.{group}") * 100, 0))
            rows.append(row)
    return _table(head, rows) if rows else ""


def report(results: Results, options: argparse.Namespace) -> str:
    """The figures as Markdown."""
    faults = {name: len(found) for name, found in results.faults.items() if found}
    cores = len(os.sched_getaffinity(0)) if options.cores is None else options.cores
    lines = [
        f"Medians over {options.rounds} interleaved round(s), ratios too; Python {platform.python_version()} on "
        f"{platform.machine()}, {cores} cores; one worker each. Load average now: {os.getloadavg()[0]:.1f}. "
        f"{'; '.join(sorted(set(results.notes)))}",
        f"### Plain requests ({CONNECTIONS} connections)",
        _plain_table(results),
        f"### Burst streams ({EVENTS} events back to back, {BURST_CONNECTIONS} connections)",
        _burst_table(results),
        f"### Paced streams (one event each {options.delay * 1e3:.0f} ms, so {EVENTS * options.delay:.2f} s a stream)",
        _paced_table(results, "paced", options.delay),
    ]
    if any("many.streams" in figures for rounds in results.rounds.values() for figures in rounds):
        lines += [f"### {MANY} paced streams", _paced_table(results, "many", options.delay)]
    if groups := _groups_table(results):
        lines += ["### CPU by group of processes", groups]
    bad = "; ".join(f"{name} {count}" for name, count in faults.items())
    lines.append(f"Bad replies: {bad or 'none'}.")
    return "\n\n".join(lines) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", default=",".join(PEERS), help="targets beside the direct one, with commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds-streams", type=float, default=4.0, help="how long new paced streams are begun")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds between the events of a paced stream")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of requests")
    parser.add_argument("--litellm-venv", default="build/bench/litellm", help="where LiteLLM is installed")
    parser.add_argument("--out", type=Path, help="a Markdown file for the figures, beside standard output")
    options = parser.parse_args()
    options.peers = [peer for peer in options.peers.split(",") if peer]
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"unknown peers: {', '.join(sorted(unknown))}")
    options.cores = len(os.sched_getaffinity(0))
    return options


def main() -> int:
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="hgb-", ignore_cleanup_errors=True) as scratch:
        results = run(options, Path(scratch).resolve())
    text = report(results, options)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 1 if any(results.faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
