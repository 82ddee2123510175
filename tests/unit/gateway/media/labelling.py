"""What the tests of labelled files share: a provider, a way to label, pictures and sounds as models make them."""

from __future__ import annotations

import io
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from hegui.service.gateway.media.labelling import Producer, Way
from hegui.service.gateway.service import MediaStyle
from hegui.service.labels.marks.corner import Corner
from tests.unit.labels.media import made
from tests.unit.labels.pictures import CODE

NUMBER = "0199-number"
BY = Producer(CODE)
OTHER = "001191110108MA01KP2T5U10001"
"""A provider other than ours, as real files name one."""


def way(folder: Path, by: Producer = BY, *, picture: str = "mark", sound: str = "start") -> Way:
    return Way(MediaStyle(picture, Corner.BOTTOM_RIGHT, sound), by, folder)


@cache
def picture(kind: str = "PNG", size: tuple[int, int] = (320, 240)) -> bytes:
    """Return a picture that compresses as a painted one does."""
    across = np.linspace(0, 255, size[0])
    lines = np.sin(np.linspace(0, 9, size[1]))[:, None] * 90 + across[None, :]
    pixels = np.stack([lines, lines[::-1], 255 - lines], axis=-1)
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(out, kind)
    return out.getvalue()


def sound(kind: str, *, seekable: bool = True) -> bytes:
    """Return two seconds of sound: `wav`, `mp3`, `flac` or `opus`."""
    muxer, codec = {
        "wav": ("wav", "pcm_s16le"), "mp3": ("mp3", "libmp3lame"), "flac": ("flac", "flac"), "opus": ("ogg", "libopus"),
    }[kind]  # fmt: skip
    return made(muxer, audio=codec, seekable=seekable)


def independent(path: Path) -> str:
    """Return what exiftool and ffprobe say of a file, where they are installed."""
    said = ""
    for command in (["exiftool", "-a", "-G1", "-s"], ["ffprobe", "-hide_banner", "-show_format", "-show_streams"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, str(path)], capture_output=True, check=False, timeout=60)
            said += done.stdout.decode("utf-8", "replace")
    return said
