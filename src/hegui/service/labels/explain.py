"""What a label says, in words: what is missing, which clause or guide asks for it, what to do, and what a platform shows beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hegui.kit.text import Bi
from hegui.law import cite
from hegui.law.register import register
from hegui.service.labels import guides
from hegui.service.labels.c2pa import Manifest
from hegui.service.labels.files import VERDICT_NAMES, Inspection, Verdict
from hegui.service.labels.schema import DEVIATION_NAMES, FIELDS, KIND_NAMES, Deviation, Kind, Reading
from hegui.service.labels.signatures import Signature

_OF_FIELDS = (
    Deviation.MISSING_FIELD, Deviation.KEY_CASE, Deviation.UNKNOWN_FIELD, Deviation.NULL_VALUE, Deviation.NOT_TEXT, Deviation.OLD_SCHEMA,
    Deviation.FIRST_WRITE_EQUALITY, Deviation.NOT_JSON, Deviation.DOUBLE_ENCODED, Deviation.ESCAPED, Deviation.WRAPPED, Deviation.DUPLICATE_KEY,
)  # fmt: skip
_CLAUSES: dict[Deviation, str] = {
    **dict.fromkeys(_OF_FIELDS, "GB45438-E.b"), Deviation.LABEL_VALUE: "GB45438-E.b.1", Deviation.CHARACTERS: "GB45438-E.j",
    Deviation.ENCODING: "GB45438-E.j", Deviation.NO_KEY: "GB45438-E.a",
}  # fmt: skip
_CODES = {Deviation.PRODUCER_CODE, Deviation.PROPAGATOR_CODE, Deviation.CHECK_CHARACTER}
_BY_VERDICT: dict[Verdict, str] = {
    Verdict.ABSENT: "GB45438-6.1", Verdict.MALFORMED: "GB45438-E.b", Verdict.MULTIPLE: "GB45438-6.1c",
    Verdict.CONFLICTING: "GB45438-6.1c",
}  # fmt: skip
_WRONG: dict[Verdict, Bi] = {
    Verdict.PRESENT: Bi("有标识，但有偏差", "a label is there, with deviations"),
    Verdict.ABSENT: Bi("无标识（如为生成合成内容）", "no label, if the content is generated"),
}
_ADVICE: dict[Verdict, Bi] = {
    Verdict.PRESENT: Bi(
        "自己写的标识用 hegui label write 重新写入；他人的不改写，请其改正，传播时用 hegui label propagate",
        "write a label of your own again with `hegui label write`; leave another provider's as it is and ask them, pass it on "
        "with `hegui label propagate`",
    ),
    Verdict.ABSENT: Bi(
        "生成服务提供者用 hegui label write 写入；传播平台用 hegui label inspect 按用户声明与生成痕迹判断；不是生成合成内容的不必写",
        "a generating provider writes one with `hegui label write`; a platform judges by declaration and traces with "
        "`hegui label inspect`; content that is not generated needs none",
    ),
    Verdict.MALFORMED: Bi(
        "不要猜补字段；请写入方重新写入", "do not guess what is missing: have its writer write it again"
    ),
    Verdict.MULTIPLE: Bi(
        "自己写的用 hegui label write 合为一处；他人的请其改正",
        "`hegui label write` makes one of several of your own; ask another provider to put theirs right",
    ),
    Verdict.CONFLICTING: Bi(
        "查明各自来源，由写入方只留一处；查明之前按其中最确定的一类提示",
        "find out where each comes from, and have its writer leave one; until then show the notice of the most certain one",
    ),
    Verdict.UNREADABLE: Bi(
        "换一份完好的文件再核验；不能当作没有标识", "verify a sound copy; do not take it for one without a label"
    ),
}  # fmt: skip
_PUT_BACK = Bi(
    "先用文本编辑器恢复首尾的“---”两行与缩进，再写入",
    "put the two lines “---” and the indentation back with a text editor before anything is written",
)
_VALUES_SHOWN = 120


def shown(text: str) -> str:
    """Return a text of a file as a terminal may show it: what moves the cursor or colours the screen is spelt out."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[:_VALUES_SHOWN])


def short(found: Inspection, signed: tuple[Signature, ...] = ()) -> list[str]:
    """Return what a file says, in a few lines; `signed` is what its reserved codes hold."""
    lines = [f"{VERDICT_NAMES[found.verdict].both} ({found.container or '?'})"]
    if found.problem is not None:
        lines.append(found.problem.both)
    if found.label is not None:
        kind = found.label.label
        lines.append(KIND_NAMES[Kind(kind)].both if kind in set(Kind) else f"Label: {kind[:_VALUES_SHOWN]!r}")
        lines += [f"{name}: {shown(value)}" for name, value in found.label.as_dict().items() if name != "Label"]
    lines += [item.line() for item in signed]
    return [*lines, *(f"偏差 deviation {item.value}: {DEVIATION_NAMES[item].both}" for item in found.deviations)]


def as_dict(
    name: str, found: Inspection, signed: tuple[Signature, ...] = (), manifest: Manifest | None = None
) -> dict[str, Any]:
    """Return what a file says, for machines."""
    return {
        "file": name,
        "verdict": found.verdict.value,
        "fields": found.label.as_dict() if found.label else None,
        "container": found.container or None,
        "deviations": [item.value for item in found.deviations],
        "places": [item.place for item in found.readings],
        "signatures": [item.as_dict() for item in signed],
        "c2pa": manifest.as_dict() if manifest else None,
        "problem": None if found.problem is None else {"zh": found.problem.zh, "en": found.problem.en},
    }


