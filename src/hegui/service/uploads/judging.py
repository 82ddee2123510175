"""Judging one file on the disk as a platform does, and adding the platform's fields beside the producer's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import file_digest
from pathlib import Path

from hegui.kit.errors import HeguiError, InputError
from hegui.kit.text import Bi
from hegui.service.labels import explain, files, sidecar
from hegui.service.labels.containers import NotWritableError
from hegui.service.labels.explain import Judged
from hegui.service.labels.files import VERDICT_NAMES, BreaksManifestError, Inspection, Seal, Verdict
from hegui.service.labels.schema import Label
from hegui.service.labels.sealing import Fate, Sealing, named
from hegui.service.uploads.models import BY_KIND, Form, Judgement

REMINDER = Bi(
    "若该内容由人工智能生成或合成，请在发布前声明", "If artificial intelligence generated or changed this content, declare it before publishing"
)  # fmt: skip
_NO_CODE = Bi(
    "平台编码未设置，传播要素未写入", "the platform's code is not set, so that no fields of propagation were written"
)
_BROKEN = Bi(
    "传播要素已写入；文件原有的 C2PA 清单因此失效（c2pa_break）",
    "the fields of propagation were written; the C2PA manifest that was there no longer holds (c2pa_break)",
)
_GONE = Bi("文件已不在磁盘，传播要素未写入", "the file is off the disk, so that no fields of propagation were written")


@dataclass(frozen=True)
class Told:
    """What is known of an upload beside its bytes."""

    declared: bool | None = None
    traces: bool = False


@dataclass(frozen=True)
class Passed:
    """How the platform's fields went along with a file."""

    form: Form = Form.NONE
    added: Label | None = None
    digest: str | None = None
    problem: Bi | None = None
    c2pa: Fate = Fate.NONE
    """What became of a C2PA manifest."""


@dataclass(frozen=True)
class Finding:
    """What was found of one upload, and what was added to it."""

    digest: str
    size: int
    inspection: Inspection
    judged: Judged
    passed: Passed = field(default_factory=Passed)

    @property
    def judgement(self) -> Judgement:
        """Return what a platform tells of it; what can not be read is undetermined unless its user declared it."""
        if self.judged.kind is not None:
            return BY_KIND[self.judged.kind]
        return Judgement.UNDETERMINED if self.inspection.verdict is Verdict.UNREADABLE else Judgement.NOTHING


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Platform:
    """Who passes uploads on: its code, empty for none, and what it does about C2PA manifests."""

    code: str = ""
    sealing: Sealing = field(default_factory=Sealing)


def judge(source: Path, target: Path, number: str, told: Told, by: Platform) -> Finding:
    """Judge a file and write it, with the platform's fields, to `target` (or the fields beside it).

    `number` is the content's number at the platform `by`. The source stays as it is, and a C2PA manifest is signed
    anew or, only where the operator says so, broken. Raises InputError only where there is no source.
    """
    found = files.inspect(source)
    judged = explain.platform(found, declared=told.declared is True, traces=told.traces)
    passed = Passed()
    if judged.kind is not None:
        label = Label.first(by.code, number, kind=judged.kind) if by.code else None
        passed = _passed(source, target, found, label, by.sealing)
    return Finding(digest_of(source), source.stat().st_size, found, judged, passed)


def judge_again(before: Finding, told: Told) -> Finding:
    """Judge what was found of a file that is off the disk by now; no fields can be added to it any more."""
    judged = explain.platform(before.inspection, declared=told.declared is True, traces=told.traces)
    passed = before.passed if before.passed.added is not None or judged.kind is None else Passed(problem=_GONE)
    return replace(before, judged=judged, passed=passed)


def _passed(source: Path, target: Path, found: Inspection, label: Label | None, sealing: Sealing) -> Passed:
    """Add the platform's fields; `label` is what a file without any gets, None where the platform has no code."""
    if label is None:
        return Passed(problem=_NO_CODE)
    try:
        if found.verdict not in {Verdict.ABSENT, Verdict.PRESENT}:
            name = found.problem or VERDICT_NAMES[found.verdict]
            return Passed(problem=Bi(f"{name.zh}，原样保留", f"{name.en}; left as it is"))
        with source.open("rb") as file:
            # Only what has a manifest is signed: the platform did not make it, and a first manifest would say so.
            fate = sealing.fate(file, found.container, source.name, every=False)
        if found.verdict is Verdict.ABSENT:
            # Annex E note 1: on a first write the fields of producer and propagator are equal; who made it is not known.
            passed = _written(source, target, label, sealing.seal(fate))
        else:
            passed = _propagated(source, target, found, label, sealing.seal(fate))
    except BreaksManifestError as error:
        return Passed(problem=named(error))
    except HeguiError as error:
        return Passed(problem=error.title)
    return replace(passed, c2pa=fate, problem=_BROKEN if fate is Fate.BROKEN and passed.form is Form.FILE else None)


def _written(source: Path, target: Path, label: Label, seal: Seal) -> Passed:
    try:
        after = files.write(source, target, label, seal=seal)
    except NotWritableError:
        return _beside(source, label)
    return Passed(Form.FILE, after.label, digest_of(target))


def _propagated(source: Path, target: Path, found: Inspection, label: Label, seal: Seal) -> Passed:
    ours = (label.content_propagator, label.propagate_id)
    try:
        after = files.propagate(source, target, *ours, seal=seal)
    except NotWritableError:
        return _beside(source, files.passed_on(found, *ours))
    return Passed(Form.FILE, after.label, digest_of(target))


def _beside(source: Path, label: Label) -> Passed:
    """Put a label beside a file in which no guide names a place for one; the bytes stay."""
    after = sidecar.put(source, label)
    if after.verdict is not Verdict.PRESENT:
        raise InputError(after.problem or VERDICT_NAMES[after.verdict], Bi("查看日志", "see the log"))
    return Passed(Form.SIDECAR, after.label, digest_of(source))
