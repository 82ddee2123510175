"""What of an upstream's events and completions is passed on: the fields that the protocol names, in their form."""

from __future__ import annotations

import json
import re

from hegui.service.gateway.protocol import Json, ProtocolError

KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier"})
"""Fields of a chunk or completion that are passed on; all others are taken out, since nobody looked at them."""
_NAMES = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,199}")
_KNOWN_CHOICE = {
    "chunk": frozenset({"index", "delta", "finish_reason", "logprobs"}),
    "whole": frozenset({"index", "message", "finish_reason", "logprobs"}),
}
_MOST_CHOICES = 9999
_REASON = re.compile(r"[a-z_]{1,40}")


def strip(data: Json, form: str) -> bool:
    """Take out of an event or completion what the protocol does not name; return whether there was any.

    Every choice has a number of its own afterwards, or in an event that of the choice which it goes on with.
    """
    changed = keep_only(data, KNOWN)
    usage = data.get("usage")
    if usage is not None and not is_counts(usage):
        del data["usage"]
        changed = True
    for name in _NAMES:
        value = data.get(name)
        if value is not None and type(value) is not int and not (isinstance(value, str) and _NAME.fullmatch(value)):
            del data[name]
            changed = True
    items = data.get("choices")
    if items is not None and not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
        del data["choices"]
        message = "`choices` of the upstream is not a list of objects"
        raise ProtocolError(message)
    for item in items or ():
        changed = keep_only(item, _KNOWN_CHOICE[form]) or changed
        reason = item.get("finish_reason")
        if reason == "":
            item["finish_reason"] = None  # as some upstreams write "not yet"
            changed = True
        elif reason is not None and not (isinstance(reason, str) and _REASON.fullmatch(reason)):
            item["finish_reason"] = "stop"
            changed = True
    return _number(items or [], form) or changed


def _number(items: list[Json], form: str) -> bool:
    """Give a number to each choice that has none; raise ProtocolError for one that is no number."""
    given = [item.get("index") for item in items]
    for index in given:
        if index is not None and not (type(index) is int and 0 <= index <= _MOST_CHOICES):
            message = "an `index` of the upstream is not a number of a choice"
            raise ProtocolError(message)
    if form == "whole" and len(set(given)) < len(given):
        given = [None] * len(given)
    changed = False
    for place, item in enumerate(items):
        # A stream of one choice need not number it.
        if given[place] is None and (form == "whole" or place):
            item["index"], changed = place, True
    return changed


def keep_only(data: Json, names: frozenset[str]) -> bool:
    """Delete every other key; return whether there was one."""
    others = data.keys() - names
    for key in others:
        del data[key]
    return bool(others)


def once(raw: bytes) -> bool:
    """Say whether an event is surely the same to every reader: no key twice, no line break."""
    try:
        json.loads(raw, object_pairs_hook=_no_twice)
    except ValueError:
        return False
    return b"\n" not in raw


def _no_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(pairs)
    return found


def is_counts(usage: object) -> bool:
    """Say whether a value holds numbers under plain names and nothing else, as `usage` does."""
    if not isinstance(usage, dict):
        return False
    return all(
        _REASON.fullmatch(key) and (value is None or isinstance(value, int | float) or is_counts(value))
        for key, value in usage.items()
    )


def hollow(delta: Json) -> bool:
    """Say whether a delta says nothing any more after its text was held."""
    return all(value in ("", None) or (isinstance(value, list | dict) and not value) for value in delta.values())
