"""Films and sounds of two seconds, made by PyAV; and what PyAV, which shares no code with ours, says of a file."""

from __future__ import annotations

import io
from fractions import Fraction
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np

SECONDS, FPS, RATE = 2, 25, 48000


@cache
def made(
    muxer: str,
    video: str | None = None,
    audio: str | None = None,
    *,
    options: tuple[tuple[str, str], ...] = (),
    title: str = "样例",
    seekable: bool = True,
) -> bytes:
    """Return a file; `seekable` false makes it as a stream, so that its head tells no length."""
    # A file on disk: ffmpeg reads it again to put the film's head first.
    target = io.BytesIO()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        with av.open(str(path) if seekable else _NoSeek(target), "w", format=muxer, options=dict(options)) as container:
            if title:
                container.metadata["title"] = title
            _fill(container, video, audio)
        return path.read_bytes() if seekable else target.getvalue()


def _fill(container: Any, video: str | None, audio: str | None) -> None:
    streams: list[Any] = []
    if video:
        film: Any = container.add_stream(video, rate=FPS)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        film.codec_context.gop_size = 10
        streams.append(film)
    if audio:
        sound: Any = container.add_stream(audio, rate=RATE)
        sound.layout = "stereo"
        sound.codec_context.options = {"strict": "experimental"}
        streams.append(sound)
    for stream in streams:
        for frame in _pictures() if stream.type == "video" else _sounds(stream):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


class _NoSeek:
    """A file that can only be written on."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def write(self, data: bytes) -> int:
        return self._target.write(data)


def _pictures() -> list[av.VideoFrame]:
    found = []
    for number in range(SECONDS * FPS):
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, number % 64 :] = (number * 5, 255 - number * 5, 128)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        found.append(frame)
    return found


def _sounds(stream: Any) -> list[av.AudioFrame]:
    wave = (np.sin(np.arange(SECONDS * RATE) * 2 * np.pi * 440 / RATE) * 8000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[np.newaxis], "s16", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    resampler = av.AudioResampler(
        stream.codec_context.format, "stereo", RATE, frame_size=stream.codec_context.frame_size or 1024
    )
    return [*resampler.resample(frame), *resampler.resample(None)]


def packets(data: bytes) -> dict[int, tuple[int, str]]:
    """Return number and digest of the packets of each stream, with their times."""
    found: dict[int, tuple[int, Any]] = {}
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux():
            if packet.size:
                count, digest = found.get(packet.stream_index, (0, sha256()))
                digest.update(bytes(packet) + repr((packet.pts, packet.dts, packet.is_keyframe)).encode())
                found[packet.stream_index] = count + 1, digest
    return {stream: (count, digest.hexdigest()) for stream, (count, digest) in found.items()}


def tags(data: bytes) -> dict[str, str]:
    """Return the texts of a file and of its streams."""
    with av.open(io.BytesIO(data), "r") as container:
        found = {key.upper(): value for stream in container.streams for key, value in stream.metadata.items()}
        return found | {key.upper(): value for key, value in container.metadata.items()}


def picture_at(data: bytes, second: float) -> tuple[int | None, bytes]:
    """Return time and pixels of the first picture after a jump to a time."""
    with av.open(io.BytesIO(data), "r") as container:
        container.seek(int(second * av.time_base))
        frame = next(container.decode(video=0))
        return frame.pts, frame.to_ndarray().tobytes()


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


H264 = "libx264"


@cache
def samples() -> dict[str, tuple[str, bytes]]:
    """Return every kind of file that is labelled: what it is called, its suffix and its bytes."""
    fast, keys = (("movflags", "+faststart"),), (("movflags", "use_metadata_tags"),)
    frag = (("movflags", "frag_keyframe+empty_moov"),)
    dash = (("movflags", "frag_keyframe+empty_moov+default_base_moof+dash+global_sidx"),)
    late = (("movflags", "frag_keyframe"),)
    return {
        "mp4": (".mp4", made("mp4", H264, "aac")),
        "mp4 faststart": (".mp4", made("mp4", H264, "aac", options=fast)),
        "mp4 with keys": (".mp4", made("mp4", H264, "aac", options=keys)),
        "mp4 without texts": (".mp4", made("mp4", H264, options=(*fast, ("fflags", "+bitexact")), title="")),
        "mp4 in fragments": (".mp4", made("mp4", H264, "aac", options=frag)),
        "mp4 in fragments after the film": (".mp4", made("mp4", H264, "aac", options=late)),
        "mp4 with sidx": (".mp4", made("mp4", H264, "aac", options=dash)),
        "mov": (".mov", made("mov", H264, "aac")),
        "mov faststart": (".mov", made("mov", H264, "aac", options=fast)),
        "m4a": (".m4a", made("ipod", None, "aac")),
        "mkv": (".mkv", made("matroska", H264, "aac")),
        "mkv with cues first": (".mkv", made("matroska", H264, "aac", options=(("reserve_index_space", "1000"),))),
        "mkv live": (".mkv", made("matroska", H264, "aac", options=(("live", "1"),), seekable=False)),
        "webm": (".webm", made("webm", "libvpx", "libopus")),
        "flv": (".flv", made("flv", "flv1", "aac")),
        "flv with key frames": (".flv", made("flv", "flv1", "aac", options=(("flvflags", "add_keyframe_index"),))),
        "avi": (".avi", made("avi", "mpeg4", "libmp3lame")),
        "wav": (".wav", made("wav", None, "pcm_s16le")),
        "wav as a stream": (".wav", made("wav", None, "pcm_s16le", seekable=False)),
        "rf64": (".wav", made("wav", None, "pcm_s16le", options=(("rf64", "always"),))),
        "mp3": (".mp3", made("mp3", None, "libmp3lame")),
        "mp3 with 2.3": (".mp3", made("mp3", None, "libmp3lame", options=(("id3v2_version", "3"),))),
        "mp3 without a tag": (".mp3", made("mp3", None, "libmp3lame", options=(("id3v2_version", "0"),))),
        "flac": (".flac", made("flac", None, "flac")),
        "ogg": (".ogg", made("ogg", None, "vorbis")),
        "opus": (".opus", made("ogg", None, "libopus")),
        "flac in ogg": (".oga", made("ogg", None, "flac")),
        "ogv": (".ogv", made("ogg", "libvpx", "libopus")),
    }
