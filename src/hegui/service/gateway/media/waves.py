"""WAV of 16 bits while it passes: the chunk `AIGC` before the samples, the label that is heard among them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from hegui.service.labels.marks import sound
from hegui.service.labels.schema import KEYWORD

_STREAMED = 0x7FFF_0000
"""Sizes from here on are those of a stream whose length was not known."""
_LONGEST = 0xFFFF_FFFF
_PCM, _EXTENSIBLE = 1, 0xFFFE
_BITS = 16
_MANIFEST = b"C2PA"
_HEARD = 8.0
_START, _END = frozenset({"start", "both"}), frozenset({"end", "both"})


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of a WAV up to its samples; sizes as they stand there."""

    chunks: tuple[tuple[bytes, bytes], ...]
    start: int
    riff: int
    data: int

    @property
    def open_end(self) -> bool:
        """Say whether nobody told how long it is."""
        return self.riff in {0, _LONGEST} or self.data == 0 or max(self.riff, self.data) >= _STREAMED

    def shape(self) -> tuple[int, int]:
        """Return channels and rate of samples of 16 bits, zeros for others."""
        shape = dict(self.chunks).get(b"fmt ", b"")
        if len(shape) < 16:  # noqa: PLR2004 - a whole format
            return 0, 0
        kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", shape[:16])
        if kind == _EXTENSIBLE and len(shape) >= 26:  # noqa: PLR2004 - with its GUID
            kind = struct.unpack("<H", shape[24:26])[0]
        return (channels, rate) if kind == _PCM and bits == _BITS else (0, 0)


def _head(data: bytes) -> _Head | None:
    """Return the head of a WAV; None while it is not whole."""
    found: list[tuple[bytes, bytes]] = []
    at = 12
    while len(data) >= at + 8:
        name, length = data[at : at + 4], int(struct.unpack_from("<I", data, at + 4)[0])
        if name == b"data":
            return _Head(tuple(found), at + 8, int(struct.unpack_from("<I", data, 4)[0]), length)
        if len(data) < at + 8 + length + length % 2:
            return None
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return None


class Waves:
    """One WAV: `begin` with its head, `feed` what follows, `finish` for what is heard after samples without a number.

    `at` says where the label is heard; for any other word than start, end and both, nowhere.
    """

    def __init__(self, label: str, at: str, heard: Callable[[int], sound.Samples]) -> None:
        self._label = KEYWORD.encode() + _sized(label.encode())
        self._at = at
        self._heard = heard
        self._rest = 0
        self._counted = False
        self._after = b""

    def begin(self, given: bytes) -> bytes | None:
        """Return the head with its labels and what followed it; None while more is needed, nothing where it can not be so."""
        head = _head(given)
        if head is None:
            return None
        channels, rate = head.shape()
        if given[:4] != b"RIFF" or not channels or not rate or (head.data % 2 and not head.open_end):
            return b""
        if _MANIFEST in dict(head.chunks) or (not head.open_end and head.riff + 8 > head.start + head.data):
            return (
                b""  # what becomes of a manifest is decided of the whole; what stands behind the samples may be a label
            )
        if files.inspect_bytes(_silent(head.chunks), "head.wav").verdict is not Verdict.ABSENT:
            return b""  # a label is there: it is handed on with the whole before us
        before = self._sounds(channels, rate)
        grown = len(before) + len(self._after)
        riff, data = head.riff, head.data
        if not head.open_end:
            riff, data = riff + len(self._label) + grown, data + grown
            self._rest, self._counted = head.data, True
            if riff > _LONGEST:
                return b""
        start = b"RIFF" + struct.pack("<I", riff) + given[8 : head.start - 8]
        samples = struct.pack("<4sI", b"data", data) + before
        return start + self._label + samples + self.feed(given[head.start :])

    def _sounds(self, channels: int, rate: int) -> bytes:
        """Return what is heard before the samples, and keep what is heard after them."""
        if self._at not in _START | _END:
            return b""
        label, rest = self._heard(rate), np.zeros(round(sound.REST * rate), np.float32)
        if self._at in _END:
            self._after = _coded(np.concatenate([rest, label]), channels)
        return _coded(np.concatenate([label, rest]), channels) if self._at in _START else b""

    def feed(self, piece: bytes) -> bytes:
        """Return a piece, with the label behind the last sample where there is one."""
        if not self._counted or not self._after:
            return piece
        if len(piece) < self._rest:
            self._rest -= len(piece)
            return piece
        out = piece[: self._rest] + self._after + piece[self._rest :]
        self._after = b""
        return out

    def finish(self) -> bytes:
        """Return what is heard after samples whose number nobody told."""
        return b"" if self._counted else self._after

    def is_heard(self, data: bytes) -> bool:
        """Say whether the rhythm is heard where it has to be in a whole WAV."""
        head = _head(data)
        if head is None:
            return False
        channels, rate = head.shape()
        step = 2 * channels
        raw = data[head.start :] if head.open_end else data[head.start : head.start + head.data]
        raw = raw[: len(raw) // step * step]
        size = round(_HEARD * rate) * step
        ends = ((raw[:size], _START), (raw[-size:], _END))
        return all(sound.has_rhythm(_mono(part, channels), rate) for part, places in ends if self._at in places)


def closed(data: bytes) -> bytes:
    """Return a whole WAV with the sizes that nobody told while it was made; another as it is."""
    head = _head(data)
    if head is None or not head.open_end or data[:4] != b"RIFF":
        return data
    size = len(data) - head.start
    sizes = struct.pack("<I", head.start + size + size % 2 - 8), struct.pack("<I", size)
    return b"".join([data[:4], sizes[0], data[8 : head.start - 4], sizes[1], data[head.start :], bytes(size % 2)])


def _sized(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _silent(chunks: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return a WAV of these chunks without a sample, to be asked for the labels in it."""
    body = b"WAVE" + b"".join(name + _sized(data) for name, data in chunks) + b"data\0\0\0\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _coded(samples: sound.Samples, channels: int) -> bytes:
    wide = np.repeat(np.clip(samples, -1, 1), channels)
    return np.rint(wide * 32767).astype("<i2").tobytes()


def _mono(raw: bytes, channels: int) -> sound.Samples:
    return np.asarray(np.frombuffer(raw, "<i2").reshape(-1, channels).mean(axis=1) / 32768, dtype=np.float32)
