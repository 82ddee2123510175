"""The page that compares the policy in shadow with the live one: right counts, right links, both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from hegui.people.permits import Role
from tests.unit.people.desk import Desk, open_desk, see

NEW, OLD = "a" * 16, "b" * 16


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(request.config, tmp_path_factory.mktemp("shadow") / "data") as opened:
        yield opened


def record(
    desk: Desk, live: tuple[str | None, str | None], would: tuple[str | None, str | None], policy: str = NEW
) -> str:
    """Record an exchange as the gateway does while a policy is in shadow."""
    sides = ("input", "output")
    shadow: dict[str, Any] = {
        "policy": policy, "live": dict(zip(sides, live, strict=True)), "would": dict(zip(sides, would, strict=True)),
        "same": live == would, "verdicts": [],
    }  # fmt: skip
    return desk.exchange(outcome="answered", shadow=shadow)


def test_without_a_shadow_the_page_says_how_there_is_one(desk: Desk) -> None:
    desk.exchange(outcome="answered")
    answer = desk.browser(Role.AUDITOR).get("/shadow")
    assert answer.status_code == 200
    assert "没有影子策略的记录" in answer.text
    assert "<svg" not in answer.text


def test_agreement_is_counted_by_pair_and_what_differs_is_linked(desk: Desk) -> None:
    record(desk, ("refuse", None), ("refuse", None), OLD)
    same = [record(desk, ("pass", "pass"), ("pass", "pass")) for _ in range(3)]
    severer = record(desk, ("pass", "pass"), ("refuse", None))
    gentler = record(desk, ("refuse", None), ("flag", None))
    browser = desk.browser(Role.REVIEWER)
    answer = browser.get("/shadow")
    page = see(answer)
    assert "5 次交互" in page.text
    assert "3 次一致" in page.text
    assert "2 次不同" in page.text
    pairs = re.findall(
        r"<tr><td>(输入|输出)</td><td>(.*?)</td><td>(.*?)</td><td class=\"num\">(\d+)</td></tr>", answer.text
    )
    assert set(pairs) == {
        ("输入", "放行", "放行", "3"), ("输入", "放行", "拒答", "1"), ("输入", "拒答", "送审", "1"),
        ("输出", "放行", "放行", "3"), ("输出", "放行", "未检查", "1"),
    }  # fmt: skip
    links = [item["href"] for item in page.all("a")]
    assert {f"/exchanges/{item}" for item in (severer, gentler)} <= set(links)
    assert not {f"/exchanges/{item}" for item in same} & set(links)
    svg = re.search(r"<svg .*?</svg>", answer.text, re.DOTALL)
    assert svg
    drawn = ET.fromstring(svg.group())
    bars = [(item.attrib["class"], float(item.attrib["width"])) for item in drawn.iter("rect")]
    assert {style for style, _ in bars} == {"pass", "stop", "unknown"}
    longest = max(width for _, width in bars)
    assert [width for style, width in bars if style == "pass"] == [longest, longest]
    assert [round(longest / width) for style, width in bars if style == "stop"] == [3]


def test_an_earlier_policy_is_chosen_and_english_is_spoken(desk: Desk) -> None:
    browser = desk.browser(Role.REVIEWER)
    english = see(browser.get(f"/shadow?policy={OLD}&lang=en"))
    assert "1 exchanges" in english.text
    assert "Nothing differs" in english.text
    assert [item for item in english.all("option") if "selected" in item]
    browser.get("/shadow?lang=zh")
    assert "没有影子策略的记录" in browser.get("/shadow?policy=%3Cscript%3E").text
    assert browser.get("/shadow?days=9").status_code == 400


def test_old_exchanges_are_outside_the_span(desk: Desk) -> None:
    desk.sql("UPDATE gateway_exchange SET at = at - interval '2 days' WHERE shadow->>'policy' = %s", OLD)
    browser = desk.browser(Role.REVIEWER)
    assert OLD not in browser.get("/shadow?days=1").text
    assert OLD in browser.get("/shadow?days=7").text


def test_what_could_not_be_judged_is_shown_as_that(desk: Desk) -> None:
    policy = "c" * 16
    number = record(desk, ("undetermined", None), ("refuse", None), policy)
    record(desk, ("flag", None), ("undetermined", None), policy)
    browser = desk.browser(Role.REVIEWER)
    answer = browser.get(f"/shadow?policy={policy}")
    assert "未能判定" in answer.text
    drawn = re.search(r"<svg .*?</svg>", answer.text, re.DOTALL)
    assert drawn
    assert {item.attrib["class"] for item in ET.fromstring(drawn.group()).iter("rect")} == {"unknown"}
    assert "未能判定" in browser.get(f"/exchanges/{number}").text
