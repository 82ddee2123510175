"""The mark on image files: every frame, as a person sees it, with all else kept: colour profile, EXIF, timing, subsampling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels.marks import design
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.design import Mark, MarkError, Measured, Place, Typeface, measured
from hegui.service.labels.schema import KEYWORD

_MOST_PIXELS = 300_000_000
"""Of all frames together: they are in memory at once."""
_MOST_FRAMES = 5000
_QUALITY = 92
"""Quality of a lossy picture whose own coding can not be kept: ours."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP")
_TRANSPARENT = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})
_ORIENTATION = 0x0112
_XMP = "XML:com.adobe.xmp"
Saver = Callable[[Path, list[Image.Image]], None]


@dataclass(frozen=True, slots=True)
class MarkedPicture:
    """What was put on a picture, measured on the file that was written."""

    place: Place
    measured: Measured
    frames: int


# --- painting ------------------------------------------------------------------------------------------


def paint(picture: Image.Image, mark: Mark) -> Image.Image:
    """Return a picture (as a person sees it) with the mark on it; the same object where its mode can take colours as they are."""
    picture = _paintable(picture)
    solid = picture.mode in _TRANSPARENT
    if picture.mode == "I;16":
        return _sixteen(picture, mark)
    dark, light = _colour(picture.mode, design.DARK), _colour(picture.mode, design.LIGHT)
    for tone, mask, share in (
        (dark, mark.plate, 1.0 if solid else design.PLATE),
        (light, mark.edge, design.EDGE),
        (light, mark.ink, 1.0),
    ):
        scaled = mask if share == 1 else mask.point(lambda value, share=share: round(value * share))
        picture.paste(tone, mark.place.plate, scaled)
    return picture


def _paintable(picture: Image.Image) -> Image.Image:
    """Return a picture in a mode that can be painted on; raise MarkError for one that would lose values."""
    if picture.mode in {"L", "LA", "RGB", "RGBA", "CMYK", "I;16"}:
        if "transparency" in picture.info and picture.mode in {"L", "RGB"}:
            return picture.convert("RGBA")
        return picture
    if picture.mode in {"1", "P", "PA", "YCbCr", "LAB", "HSV", "La", "RGBa"}:
        clear = picture.mode in _TRANSPARENT or "transparency" in picture.info
        return picture.convert("L" if picture.mode == "1" else "RGBA" if clear else "RGB")
    raise MarkError(
        Bi(f"不支持的像素格式 {picture.mode}", f"pixels of the kind {picture.mode} are not supported"),
        Bi("先转换为 8 位或 16 位图片", "convert it to a picture of 8 or 16 bits first"),
    )


def _colour(mode: str, tone: tuple[int, int, int]) -> Any:  # noqa: ANN401 - a number or a tuple, as the mode has it
    grey = round(sum(tone) / 3)
    return {
        "L": grey, "LA": (grey, 255), "RGB": tone, "RGBA": (*tone, 255), "CMYK": (0, 0, 0, 255 - grey),
    }[mode]  # fmt: skip


def _sixteen(picture: Image.Image, mark: Mark) -> Image.Image:
    """Paint on 16 bits of grey."""
    values = np.array(picture).astype(np.float64)
    left, top, right, bottom = mark.place.plate
    part = values[top:bottom, left:right]
    for tone, mask, share in (
        (design.DARK, mark.plate, design.PLATE), (design.LIGHT, mark.edge, design.EDGE), (design.LIGHT, mark.ink, 1.0)
    ):  # fmt: skip
        weight = np.asarray(mask) / 255 * share
        part = part * (1 - weight) + round(sum(tone) / 3) * 257 * weight
    values[top:bottom, left:right] = part
    return Image.fromarray(np.rint(values).astype(np.uint16))


_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip
"""What undoes each EXIF orientation."""
_THERE = {**_BACK, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}


def _upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in {5, 6, 7, 8} else size


def _painted(picture: Image.Image, mark: Mark, orientation: int) -> Image.Image:
    """Return a stored picture with the mark where a person sees it."""
    if orientation not in _THERE:
        return paint(picture, mark)
    return paint(picture.transpose(_THERE[orientation]), mark).transpose(_BACK[orientation])


# --- files ---------------------------------------------------------------------------------------------


def mark_picture(
    source: Path,
    target: Path,
    wording: str = design.WORDING,
    corner: Corner = Corner.BOTTOM_RIGHT,
    face: Typeface | None = None,
) -> MarkedPicture:
    """Write a picture with the mark on every frame, and measure it in the file that was written; raise InputError.

    The implicit label is not seen to here: `mark.mark` does that. A mark that does not measure well
    after lossy coding is coded again with high quality; one that still does not is refused.
    """
    with _opened(source) as picture:
        orientation = int(picture.getexif().get(_ORIENTATION, 1))
        mark = design.design(_upright(picture.size, orientation), wording, corner, face)
        count = int(getattr(picture, "n_frames", 1))
        for again in (False, True):
            frames = _frames(picture, mark, orientation, count)
            if count > 1:
                _save_many(picture, target, list(frames), source)
            else:
                _save(picture, next(frames), target, source, again=again)
            found = _measure(target, mark.place, count)
            if found.good:
                return MarkedPicture(mark.place, found, count)
    raise MarkError(
        Bi("标识在写入后不够清晰", "the mark is not legible after it was written"),
        Bi("换用无损格式，或较大的图片", "take a lossless format or a larger picture"),
        cite="GB45438-5.2",
    )


