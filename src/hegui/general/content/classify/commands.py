"""`hegui content train`: labelled texts in, a model file and its report out."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from hegui.general.content.classify.features import BITS
from hegui.general.content.classify.labels import read_labels, risk_named
from hegui.general.content.classify.model import Model
from hegui.general.content.classify.report import few_benign, markdown, percent
from hegui.general.content.classify.training import Options
from hegui.general.content.classify.training import train as train_model
from hegui.general.content.policy import UNMAPPED
from hegui.kit.commands import guarded, json_option, say
from hegui.kit.errors import InputError
from hegui.kit.files import write_output
from hegui.kit.text import Bi

_LEAST, _MOST = 0.0001, 0.5


@click.command("train", epilog="例 / example: hegui content train labels.csv --out model.hgm --target-fpr 0.01")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="DATA…")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="模型文件。 / The model file.")
@click.option(
    "--target-fpr", type=click.FloatRange(_LEAST, _MOST), default=0.01, show_default=True,
    help="良性文本的目标误报率。 / False-positive rate to aim for on benign texts.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="随机种子。 / Seed.")
@click.option("--risk", default=UNMAPPED, help="标签 1 所指的风险，如 A.2.e。 / The risk that a label of 1 means.")
@click.option(
    "--bits", type=click.IntRange(BITS[0], BITS[-1]), default=BITS[0], show_default=True,
    help="特征表大小 2^N。 / Size of the feature table, 2^N.",
)  # fmt: skip
@click.option(
    "--opposing/--no-opposing", default=True,
    help="把随附的反歧视文本的一半当作良性学习。 / Learn half of the shipped texts that oppose discrimination as benign.",
)  # fmt: skip
@json_option
@guarded
def train(data: tuple[Path, ...], out: Path, risk: str, *, as_json: bool, **chosen: Any) -> None:  # noqa: ANN401 - flags of any type
    """用自己的标注训练分类模型（CSV、JSONL、XLSX，列 text,label[,source]）。 / Train a classifier on your own labels."""
    began = perf_counter()
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise InputError(
            Bi(f"不能写 {out}", f"can not write {out}"),
            Bi("给出已有目录中的文件名", "name a file in a folder that exists"),
        )
    labels = read_labels(data, risk_named(risk))

    def progress(done: int, total: int, what: Bi) -> None:
        click.echo(f"{done}/{total} {what.both} … {perf_counter() - began:.1f} s", err=True)

    outcome = train_model(labels, Options(**chosen), progress)
    Model.unpack(outcome.model)
    page = out.with_name(f"{out.name}.md")
    write_output(out, outcome.model)
    write_output(page, markdown(outcome).encode())
    tested = outcome.report["test"]["any"]
    say(
        {
            "out": str(out), "report_file": str(page), "version": outcome.version,
            "sha256": sha256(outcome.model).hexdigest(), "bytes": len(outcome.model), "report": outcome.report,
        },
        [
            f"模型 model {out}  {outcome.version}  {len(outcome.model):,} B",
            f"报告 report {page}",
            f"测试 test: 召回 recall {percent(tested['recall'])}; 误报 false positives {percent(tested['false_positives'])}",
            *_warnings(outcome.report),
        ],
        as_json=as_json,
    )  # fmt: skip


def _warnings(report: dict[str, Any]) -> list[str]:
    lines = []
    if report["conflicts"]["count"]:
        count = report["conflicts"]["count"]
        lines.append(f"注意：{count} 组标注矛盾，未使用 / contradicting labels, not used: {count}; see the report")
    if report["left_out"]:
        lines.append(f"注意：太少而未学 / too few to learn: {report['left_out']}")
    if not report["threshold"]["enough"]:
        lines.append(f"注意：{few_benign(report).both}")
    return lines
