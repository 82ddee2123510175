"""The design of a mark on a picture: where it stands, how high it is, and what it is painted with; and the check of the result.

Light letters on a dark plate with a thin light edge: legible on dark, light and busy pictures alike. The height of the
smallest letter, by its ink, is the law's share of the shortest side (GB 45438-2025 5.2) or more; small pictures
get a mark that can still be read.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law.register import register
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.text import check_wording

WORDING = "AI生成"
CONTRAST = 4.5
"""Least contrast of letters and plate: ours, the standard gives no number (WCAG 2.2, 1.4.3)."""
DARK = (18, 19, 22)
LIGHT = (255, 255, 255)
PLATE = 0.76
"""How much of the plate hides what is beneath; the rest shines through."""
EDGE = 0.62
_READABLE = 10
"""Least ink of the smallest letter, pixels, where the picture has room: ours."""
_TRIAL = 400
_FLAT = 0.6
_HALF = 140
_PAD_X, _PAD_Y, _RADIUS, _MARGIN, _LEADING = 0.46, 0.30, 0.36, 0.42, 1.22
_UNKNOWN = "\U0010fffe"


class MarkError(InputError):
    """A mark can not be put on a picture as it is wanted."""


Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mark stands on a picture, in pixels of the picture as a person sees it; boxes are left, top, right, bottom."""

    size: tuple[int, int]
    plate: Box
    letters: tuple[Box, ...]
    """The letters and Han characters, without punctuation and flat ones such as 一."""
    lines: tuple[str, ...]
    corner: Corner


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark ready to be painted: the place, and three masks of the plate's size."""

    place: Place
    plate: Image.Image
    edge: Image.Image
    ink: Image.Image


@dataclass(frozen=True, slots=True)
class Measured:
    """What a marked picture shows: ink height of the smallest letter by the shortest side, and the letters' contrast."""

    ratio: float
    contrast: float

    @property
    def good(self) -> bool:
        """Say whether the law's height and our contrast are met."""
        return self.ratio >= least_ratio() and self.contrast >= CONTRAST

    def as_dict(self) -> dict[str, Any]:
        """Return both numbers, and whether they suffice, for machines."""
        return {"text_height_ratio": round(self.ratio, 4), "contrast": round(self.contrast, 2), "good": self.good}


def least_ratio() -> float:
    """Return the least height of the text by the shortest side (GB45438-5.2)."""
    return float(register().number("GB45438-5.2", "text_height_ratio").value)


# --- letters -------------------------------------------------------------------------------------------


class Typeface:
    """A font, the shipped one or an operator's, that tells which glyphs it lacks; raise InputError for a file that is none."""

    def __init__(self, path: Path | None = None) -> None:
        try:
            self._data = path.read_bytes() if path else _shipped()
            self.at(_TRIAL)
        except OSError as error:
            raise InputError(
                Bi(f"无法读取字体 {path}", f"can not read the font {path}: {error}"),
                Bi("给出 .otf、.ttf 或 .ttc 文件", "give an .otf, .ttf or .ttc file"),
            ) from None

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """Return the font at a size in pixels."""
        return ImageFont.truetype(io.BytesIO(self._data), size, layout_engine=ImageFont.Layout.BASIC)

    def check(self, wording: str) -> str:
        """Return the wording; raise MarkError where the font has no glyph for a character of it, InputError for a bare "AI"."""
        check_wording(wording)
        font = self.at(_TRIAL)
        nothing = bytes(font.getmask(_UNKNOWN))
        missing = [
            item for item in dict.fromkeys(wording) if not item.isspace() and bytes(font.getmask(item)) == nothing
        ]
        if missing:
            raise MarkError(
                Bi(f"字体没有这些字：{''.join(missing)}", f"the font lacks these characters: {''.join(missing)}"),
                Bi("用 --font 给出有这些字的字体文件", "give a font file that has them with --font"),
            )
        return wording


@lru_cache(maxsize=1)
def _shipped() -> bytes:
    return resources("hegui.service.labels.marks").joinpath("font", "labels.otf").read_bytes()


