"""The law's data: whole, marked, cited, bilingual, and refused when it is malformed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from hegui.kit.errors import InputError
from hegui.law import cite, clocks, register, risks
from hegui.law.models import Instrument
from hegui.law.register import Register, UnknownCitationError, in_force, law_version, parse_instrument

LAW = register(date(2026, 11, 22))
OBLIGATIONS = [obligation for _, _, obligation in LAW.obligations()]
WINGS = {"development", "supervision"}  # of which no room is built yet
ROOMS = Path(__file__).parents[3] / "src" / "hegui"


def test_the_measures_are_whole() -> None:
    numbers = [article.number for article in LAW.measures.articles]
    assert numbers == list(range(1, 25)) == list(range(1, (LAW.measures.articles_total or 0) + 1))
    assert all(article.obligations for article in LAW.measures.articles)
    assert [a.number for a in LAW.measures.articles if a.chapter == 3] == list(range(9, 16))


@pytest.mark.parametrize(
    "short",
    ["IM", "ARP", "DSP", "LAB", "SEC", "PIPL", "NDS", "DSL", "CSL", "MIN", "MINC", "ANT", "INC", "IIS", "FRAUD", "ETH", "AGENT",
     "AUDIT", "SPIH", "CBD", "GBT45654", "GBT45674", "TC260003", "GB45438"],
)  # fmt: skip
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
        assert (ROOMS / item.room.split(".")[0]).exists() or item.room.split(".")[0] in WINGS, item.room


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


def test_an_unconfirmed_header_says_what_is_unconfirmed() -> None:
    unconfirmed = {item.id: item.unconfirmed for item in LAW.instruments if item.mark == "K"}
    assert {"IIS", "MINC", "ETH", "AGENT", "AUDIT", "CBD"} == set(unconfirmed)
    assert None not in unconfirmed.values()


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


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("IM-14.9", "IM-14"), ("im-17", "IM-17"), ("GM-17", "IM-17"), ("PI-54", "PIPL-54"), ("IM-99", "IM-9"),
     (" IM-15 ", "IM-15"), ("ARP-24", ""), ("GBT45654-5.2", "")],
)  # fmt: skip
def test_a_wrong_citation_says_what_is_near(wrong: str, near: str) -> None:
    if not near:
        assert LAW.article(wrong)[1].obligations, "an article may be named where its paragraphs are the obligations"
        with pytest.raises(UnknownCitationError):
            LAW.obligation(wrong)
        return
    with pytest.raises(UnknownCitationError) as caught:
        cite(wrong)
    assert near in caught.value.remedy.en
    assert near in caught.value.remedy.zh
    assert wrong in caught.value.title.zh
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("wrong", ["", "-", "IM", "XX-1", "第十七条", "\u0000", "I" * 500])
def test_what_is_no_citation_at_all_is_refused_with_advice(wrong: str) -> None:
    with pytest.raises(UnknownCitationError) as caught:
        LAW.article(wrong)
    assert "hegui law list" in caught.value.remedy.en or "near it" in caught.value.remedy.en
    with pytest.raises(UnknownCitationError):
        LAW.instrument(wrong.replace("IM", "ZZ"))


def test_a_citation_is_itself() -> None:
    assert cite("IM-14.1") == "IM-14.1"
    assert cite("IM-14") == "IM-14"
    assert LAW.article("IM-14.1")[1] is LAW.article("IM-14")[1]


def test_a_number_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownCitationError) as caught:
        LAW.number("CSL-23", "log_retention")
    assert "log_retention_months" in caught.value.remedy.en


def test_every_citation_in_the_code_exists() -> None:
    pattern = re.compile(r'"((?:IM|ARP|DSP|LAB|SEC|PIPL|NDS|CSL|MIN|ANT|INC|GBT45654|GB45438)-[0-9AB][0-9A-Za-z.]*)"')
    found = {name for path in ROOMS.rglob("*.py") for name in pattern.findall(path.read_text("utf-8"))}
    assert len(found) > 8
    for name in found:
        assert LAW.article(name)


WHOLE = """id: T
title: {zh: 试, en: Test}
issuer: {zh: 试, en: Test}
kind: law
in_force: 2020-01-01
url: https://example.cn/
text_state: as_enacted
binding: true
mark: Q
reviewed: {by: null, 'on': null}
articles:
- number: 1
  title: {zh: 一, en: One}
  summary: {zh: 一, en: One}
  room: law
  obligations:
  - {id: T-1, who: [provider], nature: duty, phase: [scope], duty: {zh: 一, en: One}, room: law, mark: Q}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mark: Q\nreviewed", "surprise: 1\nmark: Q\nreviewed", "`surprise`"),
        ("nature: duty", "nature: whim", "$.articles[0].obligations[0].nature"),
        ("who: [provider]", "who: [everybody]", "$.articles[0].obligations[0].who[0]"),
        ("who: [provider]", "who: provider", "$.articles[0].obligations[0].who"),
        ("phase: [scope]", "phase: [launch]", "$.articles[0].obligations[0].phase[0]"),
        ("room: law, mark: Q", "room: law, mark: X", "$.articles[0].obligations[0].mark"),
        ("in_force: 2020-01-01", "in_force: 2020-13-01", "month must be in 1..12"),
        ("in_force: 2020-01-01", "in_force: soon", "$.in_force"),
        ("in_force: 2020-01-01\n", "", "`in_force`"),
        ("{id: T-1, who", "{who", "`id`"),
        ("title: {zh: 一, en: One}", "title: {zh: 一}", "$.articles[0].title"),
        ("kind: law", "kind: law\n  deeper: 1", "line 5"),
        ("articles:\n", "articles: [\n", "line 12"),
        ("number: 1", "number: 1\n\ttitle: x", "line 13"),
        ("mark: Q}", "mark: Q, deadline: {kind: days, count: ten}}", "$.articles[0].obligations[0].deadline.count"),
        ("mark: Q}", "mark: Q, deadline: {kind: weeks, count: 1}}", "$.articles[0].obligations[0].deadline.kind"),
        ("mark: Q}", "mark: Q, who: [user]}", "the key who stands twice"), ("mark: Q\nreviewed", "mark: Q\nmark: P\nreviewed", "line 10"),
        ("id: T\n", "id: !!python/object:os.system x\n", "python/object"),
    ],
)  # fmt: skip
def test_malformed_data_is_refused_with_file_and_line_or_field(old: str, new: str, told: str) -> None:
    assert old in WHOLE
    with pytest.raises(InputError) as caught:
        parse_instrument(WHOLE.replace(old, new, 1), "instruments/test/2020-01-01.yaml")
    for title in caught.value.title:
        assert "instruments/test/2020-01-01.yaml" in title
        assert told in title
        assert "\n" not in title
    assert "docs/law-data.md" in caught.value.remedy.zh


