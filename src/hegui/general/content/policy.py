"""Policy as data: which action follows a hit, for each risk and each kind of personal information.

The shipped default lists no words and no topics; it only says what is done with a hit. An
operator's YAML file overrides it key by key; unknown keys are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from hegui.general.content.personal import Kind
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.law import risks


class Action(StrEnum):
    """What is done with a hit, the gentler first."""

    PASS = "pass"  # noqa: S105 - 放行（仅记录）
    MASK = "mask"  # 遮盖
    ANSWER = "answer"  # 代答
    REFUSE = "refuse"  # 拒答


ACTION_NAMES: dict[str, Bi] = {
    Action.PASS: Bi("放行", "pass"),
    Action.MASK: Bi("遮盖", "mask"),
    Action.ANSWER: Bi("代答", "set answer"),
    Action.REFUSE: Bi("拒答", "refuse"),
}
LANES = ("exact", "hidden", "torn")
"""Ways in which a word can stand in a text: as it is; hidden by what was put between its characters; or only as
pieces of other words, as the likeliest reading has it."""
_USUAL = frozenset({"exact", "hidden"})
BLOCKING = frozenset({Action.ANSWER, Action.REFUSE})
_SEVERITY = {action: rank for rank, action in enumerate(Action)}


def severest(actions: list[Action]) -> Action:
    """Return the severest of some actions; pass when there is none."""
    return max(actions, key=_SEVERITY.__getitem__, default=Action.PASS)


class Side(StrEnum):
    """Which way the text goes."""

    INPUT = "input"  # 输入
    OUTPUT = "output"  # 输出


@dataclass(frozen=True)
class Rules:
    """The actions of one side."""

    risks: dict[str, Action]
    personal: dict[Kind, Action]
    lanes: dict[str, frozenset[str]]


@dataclass(frozen=True)
class Policy:
    """One policy; `version` is the digest of what it says."""

    input: Rules
    output: Rules
    answers: dict[str, str]
    version: str

    def side(self, side: Side) -> Rules:
        """Return the rules of one side."""
        return self.input if side is Side.INPUT else self.output


class PolicyError(InputError):
    """A policy file can not be used."""


def _bad(zh: str, en: str) -> PolicyError:
    return PolicyError(
        Bi(f"策略文件有误：{zh}", f"the policy file is wrong: {en}"), Bi("见 docs/policy.md", "see docs/policy.md")
    )


def _actions(section: dict[str, Any], key: str, known: tuple[str, ...]) -> dict[str, Action]:
    given = section.get(key) or {}
    if not isinstance(given, dict):
        raise _bad(f"{key} 应为映射", f"{key} must be a mapping")
    found: dict[str, Action] = {}
    # An area first, then the risks in it, in whatever order the file has them.
    for name, value in sorted(given.items(), key=lambda item: len(str(item[0]))):
        matching = [item for item in known if item == name or item.startswith(f"{name}.")]
        if not matching:
            raise _bad(f"未知的 {key}：{name}", f"unknown {key}: {name}")
        try:
            found.update(dict.fromkeys(matching, Action(str(value))))
        except ValueError:
            raise _bad(f"未知的动作 {value}", f"unknown action {value}") from None
    return found


def _rules(section: dict[str, Any], base: Rules | None) -> Rules:
    unknown = set(section) - {"default", "risks", "personal", "lanes"}
    if unknown:
        raise _bad(f"未知的键 {sorted(map(str, unknown))}", f"unknown keys {sorted(map(str, unknown))}")
    ids = risks().ids
    try:
        default = Action(str(section["default"])) if "default" in section else None
    except ValueError:
        raise _bad(f"未知的动作 {section['default']}", f"unknown action {section['default']}") from None
    start = {risk: default or (base.risks[risk] if base else Action.REFUSE) for risk in ids}
    personal = dict(base.personal) if base else dict.fromkeys(Kind, Action.PASS)
    named = _actions(section, "personal", tuple(Kind))
    if Action.ANSWER in named.values():
        raise _bad("个人信息不能用代答", "personal information can not have a set answer")
    return Rules(
        start | _actions(section, "risks", ids),
        personal | {Kind(kind): act for kind, act in named.items()},
        (base.lanes if base else dict.fromkeys(ids, _USUAL)) | _lanes(section, ids),
    )


def _lanes(section: dict[str, Any], ids: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Return the lanes of the risks that a section names, an area standing for its risks."""
    given = section.get("lanes") or {}
    if not isinstance(given, dict):
        raise _bad("lanes 应为映射", "lanes must be a mapping")
    found: dict[str, frozenset[str]] = {}
    for name, value in sorted(given.items(), key=lambda item: len(str(item[0]))):
        matching = [item for item in ids if item == name or item.startswith(f"{name}.")]
        if not matching:
            raise _bad(f"未知的 lanes：{name}", f"unknown lanes: {name}")
        if not isinstance(value, list) or not value or not set(map(str, value)) <= set(LANES):
            raise _bad(f"{name} 的通道应为 {LANES} 中的列表", f"the lanes of {name} must be a list out of {LANES}")
        found.update(dict.fromkeys(matching, frozenset(map(str, value))))
    return found


def parse_policy(data: Any, base: Policy | None = None) -> Policy:  # noqa: ANN401 - YAML of any shape comes in
    """Return a policy from YAML data, over a base policy; raise PolicyError."""
    if not isinstance(data, dict) or set(data) - {"input", "output", "answers"}:
        raise _bad("只能有 input、output、answers 三个键", "only the keys input, output, answers are known")
    for key in ("input", "output", "answers"):
        if not isinstance(data.get(key, {}), dict | None):
            raise _bad(f"{key} 应为映射", f"{key} must be a mapping")
    sides = {key: _rules(data.get(key) or {}, getattr(base, key) if base else None) for key in ("input", "output")}
    answers = dict(base.answers) if base else {}
    for risk, answer in (data.get("answers") or {}).items():
        if risk not in risks().ids or not isinstance(answer, str) or not answer.strip():
            raise _bad(f"代答 {risk} 无对应风险或不是文字", f"the set answer for {risk} names no risk or is no text")
        answers[risk] = answer
    for rules in sides.values():
        missing = [risk for risk, action in rules.risks.items() if action is Action.ANSWER and risk not in answers]
        if missing:
            raise _bad(f"{missing} 定为代答却没有答案", f"{missing} have a set answer as action but no answer")
    body = {
        key: {
            "risks": {risk: action.value for risk, action in rules.risks.items()},
            "personal": {kind.value: action.value for kind, action in rules.personal.items()},
            "lanes": {risk: sorted(lanes) for risk, lanes in rules.lanes.items()},
        }
        for key, rules in sides.items()
    }
    version = sha256(canonical({**body, "answers": answers})).hexdigest()[:16]
    return Policy(sides["input"], sides["output"], answers, version)


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice: the first would be dropped without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Return a mapping; raise ConstructorError for a key given twice."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> Any:  # noqa: ANN401 - YAML of any shape
    return yaml.load(path.read_text("utf-8-sig"), Loader=_Loader)  # noqa: S506 - a safe loader


def load_policy(path: Path | None) -> Policy:
    """Load the default policy, with the operator's file over it; raise PolicyError."""
    base = parse_policy(yaml.safe_load((files("hegui.general.content") / "policy.yaml").read_text("utf-8")))
    if path is None:
        return base
    try:
        data = _read(path)
    except OSError as error:
        raise _bad(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad(f"{path} 不是有效的 YAML：{error}", f"{path} is not valid YAML: {error}") from None
    return parse_policy({} if data is None else data, base)
