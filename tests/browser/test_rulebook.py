"""The rulebook in a real browser, as two people use it: propose, approve, compare, replay; in both languages."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.test_console import NEW_PASSWORD
from tests.harness import Server, hegui

SHOTS = os.environ.get("SCREENSHOTS")
WORD = "标记词丁"

pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("rulebook") / "data").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as opened:
        yield opened


def arrive(browser: Browser, server: Server, name: str, password: str) -> Page:
    """Sign in for the first time, in a browser of one's own."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(server.console + "/sign-in")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.get_by_label("现在的密码").fill(password)
    page.get_by_label("新密码（至少 12 个字符）").fill(NEW_PASSWORD)
    page.get_by_label("再输一次").fill(NEW_PASSWORD)
    page.get_by_role("button", name="修改").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("今日情况")
    return page


def opened(admin: Page, server: Server, name: str, role: str) -> str:
    admin.goto(server.console + "/accounts")
    admin.get_by_label("新账号名").fill(name)
    admin.get_by_label("角色").select_option(role)
    admin.get_by_role("button", name="开立").click()
    return admin.locator(".notice code").inner_text()


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def two(browser: Browser, own: Server) -> tuple[Page, Page]:
    """Return the pages of a reviewer and of a compliance officer."""
    admin = arrive(browser, own, "admin", own.password)
    wang, li = opened(admin, own, "wang", "reviewer"), opened(admin, own, "li", "compliance_officer")
    return arrive(browser, own, "wang", wang), arrive(browser, own, "li", li)


def test_a_word_is_proposed_in_chinese_and_approved_in_english(two: tuple[Page, Page], own: Server) -> None:
    wang, li = two
    wang.get_by_role("link", name="规则簿").click()
    wang.get_by_role("link", name="提议一个词").click()
    wang.get_by_label("词", exact=True).fill(WORD)
    wang.get_by_label("风险").select_option("A.1.b")
    wang.get_by_text("只对这个词的规则").click()
    wang.get_by_label("例外，以顿号分隔").fill("别的词")
    wang.get_by_role("button", name="提议").click()
    expect(wang.get_by_role("alert")).to_contain_text("例外须是含有该词的更长词语")
    wang.get_by_label("例外，以顿号分隔").fill(f"{WORD}类")
    shoot(wang, "rulebook-word")
    wang.get_by_role("button", name="提议").click()
    row = wang.locator("#words tbody tr")
    expect(row).to_contain_text(WORD)
    expect(row.get_by_role("button", name="批准")).to_have_count(0)

    li.goto(own.console + "/rulebook")
    expect(li.locator("main")).to_contain_text(WORD)
    li.get_by_role("link", name="English").click()
    expect(li.locator("html")).to_have_attribute("lang", "en")
    shoot(li, "rulebook-en")
    li.get_by_role("link", name="Words", exact=True).click()
    li.get_by_role("button", name="Approve").click()
    expect(li.locator("#words tbody tr")).to_contain_text("live")


def test_a_policy_is_written_tried_over_texts_and_put_into_shadow(
    two: tuple[Page, Page], own: Server, tmp_path: Path
) -> None:
    wang, _ = two
    wang.goto(own.console + "/rulebook")
    wang.get_by_role("link", name="写新策略").click()
    wang.get_by_label("YAML").fill("input: {risks: {A.1.b: flagg}}")
    wang.get_by_label("为何要改").fill("误伤多")
    wang.get_by_role("button", name="存为草稿").click()
    expect(wang.get_by_role("alert")).to_contain_text("未知的动作 flagg")
    wang.get_by_label("YAML").fill("input: {risks: {A.1.b: flag}}")
    wang.get_by_role("button", name="存为草稿").click()
    expect(wang.locator("#diff tbody tr")).to_have_count(1)
    expect(wang.locator("#diff")).to_contain_text("送审")
    shoot(wang, "rulebook-version")
    wang.get_by_role("link", name="用文本重放").click()
    file = tmp_path / "texts.txt"
    file.write_text(f"标记一行\n说说{WORD}吧\n{WORD}类\n", "utf-8")
    wang.get_by_label("或文件").set_input_files(file)
    wang.get_by_role("button", name="重放").click()
    expect(wang.locator("#outcome")).to_contain_text("3 条文本，1 条不同")
    expect(wang.locator("#outcome")).to_contain_text(f"说说{WORD}吧")
    shoot(wang, "rulebook-replay")
    wang.goto(own.console + "/rulebook/policies/1")
    wang.get_by_role("button", name="进入影子").click()
    expect(wang.locator("main")).to_contain_text("影子对比")


def test_the_officer_puts_it_in_force_and_terminal_and_ledger_show_it(
    two: tuple[Page, Page], own: Server, tmp_path: Path
) -> None:
    _, li = two
    li.goto(own.console + "/rulebook/policies/1")
    li.get_by_role("button", name="Approve: put in force").click()
    expect(li.locator(".headline .mark")).to_have_text("live")
    li.goto(own.console + "/rulebook/library")
    expect(li.locator("#audit tbody tr").first).to_contain_text("10,000")
    li.goto(own.console + "/shadow")
    expect(li.get_by_role("heading", level=1)).to_have_text("Shadow")
    shown = json.loads(hegui("rules", "policy", "list", "--data", own.data, "--json").stdout)
    assert [(item["state"], item["author"], item["approver"]) for item in shown] == [("live", "wang", "li")]
    kinds = [item["kind"] for item in own.export(tmp_path / "out")]
    assert [kind for kind in kinds if re.match(r"rule\.|policy\.", kind)] == [
        "rule.proposed", "rule.approved", "policy.written", "policy.shadow", "policy.live",
    ]  # fmt: skip
    assert WORD not in (tmp_path / "out" / "records.jsonl").read_text("utf-8")


def test_no_page_is_wider_than_a_phone(two: tuple[Page, Page], own: Server) -> None:
    _, li = two
    li.set_viewport_size({"width": 390, "height": 800})
    for path in ("", "/words", "/words/new", "/answers", "/policies/1", "/policies/new", "/replay", "/library"):
        li.goto(f"{own.console}/rulebook{path}")
        expect(li.get_by_role("heading", level=1)).to_be_visible()
        assert li.evaluate("document.documentElement.scrollWidth") == 390, path
        shoot(li, f"rulebook-phone-{path.strip('/').replace('/', '-')}")
