"""A mail that comes back moves its page to the person's next method, once; nothing else does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playcall.channels.mail import compose
from playcall.core import events as ev
from playcall.core.message import Message
from playcall.intake.bounce import NoBounce, read_bounce
from playcall.testing import an_alert
from tests.engine.world import World
from tests.web.site import INTAKE, Site, site_of

PATH = "/api/v1/mail/bounces"
PAGE = Message(subject="s", body="b", link="", thread="t", urgent=True)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(World(folder=tmp_path)) as site:
        await site.world.receive(an_alert())
        await site.world.until_event(ev.PageDelivered)
        yield site


def a_report(key: str, action: str = "failed", kind: str = "message/rfc822") -> bytes:
    """As a mail server writes one."""
    ours = compose(PAGE, "playcall@example.org", "ada@example.org", key, "playcall.example")
    head = bytes(ours).decode().split("\r\n\r\n")[0]
    lines = [
        "From: MAILER-DAEMON@mx.example.org",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "I am sorry.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.org",
        "",
        "Final-Recipient: rfc822; ada@example.org",
        f"Action: {action}",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user",
        "",
        "--b",
        f"Content-Type: {kind}",
        "",
        head,
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


async def test_a_page_that_comes_back_goes_to_the_next_method_once(site: Site) -> None:
    [(_, _, key)] = site.world.mail.sent
    headers = {"authorization": f"Bearer {INTAKE}"}
    async with site.asking() as server:
        for _ in range(2):
            answer = await server.post(PATH, content=a_report(key), headers=headers)
            assert answer.status_code == 200, answer.text
        await site.world.until(lambda _: bool(site.world.chat.sent), "the next method")
        assert (await server.post(PATH, content=a_report(key))).status_code == 401
        unknown = await server.post(PATH, content=a_report("9.9.0.x"), headers=headers)
        assert unknown.status_code == 404
        delay = await server.post(PATH, content=a_report(key, "delayed"), headers=headers)
        assert delay.status_code == 422
    assert len(site.world.chat.sent) == 1
    found = await site.world.dossier()
    assert found is not None
    [failed] = [e.event for e in found.events if isinstance(e.event, ev.PageFailed)]
    assert "550 5.1.1 no such user" in failed.reason


def test_headers_alone_are_enough() -> None:
    assert read_bounce(a_report("1.1.0.ada", kind="text/rfc822-headers")).key == "1.1.0.ada"


@pytest.mark.parametrize("data", [b"", b"\xff" * 5000, b"Subject: hi\n\nout of office", b"\0"])
def test_what_is_no_report_is_none(data: bytes) -> None:
    with pytest.raises(NoBounce, match="no failed delivery"):
        read_bounce(data)
