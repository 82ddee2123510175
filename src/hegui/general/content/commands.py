"""`hegui content`: check texts, show how they are normalised, and replay a policy; the library's commands beside it.

Another command of the room joins with `content.add_command(…)` at the end of this module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import orjson

from hegui.general.content import folding, showing, texts
from hegui.general.content.cases import cases_of
from hegui.general.content.checks import Checker, load_checker
from hegui.general.content.classify import Model
from hegui.general.content.classify.commands import train
from hegui.general.content.classify.suggest_command import suggest
from hegui.general.content.library import load_library
from hegui.general.content.library_commands import library as library_group
from hegui.general.content.policy import ACTION_NAMES, Action, Side, load_policy
from hegui.general.content.replay import Replay
from hegui.general.content.showing import BAD_INPUT, say_broken
from hegui.general.content.skeleton import skeleton
from hegui.general.content.texts import Broken, Text
from hegui.kit.commands import guarded, json_option, say, watched
from hegui.kit.errors import InputError
from hegui.kit.text import Bi

F = TypeVar("F", bound=Callable[..., Any])
_FILE: click.Path = click.Path(path_type=Path)
_DIFFERENT = 1
_SHOWN = 20


@click.group()
def content() -> None:
    """内容检查：文本、词库、策略。 / Content checks: texts, keyword library, policy."""


content.add_command(library_group)
content.add_command(train)
content.add_command(suggest)


def _library_option(command: F) -> F:
    return click.option(
        "--library", type=_FILE, help="关键词库 CSV/XLSX，不给则用样例。 / Keyword library; the sample without it."
    )(command)


def _side_option(command: F) -> F:
    return click.option(
        "--side", type=click.Choice([side.value for side in Side]), default=Side.INPUT.value,
        help="文本的方向。 / Which way the text goes.",
    )(command)  # fmt: skip


def _typed() -> BinaryIO:
    """Return the standard input; who types into a terminal is told how to end."""
    if sys.stdin.isatty():
        note = Bi("请输入文本，以 Ctrl-D 结束", "type the text; Ctrl-D ends it")
        click.echo(note.both, err=True)
    return sys.stdin.buffer


def _note_sample(checker: Checker) -> None:
    if checker.library.is_sample:
        note = Bi("用的是内置样例词库，起不到保护作用", "the sample library is in use; it protects nobody")
        click.echo(note.both, err=True)


# --- check -------------------------------------------------------------------------------------------


@content.command("check", epilog="例 / example: hegui content check --library words.xlsx --json < text.txt")
@_library_option
@click.option("--policy", type=_FILE, help="策略 YAML，不给则用默认。 / Policy; the default one without it.")
@click.option("--model", type=_FILE, help="分类模型，不给则不用。 / A classifier; none without it.")
@_side_option
@click.option(
    "--lines", "by_line", is_flag=True, help="每行一条文本，逐行输出。 / One text a line, one answer a line, at once."
)
@json_option
@guarded
def check_command(  # noqa: PLR0913 - the flags of one command
    library: Path | None, policy: Path | None, model: Path | None, side: str, *, by_line: bool, as_json: bool
) -> int:
    """检查标准输入的文本；位置按原文字符计。 / Check the text on standard input; offsets are its characters."""
    checker = load_checker(library, policy, model)
    _note_sample(checker)
    if by_line:
        return _check_lines(checker, Side(side), as_json=as_json)
    text = texts.whole(_typed())
    checked = checker.check(text, Side(side))
    say(showing.as_dict(text, checked, checker.versions), showing.described(text, checked), as_json=as_json)
    return BAD_INPUT if showing.not_scanned(checked) else 0


def _check_lines(checker: Checker, side: Side, *, as_json: bool) -> int:
    """Answer each line as it comes; what could not be checked has an answer too, and exit code 2 at the end."""
    out = sys.stdout.buffer
    code = 0
    for text in texts.lines(_typed()):
        answer, whole = _answer(checker, text, side, as_json=as_json)
        code = code if whole else BAD_INPUT
        out.write(answer + b"\n")
        out.flush()
    return code


def _answer(checker: Checker, text: Text, side: Side, *, as_json: bool) -> tuple[bytes, bool]:
    """Return the answer to one line, and whether all of it was checked."""
    found = texts.check(checker, text, side)
    if isinstance(found, Broken):
        say_broken(text, found)
        told = showing.refused(found, checker.versions) if as_json else showing.line_of_broken(text, found)
        return _bytes(told), False
    told = showing.as_dict(text.text, found, checker.versions) if as_json else showing.line_of(text, found)
    return _bytes(told), not showing.not_scanned(found)


def _bytes(told: dict[str, Any] | str) -> bytes:
    return told.encode() if isinstance(told, str) else orjson.dumps(told)


# --- normalise ---------------------------------------------------------------------------------------


@content.command("normalise", epilog="例 / example: printf 'Ａ-Ｂ 漢' | hegui content normalise --json")
@click.option(
    "--form", type=click.Choice(["words", "folded"]), default="words", show_default=True,
    help="words：找词时的样子，还原一切；folded：只还原大小写、全角与不可见字符，个人信息即在其中找。 / "
    "words: as words are looked for, all ways of hiding undone; folded: case, width and what shows nothing alone, as for "
    "personal information.",
)  # fmt: skip
@json_option
@guarded
def normalise_command(*, form: str, as_json: bool) -> None:
    """显示规范化后的文本；--json 附位置对照。 / Show the text as it is compared; with --json also where each character stood."""
    text = texts.whole(_typed())
    if form == "words":
        bones = skeleton(text)
        shown, places = bones.text, [*map(int, bones.origins), len(text)]
    else:
        fold = folding.fold(text)
        shown, places = fold.text, [fold.origin(index) for index in range(len(fold.text) + 1)]
    if as_json:
        click.echo(orjson.dumps({"text": shown, "map": places}))
    else:
        click.echo(shown.removesuffix("\n"))


# --- replay ------------------------------------------------------------------------------------------


@content.command(
    "replay",
    epilog="例 / example: hegui content replay --policy new.yaml --against old.yaml --library words.xlsx texts.jsonl",
)
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="TEXTS...")
@click.option("--policy", type=_FILE, required=True, help="要试的策略。 / The policy to try.")
@click.option(
    "--against", type=_FILE, help="与之比较的策略，不给则为默认。 / The one to compare; the default without it."
)
@_library_option
@click.option("--model", type=_FILE, help="分类模型，不给则不用。 / A classifier; none without it.")
@_side_option
@click.option(
    "--top", type=click.IntRange(min=0), default=1000, show_default=True,
    help="最多列出多少处不同，0 为全部。 / How many changed texts to list, 0 for all.",
)  # fmt: skip
@json_option
@guarded
def replay_command(  # noqa: PLR0913 - the flags of one command
    *,
    files: tuple[Path, ...],
    policy: Path,
    against: Path | None,
    library: Path | None,
    model: Path | None,
    side: str,
    top: int,
    as_json: bool,
) -> int:
    """用两份策略重放文本：无不同为 0，有不同为 1。 / Run two policies over texts: exit 0 when nothing differs, 1 when something does.

    TEXTS 为每行一条的文件、.jsonl（{"text", "side", "expected"}）、有 text、expected、side 列的 .csv、.tsv、.xlsx、文件夹或 -。
    给出 expected（预期动作）的文本须如其所言；未给 --against 时，这些文本不再与默认策略比较。

    TEXTS are files of one text a line, .jsonl ({"text", "side", "expected"}), .csv, .tsv or .xlsx with the columns
    text, expected, side, folders, or -. A text with an expected action is held to it; without --against it is not
    compared with the default policy besides.
    """
    words, judge = load_library(library), Model.load(model) if model else None
    before, after = Checker(words, load_policy(against), judge), Checker(words, load_policy(policy), judge)
    found = cases_of(files)
    _note_sample(after)
    replay = Replay(before, after, top or sys.maxsize, cases_alone=against is None)
    replay.run(watched(found, Bi("条文本", "texts")), Side(side))
    if not (replay.texts or replay.not_scanned):
        raise InputError(
            Bi("没有任何文本，什么也没有比较", "there are no texts; nothing was compared"),
            Bi("给出有文本的文件", "give files with texts"),
        )
    say(replay.as_dict(), _replay_lines(replay), as_json=as_json)
    for text, broken in replay.broken:
        say_broken(text, broken)
    if replay.not_scanned:
        return BAD_INPUT
    return _DIFFERENT if replay.differing or replay.failed else 0


def _replay_lines(replay: Replay) -> list[str]:
    lines = [
        f"策略 policy {replay.before.policy.version} → {replay.after.policy.version}  词库 library {replay.after.library.version}",
        f"{replay.texts:,} 条文本，{replay.differing:,} 条不同 / {replay.texts:,} texts, {replay.differing:,} differ",
    ]
    lines += _case_lines(replay)
    lines += [f"  {line}" for line in _moves(replay.actions)]
    for risk, counts in sorted(replay.risks.items()):
        if counts[0] != counts[1]:
            lines += [risk, *(f"  {line}" for line in _moves(counts))]
    for item in replay.changed[:_SHOWN]:
        change = f"{ACTION_NAMES[item.before].both} → {ACTION_NAMES[item.after].both}"
        lines.append(f"{item.source}:{item.line}  {change}  [{', '.join(item.risks)}]")
    if replay.differing > len(replay.changed[:_SHOWN]):
        lines.append(showing.more(replay.differing - len(replay.changed[:_SHOWN])))
    return lines


def _case_lines(replay: Replay) -> list[str]:
    if not replay.cases:
        return []
    count, failed = replay.cases, replay.failed
    said = Bi(f"{count:,} 条用例，{failed:,} 条不合预期", f"{count:,} cases, {failed:,} not as expected")
    shown = replay.failures[:_SHOWN]
    lines = [
        f"{item.source}:{item.line}  预期 expected {ACTION_NAMES[item.expected].both}，实为 but was {ACTION_NAMES[item.action].both}"
        f"  [{', '.join(item.risks)}]"
        for item in shown
    ]
    return [said.both, *lines, *([showing.more(failed - len(shown))] if failed > len(shown) else [])]


def _moves(counts: tuple[Any, Any]) -> list[str]:
    return [f"{ACTION_NAMES[action].both}: {counts[0][action]:,} → {counts[1][action]:,}" for action in Action]
