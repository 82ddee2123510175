"""The command line: thin, each room brings its own commands; see `hegui --help`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from hegui import __version__
from hegui.app import FACTS
from hegui.console import board
from hegui.evidence import sequencer
from hegui.evidence.commands import verify as verify_command
from hegui.evidence.export import export
from hegui.evidence.keyring import open_keyring
from hegui.evidence.publish import Publisher, published_path
from hegui.general.content import commands as content_commands
from hegui.general.content.kernel import in_use
from hegui.general.review import commands as review_commands
from hegui.general.rulebook.desk import commands as rulebook_commands
from hegui.kit import clock
from hegui.kit.commands import data_option, guarded, json_option, say, settings_of
from hegui.kit.errors import InputError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import commands as law_commands
from hegui.people import api_keys
from hegui.people.facts import RESULT_NAMES
from hegui.people.models import Service
from hegui.service.gateway.models import Exchange
from hegui.service.gateway.records import ContentBox
from hegui.service.gateway.service import service_settings
from hegui.service.labels import LabelStyle
from hegui.service.labels import commands as label_commands
from hegui.service.releases import commands as release_commands
from hegui.service.uploads import commands as upload_commands
from hegui.store import unit_of_work
from hegui.store.opened import opened
from hegui.store.revision import bump

OPERATOR = "command-line"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__, prog_name="hegui", message=f"%(prog)s, version %(version)s\n内容检查 / content check: {in_use().both}"
)
@click.pass_context
def main(context: click.Context) -> None:
    """合规 hegui：让面向公众的生成式人工智能服务依法运行，并能证明。

    Run a generative-AI service for the public in China lawfully, and prove it.
    """
    context.obj = label_styles


def label_styles(data: Path) -> tuple[tuple[str, LabelStyle], ...]:
    """Return how each service labels its text answers: `hegui label pack` asks, which opens no database itself."""
    with opened(settings_of(data=data)) as store, unit_of_work(store) as session:
        rows = session.execute(select(Service.name, Service.settings).order_by(Service.name)).all()
    return tuple((name, service_settings(settings).label) for name, settings in rows)


# --- serve ------------------------------------------------------------------------------------------


@main.command(
    "serve",
    epilog="例 / example: hegui serve --data data --port 8000 --upstream http://127.0.0.1:9000/v1 --library words.csv",
)
@data_option
@click.option("--host", help="监听地址。 / Address to listen on.")
@click.option(
    "--port", type=int, help="网关端口，控制台为其后一个。 / Port of the gateway; the console takes the next one."
)
@click.option("--console-port", type=int, help="控制台端口。 / Port of the console.")
@click.option("--workers", type=int, help="网关进程数。 / Gateway worker processes.")
@click.option("--upstream", help="demo 或 OpenAI 兼容地址。 / demo, or an OpenAI-compatible base URL.")
@click.option("--library", help="关键词库 CSV/XLSX。 / Keyword library, CSV or XLSX.")
@click.option("--policy", help="策略 YAML。 / Policy, YAML.")
@click.option("--model", help="分类模型文件。 / Classifier file.")
@click.option("--guard", help="护栏模型设置 YAML。 / Settings of the guard model, YAML.")
@json_option
@guarded
def serve_command(*, as_json: bool, **flags: Any) -> None:  # noqa: ANN401 - flags of any type
    """运行网关、控制台与账本。 / Run gateway, console and ledger; stops cleanly on SIGTERM."""
    from hegui.serve import serve  # noqa: PLC0415 - only the server needs it

    for name in ("library", "policy", "model", "guard"):
        if flags.get(name):
            flags[name] = str(Path(flags[name]).resolve())
    serve(settings_of(**flags), as_json=as_json)


# --- keys and services ------------------------------------------------------------------------------


@main.group()
def keys() -> None:
    """应用密钥。 / API keys of applications."""


@keys.command("create", epilog="例 / example: hegui keys create --data data --service chat")
@data_option
@click.option("--service", required=True, help="服务名。 / Name of the service.")
@json_option
@guarded
def create_key(data: Path | None, service: str, *, as_json: bool) -> None:
    """创建密钥，只打印密钥本身（只显示这一次）。 / Create a key and print it alone, this once."""
    with opened(settings_of(data=data)) as store, unit_of_work(store) as session:
        issued = api_keys.create_key(session, service, OPERATOR)
    say({"id": issued.id, "service": issued.service, "key": issued.secret}, [issued.secret], as_json=as_json)


@keys.command("list", epilog="例 / example: hegui keys list --data data")
@data_option
@json_option
@guarded
def list_keys(data: Path | None, *, as_json: bool) -> None:
    """列出密钥（不含密钥本身）。 / List the keys, never their secrets."""
    with opened(settings_of(data=data)) as store, unit_of_work(store) as session:
        rows = [
            {
                "id": row.id,
                "service": row.service,
                "ends_in": row.hint,
                "created": row.created_at,
                "revoked": row.revoked_at,
            }
            for row in api_keys.list_keys(session)
        ]
    lines = [f"{r['id']}  {r['service']}  …{r['ends_in']}{'  已撤销 revoked' if r['revoked'] else ''}" for r in rows]
    say(rows, lines, as_json=as_json)


@keys.command("revoke", epilog="例 / example: hegui keys revoke --data data 0199…")
@data_option
@click.argument("key_id")
@json_option
@guarded
def revoke_key(data: Path | None, key_id: str, *, as_json: bool) -> None:
    """撤销密钥，一秒内生效。 / Revoke a key; it stops within a second."""
    with opened(settings_of(data=data)) as store, unit_of_work(store) as session:
        api_keys.revoke_key(session, key_id, OPERATOR)
    say({"revoked": key_id}, [f"已撤销 revoked {key_id}"], as_json=as_json)


@main.group()
def services() -> None:
    """服务及其设置。 / Services and their settings."""


@services.command("set", epilog="例 / example: hegui services set chat --data data label_position=start refusal=error")
@data_option
@click.argument("service")
@click.argument("pairs", nargs=-1, required=True)
@json_option
@guarded
def set_service(data: Path | None, service: str, pairs: tuple[str, ...], *, as_json: bool) -> None:
    """设置拒答方式、标识位置与文字、申诉入口。 / Set refusal, label position and wording, appeal channel."""
    for pair in pairs:
        if "=" not in pair:
            raise InputError(
                Bi(f"{pair} 没有写成 键=值", f"{pair} is not of the form key=value"),
                Bi(f"例如 {pair}=值；写 {pair}= 则清空", f"for example {pair}=value; {pair}= empties it"),
            )
    given = dict(pair.partition("=")[::2] for pair in pairs)
    with opened(settings_of(data=data)) as store, unit_of_work(store) as session:
        row: Service = api_keys.open_service(session, service)
        merged = {**row.settings, **given}
        service_settings(merged)
        row.settings = merged
        sequencer_entry = {"service": service, "settings": merged, "by": OPERATOR}
        from hegui.evidence import leave  # noqa: PLC0415 - one act

        leave(session, "service.changed", sequencer_entry, service=service)
        bump(session)
    say(
        {"service": service, "settings": merged}, [f"{key} = {value}" for key, value in merged.items()], as_json=as_json
    )


# --- content and law --------------------------------------------------------------------------------

main.add_command(content_commands.content)
main.add_command(review_commands.group(opened))
main.add_command(law_commands.law)
main.add_command(label_commands.label)
main.add_command(rulebook_commands.rules)
main.add_command(release_commands.releases)
main.add_command(upload_commands.uploads)


@law_commands.law.command("show", epilog="例 / example: hegui law show IM-17 --data data")
@click.argument("citation")
@data_option
@json_option
@guarded
def show_law(citation: str, data: Path | None, *, as_json: bool) -> None:
    """查看一条：转述、义务、时限、数字，以及今日事实。 / Show an article: text, duties, clocks, numbers, today's facts."""
    instrument, article, obligations = law_commands.shown(citation)
    settings = settings_of(data=data)
    facts: list[board.Status] = []
    if (settings.data / "postgres").exists() or settings.database_url:
        wanted = {item.id for item in obligations}
        facts = [status for status in _statuses(settings) if status.obligation.id in wanted]
    lines = law_commands.describe(instrument, article, obligations)
    lines += ["", f"今日 today {clock.today()}:"]
    lines += [f"  {s.obligation.id}  {RESULT_NAMES[s.result].both}  {s.reason.both}" for s in facts]
    if not facts:
        lines.append("  还没有数据目录，无事实可示 / no data directory yet, no facts to show")
    shown = law_commands.article_data(instrument, article, obligations)
    say({**shown, "today": [status.as_dict() for status in facts]}, lines, as_json=as_json)


