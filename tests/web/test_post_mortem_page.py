"""The post-mortem's page in a real Chromium: two people at once, a crash while somebody types, a
printer, and readers who see badly."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from playcall.settings import hash_token
from tests.servers import smtp, wait_for
from tests.web.accessibility import DESK, faults, signed_in, violations
from tests.web.served import TOKEN, Served, chromium

OTHER = "a token of bob"
BOB = f'[people.bob]\nname = "Bob"\naccess = "commander"\ntokens = ["{hash_token(OTHER)}"]\n'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        served = Served(tmp_path_factory.mktemp("served"), mailbox.port, more=BOB)
        served.start()
        try:
            yield served
        finally:
            served.stop()


@pytest.fixture
def paper(served: Served, request: pytest.FixtureRequest) -> str:
    """Of an incident of its own: where its page is."""
    served.fire(request.node.name)
    found = httpx.get(
        f"{served.url}/api/v1/incidents", headers={"Authorization": f"Bearer {TOKEN}"}
    ).json()
    return f"/incidents/{max(one['id'] for one in found)}/post-mortem"


def write(page: Page, paper: str, section: str, words: str) -> None:
    """In the section's own form."""
    page.goto(f"{paper}?edit={section}")
    page.fill("#text", words)


def test_two_people_write_at_once_and_one_of_them_without_javascript(
    browser: Browser, served: Served, paper: str
) -> None:
    with (
        signed_in(browser, served, javascript=False) as ada,
        signed_in(browser, served, DESK, token=OTHER) as bob,
    ):
        write(ada, paper, "root-cause", "## Root Cause\n\nA full disk.")
        write(bob, paper, "resolution", "## Resolution\n\nWe made room.")
        ada.click("#save")
        bob.click("#save")
        expect(bob.locator("#part-root-cause")).to_contain_text("A full disk.")
        expect(bob.locator("#part-resolution")).to_contain_text("We made room.")
        write(bob, paper, "root-cause", "## Root Cause\n\nA slow disk.")
        write(ada, paper, "root-cause", "## Root Cause\n\nA disk that was full.")
        bob.click("#save")
        expect(bob.locator("#news")).to_contain_text("Version 3 is saved")
        ada.click("#save")
        expect(ada.locator("#meanwhile")).to_contain_text("bob saved version 3")
        assert violations(bob) == []
        ada.get_by_label("Keep both").check()
        ada.click("#decide")
        expect(ada.locator("#part-root-cause")).to_contain_text(
            "A disk that was full. A slow disk."
        )


DRAFTS = "Object.keys(localStorage).filter((key) => key !== 'playcall-seen').length"


def test_what_was_typed_outlives_the_page_until_it_is_saved(
    browser: Browser, served: Served, paper: str
) -> None:
    with signed_in(browser, served) as first:
        write(first, paper, "root-cause", "## Root Cause\n\nThought about for an hour.")
        first.fill("textarea[name=answer] >> nth=0", "Nobody.")
        first.close()
        page = first.context.new_page()
        page.goto(paper)
        expect(page.locator(".draft")).to_have_count(2)
        assert violations(page) == []
        page.locator("#drafts-kept").get_by_role("link", name="Open it there").click()
        page.locator("#edit").get_by_role("button", name="Put it back").click()
        assert "an hour" in page.input_value("#text")
        asked: list[str] = []

        def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        page.on("dialog", stay)
        page.get_by_role("link", name="Cancel").click()
        assert asked == ["beforeunload"]
        page.click("#save")
        expect(page.locator("#part-root-cause")).to_contain_text("an hour")
        expect(page.locator(".draft")).to_have_count(1)
        page.get_by_role("button", name="Put it back").click()
        page.locator(".answer button[form]").first.click()
        expect(page.locator("#news")).to_contain_text("Version 2 is saved")
        wait_for(lambda: page.evaluate(DRAFTS) == 0, "no draft left")


def test_everybody_can_use_it_and_a_printer_gets_the_paper_alone(
    browser: Browser, served: Served, paper: str
) -> None:
    with signed_in(browser, served, DESK) as page:
        write(page, paper, "root-cause", "## Root Cause\n\nA full disk.")
        page.click("#save")
        expect(page.locator("#news")).to_contain_text("Version 1 is saved")
        page.emulate_media(media="print")
        shown = page.evaluate(
            "[...document.querySelectorAll('button, nav, form, aside, .answer, #stand')]"
            ".filter((one) => one.checkVisibility()).map((one) => one.outerHTML)"
        )
        assert shown == []
        expect(page.locator("#part-root-cause")).to_be_visible()
    assert faults(browser, served, f"{paper}?edit=root-cause", f"{paper}/versions") == []
