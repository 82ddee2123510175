"""Front matter, and what else of a Markdown text can be its label: YAML as the guide has it, TOML, JSON, spoilt, or moved.

TC260-PG-20258A clause 6.5 names YAML at the head of the file. What stands in a fence of code is an example, and no label.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from hegui.kit.yaml import YAMLError, read_yaml
from hegui.service.labels import lenient, loose
from hegui.service.labels.container import Slot, unreadable
from hegui.service.labels.containers import objects
from hegui.service.labels.schema import FIELDS, KEYWORD, LONGEST_VALUE, Deviation

FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(
    rf"^(['\"]?){KEYWORD}\1[ \t]*:.*(?:\r?\n(?:[ \t]+.*|[ \t]*(?=\r?\n)))*(?:\r?\n|\Z)", re.MULTILINE | re.IGNORECASE
)
WITHIN = 4096
"""Characters at the beginning of a text in which a front matter that an editor destroyed is looked for."""
_MOST_BLOCKS, _MOST_YAML = 256, 2 * LONGEST_VALUE
"""Most blocks under the key of a label, and most characters of them, that are read as YAML: a hundred thousand take a second."""
_BRACKET = re.compile(r"[\[\]{}]")
_DEEPEST = 32
_TOML = re.compile(r"\A\+\+\+[ \t]*\r?\n(.*?)^\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_ANY_FIELD = "|".join(FIELDS)
# An editor that takes the dashes for a rule escapes them, makes them another rule or loses one, and joins the lines.
_SPOILT = re.compile(rf"\A[\s\\*_=#>—–-]*(?={KEYWORD}[\s\\]*:\W{{0,40}}(?:{_ANY_FIELD})[\s\\\"]*:)")
_ESCAPED = re.compile(
    rf"\A\s*\\?-{{3}}.{{0,200}}?^[ \t]*{KEYWORD}\s*:.*?^[ \t]*ContentProducer\s*:", re.DOTALL | re.MULTILINE
)
_KEY = re.compile(rf"^[ \t]*\W?{KEYWORD}\W?[ \t]*:", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(?P<mark>```+|~~~+)[\s\S]*?(?:^ {0,3}(?P=mark)|\Z)", re.MULTILINE)
_PLACE, _ELSEWHERE, _DAMAGED = f"front matter {KEYWORD}", Deviation.OTHER_PLACE, Deviation.DAMAGED_FRONT_MATTER


def labels(text: str) -> Iterator[Slot]:
    """Yield the labels of a front matter; where it has none, those of a spoilt one, of comments and of the text itself."""
    found = list(_head(text)) or list(_spoilt(text)) or list(_body(text))
    yield from found


def _head(text: str) -> Iterator[Slot]:
    if match := FRONT.match(text):
        yield from _yaml(match[1])
    elif match := FRONT.match(text.lstrip("\ufeff \t\r\n")):
        yield from (_with(slot, _ELSEWHERE) for slot in _yaml(match[1]))
    elif match := _TOML.match(text):
        yield from _toml(match[1])
    elif text.lstrip().startswith("{"):
        yield from _json(text.lstrip())


def _with(slot: Slot, note: Deviation) -> Slot:
    return Slot(slot.place, slot.value, (*slot.notes, note))


def _yaml(front: str) -> Iterator[Slot]:
    blocks = list(_blocks(front))
    for block in blocks:
        slot = _slot(block[0])
        yield slot if KEYWORD in block[0] else _with(slot, Deviation.KEY_CASE)
    if blocks:
        return
    if _KEY.search(front):
        found = list(objects.labels(_read(front)))
        yield from (_with(slot, _ELSEWHERE) for slot in found) if found else [_slot(front)]
    elif any(f"{name}:" in front for name in FIELDS):
        data = _read(front)
        if isinstance(data, dict) and lenient.TELLING & set(data):
            fields = {name: value for name, value in data.items() if name in FIELDS}
            yield Slot("front matter", json.dumps(fields, ensure_ascii=False, default=str), (Deviation.NO_KEY,))


def _blocks(text: str) -> Iterator[re.Match[str]]:
    """Yield the blocks under the key of a label; raise UnreadableError for more than are read."""
    size = 0
    for number, block in enumerate(BLOCK.finditer(text)):
        size += min(len(block[0]), LONGEST_VALUE)
        if number == _MOST_BLOCKS or size > _MOST_YAML:
            raise unreadable("可能有标识的位置过多", "there are too many places that may have a label")
        yield block


def _read(text: str) -> Any:  # noqa: ANN401 - YAML of any shape
    if len(text) > LONGEST_VALUE or _is_deep(text):
        return None
    try:
        return lenient.as_json(read_yaml(text))
    except YAMLError:
        return None


def _is_deep(text: str) -> bool:
    """Say whether lists or objects are nested deeper than any label's: the parser takes the square of the depth."""
    depth = 0
    for sign in _BRACKET.findall(text):
        depth = depth + 1 if sign in "[{" else max(depth - 1, 0)
        if depth > _DEEPEST:
            return True
    return False