def _ink(font: ImageFont.FreeTypeFont, letter: str) -> int:
    """Return the height of a letter's ink in pixels: rows that a smooth edge leaves at less than half are none."""
    mask = font.getmask(letter)
    rows = np.frombuffer(bytes(mask), np.uint8)
    return int((rows.reshape(mask.size[1], mask.size[0]) > _HALF).any(axis=1).sum())


def _heights(font: ImageFont.FreeTypeFont, text: str) -> list[int]:
    """Return the ink heights of the letters of a text, without punctuation and what is flat by nature."""
    heights = [_ink(font, item) for item in dict.fromkeys(text) if item.isalnum()]
    tall = max(heights, default=0)
    return [item for item in heights if item >= tall * _FLAT] or heights


def _size(face: Typeface, wording: str, ink: float) -> int:
    """Return the font size in pixels at which the smallest letter has that much ink, or more."""
    at_trial = min(_heights(face.at(_TRIAL), wording))
    size = max(4, math.floor(ink * _TRIAL / at_trial))
    while min(_heights(face.at(size), wording)) < ink:
        size += 1
    return size


# --- layout --------------------------------------------------------------------------------------------


def _wrapped(font: ImageFont.FreeTypeFont, wording: str, room: float) -> list[str]:
    """Return the wording in lines that fit: broken at spaces, and between Han characters."""
    pieces: list[str] = []
    for item in wording:
        if pieces and item.isascii() and not item.isspace() and pieces[-1].isascii() and not pieces[-1].endswith(" "):
            pieces[-1] += item
        elif pieces and item.isspace():
            pieces[-1] += " "
        else:
            pieces.append(item)
    lines = [""]
    for piece in pieces:
        if lines[-1] and font.getlength((lines[-1] + piece).rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def _plate(font: ImageFont.FreeTypeFont, lines: list[str]) -> tuple[int, int, int]:
    """Return width and height of the plate, and the height of a line."""
    em = font.size
    step = round(em * _LEADING)
    width = math.ceil(max(font.getlength(line) for line in lines) + 2 * em * _PAD_X)
    tops = [font.getbbox(item)[1] for item in "".join(lines) if item.isalnum()]
    bottoms = [font.getbbox(item)[3] for item in "".join(lines) if item.isalnum()]
    ink = max(bottoms) - min(tops)
    return width, math.ceil(ink + (len(lines) - 1) * step + 2 * em * _PAD_Y), step


def _laid_out(face: Typeface, wording: str, size: tuple[int, int]) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    width, height = size
    least = max(1, math.ceil(least_ratio() * min(size)))
    for ink in range(max(least, _READABLE), least - 1, -1):
        font = face.at(_size(face, wording, ink))
        lines = _wrapped(font, wording, width - 2 * font.size * _PAD_X)
        wide, high, _ = _plate(font, lines)
        if wide <= width and high <= height and (len(lines) == 1 or ink == least or high <= height / 2):
            return font, lines
    raise MarkError(
        Bi(
            f"图片太小（{width}×{height}），放不下“{wording}”",
            f"the picture ({width}×{height}) has no room for {wording!r}",
        ),
        Bi("用较短的文字，或较大的图片", "take a shorter wording or a larger picture"),
        cite="GB45438-5.2",
    )


def _where(corner: Corner, size: tuple[int, int], plate: tuple[int, int], margin: int) -> tuple[int, int]:
    room = (size[0] - plate[0], size[1] - plate[1])
    near = [min(margin, item // 2) for item in room]
    x = near[0] if "left" in corner else room[0] - near[0] if "right" in corner else room[0] // 2
    y = near[1] if "top" in corner else room[1] - near[1] if "bottom" in corner else room[1] // 2
    return x, y


def design(
    size: tuple[int, int], wording: str = WORDING, corner: Corner = Corner.BOTTOM_RIGHT, face: Typeface | None = None
) -> Mark:
    """Return the mark for a picture of that size in pixels; raise InputError where wording, font or room do not allow one."""
    face = face or Typeface()
    font, lines = _laid_out(face, face.check(wording), size)
    em = round(font.size)
    wide, high, step = _plate(font, lines)
    x, y = _where(corner, size, (wide, high), round(em * _MARGIN))
    ink = Image.new("L", (wide, high), 0)
    draw = ImageDraw.Draw(ink)
    top = round(em * _PAD_Y) - min(font.getbbox(item)[1] for item in "".join(lines) if item.isalnum())
    heights = _heights(font, wording)
    letters: list[Box] = []
    for number, line in enumerate(lines):
        start = (wide - font.getlength(line)) / 2
        draw.text((round(start), top + number * step), line, font=font, fill=255)
        for at, item in enumerate(line):
            left, above, right, below = font.getbbox(item)
            if item.isalnum() and _ink(font, item) >= min(heights):
                dx, dy = x + round(start) + round(font.getlength(line[:at])), y + top + number * step
                letters.append((int(dx + left), int(dy + above), int(dx + right), int(dy + below)))
    plate, edge = _shapes(wide, high, em)
    place = Place(size, (x, y, x + wide, y + high), tuple(letters), tuple(lines), corner)
    return Mark(place, plate, edge, ink)


def _shapes(wide: int, high: int, em: int) -> tuple[Image.Image, Image.Image]:
    """Return the masks of the plate and of its edge, drawn larger and reduced so that the corners are smooth."""
    scale = 4 if high < 400 else 2  # noqa: PLR2004 - large ones are smooth enough
    box = (0, 0, wide * scale - 1, high * scale - 1)
    radius, line = round(em * _RADIUS * scale), max(1, round(em / 22)) * scale
    shapes = []
    for outline in (False, True):
        large = Image.new("L", (wide * scale, high * scale), 0)
        pen = ImageDraw.Draw(large)
        if outline:
            pen.rounded_rectangle(box, radius, outline=255, width=line)
        else:
            pen.rounded_rectangle(box, radius, fill=255)
        shapes.append(large.resize((wide, high), Image.Resampling.BOX))
    return shapes[0], shapes[1]


# --- the check -----------------------------------------------------------------------------------------


def _luminance(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the relative luminance of a picture's pixels (sRGB, WCAG)."""
    rgb = np.asarray(picture.convert("RGB"), dtype=np.float64) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]), dtype=np.float64)


def measured(picture: Image.Image, place: Place) -> Measured:
    """Return what a marked picture shows at a place, from its pixels alone; nothing where letters can not be told from the plate.

    A row belongs to a letter where a pixel is nearer to the letters' light than to the plate's. The
    contrast is that of the letters' middle light to the lightest tenth of the plate.
    """
    left, top, right, bottom = place.plate
    shown = picture.crop((left, top, right, bottom))
    if shown.mode.startswith("I"):
        shown = shown.point(lambda value: value / 257).convert("L") if shown.mode != "I;16" else _eight(shown)
    light, grey = _luminance(shown), np.asarray(shown.convert("L"), dtype=np.float64)
    boxes = [(le - left, t - top, r - left, b - top) for le, t, r, b in place.letters]
    inside = [grey[t:b, le:r] for le, t, r, b in boxes]
    if not inside or any(not part.size for part in inside):
        return Measured(0.0, 0.0)
    bright = float(np.mean([np.percentile(part, 95) for part in inside]))
    behind = _behind(light.shape, boxes)
    middle = (bright + float(np.median(grey[behind]))) / 2
    rows = [int((part > middle).any(axis=1).sum()) for part in inside]
    letters = np.concatenate([light[t:b, le:r][grey[t:b, le:r] > middle] for le, t, r, b in boxes])
    ink = float(np.median(letters)) if letters.size else 0.0
    return Measured(min(rows) / min(place.size), (ink + 0.05) / (float(np.percentile(light[behind], 90)) + 0.05))


def _behind(shape: tuple[int, ...], boxes: list[Box]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where the plate lies bare: not under a letter, and not at its edge."""
    bare = np.zeros(shape[:2], dtype=bool)
    rim = max(2, min(shape[:2]) // 7)
    bare[rim:-rim, rim:-rim] = True
    for left, top, right, bottom in boxes:
        bare[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = False
    if not bare.any():
        bare[rim:-rim, rim:-rim] = True
    return bare


def _eight(picture: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
