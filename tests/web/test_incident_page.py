"""The incident page in a real Chromium, on a phone: by touch, live, and with JavaScript off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers import smtp, wait_for
from tests.web.served import HOSTILE, PHONE, TOKEN, Served, chromium, phone


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path, mailbox.port)
        made.start()
        made.fire()
        yield made
        made.stop()


def test_by_touch_two_phones_see_each_others_acts_live(browser: Browser, served: Served) -> None:
    with phone(browser, served) as mine, phone(browser, served) as other:
        expect(mine.locator("#status")).to_have_text("open")
        mine.tap("#acknowledge")
        expect(other.locator("#status")).to_have_text("acknowledged")
        expect(other.locator(".who")).to_contain_text("ada has it")
        mine.tap("#command-2-1 button")
        expect(other.locator("#command-2-1 .summary")).to_have_text("mended once")
        mine.fill("#note", f"looking {HOSTILE}")
        mine.press("#note", "Enter")
        expect(other.locator("#timeline")).to_contain_text(f"looking {HOSTILE}")
        assert "1" not in (other.title(), mine.title())


def test_typed_text_and_open_output_stay_while_the_page_changes(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served) as page, phone(browser, served) as other:
        page.tap("#command-1-1-output summary")
        page.fill("#cause", "half a sent")
        other.tap("#acknowledge")
        expect(page.locator("#status")).to_have_text("acknowledged")
        assert page.input_value("#cause") == "half a sent"
        expect(page.locator("#command-1-1-output pre")).to_be_visible()


def test_a_refused_act_says_why_on_the_page(browser: Browser, served: Served) -> None:
    with phone(browser, served) as page, phone(browser, served, javascript=False) as stale:
        page.tap("#acknowledge")
        expect(page.locator("#status")).to_have_text("acknowledged")
        stale.tap("#acknowledge")
        expect(stale.locator("#refusal")).to_have_text("ada has acknowledged it already")


def test_without_javascript_one_reads_acknowledges_and_approves(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served, javascript=False) as page:
        expect(page.locator("h1")).to_contain_text(f"it is slow {HOSTILE}")
        with page.expect_navigation():
            page.tap("#acknowledge")
        expect(page.locator("#status")).to_have_text("acknowledged")
        with page.expect_navigation():
            page.tap("#command-2-1 button")
        wait_for(lambda: _reloaded(page, "#command-2-1") == "mended once", "end of the command")


def _reloaded(page: Page, command: str) -> str | None:
    page.reload()
    summary = page.locator(f"{command} .summary")
    return summary.text_content() if summary.count() else None


def test_whoever_is_signed_out_is_told_and_loses_nothing_typed(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served) as page:
        page.fill("#note", "what I found")
        page.context.clear_cookies()
        page.press("#note", "Enter")
        expect(page.locator("#problem")).to_contain_text("signed out: this was not done")
        assert page.input_value("#note") == "what I found"
        served.stop()
        served.start()
        link = page.locator("#connection a")
        expect(link).to_have_text("Sign in again", timeout=15_000)
        with page.expect_popup() as opened:
            link.tap()
        opened.value.fill("#token", TOKEN)
        opened.value.click("button.primary")
        expect(page.locator("#connection")).to_be_hidden(timeout=15_000)
        page.press("#note", "Enter")
        expect(page.locator("#timeline")).to_contain_text("what I found")


def test_nothing_is_wider_than_the_phone(browser: Browser, served: Served) -> None:
    with phone(browser, served) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
