"""Which clause each part of the pack answers; what the pack does not show is said as plainly."""

from __future__ import annotations

from dataclasses import dataclass

from hegui.kit.text import Bi
from hegui.law import cite
from hegui.law.models import MARKS
from hegui.law.register import register
from hegui.service.labels.pack.told import Told

_KINDS: tuple[tuple[str, str], ...] = (
    ("GB45438-5.1", "document"), ("GB45438-5.1.1", "document"), ("GB45438-5.2", "image"), ("GB45438-5.3.1", "audio"),
    ("GB45438-5.3.2", "audio"), ("GB45438-5.4", "video"), ("GB45438-5.4.1", "video"), ("LAB-4.1", "document"),
    ("LAB-4.2", "audio"), ("LAB-4.3", "image"), ("LAB-4.4", "video"),
)  # fmt: skip
_METADATA = ("GB45438-6.1", "GB45438-6.1c", "GB45438-E.a", "GB45438-E.b", "GB45438-E.b.1", "GB45438-E.j", "LAB-5.1")
_WHOLE = ("LAB-7", "LAB-12")
_NOT_HERE: dict[str, Bi] = {
    "GB45438-5.5": Bi("本包不含虚拟场景", "the pack shows no virtual scene"),
    "LAB-4.5": Bi("本包不含虚拟场景和其他场景", "the pack shows no virtual scene and no other case"),
    "GB45438-6.2": Bi("未使用内容水印（鼓励，不强制）", "no watermark in the content (encouraged, not required)"),
    "LAB-9": Bi("无显式标识导出的日志不在本包内", "logs of exports without the explicit label are not in the pack"),
}
NO_MEDIA = Bi(
    "未含：没有安装 hegui[media]，不能制作音视频样例", "not in the pack: without hegui[media] no sound or film is made"
)
NO_SCREENSHOT = Bi(
    "只有组件截图；产品界面截图请以 --screenshot 加入",
    "the component's picture alone; add the product's with --screenshot",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A clause, what it asks for, and the parts of the pack that answer it; none, with the reason, where nothing does."""

    clause: str
    duty: Bi
    mark: Bi
    parts: tuple[str, ...]
    note: Bi | None = None


def answers(told: Told) -> list[Answer]:
    """Return the clauses in the order of the standard and of the Measures."""
    parts: dict[str, tuple[tuple[str, ...], Bi | None]] = {}
    for clause, kind in _KINDS:
        shown = tuple(name for name, _, measured in told.marks if measured and kind == "image")
        files = (*told.of(kind), *shown)
        parts[clause] = files, None if files else NO_MEDIA
    metadata = tuple(f"metadata/{item.name}.json" for item in told.samples)
    parts |= dict.fromkeys(_METADATA, (metadata, None))
    parts["GB45438-5.6"] = (*told.interface, *told.screenshots), None if told.screenshots else NO_SCREENSHOT
    parts["LAB-4.x"] = tuple(f"samples/{item.name}" for item in told.samples), None
    parts["LAB-8"] = ("agreement.md",), None
    parts |= dict.fromkeys(_WHOLE, (("description.html", "index.json"), None))
    parts |= {clause: ((), note) for clause, note in _NOT_HERE.items()}
    order = {item.id: place for place, (_, _, item) in enumerate(register().obligations())}
    return [_answer(clause, *parts[clause]) for clause in sorted(parts, key=lambda name: order[cite(name)])]


def _answer(clause: str, parts: tuple[str, ...], note: Bi | None) -> Answer:
    obligation = register().obligation(clause)
    return Answer(clause, obligation.duty.bi, MARKS[obligation.mark], parts, note)
