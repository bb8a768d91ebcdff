"""What every page has, in a real Chromium: the live board, search, keys, times, no connection."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.servers import smtp
from tests.web.accessibility import DESK, faults, signed_in, violations
from tests.web.served import PHONE, Served, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        found = Served(tmp_path_factory.mktemp("served"), mailbox.port)
        found.start()
        found.fire()
        found.fire("DiskFull")
        yield found
        found.stop()


def test_the_open_board_shows_and_says_what_is_new(browser: Browser, served: Served) -> None:
    with signed_in(browser, served) as page:
        page.goto("/")
        expect(page).to_have_title("(2) Incidents · Playcall")
        expect(page.locator("#news")).to_be_empty()
        served.fire("QueueLong")
        expect(page.locator("#incident-3")).to_be_visible()
        expect(page.locator("#news")).to_contain_text("New: CRITICAL QueueLong")
        expect(page).to_have_title("(3) Incidents · Playcall")


def test_nothing_is_inaccessible_or_wider_than_the_phone(browser: Browser, served: Served) -> None:
    assert faults(browser, served, "/", "/incidents", "/search?q=slow") == []
    with signed_in(browser, served, theme="dark") as page:
        page.goto("/incidents/1")
        page.keyboard.press("Control+k")
        expect(page.locator("#found li").first).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("Turn single keys off")
        assert violations(page) == []


def test_search_by_keyboard_leads_and_never_acts(browser: Browser, served: Served) -> None:
    with signed_in(browser, served, DESK) as page:
        page.goto("/incidents/1")
        page.keyboard.press("/")
        box = page.get_by_role("combobox")
        expect(box).to_be_focused()
        box.fill("snooze")
        expect(page.locator("#found li")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("#snooze")).to_have_attribute("open", "")
        expect(page.locator("#snooze button").first).to_be_focused()
        page.keyboard.press("Control+k")
        box.fill("DiskFull")
        expect(page.locator("#found li").first).to_contain_text("#2")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        page.wait_for_url("**/incidents/2")
        assert "acknowledged" not in page.inner_text("#status")
        page.keyboard.press("Control+k")
        box.fill("mend-latency")
        expect(page.locator("#found li").first).to_contain_text("command")
        page.keyboard.press("Enter")
        page.wait_for_url("**/playbooks/playbook.md#L*")


def test_keys_lead_about_and_can_be_turned_off(browser: Browser, served: Served) -> None:
    with signed_in(browser, served, DESK) as page:
        page.goto("/incidents")
        links = page.locator("main ul.board a")
        for key, number in (("j", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            expect(links.nth(number)).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/incidents/\d$"))
        page.keyboard.press("a")
        expect(page.locator("#acknowledge")).to_be_focused()
        page.fill("#note", "")
        page.type("#note", "go? a/j")
        assert page.input_value("#note") == "go? a/j", "no key acts inside a field"
        page.locator("#note").blur()
        page.keyboard.type("go")
        page.wait_for_url("**/on-call")
        page.keyboard.press("?")
        page.click("text=Turn single keys off")
        page.keyboard.press("Escape")
        page.keyboard.type("gb?/")
        page.wait_for_timeout(200)
        assert page.url.endswith("/on-call")
        assert not page.locator("dialog[open]").count()
        page.keyboard.press("Control+k")
        expect(page.get_by_role("combobox")).to_be_focused()


def test_times_are_in_the_readers_zone_with_utc_beside(browser: Browser, served: Served) -> None:
    with signed_in(browser, served, zone="Asia/Kolkata") as page:
        for path in ("/", "/incidents/1"):
            page.goto(path)
            times = page.locator("main time:not([data-tick]):visible")
            expect(times.first).to_contain_text("UTC")
            for written, at in zip(times.all_inner_texts(), times.all(), strict=True):
                hour, minute = re.findall(r"(\d\d):(\d\d)", written)[0]
                moment = at.get_attribute("datetime") or ""
                local = (int(moment[11:13]) * 60 + int(moment[14:16]) + 330) % 1440
                assert int(hour) * 60 + int(minute) == local, written
                assert f"{moment[11:16]} UTC" in written


def test_without_javascript_there_is_a_page_for_it(browser: Browser, served: Served) -> None:
    with signed_in(browser, served, javascript=False) as page:
        page.goto("/")
        expect(page.locator("#incident-1 time").first).to_contain_text("UTC")
        page.click("text=Search")
        page.fill("input[name=q]", "DiskFull")
        page.keyboard.press("Enter")
        page.click("main ul.board a")
        page.wait_for_url("**/incidents/2")


def test_first_page_is_small_the_second_costs_one_request_and_none_works_without_a_server(
    browser: Browser, served: Served
) -> None:
    with signed_in(browser, served, PHONE) as page:
        client = page.context.new_cdp_session(page)
        asked: list[tuple[str, bool]] = []
        client.send("Network.enable")
        client.on(
            "Network.responseReceived",
            lambda got: asked.append(
                (got["response"]["url"], got["response"].get("fromDiskCache", False))
            ),
        )
        sizes: list[float] = []
        client.on("Network.loadingFinished", lambda got: sizes.append(got["encodedDataLength"]))
        page.goto("/")
        page.evaluate("navigator.serviceWorker.ready")
        assert sum(sizes) < 100_000, "page, styles and scripts"
        trouble = client.send("Page.getInstallabilityErrors")["installabilityErrors"]
        assert [one["errorId"] for one in trouble] == ["in-incognito"]
        asked.clear()
        page.goto("/incidents", wait_until="networkidle")
        cost = [url for url, kept in asked if not kept and "/icon" not in url]  # they come when
        assert cost == [f"{served.url}/incidents"]  # the browser likes
        served.stop()
        page.goto("/incidents/1")
        expect(page.locator("h1")).to_have_text("No connection to Playcall")
        expect(page.locator("#seen time")).to_contain_text("UTC")
        assert "ServiceSlow" not in page.content(), "nothing of an incident is kept"
        served.start()
        page.click("#again")
        expect(page.locator("h1")).to_contain_text("ServiceSlow")
