"""`hegui content suggest`: texts in, the risks that they could belong to out, from a few labelled examples."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from hegui.general.content import texts
from hegui.general.content.classify.labels import read_labels, risk_named
from hegui.general.content.classify.suggest import BENIGN, SmallE5, Suggester, Suggestion
from hegui.general.content.policy import UNMAPPED
from hegui.general.content.showing import BAD_INPUT, say_broken
from hegui.kit.commands import guarded, json_option
from hegui.law import risks


@click.command("suggest", epilog="例 / example: hegui content suggest labels.csv --json < texts.txt")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="LABELS…")
@click.option("--risk", default=UNMAPPED, help="标签 1 所指的风险，如 A.2.e。 / The risk that a label of 1 means.")
@click.option(
    "--most", type=click.IntRange(1, 31), default=3, show_default=True, help="每条几个。 / How many for each."
)
@json_option
@guarded
def suggest(data: tuple[Path, ...], risk: str, *, most: int, as_json: bool) -> int:
    """按少量标注提示文本可能属于哪些风险，供人参考（须装 hegui[embedding]）。 / Suggest risks for texts, a line each, from a few labels."""
    suggester = Suggester(SmallE5(), read_labels(data, risk_named(risk)).records)
    code = 0
    for text in texts.lines(sys.stdin.buffer):
        if text.broken is not None:
            say_broken(text, text.broken)
            code = BAD_INPUT
            continue
        (found,) = suggester.suggest([text.text], most)
        if as_json:
            click.echo(orjson.dumps({"line": text.line, "suggestions": [item.as_dict() for item in found]}))
        else:
            click.echo(f"{text.line}  " + "; ".join(map(_shown, found)))
    return code


def _shown(item: Suggestion) -> str:
    name = "良性 benign" if item.risk == BENIGN else f"{item.risk} {risks().name(item.risk).zh}"
    return f"{name} {item.score:.2f} ({item.examples})"
