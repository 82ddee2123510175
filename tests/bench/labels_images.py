"""Writing a label to pictures: how long it takes, what it adds, and whether the pixels stay.

``python tests/bench/labels_images.py [--rounds 7] [--others PYTHON] [--folder DIR]``

Ours is the whole way of ``hegui label write``: read, write, flush to disk, read back, compare, rename. Beside it,
in one run on the same files: the bare copy of the bytes with the same flush; ours without flush and reading back,
as the others do; Pillow saving the picture again with the packet, exiftool (one process a picture), and pyexiv2,
as it is, with the same flush, and with the label read back and compared as well, where ``--others`` names a Python
that has it (it is GPL and no dependency). Prints a Markdown table: the median and the best in milliseconds, median and
least of the processor time, bytes added, whether the pixels are the same, and what ours says of the file. ``--folder`` puts the files elsewhere,
such as on a disk in memory: flushing is most of the time on a slow one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from PIL import Image, ImageFilter

from hegui.service.labels import files, xmp
from hegui.service.labels.container import opened
from hegui.service.labels.containers import HEAD, container_of
from hegui.service.labels.schema import Label

LABEL = Label.first("001191350100M000100Y4310001", "0198f0c2-0000-7000-8000-000000000001")
CONFIG = """%Image::ExifTool::UserDefined = ('Image::ExifTool::XMP::Main' => {
  TC260 => { SubDirectory => { TagTable => 'Image::ExifTool::UserDefined::TC260' } } });
%Image::ExifTool::UserDefined::TC260 = (GROUPS => { 0 => 'XMP', 1 => 'XMP-TC260', 2 => 'Image' },
  NAMESPACE => { 'TC260' => 'http://www.tc260.org.cn/ns/AIGC/1.0/' }, WRITABLE => 'string', AIGC => { });
1;
"""
EXIV2 = """
import json, os, shutil, sys, time, pyexiv2
pyexiv2.registerNs("http://www.tc260.org.cn/ns/AIGC/1.0/", "TC260")
source, target, value, rounds, more = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5].split()
clock, processor = [], []
for _ in range(rounds + 1):
    start, spent = time.perf_counter(), time.process_time()
    shutil.copyfile(source, target)
    image = pyexiv2.Image(target)
    image.modify_xmp({"Xmp.TC260.AIGC": value})
    image.close()
    if "flush" in more:
        with open(target, "rb+") as file: os.fsync(file.fileno())
    if "read" in more:
        image = pyexiv2.Image(target)
        if image.read_xmp()["Xmp.TC260.AIGC"] != value: sys.exit("the label is not there")
        image.close()
    clock.append((time.perf_counter() - start) * 1000)
    processor.append((time.process_time() - spent) * 1000)
