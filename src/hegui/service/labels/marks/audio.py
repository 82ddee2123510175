"""The heard label on audio files: PCM in WAV is copied as it is, other codings are coded again as they were."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels.container import copy
from hegui.service.labels.marks import sound
from hegui.service.labels.marks.sound import Samples
from hegui.service.labels.schema import KEYWORD

_RATE = 16_000
_ENDS = 8.0
_LONGEST_SPEECH = 60
_ENCODERS = {
    "mp3": "libmp3lame", "mp3float": "libmp3lame", "vorbis": "vorbis", "opus": "libopus", "aac": "aac", "flac": "flac", "alac": "alac",
}  # fmt: skip
"""Encoders by the coding of the source; none of them is under the GPL (docs/decisions/0020-encoders.md)."""
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_LARGEST_WAV = 0xFFFFFFFF
_MOST_SAMPLES = 3_072_000
"""Most samples a second, of all channels together, that a label is made for (64 channels at 48 kHz): a header may claim any."""
Progress = Callable[[float], None]
Speech = tuple[Path, str]


class At(StrEnum):
    """Where in the audio the label is heard."""

    START = "start"  # 起始
    END = "end"  # 末尾
    BOTH = "both"  # 起始和末尾


@dataclass(frozen=True, slots=True)
class MarkedAudio:
    """What was put on audio; `rhythm_start` and `rhythm_end` as the listener heard the file that was written."""

    at: At
    kind: str
    seconds: float
    rate: float | None
    rhythm_start: bool
    rhythm_end: bool


def mark_audio(source: Path, target: Path, at: At = At.START, speech: Speech | None = None) -> MarkedAudio:
    """Write audio with the label before or after it; raise InputError. The implicit label is seen to by `mark.mark`.

    Args:
        source: the file.
        target: where to.
        at: where the label is heard.
        speech: a file with a spoken label and its text, instead of the rhythm.

    """
    spoken: Samples | None = None
    rate = None
    if speech is not None:
        spoken = _mono(speech[0], _LONGEST_SPEECH)
        rate = sound.check_speech(speech[1], spoken, _RATE)
    layout = _wav(source)
    if layout is not None:
        _mark_wav(source, target, layout, at, spoken)
    else:
        _mark_coded(source, target, at, spoken)
    start, end = heard(target)
    wrong = spoken is None and ((at is not At.END and not start) or (at is not At.START and not end))
    if wrong:
        raise InputError(
            Bi("写入后听不出节奏标识", "the rhythm is not heard in what was written"),
            Bi("请报告这一缺陷，附上文件类型", "report this as a defect, with the kind of file"),
            cite="GB45438-5.3.1",
        )
    seconds = len(sound.rhythm(_RATE) if spoken is None else spoken) / _RATE
    return MarkedAudio(at, "rhythm" if spoken is None else "speech", seconds, rate, start, end)


# --- listening -----------------------------------------------------------------------------------------


def _unreadable(path: Path, error: Exception | str) -> InputError:
    return InputError(
        Bi(f"无法读取音频 {path}", f"can not read the audio of {path}: {error}"),
        Bi("检查文件是否完好、是否含音频", "check that the file is sound, and has audio"),
    )


def _decoded(path: Path) -> Iterator[Samples]:
    """Yield the sound of a file, one channel at 16 kHz."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise _unreadable(path, "no audio")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
            for frame in container.decode(container.streams.audio[0]):
                for part in resampler.resample(frame):
                    yield part.to_ndarray().reshape(-1).astype(np.float32)
            for part in resampler.resample(None):
                yield part.to_ndarray().reshape(-1).astype(np.float32)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _mono(path: Path, longest: int) -> Samples:
    parts: list[Samples] = []
    for part in _decoded(path):
        parts.append(part)
        if sum(map(len, parts)) > longest * _RATE:
            raise _unreadable(path, f"a spoken label of more than {longest} s")
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def heard(path: Path) -> tuple[bool, bool]:
    """Say whether the rhythm is heard in the first and in the last eight seconds of a file."""
    first: list[Samples] = []
    last: deque[Samples] = deque()
    have = 0
    for part in _decoded(path):
        if sum(map(len, first)) < _ENDS * _RATE:
            first.append(part)
        last.append(part)
        have += len(part)
        while have - len(last[0]) > _ENDS * _RATE:
            have -= len(last.popleft())
    if not first:
        return False, False
    size = round(_ENDS * _RATE)
    whole = (np.concatenate(first)[:size], np.concatenate(list(last))[-size:])
    return sound.has_rhythm(whole[0], _RATE), sound.has_rhythm(whole[1], _RATE)


