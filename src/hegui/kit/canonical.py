"""One byte form for a JSON value, the same here and in the stand-alone verifier."""

from __future__ import annotations

from typing import Any

import orjson


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return UTF-8 JSON with sorted keys and no spaces; equal to the standard library's compact form.

    Payloads hold strings, integers, booleans, null, lists and objects; no floats, so that
    every JSON writer agrees. Lone surrogates are replaced before they get here.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def clean(text: str) -> str:
    """Return the text with lone surrogates replaced, so that it can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
