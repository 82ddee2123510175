"""The picture of the interface's label that goes into labelling packs is what the component looks like today."""

from __future__ import annotations

import io
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from tests.browser import chromium

FOLDER = Path(str(files("hegui.service.labels.marks") / "interface"))

pytestmark = chromium.NEEDED
MOST = 12.0
"""Mean difference of grey values, of 255: fonts differ between machines, the label does not."""


def test_the_shipped_picture_is_the_component() -> None:
    with Image.open(FOLDER / "example.png") as shipped, chromium.browser() as opened:
        page = opened.new_page(viewport={"width": shipped.width, "height": shipped.height})
        page.goto((FOLDER / "example.html").as_uri())
        page.get_by_role("note").first.wait_for()
        now = Image.open(io.BytesIO(page.screenshot())).convert("L")
        before = shipped.convert("L")
    assert now.size == before.size
    difference = np.abs(np.asarray(now, np.int16) - np.asarray(before, np.int16))
    assert difference.mean() < MOST
    bar = np.asarray(now)[: now.height // 12]
    assert (bar < 40).mean() > 0.5, "the label at the top is dark, as in the picture"
