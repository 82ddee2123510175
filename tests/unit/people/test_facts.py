"""The lattice of results: the worst part decides, and what is not known never becomes met."""

from __future__ import annotations

from itertools import combinations_with_replacement, permutations, product

import pytest

from hegui.kit.text import Bi
from hegui.people.facts import RESULT_NAMES, Fact, Result, decide, roll_up

MET, NOT_MET, UNKNOWN = Result.MET, Result.NOT_MET, Result.UNDETERMINED
NONE, WAIVED = Result.NOT_APPLICABLE, Result.WAIVED
MIXTURES = [list(mix) for size in (1, 2, 3, 4) for mix in combinations_with_replacement(Result, size)]


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], UNKNOWN),
        ([MET], MET),
        ([MET, MET], MET),
        ([MET, NONE], MET),
        ([NONE, NONE], NONE),
        ([MET, UNKNOWN], UNKNOWN),
        ([NONE, UNKNOWN], UNKNOWN),
        ([WAIVED, UNKNOWN], UNKNOWN),
        ([MET, WAIVED], WAIVED),
        ([NONE, WAIVED], WAIVED),
        ([MET, NOT_MET], NOT_MET),
        ([UNKNOWN, NOT_MET], NOT_MET),
        ([WAIVED, NOT_MET], NOT_MET),
        (list(Result), NOT_MET),
    ],
)
def test_a_whole_is_as_good_as_its_worst_part(parts: list[Result], whole: Result) -> None:
    assert roll_up(parts) is whole


@pytest.mark.parametrize("mix", MIXTURES, ids="+".join)
def test_every_mixture_keeps_the_promises(mix: list[Result]) -> None:
    whole = roll_up(mix)
    assert whole in mix
    assert whole is not MET or set(mix) <= {MET, NONE}
    assert whole is not NONE or set(mix) == {NONE}
    assert (NOT_MET in mix) == (whole is NOT_MET)
    assert whole is not WAIVED or not {UNKNOWN, NOT_MET} & set(mix)
    assert all(roll_up(list(order)) is whole for order in permutations(mix))
    assert roll_up([*mix, *mix]) is whole


@pytest.mark.parametrize("mix", MIXTURES[:35], ids="+".join)
def test_an_article_of_articles_is_the_article_of_all_parts(mix: list[Result]) -> None:
    for cut in range(1, len(mix)):
        assert roll_up([roll_up(mix[:cut]), roll_up(mix[cut:])]) is roll_up(mix)


def test_one_more_part_never_makes_a_whole_better() -> None:
    order = [NONE, MET, WAIVED, UNKNOWN, NOT_MET]
    for mix, more in product(MIXTURES[:35], Result):
        assert order.index(roll_up([*mix, more])) >= order.index(roll_up(mix))


@pytest.mark.parametrize("pair", list(permutations(Result, 2)), ids="+".join)
def test_when_two_rooms_answer_one_duty_the_worse_answer_decides_in_any_order(pair: tuple[Result, Result]) -> None:
    given = [Fact("IM-15", result, Bi(result, result)) for result in pair]
    assert decide(given)["IM-15"].result is roll_up(list(pair))
    assert decide(given)["IM-15"].reason.en == roll_up(list(pair)).value


def test_facts_of_other_duties_do_not_mix() -> None:
    found = decide([Fact("a", MET, Bi("", "")), Fact("b", NOT_MET, Bi("", "")), Fact("a", MET, Bi("", "again"))])
    assert {key: fact.result for key, fact in found.items()} == {"a": MET, "b": NOT_MET}
    assert decide([]) == {}


def test_each_result_has_its_word_in_both_languages() -> None:
    assert set(RESULT_NAMES) == set(Result)
    assert len({name.zh for name in RESULT_NAMES.values()}) == len({name.en for name in RESULT_NAMES.values()}) == 5
