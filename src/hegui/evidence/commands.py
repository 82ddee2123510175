"""`hegui evidence verify`: run the stand-alone verifier; export needs the database and lives in the CLI."""

from __future__ import annotations

from pathlib import Path

import click

from hegui.evidence import verify as verifier
from hegui.kit.commands import guarded, json_option, say
from hegui.kit.errors import InputError
from hegui.kit.text import Bi


@click.command("verify", epilog="例 / example: hegui evidence verify OUT --earlier checkpoint.txt")
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", help="你信任的公钥。 / The verifier key that you trust.")
@click.option(
    "--earlier", type=click.Path(path_type=Path, exists=True), help="你保存的检查点。 / A checkpoint you kept."
)
@json_option
@guarded
def verify(out: Path, key: str | None, earlier: Path | None, *, as_json: bool) -> int:
    """离线核验一份证据导出；无效时退出码为 1。 / Verify an export offline; exit code 1 when it is not valid."""
    try:
        kept = verifier.check_usage(out, key, earlier)
    except verifier.Usage as error:
        raise InputError(
            Bi(f"参数有误：{error}", f"called wrongly: {error}"),
            Bi("见 hegui evidence verify --help", "see hegui evidence verify --help"),
        ) from None
    if not as_json:
        return verifier.main(
            [str(out), *(["--key", key] if key else []), *(["--earlier", str(earlier)] if earlier else [])]
        )
    try:
        said = verifier.verify(out, key, kept)
    except (verifier.Invalid, *verifier.NOT_WHOLE) as error:
        say({"valid": False, "reason": str(error)}, [], as_json=True)
        return 1
    limits = [en for _, en in verifier.LIMITS]
    say({"valid": True, "checked": said, "does_not_prove": limits}, [], as_json=True)
    return 0
