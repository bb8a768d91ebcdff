"""Somebody who is paged and sees an incident through on the pages: by touch, by keyboard alone, or
with JavaScript off; on a network that is as bad as wished."""

import contextlib
import re
from collections.abc import Iterator
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.servers import Mailbox, wait_for
from tests.web.accessibility import Theme
from tests.web.served import TOKEN

Way = Literal["touch", "keyboard", "no-javascript"]
SLOW = {  # 400 kbit/s, 400 ms
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}
PATIENCE = 40_000  # milliseconds until something is seen
TABS = 250  # presses of Tab until something must have been reached


class Person:
    """Presses, types and looks, in one way only."""

    def __init__(self, page: Page, way: Way) -> None:
        self.page = page
        self._way = way

    def press(self, wanted: Locator) -> None:
        self.sees(wanted)
        if self._way == "keyboard":
            self._reach(wanted)
            self.page.keyboard.press("Enter")
        elif self._way == "touch":
            wanted.tap()
        else:
            with self.page.expect_navigation():
                wanted.tap()

    def write(self, wanted: Locator, text: str) -> None:
        self.sees(wanted)
        if self._way == "keyboard":
            self._reach(wanted)
        else:
            wanted.tap()
        self.page.keyboard.type(text)

    def sees(self, wanted: Locator) -> None:
        """Sooner or later; without JavaScript by loading the page again and again."""
        if self._way != "no-javascript":
            expect(wanted.first).to_be_visible(timeout=PATIENCE)
            return

        def seen() -> bool:
            if wanted.first.is_visible():
                return True
            self.page.reload()
            return wanted.first.is_visible()

        wait_for(seen, f"sight of {wanted}", PATIENCE / 1000)

    def _reach(self, wanted: Locator) -> None:
        for _ in range(TABS):
            if wanted.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {wanted}")


class Traffic:
    """Bytes that a page has taken from the network: what is not said of a piece, as unpacked."""

    def __init__(self, page: Page) -> None:
        self._bytes = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.dataReceived", self._count)

    def _count(self, event: dict[str, int]) -> None:
        self._bytes += event["encodedDataLength"] or event["dataLength"]

    def taken(self) -> int:
        """Since it was last asked."""
        found, self._bytes = self._bytes, 0
        return found


@contextlib.contextmanager
def somebody(
    browser: Browser, way: Way, size: ViewportSize, theme: Theme, slow: bool
) -> Iterator[Person]:
    """With a browser of their own, signed in nowhere."""
    context = browser.new_context(
        viewport=size,
        color_scheme=theme,
        has_touch=way != "keyboard",
        java_script_enabled=way != "no-javascript",
    )
    page = context.new_page()
    if slow:
        context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)
    try:
        yield Person(page, way)
    finally:
        context.close()


def link_of(mailbox: Mailbox, incident: int) -> str:
    """The page that a mail about the incident leads to."""

    def links() -> list[str]:
        texts = [one.get_body(("plain",)) for one in mailbox.messages]
        said = "\n".join(text.get_content() for text in texts if text is not None)
        return re.findall(rf"http\S+/incidents/{incident}(?=\s)", said)

    wait_for(lambda: bool(links()), f"mail about incident {incident}")
    return links()[0]


def arrive(person: Person, link: str) -> None:
    """By the link, past the sign-in that stands before it."""
    person.page.goto(link)
    person.write(person.page.get_by_label("token"), TOKEN)
    person.press(person.page.get_by_role("button", name="Sign in"))
    person.page.wait_for_url(link)


def see_through(person: Person, link: str) -> None:
    """From the link in the mail to the post-mortem."""
    page = person.page
    arrive(person, link)
    person.press(page.get_by_role("button", name="Acknowledge", exact=True))
    person.sees(page.get_by_text("acknowledged", exact=True))
    person.sees(page.get_by_text("Linux", exact=True))  # what a diagnostic has found
    person.press(page.get_by_role("button", name="YES", exact=True))
    person.sees(page.get_by_role("main").get_by_text("Hotfix", exact=True))
    person.press(page.get_by_role("button", name="Approve and run: Mend it"))
    person.sees(page.get_by_text("mended", exact=True))
    person.sees(page.get_by_text("recovered", exact=True))
    person.write(page.get_by_label("Root cause"), "a cable, half plugged in")
    person.press(page.get_by_role("button", name="Resolve", exact=True))
    person.press(page.get_by_role("link", name="Post-mortem").first)
    person.sees(page.get_by_role("main").get_by_text("a cable, half plugged in"))
    page.wait_for_url("**/post-mortem")
