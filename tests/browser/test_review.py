"""The review in a real browser: the queue by keyboard, a decision, a blind second one, settling, both languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.harness import MARKER, Server
from tests.reviewers import ask, flagging, people
from tests.unit.people.desk import PASSWORD
from tests.upstream import ScriptedUpstream

SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Server]:
    server = flagging(tmp_path_factory.mktemp("review"), upstream, percent=100).start()
    people(server, {"anna": "reviewer", "bert": "reviewer", "officer": "compliance_officer"})
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def page(reviewed: Server) -> Iterator[Page]:
    with chromium.page("status of 400") as opened:
        yield opened


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def sign_in(page: Page, server: Server, name: str) -> None:
    page.context.clear_cookies()
    page.goto(server.console + "/sign-in")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("今日情况")


def test_a_flagged_exchange_goes_through_three_pairs_of_hands(
    page: Page, reviewed: Server, upstream: ScriptedUpstream
) -> None:
    for place in ("南", "北"):
        ask(reviewed, upstream, f"请讲讲{MARKER}在{place}方", f"好的，{MARKER}是样例。", stream=True)
    sign_in(page, reviewed, "anna")
    page.get_by_role("link", name="人工审核").click()
    expect(page.locator("#rows a.item")).to_have_count(2, timeout=60000)
    expect(page.locator("#rows")).to_contain_text("还有 3 小时")
    shoot(page, "review-queue")
    # By keyboard alone: to the second, back to the first, open it.
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
    first = page.locator("#rows a.item").first
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("一项审核")
    expect(page.locator("main")).not_to_contain_text(MARKER)
    number = page.url.rsplit("/", 1)[1]
    page.get_by_role("button", name="领取并查看").click()
    expect(page.locator(".said mark")).to_have_count(2)
    expect(page.locator(".said mark").first).to_contain_text(MARKER)
    # What is selected in the text fills the field that is clicked.
    page.locator(".said mark").first.select_text()
    page.get_by_label("词", exact=True).click()
    expect(page.get_by_label("词", exact=True)).to_have_value(MARKER)
    page.get_by_label("提议入词库").check()
    page.locator("h1").click()
    page.keyboard.press("1")
    expect(page.get_by_label("1 违规")).to_be_checked()
    shoot(page, "review-item")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("已记录")
    expect(page.locator("#rows a.item")).to_have_count(1)

    sign_in(page, reviewed, "bert")
    page.goto(f"{reviewed.console}/review/{number}?lang=en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("main")).not_to_contain_text("violates")
    page.get_by_role("button", name="Take and read").click()
    expect(page.locator("#decision")).to_contain_text("2 fine")
    page.locator("h1").click()
    page.keyboard.press("2")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("status")).to_contain_text("Recorded")
    expect(page.locator("#rows a.item")).to_have_count(1)

    sign_in(page, reviewed, "officer")
    page.goto(f"{reviewed.console}/review/{number}?lang=zh")
    expect(page.locator("dl")).to_contain_text("合规负责人")
    page.get_by_role("button", name="领取并查看").click()
    expect(page.locator("main")).to_contain_text("复审")
    page.get_by_label("2 不违规").check()
    page.get_by_role("button", name="提交结论").click()
    page.goto(f"{reviewed.console}/review/{number}")
    expect(page.locator("main")).to_contain_text("已决")
    expect(page.locator("main")).to_contain_text("anna")
    shoot(page, "review-settled")


def test_agreement_is_shown_as_a_picture_and_in_numbers(page: Page, reviewed: Server) -> None:
    for lang, told in (("zh", "太少，不足以下结论"), ("en", "too few to say")):
        page.goto(f"{reviewed.console}/review/agreement?lang={lang}")
        expect(page.locator("svg.chart")).to_be_visible()
        expect(page.locator("main")).to_contain_text(told)
        expect(page.locator("tbody").first).to_contain_text("0%")
        shoot(page, f"review-agreement-{lang}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Training labels").click()
    assert download.value.suggested_filename == "labels.jsonl"


def test_a_phone_can_review(page: Page, reviewed: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{reviewed.console}/review?lang=zh")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#rows a.item").first.click()
    page.get_by_role("button", name="领取并查看").click()
    expect(page.locator("#decision")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "review-phone")
    page.get_by_role("button", name="放回队列").click()
    expect(page.locator("#rows a.item")).to_have_count(1)
