"""Policy as data: which checks count and what follows a hit, for each risk and each kind of personal information.

The shipped default lists no words and no topics; it only says what is done with a hit. An
operator's YAML overrides it key by key, for all, for a service or an audience. See docs/policy.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from hegui.general.content.folds import ALL, Fold
from hegui.general.content.personal import Kind
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.kit.yaml import YAMLError, read_yaml
from hegui.law import risks


class Action(StrEnum):
    """What is done with a hit, the gentler first."""

    PASS = "pass"  # noqa: S105 - 放行（仅记录）
    FLAG = "flag"  # 送审
    REPLACE = "replace"  # 替换
    MASK = "mask"  # 遮盖
    ANSWER = "answer"  # 代答
    END = "end"  # 终止
    REFUSE = "refuse"  # 拒答


ACTION_NAMES: dict[str, Bi] = {
    Action.PASS: Bi("放行", "pass"),
    Action.FLAG: Bi("送审", "flag for review"),
    Action.REPLACE: Bi("替换", "replace"),
    Action.MASK: Bi("遮盖", "mask"),
    Action.ANSWER: Bi("代答", "set answer"),
    Action.END: Bi("终止", "end"),
    Action.REFUSE: Bi("拒答", "refuse"),
}


class Lane(StrEnum):
    """How a hit was found; the first eight are ways in which a word can stand in a text."""

    EXACT = "exact"  # 原样
    HIDDEN = "hidden"  # 夹杂
    SPLIT = "split"  # 拆字
    PINYIN = "pinyin"  # 拼音
    HOMOPHONE = "homophone"  # 同音
    INITIALS = "initials"  # 首字母
    PART = "part"  # 词中
    TORN = "torn"  # 切断
    PATTERN = "pattern"  # 正则
    QUESTION = "question"  # 代答库问题
    MODEL = "model"  # 分类模型
    GUARD = "guard"  # 护栏模型
    PERSONAL = "personal"  # 个人信息


LANE_NAMES: dict[str, Bi] = {
    Lane.EXACT: Bi("原样", "as it is"),
    Lane.HIDDEN: Bi("夹杂", "hidden by what stands between"),
    Lane.SPLIT: Bi("拆字", "characters split into parts"),
    Lane.PINYIN: Bi("拼音", "pinyin"),
    Lane.HOMOPHONE: Bi("同音", "homophone"),
    Lane.INITIALS: Bi("首字母", "initials"),
    Lane.PART: Bi("词中", "inside a longer word, or in doubt"),
    Lane.TORN: Bi("切断", "pieces of other words"),
    Lane.PATTERN: Bi("正则", "regular expression"),
    Lane.QUESTION: Bi("代答库问题", "question with a set answer"),
    Lane.MODEL: Bi("分类模型", "classifier"),
    Lane.GUARD: Bi("护栏模型", "guard model"),
    Lane.PERSONAL: Bi("个人信息", "personal information"),
}
WORD_LANES = frozenset(list(Lane)[:8])
"""The lanes of words, which a library can choose word by word."""
LANES = (*(lane for lane in Lane if lane in WORD_LANES), Lane.PATTERN, Lane.MODEL, Lane.GUARD)
"""The lanes that a policy can choose."""
BLOCKING = frozenset({Action.ANSWER, Action.END, Action.REFUSE})
NOTED = frozenset({Action.PASS, Action.FLAG})
"""Actions that leave a text as it is."""
UNMAPPED = "unmapped"
"""Stands for what a classifier or a guard model finds that is none of the 31 risks; policy rules it like one."""
_SEVERITY = {action: rank for rank, action in enumerate(Action)}


def severest(actions: list[Action]) -> Action:
    """Return the severest of some actions; pass when there is none."""
    return max(actions, key=_SEVERITY.__getitem__, default=Action.PASS)


class Side(StrEnum):
    """Which way the text goes."""

    INPUT = "input"  # 输入
    OUTPUT = "output"  # 输出


class Audience(StrEnum):
    """Whom an answer is for."""

    GENERAL = "general"  # 公众
    MINORS = "minors"  # 未成年人


class Urgency(StrEnum):
    """How soon a person should look at what was flagged for a risk."""

    HIGH = "high"  # 高
    MEDIUM = "medium"  # 中
    LOW = "low"  # 低


URGENCY_NAMES: dict[str, Bi] = {
    Urgency.HIGH: Bi("高", "high"),
    Urgency.MEDIUM: Bi("中", "medium"),
    Urgency.LOW: Bi("低", "low"),
}


@dataclass(frozen=True)
class Rules:
    """The rules of one side: actions by risk and by kind, the lanes that count, the most that a lane alone may do.

    `thresholds` are the least scores, 0 to 1, from which a classifier (`model`) or a guard counts; where none is given, the
    classifier's own hold, and whatever a guard reports. `folds` are the ways of hiding that may be undone to find a word.
    """

    risks: dict[str, Action]
    personal: dict[Kind, Action]
    lanes: dict[str, frozenset[Lane]]
    caps: dict[Lane, Action]
    thresholds: dict[Lane, dict[str, float]]
    folds: dict[str, frozenset[Fold]]

    def action(self, risk: str, lane: Lane, own: Action | None = None) -> Action:
        """Return what follows a hit of a risk found in a lane; `own` is the action that a word has for itself."""
        wanted = own or self.risks[risk]
        cap = self.caps.get(lane)
        return wanted if cap is None or _SEVERITY[wanted] <= _SEVERITY[cap] else cap

    def uses(self, lane: Lane) -> bool:
        """Say whether any risk asks for a lane."""
        return any(lane in lanes for lanes in self.lanes.values())

    def blocks(self, lane: Lane) -> bool:
        """Say whether a hit in a lane can do more than be noted."""
        return any(
            _SEVERITY[self.action(risk, lane)] > _SEVERITY[Action.FLAG]
            for risk, lanes in self.lanes.items()
            if lane in lanes
        )


E = TypeVar("E", bound=StrEnum)
V = TypeVar("V")
_Scope = tuple[str, str]
"""`services` or `audiences`, and the name of one."""


@dataclass(frozen=True)
class Policy:
    """One policy; `version` is the digest of what it says.

    `scopes` holds what it says for single services and audiences; `resolved` applies that.
    """

    input: Rules
    output: Rules
    answers: dict[str, str]
    urgency: dict[str, Urgency]
    version: str
    scopes: dict[_Scope, tuple[dict[str, Any], ...]] = field(default_factory=dict)

    def side(self, side: Side) -> Rules:
        """Return the rules of one side."""
        return self.input if side is Side.INPUT else self.output

    def resolved(self, service: str, audience: Audience = Audience.GENERAL) -> Policy:
        """Return the policy of one service and one audience, the audience's rules over the service's; same version."""
        found = self
        for scope in (("services", service), ("audiences", audience.value)):
            for data in self.scopes.get(scope, ()):
                found = _over(data, found)
        return replace(found, scopes={})


class PolicyError(InputError):
    """A policy file can not be used."""


def _bad(zh: str, en: str) -> PolicyError:
    return PolicyError(
        Bi(f"策略文件有误：{zh}", f"the policy file is wrong: {en}"), Bi("见 docs/policy.md", "see docs/policy.md")
    )


def _mapping(section: dict[str, Any], key: str) -> dict[Any, Any]:
    given = section.get(key)
    if given is not None and not isinstance(given, dict):
        raise _bad(f"{key} 应为映射", f"{key} must be a mapping")
    return given or {}


def _named(section: dict[str, Any], key: str, known: tuple[str, ...]) -> Iterator[tuple[list[str], Any]]:
    """Yield what a section says: the items that a name stands for, and the value.

    `default` comes first, then an area, then the risks in it, in whatever order the file has them.
    """
    given = _mapping(section, key)
    for name, value in sorted(given.items(), key=lambda item: (item[0] != "default", len(str(item[0])))):
        matching = [item for item in known if name in {"default", item} or item.startswith(f"{name}.")]
        if not matching:
            raise _bad(f"未知的 {key}：{name}", f"unknown {key}: {name}")
        yield matching, value


def _one_of(kind: type[E], value: object, what: Bi) -> E:
    try:
        return kind(str(value))
    except ValueError:
        names = [item.value for item in kind]
        raise _bad(f"未知的{what.zh} {value}，应为 {names}", f"unknown {what.en} {value}, known are {names}") from None


_ACTION, _FOLD, _URGENCY = Bi("动作", "action"), Bi("还原", "fold"), Bi("紧急程度", "urgency")


def _action(value: object) -> Action:
    return _one_of(Action, value, _ACTION)


def _lanes(value: object) -> frozenset[Lane]:
    known = [lane.value for lane in LANES]
    if not isinstance(value, list) or not value or not set(map(str, value)) <= set(known):
        raise _bad(f"通道 {value} 应为 {known} 中的列表", f"the lanes {value} must be a list out of {known}")
    return frozenset(Lane(str(item)) for item in value)


def _folds(value: object) -> frozenset[Fold]:
    if not isinstance(value, list):
        raise _bad(f"还原 {value} 应为列表", f"the folds {value} must be a list")
    return frozenset(_one_of(Fold, item, _FOLD) for item in value)


def _share(value: object) -> float:
    if type(value) not in {int, float} or not 0 <= float(str(value)) <= 1:
        raise _bad(f"阈值 {value} 应在 0 与 1 之间", f"the threshold {value} must be between 0 and 1")
    return float(str(value))


def _read_values(
    section: dict[str, Any], key: str, known: tuple[str, ...], read: Callable[[object], V]
) -> dict[str, V]:
    found: dict[str, V] = {}
    for names, value in _named(section, key, known):
        found.update(dict.fromkeys(names, read(value)))
    return found


def _ids() -> tuple[str, ...]:
    return (*risks().ids, UNMAPPED)


_SIDE_KEYS = frozenset({"default", "risks", "personal", "lanes", "caps", "thresholds", "folds"})
_PERSONAL_NEVER = frozenset({Action.ANSWER, Action.END})


def _rules(section: dict[str, Any], side: Side, base: Rules) -> Rules:
    unknown = set(section) - _SIDE_KEYS
    if unknown:
        raise _bad(f"未知的键 {sorted(map(str, unknown))}", f"unknown keys {sorted(map(str, unknown))}")
    ids = _ids()
    actions = dict.fromkeys(ids, _action(section["default"])) if "default" in section else base.risks
    named = _read_values(section, "risks", ids, _action)
    kinds = _read_values(section, "personal", tuple(Kind), _action)
    if _PERSONAL_NEVER & set(kinds.values()):
        raise _bad("个人信息不能用代答或终止", "personal information can not have a set answer or an end")
    if Action.REPLACE in named.values() or (side is Side.OUTPUT and Action.REPLACE in kinds.values()):
        raise _bad("替换只用于输入中的个人信息", "replace is for personal information in the input alone")
    caps = _read_values(section, "caps", tuple(LANES), _action)
    thresholds = dict(base.thresholds)
    for lane, given in _mapping(section, "thresholds").items():
        if lane not in {Lane.MODEL, Lane.GUARD}:
            raise _bad(f"{lane} 没有阈值，可用 model、guard", f"{lane} has no threshold; model and guard have")
        own = _read_values({"thresholds": given}, "thresholds", ids, _share)
        thresholds[Lane(lane)] = thresholds.get(Lane(lane), {}) | own
    return Rules(
        actions | named,
        base.personal | {Kind(kind): act for kind, act in kinds.items()},
        base.lanes | _read_values(section, "lanes", ids, _lanes),
        base.caps | {Lane(lane): act for lane, act in caps.items()},
        thresholds,
        base.folds | _read_values(section, "folds", ids, _folds),
    )


def _nothing() -> Policy:
    """Return the strictest policy, over which the default is read."""
    ids = _ids()
    rules = Rules(
        dict.fromkeys(ids, Action.REFUSE), dict.fromkeys(Kind, Action.PASS),
        dict.fromkeys(ids, frozenset({Lane.EXACT, Lane.HIDDEN})), {}, {}, dict.fromkeys(ids, ALL),
    )  # fmt: skip
    return Policy(rules, rules, {}, dict.fromkeys(ids, Urgency.MEDIUM), "")


_KEYS = ("input", "output", "answers", "urgency")
_SCOPES: dict[str, Callable[[str], bool]] = {
    "services": lambda name: bool(name.strip()),
    "audiences": lambda name: name in set(Audience),
}


def _over(data: dict[str, Any], base: Policy) -> Policy:
    """Return a policy with what one section says over it; its scopes and version stay."""
    sides = {side: _rules(_mapping(data, side.value), side, base.side(side)) for side in Side}
    answers = dict(base.answers)
    for risk, answer in _mapping(data, "answers").items():
        if risk not in risks().ids or not isinstance(answer, str) or not answer.strip():
            raise _bad(f"代答 {risk} 无对应风险或不是文字", f"the set answer for {risk} names no risk or is no text")
        answers[risk] = answer
    for rules in sides.values():
        missing = [risk for risk, action in rules.risks.items() if action is Action.ANSWER and risk not in answers]
        if missing:
            raise _bad(f"{missing} 定为代答却没有答案", f"{missing} have a set answer as action but no answer")
    urgency = _read_values(data, "urgency", _ids(), lambda value: _one_of(Urgency, value, _URGENCY))
    return replace(
        base, input=sides[Side.INPUT], output=sides[Side.OUTPUT], answers=answers, urgency=base.urgency | urgency
    )


def parse_policy(data: Any, base: Policy | None = None) -> Policy:  # noqa: ANN401 - YAML of any shape comes in
    """Return a policy from YAML data, over a base policy; raise PolicyError."""
    known = {*_KEYS, *_SCOPES}
    if not isinstance(data, dict) or set(data) - known:
        raise _bad(f"只能有这些键：{sorted(known)}", f"only these keys are known: {sorted(known)}")
    found = _over(data, base or _nothing())
    scopes = dict(found.scopes)
    for kind, is_name in _SCOPES.items():
        for name, section in _mapping(data, kind).items():
            if not isinstance(name, str) or not is_name(name):
                raise _bad(f"{kind} 中没有 {name}", f"there is no {name} in {kind}")
            if not isinstance(section, dict) or set(section) - set(_KEYS):
                raise _bad(f"{kind} {name} 只能有 {list(_KEYS)}", f"{kind} {name} can have {list(_KEYS)} only")
            _over(section, found)
            scopes[kind, name] = (*scopes.get((kind, name), ()), section)
    found = replace(found, scopes=scopes)
    return replace(found, version=sha256(canonical(described(found))).hexdigest()[:16])


def described(policy: Policy) -> dict[str, Any]:
    """Return all that a policy says, defaults written out, as plain JSON: what its version is the digest of."""
    body: dict[str, Any] = {
        side.value: {
            "risks": {risk: action.value for risk, action in rules.risks.items()},
            "personal": {kind.value: action.value for kind, action in rules.personal.items()},
            "lanes": {risk: sorted(lanes) for risk, lanes in rules.lanes.items()},
            "caps": {lane.value: action.value for lane, action in rules.caps.items()},
            "thresholds": {lane.value: values for lane, values in rules.thresholds.items()},
        }
        for side, rules in ((side, policy.side(side)) for side in Side)
    }
    for side in Side:
        if folds := {risk: sorted(some) for risk, some in policy.side(side).folds.items() if some != ALL}:
            body[side.value]["folds"] = folds
    body |= {"answers": policy.answers, "urgency": {risk: urgency.value for risk, urgency in policy.urgency.items()}}
    for (kind, name), sections in sorted(policy.scopes.items()):
        body.setdefault(kind, {})[name] = list(sections)
    return body


def read_policy(text: str, base: Policy, source: str = "YAML") -> Policy:
    """Return a policy from YAML text, over a base policy; raise PolicyError."""
    try:
        data = read_yaml(text)
    except YAMLError as error:
        raise _bad(f"{source} 不是有效的 YAML：{error}", f"{source} is not valid YAML: {error}") from None
    return parse_policy({} if data is None else data, base)


def load_policy(path: Path | None) -> Policy:
    """Load the default policy, with the operator's file over it; raise PolicyError."""
    base = parse_policy(read_yaml((files("hegui.general.content") / "policy.yaml").read_text("utf-8"), shipped=True))
    if path is None:
        return base
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise _bad(f"无法读取 {path}：{error.strerror}", f"can not read {path}: {error.strerror}") from None
    except ValueError as error:
        raise _bad(f"{path} 不是 UTF-8 文本：{error}", f"{path} is not UTF-8 text: {error}") from None
    return read_policy(text, base, str(path))
