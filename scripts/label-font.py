"""Makes the font of the explicit labels: the glyphs that labels need, out of Noto Sans CJK SC Bold (SIL Open Font License 1.1).

python scripts/label-font.py NotoSansCJK-Bold.ttc     (needs fonttools; run at a release, the result is committed)
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset, ttLib

WANTED = (
    "人工智能生成合成内容由本图片视频音频文字语音画面的该此为辅助制作是可疑似属于提示标识注意，。、：（）《》【】！？·—　"
    + "".join(map(chr, range(0x20, 0x7F)))
)
TARGET = Path(__file__).parents[1] / "src/hegui/service/labels/marks/font/labels.otf"


def main() -> None:
    source = sys.argv[1]
    fonts = ttLib.TTCollection(source).fonts
    number = next(at for at, font in enumerate(fonts) if font["name"].getDebugName(4) == "Noto Sans CJK SC Bold")
    options = subset.Options(font_number=number, layout_features=["kern"], hinting=False, desubroutinize=True, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    font = subset.load_font(source, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=WANTED)
    subsetter.subset(font)
    subset.save_font(font, str(TARGET), options)
    print(TARGET, TARGET.stat().st_size)


if __name__ == "__main__":
    main()
