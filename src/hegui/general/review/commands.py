"""`hegui review`: hand out what reviewers kept, as training labels or as regression cases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click

from hegui.evidence.box import Box
from hegui.evidence.keyring import open_keyring
from hegui.general.review import learning
from hegui.general.review.models import Kind
from hegui.kit.commands import data_option, guarded, json_option, say, settings_of
from hegui.kit.errors import InputError
from hegui.kit.files import write_output
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.store import Store, unit_of_work

Open = Callable[[Settings], AbstractContextManager[Store]]
_OPERATOR = "command-line"
_KINDS = {
    "labels": (
        Kind.LABEL,
        "导出训练标注，供 hegui content train 使用。 / Export training labels, for `hegui content train`.",
    ),
    "cases": (Kind.CASE, "导出回归用例，供 hegui content replay 使用。 / Export cases, for `hegui content replay`."),
}


def group(opened: Open) -> click.Group:
    """Return the group of commands; `opened` opens the database of a data directory."""
    found = click.Group("review", help="人工审核：标注与用例。 / Review by people: labels and cases.")
    for name, (kind, told) in _KINDS.items():
        found.add_command(_command(name, kind, told, opened))
    return found


def _command(name: str, kind: Kind, told: str, opened: Open) -> click.Command:
    @click.command(name, help=told, epilog=f"例 / example: hegui review {name} --data data --out {name}.jsonl")
    @data_option
    @click.option("--out", type=click.Path(path_type=Path), required=True, help="JSONL 文件。 / The JSONL file.")
    @json_option
    @guarded
    def command(data: Path | None, out: Path, *, as_json: bool) -> None:
        count = _export(settings_of(data=data), opened, kind, out)
        say({"out": str(out), "count": count}, [f"已导出 exported {count} 条 → {out}"], as_json=as_json)

    return command


def _export(settings: Settings, opened: Open, kind: Kind, out: Path) -> int:
    if out.suffix.lower() != ".jsonl" or out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(
            Bi(f"不能写 {out}", f"can not write {out}"),
            Bi("给出已有目录中以 .jsonl 结尾的文件名", "name a file that ends in .jsonl in a folder that exists"),
        )
    box = Box(open_keyring(settings.data, settings.origin))
    with opened(settings) as store, unit_of_work(store) as session:
        made = learning.export(session, box, kind, _OPERATOR)
        write_output(out, made, mode=0o600)
    return made.count(b"\n")
