"""The mark on pictures: high enough by the law, legible on anything, and nothing else of the file lost."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from hegui.kit.errors import InputError
from hegui.law.register import register
from hegui.service.labels.marks import design
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.design import MarkError, Place, Typeface, measured
from hegui.service.labels.marks.pictures import mark_picture
from hegui.service.labels.text import WordingError

LEAST = float(register().number("GB45438-5.2", "text_height_ratio").value)


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    data = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(data).convert(mode)


def stripes(width: int, height: int) -> Image.Image:
    columns = (np.arange(width) // 3 % 2 * 255).astype(np.uint8)
    return Image.fromarray(np.tile(columns, (height, 1))).convert("RGB")


def saved(folder: Path, picture: Image.Image, name: str, **options: Any) -> Path:
    picture.save(folder / name, **options)
    return folder / name


def opened(path: Path) -> Image.Image:
    picture = Image.open(path)
    picture.load()
    return picture


GROUNDS = {
    "dark": lambda w, h: Image.new("RGB", (w, h), (4, 4, 6)),
    "light": lambda w, h: Image.new("RGB", (w, h), "white"),
    "noise": noise,
    "stripes": stripes,
}


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("size", [(128, 128), (640, 480), (300, 1200)])
def test_the_mark_is_high_enough_and_legible_on_any_ground(tmp_path: Path, ground: str, size: tuple[int, int]) -> None:
    source = saved(tmp_path, GROUNDS[ground](*size), "a.png")
    found = mark_picture(source, tmp_path / "b.png")
    shown = opened(tmp_path / "b.png")
    again = measured(shown, found.place)
    assert again.ratio >= LEAST
    assert again.contrast >= 4.5
    # The same by plain means: rows of the plate's middle that have white pixels.
    left, top, right, bottom = found.place.plate
    rows = (np.asarray(shown.convert("L"))[top + 3 : bottom - 3, left + 6 : right - 6] > 235).any(axis=1).sum()
    assert rows >= LEAST * min(size)
    assert min(size) > 128 or rows >= 10, "a small picture has a mark that can be read"


def test_8000_pixels(tmp_path: Path) -> None:
    source = saved(tmp_path, Image.new("L", (8000, 5000), 90), "a.png", compress_level=1)
    assert mark_picture(source, tmp_path / "b.png").measured.ratio >= LEAST


def test_the_check_sees_what_is_wrong() -> None:
    mark = design.design((400, 400))
    plain = Image.new("RGB", (400, 400), (90, 90, 90))
    assert not measured(plain, mark.place).good, "no mark at all"
    faint = plain.copy()
    faint.paste((120, 120, 120), mark.place.plate, mark.ink)
    assert measured(faint, mark.place).contrast < 4.5
    low = design.design((400, 400))
    larger = Place((1200, 1200), low.place.plate, low.place.letters, low.place.lines, low.place.corner)
    good = plain.copy()
    for tone, mask in ((18, mark.plate), (255, mark.ink)):
        good.paste((tone,) * 3, mark.place.plate, mask)
    assert measured(good, mark.place).good
    assert not measured(good, larger).good, "letters too low for the picture"


@pytest.mark.parametrize("corner", list(Corner))
def test_the_mark_is_wholly_on_the_picture_at_its_edge(corner: Corner) -> None:
    left, top, right, bottom = design.design((500, 400), corner=corner).place.plate
    assert 0 <= left < right <= 500
    assert 0 <= top < bottom <= 400
    assert min(left, top, 500 - right, 400 - bottom) < 20
    near = {"left": left < 20, "right": right > 480, "top": top < 20, "bottom": bottom > 380}
    assert all(near[word] for word in corner.value.split("-"))


def test_a_long_wording_is_broken_into_lines_and_never_made_smaller() -> None:
    face = Typeface()
    mark = design.design((200, 400), "本图片由人工智能生成 AI-generated", face=face)
    assert len(mark.place.lines) > 1
    assert "".join(mark.place.lines).replace(" ", "") == "本图片由人工智能生成AI-generated"
    with pytest.raises(MarkError, match="放不下"):
        design.design((24, 24), "本图片由人工智能生成 AI-generated", face=face)


@pytest.mark.parametrize("wording", ["AI", "AI创作", "生成", "AI辅助"])
def test_a_wording_without_both_elements_is_refused(wording: str) -> None:
    with pytest.raises(WordingError):
        design.design((400, 400), wording)


def test_glyphs_that_the_font_lacks_are_told_and_another_font_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(MarkError, match="鹦鹉"):
        design.design((400, 400), "鹦鹉AI生成")
    (tmp_path / "font.otf").write_bytes(b"no font")
    with pytest.raises(InputError, match="字体"):
        Typeface(tmp_path / "font.otf")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_modes_keep_their_pixels_outside_the_mark(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.random.default_rng(3).integers(0, 65536, (300, 300)).astype(np.uint16))
    else:
        picture = noise(300, 300).convert(mode)
    source = saved(tmp_path, picture, "a.png")
    found = mark_picture(source, tmp_path / "b.png")
    left, top, right, bottom = found.place.plate
    shown = opened(tmp_path / "b.png")
    wide = "I" if mode == "I;16" else "RGBA"
    before, after = (np.asarray(item.convert(wide)).copy() for item in (picture, shown))
    assert (before[top:bottom, left:right] != after[top:bottom, left:right]).any()
    before[top:bottom, left:right] = after[top:bottom, left:right] = 0
    assert (before == after).all()


def test_a_transparent_picture_shows_the_mark_on_any_page(tmp_path: Path) -> None:
    source = saved(tmp_path, Image.new("RGBA", (300, 200), (255, 255, 255, 0)), "a.png")
    found = mark_picture(source, tmp_path / "b.png")
    shown = opened(tmp_path / "b.png")
    for page in ("white", "black", "red"):
        on = Image.alpha_composite(Image.new("RGBA", shown.size, page), shown)
        assert measured(on, found.place).good
    assert shown.getpixel((0, 0)) == (255, 255, 255, 0)


def test_a_floating_picture_is_refused_with_a_remedy(tmp_path: Path) -> None:
    source = saved(tmp_path, Image.new("F", (64, 64)), "a.tif")
    with pytest.raises(MarkError, match="F"):
        mark_picture(source, tmp_path / "b.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_mark_stands_upright_where_a_person_sees_it(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    source = saved(tmp_path, Image.new("RGB", (400, 300), (200, 180, 90)), "a.png", exif=exif)
    found = mark_picture(source, tmp_path / "b.png", corner=Corner.TOP_LEFT)
    shown = opened(tmp_path / "b.png")
    assert shown.size == (400, 300), "pixels are stored as they were"
    assert (shown.getexif()[0x0112], shown.getexif()[0x010F]) == (orientation, "maker")
    upright = ImageOps.exif_transpose(shown)
    assert upright.size == ((300, 400) if orientation > 4 else (400, 300))
    assert found.place.plate[0] < 20
    assert found.place.plate[1] < 20
    assert measured(upright, found.place).good
    drawn = design.design(upright.size, corner=Corner.TOP_LEFT)
    left, top, right, bottom = drawn.place.plate
    light = np.asarray(upright.convert("L"))[top:bottom, left:right] > 250
    assert light[np.asarray(drawn.ink) == 255].all(), "every pixel of the letters is where it belongs"


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_keeps_sampling_tables_profile_and_exif(tmp_path: Path, subsampling: int, mode: str) -> None:
    exif = Image.Exif()
    exif[0x0131] = "camera"
    # What a photograph has: soft shapes.
    picture = noise(40, 30).resize((400, 300), Image.Resampling.BICUBIC).convert(mode)
    source = saved(
        tmp_path,
        picture,
        "a.jpg",
        quality=88,
        subsampling=subsampling,
        exif=exif,
        icc_profile=b"profile",
        dpi=(300, 300),
    )
    before = opened(source)
    mark_picture(source, tmp_path / "b.jpg")
    after: Any = opened(tmp_path / "b.jpg")
    assert after.mode == mode
    assert after.quantization == before.quantization  # type: ignore[attr-defined]
    assert [item[1:3] for item in after.layer] == [item[1:3] for item in before.layer]  # type: ignore[attr-defined]
    assert (after.info["icc_profile"], after.getexif()[0x0131]) == (b"profile", "camera")
    assert tuple(map(round, after.info["dpi"])) == (300, 300)
    away = (0, 0, 200, 150)
    change = np.abs(np.asarray(before.crop(away)).astype(int) - np.asarray(after.crop(away)))
    assert change.max() <= 12
    assert change.mean() < 2.0


def test_a_poor_jpeg_is_coded_again_until_the_mark_can_be_read(tmp_path: Path) -> None:
    source = saved(tmp_path, noise(128, 128), "a.jpg", quality=4)
    assert mark_picture(source, tmp_path / "b.jpg").measured.good


def moving(mode: str) -> list[Image.Image]:
    frames = []
    for number in range(5):
        frame = Image.new(mode, (200, 150), (250, 240, 200, 255)[: len(mode)])
        ImageDraw.Draw(frame).ellipse((number * 30, 20, number * 30 + 50, 70), fill=(30 + number * 40, 20, 90))
        frames.append(frame)
    return frames


@pytest.mark.parametrize(("name", "options"), [
    ("a.gif", {}), ("a.webp", {"lossless": True}), ("a.webp", {"quality": 80}), ("a.png", {}),
])  # fmt: skip
def test_every_frame_of_a_moving_picture_is_marked_and_its_timing_stays(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    first, *rest = moving("RGB")
    times = [100, 200, 300, 100, 150]
    source = saved(tmp_path, first, name, save_all=True, append_images=rest, duration=times, loop=3, **options)
    found = mark_picture(source, tmp_path / f"b{name}")
    with Image.open(tmp_path / f"b{name}") as shown:
        assert shown.n_frames == 5  # type: ignore[attr-defined]
        assert shown.info["loop"] == 3
        seen = []
        for number in range(5):
            shown.seek(number)
            shown.load()
            seen.append(shown.info["duration"])
            assert measured(shown.convert("RGB"), found.place).good, number
    assert seen == times


def test_a_lossless_webp_stays_lossless(tmp_path: Path) -> None:
    picture = noise(300, 200)
    source = saved(tmp_path, picture, "a.webp", lossless=True)
    mark_picture(source, tmp_path / "b.webp", corner=Corner.BOTTOM)
    upper = (0, 0, 300, 100)
    assert (np.asarray(opened(tmp_path / "b.webp").crop(upper)) == np.asarray(picture.crop(upper))).all()


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n1234"])
def test_what_is_no_picture_is_refused_with_a_clear_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="图片"):
        mark_picture(tmp_path / "a.png", tmp_path / "b.png")


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    noise(200, 200).save(buffer, "JPEG")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue()[:4000])
    with pytest.raises(InputError, match="图片"):
        mark_picture(tmp_path / "a.jpg", tmp_path / "b.jpg")