def complies(found: Inspection, signed: tuple[Signature, ...] = ()) -> bool:
    """Say whether a file has the one label that the standard asks for, and no signature in it that does not hold."""
    unsound = any(item.valid is False for item in signed)
    return found.verdict is Verdict.PRESENT and not found.deviations and not unsound


def verified(found: Inspection, signed: tuple[Signature, ...] = ()) -> list[str]:
    """Return what a file lacks, where that stands, the clause or guide that asks for it, and what to do."""
    if complies(found, signed):
        return [f"合规：{VERDICT_NAMES[found.verdict].zh} / complies ({found.container})", *short(found, signed)[1:]]
    said = _WRONG.get(found.verdict, VERDICT_NAMES[found.verdict])
    if found.verdict is Verdict.PRESENT and not found.deviations:
        said = Bi("有标识，但签名无效", "a label is there, with a signature that does not hold")
    lines = [f"不合规：{said.zh} / does not comply: {said.en}"]
    if found.verdict is Verdict.UNREADABLE:
        lines = [f"无法判定：{found.problem.zh} / undetermined: {found.problem.en}"] if found.problem else lines
    elif found.verdict in _BY_VERDICT:
        lines += _clause(_BY_VERDICT[found.verdict])
    if found.problem is not None and found.verdict is not Verdict.UNREADABLE:
        lines.append(found.problem.both)
    lines += [line for reading in found.readings for line in _reading(reading)]
    for item in found.deviations:
        lines += _deviation(item, found)
    return [*lines, *(item.line() for item in signed), f"建议 advice: {_ADVICE[found.verdict].both}"]


def _reading(reading: Reading) -> list[str]:
    """Return where a label stands, and the least of what it says."""
    lines = [f"位置 place: {shown(reading.place)}"]
    if reading.label is not None:
        kind, producer = reading.label.label, reading.label.content_producer or "—"
        meant = KIND_NAMES[Kind(kind)].zh if kind in set(Kind) else "?"
        lines.append(f"  Label={shown(kind)}（{meant}） ContentProducer={shown(producer)}")
    return lines


def _deviation(item: Deviation, found: Inspection) -> list[str]:
    """Return a deviation by its name, with what it is about, and the clause or guide that asks for it otherwise."""
    lines = [DEVIATION_NAMES[item].both]
    if item is Deviation.MISSING_FIELD:
        missing = [name for name in FIELDS if any(one.given and name not in one.given for one in found.readings)]
        lines = [f"{lines[0]}: {', '.join(missing)}"]
    lines += _clause(_CLAUSES[item]) if item in _CLAUSES else []
    if item in _CODES:
        return [*lines, *guides.line(guides.CODES)]
    if item in {Deviation.OTHER_PLACE, Deviation.XMP_ATTRIBUTE, Deviation.DAMAGED_FRONT_MATTER}:
        lines += guides.line(guides.PLACES.get(found.container))
    if item is Deviation.DAMAGED_FRONT_MATTER:
        lines.append(f"  {_PUT_BACK.both}")
    return lines


def _clause(number: str) -> list[str]:
    obligation = register().obligation(cite(number))
    return [f"  依据 clause {number}: {obligation.duty.zh}", f"    {obligation.duty.en}"]


# --- platforms -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """What a platform shows beside an upload; `kind` is None where nothing is to be shown, or nothing can be said."""

    kind: Kind | None
    notice: Bi | None
    clause: str

    def as_dict(self) -> dict[str, Any]:
        """Return the judgement for machines."""
        notice = None if self.notice is None else {"zh": self.notice.zh, "en": self.notice.en}
        return {"kind": self.kind.value if self.kind else None, "notice": notice, "clause": self.clause or None}

    def lines(self) -> list[str]:
        """Return the judgement for a person."""
        if self.notice is None:
            return ["平台提示：无 / notice to show: none"]
        return [f"平台提示 notice to show: {self.notice.both}", f"依据 clause: {self.clause}"]


_NOTICES: dict[Kind, Bi] = {
    Kind.IS: Bi("本内容由人工智能生成合成", "This content is AI-generated or synthetic"),
    Kind.POSSIBLY: Bi("本内容可能由人工智能生成合成", "This content may be AI-generated or synthetic"),
    Kind.SUSPECTED: Bi("本内容疑似由人工智能生成合成", "This content is suspected to be AI-generated or synthetic"),
}
_BY_KIND = {Kind.IS: "LAB-6.1", Kind.POSSIBLY: "LAB-6.2", Kind.SUSPECTED: "LAB-6.3"}


def platform(found: Inspection, *, declared: bool = False, traces: bool = False) -> Judged:
    """Return what a platform shows (Labelling Measures 6): what the file says, else what its user declared, else traces.

    A label of `2` or `3` is never raised or lowered by it. What can not be read counts as neither with nor without a label.
    """
    kinds = [
        Kind(item.label.label) for item in found.readings if item.label is not None and item.label.label in set(Kind)
    ]
    kind = min(kinds) if kinds else Kind.POSSIBLY if declared else None
    if kind is None and (traces or found.verdict in {Verdict.MALFORMED, Verdict.CONFLICTING}):
        kind = Kind.SUSPECTED
    return Judged(kind, _NOTICES[kind], cite(_BY_KIND[kind])) if kind else Judged(None, None, "")