def _opened(path: Path) -> Image.Image:
    try:
        picture = Image.open(path, formats=_FORMATS)
        frames = int(getattr(picture, "n_frames", 1))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from None
    if frames > _MOST_FRAMES or picture.width * picture.height * frames > _MOST_PIXELS:
        raise InputError(
            Bi(f"图片太大：{path}", f"the picture is too large: {path}"),
            Bi("先缩小或减少帧数", "make it smaller or take frames out first"),
        )
    return picture


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        Bi(f"无法读取图片 {path}", f"can not read the picture {path}: {error}"),
        Bi("支持 JPEG、PNG、WebP、GIF、TIFF、AVIF、BMP", "JPEG, PNG, WebP, GIF, TIFF, AVIF and BMP are supported"),
    )


def _frames(picture: Image.Image, mark: Mark, orientation: int, count: int) -> Iterator[Image.Image]:
    try:
        if count == 1:
            picture.load()
            # A JPEG is painted on a copy that still knows its coding.
            yield _painted(picture.copy(), mark, orientation)
            return
        for frame in ImageSequence.Iterator(picture):
            frame.load()  # some formats know how long a frame is shown only then
            info = dict(frame.info)
            shown = frame.convert("RGBA" if _clear(frame) else "RGB")
            shown.info = {"duration": info.get("duration", 0)}
            yield _painted(shown, mark, orientation)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _unreadable(Path(str(getattr(picture, "filename", ""))), error) from None


def _clear(frame: Image.Image) -> bool:
    if frame.mode in _TRANSPARENT:
        return frame.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]  # noqa: PLR2004 - one channel
    return "transparency" in frame.info


def _measure(path: Path, place: Place, count: int) -> Measured:
    """Return the worst measure of the first, middle and last frame of a file."""
    found = []
    with Image.open(path) as picture:
        for number in sorted({0, count // 2, count - 1}):
            if number < getattr(picture, "n_frames", 1):
                picture.seek(number)
                upright = ImageOps.exif_transpose(picture)
                found.append(measured(_over_both(upright), place))
    return min(found, key=lambda item: (item.good, item.contrast))


def _over_both(picture: Image.Image) -> Image.Image:
    """Return a picture as it looks on a white page, which is the worst for light letters."""
    if picture.mode not in _TRANSPARENT and "transparency" not in picture.info:
        return picture
    clear = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)


# --- saving --------------------------------------------------------------------------------------------


def _kept(picture: Image.Image) -> dict[str, Any]:
    """Return what goes with a picture into its new file: profile, EXIF, resolution, XMP."""
    names = ("icc_profile", "exif", "dpi", "xmp")
    return {name: picture.info[name] for name in names if picture.info.get(name)}


def _lossless_webp(source: Path) -> bool:
    with source.open("rb") as file:
        return b"VP8L" in file.read(1 << 16)


def _save(picture: Image.Image, painted: Image.Image, target: Path, source: Path, *, again: bool) -> None:
    kind = str(picture.format)
    options = _kept(picture)
    if kind == "JPEG":
        options |= _jpeg(picture, again=again)
    elif kind == "WEBP":
        options |= {"lossless": True, "exact": True} if _lossless_webp(source) else {"quality": _QUALITY, "method": 4}
    elif kind == "AVIF":
        options |= {"quality": _QUALITY}
    elif kind == "TIFF":
        options |= {"compression": picture.info["compression"]} if "compression" in picture.info else {}
    elif kind == "PNG":
        options |= _png(picture)
    if kind == "GIF":
        options = {}
    painted.save(target, format=kind, **options)


def _png(picture: Image.Image) -> dict[str, Any]:
    """Return the notes and the XMP of a PNG; labels of their own are left out, they are written last."""
    notes = PngInfo()
    for key, value in getattr(picture, "text", {}).items():
        if KEYWORD not in key.upper() and key != _XMP:
            notes.add_itxt(key, str(value), getattr(value, "lang", "") or "", getattr(value, "tkey", "") or "")
    xmp = picture.info.get("xmp")
    if xmp:
        notes.add_itxt(_XMP, xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp))
    return {"pnginfo": notes}


def _jpeg(picture: Image.Image, *, again: bool) -> dict[str, Any]:
    """Return the coding of a JPEG: its own tables, so that what is not under the mark changes as little as can be, and its sampling."""
    sampling = picture.layer if hasattr(picture, "layer") else []
    tables = getattr(picture, "quantization", None)
    ratio = tuple(sampling[0][1:3]) if sampling else ()
    return {
        **({"quality": _QUALITY} if again or not tables else {"qtables": tables}),
        **(
            {"subsampling": {(1, 1): 0, (2, 1): 1, (2, 2): 2}[ratio]}
            if ratio in {(1, 1), (2, 1), (2, 2)}
            else {"subsampling": 0}
        ),
        "progressive": bool(picture.info.get("progressive")),
    }


def _save_many(picture: Image.Image, target: Path, frames: list[Image.Image], source: Path) -> None:
    kind = str(picture.format)
    options = _kept(picture) | {"save_all": True, "append_images": frames[1:]}
    durations = [frame.info.get("duration", 0) for frame in frames]
    if kind in {"GIF", "WEBP", "PNG"}:
        options["duration"] = durations
        if "loop" in picture.info:
            options["loop"] = picture.info["loop"]
    if kind == "GIF":
        options |= {"disposal": 2 if any(frame.mode == "RGBA" for frame in frames) else 1, "optimize": False}
    elif kind == "WEBP":
        options |= {"lossless": True} if _lossless_webp(source) else {"quality": _QUALITY}
    elif kind == "PNG":
        options |= _png(picture)
        options |= {"blend": 0, "disposal": 0, "default_image": bool(picture.info.get("default_image"))}
    elif kind == "TIFF" and "compression" in picture.info:
        options["compression"] = picture.info["compression"]
    first, *_ = frames
    first.save(target, format=kind, **options)
