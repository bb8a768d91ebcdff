"""Values for placeholders, from a terminal and on the page, against a real server."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.drills.crash import PLAYBOOK
from tests.servers import smtp, wait_for
from tests.test_cli_response import playcall
from tests.web.served import TOKEN, Served, chromium, phone

PARAMETERS = PLAYBOOK.replace(
    "cat /proc/loadavg", "echo 'error from 10.0.0.7, then from 10.0.0.9, from 10.0.0.7'"
)
PARAMETERS = PARAMETERS.replace("sleep 0.3", "head -n <count> /proc/loadavg")
BLOCKS = [f"mend-latency --block {name}_IP" for name in ("PROBLEM", "TARGET", "OTHER")]
PARAMETERS = PARAMETERS.replace("mend-latency", "\n   ".join(BLOCKS))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with smtp() as mailbox:
        made = Served(tmp_path_factory.mktemp("served"), mailbox.port, PARAMETERS)
        made.start()
        made.fire()
        wait_for(lambda: run_of(made, "1.1").get("exit_code") == 0, "the first look")
        yield made
        made.stop()


def run_of(served: Served, wanted: str) -> dict[str, Any]:
    """Empty until there is one."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    found = httpx.get(f"{served.url}/api/v1/incidents/1", headers=headers).json()["commands"]
    run: dict[str, Any] | None = next(one["run"] for one in found if one["id"] == wanted)
    return run or {}


def test_from_a_terminal_values_are_asked_for_checked_and_on_record(served: Served) -> None:
    code, told = playcall(served, "approve", "1", "2.1")
    assert code == 1
    assert "PROBLEM_IP (IP address, for 2.1): no value yet" in told
    assert "10.0.0.7  twice in the output of 1.1" in told
    assert "playcall approve 1 2.1 --set 'PROBLEM_IP=VALUE'" in told
    code, told = playcall(served, "set", "1", "PROBLEM_IP=10.0.0.300")
    assert (code, "write an address such as 10.0.0.7" in told) == (1, True)
    assert playcall(served, "set", "1", "count=1") == (0, "Incident 1: count is 1\n")
    wait_for(lambda: run_of(served, "1.2").get("exit_code") == 0, "it to run")
    code, told = playcall(served, "approve", "1", "2.1", "--set", "PROBLEM_IP=10.0.0.7")
    assert (code, "mend-latency --block '10.0.0.7'\n" in told) == (0, True)
    wait_for(lambda: run_of(served, "2.1").get("exit_code") == 0, "the change")
    run = run_of(served, "2.1")
    assert run["as_run"] == "mend-latency --block '10.0.0.7'"
    assert run["values"] == {"PROBLEM_IP": "10.0.0.7"}
    code, told = playcall(served, "set", "1")
    assert "given by ada, twice in the output of 1.1" in told
    code, told = playcall(served, "incidents", "1")
    assert "ada gave PROBLEM_IP the value 10.0.0.7 (twice in the output of 1.1)" in told


def test_without_javascript_a_value_is_typed_refused_and_taken(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served, javascript=False) as page:
        field = page.get_by_label("TARGET_IP")
        expect(field).to_have_accessible_description(
            "Write an address such as 10.0.0.7 or 2001:db8::7."
        )
        assert page.locator("#command-2-2").get_by_text("Approve and run").count() == 0
        field.fill("nobody")
        field.press("Enter")
        expect(page.locator("#refusal")).to_contain_text("'nobody' is not an IP address")
        page.go_back()
        page.get_by_role("button", name="Take 10.0.0.7 for TARGET_IP").tap()
        expect(page.locator("#command-2-2 .as-run")).to_have_text("mend-latency --block '10.0.0.7'")
        expect(page.locator("#command-2-2").get_by_text("Approve and run")).to_be_visible()


def test_with_javascript_a_value_is_kept_by_keyboard_and_may_be_changed(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served) as page:
        field, ready = page.get_by_label("OTHER_IP"), page.locator("#command-2-3 .as-run")
        field.fill("10.0.0.300")
        field.press("Enter")
        expect(page.locator("#problem")).to_contain_text("'10.0.0.300' is not an IP address")
        field.fill("10.0.0.8")
        field.press("Enter")
        expect(ready).to_have_text("mend-latency --block '10.0.0.8'")
        expect(page.locator("#timeline")).to_contain_text("ada gave OTHER_IP the value 10.0.0.8")
        field.fill("10.0.0.9")
        field.press("Enter")
        expect(ready).to_have_text("mend-latency --block '10.0.0.9'")
