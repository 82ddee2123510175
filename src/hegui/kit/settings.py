"""The settings: one frozen object, read once at start from file, environment and flags.

Order, later wins: defaults, `DIR/hegui.toml`, environment `HEGUI_*`, command-line flags.
Unknown keys are refused. `docs/settings.md` explains each key and a test compares the two.
"""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hegui.kit.errors import SettingsError
from hegui.kit.text import Bi

_ENV = "HEGUI_"
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_LAST_PORT = 65535
_WHOLE = 100
_NOT_ZERO = (
    "workers", "seal_milliseconds", "body_megabytes", "upstream_connect_seconds", "upstream_idle_seconds",
    "media_workers", "media_megabytes", "media_seconds", "media_minutes", "media_shelf_megabytes",
    "unlabelled_days", "upload_megabytes", "upload_hours", "uploads_megabytes",
)  # fmt: skip


def _key(default: Any, zh: str, en: str) -> Any:  # noqa: ANN401 - a dataclass field of any type
    return field(default=default, metadata={"doc": Bi(zh, en)})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an operator can set; see each field's metadata for its meaning."""

    data: Path = _key(
        Path("data"), "数据目录：数据库、密钥、暂存与发布的检查点", "data directory: database, keys, spool, checkpoints"
    )
    host: str = _key("127.0.0.1", "网关与控制台监听地址", "address that gateway and console listen on")
    port: int = _key(8000, "网关端口", "port of the gateway")
    console_port: int = _key(0, "控制台端口；0 为网关端口加一", "port of the console; 0 means the gateway's port + 1")
    workers: int = _key(1, "网关工作进程数", "number of gateway worker processes")
    upstream: str = _key(
        "demo", "上游：demo 或 OpenAI 兼容的基础地址", "upstream: `demo` or an OpenAI-compatible base URL"
    )
    upstream_key: str = _key("", "上游密钥（建议用环境变量）", "key for the upstream (best given by environment)")
    upstream_connect_seconds: int = _key(10, "连接上游的时限（秒）", "seconds to connect to the upstream")
    upstream_idle_seconds: int = _key(
        120, "上游两次发送之间的最长间隔（秒）", "longest silence of the upstream, seconds"
    )
    library: str = _key(
        "",
        "关键词库文件（CSV 或 XLSX）；空为内置样例库",
        "keyword library file (CSV or XLSX); empty means the sample library",
    )
    policy: str = _key("", "策略文件（YAML）；空为默认策略", "policy file (YAML); empty means the default policy")
    model: str = _key(
        "",
        "分类模型文件（hegui content train 所得）；空为不用",
        "classifier file (made by `hegui content train`); empty means none",
    )
    guard: str = _key(
        "", "护栏模型的设置文件（YAML）；空为不用", "settings file (YAML) of the guard model to ask; empty means none"
    )
    database_url: str = _key("", "PostgreSQL 地址；空为内嵌数据库", "PostgreSQL URL; empty means the embedded database")
    provider_name: str = _key("", "提供者名称（告知与标识用）", "provider's name, for notices and labels")
    appeal_url: str = _key("", "申诉入口地址，写入拒答告知", "where a refused person can appeal, told in each refusal")
    origin: str = _key(
        "", "账本来源名（C2SP origin）；空则首次启动时生成", "ledger origin (C2SP); empty means made at first start"
    )
    checkpoint_file: str = _key(
        "", "另存检查点的文件，宜在库外、他机", "file outside the database that also receives checkpoints"
    )
    checkpoint_webhook: str = _key(
        "", "接收检查点的地址（POST 文本）", "URL that receives each checkpoint (POST, text)"
    )
    seal_milliseconds: int = _key(1000, "账本封存间隔（毫秒）", "interval of sealing the ledger, milliseconds")
    spool_seconds: int = _key(
        600,
        "数据库不可用时可暂存的最长时间（秒），超过即停止服务",
        "longest time on the disk spool while the database is away, seconds; then service is refused",
    )
    spool_megabytes: int = _key(512, "每个工作进程暂存上限（MB）", "spool limit for each worker, megabytes")
    content_days: int = _key(30, "正文保留天数（加密）", "days that encrypted content is kept")
    log_months: int = _key(
        6, "日志保留月数，不得少于法定", "months that log records are kept, never less than the law's"
    )
    review_days: int = _key(
        180,
        "审核备注、训练标注与回归用例保留天数（加密）",
        "days that notes, training labels and regression cases of the review are kept (encrypted)",
    )
    review_double_percent: int = _key(
        10,
        "双人背对背复审的抽样比例（%），0 至 100",
        "share of flagged exchanges that two people review blindly, 0 to 100 %",
    )
    provider_code: str = _key(
        "",
        "提供者编码（27 位，写入隐式标识的生成方）；空则不生成图片和声音，也不提供无显式标识的内容",
        "provider's code (27 characters), the producer in implicit labels; without it no pictures and no sound are made, and nothing is given unlabelled",
    )
    label_key: str = _key(
        "",
        "标识签名密钥文件（hegui label key 所得）；空为不签",
        "key file (made by `hegui label key`) that signs those labels; empty means not signed",
    )
    c2pa_chain: str = _key(
        "",
        "C2PA 证书链（PEM，签名证书在前，需 hegui[c2pa]）；加标识后以其签名，原清单作为来源保留；空为不签",
        "certificate chain for C2PA (PEM, the signer's first; needs hegui[c2pa]): files are signed after their labels, the manifest that was there as "
        "ingredient; empty means not signed",
    )
    c2pa_key: str = _key("", "C2PA 私钥（PEM）", "private key for C2PA (PEM)")
    c2pa_break: bool = _key(
        default=False,
        zh="不能重新签名时，写入标识并放弃文件原有的 C2PA 清单；否则不写（网关扣留，上传不写传播要素）",
        en="where a file can not be signed again, write the label and give the C2PA manifest that is there up; else nothing is written (the gateway "
        "withholds it, an upload gets no fields of propagation)",
    )
    label_speech: str = _key(
        "", "语音标识的录音（WAV，16 位）", "recording of the spoken label (WAV, 16 bits), for services that choose it"
    )
    label_speech_text: str = _key("", "语音标识说的文字", "what the spoken label says")
    media_workers: int = _key(
        2, "每个工作进程同时加标识的文件数", "files that each worker process labels at the same time"
    )
    media_megabytes: int = _key(
        32, "上游所给单个文件的上限（MB）", "largest single file taken from the upstream, megabytes"
    )
    media_seconds: int = _key(
        300, "等上游给全一张图片或一段声音的时限（秒）", "seconds for the upstream to hand over pictures or sound whole"
    )
    media_hosts: str = _key(
        "",
        "除上游外可取图片的主机，以逗号分隔（主机或 主机:端口）",
        "hosts besides the upstream that files may be fetched from, with commas between (host or host:port)",
    )
    media_minutes: int = _key(
        60, "以地址给出的文件可取的时长（分钟）", "minutes that a file given by URL can be fetched"
    )
    media_shelf_megabytes: int = _key(
        1024, "以地址给出的文件所占磁盘上限（MB）", "disk space of the files given by URL, megabytes"
    )
    public_url: str = _key(
        "",
        "用户访问网关的地址（用于文件地址）；空则取请求的主机名",
        "address by which clients reach the gateway, for file URLs; empty means the host of the request",
    )
    unlabelled_clause: str = _key(
        "",
        "无显式标识内容的协议条款文件（YAML）；空为内置样式",
        "clause of the agreement on content without the explicit label (YAML file); empty means the template",
    )
    unlabelled_days: int = _key(
        30, "无显式标识许可的最长天数", "most days that a leave to be given content unlabelled runs"
    )
    unlabelled_approval: bool = _key(
        default=True,
        zh="无显式标识申请须经合规负责人批准",
        en="a compliance officer approves each request for content without the explicit label",
    )
    propagator_code: str = _key(
        "",
        "传播平台编码（27 位，写入上传文件的传播要素）；空则不写",
        "platform's code (27 characters), the propagator in labels of uploads; empty means none is written",
    )
    upload_megabytes: int = _key(2048, "单个上传文件的上限（MB）", "largest single upload to inspect, megabytes")
    upload_hours: int = _key(
        24,
        "上传文件留在磁盘的小时数（记录另按 log_months）",
        "hours that uploads stay on disk; records stay log_months",
    )
    uploads_megabytes: int = _key(20480, "上传文件共占磁盘的上限（MB）", "disk space of all uploads, megabytes")
    body_megabytes: int = _key(8, "请求体上限（MB）", "largest request body, megabytes")
    secure_cookies: bool = _key(
        default=False, zh="控制台仅经 HTTPS 访问时打开", en="set when the console is reached over HTTPS only"
    )

    @property
    def console(self) -> int:
        """Return the console's port."""
        return self.console_port or self.port + 1

    @property
    def content_files(self) -> tuple[Path | None, Path | None, Path | None]:
        """Return the files of library, policy and classifier; None where the operator gives none."""
        library, policy, model = (Path(name) if name else None for name in (self.library, self.policy, self.model))
        return library, policy, model


