"""What a label says, in words: what is missing, which clause asks for it, and what a platform shows beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hegui.kit.text import Bi
from hegui.law import cite
from hegui.law.register import register
from hegui.service.labels.c2pa import Manifest
from hegui.service.labels.files import VERDICT_NAMES, Inspection, Verdict
from hegui.service.labels.schema import DEVIATION_NAMES, KIND_NAMES, Deviation, Kind
from hegui.service.labels.signatures import Signature

_CLAUSES: dict[Deviation, str] = {
    Deviation.MISSING_FIELD: "GB45438-E.b", Deviation.KEY_CASE: "GB45438-E.b", Deviation.UNKNOWN_FIELD: "GB45438-E.b", Deviation.NULL_VALUE: "GB45438-E.b",
    Deviation.NOT_TEXT: "GB45438-E.b", Deviation.OLD_SCHEMA: "GB45438-E.b", Deviation.FIRST_WRITE_EQUALITY: "GB45438-E.b",
    Deviation.LABEL_VALUE: "GB45438-E.b.1", Deviation.CHARACTERS: "GB45438-E.j", Deviation.NO_KEY: "GB45438-E.a",
    Deviation.OTHER_PLACE: "GB45438-6.1",
}  # fmt: skip
_BY_VERDICT: dict[Verdict, str] = {
    Verdict.ABSENT: "GB45438-6.1", Verdict.MALFORMED: "GB45438-E.b", Verdict.MULTIPLE: "GB45438-6.1c",
    Verdict.CONFLICTING: "GB45438-6.1c",
}  # fmt: skip
_WRONG: dict[Verdict, Bi] = {
    Verdict.PRESENT: Bi("有标识，但有偏差", "a label is there, with deviations"),
    Verdict.ABSENT: Bi("无标识（如为生成合成内容）", "no label, if the content is generated"),
}
_VALUES_SHOWN = 120


def short(found: Inspection, signed: tuple[Signature, ...] = ()) -> list[str]:
    """Return what a file says, in a few lines; `signed` is what its reserved codes hold."""
    lines = [f"{VERDICT_NAMES[found.verdict].both} ({found.container or '?'})"]
    if found.problem is not None:
        lines.append(found.problem.both)
    if found.label is not None:
        kind = found.label.label
        lines.append(KIND_NAMES[Kind(kind)].both if kind in set(Kind) else f"Label: {kind[:_VALUES_SHOWN]!r}")
        lines += [
            f"{name}: {value[:_VALUES_SHOWN]}" for name, value in found.label.as_dict().items() if name != "Label"
        ]
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


def verified(found: Inspection, signed: tuple[Signature, ...] = ()) -> list[str]:
    """Return what a file lacks, with the clause that asks for it and what that clause says."""
    if found.verdict is Verdict.PRESENT and not found.deviations:
        return [f"合规：{VERDICT_NAMES[found.verdict].zh} / complies ({found.container})", *short(found, signed)[1:]]
    said = _WRONG.get(found.verdict, VERDICT_NAMES[found.verdict])
    lines = [f"不合规：{said.zh} / does not comply: {said.en}"]
    if found.verdict is Verdict.UNREADABLE:
        lines = [f"无法判定：{found.problem.zh} / undetermined: {found.problem.en}"] if found.problem else lines
    elif found.verdict in _BY_VERDICT:
        lines += _clause(_BY_VERDICT[found.verdict])
    for item in found.deviations:
        lines.append(f"{DEVIATION_NAMES[item].both}")
        lines += _clause(_CLAUSES[item]) if item in _CLAUSES else []
    return [*lines, *(item.line() for item in signed)]


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
