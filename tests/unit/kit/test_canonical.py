"""One byte form of JSON: RFC 8785's rules as far as payloads use them, the standard library's bytes, clean text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.kit.canonical import canonical, clean

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        # RFC 8785, 3.2.2: literals and strings of its sample (its numbers are floats, which payloads never hold).
        ([None, True, False], "[null,true,false]"),
        ("€$\u000f\nA'B\"\\\\\"/", '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        # 3.2.3: its sample of sorted names, but for U+FB33 beside U+1F600, see below.
        (
            {"€": "Euro Sign", "\r": "Carriage Return", "1": "One", "\u0080": "Control\u007f", "ö": "Latin", "</script>": "Tag"},
            '{"\\r":"Carriage Return","1":"One","</script>":"Tag","\u0080":"Control\u007f","ö":"Latin","€":"Euro Sign"}',
        ),
        ('\b\t\n\f\r\x00\x1f"\\', '"\\b\\t\\n\\f\\r\\u0000\\u001f\\"\\\\"'),
        ({"b": {"z": 1, "a": [2, {"y": 0, "x": -1}]}, "a": 9007199254740992}, '{"a":9007199254740992,"b":{"a":[2,{"x":-1,"y":0}],"z":1}}'),
        ({}, "{}"), ([], "[]"), ("", '""'), (0, "0"), ("中文/\u2028", '"中文/\u2028"'),
    ],
)  # fmt: skip
def test_the_form_is_that_of_rfc_8785(value: Any, wanted: str) -> None:
    assert canonical(value) == wanted.encode()


def test_names_are_sorted_by_code_points_where_rfc_8785_sorts_by_utf_16() -> None:
    """They differ for names beyond the basic plane only; both writers and the verifier agree with each other."""
    value = {"\ufb33": 1, "\U0001f600": 2}
    assert canonical(value) == '{"\ufb33":1,"\U0001f600":2}'.encode()
    assert canonical(value) == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@given(VALUES)
def test_any_payload_equals_the_standard_library_and_comes_back(value: Any) -> None:
    made = canonical(value)
    assert made == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert json.loads(made) == value
    assert canonical(json.loads(made)) == made


@given(st.permutations(["b", "a", "ä", "中", "A", ""]))
def test_the_order_in_which_keys_were_given_does_not_matter(keys: list[str]) -> None:
    assert canonical(dict.fromkeys(keys, 1)) == canonical(dict.fromkeys(sorted(keys), 1))


@pytest.mark.parametrize("bad", ["\ud800", {"a": ["\udfff"]}, {1: "a"}, {"a": {1}}, 1 << 70, b"x"])
def test_what_has_no_one_form_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError):
        canonical(bad)


@given(st.text(st.characters(), max_size=20))
def test_clean_text_can_be_written_and_keeps_its_length(text: str) -> None:
    made = clean(text)
    assert canonical(made)
    assert len(made) == len(text)
    assert [a for a, b in zip(made, text, strict=True) if not "\ud800" <= b <= "\udfff"] == [
        b for b in text if not "\ud800" <= b <= "\udfff"
    ]
    assert clean(made) == made
