"""The mark on video: burnt into the picture from its opening, for the law's time or the whole length; sound is copied.

Frames go through one by one, so memory does not grow with the length. Encoders are those that are under no GPL
(docs/decisions/0020-encoders.md); an operator may name another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.register import register
from hegui.service.labels.marks import design
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.design import Mark, Measured, Typeface, measured
from hegui.service.labels.schema import KEYWORD

Progress = Callable[[float], None]
_AV1 = ("libsvtav1", {"preset": "9", "crf": "28"})
_VP9 = ("libvpx-vp9", {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"})
_MPEG4 = ("mpeg4", {"qscale": "3"})
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {"vp8": _VP9, "vp9": _VP9, "mpeg4": _MPEG4}
"""Encoders by the coding of the source; what is not here becomes AV1, or what its container takes."""
_BY_FORMAT = {"avi": _MPEG4, "mov": _MPEG4, "flv": ("flv", {"qscale": "3"})}
_FORMATS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi", ".flv": "flv",
}  # fmt: skip
_DEEP = 8
_FULL_RANGE = 2


@dataclass(frozen=True, slots=True)
class MarkedVideo:
    """What was put on a video; `measured` in the opening picture of the file that was written."""

    measured: Measured
    encoder: str
    seconds: float
    frames: int
    whole: bool


def least_seconds() -> float:
    """Return how long the mark of a video is shown at least (GB45438-5.4)."""
    return float(register().number("GB45438-5.4", "duration_seconds").value)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a video is to be marked; `encoder` is an operator's own choice, a name of FFmpeg."""

    wording: str = design.WORDING
    corner: Corner = Corner.BOTTOM_RIGHT
    face: Typeface | None = None
    whole: bool = False
    encoder: str = ""


def mark_video(source: Path, target: Path, wanted: Wanted = Wanted(), progress: Progress | None = None) -> MarkedVideo:
    """Write a video with the mark burnt in; raise InputError. The implicit label is seen to by `mark.mark`.

    Args:
        source: the file.
        target: where to; the format is the source's.
        wanted: wording, corner, font, length.
        progress: called with the share that is done, 0 to 1.

    """
    kind = _FORMATS.get(source.suffix.lower())
    if kind is None:
        raise _unreadable(source, f"{source.suffix} is not supported")
    os.environ.setdefault("SVT_LOG", "1")  # the encoder of AV1 tells its settings on the error output otherwise
    try:
        with av.open(str(source)) as given:
            stream: Any = given.streams.video[0] if given.streams.video else None
            if stream is None or stream.codec_context is None:
                raise _unreadable(source, "no video, or in a coding that is not known")
            with av.open(str(target), "w", format=kind, options={"fflags": "+bitexact"}) as out:
                run = _Run(given, out, kind, wanted, progress or (lambda _: None))
                run.all()
        found = _opening(target, run.mark.place)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(source, error) from None
    if not found.good or not run.frames:
        raise design.MarkError(
            Bi("标识在写入后不够清晰", "the mark is not legible after it was written"),
            Bi("换一种编码（--codec）", "take another encoder (--codec)"),
            cite="GB45438-5.4",
        )
    return MarkedVideo(found, run.encoder, run.shown, run.frames, wanted.whole)


def _unreadable(path: Path, error: Exception | str) -> InputError:
    return InputError(
        Bi(f"无法处理视频 {path}", f"can not work on the video {path}: {error}"),
        Bi(
            "检查文件是否完好；支持 MP4、MOV、MKV、WebM、AVI、FLV",
            "check the file; MP4, MOV, MKV, WebM, AVI and FLV are supported",
        ),
    )


def _opening(path: Path, place: design.Place) -> Measured:
    with av.open(str(path)) as container:
        frame = next(container.decode(container.streams.video[0]), None)
        if frame is None:
            raise ValueError("no picture in what was written")
        return measured(Image.fromarray(frame.to_ndarray(format="rgb24")), place)