def _slot(block: str) -> Slot:
    """Return the label of a block of YAML; one that is none was damaged."""
    if len(block) > LONGEST_VALUE:
        return Slot(_PLACE, block, (Deviation.FIELD_TOO_LONG,))
    data = _read(block)
    named = next((value for key, value in data.items() if str(key).upper() == KEYWORD), None) if isinstance(data, dict) else None  # fmt: skip
    if named is None:
        return Slot(_PLACE, block, (_DAMAGED,))
    return Slot(_PLACE, named if isinstance(named, str) else json.dumps(named, ensure_ascii=False, default=str))


def _toml(front: str) -> Iterator[Slot]:
    if KEYWORD not in front.upper():
        return
    try:
        data = lenient.as_json(tomllib.loads(front))
    except (ValueError, RecursionError):  # also for a number of very many digits
        data = None
    if data is None:
        if _ANY_KEY.search(front):
            yield Slot(_PLACE, front[:LONGEST_VALUE], (_DAMAGED, _ELSEWHERE))
        return
    for key, value in data.items():
        if key.upper() == KEYWORD:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
            yield Slot(_PLACE, text, (_ELSEWHERE,))


_ANY_KEY = re.compile(rf"^[ \t]*\[?['\"]?{KEYWORD}['\"]?\]?[ \t]*(?:=|$)", re.MULTILINE | re.IGNORECASE)


def _json(text: str) -> Iterator[Slot]:
    try:
        data, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return
    if lenient.like(data):
        yield Slot(_PLACE, text[:end], (_ELSEWHERE,))


def _spoilt(text: str) -> Iterator[Slot]:
    """Yield the label of a front matter that an editor destroyed, as far as it can be read."""
    head = text[:WITHIN]
    match = _SPOILT.match(head)
    if match is not None:
        block = BLOCK.match(text, match.end())
        slot = _slot(block[0]) if block else None
        if slot is None or _DAMAGED in slot.notes:
            yield Slot(_PLACE, head, (_DAMAGED,))
        else:
            yield _with(slot, _DAMAGED)
    elif escaped := _ESCAPED.match(head):
        yield Slot("front matter", escaped[0], (_DAMAGED,))


def _body(text: str) -> Iterator[Slot]:
    """Yield labels in comments, and blocks of YAML that stand in the text: outside of code, with the fields of a label."""
    if KEYWORD not in text or not any(name in text for name in lenient.TELLING):
        return
    text = _FENCE.sub(lambda match: re.sub(r"[^\r\n]", " ", match[0]), text)
    yield from comments(text)
    for block in _blocks(text):
        slot = _slot(block[0])
        if not slot.notes and lenient.like(_loaded(str(slot.value))):
            yield _with(slot, _ELSEWHERE)


def _loaded(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def comments(text: str) -> Iterator[Slot]:
    """Yield the labels that stand in comments of a page."""
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (end := text.find("-->", start)) >= 0:
        yield from loose.elsewhere("comment", text[start + 4 : end])
