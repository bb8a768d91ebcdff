"""A real `playcall serve` with an incident in it, and phones that are signed in to it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from playcall.settings import hash_token
from tests.drills.crash import PLAYBOOK
from tests.servers import free_port, wait_for

TOKEN = "a token of the test"
PHONE: ViewportSize = {"width": 360, "height": 740}
HOSTILE = '<img src=x onerror="document.title=1">'


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield found
        found.close()


class Served:
    """A real `playcall serve`, and an incident in it."""

    def __init__(
        self,
        folder: Path,
        mail_port: int,
        playbook: str = PLAYBOOK,
        more: str = "",
        *,
        port: int = 0,
        pace: float = 1,
        group_by: tuple[str, ...] = (),
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = folder / "playcall.toml"
        self._log = folder / "log"
        (folder / "playbook.md").write_text(playbook, "utf-8")
        (folder / "bin").mkdir(exist_ok=True)
        script = folder / "bin" / "mend-latency"
        script.write_text("#!/bin/sh\necho mended once\n", "utf-8")
        script.chmod(0o755)
        path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
        token = hash_token(TOKEN)
        self._settings.write_text(
            f'pace = {pace}\n[server]\nport = {self.port}\n[documents]\nplaybook = "playbook.md"\n'
            f'[intake]\ntokens = ["{token}"]\ngroup_by = {list(group_by)}\n'
            f'[mail]\nhost = "127.0.0.1"\nport = {mail_port}\nsender = "p@example.org"\n'
            f'[runner.env]\nPATH = "{path}"\n'
            '[on_call]\n"On-Call Primary" = ["ada"]\n"On-Call Secondary" = ["ada"]\n'
            f'[people.ada]\nname = "Ada"\naccess = "commander"\nmail = "ada@example.org"\n'
            f'tokens = ["{token}"]\n{more}',
            "utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def line_of(self, key: str) -> int:
        """Where a setting stands in its file."""
        lines = self._settings.read_text("utf-8").split("\n")
        return next(n for n, line in enumerate(lines, 1) if line.startswith(f"{key} = "))

    def start(self) -> None:
        argv = [sys.executable, "-m", "playcall", "serve", "--settings", str(self._settings)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            wait_for(lambda: self._has_ended() or self._answers(), "answer from Playcall")
            assert not self._has_ended(), self._log.read_text("utf-8")
        except AssertionError:
            self._process.kill()
            self._process.wait()
            raise

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def kill(self) -> None:
        """As a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)

    def fire(self, alert: str = "ServiceSlow", severity: str = "critical") -> None:
        fired: dict[str, Any] = {
            "status": "firing",
            "labels": {"alertname": alert, "severity": severity},
            "annotations": {"summary": f"it is slow {HOSTILE}"},
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": f"f1-{alert}",
        }
        answer = httpx.post(
            f"{self.url}/api/v1/alerts/alertmanager",
            json={"version": "4", "receiver": "r", "groupKey": "g", "alerts": [fired]},
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        assert answer.status_code == 202, answer.text
        headers = {"Authorization": f"Bearer {TOKEN}"}
        listed = f"{self.url}/api/v1/incidents"
        wait_for(lambda: alert in httpx.get(listed, headers=headers).text, "incident")

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/sign-in").status_code == 200
        return False


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
