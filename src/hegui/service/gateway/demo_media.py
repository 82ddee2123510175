"""Pictures and sound of the demo model, by code: coloured hills for a prompt, a tone for each character of a text."""

from __future__ import annotations

import io
import re
from hashlib import sha256

import numpy as np
from PIL import Image, ImageDraw

_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_LONGEST_SIDE = 2048
_RATE = 24_000
_TONE = 0.09
_MOST_TONES = 100
_SCALE = (262, 294, 330, 392, 440, 523, 587, 659)


def picture(prompt: str, size: str) -> bytes:
    """Return a PNG of a size such as `512x512`; the same for the same prompt."""
    match = _SIZE.fullmatch(size)
    wide, high = (min(int(side), _LONGEST_SIDE) for side in match.groups()) if match else (512, 512)
    seed = np.random.default_rng(list(sha256(prompt.encode()).digest()))
    top, bottom = seed.integers(120, 256, 3), seed.integers(40, 200, 3)
    share = np.linspace(0, 1, high)[:, None, None]
    sky = np.broadcast_to(top * (1 - share) + bottom * share, (high, wide, 3))
    made = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(made)
    across = np.arange(0, wide + 8, 8)
    for layer in range(4):
        wave = sum(np.sin(across * seed.uniform(0.002, 0.02) + seed.uniform(0, 6)) for _ in range(3))
        heights = high * (0.45 + 0.13 * layer) + wave * high * 0.05
        colour = tuple(int(part) for part in bottom * (0.9 - 0.2 * layer))
        draw.polygon([(0, high), *zip(across.tolist(), heights.tolist(), strict=True), (wide, high)], fill=colour)
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue()


def tones(text: str) -> bytes:
    """Return a WAV (16 bits, 24 kHz, one channel) that sounds a tone for each character."""
    time = np.arange(round(_TONE * _RATE)) / _RATE
    soft = np.hanning(len(time))
    parts = [np.sin(2 * np.pi * _SCALE[ord(one) % len(_SCALE)] * time) * soft for one in text[:_MOST_TONES]]
    samples = np.rint(np.concatenate(parts) * 0.3 * 32767).astype("<i2").tobytes() if parts else b""
    shape = (1).to_bytes(2, "little") * 2 + _RATE.to_bytes(4, "little") + (_RATE * 2).to_bytes(4, "little")
    body = b"WAVEfmt \x10\0\0\0" + shape + b"\2\0\x10\0" + b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(body).to_bytes(4, "little") + body
