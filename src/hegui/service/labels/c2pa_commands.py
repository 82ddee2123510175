"""`hegui label c2pa`: sign what has its label, and read what manifests say; and the options by which other commands sign again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson

from hegui.kit.commands import guarded, json_option, say, watched
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels import c2pa as manifests_of
from hegui.service.labels.files import REFUSE, Seal
from hegui.service.labels.named import found_files

_FILE: click.Path = click.Path(path_type=Path)
_BAD = frozenset({"invalid", "unreadable"})
NONE = Bi("没有 C2PA 清单", "no C2PA manifest")
BROKEN = Bi(
    "原有 C2PA 清单的哈希不再成立（--break-c2pa）", "the C2PA manifest that was there no longer holds (--break-c2pa)"
)


@click.group("c2pa")
def c2pa() -> None:
    """C2PA 清单：先写标识，后签清单；需 hegui[c2pa]。 / C2PA manifests: the label first, C2PA last; needs hegui[c2pa]."""


def seal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that writes files the options of `seal_of`."""
    command = click.option("--break-c2pa", is_flag=True, help="放弃原 C2PA 清单的有效性。 / Give up the C2PA manifest that is there.")(command)  # fmt: skip
    command = click.option("--c2pa-key", type=_FILE, help="C2PA 私钥 PEM。 / Private key for C2PA, PEM.")(command)
    return click.option("--c2pa-chain", type=_FILE, help="写后以 C2PA 签名：证书链 PEM。 / Sign with C2PA afterwards: chain, PEM.")(command)  # fmt: skip


def seal_of(chain: Path | None, key: Path | None, *, breaking: bool, visible: bool = False) -> Seal:
    """Return what happens to manifests; raise InputError for a chain without its key, SettingsError without the extra."""
    if (chain is None) != (key is None):
        raise InputError(
            Bi("证书链与私钥要一起给出", "a chain and its key go together"),
            Bi("同时给 --c2pa-chain 与 --c2pa-key", "give both --c2pa-chain and --c2pa-key"),
        )
    if chain is not None and key is not None:
        manifests_of.need()
        return Seal(manifests_of.sealer(manifests_of.read_credential(chain, key), visible=visible))
    if breaking:
        return Seal(breaking=True, told=lambda path: click.echo(f"{path.name}: {BROKEN.both}", err=True))
    return REFUSE


@c2pa.command("sign", epilog="例 / example: hegui label c2pa sign a.png -o b.png --chain chain.pem --key key.pem")
@click.argument("source", type=_FILE, metavar="IN")
@click.option(
    "-o", "--out", type=_FILE, required=True, help="写到哪里；可与原文件相同。 / Where to; may be the file itself."
)
@click.option(
    "--chain", type=_FILE, required=True, help="证书链 PEM，签名证书在前。 / Chain in PEM, the signer's first."
)
@click.option("--key", type=_FILE, required=True, help="私钥 PEM。 / Private key in PEM.")
@click.option("--edited", is_flag=True, help="内容是经 AI 编辑而非全部生成。 / Edited by a model, not made by it.")
@json_option
@guarded
def sign_command(  # noqa: PLR0913 - the flags of one command
    source: Path, out: Path, *, chain: Path, key: Path, edited: bool, as_json: bool
) -> None:
    """给已有标识的文件签 C2PA 清单；原清单作为来源保留。 / Sign a labelled file; a manifest that is there is kept as ingredient."""
    manifests_of.need()
    found = manifests_of.sign(source, out, manifests_of.read_credential(chain, key), edited=edited)
    say(
        {"file": str(out), "c2pa": found.as_dict()},
        [f"{out}", *(f"  {line}" for line in found.lines())],
        as_json=as_json,
    )


@c2pa.command("read", epilog="例 / example: hegui label c2pa read photos/ --anchors roots.pem --json")
@click.argument("given", nargs=-1, required=True, type=_FILE, metavar="FILE…")
@click.option("--anchors", type=_FILE, help="信任列表：根证书 PEM。 / Trust list: certificates of roots, PEM.")
@json_option
@guarded
def read_command(given: tuple[Path, ...], anchors: Path | None, *, as_json: bool) -> int:
    """核验 C2PA 清单；清单不成立为 1。 / Verify C2PA manifests; exit 1 where one does not hold."""
    trusted = manifests_of.read_anchors(anchors) if anchors else ""
    code = 0
    for path in watched(found_files(given), Bi("个文件", "files")):
        found = manifests_of.read(path, trusted)
        if as_json:
            click.echo(orjson.dumps({"file": str(path), "c2pa": found.as_dict() if found else None}))
        else:
            click.echo("\n".join([f"{path}", *(f"  {line}" for line in (found.lines() if found else [NONE.both]))]))
        code = 1 if found is not None and found.state in _BAD else code
    return code