class _Run:
    """One pass over a video."""

    def __init__(self, given: Any, out: Any, kind: str, wanted: Wanted, progress: Progress) -> None:  # noqa: ANN401 - PyAV's containers
        self._given, self._out, self._kind, self._wanted, self._progress = given, out, kind, wanted, progress
        self._stream = given.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._new: Any = None
        self._start: float | None = None
        self._layers: _Layers | None = None
        self.frames = 0
        self.shown = 0.0
        self.encoder, self._options = self._choice()
        self._counted = self._options is _MPEG4[1] or self._kind in _BY_FORMAT
        for key, value in given.metadata.items():
            if KEYWORD not in key.upper():
                out.metadata[key] = value

    def _choice(self) -> tuple[str, dict[str, str]]:
        if self._wanted.encoder:
            return self._wanted.encoder, {}
        name = self._stream.codec_context.codec.canonical_name
        if self._kind in _BY_FORMAT:
            return _BY_FORMAT[self._kind]
        return _ENCODERS.get(name, _VP9 if self._kind == "webm" else _AV1)

    def all(self) -> None:
        """Go over every packet: video through the encoder, all else as it is."""
        copied: dict[int, Any] = {}
        # The streams have to be known before the first packet is written, so the first frame is decoded ahead.
        with av.open(self._given.name) as ahead:
            first = next(ahead.decode(ahead.streams.video[0]), None)
        if first is None:
            raise ValueError("no picture in it")
        self._begin(first)
        for stream in self._given.streams:
            if stream.type in {"audio", "subtitle"}:
                copied[stream.index] = self._out.add_stream_from_template(stream)
        for packet in self._given.demux([self._stream, *[self._given.streams[index] for index in copied]]):
            if packet.stream.index in copied:
                if packet.size:
                    packet.stream = copied[packet.stream.index]
                    self._out.mux(packet)
                continue
            for frame in packet.decode():
                self._frame(frame)
        self._out.mux(self._new.encode(None))
        self._progress(1.0)

    def _begin(self, first: Any) -> None:  # noqa: ANN401 - a frame
        turns = (first.rotation // 90) % 4
        size = (first.height, first.width) if turns % 2 else (first.width, first.height)
        self.mark: Mark = design.design(size, self._wanted.wording, self._wanted.corner, self._wanted.face)
        deep = any(item.bits > _DEEP for item in first.format.components) and self.encoder in {
            "libsvtav1",
            "libvpx-vp9",
        }
        shape = "yuv420p10le" if deep else "yuv420p"
        rate = self._stream.average_rate or self._stream.guessed_rate or 25
        self._new = self._out.add_stream(self.encoder, rate=rate, options=dict(self._options))
        context = self._new.codec_context
        context.width, context.height = size
        context.pix_fmt = shape
        context.thread_count = 0  # as many as there are cores
        context.time_base = self._stream.time_base
        if self._counted:
            context.time_base = 1 / rate
            context.bit_rate = max(400_000, int(self._stream.bit_rate or self._given.bit_rate or 2_000_000))
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            value = getattr(first, name, None)
            if value is not None and hasattr(context, name):
                setattr(context, name, value)
        if self._stream.sample_aspect_ratio and hasattr(context, "sample_aspect_ratio"):
            ratio = self._stream.sample_aspect_ratio
            context.sample_aspect_ratio = 1 / ratio if turns % 2 else ratio
        self._layers = _Layers(self.mark, deep=deep, full=first.color_range == _FULL_RANGE)

    def _frame(self, frame: Any) -> None:  # noqa: ANN401 - a frame
        assert self._layers is not None  # noqa: S101 - made by _begin
        time = float(frame.time or 0.0)
        self._start = time if self._start is None else self._start
        length = float(frame.duration * frame.time_base) if frame.duration else 0.0
        shown = self._wanted.whole or time - self._start <= least_seconds()
        turns = (frame.rotation // 90) % 4
        ready = frame.reformat(format=self._layers.shape)
        if shown or turns:
            planes = self._layers.planes(ready, turns)
            if shown:
                self._layers.paint(planes)
                self.shown = time - self._start + length
            ready = self._layers.frame(planes, frame)
        ready.pts, ready.time_base = frame.pts, frame.time_base
        if self._counted:
            ready.pts, ready.time_base = self.frames, self._new.codec_context.time_base
        ready.pict_type = 0
        self.frames += 1
        self._out.mux(self._new.encode(ready))
        if self._given.duration:
            self._progress(min(1.0, (time - self._start) * 1_000_000 / self._given.duration))


Plane = np.ndarray[Any, np.dtype[Any]]


class _Layers:
    """The mark in the colours of video: brightness, and none of the colour differences."""

    def __init__(self, mark: Mark, *, deep: bool, full: bool) -> None:
        self.shape = "yuv420p10le" if deep else "yuv420p"
        self._box = mark.place.plate
        self._scale = 4 if deep else 1
        span, base = (255, 0) if full else (219, 16)
        tones = [base + span * (sum(tone) / 3) / 255 for tone in (design.DARK, design.LIGHT, design.LIGHT)]
        masks = [np.asarray(mask, dtype=np.float64) / 255 for mask in (mark.plate, mark.edge, mark.ink)]
        weights = [mask * share for mask, share in zip(masks, (design.PLATE, design.EDGE, 1.0), strict=True)]
        self._keep = np.ones_like(masks[0])
        self._add = np.zeros_like(masks[0])
        for weight, tone in zip(weights, tones, strict=True):
            self._keep *= 1 - weight
            self._add = self._add * (1 - weight) + tone * weight

    def planes(self, frame: Any, turns: int) -> list[Plane]:  # noqa: ANN401 - a frame
        """Return copies of a frame's three planes, turned as a player turns them."""
        kind = np.uint16 if self._scale > 1 else np.uint8
        found = []
        for plane in frame.planes:
            row = plane.line_size // np.dtype(kind).itemsize
            values = np.frombuffer(plane, kind).reshape(-1, row)[: plane.height, : plane.width]
            found.append(np.ascontiguousarray(np.rot90(values, turns)) if turns else values.copy())
        return found

    def paint(self, planes: list[Plane]) -> None:
        """Paint the mark on the planes."""
        left, top, right, bottom = self._box
        part = planes[0][top:bottom, left:right]
        planes[0][top:bottom, left:right] = np.rint(part * self._keep + self._add * self._scale)
        high, wide = planes[1].shape
        hold = np.ones((high * 2, wide * 2))
        hold[top:bottom, left:right] = self._keep[: high * 2 - top, : wide * 2 - left]
        rows, columns = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
        small = hold.reshape(high, 2, wide, 2).mean(axis=(1, 3))[rows, columns]
        middle = 128 * self._scale
        for plane in planes[1:]:
            plane[rows, columns] = np.rint((plane[rows, columns].astype(np.float64) - middle) * small + middle)

    def frame(self, planes: list[Plane], like: Any) -> Any:  # noqa: ANN401 - frames
        """Return a frame of the planes, with the colours of another."""
        high, wide = planes[0].shape
        new = av.VideoFrame(wide, high, self.shape)
        for plane, values in zip(new.planes, planes, strict=True):
            kind = values.dtype
            room = np.zeros((plane.height, plane.line_size // kind.itemsize), kind)
            room[: values.shape[0], : values.shape[1]] = values
            plane.update(room.tobytes())
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            value = getattr(like, name, None)
            if value is not None:
                setattr(new, name, value)
        return new