def _known() -> dict[str, Any]:
    return {item.name: item.type for item in fields(Settings)}


def _unknown(name: str, where: str) -> SettingsError:
    near = difflib.get_close_matches(name, _known(), n=1)
    hint_zh = f"是否想写 {near[0]}？" if near else "删去它"
    hint_en = f"did you mean {near[0]}?" if near else "remove it"
    return SettingsError(
        Bi(f"{where} 中有未知设置 {name}", f"unknown setting {name} in {where}"),
        Bi(f"{hint_zh}；各键见 docs/settings.md", f"{hint_en}; docs/settings.md explains each key"),
    )


def _convert(name: str, value: Any) -> Any:  # noqa: ANN401 - each setting has its own type
    kind = _known()[name]
    text = str(value).strip()
    try:
        # TOML has lists, tables, dates and floats; no setting is one, and their text would be taken for a value.
        if not isinstance(value, str | int | Path) or (isinstance(value, bool) and kind != "bool"):
            raise ValueError
        if kind == "int":
            number = int(text)
            if number < (name in _NOT_ZERO) or number > _most(name):
                raise ValueError
            return number
        if kind == "bool":
            if text.lower() in _TRUE | _FALSE:
                return text.lower() in _TRUE
            raise ValueError
        return Path(text) if kind == "Path" else text
    except ValueError:
        raise SettingsError(
            Bi(f"设置 {name} 的值 {text!r} 无法理解", f"setting {name} has a value that can not be read: {text!r}"),
            _wanted(name, kind),
        ) from None


