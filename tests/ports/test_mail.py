"""Mail through a real SMTP server that takes it, refuses it, or says nothing."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.channels.mail import LARGEST_BODY, Mail
from playcall.core.message import Attachment, Message
from playcall.engine.ports import Unavailable
from tests.servers import Mailbox, certificate, free_port, mute_port, smtp

TO = "ada@example.org"


def a_mail(port: int, **options: object) -> Mail:
    settings = {"sender": "Playcall <playcall@example.org>", "instance": "playcall.example.org"}
    return Mail("127.0.0.1", port, **(settings | options))  # type: ignore[arg-type]


def a_message(**changes: object) -> Message:
    fields: dict[str, object] = {
        "subject": "CRITICAL: disk full",
        "body": "Look at it.",
        "link": "https://playcall.example.org/incidents/1?a=1&b=2",
        "thread": "incident-1",
        "urgent": True,
    }
    return Message(**(fields | changes))  # type: ignore[arg-type]


async def delivered(message: Message, key: str = "job-1") -> Mailbox:
    with smtp() as box:
        await a_mail(box.port).send(message, TO, key)
    return box


def text(box: Mailbox, kind: str = "plain") -> str:
    part = box.messages[0].get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


async def test_a_page_arrives_as_text_and_as_html_with_a_button() -> None:
    box = await delivered(a_message(body="<b>5 > 3 & ü</b>\nsecond line"))
    (mail,) = box.messages
    assert box.recipients == [TO]
    assert mail["subject"] == "CRITICAL: disk full"
    assert mail["from"] == "Playcall <playcall@example.org>"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["x-priority"] == "1"
    assert mail["date"] is not None
    assert text(box) == (
        "<b>5 > 3 & ü</b>\nsecond line\n\nhttps://playcall.example.org/incidents/1?a=1&b=2\n"
    )
    assert "&lt;b&gt;5 &gt; 3 &amp; ü&lt;/b&gt;\nsecond line" in text(box, "html")
    link = 'href="https://playcall.example.org/incidents/1?a=1&amp;b=2"'
    assert link in text(box, "html")


async def test_a_notice_is_not_urgent() -> None:
    box = await delivered(a_message(urgent=False))
    assert "x-priority" not in box.messages[0]


async def test_a_file_goes_with_it_as_it_is() -> None:
    file = Attachment(name="post-mortem-1.md", kind="text/markdown", data="# Größe\n".encode())
    box = await delivered(a_message(attachments=(file,)))
    (found,) = box.messages[0].iter_attachments()
    assert found.get_filename() == "post-mortem-1.md"
    assert found.get_content_type() == "text/markdown"
    assert found.get_payload(decode=True) == file.data
    assert text(box).startswith("Look at it.")


async def test_an_incident_is_one_thread_and_a_repetition_one_message() -> None:
    with smtp() as box:
        mail = a_mail(box.port)
        for subject, key in (("one", "job-1"), ("two", "job-2"), ("one", "job-1")):
            await mail.send(a_message(subject=subject), TO, key)
        await mail.send(a_message(thread="incident-2"), TO, "job-3")
    first, second, again, other = box.messages
    assert first["message-id"] == again["message-id"] != second["message-id"]
    assert first["message-id"].endswith("@playcall.example.org>")
    assert first["references"] == second["references"] == second["in-reply-to"]
    assert first["references"] != other["references"]


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("a\r\nBcc: eve@example.org", "a Bcc: eve@example.org"),
        ("a\n\n<script>", "a <script>"),
        ("a\u2028b\x00c\x1bd", "a b c d"),
        ("\u202egnp.exe\u2066x\u200f", "gnp.exex"),
        ("ü" * 300, "ü" * 199 + "…"),
        ("=?utf-8?q?a=0ABcc:_=E2=80=AE?=", "= ?utf-8?q?a=0ABcc:_=E2=80=AE?="),
        ("", ""),
        ("half \ud800 a pair", "half a pair"),
    ],
)
async def test_a_subject_is_one_harmless_line(subject: str, shown: str) -> None:
    box = await delivered(a_message(subject=subject))
    assert str(box.messages[0]["subject"] or "") == shown
    assert "bcc" not in box.messages[0]
    assert box.recipients == [TO]


async def test_a_body_cannot_end_the_mail_early_nor_grow_without_bound() -> None:
    box = await delivered(a_message(body="first\n.\nMAIL FROM:<eve>\n" + "ü" * LARGEST_BODY))
    assert "first\n.\nMAIL FROM:<eve>\n" in text(box)
    assert f"[{LARGEST_BODY + 24} bytes left out here" in text(box)
    assert len(text(box).encode()) < LARGEST_BODY + 300


async def test_a_body_of_control_characters_and_endless_lines_arrives() -> None:
    box = await delivered(a_message(body="a\x00b\x1b[2J\r\nc\rd " + "x" * 5000))
    assert "a�b�[2J\nc\nd xxx" in text(box)


async def test_a_link_that_is_none_is_not_a_button() -> None:
    box = await delivered(a_message(link='javascript:alert("1")'))
    assert "href" not in text(box, "html")


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@x\r\nBcc: eve@y", "a@x, b@y", "<a@x>", "a b@x", "a@b@c"]
)
async def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with smtp() as box, pytest.raises(Unavailable, match="not a mail address") as refused:
        await a_mail(box.port).send(a_message(), address, "k")
    assert refused.value.permanent
    assert not box.messages


@pytest.mark.parametrize(
    ("rcpt", "data", "permanent"),
    [
        ("550 no such user", "250 ok", True),
        ("450 greylisted", "250 ok", False),
        ("250 ok", "554 spam", True),
        ("250 ok", "452 disk full", False),
    ],
)
async def test_a_refusal_is_for_good_only_if_the_server_says_so(
    rcpt: str, data: str, permanent: bool
) -> None:
    with smtp() as box:
        box.rcpt_answer, box.data_answer = rcpt, data
        said = (data if rcpt.startswith("250") else rcpt).split(" ", 1)[1]
        with pytest.raises(Unavailable, match=said) as refused:
            await a_mail(box.port).send(a_message(), TO, "k")
    assert refused.value.permanent is permanent


async def test_a_server_that_is_gone_or_hangs_may_come_back() -> None:
    quick = timedelta(milliseconds=300)
    with mute_port() as mute:
        for port in (free_port(), mute):
            with pytest.raises(Unavailable, match=f"127.0.0.1:{port}") as refused:
                await a_mail(port, timeout=quick).send(a_message(), TO, "k")
            assert not refused.value.permanent
    with smtp() as box:
        box.data_answer = "hang"
        with pytest.raises(Unavailable, match="did not answer in time") as refused:
            await a_mail(box.port, timeout=quick).send(a_message(), TO, "k")
        assert not refused.value.permanent
        box.release.set()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_password_goes_over_tls_only_and_a_wrong_one_is_named(
    tls: str, tmp_path: Path
) -> None:
    context, trusted = certificate(tmp_path)
    known = ssl.create_default_context(cafile=trusted)
    with smtp(tls=context, implicit=tls == "implicit", password="hush") as box:
        options = {"tls": tls, "username": "playcall", "tls_context": known}
        await a_mail(box.port, password="hush", **options).send(a_message(), TO, "k")
        assert len(box.messages) == 1
        with pytest.raises(Unavailable, match="user name or password") as refused:
            await a_mail(box.port, password="wrong", **options).send(a_message(), TO, "k")
        assert refused.value.permanent
        with pytest.raises(Unavailable) as untrusted:
            await a_mail(box.port, tls=tls).send(a_message(), TO, "k")
        assert not untrusted.value.permanent
    assert len(box.messages) == 1


async def test_a_server_without_tls_gets_no_mail_that_wants_it() -> None:
    with smtp() as box, pytest.raises(Unavailable, match=r"STARTTLS.*\.tls"):
        await a_mail(box.port, tls="starttls").send(a_message(), TO, "k")
    assert not box.messages
    with pytest.raises(ValueError, match='tls: "maybe"'):
        a_mail(25, tls="maybe")
