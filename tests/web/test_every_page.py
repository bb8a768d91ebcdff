"""What is true of every page: none is forgotten here, axe-core finds nothing wrong with any, on a
phone and on a desk, in light and dark, and none is wider than the phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.web.accessibility import DESK, sideways, signed_in, violations
from tests.web.served import PHONE, chromium
from tests.web.showcase.pages import FILES, PAGES, Page, forgotten
from tests.web.showcase.site import Showcase, showcase


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site() -> Iterator[Showcase]:
    with showcase() as made:
        yield made


def test_no_page_of_the_server_is_forgotten_here(site: Showcase) -> None:
    assert forgotten(PAGES, site) == set()
    without_board = tuple(page for page in PAGES if page.name != "board")
    assert forgotten(without_board, site) == {"/"}
    assert FILES.isdisjoint(page.path for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_wrong_with_a_page(
    browser: Browser, site: Showcase, page: Page, every_combination: bool
) -> None:
    """On the phone in light and on the desk in dark; each in both only when asked for all."""
    found = []
    for size, theme, other in ((PHONE, "light", "dark"), (DESK, "dark", "light")):
        with signed_in(browser, site, size) as tab:  # type: ignore[arg-type]
            tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            if page.stranger:
                tab.context.clear_cookies()
            answer = tab.goto(page.of(site))
            assert answer is not None
            assert answer.status == 200, answer.text()
            assert answer.headers["content-type"].startswith("text/html")
            found += [f"{theme}: {one}" for one in (*violations(tab), *sideways(tab))]
            if every_combination:
                tab.emulate_media(color_scheme=other)  # type: ignore[arg-type]
                found += [f"{other}: {one}" for one in violations(tab)]
    assert found == []