def _most(name: str) -> float:
    return _LAST_PORT if name.endswith("port") else _WHOLE if name.endswith("percent") else math.inf


def _wanted(name: str, kind: str) -> Bi:
    if name.endswith(("port", "percent")):
        return Bi(f"应为 0 至 {_most(name)} 的整数", f"give a whole number from 0 to {_most(name)}")
    if kind == "int":
        least = int(name in _NOT_ZERO)
        return Bi(f"应为不小于 {least} 的整数", f"give a whole number, {least} or more")
    return Bi(f"应为 {kind} 类型", f"give a value of type {kind}")


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            Bi(f"{path} 不是有效的 TOML：{error}", f"{path} is not valid TOML: {error}"),
            Bi("改正该行", "correct that line"),
        ) from None
    except OSError as error:
        raise SettingsError(
            Bi(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}"),
            Bi("检查该文件的权限", "check the permissions of the file"),
        ) from None


def read_settings(flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings; flags of value None count as not given.

    Raises SettingsError for an unknown key or a malformed value.
    """
    known = _known()
    env = {key[len(_ENV) :].lower(): value for key, value in environ.items() if key.startswith(_ENV)}
    for name in env:
        if name not in known:
            raise _unknown(name, "环境变量 / environment")
    given = {key: value for key, value in flags.items() if value is not None}
    data = Path(given.get("data") or env.get("data") or "data")
    file = _from_file(data / "hegui.toml")
    for name in file:
        if name not in known or name == "data":
            raise _unknown(name, str(data / "hegui.toml"))
    merged = {**file, **env, **given}
    converted = {name: _convert(name, value) for name, value in merged.items()}
    settings = Settings(**{**converted, "data": data.resolve()})
    if settings.console > _LAST_PORT:
        raise SettingsError(
            Bi(
                f"网关端口 {settings.port} 之后没有端口可给控制台",
                f"after port {settings.port} there is none for the console",
            ),
            Bi("另行设定 console_port", "set console_port as well"),
        )
    return settings
