"""Makes the pack: samples are marked, labelled, read back and verified as any file is; what is told of them is what came out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import file_digest
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from PIL import Image

from hegui import __version__
from hegui.kit import clock
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels import explain, files, schema, sidecar, signatures
from hegui.service.labels.files import Inspection, Verdict
from hegui.service.labels.marks import design
from hegui.service.labels.marks import mark as marking
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.design import Typeface
from hegui.service.labels.pack import describe, samples
from hegui.service.labels.pack.told import Done, Style, Told
from hegui.service.labels.schema import Label
from hegui.service.labels.text import Labeller, LabelStyle, check_wording

SAMPLE_CODE = "0010" + "YANGLISAMPLE000000" + "10000"
"""The code in samples when no provider's is given: 样例; it names nobody, as it is bound to no credit code."""
_PATIENCE = 60
_GROUNDS = ("scene", "dark", "light", "busy")
_PICTURE = (600, 400)
Progress = Callable[[Bi], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What an operator has chosen; what is empty is what the product does by itself."""

    producer: str = ""
    provider: str = ""
    """The provider's name, for the text of the pack alone."""
    texts: tuple[tuple[str, LabelStyle], ...] = (("", LabelStyle()),)
    """How text answers are labelled, by the name of the service."""
    wording: str = design.WORDING
    corner: Corner = Corner.BOTTOM_RIGHT
    font: Path | None = None
    at: str = "start"
    whole: bool = False
    sign_key: Path | None = None
    screenshots: tuple[Path, ...] = field(default=())


def build(target: Path, options: Options, progress: Progress = lambda _: None) -> Told:
    """Write the pack to a new folder, or to a new archive where the name ends in `.zip`; raise InputError, and leave nothing behind."""
    target = target.resolve()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(
            Bi(f"{target} 已存在，且不是空目录", f"{target} is there already, and no empty folder"),
            Bi("换一个名字", "give another name"),
        )
    label = schema.check(Label.first(options.producer or SAMPLE_CODE, "sample"), first=True)
    for wording in (options.wording, *(style.wording for _, style in options.texts)):
        check_wording(wording)
    for path in options.screenshots:
        _check_picture(path)
    try:
        with tempfile.TemporaryDirectory(prefix=".pack-", dir=target.parent) as made:
            folder = Path(made) / "pack"
            folder.mkdir()
            told = _Pack(folder, options, label, progress).all()
            _put(folder, target)
    except OSError as error:
        raise files.no_file(Path(error.filename or target), error) from None
    return told


def _put(folder: Path, target: Path) -> None:
    """Put the finished folder in place, or an archive of it."""
    if target.suffix.lower() == ".zip":
        parts = {str(path.relative_to(folder)): path.read_bytes() for path in _all(folder)}
        whole = folder.parent / "pack.zip"
        whole.write_bytes(samples.archived(parts))
        whole.replace(target)
    else:
        folder.chmod(0o755)
        folder.replace(target)


def _all(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


class _Pack:
    def __init__(self, folder: Path, options: Options, label: Label, progress: Progress) -> None:
        self.folder = folder
        self.options = options
        self.label = label
        self.progress = progress
        self.key = signatures.read_key(options.sign_key) if options.sign_key is not None else None
        self.tools = {"exiftool": _version("exiftool", "-ver"), "ffprobe": _version("ffprobe", "-version")}

    def all(self) -> Told:
        done = self._samples()
        told = Told(
            provider=self.options.provider, producer=self.label.content_producer, is_sample=not self.options.producer,
            signed=self.key is not None, samples=tuple(done), marks=tuple(self._marks()), texts=tuple(self._texts()),
            media=samples.media(), tools=self.tools, screenshots=tuple(self._screenshots()),
            interface=tuple(self._interface()), version=__version__, made=clock.today().isoformat(),
        )  # fmt: skip
        self.progress(Bi("写说明与摘要", "writing description and digests"))
        for name, text in describe.pages(told).items():
            (self.folder / name).write_text(text, "utf-8")
        self._write_json("index.json", describe.index(told))
        lines = [f"{_sha256(path)}  {path.relative_to(self.folder).as_posix()}" for path in _all(self.folder)]
        (self.folder / "digests.txt").write_text("\n".join(lines) + "\n", "utf-8")
        return told

    def _write_json(self, name: str, data: Any) -> None:  # noqa: ANN401 - any JSON value
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")

    # --- samples ---

    def _samples(self) -> list[Done]:
        (self.folder / "samples").mkdir()
        (self.folder / "metadata").mkdir()
        found = []
        with tempfile.TemporaryDirectory() as raw:
            for item in samples.every():
                self.progress(Bi(f"样例 {item.name}", f"sample {item.name}"))
                source = Path(raw) / item.name
                item.make(source)
                found.append(self._sample(item, source))
        return found

    def _sample(self, item: samples.Sample, source: Path) -> Done:
        path = self.folder / "samples" / item.name
        wanted = replace(self.label, produce_id=f"sample-{item.name}", propagate_id=f"sample-{item.name}")
        if self.key is not None:
            wanted = signatures.signed(wanted, self.key)
        chosen = self.options
        document = item.kind == "document"
        options = marking.Options(
            wording=chosen.texts[0][1].wording if document else chosen.wording, corner=chosen.corner, font=chosen.font,
            whole=chosen.whole, at=chosen.at, first=wanted,
        )  # fmt: skip
        marked = marking.mark(source, path, options)
        read = _read(path)
        signed = signatures.check(read.label) if read.label is not None else ()
        self._write_json(f"metadata/{item.name}.json", explain.as_dict(item.name, read, signed))
        others = [name for name, text in self._others(path).items() if self._keep(f"{item.name}.{name}.json", text)]
        return Done(
            name=item.name, kind=item.kind, container=read.container, explicit=marked.details, verdict=read.verdict.value,
            place=read.readings[0].place if read.readings else "", deviations=tuple(one.value for one in read.deviations),
            complies=read.verdict is Verdict.PRESENT and not read.deviations, lines=tuple(explain.verified(read, signed)),
            beside=sidecar.sidecar_of(path).name if sidecar.sidecar_of(path).exists() else "", others=tuple(others),
        )  # fmt: skip

    def _keep(self, name: str, text: str) -> bool:
        (self.folder / "metadata" / name).write_text(text, "utf-8")
        return bool(text)

    def _others(self, path: Path) -> dict[str, str]:
        """Return what other programs, those that are there, say of a file."""
        found = {}
        if self.tools["exiftool"]:
            found["exiftool"] = _run(path, "exiftool", "-j", "-G1", "-a", "-u", "--System:all", "--ExifTool:all")
        if self.tools["ffprobe"] and path.name.startswith(("audio", "video")):
            found["ffprobe"] = _run(
                path, "ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", "-i"
            )
        return {name: text for name, text in found.items() if text}

    # --- pictures, texts, the interface ---

    def _marks(self) -> list[tuple[str, Bi, dict[str, Any]]]:
        """Draw the mark on four grounds, and take the opening picture of the film."""
        from hegui.service.labels.marks.pictures import mark_picture  # noqa: PLC0415 - only where it is needed

        self.progress(Bi("标识图例", "pictures of the marks"))
        (self.folder / "pictures").mkdir()
        found = []
        for ground in _GROUNDS:
            path = self.folder / "pictures" / f"{ground}.png"
            samples.scene(_PICTURE, ground=ground).save(path)
            done = mark_picture(path, path, self.options.wording, self.options.corner, Typeface(self.options.font))
            found.append((f"pictures/{ground}.png", describe.GROUNDS[ground], done.measured.as_dict()))
        film = self.folder / "samples/video.mp4"
        if film.exists():
            _opening(film, self.folder / "pictures/video.png")
            found.append(("pictures/video.png", describe.GROUNDS["video"], {}))
        return found

    def _texts(self) -> list[Style]:
        found = []
        for service, style in self.options.texts:
            labeller = Labeller(style, machine=False)
            answer = "茶按制法大致分为绿茶、白茶、黄茶、乌龙茶、红茶和黑茶。"
            shown = labeller.before(answer) + answer + labeller.after(answer)
            found.append(Style(service, style.position.value, style.wording, shown))
        return found

    def _interface(self) -> list[str]:
        folder = self.folder / "interface"
        folder.mkdir()
        source = resources("hegui.service.labels.marks") / "interface"
        names = sorted(item.name for item in source.iterdir() if item.name.startswith(("aigc-", "example.")))
        for name in names:
            (folder / name).write_bytes((source / name).read_bytes())
        return [f"interface/{name}" for name in names]

    def _screenshots(self) -> list[str]:
        found = []
        for number, path in enumerate(self.options.screenshots, 1):
            name = f"screenshots/{number:02d}{path.suffix.lower()}"
            (self.folder / "screenshots").mkdir(exist_ok=True)
            shutil.copyfile(path, self.folder / name)
            found.append(name)
        return found


def _read(path: Path) -> Inspection:
    found = files.inspect(path)
    return sidecar.read(path) or found if found.verdict is Verdict.ABSENT else found


def _check_picture(path: Path) -> None:
    try:
        with Image.open(path):
            pass
    except (OSError, ValueError, Image.DecompressionBombError):
        raise InputError(
            Bi(f"截图 {path} 不是图片", f"the screenshot {path} is no picture"), Bi("给出 PNG 或 JPEG", "give a PNG or JPEG")
        ) from None  # fmt: skip


def _opening(film: Path, target: Path) -> None:
    import av  # noqa: PLC0415 - optional; the film was made with it

    with av.open(str(film)) as given:
        frame: Any = next(given.decode(video=0))
        frame.to_image().save(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _version(program: str, flag: str) -> str:
    """Return the version of a program; empty where it is not there."""
    found = shutil.which(program)
    if found is None:
        return ""
    try:
        done = subprocess.run([found, flag], capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603 - found by name
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = re.search(r"\d[\w.+-]*", done.stdout)
    return said[0] if said and done.returncode == 0 else ""


def _run(path: Path, program: str, *flags: str) -> str:
    found = shutil.which(program) or program
    try:
        done = subprocess.run(  # noqa: S603 - found by name, our own file
            [found, *flags, path.name], capture_output=True, text=True, timeout=_PATIENCE, cwd=path.parent, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
