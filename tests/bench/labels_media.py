"""Labels of films and sounds: how long writing takes, beside what other tools need for the same file.

    python tests/bench/labels_media.py [--rounds N] [--others PYTHON] [--large GIB] [--folder DIR]

Ours counts whole: read, write, sync, read back, compare. `--others` names a Python that has mutagen
(it is GPL: never beside hegui in one environment). `--folder` puts the files elsewhere, such as on a disk in
memory: flushing is most of the time on a slow one. The large MP4 is sparse; its memory is the peak of
a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import av  # noqa: E402

from hegui.service.labels import files  # noqa: E402
from hegui.service.labels.container import opened  # noqa: E402
from hegui.service.labels.containers import container_of  # noqa: E402
from hegui.service.labels.schema import Label  # noqa: E402
from tests.unit.labels import media  # noqa: E402

LABEL = Label.first("001191350100M000100Y4310001", "0198f0c2-0000-7000-8000-000000000001")
MUTAGEN = """
import sys, time, shutil, mutagen, mutagen.mp4, mutagen.id3, mutagen.wave, mutagen.mp3, os
source, target, rounds, value = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
best = 1e9
for _ in range(rounds):
    start = time.perf_counter()
    shutil.copyfile(source, target)
    file = mutagen.File(target)
    if file.tags is None: file.add_tags()
    if isinstance(file, mutagen.mp4.MP4): file["----:com.apple.iTunes:AIGC"] = value.encode()
    elif isinstance(file, (mutagen.mp3.MP3, mutagen.wave.WAVE)):
        file.tags.add(mutagen.id3.TXXX(encoding=3, desc="AIGC", text=value))
    else: file["AIGC"] = value
    file.save()
    best = min(best, time.perf_counter() - start)
print(best * 1000)
"""


def best(rounds: int, act: Callable[[], object]) -> str:
    """Return the shortest of several times, in milliseconds."""
    found = 1e9
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        found = min(found, time.perf_counter() - start)
    return f"{found * 1000:.1f}"


def alone(path: Path, target: Path) -> None:
    """Write without the checks around it: what the writers of others do."""
    with opened(path) as source, target.open("wb") as out:
        container_of(source.read(4096), path.name).write(source, out, LABEL.as_json())


def remuxed(path: Path, target: Path) -> None:
    options = {"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "r") as source, av.open(str(target), "w", options=options) as out:
        out.metadata["AIGC"] = LABEL.as_json()
        streams: dict[int, Any] = {one.index: out.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)


def ffmpeg(path: Path, target: Path) -> None:
    flags = ["-movflags", "use_metadata_tags"] if path.suffix == ".mp4" else []
    tag = ["-metadata", f"AIGC={LABEL.as_json()}"]
    asked = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-map", "0", "-c", "copy", *flags, *tag, str(target)]
    subprocess.run(asked, check=True)


def mutagen(python: str, path: Path, target: Path, rounds: int) -> str:
    if path.suffix not in {".mp4", ".mp3", ".flac", ".opus", ".wav"} or not python:
        return "-"
    asked = [python, "-c", MUTAGEN, str(path), str(target), str(rounds), LABEL.as_json()]
    return f"{float(subprocess.run(asked, check=True, capture_output=True, text=True).stdout):.1f}"


def samples(folder: Path) -> list[tuple[str, Path]]:
    """Return the files: made ones, repeated to a size that is met in practice where the format allows it."""
    rows = []
    for name in ("mp4", "mp4 faststart", "mkv", "flac", "opus", "mp3"):
        suffix, data = media.samples()[name]
        if name == "mp3":
            data = media.samples()["mp3 without a tag"][1] * 100
        rows.append((name, media.put(folder, name.replace(" ", "-") + suffix, data)))
    for name, suffix in (("mp4", ".mp4"), ("mkv", ".mkv")):
        long = folder / f"long{suffix}"
        lavfi = ["-f", "lavfi", "-i", "testsrc2=s=640x360:d=20", "-f", "lavfi", "-i", "sine=d=20"]
        kind = ["-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac", *(["-movflags", "+faststart"] if suffix == ".mp4" else [])]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *lavfi, *kind, str(long)], check=True)
        rows.append((name + " of 20 s", long))
    raw = media.samples()["wav"][1]
    pcm = raw[78:] * 30
    head = b"RIFF" + (len(pcm) + 36).to_bytes(4, "little") + raw[8:36] + b"data" + len(pcm).to_bytes(4, "little")
    rows.append(("wav", media.put(folder, "a.wav", head + pcm)))
    return rows


def large(folder: Path, gib: float) -> None:
    """Print time and memory of a sparse film of some GiB, whose head comes first."""
    path = folder / "large.mp4"
    data = media.samples()["mp4 faststart"][1]
    path.write_bytes(data)
    rest = int(gib * 2**30)
    with path.open("r+b") as file:
        file.truncate(len(data) + rest)
        file.seek(len(data))
        file.write(b"\0\0\0\1mdat" + rest.to_bytes(8, "big"))
    for size, what in ((data, "small"), (None, f"{gib:g} GiB")):
        given = path if size is None else media.put(folder, "small.mp4", data)
        code = (
            "import resource,sys,time;from pathlib import Path;sys.path.insert(0,sys.argv[2]);"
            "import tests.bench.labels_media as b;start=time.perf_counter();"
            "b.files.write(Path(sys.argv[1]),Path(sys.argv[1]+'.out'),b.LABEL);"
            "print(time.perf_counter()-start,resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024)"
        )
        asked = [sys.executable, "-c", code, str(given), str(ROOT)]
        seconds, peak = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
        print(f"- MP4 {what}, head first: {float(seconds):.2f} s, peak memory {float(peak):.0f} MiB")
    path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--others", default="")
    parser.add_argument("--large", type=float, default=2.0)
    parser.add_argument("--folder", help="where the files are made")
    asked = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is needed")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        print("| file | kB | hegui, verified (ms) | hegui, write alone | mutagen | PyAV remux | ffmpeg -c copy |")
        print("|---|---|---|---|---|---|---|")
        for what, path in samples(folder):
            out = folder / ("out" + path.suffix)
            row = [
                best(asked.rounds, lambda path=path, out=out: files.write(path, out, LABEL)),  # type: ignore[misc]
                best(asked.rounds, lambda path=path, out=out: alone(path, out)),  # type: ignore[misc]
                mutagen(asked.others, path, out, asked.rounds),
                best(asked.rounds, lambda path=path, out=out: remuxed(path, out)),  # type: ignore[misc]
                best(asked.rounds, lambda path=path, out=out: ffmpeg(path, out)),  # type: ignore[misc]
            ]
            print(f"| {what} | {path.stat().st_size // 1000} | {' | '.join(row)} |")
        print()
        large(folder, asked.large)
        print(f"- this process: peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
