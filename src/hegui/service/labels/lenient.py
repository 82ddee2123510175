"""What real writers make of a label's value: wrapped, encoded twice, cut off, in another encoding; each fault by its name.

A value that has none of a label's fields is somebody's own, and no label; one that stands under the label's own
name and can not be understood is a label without a meaning.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from hegui.service.labels.schema import FIELDS, KEYWORD, LONGEST_VALUE, NEEDED, Deviation, Label, Reading, faults

TELLING = NEEDED - {"Label"}
"""Fields that other people's data do not have."""
_BY_CASE = {name.lower(): name for name in FIELDS}
_MOST_ESCAPES = 3
_MOST_WRAPS = 4
_OLD = {"ServiceProvider": "ContentProducer", "ContentId": "ProduceID"}
"""An older schema of one cloud; `ServiceUser` and `Time` have no place in the new one."""
_NAMED = re.compile(r"Content_?(?:Producer|Propagator|Id)\b|(?:Produce|Propagate)_?ID\b|ServiceProvider\b|[\"'\u201c]Label\b", re.IGNORECASE)  # fmt: skip
_OWN = re.compile(rf"(?:\A|[^0-9A-Za-z_]){KEYWORD}\Z", re.IGNORECASE)
"""A place whose name is the keyword, and does not only contain it."""
_KEY_BEFORE = re.compile(rf"\A{KEYWORD}[\s\0:=]*(?=\{{)", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")


class _Pairs(dict[str, Any]):
    """An object that remembers that a key stood twice."""

    twice = False


def _object(pairs: list[tuple[str, Any]]) -> _Pairs:
    found = _Pairs(pairs)
    found.twice = len(found) < len(pairs)
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_LAX = json.JSONDecoder(object_pairs_hook=_object, strict=False)
_CURLY = dict.fromkeys((0x201C, 0x201D, 0x201F, 0xFF02), '"')
"""What a word processor makes of straight quotes."""


def _decoded(raw: bytes | str, found: list[Deviation]) -> str:
    """Return the text up to its end; one in UTF-16 or GB 18030 is read as well."""
    text = raw if isinstance(raw, str) else _text(raw, found)
    return text.lstrip("\0 \t\r\n").partition("\0")[0].rstrip(" \t\r\n")


def _text(raw: bytes, found: list[Deviation]) -> str:
    name = (
        json.detect_encoding(raw.lstrip(b"\0 \t\r\n") if b"{\0" not in raw[:8] else raw)
        if b"\0" in raw[:8]
        else "utf-8"
    )
    for encoding in dict.fromkeys((name, "gb18030")):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(raw)
        except UnicodeDecodeError:
            continue
        if (encoding != "utf-8" and not text.isascii()) or encoding.startswith("utf-16"):
            found.append(Deviation.ENCODING)
        return text
    return raw.decode("utf-8", "replace")


def like(data: Any) -> bool:  # noqa: ANN401 - JSON of any shape
    """Say whether data are a label, or a text of one: they have a field that other people's data do not have."""
    if isinstance(data, str):
        return _NAMED.search(data) is not None
    if isinstance(data, list):
        return bool(data) and like(data[0])
    if not isinstance(data, Mapping):
        return False
    names = {_plain(key) for key in data}
    return any(name.lower() in names for name in TELLING) or bool(_OLD.keys() & set(data)) or like(_wrapped(data))


def read(place: str, raw: bytes | str, *notes: Deviation) -> Reading | None:
    """Return what a value says, or None when it is no label at all: no field of it is one that labels have.

    `notes` are deviations that the container saw. What should be a label and can not be read is a
    Reading without one.
    """
    found = list(notes)
    text = _decoded(raw[: LONGEST_VALUE + 1], found)
    if len(text) > LONGEST_VALUE:
        return Reading(place, text[:200], None, (*found, Deviation.FIELD_TOO_LONG))
    if text.startswith("\ufeff"):
        found.append(Deviation.BYTE_ORDER_MARK)
        text = text.lstrip("\ufeff")
    data = _understood(text, found)
    if data is not None:
        data = _unwrapped(data, found)
    if isinstance(data, Mapping):
        return from_mapping(place, data, found, text)
    # Of a name that only contains the keyword, whatever says nothing of a label's fields is a writer's own.
    own = Deviation.OTHER_PLACE not in notes or _OWN.search(place) is not None
    if not own and _NAMED.search(text) is None:
        return None
    return Reading(place, text, None, (*dict.fromkeys(found), Deviation.NOT_JSON))


def _understood(text: str, found: list[Deviation]) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return what a text says, undoing what writers do to JSON; None for what can not be understood."""
    data = _json(text)
    if data is not None:
        return data
    for note, plain in _undone(text):
        if (data := _json(plain)) is not None:
            found.append(note)
            return data
        text = plain
    if text.startswith('{\\"') and (data := _json(f'"{text}"')) is not None:
        return data
    if (bare := _KEY_BEFORE.sub("", text)).startswith("{"):
        data = _printed(bare)
    if data is not None:
        found.append(Deviation.NOT_JSON)
    return data


def _undone(text: str) -> list[tuple[Deviation, str]]:
    """Return a text with the escapes of pages, addresses and mail undone, one after the other."""
    steps: list[tuple[Deviation, str]] = []
    for _ in range(_MOST_ESCAPES):
        if "&" not in text or (plain := html.unescape(text)) == text:
            break
        steps.append((Deviation.ESCAPED, text := plain))
    if text[:3].lower() == "%7b":
        steps.append((Deviation.ESCAPED, unquote(text)))
    elif _BASE64.fullmatch(text):
        try:
            raw = base64.b64decode(text.translate({0x2D: "+", 0x5F: "/"}) + "=" * (-len(text) % 4))
            plain = raw.decode()
        except (binascii.Error, UnicodeDecodeError):
            return steps
        if plain.lstrip().startswith("{"):
            steps.append((Deviation.DOUBLE_ENCODED, plain))
    return steps


def _printed(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return an object with something behind it, line ends or curly quotes in it, or as a program prints one of its own."""
    for one in dict.fromkeys((text, text.translate(_CURLY))):
        try:
            return _LAX.raw_decode(one)[0]
        except (ValueError, RecursionError):
            continue
    try:
        data = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return as_json(data) if isinstance(data, dict) else None


def as_json(data: Any) -> Any:  # noqa: ANN401 - plain data of any shape
    """Return data of another language (dates, sets, aliases, keys of any kind) as JSON has it; None for what is too large for it.

    It is written piece by piece: an alias may stand for a long text, and is a few characters itself.
    """
    out, left = [], 4 * LONGEST_VALUE
    try:
        for part in json.JSONEncoder(ensure_ascii=False, skipkeys=True, default=str).iterencode(data):
            left -= len(part)
            if left < 0:
                return None
            out.append(part)
        return json.loads("".join(out))
    except (ValueError, TypeError, RecursionError):  # a number of very many digits; data that hold themselves
        return None


def _json(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _unwrapped(data: Any, found: list[Deviation]) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return what is inside the lists, texts and objects around a label."""
    wraps = 0
    for _ in range(_MOST_WRAPS):
        if isinstance(data, str):
            found.append(Deviation.DOUBLE_ENCODED)
            data = _json(data)
        elif isinstance(data, list) and data and isinstance(data[0], Mapping):
            found.append(Deviation.WRAPPED if len(data) == 1 else Deviation.DUPLICATE_KEY)
            data = data[0]
        elif isinstance(data, Mapping) and (key := _wrapper(data)):
            # Annex E b) shows the object under `AIGC`, the guides without; both are fine, once.
            wraps += 1
            if wraps > 1 or key.upper() != KEYWORD:
                found.append(Deviation.WRAPPED)
            data = data[key]
        else:
            break
    return data


def _wrapper(data: Mapping[str, Any]) -> str:
    """Return the key that holds a label in an object that is none: the keyword, else one that contains it."""
    if NEEDED & set(data):
        return ""
    exact = next((key for key in data if str(key).upper() == KEYWORD), "")
    return exact or next((str(key) for key in data if KEYWORD in str(key).upper() and like(data[key])), "")


def _wrapped(data: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON of any shape
    return next((value for key, value in data.items() if str(key).upper() == KEYWORD), None)


def _plain(key: object) -> str:
    return str(key).replace("_", "").lower()


def from_mapping(place: str, data: Mapping[str, Any], notes: list[Deviation], text: str = "") -> Reading | None:
    """Return what a mapping of fields says, or None when it has none of a label's fields."""
    found = list(notes)
    twice = getattr(data, "twice", False)
    named = {_BY_CASE.get(_plain(key), str(key)): value for key, value in data.items() if key not in NEEDED}
    if TELLING & (set(data) | set(named)) and NEEDED & set(named):
        found.append(Deviation.KEY_CASE)
        data = {**named, **{key: value for key, value in data.items() if key in NEEDED}}
    if not TELLING & set(data) and _OLD.keys() & set(data):
        found.append(Deviation.OLD_SCHEMA)
        data = {_OLD.get(key, key): value for key, value in data.items() if key in _OLD or key in NEEDED}
    if not NEEDED & set(data):
        return None
    if twice:
        found.append(Deviation.DUPLICATE_KEY)
    missing = NEEDED - set(data)
    if missing:
        found.append(Deviation.MISSING_FIELD)
    if set(data) - NEEDED:
        found.append(Deviation.UNKNOWN_FIELD)
    label = Label(*(_value(data.get(name, ""), found) for name in FIELDS))
    found += [
        item
        for item in faults(label)
        if not (item is Deviation.FIRST_WRITE_EQUALITY and {"ContentPropagator", "PropagateID"} & missing)
    ]
    return Reading(place, text, label, tuple(dict.fromkeys(found)), NEEDED - missing)


def _value(value: Any, found: list[Deviation]) -> str:  # noqa: ANN401 - JSON of any shape
    """Return a field as text; half a surrogate pair is none, and could not be written again."""
    if value is None:
        found.append(Deviation.NULL_VALUE)
        return ""
    if not isinstance(value, str):
        found.append(Deviation.NOT_TEXT)
        nested = isinstance(value, Mapping | list)
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":")) if nested else str(value)
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
