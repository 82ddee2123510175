"""`hegui label`: write, pass on, read and verify labels of files. There is no command that removes one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson

from hegui.kit import ids
from hegui.kit.commands import guarded, json_option, say, watched
from hegui.kit.errors import InputError
from hegui.kit.files import write_output
from hegui.kit.text import Bi
from hegui.service.labels import c2pa, explain, files, sidecar, signatures
from hegui.service.labels.c2pa_commands import c2pa as c2pa_group
from hegui.service.labels.c2pa_commands import seal_of, seal_options
from hegui.service.labels.container import not_writable
from hegui.service.labels.containers import CONTAINERS, HEAD, NotWritableError, container_of
from hegui.service.labels.containers.texts import PlainText
from hegui.service.labels.files import Inspection, Verdict
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.named import found_files
from hegui.service.labels.pack.commands import pack
from hegui.service.labels.schema import Kind, Label
from hegui.service.labels.signatures import Signature

_FILE: click.Path = click.Path(path_type=Path)
_BAD = 2
_WITHOUT_PLACE = frozenset({"text", "json", "jsonl"})


@click.group("label")
def label() -> None:
    """标识：写入、传播、读取、核验（第十二条）。 / Labels: write, pass on, read, verify (Art. 12)."""


label.add_command(c2pa_group)
label.add_command(pack)


def inspected(path: Path) -> Inspection:
    """Return what a file says, or what is said beside it where it has no place of its own."""
    found = files.inspect(path)
    if found.verdict is Verdict.ABSENT and found.container in _WITHOUT_PLACE:
        return sidecar.read(path) or found
    return found


# --- writing -------------------------------------------------------------------------------------------

_out_option = click.option(
    "-o", "--out", type=_FILE, required=True, help="写到哪里；可与原文件相同。 / Where to; may be the file itself."
)


@label.command("write", epilog="例 / example: hegui label write a.png -o b.png --producer 0011…10001 --id 0198f0c2-…")
@click.argument("source", type=_FILE, metavar="IN")
@_out_option
@click.option("--producer", required=True, help="27 位生成服务提供者编码。 / The provider's code, 27 characters.")
@click.option(
    "--id", "number", default="", help="内容编号，不给则新生成。 / Number of the content; a new one without it."
)
@click.option(
    "--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.IS.value, show_default=True,
    help="1 属于、2 可能、3 疑似。 / Is (1), possibly (2), suspected (3).",
)  # fmt: skip
@click.option("--sign-key", type=_FILE, help="签名密钥，签在 ReservedCode1。 / Signing key; signs in ReservedCode1.")
@seal_options
@json_option
@guarded
def write_command(  # noqa: PLR0913 - the flags of one command
    source: Path, out: Path, *, producer: str, number: str, kind: str, sign_key: Path | None,
    c2pa_chain: Path | None, c2pa_key: Path | None, break_c2pa: bool, as_json: bool,
) -> None:  # fmt: skip
    """给文件写入隐式标识，写后读回，原文件不变。 / Write the implicit label; it is read back before it counts."""
    wanted = Label.first(producer, number or ids.uuid7(), kind=Kind(kind))
    if sign_key is not None:
        wanted = signatures.signed(wanted, signatures.read_key(sign_key))
    seal = seal_of(c2pa_chain, c2pa_key, breaking=break_c2pa)
    try:
        found = files.write(source, out, wanted, seal=seal)
    except NotWritableError:
        if not _has_no_place(source):
            raise
        _signs_none(seal, source)
        sidecar.check(source, wanted)
        _copy_text(source, out, wanted)
        found = sidecar.write(out, wanted)
        click.echo(f"标识写在 / the label stands in {sidecar.sidecar_of(out)}", err=True)
    _say(out, found, as_json=as_json)


def _copy_text(source: Path, out: Path, wanted: Label) -> None:
    """Copy a text that has its label beside it; raise, before anything is written, where another's stands beside the target."""
    if source.resolve() != out.resolve():
        sidecar.check(out, wanted)
        if _has_place(out):
            raise not_writable(
                f"目标的扩展名属于另一种格式：{out.name}", f"the target's name is of another format: {out.name}"
            )
        write_output(out, source.read_bytes())


def _signs_none(seal: files.Seal, source: Path) -> None:
    """Raise InputError where a text was to be signed: C2PA knows no place in it."""
    if seal.sign is not None:
        c2pa.format_of("text", source.name)


def _has_place(path: Path) -> bool:
    """Say whether files of that name have a place for a label of their own."""
    return any(path.suffix.lower() in item.suffixes for item in CONTAINERS if item.name not in _WITHOUT_PLACE)


def _has_no_place(path: Path) -> bool:
    with path.open("rb") as file:
        return isinstance(container_of(file.read(HEAD), path.name), PlainText)


