"""Inspect and label each file in a process of its own, with little memory and time, and print what came of it.

python tests/unit/labels/bombs_child.py MEBIBYTES SECONDS FILE…
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

import pypdf

from hegui.kit.errors import HeguiError
from hegui.service.labels import files
from hegui.service.labels.schema import Label

LABEL = Label.first("001191350100M000100Y4310001", "number-1")


def looked_at(path: Path) -> str:
    """Return the verdict of a file, and what came of writing to it."""
    found = files.inspect(path)
    try:
        written: str = files.write(path, path.with_name("new" + path.suffix), LABEL).verdict
    except HeguiError as error:
        written = type(error).__name__
    return f"{found.verdict} {written}"


def main() -> None:
    """Print one JSON object a file."""
    most, seconds = int(sys.argv[1]) << 20, int(sys.argv[2])
    assert pypdf.__version__
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    base = pages * resource.getpagesize()
    for name in sys.argv[3:]:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            resource.setrlimit(resource.RLIMIT_AS, (base + most, base + most))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            try:
                os.write(writing, looked_at(Path(name)).encode())
            except MemoryError:
                os.write(writing, b"out of memory")
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            text = told.read()
        _, _, spent = os.wait4(child, 0)
        print(json.dumps([name, text or "out of time", spent.ru_utime + spent.ru_stime]), flush=True)


if __name__ == "__main__":
    main()
