"""The law's data: whole, marked, cited, bilingual, and refused when it is malformed."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from hegui.kit.errors import InputError
from hegui.law import cite, register, risks
from hegui.law.register import UnknownCitationError, parse_instrument

LAW = register(date(2026, 11, 22))
OBLIGATIONS = [obligation for _, _, obligation in LAW.obligations()]
ROOMS = Path(__file__).parents[3] / "src" / "hegui"


def test_the_measures_are_whole() -> None:
    numbers = [article.number for article in LAW.measures.articles]
    assert numbers == list(range(1, 25)) == list(range(1, (LAW.measures.articles_total or 0) + 1))
    assert all(article.obligations for article in LAW.measures.articles)
    assert [a.number for a in LAW.measures.articles if a.chapter == 3] == list(range(9, 16))


@pytest.mark.parametrize(
    "short", ["IM", "ARP", "DSP", "LAB", "SEC", "PIPL", "NDS", "DSL", "CSL", "MIN", "ANT", "INC", "GBT45654", "GB45438"]
)
def test_the_instruments_that_the_duties_lean_on_are_there(short: str) -> None:
    assert LAW.instrument(short).articles


def test_ids_are_unique_and_references_exist() -> None:
    ids = [item.id for item in OBLIGATIONS]
    assert len(ids) == len(set(ids))
    for item in OBLIGATIONS:
        for other in (*item.see, *item.clocks):
            assert LAW.obligation(other)
        for parent in item.parents:
            assert LAW.instrument(parent)


def test_every_text_is_in_both_languages() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    for item in OBLIGATIONS:
        assert han.search(item.duty.zh), item.id
        assert item.duty.en, item.id
        assert not han.search(item.duty.en.replace("及时", "")) or "(" in item.duty.en or '"' in item.duty.en, item.id


def test_unconfirmed_facts_say_what_is_unconfirmed() -> None:
    unconfirmed = [item for item in OBLIGATIONS if item.mark == "K"]
    assert unconfirmed
    assert [item.id for item in unconfirmed if item.unconfirmed is None] == []
    assert {"IM-5", "IM-13", "IM-18", "DSP-7", "CSL-26"} <= {item.id for item in unconfirmed}


def test_nothing_claims_a_review_that_did_not_happen() -> None:
    assert [item.id for item in LAW.instruments if item.reviewed.by] == []


def test_in_force_dates_decide() -> None:
    assert "ANT" not in [item.id for item in register(date(2026, 7, 14)).instruments]
    assert "ANT" in [item.id for item in register(date(2026, 7, 15)).instruments]
    assert "IM" not in [item.id for item in register(date(2023, 8, 14)).instruments]


@pytest.mark.parametrize(
    ("clause", "name", "value"),
    [
        ("CSL-23", "log_retention_months", 6),
        ("GBT45654-B.1.1", "keyword_total", 10000),
        ("GBT45654-B.1.1", "keyword_each_A1", 200),
        ("GBT45654-B.1.1", "keyword_each_A2", 100),
    ],
)
def test_numbers_are_read_from_the_data(clause: str, name: str, value: int) -> None:
    assert LAW.whole(clause, name) == value


def test_a_wrong_citation_says_what_is_near() -> None:
    with pytest.raises(UnknownCitationError) as caught:
        cite("IM-14.9")
    assert "IM-14" in caught.value.remedy.en
    with pytest.raises(UnknownCitationError):
        LAW.article("XX-1")


def test_every_citation_in_the_code_exists() -> None:
    pattern = re.compile(r'"((?:IM|ARP|DSP|LAB|SEC|PIPL|NDS|CSL|MIN|ANT|INC|GBT45654|GB45438)-[0-9AB][0-9A-Za-z.]*)"')
    found = {name for path in ROOMS.rglob("*.py") for name in pattern.findall(path.read_text("utf-8"))}
    assert len(found) > 8
    for name in found:
        assert LAW.article(name)


def test_malformed_data_is_refused_with_the_field() -> None:
    with pytest.raises(InputError) as caught:
        parse_instrument("id: X\nsurprise: 1\n", "x.yaml")
    assert "x.yaml" in caught.value.title.en
    with pytest.raises(InputError):
        parse_instrument("a: [", "x.yaml")


def test_the_31_risks_and_their_subsets() -> None:
    found = risks()
    assert len(found.ids) == 31
    assert len(found.in_subset("illegal_or_unhealthy")) == 29
    assert len(found.in_subset("keyword_and_refusal")) == 17
    assert found.find("A.1.a") == found.find("a1 A") == found.find(found.name("A.1.a").zh) == "A.1.a"
    assert found.find("A.9.z") is None
