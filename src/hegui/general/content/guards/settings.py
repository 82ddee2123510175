"""The settings of one guard: a small frozen object, and a YAML file of it with errors that say what to do."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from hegui.general.content.guards.families import Mode
from hegui.kit.errors import SettingsError
from hegui.kit.text import Bi
from hegui.kit.yaml import YAMLError, read_yaml

FamilyName = Literal["qwen3guard", "llama_guard", "shieldgemma", "yes_no", "aliyun"]
_VENDOR_LONGEST = 2000


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """Everything that one guard can be told; see each field's metadata for its meaning and unit."""

    family: FamilyName = field(metadata={"doc": Bi("模型家族：qwen3guard、llama_guard、shieldgemma、yes_no、aliyun",
                                                   "family: qwen3guard, llama_guard, shieldgemma, yes_no, aliyun")})  # fmt: skip
    url: str = field(
        metadata={"doc": Bi("基础地址，OpenAI 兼容的写到 /v1", "base address; up to /v1 for an OpenAI-compatible one")}
    )
    model: str = field(default="", metadata={"doc": Bi("模型名（aliyun 不用）", "the model's name (not for aliyun)")})
    mode: Mode = field(default=Mode.TEXT, metadata={"doc": Bi("text 读全文；scores 全文加概率；label 只取标签概率（最快，无类别）",
                                                              "text: the answer; scores: with probabilities; label: the label's alone (fastest, no category)")})  # fmt: skip
    key_env: str = field(
        default="", metadata={"doc": Bi("存放密钥的环境变量名", "name of the environment variable with the key")}
    )
    key_id_env: str = field(
        default="",
        metadata={
            "doc": Bi("存放 AccessKey ID 的环境变量名（aliyun）", "name of the variable with the AccessKey id (aliyun)")
        },
    )
    plain_http: bool = field(
        default=False, metadata={"doc": Bi("允许以明文 http 访问本机以外的地址", "allow plain http to other machines")}
    )
    ca_file: str = field(default="", metadata={"doc": Bi("自有证书机构的文件", "file of an own certificate authority")})
    mapping: str = field(
        default="", metadata={"doc": Bi("自有映射文件；空为随附的", "own mapping file; empty means the shipped one")}
    )
    categories: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": Bi(
                "只问这些类别（shieldgemma、yes_no）；空为全部",
                "ask about these categories only (shieldgemma, yes_no); empty means all",
            )
        },
    )
    unsafe_from: float = field(
        default=0.5, metadata={"doc": Bi("概率达到多少算不安全", "probability from which a text is unsafe")}
    )
    controversial_from: float = field(
        default=0.5,
        metadata={
            "doc": Bi("“非安全”概率达到多少算有争议", "probability of `not safe` from which it is controversial")
        },
    )
    call_seconds: float = field(
        default=5.0, metadata={"doc": Bi("单次调用时限（秒），含重试", "time for one call with its retry, seconds")}
    )
    total_seconds: float = field(
        default=10.0, metadata={"doc": Bi("一次检查的总时限（秒）", "time for one whole check, seconds")}
    )
    retries: int = field(default=1, metadata={"doc": Bi("连接中断后重试次数", "tries again after a broken connection")})
    concurrency: int = field(default=16, metadata={"doc": Bi("同时进行的调用数", "calls under way at once")})
    queue: int = field(default=1024, metadata={"doc": Bi("最多排队的调用数", "calls that may wait")})
    window_characters: int = field(
        default=1000, metadata={"doc": Bi("窗口长度（字符）", "length of a window, characters")}
    )
    windows: int = field(default=32, metadata={"doc": Bi("一段文本最多窗口数", "windows of one text at most")})
    whole_characters: int = field(
        default=4000,
        metadata={
            "doc": Bi(
                "不超过此长度的长文另整体判一次；0 为不判",
                "long texts up to this are judged as a whole besides; 0: never",
            )
        },
    )
    cache_entries: int = field(
        default=20_000, metadata={"doc": Bi("缓存条数；0 为不用", "entries of the cache; 0: none")}
    )
    cache_bytes: int = field(default=16 * 1024 * 1024, metadata={"doc": Bi("缓存上限（字节）", "bytes of the cache")})
    cache_seconds: float = field(
        default=600.0, metadata={"doc": Bi("缓存有效期（秒）", "age of what is kept, seconds")}
    )
    breaker_failures: int = field(
        default=5, metadata={"doc": Bi("连续失败多少次后熔断", "failures in a row that open the circuit")}
    )
    breaker_seconds: float = field(
        default=15.0, metadata={"doc": Bi("熔断多久后试探（秒）", "seconds until one call is tried again")}
    )
    reply_bytes: int = field(default=262_144, metadata={"doc": Bi("回复上限（字节）", "bytes of a reply at most")})
    input_service: str = field(
        default="llm_query_moderation", metadata={"doc": Bi("aliyun：检查输入的服务", "aliyun: service for prompts")}
    )
    output_service: str = field(
        default="llm_response_moderation", metadata={"doc": Bi("aliyun：检查输出的服务", "aliyun: service for answers")}
    )

    def __post_init__(self) -> None:
        _check(self)

    @property
    def identity(self) -> dict[str, str]:
        """Return what else than the question decides an answer's meaning; part of every cache key."""
        names = (
            "family",
            "url",
            "model",
            "mode",
            "unsafe_from",
            "controversial_from",
            "input_service",
            "output_service",
        )
        return {name: str(getattr(self, name)) for name in names}


