"""The mark on video: from the opening picture for the law's time or all through, upright, with the sound as it was."""

from __future__ import annotations

import resource
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from hegui.kit.errors import InputError
from hegui.law.register import register
from hegui.service.labels.marks import design
from hegui.service.labels.marks.design import measured
from hegui.service.labels.marks.video import Wanted, mark_video

LEAST = float(register().number("GB45438-5.4", "text_height_ratio").value)
SECONDS = float(register().number("GB45438-5.4", "duration_seconds").value)
WIDTH, HEIGHT, RATE = 320, 180, 10


def video(path: Path, seconds: float = 4, *, codec: str = "mpeg4", turned: int = 0, sound: bool = True) -> Path:
    """Write a video of a moving gradient, with a tone."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(
            codec, rate=RATE, options={"cpu-used": "8", "deadline": "realtime"} if "vp" in codec else {}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        heard: Any = out.add_stream("libmp3lame" if path.suffix in {".avi", ".flv"} else "libopus" if path.suffix == ".webm" else "aac",
                                    rate=48_000, layout="mono") if sound else None  # fmt: skip
        if turned:
            stream.set_display_rotation(turned)
        for number in range(round(seconds * RATE)):
            across = np.linspace(60, 220, WIDTH) + number
            picture = np.repeat(np.tile(across, (HEIGHT, 1))[:, :, None], 3, axis=2).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if heard is not None:
            tone = (0.2 * np.sin(np.arange(round(seconds * 48_000)) / 10)).astype(np.float32)[None]
            whole = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            whole.sample_rate = 48_000
            context = heard.codec_context
            resampler = av.AudioResampler(
                format=context.format.name, layout="mono", rate=48_000, frame_size=context.frame_size
            )
            for part in [*resampler.resample(whole), *resampler.resample(None)]:
                out.mux(heard.encode(part))
            out.mux(heard.encode(None))
    return path


def frames(path: Path) -> list[tuple[float, Image.Image]]:
    with av.open(str(path)) as container:
        return [
            (float(frame.time or 0), Image.fromarray(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)))
            for frame in container.decode(container.streams.video[0])
        ]


def sound_of(path: Path) -> str:
    digest = sha256()
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.audio[0]):
            digest.update(bytes(packet))
    return digest.hexdigest()


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi", "a.flv"])
def test_the_mark_is_there_from_the_opening_for_the_laws_time_and_the_sound_is_copied(
    tmp_path: Path, name: str
) -> None:
    codec = {"a.webm": "libvpx-vp9", "a.flv": "flv"}.get(name, "mpeg4")
    source = video(tmp_path / name, codec=codec)
    target = tmp_path / f"b{name}"
    shares: list[float] = []
    found = mark_video(source, target, Wanted(), shares.append)
    assert found.measured.ratio >= LEAST
    assert found.seconds >= SECONDS
    assert "264" not in found.encoder
    assert "265" not in found.encoder
    place = design.design((WIDTH, HEIGHT)).place
    shown = frames(target)
    assert len(shown) == len(frames(source)) == 4 * RATE
    start = shown[0][0]
    for time, picture in shown:
        if time - start <= SECONDS:
            assert measured(picture, place).good, time
        elif time - start > SECONDS + 0.2:
            assert not measured(picture, place).good, time
    assert sound_of(target) == sound_of(source)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)


def test_through_the_whole_video(tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", 3)
    found = mark_video(source, tmp_path / "b.mp4", Wanted(whole=True))
    place = design.design((WIDTH, HEIGHT)).place
    assert all(measured(picture, place).good for _, picture in frames(tmp_path / "b.mp4"))
    assert found.seconds == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_turned_video_has_the_mark_where_a_person_sees_it(tmp_path: Path, turned: int) -> None:
    source = video(tmp_path / "a.mp4", 1, turned=turned, sound=False)
    before = frames(source)[0][1]
    assert before.size == ((HEIGHT, WIDTH) if turned % 180 else (WIDTH, HEIGHT))
    mark_video(source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert next(container.decode(container.streams.video[0])).rotation == 0
    after = frames(tmp_path / "b.mp4")[0][1]
    assert after.size == before.size
    assert measured(after, design.design(after.size).place).good
    upper = (0, 0, after.width, after.height // 3)
    change = np.abs(np.asarray(before.crop(upper)).astype(int) - np.asarray(after.crop(upper)))
    assert change.mean() < 6, "the picture is turned the same way"


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    mark_video(video(tmp_path / "warm.mp4", 4), tmp_path / "b.mp4")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mark_video(video(tmp_path / "a.mp4", 60, sound=False), tmp_path / "b.mp4")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 45_000, "kB: 600 frames alone would be 52 MB"


def test_titles_stay_and_an_encoder_can_be_chosen(tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", 1)
    found = mark_video(source, tmp_path / "b.mp4", Wanted(encoder="mpeg4"))
    assert found.encoder == "mpeg4"
    with pytest.raises(InputError, match="nosuch"):
        mark_video(source, tmp_path / "c.mp4", Wanted(encoder="nosuch"))


@pytest.mark.parametrize("data", [b"", b"no video at all"])
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(InputError, match="视频"):
        mark_video(tmp_path / "a.mp4", tmp_path / "b.mp4")
