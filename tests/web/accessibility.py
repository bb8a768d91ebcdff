"""Whether people who see badly, or use a keyboard, can use a page: axe-core in a real Chromium, on
a phone and a desk, in light and dark; and that nothing is wider than the phone."""

import contextlib
from collections.abc import Iterator
from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, ViewportSize

from tests.web.served import PHONE, TOKEN, Served

DESK: ViewportSize = {"width": 1440, "height": 900}
Theme = Literal["light", "dark"]
_axe = Axe()


@contextlib.contextmanager
def signed_in(
    browser: Browser,
    served: Served,
    size: ViewportSize = PHONE,
    theme: Theme = "light",
    javascript: bool = True,
    zone: str = "UTC",
    token: str = TOKEN,
) -> Iterator[Page]:
    """A browser in which Ada is signed in, or whose token it is."""
    context = browser.new_context(
        viewport=size,
        color_scheme=theme,
        java_script_enabled=javascript,
        base_url=served.url,
        timezone_id=zone,
    )
    origin = {"origin": served.url}
    context.request.post("/sign-in", form={"token": token}, headers=origin, max_redirects=0)
    try:
        yield context.new_page()
    finally:
        context.close()


def violations(page: Page, only: str = "") -> list[str]:
    """What axe-core finds wrong with a page as it is now, by all of its rules or by one: the rule,
    where, and why."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": [only]} if only else {})
    found = _axe.run(page, options=options).response["violations"]
    return [
        f"{one['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """By how much a page is wider than its window; nothing when it fits."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{wider} pixels wider than the window"] if wider > 0 else []


def faults(browser: Browser, served: Served, *paths: str) -> list[str]:
    """What is wrong with pages, on a phone and on a desk, each with its place. In the dark only
    colours are another matter."""
    found = []
    for size in (PHONE, DESK):
        with signed_in(browser, served, size) as page:
            for path in paths:
                answer = page.goto(path)
                assert answer is not None, path
                assert answer.status < 400, f"{path}: {answer.status}"
                light = (*violations(page), *sideways(page))
                page.emulate_media(color_scheme="dark")
                dark = violations(page, "color-contrast")
                page.emulate_media(color_scheme="light")
                found += [f"{path} at {size['width']}: {one}" for one in light]
                found += [f"{path} at {size['width']}, dark: {one}" for one in dark]
    return found