@label.command("propagate", epilog="例 / example: hegui label propagate a.png -o a.png --propagator 0011…20001 --id 42")
@click.argument("source", type=_FILE, metavar="IN")
@_out_option
@click.option("--propagator", required=True, help="27 位传播服务提供者编码。 / The platform's code, 27 characters.")
@click.option("--id", "number", required=True, help="平台的内容编号。 / The platform's number of the content.")
@seal_options
@json_option
@guarded
def propagate_command(  # noqa: PLR0913 - the flags of one command
    source: Path, out: Path, propagator: str, number: str, *,
    c2pa_chain: Path | None, c2pa_key: Path | None, break_c2pa: bool, as_json: bool,
) -> None:  # fmt: skip
    """加上传播要素，生成方的字段不动。 / Add the fields of propagation; the producer's stay."""
    there = sidecar.read(source)
    seal = seal_of(c2pa_chain, c2pa_key, breaking=break_c2pa)
    if there is not None and _has_no_place(source):
        _signs_none(seal, source)
        wanted = files.passed_on(there, propagator, number)
        if source.resolve() != out.resolve() and sidecar.read(out) is not None:
            sidecar.check(out, wanted)
        if source.resolve() != out.resolve():
            write_output(out, source.read_bytes())
        _say(out, sidecar.put(out, wanted), as_json=as_json)
        return
    _say(out, files.propagate(source, out, propagator, number, seal=seal), as_json=as_json)


@label.command("key", epilog="例 / example: hegui label key -o signing.json")
@click.option("-o", "--out", type=_FILE, required=True, help="新密钥文件。 / The file of the new key.")
@json_option
@guarded
def key_command(out: Path, *, as_json: bool) -> None:
    """生成标识签名密钥（SM2）；公钥供他人列入信任清单。 / Make a key (SM2) for signing labels; others pin its public part."""
    key = signatures.new_key(out)
    say({"file": str(out), "public": key.public.hex()}, [key.public.hex()], as_json=as_json)


# --- marking -------------------------------------------------------------------------------------------


@label.command("mark", epilog="例 / example: hegui label mark a.png -o b.png;  hegui label mark photos/ -o marked/")
@click.argument("given", nargs=-1, required=True, type=_FILE, metavar="IN…")
@click.option(
    "-o", "--out", type=_FILE, required=True, help="文件，或多个文件时的目录。 / A file; a folder for several."
)
@click.option("--wording", default="", help="标识文字，须含两要素。 / Wording, with both elements.")
@click.option(
    "--corner", type=click.Choice([item.value for item in Corner]), default=Corner.BOTTOM_RIGHT.value, show_default=True,
    help="图片、视频上的位置。 / Where on pictures and video.",
)  # fmt: skip
@click.option("--font", type=_FILE, help="自备字体。 / A font of your own.")
@click.option("--whole", is_flag=True, help="视频全程显示。 / Through the whole video.")
@click.option(
    "--codec", default="", help="自选视频编码器（许可证自负）。 / A video encoder of your choice, licence yours."
)
@click.option("--speech", type=_FILE, help="语音标识文件，代替节奏。 / A spoken label instead of the rhythm.")
@click.option("--speech-text", default="", help="语音标识说的话。 / What the spoken label says.")
@click.option(
    "--at",
    type=click.Choice(["start", "end", "both"]),
    default="start",
    show_default=True,
    help="音频中的位置。 / Where in audio.",
)
@click.option(
    "--producer", default="", help="原无隐式标识时写入，27 位编码。 / Write an implicit label where there is none."
)
@click.option(
    "--id", "number", default="", help="内容编号，与 --producer 合用。 / Number of the content, with --producer."
)
@seal_options
@json_option
@guarded
def mark_command(given: tuple[Path, ...], out: Path, *, as_json: bool, **flags: Any) -> int:  # noqa: ANN401 - flags
    """加显式标识：图片视频角标、音频节奏或语音、文档首行；原有隐式标识保留。 / Put the label that people see or hear; the implicit one stays."""
    from hegui.service.labels.marks import commands as marks  # noqa: PLC0415 - Pillow and PyAV are loaded only where they are needed

    several = out.is_dir() or len(given) > 1 or any(path.is_dir() for path in given)
    return marks.run(
        watched(found_files(given), Bi("个文件", "files")), given, out, flags, several=several, as_json=as_json
    )


# --- reading -------------------------------------------------------------------------------------------


def _manifest(path: Path, found: Inspection) -> c2pa.Manifest | None:
    """Return what a manifest of C2PA says; nothing of a file that could not be opened."""
    return c2pa.read(path) if found.container or found.verdict is not Verdict.UNREADABLE else None


Lines = Callable[[Inspection, tuple[Signature, ...]], list[str]]


