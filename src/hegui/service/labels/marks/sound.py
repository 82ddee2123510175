"""Labels that are heard: the rhythm 短长 短短, a spoken label's rate, and a listener that finds the rhythm again.

The standard names the rhythm alone (GB 45438-2025 5.3). Unit and tone are ours: the figures of Morse code give what lies
between, a longer gap between the letters A and I included: with equal gaps the same signs are an L.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.register import register
from hegui.service.labels.text import check_wording

Samples = np.ndarray[Any, np.dtype[np.float32]]
UNIT = 0.12
"""Seconds of a dot: ours."""
TONE = 800
"""Hertz: ours."""
REST = 0.3
"""Seconds of silence between a label and what is labelled: ours."""
LEVEL = 0.4
"""Loudest sample of the rhythm, of one: ours."""
_EDGE = 0.012
_TIMES = ((1, 1), (3, 3), (1, 1), (1, 0))
"""Units of sound and of the silence after it: A is short long, I short short, three units between letters."""
_FRAME = 0.01
_QUIET = 0.02
_TOLERANCE = 0.45
_BAND = (300, 3000)


class SpeechError(InputError):
    """A spoken label does not meet the law's rules."""


def rhythm(rate: int) -> Samples:
    """Return the rhythm label at a sample rate in hertz, one channel, 1.32 seconds, with soft edges."""
    parts = []
    for sound, silence in _TIMES:
        time = np.arange(round(sound * UNIT * rate)) / rate
        edge = min(len(time) // 2, round(_EDGE * rate))
        soft = np.ones(len(time))
        soft[:edge] = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
        soft[len(time) - edge :] = soft[:edge][::-1]
        parts += [LEVEL * np.sin(2 * np.pi * TONE * time) * soft, np.zeros(round(silence * UNIT * rate))]
    return np.concatenate(parts).astype(np.float32)


# --- the listener --------------------------------------------------------------------------------------


def has_rhythm(samples: Samples, rate: int) -> bool:
    """Say whether the rhythm is anywhere in a stretch of sound (one channel), in any unit from 60 to 300 ms and any tone of speech.

    Signs that have equal gaps are the letter L, and no label. Sound beneath or over the rhythm may hide it:
    what is not found is not proved to be absent.
    """
    runs = _runs(_tone(samples, rate))
    wanted = [item for pair in _TIMES for item in pair][:-1]
    for at in range(len(runs) - len(wanted) + 1):
        part = runs[at : at + len(wanted)]
        if not part[0][0] or not 6 <= part[0][1] <= 30:  # noqa: PLR2004 - 60 to 300 ms
            continue
        lengths = [length for _, length in part]
        unit = sum(lengths) / sum(wanted)
        if all(
            abs(length - units * unit) <= _TOLERANCE * unit + 1 for length, units in zip(lengths, wanted, strict=True)
        ):
            return True
    return False


def _tone(samples: Samples, rate: int) -> list[bool]:
    """Say of each hundredth of a second whether a single tone sounds."""
    step = round(_FRAME * rate)
    wide = step * 3
    if len(samples) < wide:
        return []
    padded = np.concatenate([np.zeros(step), samples, np.zeros(step)])
    count = (len(padded) - wide) // step + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, wide)[::step][:count] * np.hanning(wide)
    power = np.abs(np.fft.rfft(frames, n=wide * 2)) ** 2
    pitch = np.fft.rfftfreq(wide * 2, 1 / rate)
    power[:, (pitch < _BAND[0]) | (pitch > _BAND[1])] *= 0.2
    peak = power.argmax(axis=1)
    near = np.abs(np.arange(power.shape[1])[None, :] - peak[:, None]) <= 4  # noqa: PLR2004 - the width of the window's lobe
    share = (power * near).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-12)
    loud = np.sqrt((frames**2).mean(axis=1))
    level = max(_QUIET, float(np.percentile(loud, 98)) * 0.35)
    return [bool(item) for item in (share > 0.7) & (loud > level)]  # noqa: PLR2004 - most of the power


def _runs(heard: list[bool]) -> list[tuple[bool, int]]:
    runs: list[tuple[bool, int]] = []
    for item in heard:
        if runs and runs[-1][0] == item:
            runs[-1] = (item, runs[-1][1] + 1)
        else:
            runs.append((item, 1))
    return runs


# --- speech --------------------------------------------------------------------------------------------


def characters(text: str) -> int:
    """Return how many characters a text counts when it is spoken: Han characters, digits and letters of AI each one, other words one."""
    count = 0
    word = ""
    for item in f"{text} ":
        if item.isascii() and item.isalpha():
            word += item
            continue
        count += len(word) if word.isupper() else bool(word)
        word = ""
        count += item.isalnum()
    return count


def speech_rate(text: str, samples: Samples, rate: int) -> float:
    """Return the characters a minute of a spoken label (one channel), without the silence around it."""
    loud = np.flatnonzero(np.abs(samples) > max(0.01, float(np.abs(samples).max(initial=0)) * 0.05))
    seconds = (int(loud[-1]) - int(loud[0]) + 1) / rate if len(loud) else 0.0
    return characters(text) * 60 / seconds if seconds else 0.0


def check_speech(text: str, samples: Samples, rate: int) -> float:
    """Return the rate of a spoken label; raise SpeechError outside the law's rate, WordingError where an element lacks."""
    check_wording(text)
    law = register()
    least, most = (law.whole("GB45438-5.3", name) for name in ("speech_rate_min", "speech_rate_max"))
    found = speech_rate(text, samples, rate)
    if not least <= found <= most:
        raise SpeechError(
            Bi(f"语音标识每分钟 {found:.0f} 字，应为 {least} 至 {most}", f"{found:.0f} characters a minute; {least} to {most} are asked for"),
            Bi("以正常语速重录，并核对给出的文字", "record it at normal speed, and check the text that was given"),
            cite="GB45438-5.3",
        )  # fmt: skip
    return found
