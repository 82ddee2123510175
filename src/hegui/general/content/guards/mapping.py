"""How a guard's own categories lead to the 31 risks: data, one YAML file a model family, `unmapped` among the outcomes.

An operator's own file of the same shape takes the place of the shipped one. A mapping's version is
the digest of what it says, and is part of every cache key.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from hegui.general.content.guards.results import Finding, Severity
from hegui.kit.canonical import canonical
from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.kit.yaml import YAMLError, read_yaml
from hegui.law import risks
from hegui.law.models import Words

UNMAPPED = "unmapped"
"""Written in a mapping for a category that no risk of Annex A stands for; it is kept and shown all the same."""

FROM_LAW = "yes_no"
"""The family whose categories are the risks of the standard themselves."""

ASKED_BY_SENTENCE = frozenset({"shieldgemma", FROM_LAW})
"""Families that ask about each category by its guideline: without one, nothing would be asked."""


class MappingError(InputError):
    """A mapping file can not be used."""


class Guideline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policy sentence that a yes/no guard is asked about, for what people write and for what the model answers."""

    input: str
    output: str


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One category: its risk (or `unmapped`), further risks that a person should consider, and its name."""

    risk: str
    name: Words
    also: tuple[str, ...] = ()
    guideline: Guideline | None = None


class Levels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a service's own levels mean: of the whole text, of an attack on the model, of personal data in it."""

    risk: dict[str, Severity]
    sensitive: dict[str, Severity]
    safe_labels: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    family: str
    source: tuple[str, ...]
    categories: dict[str, Category]
    levels: Levels | None = None


class Mapping:
    """A mapping ready to use."""

    def __init__(self, file: _File, origin: str) -> None:
        self.family = file.family
        self.source = file.source
        self.categories = file.categories
        self.levels = file.levels
        self.origin = origin
        self.version = _digest(msgspec.to_builtins({"categories": file.categories, "levels": file.levels}))

    def finding(self, category: str, severity: Severity, score: float | None = None) -> Finding:
        """Return a finding with its risk; a category that the mapping does not know has none."""
        known = self.categories.get(category)
        if known is None:
            return Finding(None, category, severity, score)
        return Finding(None if known.risk == UNMAPPED else known.risk, category, severity, score, known.also)


def _digest(value: Any) -> str:  # noqa: ANN401 - any JSON value

    return sha256(canonical(value)).hexdigest()[:16]


def _bad(origin: str, zh: str, en: str) -> MappingError:
    return MappingError(
        Bi(f"映射文件 {origin} 有误：{zh}", f"the mapping file {origin} is wrong: {en}"),
        Bi("按 docs/guards.md 的格式改正", "correct it to the shape in docs/guards.md"),
    )


def parse_mapping(text: str, family: str, origin: str) -> Mapping:
    """Return the mapping in a YAML text for a family; raise MappingError that says where it is wrong."""
    try:
        file = msgspec.convert(read_yaml(text), _File, strict=True)
    except (YAMLError, ValueError, RecursionError) as error:
        fault = " ".join(str(error).split())
        raise _bad(origin, fault, fault) from None
    if file.family != family:
        raise _bad(
            origin, f"它属于 {file.family}，不属于 {family}", f"it is for the family {file.family}, not for {family}"
        )
    known = risks().ids
    for name, category in file.categories.items():
        wrong = [risk for risk in (category.risk, *category.also) if risk not in known and risk != UNMAPPED]
        if wrong or UNMAPPED in category.also:
            what = wrong or [UNMAPPED]
            raise _bad(origin, f"类别 {name} 的风险 {what} 不存在", f"the category {name} names no known risk: {what}")
    if not file.categories:
        raise _bad(origin, "没有任何类别", "it has no category")
    mute = [name for name, category in file.categories.items() if category.guideline is None]
    if family in ASKED_BY_SENTENCE and mute:
        raise _bad(origin, f"类别 {mute} 没有 guideline", f"the categories {mute} have no guideline to ask about")
    if family == "aliyun" and file.levels is None:
        raise _bad(origin, "没有 levels", "it has no levels")
    return Mapping(file, origin)


def _from_law() -> Mapping:
    """Return a mapping of the risks that keywords and refusals must cover (areas A.1 and A.2), each to itself."""
    known = risks()
    categories = {}
    for risk in known.in_subset("keyword_and_refusal"):
        name = known.name(risk)
        area = known.name(known.area_of(risk))
        sentence = f"{risk} {name.zh}（{area.zh}）"
        categories[risk] = Category(risk, name, (), Guideline(sentence, sentence))
    return Mapping(_File(FROM_LAW, ("GB/T 45654-2025 Annex A",), categories), "GB/T 45654-2025")


def load_mapping(family: str, path: Path | None = None) -> Mapping:
    """Return the shipped mapping of a family, or an operator's file in its place; raise MappingError."""
    if path is None and family == FROM_LAW:
        return _from_law()
    if path is None:
        shipped = files("hegui.general.content.guards") / "mappings" / f"{family}.yaml"
        return parse_mapping(shipped.read_text("utf-8"), family, f"{family}.yaml")
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise _bad(str(path), f"无法读取：{error.strerror}", f"it can not be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _bad(str(path), "不是 UTF-8 文本", "it is not UTF-8 text") from None
    return parse_mapping(text, family, str(path))
