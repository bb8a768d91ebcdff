"""A real `playcall serve` and a Slack of our own: the page, the channels, a button, a restart."""

from pathlib import Path

import httpx

from tests.drills.crash import PLAYBOOK
from tests.servers import smtp, wait_for
from tests.slack_fake import (
    SECRET,
    TOKEN,
    FakeChannel,
    FakeSlack,
    a_press,
    buttons,
    fake_slack,
    said,
    signed,
)
from tests.web.served import Served

CHANNELS = """
## Communication

### Chat channels

- **#s-alerts** - every alert
- **#s-incidents** - where an incident is worked on
- **#s-oncall** - the people on call
"""


def named(slack: FakeSlack, name: str) -> list[FakeChannel]:
    return [one for one in list(slack.channels.values()) if one.name == name]


def test_an_incident_is_paged_shown_and_acknowledged_in_slack(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    (tmp_path / "signing").write_text(SECRET, "utf-8")
    with smtp() as mailbox, fake_slack() as slack:
        alerts, incidents = slack.channel("other-name"), slack.channel("s-incidents")
        more = (
            'slack = "UADA00001"\nmethods = ["slack", "mail"]\n'
            f'[slack]\ntoken_file = "token"\nsigning_secret_file = "signing"\nurl = "{slack.url}"\n'
            f'[slack.channels]\n"#s-alerts" = "{alerts.id}"\n'
        )
        served = Served(tmp_path, mailbox.port, PLAYBOOK + CHANNELS, more)
        served.start()
        try:
            served.fire()
            wait_for(lambda: len(incidents.shown()) == 1, "summary")
            wait_for(lambda: any(one.messages for one in named(slack, "UADA00001")), "page")
            page = slack.named("UADA00001").messages[0]
            assert "&lt;img src=x" in said(page)  # what the alert says marks nothing up
            body = a_press("UADA00001", "acknowledge", buttons(page)["Acknowledge"], slack.url)
            answer = httpx.post(f"{served.url}/slack/events", content=body, headers=signed(body))
            assert answer.status_code == 200
            wait_for(lambda: "Ada has it" in incidents.shown()[0], "edited message")
            assert any("You have #1" in said(one) for one in slack.answers)
            wait_for(lambda: bool(named(slack, "inc-1-service-slow")), "room")
            wait_for(lambda: "*Acknowledged by ada*" in incidents.shown(replies=True), "milestone")
            served.stop()
            served.start()
            wait_for(lambda: slack.count("conversations.list") > 1, "look after the restart")
        finally:
            served.stop()
        assert len(alerts.messages) == 1
        assert len(incidents.shown()) == 1
        assert incidents.shown(replies=True).count("*Acknowledged by ada*") == 1
        assert "Slack has no channel #s-oncall" in (tmp_path / "log").read_text("utf-8")
