"""Where the practice guides of TC260 want the label in each format, as a person is told it; the writers are what puts it there.

TC260-PG-20257A (video), 20258A (text), 20259A (images), 202510A (audio), 20252A (codes of providers).
"""

from __future__ import annotations

from dataclasses import dataclass

from hegui.kit.text import Bi

_VIDEO, _TEXT, _IMAGE, _AUDIO = "TC260-PG-20257A", "TC260-PG-20258A", "TC260-PG-20259A", "TC260-PG-202510A"


@dataclass(frozen=True, slots=True)
class Place:
    """What a guide says; `guide` is empty where none names a place."""

    guide: str
    said: Bi


CODES = Place(
    "TC260-PG-20252A",
    Bi(
        "标准写名称或编码，编码共 27 位：00、主体类型、绑定、统一社会信用代码、服务类型、自定 4 位",
        "the standard takes a name or a code; a code has 27 characters: 00, subject, binding, credit code, service, four of one's own",
    ),
)
_XMP = "TC260:AIGC"
PLACES: dict[str, Place] = {
    "png": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}（iTXt XML:com.adobe.xmp）；附录 B：tEXt 关键词 AIGC", f"the XMP element {_XMP} (iTXt XML:com.adobe.xmp); annex B: tEXt AIGC")),
    "jpeg": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}（APP1）；附录 B：EXIF UserComment", f"the XMP element {_XMP} (APP1); annex B: EXIF UserComment")),
    "webp": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}（RIFF 块 XMP）；附录 B：EXIF UserComment", f"the XMP element {_XMP} (RIFF chunk XMP); annex B: EXIF UserComment")),
    "gif": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}（应用扩展 XMP Data）", f"the XMP element {_XMP} (application extension XMP Data)")),
    "tiff": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}（第一个目录的标签 0x2BC）", f"the XMP element {_XMP} (tag 0x2BC of the first directory)")),
    "heif": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}（XMP 项）；附录 B：EXIF UserComment", f"the XMP element {_XMP} (XMP item); annex B: EXIF UserComment")),
    "xmp": Place(_IMAGE, Bi(f"XMP 元素 {_XMP}", f"the XMP element {_XMP}")),
    "mp4": Place(f"{_VIDEO}, {_AUDIO}", Bi("moov.udta.meta 的键 AIGC（mdta）", "the key AIGC (mdta) of moov.udta.meta")),
    "matroska": Place(_VIDEO, Bi("Segment.Tags.Tag.SimpleTag，TagName 为 AIGC", "Segment.Tags.Tag.SimpleTag with the TagName AIGC")),
    "flv": Place(_VIDEO, Bi("onMetaData 的属性 AIGC", "the property AIGC of onMetaData")),
    "avi": Place(_VIDEO, Bi("LIST/INFO 的子块 AIGC", "the sub-chunk AIGC of LIST/INFO")),
    "wav": Place(_AUDIO, Bi("RIFF 下的块 AIGC", "the chunk AIGC below RIFF")),
    "mp3": Place(_AUDIO, Bi("音频之前的 ID3v2 帧 TXXX，描述为 AIGC", "the ID3v2 frame TXXX with the description AIGC, before the audio")),
    "flac": Place(_AUDIO, Bi("Vorbis 注释 AIGC=", "the Vorbis comment AIGC=")),
    "ogg": Place(_AUDIO, Bi("Vorbis 注释 AIGC=", "the Vorbis comment AIGC=")),
    "ooxml": Place(_TEXT, Bi("自定义文档属性 AIGC（docProps/custom.xml）", "the custom document property AIGC (docProps/custom.xml)")),
    "pdf": Place(_TEXT, Bi("文档信息字典的键 /AIGC", "the key /AIGC of the document information dictionary")),
    "markdown": Place(_TEXT, Bi("文件头的 YAML front matter，键 AIGC", "YAML front matter at the head of the file, key AIGC")),
    "html": Place("", Bi('指南没有规定位置；通行写法是 head 里的 <meta name="AIGC">', 'no guide names a place; practice is <meta name="AIGC"> in the head')),
    "text": Place("", Bi("指南没有规定位置；本工具写在旁边的 .aigc.json", "no guide names a place; this program writes it into a .aigc.json beside the text")),
}  # fmt: skip


def line(place: Place | None) -> list[str]:
    """Return what a guide says, as a line below what differs from it; none for formats that no guide speaks of."""
    if place is None:
        return []
    return [f"  指南 guide {place.guide}: {place.said.both}" if place.guide else f"  {place.said.both}"]
