"""What `hegui label mark` does with its flags: one file or many, progress, and an answer for each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import orjson

from hegui.kit import ids
from hegui.kit.errors import HeguiError, InputError
from hegui.kit.text import Bi
from hegui.service.labels import schema
from hegui.service.labels.c2pa_commands import seal_of
from hegui.service.labels.marks import mark as marking
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.marks.mark import Marked, Options
from hegui.service.labels.schema import Label

_EVERY = 2.0
_BAD = 2


def run(  # noqa: PLR0913 - the flags of one command
    found: Iterable[Path], given: tuple[Path, ...], out: Path, flags: dict[str, Any], *, several: bool, as_json: bool
) -> int:
    """Mark files, tell of each, and return the exit code: 2 where one of several could not be marked; raise where the only one could not."""
    code = 0
    roots = [path for path in given if path.is_dir()]
    written: set[Path] = set()
    for path in found:
        target = _target(path, roots, out) if several else out
        try:
            if target.resolve() in written:
                raise InputError(
                    Bi(f"两个文件都要写到 {target}", f"two files would be written to {target}"),
                    Bi("改名，或分几次标记", "rename one, or mark them in two runs"),
                )
            written.add(target.resolve())
            done = marking.mark(path, target, _options(flags), _progress(path))
        except HeguiError as error:
            if not several:
                raise
            code = _BAD
            _tell_error(path, error, as_json=as_json)
            continue
        _tell(path, target, done, as_json=as_json)
        sys.stdout.flush()
    return code


def _target(path: Path, roots: list[Path], out: Path) -> Path:
    """Return where a file of several goes: under the folder, as it was under its own."""
    root = next((root for root in roots if path.is_relative_to(root)), path.parent)
    target = out / path.relative_to(root)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            Bi(f"{out} 不是目录", f"{out} is no folder: {error.strerror}"),
            Bi("多个文件时 -o 给出目录", "give a folder with -o for several files"),
        ) from None
    return target


def _options(flags: dict[str, Any]) -> Options:
    speech = None
    if flags["speech"] is not None:
        if not flags["speech_text"]:
            raise InputError(
                Bi("语音标识缺少文字", "the text of the spoken label is missing"),
                Bi(
                    "用 --speech-text 给出所说的话，以核对要素与语速",
                    "give what it says with --speech-text, so that it can be checked",
                ),
                cite="GB45438-5.3",
            )
        speech = (flags["speech"], flags["speech_text"])
    first = None
    if flags["producer"]:
        first = schema.check(Label.first(flags["producer"], flags["number"] or ids.uuid7()), first=True)
    return Options(
        wording=flags["wording"], corner=Corner(flags["corner"]), font=flags["font"], whole=flags["whole"],
        encoder=flags["codec"], at=flags["at"], speech=speech, first=first,
        seal=seal_of(flags["c2pa_chain"], flags["c2pa_key"], breaking=flags["break_c2pa"], visible=True),
    )  # fmt: skip


def _progress(path: Path) -> Callable[[float], None]:
    due = time.monotonic() + _EVERY

    def tell(share: float) -> None:
        nonlocal due
        if time.monotonic() >= due:
            click.echo(f"{path.name}: {share:.0%}", err=True)
            due = time.monotonic() + _EVERY

    return tell


def _tell(path: Path, target: Path, done: Marked, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"file": str(path), "out": str(target), **done.as_dict()}))
        return
    shown = ", ".join(f"{key} {value}" for key, value in done.details.items())
    label = done.implicit.label
    kept = (
        f"隐式标识 / implicit label: {label.content_producer} {label.produce_id}"
        if label
        else "无隐式标识 / no implicit label"
    )
    click.echo(f"{path} → {target}\n  {shown}\n  {kept}")


def _tell_error(path: Path, error: HeguiError, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"file": str(path), **error.as_dict()}))
    click.echo("\n".join([str(path), *(f"  {line}" for line in error.lines())]), err=True)