_LEAST = {
    "call_seconds": 0.001, "total_seconds": 0.001, "breaker_seconds": 0.001, "cache_seconds": 0.0, "retries": 0,
    "concurrency": 1, "queue": 1, "window_characters": 50, "windows": 1, "whole_characters": 0, "cache_entries": 0,
    "cache_bytes": 0, "breaker_failures": 1, "reply_bytes": 1024, "unsafe_from": 0.0, "controversial_from": 0.0,
}  # fmt: skip
_MOST = {"unsafe_from": 1.0, "controversial_from": 1.0, "retries": 5}


def _bad(zh: str, en: str, do_zh: str, do_en: str) -> SettingsError:
    return SettingsError(Bi(f"护栏设置有误：{zh}", f"the guard's settings are wrong: {en}"), Bi(do_zh, do_en))


def _doc(name: str) -> Bi:
    doc: Bi = next(item.metadata["doc"] for item in fields(GuardSettings) if item.name == name)
    return doc


def _check(given: GuardSettings) -> None:
    if given.family not in get_args(FamilyName):
        raise _bad(f"未知的家族 {given.family}", f"unknown family {given.family}", _doc("family").zh, _doc("family").en)
    if given.mode not in tuple(Mode):
        raise _bad(f"未知的 mode {given.mode}", f"unknown mode {given.mode}", _doc("mode").zh, _doc("mode").en)
    for name, least in _LEAST.items():
        value, most = getattr(given, name), _MOST.get(name)
        if not least <= value or (most is not None and value > most):
            upto = ("", "") if most is None else (f"、不大于 {most:g}", f", at most {most:g}")
            raise _bad(
                f"{name} 为 {value}", f"{name} is {value}",
                f"应不小于 {least:g}{upto[0]}（{_doc(name).zh}）", f"give at least {least:g}{upto[1]} ({_doc(name).en})",
            )  # fmt: skip
    if given.family != "aliyun" and not given.model:
        raise _bad("没有 model", "model is missing", "写上服务里的模型名", "name the model as the service knows it")
    if given.family == "aliyun":
        _check_aliyun(given)
    _check_keys(given)
    _check_url(given)


def _check_aliyun(given: GuardSettings) -> None:
    if given.mode != Mode.TEXT:
        raise _bad("aliyun 没有概率模式", "aliyun has no probabilities", "去掉 mode", "leave mode out")
    if given.window_characters > _VENDOR_LONGEST:
        raise _bad(
            f"aliyun 每次最多 {_VENDOR_LONGEST} 个字符", f"aliyun takes {_VENDOR_LONGEST} characters at most",
            f"window_characters 不超过 {_VENDOR_LONGEST}",
            f"set window_characters to {_VENDOR_LONGEST} at most",
        )  # fmt: skip


