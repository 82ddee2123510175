"""Labels of files: inspect one, write the first label, pass it on; the original stays until the new file was read back.

Write, read back, compare the seven fields, one label and no more, payload unchanged, then rename. Whatever
does not hold raises, and nothing is left behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from hegui.kit.errors import InputError
from hegui.kit.files import not_written
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.service.labels import lenient, manifests, schema
from hegui.service.labels.container import MOST_SLOTS, OpenBytes, not_writable, opened, same
from hegui.service.labels.containers import CONTAINERS, Container, UnreadableError, container_of, head_of, unreadable
from hegui.service.labels.schema import Deviation, Kind, Label, LabelError, Reading

_MOST_PLACES = 1024
"""Most places under the name of a label that are looked at, labels or not."""


class Verdict(StrEnum):
    """What a file says of itself; never `absent` where it could not be parsed."""

    PRESENT = "present"  # 有标识
    ABSENT = "absent"  # 无标识
    MALFORMED = "malformed"  # 标识残缺
    MULTIPLE = "multiple"  # 多个标识
    CONFLICTING = "conflicting"  # 标识互相矛盾
    UNREADABLE = "unreadable"  # 无法解析


VERDICT_NAMES: dict[Verdict, Bi] = {
    Verdict.PRESENT: Bi("有标识", "a label is there"),
    Verdict.ABSENT: Bi("无标识", "no label"),
    Verdict.MALFORMED: Bi("标识残缺", "a label that can not be understood"),
    Verdict.MULTIPLE: Bi("同一标识不止一处", "the same label more than once"),
    Verdict.CONFLICTING: Bi("标识互相矛盾", "labels that contradict each other"),
    Verdict.UNREADABLE: Bi("无法解析", "can not be parsed"),
}


@dataclass(frozen=True)
class Inspection:
    """What a file says: verdict, every label that was found, and the container; `problem` where it is unreadable."""

    container: str
    verdict: Verdict
    readings: tuple[Reading, ...] = ()
    problem: Bi | None = None

    @property
    def label(self) -> Label | None:
        """Return the label of a file that has one that can be understood, the first of several."""
        return next((item.label for item in self.readings if item.label is not None), None)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Return the deviations of all labels, each once."""
        return tuple(dict.fromkeys(item for reading in self.readings for item in reading.deviations))


class BreaksManifestError(InputError):
    """A label would be written into a file with a C2PA manifest, whose hash would no longer hold."""


class NotVerifiedError(InputError):
    """A file that was written does not read back as it should; it was not put in place."""


def inspect(path: Path) -> Inspection:
    """Return what a file says; raise InputError only where there is no such file to read."""
    try:
        with opened(path) as file:
            return inspect_stream(file, path.name)
    except OSError as error:
        raise no_file(path, error) from None


def inspect_bytes(data: bytes, name: str) -> Inspection:
    """Return what the bytes of a file say; `name` is what it is called."""
    with cast("BinaryIO", OpenBytes(data)) as file:
        return inspect_stream(file, name)


def inspect_stream(file: BinaryIO, name: str) -> Inspection:
    """Return what an open, seekable file says."""
    try:
        container = container_of(head_of(file), name)
    except UnreadableError as error:
        return Inspection("", Verdict.UNREADABLE, problem=error.title)
    try:
        readings = tuple(_readings(container, file))
    except UnreadableError as error:
        return Inspection(container.name, Verdict.UNREADABLE, problem=error.title)
    return Inspection(container.name, _verdict(readings), readings)


def _readings(container: Container, file: BinaryIO) -> Iterator[Reading]:
    read = 0
    for number, slot in enumerate(container.read(file)):
        if number == _MOST_PLACES:
            raise unreadable("可能有标识的位置过多", "there are too many places that may have a label")
        found = lenient.read(slot.place, slot.value, *slot.notes)
        if found is not None:
            yield found
            read += 1
            if read == MOST_SLOTS:
                return


def _verdict(readings: tuple[Reading, ...]) -> Verdict:
    """Return the verdict of the labels that were found; several are never fine, equal or not (GB45438-6.1c)."""
    labels = {item.label for item in readings}
    if not readings:
        return Verdict.ABSENT
    if None in labels or any(label.label not in set(Kind) for label in labels if label is not None):
        return Verdict.MALFORMED if len(readings) == 1 else Verdict.CONFLICTING
    if len(readings) == 1:
        return Verdict.PRESENT
    return Verdict.MULTIPLE if len(labels) == 1 else Verdict.CONFLICTING


def container_name(file: BinaryIO, name: str) -> str:
    """Return the name of an open file's format; empty for one that is not known."""
    try:
        return container_of(head_of(file), name).name
    except UnreadableError:
        return ""


def no_file(path: Path, error: OSError) -> InputError:
    """Return the error for a file that can not be read or written."""
    return InputError(
        Bi(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}"),
        Bi("检查路径与权限", "check the path and its permissions"),
    )


# --- writing -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seal:
    """What happens to a C2PA manifest, whose hash does not hold once a label is written.

    Without more, a file that has one is refused. `sign`, called with the file as it came, the new file and its
    name, signs the new file, with a manifest or without (see `c2pa.sealer`). `breaking` lets the manifest be broken;
    `told` is called with each such file.
    """

    sign: Callable[[Path, Path, str], None] | None = None
    breaking: bool = False
    told: Callable[[Path], None] | None = None

    def check(self, file: BinaryIO, container: str, path: Path) -> None:
        """Tell of a manifest that will be broken; raise BreaksManifestError where that was not asked for."""
        if self.sign is not None or not manifests.present(file, container):
            return
        if self.breaking:
            if self.told is not None:
                self.told(path)
            return
        raise BreaksManifestError(
            Bi("文件有 C2PA 清单，写入后其哈希不再成立", "the file has a C2PA manifest, whose hash would no longer hold"),
            Bi(
                "用 --c2pa-chain 与 --c2pa-key 重新签名（需 hegui[c2pa]），或以 --break-c2pa 明确放弃原清单的有效性",
                "sign it again with --c2pa-chain and --c2pa-key (needs hegui[c2pa]), or give the old manifest up with --break-c2pa",
            ),
        )  # fmt: skip


