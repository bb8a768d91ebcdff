"""What is true of every page: none is forgotten here, axe-core finds nothing wrong with any, on a
phone and on a desk, in light and dark, and none is wider than the phone."""

import contextlib
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import ViewportSize

from tests.web.accessibility import DESK, Theme, sideways, violations
from tests.web.served import PHONE, chromium
from tests.web.showcase.pages import FILES, PAGES, Page, forgotten
from tests.web.showcase.site import Showcase, showcase

SIZES: Mapping[str, ViewportSize] = {"phone": PHONE, "desk": DESK}
EVERY: tuple[tuple[str, Theme], ...] = (
    ("phone", "light"),
    ("desk", "dark"),
    ("phone", "dark"),
    ("desk", "light"),
)
Tabs = Mapping[tuple[str, bool], Tab]


@pytest.fixture(scope="module")
def site() -> Iterator[Showcase]:
    with showcase() as made:
        yield made


@pytest.fixture(scope="module")
def tabs(site: Showcase) -> Iterator[Tabs]:
    """One for each size, signed in and not."""
    with chromium() as browser, contextlib.ExitStack() as stack:
        yield {
            (name, stranger): stack.enter_context(site.tab(browser, size, stranger))
            for name, size in SIZES.items()
            for stranger in (False, True)
        }


def test_no_page_of_the_server_is_forgotten_here(site: Showcase) -> None:
    assert forgotten(PAGES, site) == set()
    without_board = tuple(page for page in PAGES if page.name != "board")
    assert forgotten(without_board, site) == {"/"}
    assert FILES.isdisjoint(page.path for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_wrong_with_a_page(
    tabs: Tabs, site: Showcase, page: Page, every_combination: bool
) -> None:
    """In one size and theme, another for the next page; in all of them when asked for."""
    found = []
    for size, theme in EVERY if every_combination else (EVERY[PAGES.index(page) % len(EVERY)],):
        tab = tabs[size, page.stranger]
        tab.emulate_media(color_scheme=theme)
        answer = tab.goto(page.of(site))
        assert answer is not None
        assert answer.status == 200, answer.text()
        assert answer.headers["content-type"].startswith("text/html")
        found += [f"{size}, {theme}: {one}" for one in (*violations(tab), *sideways(tab))]
    assert found == []
