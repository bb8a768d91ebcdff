"""One message to everybody, at once, with and without an incident; over HTTP and by its script."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from playcall.core.communication import Audience
from playcall.core.events import NoteAdded
from playcall.engine.ports import Unavailable
from playcall.testing import a_plan, an_alert
from tests.engine.world import World
from tests.servers import free_port, receiver, smtp
from tests.web.served import TOKEN, Served
from tests.web.site import INTAKE, Site, site_of

SCRIPT = Path(__file__).parents[2] / "examples/dwcp-v3/scripts/notify-emergency.sh"
SOURCE = Path(__file__).parents[2] / "src"
TELLING = """
### Stakeholders

#### Critical Incidents
- Initial: Within 5 minutes
- Updates: Every 15 minutes
- Recipients: On-Call Primary
"""


def an_audience(*recipients: str) -> Audience:
    return Audience(
        name="Stakeholders",
        severity=None,
        first_within=timedelta(minutes=5),
        every=timedelta(minutes=15),
        recipients=recipients,
        line=1,
    )


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    plan = replace(a_plan(), audiences=(an_audience("Team Lead", "On-Call Primary", "Nobody Yet"),))
    async with site_of(World(folder=tmp_path, plan=plan)) as site:
        yield site


async def tell(site: Site, who: str, **body: Any) -> Any:
    async with site.asking(who) as asking:
        return await asking.post("/api/v1/emergencies", json={"message": "HALTED", **body})


async def test_everybody_the_document_names_is_told_without_an_incident(site: Site) -> None:
    answer = await tell(site, "ada")
    assert answer.status_code == 200
    told = answer.json()
    assert [(one["person"], one["channel"]) for one in told["told"]] == [
        ("bob", "mail"),
        ("ada", "mail"),
    ]
    assert (told["unbound"], told["incidents"]) == (["Nobody Yet"], [])
    (message,) = {one for _, one, _ in site.world.mail.sent}
    assert message.subject == "[EMERGENCY] HALTED"
    assert message.body == "HALTED\n\nSent by Ada."
    assert message.incident is None


async def test_the_next_method_is_used_and_whoever_has_none_is_named(site: Site) -> None:
    site.world.mail.broken = Unavailable("the mail server is down")
    told = (await tell(site, "ada")).json()["told"]
    assert told[0]["channel"] == ""
    assert told[0]["failures"] == ["mail: the mail server is down"]
    assert (told[1]["channel"], told[1]["failures"]) == ("chat", ["mail: the mail server is down"])


async def test_an_open_incident_has_it_on_record(site: Site) -> None:
    await site.world.receive(an_alert())
    await site.world.until(lambda found: True, "there")
    assert (await tell(site, "ada")).json()["incidents"] == [1]
    dossier = await site.world.dossier()
    assert dossier
    notes = [one.event for one in dossier.events if isinstance(one.event, NoteAdded)]
    assert [(one.by, one.text) for one in notes] == [
        ("ada", "Emergency message: HALTED (told bob by mail, ada by mail)")
    ]


async def test_only_responders_send_and_only_words(site: Site) -> None:
    assert (await tell(site, "vic")).status_code == 403
    async with site.asking() as stranger, site.asking(token=INTAKE) as intake:
        for asking in (stranger, intake):
            refused = await asking.post("/api/v1/emergencies", json={"message": "x"})
            assert refused.status_code == 401
    assert (await tell(site, "ada", message=" \n")).status_code == 422
    assert (await tell(site, "ada", message="x" * 2001)).status_code == 422
    assert site.world.mail.sent == []


async def test_others_may_be_named_and_a_document_without_stakeholders_asks_for_them(
    tmp_path: Path,
) -> None:
    async with site_of(World(folder=tmp_path)) as site:
        assert (await tell(site, "ada")).status_code == 409
        told = (await tell(site, "ada", roles=["bob", "Team Lead"])).json()["told"]
        assert [one["person"] for one in told] == ["bob"]


# --- the script -----------------------------------------------------------------------------------


def notify(**env: str) -> tuple[int, str]:
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join([here, os.environ["PATH"]])
    done = subprocess.run(
        [SCRIPT, "DWCP v3 ROLLOUT HALTED"],
        env={"PATH": path, "PYTHONPATH": str(SOURCE), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Any]]:
    from tests.drills.crash import PLAYBOOK

    with smtp() as mailbox:
        folder = tmp_path_factory.mktemp("served")
        found = Served(folder, mailbox.port, PLAYBOOK + TELLING)
        found.start()
        yield found, mailbox
        found.stop()


def test_the_script_tells_the_stakeholders_by_the_server(served: tuple[Served, Any]) -> None:
    server, mailbox = served
    with receiver() as chat:
        code, said = notify(
            PLAYCALL_URL=server.url, PLAYCALL_TOKEN=TOKEN, CHAT_WEBHOOK_URL=chat.url
        )
    assert (code, said) == (0, "sent to the chat\ntold Ada by mail\n")
    assert [str(one["subject"]) for one in mailbox.messages] == [
        "[EMERGENCY] DWCP v3 ROLLOUT HALTED"
    ]
    assert b"ROLLOUT HALTED" in chat.requests[0].body


def test_without_a_server_the_script_mails_by_itself() -> None:
    with smtp() as mailbox:
        code, said = notify(
            PLAYCALL_URL=f"http://127.0.0.1:{free_port()}",
            PLAYCALL_TOKEN=TOKEN,
            STAKEHOLDERS="a@example.org b@example.org",
            MAIL_URL=f"smtp://127.0.0.1:{mailbox.port}",
        )
    assert code == 0
    assert "does not answer" in said
    assert mailbox.recipients == ["a@example.org", "b@example.org"]


def test_stakeholders_who_cannot_be_told_are_a_failure_whatever_the_chat_took() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with receiver() as chat:
        code, said = notify(PLAYCALL_URL=nowhere, PLAYCALL_TOKEN=TOKEN, CHAT_WEBHOOK_URL=chat.url)
    assert code == 1
    assert "sent to the chat" in said
    assert "NOT told: the stakeholders" in said


def test_when_nobody_can_be_told_the_script_fails() -> None:
    code, said = notify()
    assert code == 1
    assert said.startswith("Nobody was told")
