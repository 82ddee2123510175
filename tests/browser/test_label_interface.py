"""The label of interfaces in a real browser: always there, wherever the page is scrolled, on narrow screens too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from hegui.service.labels.text import check_wording
from tests.browser import chromium

SNIPPET = Path(str(files("hegui.service.labels.marks") / "interface"))

pytestmark = chromium.NEEDED


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as opened:
        yield opened


def page_of(browser: Browser, tmp_path: Path, body: str, *, width: int = 1280, script: str = "") -> Page:
    for name in ("aigc-label.css", "aigc-label.js"):
        (tmp_path / name).write_bytes((SNIPPET / name).read_bytes())
    (tmp_path / "page.html").write_text(
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<link rel="stylesheet" href="aigc-label.css"><script defer src="aigc-label.js" {script}></script><body>{body}</body></html>',
        "utf-8",
    )
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.goto((tmp_path / "page.html").as_uri())
    return page


LONG = "<p>茶</p>" * 400


@pytest.mark.parametrize("width", [280, 390, 1280])
def test_the_label_stays_in_view_wherever_the_page_is_scrolled(browser: Browser, tmp_path: Path, width: int) -> None:
    page = page_of(browser, tmp_path, LONG, width=width)
    label = page.get_by_role("note")
    for share in (0, 0.5, 1):
        page.evaluate("share => scrollTo(0, share * document.body.scrollHeight)", share)
        box = label.bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 40
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        top = page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('.aigc-label') !== null",
                            [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])  # fmt: skip
        assert top, "nothing lies over it"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "it makes no page wider than the screen"
    page.close()


def test_it_says_both_elements_chinese_first_and_can_be_read(browser: Browser, tmp_path: Path) -> None:
    page = page_of(browser, tmp_path, LONG)
    label = page.get_by_role("note")
    chinese, english = (label.locator("span").nth(number) for number in (0, 1))
    assert check_wording(chinese.inner_text())
    assert check_wording(english.inner_text())
    assert (chinese.get_attribute("lang"), english.get_attribute("lang")) == ("zh-CN", "en")
    style = page.evaluate("(() => { const s = getComputedStyle(document.querySelector('.aigc-label'));"
                          " return [s.color, s.backgroundColor, s.fontSize] })()")  # fmt: skip
    assert contrast(style[0], style[1]) >= 4.5
    assert float(style[2].removesuffix("px")) >= 16
    page.close()


def contrast(first: str, second: str) -> float:
    def light(colour: str) -> float:
        parts = [int(item) / 255 for item in re.findall(r"\d+", colour)[:3]]
        linear = [item / 12.92 if item <= 0.04045 else ((item + 0.055) / 1.055) ** 2.4 for item in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


def test_it_stands_near_each_content_and_stays_while_the_content_is_in_view(browser: Browser, tmp_path: Path) -> None:
    body = f'<p>您：问</p><article data-aigc data-aigc-zh="本回答由人工智能生成">{LONG}</article>'
    page = page_of(browser, tmp_path, body, script='data-aigc-top="no"')
    assert page.locator(".aigc-label--top").count() == 0
    label = page.get_by_role("note")
    assert label.count() == 1
    assert "本回答由人工智能生成" in label.inner_text()
    page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    box = label.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 40
    page.close()


def test_a_label_that_is_taken_out_is_put_back_and_later_content_gets_one(browser: Browser, tmp_path: Path) -> None:
    page = page_of(browser, tmp_path, "<main></main>")
    page.evaluate("document.querySelector('.aigc-label').remove()")
    page.evaluate("document.querySelector('main').innerHTML = '<article data-aigc><p>后来的回答</p></article>'")
    page.locator(".aigc-label--near").wait_for()
    assert page.locator(".aigc-label--top").count() == 1
    page.evaluate("document.querySelector('article').replaceChildren('流式更新')")
    page.locator(".aigc-label--near").wait_for()
    assert page.locator(".aigc-label--near").count() == 1
    page.close()


def test_a_wording_without_both_elements_is_not_shown(browser: Browser, tmp_path: Path) -> None:
    page = page_of(browser, tmp_path, "<p>文</p>", script='data-aigc-zh="AI" data-aigc-en="Content"')
    assert check_wording(page.get_by_role("note").locator("span").first.inner_text())
    assert "Content" not in page.get_by_role("note").locator("span").nth(1).inner_text()[:7]
    page.close()


def test_the_example_that_is_shipped_works(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 700})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((SNIPPET / "example.html").as_uri())
    assert page.get_by_role("note").count() == 2
    assert problems == []
    page.screenshot(path=str(tmp_path / "interface.png"))
    page.close()
