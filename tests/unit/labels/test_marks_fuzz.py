"""Odd and damaged pictures, sounds, films and documents are marked or refused: never a crash, never the implicit label lost.

`HEGUI_FUZZ=20 pytest tests/unit/labels/test_marks_fuzz.py` looks at twenty times as many, and at new ones each time.
"""

from __future__ import annotations

import io
import os
import random
import resource
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hegui.kit.errors import HeguiError
from hegui.service.labels import files, sidecar
from hegui.service.labels.files import Inspection, Verdict
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.mark import Options, mark
from tests.unit.labels import media, pictures
from tests.unit.labels.pictures import LABEL
from tests.unit.labels.test_documents import MADE
from tests.unit.labels.test_images_mutated import mutated

TIMES = int(os.environ.get("HEGUI_FUZZ", "1"))
MOST_MEMORY = 512 << 10
"""Kibibytes that the process may grow by, beside what the picture takes."""
BYTES_A_PIXEL = 24
"""The picture, as it is painted, and as it is read again to be measured, in four channels."""

PLAIN = Options()


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples * TIMES, deadline=None, derandomize=TIMES == 1, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def claimed(data: bytes) -> int:
    """Return the pixels that a picture says it has: a damaged head may claim many, up to the most that is marked."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.width * picture.height
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0


@contextmanager
def measured(data: bytes) -> Iterator[None]:
    """Fail where more memory is taken than what a file shows can need; what libraries warn of odd files is no failure."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        most = MOST_MEMORY + claimed(data) * BYTES_A_PIXEL // 1024
        yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < most


def read(path: Path) -> Inspection:
    found = files.inspect(path)
    return sidecar.read(path) or found if found.verdict is Verdict.ABSENT else found


def attempt(name: str, data: bytes, *, label: bool, options: Options = PLAIN) -> bool:
    """Mark a file, with its label where it takes one; return whether it could be, with all that must hold either way."""
    with tempfile.TemporaryDirectory() as place, measured(data):
        folder = Path(place)
        source, target = folder / name, folder / f"marked-{name}"
        source.write_bytes(data)
        if label:
            try:
                files.write(source, source, LABEL)
            except HeguiError:
                label = False
        before, there = source.read_bytes(), read(source)
        try:
            done = mark(source, target, options)
        except HeguiError:
            assert [item.name for item in folder.iterdir()] == [name], "nothing half done is left"
            marked = False
        else:
            marked = True
            found = read(target)
            assert done.implicit.label == found.label == there.label, "the implicit label is handed on"
            assert found.verdict in {Verdict.PRESENT, Verdict.ABSENT}
        assert source.read_bytes() == before, "the original stays"
        return marked


# --- pictures ------------------------------------------------------------------------------------------

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB", "HSV")
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "TIFF": "tif", "AVIF": "avif", "BMP": "bmp"}