def _statuses(settings: Settings) -> list[board.Status]:
    with opened(settings) as store, unit_of_work(store) as session:
        return board.statuses(session, clock.today(), settings, FACTS)


@law_commands.law.command("status", epilog="例 / example: hegui law status --data data --json")
@data_option
@json_option
@guarded
def law_status(data: Path | None, *, as_json: bool) -> None:
    """今日每项义务的结果。 / Today's result of every obligation."""
    found = _statuses(settings_of(data=data))
    lines = [
        f"{s.obligation.id:18} {RESULT_NAMES[s.result].both:28} {s.reason.both}"
        f"{law_commands.marked(confirmed=s.obligation.confirmed)}"
        for s in found
        if s.obligation.binds_provider
    ]
    say([status.as_dict() for status in found], lines, as_json=as_json)


# --- evidence ---------------------------------------------------------------------------------------


@main.group()
def evidence() -> None:
    """证据：导出与离线核验。 / Evidence: export, and verify offline."""


evidence.add_command(verify_command)


@evidence.command("export", epilog="例 / example: hegui evidence export --data data --out OUT")
@data_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="新目录。 / A new folder.")
@click.option("--first", type=int, default=0, help="起始序号。 / First index.")
@click.option("--end", type=int, help="结束序号（不含）。 / End index, excluded.")
@click.option(
    "--earlier",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="检查员保存的检查点。 / A checkpoint the inspector kept.",
)
@click.option("--content", is_flag=True, help="连同解密的正文一并导出。 / Include the decrypted content.")
@json_option
@guarded
def export_command(  # noqa: PLR0913 - the flags of one command
    data: Path | None, out: Path, first: int, end: int | None, earlier: Path | None, *, content: bool, as_json: bool
) -> None:
    """导出记录、检查点、证明与核验程序。 / Export records, checkpoints, proofs and the verifier."""
    settings = settings_of(data=data)
    if out.exists() and not out.is_dir():
        raise InputError(Bi(f"{out} 不是目录", f"{out} is not a folder"), Bi("指定一个新目录", "give a new folder"))
    keyring = open_keyring(settings.data, settings.origin)
    with opened(settings) as store:
        with unit_of_work(store) as session:
            sealed = sequencer.seal(session, keyring.signer, published_path(settings.data))
        if sealed is not None:
            Publisher(settings.data).publish(sealed.note)
        with unit_of_work(store) as session:
            box = ContentBox(keyring)

            def read(entry_id: str) -> dict[str, Any] | None:
                row = session.get(Exchange, entry_id)
                return box.open(entry_id, row.content) if row is not None and row.content is not None else None

            def progress(done: int, total: int) -> None:
                click.echo(f"{done}/{total}", err=True)

            made = export(
                session, keyring.signer, out, first=first, end=end, progress=progress,
                earlier=earlier.read_text("utf-8", "replace") if earlier else "", content=read if content else None,
            )  # fmt: skip
    text = f"已导出 exported {made.end - made.first} 条 records → {out}；核验 verify: python {out}/verify.py {out}"
    say({"out": str(out), "first": made.first, "end": made.end, "size": made.size}, [text], as_json=as_json)


if __name__ == "__main__":
    main()
