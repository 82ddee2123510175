"""What the pages of `docs/` show as Python does what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "as-a-library.md"


def test_the_library_is_used_as_its_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.csv").write_text("word,risk\n标记词甲,A.1.a\n", "utf-8")
    Image.new("RGB", (16, 9)).save("picture.png")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), PAGE.name, "exec"), {"PRODUCER": "001191350100M000100Y4310001"})
    assert Path("labelled.png").exists()