@st.composite
def odd_picture(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a picture of any mode, size and format that Pillow can write, whole or damaged."""
    form, mode = draw(st.sampled_from(sorted(SUFFIXES))), draw(st.sampled_from(MODES))
    side = st.sampled_from((1, 2, 3, 9, 23, 40, 77, 128, 301))
    size = (draw(side), draw(side))
    picture = _noise(mode, size, draw(st.integers(0, 9)))
    options: dict[str, Any] = {}
    if form in {"GIF", "WEBP", "PNG", "TIFF"} and draw(st.booleans()):
        others = [_noise(mode, size, 10 + number) for number in range(draw(st.integers(1, 3)))]
        options |= {"save_all": True, "append_images": others}
    if form in {"PNG", "JPEG", "WEBP"} and draw(st.booleans()):
        exif = Image.Exif()
        exif[0x0112] = draw(st.one_of(st.integers(0, 9), st.sampled_from((200, 65535))))
        options["exif"] = exif
    if mode == "P" and form in {"PNG", "GIF"} and draw(st.booleans()):
        options["transparency"] = draw(st.integers(0, 255))
    out = io.BytesIO()
    try:
        picture.save(out, form, **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError):
        out = io.BytesIO()
        picture.convert("RGB").save(out, form)
    times = draw(st.sampled_from((0, 0, 1, 3)))
    data = out.getvalue()
    return f"a.{SUFFIXES[form]}", mutated(data, draw(st.integers(0, 1 << 32)), times) if times else data


def _noise(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    if mode in {"I", "F"}:
        return pictures.noise("L", seed, size).convert(mode)
    if mode == "I;16":
        return Image.frombytes("I;16", size, random.Random(seed).randbytes(size[0] * size[1] * 2))
    if mode == "1":
        return pictures.noise("L", seed, size).convert("1")
    return pictures.noise(mode, seed, size)


@bounded(80)
@given(case=odd_picture(), label=st.booleans(), corner=st.sampled_from(list(Corner)))
def test_odd_pictures(case: tuple[str, bytes], label: bool, corner: Corner) -> None:
    attempt(*case, label=label, options=Options(corner=corner))


@bounded(40)
@given(name=st.sampled_from(sorted(pictures.every())), seed=st.integers(0, 1 << 32), times=st.integers(0, 4), label=st.booleans())  # fmt: skip
def test_damaged_pictures_of_every_layout(name: str, seed: int, times: int, label: bool) -> None:
    attempt(name, mutated(pictures.every()[name], seed, times), label=label)


@pytest.mark.parametrize(("width", "height"), [(65_000, 65_000), (1, 4_000_000_000), (20_000, 60_000)])
def test_a_picture_that_claims_to_be_huge_takes_no_memory(width: int, height: int) -> None:
    data = pictures.saved("PNG")
    head = struct.pack(">II", width, height) + data[24:29]
    import zlib

    claimed = data[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + data[33:]
    assert not attempt("a.png", claimed, label=False)


def test_a_moving_picture_that_unpacks_to_too_much_is_refused() -> None:
    out = io.BytesIO()
    frames = [Image.new("L", (4000, 4000), number) for number in range(2)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    data = out.getvalue()
    start = data.index(b"\x21\xf9", data.index(b"\x2c"))  # the second frame
    many = data[:start] + data[start:-1] * 40 + data[-1:]
    assert len(many) < 4 << 20
    assert not attempt("a.gif", many, label=False)


# --- sound ---------------------------------------------------------------------------------------------


def wav(kind: int, channels: int, rate: int, bits: int, samples: bytes) -> bytes:
    width = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, (rate * width) & 0xFFFFFFFF, width & 0xFFFF, bits)
    body = b"WAVE" + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body) + len(samples) % 2) + body + b"\0" * (len(samples) % 2)


@bounded(50)
@given(
    kind=st.sampled_from((1, 1, 1, 3, 0xFFFE, 0x55)), channels=st.sampled_from((0, 1, 1, 2, 3, 8, 255, 65535)),
    rate=st.sampled_from((0, 1, 50, 4000, 8000, 44100, 192_000, 1 << 20, (1 << 32) - 1)), bits=st.sampled_from((0, 1, 8, 12, 16, 24, 32, 64, 65535)),
    samples=st.binary(max_size=600), label=st.booleans(), at=st.sampled_from(("start", "end", "both")),
)  # fmt: skip
def test_odd_wav(  # noqa: PLR0917 - hypothesis gives each
    kind: int, channels: int, rate: int, bits: int, samples: bytes, label: bool, at: str
) -> None:
    attempt("a.wav", wav(kind, channels, rate, bits, samples), label=label, options=Options(at=at))


def test_a_plain_wav_is_marked_in_every_width_and_number_of_channels() -> None:
    for bits in (8, 16, 24, 32):
        for channels in (1, 2, 6):
            silence = (b"\x80" if bits == 8 else b"\0") * (channels * bits * 100)
            assert attempt("a.wav", wav(1, channels, 8000, bits, silence), label=True)


SOUNDS = ("wav", "mp3", "flac", "ogg", "opus", "m4a")


@bounded(16)
@given(name=st.sampled_from(SOUNDS), seed=st.integers(0, 1 << 32), times=st.integers(1, 4), label=st.booleans())
def test_damaged_sounds(name: str, seed: int, times: int, label: bool) -> None:
    suffix, data = media.samples()[name]
    attempt(f"a{suffix}", mutated(data, seed, times), label=label)


# --- films ---------------------------------------------------------------------------------------------


@bounded(6)
@given(
    name=st.sampled_from(("mp4", "mkv", "flv", "avi", "mov")), seed=st.integers(0, 1 << 32), times=st.integers(1, 4), label=st.booleans(),
)  # fmt: skip
def test_damaged_films(name: str, seed: int, times: int, label: bool) -> None:
    suffix, data = media.samples()[name]
    attempt(f"a{suffix}", mutated(data, seed, times), label=label)


# --- documents -----------------------------------------------------------------------------------------


def within(data: bytes, seed: int, times: int) -> bytes:
    """Return an archive with one of its parts damaged, and put together again."""
    chance, out = random.Random(seed), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        hit = chance.choice(names)
        for name in names:
            new.writestr(name, mutated(old.read(name), seed, times) if name == hit else old.read(name))
    return out.getvalue()


@bounded(50)
@given(
    name=st.sampled_from(sorted(MADE)), seed=st.integers(0, 1 << 32), times=st.integers(0, 4), inside=st.booleans(), label=st.booleans(),
)  # fmt: skip
def test_damaged_documents(name: str, seed: int, times: int, inside: bool, label: bool) -> None:
    damage: Callable[[bytes, int, int], bytes] = within if inside and name.endswith(("docx", "xlsx")) else mutated
    attempt(name, damage(MADE[name], seed, times), label=label)


TEXTS = st.one_of(
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=300),
    st.text("-:<>/bodyhtml AIGC\r\n'\"{}", max_size=200).map(str.encode),
)  # fmt: skip


@bounded(80)
@given(suffix=st.sampled_from((".md", ".html", ".txt")), data=TEXTS, front=st.booleans(), label=st.booleans())
def test_any_text(suffix: str, data: bytes, front: bool, label: bool) -> None:
    attempt(f"a{suffix}", b"---\ntitle: x\n---\n" + data if front else data, label=label)
