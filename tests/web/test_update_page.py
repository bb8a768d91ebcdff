"""Telling people in a real Chromium: on a phone, without JavaScript, in one tap."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from playcall.cli import main
from tests.servers import smtp
from tests.web.served import PHONE, TOKEN, Served, chromium, phone

PLAYBOOK = """# Playbook

## Severity

| Level | Response Time | Escalation | Wake On-Call |
|---|---|---|---|
| **CRITICAL** | <5 minutes | Immediate | YES |

## Escalation Path

```
ALERT FIRES
    ↓
On-Call Primary (Page)
```

## Plays

### ServiceSlow

**Severity:** CRITICAL

#### Immediate Actions

1. **Look**
   ```bash
   uptime
   ```

#### Communication Template

```
Subject: [CRITICAL] Moves halted

Since: [TIMESTAMP]
Impact: [NUMBER] migrations affected
- [DECISION: HOTFIX or ROLLBACK]
Incident Commander: [NAME]
```

## Communication Protocols

### Status Page Updates

Update https://status.internal every 15 minutes during active incidents:

```markdown
[YYYY-MM-DD HH:MM] - INVESTIGATING
We are investigating slow moves of virtual machines.

[YYYY-MM-DD HH:MM] - IDENTIFIED
We know the cause and are applying a remedy.
```

### Stakeholder Notifications

**Critical Incidents:**
- Initial: Within 5 minutes
- Updates: Every 15 minutes
- Recipients: VP Engineering, CTO

## Post-Incident Process

### Immediate Actions (Within 1 Hour)

1. **Initial Summary**
   - Document timeline
   - Note outstanding questions
"""
MORE = '[people.bob]\nname = "Bob"\nmail = "bob@example.org"\n'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("served")
    with smtp() as mailbox:
        made = Served(folder, mailbox.port, PLAYBOOK, MORE)
        made.start()
        made.fire()
        yield made
        made.stop()


def test_on_a_phone_without_javascript_the_draft_goes_out_in_one_tap(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served, javascript=False) as page:
        expect(page.locator("#due-update")).to_contain_text("Next status update")
        page.click("#to-tell")
        page.wait_for_load_state()
        expect(page.locator("#due")).to_contain_text("Next status update due at")
        box = page.locator("#publish").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < PHONE["height"], "publish is not on the first screen"
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        expect(page.locator("#as-page")).to_contain_text("INVESTIGATING\nWe are investigating slow")

        page.click("#drafts a >> text=identified")
        assert page.input_value("#body").startswith("We know the cause and are applying a remedy.")
        page.fill("#body", "It is the [BRIEF DESCRIPTION] <b>")
        page.click("#preview")
        expect(page.locator("#why-not")).to_contain_text("fill in [BRIEF DESCRIPTION] first")
        expect(page.locator("#as-page")).to_contain_text("IDENTIFIED\nIt is the")
        page.fill("#body", "It is the network <b>.")
        page.click("#publish")
        expect(page.locator("#history")).to_contain_text("IDENTIFIED It is the network <b>.")
        expect(page.locator("#publish")).to_have_text("Publish update 2")


def test_a_template_asks_for_what_nobody_knows_and_is_sent(
    browser: Browser, served: Served
) -> None:
    with phone(browser, served) as page:
        page.goto(f"{served.url}/incidents/1/update")
        template = page.locator("#template-1")
        expect(template.locator(".tag.alarm")).to_have_count(3)
        page.get_by_label("Impact: [NUMBER] migrations affected").fill("37")
        page.get_by_label("- [DECISION: HOTFIX or ROLLBACK]").fill("ROLLBACK")
        page.get_by_label("Incident Commander: [NAME]").fill("Ada")
        page.click("#template-1 >> text=Fill in and preview")
        expect(page.locator("#filled-1")).to_contain_text("Impact: 37 migrations affected")
        page.click("#template-1 >> text=Send")
        expect(page.locator("main")).to_contain_text("Communication Template to On-Call Primary")


def test_the_same_from_a_terminal(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYCALL_URL", served.url)
    monkeypatch.setenv("PLAYCALL_TOKEN", TOKEN)
    assert main(["status", "1", "--state", "monitoring"]) == 0
    said = capsys.readouterr().out
    assert "MONITORING, due at " in said
    assert "  A remedy is in place. We are watching whether it holds." in said
    assert "Critical Incidents: 0 sent, next at " in said
    assert main(["status", "1", "--publish", "--text", "ETA: [TIME]"]) == 1
    assert "fill in [TIME] first" in capsys.readouterr().err
    assert main(["status", "1", "--publish", "--state", "monitoring"]) == 0
    assert "published, monitoring" in capsys.readouterr().out
    assert main(["status", "1"]) == 0
    assert "MONITORING (Ada): A remedy is in place." in capsys.readouterr().out


@pytest.mark.parametrize("javascript", [True, False])
def test_the_summary_goes_out_in_one_tap_and_again_by_a_tick(
    browser: Browser, served: Served, javascript: bool
) -> None:
    """The last of this incident. With JavaScript first; without, it was sent already."""
    token = {"Authorization": f"Bearer {TOKEN}"}
    end = {"cause": "a full disk", "unverified": True}
    httpx.post(f"{served.url}/api/v1/incidents/1/resolve", json=end, headers=token)
    with phone(browser, served, javascript=javascript) as page:
        if javascript:
            expect(page.locator("#duties")).to_contain_text("Goes to VP Engineering, CTO.")
            page.locator("#timeline a >> nth=-1").click()
            page.click("#pinning >> text=Important")
            page.wait_for_url("**/incidents/1#event-1")
            expect(page.locator("#event-1 .pin")).to_have_text("important")
            page.click("#send-summary")
        else:
            page.click("#summary-sent a")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            page.check("[name=again]")
            page.click("#send")
        expect(page.locator("#summary-sent")).to_contain_text("by ada")
        expect(page.locator("#duties .duty-state").first).to_have_text("done")
        sent = page.locator("#told li", has_text="ada sent the summary")
        expect(sent).to_have_count(1 if javascript else 2)
