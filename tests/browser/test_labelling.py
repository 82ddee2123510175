"""Releases and uploads in a real browser: an officer approves and refuses, an inspector takes the log along."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hegui.people.permits import Role
from tests.application import House, house
from tests.browser import chromium
from tests.unit.labels.pictures import saved
from tests.unit.people.desk import PASSWORD

__all__ = ["house"]  # a fixture
SHOTS = os.environ.get("SCREENSHOTS")

pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium.page() as opened:
        yield opened


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def sign_in(page: Page, house: House, role: Role) -> None:
    page.context.clear_cookies()
    page.goto(house.desk.url + "/sign-in")
    page.get_by_label("账号").fill(house.desk.name(role))
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def test_an_officer_approves_one_request_and_refuses_another(page: Page, house: House) -> None:
    application = house.application()
    wanted, unwanted = (application.request(user, purpose=f"{user}的海报") for user in ("u1", "u2"))
    for grant, user in ((wanted, "u1"), (unwanted, "u2")):
        application.accept(grant, user)
    sign_in(page, house, Role.COMPLIANCE_OFFICER)
    page.get_by_role("link", name="无标提供").click()
    expect(page.locator("a.item")).to_have_count(2)
    expect(page.locator("main")).to_contain_text("待批准 2")
    shoot(page, "releases")
    page.goto(f"{house.desk.url}/releases/{wanted['id']}")
    page.get_by_text("条款全文").click()
    expect(page.locator("pre")).to_contain_text("主动声明")
    shoot(page, "release")
    page.get_by_role("button", name="批准").click()
    expect(page.locator(".headline")).to_contain_text("已准予")
    application.ask(wanted["id"])
    page.goto(f"{house.desk.url}/releases/{unwanted['id']}?lang=en")
    page.get_by_label("Reason").fill("purpose not clear")
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator(".headline")).to_contain_text("refused")
    expect(page.locator("dl")).to_contain_text("purpose not clear")
    assert application.get(f"/grants/{unwanted['id']}").json()["reason"] == "purpose not clear"


def test_an_inspector_reads_and_takes_the_log_along(page: Page, house: House) -> None:
    sign_in(page, house, Role.AUDITOR)
    page.goto(f"{house.desk.url}/releases?lang=zh")
    with page.expect_download() as download:
        page.get_by_role("button", name="导出 XLSX").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    page.get_by_label("状态").select_option("granted")
    page.get_by_role("button", name="筛选").click()
    page.locator("a.item").click()
    expect(page.locator("tbody")).to_contain_text("已提供")
    expect(page.get_by_role("button", name="撤销")).to_have_count(0)


def test_uploads_are_read_by_judgement_on_a_phone_too(page: Page, house: House) -> None:
    application = house.application("forum")
    for query in ({"declared": "true"}, {"traces": "true"}, {}):
        application.post("/uploads", content=saved("PNG"), params={"name": "a.png", **query})
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{house.desk.url}/uploads?lang=zh")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("判断").select_option("possibly")
    page.get_by_role("button", name="筛选").click()
    expect(page.locator("a.item")).to_have_count(1)
    shoot(page, "uploads")
    page.locator("a.item").click()
    expect(page.locator("dl")).to_contain_text("本内容可能由人工智能生成合成")
    expect(page.locator("dl")).to_contain_text("LAB-6.2")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "upload")
