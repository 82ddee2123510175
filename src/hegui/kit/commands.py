"""What every command shares: JSON or words, settings from flags, and exit codes that mean something."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from hegui.kit.errors import HeguiError, InputError
from hegui.kit.settings import Settings, read_settings
from hegui.kit.text import Bi

P = ParamSpec("P")
T = TypeVar("T")
_EVERY = 2.0


def say(data: Any, lines: list[str], *, as_json: bool) -> None:  # noqa: ANN401 - any JSON value
    """Print data as JSON, or lines for a person."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=1, default=str))
    else:
        for line in lines:
            click.echo(line)


def watched(items: Iterable[T], what: Bi) -> Iterator[T]:
    """Yield items; when it takes long, say on stderr every two seconds how many are done."""
    due = time.monotonic() + _EVERY
    for done, item in enumerate(items):
        yield item
        if time.monotonic() >= due:
            click.echo(f"{done + 1:,} {what.both}", err=True)
            due = time.monotonic() + _EVERY


def guarded(command: Callable[P, int | None]) -> Callable[P, None]:
    """Turn a HeguiError into words, or JSON with --json, and into its exit code; a number returned is an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except HeguiError as error:
            if kwargs.get("as_json"):
                click.echo(json.dumps(error.as_dict(), ensure_ascii=False, indent=1))
            click.echo("\n".join(error.lines()), err=True)
            sys.exit(error.exit_code)
        if code:
            sys.exit(code)

    return run


def unicode_only(command: Callable[P, int | None]) -> Callable[P, int | None]:
    """Refuse what was typed in another encoding before it reaches the database."""

    @functools.wraps(command)
    def run(*args: P.args, **given: P.kwargs) -> int | None:
        for said in given.values():
            for text in said if isinstance(said, tuple) else (said,):
                if isinstance(text, str) and text != text.encode("utf-8", "replace").decode():
                    shown = text.encode("utf-8", "replace").decode()
                    raise InputError(
                        Bi(f"{shown!r} 不是 UTF-8 文本", f"{shown!r} is not text in UTF-8"),
                        Bi("把终端设为 UTF-8 后重新输入", "set the terminal to UTF-8 and type it again"),
                    )
        return command(*args, **given)

    return run


json_option = click.option("--json", "as_json", is_flag=True, help="以 JSON 输出。 / Print JSON.")
data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=None, help="数据目录。 / Data directory."
)


def settings_of(**flags: Any) -> Settings:  # noqa: ANN401 - flags of any type
    """Return the settings for a command's flags."""
    return read_settings(flags)
