"""The response on the page in a real Chromium: by keyboard, by touch, without JavaScript."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers import smtp
from tests.web.deciding import MORE, PLAYBOOK
from tests.web.served import PHONE, Served, chromium, phone


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path, mailbox.port, PLAYBOOK, MORE)
        made.start()
        made.fire()
        yield made
        made.stop()


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.closest('[id]')?.id ?? ''")
    return found


def test_by_keyboard_one_answers_the_tree_and_calls_somebody(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served) as page:
        page.focus("#acknowledge")
        page.keyboard.press("Enter")
        expect(page.locator("#to-tree")).to_have_text("Answer: Is the cause known?")
        page.focus("#question-1 button[value=YES]")
        page.keyboard.press("Enter")
        expect(page.locator("#question-1-1-0 legend")).to_have_text("Is the fix risky?")
        page.wait_for_function("document.activeElement.id === 'tree-1'")
        for _ in range(3):  # the summary, the other answer is folded away; then YES, then NO
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.value") == "YES":
                break
        page.keyboard.press("Enter")
        expect(page.locator(".outcome")).to_contain_text("ROLLBACK")
        expect(page.locator("#walked-1-1-0")).to_contain_text("YES")
        expect(page.locator("#part-commander")).to_contain_text("ada")
        expect(page.locator("#to-decide")).to_have_text("Decide: Go back")

        page.focus("#to-call")
        page.keyboard.press("Enter")
        page.focus("#call-whom")
        page.keyboard.type("Bob")
        page.keyboard.press("Tab")
        page.keyboard.type("a second pair of eyes")
        page.keyboard.press("Enter")
        called = "ada called bob: a second pair of eyes"
        expect(page.locator("#timeline")).to_contain_text(called)
        assert focused(page) == "call"  # folded away, and the keyboard is where it was


def test_by_touch_one_snoozes_and_gives_it_back(browser: Browser, served: Served) -> None:
    with phone(browser, served) as page, phone(browser, served) as other:
        page.tap("#acknowledge")
        page.tap("#snooze summary")
        page.tap("#snooze button[value='30']")
        expect(other.locator("#quiet")).to_contain_text("snoozed by ada")
        other.tap("#hand-over summary")
        page.tap("#unacknowledge")
        expect(other.locator("#status")).to_have_text("open")
        expect(other.locator("#quiet")).to_have_count(0)
        expect(other.locator("#assigning")).to_be_visible()  # what was opened stays open


def test_without_javascript_every_question_and_call_is_a_form(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served, javascript=False) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.tap("#to-call")
        with page.expect_navigation():
            page.tap("#escalate-next")
        expect(page.locator("#timeline")).to_contain_text("ada called the next rung")
        with page.expect_navigation():
            page.tap("#question-1 button[value=NO]")
        expect(page.locator(".outcome")).to_contain_text("Continue diagnostics")
        page.tap("#walked-1 summary")
        with page.expect_navigation():
            page.tap("#walked-1 button[value=YES]")
        expect(page.locator("#question-1-1-0")).to_contain_text("Is the fix risky?")
        page.tap("#severity summary")
        page.fill("#severity-reason", "one region")
        with page.expect_navigation():
            page.tap("#severity button")
        expect(page.locator("#top .badge").first).to_have_text("HIGH")


def test_every_control_has_a_name_and_can_be_hit_by_a_thumb(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served) as page:
        page.tap("#acknowledge")
        expect(page.locator("#unacknowledge")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        small = page.evaluate(
            "[...document.querySelectorAll('main button, main select, main summary')]"
            ".filter((one) => one.getBoundingClientRect().height < 40).map((one) => one.outerHTML)"
        )
        assert small == []
        nameless = page.evaluate(
            "[...document.querySelectorAll('main button, main select, main input')]"
            ".filter((one) => one.type !== 'hidden')"
            ".filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))"
            ".map((one) => one.outerHTML)"
        )
        assert nameless == []
        twice = page.evaluate(
            "[...document.querySelectorAll('[id]')].map((one) => one.id)"
            ".filter((id, i, all) => all.indexOf(id) !== i)"
        )
        assert twice == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
