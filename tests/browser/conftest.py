"""One browser for the tier, a page for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.plan_html import to_html
from planning.report import Report
from tests.browser.axe import axe_script
from tests.browser.chromium import Browser, BrowserError, Page, launched
from tests.browser.pages import Keep, Open


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    try:
        with launched(tmp_path_factory.mktemp("chromium")) as found:
            found.call("Browser.getVersion")
            yield found
    except BrowserError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.page()
    made.size(1280)
    made.prefer("light")
    yield made
    made.close()
    browser.events.clear()


@pytest.fixture
def show(page: Page, tmp_path: Path) -> Open:
    """Opens a report as a file, as who was sent the page does."""

    def shown(report: Report) -> Page:
        file = tmp_path / "plan.html"
        file.write_text(to_html(report), encoding="ascii")
        page.open(file)
        return page

    return shown


@pytest.fixture(scope="session")
def axe() -> str:
    return axe_script()


@pytest.fixture(scope="session")
def keep() -> Keep:
    """Writes a screenshot where SLIPWAY_SCREENSHOTS says, and gives it back."""
    folder = os.environ.get("SLIPWAY_SCREENSHOTS")

    def kept(name: str, picture: bytes) -> bytes:
        if folder:
            (Path(folder) / f"{name}.png").write_bytes(picture)
        return picture

    return kept
