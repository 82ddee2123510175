"""A label beside a file that has no place for one: `NAME.aigc.json`, with the digest of the file that it speaks of.

No guide names a place for plain text; the explicit label stands in the text, and this is what a machine reads.
"""

from __future__ import annotations

import json
from hashlib import file_digest
from pathlib import Path

from hegui.kit.errors import InputError
from hegui.kit.files import write_output
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.service.labels import schema
from hegui.service.labels.files import Inspection, Verdict, inspect, inspect_bytes
from hegui.service.labels.schema import KEYWORD, Label, LabelError

SUFFIX = ".aigc.json"
_LARGEST = 256 * 1024


def sidecar_of(path: Path) -> Path:
    """Return the file beside a file."""
    return path.with_name(path.name + SUFFIX)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            Bi(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}"),
            Bi("检查路径与权限", "check the path and its permissions"),
        ) from None


def check(path: Path, label: Label | None) -> None:
    """Raise LabelError where a label beside a file is not the label's provider's, or can not be told; `label` None for none.

    So for a text that itself holds one, such as front matter: there is to be one and no more.
    """
    if path.exists() and inspect(path).readings:
        raise LabelError(
            Bi("文本里已有标识，旁边不再写第二个", "the text holds a label itself: there is to be one, and no more"),
            Bi("先由写入者改正其位置", "let its writer put that one right first"),
            cite=cite("GB45438-6.1c"),
        )
    there = read(path)
    if there is None:
        return
    own = schema.credit_code(label.content_producer) if label is not None else ""
    others = [reading.label for reading in there.readings]
    known = {schema.credit_code(other.content_producer) if other is not None else "" for other in others}
    if not own or known != {own}:
        raise LabelError(
            Bi("旁边已有他人或无法辨认的标识，不能覆盖", "there is a label of another provider beside it, or one that can not be told"),
            Bi("传播他人内容用 hegui label propagate", "pass other people's content on with `hegui label propagate`"),
            cite=cite("LAB-10.2"),
        )  # fmt: skip


def write(path: Path, label: Label) -> Inspection:
    """Write a label beside a file; raise InputError, and never over another provider's."""
    schema.check(label)
    check(path, label)
    return put(path, label)


def put(path: Path, label: Label) -> Inspection:
    """Write a label beside a file that is known to be its own."""
    body = {KEYWORD: label.as_dict(), "file": path.name, "sha256": _digest(path)}
    write_output(sidecar_of(path), json.dumps(body, ensure_ascii=False, indent=1).encode())
    found = read(path)
    return found if found is not None else Inspection("sidecar", Verdict.ABSENT)


def read(path: Path) -> Inspection | None:
    """Return what the file beside a file says, None where there is none; of another file's bytes it is malformed."""
    beside = sidecar_of(path)
    try:
        with beside.open("rb") as file:
            data = file.read(_LARGEST)
    except OSError:
        return None
    found = inspect_bytes(data, "label.json")
    try:
        told = json.loads(data)
        same = isinstance(told, dict) and told.get("sha256") == _digest(path)
    except (ValueError, RecursionError):
        same = False
    if found.verdict is Verdict.PRESENT and not same:
        problem = Bi("旁边的标识不是这份文件的", "the label beside the file is not of this file")
        return Inspection("sidecar", Verdict.MALFORMED, found.readings, problem)
    if found.verdict is Verdict.ABSENT:
        problem = Bi("旁边的标识文件里没有标识", "the file of a label beside it holds none")
        return Inspection("sidecar", Verdict.MALFORMED, problem=problem)
    return Inspection("sidecar", found.verdict, found.readings, found.problem)