# --- WAV -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wav:
    """Where the parts of a WAV file are, and how its samples are coded."""

    chunks: tuple[tuple[bytes, int, int], ...]
    floating: bool
    channels: int
    rate: int
    bits: int


def _wav(path: Path) -> _Wav | None:
    """Return the layout of a WAV file with PCM samples, None for anything else; raise InputError for one that is damaged."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        size = path.stat().st_size
        chunks: list[tuple[bytes, int, int]] = []
        at = 12
        while at + 8 <= size:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if at + 8 + length > size:
                raise _unreadable(path, f"the chunk {name!r} ends after the file")
            chunks.append((name, at + 8, length))
            at += 8 + length + length % 2
        places = {name: (start, length) for name, start, length in chunks}
        if b"fmt " not in places or b"data" not in places or places[b"fmt "][1] < 16:  # noqa: PLR2004 - a whole format
            raise _unreadable(path, "no format or no samples")
        file.seek(places[b"fmt "][0])
        shape = file.read(places[b"fmt "][1])
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", shape[:16])
    if kind == _EXTENSIBLE and len(shape) >= 26:  # noqa: PLR2004 - with its GUID
        kind = struct.unpack("<H", shape[24:26])[0]
    if channels * rate > _MOST_SAMPLES:
        raise _unreadable(path, f"{channels} channels at {rate} Hz")
    good = (kind == _PCM and bits in {8, 16, 24, 32}) or (kind == _FLOAT and bits in {32, 64})
    return _Wav(tuple(chunks), kind == _FLOAT, channels, rate, bits) if good and channels and rate else None


def _coded(samples: Samples, wav: _Wav) -> bytes:
    """Return one channel of samples as the file has them: in every channel."""
    clipped = np.clip(np.repeat(samples.astype(np.float64), wav.channels), -1, 1)
    if wav.floating:
        return clipped.astype("<f4" if wav.bits == 32 else "<f8").tobytes()  # noqa: PLR2004 - bits
    if wav.bits == 8:  # noqa: PLR2004 - bits
        return np.rint(clipped * 127 + 128).astype(np.uint8).tobytes()
    whole = np.rint(clipped * (2 ** (wav.bits - 1) - 1)).astype("<i4")
    if wav.bits == 24:  # noqa: PLR2004 - bits
        return bytes(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    return bytes(whole.astype("<i2" if wav.bits == 16 else "<i4").tobytes())  # noqa: PLR2004 - bits


def _label(spoken: Samples | None, rate: int) -> Samples:
    """Return the label at a rate."""
    if spoken is None:
        return sound.rhythm(rate)
    places = np.arange(0, len(spoken), _RATE / rate)
    return np.asarray(np.interp(places, np.arange(len(spoken)), spoken), dtype=np.float32)


def _mark_wav(source: Path, target: Path, wav: _Wav, at: At, spoken: Samples | None) -> None:
    rest = np.zeros(round(sound.REST * wav.rate), np.float32)
    label = _label(spoken, wav.rate)
    before = _coded(np.concatenate([label, rest]), wav) if at is not At.END else b""
    after = _coded(np.concatenate([rest, label]), wav) if at is not At.START else b""
    with source.open("rb") as file, target.open("wb") as out:
        out.write(b"RIFF\0\0\0\0WAVE")
        seen = False
        for name, start, length in wav.chunks:
            more = (before, after) if name == b"data" and not seen else (b"", b"")
            seen = seen or name == b"data"
            total = length + len(more[0]) + len(more[1])
            if out.tell() + total > _LARGEST_WAV:
                raise _unreadable(source, "over 4 GB")
            _chunk(file, out, name, (start, length), more)
        size = out.tell()
        out.seek(4)
        out.write(struct.pack("<I", size - 8))


def _chunk(file: BinaryIO, out: BinaryIO, name: bytes, where: tuple[int, int], more: tuple[bytes, bytes]) -> None:
    total = where[1] + len(more[0]) + len(more[1])
    out.write(struct.pack("<4sI", name, total) + more[0])
    copy(file, out, *where)
    out.write(more[1] + b"\0" * (total % 2))


# --- other codings -------------------------------------------------------------------------------------


def _mark_coded(source: Path, target: Path, at: At, spoken: Samples | None) -> None:
    try:
        with av.open(str(source)) as given:
            if not given.streams.audio:
                raise _unreadable(source, "no audio")
            stream = given.streams.audio[0]
            context: Any = stream.codec_context
            if context is None or context.format is None or context.layout is None:
                raise _unreadable(source, "a coding that is not known")
            if context.channels * context.sample_rate > _MOST_SAMPLES:
                raise _unreadable(source, f"{context.channels} channels at {context.sample_rate} Hz")
            name = context.codec.canonical_name
            encoder = _ENCODERS.get(name, name if name.startswith("pcm_") else "")
            if not encoder:
                raise _unreadable(source, f"no encoder for {name}")
            with av.open(
                str(target),
                "w",
                format=_format(given.format.name, source),
                options={"strict": "-2", "fflags": "+bitexact"},
            ) as out:
                _run(given, stream, out, encoder, at=at, spoken=spoken)
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise _unreadable(source, error) from None


def _format(names: str, source: Path) -> str:
    """Return the format to write, by the one that was read."""
    known = {"mp3": "mp3", "flac": "flac", "ogg": "ogg", "wav": "wav", "aac": "adts", "aiff": "aiff"}
    for name in names.split(","):
        if name in known:
            return "opus" if name == "ogg" and source.suffix.lower() == ".opus" else known[name]
    if "mov" in names or "mp4" in names:
        return "mov" if source.suffix.lower() == ".mov" else "ipod" if source.suffix.lower() == ".m4a" else "mp4"
    if "matroska" in names or "webm" in names:
        return "webm" if source.suffix.lower() == ".webm" else "matroska"
    raise _unreadable(source, f"the format {names} is not supported")


def _run(given: Any, stream: Any, out: Any, encoder: str, *, at: At, spoken: Samples | None) -> None:  # noqa: ANN401, PLR0913 - PyAV's containers
    for key, value in {**given.metadata, **stream.metadata}.items():
        if KEYWORD not in key.upper():
            out.metadata[key] = value
    context = stream.codec_context
    new = out.add_stream(encoder, rate=context.sample_rate, layout=context.layout.name, options={"strict": "-2"})
    wanted = context.format.name
    able = [item.name for item in new.codec_context.codec.audio_formats or []]
    new.codec_context.format = wanted if wanted in able or not able else able[0]
    rate = stream.bit_rate or context.bit_rate or given.bit_rate
    if rate and not encoder.startswith(("pcm_", "flac", "alac")):
        new.codec_context.bit_rate = rate
    covers = {
        item.index: out.add_stream_from_template(item)
        for item in given.streams.video
        if out.format.name in {"mp3", "ipod", "flac"}
    }
    new.codec_context.open()
    feed = _Feed(out, new)
    if at is not At.END:
        feed.label(_label(spoken, context.sample_rate), after=True)
    for packet in given.demux([stream, *[item for item in given.streams.video if item.index in covers]]):
        if packet.stream.index in covers:
            if packet.size:
                packet.stream = covers[packet.stream.index]
                out.mux(packet)
            continue
        for frame in packet.decode():
            feed.frame(frame)
    if at is not At.START:
        feed.label(_label(spoken, context.sample_rate), after=False)
    feed.close()


class _Feed:
    """Takes frames of any shape, and gives the encoder frames of its own."""

    def __init__(self, out: Any, stream: Any) -> None:  # noqa: ANN401 - PyAV's containers
        self._out, self._stream = out, stream
        context = stream.codec_context
        self._resampler = av.AudioResampler(
            format=context.format.name,
            layout=context.layout.name,
            rate=context.sample_rate,
            frame_size=context.frame_size or None,
        )
        self._same = self._plain()
        self._at = 0

    def _plain(self) -> Any:  # noqa: ANN401 - a resampler
        context = self._stream.codec_context
        return av.AudioResampler(format=context.format.name, layout=context.layout.name, rate=context.sample_rate)

    def frame(self, frame: Any) -> None:  # noqa: ANN401 - a frame
        """Take one frame that was decoded."""
        frame.pts = None
        self._take(self._same.resample(frame))

    def label(self, samples: Samples, *, after: bool) -> None:
        """Take the label, in every channel, with the rest `after` it or before."""
        context = self._stream.codec_context
        rest = np.zeros(round(sound.REST * context.sample_rate), np.float32)
        whole = np.concatenate([samples, rest] if after else [rest, samples])
        channels = context.layout.nb_channels
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(np.tile(whole, (channels, 1))), format="fltp", layout=context.layout.name
        )
        frame.sample_rate = context.sample_rate
        if not after:
            self._take(self._same.resample(None))
        own = self._plain()
        self._take([*own.resample(frame), *own.resample(None)])
        self._same = self._plain()

    def close(self) -> None:
        """Give the encoder what is left."""
        self._take(self._same.resample(None))
        self._encode(self._resampler.resample(None))
        self._out.mux(self._stream.encode(None))

    def _take(self, frames: list[Any]) -> None:
        for item in frames:
            item.pts = None
            self._encode(self._resampler.resample(item))

    def _encode(self, frames: list[Any]) -> None:
        for item in frames:
            item.pts = self._at
            self._at += item.samples
            self._out.mux(self._stream.encode(item))