REFUSE = Seal()
"""A file with a C2PA manifest is refused."""


def write(source: Path, target: Path, label: Label, *, seal: Seal = REFUSE) -> Inspection:
    """Write the first label of a file; `source` and `target` may be one. Raise InputError, and leave all as it was.

    A label of the same provider is replaced. One of another provider stays: add the fields of propagation instead.
    """
    schema.check(label, first=True)
    return _write(source, target, lambda there: _over(there, label), seal)


def propagate(  # noqa: PLR0913 - one act, each by its name
    source: Path, target: Path, propagator: str, number: str, *, reserved: str = "", seal: Seal = REFUSE
) -> Inspection:
    """Add the fields of propagation to a label that is there; the producer's four stay as they are (Labelling Measures 6)."""
    return _write(source, target, lambda there: passed_on(there, propagator, number, reserved=reserved), seal)


def passed_on(there: Inspection, propagator: str, number: str, *, reserved: str = "") -> Label:
    """Return the label of what is passed on; raise LabelError where there is none to go on with."""
    if there.label is None or there.verdict is not Verdict.PRESENT:
        raise LabelError(
            Bi(
                f"不能传播：{VERDICT_NAMES[there.verdict].zh}",
                f"can not be passed on: {VERDICT_NAMES[there.verdict].en}",
            ),
            Bi("先用 hegui label verify 查明", "look at it with `hegui label verify` first"),
            cite=cite("LAB-6.4"),
        )
    if schema.code_faults(propagator, Deviation.PROPAGATOR_CODE) or not number:
        schema.check(Label.first(propagator, number))
    return there.label.propagated(propagator, number, reserved=reserved)


def _over(there: Inspection, label: Label) -> Label:
    """Return the label to write over what is there; raise LabelError where it is another provider's."""
    if there.verdict is Verdict.UNREADABLE:
        raise UnreadableError(
            there.problem or VERDICT_NAMES[there.verdict], Bi("换一份完好的文件", "take a sound file")
        )
    if there.verdict is Verdict.ABSENT:
        return label
    own = schema.credit_code(label.content_producer)
    for reading in there.readings:
        other = reading.label
        if other is None or not own or schema.credit_code(other.content_producer) != own:
            raise LabelError(
                Bi("文件已有他人或无法辨认的标识，不能覆盖", "the file has a label of another provider, or one that can not be told"),
                Bi("传播他人内容用 hegui label propagate", "pass other people's content on with `hegui label propagate`"),
                cite=cite("LAB-10.2"),
            )  # fmt: skip
    return label


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Yield a new file beside a target, which is gone afterwards unless it was moved."""
    handle, path = _part(target)
    os.close(handle)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _part(target: Path) -> tuple[int, Path]:
    """Return a new file beside a target, open for writing."""
    path = Path(target.parent, f".{target.name[:40]}.{os.urandom(8).hex()}.part")
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path


def _write(source: Path, target: Path, label_of: Callable[[Inspection], Label], seal: Seal) -> Inspection:
    if target.is_symlink():
        target = target.resolve()  # a link stays one, and what it leads to is labelled
    try:
        with opened(source) as file:
            there = inspect_stream(file, source.name)
            label = label_of(there)
            container = next(item for item in CONTAINERS if item.name == there.container)
            renamed = target.suffix.lower() != source.suffix.lower()
            if is_of_another(target, container) or (renamed and container_name(file, target.name) != container.name):
                raise not_writable(
                    f"目标的扩展名属于另一种格式：{target.name}",
                    f"the target's name is of another format: {target.name}",
                )
            seal.check(file, container.name, source)
            return _put(container, file, source, target, label, seal)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == source:
            raise no_file(source, error) from None
        raise not_written(target, error) from None


def _put(  # noqa: PLR0913, PLR0917 - what is written from where to where, and how
    container: Container, file: BinaryIO, source: Path, target: Path, label: Label, seal: Seal
) -> Inspection:
    """Write a new file beside the target, read it back, and put it in the target's place; raise NotVerifiedError."""
    handle, new = _part(target)
    try:
        with os.fdopen(handle, "wb") as out:
            container.write(file, out, label.as_json())
            out.flush()
            os.fsync(out.fileno())
        with opened(new) as written:
            found = verified(container, file, written, target.name, label)
        if seal.sign is not None:
            seal.sign(source, new, target.name)
        new.chmod(source.stat().st_mode & 0o777)
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return found


def is_of_another(target: Path, container: Container) -> bool:
    """Say whether a name belongs to another format than the content's: a PNG is not to be called `.jpg`."""
    suffix = target.suffix.lower()
    return suffix not in container.suffixes and any(suffix in item.suffixes for item in CONTAINERS)


def verified(container: Container, source: BinaryIO, written: BinaryIO, name: str, label: Label) -> Inspection:
    """Return what a new file says; raise NotVerifiedError unless it is this one label over the payload of its source."""
    found = inspect_stream(written, name)
    good = len(found.readings) == 1 and found.label == label and found.container == container.name
    if not (good and same(container.payload(source), container.payload(written))):
        raise NotVerifiedError(
            Bi("写入后读回不一致，原文件未动", "what was written does not read back; the original was left alone"),
            Bi("请报告这一缺陷，附上文件类型", "report this as a defect, with the kind of file"),
            cite=cite("GB45438-6.1"),
        )
    return found