print(json.dumps([clock[1:], processor[1:]]))
"""

EXIV2_WAYS = {"pyexiv2": "", "pyexiv2, flushed": "flush", "pyexiv2, flushed and read back": "flush read"}
"""What its users do, and what they would have to do besides to know that the label is there; pixels are compared by none."""


def picture(size: tuple[int, int], seed: int, smooth: float) -> Image.Image:
    """Return noise that is more or less smooth, so that files have the size that is asked for."""
    small = Image.frombytes("RGB", (size[0], size[1]), random.Random(seed).randbytes(size[0] * size[1] * 3))
    return small.filter(ImageFilter.GaussianBlur(smooth))


def sources(folder: Path) -> list[Path]:
    """Return the pictures: a PNG of 2 MB and a JPEG of 300 kB first."""
    large, medium = picture((1024, 800), 1, 0.5), picture((1024, 1024), 2, 1.2)
    frames = [picture((320, 240), seed, 2).quantize(64) for seed in range(6)]
    made: list[tuple[str, Callable[[Path], None]]] = [
        ("large.png", large.save),
        ("medium.jpg", lambda path: medium.save(path, quality=88)),
        ("lossy.webp", lambda path: medium.save(path, quality=90)),
        ("lossless.webp", lambda path: medium.save(path, lossless=True, method=0)),
        ("moving.gif", lambda path: frames[0].save(path, save_all=True, append_images=frames[1:], loop=0)),
        ("lzw.tif", lambda path: medium.save(path, compression="tiff_lzw")),
        ("plain.avif", lambda path: medium.save(path, quality=70, speed=10)),
        ("moving.avif", lambda path: frames[0].save(path, save_all=True, append_images=frames[1:], speed=10)),
    ]
    for name, save in made:
        save(folder / name)
    return [folder / name for name, _ in made]


def pixels(path: Path) -> str:
    """Return a digest of every frame."""
    digest = sha256()
    with Image.open(path) as found:
        for number in range(getattr(found, "n_frames", 1)):
            found.seek(number)
            digest.update(found.convert("RGBA").tobytes())
    return digest.hexdigest()


@dataclass
class Times:
    """Milliseconds of each round, by the clock, and of the processor time of the process that writes."""

    clock: list[float]
    processor: list[float]


def timed(act: Callable[[], Any], rounds: int) -> Times:
    """Return what each round takes, after one to warm up."""
    act()
    found = Times([], [])
    for _ in range(rounds):
        start, spent = perf_counter(), process_time()
        act()
        found.clock.append((perf_counter() - start) * 1000)
        found.processor.append((process_time() - spent) * 1000)
    return found


def copied(source: Path, target: Path) -> None:
    """Copy the bytes, flush and rename: what any write that survives costs."""
    part = target.with_suffix(".part")
    with part.open("wb") as out:
        out.write(source.read_bytes())
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)


def saved_again(source: Path, target: Path) -> None:
    """Let Pillow read the picture and save it with the packet."""
    packet = xmp.put(None, LABEL.as_json())
    with Image.open(source) as found:
        more: dict[str, Any] = {"save_all": True} if getattr(found, "n_frames", 1) > 1 else {}
        if found.format == "PNG":
            from PIL.PngImagePlugin import PngInfo

            info = PngInfo()
            info.add_itxt("XML:com.adobe.xmp", packet.decode())
            found.save(target, pnginfo=info)
        elif found.format == "TIFF":
            found.save(target, compression="tiff_lzw", tiffinfo={0x2BC: packet})
        else:
            found.save(target, xmp=packet, **more)


def alone(source: Path, target: Path) -> None:
    """Write without flush, reading back and comparing."""
    with opened(source) as file, target.open("wb") as out:
        container_of(file.read(HEAD), source.name).write(file, out, LABEL.as_json())


def exiv2(python: str, source: Path, target: Path, rounds: int, more: str) -> Times | None:
    """Return what pyexiv2 takes, copying included, and what `more` names; None where it refuses."""
    args = [python, "-c", EXIV2, str(source), str(target), LABEL.as_json(), str(rounds), more]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    return Times(*json.loads(done.stdout)) if done.returncode == 0 else None


def row(name: str, way: str, source: Path, target: Path, times: Times | None) -> str:
    """Return one row of the table."""
    if times is None or not target.exists():
        return f"| {name} | {way} | refuses | | | | | |"
    read = files.inspect(target)
    same = "yes" if pixels(source) == pixels(target) else "**no**"
    added = target.stat().st_size - source.stat().st_size
    middle, best = statistics.median(times.clock), min(times.clock)
    own = f"{statistics.median(times.processor):.2f}, {min(times.processor):.2f}" if way != "exiftool" else ""
    return f"| {name} | {way} | {middle:.2f} | {best:.2f} | {own} | {added:+,} | {same} | {read.verdict} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--others", default="", help="a Python with pyexiv2")
    parser.add_argument("--folder", help="where the files are made")
    args = parser.parse_args()
    print(
        "| file | way | ms, median | ms, best | processor | bytes | pixels same | verdict |\n|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        config = folder / "config"
        config.write_text(CONFIG)
        program = shutil.which("exiftool")
        for source in sources(folder):
            target = folder / f"new-{source.name}"
            title = f"{source.name}, {source.stat().st_size / 1000:,.0f} kB"
            ways: list[tuple[str, Callable[[], Any]]] = [
                ("bytes copied", lambda s=source, t=target: copied(s, t)),  # type: ignore[misc]
                ("ours", lambda s=source, t=target: files.write(s, t, LABEL)),  # type: ignore[misc]
                ("ours, not flushed nor read back", lambda s=source, t=target: alone(s, t)),  # type: ignore[misc]
                ("Pillow again", lambda s=source, t=target: saved_again(s, t)),  # type: ignore[misc]
            ]
            for way, act in ways:
                rounds = args.rounds * 3 if way != "Pillow again" else max(3, args.rounds // 2)
                print(row(title, way, source, target, timed(act, rounds)), flush=True)
                target.unlink(missing_ok=True)
            if program:
                command = [
                    program,
                    "-config",
                    str(config),
                    "-q",
                    f"-XMP-TC260:AIGC={LABEL.as_json()}",
                    "-o",
                    str(target),
                    str(source),
                ]

                def tool(command: list[str] = command, target: Path = target) -> None:
                    target.unlink(missing_ok=True)
                    subprocess.run(command, capture_output=True, check=False)

                print(row(title, "exiftool", source, target, timed(tool, 3)), flush=True)
                target.unlink(missing_ok=True)
            if args.others:
                for way, more in EXIV2_WAYS.items():
                    times = exiv2(args.others, source, target, args.rounds * 3, more)
                    print(row(title, way, source, target, times), flush=True)
                    target.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