@pytest.mark.parametrize("text", ["", "[]", "- 1", "x", "a: [", "\x00", "&a [*a]"])
def test_what_is_no_instrument_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_instrument(text, "x.yaml")


def version(day: str, repealed: str = "null", *, short: str = "T", duty: str = "T-1") -> Instrument:
    changed = WHOLE.replace("in_force: 2020-01-01", f"in_force: {day}\nrepealed: {repealed}").replace("T-1", duty)
    return parse_instrument(changed.replace("id: T\n", f"id: {short}\n"), f"{day}.yaml")


def test_an_id_that_occurs_twice_is_refused_with_both_places() -> None:
    with pytest.raises(InputError) as caught:
        Register(date(2026, 1, 1), (version("2020-01-01"), version("2021-01-01", short="U")), "")
    assert "T-1 twice: T (2020-01-01) / U (2021-01-01)" in caught.value.title.en
    assert "another id" in caught.value.remedy.en
    double = WHOLE + WHOLE[WHOLE.index("  - {id: T-1") :]
    with pytest.raises(InputError, match="T-1"):
        Register(date(2026, 1, 1), (parse_instrument(double, "x"),), "")


@pytest.mark.parametrize(
    ("day", "wanted"),
    [("2019-12-31", None), ("2020-01-01", "2020-01-01"), ("2022-06-30", "2020-01-01"), ("2022-07-01", "2022-07-01"),
     ("2025-12-31", "2022-07-01"), ("2026-01-01", None), ("2027-01-01", "2027-01-01")],
)  # fmt: skip
def test_of_several_versions_the_one_in_force_is_law(day: str, wanted: str | None) -> None:
    versions = [version("2027-01-01"), version("2020-01-01"), version("2022-07-01", "2026-01-01")]
    on = date.fromisoformat(day)
    found = in_force(versions, on)
    assert [str(item.in_force) for item in found] == ([wanted] if wanted else [])
    assert Register(on, found, "").has("T-1") is bool(found)


