"""The incident page in a real Chromium, on a phone: by touch, live, and with JavaScript off."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from playcall.settings import hash_token
from tests.drills.crash import PLAYBOOK
from tests.servers import free_port, smtp, wait_for

TOKEN = "a token of the test"
PHONE: ViewportSize = {"width": 360, "height": 740}
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield found
        found.close()


class Served:
    """A real `playcall serve`, and an incident in it."""

    def __init__(self, folder: Path, mail_port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = folder / "playcall.toml"
        self._log = folder / "log"
        (folder / "playbook.md").write_text(PLAYBOOK, "utf-8")
        (folder / "bin").mkdir()
        script = folder / "bin" / "mend-latency"
        script.write_text("#!/bin/sh\necho mended once\n", "utf-8")
        script.chmod(0o755)
        path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
        token = hash_token(TOKEN)
        self._settings.write_text(
            f'[server]\nport = {self.port}\n[documents]\nplaybook = "playbook.md"\n'
            f'[intake]\ntokens = ["{token}"]\n'
            f'[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsender = "p@example.org"\n'
            f'[runner.env]\nPATH = "{path}"\n'
            '[on_call]\n"On-Call Primary" = ["ada"]\n"On-Call Secondary" = ["ada"]\n'
            f'[people.ada]\nname = "Ada"\naccess = "commander"\nmail = "ada@example.org"\n'
            f'tokens = ["{token}"]\n',
            "utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-m", "playcall", "serve", "--settings", str(self._settings)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        wait_for(self._answers, f"Playcall\n{self._log.read_text()}", 20)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def fire(self) -> None:
        alert: dict[str, Any] = {
            "status": "firing",
            "labels": {"alertname": "ServiceSlow", "severity": "critical"},
            "annotations": {"summary": f"it is slow {HOSTILE}"},
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "f1",
        }
        answer = httpx.post(
            f"{self.url}/api/v1/alerts/alertmanager",
            json={"version": "4", "receiver": "r", "groupKey": "g", "alerts": [alert]},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status_code == 202, answer.text
        headers = {"Authorization": f"Bearer {TOKEN}"}
        listed = f"{self.url}/api/v1/incidents"
        wait_for(lambda: bool(httpx.get(listed, headers=headers).json()), "incident")

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/sign-in").status_code == 200
        return False


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path, mailbox.port)
        made.start()
        made.fire()
        yield made
        made.stop()


@contextlib.contextmanager
def phone(browser: Browser, served: Served, javascript: bool = True) -> Iterator[Page]:
    """A phone that is signed in and shows the incident."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=javascript, has_touch=True)
    page = context.new_page()
    page.goto(f"{served.url}/incidents/1")
    page.fill("#token", TOKEN)
    page.click("button.primary")
    page.wait_for_url("**/incidents/1", wait_until="load")
    yield page
    context.close()


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


def test_a_page_left_open_survives_a_restart(browser: Browser, served: Served) -> None:
    with phone(browser, served) as page:
        served.stop()
        expect(page.locator("#connection")).to_be_visible()
        served.start()
        expect(page.locator("#connection")).to_be_hidden(timeout=15_000)
        page.tap("#acknowledge")
        expect(page.locator("#status")).to_have_text("acknowledged")


def test_nothing_is_wider_than_the_phone(browser: Browser, served: Served) -> None:
    with phone(browser, served) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
