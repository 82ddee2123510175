"""The console in a real browser: sign in, read the board in both languages, open an article and an exchange."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.harness import MARKER, Server

SHOTS = os.environ.get("SCREENSHOTS")
NEW_PASSWORD = "correct horse battery"

pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def page(server: Server) -> Iterator[Page]:
    # A refused page is told by its status; anything else in the browser's log is a fault of ours.
    with chromium.page("status of 403", "status of 400") as opened:
        yield opened


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def sign_in(page: Page, server: Server, password: str) -> None:
    page.goto(server.console + "/sign-in")
    page.get_by_label("账号").fill("admin")
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


def test_first_sign_in_asks_for_a_new_password(page: Page, server: Server) -> None:
    sign_in(page, server, "wrong password")
    expect(page.get_by_role("alert")).to_contain_text("账号或密码不正确")
    shoot(page, "sign-in")
    sign_in(page, server, server.password)
    expect(page).to_have_url(server.console + "/password")
    page.get_by_label("现在的密码").fill(server.password)
    page.get_by_label("新密码（至少 12 个字符）").fill(NEW_PASSWORD)
    page.get_by_label("再输一次").fill(NEW_PASSWORD)
    page.get_by_role("button", name="修改").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("今日情况")


def test_board_shows_24_articles_in_both_languages(page: Page, server: Server) -> None:
    page.goto(server.console + "/")
    expect(page.locator("ol.articles > li")).to_have_count(24)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("li", has_text="第 15 条").first).to_contain_text("尚未建成：service.complaints")
    shoot(page, "board-zh")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("ol.articles > li")).to_have_count(24)
    expect(page.locator("li", has_text="Art. 15").first).to_contain_text("not built: service.complaints")
    shoot(page, "board-en")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_article_14_shows_duties_facts_and_clause(page: Page, server: Server) -> None:
    page.goto(server.console + "/")
    page.locator("li", has_text="第 14 条").first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("第 14 条")
    expect(page.locator("#IM-14\\.1")).to_contain_text("停止")
    expect(page.locator("#IM-14\\.2")).to_contain_text("尚未建成：service.sanctions")
    shoot(page, "article-14")


def test_unconfirmed_facts_are_shown_as_such(page: Page, server: Server) -> None:
    page.goto(server.console + "/law/IM/13")
    expect(page.locator("#IM-13 .mark.unconfirmed").first).to_contain_text("未经证实")


def test_a_refused_exchange_is_listed_and_proved(page: Page, server: Server) -> None:
    client = server.client()
    for _ in range(3):
        client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "你好，今天天气如何？"}])
    client.chat.completions.create(model="echo", messages=[{"role": "user", "content": f"说说{MARKER}"}])
    page.goto(server.console + "/exchanges")
    expect(page.locator("svg.chart")).to_be_visible()
    row = page.locator("#rows tr", has_text="输入被拒").first
    expect(row).to_contain_text("A.1.a")
    shoot(page, "exchanges")
    row.get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("keyword:2")
    page.wait_for_timeout(1500)
    page.reload()
    expect(page.locator("main")).to_contain_text("已封存")
    expect(page.locator("main")).not_to_contain_text(MARKER)
    shoot(page, "exchange")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载证明").click()
    assert Path(download.value.path()).read_text().startswith("c2sp.org/tlog-proof@v1\nindex ")


def test_the_list_is_live(page: Page, server: Server) -> None:
    page.goto(server.console + "/exchanges?outcome=refused_input")
    before = page.locator("#rows tr").count()
    server.client().chat.completions.create(model="echo", messages=[{"role": "user", "content": MARKER}])
    expect(page.locator("#rows tr")).to_have_count(before + 1, timeout=15000)


def test_a_compliance_officer_reads_content_and_the_reading_is_recorded(page: Page, server: Server) -> None:
    page.goto(server.console + "/accounts")
    page.get_by_label("新账号名").fill("officer")
    page.get_by_label("角色").select_option("compliance_officer")
    page.get_by_role("button", name="开立").click()
    password = page.locator(".notice code").inner_text()
    shoot(page, "accounts")
    page.get_by_role("button", name="退出").click()
    page.get_by_label("账号").fill("officer")
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.get_by_label("现在的密码").fill(password)
    page.get_by_label("新密码（至少 12 个字符）").fill(NEW_PASSWORD)
    page.get_by_label("再输一次").fill(NEW_PASSWORD)
    page.get_by_role("button", name="修改").click()
    page.goto(server.console + "/exchanges?outcome=refused_input")
    page.locator("#rows tr a").first.click()
    expect(page.locator("main")).to_contain_text(MARKER)
    page.get_by_role("button", name="解密查看").click()
    expect(page.locator("pre").last).to_contain_text("编号")
    page.goto(server.console + "/ledger")
    expect(page.locator("main")).to_contain_text("content.read")
    shoot(page, "ledger")
    page.goto(server.console + "/accounts")
    expect(page.get_by_role("alert")).to_contain_text("无权")


def test_a_waiver_is_not_approved_by_its_author(page: Page, server: Server) -> None:
    page.goto(server.console + "/waivers?obligation=IM-15")
    page.get_by_label("理由").fill("上线前暂缓")
    page.get_by_label("到期日").fill("2099-01-01")
    page.get_by_role("button", name="提交").click()
    page.get_by_role("button", name="批准").click()
    expect(page.get_by_role("alert")).to_contain_text("不能批准自己的申请")


def test_a_phone_can_read_it(page: Page, server: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.console + "/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "board-phone")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_keyboard_reaches_the_content(page: Page, server: Server) -> None:
    page.goto(server.console + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
