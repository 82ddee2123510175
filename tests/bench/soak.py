"""Does the gateway's memory stay flat? 200 concurrent paced streams for some minutes.

``python tests/bench/soak.py [--minutes 5] [--streams 200]``

Prints the gateway worker's resident memory once every ten seconds, and at the end how much it grew after
the first minute; the exit status is 1 when it grew by more than a tenth, or when any reply was not whole.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import uvloop
from load import Load
from processes import GATEWAY
from targets import Target, start_hegui, start_upstream

GROWTH = 0.10
EVERY = 10.0
WARM = 60.0


def resident(target: Target) -> float:
    """Return the resident memory of the gateway worker in MB."""
    assert target.family is not None
    for process in target.family.members():
        if target.family.group(process) == GATEWAY:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
    return 0.0


async def soak(target: Target, minutes: float, streams: int) -> tuple[list[tuple[float, float]], list[str], int]:
    """Run the streams and return times with memory, faults, and how many streams there were."""
    load = Load(target.port, key=target.key, patience=minutes * 60 + 60)
    began = perf_counter()
    samples: list[tuple[float, float]] = []

    async def watch() -> None:
        while True:
            samples.append((perf_counter() - began, resident(target)))
            print(f"{samples[-1][0]:7.0f} s  {samples[-1][1]:7.1f} MB", flush=True)
            await asyncio.sleep(EVERY)

    watcher = asyncio.create_task(watch())
    faults: list[str] = []
    count = 0
    while perf_counter() - began < minutes * 60:
        run = await load.paced(streams, 30.0, 2.0)
        faults += run.faults
        count += len(run.outcomes)
    watcher.cancel()
    return samples, faults, count


def main() -> int:
    """Run the soak; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--streams", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        upstream = start_upstream(Path(folder), None, 0.02)
        target = start_hegui(Path(folder), upstream.port, None)
        try:
            samples, faults, count = uvloop.run(soak(target, options.minutes, options.streams))
        finally:
            target.stop()
            upstream.stop()
    warm = [memory for time, memory in samples if time >= WARM] or [samples[-1][1]]
    growth = warm[-1] / warm[0] - 1
    print(
        f"{count} streams, {len(faults)} not whole {faults[:1] or ''}; {warm[0]:.1f} MB after {WARM:.0f} s, {warm[-1]:.1f} MB at the end: {growth:+.1%}"
    )
    return 1 if faults or growth > GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