def _check_keys(given: GuardSettings) -> None:
    if given.family == "aliyun" and bool(given.key_env) != bool(given.key_id_env):
        raise _bad("key_env 与 key_id_env 只写了一个", "only one of key_env and key_id_env is given",
                   "两个都写", "give both")  # fmt: skip
    if given.family != "aliyun" and given.key_id_env:
        raise _bad("key_id_env 只用于 aliyun", "key_id_env is for aliyun only", "去掉它", "leave it out")


def _check_url(given: GuardSettings) -> None:
    try:
        parts = urlsplit(given.url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"http", "https"} or not given.url.isprintable() or " " in given.url:
        raise _bad("url 不是 http(s) 地址", "url is no http(s) address",
                   "写成 https://主机/v1", "write it as https://host/v1")  # fmt: skip
    if parts.username is not None or parts.query or parts.fragment:
        raise _bad("url 里带有用户、查询或片段", "url holds a user, a query or a fragment",
                   "只写协议、主机、端口和路径；密钥放在 key_env 所指的环境变量", "write scheme, host, port and path; put the key into the variable that key_env names")  # fmt: skip
    if parts.scheme == "http" and not given.plain_http and not _loopback(host):
        raise _bad("以明文 http 把文本送往其他机器", "texts would go to another machine over plain http",
                   "改用 https；确在可信内网时设 plain_http: true", "use https; inside a trusted network set plain_http: true")  # fmt: skip


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_settings(data: Any) -> GuardSettings:  # noqa: ANN401 - YAML of any shape
    """Return the settings in YAML data; raise SettingsError that names the key."""
    if not isinstance(data, dict):
        raise _bad("应为映射", "a mapping is wanted", "每行写 键: 值", "write one key: value a line")
    known = [item.name for item in fields(GuardSettings)]
    for name in data:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            raise _bad(
                f"未知的键 {name}", f"unknown key {name}",
                f"是否想写 {near[0]}？" if near else "删去它；各键见 docs/howto/guard-models.md",
                f"did you mean {near[0]}?" if near else "remove it; docs/howto/guard-models.md explains each key",
            )  # fmt: skip
    for name in ("family", "url"):
        if name not in data:
            raise _bad(f"没有 {name}", f"{name} is missing", f"写上：{_doc(name).zh}", f"give it: {_doc(name).en}")
    try:
        return msgspec.convert(data, GuardSettings, strict=True)
    except msgspec.ValidationError as error:
        match = re.search(r"\$\.(\w+)", str(error))
        name = match[1] if match else "?"
        doc = _doc(name) if match else Bi("", "")
        raise _bad(f"{name}：{error}", f"{name}: {error}", f"应为：{doc.zh}", f"wanted: {doc.en}") from None


def load_settings(path: Path) -> GuardSettings:
    """Return the settings in a YAML file; raise SettingsError. Paths inside it are relative to the file."""
    try:
        data = read_yaml(path.read_text("utf-8-sig"))
    except OSError as error:
        raise _bad(f"无法读取 {path}：{error.strerror}", f"{path} can not be read: {error.strerror}",
                   "检查路径和权限", "check the path and its permissions") from None  # fmt: skip
    except (YAMLError, UnicodeDecodeError) as error:
        fault = " ".join(str(error).split())
        raise _bad(
            f"{path} 不是有效的 YAML：{fault}", f"{path} is not valid YAML: {fault}", "改正该处", "correct it"
        ) from None
    if isinstance(data, dict):
        for name in ("mapping", "ca_file"):
            if isinstance(data.get(name), str) and data[name]:
                data[name] = str(path.parent / data[name])
    return parse_settings(data)


def secret(settings: GuardSettings, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the key that the variable named by a setting holds, empty when none is named; raise SettingsError."""
    variable = getattr(settings, name)
    if not variable:
        return ""
    value = environ.get(variable, "").strip()
    if not value or not value.isprintable() or not value.isascii():
        raise _bad(f"环境变量 {variable} 为空或不可用", f"the environment variable {variable} is empty or unusable",
                   f"把密钥放入 {variable}，或去掉 {name}", f"put the key into {variable}, or leave {name} out")  # fmt: skip
    return value
