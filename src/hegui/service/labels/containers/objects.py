"""JSON that holds labels: an object that is one, answers of APIs around one, and lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hegui.service.labels import lenient, loose
from hegui.service.labels.container import Slot
from hegui.service.labels.schema import FIELDS, KEYWORD

_DEEPEST = 16
_BY_CASE = {name.lower() for name in FIELDS}
_LEAST_FIELDS = 3
"""Fields in another case by which an object is told to be a label."""


def labels(data: Any, depth: int = 0) -> Iterator[Slot]:  # noqa: ANN401 - JSON of any shape
    """Yield the labels in data, however deep: objects that are one, and what stands under the keyword and is one."""
    if depth > _DEEPEST:
        return
    if isinstance(data, list):
        for item in data:
            yield from labels(item, depth + 1)
    elif isinstance(data, Mapping) and is_label(data):
        yield Slot("object", json.dumps(data, ensure_ascii=False))
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _under(str(key), value, depth)


def _under(key: str, value: Any, depth: int) -> Iterator[Slot]:  # noqa: ANN401 - JSON of any shape
    if key.upper() == KEYWORD and (lenient.like(value) or (isinstance(value, Mapping) and "Label" in value)):
        yield Slot(KEYWORD, json.dumps({KEYWORD: value}, ensure_ascii=False))
    elif isinstance(value, str) and "{" in value and loose.label_in(value):
        yield Slot(key, value)
    else:
        yield from labels(value, depth + 1)


def is_label(data: Mapping[str, Any]) -> bool:
    """Say whether an object is a label: it has a field that others do not have, or several in another case."""
    if lenient.TELLING & set(data):
        return True
    return len(_BY_CASE & {str(key).replace("_", "").lower() for key in data}) >= _LEAST_FIELDS
