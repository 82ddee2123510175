"""Makes the pictures of docs/labels-gallery.md: marks on photographs that scikit-image ships (a development tool; needs scikit-image).

python scripts/labels-gallery.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.pictures import mark_picture

TARGET = Path(__file__).parents[1] / "docs/images/labels"
WIDTH = 560


def pictures() -> dict[str, tuple[Image.Image, str, Corner]]:
    """Return the photographs with their wording and place."""
    rocket, coffee, cat, bricks = (
        Image.fromarray(getattr(data, name)()) for name in ("rocket", "coffee", "chelsea", "brick")
    )
    dark = Image.fromarray((np.asarray(rocket) * 0.2).astype(np.uint8))
    light = Image.fromarray((255 - (255 - np.asarray(coffee).astype(int)) * 0.12).astype(np.uint8))
    busy = Image.fromarray(np.random.default_rng(1).integers(0, 256, (400, 600, 3), dtype=np.uint8))
    return {
        "photograph": (coffee, "", Corner.BOTTOM_RIGHT),
        "cat": (cat, "本图片由人工智能生成", Corner.BOTTOM),
        "dark": (dark, "", Corner.BOTTOM_RIGHT),
        "light": (light, "", Corner.TOP_RIGHT),
        "busy": (busy, "", Corner.BOTTOM_LEFT),
        "bricks": (bricks.convert("RGB"), "AI生成 AI-generated", Corner.TOP_LEFT),
        "tall": (rocket.crop((200, 0, 440, 427)), "", Corner.BOTTOM_RIGHT),
        "128": (cat.crop((75, 0, 375, 300)).resize((128, 128)), "", Corner.BOTTOM_RIGHT),
        "8000": (coffee.resize((8000, 5333)), "", Corner.BOTTOM_RIGHT),
    }


def main() -> None:
    """Mark each, and keep a copy that is small enough for a page."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (picture, wording, corner) in pictures().items():
            source, marked = Path(folder) / f"{name}.png", Path(folder) / f"{name}-marked.png"
            picture.save(source, compress_level=1)
            found = mark_picture(source, marked, wording or "AI生成", corner)
            shown = Image.open(marked).convert("RGB")
            if name == "128":
                shown = shown.resize((384, 384), Image.Resampling.NEAREST)
            elif shown.width > WIDTH:
                shown = shown.resize((WIDTH, round(WIDTH * shown.height / shown.width)), Image.Resampling.LANCZOS)
            shown.save(TARGET / f"{name}.jpg", quality=84, optimize=True)
            print(
                f"| {name} | {picture.width}×{picture.height} | {found.measured.ratio:.2%} | {found.measured.contrast:.1f} |"
            )


if __name__ == "__main__":
    main()
