"""`hegui uploads`: judge files as a platform does and keep that it was done; list what was kept."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from hegui.evidence.keyring import open_keyring
from hegui.kit import clock
from hegui.kit.calls import CallError
from hegui.kit.commands import data_option, guarded, json_option, say, settings_of, unicode_only, watched
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.people import api_keys
from hegui.service.labels.named import found_files
from hegui.service.uploads import queries
from hegui.service.uploads.api import upload_data
from hegui.service.uploads.desk import Desk
from hegui.service.uploads.judging import digest_of
from hegui.service.uploads.models import FORMS, JUDGEMENTS, Form, Judgement, Upload
from hegui.service.uploads.shelf import Slip, suffix_of
from hegui.store import unit_of_work
from hegui.store.opened import opened


@click.group()
def uploads() -> None:
    """传播平台：核验上传内容并留存记录。 / Platforms: check uploads, and keep that it was done."""


def _line(row: Upload) -> str:
    notice = row.notice["zh"] if row.notice else "—"
    judged, form = JUDGEMENTS[Judgement(row.judgement)].both, FORMS[Form(row.form)].both
    return f"{row.id}  {row.service}  {clock.iso(row.at)}  {judged}  {notice}  {form}"


@uploads.command(
    "inspect", epilog="例 / example: hegui uploads inspect --data data --service forum --out OUT upload.jpg"
)
@click.argument("given", nargs=-1, required=True, type=click.Path(path_type=Path))
@data_option
@click.option("--service", required=True, help="服务名。 / Name of the service.")
@click.option("--user", default="", help="上传者，只以假名留存。 / Who uploaded them; kept as a pseudonym.")
@click.option("--declared/--not-declared", default=None, help="用户的声明。 / What the user declared.")
@click.option(
    "--traces", is_flag=True, help="检测到显式标识或其他痕迹。 / An explicit label or other traces were found."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="写入传播要素后的文件放在这里。 / A folder for the files with the platform's fields.")  # fmt: skip
@json_option
@guarded
@unicode_only
def inspect_command(  # noqa: PLR0913 - the flags of one command
    given: tuple[Path, ...], data: Path | None, service: str, user: str, *,
    declared: bool | None, traces: bool, out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """核验文件并留存；中断后重来，已核验的不再重复。 / Check files and keep it; broken off and run again, none is checked twice."""
    settings = settings_of(data=data)
    code, paths = 0, list(found_files(given))
    if out is not None:
        _check_targets(paths, out)
    with opened(settings) as store:
        keyring = open_keyring(settings.data)
        with unit_of_work(store) as session:
            api_keys.open_service(session, service)
        desk = Desk(store, keyring, settings)
        slip = Slip(service, person=keyring.person(service, user) if user else None, declared=declared, traces=traces)
        for path in watched(paths, Bi("个文件", "files")):
            row = _taken(desk, path, slip, out)
            code = 2 if row.judgement == Judgement.UNDETERMINED else code
            click.echo(
                orjson.dumps({"path": str(path).encode("utf-8", "replace").decode(), **upload_data(row)})
                if as_json
                else f"{path}\n  {_line(row)}"
            )
    return code


def _taken(desk: Desk, path: Path, slip: Slip, out: Path | None) -> Upload:
    """Take a file in as an upload; the same bytes with the same declaration are one, however often it is run."""
    try:
        digest, size = digest_of(path), path.stat().st_size
    except OSError as error:
        raise InputError(
            Bi(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}"),
            Bi("检查路径与权限", "check the path and its permissions"),
        ) from None
    known = {True: "declared", False: "denied", None: ""}[slip.declared]
    key = f"{digest}:{known}{':traces' if slip.traces else ''}"
    slip = replace(slip, key=key, size=size, suffix=suffix_of(path.name))
    row = desk.known(slip)
    if row is None:
        number = desk.open(slip)
        shutil.copyfile(path, desk.shelf.source(number, slip))
        row = desk.finish(number, slip)
    if out is not None and row.form == Form.FILE:
        _put(desk, path, row, out / path.name)
    return row


def _put(desk: Desk, path: Path, row: Upload, target: Path) -> None:
    """Put the file with the platform's fields where it was asked for; what stands there already stays."""
    if target.exists():
        if digest_of(target) != row.out_digest:
            raise _in_the_way(target)
        return
    target.parent.mkdir(exist_ok=True, parents=True)
    try:
        made = desk.file(row.id, row.service)
    except CallError:  # swept meanwhile
        desk.write_again(row, path, target)
    else:
        shutil.copyfile(made, target)


def _in_the_way(target: Path) -> InputError:
    return InputError(
        Bi(f"{target} 已存在，不覆盖", f"{target} is there already and is not written over"),
        Bi("换一个 --out 目录，或移走该文件", "name another folder with --out, or move that file away"),
    )


def _check_targets(paths: list[Path], out: Path) -> None:
    """Raise InputError where two files would go to one place, or one over a file that was given."""
    given, taken = {path.resolve() for path in paths}, dict[str, Path]()
    for path in paths:
        if (out / path.name).resolve() in given:
            raise _in_the_way(out / path.name)
        if path.name in taken:
            raise InputError(
                Bi(
                    f"{taken[path.name]} 与 {path} 会写到同一处",
                    f"{taken[path.name]} and {path} would go to the same place",
                ),
                Bi("分开处理，各用一个 --out 目录", "take them one after the other, each with a folder of its own"),
            )
        taken[path.name] = path


@uploads.command("list", epilog="例 / example: hegui uploads list --data data --judgement suspected")
@data_option
@click.option("--judgement", type=click.Choice([item.value for item in Judgement]), help="判断。 / The judgement.")
@click.option("--service", default="", help="服务名。 / Name of the service.")
@json_option
@guarded
@unicode_only
def list_command(data: Path | None, judgement: str | None, service: str, *, as_json: bool) -> None:
    """列出核验过的上传，最新在前。 / List uploads that were checked, newest first."""
    with opened(settings_of(data=data)) as store, unit_of_work(store) as session:
        rows = queries.uploads(session, queries.Filter(judgement or "", service))[: queries.PAGE]
        made: list[dict[str, Any]] = [upload_data(row) for row in rows]
        say(made, [_line(row) for row in rows], as_json=as_json)
