"""Marks a file of any kind, and hands on the implicit label it had: written last, read back, or nothing is put in place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hegui.kit.errors import InputError, SettingsError
from hegui.kit.text import Bi
from hegui.service.labels import files, sidecar
from hegui.service.labels.containers import UnreadableError, container_of, head_of
from hegui.service.labels.files import REFUSE, Inspection, Seal, Verdict
from hegui.service.labels.marks import design, documents
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.design import Typeface
from hegui.service.labels.schema import Label, LabelError
from hegui.service.labels.text import DEFAULT_WORDING

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".avif"})
SOUNDS = frozenset({".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv"})


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is marked; `wording` empty means the usual one of its kind."""

    wording: str = ""
    corner: Corner = Corner.BOTTOM_RIGHT
    font: Path | None = None
    whole: bool = False
    encoder: str = ""
    at: str = "start"
    speech: tuple[Path, str] | None = None
    first: Label | None = None
    """The label to write where the file has none; without it such a file gets none."""
    seal: Seal = REFUSE
    """What happens to a C2PA manifest; without more a file that has one is refused."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What was done to a file: what the mark shows, and the implicit label as it was read back."""

    kind: str
    details: dict[str, Any]
    implicit: Inspection

    def as_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        label = self.implicit.label
        return {
            "kind": self.kind,
            **self.details,
            "implicit": {"verdict": self.implicit.verdict.value, "fields": label.as_dict() if label else None},
        }


def mark(source: Path, target: Path, options: Options = Options(), progress: Any = None) -> Marked:  # noqa: ANN401 - frozen; called with a share
    """Write a marked copy of a file, `target` may be the file itself; raise InputError, and leave all as it was.

    The implicit label is the one that was there, field by field; a file without one gets `options.first`, or none.
    """
    there = _label_of(source)
    with source.open("rb") as file:
        options.seal.check(file, there.container, source)
    wanted = there.label or options.first
    if there.container in {"text", "json", "sidecar"} and source.resolve() != target.resolve():
        sidecar.check(target, wanted)
    with _beside(target, source.suffix) as (visible, final):
        kind, details = _marked(source, visible, options, progress)
        found = _labelled(visible, final, wanted, source.name)
        if options.seal.sign is not None:
            options.seal.sign(source, final, source.name)
        final.chmod(source.stat().st_mode & 0o777)
        final.replace(target)
    if wanted is not None and found.container in {"text", "json"}:
        found = _beside_text(target, wanted)
    return Marked(kind, details, found)


# --- the implicit label --------------------------------------------------------------------------------


def _label_of(source: Path) -> Inspection:
    """Return what a file says before it is marked; raise where its label could not be handed on as it is."""
    there = files.inspect(source)
    if there.verdict is Verdict.ABSENT and there.container in {"text", "json"}:
        there = sidecar.read(source) or there
    if there.verdict is Verdict.UNREADABLE:
        raise UnreadableError(
            there.problem or files.VERDICT_NAMES[there.verdict],
            Bi(
                "换一份完好的文件；不知是否有标识的文件不加标记",
                "take a sound file; one that may have a label unseen is not marked",
            ),
        )
    if there.verdict not in {Verdict.ABSENT, Verdict.PRESENT, Verdict.MULTIPLE}:
        name = files.VERDICT_NAMES[there.verdict]
        raise LabelError(
            Bi(f"隐式标识有问题，不能原样保留：{name.zh}", f"the implicit label can not be kept as it is: {name.en}"),
            Bi("先用 hegui label verify 查明并改正", "look at it with `hegui label verify` and put it right first"),
            cite="GB45438-6.1",
        )
    return there


