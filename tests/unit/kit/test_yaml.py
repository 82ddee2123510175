"""YAML as people write it: plain types come back, and whatever is wrong is one error, a key given twice too."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hegui.kit.yaml import YAMLError, read_yaml

SHIPPED = pytest.mark.parametrize("shipped", [False, True], ids=["an operator's", "shipped"])
TEXT = st.text("甲乙ab1: #-'\"\n", max_size=6)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.integers(), inner, max_size=3),
    max_leaves=12,
)


@SHIPPED
@given(data=PLAIN, flow=st.booleans())
def test_plain_data_comes_back(shipped: bool, data: Any, flow: bool) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow)
    assert read_yaml(text, shipped=shipped) == data


@SHIPPED
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3), ("{a: 1, a: 1}", 1), ("a: 1\n'a': 2\n", 2), ("x:\n- y: {b: 1}\n- y: 1\n  y: 2\n", 4),
        ("1: a\n0x1: b\n", 2), ("yes: a\n'no': b\non: c\n", 3), ("2026-01-01: a\n2026-01-01: b\n", 2), ("~: a\nnull: b\n", 2),
        ("a: &x {b: 1, b: 2}\nc: *x\n", 1), ("a: &x {b: *x, c: 1, b: 1}\n", 1),
    ],
)  # fmt: skip
def test_a_key_given_twice_is_told_with_its_line(shipped: bool, text: str, line: int) -> None:
    with pytest.raises(YAMLError, match=f"出现两次.*stands twice(?s:.*)line {line},"):
        read_yaml(text, shipped=shipped)


@SHIPPED
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None), ("1: a\n'1': b\n", {1: "a", "1": "b"}), ("a: {b: 1}\nc: {b: 1}\n", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1}\nc: *x\nd: *x\n", {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}}),
        ("a: &x {b: 1, c: 1}\nd: {<<: *x, b: 2}\n", {"a": {"b": 1, "c": 1}, "d": {"b": 2, "c": 1}}),
        ("z: &z {k: 0}\nx: {y: &a {<<: *z, k: 1}}\nc: {<<: *a}\n", {"z": {"k": 0}, "x": {"y": {"k": 1}}, "c": {"k": 1}}),
        ("on: 2026-01-01", {True: date(2026, 1, 1)}),
    ],
)  # fmt: skip
def test_what_only_looks_like_a_key_given_twice_is_read(shipped: bool, text: str, wanted: Any) -> None:
    assert read_yaml(text, shipped=shipped) == wanted


@SHIPPED
@pytest.mark.parametrize(
    "text",
    [
        "a: [", "a: b: c", "\tx: 1", "a: *nothing", "a: 'x", "%YAML 9.9\n---\n", "\x00", "a: 1\n--- \nb: 2", "? [a]\n: b", "{{a: b}: c}",
        "!!python/name:os.system x", "a: 2026-99-99", "a: !!timestamp x", "a: !!int ''", "a: !!bool x", "!!set x: 1", "\ud800",
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_one_error_that_says_something(shipped: bool, text: str) -> None:
    with pytest.raises(YAMLError, match=r"\w"):
        read_yaml(text, shipped=shipped)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "[" * 5000 + "]" * 5000, "{a: " * 50_000])
def test_an_operators_file_nested_too_deep_is_refused_and_the_process_goes_on(text: str) -> None:
    with pytest.raises(YAMLError, match="recursion"):
        read_yaml(text)
