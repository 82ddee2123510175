"""The implicit label of GB 45438-2025 annex E: seven text fields, strict to write; what real writers get wrong has names.

`{"Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"}`.
What they write is read all the same, by `lenient`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from hegui.kit.errors import InputError, SettingsError
from hegui.kit.text import Bi
from hegui.kit.uscc import uscc_valid
from hegui.law import cite

FIELDS = (
    "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
)  # fmt: skip
NEEDED = frozenset(FIELDS)
KEYWORD = "AIGC"
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
LONGEST_VALUE = 64 * 1024
"""Most bytes of a label that is read; the standard says none, the longest known is under 4 kB."""
LONGEST_FIELD = 4096
"""Most characters of a field that is written; the standard says none."""
# GB45438-E.j: 0x21, 0x23 to 0x5B, 0x5D to 0x7E; a quote may be escaped.
_ALLOWED = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]*")
_ALLOWED_WITH_QUOTES = re.compile(r"[\x21-\x5B\x5D-\x7E]*")
# TC260-PG-20252A: format 00, subject, binding, USCC (18), service type, the provider's own four.
_CODE = re.compile(r"00[0-9A-Z]([0-9A-Z])([0-9A-Z]{18})([0-9A-Z])([0-9A-Z]{4})")
CODE_LENGTH = 27
_USCC_BINDING = "1"


class Kind(StrEnum):
    """What a label says of its content."""

    IS = "1"  # 属于
    POSSIBLY = "2"  # 可能
    SUSPECTED = "3"  # 疑似


KIND_NAMES: dict[Kind, Bi] = {
    Kind.IS: Bi("属于生成合成内容", "AI-generated or synthetic"),
    Kind.POSSIBLY: Bi("可能为生成合成内容", "possibly AI-generated or synthetic"),
    Kind.SUSPECTED: Bi("疑似生成合成内容", "suspected to be AI-generated or synthetic"),
}


class Deviation(StrEnum):
    """How a label that was read differs from what a strict writer writes."""

    WRAPPED = "wrapped"  # 多一层 AIGC
    DOUBLE_ENCODED = "double_encoded"  # JSON 再作字符串
    ESCAPED = "escaped"  # 字符实体未还原
    BYTE_ORDER_MARK = "byte_order_mark"  # 含 BOM
    DUPLICATE_KEY = "duplicate_key"  # 键重复
    MISSING_FIELD = "missing_field"  # 缺字段
    KEY_CASE = "key_case"  # 键名大小写有误
    ENCODING = "encoding"  # 编码不是 UTF-8
    UNKNOWN_FIELD = "unknown_field"  # 多余字段
    NULL_VALUE = "null_value"  # 值为 null
    NOT_TEXT = "not_text"  # 值不是字符串
    OLD_SCHEMA = "old_schema"  # 旧格式
    LABEL_VALUE = "label_value"  # Label 取值有误
    CHARACTERS = "characters"  # 字符超出范围
    FIELD_TOO_LONG = "field_too_long"  # 字段过长
    PRODUCER_CODE = "producer_code"  # 编码不是 27 位
    PROPAGATOR_CODE = "propagator_code"  # 传播方编码不是 27 位
    CHECK_CHARACTER = "check_character"  # 统一社会信用代码校验位不符
    FIRST_WRITE_EQUALITY = "first_write_equality"  # 首次写入未令传播方等于生成方
    OTHER_PLACE = "other_place"  # 不在指南规定的位置
    XMP_ATTRIBUTE = "xmp_attribute"  # XMP 属性形式
    NO_KEY = "no_key"  # 没有键名
    NOT_JSON = "not_json"  # 不是 JSON
    DAMAGED_FRONT_MATTER = "damaged_front_matter"  # 文件头被编辑器破坏


DEVIATION_NAMES: dict[Deviation, Bi] = {
    Deviation.WRAPPED: Bi("外面多一层 AIGC", "wrapped in one more AIGC"),
    Deviation.DOUBLE_ENCODED: Bi("JSON 被再次编码为字符串", "JSON encoded again as text"),
    Deviation.ESCAPED: Bi("字符实体没有还原", "character entities not undone"),
    Deviation.BYTE_ORDER_MARK: Bi("开头有字节顺序标记", "begins with a byte-order mark"),
    Deviation.DUPLICATE_KEY: Bi("有重复的键", "a key stands twice"),
    Deviation.MISSING_FIELD: Bi("缺少字段", "fields are missing"),
    Deviation.KEY_CASE: Bi("键名大小写有误", "keys in the wrong case"),
    Deviation.ENCODING: Bi("编码不是 UTF-8", "is not in UTF-8"),
    Deviation.UNKNOWN_FIELD: Bi("有标准之外的字段", "fields that the standard does not know"),
    Deviation.NULL_VALUE: Bi("字段值为 null", "a value is null"),
    Deviation.NOT_TEXT: Bi("字段值不是字符串", "a value is not text"),
    Deviation.OLD_SCHEMA: Bi("旧格式的字段", "fields of an older schema"),
    Deviation.LABEL_VALUE: Bi("Label 不是 1、2、3", "Label is not 1, 2 or 3"),
    Deviation.CHARACTERS: Bi("有范围之外的字符", "characters outside the set"),
    Deviation.FIELD_TOO_LONG: Bi("字段过长", "a field is too long"),
    Deviation.PRODUCER_CODE: Bi("生成方编码不是 27 位编码", "the producer's code is not one of 27 characters"),
    Deviation.PROPAGATOR_CODE: Bi("传播方编码不是 27 位编码", "the propagator's code is not one of 27 characters"),
    Deviation.CHECK_CHARACTER: Bi("统一社会信用代码校验位不符", "the check character of the credit code is wrong"),
    Deviation.FIRST_WRITE_EQUALITY: Bi(
        "传播方字段为空，首次写入时应与生成方相同", "the propagator's fields are empty; on first write they equal the producer's"
    ),
    Deviation.OTHER_PLACE: Bi("不在指南规定的位置", "not in the place that the guide names"),
    Deviation.XMP_ATTRIBUTE: Bi("写成 XMP 属性", "written as an XMP attribute"),
    Deviation.NO_KEY: Bi("没有键名", "stands without its key"),
    Deviation.NOT_JSON: Bi("不是 JSON", "is not JSON"),
    Deviation.DAMAGED_FRONT_MATTER: Bi("文件头被编辑器破坏", "the front matter was destroyed by an editor"),
}  # fmt: skip


class LabelError(InputError):
    """A label can not be written as it is given."""


@dataclass(frozen=True, slots=True)
class Label:
    """The seven fields, as text."""

    label: str
    content_producer: str
    produce_id: str
    reserved_code1: str
    content_propagator: str
    propagate_id: str
    reserved_code2: str

    @classmethod
    def first(cls, producer: str, number: str, *, kind: Kind = Kind.IS, reserved: str = "") -> Label:
        """Return the label of a first write: the propagator's fields equal the producer's (annex E, note 1)."""
        return cls(kind.value, producer, number, reserved, producer, number, "")

    def propagated(self, propagator: str, number: str, *, reserved: str = "") -> Label:
        """Return the label as a platform passes it on: the producer's four fields stay."""
        return replace(self, content_propagator=propagator, propagate_id=number, reserved_code2=reserved)

    def as_dict(self) -> dict[str, str]:
        """Return the fields by their names in the standard, in its order."""
        return dict(zip(FIELDS, (getattr(self, name) for name in self.__slots__), strict=True))

    def as_json(self) -> str:
        """Return the bare object, as a container holds it."""
        return _as_json(self.as_dict())


