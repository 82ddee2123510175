"""The compiled kernel says what Python says, of any text; where it was not built, Python says it alone."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content import folding, kernel, skeleton
from hegui.general.content.classify import features
from hegui.general.content.lexicon import Lexicon, Place, Segmenter, decode, load_lexicon
from hegui.general.content.lexicon.segmenter import KNOWN, NAME, NAME_LEAST, NAME_MOST
from hegui.general.content.lexicon.trie import encode
from hegui.general.content.skeleton import BONES, REPEATS, SKIPS

ROOT = Path(__file__).parents[3]
built = pytest.mark.skipif(kernel.Table is None, reason="the kernel was not built here, or is left out")
ALPHABET = (
    "标记記甲乙的語语"  # 汉字，简繁
    "ＡａA1１①⑴Ⅷаé\u0301"  # full width, circled, look-alikes, a mark on its own
    " \u3000\t\n\x00\x01\x02\x03，。*-…“★\u200b\u200d\ufeff\ufe0f\ue000\ue001\ue002"  # shown, not shown, control, private
    "😀👍🏽🇦🅼𝐀𠮷𠮷𪚥\U000e0041\U0010ffff"  # beyond the basic plane: emoji, letters, 汉字, tags
    "㎏㈠ﬁß½ﷺ"  # several characters from one
    "\ud800\udfff"  # halves
)
ANY = st.one_of(
    st.text(ALPHABET, max_size=300),
    st.text(st.characters(codec=None), max_size=100),
    st.lists(
        st.tuples(st.sampled_from(ALPHABET), st.integers(1, 2 + SKIPS + REPEATS)), max_size=60
    ).map(lambda runs: "".join(character * times for character, times in runs)),
)  # fmt: skip
"""Texts as people who hide words would make them, and others."""


def table() -> object:
    """Return a table that has met no character yet."""
    assert kernel.Table
    return kernel.Table(
        BONES, separator=skeleton.SEPARATOR, line_end=skeleton.BREAK, first_other="\u0100", skips=SKIPS, repeats=REPEATS
    )


# --- what characters become


@built
@settings(max_examples=500, deadline=None)
@given(ANY)
def test_a_skeleton_is_the_same(text: str) -> None:
    found, plain = skeleton.skeleton(text), skeleton.in_python(text)
    assert found.text == plain.text
    assert list(found.origins) == [int(place) for place in plain.origins]
    assert found.repeats_letters == plain.repeats_letters
    assert found.unusual == any(one > "\uffff" for one in text)
    if found.units is not None:
        assert found.units == found.text.encode(skeleton.UNITS)
    else:
        assert any(one > "\uffff" for one in found.text)


@built
@settings(max_examples=500, deadline=None)
@given(ANY)
def test_a_folded_text_is_the_same(text: str) -> None:
    found, plain = folding.fold(text), folding.in_python(text)
    assert found.text == plain.text
    for at in range(len(found.text) + 1):
        assert found.origin(at) == plain.origin(at)
        assert found.end(at) == plain.end(at)


@built
@settings(max_examples=300, deadline=None)
@given(ANY, ANY, st.integers(0, 300), st.integers(0, 20))
def test_what_stands_beside_a_place_is_the_same(text: str, before: str, at: int, reach: int) -> None:
    at = min(at, len(text))
    left = "".join(BONES[one] for one in [one for one in before + text[:at] if BONES[one]][-reach:]) if reach else ""
    assert skeleton.bones_before(text, at, before, reach) == left
    assert skeleton.bones_after(text, at, reach) == "".join(BONES[one] for one in text[at : at + reach])


@built
@pytest.mark.parametrize("text", ["ﷺ" * 50_000, "标" * 50_000, "。" * 50_000, "㈠標" * 20_000 + "𠮷"])
def test_much_of_what_grows_or_goes_is_the_same(text: str) -> None:
    found, plain = skeleton.skeleton(text), skeleton._one_by_one(text)  # noqa: SLF001 - the plain statement
    assert found.text == plain.text
    assert list(found.origins) == plain.origins
    assert folding.fold(text).text == folding.in_python(text).text


@built
def test_every_character_becomes_the_same() -> None:
    characters = [chr(code) for code in (*range(0x3000), *range(0xD7F0, 0xE010), *range(0xF8F0, 0x10010))]
    fresh = table()
    for one in characters:
        assert fresh.right(one, 0, 1) == BONES[one]  # type: ignore[attr-defined]
        assert folding.fold(one).text == folding.fold_character(one)


@built
def test_what_is_no_text_or_no_place_is_refused() -> None:
    assert kernel.Table
    used = kernel.Table(BONES)
    for wrong in (b"text", None, 3):
        with pytest.raises(TypeError):
            used.skeleton(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            used.fold(wrong)  # type: ignore[arg-type]
    for at in (-1, 3, 1 << 40):
        with pytest.raises(IndexError):
            used.left("标记", at, "", 8)
        with pytest.raises(IndexError):
            used.right("标记", at, 4)
    assert used.left("标记", 2, "", -1) == used.right("标记", 0, -5) == ""
    assert used.right("标记", 1, 1 << 60) == "记"
    for shape in ({"skips": -1}, {"repeats": -1}, {"line_end": "𠮷"}, {"separator": "𠮷"}):
        with pytest.raises(ValueError, match="no such table"):
            kernel.Table(BONES, **shape)


@built
def test_a_mapping_that_fails_is_told() -> None:
    assert kernel.Table
    with pytest.raises(KeyError):
        kernel.Table({"a": "b"}).fold("标")
    with pytest.raises(TypeError, match="becomes a text"):
        kernel.Table({"标": 1}).skeleton("标")  # type: ignore[dict-item]


# --- what readings cost

WORD_COSTS = st.dictionaries(
    st.text("甲乙丙丁戊", min_size=1, max_size=4), st.integers(1, 255), min_size=1, max_size=40
)
SPELT = st.dictionaries(st.sampled_from("甲乙丙丁"), st.integers(1, 60), max_size=4)
SIGNS = "甲乙丙丁戊己，a\ud800𠮷"


def both(segmenter: Segmenter, text: str, spans: Iterable[tuple[int, int]]) -> None:
    """Check that the two forms of one segmenter agree on a text."""
    for start, end in spans:
        assert segmenter._read(text, start, end) == segmenter.costs(text, start, end)  # noqa: SLF001 - the form in use
    assert segmenter._cost(text) == segmenter.cost(text)  # noqa: SLF001 - the form in use


@built
@settings(max_examples=300, deadline=None)
@given(WORD_COSTS, SPELT, st.text(SIGNS, min_size=1, max_size=18))
def test_readings_cost_the_same(costs: dict[str, int], spelt: dict[str, int], text: str) -> None:
    segmenter = Segmenter(decode(encode(costs, 200, spelt)))
    assert segmenter._read != segmenter.costs  # noqa: SLF001 - else nothing is compared
    both(segmenter, text, combinations(range(len(text) + 1), 2))


@built
@settings(max_examples=200, deadline=None)
@given(
    st.text(
        "的是大麻烦质量守恒研究生命起源中外科学市场地位火车站人才能力在和夏洛克阿特巴尔，a1", min_size=1, max_size=24
    )
)
def test_readings_by_the_shipped_lexicon_cost_the_same(text: str) -> None:
    both(Segmenter(load_lexicon()), text, combinations(range(len(text) + 1), 2))


@built
def test_a_span_longer_than_most_costs_the_same() -> None:
    text = "的研究生命起源火车站夏洛克" * 60
    both(Segmenter(load_lexicon()), text, [(0, len(text)), (5, 300), (3, len(text) - 2), (100, 102)])


@built
def test_words_of_the_operators_field_are_read_in_python() -> None:
    segmenter = Segmenter(load_lexicon(), extra=["甲样辰记"])
    assert segmenter._read == segmenter.costs  # noqa: SLF001 - the form in use
    assert segmenter.place("这是甲样辰记的说明", 3, 5) is Place.PART


def parts_of(lexicon: Lexicon) -> dict[str, object]:
    """Return what a reader is made of."""
    none = len(lexicon.codes) + 1
    codes = array("H", [none]) * (1 << 16)
    return {
        "base": lexicon.base, "check": lexicon.check, "cost": lexicon.cost, "spelt": lexicon.spelt,
        "single": bytes(none + 1), "codes": codes, "none": none, "longest": 4, "known": KNOWN, "name": NAME,
        "name_least": NAME_LEAST, "name_most": NAME_MOST, "reach_before": 8, "reach_after": 4,
    }  # fmt: skip


@built
@pytest.mark.parametrize(
    "wrong",
    [
        {"check": array("H", [1])}, {"cost": b""}, {"base": array("I")}, {"spelt": b"1"}, {"single": b"1"},
        {"codes": array("H", [1])}, {"longest": 0}, {"reach_before": -1}, {"reach_after": -1}, {"name_least": 0},
        {"name_most": 1}, {"known": -1}, {"name": 1 << 20},
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_together_are_refused(wrong: dict[str, object]) -> None:
    assert kernel.Reader
    good = parts_of(decode(encode({"甲": 10, "甲乙": 20}, 200)))
    assert kernel.Reader(**good).cost("甲") == 0  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not fit"):
        kernel.Reader(**(good | wrong))  # type: ignore[arg-type]


@built
def test_a_lexicon_that_points_out_of_itself_is_read_within_it() -> None:
    assert kernel.Reader
    good = parts_of(decode(encode({"甲": 10, "甲乙": 20, "甲乙丙": 30}, 200)))
    base, codes = good["base"], array("H", [0xFFFF]) * (1 << 16)
    assert isinstance(base, array)
    for at, one in enumerate("甲乙丙", 1):
        codes[ord(one)] = at
    wild = kernel.Reader(**(good | {"base": array("I", [0xFFFFFFFF]) * len(base), "codes": codes}))  # type: ignore[arg-type]
    assert wild.cost("甲乙丙丁") == 0
    for span in combinations(range(5), 2):
        wild.costs("甲乙丙丁", *span)
    for wrong in ((0, 0), (2, 1), (-1, 2), (0, 5), (1 << 40, 1 << 41)):
        with pytest.raises(IndexError):
            wild.costs("甲乙丙丁", *wrong)


# --- what a linear model adds up


@built
@settings(max_examples=100, deadline=None)
@given(ANY, st.integers(1, 4), st.sampled_from(features.BITS), st.integers(0, 1 << 30))
def test_the_sums_of_a_model_are_the_same(text: str, risks: int, bits: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(-128, 128, (1 << bits, risks), np.int8)
    whole = features.codes(text)
    for weights in (drawn, drawn[:, 0].copy()):
        found, plain = features.sums(whole, weights, bits), features.sums_in_python(whole, weights, bits)
        assert found.dtype == plain.dtype
        assert found.tolist() == plain.tolist()


@built
def test_weights_of_other_features_are_refused() -> None:
    assert kernel.sums
    codes, weights = np.zeros(9, np.uint32), np.zeros(1 << 18, np.int8)
    for wrong in ((codes, weights[1:], 18, 4), (codes, weights, 0, 4), (codes, weights, 31, 4), (codes, weights, 18, 9),
                  (codes, weights, 18, 0), (codes[:2], weights, 18, 4), (codes, weights[:0], 18, 4)):  # fmt: skip
        with pytest.raises(ValueError, match="not those of the features"):
            kernel.sums(*wrong, 1, 1, 1, 15)
    with pytest.raises(ValueError, match="not those of the features"):
        kernel.sums(codes, weights, 18, 4, 1, 1, 1, 32)


# --- with and without


SAYS = """
from hegui.general.content import kernel
from hegui.general.content.checks import Checker
from hegui.general.content.library import compile_library
from hegui.general.content.policy import Side, load_policy
words = compile_library([(2, "标记甲", "A.1.a"), (3, "大麻", "A.1.f"), (4, "丙丙丁", "A.1.c")], "t")
checker = Checker(words, load_policy(None))
print(ascii(kernel.in_use()))
for text in ("说标★记★甲", "遇到大麻烦", "大麻，", "丙丙丁𠮷标记甲…", "標\\u200b記甲" * 40):
    print([(one.lane, one.start, one.end, one.rule) for one in checker.check(text, Side.INPUT).verdicts])
"""


def says(environ: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SAYS], env=os.environ | environ, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def test_a_check_says_the_same_with_the_kernel_and_without() -> None:
    first, *rest = says({kernel.WITHOUT: ""})
    other, *plain = says({kernel.WITHOUT: "1"})
    assert rest == plain
    assert len(rest) == 5
    assert "标" not in other
    assert "plain Python" in other
    assert first == ascii(kernel.in_use()) or os.environ.get(kernel.WITHOUT)