def test_the_same_id_in_two_versions_is_no_duplicate() -> None:
    found = in_force((version("2020-01-01", "2022-07-01"), version("2022-07-01")), date(2022, 6, 30))
    assert [item.in_force for item in found] == [date(2020, 1, 1)]
    assert Register(date(2022, 6, 30), found, "").obligation("T-1").duty.en == "One"


@pytest.mark.parametrize(
    ("short", "day"),
    [("IM", "2023-08-15"), ("ARP", "2022-03-01"), ("DSP", "2023-01-10"), ("LAB", "2025-09-01"), ("GB45438", "2025-09-01"),
     ("SEC", "2018-11-30"), ("PIPL", "2021-11-01"), ("NDS", "2025-01-01"), ("CSL", "2026-01-01"), ("DSL", "2021-09-01"),
     ("MIN", "2024-01-01"), ("MINC", "2026-03-01"), ("ANT", "2026-07-15"), ("INC", "2025-11-01"), ("GBT45654", "2025-11-01"),
     ("GBT45674", "2025-11-01"), ("TC260003", "2024-03-01"), ("AUDIT", "2025-05-01"), ("SPIH", "2026-09-01"),
     ("CBD", "2024-03-22"), ("AGENT", "2026-05-08"), ("ETH", "2026-03-20"), ("FRAUD", "2022-12-01")],
)  # fmt: skip
def test_each_instrument_begins_on_its_day(short: str, day: str) -> None:
    first = date.fromisoformat(day)
    assert short in [item.id for item in register(first).instruments]
    assert short not in [item.id for item in register(first - timedelta(days=1)).instruments]


def test_a_register_of_any_day_holds_together() -> None:
    for day in (date(2018, 1, 1), date(2022, 1, 1), date(2024, 6, 1), date(2025, 10, 1), date(2026, 11, 22)):
        law = register(day)
        for _, _, item in law.obligations():
            assert clocks.clocks(law, item.id, day) is not None, "a clock leans only on what is law that day"


def test_the_law_data_has_a_version_that_verdicts_carry() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", law_version())
    assert LAW.version == law_version()


def test_the_31_risks_and_their_subsets() -> None:
    found = risks()
    assert len(found.ids) == 31
    assert len(found.in_subset("illegal_or_unhealthy")) == 29
    assert len(found.in_subset("keyword_and_refusal")) == 17
    assert found.find("A.1.a") == found.find("a1 A") == found.find(found.name("A.1.a").zh) == "A.1.a"
    assert found.find("A.9.z") is None


@pytest.mark.parametrize(
    ("cells", "risk"),
    [
        (["b", "A.2"], "A.2.b"),
        (["性别歧视", "包含歧视性内容"], "A.2.e"),
        (["煽动颠覆国家政权", "违反社会主义核心价值观"], "A.1.a"),
        (["民族歧视内容", ""], "A.2.a"),
        (["歧视内容", "A.2"], None),
        (["性别歧视", "A.1"], None),
        (["b"], None),
        (["z", "A.2"], None),
        ([], None),
    ],
)
def test_a_row_names_its_risk_by_area_and_part_but_never_by_a_guess(cells: list[str], risk: str | None) -> None:
    assert risks().find_among(cells) == risk