@dataclass(frozen=True, slots=True)
class Reading:
    """What one place in a file says; `label` is None where it can not be understood."""

    place: str
    raw: str
    label: Label | None
    deviations: tuple[Deviation, ...] = ()
    given: frozenset[str] = field(default=frozenset())
    """The fields that stand there; those that do not are empty in `label`."""


# --- strict --------------------------------------------------------------------------------------------


def check(label: Label, *, first: bool = False) -> Label:
    """Return a label that may be written; raise LabelError with the clause. `first` asks for the rule of a first write."""
    wrong = faults(label)
    if first and (label.content_propagator, label.propagate_id) != (label.content_producer, label.produce_id):
        wrong = (*wrong, Deviation.FIRST_WRITE_EQUALITY)
    if wrong:
        names = [DEVIATION_NAMES[item] for item in dict.fromkeys(wrong)]
        raise LabelError(
            Bi("标识有误：" + "、".join(name.zh for name in names), "the label is wrong: " + ", ".join(name.en for name in names)),
            Bi(
                "编码为 27 位（00 + 主体 + 绑定 + 统一社会信用代码 + 服务类型 + 自定 4 位），编号只用可见 ASCII，不含空格、引号、反斜杠",
                "a code has 27 characters (00, subject, binding, credit code, service type, four of your own); numbers are visible "
                "ASCII without space, quote and backslash",
            ),
            cite=cite("GB45438-E.b"),
        )  # fmt: skip
    return label