def _labelled(visible: Path, final: Path, label: Label | None, name: str) -> Inspection:
    """Write the label into the marked file, and read it back; raise NotVerifiedError."""
    with visible.open("rb") as file:
        container = container_of(head_of(file), name)
        if label is None or container.name in {"text", "json"}:
            final.write_bytes(b"")
            visible.replace(final)
            with final.open("rb") as done:
                return files.inspect_stream(done, name)
        with final.open("wb+") as out:
            container.write(file, out, label.as_json())
            out.flush()
            os.fsync(out.fileno())
            return files.verified(container, file, out, name, label)


def _beside_text(target: Path, label: Label) -> Inspection:
    """Write the label of a text beside it again: the text is another now, and so is its digest."""
    return sidecar.write(target, label)


@contextmanager
def _beside(target: Path, suffix: str) -> Iterator[tuple[Path, Path]]:
    """Yield two files beside the target, which are gone afterwards unless they were moved."""
    try:
        with tempfile.TemporaryDirectory(prefix=".mark-", dir=target.parent) as folder:
            yield Path(folder) / f"visible{suffix}", Path(folder) / f"final{suffix}"
    except OSError as error:
        raise files.no_file(Path(str(error.filename or target)), error) from None


# --- by kind -------------------------------------------------------------------------------------------


def _marked(source: Path, target: Path, options: Options, progress: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - called with a share
    suffix = source.suffix.lower()
    if suffix in PICTURES:
        return "image", _picture(source, target, options)
    if suffix in SOUNDS:
        return "audio", _sound(source, target, options)
    if suffix in VIDEOS:
        return "video", _video(source, target, options, progress)
    if suffix in documents.SUFFIXES:
        return "document", documents.mark_document(source, target, options.wording or DEFAULT_WORDING)
    raise InputError(
        Bi(f"不支持的格式 {suffix or '（无扩展名）'}", f"the format {suffix or '(no suffix)'} is not supported"),
        Bi("支持的格式见 docs/labels-gallery.md", "docs/labels-gallery.md lists the formats"),
    )


def _picture(source: Path, target: Path, options: Options) -> dict[str, Any]:
    from hegui.service.labels.marks.pictures import mark_picture  # noqa: PLC0415 - only where it is needed

    face = Typeface(options.font)
    found = mark_picture(source, target, options.wording or design.WORDING, options.corner, face)
    return {
        **found.measured.as_dict(),
        "corner": options.corner.value,
        "box": list(found.place.plate),
        "frames": found.frames,
    }


def _need_av() -> None:
    """Raise SettingsError where the optional package for film and sound is not there."""
    if find_spec("av") is None:
        raise SettingsError(
            Bi("没有安装处理音视频的组件", "the package for film and sound is not installed"),
            Bi("运行 pip install 'hegui[media]'", "run pip install 'hegui[media]'"),
        )


def _sound(source: Path, target: Path, options: Options) -> dict[str, Any]:
    _need_av()
    from hegui.service.labels.marks.audio import At, mark_audio  # noqa: PLC0415 - PyAV is loaded only where it is needed

    found = mark_audio(source, target, At(options.at), options.speech)
    return {
        "at": found.at.value, "label": found.kind, "seconds": round(found.seconds, 2),
        "characters_per_minute": None if found.rate is None else round(found.rate, 1),
        "heard_at_start": found.rhythm_start, "heard_at_end": found.rhythm_end,
    }  # fmt: skip


def _video(source: Path, target: Path, options: Options, progress: Any) -> dict[str, Any]:  # noqa: ANN401 - called with a share
    _need_av()
    from hegui.service.labels.marks.video import Wanted, mark_video  # noqa: PLC0415 - PyAV is loaded only where it is needed

    wanted = Wanted(
        options.wording or design.WORDING,
        options.corner,
        Typeface(options.font),
        whole=options.whole,
        encoder=options.encoder,
    )
    found = mark_video(source, target, wanted, progress)
    return {
        **found.measured.as_dict(), "corner": options.corner.value, "encoder": found.encoder,
        "shown_seconds": round(found.seconds, 2), "frames": found.frames, "whole": found.whole,
    }  # fmt: skip
