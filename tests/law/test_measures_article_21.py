"""第二十一条 Article 21: breaches are punished under the parent laws; where these are silent by warning, correction, suspension.

A penalty asks nothing of the provider in itself: shown is the exposure, each duty with the law that punishes its breach and each
fine with its range. The Measures set no fine of their own.
"""

from __future__ import annotations

import pytest

from hegui.law import register
from tests.law.asking import Json, block, duty, said, shown, value


def test_the_measures_have_no_fine_of_their_own(board: dict[str, Json]) -> None:
    numbers = [n.unit for article in register().measures.articles for o in article.obligations for n in o.numbers]
    assert "CNY" not in numbers
    assert "没有单独设罚款" in shown("IM-21")["article"]["summary"]["zh"]
    assert (duty("IM-21").nature, set(duty("IM-21").parents)) == ("penalty", {"CSL", "DSL", "PIPL"})
    assert board["IM-21"]["result"] == "not_applicable"
    assert board["IM-21"]["confirmed"] is False
    assert "未经证实" in block(said("IM-21"), "IM-21")


def test_steps_of_the_penalty() -> None:
    for zh, en in (
        ("警告", "warned"),
        ("通报批评", "publicly criticised"),
        ("限期改正", "ordered to correct"),
        ("暂停", "suspend"),
    ):
        assert zh in duty("IM-21").duty.zh
        assert en in duty("IM-21").duty.en


@pytest.mark.parametrize(
    ("citation", "parents"),
    [("IM-7.1", "DSL"), ("IM-7.3", "PIPL"), ("IM-9.1a", "CSL"), ("IM-11.1a", "CSL, PIPL"), ("IM-14.1", "CSL"),
     ("IM-15", "CSL"), ("IM-17", "ARP"), ("IM-19.1", "CSL"), ("IM-10.c", "MIN")],
)  # fmt: skip
def test_a_duty_names_the_law_that_punishes(citation: str, parents: str) -> None:
    assert f"罚则依据 penalties under: {parents}" in block(said(citation), citation)
    assert all(register().instrument(name).binding for name in duty(citation).parents)


@pytest.mark.parametrize(
    ("clause", "ranges"),
    [
        ("ARP-31", {"fine": (10_000, 100_000)}),
        ("ARP-33", {"fine": (10_000, 100_000)}),
        ("CSL-61", {"fine": (10_000, 50_000), "harm_fine": (50_000, 500_000), "person_fine": (10_000, 100_000),
                    "top_fine": (2_000_000, 10_000_000)}),
        ("DSL-45", {"fine": (50_000, 500_000), "serious_fine": (500_000, 2_000_000)}),
        ("PIPL-66", {"person_fine": (10_000, 100_000)}),
        ("PIPL-66.2", {"serious_person_fine": (100_000, 1_000_000)}),
        ("MIN-56", {"fine": (100_000, 1_000_000), "gain_multiple": (1, 10)}),
        ("ANT-30", {"fine": (10_000, 100_000), "harm_fine": (100_000, 200_000)}),
    ],
)  # fmt: skip
def test_the_ranges_of_the_fines(clause: str, ranges: dict[str, tuple[int, int]]) -> None:
    assert duty(clause).nature == "penalty"
    for name, (least, most) in ranges.items():
        assert (value(clause, f"{name}_min"), value(clause, f"{name}_max")) == (least, most)


def test_the_highest_of_all() -> None:
    assert value("PIPL-66", "fine_max") == value("NDS-55", "fine_max") == 1_000_000
    assert value("PIPL-66.2", "serious_fine_max") == 50_000_000
    assert float(register().number("PIPL-66.2", "serious_turnover_share").value) == 0.05


def test_fines_for_content_are_unconfirmed_and_have_no_amount(board: dict[str, Json]) -> None:
    assert duty("CSL-69").numbers == ()
    assert "未经证实 / unconfirmed" in block(said("CSL-69"), "CSL-69")
    assert board["CSL-69"]["confirmed"] is False
