"""Labels that are heard: the rhythm with its longer gap, a spoken label at the law's rate, and sound that stays as it was."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hegui.kit.errors import InputError
from hegui.law.register import register
from hegui.service.labels.marks import sound
from hegui.service.labels.marks.audio import At, heard, mark_audio
from hegui.service.labels.marks.sound import SpeechError, has_rhythm, rhythm, speech_rate
from hegui.service.labels.text import WordingError

RATE = 16_000


def music(seconds: float, rate: int = 44_100) -> Any:
    """Return what is no rhythm label: chords that come and go, and a hiss."""
    time = np.arange(round(seconds * rate)) / rate
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * 1.7 * time)
    tone = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 277, 330, 415)) / 4
    return (0.5 * beat * tone + np.random.default_rng(5).normal(0, 0.03, len(time))).astype(np.float32)


def tones(units: list[tuple[int, int]], unit: float = 0.12, pitch: int = 800) -> Any:
    parts = []
    for on, off in units:
        time = np.arange(round(on * unit * RATE)) / RATE
        parts += [0.5 * np.sin(2 * np.pi * pitch * time), np.zeros(round(off * unit * RATE))]
    return np.concatenate([np.zeros(3000), *parts, np.zeros(3000)]).astype(np.float32)


def wav(path: Path, samples: Any, *, channels: int = 2, bits: int = 16, rate: int = 44_100, more: bytes = b"") -> Path:
    whole = np.repeat(np.clip(samples, -1, 1), channels)
    if bits == 8:
        data = np.rint(whole * 127 + 128).astype(np.uint8).tobytes()
    elif bits == 24:
        data = np.rint(whole * (2**23 - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    elif bits == 32:
        data = whole.astype("<f4").tobytes()
    else:
        data = np.rint(whole * 32767).astype("<i2").tobytes()
    kind = 3 if bits == 32 else 1
    shape = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    body = (
        b"WAVEfmt "
        + struct.pack("<I", 16)
        + shape
        + more
        + b"data"
        + struct.pack("<I", len(data))
        + data
        + b"\0" * (len(data) % 2)
    )
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def samples_of(path: Path) -> bytes:
    data = path.read_bytes()
    at = data.index(b"data") + 8
    return data[at : at + struct.unpack("<I", data[at - 4 : at])[0]]


# --- rhythm --------------------------------------------------------------------------------------------


def test_the_rhythm_is_short_long_short_short_with_the_longer_gap_between_the_letters() -> None:
    samples = rhythm(8000)
    loud = np.abs(samples) > 0.02
    edges = np.flatnonzero(np.diff(np.convolve(loud, np.ones(40), "same") > 0))
    lengths = np.diff([0, *edges, len(samples)]) / 8000 / sound.UNIT
    assert [round(float(item)) for item in lengths] == [1, 1, 3, 3, 1, 1, 1]
    assert len(samples) / 8000 == pytest.approx(11 * sound.UNIT)
    assert np.abs(np.diff(samples)).max() < 0.3, "no click at an edge"


def test_the_listener_hears_other_units_and_tones_and_takes_no_l_for_it() -> None:
    label = [(1, 1), (3, 3), (1, 1), (1, 0)]
    for unit, pitch in ((0.08, 600), (0.12, 800), (0.2, 1000)):
        assert has_rhythm(tones(label, unit, pitch), RATE), (unit, pitch)
    assert not has_rhythm(tones([(1, 1), (3, 1), (1, 1), (1, 0)]), RATE), "with equal gaps it is an L"
    assert not has_rhythm(tones([(1, 1), (1, 3), (3, 1), (1, 0)]), RATE)
    assert not has_rhythm(np.zeros(RATE, np.float32), RATE)
    assert not has_rhythm(np.zeros(0, np.float32), RATE)
    assert not has_rhythm(music(5, RATE), RATE)


# --- files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("at", list(At))
def test_pcm_in_wav_is_copied_bit_by_bit_and_other_chunks_stay(
    tmp_path: Path, bits: int, channels: int, at: At
) -> None:
    note = b"LIST" + struct.pack("<I", 12) + b"INFOICMT\0\0\0\0"
    # Longer than both windows of the listener, so that start and end are heard apart.
    source = wav(tmp_path / "a.wav", music(17, 8000), channels=channels, bits=bits, rate=8000, more=note)
    found = mark_audio(source, tmp_path / "b.wav", at)
    assert (found.rhythm_start, found.rhythm_end) == (at is not At.END, at is not At.START)
    old, new = samples_of(source), samples_of(tmp_path / "b.wav")
    label = round((1.32 + sound.REST) * 8000) * channels * bits // 8
    assert len(new) - len(old) == label * (2 if at is At.BOTH else 1)
    assert old == (new[: len(old)] if at is At.END else new[label : label + len(old)])
    assert note in (tmp_path / "b.wav").read_bytes()
    assert heard(source) == (False, False)


CODINGS = {
    "a.mp3": ("libmp3lame", "mp3", 44_100), "a.flac": ("flac", "flac", 44_100), "a.opus": ("libopus", "opus", 48_000),
    "a.ogg": ("vorbis", "ogg", 44_100), "a.m4a": ("aac", "ipod", 22_050), "a.aac": ("aac", "adts", 44_100),
}  # fmt: skip


def coded(path: Path, seconds: float = 3, *, layout: str = "stereo") -> Path:
    codec, kind, rate = CODINGS[path.name]
    with av.open(str(path), "w", format=kind, options={"strict": "-2"}) as out:
        out.metadata["title"] = "标题"
        stream: Any = out.add_stream(codec, rate=rate, layout=layout, options={"strict": "-2"})
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        samples = music(seconds, rate)
        frame = av.AudioFrame.from_ndarray(
            np.tile(samples, (2 if layout == "stereo" else 1, 1)), format="fltp", layout=layout
        )
        frame.sample_rate = rate
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def shape(path: Path) -> tuple[str, int, str]:
    with av.open(str(path)) as container:
        context = container.streams.audio[0].codec_context
        return context.codec.canonical_name, context.sample_rate, context.layout.name


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("at", [At.START, At.BOTH])
def test_other_codings_stay_what_they_are_and_the_rhythm_is_heard(tmp_path: Path, name: str, at: At) -> None:
    source = coded(tmp_path / name, 10, layout="mono" if name == "a.m4a" else "stereo")
    target = tmp_path / f"b{name}"
    found = mark_audio(source, target, at)
    assert (found.rhythm_start, found.rhythm_end) == (True, at is At.BOTH)
    assert shape(target) == shape(source)
    with av.open(str(target)) as container:
        seconds = sum(frame.samples for frame in container.decode(container.streams.audio[0])) / shape(target)[1]
    assert seconds == pytest.approx(10 + (1.32 + sound.REST) * (2 if at is At.BOTH else 1), abs=0.2)
    if name in {"a.mp3", "a.flac", "a.m4a"}:
        with av.open(str(target)) as container:
            assert container.metadata["title"] == "标题"


def test_flac_is_lossless_before_and_after(tmp_path: Path) -> None:
    source = coded(tmp_path / "a.flac")
    mark_audio(source, tmp_path / "b.flac", At.END)

    def pcm(path: Path) -> Any:
        with av.open(str(path)) as container:
            return np.concatenate(
                [frame.to_ndarray().reshape(-1) for frame in container.decode(container.streams.audio[0])]
            )

    old, new = pcm(source), pcm(tmp_path / "b.flac")
    assert (new[: len(old)] == old).all()


# --- speech --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "count"), [
    ("本音频由人工智能生成", 10), ("AI生成", 4), ("本内容由 AI 生成。", 8), ("AI generated", 3), ("", 0),
])  # fmt: skip
def test_characters_of_speech(text: str, count: int) -> None:
    assert sound.characters(text) == count


def spoken(path: Path, seconds: float) -> Path:
    quiet = np.zeros(8000, np.float32)
    return wav(path, np.concatenate([quiet, music(seconds, 16_000), quiet]), channels=1, rate=16_000)


def test_a_spoken_label_is_taken_at_the_laws_rate_alone(tmp_path: Path) -> None:
    law = register()
    least, most = (law.whole("GB45438-5.3", name) for name in ("speech_rate_min", "speech_rate_max"))
    source = wav(tmp_path / "a.wav", music(2))
    text = "本音频由人工智能生成"
    fits = spoken(tmp_path / "good.wav", 10 * 60 / ((least + most) / 2))
    found = mark_audio(source, tmp_path / "b.wav", At.START, (fits, text))
    assert found.kind == "speech"
    assert found.rate == pytest.approx((least + most) / 2, rel=0.05)
    for seconds in (10 * 60 / (most * 1.2), 10 * 60 / (least * 0.8)):
        with pytest.raises(SpeechError, match=str(least)):
            mark_audio(source, tmp_path / "c.wav", At.START, (spoken(tmp_path / "bad.wav", seconds), text))
    with pytest.raises(WordingError):
        mark_audio(source, tmp_path / "c.wav", At.START, (fits, "本音频由AI提供"))
    assert speech_rate(text, np.zeros(100, np.float32), RATE) == 0


@pytest.mark.parametrize("data", [b"", b"RIFF\x10\0\0\0WAVEdata\xff\xff\0\0", b"no sound at all", b"RIFF\4\0\0\0WAVE"])
def test_what_is_no_sound_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(InputError, match="音频"):
        mark_audio(tmp_path / "a.wav", tmp_path / "b.wav")


def test_what_is_written_is_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "rhythm", lambda rate: np.zeros(rate, np.float32))
    with pytest.raises(InputError, match="听不出"):
        mark_audio(wav(tmp_path / "a.wav", music(1)), tmp_path / "b.wav")