def _say(
    path: Path, found: Inspection, pins: frozenset[str] = frozenset(), *, as_json: bool, lines: Lines = explain.short
) -> tuple[Signature, ...]:
    signed = signatures.check(found.label, pins) if found.label is not None else ()
    manifest = _manifest(path, found)
    if as_json:
        click.echo(orjson.dumps(explain.as_dict(str(path), found, signed, manifest)))
    else:
        said = [*lines(found, signed), *(manifest.lines() if manifest else [])]
        click.echo("\n".join([f"{path}", *(f"  {line}" for line in said)]))
    return signed


@dataclass
class _Tally:
    """How many files comply, do not, and could not be read: of each no more is kept, as there may be very many."""

    files: int = 0
    good: int = 0
    unreadable: int = 0

    def add(self, found: Inspection, signed: tuple[Signature, ...] = ()) -> None:
        self.files += 1
        self.good += explain.complies(found, signed)
        self.unreadable += found.verdict is Verdict.UNREADABLE

    def say(self) -> None:
        """Say on stderr what came of several files."""
        if self.files > 1:
            zh = f"共 {self.files:,} 个文件：合规 {self.good:,}，不合规 {self._bad:,}，无法判定 {self.unreadable:,}"
            en = f"{self.files:,} files: {self.good:,} comply, {self._bad:,} do not, {self.unreadable:,} undetermined"
            click.echo(f"{zh} / {en}", err=True)

    @property
    def _bad(self) -> int:
        return self.files - self.good - self.unreadable


def _inspections(given: tuple[Path, ...]) -> Iterator[tuple[Path, Inspection]]:
    """Yield what each file says; one of several that can not be opened does not end the run: it is undetermined."""
    several = len(given) > 1 or not given[0].is_file()
    for path in watched(found_files(given), Bi("个文件", "files")):
        try:
            found = inspected(path)
        except InputError as error:
            if not several:
                raise
            found = Inspection("", Verdict.UNREADABLE, problem=error.title)
        yield path, found
        sys.stdout.flush()


def _each(given: tuple[Path, ...], pins: Path | None, lines: Lines, *, as_json: bool) -> _Tally:
    tally = _Tally()
    known = signatures.read_pins(pins) if pins else frozenset[str]()
    for path, found in _inspections(given):
        tally.add(found, _say(path, found, known, as_json=as_json, lines=lines))
    tally.say()
    return tally


def _pins_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--pins", type=_FILE, help="信任的公钥清单，每行一个。 / Pinned public keys, one a line.")(
        command
    )


def _files_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("given", nargs=-1, required=True, type=_FILE, metavar="FILE…")(command)


@label.command("read", epilog="例 / example: hegui label read *.png photos/ --json")
@_files_argument
@_pins_option
@json_option
@guarded
def read_command(given: tuple[Path, ...], pins: Path | None, *, as_json: bool) -> int:
    """读出标识，每个文件一项。 / Read the labels, one answer a file."""
    return _BAD if _each(given, pins, explain.short, as_json=as_json).unreadable else 0


@label.command("verify", epilog="例 / example: hegui label verify a.png")
@_files_argument
@_pins_option
@json_option
@guarded
def verify_command(given: tuple[Path, ...], pins: Path | None, *, as_json: bool) -> int:
    """核验标识：缺什么、哪一条要求；全部合规为 0，否则为 1。 / Verify: what is missing and which clause asks for it; exit 0 if all is well."""
    tally = _each(given, pins, explain.verified, as_json=as_json)
    if tally.unreadable:
        return _BAD
    return 0 if tally.good == tally.files else 1


@label.command("inspect", epilog="例 / example: hegui label inspect upload.jpg --declared")
@_files_argument
@click.option("--declared", is_flag=True, help="用户声明为生成合成内容。 / The user declared it as generated.")
@click.option(
    "--traces", is_flag=True, help="检测到显式标识或其他生成痕迹。 / An explicit label or other traces were detected."
)
@json_option
@guarded
def inspect_command(given: tuple[Path, ...], *, declared: bool, traces: bool, as_json: bool) -> int:
    """按传播平台的办法判断：属于、可能、疑似，及应有的提示。 / Judge as a platform does: is, possibly, suspected, and the notice to show."""
    code = 0
    for path, found in _inspections(given):
        manifest = _manifest(path, found)
        judged = explain.platform(found, declared=declared, traces=traces)
        code = _BAD if found.verdict is Verdict.UNREADABLE else code
        if as_json:
            told = explain.as_dict(str(path), found, manifest=manifest)
            click.echo(orjson.dumps({**told, "platform": judged.as_dict()}))
        else:
            said = [*explain.short(found), *judged.lines(), *(manifest.lines() if manifest else [])]
            click.echo("\n".join([f"{path}", *(f"  {line}" for line in said)]))
    return code