@lru_cache(maxsize=32)  # a label is looked at when it is made, and when it was read back
def faults(label: Label) -> tuple[Deviation, ...]:
    """Return how a label's values differ from the standard's."""
    found: list[Deviation] = []
    if label.label not in set(Kind):
        found.append(Deviation.LABEL_VALUE)
    found += code_faults(label.content_producer, Deviation.PRODUCER_CODE)
    if label.content_propagator:
        found += code_faults(label.content_propagator, Deviation.PROPAGATOR_CODE)
    if label.content_producer and not (label.content_propagator and label.propagate_id):
        found.append(Deviation.FIRST_WRITE_EQUALITY)
    if not label.produce_id:
        found.append(Deviation.MISSING_FIELD)
    plain = (label.label, label.content_producer, label.produce_id, label.content_propagator, label.propagate_id)
    reserved = (label.reserved_code1, label.reserved_code2)
    if not (all(map(_ALLOWED.fullmatch, plain)) and all(map(_ALLOWED_WITH_QUOTES.fullmatch, reserved))):
        found.append(Deviation.CHARACTERS)
    if any(len(value) > LONGEST_FIELD for value in (*plain, *reserved)):
        found.append(Deviation.FIELD_TOO_LONG)
    return tuple(dict.fromkeys(found))


def code_faults(code: str, name: Deviation) -> tuple[Deviation, ...]:
    """Return what is wrong with a provider's code."""
    match = _CODE.fullmatch(code)
    if match is None:
        return (name,)
    if match[1] == _USCC_BINDING and not uscc_valid(match[2].lower()):
        return (Deviation.CHECK_CHARACTER,)
    return ()


def set_code(name: str, code: str) -> str:
    """Return a provider's code that an operator set under a name, empty for none; raise SettingsError for a wrong one."""
    wrong = code_faults(code, Deviation.PRODUCER_CODE) if code else ()
    if wrong:
        why = DEVIATION_NAMES[wrong[0]]
        raise SettingsError(
            Bi(f"设置 {name} 有误：{why.zh}（{code}）", f"the setting {name} is wrong: {why.en} ({code})"),
            Bi("写 27 位编码，统一社会信用代码的校验位须相符", "give the 27 characters; the credit code's check character must fit"),
            cite=cite("GB45438-E.b"),
        )  # fmt: skip
    return code


def credit_code(code: str) -> str:
    """Return the unified social credit code inside a provider's code; empty where there is none."""
    match = _CODE.fullmatch(code)
    return match[2] if match and match[1] == _USCC_BINDING else ""
