"""A real browser without a network of its own, and what went wrong in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDED = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install the package `chromium`")


@contextmanager
def browser() -> Iterator[Browser]:
    """Open the browser, and close it."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                  "--disable-sync", "--no-first-run", "--disable-quic"],
        )  # fmt: skip
        yield opened
        opened.close()


@contextmanager
def page(*expected: str) -> Iterator[Page]:
    """Open a page; fail at its end for anything in the browser's log but what holds one of the texts that are expected."""
    with browser() as opened:
        found = opened.new_page(viewport={"width": 1280, "height": 900})
        problems: list[str] = []
        found.on("pageerror", lambda error: problems.append(str(error)))
        found.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        yield found
    assert [text for text in problems if not any(one in text for one in expected)] == []
