"""`hegui label pack`: the labelling material for a filing or an app store, with progress on the error output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hegui.kit.commands import data_option, guarded, json_option, say
from hegui.kit.text import Bi
from hegui.service.labels.marks.corner import Corner
from hegui.service.labels.text import DEFAULT_WORDING, LabelPosition, LabelStyle

Styles = Callable[[Path], tuple[tuple[str, LabelStyle], ...]]
"""What returns how each service of a data directory labels its text answers; the command line gives it, as labels know no database."""
_FILE: click.Path = click.Path(path_type=Path)


@click.command("pack", epilog="例 / example: hegui label pack -o pack.zip --producer 0011…10001 --provider 公司名称")
@click.option("-o", "--out", type=_FILE, required=True, help="新目录，或 .zip 文件。 / A new folder, or a .zip.")
@click.option(
    "--producer", default="", help="27 位提供者编码；不给则用样例值。 / The provider's code; a sample without."
)
@click.option("--provider", default="", help="提供者名称，写在说明里。 / The provider's name, for the text.")
@click.option("--wording", default="", help="图片、视频标识文字。 / Wording on pictures and film.")
@click.option("--corner", type=click.Choice([item.value for item in Corner]), default=Corner.BOTTOM_RIGHT.value, show_default=True, help="图片、视频上的位置。 / Where on pictures and film.")  # fmt: skip
@click.option("--font", type=_FILE, help="自备字体。 / A font of your own.")
@click.option("--whole", is_flag=True, help="视频全程显示。 / Through the whole film.")
@click.option("--at", type=click.Choice(["start", "end", "both"]), default="start", show_default=True, help="音频中的位置。 / Where in sound.")  # fmt: skip
@data_option
@click.option("--text-wording", default=DEFAULT_WORDING, show_default=True, help="没有 --data 时的文本标识文字。 / Wording in text, without --data.")  # fmt: skip
@click.option("--text-position", type=click.Choice([item.value for item in LabelPosition]), default=LabelPosition.END.value, show_default=True, help="没有 --data 时的文本标识位置。 / Where in text, without --data.")  # fmt: skip
@click.option("--sign-key", type=_FILE, help="签名密钥，签在 ReservedCode1。 / Signing key; signs in ReservedCode1.")
@click.option(
    "--screenshot", type=_FILE, multiple=True, help="产品界面截图，可多次。 / A screenshot of the product; many."
)
@json_option
@click.pass_obj
@guarded
def pack(styles: Styles | None, /, out: Path, *, data: Path | None, as_json: bool, **flags: Any) -> int:  # noqa: ANN401 - flags
    """制作标识材料包：说明、样例、截图、元数据、摘要、对应条款。 / Make the labelling pack: description, samples, pictures, metadata, digests, clauses."""
    from hegui.service.labels.marks.design import WORDING  # noqa: PLC0415 - Pillow is loaded only where it is needed
    from hegui.service.labels.pack.build import Options, build  # noqa: PLC0415 - as above
    from hegui.service.labels.pack.describe import index  # noqa: PLC0415 - as above

    texts: tuple[tuple[str, LabelStyle], ...] = ()
    if data is not None and styles is not None:
        texts = styles(data)
    texts = texts or (("", LabelStyle(LabelPosition(flags["text_position"]), flags["text_wording"])),)
    options = Options(
        producer=flags["producer"], provider=flags["provider"], texts=texts, wording=flags["wording"] or WORDING,
        corner=Corner(flags["corner"]), font=flags["font"], at=flags["at"], whole=flags["whole"], sign_key=flags["sign_key"],
        screenshots=tuple(flags["screenshot"]),
    )  # fmt: skip
    told = build(out, options, lambda step: click.echo(step.both, err=True))
    lines = [Bi(f"{out}：{len(told.samples)} 个样例", f"{out}: {len(told.samples)} samples").both]
    if told.is_sample:
        lines.append(Bi("编码是样例，不得用于申报", "the code is a sample: do not file it").both)
    if not told.media:
        lines.append(Bi("没有音视频样例：安装 hegui[media]", "no sound or film: install hegui[media]").both)
    lines += [f"{item.name}: {line}" for item in told.samples if not item.complies for line in item.lines]
    say({"out": str(out), **index(told)}, lines, as_json=as_json)
    return 0 if told.complies else 1
