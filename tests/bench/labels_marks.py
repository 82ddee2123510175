"""Marks beside plain tools, on the same files in one run: a picture of 2 MB with Pillow alone, 10 s of video with ffmpeg's drawtext.

python tests/bench/labels_marks.py      (ffmpeg is optional; best of three)
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hegui.service.labels.marks.pictures import mark_picture
from hegui.service.labels.marks.video import Wanted, mark_video

FONT = str(files("hegui.service.labels.marks") / "font" / "labels.otf")
RATE, SECONDS, WIDTH, HEIGHT = 25, 10, 1280, 720


def best(act: Callable[[], object], times: int = 3) -> float:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        took.append(time.perf_counter() - start)
    return min(took) * 1000


def photograph(path: Path) -> Path:
    rough = np.random.default_rng(2).integers(0, 256, (220, 330, 3), dtype=np.uint8)
    picture = Image.fromarray(rough).resize((3300, 2200), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(3).normal(0, 4, (2200, 3300, 3))
    Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(path, quality=88)
    return path


def video(path: Path) -> Path:
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 4_000_000
        soft = np.asarray(
            Image.fromarray(np.random.default_rng(4).integers(0, 256, (36, 90, 3), dtype=np.uint8)).resize(
                (WIDTH * 2, HEIGHT)
            )
        )
        for number in range(RATE * SECONDS):
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(soft[:, number * 4 : number * 4 + WIDTH]), format="rgb24"
            )
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def plain(source: Path, target: Path) -> None:
    """Draw the same words with Pillow alone: no plate, no check, coded again at quality 92."""
    with Image.open(source) as picture:
        picture.load()
        font = ImageFont.truetype(FONT, round(min(picture.size) * 0.0725))
        ImageDraw.Draw(picture).text(
            (picture.width - 30, picture.height - 30), "AI生成", font=font, fill="white", anchor="rd"
        )
        picture.save(target, quality=92)


def ffmpeg(source: Path, target: Path, encoder: str) -> Callable[[], object]:
    words = f"drawtext=fontfile={FONT}:text=AI生成:fontsize=h*0.0725:fontcolor=white:box=1:boxcolor=black@0.76:boxborderw=8:x=w-tw-24:y=h-th-24:enable='lt(t,2)'"
    return lambda: subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-y", "-i", str(source), "-vf", words, "-c:v", *encoder.split(), str(target)],
        check=True,
    )


def encoders() -> dict[str, str]:
    if not shutil.which("ffmpeg"):
        return {}
    known = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True, check=True).stdout
    wanted = {
        "mpeg4": "mpeg4 -qscale 3",
        "libsvtav1": "libsvtav1 -preset 9 -crf 28",
        "libx264": "libx264 -preset veryfast",
    }
    return {name: flags for name, flags in wanted.items() if name in known}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture, film = photograph(folder / "a.jpg"), video(folder / "a.mp4")
        print(
            f"picture {picture.stat().st_size / 1e6:.1f} MB, 3300×2200; video {film.stat().st_size / 1e6:.1f} MB, {SECONDS} s {WIDTH}×{HEIGHT}"
        )
        rows = [
            ("picture, ours: plate, own tables, measured", best(lambda: mark_picture(picture, folder / "b.jpg"))),
            ("picture, Pillow alone: words, quality 92", best(lambda: plain(picture, folder / "c.jpg"))),
            ("video, ours: mpeg4", best(lambda: mark_video(film, folder / "b.mp4"), 2)),
            (
                "video, ours: libsvtav1",
                best(lambda: mark_video(film, folder / "d.mp4", Wanted(encoder="libsvtav1")), 2),
            ),
        ]
        for encoder, flags in encoders().items():
            rows.append((f"video, ffmpeg drawtext: {encoder}", best(ffmpeg(film, folder / "c.mp4", flags), 2)))
        for label, took in rows:
            print(f"| {label} | {took:,.0f} ms |")
        print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
