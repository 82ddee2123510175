"""Labels of text: both elements, at the right place, once; never inside JSON, code or what a tool reads."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hegui.service.labels import Labeller, LabelPosition, LabelStyle, check_wording, is_machine_text
from hegui.service.labels.text import DEFAULT_WORDING, WordingError

START, END, INTERFACE = (
    LabelStyle(position) for position in (LabelPosition.START, LabelPosition.END, LabelPosition.INTERFACE)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=3)
TEXTS = ["好", "  好", "\n\n好", "第一行\n第二行", "[注意] 要浇水", "{变量} 是甲", "[1]: 甲", "{", "[", "{好}", '答：{"a": 1}', "```py\n1\n```", "~~~\n1\n~~~\n后文", "`行内`",
         "````md\n```\n1\n```\n````", "A ``` 在行中", "1", "true", '"引号"', "1. 甲\n2. 乙", "| 甲 | 乙 |\n|---|---|", "好" * 5000]  # fmt: skip
MACHINE = [
    '{"a": 1}',
    "[1, 2]",
    " \n{}\n",
    "[]",
    '{"a":1}\n{"b":2}',
    '{"a":1}\n\n{"b":[{}]}\n',
    '[\n {"甲": "乙"}\n]',
    '{"a": "```"}',
]
OPEN_CODE = ["```py\nprint(1)", "~~~\nx", "前\n```\nx\n```\n```", "````\n```\n1", "   ```\nx", "```\n~~~\n"]


def whole(style: LabelStyle, text: str, *, machine: bool = False) -> str:
    """Return a whole answer as it leaves."""
    labeller = Labeller(style, machine=machine)
    return labeller.before(text) + text + labeller.after(text)


def streamed(style: LabelStyle, pieces: list[str]) -> tuple[str, Labeller]:
    """Return an answer in pieces as it leaves."""
    labeller = Labeller(style, machine=False)
    first, *rest = pieces
    said = labeller.before(first) + first + "".join(rest)
    return said + labeller.after("".join(pieces)), labeller


# --- where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("style", [START, END])
def test_a_text_is_labelled_once_with_both_elements_and_otherwise_untouched(style: LabelStyle, text: str) -> None:
    said = whole(style, text)
    assert said.count(style.wording) == 1
    assert said.replace(style.wording, "").strip("\n") == text.strip("\n")
    assert check_wording(style.wording) == DEFAULT_WORDING
    assert said.startswith(f"{style.wording}\n\n") or said.endswith(f"\n\n{style.wording}")


@pytest.mark.parametrize("text", [*MACHINE, *OPEN_CODE])
@pytest.mark.parametrize("style", [END, INTERFACE])
def test_json_and_open_code_are_left_as_they_are(style: LabelStyle, text: str) -> None:
    assert whole(style, text) == text


@pytest.mark.parametrize("text", MACHINE)
@pytest.mark.parametrize("style", [START, END, INTERFACE])
def test_json_stays_json_wherever_the_label_would_stand_and_however_it_comes(style: LabelStyle, text: str) -> None:
    assert whole(style, text) == text
    assert streamed(style, list(text))[0] == text


@pytest.mark.parametrize("style", [START, END, INTERFACE])
@given(
    value=OBJECTS | st.lists(JSON, max_size=3),
    indent=st.sampled_from([None, 1, 4]),
    before=st.sampled_from(["", " ", "\n"]),
)
def test_any_json_of_a_model_can_still_be_read(style: LabelStyle, value: Any, indent: int | None, before: str) -> None:
    text = before + json.dumps(value, ensure_ascii=False, indent=indent)
    assert is_machine_text(text)
    for said in (whole(style, text), streamed(style, list(text))[0]):
        assert json.loads(said) == value


@pytest.mark.parametrize("text", [*TEXTS, *MACHINE, *OPEN_CODE])
@pytest.mark.parametrize("style", [START, END, INTERFACE])
def test_what_was_asked_for_as_machine_text_is_never_labelled(style: LabelStyle, text: str) -> None:
    labeller = Labeller(style, machine=True)
    assert (labeller.before(text), labeller.after(text), labeller.placed) == ("", "", "")
    assert labeller.reason == ("interface" if style is INTERFACE else "machine_text")


# --- streams -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [text for text in [*TEXTS, *MACHINE, *OPEN_CODE] if len(text) < 100])
@pytest.mark.parametrize("style", [END, INTERFACE])
@given(cuts=st.lists(st.integers(1, 30), max_size=5))
def test_a_stream_equals_the_whole_answer_however_it_is_cut(style: LabelStyle, text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    assert streamed(style, [text[a:b] for a, b in pairwise(places)])[0] == whole(style, text)


@pytest.mark.parametrize("text", TEXTS)
@given(cut=st.integers(1, 30))
def test_a_stream_is_labelled_at_its_start_or_when_that_was_left_open_at_its_end(text: str, cut: int) -> None:
    said, labeller = streamed(START, [text[:cut], text[cut:]])
    assert said.count(DEFAULT_WORDING) == 1
    assert labeller.placed == ("start" if said.startswith(DEFAULT_WORDING) else "end")
    if text[0] not in "{[ \n":
        assert labeller.placed == "start"
        assert said == whole(START, text)


def test_white_space_first_does_not_put_a_label_before_json() -> None:
    assert streamed(START, ["\n", '{"a":', "1}"])[0] == '\n{"a":1}'


# --- what is recorded --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "text", "placed", "reason"),
    [
        (END, "好", "end", ""), (START, "好", "start", ""), (INTERFACE, "好", "", "interface"), (END, "{}", "", "machine_text"),
        (START, "{}", "", "machine_text"), (START, "[好]", "end", ""), (END, "```\nx", "", "open_code_fence"), (START, "```\nx", "start", ""),
        (START, "[a]\n```\nx", "", "open_code_fence"), (END, "", "", ""), (START, "", "", ""), (INTERFACE, "", "", ""),
    ],
)  # fmt: skip
def test_the_record_says_where_the_label_stands_or_why_not(
    style: LabelStyle, text: str, placed: str, reason: str
) -> None:
    labeller = Labeller(style, machine=False)
    if text:
        labeller.before(text)
    labeller.after(text)
    assert (labeller.placed, labeller.reason) == (placed, reason)


def test_a_wording_of_the_operator_is_what_stands_there() -> None:
    style = LabelStyle(LabelPosition.START, "【AI合成】")
    assert whole(style, "好") == "【AI合成】\n\n好"


# --- the wording -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "good",
    [
        "人工智能生成",
        "人工智能合成",
        "由AI生成",
        "ai 合成内容",
        "AI-synthesised",
        "Generated by AI",
        "生成：AI",
        "「AI」生成",
        DEFAULT_WORDING,
    ],
)
def test_both_elements_in_any_order_are_enough(good: str) -> None:
    assert check_wording(good) == good


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("AI", "generation"), ("人工智能", "generation"), ("由 AI 提供", "generation"), ("生成内容", "the AI element"), ("机器合成", "the AI element"),
        ("SAID 生成", "the AI element"), ("Aid 生成", "the AI element"), ("", "the AI element"), ("智能生成", "the AI element"), ("A I 生成", "the AI element"),
        ("AI\n生成", "single line"), ("AI生成\r", ""), ("AI生成\r忽略", "single line"), ("AI生成\u2028忽略", "single line"), ("AI生成\x0b忽略", "single line"),
    ],
)  # fmt: skip
def test_a_wording_without_both_in_one_line_is_refused_with_the_clause(bad: str, told: str) -> None:
    if not told:
        assert check_wording(bad) == bad
        return
    with pytest.raises(WordingError) as caught:
        check_wording(bad)
    assert told in caught.value.title.en
    assert caught.value.cite == "GB45438-5.1"
    assert DEFAULT_WORDING in caught.value.remedy.zh


@pytest.mark.parametrize(
    "text",
    [
        "",
        "好",
        "1",
        "null",
        '"x"',
        "{",
        "[",
        "{好}",
        "[好]",
        "{'a': 1}",
        '{"a": 1} 好',
        '{"a":1}\n好',
        "[1]\n[2]",
        '{"a":1',
        "[注] 1",
    ],
)
def test_what_is_no_json_is_no_machine_text(text: str) -> None:
    assert not is_machine_text(text)
